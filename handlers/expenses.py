"""Buttons, forms and the command of expenses: noted as acts, which a worker does. A form that needs the database is opened here, and filled there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bot.expenses.face import buttons, forms
from bot.expenses.face.buttons import Subject
from bot.expenses.face.commands import USAGE, read_command
from handlers.acting import Acting, Asked
from handlers.parse import Ignored, as_id
from handlers.parse_acts import Commanded, Submitted
from handlers.parse_expenses import ExpensePressed, parse_expense_press

MEMBERS_ONLY = "Expenses are for people of this workspace. Please hand yours in at your own company."
NO_REASON = "Please say why: it is what they have to go by."
NOT_BOTH = "Please choose somebody else."


class Expenses(Acting[ExpensePressed]):
    """Listeners of what people do with expenses and reports."""

    about, members_only = "Expense", MEMBERS_ONLY

    def parse(self, body: Mapping[str, Any]) -> ExpensePressed | Ignored:
        """A press."""
        return parse_expense_press(body)

    async def do(self, press: ExpensePressed) -> None:
        """Notes what a press asks for, or opens its form."""
        who, about = press.who, press.about
        if about is None:
            await self.fill("expense.new_form", {}, who, press.ts, title="New expense")
        elif press.action == buttons.EDIT:
            await self.fill("expense.edit_form", {"number": about.number}, who, press.ts, title=f"Edit {about.name}")
        elif press.action in buttons.REASONS:
            await self.open(who, forms.reason_form(press.action, about.name, about.number, about.version))
        elif press.action == buttons.HAND_OVER:
            await self.open(who, forms.hand_over_form(about.name, about.number, about.version))
        else:
            await self.note(who, buttons.DONE_AT_ONCE[press.action], _about(press.action, about), press.ts)

    async def asked(self, form: Submitted) -> Asked:
        """What a form asks for."""
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
            wrong = {forms.TO: NOT_BOTH} if to in ("", (await self.slack.identity()).user, form.who.user) else {}
            return "expense.hand_over", {**about, "to": to}, wrong
        reason = values[forms.REASON].strip()
        wrong = {} if reason else {forms.REASON: NO_REASON}
        return buttons.REASONS[form.carried["action"]], {**about, "reason": reason[: forms.MOST_REASON]}, wrong

    async def answer(self, command: Commanded) -> str:
        """Does what `/expenses …` asks for, and gives the word that only they see."""
        who = command.who
        wish = read_command(command.text, datetime.now(UTC).date())
        if wish.do == "help":
            return USAGE
        if wish.do == "new":
            await self.fill("expense.new_form", {}, who, title="New expense")
            return ""
        where = await self.where(command)  # first: what is noted must not be called not noted
        await self.note(who, "expense.command", {"text": command.text[:200]}, event_id=who.trigger)
        return where


def _about(action: str, about: Subject) -> dict[str, Any]:
    """The arguments of an act that needs no form."""
    if action == buttons.SHOW:
        return {"subject": about.name}
    if action == buttons.TAKE_OUT:
        return {"report": about.number, "version": about.version, "number": about.inside}
    return {"report" if about.kind == "R" else "number": about.number, "version": about.version}
