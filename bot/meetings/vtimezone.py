"""Time zones as iCalendar names them (RFC 5545, 3.6.5), from the system's own data. Pure.

icalendar's own generator writes the onset of summer time by the clock that follows it, where the RFC has the one before; and forgets some zones' changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from icalendar import Timezone, vDDDLists
from icalendar.cal.timezone import TimezoneDaylight, TimezoneStandard

YEARS = 12  # for which changes are told one by one where they follow no yearly rule
_STEP = timedelta(days=5)  # no zone changes its clock twice within it
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a change of the clock leads to."""

    before: timedelta
    after: timedelta
    name: str
    summer: bool


@lru_cache(maxsize=200)
def changes_of(zone: str, year: int) -> tuple[tuple[_Kind, tuple[datetime, ...]], ...]:
    """From a year on: each kind of change, with the local times of its onsets by the clock before them."""
    found: dict[_Kind, list[datetime]] = {}
    clock = ZoneInfo(zone)
    for at in _changes(clock, datetime(year, 1, 1, tzinfo=UTC), datetime(year + YEARS, 1, 1, tzinfo=UTC)):
        before, after = (at - timedelta(seconds=1)).astimezone(clock), at.astimezone(clock)
        was, now = before.utcoffset() or timedelta(), after.utcoffset() or timedelta()
        kind = _Kind(was, now, after.tzname() or zone, bool(after.dst()))
        found.setdefault(kind, []).append((at + was).replace(tzinfo=None))
    return tuple((kind, tuple(onsets)) for kind, onsets in found.items())


def vtimezone(zone: str, year: int) -> Timezone:
    """The zone's VTIMEZONE, good from that year on."""
    made = Timezone()
    made.add("tzid", zone)
    first = datetime(year, 1, 1, tzinfo=ZoneInfo(zone))
    offset = first.utcoffset() or timedelta()
    begin = _Kind(offset, offset, first.tzname() or zone, bool(first.dst()))
    made.add_component(_observance(begin, (first.replace(tzinfo=None),)))
    for kind, onsets in changes_of(zone, year):
        made.add_component(_observance(kind, onsets))
    return made


def _observance(kind: _Kind, onsets: tuple[datetime, ...]) -> TimezoneStandard | TimezoneDaylight:
    made = TimezoneDaylight() if kind.summer else TimezoneStandard()
    made.add("dtstart", onsets[0])
    made.add("tzoffsetfrom", kind.before)
    made.add("tzoffsetto", kind.after)
    made.add("tzname", kind.name)
    if rule := _yearly(onsets):
        made.add("rrule", rule)
    elif onsets[1:]:
        made["RDATE"] = vDDDLists(onsets[1:])
    return made


def _yearly(onsets: tuple[datetime, ...]) -> dict[str, object] | None:
    """The rule that they follow, such as the last Sunday in March; None where there is none, or not for as long as we look ahead."""
    years = [at.year for at in onsets]
    same = len({(at.month, at.weekday(), at.time()) for at in onsets}) == 1
    if not same or len(years) < YEARS - 1 or years != list(range(years[0], years[0] + len(years))):
        return None
    weeks = {(at.day - 1) // 7 + 1 for at in onsets}
    if all((at + timedelta(days=7)).month != at.month for at in onsets):
        weeks = {-1}
    if len(weeks) > 1:
        return None
    return {"FREQ": "YEARLY", "BYMONTH": onsets[0].month, "BYDAY": f"{weeks.pop()}{_WEEKDAYS[onsets[0].weekday()]}"}


def _changes(clock: ZoneInfo, start: datetime, end: datetime) -> Iterator[datetime]:
    """The instants from which another offset or name holds."""
    while start < end:
        after = min(start + _STEP, end)
        if _told(clock, start) != _told(clock, after):
            low, high = start, after
            while high - low > timedelta(seconds=1):
                middle = low + timedelta(seconds=int((high - low).total_seconds()) // 2)
                low, high = (middle, high) if _told(clock, middle) == _told(clock, start) else (low, middle)
            yield high
        start = after


def _told(clock: ZoneInfo, at: datetime) -> tuple[timedelta | None, str | None, bool]:
    there = at.astimezone(clock)
    return there.utcoffset(), there.tzname(), bool(there.dst())
