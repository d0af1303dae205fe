"""Times for a wish: calendars and the register asked, what is unknown said, what stands in the way named."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.errors import CalendarRefused, MeetingRefused, Retryable
from bot.meetings.finding import ALL_SHOWN, NOT_ASKED, OURS_ALONE, STRETCHED, find_offer, look_again
from bot.meetings.values import Offer, Repeat, Slot, Span, Window, Wish
from bot.meetings.when.days import dated
from playground.slack.state import Person, make_id
from tests.scheduling_world import ROOM, World, at, tuesday, world

__all__ = ["world"]


def exactly(clock: str, days: int = 0) -> Window:
    """An explicit start, as it is resolved."""
    start = at(clock, days)
    span = Span(start, start + timedelta(minutes=30))
    return Window(span=span, zone="Europe/Berlin", exact=start, text=f"Tuesday, {clock}")


async def offer(world: World, wish: Wish, **more: Any) -> Offer:
    return await find_offer(world.scheduling, world.by(), wish, **more)


async def test_three_times_are_offered_within_everybodys_hours(world: World) -> None:
    wish = await world.wish("raj", "dana")
    found = await offer(world, wish)
    assert len(found.slots) == 3
    for slot in found.slots:
        assert at("09:00") <= slot.start, "Berlin begins"
        assert slot.end <= at("12:30"), "Kolkata ends at 17:00, four and a half hours ahead"
        assert not slot.outside + slot.unknown + slot.missing
    assert (found.why, found.hints, found.page) == ((OURS_ALONE,), (), 0)
    (asked,) = world.calendar.asked
    assert asked[0] == tuple(a.id for a in wish.attendees), "all in one call"


async def test_somebody_who_is_busy_is_not_disturbed(world: World) -> None:
    world.busy("raj", "09:00", "11:00")
    world.busy("dana", "11:30", "17:00")
    found = await offer(world, await world.wish("raj", "dana"))
    assert [s.start for s in found.slots] == [at("11:00")]


async def test_what_was_booked_here_counts_whatever_the_calendar_says(world: World) -> None:
    await world.booked(await world.wish("raj"), at("09:00"))
    world.calendar.unknown.add(world.id("raj"))
    found = await offer(world, await world.wish("raj", minutes=30))
    assert all(s.start >= at("09:30") for s in found.slots)
    assert all(s.unknown == (world.id("raj"),) for s in found.slots), "what else he does nobody knows"
    assert not any("everyone is free" in s.reasons for s in found.slots)


async def test_a_named_time_that_suits_comes_first(world: World) -> None:
    found = await offer(world, await world.wish("dana", window=exactly("14:00")))
    assert found.slots[0].start == at("14:00")
    assert found.why == (OURS_ALONE,)


async def test_of_a_series_it_is_said_who_cannot_at_which_occurrence(world: World) -> None:
    world.busy("dana", "14:00", "15:00", days=14)
    found = await offer(world, await world.wish("dana", window=exactly("14:00"), repeat=Repeat("week")))
    day = dated(tuesday() + timedelta(days=14))
    assert f"Tuesday, 14:00: Dana Weiss cannot on {day}." in found.why


async def test_a_named_time_that_does_not_suit_is_answered_with_why_and_others_near_it(world: World) -> None:
    world.busy("dana", "13:30", "15:00")
    found = await offer(world, await world.wish("dana", window=exactly("14:00")))
    assert "Tuesday, 14:00: Dana Weiss cannot." in found.why
    assert found.slots
    for slot in found.slots:
        assert not slot.start < at("15:00") or not at("13:30") < slot.end
        assert abs(slot.start - at("14:00")) < timedelta(days=4)


async def test_guests_calendars_are_unknown_and_never_free(world: World) -> None:
    found = await offer(world, await world.wish("pat@example.org"))
    assert found.slots
    assert all(s.unknown == ("pat@example.org",) for s in found.slots)


@pytest.mark.parametrize("error", [Retryable("down"), CalendarRefused("no access", "401"), TimeoutError()])
async def test_a_calendar_that_cannot_be_asked_leaves_everybody_unknown_and_says_so(
    world: World, error: Exception
) -> None:
    await world.booked(await world.wish("dana"), at("09:00"))
    world.calendar.error = error
    wish = await world.wish("dana")
    found = await offer(world, wish)
    assert found.why[0] == NOT_ASKED
    assert found.slots
    assert all(set(s.unknown) == {a.id for a in wish.attendees} for s in found.slots)
    assert all(s.start >= at("09:30") for s in found.slots), "of what was booked here it knows"


async def test_more_times_are_others_and_at_the_end_it_says_so(world: World) -> None:
    world.busy("dana", "09:00", "14:00")
    wish, before, seen = await world.wish("dana", minutes=60), None, list[datetime]()
    for page in range(12):
        found = await offer(world, wish, before=before)
        if ALL_SHOWN in found.why:
            break
        starts = [s.start for s in found.slots]
        assert not set(starts) & set(seen)
        assert found.page == page
        seen += starts
        before = found
    else:
        pytest.fail("no end")
    assert not found.more
    assert len(seen) >= 3


async def test_where_nothing_is_free_it_says_who_stands_in_the_way_and_what_would_help(world: World) -> None:
    world.busy("raj", "00:00", "23:59")
    found = await offer(world, await world.wish("raj", "dana"))
    assert not found.slots
    assert "Raj Patel" in " ".join(found.why)
    assert any(h.without == world.id("raj") for h in found.hints)
    assert "Secret" not in str(found)


async def test_people_whose_hours_never_meet_are_offered_times_outside_of_them(world: World) -> None:
    found = await offer(world, await world.wish("lee", "raj"))
    assert STRETCHED in found.why
    assert all(s.outside for s in found.slots)


async def test_a_meeting_that_is_to_be_moved_is_not_offered_the_time_it_has(world: World) -> None:
    world.busy("dana", "09:30", "16:30")  # free at nine and at half past four
    meeting = await world.booked(await world.wish("dana"), at("09:00"))
    found = await offer(world, meeting.wish, but=meeting)
    assert [s.start for s in found.slots] == [at("16:30")]
    longer = await offer(world, replace(meeting.wish, minutes=15), but=meeting)
    assert at("09:00") in [s.start for s in longer.slots], "another length is another time"


async def test_a_meeting_does_not_stand_in_its_own_way(world: World) -> None:
    meeting = await world.booked(await world.wish("dana"), at("14:00"))
    for name in ("ana", "dana"):  # the calendar cannot tell which entry is the meeting's
        world.busy(name, "14:00", "14:30")
    world.busy("dana", "14:30", "15:00")
    wish = replace(meeting.wish, window=exactly("14:00"))
    assert (await offer(world, wish)).slots[0].start != at("14:00")
    found = await offer(world, wish, but=meeting)
    assert found.slots[0].start == at("14:00")
    assert world.calendar.asked[-1][2] == meeting.uid
    later = replace(meeting.wish, window=exactly("14:15"))
    assert (await offer(world, later, but=meeting)).slots[0].start != at("14:15"), "Dana's next one still counts"


async def test_a_series_is_held_against_its_first_eight_occurrences(world: World) -> None:
    world.busy("dana", "14:00", "15:00", days=7 * 4)
    window, weekly = exactly("14:00"), Repeat("week")
    assert (await offer(world, await world.wish("dana", window=window))).slots[0].start == at("14:00")
    found = await offer(world, await world.wish("dana", window=window, repeat=weekly))
    assert all(s.start != at("14:00") for s in found.slots)
    span = world.calendar.asked[-1][1]
    assert span.end > at("14:00", 7 * 7)


async def test_fifty_people_are_asked_about_at_once(world: World) -> None:
    for n in range(49):
        world.server.workspace.add_person(Person(make_id("U", f"p{n}"), f"p{n}", f"P {n}", f"p{n}@acme.example", "Europe/Berlin"))  # fmt: skip
    wish = await world.wish(*(f"p{n}" for n in range(49)))
    found = await offer(world, wish)
    assert len(found.slots) == 3
    assert len(world.calendar.asked) == 1


async def test_a_room_is_asked_like_a_person(world: World) -> None:
    world.busy(ROOM, "09:00", "16:00")
    found = await offer(world, await world.wish("aquarium"))
    assert found.slots
    assert all(s.start >= at("16:00") for s in found.slots)


# -- the last look ----------------------------------------------------------------------------------------------------------------


async def test_the_last_look_finds_the_slot_or_that_it_is_gone(world: World) -> None:
    wish = await world.wish("dana")
    slot = await look_again(world.scheduling, world.by(), wish, at("14:00"))
    assert slot
    assert (slot.start, slot.end) == (at("14:00"), at("14:30"))
    world.busy("dana", "14:15", "15:00")
    assert await look_again(world.scheduling, world.by(), wish, at("14:00")) is None
    world.calendar.taken.clear()
    await world.booked(await world.wish("dana"), at("14:00"))
    assert await look_again(world.scheduling, world.by(), wish, at("14:15")) is None


async def test_the_last_look_does_not_book_blindly(world: World) -> None:
    wish = await world.wish("dana")
    offered = (await offer(world, wish)).slots[0]
    world.calendar.error = Retryable("down")
    with pytest.raises(MeetingRefused, match="press again"):
        await look_again(world.scheduling, world.by(), wish, offered.start, offered=offered)
    blind = (await offer(world, wish)).slots[0]  # this one was offered as unknown
    assert await look_again(world.scheduling, world.by(), wish, blind.start, offered=blind)


async def test_a_start_that_is_past_is_refused(world: World) -> None:
    with pytest.raises(MeetingRefused, match="past"):
        await look_again(
            world.scheduling, world.by(), await world.wish("dana"), datetime.now(UTC) - timedelta(minutes=1)
        )


async def test_more_times_of_a_draft_whose_time_has_gone_by_says_so(world: World) -> None:
    now = datetime.now(UTC)
    gone = Window(span=Span(now - timedelta(hours=5), now - timedelta(hours=1)), zone="Europe/Berlin")
    wish = await world.wish("dana", window=gone)
    start = now - timedelta(hours=2)
    found = await offer(world, wish, before=Offer(slots=(Slot(start=start, end=start + timedelta(minutes=30)),)))
    assert found.slots == ()
    assert found.why == ("All of that time is past.",)
    assert found.hints


async def test_a_named_time_that_has_gone_by_meanwhile_is_called_so(world: World) -> None:
    start = datetime.now(UTC) - timedelta(hours=1)
    named = Window(span=Span(start, start + timedelta(hours=9)), zone="Europe/Berlin", exact=start, text="Then")
    found = await offer(world, await world.wish("dana", window=named))
    assert found.slots
    assert found.why[0] == "Then has gone by."
