"""Books to try things on: a workspace's people, expenses that no rule minds, and a look at all that is written."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot import tables
from bot.database import Database, open_database
from bot.errors import ExpenseRefused
from bot.expenses.books.audit import verify
from bot.expenses.books.books import Books, Original, Whole
from bot.expenses.money.rates import Rates
from bot.expenses.policy.policy import load_policy
from bot.expenses.values import Details, Draft, Expense
from bot.models import By

OWNER, OTHER, BOSS, SECOND, FINANCE, STRANGER = "UOWNER", "UOTHER", "UBOSS", "USECOND", "UFINANCE", "USTRANGER"
PEOPLE = (OWNER, OTHER, BOSS, SECOND, FINANCE, STRANGER)
TODAY = datetime.now(UTC).date()
WRITTEN = ("expense_books", "expenses", "receipts", "reports", "expense_events", "outgoing")
Result = TypeVar("Result")
Dump = Mapping[str, list[dict[str, Any]]]


def details(n: int, **changes: Any) -> Details:
    """A dinner that is like no other one."""
    merchant = "Bistro " + hashlib.sha256(str(n).encode()).hexdigest()[:12]
    made = Details(
        merchant=merchant,
        spent_on=TODAY - timedelta(days=n % 20),
        minor=1000 + 137 * n,
        currency="EUR",
        category="meals",
        payment="own",
        city="Berlin",
        attendees=("Ann",),
        purpose="Dinner with a client",
    )
    return replace(made, **changes)


def draft(n: int, **changes: Any) -> Draft:
    """Such a dinner in words."""
    return Draft(details=details(n, **changes), source="words")


def original(content: bytes, name: str = "receipt.pdf") -> Original:
    """A receipt's file."""
    return Original(hashlib.sha256(content).hexdigest(), name, "pdf", content, "F1")


@dataclass
class World:
    """One workspace's books."""

    database: Database
    books: Books
    team: str = "T1"
    made: int = 0

    def by(self, person: str = OWNER, cause: str = "") -> By:
        """Somebody of this workspace."""
        return By(self.team, person, cause)

    async def do(self, method: str, *args: Any, by: str = OWNER, cause: str = "", **more: Any) -> Any:
        """Calls a method of the books in a transaction of its own."""
        return await self.at(lambda tx: getattr(self.books, method)(tx, self.by(by, cause), *args, **more))

    async def at(self, work: Callable[[AsyncConnection], Awaitable[Result]]) -> Result:
        """Does something in a transaction."""
        async with self.database.begin() as tx:
            return await work(tx)

    async def expense(self, owner: str = OWNER, **changes: Any) -> Expense:
        """A new expense that is ready, unless `changes` make it something else."""
        self.made += 1
        kept: Expense = await self.do("capture", draft(self.made, **changes), by=owner)
        return kept

    async def draft_report(self, count: int = 2, owner: str = OWNER) -> Whole:
        """A new report with so many new expenses."""
        numbers = [(await self.expense(owner)).number for _ in range(count)]
        opened: Whole = await self.do("open_report", "", numbers, by=owner)
        return opened

    async def submitted(self, *approvers: str, count: int = 2, owner: str = OWNER) -> Whole:
        """A new report that waits for its approvers; for the boss unless others are named."""
        report = (await self.draft_report(count, owner)).report
        sent: Whole = await self.do("submit", report.number, None, approvers or (BOSS,), by=owner)
        return sent

    async def approved(self) -> Whole:
        """A new report that the boss has approved."""
        report = (await self.submitted()).report
        done: Whole = await self.do("approve", report.number, report.version, by=BOSS)
        return done

    async def dump(self, team: str = "") -> Dump:
        """All that is written of the workspace."""
        rows: dict[str, list[dict[str, Any]]] = {}
        async with self.database.read() as connection:
            for name in WRITTEN:
                table = tables.metadata.tables[name]
                mine = select(table).where(table.c.team == (team or self.team)).order_by(*table.primary_key)
                rows[name] = [dict(row._mapping) for row in await connection.execute(mine)]
        return rows

    async def outgoing(self, person: str) -> list[tuple[str, str, str]]:
        """What is to stand in somebody's direct messages: kind, subject and text or format."""
        return [(r["kind"], r["subject"], r["body"]) for r in (await self.dump())["outgoing"] if r["person"] == person]


@asynccontextmanager
async def opened(url: str, team: str = "T1") -> AsyncIterator[World]:
    """The books in a database."""
    async with open_database(url) as database:
        books = Books(load_policy(None, "EUR"), Rates(""), "EUR", frozenset({FINANCE}))
        yield World(database, books, team)


async def whole_trail(world: World) -> bool:
    """Whether the audit trail verifies."""
    async with world.database.read() as connection:
        return await verify(connection, world.team) == []


async def refusal(world: World, method: str, *args: Any, by: str = OWNER, **more: Any) -> str:
    """What somebody is told; nothing may have been written."""
    before = await world.dump()
    with pytest.raises(ExpenseRefused) as caught:
        await world.do(method, *args, by=by, **more)
    assert await world.dump() == before
    return str(caught.value)


@pytest.fixture
async def world(sqlite_url: str) -> AsyncIterator[World]:
    """On SQLite."""
    async with opened(sqlite_url) as world:
        yield world


@pytest.fixture
async def anywhere(url: str) -> AsyncIterator[World]:
    """On SQLite, and on PostgreSQL."""
    async with opened(url) as world:
        yield world
