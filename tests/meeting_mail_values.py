"""Events, meetings and people for tests of invitations."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.meetings.calendars.calendar import Event
from bot.meetings.values import Attendee, Meeting, MeetingState, Place, Repeat, Wish

ANA = Attendee(id="U1", name="Ana Lopes", email="ana@corp.example", zone="Europe/Lisbon", answer="accepted")
RAJ = Attendee(id="U2", name="Raj Patel", email="raj@corp.example", zone="Asia/Kolkata")
GUEST = Attendee(id="guest@else.example", name="Kim", email="guest@else.example", kind="guest", required=False)
SENDER = "bot@corp.example"
START = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
CHANGED = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
WEEKLY = Repeat("week", 1, 8)


def event(**values: Any) -> Event:
    """Ana's team sync, half an hour on Tuesday 24 November 2026 at 14:00 in Lisbon."""
    usual = Event(
        uid="5f2c@corp.example", sequence=0, title="Team sync", description="", start=START,
        end=START + timedelta(minutes=30), zone="Europe/Lisbon", repeat=None, attendees=(ANA, RAJ, GUEST), online=False,
        link="", ref="", changed_at=CHANGED,
    )  # fmt: skip
    return replace(usual, **values)


def meeting(state: MeetingState = "booked", **values: Any) -> Meeting:
    """The same as the register has it: M-7."""
    usual = Meeting(
        team="T0PLAYGRND", number=7, uid="5f2c@corp.example", organizer="U1", state=state, version=1, sequence=0,
        wish=Wish(title="Team sync", attendees=(ANA, RAJ, GUEST)), offer=None, start=START,
        end=START + timedelta(minutes=30), zone="Europe/Lisbon", place=Place(), entered=-1, ref="", page="", link="",
        problem="", at_once=False, reminded_at=None, created_at=CHANGED, changed_at=CHANGED,
    )  # fmt: skip
    return replace(usual, **values)
