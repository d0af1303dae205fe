"""What owners do with reports: put expenses together, send them to their approvers, and take them back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot import tables
from bot.errors import ExpenseRefused
from bot.expenses.books.derived import Neighbours, latest_day, placed, settled, stale
from bot.expenses.books.fields import NAMES, clean
from bot.expenses.books.filing import Filing, withdrawn
from bot.expenses.books.findings import Whole
from bot.expenses.books.rows import to_expense
from bot.expenses.books.states import Deed, adding_refusal, report_refusal, submitting_refusals
from bot.expenses.books.writing import Writing, writing
from bot.expenses.money import money
from bot.expenses.policy import rules
from bot.expenses.values import Expense, Report
from bot.models import By
from bot.mrkdwn import escaped

MOST_IN_REPORT = 200
MOST_SAID = 8  # reasons told at once
_e = tables.expenses.c


class Reporting(Filing):
    """Reports, as long as they are their owner's to change."""

    async def open_report(self, tx: AsyncConnection, by: By, title: str, numbers: Sequence[int] | None) -> Whole:
        """A new draft with these expenses; None: all of the owner's that are ready."""
        async with writing(tx, by) as change:
            found = await (self._ready(tx, by) if numbers is None else self._addable(tx, by, numbers))
            days = [e.details.spent_on for e in found if e.details.spent_on]
            month = max(days, default=change.now.date())
            report = Report(
                team=by.team,
                number=change.next_report(),
                owner=by.person,
                title=clean(title.replace("\n", " "), NAMES) or f"Expenses {month:%B} {month.year}",
                state="draft",
                version=1,
                approvers=(),
                step=0,
                reason="",
                decided_by="",
                submitted_at=None,
                decided_at=None,
                reminded_at=None,
                created_at=change.now,
                changed_at=change.now,
            )
            change.new_report(report)
            for expense in found:
                change.expense("added", expense, placed(expense, report.number))
        return self._whole(report, await self._inside(tx, report))

    async def add(self, tx: AsyncConnection, by: By, report: int, version: int | None, numbers: Sequence[int]) -> Whole:
        """Puts expenses into a report that is open."""
        async with writing(tx, by) as change:
            old = await self._allowed(tx, by, report, "add", version)
            found = await self._addable(tx, by, numbers)
            if len(await self._inside(tx, old)) + len(found) > MOST_IN_REPORT:
                raise _full()
            for expense in found:
                change.expense("added", expense, placed(expense, report))
            new = change.report("expenses added", old, old) if found else old
        return self._whole(new, await self._inside(tx, new))

    async def take_out(
        self, tx: AsyncConnection, by: By, report: int, version: int | None, numbers: Sequence[int]
    ) -> Whole:
        """Takes expenses out of a report that is open."""
        async with writing(tx, by) as change:
            old = await self._allowed(tx, by, report, "take_out", version)
            inside = {e.number: e for e in await self._inside(tx, old)}
            if others := [f"E-{n}" for n in dict.fromkeys(numbers) if n not in inside]:
                raise ExpenseRefused(f"{old.name} does not have {', '.join(others[:MOST_SAID])}.")
            for number in dict.fromkeys(numbers):
                change.expense("taken out", inside[number], placed(inside[number], None))
            new = change.report("expenses taken out", old, old) if numbers else old
        return self._whole(new, await self._inside(tx, new))

    async def submit(
        self, tx: AsyncConnection, by: By, report: int, version: int | None, approvers: Sequence[str]
    ) -> Whole:
        """Sends a report to its approvers (bot/expenses/approvers.py has found them). Refused while something is missing, blocked or not justified."""
        async with writing(tx, by) as change:
            old = await self._allowed(tx, by, report, "submit", version)
            expenses = await self._checked_again(tx, change, await self._inside(tx, old))
            new = replace(
                old,
                state="submitted",
                approvers=tuple(dict.fromkeys(approvers)),
                step=0,
                reason="",
                decided_by="",
                decided_at=None,
                submitted_at=change.now,
                reminded_at=None,
            )
            _refuse(old, self._in_the_way(new, expenses))
            new = change.report("submitted", old, new)
            change.card(new.approver, new.name)
            change.give(new.approver, new, "pdf")
            if old.submitted_at:  # its card is there from the first time, and an edit notifies nobody
                total = money.show(self._whole(new, expenses).total)
                change.say(new.approver, new, f"<@{new.owner}> sent {new.name} again: “{escaped(new.title)}”, {total}.")
        return self._whole(new, await self._inside(tx, new))

    async def withdraw(self, tx: AsyncConnection, by: By, report: int, version: int | None) -> Whole:
        """Takes a submitted report back."""
        async with writing(tx, by) as change:
            old = await self._allowed(tx, by, report, "withdraw", version)
            new = change.report("withdrawn", old, withdrawn(old, change))
            change.say(old.approver, new, f"<@{old.owner}> took {old.name} back. There is nothing to decide now.")
        return self._whole(new, await self._inside(tx, new))

    # -- within the books ---------------------------------------------------------------------------------------------------------

    async def _allowed(self, tx: AsyncConnection, by: By, number: int, deed: Deed, version: int | None) -> Report:
        """A report to which `by` may do that now."""
        report = await self._report(tx, by, number)
        if why := report_refusal(report, deed, by.person, version, finance=self._finance(by)):
            raise ExpenseRefused(why)
        return report

    async def _ready(self, tx: AsyncConnection, by: By) -> Sequence[Expense]:
        """All of the owner's that are ready, the oldest first: as many as a report takes."""
        which = (_e.team == by.team) & (_e.owner == by.person) & (_e.state == "ready")
        ready = select(tables.expenses).where(which).order_by(_e.spent_on, _e.number).limit(MOST_IN_REPORT)
        found = [to_expense(row) for row in await tx.execute(ready)]
        if not found:
            raise ExpenseRefused("You have no expenses that are ready for a report.")
        return found

    async def _addable(self, tx: AsyncConnection, by: By, numbers: Sequence[int]) -> Sequence[Expense]:
        wanted = tuple(dict.fromkeys(numbers))
        if len(wanted) > MOST_IN_REPORT:
            raise _full()
        found = [await self.expense(tx, by, number) for number in wanted]
        if refused := [why for e in found if (why := adding_refusal(e, by.person))]:
            raise ExpenseRefused("\n".join(_some(refused)))
        return found

    async def _checked_again(
        self, tx: AsyncConnection, change: Writing, expenses: Sequence[Expense]
    ) -> tuple[Expense, ...]:
        """The expenses by today's policy: days have passed, and others of the same day have come, since their last change."""
        around, today = Neighbours(await self._of_days(tx, *expenses)), latest_day(change.now)
        now = [settled(e, around, self.policy, self.home, today) for e in expenses]
        return tuple(
            new if new == old else change.expense("checked", old, new) for old, new in zip(expenses, now, strict=True)
        )

    def _in_the_way(self, report: Report, expenses: Sequence[Expense]) -> list[str]:
        """Why a report cannot be submitted."""
        found = [] if expenses else ["It has no expenses yet."]
        found += [why for e in expenses for why in submitting_refusals(e)]
        notes = rules.check_report(report, expenses, self.policy)
        found += [escaped(n.text) for n in notes if n.level == "block"]
        found += [
            f"{e.name} was reckoned in another currency. Please edit it." for e in expenses if stale(e, self.home)
        ]
        if not report.approver:
            found.append("Nobody is known who approves it.")
        if report.owner in report.approvers:
            found.append("Nobody approves their own expenses: somebody else has to.")
        return found


def _refuse(report: Report, reasons: list[str]) -> None:
    if reasons:
        lines = "\n".join(f"• {why}" for why in _some(reasons))
        raise ExpenseRefused(f"{report.name} cannot be submitted yet:\n{lines}")


def _some(reasons: list[str]) -> list[str]:
    rest = len(reasons) - MOST_SAID
    return reasons if rest <= 0 else [*reasons[:MOST_SAID], f"… and {rest} more."]


def _full() -> ExpenseRefused:
    return ExpenseRefused(f"A report has at most {MOST_IN_REPORT} expenses. Please make a second one.")
