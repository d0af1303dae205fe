"""Socket Mode connections that are refreshed, cut, frozen or refused: no message waits for long, and none is lost."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot import metrics
from bot.settings import Settings
from handlers.socket_mode import SocketMode
from playground.slack import SlackServer
from tests.conftest import connected, running
from tests.processes import bots
from tests.scenarios.seen import answer_to, answers

SOON = 20.0  # seconds; generous, for a busy machine
OPEN = "apps.connections.open"


class Tunnel:
    """A way to a server that can stop passing anything on, in both directions, without closing a connection."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.connections: list[asyncio.Event] = []  # one for each WebSocket, set while it flows
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[int]:
        """Serves; yields its port."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def freeze(self, count: int) -> None:
        """Freezes the oldest `count` connections."""
        for flows in self.connections[:count]:
            flows.clear()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.read(65536)
        flows = asyncio.Event()
        flows.set()
        if head.startswith(b"GET /socket"):
            self.connections.append(flows)
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
        far_writer.write(head)
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(self._pass_on(source, sink, flows))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    @staticmethod
    async def _pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter, flows: asyncio.Event) -> None:
        try:
            while data := await source.read(65536):
                await flows.wait()
                sink.write(data)
                await sink.drain()
        except ConnectionError:
            return
        finally:
            sink.close()


@pytest.fixture
async def tunnel(slack: SlackServer) -> AsyncIterator[Tunnel]:
    """The sockets' way to Slack."""
    tunnel = Tunnel(int(slack.origin.rsplit(":", 1)[1]))
    direct = slack.origin
    async with tunnel.open() as port:
        slack.origin = f"http://127.0.0.1:{port}"
        yield tunnel
        slack.origin = direct


class Receiver:
    """Sockets with little patience, and an app that only hears."""

    def __init__(self, slack: SlackServer, silent_seconds: float = 1.0) -> None:
        self._slack = slack
        self.heard: list[str] = []
        self.open_before: list[int] = []  # how many connections there were when each address was asked for
        self.app = AsyncApp(
            client=AsyncWebClient(token=slack.bot_token, base_url=slack.api_url), process_before_response=True
        )
        self.app.event("app_mention")(self._listen)
        self.app.event("message")(self._listen)
        self.sockets = SocketMode(self.app, self._url, silent_seconds=silent_seconds)

    async def _listen(self, event: dict[str, Any]) -> None:
        self.heard.append(event["text"])

    async def _url(self) -> str:
        self.open_before.append(self._slack.delivery.sockets.connections)
        return str((await self.app.client.apps_connections_open(app_token=self._slack.app_token))["url"])


@asynccontextmanager
async def receiving(slack: SlackServer) -> AsyncIterator[Receiver]:
    """A receiver with both sockets open."""
    receiver = Receiver(slack)
    async with receiver.sockets.running():
        await connected(slack, 2)
        yield receiver


async def until(condition: Callable[[], object], seconds: float = SOON) -> None:
    """Waits for something of which nobody tells."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # sockets tell nobody
            await asyncio.sleep(0.02)


def total(name: str) -> float:
    """A metric of this process."""
    return metrics.registry.get_sample_value(name) or 0


async def ask_around(slack: SlackServer, trouble: Callable[[], object]) -> None:
    """Asks before, during and after a trouble. Each question is answered, once."""
    threads = []
    for n in range(9):
        threads.append(slack.workspace.say("ana", "general", f"@assist hello {n}"))
        if n == 3:
            trouble()
        await asyncio.sleep(0.05)
    for ts in threads:
        await answer_to(slack, "general", ts, timeout=SOON)
    await slack.until(lambda: not slack.delivery.unacked(), timeout=SOON)
    assert all(len(answers(slack, "general", ts)) == 1 for ts in threads)


def trouble(slack: SlackServer, how: str, most: int) -> None:
    """Cuts or refreshes so many connections."""
    if how == "cut":
        slack.delivery.cut(most)
    else:
        slack.delivery.disconnect(how, most)


async def test_a_receiver_keeps_two_connections(bot: Settings, slack: SlackServer) -> None:
    await connected(slack, 2)
    await asyncio.sleep(0.3)
    assert slack.delivery.sockets.connections == 2
    assert len([c for c in slack.calls if c.method == OPEN]) == 2


@pytest.mark.parametrize("how", ["refresh_requested", "warning", "cut"])
async def test_what_is_said_while_one_connection_is_replaced_comes_by_the_other(
    bot: Settings, slack: SlackServer, how: str
) -> None:
    await connected(slack, 2)
    await ask_around(slack, lambda: trouble(slack, how, 1))
    assert all(e.attempts <= 2 for e in slack.delivery.events), "none needed the delivery that comes a minute later"
    await connected(slack, 2)


@pytest.mark.parametrize("how", ["refresh_requested", "link_disabled", "cut"])
async def test_what_is_said_while_both_are_lost_is_answered_once(bot: Settings, slack: SlackServer, how: str) -> None:
    slack.retry_delays = (0.3,) * 60
    await connected(slack, 2)
    await ask_around(slack, lambda: trouble(slack, how, 2))
    await connected(slack, 2)


async def test_a_refreshed_connection_is_closed_after_its_successor_is_open(slack: SlackServer) -> None:
    rebuilds = total("assist_socket_rebuilds_total")
    async with receiving(slack) as receiver:
        await slack.delivery.sockets.warn()
        await until(lambda: len(receiver.open_before) == 4 and slack.delivery.sockets.connections == 2)
        slack.workspace.say("ana", "general", "still there?")
        await until(lambda: receiver.heard)
    assert receiver.open_before[:2] == [0, 1]
    assert min(receiver.open_before[2:]) == 2
    assert total("assist_socket_rebuilds_total") == rebuilds


async def test_a_frozen_connection_is_replaced_and_what_was_sent_on_it_comes_by_the_other(
    slack: SlackServer, tunnel: Tunnel
) -> None:
    slack.ack_timeout, slack.retry_delays = 0.5, (0.3,) * 60  # a retry may meet the frozen one again
    rebuilds = total("assist_socket_rebuilds_total")
    async with receiving(slack) as receiver:
        tunnel.freeze(1)
        for n in range(4):
            slack.workspace.say("ana", "general", f"number {n}")
            await asyncio.sleep(0.02)
        await until(lambda: len(set(receiver.heard)) == 4)
        assert receiver.sockets.is_open()
        await until(lambda: total("assist_socket_rebuilds_total") == rebuilds + 1)
        await asyncio.sleep(1.5)
        assert len(tunnel.connections) == 3, "the sound one stays"


async def test_when_both_are_frozen_no_socket_is_open_until_new_ones_are(slack: SlackServer, tunnel: Tunnel) -> None:
    slack.ack_timeout, slack.retry_delays = 0.5, (0.3,) * 60
    async with receiving(slack) as receiver:
        slack.faults.add(OPEN, status=500, times=None)
        tunnel.freeze(2)
        await until(lambda: not receiver.sockets.is_open())
        assert total("assist_sockets") == 0
        slack.workspace.say("ana", "general", "anybody there?")
        slack.faults.clear()
        await until(lambda: receiver.heard and receiver.sockets.is_open() and total("assist_sockets") == 2)


@pytest.mark.slow
async def test_the_bot_with_its_own_patience_answers_soon_after_its_sockets_froze(
    settings: Settings, slack: SlackServer, tunnel: Tunnel
) -> None:
    slack.ack_timeout, slack.retry_delays = 1.0, (0.3,) * 60
    async with running(settings):
        await connected(slack, 2)
        tunnel.freeze(2)
        froze = time.monotonic()
        ts = slack.workspace.say("ana", "general", "@assist hello")
        await answer_to(slack, "general", ts, timeout=60)
        assert time.monotonic() - froze < 30
        assert len(answers(slack, "general", ts)) == 1


@pytest.mark.parametrize(
    "fault", [{"status": 500}, {"error": "internal_error"}, {"error": "ratelimited", "status": 429, "retry_after": 1}]
)
async def test_a_slack_that_gives_no_new_connection_is_asked_again(slack: SlackServer, fault: dict[str, Any]) -> None:
    slack.retry_delays = (0.3,) * 60
    async with receiving(slack) as receiver:
        slack.faults.add(OPEN, times=2, **fault)
        slack.delivery.cut()
        slack.workspace.say("ana", "general", "anybody there?")
        await until(lambda: receiver.heard and slack.delivery.sockets.connections == 2)
        assert len([c for c in slack.calls if c.method == OPEN]) == 6, "two at first, two refused, two again"


async def test_a_named_pause_is_kept_by_both(settings: Settings, slack: SlackServer) -> None:
    async with running(settings):
        await connected(slack, 2)
        slack.faults.add(OPEN, times=1, status=429, error="ratelimited", retry_after=3)
        slack.delivery.cut()
        await until(lambda: slack.delivery.sockets.connections == 2)
        asked = [c.at for c in slack.calls if c.method == OPEN][2:]
        assert len(asked) == 3
        assert asked[1] - asked[0] >= 3


async def test_where_slack_has_no_room_for_two_one_serves_until_there_is(slack: SlackServer) -> None:
    client = AsyncWebClient(base_url=slack.api_url)
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        others = []
        for _ in range(9):
            url = (await client.apps_connections_open(app_token=slack.app_token))["url"]
            others.append(await session.ws_connect(url))
        receiver = Receiver(slack)
        await stack.enter_async_context(receiver.sockets.running())
        await until(lambda: len(receiver.open_before) >= 3)  # the second was refused
        assert receiver.sockets.is_open()
        assert total("assist_sockets") == 1
        for other in others:
            await other.close()
        await until(lambda: total("assist_sockets") == 2)


async def test_ready_and_metrics_tell_of_the_sockets(settings: Settings, slack: SlackServer, free_port: int) -> None:
    async with (
        running(replace(settings, port=free_port)),
        aiohttp.ClientSession(f"http://127.0.0.1:{free_port}") as web,
    ):

        async def ready() -> tuple[int, Any]:
            async with web.get("/ready") as got:
                body = await got.json()
                return got.status, (body["ok"], body["slack"], body["socket"])

        await connected(slack, 2)
        await until(lambda: total("assist_sockets") == 2)
        assert await ready() == (200, (True, True, True))
        slack.faults.add(OPEN, status=500, times=None)
        slack.delivery.cut()
        await until(lambda: total("assist_sockets") == 0)
        assert await ready() == (503, (False, True, False))
        slack.faults.clear()
        await until(lambda: total("assist_sockets") == 2)
        assert await ready() == (200, (True, True, True))
        async with web.get("/metrics") as got:
            assert "assist_sockets 2.0" in (await got.text()).splitlines()


@pytest.mark.parametrize("state", ["well", "frozen", "away"])
async def test_told_to_stop_it_ends_soon_whatever_its_sockets_do(
    settings: Settings, slack: SlackServer, tunnel: Tunnel, tmp_path: Path, state: str
) -> None:
    async with bots(settings, tmp_path) as started:
        bot = await started.start("web")
        await connected(slack, 2)
        if state == "frozen":
            tunnel.freeze(2)
        if state == "away":
            slack.faults.add(OPEN, status=500, times=None)
            slack.delivery.cut()
            await until(lambda: "socket not opened" in bot.said)
        told = time.monotonic()
        bot.signal(signal.SIGTERM)
        assert await bot.ended(30) == 0, bot.said
        assert time.monotonic() - told < 10
        assert "Traceback" not in bot.said
