"""What the calendar says of meetings, and what the clock brings: the half of the register that no person asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot import tables
from bot.meetings.calendars.calendar import Seen, Stored
from bot.meetings.register import words
from bot.meetings.register.reading import Reading
from bot.meetings.register.rows import Kept
from bot.meetings.register.states import attendee_of
from bot.meetings.register.times import LONGEST_KEPT, spans
from bot.meetings.register.writing import CALENDAR, CLOCK, Writing, writing
from bot.meetings.values import Answer, Attendee, Meeting, Span
from bot.models import By, utcnow

_meetings, _times = tables.meetings.c, tables.meeting_times.c


class Watching(Reading):
    """What happens to meetings without their people asking for it here."""

    def __init__(self, *, external: bool, mails: bool, copies: bool = False) -> None:
        """`external`: meetings are entered in a calendar (rows EVENT); `mails`: attendees are invited by the bot's mails (rows MAIL).

        `copies`: attendees' calendars have copies that follow the organizer's only where we write them.
        """
        self.external, self.mails, self.copies = external, mails, copies

    async def entered(self, tx: AsyncConnection, team: str, number: int, sequence: int, stored: Stored) -> None:
        """The calendar has it as of that sequence; `problem` is over."""
        write = await writing(tx, By(team, CALENDAR))
        kept = await write.kept(number)
        if kept is None or kept.meeting.entered >= sequence:
            return
        old = kept.meeting
        problem = old.problem if old.state == "failed" else ""
        stored_now = {"ref": stored.ref or old.ref, "page": stored.page or old.page, "link": stored.link or old.link}
        kept = await write.note("entered", kept, entered=sequence, problem=problem, **stored_now)
        await write.recard(kept.meeting)

    async def told(
        self, tx: AsyncConnection, team: str, number: int, sequence: int, attendee: Attendee, *, taken: bool
    ) -> None:
        """The calendar has this answer of somebody's, or will not take it. Nothing where they have answered anew, or the meeting is another one since."""
        write = await writing(tx, By(team, CALENDAR))
        kept = await write.kept(number)
        if kept is None or kept.meeting.sequence != sequence:
            return
        now = attendee_of(kept.meeting, attendee.id)
        if now is None or not now.untold or now.answer != attendee.answer:
            return
        people = tuple(replace(a, untold=a.untold and a.id != now.id) for a in kept.meeting.attendees)
        if taken:
            kept = replace(kept, told={**kept.told, now.email.lower(): now.answer})
        wish = replace(kept.meeting.wish, attendees=people)
        await write.note("answer told" if taken else "answer not taken", kept, wish=wish)

    async def trouble(
        self, tx: AsyncConnection, team: str, number: int, sequence: int, problem: str, *, for_good: bool
    ) -> None:
        """The calendar does not take it as of that sequence: a word on the organizer's card; for good: the meeting has failed, nobody is busy any more, its people are told.

        A cancelled one that cannot be removed there stays cancelled, and its organizer is told. One that the calendar has as it is has no trouble, and
        of one that is another by now nothing is known yet.
        """
        write = await writing(tx, By(team, CALENDAR))
        kept = await write.kept(number)
        if kept is None or kept.meeting.sequence != sequence or kept.meeting.entered >= sequence:
            return
        meeting = kept.meeting
        if meeting.state not in ("booked", "cancelled") or (meeting.problem == problem and not for_good):
            return
        if not for_good:
            kept = await write.note("trouble", kept, problem=problem)
            await write.card(kept.meeting)
        elif meeting.state == "cancelled":
            await write.note("not removed", kept, problem=problem, entered=meeting.sequence)
            await write.card(meeting)
            await write.say(meeting, [meeting.organizer], words.not_removed(meeting, problem), "not removed")
        else:
            await self._failed(write, kept, problem)

    async def _failed(self, write: Writing, kept: Kept, problem: str) -> None:
        sequence = kept.meeting.sequence + 1  # its end is news for who was invited by mail
        kept = await write.change(
            "failed", replace(kept, sought=None), state="failed", problem=problem, sequence=sequence, offer=None
        )
        meeting = kept.meeting
        await write.times(meeting)
        await write.retell(meeting)
        await write.say(meeting, [meeting.organizer], words.failed(meeting, problem))
        others = [person for person in _members(meeting) if person != meeting.organizer]
        await write.say(meeting, others, words.does_not_take_place(meeting))

    async def seen(
        self, tx: AsyncConnection, team: str, number: int, seen: Seen | None, asked: Meeting | None = None
    ) -> None:
        """What the calendar has of it: answers, another time, cancelled or gone (None). Cards follow, and attendees' copies; else nothing is written back.

        `asked`: as it was when the calendar was asked; where it has changed here since, or the calendar does not have it yet, what was seen is old news.
        An answer counts when it is another one than the calendar had before, unless an answer from Slack was on its way there: that one stands.
        """
        write = await writing(tx, By(team, CALENDAR))
        kept = await write.kept(number)
        if kept is None or kept.meeting.state != "booked" or kept.meeting.entered < kept.meeting.sequence:
            return
        if asked and asked.sequence != kept.meeting.sequence:
            return
        if seen is None or seen.cancelled:
            await self._gone(write, kept)
            return
        if seen.span != kept.meeting.span:
            kept = await self._moved(write, kept, seen.span)
        old = _on_their_way(kept.meeting, asked or kept.meeting)
        news = {
            address: answer
            for address, answer in seen.answers.items()
            if answer != kept.told.get(address, "") and address not in old
        }
        if news:
            kept = replace(kept, told={**kept.told, **news})
            theirs = {a.id: answer for a in kept.meeting.attendees if a.email and (answer := news.get(a.email.lower()))}
            await answered(write, kept, theirs, noted=False)

    async def _gone(self, write: Writing, kept: Kept) -> None:
        sequence = kept.meeting.sequence + 1
        changes = {"sequence": sequence, "entered": self._entered(kept, sequence), "offer": None}
        kept = await write.change("cancelled", replace(kept, sought=None), state="cancelled", **changes)
        await write.times(kept.meeting)
        if self.copies:
            await write.enter(kept.meeting)
        await write.retell(kept.meeting)
        await write.say(kept.meeting, _members(kept.meeting), words.cancelled(kept.meeting, ""))

    async def _moved(self, write: Writing, kept: Kept, span: Span) -> Kept:
        """The sequence grows, as the calendar's own does: who is invited by mail would not take a second invitation with the same one for news."""
        sequence = kept.meeting.sequence + 1
        wish = replace(kept.meeting.wish, minutes=max(1, round((span.end - span.start).total_seconds() / 60)))
        kept = await write.change(
            "moved",
            kept,
            wish=wish,
            start=span.start,
            end=span.end,
            sequence=sequence,
            entered=self._entered(kept, sequence),
            reminded_at=None,
        )
        await write.times(kept.meeting)
        if self.copies or any(a.untold for a in kept.meeting.attendees):
            await write.enter(kept.meeting)
        await write.retell(kept.meeting)
        await write.say(kept.meeting, _members(kept.meeting), words.moved(kept.meeting, ""))
        return kept

    def _entered(self, kept: Kept, sequence: int) -> int:
        """The sequence that the calendar has after a change that was made there."""
        return kept.meeting.entered if self.copies else sequence

    async def forget(self, tx: AsyncConnection, team: str, before: datetime) -> None:
        """Takes out when people were busy before that. The meetings stay."""
        times = tables.meeting_times.c
        await tx.execute(delete(tables.meeting_times).where(times.team == team, times.start_at < before))

    async def remind(self, tx: AsyncConnection, team: str, number: int, occurrence: datetime, link: str = "") -> None:
        """Tells its members that it is about to start: once for each occurrence. Who declined is left alone. `link`: where to join, unless the calendar has said so."""
        write = await writing(tx, By(team, CLOCK))
        kept = await write.kept(number)
        if kept is None or occurrence not in [span.start for span in spans(kept.meeting)]:
            return
        meeting = kept.meeting
        if meeting.state != "booked" or (meeting.reminded_at and meeting.reminded_at >= occurrence):
            return
        await write.note("reminded", kept, reminded_at=occurrence)
        coming = [a.id for a in meeting.attendees if a.kind == "member" and a.answer != "declined"]
        text = words.starts(meeting, occurrence, meeting.link or link)
        await write.say(meeting, coming, text, f"starts {occurrence.isoformat()}")

    async def to_look_at(
        self, tx: AsyncConnection, team: str, *, ahead: timedelta, after: timedelta, most: int
    ) -> list[Meeting]:
        """Booked meetings that the calendar has, one of whose occurrences is not further `ahead`, and that it was asked about `after` ago or longer:
        those first that it was not asked about for longest. They count as asked about from now on, whatever comes of it.
        """
        now = utcnow()
        soon = (_times.start_at > now - LONGEST_KEPT) & (_times.start_at < now + ahead)  # the first bounds what is read
        near = select(_times.meeting).where(_times.team == team, soon, _times.end_at > now)
        waits = or_(_meetings.looked_at.is_(None), _meetings.looked_at <= now - after)
        its = (_meetings.team == team) & (_meetings.state == "booked") & (_meetings.entered >= _meetings.sequence)
        query = select(_meetings.number).where(its, waits, _meetings.number.in_(near))
        oldest = query.order_by(_meetings.looked_at.is_not(None), _meetings.looked_at, _meetings.number).limit(most)
        numbers = list((await tx.execute(oldest)).scalars())
        these = (_meetings.team == team) & _meetings.number.in_(numbers)
        await tx.execute(update(tables.meetings).where(these).values(looked_at=now))
        return list((await self._known(tx, team, numbers)).values())


async def answered(
    write: Writing, kept: Kept, answers: Mapping[str, Answer], *, noted: bool = True, untold: bool = False
) -> Kept:
    """Notes answers, by attendees' ids; those that are none or the same change nothing.

    `noted`: nothing is written where nothing changes, and it is the same Kept; `untold`: the calendar is to be told of them.
    """
    old = {a.id: a for a in kept.meeting.attendees}
    news = {each: answer for each, answer in answers.items() if answer and old[each].answer != answer}
    if noted and not news:
        return kept
    people = tuple(replace(a, answer=news[a.id], untold=untold) if a.id in news else a for a in kept.meeting.attendees)
    action = "answered " + " ".join(sorted(set(news.values()))) if news else "looked at"
    kept = await write.note(action, kept, wish=replace(kept.meeting.wish, attendees=people))
    meeting = kept.meeting
    for attendee in (a for a in people if a.id in news):
        await write.busy(meeting, attendee)
        if attendee.answer == "declined" and attendee.id != meeting.organizer:
            key = f"declined {attendee.id} {write.now.isoformat()}"
            await write.say(meeting, [meeting.organizer], words.declined(meeting, attendee), key)
    if news:
        await write.recard(meeting, *(a.id for a in people if a.id in news and a.kind == "member"))
    return kept


def _on_their_way(now: Meeting, asked: Meeting) -> frozenset[str]:
    """The addresses of those whose answer from Slack the calendar may not have had when it was asked."""
    before = {a.id: (a.answer, a.untold) for a in asked.attendees}
    late = (a for a in now.attendees if a.untold or before.get(a.id) != (a.answer, a.untold))
    return frozenset(a.email.lower() for a in late)


def _members(meeting: Meeting) -> list[str]:
    return [a.id for a in meeting.attendees if a.kind == "member"]
