"""Deliverers of meetings: the real delivery, database, Slack and mail server; a calendar in memory with faults on demand; a register in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot import tables
from bot.compose import make_downloads
from bot.delivery import outgoing
from bot.delivery.claims import CLAIM_SECONDS, Outgoing
from bot.delivery.outgoing import CARD, EVENT, MAIL, NEVER
from bot.errors import MeetingRefused, Retryable
from bot.jobs import make_office, make_scheduling
from bot.meetings.calendars.calendar import Event, Seen, Stored
from bot.meetings.mail import Mailer
from bot.meetings.register.register import Register
from bot.meetings.values import Answer, Attendee, Busy, Meeting, Span
from bot.models import By, utcnow
from bot.settings import Settings
from playground.openai import OpenAIServer
from playground.slack import SlackServer
from tests.deliverers import Deliverers
from tests.housekeeping_world import TEAM, world_of
from tests.meeting_mail_values import SENDER, meeting
from tests.smtp_world import MailServer, mail_server


@dataclass
class MemoryCalendar:
    """A calendar as the port has it. `faults`: what it raises for the next calls, in order."""

    name: str = "the test calendar"
    external: bool = True
    invites: bool = False
    events: dict[str, Event] = field(default_factory=dict)
    puts: int = 0
    removed: list[str] = field(default_factory=list)
    faults: list[Exception] = field(default_factory=list)
    held: asyncio.Event | None = None  # `put` has stored the event, and tells so only once this is set
    storing: asyncio.Event = field(default_factory=asyncio.Event)  # set meanwhile
    link: str = ""
    answers: list[tuple[str, str, Answer]] = field(default_factory=list)
    without_copies: set[str] = field(default_factory=set)
    away: set[str] = field(default_factory=set)  # whose calendars do not answer, while others do

    def _fault(self) -> None:
        if self.faults:
            raise self.faults.pop(0)

    async def busy(self, team: str, people: Sequence[Attendee], span: Span, but: str = "") -> Busy:  # noqa: ARG002  # the port's signature
        return {p.id: None for p in people}

    async def put(self, event: Event) -> Stored:
        self._fault()
        self.puts += 1
        self.events[event.uid] = event
        if self.held:
            self.storing.set()
            await self.held.wait()
            self._fault()
        return Stored(ref=f"ref-{event.uid}", page="https://calendar.example/1", link=self.link)

    async def remove(self, event: Event) -> None:
        self._fault()
        self.events.pop(event.uid, None)
        self.removed.append(event.uid)

    async def answer(self, event: Event, attendee: Attendee) -> bool:
        self._fault()
        if attendee.id in self.away:
            raise Retryable("calendar: 503", said="It does not answer.")
        if attendee.id in self.without_copies:
            return False
        self.answers.append((event.uid, attendee.id, attendee.answer))
        return True

    async def look(self, event: Event) -> Seen | None:
        held = self.events.get(event.uid)
        return Seen(Span(held.start, held.end), cancelled=False, answers={}) if held else None

    async def check(self, person: Attendee) -> str:
        return person.email

    async def close(self) -> None:
        pass


class MemoryRegister(Register):
    """Knows the one meeting that a test has put here, and does to it what the register's contract says."""

    def __init__(self) -> None:
        super().__init__(external=True, mails=True)
        self.now: Meeting | None = None
        self.troubles: list[tuple[str, bool]] = []
        self.told_of: list[tuple[str, bool]] = []

    async def known(self, tx: AsyncConnection, team: str, number: int) -> Meeting | None:  # noqa: ARG002  # the register's signature
        return self.now if self.now and self.now.number == number else None

    async def meeting(self, tx: AsyncConnection, by: By, number: int) -> Meeting:
        found = await self.known(tx, by.team, number)
        if not found or by.person not in {a.id for a in found.attendees}:
            raise MeetingRefused("There is no such meeting.")
        return found

    async def entered(self, tx: AsyncConnection, team: str, number: int, sequence: int, stored: Stored) -> None:  # noqa: ARG002  # likewise
        assert self.now
        told: dict[str, Any] = {"ref": stored.ref, "page": stored.page, "link": stored.link, "problem": ""}
        self.now = replace(self.now, entered=sequence, **told)
        await outgoing.changed(tx, team, self.now.name)

    async def told(
        self,
        tx: AsyncConnection,  # noqa: ARG002  # likewise
        team: str,  # noqa: ARG002  # likewise
        number: int,  # noqa: ARG002  # likewise
        sequence: int,  # noqa: ARG002  # likewise
        attendee: Attendee,
        *,
        taken: bool,
    ) -> None:
        assert self.now
        self.told_of.append((attendee.id, taken))
        people = tuple(replace(a, untold=a.untold and a.id != attendee.id) for a in self.now.attendees)
        self.now = replace(self.now, wish=replace(self.now.wish, attendees=people))

    async def trouble(
        self,
        tx: AsyncConnection,
        team: str,
        number: int,  # noqa: ARG002  # likewise
        sequence: int,
        problem: str,
        *,
        for_good: bool,
    ) -> None:
        old = self.now
        assert old
        if (
            old.sequence != sequence
            or old.state not in ("booked", "cancelled")
            or (old.problem == problem and not for_good)
        ):
            return
        self.troubles.append((problem, for_good))
        changes: dict[str, Any] = {"problem": problem}
        if for_good and old.state == "booked":
            changes |= {"state": "failed", "sequence": old.sequence + 1}
        elif for_good:
            changes["entered"] = old.sequence
        self.now = replace(old, **changes)
        await outgoing.changed(tx, team, self.now.name, kinds=(CARD, MAIL))


@dataclass
class World(Deliverers):
    """What the tests work with."""

    register: MemoryRegister
    calendar: MemoryCalendar
    mails: MailServer

    @property
    def now(self) -> Meeting:
        assert self.register.now
        return self.register.now

    async def has(self, *rows: tuple[str, str], made: Meeting | None = None, **values: Any) -> None:
        """The meeting M-7 (Ana's, with Raj and a guest) is so from now on; `rows`: what is kept of it, by kind and place."""
        usual = made or self.register.now or self.fresh()
        self.register.now = replace(usual, **values)
        async with self.database.begin() as tx:
            for kind, where in rows:
                await outgoing.keep(tx, TEAM, kind, where, "M-7")
            if not rows:
                await outgoing.changed(tx, TEAM, "M-7")

    def fresh(self) -> Meeting:
        """M-7 with the workspace's people."""
        ids = iter((self.person("ana"), self.person("raj")))
        people = tuple(replace(a, id=next(ids)) if a.kind == "member" else a for a in meeting().attendees)
        return replace(meeting(), organizer=people[0].id, wish=replace(meeting().wish, attendees=people))

    def texts(self, name: str) -> list[str]:
        """What the bot has said to somebody."""
        workspace = self.server.workspace
        channel = workspace.dm(workspace.person(name))
        return [m["text"] for m in workspace.messages(channel.id) if m.get("bot_id")]

    async def row(self, kind: str) -> Outgoing:
        columns = [tables.outgoing.c[name] for name in Outgoing.__slots__]
        async with self.database.read() as connection:
            found = await connection.execute(select(*columns).where(tables.outgoing.c.kind == kind))
            return Outgoing(**found.mappings().one())

    async def deliver(self, seconds: float = 8) -> None:
        """A deliverer brings all that waits; what fails is tried again at once."""
        async with self.delivering(), asyncio.timeout(seconds):
            while await self.waiting():
                await asyncio.sleep(0.05)
                await self.hurry_what_failed()

    async def hurry_what_failed(self) -> None:
        """Those rows that were given back for later; a claim's mark is left alone."""
        out = tables.outgoing.c
        async with self.database.begin() as tx:
            for row in await tx.execute(select(out.id, out.due_at, out.tries).where(out.due_at < NEVER, out.tries > 0)):
                left = (row.due_at - utcnow()).total_seconds()
                if 0 < left < CLAIM_SECONDS - 5:
                    await tx.execute(update(tables.outgoing).where(out.id == row.id).values(due_at=utcnow()))


EVENT_ROW, GUEST_ROW = (EVENT, "M-7"), (MAIL, "guest@else.example")


@pytest.fixture
async def world(settings: Settings, slack: SlackServer, ai: OpenAIServer) -> AsyncIterator[World]:
    async with world_of(settings, slack, ai) as parts, mail_server() as mails:
        downloads = make_downloads(settings)
        office = make_office(settings, parts.slack, parts.llm, parts.database, parts.library, downloads)
        register, calendar = MemoryRegister(), MemoryCalendar()
        mailer = Mailer(f"smtp://127.0.0.1:{mails.port}", SENDER, seconds=2)
        made = make_scheduling(settings, parts.slack, parts.llm, parts.database)
        made = replace(made, register=register, calendar=calendar, mailer=mailer)
        yield World(slack, parts.database, office, made, register, calendar, mails)
        mailer.close()
        assert not list(office.folder.glob("*")), "nothing is left on the disk"
