"""Meetings as iCalendar (RFC 5545, 5546, 6047): the .ics file that a person opens, and the mail that invites. Pure."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from icalendar import Event as Component
from icalendar import vCalAddress, vText

from bot.meetings.calendars.calendar import Event
from bot.meetings.mail import ascii_domain
from bot.meetings.values import Attendee, Repeat
from bot.meetings.vevent import calendar_of, vevent

Method = Literal["PUBLISH", "REQUEST", "CANCEL"]
MOST_NAMES = 30  # that the text of a mail lists
SUBJECT, NAME, DESCRIPTION = 150, 80, 8_000  # characters
_SPECIAL = re.compile(r'[()<>\[\]:;@,"\\]+')
OPENINGS = {"REQUEST": "invites you to", "CANCEL": "has cancelled"}


def icalendar(event: Event, method: Method) -> bytes:
    """The event as text/calendar: UTC times, or the zone's with its VTIMEZONE where it recurs.

    What is published has no attendees (RFC 5546, 3.2.1): its description names them.
    """
    component = _component(event, method)
    if method == "PUBLISH":
        component.pop("ATTENDEE", None)
        component.pop("DESCRIPTION", None)
        with_whom = f"With {_names(event.attendees)}"
        component.add("description", "\n\n".join(filter(None, (_text(event.description), with_whom))))
    return calendar_of([component], method)


def invitation(event: Event, to: Attendee, method: Method, sender: str) -> EmailMessage:
    """The mail to one attendee: plain text in their zone, text/calendar with the method, an .ics attached. Its Message-ID is the same for the same uid, sequence, method and address.

    The organizer of the calendar's part is the organizer, so that answers reach a person. Raises CalendarRefused where the address is none.
    """
    address, sender, organizer = ascii_domain(to.email), ascii_domain(sender), event.organizer
    zone = _zone(to.zone) or _zone(event.zone) or ZoneInfo("UTC")
    mail = EmailMessage(policy=SMTP)
    mail["From"] = _mailbox(organizer.name, sender)
    if organizer.email:
        mail["Reply-To"] = _mailbox(organizer.name, ascii_domain(organizer.email))
    mail["To"] = _mailbox(to.name, address)
    mail["Subject"] = _line(_subject(event, method, zone), SUBJECT)
    mail["Date"] = event.changed_at
    same = "\n".join((event.uid, str(event.sequence), method, address.lower()))
    mail["Message-ID"] = (
        f"<{hashlib.sha256(same.encode('utf-8', 'replace')).hexdigest()[:40]}@{sender.rpartition('@')[2]}>"
    )
    mail["Auto-Submitted"] = "auto-generated"
    component = _component(event, method)
    _address_to(component, event, to, sender)
    told = calendar_of([component], method)
    mail.set_content(_words(event, to, method, zone), cte="base64")
    mail.add_alternative(told.decode(), subtype="calendar", params={"method": method}, cte="base64")
    mail.add_attachment(told, maintype="application", subtype="ics", filename="invite.ics")
    return mail


def _component(event: Event, method: Method) -> Component:
    """The event's VEVENT, with all that people wrote made harmless first; cancelled where that is told."""
    people = tuple(replace(a, name=_line(a.name, NAME).replace('"', "'")) for a in event.attendees)
    clean = replace(event, title=_line(event.title, SUBJECT), description=_text(event.description), attendees=people)
    return vevent(clean, cancelled=method == "CANCEL")


def _address_to(component: Component, event: Event, to: Attendee, sender: str) -> None:
    """Says who invites, by whom it is sent, and that the recipient is asked to answer. Who was removed is named too (RFC 5546, 3.2.5)."""
    component.pop("ORGANIZER", None)
    organizer = vCalAddress(f"mailto:{event.organizer.email or sender}")
    organizer.params["CN"] = vText(_line(event.organizer.name, NAME).replace('"', "'").replace("\\", "/"))
    if event.organizer.email:
        organizer.params["SENT-BY"] = vText(f"mailto:{sender}")
    component.add("organizer", organizer)
    found = component.pop("ATTENDEE", [])
    attendees = found if isinstance(found, list) else [found]
    mine = [a for a in attendees if str(a).lower() == f"mailto:{to.email}".lower()]
    if not mine:
        mine = [vCalAddress(f"mailto:{to.email}")]
        attendees = [*attendees, *mine]
    mine[0].params["RSVP"] = "TRUE"
    for attendee in attendees:
        component.add("attendee", attendee)


# -- words ---------------------------------------------------------------------------------------------------------------


def _subject(event: Event, method: Method, zone: ZoneInfo) -> str:
    what = "Cancelled" if method == "CANCEL" else "Updated invitation" if event.sequence else "Invitation"
    start = event.start.astimezone(zone)
    return f"{what}: {_line(event.title, 80)} ({start:%a} {start.day} {start:%b %Y, %H:%M} {zone.key})"


def _words(event: Event, to: Attendee, method: Method, zone: ZoneInfo) -> str:
    """The mail's text."""
    lines = [
        f"{_line(event.organizer.name, NAME)} {OPENINGS[method]}: {_line(event.title, SUBJECT)}",
        "",
        f"When: {_when(event, zone)}",
    ]
    if event.repeat:
        lines.append(f"Repeats: {_repeats(event.repeat)}, by the clock of {event.zone}")
    lines.append(f"With: {_names(event.attendees)}")
    if method == "CANCEL":
        return "\n".join([*lines, "", "It does not take place for you any more.", ""])
    if event.link:
        lines.append(f"Join: {event.link}")
    if event.description:
        lines += ["", _text(event.description)]
    if not to.required:
        lines += ["", "You need not come: you are invited as optional."]
    return "\n".join([*lines, "", "Please answer in your calendar.", ""])


def _when(event: Event, zone: ZoneInfo) -> str:
    """Like “Tuesday 24 November 2026, 14:00–14:30 Europe/Lisbon (UTC+00:00)”, with the second day where it ends on another."""
    start, end = event.start.astimezone(zone), event.end.astimezone(zone)
    until = f"{end:%H:%M}" if end.date() == start.date() else f"{_day(end)}, {end:%H:%M}"
    offset = f"{start:%z}"
    return f"{_day(start)}, {start:%H:%M}–{until} {zone.key} (UTC{offset[:3]}:{offset[3:5]})"


def _day(at: datetime) -> str:
    return f"{at:%A} {at.day} {at:%B %Y}"


def _repeats(repeat: Repeat) -> str:
    every = f"every {repeat.unit}" if repeat.interval == 1 else f"every {repeat.interval} {repeat.unit}s"
    return f"{every}, {repeat.count} times" if repeat.count else every


def _names(people: Iterable[Attendee]) -> str:
    names = [_line(p.name, NAME) + ("" if p.required else " (optional)") for p in people]
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


# -- what people wrote -----------------------------------------------------------------------------------------------------


def _mailbox(name: str, address: str) -> Address:
    """Without what would need quotes around the name: `email` drops them where it folds the line, and the name would be read as addresses."""
    user, _, domain = address.rpartition("@")
    return Address(_line(_SPECIAL.sub(" ", name), NAME), user, domain)


def _line(text: str, most: int) -> str:
    """Words on one line, without what ends a header, hides or turns the direction of what follows.

    "=?" begins an encoded word (RFC 2047), which `email` decodes when a header is set: the ends of lines in it would be ends of headers.
    """
    line = " ".join(_harmless(text, " ").split()).replace("=?", "= ?")
    return line if len(line) <= most else line[: most - 1] + "…"


def _text(text: str) -> str:
    """Words on several lines, likewise."""
    return "\n".join(_harmless(line, "") for line in text.splitlines())[:DESCRIPTION]


def _harmless(text: str, instead: str) -> str:
    """Without control characters and overrides of direction; the joiners of emoji and of scripts stay."""
    turns = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    return "".join(instead if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") or c in turns else c for c in text)
