"""How expenses and reports look to who has a card of them, and the files that are given of reports."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot import tables
from bot.blocks import Card
from bot.delivery.claims import Outgoing
from bot.errors import ExpenseRefused
from bot.expenses.books.books import Books, Original, Whole
from bot.expenses.face.cards import expense_card, report_card
from bot.expenses.office import Office
from bot.expenses.papers import documents
from bot.expenses.papers.documents import Content
from bot.expenses.values import Expense
from bot.models import By

MOST_BYTES = 60_000_000  # of a report's receipts; what is beyond that, its PDF names


class Showing:
    """Rows of expenses ("E-17") and of reports ("R-3"), as the books have them now."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def card(self, row: Outgoing) -> Card | None:
        """The card as it is true now; None where its reader may not see it (any more)."""
        by, office = By(row.team, row.person), self._office
        try:
            async with office.database.read() as tx:
                if row.subject.startswith("E-"):
                    expense = await office.books.expense(tx, by, row.number)
                    inside = (await office.books.report(tx, by, expense.report)).report if expense.report else None
                    return expense_card(expense, office.policy, office.home, inside)
                whole = await office.books.report(tx, by, row.number)
        except ExpenseRefused:
            return None
        names, finance = await self._names(whole), row.person in office.finance
        return report_card(whole, office.policy, row.person, names, finance=finance)

    async def file(self, row: Outgoing, folder: Path) -> Path | None:
        """A report as PDF, XLSX or CSV, with its receipts in the first; None where they may not see it any more."""
        office, by = self._office, By(row.team, row.person)
        try:
            async with office.database.read() as tx:
                whole = await office.books.report(tx, by, row.number)
                originals = await receipts_of(office.books, tx, by, whole.expenses) if row.body == "pdf" else {}
        except ExpenseRefused:
            return None
        content = Content(whole=whole, policy=office.policy, names=await self._names(whole), originals=originals)
        return await documents.make(row.body, content, folder)

    async def closed(self, row: Outgoing) -> None:
        """None stands in a channel."""

    async def _names(self, whole: Whole) -> dict[str, str]:
        report = whole.report
        people = {report.owner, report.decided_by, *report.approvers} - {""}
        return {user: (await self._office.slack.person(user)).name for user in sorted(people)}


async def receipts_of(books: Books, tx: AsyncConnection, by: By, expenses: Sequence[Expense]) -> dict[int, Original]:
    """The receipts of these expenses by their numbers, as many as fit into memory. Several expenses may share one."""
    rows = tables.receipts.c
    query = select(rows.sha256, rows.size).where(rows.team == by.team, rows.sha256.in_({e.receipt for e in expenses}))
    sizes: dict[str, int] = {row.sha256: row.size for row in await tx.execute(query)}
    left, there = MOST_BYTES, dict[str, Original]()
    for expense in expenses:
        size = sizes.get(expense.receipt, MOST_BYTES + 1)
        if expense.receipt not in there and size <= left:
            original = await books.original(tx, by, expense.number)
            if original:
                there[expense.receipt], left = original, left - size
    return {e.number: there[e.receipt] for e in expenses if e.receipt in there}
