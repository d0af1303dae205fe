"""Reading in the books. Whoever asks, it goes through the guards of this module: the owner's own; what was sent to an approver; finance all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, get_args

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot import tables
from bot.errors import ExpenseRefused
from bot.expenses.books.findings import Listing, Original, ReportLine, Total, Whole
from bot.expenses.books.rows import to_expense, to_report
from bot.expenses.books.states import may_see, was_sent
from bot.expenses.money.rates import Rates
from bot.expenses.policy import rules
from bot.expenses.policy.policy import Policy
from bot.expenses.values import Expense, ExpenseState, Money, Report, ReportState
from bot.models import By

OPERATOR = "cli"  # who works on the bot's machine (`assist expenses …`) is finance
MOST_LISTED = 10_000
_e, _r = tables.expenses.c, tables.reports.c


class Reading:
    """What the books tell, and to whom."""

    def __init__(self, policy: Policy, rates: Rates, home: str, finance: frozenset[str]) -> None:
        self.policy, self.rates, self.home, self.finance = policy, rates, home, finance

    async def expense(self, tx: AsyncConnection, by: By, number: int) -> Expense:
        """One expense."""
        return (await self._seen(tx, by, number))[0]

    async def report(self, tx: AsyncConnection, by: By, number: int) -> Whole:
        """One report with its expenses, by date. Who only approves sees of an open report what they were sent."""
        report = await self._report(tx, by, number)
        expenses = await self._inside(tx, report)
        if not self._all(by, report.owner):
            expenses = tuple(e for e in expenses if was_sent(e, report))
        return self._whole(report, expenses)

    async def find(
        self,
        tx: AsyncConnection,
        by: By,
        *,
        owner: str = "",
        since: date | None = None,
        until: date | None = None,
        category: str = "",
        state: ExpenseState | str = "",
        most: int = 50,
    ) -> Listing:
        """`by`'s own expenses, or those of `owner` for finance. Discarded ones only where `state` asks for them. `until` is a day that counts.

        `state` may also be a report's: those in reports of that state.
        """
        if owner and not self._all(by, owner):
            raise ExpenseRefused("You see your own expenses, and those in reports that were sent to you.")
        which = (_e.team == by.team) & (_e.owner == (owner or by.person)) & _in_state(by.team, state)
        if since:
            which &= _e.spent_on >= since
        if until:
            which &= _e.spent_on <= until
        if category:
            which &= _e.category == category
        newest = select(tables.expenses).where(which).order_by(_e.spent_on.desc().nulls_first(), _e.number.desc())
        rows = await tx.execute(newest.limit(min(max(most, 0), MOST_LISTED)))
        expenses = tuple(to_expense(row) for row in rows)
        count = await tx.scalar(select(func.count()).where(which))
        return Listing(expenses, count or 0, await self._totals(tx, which))

    async def reports(
        self, tx: AsyncConnection, by: By, *, states: Sequence[ReportState] = (), most: int = 50
    ) -> tuple[ReportLine, ...]:
        """`by`'s own reports, the newest first."""
        which = (_r.team == by.team) & (_r.owner == by.person)
        if states:
            which &= _r.state.in_(states)
        rows = await tx.execute(select(tables.reports).where(which).order_by(_r.number.desc()).limit(most))
        return await self._lines(tx, by.team, [to_report(row) for row in rows])

    async def waiting(self, tx: AsyncConnection, by: By, most: int = 50) -> tuple[ReportLine, ...]:
        """The reports that wait for `by`'s decision, the longest waiting first."""
        which = (_r.team == by.team) & (_r.approver == by.person) & (_r.state == "submitted")
        rows = await tx.execute(select(tables.reports).where(which).order_by(_r.submitted_at, _r.number).limit(most))
        return await self._lines(tx, by.team, [to_report(row) for row in rows])

    async def decided(
        self, tx: AsyncConnection, team: str, since: date, until: date, states: Sequence[ReportState]
    ) -> tuple[Whole, ...]:
        """For finance's export: reports of those states that were approved in these days (UTC, `until` counts)."""
        begin = datetime.combine(since, time(), UTC)
        end = datetime.combine(until, time(), UTC) + timedelta(days=1)
        which = (_r.team == team) & _r.state.in_(states) & (_r.decided_at >= begin) & (_r.decided_at < end)
        rows = await tx.execute(select(tables.reports).where(which).order_by(_r.number))
        reports = {row.number: to_report(row) for row in rows}
        inside: dict[int | None, list[Expense]] = {number: [] for number in reports}
        theirs = (_e.team == team) & _e.report.in_(select(_r.number).where(which))
        for row in await tx.execute(select(tables.expenses).where(theirs).order_by(_e.spent_on, _e.number)):
            inside[row.report].append(to_expense(row))
        return tuple(self._whole(report, tuple(inside[number])) for number, report in reports.items())

    async def original(self, tx: AsyncConnection, by: By, number: int) -> Original | None:
        """The receipt of an expense that `by` may see."""
        expense = await self.expense(tx, by, number)
        its = (_e.team == by.team) & (_e.number == number)
        kept = (tables.receipts.c.team == _e.team) & (tables.receipts.c.sha256 == _e.receipt)
        columns = (_e.receipt_name, _e.receipt_file, tables.receipts.c.form, tables.receipts.c.content)
        row = (await tx.execute(select(*columns).where(its & kept))).one_or_none()
        if row is None:
            return None
        return Original(expense.receipt, row.receipt_name, row.form, row.content, row.receipt_file)

    async def done(self, tx: AsyncConnection, by: By) -> bool:
        """Whether `by.cause` has had its effect already."""
        events = tables.expense_events.c
        its = (events.team == by.team) & (events.cause == by.cause)
        return bool(by.cause) and await tx.scalar(select(events.number).where(its).limit(1)) is not None

    # -- within the books ---------------------------------------------------------------------------------------------------------

    def _finance(self, by: By) -> bool:
        return by.person in self.finance or by.person == OPERATOR

    def _all(self, by: By, owner: str) -> bool:
        """Whether `by` sees all that is `owner`'s."""
        return by.person == owner or self._finance(by)

    async def _seen(self, tx: AsyncConnection, by: By, number: int) -> tuple[Expense, Report | None]:
        """An expense that `by` may see, and the report that it is in."""
        row = (await tx.execute(_one(tables.expenses, by.team, number))).one_or_none()
        if row is None:
            raise _none(f"E-{number}")
        expense = to_expense(row)
        report = None if expense.report is None else await self._present(tx, by.team, expense.report)
        sent = report is not None and may_see(report, by.person, finance=False) and was_sent(expense, report)
        if self._all(by, expense.owner) or sent:
            return expense, report
        raise _none(f"E-{number}")

    async def _report(self, tx: AsyncConnection, by: By, number: int) -> Report:
        """A report that `by` may see."""
        report = await self._present(tx, by.team, number)
        if report is None or not may_see(report, by.person, finance=self._finance(by)):
            raise _none(f"R-{number}")
        return report

    async def _present(self, tx: AsyncConnection, team: str, number: int) -> Report | None:
        row = (await tx.execute(_one(tables.reports, team, number))).one_or_none()
        return None if row is None else to_report(row)

    async def _inside(self, tx: AsyncConnection, report: Report) -> tuple[Expense, ...]:
        which = (_e.team == report.team) & (_e.report == report.number)
        rows = await tx.execute(select(tables.expenses).where(which).order_by(_e.spent_on, _e.number))
        return tuple(to_expense(row) for row in rows)

    def _whole(self, report: Report, expenses: tuple[Expense, ...]) -> Whole:
        sums: dict[str, int] = {}
        for home in (e.home for e in expenses if e.home):
            sums[home.currency] = sums.get(home.currency, 0) + home.minor
        notes = rules.check_report(report, expenses, self.policy)
        return Whole(report, expenses, self._total(sums), notes)

    def _total(self, sums: Mapping[str, int]) -> Money:
        """A report's total, of its sums by home currency: in the present one, or in the one that all of it was reckoned in when that was the home currency."""
        currency = next(iter(sums)) if len(sums) == 1 else self.home
        return Money(sums.get(currency, 0), currency)

    async def _totals(self, tx: AsyncConnection, which: ColumnElement[bool]) -> tuple[Total, ...]:
        known = which & _e.minor.is_not(None) & (_e.currency != "")
        sums = (func.count(), func.sum(_e.minor), func.sum(self._worth()))
        query = select(_e.category, _e.currency, *sums).where(known).group_by(_e.category, _e.currency)
        rows = await tx.execute(query.order_by(_e.category, _e.currency))
        return tuple(
            Total(category, Money(int(minor), currency), count, Money(int(home or 0), self.home))
            for category, currency, count, minor, home in rows
        )

    def _worth(self) -> ColumnElement[int]:
        """An expense's worth in the home currency; nothing where it was reckoned in another one."""
        return case((_e.home_currency == self.home, _e.home_minor), else_=0)

    async def _lines(self, tx: AsyncConnection, team: str, reports: Sequence[Report]) -> tuple[ReportLine, ...]:
        which = (_e.team == team) & _e.report.in_([r.number for r in reports])
        query = select(_e.report, _e.home_currency, func.sum(_e.home_minor), func.count()).where(which)
        sums: dict[int, dict[str, int]] = defaultdict(dict)
        counts: dict[int, int] = defaultdict(int)
        for number, currency, home, count in await tx.execute(query.group_by(_e.report, _e.home_currency)):
            counts[number] += count
            if currency:
                sums[number][currency] = int(home)
        return tuple(ReportLine(r, self._total(sums[r.number]), counts[r.number]) for r in reports)


def _one(table: Any, team: str, number: int) -> Any:
    return select(table).where(table.c.team == team, table.c.number == number)


def _in_state(team: str, state: str) -> ColumnElement[bool]:
    if not state:
        return _e.state != "discarded"
    if state in get_args(ExpenseState):
        return _e.state == state
    if state in get_args(ReportState):
        return _e.report.in_(select(_r.number).where(_r.team == team, _r.state == state))
    there = ", ".join((*get_args(ExpenseState), *get_args(ReportState)))
    raise ExpenseRefused(f"There is no such state. Expenses have: {there}.")


def _none(name: str) -> ExpenseRefused:
    """The same for what is not there and what is somebody else's."""
    return ExpenseRefused(f"I know of no {name} that you may see.")
