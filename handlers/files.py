"""What Slack tells of files and of places with files: noted as duties, which a worker does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from slack_bolt.context.async_context import AsyncBoltContext

from bot import metrics
from bot.duties import Duties
from handlers.parse import MALFORMED, FileDeleted, Ignored, JoinedChannel, LeftChannel, parse

log = structlog.get_logger()


class Files:
    """Listener of deleted files, and of the bot's coming and going. `left_hours`: how long a channel's files outlive the bot's place in it."""

    def __init__(self, duties: Duties, left_hours: int) -> None:
        self._duties, self._left_seconds = duties, left_hours * 3600.0

    async def heard(self, body: Mapping[str, Any], context: AsyncBoltContext) -> None:
        """One such event. Raises when it could not be noted, so that Slack delivers it again."""
        outcome = "noted"
        match parse(body, context.bot_user_id or ""):
            case FileDeleted(file):
                await self._duties.add(f"deleted:{file}")
            case LeftChannel(channel):
                await self._duties.add_new(f"left:{channel}", self._left_seconds)
            case JoinedChannel(channel):
                await self._duties.drop(f"left:{channel}")
            case Ignored(why) if why == MALFORMED:
                outcome = "ignored"
                log.warning("event not understood", type=body["event"].get("type"), event_id=body.get("event_id"))
            case _:
                outcome = "ignored"
        metrics.events.labels(outcome).inc()
