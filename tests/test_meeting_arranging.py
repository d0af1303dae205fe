"""From what was asked for to a draft or a booked meeting: what is booked at once, what is asked about, what is refused; and who was quicker."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from bot.errors import MeetingRefused, Retryable
from bot.meetings.arranging import WHICH, Asked, Prepared, carry_out, prepare, prepare_move, understood
from bot.meetings.finding import NOT_ASKED
from bot.meetings.hours import keep_hours
from bot.meetings.values import Hours, Meeting, Place, Repeat, Window
from bot.meetings.when.reading import Clock, Day, Reading, TimeOfDay
from bot.meetings.when.request import Called
from bot.meetings.when.resolve import Asks
from tests.scheduling_world import World, at, tuesday, world
from tests.test_meeting_people import USUAL

__all__ = ["world"]

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)  # a Friday
BERLIN = replace(USUAL, zone="Europe/Berlin")


def on(day: date, hour: int = 14, minute: int = 0) -> Reading:
    """A reading that means one instant and no other."""
    said = Day(kind="date", year=day.year, month=day.month, day=day.day)
    return Reading(day=said, time=TimeOfDay(kind="at", clock=Clock(hour, minute, "24h")))


def asked(*people: str, reading: Reading | None = None, **more: Any) -> Asked:
    """That Tuesday at 14:00 in Berlin."""
    base: dict[str, Any] = {"title": "Team sync", "minutes": None, "may_book": True}
    return Asked(people=[Called(p) for p in people], reading=reading or on(tuesday()), **(base | more))


async def prepared(world: World, wanted: Asked, by: str = "ana") -> Prepared:
    return await prepare(world.scheduling, world.by(by), wanted, datetime.now(UTC))


async def done(world: World, ready: Prepared, meeting: Meeting | None = None, by: str = "ana") -> Meeting:
    async with world.database.begin() as tx:
        return await carry_out(world.scheduling, tx, world.by(by), ready, Place(), meeting)


async def arranged(world: World, wanted: Asked, by: str = "ana") -> Meeting:
    return await done(world, await prepared(world, wanted, by), by=by)


# -- booked at once, or offered -----------------------------------------------------------------------------------------------


async def test_a_time_that_code_does_not_read_in_the_words_is_offered(world: World) -> None:
    meeting = await arranged(world, asked("dana", said="two sleeps after the launch"))
    assert meeting.state == "draft"
    assert meeting.offer
    assert meeting.offer.slots[0].start == at("14:00")


async def test_a_recurring_meeting_goes_by_the_clock_that_was_named(world: World) -> None:
    reading = replace(on(tuesday(), 9), zone="New York")
    meeting = await arranged(world, asked("dana", reading=reading, repeat=Repeat("week")))
    assert (meeting.state, meeting.zone) == ("booked", "America/New_York")
    once = await arranged(world, asked("dana", reading=replace(reading, time=on(tuesday(), 10).time)))
    assert once.zone == "Europe/Berlin"


async def test_a_monthly_meeting_on_a_date_is_refused_for_it_would_move_to_a_weekday(world: World) -> None:
    reading = Reading(day=Day(kind="date", day=15), time=on(tuesday()).time)
    with pytest.raises(MeetingRefused, match="same weekday"):
        await prepared(world, asked("dana", reading=reading, repeat=Repeat("month")))


async def test_a_start_within_the_notice_is_called_too_soon(world: World) -> None:
    ready = await prepared(world, asked("dana", reading=Reading(time=TimeOfDay(kind="offset", minutes=5))))
    assert ready.book is None
    assert ready.offer
    assert "too soon: nothing begins within 15 minutes" in ready.offer.why[0]


async def test_an_explicit_time_that_suits_everybody_is_booked_at_once(world: World) -> None:
    meeting = await arranged(world, asked("dana", title="  Team\n sync  "))
    assert (meeting.state, meeting.start, meeting.at_once, meeting.offer) == ("booked", at("14:00"), True, None)
    assert (meeting.wish.title, meeting.wish.minutes, meeting.zone) == ("Team sync", 30, "Europe/Berlin")


async def test_where_only_times_are_looked_for_nothing_is_booked(world: World) -> None:
    meeting = await arranged(world, asked("dana", may_book=False))
    assert meeting.state == "draft"
    assert meeting.offer
    assert meeting.offer.slots[0].start == at("14:00")


@pytest.mark.parametrize("why", ["busy", "unknown", "guest", "early", "optional", "down"])
async def test_a_time_that_may_not_suit_everybody_is_offered_not_booked(world: World, why: str) -> None:
    people, hour = ["dana"], 14
    match why:
        case "busy":
            world.busy("dana", "14:00", "14:30")
        case "unknown":
            world.calendar.unknown.add(world.id("dana"))
        case "guest":
            people.append("pat@example.org")
        case "early":
            hour = 6
        case "optional":
            world.busy("dana", "14:00", "14:30")
        case "down":
            world.calendar.error = Retryable("down")
    wanted = asked(*people, reading=on(tuesday(), hour))
    if why == "optional":
        wanted = replace(wanted, people=[Called("dana", required=False)])
    meeting = await arranged(world, wanted)
    assert meeting.state == "draft"
    assert meeting.offer
    assert meeting.offer.slots
    assert (NOT_ASKED in meeting.offer.why) == (why == "down")


async def test_a_series_with_a_clash_is_offered_not_booked(world: World) -> None:
    world.busy("dana", "14:00", "15:00", days=14)
    assert (await arranged(world, asked("dana", repeat=Repeat("week")))).state == "draft"
    assert (await arranged(world, asked("dana", repeat=Repeat("week", 4)))).state == "booked"


async def test_a_day_without_a_time_is_offered(world: World) -> None:
    meeting = await arranged(world, asked("dana", reading=replace(on(tuesday()), time=TimeOfDay())))
    assert meeting.state == "draft"
    assert meeting.offer
    assert len(meeting.offer.slots) == 3


async def test_who_was_quicker_leaves_a_draft_that_says_so(world: World) -> None:
    mine = await prepared(world, asked("dana"))
    assert mine.book == at("14:00")
    theirs = await arranged(world, asked("dana"), by="maria")
    assert theirs.state == "booked"
    meeting = await done(world, mine)
    assert meeting.state == "draft"
    assert meeting.offer
    assert meeting.offer.why
    assert meeting.offer.slots, "others are at hand"
    assert at("14:00") not in [s.start for s in meeting.offer.slots]


async def test_of_two_who_book_the_same_person_or_room_at_once_one_gets_it(world: World) -> None:
    wanted = asked("aquarium")
    made = await asyncio.gather(arranged(world, wanted), arranged(world, wanted, by="maria"))
    assert sorted(m.state for m in made) == ["booked", "draft"]
    (left,) = (m for m in made if m.state == "draft")
    assert left.offer
    assert "Aquarium" in " ".join(left.offer.why)


# -- asked about, refused -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("minutes", [0, -30, 4, 25 * 60, 24 * 60 + 1])
async def test_a_length_that_no_meeting_has_is_refused(world: World, minutes: int) -> None:
    with pytest.raises(MeetingRefused, match="A meeting cannot last"):
        await prepared(world, asked("dana", minutes=minutes))
    assert not world.calendar.asked


@pytest.mark.parametrize(
    ("clock", "until", "minutes"),
    [
        (Clock(14, 0, "24h"), Clock(14, 45, "24h"), 45),
        (Clock(2), Clock(3, 0, "pm"), 60),
        (Clock(11, 30, "am"), Clock(12, 0, "pm"), 30),
        (Clock(14, 0, "24h"), Clock(18, 0, "24h"), 30),
    ],
)
async def test_a_length_that_is_not_said_follows_from_the_time(
    world: World, clock: Clock, until: Clock, minutes: int
) -> None:
    between = TimeOfDay(kind="between", clock=clock, until=until)
    ready = await prepared(world, asked("dana", reading=replace(on(tuesday()), time=between)))
    assert ready.wish.minutes == minutes


async def test_a_start_in_the_past_is_refused(world: World) -> None:
    with pytest.raises(MeetingRefused):
        await prepared(world, asked("dana", reading=on(datetime.now(UTC).date() - timedelta(days=1))))


async def test_nobody_of_that_name_is_refused_before_anything_is_asked(world: World) -> None:
    with pytest.raises(MeetingRefused, match="nobody called"):
        await prepared(world, asked("zoë"))
    assert not world.calendar.asked


async def test_what_can_be_read_in_two_ways_is_asked(world: World) -> None:
    meeting = await arranged(world, asked("dana", reading=Reading(day=Day(kind="numeric", first=3, second=4))))
    assert meeting.state == "draft"
    assert meeting.wish.window is None
    assert meeting.offer
    assert len(meeting.offer.choices) == 2
    assert not world.calendar.asked, "first it has to be known which"


async def test_the_organizers_own_zone_counts_where_they_told_one(world: World) -> None:
    told = replace(USUAL, zone="Asia/Tokyo", week=USUAL.week)
    await keep_hours(world.database, world.by(), told)
    meeting = await arranged(world, asked("ana", reading=on(tuesday(), 10)))
    assert meeting.start
    assert (meeting.start.hour, meeting.zone, meeting.attendees[0].zone) == (1, "Asia/Tokyo", "Asia/Tokyo")


# -- words and symbols ------------------------------------------------------------------------------------------------------------


def meant(reading: Reading, said: str, day: date | None = None) -> Window | Asks:
    return understood(reading, said, NOW, BERLIN, day)


TUESDAY_2PM = on(date(2026, 11, 24))
HOURS: Hours = BERLIN


def test_words_and_symbols_that_agree_are_one_window() -> None:
    found = meant(TUESDAY_2PM, "24 November 2026 at 14:00")
    assert isinstance(found, Window)
    assert found.exact == datetime(2026, 11, 24, 13, 0, tzinfo=UTC)


def test_words_that_say_more_than_the_symbols_count() -> None:
    found = meant(Reading(day=TUESDAY_2PM.day), "24 November 2026 at 14:00")
    assert isinstance(found, Window)
    assert found.exact
    assert meant(Reading(), "24 November 2026 at 14:00") == found


def test_symbols_that_say_something_else_than_the_words_are_asked_about() -> None:
    found = meant(on(date(2026, 11, 25)), "24 November 2026 at 14:00")
    assert isinstance(found, Asks)
    assert found.question == WHICH
    assert [c.window.exact and c.window.exact.day for c in found.choices] == [24, 25]
    invented = meant(TUESDAY_2PM, "24 November 2026")
    assert isinstance(invented, Asks), "nobody said 14:00"


def test_words_that_are_ambiguous_are_asked_about_whatever_the_model_says() -> None:
    assert isinstance(meant(on(date(2026, 4, 3)), "03/04 at 14:00"), Asks)


def test_where_the_words_are_not_understood_the_symbols_count() -> None:
    found = meant(TUESDAY_2PM, "wenn Mars im Haus der Venus steht")
    assert isinstance(found, Window)
    assert found.exact


def test_words_that_cannot_be_are_refused_whatever_the_model_says() -> None:
    with pytest.raises(MeetingRefused):
        meant(TUESDAY_2PM, "30 February 2027")


def test_a_clock_alone_is_of_the_day_that_the_meeting_is_on() -> None:
    four = Reading(time=TimeOfDay(kind="at", clock=Clock(4, 0, "pm")))
    for said in ("", "4pm"):
        found = meant(four, said, date(2026, 12, 3))
        assert isinstance(found, Window)
        assert found.exact == datetime(2026, 12, 3, 15, 0, tzinfo=UTC)
    tomorrow = Reading(day=Day(kind="offset", count=1))
    moved = meant(tomorrow, "", date(2026, 12, 3))
    assert isinstance(moved, Window)
    assert moved.span.start.date() <= date(2026, 11, 21)


# -- moved ------------------------------------------------------------------------------------------------------------------------


async def test_a_booked_meeting_is_moved_to_an_explicit_time_that_suits(world: World) -> None:
    meeting = await arranged(world, asked("dana"))
    ready = await prepare_move(
        world.scheduling, world.by(), meeting, on(tuesday(), 14, 15), "", None, datetime.now(UTC)
    )
    moved = await done(world, ready, meeting)
    assert (moved.number, moved.state, moved.start, moved.uid) == (meeting.number, "booked", at("14:15"), meeting.uid)
    assert moved.sequence > meeting.sequence


async def test_a_day_alone_is_offered_at_the_clock_that_the_meeting_has(world: World) -> None:
    meeting = await arranged(world, asked("dana"))
    day = Reading(day=on(tuesday(), 14).day)
    later = replace(day, day=replace(day.day, day=(tuesday() + timedelta(days=1)).day))
    ready = await prepare_move(world.scheduling, world.by(), meeting, later, "", None, datetime.now(UTC))
    assert ready.offer
    assert (ready.book, ready.offer.slots[0].start) == (None, at("14:00", 1))
    world.busy("dana", "13:00", "15:00", days=1)
    ready = await prepare_move(world.scheduling, world.by(), meeting, later, "", None, datetime.now(UTC))
    assert ready.offer
    assert {s.start.date() for s in ready.offer.slots} == {tuesday() + timedelta(days=1)}, "the day that was named"
    assert at("14:00", 1) not in [s.start for s in ready.offer.slots]


async def test_a_booked_meeting_stays_where_it_is_until_one_of_the_times_is_chosen(world: World) -> None:
    meeting = await arranged(world, asked("dana"))
    world.busy("dana", "15:00", "16:00")
    ready = await prepare_move(world.scheduling, world.by(), meeting, on(tuesday(), 15), "", 60, datetime.now(UTC))
    offered = await done(world, ready, meeting)
    assert (offered.state, offered.start, offered.wish.minutes) == ("booked", at("14:00"), 60)
    assert offered.offer
    assert offered.offer.slots


async def test_a_draft_gets_another_time(world: World) -> None:
    world.busy("dana", "14:00", "14:30")
    meeting = await arranged(world, asked("dana"))
    assert meeting.state == "draft"
    ready = await prepare_move(world.scheduling, world.by(), meeting, on(tuesday(), 16), "", None, datetime.now(UTC))
    assert (await done(world, ready, meeting)).start == at("16:00")


async def test_only_the_organizer_moves_a_meeting_and_only_one_that_is_on(world: World) -> None:
    meeting = await arranged(world, asked("dana"))
    with pytest.raises(MeetingRefused, match="Only"):
        await prepare_move(world.scheduling, world.by("dana"), meeting, on(tuesday(), 15), "", None, datetime.now(UTC))
    async with world.database.begin() as tx:
        cancelled = await world.scheduling.register.cancel(tx, world.by(), meeting.number, None)
    with pytest.raises(MeetingRefused):
        await prepare_move(world.scheduling, world.by(), cancelled, on(tuesday(), 15), "", None, datetime.now(UTC))


async def test_a_change_of_what_has_changed_meanwhile_is_refused(world: World) -> None:
    meeting = await arranged(world, asked("dana"))
    ready = await prepare_move(world.scheduling, world.by(), meeting, on(tuesday(), 15), "", None, datetime.now(UTC))
    await done(world, ready, meeting)
    with pytest.raises(MeetingRefused):
        await done(world, ready, meeting)
