"""Moves a meeting of the asker's, or changes the time that is looked for."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from bot.meetings.arranging import prepare_move
from bot.models import utcnow
from bot.tools.meeting_request import TIME_RULE, Length, When, Words, reading
from bot.tools.meetings import Ready, admitted, refusing, theirs, written
from bot.tools.tool import Arguments, Asking, Tool


class Move(Arguments):
    """Which one, and when instead."""

    meeting: Annotated[Words, Field(description="Its name: M-12.")]
    when: When
    minutes: Annotated[Length, Field(description="Its new length.")]


async def _look(args: Move, asking: Asking) -> Ready:
    async with refusing(asking):
        here = await admitted(asking)
        meeting = await theirs(here, asking, args.meeting)
        when = args.when
        prepared = await prepare_move(
            here.scheduling, here.by, meeting, reading(when), when.said, args.minutes, utcnow()
        )
        return Ready(here, prepared, meeting)


async def _move(_: Move, asking: Asking) -> dict[str, Any]:
    return await written(asking)


reschedule_meeting = Tool(
    name="reschedule_meeting",
    description=(
        "Move a meeting that the asker organizes (a whole series). A named time that suits everybody is taken at once, and all are told; "
        f"else its card offers times and it stays where it is: the result's `when` holds now. {TIME_RULE}"
    ),
    arguments=Move,
    before=_look,
    run=_move,
    doing="is moving a meeting…",
    effect=True,
    seconds=60.0,
)
