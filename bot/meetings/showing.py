"""How meetings look to who has a card of them, the .ics files that are given of them, and what bearers take of them to the calendar and to mailboxes."""

from __future__ import annotations

from pathlib import Path

from bot.blocks import Card
from bot.delivery.claims import Outgoing
from bot.meetings.scheduling import Scheduling


class Showing:
    """Rows of meetings ("M-7"), as the register has them now."""

    def __init__(self, scheduling: Scheduling) -> None:
        self._scheduling = scheduling

    async def card(self, row: Outgoing) -> Card | None:
        """For one of its people in their direct messages, or for a thread; None where they may not see it (any more)."""
        raise NotImplementedError  # skeleton

    async def file(self, row: Outgoing, folder: Path) -> Path | None:
        """The meeting as .ics; None where they may not see it any more."""
        raise NotImplementedError  # skeleton


class Bearing:
    """Takes meetings to where Slack is not. A row is brought again after a kill, so each step is one that the other side recognises."""

    def __init__(self, scheduling: Scheduling) -> None:
        self._scheduling = scheduling

    async def event(self, row: Outgoing) -> None:
        """Makes the calendar hold the meeting as it is now. A calendar that refuses for good makes the meeting fail; one that is away is tried again, and the organizer's card says so."""
        raise NotImplementedError  # skeleton

    async def mail(self, row: Outgoing) -> None:
        """Tells an attendee by mail how the meeting is now: invites, invites again with a higher sequence, or cancels. Who was never told is not told of its end."""
        raise NotImplementedError  # skeleton
