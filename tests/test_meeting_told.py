"""The register and the bearers together: what is booked, moved, cancelled or refused reaches the calendar and the mailboxes of those who were told."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.errors import CalendarRefused, Retryable
from bot.meetings.register.register import Register
from bot.meetings.values import Attendee, Meeting, Place, Wish
from bot.models import By, utcnow
from tests.bearing_world import World, world
from tests.housekeeping_world import TEAM

__all__ = ["world"]

START = (utcnow() + timedelta(days=3)).replace(hour=14, minute=0, second=0, microsecond=0)
LATER = START + timedelta(days=1)


class Told:
    """A meeting of Ana with Raj, a guest and a room, in the real register."""

    def __init__(self, world: World) -> None:
        self.world, self.calendar, self.mails = world, world.calendar, world.mails
        self.register = Register(external=True, mails=True)
        world.scheduling = replace(world.scheduling, register=self.register)
        ana, raj = world.person("ana"), world.person("raj")
        self.by = By(TEAM, ana)
        self.people = (
            Attendee(id=ana, name="Ana Lopes", email="ana@corp.example", zone="Europe/Lisbon"),
            Attendee(id=raj, name="Raj Patel", email="Raj@corp.example", zone="Asia/Kolkata"),
            Attendee(id="guest@else.example", name="Kim", email="guest@else.example", kind="guest", required=False),
            Attendee(id="attic@rooms.example", name="Attic", email="attic@rooms.example", kind="room"),
        )

    async def booked(self, start: datetime = START) -> Meeting:
        wish = Wish(title="Team sync", attendees=self.people)
        async with self.world.database.begin() as tx:
            made = await self.register.draft(tx, self.by, wish, None, Place(), "Europe/Lisbon")
            return await self.register.book(tx, self.by, made.number, None, start)

    async def moved(self, number: int) -> Meeting:
        async with self.world.database.begin() as tx:
            return await self.register.book(tx, self.by, number, None, LATER)

    async def cancelled(self, number: int) -> Meeting:
        async with self.world.database.begin() as tx:
            return await self.register.cancel(tx, self.by, number, None)

    async def now(self, number: int) -> Meeting:
        async with self.world.database.read() as tx:
            found = await self.register.known(tx, TEAM, number)
        assert found
        return found

    @property
    def mailed(self) -> list[tuple[str, str]]:
        """To whom, and how its subject begins; in the order of the alphabet."""
        return sorted((str(m["To"].addresses[0].addr_spec), str(m["Subject"]).split(":")[0]) for m in self.mails.mails)


@pytest.fixture
def told(world: World) -> Told:
    return Told(world)


def to_both(what: str) -> list[tuple[str, str]]:
    return [("Raj@corp.example", what), ("guest@else.example", what)]


async def test_a_meeting_from_its_booking_to_its_end(told: Told) -> None:
    made = await told.booked()
    await told.world.deliver()
    assert told.mailed == to_both("Invitation")
    told.mails.sent.clear()
    assert [e.start for e in told.calendar.events.values()] == [START]
    assert (await told.now(made.number)).entered == 0
    await told.moved(made.number)
    await told.world.deliver()
    assert told.mailed == to_both("Updated invitation")
    told.mails.sent.clear()
    assert [(e.uid, e.sequence, e.start) for e in told.calendar.events.values()] == [(made.uid, 1, LATER)]
    await told.cancelled(made.number)
    await told.world.deliver()
    assert told.mailed == to_both("Cancelled")
    assert told.calendar.events == {}
    now = await told.now(made.number)
    assert (now.state, now.sequence, now.entered) == ("cancelled", 2, 2)


async def test_who_is_taken_out_learns_nothing_that_it_has_become(told: Told) -> None:
    made = await told.booked()
    await told.world.deliver()
    wish = replace(made.wish, title="Layoffs", description="Who goes", attendees=told.people[:2])
    async with told.world.database.begin() as tx:
        await told.register.change(tx, told.by, made.number, None, wish)
    await told.world.deliver()
    mail = next(m for m in reversed(told.mails.mails) if "guest@" in m["To"])
    text = "".join(str(part.get_content()) for part in mail.walk() if not part.is_multipart())
    assert str(mail["Subject"]).startswith(f"Cancelled: {made.wish.title} (")
    assert made.uid in text
    for secret in ("Layoffs", "Who goes", "Raj", "raj@"):
        assert secret not in text + str(mail["Subject"])
    assert told.calendar.events[made.uid].title == "Layoffs"


async def test_an_answer_mails_nobody(told: Told) -> None:
    made = await told.booked()
    await told.world.deliver()
    told.mails.sent.clear()
    async with told.world.database.begin() as tx:
        await told.register.answer(tx, By(TEAM, told.people[1].id), made.number, "accepted")
    await told.world.deliver()
    assert told.mailed == []


async def test_one_that_the_calendar_refuses_fails_and_who_was_invited_hears_of_it(told: Told) -> None:
    told.calendar.faults.append(CalendarRefused("The calendar is closed to me. Please tell whoever runs me.", "403"))
    made = await told.booked()
    await told.world.deliver()
    now = await told.now(made.number)
    assert (now.state, now.problem.startswith("The calendar is closed")) == ("failed", True)
    assert any("The calendar is closed to me" in text for text in told.world.texts("ana"))
    for address, _ in to_both(""):  # who was not invited by then hears nothing, who was hears both
        assert [what for to, what in told.mailed if to == address] in ([], ["Cancelled", "Invitation"])


async def test_a_move_that_the_calendar_refuses_leaves_nothing_at_the_old_time(told: Told) -> None:
    made = await told.booked()
    await told.world.deliver()
    told.calendar.faults.append(CalendarRefused("Not this one.", "403"))
    await told.moved(made.number)
    await told.world.deliver()
    assert ((await told.now(made.number)).state, told.calendar.events) == ("failed", {})
    assert set(to_both("Cancelled")) <= set(told.mailed)


async def test_a_cancellation_that_the_calendar_refuses_is_told_to_the_organizer(told: Told) -> None:
    made = await told.booked()
    await told.world.deliver()
    told.calendar.faults.append(CalendarRefused("Not this one.", "403"))
    await told.cancelled(made.number)
    await told.world.deliver()
    now = await told.now(made.number)
    assert (now.state, now.entered, len(told.calendar.events)) == ("cancelled", now.sequence, 1)
    assert any("Not this one." in text for text in told.world.texts("ana"))


async def test_a_calendar_that_is_away_shows_on_the_meeting_until_it_is_back(told: Told) -> None:
    told.calendar.faults += [Retryable("calendar: 503")] * 4
    made = await told.booked()
    seen = set[str]()
    async with told.world.delivering():
        for _ in range(200):
            now = await told.now(made.number)
            seen.add(now.problem)
            if now.entered == 0:
                break
            await told.world.hurry_what_failed()
            await asyncio.sleep(0.02)
    assert now.entered == 0
    assert seen == {"", "The test calendar does not answer. I keep trying."}
    assert now.problem == ""
