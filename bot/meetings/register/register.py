"""The register of meetings. Every change is one transaction that locks the workspace's row first, and notes what is to be shown, entered and mailed of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.meetings.calendars.calendar import Seen, Stored
from bot.meetings.values import Answer, Busy, By, Meeting, Offer, Place, Span, Wish


class Register:
    """All changes of meetings. What is not there and what is not theirs gets the same words (MeetingRefused).

    `version` None means the present one; a stale one is refused: somebody, perhaps they themselves, has changed it meanwhile.
    """

    def __init__(self, *, external: bool, mails: bool) -> None:
        """`external`: meetings are entered in a calendar (rows EVENT); `mails`: attendees are invited by the bot's mails (rows MAIL)."""
        self.external, self.mails = external, mails

    # -- what is there ---------------------------------------------------------------------------------------------------

    async def done(self, tx: AsyncConnection, by: By) -> bool:
        """Whether the press, form or command has had its effect."""
        raise NotImplementedError  # skeleton

    async def meeting(self, tx: AsyncConnection, by: By, number: int) -> Meeting:
        """One that they organize, or take part in and that is no draft. Raises MeetingRefused."""
        raise NotImplementedError  # skeleton

    async def known(self, tx: AsyncConnection, team: str, number: int) -> Meeting | None:
        """Any of the workspace: for what code does by itself (cards in threads, the calendar, reminders)."""
        raise NotImplementedError  # skeleton

    async def upcoming(
        self, tx: AsyncConnection, by: By, until: datetime, most: int = 20
    ) -> list[tuple[Span, Meeting]]:
        """Booked meetings that they organize or take part in and have not declined, that end after now: each occurrence, the next first."""
        raise NotImplementedError  # skeleton

    async def drafts(self, tx: AsyncConnection, by: By, most: int = 10) -> list[Meeting]:
        """Their own drafts, the newest first."""
        raise NotImplementedError  # skeleton

    async def busy(self, tx: AsyncConnection, team: str, attendees: Sequence[str], span: Span, but: int = 0) -> Busy:
        """When booked meetings keep these attendees busy; `but`: a meeting that does not count. Never None: what else they do nobody told."""
        raise NotImplementedError  # skeleton

    # -- what its organizer does ------------------------------------------------------------------------------------------

    async def draft(
        self, tx: AsyncConnection, by: By, wish: Wish, offer: Offer | None, place: Place, zone: str
    ) -> Meeting:
        """A new meeting that is being arranged; its card goes to `place` or to the organizer's direct messages."""
        raise NotImplementedError  # skeleton

    async def offer(
        self, tx: AsyncConnection, by: By, number: int, version: int | None, wish: Wish, offer: Offer | None
    ) -> Meeting:
        """Another wish or offer, of a draft; or times offered to which a booked meeting may be moved (the wish's window and minutes are then only sought)."""
        raise NotImplementedError  # skeleton

    async def book(
        self, tx: AsyncConnection, by: By, number: int, version: int | None, start: datetime, *, at_once: bool = False
    ) -> Meeting:
        """Books a draft, or moves a booked meeting there (sequence + 1, answers of the others taken back). Its length is the wish's.

        Refused where a required attendee has a booked meeting then (any occurrence), where the start is past, or where nothing is to be decided any more.
        """
        raise NotImplementedError  # skeleton

    async def cancel(self, tx: AsyncConnection, by: By, number: int, version: int | None) -> Meeting:
        """Gives a draft up, or cancels a booked meeting: everybody is told. Its organizer's alone."""
        raise NotImplementedError  # skeleton

    # -- what attendees do ----------------------------------------------------------------------------------------------

    async def answer(self, tx: AsyncConnection, by: By, number: int, answer: Answer) -> Meeting:
        """Somebody's own answer, before its end. The same again changes nothing."""
        raise NotImplementedError  # skeleton

    # -- what the calendar says, and the clock -----------------------------------------------------------------------------

    async def entered(self, tx: AsyncConnection, team: str, number: int, sequence: int, stored: Stored) -> None:
        """The calendar has it as of that sequence; `problem` is over."""
        raise NotImplementedError  # skeleton

    async def trouble(self, tx: AsyncConnection, team: str, number: int, problem: str, *, for_good: bool) -> None:
        """The calendar does not take it: a word on the organizer's card; for good: the meeting has failed, nobody is busy any more, its people are told."""
        raise NotImplementedError  # skeleton

    async def seen(self, tx: AsyncConnection, team: str, number: int, seen: Seen | None) -> None:
        """What the calendar has of it: answers, another time, cancelled or gone (None). Cards follow; nothing is written back."""
        raise NotImplementedError  # skeleton

    async def remind(self, tx: AsyncConnection, team: str, number: int, occurrence: datetime) -> None:
        """Tells its members that it is about to start: once for each occurrence. Who declined is left alone."""
        raise NotImplementedError  # skeleton
