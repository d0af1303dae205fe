"""How events come in as HTTP requests on our own web server."""

from __future__ import annotations

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncApp


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
