"""What is read of meetings. Nobody sees what is not theirs, and nobody another workspace's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot import tables
from bot.meetings.register.rows import to_kept
from bot.meetings.register.states import may_see, not_theirs
from bot.meetings.register.times import LONGEST_KEPT
from bot.meetings.values import Busy, Meeting, Span
from bot.models import By, utcnow

_meetings, _times, _events = tables.meetings.c, tables.meeting_times.c, tables.meeting_events.c
_same = and_(_meetings.team == _times.team, _meetings.number == _times.meeting)


class Reading:
    """The reading half of the register."""

    async def done(self, tx: AsyncConnection, by: By) -> bool:
        """Whether the press, form or command has had its effect."""
        its = (_events.team == by.team) & (_events.cause == by.cause)
        return bool(by.cause) and await tx.scalar(select(_events.id).where(its).limit(1)) is not None

    async def meeting(self, tx: AsyncConnection, by: By, number: int) -> Meeting:
        """One that they organize, or take part in and that is no draft. Raises MeetingRefused."""
        meeting = await self.known(tx, by.team, number)
        if meeting is None or not may_see(meeting, by.person):
            raise not_theirs(number)
        return meeting

    async def standing(self, tx: AsyncConnection, by: By, number: int) -> Meeting:
        """One of theirs as it is booked, without what is sought for it while it is to be moved. Raises MeetingRefused."""
        which = (_meetings.team == by.team) & (_meetings.number == number)
        row = (await tx.execute(select(tables.meetings).where(which))).one_or_none()
        kept = to_kept(row) if row else None
        if kept is None or not may_see(kept.meeting, by.person):
            raise not_theirs(number)
        return kept.meeting

    async def known(self, tx: AsyncConnection, team: str, number: int) -> Meeting | None:
        """Any of the workspace: for what code does by itself (cards in threads, the calendar, reminders)."""
        return (await self._known(tx, team, [number])).get(number)

    async def upcoming(
        self, tx: AsyncConnection, by: By, until: datetime, most: int = 20
    ) -> list[tuple[Span, Meeting]]:
        """Booked meetings that they organize or take part in and have not declined, that end after now: each occurrence, the next first."""
        mine = (_times.team == by.team) & (_times.attendee == by.person) & (_times.end_at > utcnow())
        wanted = and_(mine, _times.start_at < until, or_(_times.busy, _meetings.organizer == by.person))
        query = select(_times.meeting, _times.start_at, _times.end_at).join(tables.meetings, _same).where(wanted)
        rows = (await tx.execute(query.order_by(_times.start_at, _times.meeting).limit(most))).all()
        meetings = await self._known(tx, by.team, {row.meeting for row in rows})
        return [(Span(row.start_at, row.end_at), meetings[row.meeting]) for row in rows]

    async def drafts(self, tx: AsyncConnection, by: By, most: int = 10) -> list[Meeting]:
        """Their own drafts, the newest first."""
        theirs = (_meetings.team == by.team) & (_meetings.organizer == by.person) & (_meetings.state == "draft")
        rows = await tx.execute(select(tables.meetings).where(theirs).order_by(_meetings.number.desc()).limit(most))
        return [to_kept(row).shown for row in rows]

    async def waiting(self, tx: AsyncConnection, by: By, since: datetime) -> int:
        """How many drafts of theirs wait that are younger than that."""
        theirs = (_meetings.team == by.team) & (_meetings.organizer == by.person) & (_meetings.state == "draft")
        return await tx.scalar(select(func.count()).where(theirs, _meetings.created_at > since)) or 0

    async def decided(self, tx: AsyncConnection, by: By, since: datetime, *actions: str) -> int:
        """How often they have done this ("booked", "moved", …) with meetings of theirs since then, whatever became of them."""
        theirs = (_meetings.team == by.team) & (_meetings.organizer == by.person) & (_meetings.changed_at > since)
        its = (_events.team == _meetings.team) & (_events.meeting == _meetings.number)
        query = select(func.count()).select_from(tables.meetings).join(tables.meeting_events, its)
        return (
            await tx.scalar(
                query.where(theirs, _events.action.in_(actions), _events.actor == by.person, _events.at > since)
            )
            or 0
        )

    async def worded(self, tx: AsyncConnection, team: str, number: int, since: datetime) -> bool:
        """Whether a meeting was begun, or given other words or people, since then."""
        its = (_events.team == team) & (_events.meeting == number) & _events.action.in_(("drafted", "changed"))
        return await tx.scalar(select(_events.id).where(its, _events.at > since).limit(1)) is not None

    async def busy(self, tx: AsyncConnection, team: str, attendees: Sequence[str], span: Span, but: int = 0) -> Busy:
        """When booked meetings keep these attendees busy; `but`: a meeting that does not count. Never None: what else they do nobody told."""
        found: dict[str, list[Span]] = {attendee: [] for attendee in attendees}
        query = select(_times.attendee, _times.start_at, _times.end_at).where(
            _times.team == team, _times.attendee.in_(found), _overlaps(span), _times.busy, _times.meeting != but
        )  # fmt: skip
        for attendee, start, end in await tx.execute(query):
            found[attendee].append(Span(start, end))
        return {attendee: tuple(sorted(spans)) for attendee, spans in found.items()}

    async def starting(
        self, tx: AsyncConnection, team: str, until: datetime, most: int
    ) -> list[tuple[Meeting, datetime]]:
        """Meetings that nobody was reminded of yet, with the occurrence that starts between now and `until`; the next first."""
        soon = (_times.team == team) & (_times.start_at > utcnow()) & (_times.start_at <= until)
        untold = or_(_meetings.reminded_at.is_(None), _meetings.reminded_at < _times.start_at)
        query = select(_times.meeting, _times.start_at).distinct().join(tables.meetings, _same).where(soon, untold)
        rows = (await tx.execute(query.order_by(_times.start_at, _times.meeting).limit(most))).all()
        meetings = await self._known(tx, team, {row.meeting for row in rows})
        return [(meetings[row.meeting], row.start_at) for row in rows]

    async def was_busy(self, tx: AsyncConnection, team: str, before: datetime) -> bool:
        """Whether anybody's time before that is kept."""
        past = (_times.team == team) & (_times.start_at < before)
        return (await tx.execute(select(_times.meeting).where(past).limit(1))).first() is not None

    async def _known(self, tx: AsyncConnection, team: str, numbers: Iterable[int]) -> dict[int, Meeting]:
        which = (_meetings.team == team) & _meetings.number.in_(list(numbers))
        rows = await tx.execute(select(tables.meetings).where(which))
        return {row.number: to_kept(row).shown for row in rows}


def _overlaps(span: Span) -> ColumnElement[bool]:
    """Times that share an instant with `span`. That none is longer than a day bounds what of the index is looked at."""
    return and_(_times.end_at > span.start, _times.end_at < span.end + LONGEST_KEPT, _times.start_at < span.end)
