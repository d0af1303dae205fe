"""Files come from Slack's own hosts only, whole, within limits, and without filling the memory."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

from bot.errors import FileRefused, RateLimited, Retryable
from bot.files.download import Download, Downloads, is_trusted, keep_swept, sweep

TOKEN = "xoxb-test"
MOST = 1_000_000
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[TestServer]:
    """A server that answers everything by one function."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    server = TestServer(app)
    async with server:
        yield server


@asynccontextmanager
async def fetched(
    handler: Handler, folder: Path, expected: int = 0, path: str = "/files/F0TEST/a.pdf", most: int = MOST
) -> AsyncIterator[Download]:
    """What comes of a file that the configured API's host serves by `handler`."""
    async with serving(handler) as server:
        downloads = Downloads(TOKEN, str(server.make_url("/api/")), folder, most)
        async with downloads.fetch(str(server.make_url(path)), expected_size=expected) as download:
            yield download


async def refused(
    handler: Handler, folder: Path, expected: int = 0, path: str = "/files/F0TEST/a.pdf", most: int = MOST
) -> str:
    """The word for a file that is not taken; nothing of it is left on disk."""
    with pytest.raises(FileRefused) as caught:
        async with fetched(handler, folder, expected, path, most):
            pass
    assert left(folder) == []
    return str(caught.value)


def left(folder: Path) -> list[str]:
    """What lies in a folder."""
    return [path.name for path in folder.iterdir()]


def answers(*responses: web.StreamResponse | int) -> Handler:
    """Answers by each in turn, then by the last of them."""
    coming: Iterator[web.StreamResponse | int] = iter(responses)
    now: list[web.StreamResponse | int] = [responses[0]]

    async def answer(request: web.Request) -> web.StreamResponse:
        now[0] = next(coming, now[0])
        said = now[0]
        if isinstance(said, web.Response):
            return web.Response(body=said.body, status=said.status, headers=said.headers)
        assert isinstance(said, int)
        return web.Response(status=said)

    return answer


# -- hosts and redirects -------------------------------------------------------------------------------------------------

API = URL("https://slack.com/api/").origin()
LOCAL = URL("http://127.0.0.1:8123/api/").origin()


@pytest.mark.parametrize(
    ("url", "trusted"),
    [
        ("https://files.slack.com/files-pri/T1-F1/a.pdf", True),
        ("https://files-origin.slack.com/a", True),  # where an Enterprise Grid sends one
        ("https://acme.enterprise.slack.com/a", True),
        ("https://slack-files.com/T1-F1-abc", True),
        ("https://files.slack-gov.com/a", True),
        ("http://127.0.0.1:8123/files/F1/a", True),
        ("http://files.slack.com/a", False),
        ("https://files.slack.com:8443/a", False),
        ("https://files.slack.com.evil.example/a", False),
        ("https://evilslack.com/a", False),
        ("https://slack.com@evil.example/a", False),
        ("https://token@files.slack.com/a", False),
        ("https://evil.example/?https://files.slack.com/", False),
        ("http://127.0.0.1:8124/files/F1/a", False),
        ("http://127.0.0.1/a", False),
        ("http://169.254.169.254/latest/meta-data", False),
        ("ftp://files.slack.com/a", False),
        ("file:///etc/passwd", False),
        ("/files/F1/a", False),
        ("", False),
    ],
)
def test_the_token_goes_to_slacks_hosts_and_the_configured_apis_only(url: str, trusted: bool) -> None:
    assert is_trusted(URL(url), LOCAL) is trusted
    if "127.0.0.1" in url:
        assert not is_trusted(URL(url), API)


async def test_a_foreign_host_is_not_even_asked(tmp_path: Path) -> None:
    asked: list[str] = []

    async def foreign(request: web.Request) -> web.Response:
        asked.append(request.headers.get("Authorization", ""))
        return web.Response(body=b"content")

    async with serving(foreign) as there:

        async def away(request: web.Request) -> web.Response:
            raise web.HTTPFound(str(there.make_url("/stolen")))

        downloads = Downloads(TOKEN, "https://slack.com/api/", tmp_path, MOST)
        for url in (str(there.make_url("/a")), "https://[bad", "not an address"):
            with pytest.raises(FileRefused, match=r"^it is not stored at Slack, so I do not fetch it$"):
                async with downloads.fetch(url, expected_size=0):
                    pass
        assert await refused(away, tmp_path) == "it is not stored at Slack, so I do not fetch it"
    assert asked == []


async def test_redirects_at_home_are_followed_with_the_token_and_not_for_ever(tmp_path: Path) -> None:
    seen: list[tuple[str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append((request.path, request.headers["Authorization"]))
        step = int(request.path[2:] or 0)
        if step < 3 or "endless" in request.query:
            raise web.HTTPFound(f"/a{step + 1}?{request.query_string}")
        return web.Response(body=b"content")

    async with fetched(answer, tmp_path, 7, "/a0") as download:
        assert download.path.read_bytes() == b"content"
    assert seen == [(f"/a{n}", f"Bearer {TOKEN}") for n in range(4)]
    assert await refused(answer, tmp_path, 7, "/a0?endless=1") == "Slack does not give it out"
    assert len(seen) == 8


# -- sizes, cuts, pages --------------------------------------------------------------------------------------------------


async def test_what_is_too_large_is_refused_before_and_while_it_comes(tmp_path: Path) -> None:
    sent = 0

    async def unannounced(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        for _ in range(400):
            try:
                await response.write(b"x" * 100_000)
            except ConnectionError:
                break
            sent += 100_000
        return response

    announced = answers(web.Response(body=b"x" * 2_345_678))
    assert await refused(announced, tmp_path, 10) == "it is too large (2.3 MB); I read files of up to 1 MB"
    assert await refused(unannounced, tmp_path, 10) == "it is too large; I read files of up to 1 MB"
    assert sent < 20_000_000


async def test_an_empty_file_is_called_so(tmp_path: Path) -> None:
    assert await refused(answers(web.Response()), tmp_path) == "it is empty"


def cut(content: bytes, announced: int) -> Handler:
    """Sends less than it announces, and hangs up."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(announced)})
        await response.prepare(request)
        await response.write(content)
        assert request.transport
        request.transport.close()
        return response

    return answer


def one_by_one(*handlers: Handler) -> Handler:
    coming = iter(handlers)

    async def answer(request: web.Request) -> web.StreamResponse:
        return await next(coming)(request)

    return answer


async def test_a_cut_download_is_fetched_once_more(tmp_path: Path) -> None:
    whole = answers(web.Response(body=b"whole content"))
    for broken in (cut(b"who", 13), answers(web.Response(body=b"who"))):
        async with fetched(one_by_one(broken, whole), tmp_path, 13) as download:
            assert download.path.read_bytes() == b"whole content"
            assert download.sha256 == hashlib.sha256(b"whole content").hexdigest()
    with pytest.raises(Retryable):
        async with fetched(cut(b"who", 13), tmp_path, 13):
            pass


async def test_a_file_that_is_deleted_while_it_is_fetched_says_so(tmp_path: Path) -> None:
    gone = answers(404)
    assert await refused(one_by_one(cut(b"who", 13), gone), tmp_path, 13) == "it was deleted"
    short = answers(web.Response(body=b"who"))
    assert await refused(short, tmp_path, 13) == "it was deleted or changed while I was reading it"


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (401, "Slack does not let me read it"),
        (403, "Slack does not let me read it"),
        (404, "it was deleted"),
        (410, "it was deleted"),
        (204, "Slack does not give it out"),
        (400, "Slack does not give it out"),
    ],
)
async def test_refusals_by_status(status: int, word: str, tmp_path: Path) -> None:
    assert await refused(answers(status), tmp_path) == word


async def test_a_fault_of_slacks_is_tried_again_later(tmp_path: Path) -> None:
    for status in (408, 500, 503):
        with pytest.raises(Retryable) as caught:
            async with fetched(answers(status), tmp_path):
                pass
        assert caught.value.said == "Slack did not answer."
    with pytest.raises(RateLimited) as limited:
        async with fetched(answers(web.Response(status=429, headers={"Retry-After": "7"})), tmp_path):
            pass
    assert limited.value.after == 7
    async with serving(answers(200)) as server:
        url = str(server.make_url("/"))
    with pytest.raises(Retryable):  # nobody serves there any more
        async with Downloads(TOKEN, url, tmp_path, MOST).fetch(url, expected_size=1):
            pass


PAGE = b"<!DOCTYPE html><html><head><title>%s</title></head><body>%s</body></html>"
SIGN_IN = PAGE % (b"Login | Slack", b"Sign in to Acme")


@pytest.mark.parametrize(
    ("body", "kind", "expected", "path", "sign_in"),
    [
        (SIGN_IN, "text/html", 5_000, "/F0/a.pdf", True),
        (SIGN_IN, "application/octet-stream", 5_000, "/F0/a.pdf", True),
        (PAGE % (b"Anything", b""), "text/html", 50, "/F0/a.pdf", True),
        (SIGN_IN, "text/html", 5_000, "/F0/a.html", True),
        (SIGN_IN, "text/html", 0, "/F0/canvas", True),
        (SIGN_IN, "text/html", len(SIGN_IN), "/F0/a.html", False),  # somebody shared just this
        (PAGE % (b"Wiki", b"Sign in to the VPN"), "text/html", 0, "/F0/canvas", False),
        (PAGE % (b"Wiki", b""), "text/html", 20, "/F0/a.html", False),
    ],
)
async def test_slacks_sign_in_page_is_not_taken_for_a_file_nor_a_shared_page_for_it(
    body: bytes, kind: str, expected: int, path: str, sign_in: bool, tmp_path: Path
) -> None:
    handler = answers(web.Response(body=body, content_type=kind))
    if sign_in:
        assert "does not let me download" in await refused(handler, tmp_path, expected, path)
    else:
        async with fetched(handler, tmp_path, expected, path) as download:
            assert download.path.read_bytes() == body


# -- memory, leftovers ---------------------------------------------------------------------------------------------------


async def test_memory_stays_flat_while_a_hundred_megabytes_pass(tmp_path: Path) -> None:
    piece = bytes(1_000_000)

    async def large(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(100 * len(piece))})
        await response.prepare(request)
        for _ in range(100):
            await response.write(piece)
        return response

    tracemalloc.start()
    try:
        async with fetched(large, tmp_path, 100_000_000, most=200_000_000) as download:
            _, peak = tracemalloc.get_traced_memory()
            assert download.size == download.path.stat().st_size == 100_000_000
    finally:
        tracemalloc.stop()
    assert peak < 12_000_000


async def test_a_download_that_is_cancelled_leaves_nothing(tmp_path: Path) -> None:
    begun = asyncio.Event()

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"x" * 1000)
        begun.set()
        await asyncio.sleep(0.5)
        return response

    async def fetch() -> None:
        async with fetched(endless, tmp_path):
            pass

    task = asyncio.create_task(fetch())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert left(tmp_path) == []


async def test_what_a_killed_process_left_is_swept_away_and_nothing_else(tmp_path: Path) -> None:
    await sweep(tmp_path / "tmp")  # nothing there yet
    for name in ("old", "new"):
        (tmp_path / "tmp" / name).mkdir(parents=True)
        (tmp_path / "tmp" / name / "content").write_text("x")
    (tmp_path / "tmp" / "file").write_text("x")
    for name in ("old", "file"):
        os.utime(tmp_path / "tmp" / name, (time.time() - 4000,) * 2)
    await sweep(tmp_path / "tmp")
    assert left(tmp_path / "tmp") == ["new"]


async def test_what_was_too_young_at_the_start_is_swept_later(tmp_path: Path) -> None:
    left = tmp_path / "left"
    left.mkdir()
    sweeping = asyncio.create_task(keep_swept(tmp_path, every=0.02))
    await asyncio.sleep(0.1)
    assert left.exists()
    os.utime(left, (0, 0))
    async with asyncio.timeout(5):
        while left.exists():  # noqa: ASYNC110  # a folder tells nobody
            await asyncio.sleep(0.02)
    sweeping.cancel()
    await asyncio.wait([sweeping])
