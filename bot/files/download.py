"""Fetches files from Slack: only from Slack's own hosts, whole, never larger than allowed, and in pieces, so that memory stays flat."""

from __future__ import annotations

import asyncio
import hashlib
import re
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

import aiohttp
import structlog
from yarl import URL

from bot.errors import FileRefused, RateLimited, Retryable
from bot.files.kinds import EMPTY, too_large

log = structlog.get_logger()
HOSTS = ("slack.com", "slack-files.com", "slack-gov.com")  # and what is below them; downloads answer from several
REDIRECTS = 3
TIMEOUT = aiohttp.ClientTimeout(total=300, connect=5, sock_connect=5, sock_read=30)
PIECE = 256 * 1024  # bytes
HEAD = 8192  # bytes that tell what a file is
LEFT_SECONDS = 3600.0  # then nobody works on a file any more
SIGN_IN = re.compile(
    rb"<title>\s*slack\s*</title>|<title>[^<]*(?:sign|log)[ -]?in[^<]*slack|sign in to [^<]{0,80}slack", re.IGNORECASE
)
CHANGED = "it was deleted or changed while I was reading it"
SILENT = "Slack did not answer."


@dataclass(frozen=True, slots=True)
class Download:
    """A file's content on disk, alone in a folder that goes with it."""

    path: Path
    size: int
    sha256: str
    head: bytes  # its first bytes: enough to tell what it is
    mimetype: str  # what Slack said when it gave it out


class Downloads:
    """Fetches with the bot's token, which goes to Slack's hosts and the configured API's, and nowhere else."""

    def __init__(self, token: str, api_url: str, folder: Path, most_bytes: int) -> None:
        self._token, self._api = token, URL(api_url).origin()
        self._folder, self._most = folder, most_bytes

    @asynccontextmanager
    async def fetch(self, url: str, *, expected_size: int) -> AsyncIterator[Download]:
        """A file's content while the context lasts; what else is put into its folder goes with it. An `expected_size` of 0 is not known.

        Raises FileRefused with a word for the person, and Retryable where Slack does not answer.
        """
        folder = self._folder / uuid4().hex
        try:
            yield await self._whole(url, expected_size, folder / "content")
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def _whole(self, url: str, expected: int, path: Path) -> Download:
        """A short or broken answer is asked for once more: then Slack says what became of the file."""
        for last in (False, True):
            try:
                download = await self._once(url, path, expected)
            except aiohttp.ClientPayloadError as error:
                if last:
                    raise Retryable(f"download: {type(error).__name__}", said=SILENT) from error
                continue
            except (TimeoutError, aiohttp.ClientError) as error:
                raise Retryable(f"download: {type(error).__name__}", said=SILENT) from error
            except OSError as error:
                raise Retryable(f"download: {error.strerror}", said="I have no room to store files.") from error
            if download.size >= expected:
                return download
        raise FileRefused(CHANGED)

    async def _once(self, url: str, path: Path, expected: int) -> Download:
        await asyncio.to_thread(path.parent.mkdir, mode=0o700, parents=True, exist_ok=True)
        # No environment's proxy, no cookies: a request carries what stands here.
        session = aiohttp.ClientSession(timeout=TIMEOUT, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False)
        async with session:
            address = self._checked(url)
            for _ in range(REDIRECTS + 1):
                headers = {"Authorization": f"Bearer {self._token}", "Accept-Encoding": "identity"}
                async with session.get(address, headers=headers, allow_redirects=False) as response:
                    if response.status in (301, 302, 303, 307, 308):
                        address = self._checked(response.headers.get("Location", ""), address)
                        continue
                    _judge(response)
                    download = await self._store(response, path)
                    if _is_sign_in(response, download, expected):
                        log.warning(
                            "Slack answered with its sign-in page: does the app have the scope files:read?",
                            **_told(url),
                        )
                        raise FileRefused("Slack does not let me download files; please tell whoever runs me")
                    if not download.size and not expected:
                        raise FileRefused(EMPTY)
                    return download
        log.warning("download goes round in circles", **_told(url))
        raise FileRefused("Slack does not give it out")

    def _checked(self, text: str, base: URL | None = None) -> URL:
        """An address that the token may be sent to. Raises FileRefused for any other."""
        try:
            url = base.join(URL(text)) if base else URL(text)
            if is_trusted(url, self._api):
                return url
            host = url.raw_host or ""
        except ValueError:
            host = "malformed"
        log.warning("download refused: not a host of Slack's", host=host, **_told(text))
        raise FileRefused("it is not stored at Slack, so I do not fetch it")

    async def _store(self, response: aiohttp.ClientResponse, path: Path) -> Download:
        if (response.content_length or 0) > self._most:
            raise FileRefused(too_large(response.content_length or 0, self._most))
        size, head, digest = 0, b"", hashlib.sha256()
        with await asyncio.to_thread(path.open, "wb") as file:
            async for piece in response.content.iter_chunked(PIECE):
                size += len(piece)
                if size > self._most:  # whatever was announced
                    raise FileRefused(too_large(0, self._most))
                head += piece[: HEAD - len(head)]
                await asyncio.to_thread(_write, file, digest, piece)
        return Download(path, size, digest.hexdigest(), head, response.content_type)


def is_trusted(url: URL, api: URL) -> bool:
    """Whether the bot's token may go to an address: one of Slack's by https, or the origin of the configured API."""
    if not url.absolute or url.user is not None or url.password is not None:
        return False
    host = (url.raw_host or "").lower()
    slacks = host in HOSTS or host.endswith(tuple(f".{h}" for h in HOSTS))
    return (slacks and url.scheme == "https" and url.port == 443) or url.origin() == api


def _write(file: BinaryIO, digest: hashlib._Hash, piece: bytes) -> None:
    file.write(piece)
    digest.update(piece)


def _judge(response: aiohttp.ClientResponse) -> None:
    """Raises what a status that gives no file means."""
    status = response.status
    if status == 200:
        return
    if status == 429:
        after = response.headers.get("Retry-After", "")
        raise RateLimited("download: HTTP 429", after=float(after) if after.isdigit() else 1.0, said=SILENT)
    if status >= 500 or status == 408:
        raise Retryable(f"download: HTTP {status}", said=SILENT)
    if status in (404, 410):
        raise FileRefused("it was deleted")
    raise FileRefused("Slack does not let me read it" if status in (401, 403) else "Slack does not give it out")


def _is_sign_in(response: aiohttp.ClientResponse, download: Download, expected: int) -> bool:
    """Whether this is Slack's page for signing in, which comes with HTTP 200, and not a page that somebody shared."""
    start = download.head.lstrip()[:20].lower()
    page = download.mimetype == "text/html" or start.startswith((b"<!doctype html", b"<html"))
    if not page or download.size == expected:
        return False
    wanted = not expected or response.url.path.lower().endswith((".html", ".htm"))  # of a canvas no size is known
    return not wanted or "redir" in response.url.query or bool(SIGN_IN.search(download.head))


def _told(url: str) -> dict[str, str]:
    """What the log may say of an address: the file's id, not its name."""
    found = re.search(r"\bF[A-Z0-9]{2,}\b", url)
    return {"file": found.group() if found else ""}


async def sweep(folder: Path) -> None:
    """Deletes what a killed process has left behind in the folder of temporary files."""
    await asyncio.to_thread(_sweep, folder)


async def keep_swept(folder: Path, every: float = LEFT_SECONDS) -> None:
    """Does so at once and `every` so many seconds: what a process leaves that is killed and started again is too young at its start."""
    while True:
        try:
            await sweep(folder)
        except OSError as error:
            log.warning("temporary files not swept", error=error.strerror)
        await asyncio.sleep(every)


def _sweep(folder: Path) -> None:
    for path in folder.iterdir() if folder.is_dir() else ():
        try:
            if path.stat().st_mtime < time.time() - LEFT_SECONDS:
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
        except FileNotFoundError:
            continue  # its owner was quicker
