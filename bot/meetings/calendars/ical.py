"""What iCalendar that others wrote says: when somebody is busy, who has answered what. Pure. ValueError for what cannot be read: unknown, never free."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events  # type: ignore[import-untyped]  # has no types

from bot.meetings.values import Answer, Span
from bot.meetings.vevent import PARTSTAT

_ANSWERS: Mapping[str, Answer] = {"ACCEPTED": "accepted", "TENTATIVE": "tentative", "DECLINED": "declined"}
_TIMES = ("DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID")
_OFTEN = (
    "SECONDLY",
    "MINUTELY",
    "HOURLY",
)  # no meeting recurs so; one from 1970 on would keep a thread busy for minutes
_MARK = "X-CORPORATEASSIST-WRITTEN"  # the sequence as of which we wrote it: people's apps raise SEQUENCE, too
_KEPT_BY_US = (*_TIMES, "EXRULE", "UID", "SEQUENCE", "DTSTAMP", "LAST-MODIFIED", "SUMMARY", "DESCRIPTION", "STATUS")
_OURS = frozenset((*_KEPT_BY_US, _MARK, "TRANSP", "ORGANIZER", "ATTENDEE", "LOCATION", "URL", "CONFERENCE"))
MOST_WITHIN_A_DAY = (
    24  # times that a rule may name, by its hours, minutes and seconds: more is another way of recurring so
)
_DAY = timedelta(days=1)


def busy_times(texts: Sequence[str], span: Span, *, zone: str, email: str, but: str) -> tuple[Span, ...]:
    """When these events keep the person busy within `span`: each occurrence that is not transparent, cancelled, or declined by them.

    Days as a whole, and times without a zone, are by the clock of `zone`, the person's; `but` is the uid of an event that does not count.
    """
    clock = ZoneInfo(zone or "UTC")
    found = {
        Span(start, end)
        for text in texts
        for event in _occurrences(text, span)
        if str(event.get("UID", "")) != but and _counts(event, email)
        for start, end in [_times(event, clock)]
        if start < end
    }
    return tuple(sorted(s for s in found if s.overlaps(span)))


def free_busy_times(text: str, span: Span) -> tuple[Span, ...]:
    """The same of an answer to a free-busy query. What is FREE does not count, whatever else does: a server may tell cancelled events as free."""
    found = set()
    answers = _parsed(text).walk("VFREEBUSY")
    if not answers:
        raise ValueError("no free-busy times")
    for told in answers:
        if told.errors:
            raise ValueError("free-busy times that cannot be read")
        periods = told.get("FREEBUSY", [])
        for period in periods if isinstance(periods, list) else [periods]:
            if str(period.params.get("FBTYPE", "BUSY")).upper() != "FREE":
                found.add(Span(period.start.astimezone(UTC), period.end.astimezone(UTC)))
    return tuple(sorted(s for s in found if s.overlaps(span)))


def master_of(text: str, uid: str) -> icalendar.Event:
    """The event itself, not one of its occurrences that was moved. Raises ValueError where there is none that can be read."""
    return _master(_parsed(text), uid)


def _master(parsed: icalendar.Component, uid: str) -> icalendar.Event:
    for event in parsed.walk("VEVENT"):
        if isinstance(event, icalendar.Event) and str(event.get("UID", "")) == uid and "RECURRENCE-ID" not in event:
            _refuse_unreadable(event)
            return event
    raise ValueError("no such event")


def marked(event: icalendar.Event) -> icalendar.Event:
    """With a mark of the sequence that it has from us."""
    event.add(_MARK, str(event["SEQUENCE"]))
    return event


def written_of(event: icalendar.Event) -> int:
    """The sequence as of which we wrote it last; its own where somebody's app has lost the mark."""
    mark = str(event.get(_MARK, ""))
    return int(mark) if mark.isdecimal() else _sequence_of(event)


def _sequence_of(event: icalendar.Event) -> int:
    return int(event.get("SEQUENCE", 0))


def span_of(event: icalendar.Event, zone: str) -> Span:
    """The (first) time of an event."""
    return Span(*_times(event, ZoneInfo(zone or "UTC")))


def answers_of(event: icalendar.Event) -> dict[str, Answer]:
    """Who has answered what, by address in lower case."""
    told = {address: _ANSWERS.get(str(who.params.get("PARTSTAT", "")).upper()) for address, who in _attendees(event)}
    return {address: answer for address, answer in told.items() if answer}


def addresses_of(event: icalendar.Event) -> set[str]:
    """All whom it names as attendees, in lower case."""
    return {address for address, _ in _attendees(event)}


def with_answer(text: str, uid: str, email: str, answer: Answer) -> str | None:
    """The whole text with this answer of somebody's to the event itself; None where it says so already. ValueError where it does not name them."""
    parsed = _parsed(text)
    theirs = [who for address, who in _attendees(_master(parsed, uid)) if address == email]
    if not theirs:
        raise ValueError("no such attendee")
    if all(who.params.get("PARTSTAT") == PARTSTAT[answer] for who in theirs):
        return None
    for who in theirs:
        who.params["PARTSTAT"] = PARTSTAT[answer]
        who.params.pop("RSVP", None)
    return str(parsed.to_ical().decode())


def carried_over(new: icalendar.Event, held: icalendar.Event) -> icalendar.Event:
    """`new`, with what people have added to the held one: alarms, categories, and their answers while its time is the same.

    A meeting that was moved is asked about anew (RFC 5546, 3.2.2.1). Where they have raised the sequence, it is raised above theirs: the older of two
    is no news to their apps.
    """
    if _sequence_of(held) >= _sequence_of(new):
        new["SEQUENCE"] = icalendar.vInt(_sequence_of(held) + 1)
    for name, value in held.items():
        if name not in _OURS:
            new[name] = value
    for part in held.subcomponents:
        new.add_component(part)
    if (new.start, new.end) == (held.start, held.end):
        answers = answers_of(held)
        for address, who in _attendees(new):
            if answer := answers.get(address):
                who.params["PARTSTAT"] = PARTSTAT[answer]
                who.params.pop("RSVP", None)
    return new


def _parsed(text: str) -> icalendar.Component:
    return icalendar.Calendar.from_ical(text)


def _occurrences(text: str, span: Span) -> Iterator[icalendar.Event]:
    """Of all events of a text, a day around `span`: days as a whole begin and end elsewhere by the person's clock."""
    parsed = _parsed(text)
    for event in parsed.walk("VEVENT"):
        _refuse_unreadable(event)
    yield from recurring_ical_events.of(parsed, components=["VEVENT"]).between(span.start - _DAY, span.end + _DAY)


def _refuse_unreadable(event: icalendar.Component) -> None:
    if any((name or "").upper() in _TIMES for name, _ in event.errors):
        raise ValueError("a time that cannot be read")
    if "DTSTART" not in event:
        raise ValueError("an event without a time")
    for name in ("DTSTART", "DTEND"):
        value = event.get(name)
        if value is not None and "TZID" in value.params and isinstance(value.dt, datetime) and not value.dt.tzinfo:
            raise ValueError("a time zone that nobody knows")
    rules = event.get("RRULE", [])
    for rule in rules if isinstance(rules, list) else [rules]:
        often = {str(f).upper() for f in rule.get("FREQ", [])} & set(_OFTEN)
        within = math.prod(len(rule.get(part, [0])) for part in ("BYHOUR", "BYMINUTE", "BYSECOND"))
        if often or within > MOST_WITHIN_A_DAY:
            raise ValueError("a rule that recurs within the day")


def _counts(event: icalendar.Event, email: str) -> bool:
    if str(event.get("TRANSP", "")).upper() == "TRANSPARENT" or str(event.get("STATUS", "")).upper() == "CANCELLED":
        return False
    return answers_of(event).get(email.lower()) != "declined"


def _times(event: icalendar.Event, clock: tzinfo) -> tuple[datetime, datetime]:
    return _instant(event.start, clock), _instant(event.end, clock)


def _instant(moment: date | datetime, clock: tzinfo) -> datetime:
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time(0), clock)
    return (moment if moment.tzinfo else moment.replace(tzinfo=clock)).astimezone(UTC)


def _attendees(event: icalendar.Event) -> Iterator[tuple[str, icalendar.vCalAddress]]:
    for who in event.attendees:
        yield str(who).lower().removeprefix("mailto:"), who
