"""The addresses beside the Web API that take something: uploads, response URLs."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

from aiohttp import web

from playground.slack.arguments import SlackError
from playground.slack.blocks import check_message
from playground.slack.calls import Call, Faults
from playground.slack.interactions import ResponseUrl
from playground.slack.methods_chat import content
from playground.slack.state import Json
from playground.slack.workspace import Workspace


class Transfers:
    """/upload and /response. In the call log they are "files.upload" and "response_url"."""

    def __init__(
        self, workspace: Workspace, faults: Faults, log: Callable[[Call], None], record: Callable[[Json], Any]
    ) -> None:
        self._ws = workspace
        self._faults = faults
        self._log = log
        self._record = record

    async def upload(self, request: web.Request) -> web.StreamResponse:
        """The bytes of a file announced by files.getUploadURLExternal, raw or as a form's file."""
        file = self._ws.files.get(request.match_info["file_id"])
        if file is None or file.content is not None:
            return web.Response(text="invalid upload url", status=404)
        if fault := self._faults.take("files.upload", {"file": file.id}):
            await asyncio.sleep(fault.delay)
            if fault.lost and request.transport is not None:
                request.transport.abort()
            if fault.status or fault.lost:
                return web.Response(status=fault.status or 500)
        if request.content_type == "multipart/form-data":
            parts = [p for p in (await request.post()).values() if isinstance(p, web.FileField)]
            file.content = await asyncio.to_thread(parts[0].file.read) if parts else b""
        else:
            file.content = await request.read()
        self._note("files.upload", {"file": file.id, "length": file.size})
        return web.Response(text=f"OK - {file.size}")

    async def respond(self, request: web.Request) -> web.StreamResponse:
        """A post to a response_url: five in thirty minutes, also where the app is no member."""
        text = await request.text()
        try:
            args: Json = json.loads(text)
        except ValueError:
            return web.Response(text="invalid_payload", status=400)
        self._record({"method": "response_url", "args": args})
        if (fault := self._faults.take("response_url", args)) and fault.status:
            return web.Response(status=fault.status)
        right = self._ws.responses.get(request.match_info["key"])
        error = self.answer(right, args) if right else "expired_url"
        self._note("response_url", args, error)
        if error:
            return web.json_response(
                {"ok": False, "error": error}, status=404 if error in ("expired_url", "used_url") else 200
            )
        return web.Response(text="ok")

    def answer(self, right: ResponseUrl, args: Json) -> str:
        """Show an answer to a command or a button; "" or the error."""
        if right.left <= 0 or self._ws.clock() > right.expires:
            return "used_url" if right.left <= 0 else "expired_url"
        channel = self._ws.channels[right.channel]
        old, whisper = channel.messages.get(right.ts), self._ws.whispered(channel.id, right.ts)
        try:
            if not args.get("delete_original"):
                check_message(args)
        except SlackError as refusal:
            return refusal.code
        right.left -= 1
        if whisper and (args.get("delete_original") or args.get("replace_original")):
            self._ws.unwhisper(channel, whisper, None if args.get("delete_original") else content(args))
        elif args.get("delete_original"):
            if old:
                self._ws.remove(channel, right.ts)
        elif args.get("replace_original") and old:
            kept = {k: v for k, v in old.items() if k not in ("text", "blocks", "attachments")}
            self._ws.replace(channel, kept | content(args))
        elif args.get("response_type") == "in_channel":
            self._ws.bot_post(channel, content(args), thread_ts=args.get("thread_ts"))
        else:
            self._ws.whisper(channel, right.user, self._ws.signed({"type": "message"} | content(args)))
        return ""

    def _note(self, name: str, args: Json, error: str = "") -> None:
        self._log(Call(name, args, not error, error, time.monotonic()))
