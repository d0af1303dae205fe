"""VTIMEZONE read as RFC 5545 (3.6.5) says, line by line, against the system's own zones at and around every change of the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr  # type: ignore[import-untyped]  # has no types

from bot.meetings.invitation import icalendar
from bot.meetings.values import Repeat
from tests.meeting_mail_values import event

END = datetime(2034, 1, 1)  # noqa: DTZ001  # a local time
ZONES = [
    "Europe/Lisbon",
    "Europe/Dublin",  # winter is its daylight time, the other way round
    "Africa/Casablanca",  # back and forth by the moon
    "America/New_York",
    "America/Nuuk",
    "Asia/Kolkata",
    "Asia/Jerusalem",  # the Friday before a Sunday
    "Australia/Lord_Howe",  # by half an hour
    "Pacific/Auckland",
]


def onsets_of(text: str) -> list[tuple[datetime, timedelta]]:
    """When which offset begins, in UTC: an onset is told by the clock before it."""
    zone = text.partition("BEGIN:VTIMEZONE")[2].partition("END:VTIMEZONE")[0].replace("\r\n ", "")
    found = []
    for part in zone.split("BEGIN:")[1:]:
        lines = dict(line.partition(":")[::2] for line in part.splitlines() if ":" in line)
        begin = local(lines["DTSTART"])
        before, after = offset(lines["TZOFFSETFROM"]), offset(lines["TZOFFSETTO"])
        times = [begin, *(local(at) for at in lines.get("RDATE", "").split(",") if at)]
        if "RRULE" in lines:
            times = list(rrulestr(lines["RRULE"], dtstart=begin).between(begin, END, inc=True))
        found += [((at - before).replace(tzinfo=UTC), after) for at in times]
    return sorted(found)


def local(told: str) -> datetime:
    return datetime.strptime(told, "%Y%m%dT%H%M%S")  # noqa: DTZ007  # a local time


def offset(told: str) -> timedelta:
    hours, minutes, seconds = int(told[1:3]), int(told[3:5]), int(told[5:7] or 0)
    return (-1 if told[0] == "-" else 1) * timedelta(hours=hours, minutes=minutes, seconds=seconds)


def wrong(zone: str) -> list[datetime]:
    """The half hours of some years at which a strict reader would be at another time than the zone is."""
    made = event(repeat=Repeat("week"), zone=zone)
    onsets, clock = onsets_of(icalendar(made, "PUBLISH").decode()), ZoneInfo(zone)
    at, found, now = made.start, [], timedelta()
    while at < END.replace(tzinfo=UTC):
        while onsets and onsets[0][0] <= at:
            now = onsets.pop(0)[1]
        if at.astimezone(clock).utcoffset() != now:
            found.append(at)
        at += timedelta(minutes=30)
    return found


@pytest.mark.parametrize("zone", ZONES)
def test_a_series_names_its_zone_as_it_is(zone: str) -> None:
    assert wrong(zone) == []
