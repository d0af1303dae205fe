"""The assistant's knowledge in the Home tab: an admin adds files and removes them. Who presses is looked at each time: a button may be old."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import structlog
from redis.exceptions import RedisError
from slack_bolt.async_app import AsyncAck

from bot import buttons, metrics
from bot.admins import is_admin
from bot.duties import Duties
from bot.errors import AssistError
from bot.files.shelf import Shelf
from bot.home import VISIBLE, Tab
from bot.slack import Slack
from handlers.notes import NOTE_SECONDS, PRESS_SECONDS
from handlers.parse import KnowledgeGiven, KnowledgePressed, parse_knowledge, parse_knowledge_press

log = structlog.get_logger()

MOST_FILES = 10
ONLY_ADMINS = "Only admins of this workspace can change what I know. Please ask one of them."
NO_FILES = "Please add at least one file."
TRY_AGAIN = "I could not note that just now. Please try again in a moment."


def modal() -> dict[str, Any]:
    """The form for new files. Pure."""
    options = [{"text": _plain(words[:75]), "value": value} for value, words in VISIBLE.items()]
    files = {"type": "file_input", "action_id": buttons.GIVEN_FILES, "max_files": MOST_FILES}
    who = {
        "type": "static_select",
        "action_id": buttons.GIVEN_TO,
        "options": options,
        "initial_option": options[0],
    }
    return {
        "type": "modal",
        "callback_id": buttons.GIVE_KNOWLEDGE,
        "title": _plain("Add knowledge"),
        "submit": _plain("Add"),
        "close": _plain("Cancel"),
        "blocks": [
            {"type": "input", "block_id": buttons.GIVEN_FILES, "label": _plain("Files"), "element": files},
            {"type": "input", "block_id": buttons.GIVEN_TO, "label": _plain("Who they are for"), "element": who},
        ],
    }


def _refusal() -> dict[str, Any]:
    section = {"type": "section", "text": {"type": "mrkdwn", "text": ONLY_ADMINS}}
    return {"type": "modal", "title": _plain("For admins only"), "close": _plain("Close"), "blocks": [section]}


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


class Knowledge:
    """Listeners of the buttons and of the form."""

    def __init__(self, slack: Slack, duties: Duties, home: Tab) -> None:
        self._slack, self._duties, self._home = slack, duties, home

    async def pressed(self, body: Mapping[str, Any], ack: AsyncAck) -> None:
        """Opens the form for new files, or has a file forgotten."""
        press = parse_knowledge_press(body)
        done = False
        if isinstance(press, KnowledgePressed):
            try:
                async with asyncio.timeout(PRESS_SECONDS):  # a trigger lives three seconds
                    done = await self._do(press)
            except (AssistError, TimeoutError) as error:
                log.warning("press not answered", person=press.user, error=type(error).__name__)
        metrics.events.labels("noted" if done else "ignored").inc()
        await ack()

    async def _do(self, press: KnowledgePressed) -> bool:
        allowed = await is_admin(self._slack, press.user)
        if not allowed or not press.remove:
            await self._slack.call(
                "views.open", {"trigger_id": press.trigger, "view": modal() if allowed else _refusal()}
            )
            if not allowed:
                await self._show(press.user, None)
            return allowed
        await self._duties.add(f"remove:{press.remove}")
        there = await self._home.knowledge(press.user)
        if there is not None:  # without the file, which a worker forgets in a moment
            left = tuple(f for f in there.files if f.id != press.remove)
            await self._show(press.user, replace(there, files=left, count=there.count - len(there.files) + len(left)))
        return True

    async def _show(self, user: str, knowledge: Shelf | None) -> None:
        await self._home.show(user, knowledge, await self._home.sections(user))

    async def given(self, body: Mapping[str, Any], ack: AsyncAck) -> None:
        """Notes submitted files for a worker; what becomes of each one is told in a direct message."""
        given = parse_knowledge(body)
        wrong = await self._note(given) if isinstance(given, KnowledgeGiven) else NO_FILES
        metrics.events.labels("ignored" if wrong else "noted").inc()
        if wrong:
            await ack(response_action="errors", errors={buttons.GIVEN_FILES: wrong})
        else:
            await ack()

    async def _note(self, given: KnowledgeGiven) -> str:
        """Empty, or what is wrong."""
        try:
            async with asyncio.timeout(NOTE_SECONDS):
                if not await is_admin(self._slack, given.user):
                    return ONLY_ADMINS
                if not given.files or given.visibility not in VISIBLE:
                    return NO_FILES
                for file in given.files[:MOST_FILES]:
                    await self._duties.add(f"take:{file.id}|{given.visibility}|{given.user}")
        except (AssistError, RedisError, TimeoutError) as error:
            log.warning("knowledge not noted", person=given.user, error=type(error).__name__)
            return TRY_AGAIN
        return ""
