"""One change of a workspace's meetings: what is written of it, its trail, and what is to be told."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.delivery import outgoing
from bot.delivery.outgoing import CARD, EVENT, MAIL
from bot.meetings.register.rows import Kept, record, to_kept
from bot.meetings.register.times import LONGEST_KEPT, spans
from bot.meetings.values import Attendee, Meeting
from bot.models import By, utcnow
from bot.tables import meeting_books, meeting_events, meeting_times, meetings

CALENDAR, CLOCK = "calendar", "clock"  # who acts where it is no person
FEW = 20  # people up to whom an answer is shown to all of them at once: each card is a call to Slack, and everybody answers
_NEW_BOOKS = text("INSERT INTO meeting_books (team, last_meeting) VALUES (:team, 0) ON CONFLICT DO NOTHING")


class Writing:
    """A change, with the workspace's row locked. What may refuse it comes before its first write. `now` is the one time of the change."""

    def __init__(self, tx: AsyncConnection, by: By, last: int) -> None:
        self.by, self.now = by, utcnow()
        self._tx, self._last = tx, last

    async def kept(self, number: int) -> Kept | None:
        """A meeting as it stands now."""
        its = (meetings.c.team == self.by.team) & (meetings.c.number == number)
        row = (await self._tx.execute(select(meetings).where(its))).one_or_none()
        return to_kept(row) if row else None

    def next_number(self) -> int:
        """The number of a new meeting. One that is not used is given to the next."""
        return self._last + 1

    # -- rows ------------------------------------------------------------------------------------------------------------

    async def add(self, kept: Kept) -> None:
        """Writes a meeting for the first time."""
        self._last = kept.meeting.number
        mine = meeting_books.c.team == self.by.team
        await self._tx.execute(update(meeting_books).where(mine).values(last_meeting=self._last))
        await self._tx.execute(insert(meetings).values(record(kept)))
        await self._event("drafted", kept.meeting, {})

    async def change(self, action: str, kept: Kept, **changes: Any) -> Kept:
        """Writes a meeting's next version."""
        version = kept.meeting.version + 1
        return await self.note(action, kept, **changes, version=version, changed_at=self.now)

    async def note(self, action: str, kept: Kept, **changes: Any) -> Kept:
        """The same without a new version: the buttons that people see stay good."""
        new = replace(kept, meeting=replace(kept.meeting, **changes))
        its = (meetings.c.team == self.by.team) & (meetings.c.number == new.meeting.number)
        await self._tx.execute(update(meetings).where(its).values(record(new)))
        await self._event(action, new.meeting, {a: v for a, v in changes.items() if a in ("start", "end", "sequence")})
        return new

    async def times(self, meeting: Meeting) -> None:
        """Has its people kept busy by it while it is booked, and not otherwise."""
        its = (meeting_times.c.team == meeting.team) & (meeting_times.c.meeting == meeting.number)
        await self._tx.execute(delete(meeting_times).where(its))
        booked = spans(meeting) if meeting.state == "booked" else []
        rows = [
            {
                "team": meeting.team,
                "meeting": meeting.number,
                "attendee": attendee.id,
                "start_at": span.start,
                "end_at": min(span.end, span.start + LONGEST_KEPT),
                "busy": attendee.answer != "declined",
            }
            for attendee in meeting.attendees
            for span in booked
        ]
        if rows:
            await self._tx.execute(insert(meeting_times), rows)

    async def busy(self, meeting: Meeting, attendee: Attendee) -> None:
        """Has one of its people kept busy by it, or no more, as they have answered."""
        times = meeting_times.c
        its = (times.team == meeting.team) & (times.meeting == meeting.number) & (times.attendee == attendee.id)
        await self._tx.execute(update(meeting_times).where(its).values(busy=attendee.answer != "declined"))

    async def _event(self, action: str, meeting: Meeting, detail: Mapping[str, Any]) -> None:
        told = {name: v.isoformat() if isinstance(v, datetime) else v for name, v in detail.items()}
        await self._tx.execute(
            insert(meeting_events).values(
                team=self.by.team, meeting=meeting.number, at=self.now, actor=self.by.person, action=action,
                detail=json.dumps(told, sort_keys=True), cause=self.by.cause,
            )
        )  # fmt: skip

    # -- what is told ------------------------------------------------------------------------------------------------------

    async def card(self, meeting: Meeting) -> None:
        """Has the card true by which its organizer decides: in the thread where it was asked for, else in their direct messages."""
        place = meeting.place
        where = place.channel or meeting.organizer
        await outgoing.keep(self._tx, meeting.team, CARD, where, meeting.name, place.thread if place.channel else "")

    async def invite(self, meeting: Meeting, people: Iterable[Attendee], *, mails: bool) -> list[str]:
        """Has cards with all members of these people, and invitations with all who have an address. Gives the members who had a card of it before."""
        again = []
        for attendee in people:
            if attendee.kind == "member" and await outgoing.keep(
                self._tx, meeting.team, CARD, attendee.id, meeting.name
            ):
                again.append(attendee.id)
            if mails and attendee.email and attendee.kind != "room":
                await outgoing.keep(self._tx, meeting.team, MAIL, attendee.email, meeting.name)
        return again

    async def enter(self, meeting: Meeting) -> None:
        """Has the calendar hold it as it is now."""
        await outgoing.keep(self._tx, meeting.team, EVENT, meeting.name, meeting.name)

    async def retell(self, meeting: Meeting) -> None:
        """Has all cards and invitations true; the calendar is told by `enter`."""
        await outgoing.changed(self._tx, meeting.team, meeting.name, kinds=(CARD, MAIL))

    async def recard(self, meeting: Meeting, *people: str) -> None:
        """Has cards true, but nobody invited anew: all of them, or where there are many, the deciding one and those of `people`."""
        if not people or len(meeting.attendees) <= FEW:
            await outgoing.changed(self._tx, meeting.team, meeting.name, kinds=(CARD,))
            return
        await self.card(meeting)
        for person in people:
            if person != meeting.organizer:
                await outgoing.keep(self._tx, meeting.team, CARD, person, meeting.name)

    async def say(self, meeting: Meeting, people: Sequence[str], words: str, key: str = "") -> None:
        """Says something to people: once for each key, else for each of its versions."""
        for person in people:
            await outgoing.say(self._tx, meeting.team, person, meeting.name, words, key or f"v{meeting.version}")


async def writing(tx: AsyncConnection, by: By) -> Writing:
    """Begins a change of `by.team`'s meetings. They are locked until the transaction ends, so whoever else changes them waits; what is read after that stays true."""
    mine = meeting_books.c.team == by.team
    lock = update(meeting_books).where(mine).values(last_meeting=meeting_books.c.last_meeting)
    if not (await tx.execute(lock)).rowcount:
        await tx.execute(_NEW_BOOKS, {"team": by.team})  # of two who begin, the second waits here
        await tx.execute(lock)
    return Writing(tx, by, await tx.scalar(select(meeting_books.c.last_meeting).where(mine)) or 0)
