"""How events come in: over Socket Mode, or as HTTP requests on our own web server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp


@asynccontextmanager
async def socket_mode(app: AsyncApp, app_token: str) -> AsyncIterator[AsyncSocketModeHandler]:
    """A Socket Mode connection; the SDK opens a new one whenever Slack says so."""
    handler = AsyncSocketModeHandler(app, app_token)
    try:
        await handler.connect_async()  # type: ignore[no-untyped-call] # Bolt's adapter has no types here
        yield handler
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call] # likewise


def http_events(app: AsyncApp) -> web.RouteDef:
    """The route that Slack posts to. Bolt checks signature and age, and answers 401 when they are wrong."""

    async def events(request: web.Request) -> web.Response:
        return await to_aiohttp_response(await app.async_dispatch(await to_bolt_request(request)))

    return web.post("/slack/events", events)
