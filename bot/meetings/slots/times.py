"""Which starts on the grid would do: free for everybody who is required, at every occurrence, within hours if there are such."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from itertools import accumulate

from bot.meetings.slots.clocks import Stretch, merged, stretches, window_hours
from bot.meetings.slots.recurring import occurrences
from bot.meetings.slots.search import Diary, Search
from bot.meetings.values import GRID, Hours, Window

STEP = GRID * 60
WAKING = ((time(7), time(21)),)  # when a meeting outside of working hours is bearable

Starts = list[Stretch]  # ranges of starts, by their number on the grid


@dataclass(frozen=True, slots=True)
class Grid:
    """The starts that are looked at: `count` of them, every 15 minutes from `first` (seconds since 1970), for a meeting of `length` seconds."""

    first: int
    count: int
    length: int

    def at(self, number: int) -> int:
        """When a start is."""
        return self.first + number * STEP

    def time(self, number: int) -> datetime:
        """The same as UTC."""
        return datetime.fromtimestamp(self.at(number), UTC)

    @property
    def end(self) -> int:
        """When the last meeting ends."""
        return self.at(self.count) - STEP + self.length

    def within(self, begin: float, end: float) -> Stretch:
        """The starts of meetings that lie in a stretch of time."""
        last = int((end - self.length - self.first) // STEP)
        return max(-int((self.first - begin) // STEP), 0), min(last + 1, self.count)


@dataclass(frozen=True, slots=True)
class Times:
    """A search laid out on its grid. `ruled_out`: the starts that the window leaves out. By diary: `busy` in seconds, `blocked` the starts at which they are
    busy, `away` those outside of their hours.
    """

    search: Search
    diaries: Sequence[Diary]
    grid: Grid
    ruled_out: Starts
    busy: list[list[tuple[float, float]]]
    blocked: list[Starts]
    away: list[Starts]

    def required(self, starts: list[Starts]) -> list[Starts]:
        """Of starts by diary, those of people who have to be there."""
        return [theirs for diary, theirs in zip(self.diaries, starts, strict=True) if diary.required]

    def without(self, place: int) -> Times:
        """The same without one of the diaries."""
        kept = [n for n in range(len(self.diaries)) if n != place]
        return replace(
            self,
            diaries=[self.diaries[n] for n in kept],
            busy=[self.busy[n] for n in kept],
            blocked=[self.blocked[n] for n in kept],
            away=[self.away[n] for n in kept],
        )

    def count(self, starts: Iterable[Starts]) -> list[int]:
        """For each start, in how many of these it is."""
        steps = [0] * (self.grid.count + 1)
        for theirs in starts:
            for first, last in theirs:
                steps[first] += 1
                steps[last] -= 1
        return list(accumulate(steps[:-1]))


def lay_out(search: Search, diaries: Sequence[Diary]) -> Times:
    """Puts a search and its diaries onto the grid."""
    grid = _grid(search)
    busy = [[(s.start.timestamp(), s.end.timestamp()) for s in d.busy or () if s.start < s.end] for d in diaries]
    blocked = [_blocked(theirs, grid, search.buffer * 60) for theirs in busy]
    away = outside(grid, [d.hours for d in diaries], lambda hours: hours)
    ruled_out = outside(grid, [window_hours(search.window)], lambda hours: hours)[0]
    return Times(search, diaries, grid, ruled_out, busy, blocked, away)


def possible(times: Times) -> tuple[list[int], bool]:
    """The starts that would do, and whether they are outside of somebody's hours, since there is none inside of everybody's.

    Then they are between 7 and 21 o'clock for everybody and on nobody's day off, if there are such; else any, provided that a time was asked for.
    A recurring meeting is free at all of the occurrences that count; hours are those of the first one.
    """
    taken = times.count([times.ruled_out, *times.required(times.blocked)])
    free = [number for number, count in enumerate(taken) if not count]
    if not free:
        return [], False
    hours = [d.hours for d in times.diaries if d.required]
    tiers: list[Callable[[], list[Starts]]] = [
        lambda: times.required(times.away),
        lambda: outside(times.grid, hours, _waking),
    ]
    if _names_a_time(times.search.window):
        tiers.append(list)
    for level, tier in enumerate(tiers):
        away = times.count(tier())
        if starts := _always_free(times, [n for n in free if not away[n]]):
            return starts, level > 0
    return [], False


def outside(grid: Grid, hours: Iterable[Hours | None], change: Callable[[Hours], Hours]) -> list[Starts]:
    """For each of some hours the starts of meetings that do not lie in them; none where they are not known."""
    known: dict[Hours | None, Starts] = {None: []}
    found = []
    for theirs in hours:
        changed = change(theirs) if theirs else None
        if changed is not None and changed not in known:
            inside = (grid.within(*s) for s in stretches(changed, grid.first, grid.end))
            known[changed] = _rest(inside, grid.count)
        found.append(known[changed])
    return found


def _grid(search: Search) -> Grid:
    span, length = search.window.span, search.minutes * 60
    first = -int(-max(span.start, search.earliest).timestamp() // STEP) * STEP
    return Grid(first, max(0, int((span.end.timestamp() - length - first) // STEP) + 1), length)


def _blocked(busy: list[tuple[float, float]], grid: Grid, buffer: int) -> Starts:
    """The starts of meetings that overlap busy times, or come nearer to them than the buffer."""
    until, behind, count, found = grid.first + grid.length + buffer, grid.first - buffer, grid.count, list[Stretch]()
    for begin, end in busy:
        first, last = int((begin - until) // STEP) + 1, -int((behind - end) // STEP)
        if last > 0 and first < count:
            found.append((max(first, 0), min(last, count)))
    return merged(found)


def _rest(ranges: Iterable[Stretch], count: int) -> Starts:
    """All starts but these (in order, not overlapping)."""
    found, last = [], 0
    for begin, end in ranges:
        if begin < end:
            if last < begin:
                found.append((last, begin))
            last = end
    return [*found, (last, count)] if last < count else found


def _waking(hours: Hours) -> Hours:
    return replace(hours, week=(WAKING,) * 7)


def _names_a_time(window: Window) -> bool:
    return window.exact is not None or window.day_from != time(0) or window.day_until not in (None, time(0))


def _always_free(times: Times, starts: list[int]) -> list[int]:
    """Those of the starts whose later occurrences are free too."""
    search = times.search
    if search.repeat is None:
        return starts
    buffer = search.buffer * 60
    required = (b for d, theirs in zip(times.diaries, times.busy, strict=True) if d.required for b in theirs)
    taken = merged((int(begin // 1) - buffer, -int(-end // 1) + buffer) for begin, end in required)
    ends = [end for _, end in taken]

    def is_free(at: datetime) -> bool:
        begin = at.timestamp()
        following = bisect_right(ends, begin)  # the first that ends after this begins
        return following == len(taken) or taken[following][0] >= begin + times.grid.length

    def later(number: int) -> list[datetime]:
        return occurrences(times.grid.time(number), search.repeat, search.window.zone, search.occurrences)[1:]

    return [n for n in starts if all(map(is_free, later(n)))]
