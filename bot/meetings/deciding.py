"""What an organizer decides about a meeting: which reading was meant, which of the offered times, another wish, another time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.blocks import shown
from bot.errors import MeetingRefused
from bot.meetings.arranging import Asked, Prepared, carry_out, prepare, prepare_move, suits_all
from bot.meetings.changing import Change, prepare_change, who_is
from bot.meetings.face import entered
from bot.meetings.face.forms import is_slacks, shown_people
from bot.meetings.finding import find_offer, look_again
from bot.meetings.scheduling import Scheduling
from bot.meetings.values import Hint, Meeting, Offer, Span, Wish
from bot.meetings.when.reading import Reading
from bot.meetings.when.request import Called
from bot.models import By, utcnow
from bot.mrkdwn import escaped, plain
from bot.performing import Args

CHANGED = "{name} has changed meanwhile; its card shows how it is now."
NOT_THEIRS = "Only {organizer}, who organizes {name}, can do that."
BOOKED = "{name} is booked for that time already."
TAKEN = "That time was just taken."
LONGEST_LINE = 3_000  # characters: as long as a form lets a description be

Write = Callable[[AsyncConnection], Awaitable[Any]]


class Deciding:
    """Each decision is written in one transaction, once; calendars are asked before it."""

    def __init__(self, scheduling: Scheduling) -> None:
        self._s, self._register = scheduling, scheduling.register

    async def write(self, by: By, work: Write) -> None:
        """One change of the register, unless it was made already."""
        async with self._s.database.begin() as tx:
            if not await self._register.done(tx, by):
                await work(tx)

    async def is_done(self, by: By) -> bool:
        """Whether an earlier run has done it: then nobody need be asked again."""
        async with self._s.database.read() as tx:
            return await self._register.done(tx, by)

    async def _mine(self, by: By, args: Args) -> Meeting | None:
        """The meeting that its organizer decides about, as it was shown to them; None where the act was done already. Raises MeetingRefused.

        Whose time is free is for full members: an organizer may have become a guest since.
        """
        if await self.is_done(by):
            return None
        meeting = await self.present(by, args)
        await self._s.people.organizer(by.person)
        if meeting.version != args["version"]:
            raise MeetingRefused(CHANGED.format(name=meeting.name))
        return meeting

    async def present(self, by: By, args: Args) -> Meeting:
        """The meeting as it is now; its organizer's alone. Raises MeetingRefused."""
        async with self._s.database.read() as tx:
            meeting = await self._register.meeting(tx, by, args["number"])
        if meeting.organizer != by.person:
            raise MeetingRefused(NOT_THEIRS.format(organizer=f"<@{meeting.organizer}>", name=meeting.name))
        return meeting

    # -- what is offered ----------------------------------------------------------------------------------------------------

    async def pick(self, by: By, args: Args) -> None:
        """Takes one of the readings. It is explicit now: where everybody is free then, it is booked."""
        meeting = await self._mine(by, args)
        if not meeting:
            return
        choices = meeting.offer.choices if meeting.offer else ()
        if args["index"] >= len(choices):
            raise MeetingRefused(CHANGED.format(name=meeting.name))
        wish = replace(meeting.wish, window=choices[args["index"]].window)
        await self._carry_out(by, meeting, await self._settled(by, meeting, wish))

    async def _settled(self, by: By, meeting: Meeting, wish: Wish) -> Prepared:
        """A start that suits all who have to be there, or an offer."""
        offer = await find_offer(self._s, by, wish, but=_moved(meeting))
        return Prepared(wish=wish, offer=offer, book=suits_all(wish, offer), zone=meeting.zone)

    async def book(self, by: By, args: Args) -> None:
        """Books one of the times that were offered; somebody may have been quicker. Of two presses the second is told that it is booked."""
        start = datetime.fromisoformat(args["start"])
        try:
            await self._book(by, args, start)
        except MeetingRefused:
            now = await self.present(by, args)
            if now.state == "booked" and now.start == start and not now.offer:
                raise MeetingRefused(BOOKED.format(name=now.name)) from None
            raise

    async def _book(self, by: By, args: Args, start: datetime) -> None:
        meeting = await self._mine(by, args)
        if not meeting:
            return
        offered = next((s for s in meeting.offer.slots if s.start == start), None) if meeting.offer else None
        if not offered:
            raise MeetingRefused(CHANGED.format(name=meeting.name))
        if not await look_again(self._s, by, meeting.wish, start, but=_moved(meeting), offered=offered):
            await self._offer_anew(by, meeting, TAKEN)
            return
        try:
            await self.write(by, lambda tx: self._register.book(tx, by, meeting.number, meeting.version, start))
        except MeetingRefused as refused:  # booked by somebody else a moment ago, as a rule; the word says it
            named = {a.id: a.name for a in meeting.attendees}
            await self._offer_anew(by, meeting, plain(str(refused), named))

    async def _offer_anew(self, by: By, meeting: Meeting, why: str) -> None:
        offer = await find_offer(self._s, by, meeting.wish, but=_moved(meeting))
        offer = replace(offer, why=(why, *offer.why))
        await self._carry_out(by, meeting, _offering(meeting, meeting.wish, offer))

    async def more(self, by: By, args: Args) -> None:
        """Offers other times."""
        if meeting := await self._mine(by, args):
            offer = await find_offer(self._s, by, meeting.wish, but=_moved(meeting), before=meeting.offer)
            await self._carry_out(by, meeting, _offering(meeting, meeting.wish, offer))

    async def hint(self, by: By, args: Args) -> None:
        """Changes the wish as was proposed."""
        meeting = await self._mine(by, args)
        if not meeting:
            return
        hints = meeting.offer.hints if meeting.offer else ()
        if args["index"] >= len(hints):
            raise MeetingRefused(CHANGED.format(name=meeting.name))
        wish = helped(meeting.wish, hints[args["index"]])
        offer = await find_offer(self._s, by, wish, but=_moved(meeting))
        await self._carry_out(by, meeting, _offering(meeting, wish, offer))

    async def keep(self, by: By, args: Args) -> None:
        """Leaves a booked meeting when it is."""
        if meeting := await self._mine(by, args):
            number, version, wish = meeting.number, meeting.version, meeting.wish
            await self.write(by, lambda tx: self._register.offer(tx, by, number, version, wish, None))

    async def _carry_out(self, by: By, meeting: Meeting, prepared: Prepared) -> None:
        await self.write(by, lambda tx: carry_out(self._s, tx, by, prepared, meeting.place, meeting))

    # -- changes ------------------------------------------------------------------------------------------------------------

    async def change(self, by: By, args: Args) -> None:
        """Changes a draft, or reschedules a booked meeting, as a form says."""
        if await self.is_done(by):
            return
        meeting, now = await self.present(by, args), utcnow()
        kept = args["kept"]  # with "minutes" where the form was one of a booked meeting
        # What came meanwhile (answers) changes nothing of it.
        seen = "minutes" in kept and meeting.sequence == kept.get("sequence")
        if meeting.version != args["version"] and not (meeting.state == "booked" and seen):
            raise MeetingRefused(CHANGED.format(name=meeting.name) + _typed(args["values"]))
        move = meeting.state == "booked"
        filled, wrong = entered.read_form(args["values"], kept, now, move=move)
        if wrong:
            raise MeetingRefused(escaped(next(iter(wrong.values()))))
        if move:
            reading = filled.reading or Reading()
            prepared = await prepare_move(self._s, by, meeting, reading, filled.said, filled.minutes, now)
        elif filled.reading:
            prepared = await prepare(self._s, by, of_form(filled), now)
        else:
            prepared = await self._rewished(by, meeting, filled)
        await self._carry_out(by, meeting, prepared)

    async def details(self, by: By, args: Args) -> None:
        """Gives a booked meeting another title, description or people, as a form says. Who was not shown in it stays."""
        if await self.is_done(by):
            return
        async with self._s.database.read() as tx:
            meeting = await self._register.standing(tx, by, args["number"])
        if meeting.sequence != args["kept"]["sequence"]:  # answers, and times that were offered, change nothing of it
            raise MeetingRefused(CHANGED.format(name=meeting.name) + _typed(args["values"]))
        filled, wrong = entered.read_details(args["values"])
        if wrong:
            raise MeetingRefused(escaped(next(iter(wrong.values()))))
        named = {a.id for one in filled.people for a in who_is(meeting, one.said)}
        gone = [a for a in shown_people(meeting, self._s.rooms) if a.id not in named]
        change = Change(
            title=filled.title,
            description=filled.description,
            people=filled.people,
            without=[Called(f"<@{a.id}>" if is_slacks(a) else a.id) for a in gone],
        )
        wish = await prepare_change(self._s, by, meeting, change)
        number, version = meeting.number, meeting.version
        await self.write(by, lambda tx: self._register.change(tx, by, number, version, wish))

    async def _rewished(self, by: By, meeting: Meeting, filled: entered.Filled) -> Prepared:
        """All but its time may be another; where the time is still asked about, it stays so."""
        people = self._s.people
        attendees = await people.attendees(await people.organizer(by.person), filled.people)
        hours = await people.hours(by.team, attendees)
        told = {id_: each.zone for id_, each in hours.items() if each}
        wish = replace(
            meeting.wish,
            title=filled.title,
            attendees=tuple(replace(a, zone=told.get(a.id, a.zone)) for a in attendees),
            minutes=filled.minutes,
            repeat=filled.repeat,
            online=filled.online,
            description=filled.description,
        )
        offer = await find_offer(self._s, by, wish) if wish.window else meeting.offer
        return _offering(meeting, wish, offer)


def of_form(filled: entered.Filled) -> Asked:
    """What a form asks for."""
    return Asked(
        title=filled.title,
        people=filled.people,
        minutes=filled.minutes,
        reading=filled.reading or Reading(),
        said=filled.said,
        repeat=filled.repeat,
        online=filled.online,
        description=filled.description,
        may_book=True,
    )


def helped(wish: Wish, hint: Hint) -> Wish:
    """The wish as a hint changes it."""
    if hint.without:
        return replace(wish, attendees=tuple(a for a in wish.attendees if a.id != hint.without))
    if hint.minutes:
        return replace(wish, minutes=hint.minutes)
    if hint.until and wish.window:
        span = Span(wish.window.span.start, max(hint.until, wish.window.span.end))
        return replace(wish, window=replace(wish.window, span=span, exact=None, text=""))
    return wish


def _moved(meeting: Meeting) -> Meeting | None:
    """The meeting where it is booked and is to be moved: it does not stand in its own way."""
    return meeting if meeting.state == "booked" else None


def _offering(meeting: Meeting, wish: Wish, offer: Offer | None) -> Prepared:
    return Prepared(wish=wish, offer=offer or Offer(), book=None, zone=meeting.zone)


def _typed(values: Mapping[str, str]) -> str:
    """What somebody wrote into a form that is not taken, so that it is not lost."""
    lines = [line for name in ("title", "description") for line in values.get(name, "").strip().splitlines()]
    return "\nYou had entered:\n" + "\n".join(f">{shown(line, LONGEST_LINE)}" for line in lines) if lines else ""
