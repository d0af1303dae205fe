"""Events and people for the tests of calendars in the cloud, and the TLS of their servers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bot.meetings.calendars.calendar import Event
from bot.meetings.values import Attendee, Span

ANA = Attendee(id="U1", name="Ana", email="ana@example.com", zone="Europe/Lisbon")
RAJ = Attendee(id="U2", name="Raj", email="raj@example.com", zone="Asia/Kolkata")
KIM = Attendee(id="U3", name="Kim", email="kim@example.com", zone="America/New_York", required=False)
NO_MAIL = Attendee(id="U4", name="Nemo")
GUEST = Attendee(id="gus@elsewhere.example", name="Gus", email="gus@elsewhere.example", kind="guest")
ROOM = Attendee(id="room@example.com", name="Blue room", email="room@example.com", kind="room")
PEOPLE = (ANA, RAJ, KIM)
START = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = Span(datetime(2026, 11, 24, tzinfo=UTC), datetime(2026, 11, 25, tzinfo=UTC))


def at(hour: int, minute: int = 0, *, day: int = 24) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def an_event(**other: Any) -> Event:
    """A meeting of Ana's on 24 November 2026 from 14:00 to 15:00 UTC, as the register would hand it over."""
    values = {
        "uid": "m-7.0b8a@assist",
        "sequence": 0,
        "title": "Team sync",
        "description": "Numbers",
        "start": START,
        "end": START + HOUR,
        "zone": "Europe/Lisbon",
        "repeat": None,
        "attendees": PEOPLE,
        "online": False,
        "link": "",
        "ref": "",
        "changed_at": datetime(2026, 11, 22, 9, tzinfo=UTC),
    }
    return Event(**{**values, **other})


def moved(event: Event, by: timedelta, **other: Any) -> Event:
    """The same meeting at another time, with the next sequence."""
    values = {name: getattr(event, name) for name in event.__slots__}
    values |= {"start": event.start + by, "end": event.end + by, "sequence": event.sequence + 1}
    return Event(**{**values, **other})
