"""The slots themselves: the best ones of a search, and one that was named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bot.meetings.slots.clocks import stretches
from bot.meetings.slots.recurring import occurrences
from bot.meetings.slots.scores import ASKED_FOR, Follows, adjoining, diverse, ranked
from bot.meetings.slots.search import Diary, Found, Search
from bot.meetings.slots.times import Times, lay_out, possible
from bot.meetings.values import Slot, Span, minutes

_REASONS = 3  # of a slot


def find(search: Search, diaries: Sequence[Diary], *, most: int = 3, skip: Sequence[datetime] = ()) -> Found:
    """The best slots, spread over days and times of day, in the order of their scores (see scores.py). `skip`: starts that were offered before.

    Where `window.exact` suits all who are required, it is the first one, whatever their hours; the others are near it, and so are all where it does not.
    """
    times = lay_out(search, diaries)
    starts, stretched = possible(times)
    offered = {at.timestamp() for at in skip}
    exact = check(search, diaries)
    pinned = [exact] if exact and exact.start.timestamp() not in offered else []
    beside = [slot.start.timestamp() for slot in pinned]
    follows = adjoining(times)
    scored = ranked(times, starts, follows=follows, stretched=stretched)
    picked = diverse(times, scored, most - len(pinned), offered=sorted(offered), beside=beside)
    picked.sort(key=lambda one: (-one[0], one[1]))
    slots = [
        _slot(search, diaries, times.grid.time(n), [any(a <= n < b for a, b in away) for away in times.away], score)
        for score, n in picked
    ]
    others = {float(times.grid.at(n)) for n in starts} - offered - set(beside)
    earliest = times.grid.time(starts[0]) if starts else None
    told = _with_reasons(times, [*pinned, *slots], follows, earliest=earliest, first_page=not skip)
    return Found(tuple(told), len(others) + len(pinned), stretched)


def check(search: Search, diaries: Sequence[Diary]) -> Slot | None:
    """The slot at `search.window.exact` if every required attendee is free then (their hours aside: `outside` names for whom it is early or late); else None.

    Unknown calendars do not refuse it; `unknown` names them. What begins before `now` and the notice is refused, so whoever looks again at a slot that was
    offered a while ago gives no notice. The rest of the window does not matter: the time was named.
    """
    start = search.window.exact
    if start is None or start < search.earliest:
        return None
    for at in occurrences(start, search.repeat, search.window.zone, search.occurrences):
        if any(d.required and is_busy(d, at, search) for d in diaries):
            return None
    begin, end = start.timestamp(), (start + minutes(search.minutes)).timestamp()
    outside = [
        d.hours is not None and not any(a <= begin and end <= b for a, b in stretches(d.hours, begin, end))
        for d in diaries
    ]
    return _slot(search, diaries, start, outside, ASKED_FOR)


def starts(search: Search, diaries: Sequence[Diary]) -> list[datetime]:
    """All starts on the grid that `find` chooses among."""
    times = lay_out(search, diaries)
    return [times.grid.time(number) for number in possible(times)[0]]


def is_busy(diary: Diary, at: datetime, search: Search) -> bool:
    """Whether somebody is known to be busy at a time, or less than the buffer before or after."""
    around = Span(at - minutes(search.buffer), at + minutes(search.minutes + search.buffer))
    return any(span.overlaps(around) and span.start < span.end for span in diary.busy or ())


def _slot(search: Search, diaries: Sequence[Diary], start: datetime, outside: Sequence[bool], score: float) -> Slot:
    """The slot at a time that is free. `outside`: for whom, by diary, it is outside of their hours."""
    people = list(zip(diaries, outside, strict=True))
    return Slot(
        start=start,
        end=start + minutes(search.minutes),
        score=score,
        missing=tuple(d.id for d, out in people if not d.required and (out or is_busy(d, start, search))),
        unknown=tuple(d.id for d in diaries if d.busy is None),
        outside=tuple(d.id for d, out in people if d.required and out),
    )


def _with_reasons(
    times: Times, slots: Sequence[Slot], follows: Follows, *, earliest: datetime | None, first_page: bool
) -> list[Slot]:
    """What speaks for each slot. Of people whose calendar or hours are not known nothing is said."""
    exact, hours_known = times.search.window.exact, all(d.hours for d in times.diaries)
    nearest = min((abs(s.start - exact) for s in slots), default=None) if exact and first_page else None
    found = []
    for slot in slots:
        reasons = []
        if exact:
            if slot.start == exact:
                reasons.append("the time you asked for")
            elif abs(slot.start - exact) == nearest:
                reasons.append("nearest to what you asked")
        if not slot.missing and not slot.unknown:
            reasons.append("everyone is free")
        if slot.start == earliest:
            reasons.append("the earliest")
        if hours_known and not slot.outside and not slot.missing:
            reasons.append("in everybody's working hours")
        if any(times.busy) and not slot.unknown and not follows(slot.start.timestamp()):
            reasons.append("not back to back")
        found.append(replace(slot, reasons=tuple(reasons[:_REASONS])))
    return found
