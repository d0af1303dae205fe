"""Slots on days on which clocks change, in zones with crooked offsets, over midnight; occurrences that stay at their local time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.meetings.slots.engine import find, occurrences, starts
from bot.meetings.values import Repeat, minutes
from tests.slots_world import LISBON, at, diary, local, search, span

KATHMANDU, LORD_HOWE, AUCKLAND, SAN_FRANCISCO = (
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "America/Los_Angeles",
)


def test_hours_are_where_the_clock_shows_them_after_it_went_forward() -> None:
    day = search("2026-03-30", length=60)  # Lisbon went from UTC to UTC+1 on the 29th
    found = starts(day, [diary("ana", LISBON)])
    assert (found[0], found[-1]) == (at("2026-03-30 08:00"), at("2026-03-30 15:00"))


def test_the_skipped_hour_of_a_night_shift_is_not_offered() -> None:
    night = search("2026-03-29", zone="Europe/Berlin")
    found = starts(night, [diary("ana", "Europe/Berlin", week="Sun 01:00-04:00")])
    clock = [t.split()[-1] for t in local(found, "Europe/Berlin")]
    assert clock == [
        "01:00",
        "01:15",
        "01:30",
        "01:45",
        "03:00",
        "03:15",
        "03:30",
    ]  # from 01:45 until 03:15 are 30 minutes


def test_the_hour_that_comes_twice_is_worked_twice() -> None:
    night = search("2026-10-25", zone="Europe/Berlin", length=60)
    found = starts(night, [diary("ana", "Europe/Berlin", week="Sun 02:00-03:00")])
    assert [found[0], found[-1]] == [at("2026-10-25 00:00"), at("2026-10-25 01:00")]
    assert local(found, "Europe/Berlin")[0] == local(found, "Europe/Berlin")[-1] == "Sun 25 02:00"


def test_a_stretch_that_ends_within_the_repeated_hour_comes_in_two_parts() -> None:
    night = search("2026-10-25", zone="Europe/Berlin", day_from=time(1), day_until=time(2, 30))
    found = starts(night, [diary("ana")])
    assert local(found, "Europe/Berlin") == [
        f"Sun 25 {t}" for t in ["01:00", "01:15", "01:30", "01:45", "02:00", "02:00"]
    ]
    assert found[-1] - found[-2] == minutes(60)


@pytest.mark.parametrize(("day", "quarters"), [("2026-10-25", 100), ("2026-03-29", 92), ("2026-06-01", 96)])
def test_a_day_has_25_hours_or_23_when_clocks_change(day: str, quarters: int) -> None:
    assert len(starts(search(day, zone="Europe/Berlin", length=15), [diary("ana")])) == quarters


def test_a_meeting_of_24_hours_fits_into_the_day_of_25_in_five_ways() -> None:
    assert len(starts(search("2026-10-25", zone="Europe/Berlin", length=24 * 60), [diary("ana")])) == 5
    assert not starts(search("2026-03-29", zone="Europe/Berlin", length=24 * 60), [diary("ana")])


def test_in_kathmandu_the_grid_lies_on_quarter_hours_too() -> None:
    day = search("2026-11-24", zone=KATHMANDU)
    assert starts(day, [diary("asha", KATHMANDU)])[0] == at("2026-11-24 03:15")
    assert local(find(day, [diary("asha", KATHMANDU)]), KATHMANDU) == ["Tue 24 10:00", "Tue 24 13:00", "Tue 24 15:00"]


def test_lord_howe_moves_its_clocks_by_half_an_hour() -> None:
    before, after = (
        starts(search(day, zone=LORD_HOWE), [diary("lou", LORD_HOWE)])[0] for day in ("2026-10-02", "2026-10-05")
    )
    assert (before.time(), after.time()) == (time(22, 30), time(22))
    assert len(starts(search("2026-10-04", zone=LORD_HOWE, length=15), [diary("lou")])) == 94
    assert len(starts(search("2026-04-05", zone=LORD_HOWE, length=15), [diary("lou")])) == 98


def test_auckland_and_san_francisco_meet_on_different_days() -> None:
    people = [diary("mere", AUCKLAND), diary("sam", SAN_FRANCISCO)]
    found = starts(search("2026-11-23", 5, zone=SAN_FRANCISCO), people)
    assert local(found, SAN_FRANCISCO)[0] == "Mon 23 12:00"
    assert local(found, AUCKLAND)[0] == "Tue 24 09:00"
    assert not [t for t in local(found, SAN_FRANCISCO) if t.startswith("Fri")]  # Saturday in Auckland


def test_a_slot_over_midnight_lies_in_stretches_that_adjoin() -> None:
    week = "Mon 20:00-23:59, Tue 00:00-02:00, Wed 22:00-23:59, Thu 01:00-02:00"
    found = starts(search("2026-11-23", 4, length=120), [diary("noor", LISBON, week=week)])
    assert local(found)[-2:] == ["Tue 24 00:00", "Wed 25 22:00"]
    assert "Mon 23 23:00" in local(found)


def test_a_window_over_midnight() -> None:
    late = search("2026-11-23", 2, length=60, day_from=time(22), day_until=time(1))
    found = local(starts(late, [diary("noor")]))
    assert "Mon 23 23:30" in found
    assert "Tue 24 00:00" in found
    assert "Tue 24 00:15" not in found
    assert found[-1] == "Tue 24 23:00"  # the window's end


def test_ten_oclock_stays_ten_oclock() -> None:
    weekly = occurrences(at("2026-10-15 10:00", "America/New_York"), Repeat("week"), "America/New_York", 4)
    assert weekly == [at(f"2026-{day} 10:00", "America/New_York") for day in ("10-15", "10-22", "10-29", "11-05")]
    assert [t.hour for t in weekly] == [14, 14, 14, 15]


def test_each_second_day_and_a_count() -> None:
    found = occurrences(at("2028-02-28 09:00"), Repeat("day", 2, 3), "UTC", 8)
    assert found == [at("2028-02-28 09:00"), at("2028-03-01 09:00"), at("2028-03-03 09:00")]
    assert occurrences(found[0], None, "UTC", 8) == found[:1]


def test_monthly_is_the_same_weekday_of_the_month_and_a_fifth_is_the_last() -> None:
    second = occurrences(at("2026-11-10 09:00"), Repeat("month"), "UTC", 4)
    assert [t.date().isoformat() for t in second] == ["2026-11-10", "2026-12-08", "2027-01-12", "2027-02-09"]
    fifth = occurrences(at("2026-11-30 09:00"), Repeat("month", 1), "UTC", 5)
    assert [t.date().isoformat() for t in fifth] == [
        "2026-11-30",
        "2026-12-28",
        "2027-01-25",
        "2027-02-22",
        "2027-03-29",
    ]
    first = occurrences(at("2026-12-07 09:00"), Repeat("month", 1), "UTC", 3)
    assert [t.day for t in first] == [7, 4, 1], "the first Monday"
    fourth = occurrences(at("2026-11-23 09:00"), Repeat("month", 1), "UTC", 3)
    assert [t.day for t in fourth] == [23, 28, 25], "the fourth, also where there is a fifth"


def test_a_time_that_the_clock_skips_or_shows_twice() -> None:
    skipped = occurrences(at("2026-03-22 02:30", "Europe/Berlin"), Repeat("week"), "Europe/Berlin", 3)
    assert local(skipped, "Europe/Berlin") == ["Sun 22 02:30", "Sun 29 03:30", "Sun 05 02:30"]
    twice = occurrences(at("2026-10-18 02:30", "Europe/Berlin"), Repeat("week"), "Europe/Berlin", 3)
    assert [t.hour for t in twice] == [0, 0, 1]
    second = datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)
    assert occurrences(second, Repeat("day"), "Europe/Berlin", 2) == [second, at("2026-10-26 02:30", "Europe/Berlin")]


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001 - the clock of the zone
    st.sampled_from(["Europe/Lisbon", "America/New_York", "Australia/Lord_Howe", "UTC"]),
    st.builds(Repeat, st.sampled_from(["day", "week", "month"]), st.integers(1, 4)),
)
def test_occurrences_keep_weekday_and_clock(start: datetime, zone: str, repeat: Repeat) -> None:
    first = start.replace(tzinfo=ZoneInfo(zone), hour=10).astimezone(UTC)
    found = [t.astimezone(ZoneInfo(zone)) for t in occurrences(first, repeat, zone, 12)]
    assert len({t.timetz().replace(tzinfo=None) for t in found}) == 1
    assert found == sorted(found)
    if repeat.unit != "day":
        assert len({t.weekday() for t in found}) == 1


def test_a_series_is_free_each_time_by_the_local_clock() -> None:
    new_york = "America/New_York"
    series = search("2026-10-15", zone=new_york, day_from=time(10), day_until=time(10, 30), repeat=Repeat("week"))
    at_ten_in_winter = span("2026-11-05 15:00", 30)
    at_ten_in_summer = span("2026-11-05 14:00", 30)
    assert not find(series, [diary("ana", "", at_ten_in_winter)]).slots
    assert local(find(series, [diary("ana", "", at_ten_in_summer)]), new_york) == ["Thu 15 10:00"]


def test_an_occurrence_may_touch_what_is_before_and_after_it() -> None:
    series = search("2026-11-24", day_from=time(10), day_until=time(10, 30), repeat=Repeat("day"))
    around = [span("2026-11-26 09:00", 60), span("2026-11-26 10:30", 60)]
    assert local(find(series, [diary("ana", "", *around)])) == ["Tue 24 10:00"]
    assert not find(replace(series, buffer=5), [diary("ana", "", *around)]).slots
