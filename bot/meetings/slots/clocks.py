"""Local clocks and UTC: stretches of local days as stretches of time, whatever the clocks do. Times are seconds since 1970."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo

from bot.meetings.values import Hours, Window

DAY = 24 * 3600
_THURSDAY = 3  # 1 January 1970
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_LAST_MINUTE = time(23, 59)

Stretch = tuple[int, int]  # from the first until before the second


@dataclass(frozen=True, slots=True)
class Clock:
    """A zone's offsets from UTC in pieces: each begins in `begins`, has its offset in `offsets`, and ends where the next begins; the last one at `end`."""

    begins: tuple[int, ...]
    offsets: tuple[int, ...]
    end: int

    def local(self, at: int) -> int:
        """What the clock shows at a time, as if it were UTC."""
        return at + self.offsets[max(0, bisect_right(self.begins, at) - 1)]


@lru_cache(maxsize=512)
def clock(zone: str, first_day: int, last_day: int) -> Clock:
    """The clock of a zone from a day (number since 1970, UTC) until after the last one."""
    info = ZoneInfo(zone)

    def offset(at: int) -> int:
        difference = datetime.fromtimestamp(at, info).utcoffset()
        assert difference is not None
        return int(difference.total_seconds())

    begins, offsets = [first_day * DAY], [offset(first_day * DAY)]
    for day in range(first_day, last_day + 1):
        before, after = day * DAY, (day + 1) * DAY
        if offset(after) == offsets[-1]:
            continue
        while after - before > 1:  # a change is somewhere in this day
            middle = (before + after) // 2
            before, after = (middle, after) if offset(middle) == offsets[-1] else (before, middle)
        begins.append(after)
        offsets.append(offset(after))
    return Clock(tuple(begins), tuple(offsets), (last_day + 1) * DAY)


def clock_around(zone: str, start: float, end: float) -> Clock:
    """The clock of a zone for a time, and a day before and after."""
    return clock(zone, int(start // DAY) - 1, int(end // DAY) + 1)


def stretches(hours: Hours, start: float, end: float) -> list[Stretch]:
    """When these hours are, around a time: those in which the local clock shows a time within them. In order, those that adjoin are one.

    Stretches that end at 00:00, or at 23:59 and later, last until the day's end: no clock shows 24:00.
    """
    there = clock_around(hours.zone, start, end)
    week = _in_seconds(hours.week)
    off = {day.toordinal() - _EPOCH_DAY for day in hours.off}
    found, until = list[Stretch](), 0
    for begin, finish, offset in zip(there.begins, (*there.begins[1:], there.end), there.offsets, strict=True):
        for day in range((begin + offset) // DAY, (finish + offset - 1) // DAY + 1):
            if day in off:
                continue
            midnight = day * DAY - offset
            for opens, closes in week[(day + _THURSDAY) % 7]:
                first, last = max(begin, midnight + opens), min(finish, midnight + closes)
                if first < last and found and first <= until:
                    until = max(until, last)
                    found[-1] = found[-1][0], until
                elif first < last:
                    found.append((first, last))
                    until = last
    return found


def window_hours(window: Window) -> Hours:
    """The times of day and weekdays of a window, as if they were somebody's hours. From 22:00 until 02:00 goes over midnight, on days that are not ruled out."""
    first, last = window.day_from, window.day_until or time(0)
    if last <= first and last != time(0):
        day: tuple[tuple[time, time], ...] = ((time(0), last), (first, time(0)))
    else:
        day = ((first, last),)
    return Hours(zone=window.zone, week=tuple(() if n in window.without else day for n in range(7)))


def merged(ranges: Iterable[Stretch]) -> list[Stretch]:
    """The same in order, those that overlap or touch made one."""
    found: list[Stretch] = []
    for first, last in sorted(ranges):
        if found and first <= found[-1][1]:
            if last > found[-1][1]:
                found[-1] = found[-1][0], last
        else:
            found.append((first, last))
    return found


@lru_cache(maxsize=1024)
def _in_seconds(week: tuple[tuple[tuple[time, time], ...], ...]) -> list[list[Stretch]]:
    """The stretches of each day in seconds from its midnight, in order."""
    return [sorted((_second(a), _second(b) if time(0) < b < _LAST_MINUTE else DAY) for a, b in day) for day in week]


def _second(at: time) -> int:
    return (at.hour * 60 + at.minute) * 60 + at.second
