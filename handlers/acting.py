"""What the listeners of buttons, forms and a command have in common: an act noted for a worker, a form opened in time, a word where nothing comes of it."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Generic, Protocol, TypeVar

import structlog
from redis.exceptions import RedisError
from slack_bolt.async_app import AsyncAck

from bot import metrics, modals
from bot.acts import noted
from bot.errors import AssistError
from bot.modals import View
from bot.queue import Queue
from bot.slack import Slack
from handlers.notes import NOTE_SECONDS, PRESS_SECONDS
from handlers.parse import Ignored
from handlers.parse_acts import BROKEN, Commanded, Submitted, Who, parse_command, parse_form

log = structlog.get_logger()

TRY_AGAIN = "I could not note that just now. Please try again in a moment."
IN_DM = "I am putting it into our direct messages."
ODD = "I could not read that. Please close this and open it again from the card."
AWAY = (AssistError, RedisError, TimeoutError)


Asked = tuple[str, dict[str, Any], dict[str, str]]  # an act's name and arguments; what is wrong, by field of a form


class Pressed(Protocol):
    """A button that was pressed."""

    @property
    def who(self) -> Who:
        """By whom."""

    @property
    def action(self) -> str:
        """Which."""


Press = TypeVar("Press", bound=Pressed)


class Acting(ABC, Generic[Press]):
    """Listeners of what people do in one of the business jobs. Whose it is that they do it to is looked at by the worker, each time.

    `about` is the title of what is opened ("Expense"); `members_only` what people of other workspaces are told, who press in shared channels.
    """

    about: str
    members_only: str

    def __init__(self, queue: Queue, slack: Slack) -> None:
        self._queue, self.slack = queue, slack

    @abstractmethod
    def parse(self, body: Mapping[str, Any]) -> Press | Ignored:
        """A press."""

    @abstractmethod
    async def do(self, press: Press) -> None:
        """Notes what a press asks for, or opens its form. Raises what AWAY names."""

    @abstractmethod
    async def asked(self, form: Submitted) -> Asked:
        """What a form asks for. Raises what BROKEN names for what is no form of ours, and what AWAY names."""

    @abstractmethod
    async def answer(self, command: Commanded) -> str:
        """Does what a command asks for, and gives the word that only they see. Raises what AWAY names."""

    # -- listeners ---------------------------------------------------------------------------------------------------------

    async def pressed(self, body: Mapping[str, Any], ack: AsyncAck) -> None:
        """A button that is done at once, or one that opens a form."""
        press = self.parse(body)
        done = False
        if isinstance(press, Ignored):
            log.info("press ignored", why=press.why)
        else:
            try:
                async with asyncio.timeout(PRESS_SECONDS):  # a trigger lives three seconds
                    done = await self._is_member(press.who)
                    await (
                        self.do(press) if done else self.open(press.who, modals.trouble(self.members_only, self.about))
                    )
            except AWAY as error:
                done = False
                log.warning("press not noted", person=press.who.user, action=press.action, error=type(error).__name__)
                await self._tell(press.who, TRY_AGAIN)
        _count(noted=done)
        await ack()

    async def submitted(self, body: Mapping[str, Any], ack: AsyncAck) -> None:
        """A form: what is wrong in it is shown there, else it closes and is noted."""
        form = parse_form(body)
        wrong = {"": ODD} if isinstance(form, Ignored) else await self._take(form)
        _count(noted=not wrong)
        if not wrong:
            await ack()
        elif "" in wrong:  # nothing that stands at one field
            await ack(response_action="update", view=modals.trouble(wrong[""], self.about))
        else:
            await ack(response_action="errors", errors=wrong)

    async def _take(self, form: Submitted) -> dict[str, str]:
        """Notes what a form asks for; gives back what is wrong, by field."""
        try:
            async with asyncio.timeout(NOTE_SECONDS):
                if not await self._is_member(form.who):
                    return {"": self.members_only}
                do, args, wrong = await self.asked(form)
                if not wrong:
                    await self.note(form.who, do, args, event_id=form.id)
                return wrong
        except AWAY as error:
            log.warning("form not noted", person=form.who.user, form=form.form, error=type(error).__name__)
            return {next(iter(form.values), ""): TRY_AGAIN}  # it stays open, with all that was entered
        except BROKEN:
            log.warning("form not understood", person=form.who.user, form=form.form)
            return {"": ODD}

    async def commanded(self, body: Mapping[str, Any], ack: AsyncAck) -> None:
        """The slash command."""
        command = parse_command(body)
        word = TRY_AGAIN
        if isinstance(command, Commanded):
            try:
                async with asyncio.timeout(PRESS_SECONDS):
                    member = await self._is_member(command.who)
                    word = await self.answer(command) if member else self.members_only
            except AWAY as error:
                log.warning("command not noted", person=command.who.user, error=type(error).__name__)
        _count(noted=word in ("", IN_DM))
        await (ack(text=word) if word else ack())

    # -- what they are made of -----------------------------------------------------------------------------------------------

    async def _is_member(self, who: Who) -> bool:
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

    async def _tell(self, who: Who, text: str) -> None:
        """Says why nothing came of a press. Its trigger may have been used, or be too old: then Slack's own sign has to do."""
        try:
            async with asyncio.timeout(NOTE_SECONDS / 3):
                await self.open(who, modals.trouble(text, self.about))
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


def _count(*, noted: bool) -> None:
    """For the metrics."""
    metrics.events.labels("noted" if noted else "ignored").inc()
