"""The engine finds exactly the starts that plain loops find, on random calendars: zones, weeks in which clocks change, days off, buffers, notice, repeats."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import combinations

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from bot.meetings.slots.engine import Diary, Search, check, find, starts
from bot.meetings.values import Hours, Repeat, Span, Window, minutes
from tests import slots_oracle

ZONES = [
    "UTC",
    "Europe/Lisbon",
    "Europe/Berlin",
    "America/New_York",
    "America/Los_Angeles",
    "America/St_Johns",
    "America/Sao_Paulo",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Africa/Casablanca",
    "Antarctica/Troll",
]
# Around these clocks change somewhere: America, Europe, Lord Howe and New Zealand in both directions; and a new year, a leap day, a quiet week.
DAYS = [
    date(*day)
    for day in (
        *((2026, 3, 8), (2026, 3, 29), (2026, 4, 5), (2026, 9, 27), (2026, 10, 4), (2026, 10, 25), (2026, 11, 1)),
        *((2026, 12, 31), (2028, 2, 28), (2026, 6, 15)),
    )
]
FULL = settings(
    max_examples=10_000, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
SHORT = settings(FULL, max_examples=150)
SHORTER = settings(FULL, max_examples=60)

of_a_day = st.integers(0, 287).map(lambda n: time(n // 12, n % 12 * 5))
DAY_PLANS: tuple[tuple[tuple[time, time], ...], ...] = (
    (),
    ((time(9), time(17)),),
    ((time(8), time(12)), (time(13), time(17))),
    ((time(9, 5), time(16, 50)),),
    ((time(0), time(6)), (time(22), time(0))),  # nights
    ((time(0), time(23, 59)),),
)
plans = st.sampled_from([*DAY_PLANS, *DAY_PLANS[1:4]])
weeks = st.one_of(
    st.tuples(plans, plans).map(lambda two: (two[0],) * 5 + (two[1],) * 2),
    st.tuples(*[plans] * 7),
)


@st.composite
def searches(draw: st.DrawFn) -> Search:
    day = draw(st.sampled_from(DAYS))
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC) + draw(st.integers(-288, 288)) * minutes(5)
    span = Span(begin, begin + draw(st.sampled_from([6, 100, 288, 600, 720])) * minutes(5))
    day_from, day_until = draw(
        st.sampled_from([(time(0), None)] * 2 + [(time(9), time(17)), (time(22), time(2)), None])
    ) or (
        draw(of_a_day),
        draw(st.one_of(st.none(), of_a_day)),
    )
    window = Window(
        span=span,
        zone=draw(st.sampled_from(ZONES)),
        exact=draw(st.sampled_from([None, None, None, begin + draw(st.integers(-20, 400)) * minutes(5)])),
        day_from=day_from,
        day_until=day_until,
        without=draw(
            st.sampled_from([frozenset[int](), frozenset[int](), frozenset({5, 6}), frozenset({0, 6}), frozenset({2})])
        ),
    )
    repeats = st.builds(
        Repeat, st.sampled_from(["day", "week", "month"]), st.integers(1, 2), st.sampled_from([None, 1, 2, 3])
    )
    return Search(
        window=window,
        minutes=draw(st.sampled_from([5, 15, 30, 30, 45, 50, 60, 120, 600])),
        now=begin + timedelta(seconds=draw(st.integers(-100_000, 10_000))),
        notice=draw(st.sampled_from([0, 0, 15, 60, 600])),
        buffer=draw(st.sampled_from([0, 0, 5, 10, 15, 30])),
        repeat=draw(st.one_of(st.none(), st.none(), repeats)),
        occurrences=draw(st.integers(1, 4)),
    )


@st.composite
def diaries(draw: st.DrawFn, search: Search) -> Diary:
    def span(days: int, at: int, length: int) -> Span:
        begin = search.window.span.start + timedelta(days=days, minutes=at)
        return Span(begin, begin + minutes(length))

    days = st.just(0) if search.repeat is None else st.sampled_from([0, 0, 1, 2, 7, 14, 21, 28, 35])
    busy = st.lists(st.builds(span, days, st.integers(-300, 3600), st.integers(-20, 300)), max_size=6).map(tuple)
    around = search.window.span.start.date()
    off = st.frozensets(st.integers(-1, 3).map(lambda n: around + timedelta(days=n)), max_size=1)
    hours = st.builds(Hours, zone=st.sampled_from(ZONES), week=weeks, off=off)
    return Diary(
        id=f"U{draw(st.integers(0, 10**6))}",
        required=draw(st.sampled_from([True, True, False])),
        busy=draw(st.one_of(busy, busy, busy, st.none())),
        hours=draw(st.one_of(hours, hours, st.none())),
    )


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Search, list[Diary]]:
    search = draw(searches())
    return search, draw(st.lists(diaries(search), max_size=4, unique_by=lambda d: d.id))


def same_as_the_oracle(world: tuple[Search, list[Diary]]) -> None:
    """The starts, the count, the tier; what is picked of them; and what `check` says of each quarter hour."""
    search, people = world
    expected, stretched = slots_oracle.feasible(search, people)
    event("none" if not expected else "stretched" if stretched else "within hours")
    assert starts(search, people) == expected
    found, named = find(search, people, most=3), search.window.exact
    required = [d for d in people if d.required]

    def is_free(at: datetime) -> bool:
        soon = search.now + minutes(search.notice)
        return at >= soon and all(slots_oracle.is_free(d, at, search) for d in required)

    assert bool(check(search, people)) == (named is not None and is_free(named))
    pinned = {named} if named and is_free(named) else set()
    assert (found.count, found.stretched) == (len(pinned | set(expected)), stretched)
    assert {s.start for s in found.slots} - pinned <= set(expected)
    assert pinned <= {s.start for s in found.slots[:1]}
    assert bool(found.slots) == bool(pinned or expected)
    for slot in found.slots:
        assert slot.end - slot.start == minutes(search.minutes)
        assert bool(slot.outside) == stretched or slot.start in pinned
        out = [
            d.id
            for d in people
            if d.hours
            and not all(slots_oracle.works(d.hours, slot.start + n * minutes(5)) for n in range(search.minutes // 5))
        ]
        once = replace(search, repeat=None)
        cannot = [d.id for d in people if d.id in out or not slots_oracle.is_free(d, slot.start, once)]
        assert list(slot.outside) == [d.id for d in people if d.required and d.id in out]
        assert list(slot.missing) == [d.id for d in people if not d.required and d.id in cannot]
        assert list(slot.unknown) == [d.id for d in people if d.busy is None]
    assert [s.score for s in found.slots] == sorted((s.score for s in found.slots), reverse=True)
    for one, other in combinations(found.slots, 2):
        assert one.end <= other.start or other.end <= one.start
    for at in slots_oracle.quarters(search)[::7]:
        assert bool(check(replace(search, window=replace(search.window, exact=at)), people)) == is_free(at), at


@SHORT
@given(worlds())
def test_the_same_slots_as_plain_loops(world: tuple[Search, list[Diary]]) -> None:
    same_as_the_oracle(world)


@pytest.mark.slow
@FULL
@given(worlds())
def test_the_same_slots_as_plain_loops_on_10_000_calendars(world: tuple[Search, list[Diary]]) -> None:
    same_as_the_oracle(world)


@SHORTER
@given(worlds(), st.integers(-300, 3600), st.integers(0, 500), st.data())
def test_a_busy_time_more_never_adds_a_slot(
    world: tuple[Search, list[Diary]], begin: int, length: int, data: st.DataObject
) -> None:
    search, people = world
    if not people:
        return
    who = data.draw(st.integers(0, len(people) - 1))
    at = search.window.span.start + minutes(begin)
    busier = [
        replace(d, busy=(*(d.busy or ()), Span(at, at + minutes(length)))) if n == who else d
        for n, d in enumerate(people)
    ]
    required = [d for d in people if d.required]
    after = starts(search, busier)
    assert all(slots_oracle.is_free(d, start, search) for d in required for start in after)
    if not find(search, busier).stretched:  # else none within hours was left, and those outside are offered
        assert set(after) <= set(starts(search, people))


@SHORTER
@given(worlds())
def test_the_order_of_people_and_busy_times_does_not_matter(world: tuple[Search, list[Diary]]) -> None:
    search, people = world
    turned = [replace(d, busy=d.busy and d.busy[::-1]) for d in people[::-1]]
    one, other = find(search, people), find(search, turned)
    assert [s.start for s in one.slots] == [s.start for s in other.slots]
    assert Counter(s.unknown for s in one.slots).keys() == Counter(s.unknown[::-1] for s in other.slots).keys()
