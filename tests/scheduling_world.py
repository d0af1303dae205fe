"""A workspace's people with calendars that tests fill in, the register in a real database, and what it takes to arrange meetings there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.access import Access
from bot.compose import open_llm, open_settings_database
from bot.database import Database
from bot.drawn import Drawn
from bot.jobs import make_scheduling
from bot.meetings.calendars.calendar import Event, Seen, Stored
from bot.meetings.scheduling import Scheduling
from bot.meetings.values import Attendee, Busy, Meeting, Place, Span, Window, Wish
from bot.meetings.when.request import Called
from bot.models import DM_ROOT, By, Person, ThreadKey
from bot.pace import Pace
from bot.places import Places
from bot.reading import Reading
from bot.settings import Settings
from bot.slack import Slack, connect_slack
from bot.sources import Sources
from bot.tools import Asking
from playground.openai import OpenAIServer
from playground.slack import SlackServer
from tests.asking import NO_OFFICE, asking

BERLIN = ZoneInfo("Europe/Berlin")
ROOM = "aquarium@rooms.example.com"


def tuesday() -> date:
    """A Tuesday of one of the next weeks, far from any change of clocks that the day before or after might have."""
    today = datetime.now(BERLIN).date() + timedelta(days=4)
    return today + timedelta(days=(1 - today.weekday()) % 7)


def at(clock: str, days: int = 0) -> datetime:
    """A time of that Tuesday in Berlin, or of so many days later."""
    day = tuesday() + timedelta(days=days)
    return datetime.combine(day, time.fromisoformat(clock), BERLIN).astimezone(UTC)


@dataclass
class Diaries:
    """A calendar as the port has it: what tests say of people's time. Whom nobody spoke of is free; guests are not known."""

    name: str = "the test's calendar"
    external: bool = False
    invites: bool = False
    taken: dict[str, list[Span]] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    public: bool = False  # guests show their time to everybody, as some do
    error: Exception | None = None
    asked: list[tuple[tuple[str, ...], Span, str]] = field(default_factory=list)

    async def busy(self, _team: str, people: Sequence[Attendee], span: Span, but: str = "") -> Busy:
        self.asked.append((tuple(p.id for p in people), span, but))
        if self.error:
            raise self.error
        return {p.id: None if self._hides(p) else tuple(self.taken.get(p.id, ())) for p in people}

    def _hides(self, person: Attendee) -> bool:
        return (person.kind == "guest" and not self.public) or person.id in self.unknown

    async def put(self, event: Event) -> Stored:
        return Stored(event.uid)

    async def remove(self, event: Event) -> None:
        pass

    async def answer(self, _event: Event, _attendee: Attendee) -> bool:
        return True

    async def look(self, _event: Event) -> Seen | None:
        return None

    async def check(self, _person: Attendee) -> str:
        return ""

    async def close(self) -> None:
        pass


@dataclass
class World:
    """Ana in Berlin, Raj in Kolkata, Kim in New York, and what arranges their meetings."""

    server: SlackServer
    slack: Slack
    database: Database
    redis: Any
    scheduling: Scheduling
    calendar: Diaries

    @property
    def team(self) -> str:
        return self.server.team_id

    def id(self, name: str) -> str:
        return str(self.server.workspace.person(name).id)

    def by(self, name: str = "ana", cause: str = "") -> By:
        return By(self.team, self.id(name), cause)

    def busy(self, name: str, start: str, end: str, days: int = 0) -> None:
        """Somebody is busy on that Tuesday from and until these clocks in Berlin."""
        who = self.id(name) if "@" not in name else name
        self.calendar.taken.setdefault(who, []).append(Span(at(start, days), at(end, days)))

    async def attendees(self, *names: str, optional: tuple[str, ...] = (), by: str = "ana") -> tuple[Attendee, ...]:
        people = self.scheduling.people
        organizer = await people.organizer(self.id(by))
        called = [*(Called(n) for n in names), *(Called(n, required=False) for n in optional)]
        return await people.attendees(organizer, called)

    async def wish(self, *names: str, optional: tuple[str, ...] = (), **more: Any) -> Wish:
        """Of Ana with these people, on that Tuesday unless a window is given."""
        day = Window(span=Span(at("00:00"), at("00:00", 1)), zone="Europe/Berlin", text="Tuesday")
        attendees = await self.attendees(*names, optional=optional)
        return Wish(title="Secret plan", attendees=attendees, **({"window": day} | more))

    async def booked(self, wish: Wish, start: datetime, place: Place | None = None, by: str = "ana") -> Meeting:
        """A meeting that stands in the register."""
        register = self.scheduling.register
        async with self.database.begin() as tx:
            made = await register.draft(tx, self.by(by), wish, None, place or Place(), "Europe/Berlin")
            return await register.book(tx, self.by(by), made.number, None, start)

    async def known(self, number: int) -> Meeting:
        async with self.database.read() as tx:
            found = await self.scheduling.register.known(tx, self.team, number)
        assert found
        return found

    def asking(self, person: str = "ana", channel: str = "", root: str = DM_ROOT, text: str = "a question") -> Asking:
        """A question in somebody's direct messages, or in a channel's thread."""
        ws = self.server.workspace
        who = ws.person(person)
        sources = Sources(
            access=Access(Places(self.slack, self.redis)),
            reading=Reading(self.slack),
            library=None,  # type: ignore[arg-type]  # meetings have nothing to do with files
            drawn=Drawn(self.database, self.team, "conv_1"),
            office=NO_OFFICE,
            scheduling=self.scheduling,
            spend=lambda _usage: None,
            note=lambda _text, _instead: None,
        )
        thread = ThreadKey(self.team, ws.channel(channel).id if channel else ws.dm(who).id, root)
        made = asking(self.database, Person(who.id, who.real_name, who.tz), thread, sources=sources, text=text)
        return replace(made, question=replace(made.question, ts=f"{datetime.now(UTC).timestamp():.6f}"))


@pytest.fixture
async def world(slack: SlackServer, ai: OpenAIServer, settings: Settings) -> AsyncIterator[World]:
    """All of them free, all day."""
    settings = replace(settings, meetings_rooms=f"Aquarium={ROOM}")
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(connect_slack(slack.bot_token, slack.api_url, Pace(None, "")))
        llm = await stack.enter_async_context(open_llm(settings))
        database = await stack.enter_async_context(open_settings_database(settings))
        calendar = Diaries()
        scheduling = replace(make_scheduling(settings, client, llm, database), calendar=calendar)
        yield World(slack, client, database, None, scheduling, calendar)
