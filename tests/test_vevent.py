"""Meetings as iCalendar: read back by a standard parser they are what they were."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import icalendar
import pytest
import recurring_ical_events  # type: ignore[import-untyped]  # has no types
from hypothesis import given
from hypothesis import strategies as st

from bot.meetings.calendars.calendar import Event
from bot.meetings.values import Attendee, Repeat
from bot.meetings.vevent import calendar_of, clean, rule, vevent

ANA = Attendee(id="U1", name="Ana", email="ana@example.com")
START = datetime(2026, 3, 3, 9, tzinfo=UTC)


def an_event(
    title: str = "Sync", description: str = "", repeat: Repeat | None = None, zone: str = "UTC", start: datetime = START
) -> Event:
    return Event(
        uid="u",
        sequence=3,
        title=title,
        description=description,
        start=start,
        end=start + timedelta(minutes=45),
        zone=zone,
        repeat=repeat,
        attendees=(ANA, Attendee(id="U2", name=title, email="raj@example.com", answer="declined")),
        online=False,
        link="",
        ref="",
        changed_at=START,
    )


@given(st.text(), st.text())
def test_any_text_comes_back_without_what_icalendar_cannot_hold(title: str, description: str) -> None:
    text = calendar_of([vevent(an_event(title, description))], "REQUEST")
    read = icalendar.Calendar.from_ical(text)
    (event,) = read.events
    assert str(event["SUMMARY"]) == clean(title, line=True)
    assert str(event.get("DESCRIPTION", "")) == clean(description)
    assert [str(a) for a in event.attendees] == ["mailto:ana@example.com", "mailto:raj@example.com"]
    assert event.attendees[1].params["PARTSTAT"] == "DECLINED"
    assert all(len(line) <= 75 for line in text.split(b"\r\n"))
    assert b"\n" not in text.replace(b"\r\n", b"")
    assert text == calendar_of([vevent(an_event(title, description))], "REQUEST"), "the same again"


@given(
    st.dates(date(2026, 1, 1), date(2030, 1, 1)),
    st.times(time(8), time(20)),
    st.sampled_from(["Europe/Lisbon", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]),
    st.builds(Repeat, st.sampled_from(["day", "week", "month"]), st.integers(1, 3), st.just(6)),
)
def test_a_series_keeps_its_clock_through_the_year(day: date, clock: time, zone: str, repeat: Repeat) -> None:
    start = datetime.combine(day, clock.replace(second=0, microsecond=0), ZoneInfo(zone))
    text = calendar_of([vevent(an_event(repeat=repeat, zone=zone, start=start.astimezone(UTC)))], None)
    read = icalendar.Calendar.from_ical(text)
    times = [e.start for e in recurring_ical_events.of(read).between(date(2025, 12, 1), date(2032, 1, 1))]
    assert times[0] == start
    assert len(times) == 6
    assert {t.time() for t in times} == {start.time()}
    if repeat.unit != "day":
        assert {t.weekday() for t in times} == {start.weekday()}


@pytest.mark.parametrize(("day", "by"), [(1, "1SU"), (7, "1SA"), (8, "2SU"), (28, "4SA"), (29, "-1SU"), (31, "-1TU")])
def test_monthly_is_a_weekday_of_the_month_and_a_fifth_is_the_last(day: int, by: str) -> None:
    assert rule(Repeat("month"), date(2026, 3, day)) == {"FREQ": "MONTHLY", "INTERVAL": 1, "BYDAY": by}


def test_a_cancelled_meeting_says_so() -> None:
    read = icalendar.Calendar.from_ical(calendar_of([vevent(an_event(), cancelled=True)], "CANCEL"))
    assert (read["METHOD"], read.events[0]["STATUS"], read.events[0]["SEQUENCE"]) == ("CANCEL", "CANCELLED", 3)
