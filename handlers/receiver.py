"""How events come in: over Socket Mode, or as HTTP requests on our own web server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp

CONNECT_SECONDS = 5.0


@asynccontextmanager
async def socket_mode(app: AsyncApp, app_token: str, url: str) -> AsyncIterator[AsyncSocketModeHandler]:
    """A Socket Mode connection, first to `url`; the SDK opens a new one whenever Slack says so.

    A Slack that is away is tried for ever, in the background after a few seconds: the process must still hear its signals.
    """
    handler = AsyncSocketModeHandler(app, app_token)
    handler.client.wss_uri = url
    connecting = asyncio.create_task(handler.connect_async())  # type: ignore[no-untyped-call] # Bolt's adapter has no types here
    try:
        await asyncio.wait([connecting], timeout=CONNECT_SECONDS)
        yield handler
    finally:
        connecting.cancel()
        await asyncio.wait([connecting])
        await handler.close_async()  # type: ignore[no-untyped-call] # likewise


def http_events(app: AsyncApp) -> web.RouteDef:
    """The route that Slack posts to. Bolt checks signature and age, and answers 401 when they are wrong.

    It reads the body before that and raises over one that is none of Slack's: 400. What a listener raises becomes its 500.
    """

    async def events(request: web.Request) -> web.Response:
        if not request.headers.get("X-Slack-Request-Timestamp", "0").isdecimal():
            return web.Response(status=401, text="invalid request")  # Bolt would fail to read it as a number
        try:
            return await to_aiohttp_response(await app.async_dispatch(await to_bolt_request(request)))
        except (ValueError, TypeError, AttributeError, KeyError):
            return web.Response(status=400, text="not an event of Slack's")

    return web.post("/slack/events", events)
