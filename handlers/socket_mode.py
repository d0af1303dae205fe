"""Socket Mode: two WebSockets to Slack. Each is used once; another takes its place when Slack wants that, when it ends, or when it falls silent.

Slack closes every connection now and then; while one is replaced the other hears, and both are never replaced at once. The SDK's own client
is not used: it closes its socket before it has the next one, and can go on for ever with a dead one (its issues 1446, 1913, 1922).
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import structlog
from aiohttp import ClientSession, ClientWebSocketResponse, ClientWSTimeout, WSMessage, WSMsgType
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest

from bot import metrics
from bot.errors import AssistError, Retryable

CONNECTIONS = 2  # of the ten that Slack allows an app
START_SECONDS = 5.0  # how long the start waits for the first of them
OPEN_SECONDS = 10.0  # for an address and Slack's hello
SILENT_SECONDS = 10.0  # without a frame, not even a pong: dead
HELLO_SECONDS = 2.0
CLOSE_SECONDS = 2.0
MOST_WAIT = 8.0  # between two tries to open one
IN_HAND = 400  # envelopes of one connection that are being stored at once
CLOSED_HERE = "closed here"

log = structlog.get_logger()


class SocketMode:
    """The Socket Mode connections of one process. `new_url` gives the address of one connection, or raises."""

    def __init__(
        self, app: AsyncApp, new_url: Callable[[], Awaitable[str]], *, silent_seconds: float = SILENT_SECONDS
    ) -> None:
        self._app, self._new_url, self._silent = app, new_url, silent_seconds
        self._first_url = ""
        self._connections: set[Connection] = set()
        self._opening = asyncio.Lock()
        self._opened = asyncio.Event()

    def is_open(self) -> bool:
        """Whether at least one connection is alive."""
        return any(c.alive for c in self._connections)

    @asynccontextmanager
    async def running(self, first_url: str = "") -> AsyncIterator[None]:
        """Keeps the connections open, the first with an address that is there already.

        A Slack that is away is tried for ever, in the background after a few seconds: the process must still hear its signals.
        """
        self._first_url = first_url
        keepers = [asyncio.create_task(self._keep()) for _ in range(CONNECTIONS)]
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._opened.wait(), START_SECONDS)
            yield
        finally:
            for keeper in keepers:
                keeper.cancel()
            await asyncio.gather(*keepers, return_exceptions=True)
            await asyncio.gather(*(c.close() for c in tuple(self._connections)))

    async def _keep(self) -> None:
        """Keeps one connection, for ever. The next is open before the last is closed, where Slack gives the time for it."""
        last: Connection | None = None
        while True:
            connection = await self._next()
            opened_at = time.monotonic()
            if last:
                if not last.farewell:
                    metrics.socket_rebuilds.inc()
                await last.close()
                self._connections.discard(last)
            await connection.ending.wait()
            last = connection
            await asyncio.sleep(opened_at + 1 - time.monotonic())  # one that ends at once is not replaced in a hot loop

    async def _next(self) -> Connection:
        """A new connection. One is opened at a time, so that both wait out a trouble of Slack's as one caller."""
        async with self._opening:
            wait = 0.25
            while True:
                connection = Connection(self._app, self._silent)
                try:
                    async with asyncio.timeout(OPEN_SECONDS):
                        url, self._first_url = self._first_url or await self._new_url(), ""
                        await connection.open(url)
                except Exception as error:  # whatever it is, only another try can help
                    wait = min(2 * wait, MOST_WAIT)
                    pause = (isinstance(error, Retryable) and error.after) or wait
                    log.warning("socket not opened", error=_named(error), again_in=pause)
                    await asyncio.sleep(pause)
                    continue
                self._connections.add(connection)
                self._opened.set()
                return connection


class Connection:
    """One WebSocket, from Slack's hello to its end. `farewell` is Slack's reason for wanting it replaced."""

    _session: ClientSession
    _stream: ClientWebSocketResponse
    _living: asyncio.Task[None]

    def __init__(self, app: AsyncApp, silent_seconds: float) -> None:
        self._app, self._silent = app, silent_seconds
        self._in_hand: set[asyncio.Task[None]] = set()
        self.alive = False
        self.ending = asyncio.Event()
        self.farewell = ""

    async def open(self, url: str) -> None:
        """Connects and waits for the hello. Raises Retryable with Slack's reason when it says something else, or what aiohttp raises."""
        self._session = ClientSession()
        try:
            self._stream = await self._session.ws_connect(
                url,
                timeout=ClientWSTimeout(ws_receive=self._silent, ws_close=CLOSE_SECONDS),
                proxy=self._app.client.proxy,
                ssl=self._app.client.ssl or True,
            )
            first = await self._hello()
        except BaseException:
            await self._session.close()
            raise
        self.alive = True
        self._living = asyncio.create_task(self._live(first))

    async def _hello(self) -> dict[str, Any]:
        """The first message: Slack's hello, as a rule. One that greets with an event, or not at all, is open too."""
        try:
            first = _envelope(await self._stream.receive(timeout=HELLO_SECONDS))
        except TimeoutError:
            return {}
        if first.get("type") == "disconnect" or self._stream.closed:
            raise Retryable(f"Socket Mode: {first.get('reason') or 'closed at once'}")
        return first

    async def close(self) -> None:
        """Ends it. What is being stored is still acked, where that takes no longer than CLOSE_SECONDS."""
        self._living.cancel()
        await asyncio.wait([self._living], timeout=3 * CLOSE_SECONDS)

    async def _live(self, first: dict[str, Any]) -> None:
        """Hears until the end, whatever ends it, and leaves nothing behind."""
        metrics.sockets.inc()
        pinging = asyncio.create_task(self._ping())
        why = CLOSED_HERE
        try:
            await self._heard(first)
            async for message in self._stream:  # a TimeoutError when nothing came in SILENT_SECONDS
                await self._heard(_envelope(message))
                await asyncio.sleep(0)  # the other connection's turn: what is said quickly comes over both
            why = self.farewell or "closed by Slack"
        except Exception as error:
            why = "silent" if isinstance(error, TimeoutError) else _named(error)
        finally:
            self.alive = False
            self.ending.set()
            metrics.sockets.dec()
            log.log(logging.INFO if self.farewell or why == CLOSED_HERE else logging.WARNING, "socket closed", why=why)
            await self._take_down(pinging)

    async def _take_down(self, pinging: asyncio.Task[None]) -> None:
        if self._in_hand:
            await asyncio.wait(self._in_hand, timeout=CLOSE_SECONDS)
        rest = [pinging, *self._in_hand]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        with suppress(Exception):  # a dead one need not say goodbye
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._stream.close()
        await self._session.close()

    async def _ping(self) -> None:
        """Makes a living Slack say something. One that cannot be written to falls silent, and is dead by that."""
        with suppress(OSError):
            while True:
                await self._stream.ping()
                await asyncio.sleep(self._silent / 4)

    async def _heard(self, envelope: dict[str, Any]) -> None:
        if envelope.get("type") == "disconnect":
            self.farewell = str(envelope.get("reason") or "disconnect")
            self.ending.set()
        elif envelope.get("envelope_id"):
            if len(self._in_hand) >= IN_HAND:
                await asyncio.wait(self._in_hand, return_when=asyncio.FIRST_COMPLETED)
            storing = asyncio.create_task(self._store(envelope))
            self._in_hand.add(storing)
            storing.add_done_callback(self._in_hand.discard)

    async def _store(self, envelope: dict[str, Any]) -> None:
        """Hands an envelope to Bolt and acks it when that went well; Slack sends an unacked one again."""
        try:
            response = await self._app.async_dispatch(
                AsyncBoltRequest(mode="socket_mode", body=envelope.get("payload") or {})
            )
            if response.status != 200:
                return
            ack: dict[str, Any] = {"envelope_id": envelope["envelope_id"]}
            if response.body:
                is_json = response.first_headers().get("content-type", "").startswith("application/json")
                ack["payload"] = json.loads(response.body) if is_json else {"text": response.body}
            await self._stream.send_json(ack)
        except Exception as error:  # one envelope's trouble must not end the connection
            log.warning("event not acked", error=_named(error))


def _envelope(message: WSMessage) -> dict[str, Any]:
    """What Slack wrote; empty where it is not a JSON object."""
    if message.type is not WSMsgType.TEXT:
        return {}
    with suppress(ValueError):
        got = json.loads(message.data)
        return got if isinstance(got, dict) else {}
    return {}


def _named(error: Exception) -> str:
    """Our own errors' text; only the name of others, whose text can hold the address, which is a secret."""
    return str(error) if isinstance(error, AssistError) else type(error).__name__
