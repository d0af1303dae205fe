"""The Home tab: what the assistant is for, on one screen; and for admins the knowledge that they gave it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import structlog
from redis.exceptions import RedisError
from slack_bolt.context.async_context import AsyncBoltContext

from bot import buttons, metrics
from bot.admins import is_admin
from bot.errors import AssistError
from bot.files import shelf
from bot.files.shelf import Shelf, Shelved
from bot.mrkdwn import escaped
from bot.slack import Slack
from handlers.notes import NOTE_SECONDS
from handlers.parse import HomeOpened, parse

log = structlog.get_logger()

LINES = (
    "*Ask me* — mention me in a channel, and I answer in a thread. There I remember what was said; you need not mention me again.",
    "*Write to me directly* — the Messages tab is one running conversation between the two of us.",
    "*Ask me about Slack* — “What did Ana decide in this thread?” I read what you may read, and link to each message. What is private I tell only there, or in a direct message.",
    "*Share files* — documents, tables, pictures, recordings. Ask about them; I name my sources. “Forget report.pdf” makes me forget one.",
    "*Ask me to remember* — “Remember that I prefer morning meetings.” Later: “What do you remember?” What you say here stays here.",
)
KNOWLEDGE = "Files that I may answer from everywhere. Only admins see this list."
SHOWN = 20
VISIBLE = {"workspace": "for members of this workspace", "everyone": "for everyone, also guests and other companies"}


def view(knowledge: Shelf | None = None) -> dict[str, Any]:
    """The Home tab; with the list of the assistant's knowledge for those who may change it. Pure."""
    blocks: list[dict[str, Any]] = [{"type": "header", "text": _plain("CorporateAssist")}, *map(_section, LINES)]
    if knowledge is not None:
        blocks += [{"type": "divider"}, {"type": "header", "text": _plain("Knowledge")}, _section(KNOWLEDGE)]
        blocks += map(_shelved, knowledge.files[:SHOWN])
        more = knowledge.count - len(knowledge.files[:SHOWN])
        if more > 0:
            blocks.append(_section(f"… and {more} more. `assist knowledge list` shows all of them."))
        add = {"type": "button", "action_id": buttons.ADD_KNOWLEDGE, "text": _plain("Add files")}
        blocks.append({"type": "actions", "elements": [add]})
    return {"type": "home", "blocks": blocks}


def _shelved(file: Shelved) -> dict[str, Any]:
    name = escaped(file.name[:200])
    shown = _section(f"*{name}*\n{VISIBLE.get(file.visibility, file.visibility)}")
    confirm = {
        "title": _plain("Remove this file?"),
        "text": _plain(f"I will not answer from {file.name[:200]} any more. A file in Slack stays there."),
        "confirm": _plain("Remove"),
        "deny": _plain("Keep"),
    }
    button = {"type": "button", "action_id": buttons.REMOVE_KNOWLEDGE, "text": _plain("Remove"), "value": file.id}
    return shown | {"accessory": button | {"style": "danger", "confirm": confirm}}


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


class Home:
    """Listener of the Home tab. It may be shown twice, so it needs no queue."""

    def __init__(self, slack: Slack, redis: Any) -> None:
        self._slack, self._redis = slack, redis

    async def opened(self, body: Mapping[str, Any], context: AsyncBoltContext) -> None:
        """Shows the Home tab. That Slack refuses it is no reason to have the event again."""
        parsed = parse(body, context.bot_user_id or "")
        metrics.events.labels("home" if isinstance(parsed, HomeOpened) else "ignored").inc()
        if isinstance(parsed, HomeOpened):
            await self.show(parsed.user, await self.knowledge(parsed.user))

    async def knowledge(self, user: str) -> Shelf | None:
        """The list for an admin; none for others, and where it cannot be told in time who is one."""
        try:
            async with asyncio.timeout(NOTE_SECONDS):
                if not await is_admin(self._slack, user):
                    return None
                return await shelf.read(self._redis, (await self._slack.identity()).team)
        except (AssistError, RedisError, TimeoutError) as error:
            log.warning("knowledge not shown", person=user, error=type(error).__name__)
            return None

    async def show(self, user: str, knowledge: Shelf | None) -> None:
        """Shows somebody their Home tab, or notes why not."""
        try:
            await self._slack.publish_home(user, view(knowledge))
        except AssistError as error:
            log.warning("home not shown", person=user, error=str(error))
