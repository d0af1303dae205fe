"""Meetings to try things on: a workspace's people, drafts and bookings, and a look at all that is written; with the playground's servers where a test needs them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot import tables
from bot.database import Database, open_database
from bot.errors import MeetingRefused
from bot.jobs import make_scheduling
from bot.meetings.register.register import Register
from bot.meetings.scheduling import Scheduling
from bot.meetings.values import Attendee, Meeting, Offer, Place, Slot, Wish
from bot.models import By
from bot.settings import Settings
from playground.openai import OpenAIServer
from playground.slack import SlackServer
from tests.housekeeping_world import TEAM, world_of

ANA, RAJ, KIM, LEE, STRANGER = "UANA", "URAJ", "UKIM", "ULEE", "USTRANGER"
GUEST, ROOM = "zoe@example.com", "aquarium@rooms.example.com"
PEOPLE = (ANA, RAJ, KIM, LEE, STRANGER)
WRITTEN = ("meeting_books", "meetings", "meeting_times", "meeting_events", "outgoing")
THREAD = Place("C1", "1700000000.000100")
Result = TypeVar("Result")
Dump = Mapping[str, list[dict[str, Any]]]


def attendee(who: str, *, required: bool = True) -> Attendee:
    """A member, or whoever has an address for an id."""
    if "@" not in who:
        name = who[1:].title()
        return Attendee(id=who, name=name, email=f"{who.lower()}@example.com", zone="Europe/Lisbon", required=required)
    return Attendee(
        id=who,
        name=who.split("@", maxsplit=1)[0].title(),
        email=who,
        kind="room" if who == ROOM else "guest",
        required=required,
    )


def wish(*people: str, title: str = "Team sync", **more: Any) -> Wish:
    """A wish of half an hour. Who has a "?" behind them is optional."""
    attendees = tuple(attendee(p.rstrip("?"), required=not p.endswith("?")) for p in people or (ANA, RAJ))
    return Wish(title=title, attendees=attendees, **more)


def at(hours: float = 0, days: int = 1) -> datetime:
    """So many hours after midnight (UTC), so many days from today."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today + timedelta(days=days, hours=hours)


def offer_of(*starts: datetime) -> Offer:
    """These times."""
    return Offer(
        slots=tuple(Slot(start=s, end=s + timedelta(minutes=30), reasons=("everyone is free",)) for s in starts)
    )


@dataclass
class World:
    """One workspace's meetings."""

    database: Database
    register: Register
    team: str = "T1"

    def by(self, person: str = ANA, cause: str = "") -> By:
        """Somebody of this workspace."""
        return By(self.team, person, cause)

    async def at(self, work: Callable[[AsyncConnection], Awaitable[Result]]) -> Result:
        """Does something in a transaction."""
        async with self.database.begin() as tx:
            return await work(tx)

    async def do(self, method: str, *args: Any, by: str = ANA, cause: str = "", **more: Any) -> Any:
        """Calls what people do in a transaction of its own."""
        return await self.at(lambda tx: getattr(self.register, method)(tx, self.by(by, cause), *args, **more))

    async def tell(self, method: str, *args: Any, **more: Any) -> Any:
        """The same for what the calendar and the clock do."""
        return await self.at(lambda tx: getattr(self.register, method)(tx, self.team, *args, **more))

    async def draft(
        self, *people: str, place: Place | None = None, zone: str = "Europe/Lisbon", **more: Any
    ) -> Meeting:
        """A new draft of the first of these people, without an offer."""
        made = wish(*people, **more)
        by = made.attendees[0].id
        drafted: Meeting = await self.do("draft", made, None, place or Place(), zone, by=by)
        return drafted

    async def booked(
        self, *people: str, start: datetime | None = None, place: Place | None = None, **more: Any
    ) -> Meeting:
        """A new meeting of the first of these people, booked for tomorrow at 10:00 UTC or `start`."""
        drafted = await self.draft(*people, place=place, **more)
        done: Meeting = await self.do("book", drafted.number, 1, start or at(10), by=drafted.organizer)
        return done

    async def known(self, number: int = 1) -> Meeting:
        """A meeting as it is now."""
        meeting: Meeting | None = await self.tell("known", number)
        assert meeting
        return meeting

    async def shift(self, number: int, start: datetime) -> None:
        """As if a meeting had been booked for then: the past, say."""
        meeting = await self.known(number)
        assert meeting.start
        assert meeting.end
        by = start - meeting.start
        its = (tables.meetings.c.team == self.team) & (tables.meetings.c.number == number)
        times = (tables.meeting_times.c.team == self.team) & (tables.meeting_times.c.meeting == number)
        async with self.database.begin() as tx:
            await tx.execute(update(tables.meetings).where(its).values(start_at=start, end_at=meeting.end + by))
            rows = (await tx.execute(select(tables.meeting_times).where(times))).all()
            for row in rows:
                this = times & (tables.meeting_times.c.attendee == row.attendee)
                moved = {"start_at": row.start_at + by, "end_at": row.end_at + by}
                await tx.execute(
                    update(tables.meeting_times)
                    .where(this & (tables.meeting_times.c.start_at == row.start_at))
                    .values(**moved)
                )

    async def dump(self) -> Dump:
        """All that is written of the workspace."""
        rows: dict[str, list[dict[str, Any]]] = {}
        async with self.database.read() as connection:
            for name in WRITTEN:
                table = tables.metadata.tables[name]
                mine = select(table).where(table.c.team == self.team).order_by(*table.primary_key)
                rows[name] = [dict(row._mapping) for row in await connection.execute(mine)]
        return rows

    async def outgoing(self, kind: str = "") -> dict[tuple[str, str], int]:
        """What is to be where: kind and person, and how often it was wanted. Of words the text instead of the person's number."""
        rows = (await self.dump())["outgoing"]
        return {(r["kind"], r["person"]): r["wanted"] for r in rows if r["kind"] == kind or not kind}

    async def words(self, person: str) -> list[str]:
        """What somebody is told."""
        return [r["body"] for r in (await self.dump())["outgoing"] if (r["kind"], r["person"]) == ("word", person)]

    async def refusal(self, method: str, *args: Any, by: str = ANA, **more: Any) -> str:
        """What somebody is told; nothing may have been written."""
        before = await self.dump()
        with pytest.raises(MeetingRefused) as caught:
            await self.do(method, *args, by=by, **more)
        assert await self.dump() == before
        return str(caught.value)


@asynccontextmanager
async def opened(url: str, team: str = "T1", *, external: bool = False, mails: bool = False) -> AsyncIterator[World]:
    """The register in a database."""
    async with open_database(url) as database:
        yield World(database, Register(external=external, mails=mails), team)


@pytest.fixture
async def world(sqlite_url: str) -> AsyncIterator[World]:
    """On SQLite, without any other calendar or mails."""
    async with opened(sqlite_url) as world:
        yield world


@pytest.fixture
async def outside(sqlite_url: str) -> AsyncIterator[World]:
    """On SQLite, with a calendar elsewhere and mails."""
    async with opened(sqlite_url, external=True, mails=True) as world:
        yield world


@pytest.fixture
async def anywhere(url: str) -> AsyncIterator[World]:
    """On SQLite, and on PostgreSQL."""
    async with opened(url, external=True, mails=True) as world:
        yield world


@dataclass(kw_only=True)
class Stage(World):
    """The same with a worker's scheduling, against the playground's servers."""

    server: SlackServer
    scheduling: Scheduling

    def person(self, name: str) -> str:
        """The id of somebody in the playground."""
        return self.server.workspace.person(name).id


@pytest.fixture
async def stage(settings: Settings, slack: SlackServer, ai: OpenAIServer) -> AsyncIterator[Stage]:
    """Scheduling with CALENDAR=local, in the playground's workspace."""
    async with world_of(settings, slack, ai) as parts:
        scheduling = make_scheduling(settings, parts.slack, parts.llm, parts.database)
        yield Stage(parts.database, scheduling.register, TEAM, server=slack, scheduling=scheduling)
