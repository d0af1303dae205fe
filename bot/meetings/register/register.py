"""The register of meetings. Every change is one transaction that locks the workspace's row first, and notes what is to be shown, entered and mailed of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import MeetingRefused
from bot.meetings.register import words
from bot.meetings.register.rows import Kept, Sought
from bot.meetings.register.states import (
    WITHIN,
    YOUNG,
    attendee_of,
    changed_wish,
    check_open,
    check_organizer,
    check_share,
    check_start,
    kept_wish,
    may_see,
    not_theirs,
)
from bot.meetings.register.times import MOST_OCCURRENCES, spans, spans_of
from bot.meetings.register.watching import Watching, answered
from bot.meetings.register.writing import Writing, writing
from bot.meetings.values import ANSWERS, Answer, Attendee, Meeting, Offer, Place, Span, Wish, minutes
from bot.models import By


class Register(Watching):
    """All changes of meetings. What is not there and what is not theirs gets the same words (MeetingRefused).

    `version` None means the present one; a stale one is refused: somebody, perhaps they themselves, has changed it meanwhile. It grows with what the
    organizer decides; answers, reminders and what the calendar took leave it alone, so that buttons stay good.

    Here is what people do; what the calendar says and the clock brings is in watching.py, what is read in reading.py.
    """

    async def draft(
        self, tx: AsyncConnection, by: By, wish: Wish, offer: Offer | None, place: Place, zone: str
    ) -> Meeting:
        """A new meeting that is being arranged; its card goes to `place` or to the organizer's direct messages. Refused where too many wait already."""
        wish = kept_wish(wish, by.person)
        write = await writing(tx, by)
        check_share(drafts=await self.waiting(tx, by, write.now - YOUNG))
        meeting = Meeting(
            team=by.team,
            number=write.next_number(),
            uid=str(uuid4()),
            organizer=by.person,
            state="draft",
            version=1,
            sequence=0,
            wish=wish,
            offer=offer,
            start=None,
            end=None,
            zone=zone,
            place=place,
            entered=-1,
            ref="",
            page="",
            link="",
            problem="",
            at_once=False,
            reminded_at=None,
            created_at=write.now,
            changed_at=write.now,
        )
        await write.add(Kept(meeting))
        await write.card(meeting)
        return meeting

    async def offer(
        self, tx: AsyncConnection, by: By, number: int, version: int | None, wish: Wish, offer: Offer | None
    ) -> Meeting:
        """Another wish or offer, of a draft; or times offered to which a booked meeting may be moved (the wish's window and minutes are then only sought).

        Who takes part in a booked meeting, and its title, stay as they are; who is not in the wish, or only optional there, need not be there at the new time.
        Without an offer the wish is only what `book` goes by next: the meeting is shown as it is booked.
        """
        write = await writing(tx, by)
        kept = await self._theirs(write, number, version)
        wish = kept_wish(wish, by.person)
        if kept.meeting.state == "draft":
            kept = await write.change("offered", kept, wish=wish, offer=offer)
        else:
            needed = {a.id for a in wish.attendees if a.required}
            spared = frozenset(a.id for a in kept.meeting.attendees if a.required) - needed
            kept = replace(kept, sought=Sought(wish.minutes, wish.window, spared))
            kept = await write.change("offered", kept, offer=offer)
        await write.card(kept.meeting)
        return kept.shown

    async def book(
        self, tx: AsyncConnection, by: By, number: int, version: int | None, start: datetime, *, at_once: bool = False
    ) -> Meeting:
        """Books a draft, or moves a booked meeting there (sequence + 1, answers of the others taken back). Its length is the wish's.

        Refused where a required attendee has a booked meeting then (any occurrence), where the start is past, or where nothing is to be decided any more;
        and where its organizer has booked, or moved, very many within the hour.
        """
        write = await writing(tx, by)
        kept = await self._theirs(write, number, version)
        start = start.astimezone(UTC)
        check_start(start, write.now)
        old, wish = kept.meeting, kept.wished
        span = Span(start, start + minutes(wish.minutes))
        first = old.state == "draft"
        if span == old.span:  # it is there already
            kept = await write.change("kept", replace(kept, sought=None), offer=None)
            await write.card(kept.meeting)
            return kept.meeting
        zone = (
            wish.window.zone if wish.repeat and wish.window else old.zone
        )  # by whose clock the time was said, it recurs
        if first:
            check_share(booked=await self.decided(tx, by, write.now - WITHIN, "booked"))
        else:
            check_share(moved=await self.decided(tx, by, write.now - WITHIN, "moved", "changed"))
        await self._check_free(tx, replace(old, wish=wish, zone=zone), span)
        people = tuple(
            replace(a, answer="accepted" if a.id == old.organizer else "", untold=False) for a in wish.attendees
        )
        sequence = 0 if first else old.sequence + 1
        kept = await write.change(
            "booked" if first else "moved",
            Kept(old),
            state="booked",
            wish=replace(wish, attendees=people),
            offer=None,
            start=span.start,
            end=span.end,
            zone=zone,
            sequence=sequence,
            entered=old.entered if self.external else sequence,
            problem="",
            at_once=at_once and first,
            reminded_at=None,
        )
        await self._tell_booked(write, kept.meeting, first=first)
        return kept.meeting

    async def change(self, tx: AsyncConnection, by: By, number: int, version: int | None, wish: Wish) -> Meeting:
        """Gives a booked meeting the title, description and people of a wish; its time stays (sequence + 1, answers kept). Its organizer's alone.

        Who joins is invited, who leaves is told. Refused where somebody who has to be there from now on has another booked meeting at an occurrence to come.
        Times that were offered for a move are taken back with other people: they were looked for without them.
        """
        write = await writing(tx, by)
        kept = await self._theirs(write, number, version)
        old = kept.meeting
        if old.state != "booked":
            raise MeetingRefused(f"{old.name} is not booked yet.")
        check_share(moved=await self.decided(tx, by, write.now - WITHIN, "moved", "changed"))
        new, before = changed_wish(old, wish), {a.id: a for a in old.attendees}
        needed = [a for a in new.attendees if a.required and not (a.id in before and before[a.id].required)]
        to_come = [span for span in spans(old) if span.end > write.now]
        if clash := await self._clash(tx, old, needed, to_come):
            raise MeetingRefused(words.cannot_join(old, *clash))
        if [(a.id, a.required) for a in new.attendees] != [(a.id, a.required) for a in old.attendees]:
            kept = replace(kept, meeting=replace(old, offer=None), sought=None)
        there = {a.email.lower() for a in new.attendees}
        kept = replace(kept, told={address: answer for address, answer in kept.told.items() if address in there})
        sequence = old.sequence + 1
        entered = old.entered if self.external else sequence
        kept = await write.change("changed", kept, wish=new, sequence=sequence, entered=entered, problem="")
        await self._tell_changed(write, kept.meeting, old)
        return kept.shown

    async def cancel(self, tx: AsyncConnection, by: By, number: int, version: int | None) -> Meeting:
        """Gives a draft up, or cancels a booked meeting: everybody is told. Its organizer's alone."""
        write = await writing(tx, by)
        kept = await self._theirs(write, number, version)
        old, kept = kept.meeting, replace(kept, sought=None)
        if old.state == "draft":
            kept = await write.change("dropped", kept, state="dropped", offer=None)
            await write.card(kept.meeting)
            return kept.meeting
        sequence = old.sequence + 1
        entered = old.entered if self.external else sequence
        kept = await write.change("cancelled", kept, state="cancelled", sequence=sequence, entered=entered, offer=None)
        await write.times(kept.meeting)
        await write.retell(kept.meeting)
        if self.external:
            await write.enter(kept.meeting)
        await write.say(kept.meeting, _others(kept.meeting), words.cancelled(kept.meeting, by.person))
        return kept.meeting

    async def answer(self, tx: AsyncConnection, by: By, number: int, answer: Answer) -> Meeting:
        """Somebody's own answer, before its end; the calendar is told of it. The same again changes nothing."""
        if answer not in ANSWERS:
            raise ValueError(f"no answer: {answer}")
        write = await writing(tx, by)
        kept = await self._seen_by(write, number)
        check_open(kept.meeting, write.now)
        if kept.meeting.state != "booked":
            raise MeetingRefused(f"{kept.meeting.name} is not booked yet.")
        attendee = attendee_of(kept.meeting, by.person)
        if attendee is None:
            raise not_theirs(number)
        tells = self.external and bool(attendee.email) and by.person != kept.meeting.organizer
        new = await answered(write, kept, {by.person: answer}, untold=tells)
        if tells and new is not kept:
            await write.enter(new.meeting)
        return new.shown

    # -- guards, and what is told ------------------------------------------------------------------------------------------

    async def _seen_by(self, write: Writing, number: int) -> Kept:
        kept = await write.kept(number)
        if kept is None or not may_see(kept.meeting, write.by.person):
            raise not_theirs(number)
        return kept

    async def _theirs(self, write: Writing, number: int, version: int | None) -> Kept:
        kept = await self._seen_by(write, number)
        check_organizer(kept.meeting, write.by.person, version, write.now)
        return kept

    async def _check_free(self, tx: AsyncConnection, meeting: Meeting, first: Span) -> None:
        """That none of the required attendees has another booked meeting at any of its occurrences."""
        required = [a for a in meeting.attendees if a.required]
        if clash := await self._clash(tx, meeting, required, spans_of(meeting, first, MOST_OCCURRENCES)):
            raise MeetingRefused(words.taken(*clash))

    async def _clash(
        self, tx: AsyncConnection, meeting: Meeting, people: Sequence[Attendee], times: Sequence[Span]
    ) -> tuple[list[Attendee], datetime] | None:
        """Who of these people has another booked meeting at the first of these times at which somebody has."""
        for span in times if people else ():
            busy = await self.busy(tx, meeting.team, [a.id for a in people], span, but=meeting.number)
            if taken := [a for a in people if busy[a.id]]:
                return taken, span.start
        return None

    async def _tell_booked(self, write: Writing, meeting: Meeting, *, first: bool) -> None:
        await write.times(meeting)
        if first:
            await write.card(meeting)
            await write.invite(meeting, meeting.attendees[1:], mails=self.mails)
        else:
            await write.retell(meeting)
            await write.say(meeting, _others(meeting), words.moved(meeting, meeting.organizer))
        if self.external:
            await write.enter(meeting)

    async def _tell_changed(self, write: Writing, meeting: Meeting, old: Meeting) -> None:
        before, now = {a.id for a in old.attendees}, {a.id for a in meeting.attendees}
        await write.retell(meeting)
        if before != now:
            await write.times(meeting)
        again = await write.invite(meeting, [a for a in meeting.attendees if a.id not in before], mails=self.mails)
        await write.say(meeting, again, words.invited_again(meeting, meeting.organizer))
        left = [person for person in _others(old) if person not in now]
        await write.say(meeting, left, words.removed(old, old.organizer))
        if self.external:
            await write.enter(meeting)


def _others(meeting: Meeting) -> list[str]:
    """The members whom its organizer meets."""
    return [a.id for a in meeting.attendees if a.kind == "member" and a.id != meeting.organizer]
