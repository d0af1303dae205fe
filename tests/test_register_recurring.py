"""Series in the register: all their occurrences keep people busy, are held against others, and end with the last."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.meetings.register.times import MOST_OCCURRENCES
from bot.meetings.values import MOST_ATTENDEES, Repeat, Span
from tests.meetings_world import ANA, KIM, RAJ, World, anywhere, at, world

__all__ = ["anywhere", "world"]
WEEKLY = Repeat("week")


async def test_a_series_keeps_its_clock_and_its_people_busy(world: World) -> None:
    lisbon = ZoneInfo("Europe/Lisbon")
    start = (datetime.now(lisbon) + timedelta(days=3)).replace(hour=10, minute=0, second=0, microsecond=0)
    await world.booked(ANA, RAJ, start=start, repeat=WEEKLY)
    times = [t["start_at"].astimezone(lisbon) for t in (await world.dump())["meeting_times"] if t["attendee"] == RAJ]
    assert len(times) == MOST_OCCURRENCES
    assert {(t.hour, t.weekday()) for t in times} == {(10, start.weekday())}
    assert len({t.astimezone(UTC).hour for t in times}) == 2  # both sides of a change of clocks
    found = await world.do("upcoming", at(days=30), by=RAJ)
    assert [span.start for span, _ in found] == [t for t in times if t < at(days=30)]


async def test_any_occurrence_may_clash_with_any_other(world: World) -> None:
    await world.booked(ANA, RAJ, start=at(10), repeat=WEEKLY, zone="UTC")
    await world.draft(KIM, RAJ)
    assert f"<@{RAJ}> is not free" in await world.refusal("book", 2, 1, at(10.25, days=1 + 7 * 9), by=KIM)
    await world.booked(KIM, start=at(9, days=1 + 14))
    await world.draft(KIM, ANA, repeat=Repeat("day", 1, 20), zone="UTC")
    said = await world.refusal("book", 4, 1, at(9.25), by=KIM)
    assert f"<!date^{int(at(9.25, days=15).timestamp())}^" in said
    assert (await world.do("book", 4, 1, at(9.5), by=KIM)).state == "booked"


async def test_a_series_is_over_with_its_last_meeting(world: World) -> None:
    await world.booked(ANA, RAJ, repeat=Repeat("week", 1, 3))
    await world.booked(KIM, RAJ, start=at(12), repeat=WEEKLY)
    for number in (1, 2):
        await world.shift(number, at(10, days=-10))
    assert (await world.do("answer", 1, "accepted", by=RAJ)).state == "booked"
    for number in (1, 2):
        await world.shift(number, at(10, days=-40))
    assert await world.refusal("cancel", 1, None) == "M-1 is over."
    assert (await world.do("cancel", 2, None, by=KIM)).state == "cancelled"


async def test_each_occurrence_is_reminded_of(world: World) -> None:
    await world.booked(ANA, RAJ, repeat=Repeat("day", 1, 3), zone="UTC")
    for days in (1, 2, 3):
        due = await world.tell("starting", at(11, days=days), 50)
        assert [start for _, start in due] == [at(10, days=days)]
        await world.tell("remind", 1, at(10, days=days))
    assert await world.tell("starting", at(11, days=9), 50) == []
    assert len(await world.words(RAJ)) == 3


async def test_a_whole_series_is_moved_and_cancelled(world: World) -> None:
    await world.booked(ANA, RAJ, repeat=Repeat("day", 1, 5), zone="UTC")
    await world.do("book", 1, None, at(10.25))  # its own occurrences do not stand in its way
    busy = await world.tell("busy", [RAJ], Span(at(), at(days=9)))
    assert len(busy[RAJ]) == 5
    await world.do("cancel", 1, None)
    assert (await world.dump())["meeting_times"] == []


async def test_a_series_of_two_hundred_people_is_booked_in_good_time(anywhere: World) -> None:
    people = (ANA, *(f"U{n}" for n in range(MOST_ATTENDEES - 1)))
    began = time.perf_counter()
    await anywhere.booked(*people, repeat=WEEKLY)
    took = time.perf_counter() - began
    print(f"{took * 1000:.0f} ms")  # noqa: T201  # `-s` shows it
    assert took < 20  # about one, on a machine of its own
    assert len((await anywhere.dump())["meeting_times"]) == MOST_ATTENDEES * MOST_OCCURRENCES
