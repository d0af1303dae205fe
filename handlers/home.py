"""The Home tab: what the assistant is for, on one screen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from slack_bolt.context.async_context import AsyncBoltContext

from bot import metrics
from bot.errors import AssistError
from bot.slack import Slack
from handlers.parse import HomeOpened, parse

log = structlog.get_logger()

LINES = (
    "*Ask me* — mention me in a channel, and I answer in a thread. There I remember what was said; you need not mention me again.",
    "*Write to me directly* — the Messages tab is one running conversation between the two of us.",
    "*Ask me to remember* — “Remember that I prefer morning meetings.” Later: “What do you remember?” What you say here stays here.",
)
VIEW: dict[str, Any] = {
    "type": "home",
    "blocks": [
        {"type": "header", "text": {"type": "plain_text", "text": "CorporateAssist"}},
        *({"type": "section", "text": {"type": "mrkdwn", "text": line}} for line in LINES),
    ],
}


class Home:
    """Listener of the Home tab. The view is the same for everybody and may be shown twice, so it needs no queue."""

    def __init__(self, slack: Slack) -> None:
        self._slack = slack

    async def opened(self, body: Mapping[str, Any], context: AsyncBoltContext) -> None:
        """Shows the Home tab. That Slack refuses it is no reason to have the event again."""
        parsed = parse(body, context.bot_user_id or "")
        metrics.events.labels("home" if isinstance(parsed, HomeOpened) else "ignored").inc()
        if isinstance(parsed, HomeOpened):
            try:
                await self._slack.publish_home(parsed.user, VIEW)
            except AssistError as error:
                log.warning("home not shown", person=parsed.user, error=str(error))
