"""What buttons, forms and commands of all kinds need: an act noted for a worker, a form opened in time, a word where nothing comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import structlog
from redis.exceptions import RedisError

from bot import metrics, modals
from bot.acts import noted
from bot.errors import AssistError
from bot.modals import View
from bot.queue import Queue
from bot.slack import Slack
from handlers.notes import NOTE_SECONDS, PRESS_SECONDS
from handlers.parse_acts import Commanded, Who

log = structlog.get_logger()

TRY_AGAIN = "I could not note that just now. Please try again in a moment."
IN_DM = "I am putting it into our direct messages."
ODD = "I could not read that. Please close this and open it again from the card."
AWAY = (AssistError, RedisError, TimeoutError)


class Acting:
    """Notes what people do in a workspace. `about` is the title of what it opens: "Expense"."""

    def __init__(self, queue: Queue, slack: Slack, about: str) -> None:
        self._queue, self.slack, self.about = queue, slack, about

    async def is_member(self, who: Who) -> bool:
        """Whether they are of this workspace; in shared channels others press too."""
        return who.team == (await self.slack.identity()).team

    async def note(self, who: Who, do: str, args: Mapping[str, Any], ts: str = "", *, event_id: str = "") -> None:
        """Notes an act, once however often Slack tells of it. Raises what AWAY names."""
        message = noted(who.team, who.user, do, args, event_id=event_id or f"{ts or who.trigger}-{who.user}", ts=ts)
        async with self._queue.storing():
            outcome = await self._queue.put(message)
        log.debug("act", do=do, event_id=message.event_id, person=who.user, outcome=outcome)

    async def open(self, who: Who, view: View) -> Any:
        """Opens a modal."""
        return await self.slack.call("views.open", {"trigger_id": who.trigger, "view": view})

    async def refuse(self, who: Who, text: str) -> None:
        """Says in a modal why nothing comes of it. Raises what AWAY names."""
        await self.open(who, modals.trouble(text, self.about))

    async def fill(self, do: str, args: Mapping[str, Any], who: Who, ts: str = "", title: str = "") -> None:
        """Opens a form that says "one moment", and has a worker fill it in."""
        view = (await self.open(who, modals.loading(title or self.about)))["view"]["id"]
        try:
            async with asyncio.timeout(PRESS_SECONDS / 2):  # or the form would say "one moment" for ever
                await self.note(who, do, {**args, "view": view}, ts)
        except AWAY:
            sorry = modals.trouble(TRY_AGAIN, title or self.about)
            await self.slack.call("views.update", {"view_id": view, "view": sorry})
            raise

    async def tell(self, who: Who, text: str) -> None:
        """Says why nothing came of a press. Its trigger may have been used, or be too old: then Slack's own sign has to do."""
        try:
            async with asyncio.timeout(NOTE_SECONDS / 3):
                await self.refuse(who, text)
        except (AssistError, TimeoutError) as error:
            log.warning("word not shown", person=who.user, error=type(error).__name__)

    async def where(self, command: Commanded) -> str:
        """The word that says where a command's answer will stand: none where that is where it was written."""
        return "" if await self._is_our_dm(command.who.user, command.channel) else IN_DM

    async def _is_our_dm(self, user: str, channel: str) -> bool:
        """What was noted is not noted again because Slack does not tell."""
        if not channel.startswith("D"):
            return False
        try:
            async with asyncio.timeout(NOTE_SECONDS / 2):
                return await self.slack.open_dm(user) == channel
        except (AssistError, TimeoutError):
            return False


def count(*, noted: bool) -> None:
    """For the metrics."""
    metrics.events.labels("noted" if noted else "ignored").inc()
