"""Socket Mode against servers that greet otherwise than Slack does."""

from __future__ import annotations

import asyncio
from itertools import cycle
from typing import Any

from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot.health import serve
from handlers.socket_mode import SocketMode

EVENT = {"type": "app_mention", "user": "U1", "text": "hi", "ts": "1.1", "channel": "C1"}
ENVELOPE = {
    "type": "events_api",
    "envelope_id": "E1",
    "payload": {"type": "event_callback", "team_id": "T1", "event": EVENT, "authorizations": [{"team_id": "T1"}]},
}


async def authorize(**_: Any) -> AuthorizeResult:
    """Nobody in particular."""
    return AuthorizeResult(enterprise_id=None, team_id="T1", bot_id="B1", bot_user_id="U0", bot_token="xoxb-1")


async def test_a_server_that_begins_with_an_event_or_with_nothing_is_heard() -> None:
    heard: list[str] = []
    acks: asyncio.Queue[str] = asyncio.Queue()

    async def door(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if request.query["greets"] == "with an event":
            await socket.send_json(ENVELOPE)
        async for message in socket:
            await acks.put(message.data)
        return socket

    app = AsyncApp(
        client=AsyncWebClient(), authorize=authorize, request_verification_enabled=False, process_before_response=True
    )

    async def mentioned(body: dict[str, Any]) -> None:
        heard.append(body["event"]["text"])

    app.event("app_mention")(mentioned)
    ways = cycle(["with an event", "with nothing"])
    async with serve([web.get("/socket", door)], "127.0.0.1", 0, "PORT") as port:

        async def url() -> str:
            return f"ws://127.0.0.1:{port}/socket?greets={next(ways)}"

        sockets = SocketMode(app, url)
        async with sockets.running():
            async with asyncio.timeout(5):
                assert '"E1"' in await acks.get()
            assert sockets.is_open()
    assert heard == ["hi"]
