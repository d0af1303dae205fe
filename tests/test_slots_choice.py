"""Which slots are offered: the best ones, unlike each other; what is said of them; a time that was named; times outside of working hours."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.meetings.slots.engine import Search, check, find, starts
from bot.meetings.values import Repeat, Span, minutes
from tests.slots_world import LISBON, at, diary, local, search, span

WEEK = search("2026-11-23", 5)
ANA = diary("ana", LISBON)


def test_slots_are_spread_over_days_and_parts_of_the_day() -> None:
    found = find(WEEK, [ANA])
    assert local(found) == ["Mon 23 10:00", "Tue 24 13:00", "Wed 25 10:00"]
    assert (found.count, found.stretched) == (5 * 31, False)


def test_on_a_single_day_they_are_spread_over_its_parts() -> None:
    assert local(find(search("2026-11-24"), [ANA])) == ["Tue 24 10:00", "Tue 24 13:00", "Tue 24 15:00"]


def test_more_times_are_others() -> None:
    seen = list[str]()
    offered = list[datetime]()
    while True:
        found = find(search("2026-11-24"), [ANA], skip=offered)
        assert found.count == 31 - len(offered)
        if not found.slots:
            break
        seen += local(found)
        offered += [s.start for s in found.slots]
    assert len(set(seen)) == len(seen) == 31
    first = [at(f"2026-11-24 {t.split()[-1]}") for t in seen[:15]]
    assert all(abs(a - b) >= minutes(30) for a, b in combinations(first, 2)), "those that overlap come last"


def test_nobody_says_that_the_time_between_two_meetings_is_the_best() -> None:
    full = [span("2026-11-24 09:00", 60), span("2026-11-24 10:30", 60)]
    found = find(search("2026-11-24"), [diary("ana", LISBON, *full)])
    best, *_ = found.slots
    assert local(found)[0] == "Tue 24 13:00"
    assert best.reasons == ("everyone is free", "in everybody's working hours", "not back to back")
    between = find(search("2026-11-24", day_until=time(11)), [diary("ana", LISBON, *full)])
    assert local(between) == ["Tue 24 10:00"]
    assert between.slots[0].reasons == ("everyone is free", "the earliest", "in everybody's working hours")


def test_times_that_suit_optional_people_are_preferred_and_who_cannot_is_named() -> None:
    kim = diary("kim", LISBON, span("2026-11-24 09:00", 6 * 60), required=False)
    lee = diary("lee", "Asia/Kolkata", required=False)  # works until 11:30 in Lisbon
    found = find(search("2026-11-24"), [ANA, kim])
    assert local(found)[0] == "Tue 24 15:30"
    assert found.slots[0].missing == ()
    narrow = find(search("2026-11-24", day_from=time(14), day_until=time(14, 30)), [ANA, kim, lee])
    assert narrow.slots[0].missing == ("kim", "lee")
    assert "everyone is free" not in narrow.slots[0].reasons


def test_an_unknown_calendar_blocks_nothing_and_is_named() -> None:
    found = find(search("2026-11-24"), [ANA, diary("raj", LISBON, unknown=True)])
    assert {s.unknown for s in found.slots} == {("raj",)}
    assert not [s for s in found.slots if "everyone is free" in s.reasons]


def test_touching_is_no_overlap_and_a_buffer_keeps_distance() -> None:
    day = search("2026-11-24", day_from=time(9), day_until=time(12))
    busy = diary("ana", "", span("2026-11-24 10:00", 60))
    assert [t[-5:] for t in local(starts(day, [busy]))] == ["09:00", "09:15", "09:30", "11:00", "11:15", "11:30"]
    assert [t[-5:] for t in local(starts(replace(day, buffer=10), [busy]))] == ["09:00", "09:15", "11:15", "11:30"]


def test_what_ends_before_it_begins_is_no_busy_time() -> None:
    odd = [span("2026-11-24 10:00", 0), span("2026-11-24 10:00", -60)]
    named = search("2026-11-24", exact="2026-11-24 09:45")
    assert find(named, [diary("ana", "", *odd)]) == find(named, [diary("ana", "")])
    assert check(named, [diary("ana", "", *odd)])


def test_nothing_begins_before_the_notice_is_over() -> None:
    day = search("2026-11-24", now="2026-11-24 10:01", notice=30)
    assert local(starts(day, [ANA]))[0] == "Tue 24 10:45"


# -- a time that was named -----------------------------------------------------------------------------------------------


def test_a_named_time_that_is_free_comes_first_though_it_is_off_the_grid() -> None:
    found = find(search("2026-11-24", exact="2026-11-24 14:05"), [ANA])
    assert local(found) == ["Tue 24 14:05", "Tue 24 13:30", "Tue 24 15:00"]
    assert found.slots[0].reasons == ("the time you asked for", "everyone is free", "in everybody's working hours")
    assert found.count == 32


def test_where_it_is_taken_the_nearest_ones_are_offered() -> None:
    days = search("2026-11-23", 3, exact="2026-11-24 14:00")
    found = find(days, [diary("ana", LISBON, span("2026-11-24 14:00", 60))])
    assert local(found) == ["Tue 24 13:00", "Tue 24 15:30", "Mon 23 14:00"]
    assert "nearest to what you asked" in found.slots[0].reasons


def test_a_named_time_need_not_be_within_hours_but_says_for_whom() -> None:
    people = [ANA, diary("raj", "Asia/Kolkata"), diary("kim", LISBON, required=False)]
    slot = check(search("2026-11-24", exact="2026-11-24 17:30"), people)
    assert slot
    assert (slot.outside, slot.missing, slot.end) == (("ana", "raj"), ("kim",), at("2026-11-24 18:00"))


def test_a_named_time_at_which_somebody_is_busy_or_that_is_too_soon_is_no_slot() -> None:
    named = search("2026-11-24", exact="2026-11-24 14:00")
    raj = diary("raj", "", span("2026-11-24 14:25", 30))
    assert check(named, [ANA])
    assert not check(named, [ANA, raj])
    assert check(named, [ANA, replace(raj, required=False)])
    assert not check(replace(named, now=at("2026-11-24 13:50"), notice=15), [ANA])
    assert check(replace(named, now=at("2026-11-24 13:45"), notice=15), [ANA])
    assert not check(search("2026-11-24"), [ANA]), "no time was named"


def test_a_named_time_of_a_series_is_free_each_time() -> None:
    series = search("2026-11-24", exact="2026-11-24 14:00", repeat=Repeat("week"))
    eighth, ninth = span("2027-01-12 14:00", 30), span("2027-01-19 14:00", 30)
    assert not check(series, [diary("raj", "", eighth)])
    assert check(series, [diary("raj", "", ninth)]), "only the first eight are looked at"
    assert check(replace(series, repeat=Repeat("week", count=7)), [diary("raj", "", eighth)])


# -- outside of working hours --------------------------------------------------------------------------------------------


def test_where_hours_do_not_meet_the_burden_is_small_and_shared() -> None:
    people = [ANA, diary("sam", "America/Los_Angeles")]  # 17:00 in Lisbon is 9:00 there
    found = find(search("2026-11-24", length=60), people)
    assert found.stretched
    assert local(found)[0] == "Tue 24 16:30", "half of it outside for each"
    assert found.slots[0].outside == ("ana", "sam")
    assert all(7 <= int(t[-5:-3]) < 21 for zone in (LISBON, "America/Los_Angeles") for t in local(found, zone))


def test_a_weekday_evening_rather_than_a_saturday_and_never_a_day_off() -> None:
    busy = diary("ana", LISBON, *(span(f"2026-11-{day} 09:00", 8 * 60) for day in (26, 27)))
    found = find(search("2026-11-26", 4), [busy])
    assert found.stretched
    assert [t[:3] for t in local(found)][:2] == ["Thu", "Fri"]
    away = diary("ana", LISBON, off=["2026-11-26", "2026-11-27"])
    assert not find(search("2026-11-26", 2), [away]).slots


def test_the_night_is_offered_only_where_it_was_asked_for() -> None:
    ana = diary("ana", LISBON, span("2026-11-24 06:00", 16 * 60))
    assert not find(search("2026-11-24"), [ana]).slots
    found = find(search("2026-11-24", day_from=time(2), day_until=time(4)), [ana])
    assert found.stretched
    assert local(found)[0] == "Tue 24 03:00", "nearer to working hours than 02:00"
    assert find(search("2026-11-24", exact="2026-11-24 07:00"), [ana]).stretched


# -- whatever the calendars ------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5 * 96), st.integers(1, 20)), max_size=25),
    st.integers(1, 6),
    st.sampled_from(["", "2026-11-24 14:00", "2026-11-25 09:10"]),
    st.lists(st.integers(0, 5 * 96), max_size=5),
)
def test_what_is_offered_is_unlike_and_in_order(
    busy: list[tuple[int, int]], most: int, exact: str, skipped: list[int]
) -> None:
    monday = at("2026-11-23 00:00")
    spans = [Span(monday + minutes(15 * first), monday + minutes(15 * (first + n))) for first, n in busy]
    people = [ANA, diary("raj", "Europe/Berlin", *spans)]
    skip = [monday + minutes(15 * n) for n in skipped]
    week: Search = search("2026-11-23", 5, exact=exact)
    found = find(week, people, most=most, skip=skip)
    assert found == find(week, people, most=most, skip=skip)
    assert len(found.slots) <= min(most, found.count)
    assert bool(found.slots) == bool(found.count)
    assert not {s.start for s in found.slots} & set(skip)
    assert [s.score for s in found.slots] == sorted((s.score for s in found.slots), reverse=True)
    assert all(abs(a.start - b.start) >= timedelta(minutes=30) for a, b in combinations(found.slots, 2))
    free = {t.date() for t in starts(week, people)}
    if not exact and not skip and len(found.slots) > 1 < len(free) and not found.stretched:
        assert len({s.start.date() for s in found.slots}) > 1
