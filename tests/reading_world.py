"""A workspace with a clock of its own, and what a tool that reads it is given. Access is a list of what may be read: its rules have tests of their own."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from bot.access import Access, Place
from bot.database import Database, open_database
from bot.desk import Tally
from bot.drawn import Drawn
from bot.errors import Retryable, ToolRefused
from bot.files.library import Library
from bot.models import DM_ROOT, Person, ThreadKey
from bot.pace import Pace
from bot.reading import Reading
from bot.reading.links import permalink
from bot.slack import Slack, connect_slack
from bot.sources import Sources
from bot.tools import Asking, Tool
from playground.slack import SlackServer
from tests.asking import NO_OFFICE, NO_SCHEDULING, asking
from tests.databases import with_tables

BEGAN = datetime(2025, 3, 14, 9, 0, tzinfo=UTC).timestamp()  # a Friday
NEUTRAL = "I can't read that here."
MINUTE = 60.0


@dataclass(slots=True)
class Allowed:
    """Access that lets through what is listed; what stands in the destination always."""

    server: SlackServer
    places: set[str] = field(default_factory=set)
    people: set[str] | None = None  # None: everybody
    asked: list[str] = field(default_factory=list)
    away: bool = False  # Slack does not tell

    async def place(self, wanted: str, _asker: str, destination: ThreadKey) -> Place:
        self.asked.append(wanted)
        if self.away:
            raise Retryable("conversations.members: HTTP 503")
        channels = self.server.workspace.channels
        found = next((c for c in channels.values() if wanted in (c.id, c.name, f"#{c.name}")), None)
        if not found or found.id not in {*self.places, destination.channel}:
            raise ToolRefused(NEUTRAL)
        return Place(found.id, found.name, cast("Any", found.kind), frozenset(found.members))

    async def unnamed(self, _asker: str, destination: ThreadKey) -> frozenset[str]:
        workspace = self.server.workspace
        private = {c.id for c in workspace.channels.values() if c.is_private and workspace.app.bot_user_id in c.members}
        return frozenset(private - self.places - {destination.channel})

    async def may_know(self, person: str, _asker: str, _destination: ThreadKey) -> bool:
        return self.people is None or person in self.people


@dataclass(slots=True)
class World:
    """The workspace, the bot's client, and one conversation that draws on sources."""

    server: SlackServer
    slack: Slack
    reading: Reading
    database: Database
    drawn: Drawn
    access: Allowed
    tally: Tally = field(default_factory=Tally)
    seconds: list[float] = field(default_factory=lambda: [BEGAN])

    def later(self, seconds: float = MINUTE) -> None:
        """Time passes in the workspace."""
        self.seconds[0] += seconds

    def id(self, channel: str) -> str:
        """A channel's id by its name."""
        return str(self.server.workspace.channel(channel).id)

    def say(self, person: str, channel: str, text: str, **more: Any) -> str:
        """Somebody writes, a minute after the last."""
        self.later()
        return self.server.workspace.say(person, channel, text, **more)

    def talk(self, channel: str, texts: Iterable[str], by: Iterable[str] = ("ana", "raj", "kim")) -> list[str]:
        """A thread; the ts of its messages."""
        people, said = list(by), list[str]()
        for n, text in enumerate(texts):
            said.append(self.say(people[n % len(people)], channel, text, thread_ts=said[0] if said else None))
        return said

    def allow(self, *channels: str) -> None:
        """What access lets through."""
        self.access.places |= {self.id(c) for c in channels}

    def calls(self, method: str) -> int:
        """How often Slack was asked."""
        return sum(c.method == method for c in self.server.calls)

    def asking(self, person: str, channel: str, root: str = "", ts: str = "", token: str = "") -> Asking:
        """A question of that person in a thread; without a root at the top of a direct message."""
        who = self.server.workspace.person(person)
        place = self.server.workspace.dm(who).id if channel == "dm" else self.id(channel)
        thread = ThreadKey(self.server.team_id, place, root or DM_ROOT)
        sources = Sources(
            access=cast("Access", self.access),
            reading=self.reading,
            library=cast("Library", None),
            drawn=self.drawn,
            office=NO_OFFICE,
            scheduling=NO_SCHEDULING,
            spend=self.tally.spend,
            note=self.tally.note,
        )
        made = asking(self.database, Person(who.id, who.real_name, who.tz), thread, sources=sources)
        now = f"{self.seconds[0] + 1:.6f}"
        return replace(made, question=replace(made.question, ts=ts or now, action_token=token))

    async def use(self, tool: Tool, arguments: dict[str, Any], who: Asking) -> Any:
        """What the tool tells the model, which JSON can hold."""
        filled = {k: arguments.get(k) for k in tool.schema()["parameters"]["properties"]}
        return json.loads(json.dumps(await tool.run(tool.parse(json.dumps(filled)), who)))


@asynccontextmanager
async def reading_world(folder: Path, *, page: int = 200) -> AsyncIterator[World]:
    """Acme, served, with pages of so many messages."""
    seconds = [BEGAN]
    server = SlackServer(clock=lambda: seconds[0])
    async with (
        server.serving(),
        connect_slack(server.bot_token, server.api_url, Pace(None, "")) as slack,
        open_database(with_tables(folder)) as database,
    ):
        drawn = Drawn(database, server.team_id, "conv_1")
        yield World(server, slack, Reading(slack, page=page), database, drawn, Allowed(server), seconds=seconds)


def says(told: dict[str, Any]) -> list[str]:
    return [m["says"] for m in told["messages"]]


def url(world: World, channel: str, ts: str, root: str = "") -> str:
    return permalink(f"{world.server.origin}/", world.id(channel), ts, root)


def token(world: World, person: str) -> str:
    """What Slack gives with a message of that person, for searches on her behalf; a playground that gives none takes any."""
    world.say(person, "random", "@assist hello")
    event = world.server.delivery.events[-1].payload["event"]
    return str(event.get("action_token") or "any")


async def library(world: World) -> None:
    """Words about Postgres in places of each kind."""
    world.say("ana", "engineering", "We take Postgres for the ledger")
    world.say("kim", "random", "postgres stickers are here")
    world.say("ana", "leads", "Postgres costs 9000, keep it quiet")
    world.say("raj", world.server.workspace.dm("raj").id, "my postgres password hint")
