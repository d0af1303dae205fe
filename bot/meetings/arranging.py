"""From what was asked for to a draft, or a booked meeting: what tools, `/meet` and forms have in common.

In two steps: `prepare` asks whom it must, outside of any transaction; `carry_out` writes, inside of one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import MeetingRefused
from bot.meetings.finding import find_offer
from bot.meetings.scheduling import Scheduling
from bot.meetings.values import (
    LONGEST,
    SHORTEST,
    USUAL,
    Attendee,
    Choice,
    Hours,
    Meeting,
    Offer,
    Place,
    Repeat,
    Window,
    Wish,
)
from bot.meetings.when.reading import Clock, Day, Reading
from bot.meetings.when.request import Called, read_when
from bot.meetings.when.resolve import Asks, Refused, resolve
from bot.meetings.when.telling import window_text
from bot.models import By
from bot.mrkdwn import escaped, plain

LONGEST_TITLE, LONGEST_DESCRIPTION = 200, 3_000
LONGEST_BETWEEN = 60  # minutes: "2 to 3pm" is a meeting's time, "between 1 and 6" is where to look
UNTITLED = "Meeting"
WHICH = "I can read that in two ways. Which did you mean?"
NO_DATES = (
    "I repeat a monthly meeting on the same weekday of each month, such as every third Tuesday, not on the same date. "
    "Please name it so: “first Monday of every month”."
)
OVER = "{name} is not being arranged any more: its card shows how it is."
NOT_YOURS = "Only <@{organizer}>, who arranges {name}, can move it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked for, by whatever way. `said` are the words about time, where there are any: code reads them too, and what reads differently is asked."""

    title: str
    people: Sequence[Called]
    minutes: int | None
    reading: Reading
    said: str = ""
    repeat: Repeat | None = None
    online: bool = False
    description: str = ""
    may_book: bool = False  # an explicit time that suits everybody is booked at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What will be written: a wish with an offer. `book` is a start that was found free; the offer then stands by, should somebody be quicker."""

    wish: Wish
    offer: Offer | None
    book: datetime | None
    zone: str


async def prepare(scheduling: Scheduling, by: By, asked: Asked, now: datetime) -> Prepared:
    """Resolves words and people, looks for times. Raises MeetingRefused (no such person, zero minutes, in the past, …) and Retryable."""
    length = _length(asked.minutes, asked.reading)
    if asked.repeat and asked.repeat.unit == "month" and _is_day_of_month(asked.reading.day):
        raise MeetingRefused(NO_DATES)
    organizer = await scheduling.people.organizer(by.person)
    attendees = await scheduling.people.attendees(organizer, asked.people)
    hours = await scheduling.people.hours(by.team, attendees)
    attendees = tuple(_zoned(a, hours.get(a.id)) for a in attendees)
    own = hours.get(by.person) or replace(scheduling.hours, zone=attendees[0].zone or "UTC")
    wish = Wish(
        title=" ".join(asked.title.split())[:LONGEST_TITLE] or UNTITLED,
        attendees=attendees,
        minutes=length,
        repeat=asked.repeat,
        online=asked.online,
        description=asked.description.strip()[:LONGEST_DESCRIPTION],
    )
    meant = understood(asked.reading, asked.said, now, own)
    zone = _clock_of(meant) if wish.repeat else own.zone
    return await _offered(scheduling, by, wish, meant, zone, may_book=asked.may_book and _is_read(asked.said))


async def prepare_move(
    scheduling: Scheduling, by: By, meeting: Meeting, reading: Reading, said: str, minutes: int | None, now: datetime
) -> Prepared:
    """The same for a booked meeting that is to be moved, or a draft whose time is to be changed. Only its organizer's.

    A clock without a day is that of the day the meeting is on; a day without a clock is asked about at the clock that it has. An explicit time that suits
    everybody is booked at once.
    """
    if meeting.organizer != by.person:
        raise MeetingRefused(NOT_YOURS.format(organizer=meeting.organizer, name=meeting.name))
    if meeting.state not in ("draft", "booked"):
        raise MeetingRefused(OVER.format(name=meeting.name))
    length = meeting.wish.minutes if minutes is None else _length(minutes, reading)
    organizer = await scheduling.people.organizer(by.person)
    hours = await scheduling.people.hours(by.team, [organizer])
    own = hours.get(by.person) or replace(scheduling.hours, zone=meeting.zone)
    on = meeting.start.astimezone(ZoneInfo(own.zone)).date() if meeting.start else None
    meant = understood(reading, said, now, own, on)
    wish = replace(meeting.wish, minutes=length)
    moved = meeting if meeting.state == "booked" else None
    if moved and (same := _same_clock(moved, meant, now)):
        prepared = await _offered(scheduling, by, wish, same, meeting.zone, may_book=False, but=moved)
        if prepared.offer and prepared.offer.slots and prepared.offer.slots[0].start == same.exact:
            return prepared
    return await _offered(scheduling, by, wish, meant, meeting.zone, may_book=_is_read(said), but=moved)


async def carry_out(
    scheduling: Scheduling,
    tx: AsyncConnection,
    by: By,
    prepared: Prepared,
    place: Place,
    meeting: Meeting | None = None,
) -> Meeting:
    """Writes it: a new meeting, or the change of `meeting` (refused where its version has changed). Where somebody was quicker, a draft is left instead of a booked meeting."""
    register, wish, book = scheduling.register, prepared.wish, prepared.book
    offer = None if book else prepared.offer
    if meeting is None:
        made = await register.draft(tx, by, wish, offer, place, prepared.zone)
    else:
        made = await register.offer(tx, by, meeting.number, meeting.version, wish, offer)
    if book is None:
        return made
    try:
        return await register.book(tx, by, made.number, made.version, book, at_once=True)
    except MeetingRefused as quicker:
        offer = prepared.offer or Offer()
        why = plain(str(quicker), {a.id: a.name for a in wish.attendees})
        left = replace(offer, slots=tuple(s for s in offer.slots if s.start != book), why=(why, *offer.why))
        return await register.offer(tx, by, made.number, made.version, wish, left)


def understood(reading: Reading, said: str, now: datetime, hours: Hours, on: date | None = None) -> Window | Asks:
    """What a reading and the words behind it mean for somebody with these hours. `on`: the day that a clock without one is of. Pure.

    What code reads in the words goes first: it is never vaguer than they are. Where the reading says something else, both are asked about.
    Raises MeetingRefused for what cannot be.
    """
    words = read_when(said) if said.strip() else None
    if words is None:
        return _possible(resolve(_on(reading, on), now, hours))
    by_code = _possible(resolve(_on(words, on), now, hours))
    if isinstance(by_code, Asks) or reading == Reading():
        return by_code
    handed = resolve(_on(reading, on), now, hours)
    if not isinstance(handed, Window) or _within(by_code, handed):
        return by_code
    return Asks(WHICH, (Choice(by_code.text, by_code), Choice(handed.text, handed)))


def _is_read(said: str) -> bool:
    """Whether code reads the words, where there are any: a time that only the model reads in them is offered, not booked."""
    return not said.strip() or read_when(said) is not None


def _possible(meant: Window | Asks | Refused) -> Window | Asks:
    if isinstance(meant, Refused):
        raise MeetingRefused(escaped(meant.text))
    return meant


def _on(reading: Reading, on: date | None) -> Reading:
    """A clock alone, on a certain day."""
    alone = reading.day.kind == "any" and reading.until is None and reading.time.kind not in ("any", "offset")
    if on is None or not alone:
        return reading
    return replace(reading, day=Day(kind="date", year=on.year, month=on.month, day=on.day))


def _same_clock(meeting: Meeting, meant: Window | Asks, now: datetime) -> Window | None:
    """The start that a meeting would have on a day, if only that day was named; None where something else was, or the day has no such time ahead."""
    if (
        not isinstance(meant, Window)
        or meant.exact
        or not meeting.start
        or meant.day_from != time.min
        or meant.day_until
    ):
        return None
    zone = ZoneInfo(meant.zone)
    day, last = (at.astimezone(zone).date() for at in (meant.span.start, meant.span.end - timedelta.resolution))
    clock = meeting.start.astimezone(zone).time()
    start = datetime.combine(day, clock, zone).astimezone(UTC)
    if day != last or start <= now or start.astimezone(zone).time() != clock:
        return None
    exact = replace(meant, exact=start)
    return replace(exact, text=window_text(exact))


def _within(narrow: Window, wide: Window) -> bool:
    """Whether one says the same as the other, or more exactly."""
    if wide.exact:
        return narrow.exact == wide.exact
    day_end = time.max
    at = narrow.exact.astimezone(ZoneInfo(wide.zone)).time() if narrow.exact else None
    daily = (
        wide.day_from <= at < (wide.day_until or day_end)
        if at
        else wide.day_from <= narrow.day_from and (narrow.day_until or day_end) <= (wide.day_until or day_end)
    )
    first = narrow.exact or narrow.span.start
    last = narrow.exact or narrow.span.end
    return wide.span.start <= first and last <= wide.span.end and daily and wide.without <= narrow.without


async def _offered(
    scheduling: Scheduling,
    by: By,
    wish: Wish,
    meant: Window | Asks,
    zone: str,
    *,
    may_book: bool,
    but: Meeting | None = None,
) -> Prepared:
    """The wish with what is offered for it."""
    if isinstance(meant, Asks):
        offer = Offer(question=meant.question, choices=meant.choices)
        return Prepared(wish=replace(wish, window=None), offer=offer, book=None, zone=zone)
    wish = replace(wish, window=meant)
    offer = await find_offer(scheduling, by, wish, but=but)
    return Prepared(wish=wish, offer=offer, book=suits_all(wish, offer) if may_book else None, zone=zone)


def _clock_of(meant: Window | Asks) -> str:
    """The zone in which a recurring meeting's time was said: "every Monday 9am New York time" stays 9am there, whatever clocks do elsewhere."""
    return meant.zone if isinstance(meant, Window) else meant.choices[0].window.zone


def suits_all(wish: Wish, offer: Offer) -> datetime | None:
    """The start that was named, if everybody's calendar is known, free then, and they work."""
    first = offer.slots[0] if offer.slots else None
    if not first or not wish.window or first.start != wish.window.exact:
        return None
    return None if first.missing or first.unknown or first.outside else first.start


def _zoned(attendee: Attendee, hours: Hours | None) -> Attendee:
    """In the zone that they told, where they did."""
    return replace(attendee, zone=hours.zone) if hours else attendee


def _length(given: int | None, reading: Reading) -> int:
    """Minutes. Raises MeetingRefused for what no meeting lasts."""
    if given is None:
        return _between(reading) or USUAL
    if given < SHORTEST:
        raise MeetingRefused(f"A meeting cannot last {given} minutes: give it {SHORTEST} minutes or more.")
    if given > LONGEST:
        raise MeetingRefused(f"A meeting cannot last {given / 60:g} hours: give it {LONGEST // 60} hours or less.")
    return given


def _is_day_of_month(day: Day) -> bool:
    """Whether that is "the 15th", of whichever month."""
    return day.kind == "date" and day.month is None and day.weekday is None


def _between(reading: Reading) -> int:
    """The length that "2 to 3pm" tells; 0 for none."""
    when = reading.time
    if when.kind != "between" or not when.clock or not when.until:
        return 0
    length = _minute(when.until) - _minute(when.clock, when.until.half)
    return length if SHORTEST <= length <= LONGEST_BETWEEN else 0


def _minute(clock: Clock, half: str = "") -> int:
    said = clock.half or half
    hour = clock.hour % 12 + (12 if said == "pm" else 0) if said in ("am", "pm") else clock.hour
    return 60 * hour + clock.minute
