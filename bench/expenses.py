"""The books with 10,000 expenses of one owner: how long it takes to list, to look at a report, to keep one more, to submit and to verify.

`python -m bench.expenses [--database URL] [--expenses N]`: SQLite in a folder of its own, or an empty PostgreSQL database.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from bench.figures import at
from bot import tables
from bot.database import Database, default_url, open_database
from bot.expenses.books.audit import verify
from bot.expenses.books.books import Books, Original
from bot.expenses.books.writing import writing
from bot.expenses.money.rates import Rates
from bot.expenses.policy.policy import load_policy
from bot.expenses.values import OPEN, SETTLED, Details, Draft, Expense, Money, Report
from bot.models import By

TEAM, OWNER, BOSS, FINANCE = "TBENCH", "UOWNER", "UBOSS", "UFINANCE"
IN_REPORT = 200
POLICY = load_policy(None, "EUR")
CATEGORIES = sorted(POLICY.categories)
HEAD = "| database | what | p50 ms | max ms |\n|---|---|---|---|"
Work = Callable[[AsyncConnection], Awaitable[Any]]


async def fill(database: Database, count: int) -> int:
    """Keeps so many expenses, all but the last 200 in reports that were approved; gives the number of reports."""
    now, reports = datetime.now(UTC), 0
    for first in range(1, count + 1, IN_REPORT):
        numbers = range(first, min(first + IN_REPORT, count + 1))
        async with database.begin() as tx, writing(tx, By(TEAM, OWNER)) as change:
            settled = numbers[-1] < count
            if settled:
                reports = change.next_report()
                change.new_report(_report(reports, now))
            for number in numbers:
                change.new_expense(_expense(number, now, reports if settled else None), "", "")
            await tx.execute(insert(tables.receipts), [_kept(_original(b"%d" % n), now) for n in numbers])
    return reports


def _details(number: int, today: date) -> Details:
    return Details(
        merchant=f"{number * 7919 % 99_991:05} Ltd",
        spent_on=today - timedelta(days=number % 600),
        minor=1_000 + number * 37,
        currency="EUR",
        category=CATEGORIES[number % len(CATEGORIES)],
        payment="own",
        city="Berlin",
        attendees=("Ann", "Bob"),
        purpose="A visit to a client",
        justification="It was the only one open",
    )


def _expense(number: int, now: datetime, report: int | None) -> Expense:
    details = _details(number, now.date())
    return Expense(
        team=TEAM,
        number=number,
        owner=OWNER,
        state="ready" if report is None else "in_report",
        version=1,
        source="words",
        details=details,
        home=Money(details.minor or 0, "EUR"),
        read={},
        receipt=_original(b"%d" % number).sha256,
        part=0,
        notes=(),
        asks=(),
        doubts=(),
        report=report,
        twin=None,
        created_at=now,
        changed_at=now,
    )


def _report(number: int, now: datetime) -> Report:
    return Report(
        team=TEAM,
        number=number,
        owner=OWNER,
        title=f"Trip {number}",
        state="approved",
        version=3,
        approvers=(BOSS,),
        step=0,
        reason="",
        decided_by=BOSS,
        submitted_at=now,
        decided_at=now,
        reminded_at=None,
        created_at=now,
        changed_at=now,
    )


async def measure(url: str, count: int, runs: int) -> list[tuple[str, list[float]]]:
    """What was done, and how many milliseconds each run of it took."""
    books = Books(POLICY, Rates(""), "EUR", frozenset({FINANCE}))
    owner, finance, today = By(TEAM, OWNER), By(TEAM, FINANCE), datetime.now(UTC).date()
    async with open_database(url) as database:
        began = time.monotonic()
        reports = await fill(database, count)
        figures = [(f"fill {count:,} expenses", [(time.monotonic() - began) * 1000])]
        since = today - timedelta(days=30)
        whole = (today - timedelta(days=1), today + timedelta(days=1))
        reading: dict[str, Work] = {
            "list the newest 50, totals over all": lambda tx: books.find(tx, owner),
            "list a month of one category": lambda tx: books.find(tx, owner, category="meals", since=since),
            "list all of them": lambda tx: books.find(tx, owner, most=count),
            f"a report of {IN_REPORT}": lambda tx: books.report(tx, owner, reports),
            "the newest 50 reports with totals": lambda tx: books.reports(tx, owner),
            f"all {reports} approved reports, for the export": lambda tx: books.decided(tx, TEAM, *whole, ["approved"]),
            "the lists of the Home tab": lambda tx: _home(books, tx, owner),
            "one expense, for finance": lambda tx: books.expense(tx, finance, count // 2),
        }
        for name, work in reading.items():
            figures.append((name, [await _timed(database, work) for _ in range(runs)]))
        originals = [_original(b"%d" % (count + n)) for n in range(1, runs + 1)]
        fresh = [
            Draft(details=_details(count + n, today), source="file", receipt=o.sha256)
            for n, o in enumerate(originals, 1)
        ]
        kept = [await _timed(database, _capture(books, owner, *pair)) for pair in zip(fresh, originals, strict=True)]
        figures.append(("keep one more, with its receipt", kept))
        once: dict[str, Work] = {
            f"open a report of {IN_REPORT}": lambda tx: books.open_report(tx, owner, "", None),
            f"submit a report of {IN_REPORT}": lambda tx: books.submit(tx, owner, reports + 1, 1, [BOSS]),
            f"approve a report of {IN_REPORT}": lambda tx: books.approve(tx, By(TEAM, BOSS), reports + 1, 2),
            "verify the audit trail": _verified,
        }
        for name, work in once.items():
            figures.append((name, [await _timed(database, work)]))
    return figures


def _original(content: bytes) -> Original:
    """A receipt's file; a small one, for a database holds bytes and does not look into them."""
    return Original(hashlib.sha256(content).hexdigest(), "receipt.pdf", "pdf", content)


def _kept(original: Original, now: datetime) -> dict[str, Any]:
    """Its row."""
    return {
        "team": TEAM, "sha256": original.sha256, "form": original.form, "size": len(original.content), "content": original.content,
        "created_at": now,
    }  # fmt: skip


def _capture(books: Books, by: By, draft: Draft, original: Original) -> Work:
    return lambda tx: books.capture(tx, by, draft, original)


async def _home(books: Books, tx: AsyncConnection, by: By) -> None:
    """As bot/expenses/performing.py asks for them."""
    for state in ("needs_info", "duplicate_hold", "ready"):
        await books.find(tx, by, state=state, most=9)
    for states in (OPEN, ("submitted",), SETTLED):
        await books.reports(tx, by, states=states, most=9)
    await books.waiting(tx, by, most=9)


async def _verified(tx: AsyncConnection) -> None:
    if problems := await verify(tx, TEAM):
        raise SystemExit(f"the trail is not whole: {problems}")


async def _timed(database: Database, work: Work) -> float:
    began = time.monotonic()
    async with database.begin() as tx:
        await work(tx)
    return (time.monotonic() - began) * 1000


def rows(database: str, figures: Sequence[tuple[str, Sequence[float]]]) -> str:
    """The lines of the table."""
    return "\n".join(f"| {database} | {name} | {at(ms, 50):.0f} | {at(ms, 100):.0f} |" for name, ms in figures)


async def main(chosen: argparse.Namespace) -> int:
    """Prints the table."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        url = chosen.database or default_url(Path(folder))
        name = "PostgreSQL" if url.startswith("postgres") else "SQLite"
        print(HEAD)
        print(rows(name, await measure(url, chosen.expenses, chosen.runs)), flush=True)
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="The books with many expenses.")
    parser.add_argument("--database", default="", help="an empty PostgreSQL database")
    parser.add_argument("--expenses", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=10)
    sys.exit(asyncio.run(main(parser.parse_args())))
