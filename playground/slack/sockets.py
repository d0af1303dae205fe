"""Socket Mode: the WebSocket connections of the app."""

import asyncio
import json
import secrets
from collections.abc import Callable
from itertools import count

from aiohttp import WSMsgType, web

from playground.slack.envelope import Envelope, UnansweredError
from playground.slack.installation import Installation
from playground.slack.state import Json

MAX_CONNECTIONS = 10


class Sockets:
    """Up to ten open connections; each envelope goes to one of them, in turn."""

    def __init__(self, app: Installation, acked: Callable[[Envelope, Json | None], None]) -> None:
        self._app = app
        self._acked = acked
        self._open: list[web.WebSocketResponse] = []
        self._requests: dict[web.WebSocketResponse, web.BaseRequest] = {}
        self._tickets: list[str] = []
        self._turn = count()
        self._sent: dict[str, tuple[Envelope, asyncio.Future[None], web.WebSocketResponse]] = {}
        self._connected = asyncio.Event()

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._open)

    def ticket(self) -> str:
        """A new address to connect to, good for one connection."""
        self._tickets = [*self._tickets[-99:], ticket := secrets.token_hex(8)]
        return f"{self._app.origin.replace('http', 'ws', 1)}/socket?ticket={ticket}&app_id={self._app.app_id}"

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One connection, from hello to its end. aiohttp answers PING frames with their own payload."""
        if request.query.get("ticket") not in self._tickets:
            return web.json_response({"ok": False, "error": "invalid_ticket"}, status=401)
        self._tickets.remove(request.query["ticket"])
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if len(self._open) >= MAX_CONNECTIONS:
            await self._goodbye(socket, "too_many_websockets")
            return socket
        self._open.append(socket)
        self._requests[socket] = request
        await socket.send_json(self._hello())
        self._connected.set()
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._heard(message.data)
        finally:
            self._drop(socket)
        return socket

    async def send(self, envelope: Envelope, timeout: float) -> None:
        """One attempt: hand it to a connection and wait for the ack; UnansweredError when none comes.

        Without a connection it waits for one as long as it would wait for the ack, so the gap of a reconnect costs nothing.
        """
        envelope_id = secrets.token_hex(16)
        acked: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        socket = None
        try:
            async with asyncio.timeout(timeout):
                while not self._open:
                    self._connected.clear()
                    await self._connected.wait()
                socket = self._open[next(self._turn) % len(self._open)]
                self._sent[envelope_id] = (envelope, acked, socket)
                await socket.send_str(self._wire(envelope, envelope_id))
                await acked
        except TimeoutError:
            raise UnansweredError("timeout") from None
        except ConnectionError:
            raise UnansweredError("connection_failed") from None
        finally:
            acked.cancel()
            # An ack may still come late; it counts as long as the connection lives.
            if socket not in self._open or envelope.acked_at is not None:
                self._sent.pop(envelope_id, None)

    async def disconnect(self, reason: str, most: int = MAX_CONNECTIONS) -> None:
        """Ask the app to reconnect and close every connection, or the `most` oldest, as Slack does when it moves an app to another host."""
        for socket in self._open[:most]:
            await self._goodbye(socket, reason)
            self._drop(socket)

    async def warn(self, most: int = MAX_CONNECTIONS) -> None:
        """Tell connections that they will be closed, and leave them open for the present."""
        for socket in self._open[:most]:
            await socket.send_json(self._farewell("warning"))

    def cut(self, most: int = MAX_CONNECTIONS) -> None:
        """Break every connection, or the `most` oldest, without a word."""
        for socket in self._open[:most]:
            transport = self._requests[socket].transport
            self._drop(socket)
            if transport is not None:
                transport.abort()

    async def close(self) -> None:
        """Close every connection."""
        for socket in tuple(self._open):
            self._drop(socket)
            await socket.close()

    def _heard(self, text: str) -> None:
        try:
            message = json.loads(text)
        except ValueError:
            return
        if not isinstance(message, dict) or message.get("envelope_id") not in self._sent:
            return
        envelope, acked, _ = self._sent.pop(message["envelope_id"])
        self._acked(envelope, message.get("payload"))
        if not acked.done():
            acked.set_result(None)

    def _drop(self, socket: web.WebSocketResponse) -> None:
        if socket not in self._open:
            return
        self._open.remove(socket)
        del self._requests[socket]
        for envelope_id, (_, acked, sent_on) in tuple(self._sent.items()):
            if sent_on is socket:
                del self._sent[envelope_id]
                if not acked.done():
                    acked.set_exception(ConnectionResetError())

    async def _goodbye(self, socket: web.WebSocketResponse, reason: str) -> None:
        if not socket.closed:
            await socket.send_json(self._farewell(reason))
            await socket.close()

    @staticmethod
    def _farewell(reason: str) -> Json:
        return {"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-playground"}}

    def _hello(self) -> Json:
        info = {"host": "applink-playground", "build_number": 1, "approximate_connection_time": 18060}
        return {
            "type": "hello",
            "num_connections": len(self._open),
            "debug_info": info,
            "connection_info": {"app_id": self._app.app_id},
        }

    @staticmethod
    def _wire(envelope: Envelope, envelope_id: str) -> str:
        sent: Json = {"envelope_id": envelope_id, "payload": envelope.payload, "type": envelope.type}
        sent["accepts_response_payload"] = envelope.type != "events_api"
        if envelope.type == "events_api":
            sent |= {"retry_attempt": max(0, envelope.attempts - 1), "retry_reason": envelope.retry_reason}
        return json.dumps(sent)
