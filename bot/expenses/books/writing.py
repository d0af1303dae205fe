"""One change of a workspace's books: what is written, its audit events, and the cards that are to be made true."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Table, bindparam, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.delivery import outgoing
from bot.expenses.books.audit import Event, difference
from bot.expenses.books.rows import Record, expense_record, report_record
from bot.expenses.values import Expense, Report
from bot.models import By, utcnow
from bot.tables import expense_books, expense_events, expenses, reports

_NEW_BOOKS = text(
    "INSERT INTO expense_books (team, last_expense, last_report, last_event, last_hash)"
    " VALUES (:team, 0, 0, 0, '') ON CONFLICT DO NOTHING"
)


class Writing:
    """Collects what a change writes; nothing of it is written before its guards have let all of it pass. `now` is the one time of the change."""

    def __init__(self, by: By, now: datetime, books: Row[Any]) -> None:
        self.by, self.now = by, now
        self._numbers: dict[str, int] = {
            "expense": books.last_expense,
            "report": books.last_report,
            "event": books.last_event,
        }
        self._hash: str = books.last_hash
        self._events: list[Record] = []
        self._new: dict[Table, list[Record]] = {expenses: [], reports: []}
        self._changed: dict[Table, list[Record]] = {expenses: [], reports: []}
        self._subjects: dict[str, None] = {}  # whose cards are to be made true
        self._cards: list[tuple[str, str]] = []  # person and subject of those that are to be there
        self._words: list[tuple[str, str, str, str]] = []
        self._files: list[tuple[str, str, str, str]] = []

    def next_expense(self) -> int:
        """The number of a new expense. A number that is not used is given to the next one: numbers have no gaps."""
        return self._numbers["expense"] + 1

    def next_report(self) -> int:
        """The number of a new report."""
        return self._numbers["report"] + 1

    def new_expense(self, expense: Expense, receipt_name: str, receipt_file: str) -> None:
        """Writes an expense for the first time."""
        self._numbers["expense"] = expense.number
        record = {**expense_record(expense), "receipt_name": receipt_name, "receipt_file": receipt_file}
        self._add(expenses, "captured", expense.name, record, expense.owner)

    def new_report(self, report: Report) -> None:
        """Writes a report for the first time."""
        self._numbers["report"] = report.number
        self._add(reports, "opened", report.name, report_record(report), report.owner)

    def expense(self, action: str, old: Expense, new: Expense) -> Expense:
        """Writes an expense's next version."""
        new = replace(new, version=old.version + 1, changed_at=self.now)
        self._change(expenses, action, new.name, expense_record(old), expense_record(new))
        return new

    def report(self, action: str, old: Report, new: Report) -> Report:
        """Writes a report's next version."""
        new = replace(new, version=old.version + 1, changed_at=self.now)
        self._change(reports, action, new.name, report_record(old), report_record(new))
        return new

    def reminded(self, report: Report) -> None:
        """Notes when a report's approver was reminded. No new version: the buttons that people see stay good."""
        old, new = report_record(report), report_record(replace(report, reminded_at=self.now))
        self._change(reports, "reminded", report.name, old, new)

    def _add(self, table: Table, action: str, subject: str, record: Record, owner: str) -> None:
        self._new[table].append(record)
        self._event(action, subject, *difference({}, record))
        self.card(owner, subject)

    def _change(self, table: Table, action: str, subject: str, old: Record, new: Record) -> None:
        self._changed[table].append({**new, "of_team": new["team"], "of_number": new["number"]})
        self._event(action, subject, *difference(old, new))
        self._subjects[subject] = None

    def card(self, person: str, subject: str) -> None:
        """Shows somebody a card, now or again."""
        self._cards.append((person, subject))

    def decided(self, expenses: Sequence[Expense]) -> None:
        """Has the cards of these expenses made true, because what became of their report lasts."""
        self._subjects |= dict.fromkeys(e.name for e in expenses)

    def say(self, person: str, report: Report, text: str, key: str = "") -> None:
        """Says something of a report to somebody: mrkdwn, with what people wrote escaped. Once for each key, else for each of its versions."""
        self._words.append((person, report.name, text, key or f"v{report.version}"))

    def give(self, person: str, report: Report, *forms: str) -> None:
        """Gives somebody a report's files, as it is in this version."""
        self._files += [(person, report.name, form, f"v{report.version}") for form in forms]

    def _event(self, action: str, subject: str, before: str, after: str) -> None:
        self._numbers["event"] += 1
        event = Event(
            team=self.by.team,
            number=self._numbers["event"],
            at=self.now,
            actor=self.by.person,
            action=action,
            subject=subject,
            before=before,
            after=after,
            cause=self.by.cause,
            previous=self._hash,
        )
        self._hash = event.hash
        fields = {name: getattr(event, name) for name in Event.__dataclass_fields__}
        self._events.append({**fields, "hash": event.hash})

    async def flush(self, tx: AsyncConnection) -> None:
        """Writes it all."""
        if self._events:
            await self._flush_books(tx)
        await outgoing.changed(tx, self.by.team, *self._subjects)
        for card in self._cards:
            await outgoing.show_card(tx, self.by.team, *card)
        for file in self._files:
            await outgoing.give_file(tx, self.by.team, *file)
        for word in self._words:
            await outgoing.say(tx, self.by.team, *word)

    async def _flush_books(self, tx: AsyncConnection) -> None:
        for table, records in self._new.items():
            await _each(tx, insert(table), records)
        for table, records in self._changed.items():
            its = (table.c.team == bindparam("of_team")) & (table.c.number == bindparam("of_number"))
            await _each(tx, update(table).where(its), records)
        await _each(tx, insert(expense_events), self._events)
        await tx.execute(
            update(expense_books)
            .where(expense_books.c.team == self.by.team)
            .values(
                last_expense=self._numbers["expense"],
                last_report=self._numbers["report"],
                last_event=self._numbers["event"],
                last_hash=self._hash,
            )
        )


async def _each(tx: AsyncConnection, statement: Any, records: Sequence[Record]) -> None:
    if records:
        await tx.execute(statement, list(records))


@asynccontextmanager
async def writing(tx: AsyncConnection, by: By) -> AsyncIterator[Writing]:
    """A change of `by.team`'s books. They are locked until the transaction ends, so whoever else changes them waits; what is read inside stays true."""
    mine = expense_books.c.team == by.team
    lock = update(expense_books).where(mine).values(last_event=expense_books.c.last_event)
    if not (await tx.execute(lock)).rowcount:
        await tx.execute(_NEW_BOOKS, {"team": by.team})  # of two who begin a workspace's books, the second waits here
        await tx.execute(lock)
    books = (await tx.execute(select(expense_books).where(mine))).one()
    change = Writing(by, utcnow(), books)
    yield change
    await change.flush(tx)
