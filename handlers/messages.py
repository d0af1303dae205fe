"""Messages, their edits and deletions: parsed, stored, acked."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from weakref import WeakValueDictionary

import structlog
from slack_bolt.context.async_context import AsyncBoltContext

from bot import metrics
from bot.models import Message, ThreadKey
from bot.queue import Queue
from handlers.parse import MALFORMED, Deleted, Edited, Ignored, parse

log = structlog.get_logger()


class Messages:
    """Listeners that put messages into the queue."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._turnstiles: WeakValueDictionary[ThreadKey, asyncio.Lock] = WeakValueDictionary()

    async def heard(self, body: Mapping[str, Any], context: AsyncBoltContext) -> None:
        """A mention or a message event. Raises when it could not be stored, so that Slack delivers it again."""
        parsed = parse(body, context.bot_user_id or "")
        match parsed:
            case Message() | Edited() | Deleted():
                async with (
                    self._queue.storing(),
                    self._turnstiles.setdefault(parsed.thread, asyncio.Lock()),
                ):  # in the order of arrival
                    outcome = await self._store(parsed)
            case Ignored(why) if why == MALFORMED:
                outcome = "ignored"
                log.warning("event not understood", type=body["event"].get("type"), event_id=body.get("event_id"))
            case Ignored() | _:
                outcome = "ignored"
        metrics.events.labels(outcome).inc()

    async def _store(self, parsed: Message | Edited | Deleted) -> str:
        match parsed:
            case Message():
                outcome = await self._queue.put(parsed)
                log.debug("message", event_id=parsed.event_id, thread=str(parsed.thread), ts=parsed.ts, outcome=outcome)
                return outcome
            case Edited(thread, ts, text, for_bot):
                return "edited" if await self._queue.replace_text(thread, ts, text, for_bot=for_bot) else "ignored"
            case Deleted(thread, ts, for_bot):
                return "cancelled" if await self._queue.cancel(thread, ts, for_bot=for_bot) else "ignored"

    async def not_ours(self, body: Mapping[str, Any]) -> None:
        """An event that the manifest does not ask for: acked, noted, nothing more."""
        log.info("event without a use", type=body["event"].get("type"))
        metrics.events.labels("ignored").inc()
