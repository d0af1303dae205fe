"""What operators and load balancers ask over HTTP: /health, /ready, /metrics."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

from aiohttp import web
from redis.exceptions import RedisError

from bot import metrics
from bot.errors import AssistError, SettingError
from bot.queue import Queue
from bot.slack import Slack

SLACK_SECONDS = 20.0  # how long Slack's last answer counts


class Health:
    """Answers from this process's own connections. `socket_is_open` is for a process that receives over Socket Mode."""

    def __init__(self, queue: Queue, slack: Slack, socket_is_open: Callable[[], bool] | None = None) -> None:
        self._queue, self._slack, self._socket_is_open = queue, slack, socket_is_open
        self._slack_seen = -SLACK_SECONDS

    def routes(self) -> list[web.RouteDef]:
        """The three routes."""
        return [web.get("/health", self.health), web.get("/ready", self.ready), web.get("/metrics", self.metrics)]

    async def health(self, _: web.Request) -> web.Response:
        """200 while the process and its loop live."""
        return web.json_response({"ok": True})

    async def ready(self, _: web.Request) -> web.Response:
        """200 when Redis, Slack and the queue can be reached and a socket is open, else 503; the body says which."""
        redis, slack = await asyncio.gather(self._redis(), self._slack_answers())
        parts = {"redis": redis, "slack": slack, "queue": redis and await self._measure()}
        if self._socket_is_open:
            parts["socket"] = self._socket_is_open()
        return web.json_response({"ok": all(parts.values()), **parts}, status=200 if all(parts.values()) else 503)

    async def metrics(self, _: web.Request) -> web.Response:
        """Prometheus' text format."""
        await self._measure()
        return web.Response(body=metrics.page(), content_type="text/plain", charset="utf-8")

    async def _redis(self) -> bool:
        try:
            async with asyncio.timeout(2):
                return bool(await self._queue.redis.ping())
        except (RedisError, TimeoutError):
            return False

    async def _slack_answers(self) -> bool:
        if time.monotonic() - self._slack_seen < SLACK_SECONDS:
            return True
        try:
            await self._slack.identity(fresh=True)
        except AssistError:
            return False
        self._slack_seen = time.monotonic()
        return True

    async def _measure(self) -> bool:
        """Puts the queue's depth into the metrics."""
        try:
            async with asyncio.timeout(2):
                depth = await self._queue.depth()
        except (RedisError, TimeoutError):
            return False
        metrics.ready.set(depth.ready)
        metrics.leased.set(depth.running)
        metrics.delayed.set(depth.delayed)
        metrics.dead.set(depth.dead)
        metrics.oldest.set(depth.oldest)
        metrics.lanes.set(depth.lanes)
        return True


@asynccontextmanager
async def serve(routes: Iterable[web.RouteDef], host: str, port: int, setting: str) -> AsyncIterator[int]:
    """Serves the routes; yields the port. Raises SettingError when it is taken."""
    app = web.Application(client_max_size=4 * 1024 * 1024)
    app.add_routes(routes)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            raise SettingError(setting, f"{port} cannot be served: {error.strerror}.", "Choose a free port.") from error
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
