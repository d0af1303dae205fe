"""Cancels a meeting of the asker's, or gives a draft up."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from bot.errors import ToolRefused
from bot.meetings.values import Meeting
from bot.tools.meeting_request import Words
from bot.tools.meetings import Here, admitted, refusing, theirs
from bot.tools.tool import Arguments, Asking, Tool

ONLY_ORGANIZERS = (
    "Only who organizes it can cancel a meeting. The asker can decline it by its card in their direct messages."
)


class Cancel(Arguments):
    """Which one."""

    meeting: Annotated[Words, Field(description="Its name: M-12. Ask if it is not clear which.")]


async def _look(args: Cancel, asking: Asking) -> tuple[Here, Meeting]:
    async with refusing(asking):
        here = await admitted(asking)
        meeting = await theirs(here, asking, args.meeting)
    if meeting.organizer != asking.person.id:
        raise ToolRefused(ONLY_ORGANIZERS)
    return here, meeting


async def _cancel(_: Cancel, asking: Asking) -> dict[str, Any]:
    assert asking.transaction
    here, meeting = asking.known
    async with refusing(asking):
        ended = await here.scheduling.register.cancel(asking.transaction, here.by, meeting.number, meeting.version)
    return {"meeting": ended.name, "title": ended.wish.title, "state": ended.state}


cancel_meeting = Tool(
    name="cancel_meeting",
    description=(
        "Cancel a meeting that the asker organizes (a whole series), or give up one that is being arranged. Everybody is told at once: "
        "only when the asker has clearly asked for it, and for that meeting."
    ),
    arguments=Cancel,
    before=_look,
    run=_cancel,
    doing="is cancelling a meeting…",
    effect=True,
    seconds=60.0,
)
