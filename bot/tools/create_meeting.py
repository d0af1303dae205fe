"""Arranges a meeting: an explicit time that suits everybody is booked at once, else times are offered."""

from __future__ import annotations

from typing import Any

from bot.tools.meeting_request import TIME_RULE, Meet
from bot.tools.meetings import Ready, arrange, written
from bot.tools.tool import Asking, Tool


async def _look(args: Meet, asking: Asking) -> Ready:
    return await arrange(args, asking, may_book=True)


async def _create(_: Meet, asking: Asking) -> dict[str, Any]:
    return await written(asking)


create_meeting = Tool(
    name="create_meeting",
    description=(
        "Arrange a meeting of the asker with others (“schedule”, “book”). A named time at which everybody is free is booked at once; else its card asks which day "
        f"was meant, or offers times. It is booked only if the result's state says so. {TIME_RULE}"
    ),
    arguments=Meet,
    before=_look,
    run=_create,
    doing="is arranging a meeting…",
    effect=True,
    seconds=60.0,
)
