"""Who is an admin of the workspace: they give the assistant its knowledge, and may have any file forgotten."""

from __future__ import annotations

from bot.errors import SlackRefused
from bot.slack import Slack


async def is_admin(slack: Slack, user: str) -> bool:
    """Whether Slack has a person as admin or owner now. Asked anew each time: the right may have been taken. Raises where Slack does not answer."""
    try:
        told = (await slack.call("users.info", {"user": user}))["user"]
    except SlackRefused:  # nobody of this workspace
        return False
    mine = (await slack.identity()).team
    teams = (told.get("team_id"), *((told.get("enterprise_user") or {}).get("teams") or ()))
    if told.get("deleted") or told.get("is_stranger") or mine not in teams:  # an admin of another company is none here
        return False
    return any(told.get(word) is True for word in ("is_admin", "is_owner", "is_primary_owner"))
