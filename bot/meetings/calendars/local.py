"""The local calendar: the register itself. It knows what was booked through the assistant, of anybody it was booked with; nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from bot.database import Database
from bot.meetings.calendars.calendar import Event, Seen, Stored
from bot.meetings.register.register import Register
from bot.meetings.values import Attendee, Busy, Span


class LocalCalendar:
    """Members and rooms are as busy as their booked meetings say; of guests nothing is known."""

    name = "the assistant's own calendar"
    external = False
    invites = False

    def __init__(self, database: Database, register: Register) -> None:
        self._database, self._register = database, register

    async def busy(self, team: str, people: Sequence[Attendee], span: Span, but: str = "") -> Busy:  # noqa: ARG002  # the caller leaves out what does not count
        """As the register has it."""
        known = [p.id for p in people if p.kind != "guest"]
        async with self._database.read() as tx:
            told = await self._register.busy(tx, team, known, span)
        return {p.id: told.get(p.id) for p in people}

    async def put(self, event: Event) -> Stored:
        """Nothing is to be done: the register has it."""
        return Stored(ref=event.uid)

    async def remove(self, event: Event) -> None:
        """Likewise."""

    async def answer(self, event: Event, attendee: Attendee) -> bool:  # noqa: ARG002  # as the port has it
        """Likewise."""
        return True

    async def look(self, event: Event) -> Seen | None:
        """As the register told it."""
        answers = {a.email: a.answer for a in event.attendees if a.email}
        return Seen(Span(event.start, event.end), cancelled=False, answers=answers)

    async def check(self, person: Attendee) -> str:  # noqa: ARG002  # as the port has it
        """Nothing to try."""
        return "the assistant's own database"

    async def close(self) -> None:
        """Nothing is open."""
