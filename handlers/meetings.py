"""Buttons, forms and the command of meetings: noted as acts, which a worker does. A form is opened here, and filled there."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import structlog
from slack_bolt.async_app import AsyncAck

from bot import modals
from bot.meetings.face import buttons, entered
from bot.meetings.face.commands import read_command
from bot.queue import Queue
from bot.slack import Slack
from handlers.acting import AWAY, IN_DM, ODD, TRY_AGAIN, Acting, count
from handlers.notes import NOTE_SECONDS, PRESS_SECONDS
from handlers.parse import Ignored
from handlers.parse_acts import BROKEN, Commanded, Submitted, parse_command, parse_form
from handlers.parse_meetings import MeetingPressed, parse_meeting_press

log = structlog.get_logger()

MEMBERS_ONLY = (
    "Meetings are arranged by people of this workspace. Please ask one of them, or answer in your own calendar."
)
TITLES = {
    buttons.NEW: "New meeting",
    buttons.CHANGE: "Change",
    buttons.MOVE: "Reschedule",
    buttons.HOURS: "My working hours",
}


class Meetings:
    """Listeners of what people do with meetings. Whose they are is looked at by the worker, each time."""

    def __init__(self, queue: Queue, slack: Slack) -> None:
        self._acting = Acting(queue, slack, "Meeting")

    async def pressed(self, body: Mapping[str, Any], ack: AsyncAck) -> None:
        """A button that is done at once, or one that opens a form."""
        press = parse_meeting_press(body)
        done = False
        if isinstance(press, MeetingPressed):
            try:
                async with asyncio.timeout(PRESS_SECONDS):  # a trigger lives three seconds
                    done = await self._do(press)
            except AWAY as error:
                log.warning("press not noted", person=press.who.user, action=press.action, error=type(error).__name__)
                await self._acting.tell(press.who, TRY_AGAIN)
        else:
            log.info("press ignored", why=press.why)
        count(noted=done)
        await ack()

    async def _do(self, press: MeetingPressed) -> bool:
        who, about = press.who, press.about
        if not await self._acting.is_member(who):
            await self._acting.refuse(who, MEMBERS_ONLY)
            return False
        if press.action in buttons.FORMS:
            args: dict[str, Any] = {"number": about.number} if about else {}
            title = " ".join(filter(None, [TITLES[press.action], about.name if about else ""]))
            await self._acting.fill(buttons.FORMS[press.action], args, who, press.ts, title=title)
        elif about:
            args = dict(buttons.arguments(press.action, about))
            if press.channel:  # a refusal is said there, to them alone
                args |= {"channel": press.channel, "thread": press.thread}
            await self._acting.note(who, buttons.DONE_AT_ONCE[press.action], args, press.ts)
        return True

    async def submitted(self, body: Mapping[str, Any], ack: AsyncAck) -> None:
        """A form: what is wrong in it is shown there, else it closes and is noted."""
        form = parse_form(body)
        wrong = {"": ODD} if isinstance(form, Ignored) else await self._take(form)
        count(noted=not wrong)
        if not wrong:
            await ack()
        elif "" in wrong:  # nothing that stands at one field
            await ack(response_action="update", view=modals.trouble(wrong[""], "Meeting"))
        else:
            await ack(response_action="errors", errors=wrong)

    async def _take(self, form: Submitted) -> dict[str, str]:
        """Notes what a form asks for; gives back what is wrong, by field."""
        try:
            async with asyncio.timeout(NOTE_SECONDS):
                if not await self._acting.is_member(form.who):
                    return {"": MEMBERS_ONLY}
                do, args, wrong = _asked(form)
                if not wrong:
                    await self._acting.note(form.who, do, args, event_id=form.id)
                return wrong
        except BROKEN:
            log.warning("form not understood", person=form.who.user, form=form.form)
            return {"": ODD}
        except AWAY as error:
            log.warning("form not noted", person=form.who.user, form=form.form, error=type(error).__name__)
            return {next(iter(form.values), ""): TRY_AGAIN}  # it stays open, with all that was entered

    async def commanded(self, body: Mapping[str, Any], ack: AsyncAck) -> None:
        """`/meet …`."""
        command = parse_command(body)
        word = TRY_AGAIN
        if isinstance(command, Commanded):
            try:
                async with asyncio.timeout(PRESS_SECONDS):
                    word = await self._answer(command)
            except AWAY as error:
                log.warning("command not noted", person=command.who.user, error=type(error).__name__)
        count(noted=word in ("", IN_DM))
        await (ack(text=word) if word else ack())

    async def _answer(self, command: Commanded) -> str:
        """Does what is wanted, and gives the word that only they see."""
        who = command.who
        if not await self._acting.is_member(who):
            return MEMBERS_ONLY
        wanted = read_command(command.text)
        if wanted.do == "say":
            return wanted.say
        if wanted.do == "form":
            await self._acting.fill("meet.new_form", {}, who, title=TITLES[buttons.NEW])
            return ""
        args = {"text": command.text, "channel": command.channel}
        where = await self._acting.where(command)  # first: what is noted must not be called not noted
        await self._acting.note(who, "meet.command", args, event_id=who.trigger)
        return where


def _asked(form: Submitted) -> tuple[str, dict[str, Any], dict[str, str]]:
    """The act's name and arguments, and what is wrong. Raises BROKEN for what is no form of ours."""
    values, now = dict(form.values), datetime.now(UTC)
    if form.form == buttons.HOURS_FORM:
        return "meet.hours", {"values": values}, entered.read_hours_form(values)[1]
    kept = {name: form.carried[name] for name in ("zone", "hours", "date", "time")}
    if form.form == buttons.NEW_FORM:
        return "meet.new", {"values": values, "kept": kept}, entered.read_form(values, kept, now)[1]
    about = {"number": form.number("number"), "version": form.number("version")}
    kept["sequence"] = int(form.carried["sequence"])
    move = form.form == buttons.MOVE_FORM
    if move:
        kept["minutes"] = form.carried["minutes"]
    wrong = entered.read_form(values, kept, now, move=move)[1]
    return "meet.change", {**about, "values": values, "kept": kept}, wrong
