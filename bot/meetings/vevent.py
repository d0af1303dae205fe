"""Meetings as components of iCalendar (RFC 5545, 7986): what a calendar is told, what a mail brings, what a person opens. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date
from zoneinfo import ZoneInfo

import icalendar

from bot.meetings.calendars.calendar import Event
from bot.meetings.values import Attendee, Repeat
from bot.meetings.vtimezone import vtimezone

PRODUCT = "-//CorporateAssist//Meetings//EN"
PARTSTAT = {"": "NEEDS-ACTION", "accepted": "ACCEPTED", "tentative": "TENTATIVE", "declined": "DECLINED"}
_FREQ = {"day": "DAILY", "week": "WEEKLY", "month": "MONTHLY"}
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_CONTROL = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]"
)  # RFC 5545 takes none of these; \r\n is looked after apart


def vevent(event: Event, *, cancelled: bool = False) -> icalendar.Event:
    """The event: in UTC, or by the clock of its zone where it recurs. The same event gives the same text.

    Who has no address is left out: iCalendar names people by theirs.
    """
    made = icalendar.Event()
    made.add("uid", event.uid)
    made.add("sequence", event.sequence)
    made.add("dtstamp", event.changed_at.astimezone(UTC))
    made.add("last-modified", event.changed_at.astimezone(UTC))
    zone = ZoneInfo(event.zone) if event.repeat else UTC
    made.add("dtstart", event.start.astimezone(zone))
    made.add("dtend", event.end.astimezone(zone))
    if event.repeat:
        made.add("rrule", rule(event.repeat, event.start.astimezone(zone).date()))
    made.add("summary", clean(event.title, line=True))
    if event.description:
        made.add("description", clean(event.description))
    made.add("status", "CANCELLED" if cancelled else "CONFIRMED")
    made.add("transp", "OPAQUE")
    if event.organizer.email:
        made.add("organizer", _address(event.organizer))
    for attendee in event.attendees:
        if attendee.email:
            made.add("attendee", _attendee(attendee, organizes=attendee is event.organizer))
    _places(made, event)
    return made


def calendar_of(vevents: Sequence[icalendar.Event], method: str | None) -> bytes:
    """A whole calendar as it is stored (no method) or sent (REQUEST, CANCEL, PUBLISH), with each zone that it names."""
    made = icalendar.Calendar()
    made.add("prodid", PRODUCT)
    made.add("version", "2.0")
    if method:
        made.add("method", method)
    zones = {
        str(each["DTSTART"].params["TZID"]): each.start.year
        for each in reversed(vevents)
        if "TZID" in each["DTSTART"].params
    }
    for part in (*(vtimezone(zone, year - 1) for zone, year in zones.items()), *vevents):
        made.add_component(part)
    return bytes(made.to_ical())


def rule(repeat: Repeat, first: date) -> dict[str, object]:
    """RRULE's parts. Monthly is the same weekday of the month, the last one where it began with a fifth."""
    parts: dict[str, object] = {"FREQ": _FREQ[repeat.unit], "INTERVAL": repeat.interval}
    if repeat.count is not None:
        parts["COUNT"] = repeat.count
    if repeat.unit == "month":
        nth = (first.day - 1) // 7 + 1
        parts["BYDAY"] = f"{nth if nth < 5 else -1}{_WEEKDAYS[first.weekday()]}"
    return parts


def clean(text: str, *, line: bool = False) -> str:
    """Without what iCalendar cannot hold; on one line where asked. Commas, semicolons and the like are escaped when it is written."""
    text = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return " ".join(text.split()) if line else text


def _address(person: Attendee) -> icalendar.vCalAddress:
    address = icalendar.vCalAddress(f"mailto:{clean(person.email, line=True)}")
    name = (
        clean(person.name, line=True).replace('"', "'").replace("\\", "/")
    )  # parameters know no escapes; some parsers read some
    address.params["CN"] = name or person.email
    return address


def _attendee(person: Attendee, *, organizes: bool) -> icalendar.vCalAddress:
    address = _address(person)
    room = person.kind == "room"
    address.params["CUTYPE"] = "ROOM" if room else "INDIVIDUAL"
    needed = "REQ-PARTICIPANT" if person.required else "OPT-PARTICIPANT"
    address.params["ROLE"] = "CHAIR" if organizes else "NON-PARTICIPANT" if room else needed
    answer = PARTSTAT[person.answer or ("accepted" if organizes else "")]
    address.params["PARTSTAT"] = answer
    if answer == "NEEDS-ACTION":
        address.params["RSVP"] = "TRUE"
    return address


def _places(made: icalendar.Event, event: Event) -> None:
    """Rooms, and where to join: as place, as URL, and as what newer calendars show a button for."""
    link = clean(event.link, line=True)
    rooms = [clean(a.name, line=True) for a in event.attendees if a.kind == "room"]
    if places := [*rooms, *([link] if link else [])]:
        made.add("location", ", ".join(places))
    if link:
        made.add("url", link)
        labels = icalendar.Parameters({"VALUE": "URI", "FEATURE": ["AUDIO", "VIDEO"], "LABEL": "Join"})
        made.add("conference", icalendar.vUri(link), parameters=labels)
