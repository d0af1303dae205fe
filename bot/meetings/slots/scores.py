"""Which starts are the better ones, and which of them are offered together.

A score is 100, less what speaks against a start; so much at most:

   60  days after the first day that is possible (3 a day); or, where a time was asked for, how far from it: 15 a day and 4 an hour on the clock (100)
   12  optional people who cannot: all of them
   12  early, late or midday for people by their own clocks
    6  meetings just before or after: one for everybody
    3  a start at :15 or :45 (at :30: 1)

Outside of somebody's working hours these come first: 15 for each minute outside, of all people together; then 20 for the share of it that one of them
has to bear (fairness), and 30 for how far from their hours it is. The start that was asked for has 1000.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Sequence

from bot.meetings.slots.clocks import DAY, clock_around, merged, stretches
from bot.meetings.slots.times import STEP, Times

ASKED_FOR = 1000.0
_GOOD = ((9 * 60 + 30, 11 * 60 + 30), (13 * 60, 15 * 60 + 30))  # mid-morning, early afternoon: minutes of the day
_DISCOMFORT = [min(240, *(max(a - m, 0, m - b) for a, b in _GOOD)) / 240 for m in range(0, 24 * 60, 15)]
_ROUND = (0, 3, 1, 3)  # what a start at :00, :15, :30, :45 costs
_ADJOINING = 15 * 60  # meetings with less than this between them follow each other
_PARTS = (12 * 3600, 17 * 3600)  # where the parts of a day begin
# Off what is on the same day as another slot of the same offer (2 an hour between them are given back, at most 10), or at the same part of another day. Where a
# time was asked for, near counts more.
_ALIKE, _ALIKE_NEAR = (40, 10), (15, 5)

Scored = tuple[float, int]  # the score, and the start's number on the grid
Follows = Callable[[float], int]  # how many meetings adjoin one that begins then
Costs = Callable[[int], float]  # what speaks against a start (seconds since 1970)


def ranked(times: Times, starts: Sequence[int], *, follows: Follows, stretched: bool) -> list[Scored]:
    """The starts with their scores, the best first; of equals the earlier. `follows`: what `adjoining` made of the times."""
    if not starts:
        return []
    grid = times.grid
    everyone = zip(times.diaries, times.blocked, times.away, strict=True)
    cannot = times.count(merged([*blocked, *away]) for diary, blocked, away in everyone if not diary.required)
    optional = max(1, sum(not d.required for d in times.diaries))
    costs = [_distance(times, grid.at(starts[0])), _discomfort(times)]
    if stretched:
        costs.append(_burden(times))
    found = list[Scored]()
    for n in starts:
        at = grid.at(n)
        back_to_back = min(1, follows(at) / len(times.diaries)) if times.diaries else 0
        against = 12 * cannot[n] / optional + 6 * back_to_back + sum(cost(at) for cost in costs)
        found.append((round(100 - against, 3), n))
    return sorted(found, key=lambda scored: (-scored[0], scored[1]))


def diverse(
    times: Times, scored: Sequence[Scored], most: int, *, offered: Sequence[float], beside: Sequence[float]
) -> list[Scored]:
    """Picks slots that do not overlap each other, spread over days and parts of the day. None begins when one in `offered` did; those that overlap such a
    slot are taken only where others are too few. `beside`: starts that are offered together with these. `scored` has the best first.
    """
    grid = times.grid
    there = clock_around(times.search.window.zone, grid.first, grid.end)
    same_day, same_part = _ALIKE_NEAR if times.search.window.exact else _ALIKE

    def alike(at: float, other: float) -> float:
        (day, second), (its_day, its_second) = (divmod(there.local(int(t)), DAY) for t in (at, other))
        if day == its_day:
            return same_day - min(10.0, abs(second - its_second) / 1800)
        return same_part if bisect_right(_PARTS, second) == bisect_right(_PARTS, its_second) else 0

    def overlaps(at: float, others: Sequence[float]) -> bool:
        return any(abs(at - other) < grid.length for other in others)

    fresh, known = list[Scored](), list[Scored]()
    for one in scored:
        at = grid.at(one[1])
        if at not in offered:
            (known if overlaps(at, offered) else fresh).append(one)
    taken, picked = list(beside), list[Scored]()
    for pool in (fresh, known):
        while len(picked) < most:
            best: tuple[float, Scored] | None = None
            for score, number in pool:
                if best and score <= best[0]:
                    break  # the rest is worse even if it is like no other
                if overlaps(grid.at(number), taken):
                    continue
                value = score - max((alike(grid.at(number), other) for other in taken), default=0)
                if best is None or value > best[0]:
                    best = value, (score, number)
            if best is None:
                break
            picked.append(best[1])
            taken.append(grid.at(best[1][1]))
    return picked


def adjoining(times: Times) -> Follows:
    """How many meetings of all people end just before a start, or begin just after the meeting would be over."""
    ends = sorted(end for theirs in times.busy for _, end in theirs)
    begins = sorted(begin for theirs in times.busy for begin, _ in theirs)

    def count(at: float) -> int:
        over = at + times.grid.length
        before = bisect_right(ends, at) - bisect_right(ends, at - _ADJOINING)
        return before + bisect_left(begins, over + _ADJOINING) - bisect_left(begins, over)

    return count


def _distance(times: Times, first: int) -> Costs:
    """Days after the first possible start, or how far it is from the time that was asked for; and a crooked start."""
    grid, exact = times.grid, times.search.window.exact
    there = clock_around(times.search.window.zone, grid.first, grid.end)
    near = clock_around(times.search.window.zone, exact.timestamp(), exact.timestamp()) if exact else there
    day, second = divmod(near.local(int(exact.timestamp()) if exact else first), DAY)

    def cost(at: int) -> float:
        its_day, its_second = divmod(there.local(at), DAY)
        crooked = _ROUND[its_second // STEP % 4]
        if exact:
            return crooked + min(100, 15 * abs(its_day - day) + 4 * abs(its_second - second) / 3600)
        return crooked + min(60, 3 * (its_day - day))

    return cost


def _discomfort(times: Times) -> Costs:
    """Far from mid-morning and early afternoon by people's own clocks; by the window's where nobody's zone is known."""
    grid = times.grid
    zones = Counter(d.hours.zone for d in times.diaries if d.hours) or Counter([times.search.window.zone])
    clocks = [(clock_around(zone, grid.first, grid.end), people) for zone, people in zones.items()]
    weight = 12 / zones.total()

    def cost(at: int) -> float:
        return weight * sum(people * _DISCOMFORT[there.local(at) % DAY // STEP] for there, people in clocks)

    return cost


def _burden(times: Times) -> Costs:
    """How much of it is outside of working hours, whether that is shared, how far it is from them."""
    grid = times.grid
    hours = Counter(d.hours for d in times.diaries if d.required and d.hours)
    around = [(stretches(h, grid.first - DAY, grid.end + DAY), people) for h, people in hours.items()]
    ends = [[end for _, end in working] for working, _ in around]
    weight = 30 / max(1, hours.total())

    def cost(at: int) -> float:
        over, total, worst, far = at + grid.length, 0.0, 0.0, 0.0
        for (working, people), until in zip(around, ends, strict=True):
            index, inside = bisect_right(until, at), 0  # from the first stretch that is not over
            while index < len(working) and working[index][0] < over:
                inside += min(over, working[index][1]) - max(at, working[index][0])
                index += 1
            total += people * (grid.length - inside)
            worst = max(worst, grid.length - inside)
            if not inside:
                gaps = [
                    DAY,
                    *(at - e for e in until[max(0, index - 1) : index]),
                    *(b - over for b, _ in working[index : index + 1]),
                ]
                far += people * min(gaps) / DAY
        return 15 * total / 60 + 20 * worst / grid.length + weight * far

    return cost
