"""Files on their way out: streamed, guarded by the token, and as unpleasant as a test plants them."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from aiohttp import web

from playground.slack.calls import Call, Fault, Faults
from playground.slack.files import file_seen, vtt
from playground.slack.state import File, Json
from playground.slack.workspace import Workspace

LOGIN_PAGE = "<!DOCTYPE html><html><head><title>Slack</title></head><body>Sign in to Acme</body></html>"
LOGIN_PATH = "/workspace-signin"
CHUNK = 256 * 1024


class Downloads:
    """/files-pri and /files-tmb. In the call log they are "files.download" and "files.vtt"."""

    def __init__(self, workspace: Workspace, faults: Faults, log: Callable[[Call], None]) -> None:
        self._ws = workspace
        self._faults = faults
        self._log = log

    async def login(self, _: web.Request) -> web.Response:
        """Where people without a session are sent."""
        return web.Response(text=LOGIN_PAGE, content_type="text/html")

    async def transcript(self, request: web.Request) -> web.StreamResponse:
        """A clip's transcript as WebVTT."""
        file = self._found(request)
        if not self._allowed(request, file):
            self._note("files.vtt", file, "not_authed")
            return await self.login(request)
        if file is None or file.deleted or file.transcription != "complete":
            self._note("files.vtt", file, "file_not_found")
            return web.Response(status=404)
        self._note("files.vtt", file)
        return web.Response(text=vtt(file), content_type="text/vtt", charset="utf-8")

    async def download(self, request: web.Request) -> web.StreamResponse:
        """A file's bytes. Without the right token and scope Slack answers 200 with its login page."""
        file = self._found(request)
        fault = self._faults.take("files.download", {"file": file.id if file else ""}) or Fault("")
        await asyncio.sleep(fault.delay)
        if fault.lost:
            return _cut(request)
        if fault.status:
            return web.Response(status=fault.status)
        if fault.redirect:
            away = self._ws.app.origin + LOGIN_PATH if fault.redirect == "login" else fault.redirect
            return web.Response(status=302, headers={"Location": away})
        if fault.login or not self._allowed(request, file):
            self._note("files.download", file, "not_authed")
            return await self.login(request)
        if file is None or file.content is None or file.mode == "hidden_by_limit":
            self._note("files.download", file, "file_not_found")
            return web.Response(status=404)
        self._note("files.download", file)
        return await self._send(request, file, fault)

    async def _send(self, request: web.Request, file: File, fault: Fault) -> web.StreamResponse:
        kind = "text/html; charset=utf-8" if file.mode == "quip" else file.mimetype
        size, sent = file.size, 0
        stop = 0.5 if fault.gone else fault.cut
        last = size if stop is None else int(size * stop)
        response = web.StreamResponse(headers={"Content-Type": fault.content_type or kind})
        response.content_length = size
        await response.prepare(request)
        async for chunk in _chunks(file, last, 20 if fault.spread else 1):
            await asyncio.sleep(fault.spread * len(chunk) / size)
            if file.deleted:  # by a person, meanwhile
                return _cut(request)
            await response.write(chunk)
            sent += len(chunk)
        if fault.gone:
            self._ws.delete_file(file)
        if sent < size or file.deleted:
            return _cut(request)
        await response.write_eof()
        return response

    def _found(self, request: web.Request) -> File | None:
        return self._ws.files.get((request.match_info["key"] + "-").split("-")[1])

    def _allowed(self, request: web.Request, file: File | None) -> bool:
        app = self._ws.app
        known = request.headers.get("Authorization") == f"Bearer {app.bot_token}" and "files:read" in app.scopes
        return known and file is not None and file_seen(self._ws, file)

    def _note(self, name: str, file: File | None, error: str = "") -> None:
        args: Json = {"file": file.id if file else ""}
        self._log(Call(name, args, not error, error, time.monotonic()))


async def _chunks(file: File, last: int, pieces: int) -> AsyncIterator[bytes]:
    """The first `last` bytes, in at least so many pieces where that makes sense."""
    step = min(CHUNK, max(1, last // pieces))
    content = file.content
    if isinstance(content, Path):
        with await asyncio.to_thread(content.open, "rb") as opened:
            for at in range(0, last, step):
                yield await asyncio.to_thread(opened.read, min(step, last - at))
        return
    for at in range(0, last, step):
        yield (content or b"")[at : min(at + step, last)]


def _cut(request: web.Request) -> web.Response:
    """End the connection; what was written before still goes out."""
    if request.transport is not None:
        request.transport.close()
    return web.Response()  # goes nowhere
