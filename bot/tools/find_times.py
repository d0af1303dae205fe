"""Looks for times that suit everybody, and offers them on a card. Nothing is booked."""

from __future__ import annotations

from typing import Any

from bot.tools.meeting_request import TIME_RULE, Meet
from bot.tools.meetings import Ready, arrange, written
from bot.tools.tool import Asking, Tool


async def _look(args: Meet, asking: Asking) -> Ready:
    return await arrange(args, asking, may_book=False)


async def _offer(_: Meet, asking: Asking) -> dict[str, Any]:
    return await written(asking)


find_times = Tool(
    name="find_times",
    description=(
        f"Find times for a meeting of the asker with others (“when could we meet?”); a card offers them, nothing is booked. {TIME_RULE}"
    ),
    arguments=Meet,
    before=_look,
    run=_offer,
    doing="is looking for a time…",
    effect=True,
    seconds=60.0,
)
