"""Which times of a day a symbolic one may be, in minutes of the day by the clock on the wall; and which instants those are on a date. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.meetings.when.reading import Clock, TimeOfDay

DAY = 24 * 60
PARTS = {  # from, until
    "morning": (6 * 60, 12 * 60),
    "afternoon": (12 * 60, 18 * 60),
    "evening": (17 * 60, 22 * 60),
    "night": (18 * 60, DAY),
}


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a day. `exact`: it begins at `first`, and `last` says nothing. `within`: whether the organizer works then."""

    first: int = 0
    last: int = DAY
    exact: bool = False
    within: bool = False


def stretches(said: TimeOfDay, work: tuple[int, int]) -> tuple[Stretch, ...]:
    """The readings of a time on a day whose working hours go from `work[0]` to `work[1]`; () where no clock shows it, or it ends before it begins."""
    if said.kind in PARTS:
        return (Stretch(*PARTS[said.kind]),)
    if said.kind == "noon":
        return (Stretch(DAY // 2, exact=True),)
    if said.kind == "any" or not said.clock:
        return (Stretch(),) if said.kind == "any" else ()
    opens, closes = work
    starts = _faces(said.clock)
    if said.kind == "at":
        return tuple(Stretch(s, exact=True, within=opens <= s < closes) for s in starts)
    if said.kind == "after":
        return tuple(Stretch(s, within=opens <= s < closes) for s in starts if s < DAY)
    if said.kind == "before":
        return tuple(Stretch(0, s, within=opens < s <= closes) for s in starts if s > 0)
    ends = _faces(said.until) if said.kind == "between" and said.until else ()
    pairs = ((s, min((e for e in ends if e > s), default=s)) for s in starts)
    found = [Stretch(s, e, within=opens <= s < closes) for s, e in pairs if s < e]
    if len(ends) == 1:  # "11-1pm", "2-4pm": the nearest start before the end
        return tuple(found[-1:])
    return tuple(f for f in found if f.last - f.first <= DAY // 2) or tuple(found)


def preferred(found: Sequence[Stretch]) -> tuple[Stretch, ...]:
    """Of two readings of a bare "at 3" the one within working hours, if that is one and the other is not."""
    within = tuple(s for s in found if s.within)
    return within if len(within) == 1 else tuple(found)


def _faces(clock: Clock) -> tuple[int, ...]:
    """The minutes of the day at which a clock shows that; two for "3" and for midnight, with which a day begins and ends."""
    hour, minute = clock.hour, clock.minute
    if not (0 <= minute < 60 and 0 <= hour <= 24):
        return ()
    bare = clock.half == ""
    if clock.half == "24h" or (bare and not 1 <= hour <= 12):
        found = hour * 60 + minute
        return (found,) if found <= DAY else ()
    if not 1 <= hour <= 12:
        return ()
    morning, evening = hour % 12 * 60 + minute, hour % 12 * 60 + minute + DAY // 2
    if clock.half == "am":
        return (0, DAY) if morning == 0 else (morning,)
    if clock.half == "pm":
        return (evening,)
    return (evening, morning or DAY) if hour == 12 else (morning, evening)


def instants(day: date, minute: int, zone: ZoneInfo) -> tuple[datetime, ...]:
    """The instants, in UTC, at which clocks of the zone show that: none when they are put forward over it, two when it comes twice."""
    naive = datetime.combine(day, time(0)) + timedelta(minutes=minute)
    found = dict.fromkeys(naive.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return tuple(i for i in sorted(found) if i.astimezone(zone).replace(tzinfo=None) == naive)


def edge(day: date, minute: int, zone: ZoneInfo) -> datetime:
    """The same as an edge of a window: the first such instant; where the clocks are put forward over it, the one they are put forward at."""
    if found := instants(day, minute, zone):
        return found[0]
    naive = datetime.combine(day, time(0)) + timedelta(minutes=minute)
    return naive.replace(tzinfo=zone, fold=1).astimezone(UTC)


def clock_name(minute: int) -> str:
    """Such as "14:30"; "24:00" is a day's end."""
    return f"{minute // 60:02d}:{minute % 60:02d}"
