"""The Home tab: what the assistant is for, on one screen; for admins the knowledge that they gave it; one's expenses and meetings.

Shown by the web process, which hears that it is opened, and by a worker, which has the database. What a worker showed in its sections is kept in Redis.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from redis.exceptions import RedisError

from bot import buttons, keys
from bot.admins import is_admin
from bot.blocks import Block, actions, button, confirm, header, section, shown
from bot.errors import AssistError
from bot.files import shelf
from bot.files.shelf import Shelf, Shelved
from bot.slack import Slack

log = structlog.get_logger()

Sections = Mapping[str, Sequence[Block]]  # by name

LINES = (
    "*Ask me* — mention me in a channel, and I answer in a thread. There I remember what was said; you need not mention me again.",
    "*Write to me directly* — the Messages tab is one running conversation between the two of us.",
    "*Ask me about Slack* — “What did Ana decide in this thread?” I read what you may read, and link to each message. What is private I tell only there, or in a direct message.",
    "*Share files* — documents, tables, pictures, recordings. Ask about them; I name my sources. “Forget report.pdf” makes me forget one.",
    "*Ask me to remember* — “Remember that I prefer morning meetings.” Later: “What do you remember?” What you say here stays here.",
    "*Send me receipts* — a photo, a PDF or “taxi 18.40 yesterday”, in a direct message. I make expenses and reports of them, and bring those to who approves.",
    "*Have me arrange meetings* — `/meet team sync next Tuesday 2pm with @ana`, or just tell me. I look when everybody is free, and invite them.",
)
SECTIONS = ("meetings", "expenses")  # that workers make, in their order
KNOWLEDGE = "Files that I may answer from everywhere. Only admins see this list."
SHOWN = 20
VISIBLE = {"workspace": "for members of this workspace", "everyone": "for everyone, also guests and other companies"}
KNOWLEDGE_SECONDS = 1.5  # the event that the tab was opened has to be acked within three


def view(knowledge: Shelf | None = None, sections: Sections | None = None) -> dict[str, Any]:
    """The Home tab; with the list of the assistant's knowledge for those who may change it. Pure."""
    blocks: list[Block] = [header("CorporateAssist"), *map(section, LINES)]
    for name in SECTIONS:
        blocks += (sections or {}).get(name, ())
    if knowledge is not None:
        blocks += [{"type": "divider"}, header("Knowledge"), section(KNOWLEDGE)]
        blocks += map(_shelved, knowledge.files[:SHOWN])
        more = knowledge.count - len(knowledge.files[:SHOWN])
        if more > 0:
            blocks.append(section(f"… and {more} more. `assist knowledge list` shows all of them."))
        blocks.append(actions(button(buttons.ADD_KNOWLEDGE, "Add files")))
    return {"type": "home", "blocks": blocks}


def _shelved(file: Shelved) -> Block:
    text = f"I will not answer from {file.name[:200]} any more. A file in Slack stays there."
    sure = confirm("Remove this file?", text, "Remove", "Keep")
    remove = button(buttons.REMOVE_KNOWLEDGE, "Remove", file.id, style="danger", confirm=sure)
    return section(f"*{shown(file.name)}*\n{VISIBLE.get(file.visibility, file.visibility)}", remove)


class Tab:
    """Everybody's Home tab. Nothing here raises: a tab that is not shown is no reason to do anything again."""

    def __init__(self, slack: Slack, redis: Any) -> None:
        self._slack, self._redis = slack, redis

    async def knowledge(self, user: str) -> Shelf | None:
        """The list for an admin; none for others, and where it cannot be told in time who is one."""
        try:
            async with asyncio.timeout(KNOWLEDGE_SECONDS):
                if not await is_admin(self._slack, user):
                    return None
                return await shelf.read(self._redis, (await self._slack.identity()).team)
        except (AssistError, RedisError, TimeoutError) as error:
            log.warning("knowledge not shown", person=user, error=type(error).__name__)
            return None

    async def sections(self, user: str) -> dict[str, list[Block]]:
        """What was last shown to somebody, by section."""
        try:
            kept = json.loads(await self._redis.get(await self._key(user)) or "{}")
        except (AssistError, RedisError, ValueError) as error:
            log.warning("sections not shown", person=user, error=type(error).__name__)
            return {}
        named = kept if isinstance(kept, dict) else {}  # an older version kept those of expenses alone
        return {name: blocks for name, blocks in named.items() if isinstance(blocks, list)}

    async def put(self, user: str, name: str, blocks: list[Block]) -> None:
        """Shows somebody one section anew, where it differs, and notes it. One worker at a time does so for one person."""
        sections = await self.sections(user)
        if sections.get(name) == blocks:
            return
        sections[name] = blocks
        await self.show(user, await self.knowledge(user), sections)
        try:
            text = json.dumps(sections, ensure_ascii=False)
            await self._redis.set(await self._key(user), text, ex=keys.HOME_SECONDS)
        except (AssistError, RedisError) as error:
            log.warning("sections not kept", person=user, error=type(error).__name__)

    async def show(self, user: str, knowledge: Shelf | None, sections: Sections) -> None:
        """Shows somebody their Home tab, or notes why not."""
        try:
            await self._slack.publish_home(user, view(knowledge, sections))
        except AssistError as error:
            log.warning("home not shown", person=user, error=str(error))

    async def _key(self, user: str) -> str:
        return keys.home((await self._slack.identity()).team, user)
