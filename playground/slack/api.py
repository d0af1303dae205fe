"""The Web API over HTTP: reads the request, checks who asks, runs the method, answers as Slack does."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from playground.slack import (
    methods_agents,
    methods_chat,
    methods_conversations,
    methods_files,
    methods_people,
    methods_search,
    methods_streams,
    methods_views,
)
from playground.slack.arguments import METHODS, Method, SlackError, decode, lenient
from playground.slack.calls import Call, Fault, Faults
from playground.slack.limits import Limits
from playground.slack.lookup import need_scope
from playground.slack.state import Json
from playground.slack.workspace import Workspace

RUN: dict[str, Callable[[Workspace, Json], Json]] = {
    **methods_chat.METHODS,
    **methods_streams.METHODS,
    **methods_conversations.METHODS,
    **methods_people.METHODS,
    **methods_files.METHODS,
    **methods_views.METHODS,
    **methods_agents.METHODS,
    **methods_search.METHODS,
}
_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class WebApi:
    """/api/{method}."""

    def __init__(
        self,
        workspace: Workspace,
        limits: Limits,
        faults: Faults,
        log: Callable[[Call], None],
        record: Callable[[Json], Any],
        ticket: Callable[[], str],
    ) -> None:
        self._ws = workspace
        self._limits = limits
        self._faults = faults
        self._log = log
        self._record = record
        self._ticket = ticket

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One call. A body that names a token is taken too, as Slack does."""
        name = request.match_info["method"]
        raw, malformed = await _arguments(request)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ") or raw.get("token", "")
        raw.pop("token", None)
        self._record({"method": name, "args": raw})
        fault = self._faults.take(name, lenient(raw)) if self._faults.planted else None
        if fault and fault.delay:
            await asyncio.sleep(fault.delay)
        if fault and not fault.does:
            return self._faulty(name, raw, fault)
        status, body, headers, args = self._run(name, raw, token, malformed)
        if fault and fault.lost and request.transport is not None:
            self._note(name, args, body, 0)
            request.transport.abort()
            return web.Response()  # goes nowhere: the connection is gone
        if fault and fault.answers:
            return self._faulty(name, raw, fault)
        self._note(name, args, body, status)
        return web.Response(
            text=_compact(body), status=status, headers=headers, content_type="application/json", charset="utf-8"
        )

    def _run(self, name: str, raw: Json, token: str, malformed: str) -> tuple[int, Json, dict[str, str], Json]:
        """(status, body, headers, decoded arguments) of one call."""
        headers = {"X-Slack-Req-Id": f"{time.monotonic_ns():032x}"}
        method = METHODS.get(name)
        if method is None:
            return 200, {"ok": False, "error": "unknown_method", "req_method": name}, headers, raw
        args = raw
        try:
            if malformed:
                raise SlackError(malformed)
            self._authorize(name, method, token)
            headers |= {
                "X-OAuth-Scopes": ",".join(sorted(self._ws.app.scopes)),
                "X-Accepted-OAuth-Scopes": ",".join(method.scopes),
            }
            if wait := self._limits.wait(name, method, str(raw.get("channel", ""))):
                return 429, {"ok": False, "error": "ratelimited"}, headers | {"Retry-After": str(wait)}, lenient(raw)
            args = decode(method, raw)
            made = {"url": self._ticket()} if name == "apps.connections.open" else RUN[name](self._ws, args)
            return 200, {"ok": True} | made, headers, args
        except SlackError as error:
            body: Json = {"ok": False, "error": error.code} | error.extra
            if error.messages:
                body["response_metadata"] = {"messages": list(error.messages)}
            return 200, body, headers, args if args is not raw else lenient(raw)

    def _authorize(self, name: str, method: Method, token: str) -> None:
        app = self._ws.app
        if name == "api.test":
            return
        if not token:
            raise SlackError("not_authed")
        wanted, other = (
            (app.app_token, app.bot_token) if name == "apps.connections.open" else (app.bot_token, app.app_token)
        )
        if token == other:
            raise SlackError("not_allowed_token_type")
        if token != wanted:
            raise SlackError("invalid_auth")
        need_scope(self._ws, *(s for s in method.scopes if not s.startswith(":")))

    def _faulty(self, name: str, raw: Json, fault: Fault) -> web.Response:
        """The answer of a planted fault."""
        limited = fault.error == "ratelimited" or fault.status == 429
        status = fault.status or (429 if limited else 200)
        error = "ratelimited" if limited else fault.error
        headers = {"Retry-After": str(fault.retry_after)} if limited else {}
        body = {"ok": False, "error": error or f"http_{status}"}
        self._note(name, lenient(raw), body, status)
        if error:
            return web.json_response(body, status=status, headers=headers)
        return web.Response(text="Server Error", status=status, content_type="text/html")

    def _note(self, name: str, args: Json, body: Json, status: int) -> None:
        ts = str(body.get("ts") or body.get("message_ts") or "")
        self._log(Call(name, args, bool(body["ok"]), str(body.get("error", "")), time.monotonic(), ts, status))


async def _arguments(request: web.Request) -> tuple[Json, str]:
    """(arguments of query and body as sent, "" or the error of an unreadable body)."""
    raw: Json = dict(request.query)
    if not request.can_read_body:
        return raw, ""
    match request.content_type:
        case "application/json":
            try:
                body = json.loads(await request.text())
            except ValueError:
                return raw, "invalid_json"
            return (raw | body, "") if isinstance(body, dict) else (raw, "json_not_object")
        case "multipart/form-data":
            return raw | {k: v for k, v in (await request.post()).items() if isinstance(v, str)}, ""
        case _:
            return raw | dict(parse_qsl(await request.text(), keep_blank_values=True)), ""
