"""Whatever the model hands over as a reading comes to a window ahead, a question, or a clear word; and dates written in several ways are that date."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from dateutil.relativedelta import MO, relativedelta  # type: ignore[import-untyped]  # it has no types
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.meetings.hours import read_hours
from bot.meetings.values import Hours, Window
from bot.meetings.when.day_words import day_at
from bot.meetings.when.reading import Clock, ClockKind, Day, DayKind, Edge, Half, Part, Reading, Relation, TimeOfDay
from bot.meetings.when.request import read_request, read_when
from bot.meetings.when.resolve import Asks, Refused, resolve
from bot.meetings.when.times import edge, instants
from bot.meetings.when.zones import CITIES, SHORT, zone_info, zones_of

ZONES = ("Europe/Lisbon", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Cairo", "UTC")
HOURS = ("Mon-Fri 09:00-17:00", "Sun 06:00-20:00", "Mon-Thu 08:00-12:00 13:00-17:00, Fri 09:00-14:00")
small = st.integers(-2, 40) | st.none() | st.integers(-(10**9), 10**9)
days = st.builds(
    Day,
    kind=st.sampled_from(get_args(DayKind)),
    weekday=st.integers(-1, 7) | st.none(),
    relation=st.sampled_from(get_args(Relation)),
    week=small,
    year=st.integers(2025, 2029) | small,
    month=st.integers(0, 13) | st.none(),
    day=st.integers(-1, 32) | st.none(),
    first=small,
    second=small,
    nth=st.integers(-2, 6) | st.none(),
    count=small,
    unit=st.sampled_from(("day", "workday", "week", "month")),
    part=st.sampled_from(get_args(Part)),
)
clocks = st.builds(Clock, st.integers(-1, 26), st.integers(-1, 61), st.sampled_from(get_args(Half)))
times = st.builds(
    TimeOfDay,
    kind=st.sampled_from(get_args(ClockKind)),
    clock=clocks | st.none(),
    until=clocks | st.none(),
    minutes=st.integers(-60, 5000) | small,
)
readings = st.builds(
    Reading,
    day=days,
    until=days | st.none(),
    time=times,
    edge=st.sampled_from(get_args(Edge)),
    zone=st.sampled_from(("", "", "Berlin time", "CST", "EST", "UTC+5:45", "nowhere", "../etc", "Europe", "\0"))
    | st.text(max_size=8),
    without=st.lists(st.integers(-1, 8), max_size=8).map(tuple),
)
nows = st.datetimes(datetime(2025, 1, 1), datetime(2029, 1, 1))  # noqa: DTZ001 - the zone is put to it


def at(text: str, zone: str = "Europe/Lisbon") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def come_to(words: str, now: datetime) -> Window | Asks | Refused:
    reading = read_when(words)
    assert reading, words
    return resolve(reading, now, read_hours(HOURS[0], str(now.tzinfo)))


def fits(window: Window, now: datetime) -> None:
    """A window is ahead, runs forwards, and says when it is."""
    assert now <= window.span.start < window.span.end <= now + timedelta(days=732)
    assert window.span.end - window.span.start <= timedelta(days=185)
    assert window.day_until is None or window.day_from < window.day_until
    here = zone_info(window.zone)
    assert here
    if window.exact:
        assert now <= window.exact < window.span.end
        local = window.exact.astimezone(here)
        assert f"{local:%H:%M}" in window.text
        assert f"{local:%a} {local.day} {local:%b} {local.year}" in window.text
    assert window.span.start.tzinfo is UTC


ANY = Day(kind="any", weekday=0, week=0, year=2025, first=0, second=0)


@settings(max_examples=400, deadline=None)
@given(readings, nows, st.sampled_from(ZONES), st.sampled_from(HOURS))
# It is two days at once, and in one of the zones both come to the same mornings.
@example(
    Reading(day=ANY, until=ANY, time=TimeOfDay(kind="morning"), zone="CST"),
    datetime.fromisoformat("2025-01-01T11:00"),
    "America/New_York",
    HOURS[1],
)
def test_any_reading_is_resolved_asked_about_or_refused(reading: Reading, now: datetime, zone: str, hours: str) -> None:
    here = now.replace(tzinfo=ZoneInfo(zone))
    found = resolve(reading, here, read_hours(hours, zone))
    if isinstance(found, Window):
        fits(found, here)
    elif isinstance(found, Asks):
        assert 1 <= len(found.choices) <= 4
        assert found.question.endswith("?")
        for choice in found.choices:
            fits(choice.window, here)
        labels = [c.label for c in found.choices]
        assert len(set(labels)) == len(labels)
        assert all(0 < len(label) <= 75 for label in labels)
    else:
        assert found.text.strip().endswith(".")
        assert len(found.text) < 400


@given(nows, st.integers(1, 300), st.sampled_from(ZONES))
def test_a_date_is_the_same_in_whichever_way_it_is_written(now: datetime, ahead: int, zone: str) -> None:
    here = now.replace(tzinfo=ZoneInfo(zone))
    day = now.date() + timedelta(days=ahead)
    ways = (
        f"{day:%Y-%m-%d}",
        f"{day:%d.%m.%Y}",
        f"{day.day}.{day.month}.{day:%y}",
        f"{day.day} {day:%B} {day.year}",
        f"{day:%b} {day.day}, {day.year}",
        f"{day:%A} {day.day} {day:%b}",
        f"{day:%a}, {day:%B} {day.day}",
        f"{day.day} {day:%b}",
        f"{day:%A} the {day.day}th of {day:%B}",
        f"in {ahead} days",
        f"{ahead} days from today",
    )
    for words in ways:
        found = come_to(words, here)
        # A date that went by lately is confirmed first: it was more likely mistaken.
        window = found.choices[0].window if isinstance(found, Asks) and len(found.choices) == 1 else found
        assert isinstance(window, Window), (words, found)
        zoned = ZoneInfo(zone)
        assert window.span.start == max(here, edge(day, 0, zoned)), words
        assert window.span.end == edge(day + timedelta(days=1), 0, zoned), words


@given(nows, st.integers(1, 250), st.integers(0, 23), st.integers(0, 59), st.sampled_from(ZONES))
def test_a_date_with_a_clock_is_what_python_makes_of_it(
    now: datetime, ahead: int, hour: int, minute: int, zone: str
) -> None:
    here, day = now.replace(tzinfo=ZoneInfo(zone)), now.date() + timedelta(days=ahead)
    local = datetime.combine(day, time(hour, minute), ZoneInfo(zone))
    found = come_to(f"{day:%Y-%m-%d} {hour:02d}:{minute:02d}h", here)
    twice = local.replace(fold=1).utcoffset() != local.utcoffset()
    if not twice:
        assert isinstance(found, Window)
        assert found.exact == local
    elif local.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) != local.replace(tzinfo=None):
        assert isinstance(found, Refused)
        assert "put forward" in found.text
    else:
        assert isinstance(found, Asks)
        assert {c.window.exact for c in found.choices} == {i.astimezone(UTC) for i in (local, local.replace(fold=1))}


@given(nows, st.sampled_from((1, 2, 3, 4)), st.integers(1, 12))
def test_the_nth_monday_of_a_month_is_dateutils(now: datetime, nth: int, month: int) -> None:
    here = now.replace(tzinfo=UTC)
    first = now.date().replace(month=month, day=1)
    expected = first + relativedelta(weekday=MO(nth))
    if expected < now.date():
        expected = first + relativedelta(years=1) + relativedelta(weekday=MO(nth))
    word = ("first", "second", "third", "fourth")[nth - 1]
    found = resolve(read_when(f"{word} Monday of {first:%B}") or Reading(), here, read_hours(HOURS[0], "UTC"))
    window = found.choices[0].window if isinstance(found, Asks) else found
    assert isinstance(window, Window)
    assert window.span.start.date() == expected


@given(nows, st.integers(0, 6))
def test_a_weekday_said_in_the_middle_of_a_week_is_the_next_one(now: datetime, weekday: int) -> None:
    here = now.replace(tzinfo=UTC)
    found = resolve(Reading(day=Day(kind="weekday", weekday=weekday)), here, read_hours(HOURS[0], "UTC"))
    if weekday == now.weekday():
        assert isinstance(found, Asks)
        assert len(found.choices) == 2
    else:
        assert isinstance(found, Window)
        assert found.span.start.date() == now.date() + relativedelta(days=1, weekday=weekday)


@given(nows, st.integers(0, 6))
def test_next_weekday_is_asked_about_or_meant_by_all(now: datetime, weekday: int) -> None:
    """Whoever takes the coming one, and whoever takes that of next week, find theirs among the readings."""
    here, today = now.replace(tzinfo=UTC), now.date()
    found = resolve(
        Reading(day=Day(kind="weekday", weekday=weekday, relation="next")), here, read_hours(HOURS[0], "UTC")
    )
    windows = [c.window for c in found.choices] if isinstance(found, Asks) else [found]
    starts = [w.span.start.date() for w in windows if isinstance(w, Window)]
    coming = today + relativedelta(days=1, weekday=weekday)
    of_next_week = today - timedelta(days=today.weekday()) + timedelta(days=7 + weekday)
    assert {coming, of_next_week} <= set(starts)
    assert all(a < b for a, b in pairwise(starts))


@given(st.dates(date(2026, 1, 1), date(2028, 1, 1)), st.integers(0, 24 * 60 - 1), st.sampled_from(ZONES))
def test_an_instant_shows_what_was_asked_for(day: date, minute: int, zone: str) -> None:
    here = ZoneInfo(zone)
    for instant in instants(day, minute, here):
        local = instant.astimezone(here)
        assert (local.date(), local.hour * 60 + local.minute) == (day, minute)


PIECES = (
    *(
        "next",
        "Tue",
        "3",
        "pm",
        "-",
        "to",
        "25",
        ".",
        "/",
        "by",
        "every",
        "and",
        "<@U1>",
        '"',
        "2nd",
        "week",
        "half an hour",
    ),
    *("\u017fun", "\u212a", "\u0130", "\u0131n 2 days", "\u4e8c", "\u0663pm", "\u200b", "\u201c"),
)


@given(st.text(max_size=60) | st.lists(st.sampled_from(PIECES)).map(" ".join))
def test_any_text_is_read_or_not_without_an_error(text: str) -> None:
    reading = read_when(text)
    read_request(text)
    if reading:
        resolve(reading, at("2026-11-22T10:00"), read_hours(HOURS[0], "Europe/Lisbon"))


@pytest.mark.parametrize("name", [*CITIES, *SHORT])
def test_each_zone_that_is_read_is_one(name: str) -> None:
    assert zones_of(name)
    assert all(zone_info(z) for z in zones_of(name))


def test_a_zone_without_hours_asks_for_a_half_of_the_day() -> None:
    nobody = Hours(zone="UTC", week=((),) * 7)
    found = resolve(read_when("tomorrow at 3") or Reading(), at("2026-11-22T10:00", "UTC"), nobody)
    assert isinstance(found, Asks)
    assert [c.label for c in found.choices] == ["Mon 23 Nov, 03:00", "Mon 23 Nov, 15:00"]


def test_an_unknown_zone_of_the_organizer_is_told() -> None:
    found = resolve(Reading(), at("2026-11-22T10:00"), Hours(zone="Atlantis", week=((),) * 7))
    assert found == Refused("Your time zone is not known. Please set it in your Slack profile.")


def test_what_was_asked_says_what_people_differ_about() -> None:
    found = come_to("next Wednesday", at("2026-11-23T10:00"))
    assert isinstance(found, Asks)
    assert found.question == "Which did you mean: Wed 25 Nov or Wed 2 Dec?"
    found = come_to("25 October 1:30am", at("2026-10-20T10:00"))
    assert isinstance(found, Asks)
    assert [c.label for c in found.choices] == ["Sun 25 Oct, 01:30 (UTC+1)", "Sun 25 Oct, 01:30 (UTC+0)"]
    assert "comes twice" in found.question
    found = come_to("Tuesday 25 November", at("2026-11-22T10:00"))
    assert isinstance(found, Asks)
    assert found.question.startswith("Wed 25 Nov 2026 is a Wednesday, not a Tuesday.")
    found = come_to("03/04", at("2026-11-22T10:00"))
    assert isinstance(found, Asks)
    assert [c.label for c in found.choices] == ["Thu 4 Mar", "Sat 3 Apr"]
    found = come_to("20 Nov", at("2026-11-22T10:00"))
    assert isinstance(found, Asks)
    assert found.question == "Fri 20 Nov 2026 has gone by. Did you mean Sat 20 Nov 2027?"


def test_a_window_says_itself() -> None:
    now = at("2026-11-23T10:00")
    for words, text in (
        ("tomorrow 2pm", "Tue 24 Nov 2026, 14:00 Europe/Lisbon"),
        ("tomorrow", "Tue 24 Nov 2026, Europe/Lisbon"),
        ("next week afternoons, not Friday", "Mon 30 Nov – Sun 6 Dec 2026, 12:00–18:00 Europe/Lisbon, not Fri"),
        ("tomorrow before 11", "Tue 24 Nov 2026, before 11:00 Europe/Lisbon"),
        ("tomorrow after 3pm UTC+2", "Tue 24 Nov 2026, from 15:00 UTC+2"),
        ("28 Dec to 2 Jan", "Mon 28 Dec 2026 – Sat 2 Jan 2027, Europe/Lisbon"),
    ):
        window = come_to(words, now)
        assert isinstance(window, Window)
        assert window.text == text


def test_seconds_are_rounded_up_to_the_minute() -> None:
    window = come_to("in half an hour", at("2026-11-23T10:00:01"))
    assert isinstance(window, Window)
    assert window.exact == datetime(2026, 11, 23, 10, 31, tzinfo=UTC)


def test_a_day_is_found_where_it_stands() -> None:
    assert day_at("see you tuesday", 8) == (Day(kind="weekday", weekday=1), 15)
    assert day_at("see you tuesday", 0) is None
