"""What is looked after once a minute: who is reminded, and what the calendar is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from bot import tables
from bot.errors import CalendarRefused, Retryable
from bot.meetings import keeping
from bot.meetings.calendars.calendar import Event, Seen, Stored
from bot.meetings.events import event_of, join_link
from bot.meetings.register.register import Register
from bot.meetings.values import Attendee, Busy, Meeting, Span
from bot.models import utcnow
from tests.meetings_world import ANA, GUEST, KIM, RAJ, Stage, at, stage

__all__ = ["stage"]


class Elsewhere:
    """A calendar that has what it is told, and fails when it is to."""

    name, external, invites = "Elsewhere", True, True

    def __init__(self) -> None:
        self.there: dict[str, Seen | None] = {}
        self.asked: list[str] = []
        self.faults: dict[str, Exception] = {}

    async def busy(self, team: str, people: Sequence[Attendee], span: Span, but: str = "") -> Busy:  # noqa: ARG002  # the port's
        return dict.fromkeys((p.id for p in people), ())

    async def put(self, event: Event) -> Stored:
        self.there[event.uid] = Seen(Span(event.start, event.end), cancelled=False, answers={})
        return Stored(f"ref-{event.uid}")

    async def remove(self, event: Event) -> None:
        self.there[event.uid] = None

    async def answer(self, event: Event, attendee: Attendee) -> bool:
        there = self.there[event.uid]
        assert there
        self.there[event.uid] = replace(there, answers={**there.answers, attendee.email.lower(): attendee.answer})
        return True

    async def look(self, event: Event) -> Seen | None:
        self.asked.append(event.title)
        await asyncio.sleep(0)
        if fault := self.faults.get(event.title):
            raise fault
        return self.there[event.uid]

    async def check(self, person: Attendee) -> str:  # noqa: ARG002  # the port's
        return "here"

    async def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def calendar() -> Elsewhere:
    """A calendar elsewhere."""
    return Elsewhere()


@pytest.fixture
def outside(stage: Stage, calendar: Elsewhere) -> Stage:
    """Scheduling with it."""
    register = Register(external=True, mails=False)
    return replace(stage, register=register, scheduling=replace(stage.scheduling, calendar=calendar, register=register))


async def entered(world: Stage, title: str, *people: str, days: int = 1) -> Meeting:
    """A meeting that the calendar has."""
    booked = await world.booked(*people or (ANA, RAJ, GUEST), title=title, start=at(10, days))
    stored = await world.scheduling.calendar.put(event_of(booked))
    await world.tell("entered", booked.number, 0, stored)
    return await world.known(booked.number)


async def asked_long_ago(world: Stage) -> None:
    async with world.database.begin() as tx:
        await tx.execute(update(tables.meetings).values(looked_at=utcnow() - timedelta(hours=1)))


# -- reminders -----------------------------------------------------------------------------------------------------------


async def test_members_are_reminded_shortly_before_the_start_and_once(stage: Stage) -> None:
    ana, raj = stage.person("ana"), stage.person("raj")
    soon = utcnow() + timedelta(minutes=9)
    booked = await stage.booked(ana, raj, online=True, start=soon)
    await stage.booked(KIM, ana, title="Later", start=utcnow() + timedelta(hours=1))
    scheduling = replace(stage.scheduling, remind=10, link="https://meet.example.com/{id}")
    for _ in range(2):
        await asyncio.gather(*(keeping.remind(scheduling, stage.team) for _ in range(2)))  # two workers
    link = join_link(booked, scheduling.link)
    said = f"*Team sync* starts at <!date^{int(soon.timestamp())}^{{time}}|{soon:%H:%M} UTC>. <{link}|Join>"
    assert await stage.words(ana) == await stage.words(raj) == [said]
    assert len(link) == len("https://meet.example.com/") + 20


async def test_reminders_are_off_where_none_are_wanted(stage: Stage) -> None:
    await stage.booked(ANA, start=utcnow() + timedelta(minutes=5))
    await keeping.remind(replace(stage.scheduling, remind=0), stage.team)
    assert await stage.words(ANA) == []
    await keeping.remind(replace(stage.scheduling, remind=10), "T2")
    assert await stage.words(ANA) == []
    await keeping.remind(replace(stage.scheduling, remind=10), stage.team)
    assert len(await stage.words(ANA)) == 1


async def test_a_round_reminds_of_all_that_starts_at_the_full_hour(stage: Stage) -> None:
    start = utcnow() + timedelta(minutes=5)
    for n in range(2 * keeping.REMINDED_AT_ONCE + 2):
        await stage.booked(f"U{n}", start=start)
    for _ in range(2):
        await keeping.remind(replace(stage.scheduling, remind=10), stage.team)
        assert len(await stage.outgoing("word")) == 102


async def test_times_of_long_ago_are_forgotten_and_later_ones_are_not(stage: Stage) -> None:
    await stage.booked(ANA, RAJ)
    await stage.booked(KIM, title="Old")
    async with stage.database.begin() as tx:
        old, times = utcnow() - timedelta(days=91), tables.meeting_times.c
        await tx.execute(update(tables.meeting_times).where(times.meeting == 2).values(start_at=old, end_at=old))
    for _ in range(2):
        await keeping.forget(stage.scheduling, stage.team)
        assert {row["meeting"] for row in (await stage.dump())["meeting_times"]} == {1}


# -- looks at the calendar -------------------------------------------------------------------------------------------------


async def test_the_local_calendar_is_not_asked(stage: Stage) -> None:
    await stage.booked(ANA, RAJ)
    before = await stage.dump()
    await keeping.look(stage.scheduling, stage.team)
    assert await stage.dump() == before


async def test_what_changed_in_the_calendar_shows(outside: Stage, calendar: Elsewhere) -> None:
    one, two, three = [await entered(outside, title, f"U{title}", RAJ + title) for title in ("ONE", "TWO", "THREE")]
    assert one.span
    calendar.there[one.uid] = Seen(one.span, cancelled=False, answers={"urajone@example.com": "tentative"})
    calendar.there[two.uid] = Seen(Span(at(16), at(17)), cancelled=False, answers={})
    calendar.there[three.uid] = None
    await keeping.look(outside.scheduling, outside.team)
    assert (await outside.known(1)).attendees[1].answer == "tentative"
    assert (await outside.known(2)).start == at(16)
    assert (await outside.known(3)).state == "cancelled"


async def test_a_calendar_that_fails_for_one_meeting_is_asked_about_the_others(
    outside: Stage, calendar: Elsewhere
) -> None:
    for title in ("ONE", "TWO", "THREE"):
        await entered(outside, title, f"U{title}")
    calendar.faults = {"ONE": Retryable("calendar away"), "TWO": CalendarRefused("No access.", "403")}
    calendar.there[(await outside.known(3)).uid] = None
    await keeping.look(outside.scheduling, outside.team)
    assert calendar.asked == ["ONE", "TWO", "THREE"]
    assert [m["state"] for m in (await outside.dump())["meetings"]] == ["booked", "booked", "cancelled"]
    await keeping.look(outside.scheduling, outside.team)
    assert len(calendar.asked) == 3  # not again within five minutes
    await asked_long_ago(outside)
    calendar.faults = {}
    await keeping.look(outside.scheduling, outside.team)
    assert calendar.asked[3:] == ["ONE", "TWO"]


async def test_one_that_cannot_be_understood_does_not_keep_the_calendar_from_being_asked_about_others(
    outside: Stage, calendar: Elsewhere
) -> None:
    for title in ("ONE", "TWO"):
        await entered(outside, title, f"U{title}")
    calendar.faults = {"ONE": KeyError("start")}
    calendar.there[(await outside.known(2)).uid] = None
    await keeping.look(outside.scheduling, outside.team)
    assert [m["state"] for m in (await outside.dump())["meetings"]] == ["booked", "cancelled"]


async def test_a_calendar_that_hangs_does_not_hold_up_the_round(outside: Stage, calendar: Elsewhere) -> None:
    titles = [f"N{n}" for n in range(keeping.LOOKED_AT_ONCE + 1)]
    for title in titles:
        await entered(outside, title, f"U{title}")

    class Hanging(Elsewhere):
        """Never answers."""

        async def look(self, event: Event) -> Seen | None:
            await asyncio.Event().wait()
            raise AssertionError(event.title)

    hanging = Hanging()
    hanging.there = calendar.there
    async with asyncio.timeout(5):
        await keeping.look(replace(outside.scheduling, calendar=hanging), outside.team, seconds=0.05)
    await keeping.look(outside.scheduling, outside.team)
    assert calendar.asked == titles[-1:], "the others had their turn"


async def test_only_meetings_of_the_next_two_weeks_that_the_calendar_has_are_looked_at(
    outside: Stage, calendar: Elsewhere
) -> None:
    await entered(outside, "far", "U1", days=15)
    await outside.booked("U2", title="not entered")
    await outside.draft("U3", title="draft")
    await entered(outside, "near", "U4", days=13)
    await entered(outside, "over", "U5")
    await outside.shift(5, utcnow() - timedelta(hours=1))
    await keeping.look(outside.scheduling, outside.team)
    assert calendar.asked == ["near"]


async def test_who_moves_it_here_while_the_calendar_is_asked_is_right(outside: Stage, calendar: Elsewhere) -> None:
    meeting = await entered(outside, "ONE")

    class Slow(Elsewhere):
        """Meanwhile it is moved here, and the calendar is told."""

        async def look(self, event: Event) -> Seen | None:
            before = await super().look(event)
            moved = await outside.do("book", 1, None, at(15))
            await outside.tell("entered", 1, 1, await self.put(event_of(moved)))
            return before

    slow = Slow()
    slow.there = calendar.there
    await keeping.look(replace(outside.scheduling, calendar=slow), outside.team)
    assert meeting.start == at(10)
    assert (await outside.known()).start == at(15)


async def test_the_calendar_is_asked_outside_of_any_transaction(outside: Stage) -> None:
    await entered(outside, "ONE")

    class Curious(Elsewhere):
        """Somebody else writes while it is asked."""

        async def look(self, event: Event) -> Seen | None:
            async with asyncio.timeout(2):
                await outside.draft(KIM)
            return await super().look(event)

    curious = Curious()
    curious.there[(await outside.known()).uid] = None
    await keeping.look(replace(outside.scheduling, calendar=curious), outside.team)
    assert (await outside.known(2)).state == "draft"


# -- events ------------------------------------------------------------------------------------------------------------------


async def test_an_event_is_the_meeting_as_calendars_are_told_of_it(stage: Stage) -> None:
    booked = await stage.booked(ANA, RAJ, GUEST, online=True, description="Numbers", repeat=None)
    event = event_of(booked, "https://meet.example.com/x")
    assert (event.uid, event.sequence, event.title, event.description) == (booked.uid, 0, "Team sync", "Numbers")
    assert (event.start, event.end, event.zone) == (booked.start, booked.end, "Europe/Lisbon")
    assert (event.organizer.id, event.attendees, event.repeat) == (ANA, booked.attendees, None)
    assert (event.link, event.ref, event.changed_at) == ("https://meet.example.com/x", "", booked.changed_at)
    assert event_of(replace(booked, link="https://cal.example.com/j"), "https://x").link == "https://cal.example.com/j"
    with pytest.raises(ValueError, match="M-2 has no time"):
        event_of(await stage.draft(KIM))


async def test_a_link_is_made_for_online_meetings_alone(stage: Stage) -> None:
    there, online = await stage.booked(ANA), await stage.booked(KIM, online=True)
    assert join_link(there, "https://meet.example.com/{id}") == ""
    assert join_link(online, "") == ""
    assert join_link(online, "https://meet.example.com/{id}").startswith("https://meet.example.com/")
    assert online.uid not in join_link(online, "https://meet.example.com/{id}")
