"""The port to calendars, and its values. Every call is safe to repeat, also after a kill: the event's uid is ours, and the calendar honours it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.meetings.values import Answer, Attendee, Busy, Repeat, Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A meeting as a calendar is told of it. `organizer` is among `attendees`, first. `ref` is what `put` gave back before, "" the first time."""

    uid: str
    sequence: int
    title: str
    description: str
    start: datetime
    end: datetime
    zone: str
    repeat: Repeat | None
    attendees: tuple[Attendee, ...]
    online: bool
    link: str  # where to join, where one is known already
    ref: str
    changed_at: datetime

    @property
    def organizer(self) -> Attendee:
        """Whose meeting it is."""
        return self.attendees[0]


@dataclass(frozen=True, slots=True)
class Stored:
    """What the calendar gave back: its name for the event, where people open it, where they join it."""

    ref: str
    page: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """How an event stands in the calendar now; answers by address in lower case. `span` is its (first) time there."""

    span: Span
    cancelled: bool
    answers: Mapping[str, Answer]


class Calendar(Protocol):
    """Calendars of the workspace's people. Its methods raise Retryable (down, slow, 429, 5xx) and CalendarRefused (a word for people: 401, 403, 404, …)."""

    name: str  # for people: "Google Calendar"
    external: bool  # False for the local one: the register itself is the calendar, nothing has to be entered
    invites: bool  # it tells attendees itself, by e-mail; else the bot does

    async def busy(self, team: str, people: Sequence[Attendee], span: Span, but: str = "") -> Busy:
        """When these people are busy within `span`, by their ids; None for whom it cannot tell. `but`: the uid of an event that does not count, where it can tell."""

    async def put(self, event: Event) -> Stored:
        """Enters the event, or changes it to what it is now. Twice the same leaves one event."""

    async def remove(self, event: Event) -> None:
        """Cancels the event; attendees are told where `invites`. One that is gone already is no error."""

    async def answer(self, event: Event, attendee: Attendee) -> bool:
        """Has it know what somebody who is not the organizer has answered elsewhere. False where they have no copy of the event there (yet)."""

    async def look(self, event: Event) -> Seen | None:
        """How it stands there now; None where it is gone."""

    async def check(self, person: Attendee) -> str:
        """A word for `assist check`: asks for this person's busy times of today. Raises like the others."""

    async def close(self) -> None:
        """Closes its connections."""
