"""What is tried for days and then given up: nobody is told any more that it goes on. As in test_meeting_bearing.py."""

from __future__ import annotations

from sqlalchemy import update

from bot import tables
from bot.delivery.delivery import MOST_TRIES
from bot.errors import Retryable
from tests.bearing_world import EVENT_ROW, GUEST_ROW, World, world

__all__ = ["world"]

DOWN = Retryable("calendar: 503", said="It does not answer.")
GIVEN_UP = "The test calendar has not answered for days. I have given up."


async def last_try(world: World) -> None:
    """All that waits has been tried for days."""
    async with world.database.begin() as tx:
        await tx.execute(update(tables.outgoing).values(tries=MOST_TRIES - 1))


async def test_a_calendar_that_is_away_for_days_is_given_up_and_the_organizer_told(world: World) -> None:
    world.calendar.faults.append(DOWN)
    await world.has(EVENT_ROW)
    await last_try(world)
    await world.deliver()
    assert (world.now.state, world.now.problem) == ("booked", GIVEN_UP)
    (text,) = world.texts("ana")
    assert GIVEN_UP in text
    assert world.calendar.puts == 0
    await world.has(sequence=1)  # it is rescheduled
    await world.deliver()
    assert (world.calendar.puts, world.now.entered, world.now.problem) == (1, 1, "")


async def test_one_that_cannot_be_removed_for_days_is_told_so(world: World) -> None:
    await world.has(EVENT_ROW)
    await world.deliver()
    world.calendar.faults.append(DOWN)
    await world.has(sequence=1, state="cancelled")
    await last_try(world)
    await world.deliver()
    assert world.register.troubles == [(GIVEN_UP, True)]


async def test_a_mail_server_that_is_away_for_days_is_told_to_the_organizer(world: World) -> None:
    world.mails.answers["RCPT"] = "450 greylisted"
    await world.has(GUEST_ROW)
    await last_try(world)
    await world.deliver()
    (text,) = world.texts("ana")
    assert text.startswith("I could not mail guest@else.example about M-7 “Team sync”: ")
    assert "puts me off" in text
