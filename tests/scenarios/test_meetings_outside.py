"""Meetings with calendars on a real CalDAV server and invitations by a real mail server, from end to end; and what people see while these fail."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from typing import Any

import icalendar
import pytest

from bot.meetings.values import Span
from bot.settings import Settings
from playground.openai import OpenAIServer
from playground.slack import SlackServer
from tests.caldav_world import ASSISTANT, PASSWORD, Fault, Front, People, front, people, radicale_server
from tests.conftest import connected, running
from tests.scenarios.expense_seen import form
from tests.scenarios.seen import answers
from tests.scenarios.test_meetings import DAY, OFFERED, cards, kept, press, pressables, said, shows
from tests.scheduling_world import at
from tests.smtp_world import MailServer, mail_server

__all__ = ["front", "people", "radicale_server"]

GUEST = "pat@else.example"


@dataclass
class Company:
    """The whole bot, the calendars of Ana in Berlin, Raj in Kolkata and Kim in New York, and everybody's mailbox."""

    slack: SlackServer
    settings: Settings
    front: Front
    people: People
    mails: MailServer

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """The bot at work."""
        async with running(self.settings):
            await connected(self.slack)
            yield

    async def until(self, condition: Callable[[], Any], seconds: float = 20) -> None:
        await self.slack.until(condition, timeout=seconds)

    async def shows(self, person: str, *words: str, pressable: str = "") -> dict[str, Any]:
        return await shows(self.slack, person, "M-1", *words, pressable=pressable)

    def meet(self, person: str, text: str) -> None:
        self.slack.workspace.command(person, "general", "/meet", text)

    def press(self, person: str, card: dict[str, Any], label: str) -> None:
        press(self.slack, person, card, label)

    def told(self, person: str) -> str:
        """All that the bot has said to somebody."""
        ws = self.slack.workspace
        theirs = [str(e.get("text")) for e in ws.ephemerals if e["to"] == ws.person(person).id]
        return "\n".join([*answers(self.slack, ws.dm(person).id), *theirs])

    async def event(self, user: str) -> icalendar.Event | None:
        """The only event that the bot has put into somebody's calendar."""
        uid = (await kept(self.settings, self.slack)).uid
        text = await self.people.has(user, uid)
        if not text:
            return None
        (event,) = icalendar.Calendar.from_ical(text).walk("VEVENT")
        assert isinstance(event, icalendar.Event)
        return event

    async def event_at(self, user: str, sequence: int) -> icalendar.Event:
        """The same, once it has that sequence."""
        async with asyncio.timeout(20):
            while not (event := await self.event(user)) or event["SEQUENCE"] != sequence:  # noqa: ASYNC110  # Radicale tells nobody
                await asyncio.sleep(0.1)
        return event

    async def says(self, user: str, answer: str) -> bool:
        """Whether the event in somebody's calendar tells this answer of Raj's."""
        event = await self.event(user)
        return any("raj@" in who and who.params["PARTSTAT"] == answer for who in (event.attendees if event else ()))

    def invitations(self, to: str) -> list[tuple[str, Any]]:
        """What somebody was mailed, as a standard parser reads it: the method and the sequence of each."""
        found = []
        for mail in self.mails.mails:
            if to in mail["To"]:
                (part,) = [p for p in mail.walk() if p.get_content_type() == "text/calendar"]
                calendar = icalendar.Calendar.from_ical(part.get_content())
                (event,) = calendar.walk("VEVENT")
                assert part.get_param("method") == calendar["METHOD"]
                found.append((str(calendar["METHOD"]), event["SEQUENCE"]))
        return found


@asynccontextmanager
async def writable(settings: Settings, front: Front) -> AsyncIterator[list[str]]:
    """Looks at each request to the calendars whether the database could be written meanwhile: no transaction may wait for them."""
    blocked: list[str] = []
    path = settings.data_dir / "assist.db"

    def locked() -> bool:
        with closing(sqlite3.connect(path, timeout=3.0)) as database:  # less than the bot waits for a calendar
            try:
                database.execute("BEGIN IMMEDIATE")
                database.execute("ROLLBACK")
            except sqlite3.OperationalError:
                return True
            return False

    async def look() -> None:
        if await asyncio.to_thread(locked):
            blocked.append("held")

    front.faults += [Fault(m, "/", "meanwhile", meanwhile=look) for m in ("REPORT", "PUT", "GET", "DELETE")]
    yield blocked


@pytest.fixture
async def acme(
    settings: Settings, slack: SlackServer, ai: OpenAIServer, front: Front, people: People
) -> AsyncIterator[Company]:
    """The bot is not at work yet."""
    await people.open("ana", "raj", "kim")
    async with mail_server() as mails:
        settings = replace(
            settings,
            calendar="caldav",
            caldav_url=f"{front.url}/{{user}}/calendar/",
            caldav_user=ASSISTANT,
            caldav_password=PASSWORD,
            smtp_url=f"smtp://127.0.0.1:{mails.port}",
            smtp_from="assist@acme.example",
        )
        yield Company(slack, settings, front, people, mails)


def busy(day: str, start: str, end: str) -> str:
    return f"SUMMARY:Doctor\nDTSTART;TZID=Europe/Berlin:{day}T{start}00\nDTEND;TZID=Europe/Berlin:{day}T{end}00"


async def test_a_meeting_lives_in_calendars_and_mailboxes_from_its_booking_to_its_end(acme: Company) -> None:
    await acme.people.add("raj", "doctor", busy(f"{DAY:%Y%m%d}", "1000", "1230"))
    async with writable(acme.settings, acme.front) as blocked:
        async with acme.working():
            acme.meet("ana", f"team sync {said(DAY)} 30 min with @raj @kim {GUEST}")
            offered = await acme.shows("ana", "team sync", "Kolkata", "New York", pressable="Book")
            assert "Doctor" not in str(offered)
            acme.press("ana", offered, "Book")
            await acme.shows("ana", "Booked", pressable="Reschedule")
            meeting = await kept(acme.settings, acme.slack)
            assert meeting.span
            assert not meeting.span.overlaps(Span(at("10:00"), at("12:30")))
            await acme.until(lambda: all(acme.people.count(u) == n for u, n in (("ana", 1), ("raj", 2), ("kim", 1))))
            await acme.until(lambda: acme.invitations(GUEST) == [("REQUEST", 0)])
            first = await acme.event("ana")
            assert first
            assert (first.start, first["SEQUENCE"]) == (meeting.start, 0)
        mine = await acme.people.has("kim", meeting.uid) or ""
        hers = next(line for line in mine.splitlines() if line.startswith("ATTENDEE") and "kim@" in line)
        await acme.people.change("kim", meeting.uid, hers, hers.replace("NEEDS-ACTION", "TENTATIVE"))
        async with acme.working():  # looks into the calendars at once
            await acme.shows("ana", "Maybe", pressable="Reschedule")
            dm = acme.slack.workspace.dm("ana")
            acme.slack.workspace.say("ana", dm, f"move M-1 to {said(DAY)} 09:00")
            acme.press("ana", await acme.shows("ana", pressable="Move"), "Move")
            # All of them, else a cancellation may overtake the move.
            told = [GUEST, *(f"{name}@acme.example" for name in ("raj", "kim"))]
            both = [("REQUEST", 0), ("REQUEST", 1)]
            await acme.until(lambda: all(acme.invitations(one) == both for one in told))
            moved = await kept(acme.settings, acme.slack)
            assert moved.start != meeting.start
            second = await acme.event_at("raj", 1)
            assert (second["UID"], second.start) == (first["UID"], moved.start)
            assert [acme.people.count(u) for u in ("ana", "raj", "kim")] == [1, 2, 1]
            await acme.until(
                lambda: OFFERED not in str(cards(acme.slack, dm.id, "M-1"))
            )  # its buttons are refused by now
            acme.press("ana", await acme.shows("ana", "Booked", pressable="Cancel"), "Cancel")
            await acme.shows("kim", "ancelled")
            await acme.until(lambda: acme.invitations(GUEST)[2:] == [("CANCEL", 2)])
            await acme.until(lambda: [acme.people.count(u) for u in ("ana", "raj", "kim")] == [0, 1, 0])
            story = [("REQUEST", 0), ("REQUEST", 1), ("CANCEL", 2)]
            members = [f"{name}@acme.example" for name in ("raj", "kim")]
            await acme.until(lambda: all(acme.invitations(member) == story for member in members))
    assert blocked == []
    assert {r.method for r in acme.front.seen} >= {"REPORT", "PUT", "GET", "DELETE"}


async def test_people_join_and_leave_a_booked_meeting_in_calendars_mailboxes_and_slack(acme: Company) -> None:
    await acme.people.add("kim", "doctor", busy(f"{DAY:%Y%m%d}", "1030", "1130"))
    ws, dm, day = acme.slack.workspace, acme.slack.workspace.dm("ana"), said(DAY)
    async with writable(acme.settings, acme.front) as blocked, acme.working():
        acme.meet("ana", f"team sync {day} 11:00 30 min with @raj {GUEST}")
        acme.press("ana", await acme.shows("ana", pressable="Book"), "Book")
        acme.press("raj", await acme.shows("raj", pressable="Accept"), "Accept")
        await acme.shows("ana", "Accepted: Ana Becker, Raj Patel", pressable="Change")
        await acme.until(lambda: acme.people.count("raj") == 1 and acme.invitations(GUEST) == [("REQUEST", 0)])
        async with asyncio.timeout(20):
            while not all([await acme.says(u, "ACCEPTED") for u in ("ana", "raj")]):  # noqa: ASYNC110  # Radicale tells nobody
                await asyncio.sleep(0.1)
        # Kim is at the doctor's: as optional only.
        ws.say("ana", dm, "add @kim to M-1")
        await acme.until(lambda: "Kim Novak is not free" in acme.told("ana"))
        assert acme.people.count("kim") == 1
        ws.say("ana", dm, "make @kim optional in M-1")
        await acme.shows("kim", "team sync", pressable="Accept")
        await acme.until(lambda: acme.people.count("kim") == 2)
        await acme.until(lambda: acme.invitations("kim@acme.example") == [("REQUEST", 1)])
        card = await acme.shows("ana", "Accepted: Ana Becker, Raj Patel", "Kim Novak", pressable="Change")
        # Raj leaves, and it has another name.
        acme.press("ana", card, "Change")
        view = await form(acme.slack, "ana", "Save")
        fields = {"title": {"title": "Budget"}, "people": {"people": []}}
        ws.submit("ana", view["id"], fields)
        left = await acme.shows("raj", "You do not take part in")
        assert "Budget" not in str(left)
        assert not pressables(left)
        await acme.until(lambda: "took you out of *team sync*" in acme.told("raj"))
        await acme.until(lambda: acme.invitations("raj@acme.example")[-1] == ("CANCEL", 2))
        await acme.until(lambda: acme.invitations(GUEST) == [("REQUEST", n) for n in range(3)])
        assert [str(m["Subject"]).startswith("Cancelled: team sync") for m in acme.mails.mails if "raj@" in m["To"]][-1]
        event = await acme.event_at("kim", 2)
        assert (event["SUMMARY"], event.start) == ("Budget", at("11:00"))
        await acme.until(lambda: [acme.people.count(u) for u in ("ana", "raj", "kim")] == [1, 0, 2])
        await acme.shows("kim", "Budget", pressable="Accept")
        await acme.shows("ana", "Budget", "_Booked_", pressable="Change")
        acme.meet("raj", "list")
        await acme.until(lambda: "You have no meetings" in acme.told("raj"))
        acme.meet("kim", "list")
        await acme.until(lambda: "*Budget* · M-1 · 3 people" in acme.told("kim"))
    assert blocked == []


@pytest.mark.parametrize("how", [503, 401])
async def test_calendars_that_cannot_be_asked_are_told_of_at_once_and_hold_up_nothing_else(
    acme: Company, how: int
) -> None:
    async with acme.working():
        acme.meet("ana", f"sync {said(DAY)} 11:00 30 min with @raj {GUEST}")
        offered = await acme.shows("ana", pressable="Book")
        acme.front.faults.append(Fault("REPORT", "/", how))
        acme.press("ana", offered, "Book")
        acme.meet("ana", "list")
        await acme.until(lambda: "nothing was booked" in acme.told("ana"), 5)
        await acme.until(lambda: "*Being arranged*" in acme.told("ana"), 5)
        acme.front.faults.clear()
        acme.press("ana", offered, "Book")
        await acme.until(lambda: "_Booked_" in acme.told("ana"))


async def test_nobody_waits_for_another_ones_calendar(acme: Company) -> None:
    acme.front.faults.append(Fault("REPORT", "/", "slow", seconds=9))
    async with acme.working():
        acme.meet("ana", f"sync {said(DAY)} 11:00 30 min with @raj")
        await acme.until(lambda: acme.front.asked("REPORT"))
        dm = acme.slack.workspace.dm("kim")
        acme.slack.workspace.say("kim", dm, "hello")
        acme.meet("kim", "list")
        await acme.until(lambda: len(answers(acme.slack, dm.id)) == 2, 4)
        await acme.shows("ana", "could not ask the calendars", pressable="Book")


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (401, "does not take place"),
        pytest.param(503, "I keep trying", marks=pytest.mark.slow),  # quiet for the first tries
        pytest.param(412, "I keep trying", marks=pytest.mark.slow),
    ],
)
async def test_what_the_calendar_does_not_take_is_said_so(acme: Company, how: int, words: str) -> None:
    acme.front.faults.append(Fault("PUT", "/", how))
    async with acme.working():
        acme.meet("ana", f"sync {said(DAY)} 11:00 30 min with @raj")
        await acme.until(lambda: words in acme.told("ana"), 20)
        if how != 401:
            acme.front.faults.clear()
            await acme.until(lambda: acme.people.count("raj") == 1, 20)
            await acme.until(lambda: words not in acme.told("ana"), 5)
