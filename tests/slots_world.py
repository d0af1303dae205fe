"""Short ways to write down searches and diaries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.meetings.hours import read_hours
from bot.meetings.slots.engine import Diary, Found, Search
from bot.meetings.values import Hours, Repeat, Span, Window, minutes

OFFICE = "Mon-Fri 09:00-17:00"
LISBON = "Europe/Lisbon"


def at(text: str, zone: str = "UTC") -> datetime:
    """Reads “2026-11-24 14:00” by the clock of a zone, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def span(text: str, length: int, zone: str = "UTC") -> Span:
    """So many minutes from a time."""
    return Span(at(text, zone), at(text, zone) + minutes(length))


def hours(zone: str, text: str = OFFICE, *, off: Sequence[str] = ()) -> Hours:
    """Working hours, from Monday to Friday 9 to 5."""
    found = read_hours(text, zone)
    return Hours(zone=zone, week=found.week, off=frozenset(map(date.fromisoformat, off)))


def diary(
    name: str,
    zone: str = "",
    *busy: Span,
    required: bool = True,
    unknown: bool = False,
    week: str = OFFICE,
    off: Sequence[str] = (),
) -> Diary:
    """Somebody's; with a zone they work there in the office's hours."""
    theirs = hours(zone, week, off=off) if zone else None
    return Diary(id=name, required=required, busy=None if unknown else busy, hours=theirs)


def search(
    day: str,
    days: int = 1,
    *,
    zone: str = LISBON,
    length: int = 30,
    now: str = "2026-01-01 00:00",
    exact: str = "",
    day_from: time = time(0),
    day_until: time | None = None,
    without: Sequence[int] = (),
    notice: int = 0,
    buffer: int = 0,
    repeat: Repeat | None = None,
) -> Search:
    """For a meeting on some days by the clock of a zone."""
    begin = date.fromisoformat(day)
    window = Window(
        span=Span(at(f"{begin} 00:00", zone), at(f"{begin + timedelta(days=days)} 00:00", zone)),
        zone=zone,
        exact=at(exact, zone) if exact else None,
        day_from=day_from,
        day_until=day_until,
        without=frozenset(without),
    )
    return Search(window=window, minutes=length, now=at(now), notice=notice, buffer=buffer, repeat=repeat)


def local(times: Found | Sequence[datetime], zone: str = LISBON) -> list[str]:
    """Like “Tue 24 14:00”, by the clock of a zone."""
    starts = [s.start for s in times.slots] if isinstance(times, Found) else times
    return [f"{t.astimezone(ZoneInfo(zone)):%a %d %H:%M}" for t in starts]
