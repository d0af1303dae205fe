"""Files that the model's code made, each once in the thread, whatever breaks."""

from __future__ import annotations

import asyncio
import tracemalloc
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from sqlalchemy import event

from bot.errors import FileRefused
from bot.files.container import Containers as Fetching
from bot.files.made import Computed
from bot.files.upload import upload
from bot.pace import Pace
from bot.responses import Made
from bot.slack import connect_slack
from tests.made_world import ADDRESS, CHART, COMPLETE, World, world
from tests.reply_world import lease
from tests.scenarios.seen import calls_of

__all__ = ["lease", "world"]


async def test_what_openai_no_longer_has_costs_a_word_and_no_other_file(world: World) -> None:
    old = Made("cntr_old", "cfile_7", "old <b>.png")
    world.openai.expired.add("cntr_old")
    notes = await world.deliver(Computed((old, CHART)))
    assert notes == ["old &lt;b&gt;.png could not be shared: OpenAI no longer has it. Ask me to make it again."]
    assert world.shared() == [["chart.png"]]
    assert world.openai.asked["content"] == 2, "what is gone is not asked for again"


async def test_an_expired_container_without_citations_costs_nothing(world: World) -> None:
    world.openai.expired.add("cntr_1")
    assert await world.deliver(Computed((), ("cntr_1",))) == []


@pytest.mark.parametrize("faults", [[500, 503], [0, 500]])
async def test_openais_faults_are_waited_out(world: World, faults: list[int]) -> None:
    world.openai.faults = faults
    assert await world.deliver(Computed((CHART,))) == []
    assert world.shared() == [["chart.png"]]
    assert any(f.content == b"\x89PNG chart" for f in world.slack.workspace.files.values()), "no half of it"


async def test_openai_that_stays_away_costs_a_word(world: World) -> None:
    world.openai.faults = [500, 500, 500]
    assert await world.deliver() == ["chart.png could not be shared: OpenAI did not answer."]
    assert world.shared() == [["sales.csv"]]


async def test_empty_and_very_large_files_get_a_word_and_memory_stays_flat(world: World) -> None:
    world.openai.add("cfile_6", "empty.csv", b"")
    world.openai.add("cfile_7", "large.bin", 49)
    world.openai.add("cfile_8", "larger.bin", 60)
    files = [Made("cntr_1", f"cfile_{n}", name) for n, name in ((6, "empty.csv"), (7, "large.bin"), (8, "larger.bin"))]
    tracemalloc.start()
    async with Fetching(world.llm, world.folder).fetched(files[1]) as (path, size):
        assert path.stat().st_size == size == 49 * 1024 * 1024
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * 1024 * 1024
    notes = await world.deliver(Computed((files[0], files[2])))
    assert notes == [
        "empty.csv could not be shared: it is empty.",
        "larger.bin could not be shared: it is larger than 50 MB.",
    ]


@pytest.mark.parametrize(
    ("method", "error", "word"),
    [
        (ADDRESS, "storage_limit_reached", "the workspace has no room for files"),
        (ADDRESS, "file_uploads_disabled", "the workspace takes no files"),
        (ADDRESS, "missing_scope", "I am not allowed to share files in Slack, please tell whoever runs me"),
        (ADDRESS, "something_new", "Slack did not take it"),
        (COMPLETE, "is_archived", "I cannot write here (any more)"),
        (COMPLETE, "posting_to_channel_denied", "I may not post here"),
    ],
)
async def test_slacks_refusals_become_words_without_slacks_own(
    world: World, method: str, error: str, word: str
) -> None:
    world.slack.faults.add(method, error=error, times=None)
    assert await world.deliver() == [f"chart.png, sales.csv could not be shared: {word}."]
    assert world.shared() == []


async def test_a_file_that_slack_refuses_does_not_take_the_others_with_it(world: World) -> None:
    world.slack.faults.add(
        COMPLETE,
        error="file_type_not_allowed",
        times=None,
        when=lambda a: any(f["title"] == "sales.csv" for f in a["files"]),
    )
    assert await world.deliver() == ["sales.csv could not be shared: the workspace takes no files of this type."]
    assert world.shared() == [["chart.png"]]


async def test_slacks_faults_on_the_way_are_waited_out(world: World) -> None:
    world.slack.faults.add(ADDRESS, status=500)
    world.slack.faults.add("files.upload", status=503)
    world.slack.faults.add(COMPLETE, error="ratelimited")
    assert await world.deliver(Computed((CHART,))) == []
    assert world.shared() == [["chart.png"]]


async def test_a_sharing_whose_answer_is_lost_is_not_repeated(world: World) -> None:
    world.slack.faults.add(COMPLETE, lost=True)
    assert await world.deliver() == []
    assert world.shared() == [["chart.png", "sales.csv"]]


async def test_nothing_is_shared_while_slack_cannot_say_whether_it_is(world: World) -> None:
    world.slack.faults.add(COMPLETE, lost=True)
    world.slack.faults.add("files.info", status=500, times=None)
    assert await world.deliver(Computed((CHART,))) == ["chart.png could not be shared: Slack did not answer."]
    world.slack.faults.clear()
    assert await world.deliver(Computed((CHART,))) == []
    assert world.shared() == [["chart.png"]]


async def test_neither_token_nor_content_goes_to_a_foreign_host(world: World, tmp_path: Path) -> None:
    seen: list[web.Request] = []

    async def foreign(request: web.Request) -> web.Response:
        seen.append(request)
        return web.Response()

    async def api(request: web.Request) -> web.Response:
        return web.json_response({"ok": True, "upload_url": elsewhere, "file_id": "F1"})

    async with _served(foreign) as elsewhere, _served(api) as url:
        path = tmp_path / "a.txt"
        path.write_bytes(b"secret")
        async with connect_slack("xoxb-1", f"{url}api/", Pace(None, "")) as client:
            with pytest.raises(FileRefused, match="did not take it"):
                await upload(client, path, "a.txt", 6)
    assert seen == []


async def test_the_uploads_address_gets_no_token_and_its_redirects_are_not_followed(tmp_path: Path) -> None:
    uploads: list[web.Request] = []

    async def server(request: web.Request) -> web.Response:
        if "api" in request.path:
            return web.json_response({"ok": True, "upload_url": f"{url}up", "file_id": "F1"})
        uploads.append(request)
        raise web.HTTPTemporaryRedirect(f"{url}elsewhere")

    async with _served(server) as url:
        path = tmp_path / "a.txt"
        path.write_bytes(b"secret")
        async with connect_slack("xoxb-1", f"{url}api/", Pace(None, "")) as client:
            with pytest.raises(FileRefused):
                await upload(client, path, "a.txt", 6)
    assert [r.path for r in uploads] == ["/up"]
    assert "Authorization" not in uploads[0].headers
    assert uploads[0].content_length == 6


class _served:  # noqa: N801  # reads as a verb
    """A server that answers everything with one handler; gives its address with a slash."""

    def __init__(self, handler: Any) -> None:
        app = web.Application()
        app.router.add_route("*", "/{rest:.*}", handler)
        self._runner = web.AppRunner(app, access_log=None)

    async def __aenter__(self) -> str:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}/"

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()


# -- killed at any point -------------------------------------------------------------------------------------------------


async def killed(world: World, when: asyncio.Event) -> None:
    """A run that dies at a moment."""
    run = asyncio.create_task(world.deliver())
    moment = asyncio.create_task(when.wait())
    await asyncio.wait([run, moment], return_when=asyncio.FIRST_COMPLETED)
    assert moment.done(), "it came through to its end"
    run.cancel()
    with suppress(asyncio.CancelledError):
        await run


@pytest.mark.parametrize("commits", range(1, 6))
async def test_killed_after_any_of_its_notes_each_file_still_comes_once(world: World, commits: int) -> None:
    there, left = asyncio.Event(), commits

    def committed(_: object) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            there.set()

    event.listen(world.database.engine.sync_engine, "commit", committed)
    await killed(world, there)
    event.remove(world.database.engine.sync_engine, "commit", committed)
    assert await world.deliver() == []
    assert sorted(n for names in world.shared() for n in names) == ["chart.png", "sales.csv"]


@pytest.mark.parametrize(
    ("method", "nth"), [(ADDRESS, 0), (ADDRESS, 1), ("files.upload", 0), ("files.upload", 1), (COMPLETE, 0)]
)
async def test_killed_while_a_call_is_on_its_way_each_file_still_comes_once(
    world: World, method: str, nth: int
) -> None:
    there = asyncio.Event()

    calls = 0

    def met(_: object) -> bool:
        nonlocal calls
        calls += 1
        if calls > nth:
            there.set()
        return calls > nth

    # Its effect comes, its answer does not; an upload's fault comes before its effect.
    status = {"status": 503} if method == "files.upload" else {"lost": True}
    world.slack.faults.add(method, when=met, **status)
    await killed(world, there)
    world.slack.faults.clear()
    assert await world.deliver() == []
    assert sorted(n for names in world.shared() for n in names) == ["chart.png", "sales.csv"]


async def test_killed_while_it_fetches_nothing_is_left_and_the_next_run_does_it(world: World) -> None:
    world.openai.hangs.clear()
    run = asyncio.create_task(world.deliver())
    async with asyncio.timeout(5):
        while not world.openai.asked["content"]:  # noqa: ASYNC110  # the server tells nobody
            await asyncio.sleep(0.01)
    run.cancel()
    with suppress(asyncio.CancelledError):
        await run
    assert not list(world.folder.glob("*"))
    world.openai.hangs.set()
    assert await world.deliver() == []
    assert world.shared() == [["chart.png", "sales.csv"]]


async def test_two_runs_at_once_share_each_file_from_the_same_upload(world: World) -> None:
    await asyncio.gather(world.deliver(Computed((CHART,))), world.deliver(Computed((CHART,))))
    ids = {f["id"] for args in calls_of(world.slack, COMPLETE) for f in args["files"]}
    assert len(ids) == 1
