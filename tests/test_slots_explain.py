"""Why there is no slot, in sentences, and what would help: each hint yields a slot when it is followed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import time, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.meetings.slots.engine import Diary, Search, explain, find
from bot.meetings.values import Hint, Repeat, Span
from tests.slots_world import LISBON, at, diary, search, span
from tests.test_slots_oracle import worlds

NAMES = {"ana": "Ana", "raj": "Raj", "kim": "Kim", "lee": "Lee", "sam": "Sam"}
TUESDAY = search("2026-11-24", length=60)
ANA = diary("ana", LISBON)
ALL_DAY = span("2026-11-24 00:00", 24 * 60)


def why(search: Search, people: Sequence[Diary]) -> list[str]:
    return list(explain(search, people, NAMES)[0])


def hints(search: Search, people: Sequence[Diary]) -> list[str]:
    return [hint.label for hint in explain(search, people, NAMES)[1]]


def follow(hint: Hint, search: Search, people: Sequence[Diary]) -> tuple[Search, list[Diary]]:
    """The search as it is when somebody presses the hint."""
    kept = [d for d in people if d.id != hint.without]
    window = search.window
    if hint.until:
        window = replace(window, span=Span(window.span.start, hint.until))
    return replace(search, minutes=hint.minutes or search.minutes, window=window), kept


def test_who_is_busy_how_often_and_who_could_be_left_out() -> None:
    raj = diary("raj", LISBON, ALL_DAY)
    kim = diary("kim", LISBON, span("2026-11-24 09:00", 4 * 60))
    assert why(TUESDAY, [ANA, raj, kim]) == ["Raj is busy at all 29 possible times, Kim at 16."]
    assert hints(TUESDAY, [ANA, raj, kim]) == ["Without Raj", "Until Wed 25 Nov"]


def test_many_who_are_busy_are_counted() -> None:
    people = [ANA, *(diary(n, LISBON, ALL_DAY) for n in ("raj", "kim", "lee", "sam"))]
    assert why(TUESDAY, people) == ["Raj is busy at all 29 possible times, Kim at 29, Lee at 29, 1 more at some."]
    assert hints(TUESDAY, people) == ["Until Wed 25 Nov"], "leaving out one of them does not help"


def test_of_many_the_one_whose_absence_helps_most_is_found() -> None:
    early = span("2026-11-24 09:00", 60)
    others = [diary(n, LISBON, early) for n in ("raj", "kim", "lee", "u5", "u6", "u7")]
    people = [diary("ana", LISBON, early), *others, diary("sam", LISBON, ALL_DAY)]
    assert hints(TUESDAY, people)[0] == "Without Sam"


def test_the_organizer_is_never_left_out() -> None:
    assert hints(TUESDAY, [diary("ana", LISBON, ALL_DAY), diary("raj", LISBON)]) == ["Until Wed 25 Nov"]


def test_half_the_time_and_no_longer_one() -> None:
    gaps = [span("2026-11-24 00:00", 12 * 60 + 15), span("2026-11-24 13:00", 11 * 60)]
    busy = diary("ana", LISBON, *gaps)
    assert hints(TUESDAY, [busy]) == ["30 minutes", "Until Wed 25 Nov"]
    assert hints(replace(TUESDAY, minutes=90), [busy])[0] == "45 minutes"
    assert "15 minutes" not in hints(replace(TUESDAY, minutes=120), [busy])


def test_until_a_working_day_over_a_weekend_and_days_off() -> None:
    friday = search("2026-11-27", length=60)
    busy = span("2026-11-27 00:00", 24 * 60)
    assert hints(friday, [diary("ana", LISBON, busy)]) == ["Until Mon 30 Nov"]
    assert hints(friday, [diary("ana", LISBON, busy, off=["2026-11-30"])]) == ["Until Tue 1 Dec"]
    until = explain(friday, [diary("ana", "America/New_York", busy)], NAMES)[1][-1].until
    assert until == at("2026-12-01 00:00", LISBON)


def test_a_whole_week_that_is_full() -> None:
    full = diary("ana", LISBON, span("2026-11-24 00:00", 5 * 24 * 60))  # until Saturday
    assert hints(TUESDAY, [full]) == ["Until Tue 1 Dec"]
    assert hints(TUESDAY, [diary("ana", LISBON, span("2026-11-24 00:00", 20 * 24 * 60))]) == []


def test_hours_that_do_not_meet() -> None:
    people = [ANA, diary("raj", LISBON, week="Mon-Fri 18:00-22:00"), diary("kim", LISBON, ALL_DAY)]
    assert "The working hours of Ana and Raj do not meet in that time." in why(TUESDAY, people)


def test_somebody_who_does_not_work_then() -> None:
    away = diary("raj", LISBON, off=["2026-11-24"])
    assert why(TUESDAY, [ANA, away]) == ["Raj does not work at any of these times."]
    assert hints(TUESDAY, [ANA, away]) == ["Without Raj", "Until Wed 25 Nov"]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"now": at("2026-11-25 00:00")}, "All of that time is past."),
        ({"now": at("2026-11-24 23:30"), "notice": 0}, "60 minutes do not fit in before that time ends."),
        (
            {"now": at("2026-11-24 22:50"), "notice": 15},
            "60 minutes do not fit in before that time ends, and nothing begins within 15 minutes from now.",
        ),
        ({"minutes": 25 * 60}, "That time is shorter than 25 hours."),
    ],
)
def test_a_window_that_is_past_or_too_short(change: dict[str, object], text: str) -> None:
    assert why(replace(TUESDAY, **change), [ANA])[0] == text  # type: ignore[arg-type] # fields of different types


def test_a_part_of_the_day_that_is_too_short_and_days_that_are_ruled_out() -> None:
    sentence = "60 minutes do not fit into the days and hours that you named."
    assert why(search("2026-11-24", length=60, day_from=time(12), day_until=time(12, 30)), [ANA]) == [sentence]
    assert why(search("2026-11-24", length=60, without=[1]), [ANA]) == [sentence]
    assert hints(search("2026-11-24", length=60, without=[1]), [ANA]) == ["Until Wed 25 Nov"]


def test_a_named_time_that_is_taken_while_others_are_free() -> None:
    named = search("2026-11-24", exact="2026-11-24 14:00")
    people = [ANA, *(diary(n, LISBON, span("2026-11-24 14:00", 30)) for n in ("raj", "kim"))]
    assert explain(named, people, NAMES) == (("Raj and Kim are busy at that time.",), ())
    assert why(replace(named, now=at("2026-11-24 15:00")), people) == ["That time is past."]
    assert why(replace(named, now=at("2026-11-24 13:55"), notice=15), people) == [
        "That is too soon: nothing begins within 15 minutes from now."
    ]
    assert explain(named, [ANA], NAMES) == ((), ())


def test_a_series_that_clashes_later() -> None:
    people = [ANA, diary("raj", LISBON, span("2026-12-08 00:00", 24 * 60))]
    series = replace(TUESDAY, repeat=Repeat("week"))
    assert (
        why(series, people)[-1]
        == "Some times suit everybody at first, but none of them at all of the first occurrences."
    )
    assert hints(series, people) == ["Without Raj", "Until Wed 25 Nov"]


def test_what_diaries_have_to_know() -> None:
    reach = replace(TUESDAY, buffer=10).reach
    assert reach.start == at("2026-11-23 22:50")
    assert reach.end >= at("2026-12-03 00:00") + timedelta(minutes=70)
    assert replace(TUESDAY, repeat=Repeat("week")).reach.end == at("2027-01-22 01:00")
    assert search("2026-11-24", exact="2026-11-20 10:00").reach.start < at("2026-11-20 10:00")


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(worlds(), st.booleans())
def test_each_hint_yields_a_slot_and_there_are_none_where_slots_are(
    world: tuple[Search, list[Diary]], crowded: bool
) -> None:
    search, people = world
    if crowded and people:  # the organizer's free time is cut down to where hints matter
        begin = search.window.span.start
        busy = (*(people[0].busy or ()), Span(begin, begin + timedelta(hours=30)))
        people = [replace(people[0], busy=busy, required=True), *people[1:]]
    sentences, offered = explain(search, people, {d.id: d.id for d in people})
    found = find(search, people, most=1).slots
    assert not (found and offered)
    assert bool(found) or bool(sentences) or not people
    assert len(offered) <= 4
    for hint in offered:
        assert sum(map(bool, (hint.without, hint.minutes, hint.until))) == 1
        assert hint.without != (people[0].id if people else "nobody")
        assert hint.minutes < search.minutes
        changed, kept = follow(hint, search, people)
        assert changed.window.span.end <= search.reach.end
        assert find(changed, kept).slots, hint
