"""When a recurring meeting takes place."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.meetings.values import Repeat


def occurrences(start: datetime, repeat: Repeat | None, zone: str, most: int) -> list[datetime]:
    """The starts of the first occurrences, the first one included: by the clock of `zone`, so that 10:00 stays 10:00 when clocks change.

    In UTC; at most `most`, but the first one always. A time that the clock skips or shows twice on a day is taken as RFC 5545 (3.3.5) says: by the offset
    before the gap, and the earlier one.
    """
    if repeat is None:
        return [start]
    there = start.astimezone(ZoneInfo(zone))
    count = most if repeat.count is None else min(most, repeat.count)
    days = (_day(there.date(), repeat, n) for n in range(1, count))
    return [start, *(datetime.combine(day, there.time(), there.tzinfo).astimezone(UTC) for day in days)]


def _day(first: date, repeat: Repeat, n: int) -> date:
    """The day of the occurrence `n` after the first."""
    step = n * repeat.interval
    if repeat.unit != "month":
        return first + timedelta(days=step if repeat.unit == "day" else 7 * step)
    months = first.year * 12 + first.month - 1 + step
    begin = date(months // 12, months % 12 + 1, 1)
    day = begin + timedelta(days=(first.weekday() - begin.weekday()) % 7 + (first.day - 1) // 7 * 7)
    return day if day.month == begin.month else day - timedelta(days=7)  # there is no fifth: the last
