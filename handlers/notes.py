"""A word that one person sees, about what they wanted of an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from bot.buttons import Block
from bot.errors import AssistError
from bot.models import ThreadKey
from bot.slack import Slack

log = structlog.get_logger()

NOTE_SECONDS = 1.5  # an event has to be acked within three
PRESS_SECONDS = 2.0  # a press and a command too, and there may be a last word to say
WITHDRAWN = "I had not begun yet: what you had asked here is withdrawn."
NOT_YOURS = "Only <@{asker}> can stop that answer, or who began the thread."


async def tell(slack: Slack, thread: ThreadKey, user: str, text: str, blocks: Sequence[Block] = ()) -> None:
    """Shows it where it was asked. That Slack refuses it, or is slow, is no reason to have the event again."""
    try:
        async with asyncio.timeout(NOTE_SECONDS):
            await slack.whisper(thread.channel, user, thread.thread_ts, text, blocks)
    except (AssistError, TimeoutError) as error:
        log.warning("note not shown", thread=str(thread), person=user, error=type(error).__name__)
