"""Does what people ask for by the buttons, forms and commands of expenses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot import tables
from bot.delivery import outgoing
from bot.errors import ExpenseRefused
from bot.expenses.approvers import find_approvers, may_decide
from bot.expenses.face import buttons, forms
from bot.expenses.face.commands import USAGE, Command, read_command
from bot.expenses.face.listing import LISTED, listing_text
from bot.expenses.face.tab import ROWS, Desktop, tab
from bot.expenses.office import Office
from bot.expenses.values import OPEN, SETTLED, Details, Draft, Expense, Report
from bot.home import Tab
from bot.models import By
from bot.performing import Args, Performing
from bot.reading.links import permalink

log = structlog.get_logger()

ODD_FORM = "I could not read that form. Please open it again from the card."
NOBODY = "<@{to}> cannot decide about a report: it has to be somebody of this workspace who is there, and no app."
HERE = "{subject} is here: {link}"

Work = Callable[[AsyncConnection, By], Awaitable[Any]]


class ExpensesPerforming(Performing):
    """The acts whose names begin with "expense". Each is done in one transaction, with what is to be told of it."""

    about = "Expense"
    refusals = (ExpenseRefused,)

    def __init__(self, office: Office, redis: Any) -> None:
        """`redis` keeps what Home tabs show."""
        self._office, self._books = office, office.books
        self._tab = Tab(office.slack, redis)
        acts = {
            "expense.edit_form": self._edit_form,
            "expense.new_form": self._new_form,
            "expense.edit": self._edit,
            "expense.new": self._new,
            "expense.remove": self._remove,
            "expense.keep_both": self._keep_both,
            "expense.submit": self._submit,
            "expense.withdraw": self._withdraw,
            "expense.take_out": self._take_out,
            "expense.approve": self._approve,
            "expense.send_back": self._send_back,
            "expense.reject": self._reject,
            "expense.hand_over": self._hand_over,
            "expense.command": self._command,
            "expense.show": self._show,
            "expense.home": self._home,
        }
        super().__init__(office.slack, office.database, acts)

    async def _reckon(self, by: By, work: Work) -> None:
        """A change for which an exchange rate may be needed."""
        await self._office.rates.refresh()
        await self._change(by, work)

    async def _change(self, by: By, work: Work) -> None:
        """One change of the books, unless it was made already."""
        async with self._office.database.begin() as tx:
            if not await self._books.done(tx, by):
                await work(tx, by)

    # -- forms -------------------------------------------------------------------------------------------------------------

    async def _new_form(self, by: By, args: Args) -> None:
        today = await self._today(by)
        await self.put_form(args, forms.new_form(self._office.policy, self._office.home, today))

    async def _edit_form(self, by: By, args: Args) -> None:
        """Of the present state, whatever the card showed; what is entered is held against its version."""
        async with self._office.database.read() as tx:
            expense = await self._books.expense(tx, by, args["number"])
            report = await self._report_of(tx, by, expense)
        if expense.state == "discarded":
            raise ExpenseRefused(f"{expense.name} was removed.")
        if report and report.state not in (*OPEN, "submitted"):
            raise ExpenseRefused(
                f"{expense.name} is in {report.name}, which was decided: it cannot be changed any more."
            )
        await self.put_form(args, forms.expense_form(expense, self._office.policy, self._office.home, report))

    async def _report_of(self, tx: AsyncConnection, by: By, expense: Expense) -> Report | None:
        return (await self._books.report(tx, by, expense.report)).report if expense.report else None

    async def _new(self, by: By, args: Args) -> None:
        changes, wrong = forms.read_form(args["values"], {}, by.person)
        if wrong:
            raise ExpenseRefused(ODD_FORM)
        draft = Draft(details=replace(Details(), **changes), source="form")
        await self._reckon(by, lambda tx, by: self._books.capture(tx, by, draft))

    async def _edit(self, by: By, args: Args) -> None:
        number, version = args["number"], args["version"]

        async def work(tx: AsyncConnection, by: By) -> None:
            expense = await self._books.expense(tx, by, number)
            known = expense.version == version  # else the books refuse it, whatever was entered
            changes = self._changes(by, expense, args["values"]) if known else {}
            if changes or not known:
                await self._books.change(tx, by, number, version, changes)

        await self._reckon(by, work)

    def _changes(self, by: By, expense: Expense, values: Mapping[str, str]) -> dict[str, Any]:
        """What was entered anew; and what was doubtful and was left so, by somebody who saw it."""
        changes, wrong = forms.read_form(values, forms.entered(expense.details), by.person)
        if wrong:
            raise ExpenseRefused(ODD_FORM)
        seen = {name: getattr(expense.details, name) for name in expense.doubts if values.get(name)}
        return seen | changes

    # -- what needs no form, or one that the web process had -----------------------------------------------------------------

    async def _remove(self, by: By, args: Args) -> None:
        await self._change(by, lambda tx, by: self._books.remove(tx, by, args["number"], args["version"]))

    async def _keep_both(self, by: By, args: Args) -> None:
        await self._change(by, lambda tx, by: self._books.keep_both(tx, by, args["number"], args["version"]))

    async def _submit(self, by: By, args: Args) -> None:
        async with self._office.database.read() as tx:
            if await self._books.done(tx, by):
                return
            whole = await self._books.report(tx, by, args["report"])
        approvers = await find_approvers(self._office, by, whole.total)
        report, version = args["report"], args["version"]
        await self._reckon(by, lambda tx, by: self._books.submit(tx, by, report, version, approvers))

    async def _withdraw(self, by: By, args: Args) -> None:
        await self._change(by, lambda tx, by: self._books.withdraw(tx, by, args["report"], args["version"]))

    async def _take_out(self, by: By, args: Args) -> None:
        report, version, number = args["report"], args["version"], args["number"]
        await self._change(by, lambda tx, by: self._books.take_out(tx, by, report, version, [number]))

    async def _approve(self, by: By, args: Args) -> None:
        await self._change(by, lambda tx, by: self._books.approve(tx, by, args["report"], args["version"]))

    async def _send_back(self, by: By, args: Args) -> None:
        report, version, reason = args["report"], args["version"], args["reason"]
        await self._change(by, lambda tx, by: self._books.send_back(tx, by, report, version, reason))

    async def _reject(self, by: By, args: Args) -> None:
        report, version, reason = args["report"], args["version"], args["reason"]
        await self._change(by, lambda tx, by: self._books.reject(tx, by, report, version, reason))

    async def _hand_over(self, by: By, args: Args) -> None:
        report, version, to = args["report"], args["version"], args["to"]
        if not await may_decide(self._office.slack, to):
            raise ExpenseRefused(NOBODY.format(to=to))
        await self._change(by, lambda tx, by: self._books.hand_over(tx, by, report, version, to))

    # -- what is shown -----------------------------------------------------------------------------------------------------

    async def _command(self, by: By, args: Args) -> None:
        wish = read_command(args["text"], await self._today(by))
        match wish.do:
            case "list":
                await self._list(by, wish)
            case "report":
                await self._change(by, lambda tx, by: self._books.open_report(tx, by, "", None))
            case "show":
                await self._show(by, {"subject": wish.report})
            case _:  # the web process answers these
                await self.say(by, USAGE)

    async def _list(self, by: By, wish: Command) -> None:
        async with self._office.database.read() as tx:
            found = await self._books.find(tx, by, since=wish.since, until=wish.until, most=LISTED)
            reports = () if wish.since else await self._books.reports(tx, by, most=LISTED)
        await self.say(by, listing_text(found, reports, self._office.policy, wish.since, wish.until))

    async def _show(self, by: By, args: Args) -> None:
        """Has a card in somebody's direct messages; of one that stands there already, where."""
        about = buttons.subject(args["subject"])
        out = tables.outgoing.c
        mine = (out.team == by.team) & (out.person == by.person) & (out.subject == about.name)
        me = await self._office.slack.identity()
        async with self._office.database.begin() as tx:
            await self._books.show(tx, by, about.name)
            there = select(out.channel, out.ts).where(mine, out.kind == outgoing.CARD, out.ts != "")
            if card := (await tx.execute(there)).first():
                word = HERE.format(
                    subject=about.name, link=f"<{permalink(me.url, card.channel, card.ts)}|{about.name}>"
                )
                await outgoing.say(tx, by.team, by.person, about.name, word, by.cause)

    async def _home(self, by: By, _: Args) -> None:
        """The Home tab, where it shows something else by now."""
        await self._tab.put(by.person, "expenses", tab(await self._desktop(by), self._office.policy))

    async def _desktop(self, by: By) -> Desktop:
        books, most = self._books, ROWS + 50
        async with self._office.database.read() as tx:
            asked = (await books.find(tx, by, state="needs_info", most=most)).expenses
            held = (await books.find(tx, by, state="duplicate_hold", most=most)).expenses
            return Desktop(
                todo=(*held, *asked),
                ready=(await books.find(tx, by, state="ready", most=most)).expenses,
                drafts=await books.reports(tx, by, states=OPEN, most=most),
                waiting=await books.reports(tx, by, states=("submitted",), most=most),
                approved=await books.reports(tx, by, states=SETTLED, most=5),
                queue=await books.waiting(tx, by, most=most),
            )

    async def _today(self, by: By) -> date:
        """The day that it is for somebody."""
        return datetime.now((await self._office.slack.person(by.person)).zone).date()
