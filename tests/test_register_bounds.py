"""What one person can set off: so many bookings within an hour, so many drafts that wait."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from bot import tables
from bot.errors import MeetingRefused
from bot.meetings.register.states import MOST_BOOKED, MOST_DRAFTS, MOST_MOVED
from bot.models import utcnow
from tests.meetings_world import ANA, KIM, RAJ, World, at, world

__all__ = ["world"]


async def age(world: World, by: timedelta) -> None:
    """As if all that there is had been begun, and all that has happened had happened, so long ago."""
    async with world.database.begin() as tx:
        await tx.execute(update(tables.meetings).values(created_at=utcnow() - by))
        await tx.execute(update(tables.meeting_events).values(at=utcnow() - by))


async def test_so_many_meetings_are_booked_within_an_hour_and_no_more(world: World) -> None:
    for n in range(MOST_BOOKED):
        await world.booked(ANA, RAJ, start=at(days=n + 1))
    await world.do("cancel", 1, None)  # its people were written to all the same
    waiting = await world.draft(ANA, RAJ)
    before = await world.dump()
    with pytest.raises(MeetingRefused, match=f"booked {MOST_BOOKED} meetings within an hour"):
        await world.do("book", waiting.number, None, at(days=50))
    assert await world.dump() == before
    moved = await world.do("book", 2, None, at(12, days=2))  # which is not a new one
    assert moved.start == at(12, days=2)
    assert (await world.booked(KIM, RAJ, start=at(days=50))).state == "booked", "others are not concerned"
    await age(world, timedelta(minutes=61))
    assert (await world.do("book", waiting.number, None, at(days=51))).state == "booked"


async def test_so_often_meetings_are_moved_and_changed_within_an_hour_and_no_more(world: World) -> None:
    meeting = await world.booked(ANA, RAJ, start=at(days=1))
    for n in range(MOST_MOVED // 2):
        meeting = await world.do("book", 1, None, at(days=n + 2))
        meeting = await world.do("change", 1, None, replace(meeting.wish, title=f"Round {n}"))
    before = await world.dump()
    with pytest.raises(MeetingRefused, match=f"changed meetings {MOST_MOVED} times within an hour"):
        await world.do("book", 1, None, at(days=50))
    with pytest.raises(MeetingRefused, match="try again later"):
        await world.do("change", 1, None, replace(meeting.wish, title="Other"))
    assert await world.dump() == before
    await world.booked(ANA, KIM, start=at(days=60))
    await age(world, timedelta(minutes=61))
    assert (await world.do("book", 1, None, at(days=50))).start == at(days=50)


async def test_what_was_begun_long_ago_counts_when_it_is_booked(world: World) -> None:
    waiting = [await world.draft(ANA, RAJ) for _ in range(MOST_BOOKED + 1)]
    await age(world, timedelta(minutes=61))
    for n, meeting in enumerate(waiting[1:], 1):
        await world.do("book", meeting.number, None, at(days=n))
    with pytest.raises(MeetingRefused, match="within an hour"):
        await world.do("book", waiting[0].number, None, at(days=50))


async def test_so_many_drafts_wait_for_one_person_and_no_more(world: World) -> None:
    for _ in range(MOST_DRAFTS):
        await world.draft(ANA, RAJ)
    with pytest.raises(MeetingRefused, match="`/meet list` shows them"):
        await world.draft(ANA, RAJ)
    await world.draft(KIM, RAJ)
    await world.do("cancel", 1, None)
    await world.draft(ANA, RAJ)
    with pytest.raises(MeetingRefused, match=f"{MOST_DRAFTS} meetings"):
        await world.draft(ANA, RAJ)
    await age(world, timedelta(hours=25))  # forgotten ones hold up nobody for ever
    await world.draft(ANA, RAJ)
