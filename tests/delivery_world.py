"""An expense office against the playground's servers, with books that hold what a test puts into them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot import tables
from bot.compose import make_downloads
from bot.delivery import outgoing
from bot.errors import ExpenseRefused
from bot.expenses.books.books import Books, Original, Whole
from bot.expenses.values import Details, Expense, Money, Report, ReportState
from bot.jobs import make_office, make_scheduling
from bot.models import By, utcnow
from bot.settings import Settings
from playground.openai import OpenAIServer
from playground.slack import SlackServer
from tests.deliverers import Deliverers
from tests.housekeeping_world import TEAM, world_of

REFUSED = "There is no such thing, or it is not yours."


class Shelf(Books):
    """Books that know the expenses and reports that a test has put here: whoever is in `readers` sees them."""

    def __init__(self, books: Books) -> None:
        super().__init__(books.policy, books.rates, books.home, books.finance)
        self.expenses: dict[int, Expense] = {}
        self.wholes: dict[int, Whole] = {}
        self.readers: set[str] = set()
        self.originals: dict[int, Original] = {}
        self.reminded: list[int] = []

    async def expense(self, tx: AsyncConnection, by: By, number: int) -> Expense:  # noqa: ARG002  # the books' signature
        if by.person not in self.readers or number not in self.expenses:
            raise ExpenseRefused(REFUSED)
        return self.expenses[number]

    async def report(self, tx: AsyncConnection, by: By, number: int) -> Whole:  # noqa: ARG002  # likewise
        if by.person not in self.readers or number not in self.wholes:
            raise ExpenseRefused(REFUSED)
        return self.wholes[number]

    async def original(self, tx: AsyncConnection, by: By, number: int) -> Original | None:  # noqa: ARG002  # likewise
        return self.originals.get(number)

    async def remind(self, tx: AsyncConnection, team: str, report: int) -> None:
        self.reminded.append(report)
        which = (tables.reports.c.team == team) & (tables.reports.c.number == report)
        await tx.execute(update(tables.reports).where(which).values(reminded_at=utcnow()))


@dataclass
class World(Deliverers):
    """What the tests work with."""

    books: Shelf

    async def say(self, name: str, *texts: str) -> None:
        """Notes words, each in its own transaction."""
        for text in texts:
            async with self.database.begin() as tx:
                await outgoing.say(tx, TEAM, self.person(name), "", text, text)

    async def card(self, name: str, subject: str) -> None:
        async with self.database.begin() as tx:
            await outgoing.show_card(tx, TEAM, self.person(name), subject)

    async def give(self, name: str, subject: str, form: str) -> None:
        async with self.database.begin() as tx:
            await outgoing.give_file(tx, TEAM, self.person(name), subject, form, "sent")

    def expense(self, merchant: str, number: int = 1) -> Expense:
        """Ana's expense, as the books have it now."""
        self.books.readers.add(self.person("ana"))
        self.books.expenses[number] = made = expense(self.person("ana"), merchant, number)
        return made

    def report(self, *merchants: str, state: ReportState = "submitted", number: int = 3) -> Whole:
        """Ana's report, which Raj approves."""
        ana, raj = self.person("ana"), self.person("raj")
        self.books.readers |= {ana, raj}
        made = whole(ana, raj, [expense(ana, m, n) for n, m in enumerate(merchants, 1)], state, number)
        self.books.wholes[number] = made
        return made

    async def submitted(self, days: float, number: int = 3, reminded: float | None = None) -> None:
        """A row of a report that has waited for so many days."""
        at, ago = utcnow() - timedelta(days=days), None
        if reminded is not None:
            ago = utcnow() - timedelta(days=reminded)
        async with self.database.begin() as tx:
            if not await tx.scalar(select(tables.expense_books.c.team)):
                books = {"last_expense": 0, "last_report": 9, "last_event": 0, "last_hash": ""}
                await tx.execute(insert(tables.expense_books).values(team=TEAM, **books))
            await tx.execute(
                insert(tables.reports).values(
                    team=TEAM, number=number, owner="U1", title="", state="submitted", version=1, approvers="U2", step=0,
                    approver="U2", reason="", decided_by="", submitted_at=at, reminded_at=ago, created_at=at, changed_at=at,
                )
            )  # fmt: skip

    def dm(self, name: str) -> list[dict[str, Any]]:
        """The messages at the top level of somebody's DM with the bot."""
        workspace = self.server.workspace
        channel = workspace.dm(workspace.person(name))
        return [m for m in workspace.messages(channel.id) if m.get("bot_id")]

    def texts(self, name: str) -> list[str]:
        return [m["text"] for m in self.dm(name)]

    async def rows(self) -> list[Any]:
        async with self.database.read() as connection:
            return list((await connection.execute(select(tables.outgoing).order_by(tables.outgoing.c.id))).all())

    async def brought(self, seconds: float = 8) -> None:
        """Waits until nothing waits."""
        async with asyncio.timeout(seconds):
            while await self.waiting():  # noqa: ASYNC110  # the database tells nobody
                await asyncio.sleep(0.02)

    async def deliver(self, seconds: float = 8) -> None:
        """A deliverer brings all that waits."""
        async with self.delivering():
            await self.brought(seconds)


def expense(owner: str, merchant: str, number: int) -> Expense:
    """An expense of 18.40 EUR."""
    details = Details(
        merchant=merchant, spent_on=date(2026, 11, 20), minor=1840, currency="EUR", category="taxi", payment="own"
    )
    return Expense(
        team=TEAM, number=number, owner=owner, state="ready", version=1, source="words", details=details,
        home=Money(1840, "EUR"), read={}, receipt="", part=0, notes=(), asks=(), doubts=(), report=None, twin=None,
        created_at=utcnow(), changed_at=utcnow(),
    )  # fmt: skip


def whole(owner: str, approver: str, expenses: Sequence[Expense], state: ReportState, number: int) -> Whole:
    """A report of these expenses."""
    report = Report(
        team=TEAM, number=number, owner=owner, title="Lisbon", state=state, version=2, approvers=(approver,), step=0,
        reason="", decided_by="", submitted_at=utcnow(), decided_at=None, reminded_at=None,
        created_at=utcnow(), changed_at=utcnow(),
    )  # fmt: skip
    return Whole(report, tuple(expenses), Money(1840 * len(expenses), "EUR"), ())


@pytest.fixture
async def world(settings: Settings, slack: SlackServer, ai: OpenAIServer) -> AsyncIterator[World]:
    """An office that is open, with nothing in its books."""
    async with world_of(settings, slack, ai) as parts:
        downloads = make_downloads(settings)
        office = make_office(settings, parts.slack, parts.llm, parts.database, parts.library, downloads)
        books = Shelf(office.books)
        scheduling = make_scheduling(settings, parts.slack, parts.llm, parts.database)
        yield World(slack, parts.database, replace(office, books=books), scheduling, books)
        assert not list(office.folder.glob("*")), "nothing is left on the disk"
