"""Buttons of answers: stop, answer again, cancel. Stored, acked, and a word where it is not done."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import structlog
from slack_bolt.async_app import AsyncAck, AsyncRespond

from bot import metrics
from bot.control import Control
from bot.queue import Queue
from bot.slack import Slack
from handlers.notes import NOT_YOURS, NOTE_SECONDS, WITHDRAWN, tell
from handlers.parse import AgainPressed, CancelPressed, StopPressed, parse, parse_press

log = structlog.get_logger()

NOTHING_RUNS = "There is nothing to stop here any more."
NOT_YOUR_QUESTION = "Only who asked can have this answered again: it is done with their rights."
TOO_OLD = "This is on its way already, or too old to be answered again. Please ask anew."
AGAIN = "I am answering it again."
CANCELLED = "Cancelled: I will not answer that message."
TOO_LATE = "I have begun to answer it already. Say *stop* to end that."


class Presses:
    """Listeners of the buttons. Only who asked may press them; others get a word that only they see."""

    def __init__(self, queue: Queue, control: Control, slack: Slack) -> None:
        self._queue, self._control, self._slack = queue, control, slack

    async def session_stopped(self, body: Mapping[str, Any]) -> None:
        """Slack's own stop button."""
        parsed = parse(body, "")
        if isinstance(parsed, StopPressed):
            await self._stop(parsed, str(body.get("event_id")))

    async def stop(self, body: Mapping[str, Any], ack: AsyncAck) -> None:
        """The Stop button of an answer that grows."""
        parsed = parse_press(body)
        if isinstance(parsed, StopPressed):
            await self._stop(parsed, f"{parsed.ts}-{parsed.user}")
        await ack()

    async def again(self, body: Mapping[str, Any], ack: AsyncAck, respond: AsyncRespond) -> None:
        """Regenerate below an answer, or "Answer again" in the note about an edited question."""
        parsed = parse_press(body)
        if isinstance(parsed, AgainPressed):
            asked = await self._control.asked(parsed.thread, parsed.first)
            if asked and asked[-1].user != parsed.user:
                word = NOT_YOUR_QUESTION
            else:
                word = AGAIN if await self._control.again(parsed.thread, parsed.first, parsed.ts) else TOO_OLD
            metrics.events.labels("again" if word is AGAIN else "ignored").inc()
            if _is_note(body):
                await _replace(respond, word)
            elif word is not AGAIN:
                await tell(self._slack, parsed.thread, parsed.user, word)
        await ack()

    async def cancel(self, body: Mapping[str, Any], ack: AsyncAck, respond: AsyncRespond) -> None:
        """Cancel in the note to somebody whose message waits."""
        parsed = parse_press(body)
        if isinstance(parsed, CancelPressed):
            message = await self._control.waiting(parsed.thread, parsed.message)
            theirs = message is not None and message.user == parsed.user
            done = theirs and await self._queue.cancel(parsed.thread, parsed.message) == "changed"
            metrics.events.labels("cancelled" if done else "ignored").inc()
            await _replace(respond, CANCELLED if done else TOO_LATE)
        await ack()

    async def _stop(self, pressed: StopPressed, event_id: str) -> None:
        outcome, asker = await self._control.stop(
            pressed.thread, pressed.user, pressed.ts, event_id=event_id, first=pressed.first
        )
        metrics.events.labels("stopped" if outcome in ("stopped", "withdrawn") else "ignored").inc()
        if outcome in ("idle", "withdrawn", "not theirs"):
            word = {"idle": NOTHING_RUNS, "withdrawn": WITHDRAWN}.get(outcome, NOT_YOURS.format(asker=asker))
            await tell(self._slack, pressed.thread, pressed.user, word)


def _is_note(body: Mapping[str, Any]) -> bool:
    """Whether the button stands in a message that only one person sees."""
    return bool((body.get("container") or {}).get("is_ephemeral"))


async def _replace(respond: AsyncRespond, word: str) -> None:
    """Says what came of it where the button was."""
    try:
        async with asyncio.timeout(NOTE_SECONDS):
            await respond(text=word, replace_original=True)
    except Exception as error:  # whatever the web client raises: what was asked for is done
        log.warning("note not replaced", error=type(error).__name__)
