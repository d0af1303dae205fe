"""Buttons, forms and the command of expenses: noted as acts, which a worker does. A form that needs the database is opened here, and filled there."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import structlog
from slack_bolt.async_app import AsyncAck

from bot.expenses.face import buttons, forms
from bot.expenses.face.buttons import Subject
from bot.expenses.face.commands import USAGE, read_command
from bot.queue import Queue
from bot.slack import Slack
from handlers.acting import AWAY, IN_DM, ODD, TRY_AGAIN, Acting, count
from handlers.notes import NOTE_SECONDS, PRESS_SECONDS
from handlers.parse import Ignored, as_id
from handlers.parse_acts import Commanded, Submitted, parse_command, parse_form
from handlers.parse_expenses import ExpensePressed, parse_expense_press

log = structlog.get_logger()

MEMBERS_ONLY = "Expenses are for people of this workspace. Please hand yours in at your own company."
NO_REASON = "Please say why: it is what they have to go by."
NOT_BOTH = "Please choose somebody else."


class Expenses:
    """Listeners of what people do with expenses and reports. Whose they are is looked at by the worker, each time."""

    def __init__(self, queue: Queue, slack: Slack) -> None:
        self._acting = Acting(queue, slack, "Expense")

    # -- buttons -----------------------------------------------------------------------------------------------------------

    async def pressed(self, body: Mapping[str, Any], ack: AsyncAck) -> None:
        """A button that is done at once, or one that opens a form."""
        press = parse_expense_press(body)
        done = False
        if isinstance(press, ExpensePressed):
            try:
                async with asyncio.timeout(PRESS_SECONDS):  # a trigger lives three seconds
                    done = await self._do(press)
            except AWAY as error:
                log.warning("press not noted", person=press.who.user, action=press.action, error=type(error).__name__)
                await self._acting.tell(press.who, TRY_AGAIN)
        count(noted=done)
        await ack()

    async def _do(self, press: ExpensePressed) -> bool:
        who, about = press.who, press.about
        if not await self._acting.is_member(who):
            await self._acting.refuse(who, MEMBERS_ONLY)
            return False
        if about is None:
            await self._acting.fill("expense.new_form", {}, who, press.ts, title="New expense")
        elif press.action == buttons.EDIT:
            await self._acting.fill(
                "expense.edit_form", {"number": about.number}, who, press.ts, title=f"Edit {about.name}"
            )
        elif press.action in buttons.REASONS:
            await self._acting.open(who, forms.reason_form(press.action, about.name, about.number, about.version))
        elif press.action == buttons.HAND_OVER:
            await self._acting.open(who, forms.hand_over_form(about.name, about.number, about.version))
        else:
            await self._acting.note(who, buttons.DONE_AT_ONCE[press.action], _about(press.action, about), press.ts)
        return True

    # -- forms -------------------------------------------------------------------------------------------------------------

    async def submitted(self, body: Mapping[str, Any], ack: AsyncAck) -> None:
        """A form: what is wrong in it is shown there, else it closes and is noted."""
        form = parse_form(body)
        wrong = {"": ODD} if isinstance(form, Ignored) else await self._take(form)
        count(noted=not wrong)
        if not wrong:
            await ack()
        elif "" in wrong:  # nothing that stands at one field
            await ack(response_action="update", view=forms.trouble(wrong[""]))
        else:
            await ack(response_action="errors", errors=wrong)

    async def _take(self, form: Submitted) -> dict[str, str]:
        """Notes what a form asks for; gives back what is wrong, by field."""
        try:
            async with asyncio.timeout(NOTE_SECONDS):
                if not await self._acting.is_member(form.who):
                    return {"": MEMBERS_ONLY}
                do, args, wrong = self._asked(form, (await self._acting.slack.identity()).user)
                if not wrong:
                    await self._acting.note(form.who, do, args, event_id=form.id)
                return wrong
        except (KeyError, ValueError, TypeError, AttributeError):
            log.warning("form not understood", person=form.who.user, form=form.form)
            return {"": ODD}
        except AWAY as error:
            log.warning("form not noted", person=form.who.user, form=form.form, error=type(error).__name__)
            return {next(iter(form.values), ""): TRY_AGAIN}  # it stays open, with all that was entered

    def _asked(self, form: Submitted, me: str) -> tuple[str, dict[str, Any], dict[str, str]]:
        """The act's name and arguments, and what is wrong."""
        values = dict(form.values)
        if form.form == buttons.NEW_FORM:
            return "expense.new", {"values": values}, forms.read_form(values, {})[1]
        about = {"version": form.number("version")}
        if form.form == buttons.EXPENSE_FORM:
            wrong = forms.read_form(values, form.carried["kept"])[1]
            return "expense.edit", {**about, "number": form.number("number"), "values": values}, wrong
        about["report"] = form.number("number")
        if form.form == buttons.HAND_OVER_FORM:
            to = values[forms.TO] and as_id(values[forms.TO])
            wrong = {forms.TO: NOT_BOTH} if to in ("", me, form.who.user) else {}
            return "expense.hand_over", {**about, "to": to}, wrong
        reason = values[forms.REASON].strip()
        wrong = {} if reason else {forms.REASON: NO_REASON}
        return buttons.REASONS[form.carried["action"]], {**about, "reason": reason[: forms.MOST_REASON]}, wrong

    # -- the command -------------------------------------------------------------------------------------------------------

    async def commanded(self, body: Mapping[str, Any], ack: AsyncAck) -> None:
        """`/expenses …`."""
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
        wish = read_command(command.text, datetime.now(UTC).date())
        if wish.do == "help":
            return USAGE
        if wish.do == "new":
            await self._acting.fill("expense.new_form", {}, who, title="New expense")
            return ""
        where = await self._acting.where(command)  # first: what is noted must not be called not noted
        await self._acting.note(who, "expense.command", {"text": command.text[:200]}, event_id=who.trigger)
        return where


def _about(action: str, about: Subject) -> dict[str, Any]:
    """The arguments of an act that needs no form."""
    if action == buttons.SHOW:
        return {"subject": about.name}
    if action == buttons.TAKE_OUT:
        return {"report": about.number, "version": about.version, "number": about.inside}
    return {"report" if about.kind == "R" else "number": about.number, "version": about.version}
