"""Finds times for a wish: asks the calendars and the register who is busy, and the engine which slots are best."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import structlog

from bot.errors import CalendarRefused, MeetingRefused, Retryable
from bot.meetings.register.times import spans
from bot.meetings.scheduling import Scheduling
from bot.meetings.slots.engine import Diary, Search, check, explain, find, is_busy, occurrences
from bot.meetings.values import Attendee, Busy, Meeting, Offer, Slot, Span, Window, Wish, minutes
from bot.meetings.when.days import dated
from bot.models import By, utcnow

log = structlog.get_logger()

PATIENCE = 20.0  # seconds for all calendars together
HELD = 8  # occurrences of a recurring meeting that are held against calendars
OFFERED = 3
MOST_PAGES = 20
OWN = 400  # occurrences of a meeting that is moved, at most
BEFORE, AFTER = 1, 3  # days around an exact time from which others are offered
NOT_ASKED = "I could not ask the calendars just now, so I know only of meetings that were booked through me."
OURS_ALONE = "I know only of meetings that were booked through me."
NOT_LOOKED = "I could not ask the calendars just now, so nothing was booked. Please press again in a moment."
NOT_CHANGED = "I could not ask the calendars just now, so nothing was changed. Please try again in a moment."
STRETCHED = "No time lies within everybody's working hours."
ALL_SHOWN = "There are no other times than those that I showed."
PAST = "That time is past. Please choose a later one."


@dataclass(frozen=True, slots=True)
class _Looked:
    """What is known of everybody's time. `asked`: the calendars have answered."""

    search: Search
    diaries: tuple[Diary, ...]
    asked: bool


async def find_offer(
    scheduling: Scheduling, by: By, wish: Wish, *, but: Meeting | None = None, before: Offer | None = None
) -> Offer:
    """Slots for a wish that has a window; or why there are none, and what would help. `but`: a booked meeting that is to be moved, which does not stand in
    its own way. `before`: what was offered already ("More times"). A calendar that cannot be asked makes its people unknown, and the offer says so.
    """
    assert wish.window
    window = _around(wish.window)
    looked = await _look(scheduling, by, wish, window, but, notice=scheduling.notice)
    page = min(before.page + 1, MOST_PAGES) if before else 0
    offer = await asyncio.to_thread(_offer, looked, wish, before, page, _present(wish, but))
    if offer.slots and looked.asked and not scheduling.calendar.external and len(wish.attendees) > 1:
        return replace(offer, why=(*offer.why, OURS_ALONE))
    return offer


async def look_again(
    scheduling: Scheduling,
    by: By,
    wish: Wish,
    start: datetime,
    *,
    but: Meeting | None = None,
    offered: Slot | None = None,
) -> Slot | None:
    """Asks the calendars now whether the wish can begin at `start`: the last look before a meeting is booked. None where a required attendee is busy.

    `offered` is the slot that was pressed. Raises MeetingRefused where the start is past, or where a calendar that could be asked when the
    slot was offered cannot be asked now.
    """
    if start <= utcnow():
        raise MeetingRefused(PAST)
    zone = wish.window.zone if wish.window else wish.attendees[0].zone or "UTC"
    window = Window(span=Span(start, start + minutes(wish.minutes)), zone=zone, exact=start)
    looked = await _look(scheduling, by, wish, window, but, notice=0)
    if not looked.asked and not (offered and {a.id for a in _people(wish)} <= set(offered.unknown)):
        raise MeetingRefused(NOT_LOOKED)  # said now: tried again for a minute, the person would see nothing meanwhile
    return check(looked.search, looked.diaries)


async def busy_then(
    scheduling: Scheduling, by: By, meeting: Meeting, people: Sequence[Attendee]
) -> tuple[list[Attendee], datetime] | None:
    """Which of these people, who did not have to be at a booked meeting, are busy by their calendars when it takes place, and at which occurrence.

    Of what is booked here the register knows. Raises MeetingRefused where calendars cannot be asked now.
    """
    times = [span for span in spans(meeting) if span.end > utcnow()][:HELD]
    if not people or not times or not scheduling.calendar.external:
        return None
    told, asked = await _calendars(scheduling, by, people, Span(times[0].start, times[-1].end), meeting)
    if not asked:
        raise MeetingRefused(NOT_CHANGED)
    for span in times:
        if taken := [p for p in people if any(busy.overlaps(span) for busy in told.get(p.id) or ())]:
            return taken, span.start
    return None


def _people(wish: Wish) -> list[Attendee]:
    """The members: whose calendars are asked first of all."""
    return [a for a in wish.attendees if a.kind == "member"]


def _around(window: Window) -> Window:
    """Where a start was named, the days around it too: if it does not suit, others near it are offered."""
    if window.exact is None:
        return window
    zone = ZoneInfo(window.zone)
    day = window.exact.astimezone(zone).date()
    first = datetime.combine(day - timedelta(BEFORE), time(0), zone)
    last = datetime.combine(day + timedelta(AFTER + 1), time(0), zone)
    span = Span(min(first, window.span.start), max(last, window.span.end))
    span = Span(span.start.astimezone(window.exact.tzinfo), span.end.astimezone(window.exact.tzinfo))
    return replace(window, span=span, day_from=time(0), day_until=None)


async def _look(
    scheduling: Scheduling, by: By, wish: Wish, window: Window, but: Meeting | None, *, notice: int
) -> _Looked:
    """Everybody's time over all that the wish may take, asked of all calendars in one call."""
    search = Search(
        window=window,
        minutes=wish.minutes,
        now=utcnow(),
        notice=notice,
        buffer=scheduling.buffer,
        repeat=wish.repeat,
        occurrences=HELD,
    )
    span = Span(max(search.reach.start, search.now - minutes(wish.minutes + scheduling.buffer)), search.reach.end)
    told, asked = await _calendars(scheduling, by, wish.attendees, span, but)
    async with scheduling.database.read() as tx:
        ids = [a.id for a in wish.attendees]
        booked = await scheduling.register.busy(tx, by.team, ids, span, but.number if but else 0)
    hours = await scheduling.people.hours(by.team, wish.attendees)
    own = _own(but)
    diaries: list[Diary] = []
    for attendee in wish.attendees:
        id_, required = attendee.id, attendee.required
        known, ours = told.get(id_), booked.get(id_) or ()
        busy = (*_without(known, own), *ours) if known is not None else tuple(ours) or None
        diaries.append(Diary(id=id_, required=required, busy=busy, hours=hours.get(id_)))
        if known is None and ours:  # what was booked here keeps them busy; what else they do is not known all the same
            diaries.append(Diary(id=id_, required=False, busy=None, hours=None))
    return _Looked(search, tuple(diaries), asked)


async def _calendars(
    scheduling: Scheduling, by: By, people: Sequence[Attendee], span: Span, but: Meeting | None
) -> tuple[Busy, bool]:
    """What the calendars tell, and whether they have answered at all."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await scheduling.calendar.busy(by.team, people, span, but.uid if but else ""), True
    except CalendarRefused as refused:
        log.warning("calendar refused", calendar=scheduling.calendar.name, reason=refused.reason, person=by.person)
    except (Retryable, TimeoutError) as error:
        log.warning("calendar away", calendar=scheduling.calendar.name, error=type(error).__name__, person=by.person)
    return {}, False


def _own(but: Meeting | None) -> list[Span]:
    """The time that a meeting takes which is to be moved."""
    if but is None or but.start is None or but.end is None:
        return []
    starts = occurrences(but.start, but.wish.repeat, but.zone, OWN) if but.wish.repeat else [but.start]
    return [Span(start, start + (but.end - but.start)) for start in starts]


def _without(busy: Iterable[Span], own: Sequence[Span]) -> list[Span]:
    """Busy time less a meeting's own: a calendar may not know which of its entries it is. What was booked here beside it is known from the register."""
    left = list(busy)
    for cut in own:
        left = [
            part
            for span in left
            for part in (
                (Span(span.start, min(span.end, cut.start)), Span(max(span.start, cut.end), span.end))
                if span.overlaps(cut)
                else (span,)
            )
            if part.start < part.end
        ]
    return left


def _present(wish: Wish, but: Meeting | None) -> list[datetime]:
    """The start that a meeting has already: to move it there is no move, unless its length changes or it was named."""
    if but is None or but.start is None or but.end is None or (wish.window and wish.window.exact == but.start):
        return []
    return [but.start] if but.end - but.start == minutes(wish.minutes) else []


def _offer(looked: _Looked, wish: Wish, before: Offer | None, page: int, but: Sequence[datetime] = ()) -> Offer:
    """Takes its time with many people: to be run in a thread. Starts in `but` are not offered."""
    search, diaries = looked.search, looked.diaries
    skip: list[datetime] = [*but]
    for _ in range(page):  # what was shown on the pages before the last one is found again
        skip += [s.start for s in find(search, diaries, most=OFFERED, skip=skip).slots]
    shown = [s.start for s in before.slots] if before else []
    found = find(search, diaries, most=OFFERED, skip=[*skip, *(s for s in shown if s not in skip)])
    why = () if looked.asked else (NOT_ASKED,)
    if found.slots:
        more = found.count > len(found.slots) and page < MOST_PAGES
        stretched = (STRETCHED,) if found.stretched and not _named(found.slots, wish) else ()
        missed = () if before else _missed(looked, wish, found.slots)
        return Offer(slots=found.slots, why=(*why, *missed, *stretched), page=page, more=more)
    if before and any(s.start > search.now for s in before.slots):
        return replace(before, why=(*why, ALL_SHOWN), more=False)
    reasons, hints = explain(search, diaries, {a.id: a.name for a in wish.attendees})
    return Offer(why=(*why, *reasons), hints=hints, page=page)


def _named(slots: Sequence[Slot], wish: Wish) -> bool:
    """Whether the first is the very start that was named."""
    return bool(wish.window and wish.window.exact and slots and slots[0].start == wish.window.exact)


def _missed(looked: _Looked, wish: Wish, slots: Sequence[Slot]) -> tuple[str, ...]:
    """Why the start that was named is not among them."""
    if not wish.window or wish.window.exact is None or _named(slots, wish):
        return ()
    said = wish.window.text or "That time"
    if wish.window.exact < looked.search.now:
        return (f"{said} has gone by.",)
    if wish.window.exact < looked.search.earliest:
        return (f"{said} is too soon: nothing begins within {looked.search.notice} minutes from now.",)
    for start in occurrences(wish.window.exact, wish.repeat, wish.window.zone, HELD):
        busy = {d.id for d in looked.diaries if d.required and is_busy(d, start, looked.search)}
        if names := [a.name for a in wish.attendees if a.id in busy]:
            who = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
            day = dated(start.astimezone(ZoneInfo(wish.window.zone)).date())
            return (f"{said}: {who} cannot{'' if start == wish.window.exact else f' on {day}'}.",)
    return (f"{said} is not possible.",)
