"""The asker's next meetings."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field

from bot.errors import ToolRefused
from bot.meetings.values import Meeting, Span
from bot.models import utcnow
from bot.tools.meetings import PRIVATE, admitted, clock, refusing, stands_here, told
from bot.tools.tool import Arguments, Asking, Tool

MOST, MOST_LOOKED_AT = 30, 300  # occurrences: what was arranged elsewhere is not shown in a channel


class ListMeetings(Arguments):
    """Which ones."""

    days: Annotated[int, Field(ge=1, le=180, description="How many days from now; 14 unless they say otherwise.")]


async def _list(args: ListMeetings, asking: Asking) -> dict[str, Any]:
    async with refusing(asking):
        here = await admitted(asking)
        if not here.told:
            raise ToolRefused(PRIVATE)
        register, zone = here.scheduling.register, str(asking.person.zone)
        async with asking.database.read() as tx:
            found = await register.upcoming(tx, here.by, utcnow() + timedelta(days=args.days), most=MOST_LOOKED_AT)
            drafts = await register.drafts(tx, here.by)
    booked = [_line(span, meeting, zone) for span, meeting in found if stands_here(meeting, asking)]
    open_ = [told(meeting, zone) for meeting in drafts if stands_here(meeting, asking)]
    result: dict[str, Any] = {"meetings": booked, "time_zone": zone, "days": args.days}
    result |= {"being_arranged": open_} if open_ else {}
    if len(booked) > MOST:
        result |= {"meetings": booked[:MOST], "more": f"Only the next {MOST} are shown here: there are more."}
    return result if asking.thread.is_dm else result | {"note": "Only what was arranged in this channel."}


def _line(span: Span, meeting: Meeting, zone: str) -> dict[str, Any]:
    """One occurrence."""
    return told(meeting, zone) | {"when": clock(span.start, zone)}


list_meetings = Tool(
    name="list_meetings",
    description=(
        "The asker's next meetings that were booked through the assistant, and those still being arranged, with their names (M-12). In a channel only "
        "those arranged there."
    ),
    arguments=ListMeetings,
    run=_list,
    doing="is looking through your meetings…",
)
