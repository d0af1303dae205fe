"""The time where the asker is."""

from __future__ import annotations

from bot.errors import ToolRefused
from bot.models import utcnow
from bot.tools.tool import Arguments, Asking, Tool


class CurrentTime(Arguments):
    """No arguments: the zone is the asker's, known from Slack."""


async def _current_time(_: CurrentTime, asking: Asking) -> dict[str, str]:
    if not asking.person.tz:
        raise ToolRefused(
            f"The asker's time zone is not known. In UTC it is {utcnow():%A %Y-%m-%d %H:%M}: say that it is UTC."
        )
    now = utcnow().astimezone(asking.person.zone)
    return {"time": now.isoformat(timespec="minutes"), "weekday": f"{now:%A}", "time_zone": asking.person.tz}


current_time = Tool(
    name="current_time",
    description="The current date and time in the asker's own time zone.",
    arguments=CurrentTime,
    run=_current_time,
    doing="is looking at the clock…",
)
