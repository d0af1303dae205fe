"""What the register keeps as JSON: all of it comes back, also what a later version wrote."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.database import open_database
from bot.errors import MeetingRefused
from bot.meetings.hours import keep_hours, read_hours, told_hours
from bot.meetings.register.rows import (
    Sought,
    packed_offer,
    packed_wish,
    read_offer,
    read_sought,
    read_told,
    read_wish,
    sought_wish,
)
from bot.meetings.values import Attendee, Choice, Hint, Hours, Offer, Repeat, Slot, Span, Window, Wish
from bot.models import By
from tests.meetings_world import ANA, RAJ, offer_of, wish

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
times = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # it wants naive bounds
spans = st.builds(Span, times, times)
windows = st.builds(
    Window,
    span=spans,
    zone=texts,
    exact=st.none() | times,
    day_from=st.times(),
    day_until=st.none() | st.times(),
    without=st.frozensets(st.integers(0, 6)),
    text=texts,
)
answers = st.sampled_from(["", "accepted", "tentative", "declined"])
attendees = st.builds(
    Attendee,
    id=texts,
    name=texts,
    email=texts,
    zone=texts,
    required=st.booleans(),
    kind=st.sampled_from(["member", "guest", "room"]),
    answer=answers,
)
repeats = st.builds(
    Repeat, st.sampled_from(["day", "week", "month"]), st.integers(1, 9), st.none() | st.integers(1, 99)
)
wishes = st.builds(
    Wish,
    title=texts,
    attendees=st.lists(attendees, max_size=4).map(tuple),
    minutes=st.integers(5, 1440),
    window=st.none() | windows,
    repeat=st.none() | repeats,
    online=st.booleans(),
    description=texts,
)
words = st.lists(texts, max_size=3).map(tuple)
slots = st.builds(
    Slot,
    start=times,
    end=times,
    score=st.floats(allow_nan=False, allow_infinity=False),
    reasons=words,
    missing=words,
    unknown=words,
    outside=words,
)
hints = st.builds(Hint, label=texts, without=texts, minutes=st.integers(0, 999), until=st.none() | times)
offers = st.builds(
    Offer,
    question=texts,
    choices=st.lists(st.builds(Choice, texts, windows), max_size=2).map(tuple),
    slots=st.lists(slots, max_size=3).map(tuple),
    why=words,
    hints=st.lists(hints, max_size=2).map(tuple),
    page=st.integers(0, 99),
    more=st.booleans(),
)


@settings(deadline=None, database=None)
@given(wishes, st.dictionaries(texts, answers, max_size=3))
def test_a_wish_comes_back(made: Wish, told: dict[str, Any]) -> None:
    text = packed_wish(made, told)
    assert (read_wish(text), read_told(text)) == (made, told)


@settings(deadline=None, database=None)
@given(
    st.none() | offers, st.none() | st.builds(Sought, st.integers(5, 1440), st.none() | windows, st.frozensets(texts))
)
def test_an_offer_comes_back(made: Offer | None, sought: Sought | None) -> None:
    text = packed_offer(made, sought)
    assert (read_offer(text), read_sought(text)) == (made, sought)


def test_no_offer_is_no_text() -> None:
    assert packed_offer(None) == ""
    assert read_offer("") is None
    assert read_sought("") is None


def test_keys_that_are_not_known_are_passed_over_and_missing_ones_have_their_defaults() -> None:
    row = {**json.loads(packed_wish(wish(ANA), {})), "mood": "good"}
    row["attendees"][0]["shoe_size"] = 39
    for gone in ("minutes", "online", "told", "description"):
        del row[gone]
    assert read_wish(json.dumps(row)) == wish(ANA)
    assert read_told(json.dumps(row)) == {}
    assert read_offer('{"offer": {"slots": [], "colour": 1}, "mood": 2}') == Offer()


def test_half_a_character_does_not_stop_anything() -> None:
    assert read_wish(packed_wish(wish(ANA, title="a\ud800b\x00"), {})).title == "a?b\x00"
    assert "\x00" not in packed_wish(wish(ANA, title="\x00"), {})  # PostgreSQL takes none


def test_what_is_sought_touches_time_and_who_is_needed_alone() -> None:
    old = wish(ANA, RAJ, title="Sync")
    new = sought_wish(old, Sought(60, None, frozenset([RAJ])))
    assert [(a.id, a.required) for a in new.attendees] == [(ANA, True), (RAJ, False)]
    assert (new.title, new.minutes, old.minutes) == ("Sync", 60, 30)
    assert sought_wish(old, None) == old
    assert offer_of() == Offer()


# -- hours ---------------------------------------------------------------------------------------------------------------


async def test_hours_are_kept_for_each_person_of_a_workspace(url: str) -> None:
    text = "Mon-Thu 08:00-12:00 13:00-17:00, Fri 09:00-14:00"
    first, second = read_hours(text, "Europe/Lisbon"), read_hours("Mon-Fri 09:00-17:00", "Asia/Kolkata")
    off = frozenset({datetime(2026, 12, 24, tzinfo=ZoneInfo("UTC")).date()})
    second = Hours(zone=second.zone, week=second.week, off=off)
    async with open_database(url) as database:
        assert await told_hours(database, "T1", [ANA]) == {}
        await keep_hours(database, By("T1", ANA), first)
        await keep_hours(database, By("T1", RAJ), first)
        await keep_hours(database, By("T2", ANA), first)
        await keep_hours(database, By("T1", ANA), second)
        assert await told_hours(database, "T1", [ANA, RAJ, "UNONE"]) == {ANA: second, RAJ: first}
        assert await told_hours(database, "T2", [ANA]) == {ANA: first}
        assert await told_hours(database, "T1", []) == {}


async def test_hours_that_cannot_be_meant_are_refused(sqlite_url: str) -> None:
    week = read_hours("Mon-Fri 09:00-17:00", "UTC").week
    stretches = tuple(week[0] * 7)
    async with open_database(sqlite_url) as database:
        for zone in ("Mars/Olympus", "", "../../etc/passwd", "europe/lisbon"):
            with pytest.raises(MeetingRefused, match="time zone"):
                await keep_hours(database, By("T1", ANA), Hours(zone=zone, week=week))
        for wrong in (week[:6], (stretches, *week[1:])):
            with pytest.raises(MeetingRefused, match="A day has at most"):
                await keep_hours(database, By("T1", ANA), Hours(zone="UTC", week=wrong))
        assert await told_hours(database, "T1", [ANA]) == {}
