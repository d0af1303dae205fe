"""The slot engine's rules once more, as plain loops over instants: slow, and sharing no code with the engine. For searches whose times are multiples of five minutes."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from bot.meetings.slots.engine import Diary, Search
from bot.meetings.values import Hours, Repeat

FIVE, QUARTER = timedelta(minutes=5), timedelta(minutes=15)


def quarters(search: Search) -> list[datetime]:
    """All quarter hours around the window."""
    span = search.window.span
    at = datetime(span.start.year, span.start.month, span.start.day, tzinfo=UTC)
    return [at + n * QUARTER for n in range(int((span.end - at) / QUARTER) + 2)]


def series(start: datetime, repeat: Repeat | None, zone: str, most: int) -> list[datetime]:
    """The first occurrences."""
    found, there = [start], ZoneInfo(zone)
    first = start.astimezone(there)
    while repeat and len(found) < min(most, repeat.count or most):
        n = repeat.interval * len(found)
        if repeat.unit == "month":
            year, month = first.year, first.month
            for _ in range(n):
                year, month = (year, month + 1) if month < 12 else (year + 1, 1)
            same = [week[first.weekday()] for week in calendar.monthcalendar(year, month) if week[first.weekday()]]
            day = same[-1] if first.day > 28 else same[(first.day - 1) // 7]
            naive = datetime.combine(date(year, month, day), first.time())
        else:
            naive = first.replace(tzinfo=None) + timedelta(days=n * (7 if repeat.unit == "week" else 1))
        found.append(naive.replace(tzinfo=there, fold=0).astimezone(UTC))
    return found


def is_free(diary: Diary, start: datetime, search: Search) -> bool:
    """Whether nothing that we know of is in somebody's way, at any of the occurrences."""
    for at in series(start, search.repeat, search.window.zone, search.occurrences):
        for busy in diary.busy or ():
            begin, end = busy.start - timedelta(minutes=search.buffer), busy.end + timedelta(minutes=search.buffer)
            if busy.start < busy.end and at < end and begin < at + timedelta(minutes=search.minutes):
                return False
    return True


def shows(instant: datetime, zone: str, opens: time, closes: time) -> bool:
    """Whether the clock there shows a time from `opens` until before `closes`, over midnight if that is earlier."""
    wall = instant.astimezone(ZoneInfo(zone)).time()
    if closes == time(0):
        return wall >= opens
    return opens <= wall < closes if opens < closes else wall >= opens or wall < closes


@cache
def works(hours: Hours, instant: datetime) -> bool:
    """Whether it is within somebody's hours."""
    day = instant.astimezone(ZoneInfo(hours.zone)).date()
    ends = [(a, time(0) if b >= time(23, 59) else b) for a, b in hours.week[day.weekday()]]
    return day not in hours.off and any(shows(instant, hours.zone, a, b) for a, b in ends)


@cache
def awake(hours: Hours, instant: datetime) -> bool:
    """Whether it is between 7 and 21 o'clock on no day off."""
    local = instant.astimezone(ZoneInfo(hours.zone))
    return local.date() not in hours.off and 7 <= local.hour < 21


def feasible(search: Search, diaries: Sequence[Diary]) -> tuple[list[datetime], bool]:
    """The starts that would do, and whether they are outside of somebody's hours."""
    window, length = search.window, timedelta(minutes=search.minutes)
    required = [d for d in diaries if d.required]

    def instants(start: datetime) -> list[datetime]:
        return [start + n * FIVE for n in range(search.minutes // 5)]

    def in_window(start: datetime) -> bool:
        if start < window.span.start or start + length > window.span.end:
            return False
        if start < search.now + timedelta(minutes=search.notice):
            return False
        return all(
            shows(i, window.zone, window.day_from, window.day_until or time(0))
            and i.astimezone(ZoneInfo(window.zone)).weekday() not in window.without
            for i in instants(start)
        )

    free = [s for s in quarters(search) if in_window(s) and all(is_free(d, s, search) for d in required)]
    known = [d.hours for d in required if d.hours]
    if inside := [s for s in free if all(works(h, i) for h in known for i in instants(s))]:
        return inside, False
    if bearable := [s for s in free if all(awake(h, i) for h in known for i in instants(s))]:
        return bearable, True
    named = window.exact is not None or window.day_from > time(0) or (window.day_until or time(0)) > time(0)
    return (free, bool(free)) if named else ([], False)
