"""Moves a meeting of the asker's, or changes the time that is looked for; gives it another title, description or people."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import Field

from bot.errors import ToolRefused
from bot.meetings.arranging import UNTITLED, prepare_move
from bot.meetings.changing import Change, prepare_change, prepare_draft_change
from bot.meetings.values import Meeting, Wish
from bot.meetings.when.reading import Reading
from bot.models import utcnow
from bot.tools.meeting_request import TIME_RULE, Length, Names, Text, When, Words, called, reading
from bot.tools.meetings import (
    Here,
    Ready,
    admitted,
    persons,
    pressed,
    refusing,
    theirs,
    told,
    unsaid,
    worded_since,
    written,
)
from bot.tools.tool import Arguments, Asking, Tool

ONE_BY_ONE = "Move it by one call, and change the rest by another one after that: nothing was changed yet."
NOT_SAID = (
    "This would be told to others at once, so {what} must stand in the asker's message word for word. Nothing was changed. "
    "Ask the asker to write it, or to press Change on the card."
)


class Move(Arguments):
    """Which one, and when instead; or what else is to be different."""

    meeting: Annotated[Words, Field(description="Its name: M-12.")]
    when: When
    minutes: Annotated[Length, Field(description="Its new length.")]
    title: Annotated[Words, Field(description="New; else empty. Likewise:")]
    description: Text
    add: Names
    optional: Annotated[Names, Field(description="Who is to be optional.")]
    remove: Names


@dataclass(frozen=True, slots=True)
class Changing:
    """A booked meeting, and what its wish is to be."""

    here: Here
    meeting: Meeting
    wish: Wish


async def _look(args: Move, asking: Asking) -> Ready | Changing:
    async with refusing(asking):
        here = await admitted(asking)
        meeting = await theirs(here, asking, args.meeting)
        when = reading(args.when)
        long = args.minutes not in (None, meeting.wish.minutes)
        timed = long or when != Reading() or bool(args.when.said.strip())
        if not (args.title or args.description or args.add or args.optional or args.remove):
            prepared = await prepare_move(
                here.scheduling, here.by, meeting, when, args.when.said, args.minutes, utcnow()
            )
            if meeting.state == "draft":
                title = "" if meeting.wish.title == UNTITLED else meeting.wish.title
                prepared = await pressed(here, asking, prepared, title)
                if await worded_since(here, asking, meeting):  # what `create_meeting` left to their press
                    prepared = replace(prepared, book=None)
            return Ready(here, prepared, meeting)
        if timed:
            raise ToolRefused(ONE_BY_ONE)
        return await _change(args, asking, here, meeting)


async def _change(args: Move, asking: Asking, here: Here, meeting: Meeting) -> Ready | Changing:
    text, mentioned = asking.question.text, await persons(here, asking)
    change = Change(
        title=args.title.strip() or None,
        description=args.description.strip() or None,
        people=called(args.add, args.optional, text, mentioned),
        without=called(args.remove, (), text, mentioned),
    )
    if meeting.state == "draft":
        return Ready(here, await prepare_draft_change(here.scheduling, here.by, meeting, change), meeting)
    async with asking.database.read() as tx:
        meeting = await here.scheduling.register.standing(tx, here.by, meeting.number)
    wish = await prepare_change(here.scheduling, here.by, meeting, change)
    await _check_said(args, asking, here, meeting, wish)
    return Changing(here, meeting, wish)


async def _check_said(args: Move, asking: Asking, here: Here, meeting: Meeting, wish: Wish) -> None:
    """It is done at once, and mailed: strangers, and what they and everybody else will read, have to be in the asker's own message. Raises ToolRefused.

    Whoever joins from outside reads also what the meeting is called already: that may be of this very question.
    """
    there = {a.id for a in meeting.attendees}
    title, description = args.title, args.description
    joining = await here.scheduling.people.outside([a for a in wish.attendees if a.id not in there])
    if joining and await worded_since(here, asking, meeting):
        title, description = wish.title, wish.description
    known = {name for a in meeting.attendees for name in (a.name, a.id, f"<@{a.id}>")}
    new = [name for name in (*args.add, *args.optional) if name not in known]
    if wrong := await unsaid(here, asking, wish, title, description, new, there):
        raise ToolRefused(NOT_SAID.format(what=" and ".join(wrong)))


async def _move(_: Move, asking: Asking) -> dict[str, Any]:
    if isinstance(asking.known, Ready):
        return await written(asking)
    assert asking.transaction
    here, old = asking.known.here, asking.known.meeting
    async with refusing(asking):
        register = here.scheduling.register
        made = await register.change(asking.transaction, here.by, old.number, old.version, asking.known.wish)
    return told(made, made.zone)


reschedule_meeting = Tool(
    name="reschedule_meeting",
    description=(
        "Move a meeting that the asker organizes (a whole series). A named time that suits everybody is taken at once, and all are told; "
        f"else its card offers times and it stays where it is: the result's `when` holds now. {TIME_RULE} "
        "Or, without a time, change its title, description, people."
    ),
    arguments=Move,
    before=_look,
    run=_move,
    doing="is changing a meeting…",
    effect=True,
    seconds=60.0,
)
