"""Listener of the Home tab."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from redis.exceptions import RedisError
from slack_bolt.context.async_context import AsyncBoltContext

from bot import metrics
from bot.acts import noted
from bot.errors import AssistError
from bot.home import Tab
from bot.queue import Queue
from bot.slack import Slack
from handlers.parse import HomeOpened, parse

log = structlog.get_logger()

LOOKS = ("meet.home", "expense.home")  # acts, one for each section


class Home:
    """Shows the tab at once, with what was last known of the person's expenses and meetings; a worker looks whether that is still so."""

    def __init__(self, tab: Tab, queue: Queue, slack: Slack) -> None:
        self._tab, self._queue, self._slack = tab, queue, slack

    async def opened(self, body: Mapping[str, Any], context: AsyncBoltContext) -> None:
        """Shows the Home tab. It may be shown twice; that it cannot be shown is no reason to have the event again."""
        parsed = parse(body, context.bot_user_id or "")
        metrics.events.labels("home" if isinstance(parsed, HomeOpened) else "ignored").inc()
        if isinstance(parsed, HomeOpened):
            user = parsed.user
            await self._tab.show(user, await self._tab.knowledge(user), await self._tab.sections(user))
            await self._note(user, parsed.event_id)

    async def _note(self, user: str, event_id: str) -> None:
        try:
            team = (await self._slack.identity()).team
            for do in LOOKS:
                await self._queue.put(noted(team, user, do, {}, event_id=f"{event_id}-{do}"))
        except (AssistError, RedisError) as error:
            log.warning("home not noted", person=user, error=type(error).__name__)
