"""Why there is no slot, and what would help."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import reduce
from itertools import combinations
from operator import or_
from zoneinfo import ZoneInfo

from bot.meetings.slots.finding import check, is_busy
from bot.meetings.slots.search import WIDEN_DAYS, Diary, Search
from bot.meetings.slots.times import Starts, Times, lay_out, possible
from bot.meetings.values import SHORTEST, Hint, Hours, Span

_NAMED = 3  # people who are named
_TRIED = 5  # people whose absence is tried
_WORKDAYS = (1, 2, 5)  # by which the window is widened
_SATURDAY = 5


def explain(
    search: Search, diaries: Sequence[Diary], names: Mapping[str, str]
) -> tuple[tuple[str, ...], tuple[Hint, ...]]:
    """Why there is no slot, in sentences, and what would help (at most three hints, each tried: it yields a slot).

    Where only the time that was named is taken, and there are others, it says who is busy then, without a hint. The first diary is the organizer's: no
    hint drops it. The diaries have to know `search.reach`, since later days are tried.
    """
    named = _named_time(search, diaries, names)
    times = lay_out(search, diaries)
    if _has_slot(times):
        return named, ()
    hints = [*_without(times, names), *_shorter(search, diaries), *_later(search, diaries)]
    return (*named, *_reasons(times, names)), tuple(hints)


def _named_time(search: Search, diaries: Sequence[Diary], names: Mapping[str, str]) -> tuple[str, ...]:
    """Who is busy at the time that was named."""
    exact = search.window.exact
    if exact is None or check(search, diaries):
        return ()
    if exact < search.now:
        return ("That time is past.",)
    if exact < search.earliest:
        return (f"That is too soon: nothing begins within {_long(search.notice)} from now.",)
    busy = [names.get(d.id, d.id) for d in diaries if d.required and is_busy(d, exact, search)]
    if busy:
        return (f"{_listed(busy)} {'is' if len(busy) == 1 else 'are'} busy at that time.",)
    return ("At that time not all of the first occurrences are free.",)


def _reasons(times: Times, names: Mapping[str, str]) -> Iterator[str]:
    """Why none of the starts of a window does."""
    search, count = times.search, times.grid.count
    span = search.window.span
    if span.end <= search.now:
        yield "All of that time is past."
    elif span.end - span.start < timedelta(minutes=search.minutes):
        yield f"That time is shorter than {_long(search.minutes)}."
    elif not count and search.earliest > span.start:
        notice = f", and nothing begins within {_long(search.notice)} from now" if search.notice else ""
        yield f"{_long(search.minutes)} do not fit in before that time ends{notice}."
    elif not count:
        yield f"{_long(search.minutes)} do not fit into that time: I offer starts on the quarter hour."
    elif not (allowed := _allowed(times)):
        yield f"{_long(search.minutes)} do not fit into the days and hours that you named."
    else:
        yield from _people(times, allowed, names)


def _people(times: Times, allowed: int, names: Mapping[str, str]) -> Iterator[str]:
    """Who is in the way at the starts that the window allows."""
    required = [
        (names.get(d.id, d.id), _bits(blocked), _bits(away))
        for d, blocked, away in zip(times.diaries, times.blocked, times.away, strict=True)
        if d.required
    ]
    work = allowed & ~reduce(or_, (away for _, _, away in required), 0)  # when all of them work
    considered = work or allowed
    counts = [((considered & busy).bit_count(), name) for name, busy, _ in required]
    if taken := sorted((one for one in counts if one[0]), key=lambda one: -one[0]):
        yield _busiest(taken, considered.bit_count())
    never = [name for name, _, away in required if not allowed & ~away]
    apart = next(((a, b) for (a, _, x), (b, _, y) in combinations(required, 2) if not allowed & ~(x | y)), None)
    if never:
        yield f"{_listed(never[:_NAMED])} {'does' if len(never) == 1 else 'do'} not work at any of these times."
    elif apart:
        yield f"The working hours of {apart[0]} and {apart[1]} do not meet in that time."
    elif not work:
        yield "There is no time at which all of them work."
    if times.search.repeat and considered & ~reduce(or_, (busy for _, busy, _ in required), 0):
        yield "Some times suit everybody at first, but none of them at all of the first occurrences."


def _busiest(taken: Sequence[tuple[int, str]], count: int) -> str:
    """Who is busy at how many of so many possible times, the busiest first."""
    (most, name), others = taken[0], [f"{name} at {n}" for n, name in taken[1:_NAMED]]
    if len(taken) > _NAMED:
        others.append(f"{len(taken) - _NAMED} more at some")
    share = f"all {count}" if most == count else f"{most} of {count}"
    where = f"{share} possible times" if count > 1 else "the only possible time"
    return ", ".join([f"{name} is busy at {where}", *others]) + "."


def _without(times: Times, names: Mapping[str, str]) -> list[Hint]:
    """Leaving out the one required person whose absence helps most; never the organizer."""
    allowed = _allowed(times)
    busy = [_bits(blocked) for blocked in times.blocked]
    cannot = [_bits(away) | b for away, b in zip(times.away, busy, strict=True)]
    places = [n for n, d in enumerate(times.diaries) if d.required]
    alone_out, alone_busy = (allowed & _just_one([masks[n] for n in places]) for masks in (cannot, busy))

    def help_of(n: int) -> tuple[int, int, int]:
        return (alone_out & cannot[n]).bit_count(), (alone_busy & busy[n]).bit_count(), len(times.busy[n])

    for n in sorted((n for n in places if n), key=help_of, reverse=True)[:_TRIED]:
        if _has_slot(times.without(n)):
            person = times.diaries[n].id
            return [Hint(label=f"Without {names.get(person, person)}", without=person)]
    return []


def _shorter(search: Search, diaries: Sequence[Diary]) -> list[Hint]:
    """The longest that fits: half of it, 30, or 15 minutes."""
    for minutes in sorted({search.minutes // 10 * 5, 30, 15}, reverse=True):
        if SHORTEST <= minutes < search.minutes and _has_slot(lay_out(replace(search, minutes=minutes), diaries)):
            return [Hint(label=_long(minutes), minutes=minutes)]
    return []


def _later(search: Search, diaries: Sequence[Diary]) -> list[Hint]:
    """The window until one, two or five working days later: the first that helps."""
    window, zone = search.window, ZoneInfo(search.window.zone)
    last = (window.span.end - timedelta(microseconds=1)).astimezone(zone).date()
    hours = diaries[0].hours if diaries else None
    working = 0
    for n in range(1, WIDEN_DAYS):
        day = last + timedelta(days=n)
        if day.weekday() in window.without or not _works(hours, day):
            continue
        working += 1
        until = datetime.combine(day + timedelta(days=1), time(0), zone).astimezone(UTC)
        if working in _WORKDAYS:
            wider = replace(search, window=replace(window, span=Span(window.span.start, until)))
            if _has_slot(lay_out(wider, diaries)):
                return [Hint(label=f"Until {day:%a} {day.day} {day:%b}", until=until)]
    return []


def _has_slot(times: Times) -> bool:
    """Whether `find` finds any."""
    return bool(possible(times)[0]) or check(times.search, times.diaries) is not None


def _works(hours: Hours | None, day: date) -> bool:
    """Whether it is somebody's working day; Monday to Friday where their hours are not known."""
    return bool(hours.week[day.weekday()]) and day not in hours.off if hours else day.weekday() < _SATURDAY


def _allowed(times: Times) -> int:
    """The starts that the window allows, as bits."""
    return ((1 << times.grid.count) - 1) & ~_bits(times.ruled_out)


def _bits(starts: Starts) -> int:
    found = 0
    for first, last in starts:
        found |= ((1 << (last - first)) - 1) << first
    return found


def _just_one(masks: Sequence[int]) -> int:
    """The bits that are set in one of them and no other."""
    once = more = 0
    for mask in masks:
        more |= once & mask
        once |= mask
    return once & ~more


def _listed(words: Sequence[str]) -> str:
    """Like “Ana, Raj and Kim”."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _long(minutes: int) -> str:
    """Like “30 minutes”, “2 hours”."""
    if minutes >= 120 and minutes % 60 == 0:
        return f"{minutes // 60} hours"
    return f"{minutes} minute{'s' * (minutes != 1)}"
