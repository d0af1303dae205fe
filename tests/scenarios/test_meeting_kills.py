"""A real process killed while a meeting is arranged, booked, answered, moved and cancelled: one meeting, one event in each calendar, one card for each, each mail once."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import icalendar
import pytest
from sqlalchemy import select

from bot import tables
from bot.database import open_database
from bot.delivery.outgoing import EVENT, FILE, MAIL, NEVER
from bot.settings import Settings
from playground.openai import OpenAIServer
from playground.slack import SlackServer
from tests.caldav_world import ASSISTANT, PASSWORD, Fault, Front, People, front, people, radicale_server
from tests.conftest import connected
from tests.processes import Bot, Bots
from tests.scenarios.points import brings_outputs
from tests.scenarios.seen import whole
from tests.scenarios.test_meetings import DAY, OFFERED, cards, press, pressables, said
from tests.scheduling_world import at
from tests.smtp_world import MailServer, mail_server

__all__ = ["front", "people", "radicale_server"]

HELD = 4.5  # seconds; less than the bot's time-outs
PATIENCE = 40.0
GUEST = "pat@else.example"
Held = Callable[[], Any]


@dataclass
class Company:
    """Ana in Berlin meets Raj in Kolkata and a guest, with a bot that is killed."""

    slack: SlackServer
    ai: OpenAIServer
    start: Bots
    settings: Settings
    front: Front
    people: People
    mails: MailServer
    database: str
    how: str
    open: asyncio.Event = field(
        default_factory=asyncio.Event
    )  # Slack tells of a press once: who presses while nobody listens sees a warning

    async def begin(self) -> Bot:
        """The bot at work; the process that a test kills."""
        if self.how == "run":
            victim = await self._new("run")
        else:
            await self._new("web")
            victim = await self._new("worker")
        await connected(self.slack)
        self.open.set()
        return victim

    async def replace(self, victim: Bot) -> None:
        """Kills it, and starts another process in its place."""
        self.open.clear()
        await asyncio.sleep(0.3)  # a press that is on its way is noted
        await victim.kill()
        self.mails.delay = self.mails.late = 0
        await self._new("run" if self.how == "run" else "worker")
        await connected(self.slack)
        self.open.set()

    async def press(self, person: str, label: str, *words: str) -> None:
        """Somebody presses a button of their card, which says that."""
        await self.shows(person, *words, pressable=label)
        await self.open.wait()
        press(self.slack, person, await self.shows(person, *words, pressable=label), label)

    async def _new(self, command: str) -> Bot:
        return await self.start.start(
            command,
            REDIS_URL=self.settings.redis_url,
            DATABASE_URL=self.database,
            CALENDAR="caldav",
            CALDAV_URL=f"{self.front.url}/{{user}}/calendar/",
            CALDAV_USER=ASSISTANT,
            CALDAV_PASSWORD=PASSWORD,
            SMTP_URL=f"smtp://127.0.0.1:{self.mails.port}",
            SMTP_FROM="assist@acme.example",
        )

    async def until(self, condition: Callable[[], Any]) -> None:
        await self.slack.until(condition, timeout=PATIENCE)

    async def shows(self, person: str, *words: str, pressable: str = "") -> dict[str, Any]:
        """Somebody's card, once it says that."""
        dm = self.slack.workspace.dm(person).id

        def found() -> dict[str, Any] | None:
            fits = (c for c in cards(self.slack, dm, "M-1") if all(w in str(c) for w in words))
            return next((c for c in fits if not pressable or pressable in pressables(c)), None)

        await self.until(found)
        card = found()
        assert card
        return card

    def mailed(self) -> list[tuple[str, str, Any, str]]:
        """To whom, how, which sequence, which Message-ID."""
        told = []
        for mail in self.mails.mails:
            (part,) = [p for p in mail.walk() if p.get_content_type() == "text/calendar"]
            calendar = icalendar.Calendar.from_ical(part.get_content())
            (event,) = calendar.walk("VEVENT")
            (to,) = mail["To"].addresses
            told.append((to.addr_spec, str(calendar["METHOD"]), event["SEQUENCE"], str(mail["Message-ID"])))
        return told

    async def live(self) -> None:
        """A draft, booked, answered, moved in words, cancelled."""
        ws = self.slack.workspace
        ws.command("ana", "general", "/meet", f"team sync {said(DAY)} 11:00 30 min with @raj {GUEST}")
        await self.press("ana", "Book")
        await self.shows("ana", "Booked", pressable="Reschedule")
        await self.press("raj", "Accept")
        dm = ws.dm("ana").id
        await self.until(lambda: "Accepted: Ana Becker, Raj Patel" in str(cards(self.slack, dm, "M-1")))
        await self.until(lambda: [self.people.count(u) for u in ("ana", "raj")] == [1, 1])
        await self.until(lambda: len({m[:3] for m in self.mailed()}) == 2)
        ws.say("ana", dm, f"move M-1 to {said(DAY)} 10:00")
        await self.press("ana", "Move")
        await self.shows("raj", str(int(at("10:00").timestamp())), pressable="Accept")
        await self.until(lambda: len({m[:3] for m in self.mailed()}) == 4)
        await self.until(lambda: whole(self.slack, dm, count=2))
        await self.until(
            lambda: OFFERED not in str(cards(self.slack, dm, "M-1"))
        )  # what is pressed on that card is refused
        await self.press("ana", "Cancel", "_Booked_", str(int(at("10:00").timestamp())))
        await self.shows("raj", "ancelled")
        await self.shows("ana", "ancelled")

    async def end_well(self) -> None:
        """All that was to be brought is there, once."""
        ws = self.slack.workspace
        async with open_database(self.database) as database:
            async with asyncio.timeout(PATIENCE):
                while True:
                    async with database.read() as tx:
                        rows = list((await tx.execute(select(tables.outgoing))).mappings())
                        events = Counter(await tx.scalars(select(tables.meeting_events.c.action)))
                        meetings = list((await tx.execute(select(tables.meetings))).mappings())
                    if all(r["due_at"] >= NEVER for r in rows):
                        break
                    await asyncio.sleep(0.1)
        once = ("drafted", "booked", "answered accepted", "offered", "moved", "cancelled")
        assert {name: events[name] for name in once} == dict.fromkeys(once, 1), events
        (meeting,) = meetings
        assert (meeting["state"], meeting["sequence"], meeting["entered"]) == ("cancelled", 2, 2)
        assert [self.people.count(u) for u in ("ana", "raj")] == [0, 0]
        stored = {r.path for r in self.front.asked("PUT")}
        assert stored == {f"/{u}/calendar/{meeting['uid']}.ics" for u in ("ana", "raj")}
        mails = self.mailed()
        wanted = {
            (to, *told)
            for to in (GUEST, "raj@acme.example")
            for told in (("REQUEST", 0), ("REQUEST", 1), ("CANCEL", 2))
        }
        assert {m[:3] for m in mails} == wanted
        assert len({m[3] for m in mails}) == len(wanted), "a repeated mail has the same Message-ID"
        assert len(mails) <= len(wanted) + 2, "two were on their way"
        for person in ("ana", "raj"):
            own = [m for m in ws.messages(ws.dm(person)) if m.get("bot_id")]
            marks = Counter(_mark(m) for m in own)
            theirs = [r for r in rows if r["person"] == ws.person(person).id and r["kind"] not in (EVENT, MAIL, FILE)]
            posted = {m: n for m, n in marks.items() if m.startswith("outgoing-")}
            assert posted == {f"outgoing-{r['id']}": 1 for r in theirs}
            assert set(marks.values()) == {1}
            assert len(cards(self.slack, ws.dm(person).id, "M-1")) == 1


def _mark(message: dict[str, Any]) -> str:
    payload = (message.get("metadata") or {}).get("event_payload") or {}
    return f"{payload.get('turn', '')} {payload.get('part') or ''}".strip()


# -- where it is held ----------------------------------------------------------------------------------------------------------------


def _calendar(method: str, user: str, skip: int = 0) -> Callable[[Company], Held]:
    """The calendar has done it, and its answer is on its way."""

    def point(c: Company) -> Held:
        done: list[str] = []

        async def hold() -> None:
            done.append(method)
            if len(done) == skip + 1:
                await asyncio.sleep(HELD)

        c.front.faults.append(Fault(method, f"/{user}/", "meanwhile", times=skip + 1, meanwhile=hold))
        return lambda: len(done) > skip

    point.__name__ = f"{method}_{user}_{skip}"
    return point


def _slack(method: str, words: str = "", **how: Any) -> Callable[[Company], Held]:
    def point(c: Company) -> Held:
        fault = c.slack.faults.add(method, when=lambda args: words in str(args), **({"delay": HELD} | how))
        return lambda: fault.hits

    point.__name__ = re.sub(r"\W+", "_", f"{method} {words} {' '.join(how)}").strip("_")
    return point


def mail_being_taken(c: Company) -> Held:
    c.mails.delay = HELD
    return lambda: c.mails.at_once


def mail_taken(c: Company) -> Held:
    c.mails.late = HELD
    return lambda: c.mails.sent


def moved_and_not_told_to_the_model(c: Company) -> Held:
    c.ai.faults.add("/responses", status=0, delay=HELD, when=brings_outputs)
    return lambda: any(r.path == "/v1/responses" and brings_outputs(r.body) for r in c.ai.requests)


AT_THE_PRESS = _calendar("REPORT", "raj", 1)
POINTS = (
    _calendar("REPORT", "raj"),  # at the command
    AT_THE_PRESS,
    _calendar("PUT", "ana"),
    _calendar("PUT", "raj"),
    _calendar("PUT", "ana", 2),  # moved: the first write finds that it is there, the second has changed it
    _calendar("PUT", "raj", 2),
    _calendar("DELETE", "raj"),
    _calendar("DELETE", "ana"),
    mail_being_taken,
    mail_taken,
    moved_and_not_told_to_the_model,
    _slack("users.info"),  # who asks
    _slack("chat.postMessage", "M-1"),
    _slack("chat.update", "Booked"),
    _slack("chat.postMessage", "M-1", after=1),  # Raj's card
    _slack("chat.postMessage", "moved"),
    _slack("chat.update", "ancelled"),
)


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """The database that a test names."""
    return str(request.getfixturevalue(request.param))


@pytest.fixture
async def company(
    slack: SlackServer,
    ai: OpenAIServer,
    start: Bots,
    settings: Settings,
    front: Front,
    people: People,
    database_url: str,
    request: pytest.FixtureRequest,
) -> AsyncIterator[Company]:
    """The bot is not running yet."""
    await people.open("ana", "raj")
    async with mail_server() as mails:
        yield Company(slack, ai, start, settings, front, people, mails, database_url, request.param)


@pytest.mark.parametrize(
    ("company", "database_url", "point"),
    [
        pytest.param(how, url, point, id=f"{how}-{url[:6]}-{point.__name__}", marks=() if quick else pytest.mark.slow)
        for how, url in (("run", "sqlite_url"), ("apart", "postgresql_url"))
        for point in POINTS
        for quick in [(how, point) == ("run", AT_THE_PRESS)]
    ],
    indirect=["company", "database_url"],
)
async def test_meetings_live_through_a_kill(company: Company, point: Callable[[Company], Held]) -> None:
    held = point(company)
    victim = await company.begin()

    async def kill() -> None:
        await company.until(held)
        await company.replace(victim)

    async with asyncio.TaskGroup() as both:
        both.create_task(kill())
        both.create_task(company.live())
    await company.end_well()
