"""From a symbolic reading to a window of time: for somebody, now. Asks where people's readings diverge; refuses what cannot be. Never guesses in silence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from bot.meetings.values import Choice, Hours, Span, Window
from bot.meetings.when.days import Days, Found, Refused, dated, find_days, working_days
from bot.meetings.when.reading import Clock, Day, Reading, TimeOfDay
from bot.meetings.when.telling import labels, said_of, window_text
from bot.meetings.when.times import DAY, Stretch, clock_name, edge, instants, preferred, stretches
from bot.meetings.when.zones import zone_info, zones_of

__all__ = ["Asks", "Refused", "resolve"]

LONGEST = timedelta(days=184)
FARTHEST = timedelta(days=731)
MOST_CHOICES = 4


@dataclass(frozen=True, slots=True)
class Asks:
    """Which was meant? The readings that people differ about (at most four), the likelier one first; a single one is to be confirmed."""

    question: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class _Reader:
    """Who asks, when, and by the clock of which zone they are understood."""

    now: datetime
    hours: Hours
    own: ZoneInfo
    name: str
    zone: ZoneInfo

    def likely(self, said: TimeOfDay, day: date) -> tuple[Sequence[Stretch], bool]:
        """The readings of a time on that day, without those that working hours rule out; and whether nothing else can be meant.

        "10:30 Tokyo time" is by the organizer's hours one time, and by the same hours kept in Tokyo another: both are likely then.
        """
        opens, closes = self._work(day)
        noon = datetime.combine(day, time(12), UTC)
        here, there = (noon.astimezone(z).utcoffset() or timedelta() for z in (self.own, self.zone))
        shift = int((there - here).total_seconds()) // 60
        found = stretches(said, (opens + shift, closes + shift))
        own, local = preferred(found), preferred(stretches(said, (opens, closes)))
        if [(s.first, s.last) for s in own] == [(s.first, s.last) for s in local]:
            return own, True
        return found, False

    def _work(self, day: date) -> tuple[int, int]:
        """The organizer's first and last working minute of that day, or of all days where it is off, by their own clock."""
        parts = self.hours.week[day.weekday()] or tuple(p for d in self.hours.week for p in d)
        if not parts:
            return 0, 0
        first, last = min(p[0] for p in parts), max(p[1] for p in parts)
        return first.hour * 60 + first.minute, last.hour * 60 + last.minute


@dataclass(frozen=True, slots=True)
class _Candidate:
    window: Window
    sure: bool
    note: str


def resolve(reading: Reading, now: datetime, hours: Hours) -> Window | Asks | Refused:
    """What the reading means at `now` (aware) for an organizer with these hours, whose `zone` counts unless the reading names one."""
    own = zone_info(hours.zone)
    if not own:
        return Refused("Your time zone is not known. Please set it in your Slack profile.")
    said = reading.zone.strip()
    names = zones_of(said) if said else (hours.zone,)
    if not names:
        return Refused(f"I do not know the time zone “{said[:60]}”. Please name a city such as Berlin, or say UTC+1.")
    readers = [_Reader(now.astimezone(UTC), hours, own, n, z) for n in names if (z := zone_info(n))]
    found, problem = _candidates(reading, readers)
    if isinstance(found, Refused):
        return found
    if not found:
        return Refused(problem)
    if any(f.window.span.end - f.window.span.start > LONGEST for f in found):
        return Refused("That is a stretch of more than six months. Please name a shorter one, such as “in March”.")
    if any(f.window.span.end - readers[0].now > FARTHEST for f in found):
        return Refused("That is more than two years ahead. Please name an earlier time.")
    if len(found) == 1 and found[0].sure:
        return found[0].window
    return _ask(found)


def _ask(found: Sequence[_Candidate]) -> Asks | Refused:
    if len(found) > MOST_CHOICES:
        return Refused(
            "That can be meant in too many ways. Please say it in full, such as “Tue 24 November 14:00 Berlin time”."
        )
    named = labels([f.window for f in found])
    notes = " ".join(dict.fromkeys(f.note for f in found if f.note))
    which = f"Did you mean {named[0]}?" if len(found) == 1 else f"Which did you mean: {' or '.join(named)}?"
    choices = tuple(Choice(n, f.window) for n, f in zip(named, found, strict=True))
    return Asks(f"{notes} {which}".strip(), choices)


def _candidates(reading: Reading, readers: Sequence[_Reader]) -> tuple[list[_Candidate] | Refused, str]:
    """All that may be meant and is ahead; and why there is nothing, if so."""
    bare = list[_Candidate]()
    gone = ""
    for choose in (True, False):
        found = dict[tuple[datetime, datetime, datetime | None, time, time | None], _Candidate]()
        for reader in readers:
            for answer in _read(reading, reader, choose=choose):
                if isinstance(answer, Refused):
                    return answer, ""
                if isinstance(answer, str):
                    gone = gone or answer
                    continue
                window = answer.window
                key = (window.span.start, window.span.end, window.exact, window.day_from, window.day_until)
                if window.exact:
                    key = (window.exact, window.exact, window.exact, time(0), None)
                found.setdefault(key, answer)
        if found and choose:
            return _apart(found.values()), ""
        bare = _apart(found.values())
    # What working hours made of a bare clock has gone by; the other reading of it is asked about.
    return [replace(b, sure=False, note=b.note or gone) for b in bare], f"{gone} Please name a time ahead.".strip()


def _apart(found: Iterable[_Candidate]) -> list[_Candidate]:
    """Each that reads the same once: they differ in hours alone that the time of the day rules out, and nobody could choose."""
    texts = dict[str, _Candidate]()
    for candidate in found:
        texts.setdefault(candidate.window.text, candidate)
    return list(texts.values())


def _read(reading: Reading, reader: _Reader, *, choose: bool) -> Iterator[_Candidate | Refused | str]:
    """Each reading by the clock of the reader's zone: a candidate, a word for one that has gone by, or a refusal of all."""
    said = reading.time
    if said.kind == "offset":
        yield _from_now(reading, reader)
        return
    if not stretches(said, (0, 0)):
        yield Refused(_unclear(said))
        return
    ranges = _ranges(reading, reader)
    if isinstance(ranges, Refused):
        yield ranges
        return
    for days in ranges:
        pinned = said.kind in ("at", "noon")
        days_left = _without(days, reading.without)
        if not days_left:
            yield Refused("No day is left of those. Please name the days that would do.")
            return
        if pinned and days.first != days.last:
            days_left = list(islice((d for d in days_left if _works(d, reader)), 6)) or days_left
            if len(days_left) > MOST_CHOICES:
                yield Refused(
                    f"On which day? {said_of(days)} are several. Please name one, or say “afternoons”, for example."
                )
                return
            for day in days_left:
                yield from _on(Days(day, day, days.sure, days.note), reading, reader, choose=choose)
        else:
            yield from _on(days, reading, reader, choose=choose)


def _works(day: date, reader: _Reader) -> bool:
    return next(working_days(day, reader.hours), None) == day


def _without(days: Days, out: Sequence[int]) -> list[date]:
    """The days that are left; of very many only the first weeks, which tell as much."""
    count = min((days.last - days.first).days + 1, 200)
    return [d for n in range(count) if (d := days.first + timedelta(days=n)).weekday() not in out]


def _unclear(said: TimeOfDay) -> str:
    clocks = [c for c in (said.clock, said.until) if c]
    wrong = [c for c in clocks if not stretches(TimeOfDay(kind="at", clock=c), (0, 0))]
    if len(clocks) == 2 and not wrong:
        return f"“{_face(clocks[0])}–{_face(clocks[1])}” ends before it begins. Please name the earlier time first."
    shown = f"“{_face(wrong[0])}”" if wrong else "that"
    return f"I cannot read {shown} as a time. Please write it like 14:30 or 2:30pm."


def _face(clock: Clock) -> str:
    return f"{clock.hour}:{clock.minute:02d}{clock.half if clock.half in ('am', 'pm') else ''}"


def _from_now(reading: Reading, reader: _Reader) -> _Candidate | Refused | str:
    """For "in half an hour": whatever the clocks do meanwhile."""
    minutes, day = reading.time.minutes, reading.day
    today = day.kind == "any" or (day.kind == "offset" and not day.count)
    if minutes is None or reading.until or not today or abs(minutes) > 1_000_000:
        return Refused("I did not understand when. Please name a day and a time, such as “tomorrow 14:00”.")
    start = reader.now + timedelta(minutes=minutes)
    if start < reader.now:
        return f"{_exact_text(start, reader)} has gone by."
    full = start.replace(second=0, microsecond=0)
    return _exact(full + timedelta(minutes=full < start), reader, Days(start.date(), start.date()))


def _ranges(reading: Reading, reader: _Reader) -> Found:
    """The readings of the days, seen from today: the organizer's today, and that of the zone where it is another."""
    day = reading.day
    if reading.time.kind in ("at", "noon") and day.kind == "any" and not reading.until and not reading.without:
        day = Day(kind="offset", count=0, weekday=day.weekday)
    found = dict[Days, None]()
    for at in _todays(reader):
        firsts = find_days(day, at, reader.hours)
        if isinstance(firsts, Refused):
            return firsts
        for first in firsts:
            lasts = _until(reading, replace(first, last=first.first) if reading.until else first, at, reader)
            if isinstance(lasts, Refused):
                return lasts
            found |= dict.fromkeys(lasts)
    return tuple(found)


def _todays(reader: _Reader) -> list[datetime]:
    own, there = reader.now.astimezone(reader.own), reader.now.astimezone(reader.zone)
    return [own] if own.date() == there.date() else [own, there]


def _until(reading: Reading, first: Days, at: datetime, reader: _Reader) -> Found:
    """The range that opens with `first`: until the day that was said, or for some days where it was said to open one."""
    if reading.until:
        until, begins = reading.until, first.first
        seen = datetime.combine(max(begins, at.date()), at.time() if begins <= at.date() else time(0))
        relative = until.kind in ("offset", "week", "month") or until.relation or until.week is not None
        if not relative and until.kind == "weekday" and begins > at.date():
            # "Tue to Thu", "Friday to Friday": the first such day after it
            ahead = ((until.weekday or 0) - begins.weekday()) % 7 or 7
            until = Day(kind="offset", count=ahead, weekday=until.weekday)
        lasts = find_days(until, at if relative else seen, reader.hours)
        if isinstance(lasts, Refused):
            return lasts
        lasts = tuple(_before(d, until) for d in lasts) if reading.edge == "before" else lasts
        ends = tuple(
            Days(begins, d.last, d.sure and first.sure, first.note or d.note) for d in lasts if d.last >= begins
        )
        near = (
            tuple(e for e in ends if e.last - begins <= timedelta(days=7))
            if until.week is not None and reading.day.week is not None
            else ()
        )
        return near or ends or Refused("That ends before it begins. Please name the earlier day first.")
    if reading.edge in ("from", "after"):
        begins = first.last + timedelta(days=1) if reading.edge == "after" else first.first
        last = max(islice(working_days(begins, reader.hours), 5), default=begins)
        return (replace(first, first=begins, last=max(begins, last)),)
    return (first,)


def _before(days: Days, said: Day) -> Days:
    """What ends before those days: before a week is before its first day, before the end of a week is before its last."""
    ends = days.last if said.part == "late" else days.first
    return replace(days, last=ends - timedelta(days=1))


def _on(days: Days, reading: Reading, reader: _Reader, *, choose: bool) -> Iterator[_Candidate | Refused | str]:
    """The readings of the time on these days."""
    try:
        found, sure = reader.likely(reading.time, days.first) if choose else (stretches(reading.time, (0, 0)), True)
        days = replace(days, sure=days.sure and sure)
        for stretch in found:
            if stretch.exact:
                yield from _at(days, stretch, reader)
            else:
                yield _window(days, stretch, reading, reader)
    except OverflowError:
        yield Refused("That is too far away. Please name a day within the next two years.")


def _at(days: Days, stretch: Stretch, reader: _Reader) -> Iterator[_Candidate | Refused | str]:
    starts = instants(days.first, stretch.first, reader.zone)
    if not starts:
        yield Refused(
            f"On {dated(days.first)} there is no {clock_name(stretch.first)} in {reader.name}: the clocks are put forward over it. Please name another time."
        )
    for start in starts:
        if start < reader.now:
            yield f"{_exact_text(start, reader)} has gone by."
        else:
            twice = (
                f"{clock_name(stretch.first)} comes twice on {dated(days.first)}: the clocks are put back."
                if len(starts) > 1
                else ""
            )
            yield _exact(start, reader, replace(days, note=days.note or twice))


def _exact(start: datetime, reader: _Reader, days: Days) -> _Candidate:
    """A start that was named. The window around it is its whole day, for other times if that one does not do."""
    day = start.astimezone(reader.zone).date()
    span = Span(max(reader.now, edge(day, 0, reader.zone)), edge(day, DAY, reader.zone))
    window = Window(span=span, zone=reader.name, exact=start, text=_exact_text(start, reader))
    return _Candidate(window, days.sure, days.note)


def _exact_text(start: datetime, reader: _Reader) -> str:
    nothing = Window(span=Span(start, start), zone=reader.name, exact=start)
    return window_text(nothing)


def _window(days: Days, stretch: Stretch, reading: Reading, reader: _Reader) -> _Candidate | str:
    start, end = edge(days.first, stretch.first, reader.zone), edge(days.last, stretch.last, reader.zone)
    window = Window(
        span=Span(start, end),
        zone=reader.name,
        day_from=time(*divmod(stretch.first, 60)),
        day_until=time(*divmod(stretch.last, 60)) if stretch.last < DAY else None,
        without=frozenset(w for w in reading.without if w in range(7)),
    )
    text = window_text(window)
    if end <= reader.now or end <= start:
        return f"{text} has gone by."
    cut = replace(window, span=Span(max(start, reader.now), end))
    return _Candidate(replace(cut, text=window_text(cut)), days.sure, days.note)
