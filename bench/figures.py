"""Figures worked out of what was recorded. Pure; times are seconds of one clock."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise


def at(values: Sequence[float], percent: int) -> float:
    """A percentile; not a number where there are no values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] if ordered else float("nan")


def mean(values: Sequence[float]) -> float:
    """The mean; not a number where there are no values."""
    return sum(values) / len(values) if values else float("nan")


def lag(steps: Sequence[tuple[float, int]], begun: float, ended: float, characters: int) -> float:
    """How many characters Slack was behind the model, as a mean over the time from its first token to its last.

    `steps`: when Slack showed how many characters. The model writes evenly, which the local one does by the clock.
    """
    if ended <= begun:
        return 0.0
    shown = 0.0
    for (since, count), (until, _) in pairwise([*steps, (ended, 0)]):
        shown += count * max(0.0, min(until, ended) - max(since, begun))
    return characters / 2 - shown / (ended - begun)


def left(calls: Sequence[float], rate: float, burst: float, when: float) -> float:
    """Tokens in Slack's bucket just before `when`: full at the first of `calls`, the times of all that Slack took, in order."""
    tokens, filled = burst, calls[0] if calls else when
    for call in calls:
        if call >= when:
            break
        tokens, filled = min(burst, tokens + (call - filled) * rate) - 1, call
    return min(burst, tokens + max(0.0, when - filled) * rate)


def used(calls: Sequence[float], rate: float, burst: float, begin: float, end: float) -> float:
    """The share of the calls that Slack would have taken from `begin` to `end` that were made."""
    made = sum(begin <= call <= end for call in calls)
    return made / (left(calls, rate, burst, begin) + (end - begin) * rate)


def under_load(
    growing: Sequence[tuple[float, float]], calls: Sequence[float], rate: float, burst: float
) -> tuple[float, float] | None:
    """The first and the last moment at which more answers grew than edits were left; None when there was none.

    `growing`: from when to when each answer grew.
    """
    changes = [(begin, 1) for begin, _ in growing] + [(end, -1) for _, end in growing] + [(call, 0) for call in calls]
    tokens, filled, count = burst, calls[0] if calls else 0.0, 0
    loaded = []
    for when, change in sorted(changes):
        tokens = min(burst, tokens + max(0.0, when - filled) * rate)
        before = count > tokens
        tokens, filled, count = tokens - (change == 0), when, count + change
        if before or count > tokens:
            loaded.append(when)
    return (loaded[0], loaded[-1]) if loaded else None
