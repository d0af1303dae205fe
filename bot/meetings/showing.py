"""How meetings look to who has a card of them, the .ics files that are given of them, and what bearers take of them to the calendar and to mailboxes."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import structlog
from sqlalchemy import update

from bot import tables
from bot.blocks import Card, section, shown
from bot.delivery import outgoing
from bot.delivery.claims import Outgoing
from bot.delivery.delivery import MOST_TRIES
from bot.delivery.outgoing import CARD
from bot.errors import CalendarRefused, MeetingRefused, Retryable
from bot.meetings.calendars.calendar import Stored
from bot.meetings.events import event_of, join_link
from bot.meetings.face.cards import draft_card, left_card, meeting_card
from bot.meetings.invitation import Method, icalendar, invitation
from bot.meetings.mail import Mailer
from bot.meetings.scheduling import Scheduling
from bot.meetings.values import Attendee, Meeting, Span
from bot.models import By, ThreadKey

log = structlog.get_logger()
QUIET_TRIES = 3  # so often a calendar may be away before the organizer is told
MOST_AWAY = 3  # calendars in one try: then it is the server that is away
ANSWER_TRIES = 6  # of an answer to an event that its calendar does not have yet: an invitation takes a moment, and a minute is enough
ELSEWHERE = "Others than members of this workspace read along here now: the card of {name} is in the direct messages of <@{organizer}>."
NAME = 60  # characters of a file's name that come from the title


class Showing:
    """Rows of meetings ("M-7"), as the register has them now."""

    def __init__(self, scheduling: Scheduling) -> None:
        self._scheduling = scheduling

    async def card(self, row: Outgoing) -> Card | None:
        """For one of its people in their direct messages, or for a thread; None where they may not see it (any more)."""
        meeting = await (self._in_thread(row) if row.key else self._theirs(row))
        if meeting is None:
            return left_card(row.subject) if not row.key and (row.ts or row.posting) else None
        if row.key and not await self._among_members(meeting):
            return await self._moved_to_organizer(meeting)
        meeting = replace(meeting, link=join_link(meeting, self._scheduling.link))
        arranging = meeting.state in ("draft", "dropped") or (meeting.state == "booked" and meeting.offer)
        if arranging and (row.key or row.person == meeting.organizer):
            return draft_card(meeting)
        return meeting_card(meeting, "" if row.key else row.person)

    async def file(self, row: Outgoing, folder: Path) -> Path | None:
        """The meeting as .ics; None where they may not see it any more."""
        meeting = await self._theirs(row)
        if meeting is None or meeting.span is None:
            return None
        event = event_of(meeting, join_link(meeting, self._scheduling.link))
        path = folder / file_name(meeting)

        def write() -> None:  # a file of two hundred attendees takes a moment
            path.write_bytes(icalendar(event, "PUBLISH" if meeting.state == "booked" else "CANCEL"))

        await asyncio.to_thread(write)
        return path

    async def closed(self, row: Outgoing) -> None:
        """Its organizer goes on in their direct messages."""
        meeting = await self._in_thread(row)
        if meeting:
            await self._moved_to_organizer(meeting)

    async def _theirs(self, row: Outgoing) -> Meeting | None:
        scheduling, by = self._scheduling, By(row.team, row.person)
        try:
            async with scheduling.database.read() as tx:
                return await scheduling.register.meeting(tx, by, row.number)
        except MeetingRefused:
            return None

    async def _in_thread(self, row: Outgoing) -> Meeting | None:
        async with self._scheduling.database.read() as tx:
            meeting = await self._scheduling.register.known(tx, row.team, row.number)
        there = meeting and (meeting.place.channel, meeting.place.thread) == (row.person, row.key)
        return meeting if there else None

    async def _among_members(self, meeting: Meeting) -> bool:
        """Whether all who read its thread now are full members of this workspace: a guest may have joined since it was posted."""
        place = meeting.place
        where = ThreadKey(meeting.team, place.channel, place.thread)
        return await self._scheduling.access.members_only(meeting.organizer, where)

    async def _moved_to_organizer(self, meeting: Meeting) -> Card:
        """What stands in the thread instead; its organizer goes on in their direct messages."""
        async with self._scheduling.database.begin() as tx:
            await outgoing.keep(tx, meeting.team, CARD, meeting.organizer, meeting.name)
        text = ELSEWHERE.format(name=meeting.name, organizer=meeting.organizer)
        return Card((section(text),), text)


class Bearing:
    """Takes meetings to where Slack is not. A row is brought again after a kill, so each step is one that the other side recognises."""

    def __init__(self, scheduling: Scheduling) -> None:
        self._scheduling = scheduling

    # -- the calendar ----------------------------------------------------------------------------------------------------

    async def event(self, row: Outgoing) -> None:
        """Makes the calendar hold the meeting as it is now, and what people have answered in Slack.

        A calendar that refuses for good makes the meeting fail; one that is away is tried again, and the organizer's card says so.
        """
        meeting = await self._meeting(row)
        if meeting is None or meeting.span is None or meeting.state in ("draft", "dropped"):
            return
        if meeting.state == "failed":
            await self._clear(meeting)
            return
        changed = meeting.entered < meeting.sequence
        if changed and not await self._entered(row, meeting):
            return
        await self._answers(row, patient=changed)

    async def _entered(self, row: Outgoing, meeting: Meeting) -> bool:
        """False where the calendar refuses it for good."""
        try:
            stored = await self._enter(meeting)
        except CalendarRefused as refused:
            log.error(
                "calendar refused", meeting=meeting.name, outgoing=row.id, state=meeting.state, error=refused.reason
            )
            await self._trouble(meeting, str(refused), for_good=True)
            if (now := await self._meeting(row)) and now.state == "failed":
                await self._clear(now)
            return False
        except Retryable:
            await self._put_off(meeting, row)
            raise
        async with self._scheduling.database.begin() as tx:
            await self._scheduling.register.entered(tx, row.team, row.number, meeting.sequence, stored)
        return True

    async def _answers(self, row: Outgoing, *, patient: bool) -> None:
        """Tells the calendar each answer that it does not have. One that it refuses, or cannot take for a minute, is left at that: it stands in Slack.

        `patient`: the calendar has the event only now, however often it was tried before.
        """
        meeting = await self._meeting(row)
        if meeting is None or meeting.state != "booked" or meeting.entered < meeting.sequence:
            return  # what was changed meanwhile is brought next, and these answers with it: they may be of who was added
        event, late, away = event_of(meeting), 0, list[Retryable]()
        untold = [a for a in meeting.attendees if a.untold]
        # Each try begins with another: who comes after those whose calendars are away is told too.
        first = row.tries % max(len(untold), 1)
        for attendee in untold[first:] + untold[:first]:
            given_up = row.tries >= ANSWER_TRIES and not patient
            try:
                taken = await self._scheduling.calendar.answer(event, attendee)
            except CalendarRefused as refused:
                log.warning("answer refused", meeting=meeting.name, person=attendee.id, error=refused.reason)
                taken, given_up = False, True
            except Retryable as error:
                away.append(error)
                if len(away) == MOST_AWAY and not _last(row):
                    break
                taken, given_up = False, _last(row)
            if taken or given_up:
                async with self._scheduling.database.begin() as tx:
                    told = (row.number, meeting.sequence, attendee)
                    await self._scheduling.register.told(tx, row.team, *told, taken=taken)
            else:
                late += 1
        if away and not _last(row):
            raise away[-1]
        if late:
            raise Retryable(f"{late} have no copy of the event yet")

    async def _put_off(self, meeting: Meeting, row: Outgoing) -> None:
        """Says on the card that the calendar is away; at the last try, that it is given up."""
        name = self._scheduling.calendar.name
        name = f"{name[:1].upper()}{name[1:]}"
        if not _last(row):
            if row.tries >= QUIET_TRIES:
                await self._trouble(meeting, f"{name} does not answer. I keep trying.", for_good=False)
            return
        problem = f"{name} has not answered for days. I have given up."
        if meeting.state == "cancelled":
            await self._trouble(meeting, problem, for_good=True)
            return
        await self._trouble(meeting, problem, for_good=False)
        title = shown(meeting.wish.title, 80)
        text = f"I could not enter {meeting.name} “{title}” in the calendar. {problem} It is booked all the same; reschedule it, and I try again."
        await self._say(meeting, text, f"not entered {meeting.sequence}")

    async def _enter(self, meeting: Meeting) -> Stored:
        """Has the calendar hold a booked meeting, and a cancelled one no more."""
        link = join_link(meeting, self._scheduling.link)
        event = event_of(meeting, link)
        if meeting.state == "booked":
            stored = await self._scheduling.calendar.put(event)
            return replace(stored, link=stored.link or link)
        await self._scheduling.calendar.remove(event)
        return Stored(meeting.ref, meeting.page, meeting.link)

    async def _clear(self, meeting: Meeting) -> None:
        """One that the calendar would not have may stand there all the same: at its old time, or entered just before a kill."""
        try:
            await self._scheduling.calendar.remove(event_of(meeting))
        except CalendarRefused as refused:
            log.error("not cleared from the calendar", meeting=meeting.name, error=refused.reason)

    async def _trouble(self, meeting: Meeting, problem: str, *, for_good: bool) -> None:
        async with self._scheduling.database.begin() as tx:
            await self._scheduling.register.trouble(
                tx, meeting.team, meeting.number, meeting.sequence, problem, for_good=for_good
            )

    # -- mailboxes -----------------------------------------------------------------------------------------------------------

    async def mail(self, row: Outgoing) -> None:
        """Tells an attendee by mail how the meeting is now: invites, invites again with a higher sequence, or cancels. Who was never told is not told of its end."""
        meeting, mailer = await self._meeting(row), self._scheduling.mailer
        if meeting is None or mailer is None or meeting.span is None:
            return
        told, attendee = Told.read(row.body), _attendee(meeting, row.person)
        method: Method = "REQUEST" if meeting.state == "booked" and attendee else "CANCEL"
        if (told.method, told.sequence) == (method, meeting.sequence) or (method == "CANCEL" and not told.invited):
            return
        to = attendee or Attendee(id=row.person, name=row.person, email=row.person, kind="guest")
        now = Told(method=method, sequence=meeting.sequence)
        if method == "REQUEST":
            now = replace(now, title=meeting.wish.title, span=meeting.span)
        if (
            now.invited and not told.invited
        ):  # after a kill nobody knows whether they have it, and its end must reach them
            await self._note(row, replace(now, method="SENDING"))
        try:
            await self._send(mailer, meeting if attendee else _as_told(meeting, told), to, method)
        except CalendarRefused as refused:
            log.error("mail refused", meeting=meeting.name, outgoing=row.id, method=method, error=refused.reason)
            await self._unmailed(meeting, to, str(refused))
            now = replace(told, method=method, sequence=meeting.sequence)
        except Retryable as away:
            if _last(row):
                await self._unmailed(meeting, to, away.said or "The mail server does not answer.")
            raise
        await self._note(row, now)

    async def _send(self, mailer: Mailer, meeting: Meeting, to: Attendee, method: Method) -> None:
        event = event_of(meeting, join_link(meeting, self._scheduling.link))
        await mailer.send(await asyncio.to_thread(invitation, event, to, method, mailer.sender))

    async def _unmailed(self, meeting: Meeting, to: Attendee, why: str) -> None:
        text = (
            f"I could not mail {shown(to.email)} about {meeting.name} “{shown(meeting.wish.title, 80)}”: {shown(why)}"
        )
        await self._say(meeting, text, f"unmailed {to.email}")

    async def _say(self, meeting: Meeting, text: str, key: str) -> None:
        """Says something to its organizer, once for each key."""
        async with self._scheduling.database.begin() as tx:
            await outgoing.say(tx, meeting.team, meeting.organizer, meeting.name, text, key)

    async def _note(self, row: Outgoing, told: Told) -> None:
        """Notes in the row what its address was told: a row is due at every change, and most concern nobody's mailbox (an answer, a reminder)."""
        async with self._scheduling.database.begin() as tx:
            which = tables.outgoing.c.id == row.id
            await tx.execute(update(tables.outgoing).where(which).values(body=told.text))

    async def _meeting(self, row: Outgoing) -> Meeting | None:
        async with self._scheduling.database.read() as tx:
            return await self._scheduling.register.known(tx, row.team, row.number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What an address was told last, as its row's body has it: "REQUEST 3 invited 1764064800-1764066600 Team sync", or "SENDING 3 …" while the first is on its way.

    `title` and `span` are those of what they were invited to; none where nothing, or what cancelled it, has reached them since.
    """

    method: str = ""
    sequence: int = -1
    title: str = ""
    span: Span | None = None

    @property
    def invited(self) -> bool:
        """Whether an invitation has, or may have, reached them, and none that cancelled."""
        return self.span is not None

    @classmethod
    def read(cls, body: str) -> Told:
        """From a row; nothing from one that was never brought."""
        found = re.fullmatch(r"([A-Z]+) (\d+)(?: invited (\d+)-(\d+) (.*))?", body)
        if not found:
            return cls()
        told = cls(method=found[1], sequence=int(found[2]))
        if not found[3]:
            return told
        start, end = (datetime.fromtimestamp(int(at), UTC) for at in (found[3], found[4]))
        return replace(told, title=found[5], span=Span(start, end))

    @property
    def text(self) -> str:
        """For a row."""
        told = f"{self.method} {self.sequence}"
        if not self.span:
            return told
        return f"{told} invited {self.span.start.timestamp():.0f}-{self.span.end.timestamp():.0f} {self.title}"


def file_name(meeting: Meeting) -> str:
    """Like “M-7 Team sync.ics”: letters and digits of the title, so that every system can keep it. Pure."""
    title = " ".join(re.sub(r"[^\w\- ]", " ", meeting.wish.title.encode("utf-8", "ignore").decode()).split())
    return f"{meeting.name} {title[:NAME]}".strip() + ".ics"


def _last(row: Outgoing) -> bool:
    """Whether it is not tried again after this."""
    return row.tries + 1 >= MOST_TRIES


def _as_told(meeting: Meeting, told: Told) -> Meeting:
    """What who takes no part any more is told of it: nothing that is new since, and not who else comes."""
    assert told.span
    wish = replace(meeting.wish, title=told.title, description="", attendees=meeting.attendees[:1], online=False)
    return replace(meeting, wish=wish, link="", start=told.span.start, end=told.span.end)


def _attendee(meeting: Meeting, address: str) -> Attendee | None:
    """Whom an address is; None for who takes no part (any more)."""
    return next((a for a in meeting.attendees if a.email.lower() == address.lower()), None)
