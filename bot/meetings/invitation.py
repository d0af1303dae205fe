"""Meetings as iCalendar (RFC 5545, 5546, 6047): the .ics file that a person opens, and the mail that invites. Pure."""

from __future__ import annotations

from email.message import EmailMessage
from typing import Literal

from bot.meetings.calendars.calendar import Event
from bot.meetings.values import Attendee

Method = Literal["PUBLISH", "REQUEST", "CANCEL"]


def icalendar(event: Event, method: Method) -> bytes:
    """The event as text/calendar: UTC times, or the zone's with its VTIMEZONE where it recurs."""
    raise NotImplementedError  # skeleton


def invitation(event: Event, to: Attendee, method: Method, sender: str) -> EmailMessage:
    """The mail to one attendee: plain text in their zone, text/calendar with the method, an .ics attached. Its Message-ID is the same for the same uid, sequence, method and address."""
    raise NotImplementedError  # skeleton
