"""Does what people ask for by `/meet`, and by the buttons and forms of meetings."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.blocks import shown
from bot.delivery import outgoing
from bot.errors import CalendarRefused, MeetingRefused, SlackRefused
from bot.home import Tab
from bot.meetings.arranging import Asked, carry_out, prepare
from bot.meetings.deciding import Deciding, of_form
from bot.meetings.events import join_link
from bot.meetings.face import entered, forms
from bot.meetings.face.commands import USAGE
from bot.meetings.face.listing import DAYS, LISTED, listing_text
from bot.meetings.face.tab import DAYS as TAB_DAYS
from bot.meetings.face.tab import DRAFTS, ROWS, Agenda, tab
from bot.meetings.hours import hours_text, keep_hours, told_hours
from bot.meetings.scheduling import Scheduling
from bot.meetings.understanding import understand
from bot.meetings.values import Hours, Meeting, Place, Span
from bot.meetings.when.request import Request, read_request
from bot.models import By, utcnow
from bot.mrkdwn import escaped
from bot.performing import Args, Performing

log = structlog.get_logger()

NOT_READ = (
    "I did not understand “{unread}”. Please say it more plainly, or put the title in quotes if that belongs to it.\n"
)
DONE = "Nothing about {name} can be changed any more: its card shows how it is."
SAVED = "I noted your working hours: {hours} ({zone})."


class MeetingsPerforming(Performing):
    """The acts whose names begin with "meet"."""

    about = "Meeting"
    refusals = (MeetingRefused, CalendarRefused)

    def __init__(self, scheduling: Scheduling, redis: Any) -> None:
        """`redis` keeps what Home tabs show."""
        self._s, self._register = scheduling, scheduling.register
        self._tab = Tab(scheduling.slack, redis)
        deciding = self._deciding = Deciding(scheduling)
        acts = {
            "meet.command": self._command,
            "meet.new_form": self._new_form,
            "meet.new": self._new,
            "meet.pick": deciding.pick,
            "meet.book": deciding.book,
            "meet.more": deciding.more,
            "meet.hint": deciding.hint,
            "meet.keep": deciding.keep,
            "meet.change_form": self._change_form,
            "meet.move_form": self._move_form,
            "meet.change": deciding.change,
            "meet.details": deciding.details,
            "meet.cancel": self._cancel,
            "meet.answer": self._answer,
            "meet.ics": self._ics,
            "meet.hours_form": self._hours_form,
            "meet.hours": self._hours,
            "meet.home": self._home,
        }
        super().__init__(scheduling.slack, scheduling.database, acts)

    async def refused(self, by: By, args: Args, text: str) -> None:
        """Where they pressed in a thread, to them alone."""
        if "view" in args or not await self._whispered(by, args, text):
            await super().refused(by, args, text)

    async def _whispered(self, by: By, args: Args, text: str) -> bool:
        if "thread" not in args:
            return False
        try:
            return await self._s.slack.whisper(args["channel"], by.person, args["thread"], text)
        except SlackRefused as error:
            log.info("word not shown there", person=by.person, error=error.error)
            return False

    # -- a new one -----------------------------------------------------------------------------------------------------------

    async def _command(self, by: By, args: Args) -> None:
        request, said, may_book = read_request(args["text"]), "", True
        if request.do == "list":
            await self._list(by)
            return
        if request.refused:
            raise MeetingRefused(escaped(request.refused))
        if request.do != "arrange":  # the web process answers these
            raise MeetingRefused(USAGE)
        if await self._deciding.is_done(by):
            return
        if request.unread:
            understood = await understand(self._s, by, args["channel"], args["text"])
            if not understood:
                raise MeetingRefused(NOT_READ.format(unread=shown(request.unread)) + USAGE)
            unread = request.unread.split()
            request, said = understood
            kept = " ".join((said, request.title, *(p.said for p in request.people)))
            may_book = set(unread) <= set(kept.split())  # "3pm Raj's time" is not just 3pm
        await self._arrange(by, _asked(request, said, may_book=may_book))

    async def _new(self, by: By, args: Args) -> None:
        filled, wrong = entered.read_form(args["values"], args["kept"], utcnow())
        if wrong:
            raise MeetingRefused(escaped(next(iter(wrong.values()))))
        if not await self._deciding.is_done(by):
            await self._arrange(by, of_form(filled))

    async def _arrange(self, by: By, wanted: Asked) -> None:
        prepared = await prepare(self._s, by, wanted, utcnow())
        await self._deciding.write(by, lambda tx: carry_out(self._s, tx, by, prepared, Place()))

    async def _cancel(self, by: By, args: Args) -> None:
        number, version = args["number"], args["version"]
        await self._deciding.write(by, lambda tx: self._register.cancel(tx, by, number, version))

    async def _answer(self, by: By, args: Args) -> None:
        await self._deciding.write(by, lambda tx: self._register.answer(tx, by, args["number"], args["answer"]))

    async def _ics(self, by: By, args: Args) -> None:
        async with self._s.database.begin() as tx:
            meeting = await self._register.meeting(tx, by, args["number"])
            await outgoing.give_file(tx, by.team, by.person, meeting.name, "ics", by.cause)

    # -- forms --------------------------------------------------------------------------------------------------------------

    async def _new_form(self, by: By, args: Args) -> None:
        await self.put_form(args, forms.new_form(await self._hours_of(by), self._s.rooms))

    async def _change_form(self, by: By, args: Args) -> None:
        """Of the present state, whatever the card showed; what is entered is held against its version."""
        meeting = await self._deciding.present(by, args)
        hours = await self._hours_of(by)
        if meeting.state == "booked":
            async with self._s.database.read() as tx:
                meeting = await self._register.standing(tx, by, meeting.number)
            await self.put_form(args, forms.details_form(meeting, self._s.rooms))
            return
        if meeting.state != "draft":
            raise MeetingRefused(DONE.format(name=meeting.name))
        await self.put_form(args, forms.change_form(meeting, hours, self._s.rooms))

    async def _move_form(self, by: By, args: Args) -> None:
        meeting = await self._deciding.present(by, args)
        if meeting.state != "booked":
            raise MeetingRefused(f"{meeting.name} is not booked, so it cannot be moved.")
        await self.put_form(args, forms.move_form(meeting, await self._hours_of(by)))

    # -- one's hours, lists, the Home tab -----------------------------------------------------------------------------------

    async def _hours_of(self, by: By) -> Hours:
        """When they work. Raises MeetingRefused for who may not use meetings."""
        own = await self._s.people.organizer(by.person)
        told = await told_hours(self._s.database, by.team, [by.person])
        return told.get(by.person) or replace(self._s.hours, zone=own.zone or "UTC")

    async def _hours_form(self, by: By, args: Args) -> None:
        slack_zone = (await self._s.people.organizer(by.person)).zone or "UTC"
        await self.put_form(args, forms.hours_form(await self._hours_of(by), slack_zone))

    async def _hours(self, by: By, args: Args) -> None:
        slack_zone = (await self._s.people.organizer(by.person)).zone or "UTC"
        hours, wrong = entered.read_hours_form(args["values"], slack_zone)
        if wrong or not hours:
            raise MeetingRefused(escaped(next(iter(wrong.values()), "")))
        await keep_hours(self._s.database, by, hours)
        await self.say(by, SAVED.format(hours=hours_text(hours), zone=hours.zone))
        await self._home(by, {})

    async def _list(self, by: By) -> None:
        async with self._s.database.read() as tx:
            upcoming = await self._upcoming(tx, by, DAYS, LISTED)
            drafts = await self._register.drafts(tx, by)
        await self.say(by, listing_text(upcoming, drafts))

    async def _upcoming(self, tx: AsyncConnection, by: By, days: int, most: int) -> list[tuple[Span, Meeting]]:
        """Their next meetings, each with where to join it."""
        found = await self._register.upcoming(tx, by, utcnow() + timedelta(days=days), most)
        return [(span, replace(m, link=join_link(m, self._s.link))) for span, m in found]

    async def _home(self, by: By, _: Args) -> None:
        """Their section of the Home tab, where it shows something else by now; nothing for who may not use meetings."""
        try:
            hours = await self._hours_of(by)
        except MeetingRefused:
            return
        async with self._s.database.read() as tx:
            upcoming = await self._upcoming(tx, by, TAB_DAYS, ROWS)
            drafts = await self._register.drafts(tx, by, DRAFTS + 10)
        await self._tab.put(by.person, "meetings", tab(Agenda(upcoming=upcoming, drafts=drafts, hours=hours)))


def _asked(request: Request, said: str, *, may_book: bool) -> Asked:
    """What a command asks for; a time that it names is booked where everybody is free then, unless some of the words were lost in reading."""
    return Asked(
        title=request.title,
        people=request.people,
        minutes=request.minutes,
        reading=request.reading,
        said=said,
        repeat=request.repeat,
        online=bool(request.online),
        may_book=may_book,
    )
