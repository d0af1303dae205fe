"""Microsoft Graph's events as values: what is written, what is read. Pure.

Graph takes only zones that Windows has, and some more that it lists. So single events are told in UTC, and a series in a zone of Windows' that has the
same clock as the organizer's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from babel.core import get_global

from bot.errors import CalendarRefused
from bot.meetings.calendars.calendar import Event
from bot.meetings.values import Answer, Attendee, Repeat, Span

SPACE = "{5d3f3c0a-6a0e-4f5c-9a86-2f0c5a3b7e41}"  # a namespace of our own for extended properties
UID_PROPERTY = f"String {SPACE} Name AssistUid"
MARK_PROPERTY = f"String {SPACE} Name AssistState"
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WEEKS = ("first", "second", "third", "fourth", "last")
FREE = ("free", "workingelsewhere")
FROM_GRAPH: Mapping[str, Answer] = {
    "accepted": "accepted",
    "tentativelyaccepted": "tentative",
    "declined": "declined",
    "organizer": "accepted",
}
RESPONSES: Mapping[Answer, str] = {"accepted": "accept", "tentative": "tentativelyAccept", "declined": "decline"}
YEARS, HOURS = 3, 3  # for so long, at such steps, two zones are compared


def wanted_event(event: Event) -> dict[str, Any]:
    """The event as Graph is to have it, with our uid and a mark of what was written. The organizer is whose calendar it is in."""
    zone = windows_zone(event.zone or "UTC", event.start.year) if event.repeat else "UTC"
    clock = ZoneInfo(event.zone or "UTC") if event.repeat else UTC
    body: dict[str, Any] = {
        "subject": event.title,
        "body": {"contentType": "text", "content": event.description},
        "start": _local(event.start, clock, zone),
        "end": _local(event.end, clock, zone),
        "attendees": list(_attendees(event).values()),
    }
    if event.repeat:
        body["recurrence"] = recurrence(event.repeat, event.start.astimezone(clock), zone)
    if event.online:
        body |= {"isOnlineMeeting": True, "onlineMeetingProvider": "teamsForBusiness"}
    marked = json.dumps([body, event.sequence], sort_keys=True)
    mark = hashlib.sha256(marked.encode()).hexdigest()[:32]
    body["singleValueExtendedProperties"] = [
        {"id": UID_PROPERTY, "value": event.uid},
        {"id": MARK_PROPERTY, "value": mark},
    ]
    return body


def adjusted(body: Mapping[str, Any], event: Event, there: Mapping[str, Any]) -> dict[str, Any]:
    """The change that makes an event what it is to be.

    Of an online meeting the body stays as it is: it holds what Teams has written there, and taking that away ends the online meeting. Attendees stay as
    they are where they are the same, so that their answers do.
    """
    change = dict(body)
    if there.get("isOnlineMeeting"):
        for name in ("body", "isOnlineMeeting", "onlineMeetingProvider"):
            change.pop(name, None)
    if not event.repeat and there.get("recurrence"):
        change["recurrence"] = None
    has = {
        str(a.get("emailAddress", {}).get("address", "")).lower(): str(a.get("type", "")).lower()
        for a in there.get("attendees", ())
    }
    has.pop(event.organizer.email.lower(), None)
    if has == {address: one["type"] for address, one in _attendees(event).items()}:
        del change["attendees"]
    return change


def _attendees(event: Event) -> dict[str, dict[str, Any]]:
    """All but the organizer, by address, each once."""
    found: dict[str, dict[str, Any]] = {}
    for person in event.attendees[1:]:
        address = person.email.lower()
        if address and address != event.organizer.email.lower() and address not in found:
            found[address] = {"emailAddress": {"address": address, "name": person.name}, "type": _type(person)}
    return found


def _type(person: Attendee) -> str:
    if person.kind == "room":
        return "resource"
    return "required" if person.required else "optional"


def _local(at: datetime, clock: ZoneInfo | Any, zone: str) -> dict[str, str]:
    """Graph's dateTimeTimeZone: a local time without offset, and its zone."""
    return {"dateTime": at.astimezone(clock).replace(tzinfo=None).isoformat(timespec="seconds"), "timeZone": zone}


def recurrence(repeat: Repeat, start: datetime, zone: str) -> dict[str, Any]:
    """Graph's patternedRecurrence of a series whose first start is `start` by the clock that it keeps to."""
    pattern: dict[str, Any] = {"interval": repeat.interval}
    day = DAYS[start.weekday()]
    if repeat.unit == "day":
        pattern |= {"type": "daily"}
    elif repeat.unit == "week":
        pattern |= {"type": "weekly", "daysOfWeek": [day], "firstDayOfWeek": "monday"}
    else:
        pattern |= {"type": "relativeMonthly", "daysOfWeek": [day], "index": WEEKS[(start.day - 1) // 7]}
    lasts: dict[str, Any] = {"startDate": start.date().isoformat(), "recurrenceTimeZone": zone, "type": "noEnd"}
    if repeat.count:
        lasts |= {"type": "numbered", "numberOfOccurrences": repeat.count}
    return {"pattern": pattern, "range": lasts}


@lru_cache(maxsize=1_000)
def windows_zone(zone: str, year: int) -> str:
    """Windows' name of a zone with the same clock from this year on. Raises CalendarRefused where there is none."""
    known: Mapping[str, str] = get_global("windows_zone_mapping")
    for name, likely in known.items():
        if likely == zone:
            return name
    first = datetime(year, 1, 1, tzinfo=UTC)
    moments = [first + timedelta(hours=h) for h in range(0, YEARS * 366 * 24, HOURS)]
    clock = ZoneInfo(zone)
    for name, likely in known.items():
        other = ZoneInfo(likely)
        if all(m.astimezone(clock).utcoffset() == m.astimezone(other).utcoffset() for m in moments):
            return name
    raise CalendarRefused("Microsoft 365 has no time zone like the organizer’s for a series of meetings.", "zone")


def mark_of(event: Mapping[str, Any]) -> str:
    """The mark in an event of ours, "" for none."""
    several = event.get("singleValueExtendedProperties", ())
    return next((str(one.get("value", "")) for one in several if one.get("id") == MARK_PROPERTY), "")


def span_of(there: Mapping[str, Any]) -> Span:
    """The time of an event or a busy time; Graph was asked to tell it in UTC."""
    return Span(_time(there["start"]), _time(there["end"]))


def _time(told: Mapping[str, Any]) -> datetime:
    zone = str(told.get("timeZone", "UTC"))
    if zone not in ("UTC", "Etc/UTC", "Etc/GMT"):
        raise ValueError("not in UTC")
    return datetime.fromisoformat(str(told["dateTime"])[:19]).replace(tzinfo=UTC)


def busy_of(told: Any) -> tuple[Span, ...] | None:
    """One schedule's busy times; None where Graph could not tell them."""
    if not isinstance(told, Mapping) or told.get("error"):
        return None
    items = told.get("scheduleItems", ())
    if any(str(item.get("status", "")).lower() == "unknown" for item in items):
        return None
    return tuple(span_of(item) for item in items if str(item.get("status", "")).lower() not in FREE)


def answers_of(there: Mapping[str, Any]) -> dict[str, Answer]:
    """Attendees' answers, by address in lower case."""
    told = (
        (str(a.get("emailAddress", {}).get("address", "")).lower(), str(a.get("status", {}).get("response", "")))
        for a in there.get("attendees", ())
    )
    return {address: FROM_GRAPH.get(word.lower(), "") for address, word in told if address}
