"""Messages, their edits and deletions: parsed, stored, acked."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from weakref import WeakValueDictionary

import structlog
from slack_bolt.context.async_context import AsyncBoltContext

from bot import buttons, metrics
from bot.control import Control, Said
from bot.models import Message, ThreadKey
from bot.mrkdwn import addresses_other, says_stop
from bot.queue import Queue
from bot.slack import Slack
from handlers.notes import NOT_YOURS, WITHDRAWN, tell
from handlers.parse import MALFORMED, Deleted, Edited, Ignored, parse

log = structlog.get_logger()

EDITED = "You edited a question that I have taken up already."


class Messages:
    """Listeners that put messages into the queue."""

    def __init__(self, queue: Queue, control: Control, slack: Slack) -> None:
        self._queue, self._control, self._slack = queue, control, slack
        self._turnstiles: WeakValueDictionary[ThreadKey, asyncio.Lock] = WeakValueDictionary()

    async def heard(self, body: Mapping[str, Any], context: AsyncBoltContext) -> None:
        """A mention or a message event. Raises when it could not be stored, so that Slack delivers it again."""
        me = context.bot_user_id or ""
        parsed = parse(body, me)
        match parsed:
            case Message() | Edited() | Deleted():
                async with (
                    self._queue.storing(),
                    self._turnstiles.setdefault(parsed.thread, asyncio.Lock()),
                ):  # in the order of arrival
                    outcome = await self._store(parsed, me)
            case Ignored(why) if why == MALFORMED:
                outcome = "ignored"
                log.warning("event not understood", type=body["event"].get("type"), event_id=body.get("event_id"))
            case Ignored() | _:
                outcome = "ignored"
        metrics.events.labels(outcome).inc()

    async def _store(self, parsed: Message | Edited | Deleted, me: str) -> str:
        match parsed:
            case Message():
                outcome = await self._stopped(parsed) if says_stop(parsed.text, me) else ""
                outcome = outcome or await self._queue.put(parsed)
                log.debug("message", event_id=parsed.event_id, thread=str(parsed.thread), ts=parsed.ts, outcome=outcome)
                return outcome
            case Edited():
                return await self._edited(parsed, me)
            case Deleted():
                return await self._deleted(parsed)

    async def _stopped(self, said: Message) -> str:
        """Ends what is being answered in the thread; empty where there is nothing to stop, so that the word is a message like others."""
        how: Said = "mention" if said.by_mention else "follow-up"
        outcome, asker = await self._control.stop(said.thread, said.user, said.ts, event_id=said.event_id, said=how)
        if outcome == "idle" or (outcome == "not theirs" and not said.by_mention):
            return ""
        if outcome == "withdrawn":
            await tell(self._slack, said.thread, said.user, WITHDRAWN)
        elif outcome == "not theirs":
            await tell(self._slack, said.thread, said.user, NOT_YOURS.format(asker=asker))
        return "duplicate" if outcome == "duplicate" else "stopped"

    async def _edited(self, edited: Edited, me: str) -> str:
        """A message that waits gets the new text, or waits no more if it speaks to somebody else now; one that has been taken up can be answered again."""
        thread, ts = edited.thread, edited.ts
        if not edited.for_bot and addresses_other(edited.text, me):
            return "cancelled" if await self._queue.cancel(thread, ts, for_bot=False) == "changed" else "ignored"
        got = await self._queue.replace_text(thread, ts, edited.text, for_bot=edited.for_bot)
        if got == "changed":
            return "edited"
        author = await self._control.reword(thread, got, ts, edited.text) if got else ""
        if not author or author != edited.user:
            return "ignored"
        blocks = buttons.offer(EDITED, buttons.AGAIN, "Answer again", thread, got)
        await tell(self._slack, thread, edited.user, EDITED, blocks)
        return "edited"

    async def _deleted(self, deleted: Deleted) -> str:
        """A message that waits is forgotten; one that has been taken up takes its answer with it."""
        got = await self._queue.cancel(deleted.thread, deleted.ts, for_bot=deleted.for_bot)
        if got == "changed":
            return "cancelled"
        if got != deleted.ts or not deleted.user:  # its turn began with another's message, which stands
            return "ignored"
        wish, event_id = deleted.event_ts, deleted.event_id
        taken = await self._control.take_back(deleted.thread, deleted.ts, deleted.user, wish=wish, event_id=event_id)
        return "taken back" if taken else "ignored"

    async def not_ours(self, body: Mapping[str, Any]) -> None:
        """An event that the manifest does not ask for: acked, noted, nothing more."""
        log.info("event without a use", type=body["event"].get("type"))
        metrics.events.labels("ignored").inc()
