"""Moves a meeting of the asker's, or changes the time that is looked for."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from bot.meetings.arranging import prepare_move
from bot.models import utcnow
from bot.tools.meeting_request import TIME_RULE, When, reading
from bot.tools.meetings import Ready, admitted, refusing, theirs, written
from bot.tools.tool import Arguments, Asking, Tool


class Move(Arguments):
    """Which one, and when instead."""

    meeting: Annotated[str, Field(max_length=40, description="Its name, such as M-12.")]
    when: When
    minutes: Annotated[int | None, Field(ge=-100_000, le=100_000, description="Its new length; null if it stays.")]


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
        "Move a meeting that the asker organizes, the whole series where it recurs. A time that was named and suits everybody is taken at once, and all are told; "
        f"else its card offers times, and until one is pressed the meeting stays where it is: `when` is what holds now. {TIME_RULE}"
    ),
    arguments=Move,
    before=_look,
    run=_move,
    doing="is moving a meeting…",
    effect=True,
    seconds=60.0,
)
