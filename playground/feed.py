"""What the open pages hear as it happens: each only what its person may see."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from aiohttp import web

from playground.slack import Channel, Person, Workspace

Json = dict[str, Any]
WAITING = 2_000  # news for a page that does not read; then it is let go, and loads everything anew when it comes back
HEARTBEAT_SECONDS = 20.0
_TO_THE_APP = ("interactive", "slash_commands", "app_home_opened")  # what people send the app; nothing to show


class Feed:
    """The WebSockets of the open pages."""

    def __init__(self, workspace: Workspace) -> None:
        self._ws = workspace
        self._pages: dict[web.WebSocketResponse, tuple[Person, asyncio.Queue[Json | None]]] = {}

    def changed(self, change: Json) -> None:
        """Tells each page what a change of the workspace means to it."""
        for person, queue in tuple(self._pages.values()):
            if news := self._news(change, person):
                _put(queue, news)

    def tell(self, news: Json) -> None:
        """Tells every page."""
        for _, queue in tuple(self._pages.values()):
            _put(queue, news)

    async def serve(self, request: web.Request, person: Person) -> web.WebSocketResponse:
        """One page, until it closes. It has nothing to say here."""
        socket = web.WebSocketResponse(heartbeat=HEARTBEAT_SECONDS)
        await socket.prepare(request)
        queue: asyncio.Queue[Json | None] = asyncio.Queue(WAITING)
        self._pages[socket] = person, queue
        sending = asyncio.create_task(_send(socket, queue))
        try:
            async for _ in socket:
                pass
        finally:
            del self._pages[socket]
            sending.cancel()
            await asyncio.wait([sending])
        return socket

    async def close(self, _: web.Application) -> None:
        """Ends every page's connection."""
        for socket in tuple(self._pages):
            with suppress(ConnectionError):
                await socket.close()

    def _news(self, change: Mapping[str, Any], person: Person) -> Json | None:
        kind = change["kind"]
        if kind in _TO_THE_APP:
            return None
        if kind == "view":
            return self._view_news(change["view"], person)
        if kind == "modal":
            return {"modal": change["modal"], "errors": change["errors"]} if change["user"] == person.id else None
        channel = self._ws.channels.get(change["channel"])
        if channel is None or not may_see(channel, person):
            return {"reload": True} if change["user"] == person.id and kind.endswith("_left_channel") else None
        if kind == "ephemeral":
            if change["user"] != person.id:
                return None
            gone = change["message"].get("deleted")
            return {"channel": channel.id} | (
                {"deleted": change["message"]["ts"]} if gone else {"message": change["message"]}
            )
        if kind == "status":
            return {"channel": channel.id, "thread_ts": change["thread_ts"], "status": change["status"]}
        if ts := change["message"].get("ts"):
            now = channel.messages.get(ts)
            return {"channel": channel.id} | ({"message": now} if now else {"deleted": ts})
        return {"reload": True} if kind.startswith(("member_", "channel_", "group_")) else None

    def _view_news(self, view: Json, person: Person) -> Json | None:
        if view["type"] == "home":
            return {"home": view} if self._ws.homes.get(person.id) == view["id"] else None
        return None


def may_see(channel: Channel, person: Person) -> bool:
    """Whether a person reads a channel: as a member, or because it is public and she is no guest."""
    return person.id in channel.members or (channel.kind == "channel" and not person.is_restricted)


def _put(queue: asyncio.Queue[Json | None], news: Json) -> None:
    if queue.full():
        while not queue.empty():
            queue.get_nowait()
        queue.put_nowait(None)
        return
    queue.put_nowait(news)


async def _send(socket: web.WebSocketResponse, queue: asyncio.Queue[Json | None]) -> None:
    with suppress(ConnectionError):
        while (news := await queue.get()) is not None:
            await socket.send_json(news)
        await socket.close()
