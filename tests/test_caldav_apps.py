"""Events in a real Radicale that people's apps, and proxies, have changed in ways of their own."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.meetings.calendars.caldav import CalDavCalendar
from bot.meetings.values import Span
from tests.caldav_world import Fault, Front, People, calendar, front, people, radicale_server
from tests.test_caldav_events import ANA, KIM, RAJ, START, UID, an_event, held, moved

__all__ = ["calendar", "front", "people", "radicale_server"]


async def test_a_sequence_that_an_app_has_raised_does_not_stand_in_the_way_of_a_move(
    calendar: CalDavCalendar, people: People
) -> None:
    await people.open("ana", "raj")
    first = an_event(RAJ)
    stored = await calendar.put(first)
    for user in ("ana", "raj"):
        await people.change(user, UID, "SEQUENCE:0", "SEQUENCE:5")
    second = moved(first, stored.ref)
    for _ in range(2):
        await calendar.put(second)
        for user in ("ana", "raj"):
            there = await held(people, user)
            assert (there["SEQUENCE"], there.start) == (6, second.start)
    await calendar.put(first)  # a late repeat
    assert (await held(people, "ana")).start == second.start
    third = replace(moved(second, stored.ref), attendees=(ANA,))
    await calendar.put(third)
    assert ((await held(people, "ana"))["SEQUENCE"], people.count("raj")) == (7, 0)


async def test_what_the_organizer_moved_in_their_app_is_taken_to_attendees_copies(
    calendar: CalDavCalendar, people: People
) -> None:
    await people.open("ana", "raj")
    first = an_event(RAJ)
    stored = await calendar.put(first)
    await people.change("ana", UID, "T140000Z", "T160000Z")
    await people.change("ana", UID, "T143000Z", "T163000Z")
    await people.change("ana", UID, "SEQUENCE:0", "SEQUENCE:1")
    seen = await calendar.look(first)
    assert seen
    assert seen.span == Span(START + timedelta(hours=2), START + timedelta(hours=2, minutes=30))
    await calendar.put(replace(first, start=seen.span.start, end=seen.span.end, sequence=1, ref=stored.ref))
    for user in ("ana", "raj"):
        assert (await held(people, user)).start == seen.span.start
    await people.delete("ana", UID)
    assert await calendar.look(first) is None
    await calendar.remove(first)
    assert people.count("raj") == 0


async def test_weak_tags_of_a_proxy_do_not_stand_in_the_way_of_a_move(
    calendar: CalDavCalendar, people: People, front: Front
) -> None:
    await people.open("ana")
    first = an_event()
    stored = await calendar.put(first)
    front.add = {"ETag": 'W/"1"'}
    await calendar.put(moved(first, stored.ref))
    assert (await held(people, "ana")).start == moved(first).start


async def test_one_whose_calendar_wants_another_sign_in_does_not_fail_the_meeting(
    calendar: CalDavCalendar, people: People, front: Front
) -> None:
    await people.open("ana", "raj", "kim")
    front.faults = [Fault("PUT", "/raj/", 401)]
    await calendar.put(an_event(RAJ, KIM))
    assert (people.count("ana"), people.count("raj"), people.count("kim")) == (1, 0, 1)
