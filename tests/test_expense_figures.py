"""A report's total is one figure, wherever it stands: reckoned here by plain Decimal arithmetic, in six currencies."""

from __future__ import annotations

import csv
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader
from python_calamine import CalamineWorkbook

from bot.database import open_database
from bot.expenses.books.books import Books, ReportLine, Whole
from bot.expenses.face.cards import report_card
from bot.expenses.face.listing import listing_text
from bot.expenses.face.tab import Desktop, tab
from bot.expenses.money.money import show
from bot.expenses.money.rates import Rates
from bot.expenses.papers.documents import Content, make, make_export
from bot.expenses.policy.policy import load_policy
from bot.expenses.values import Money
from bot.tools.expenses import told_whole
from tests.books_world import BOSS, FINANCE, OWNER, TODAY, World

NAMES = {OWNER: "Olga", BOSS: "Bert"}
OF_EURO = {"EUR": "1", "USD": "1.1527", "JPY": "180.29", "HUF": "381.85", "KRW": "1693.47", "GBP": "0.87823"}
PLACES = {"EUR": 2, "USD": 2, "JPY": 0, "HUF": 2, "KRW": 0, "GBP": 2}
SPENT = [  # many halves of a cent, which are rounded each for itself
    *(("JPY", n) for n in (1, 1234, 980, 55_555)),
    *(("USD", n) for n in (1, 1999, 100_005, 7)),
    *(("HUF", n) for n in (1, 190, 573, 99_999_999)),
    *(("KRW", n) for n in (8, 17, 25_000)),
    *(("GBP", n) for n in (1, 3333)),
    *(("EUR", n) for n in (5, 123_456)),
]


def worth(minor: int, currency: str) -> Decimal:
    """In euros: at the cross rate in eight significant digits, rounded to cents."""
    digits = Decimal(1) / Decimal(OF_EURO[currency])
    rate = digits.quantize(Decimal(1).scaleb(digits.adjusted() - 7), "ROUND_HALF_EVEN")
    return (Decimal(minor).scaleb(-PLACES[currency]) * rate).quantize(Decimal("0.01"), ROUND_HALF_UP)


TOTAL = sum((worth(minor, currency) for currency, minor in SPENT), Decimal(0))


@dataclass(frozen=True)
class Approved:
    """A report with all of it, as the books give it out in several ways."""

    world: World
    whole: Whole
    line: ReportLine
    exported: Sequence[Whole]


@pytest.fixture
async def approved(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Approved]:
    table = tmp_path / "rates.csv"
    codes = [code for code in OF_EURO if code != "EUR"]
    table.write_text(f"Date,{','.join(codes)},\n{TODAY - timedelta(1)},{','.join(OF_EURO[c] for c in codes)},\n")
    rates = Rates(str(table))
    await rates.refresh()
    async with open_database(sqlite_url) as database:
        world = World(database, Books(load_policy(None, "EUR"), rates, "EUR", frozenset({FINANCE})))
        for n, (currency, minor) in enumerate(SPENT):
            category = ("meals", "lodging")[n % 2]
            await world.expense(currency=currency, minor=minor, spent_on=TODAY, category=category)
        numbers = [n + 1 for n in range(len(SPENT))]
        await world.do("open_report", "November", numbers)
        await world.do("submit", 1, None, [BOSS])
        whole = await world.do("approve", 1, 2, by=BOSS)
        async with database.read() as tx:
            (line,) = await world.books.reports(tx, world.by())
            exported = await world.books.decided(
                tx, world.team, TODAY - timedelta(1), TODAY + timedelta(1), ["approved"]
            )
        yield Approved(world, whole, line, exported)


async def test_the_books_add_up_to_the_rounded_parts(approved: Approved) -> None:
    total = Money(int(TOTAL.scaleb(2)), "EUR")
    assert approved.whole.total == approved.line.total == total
    assert [whole.total for whole in approved.exported] == [total]
    found = await approved.world.do("find")
    assert sum(t.home.minor for t in found.totals) == total.minor
    for currency in OF_EURO:
        spent = sum(minor for code, minor in SPENT if code == currency)
        assert sum(t.money.minor for t in found.totals if t.money.currency == currency) == spent


async def test_people_read_the_same_total_everywhere(approved: Approved, tmp_path: Path) -> None:
    whole, line, policy = approved.whole, approved.line, approved.world.books.policy
    shown = f"€{TOTAL:,.2f}"
    assert shown == show(whole.total)
    found = await approved.world.do("find")
    home = tab(Desktop(todo=(), ready=(), drafts=(), waiting=(), approved=(line,), queue=()), policy)
    seen: dict[str, Any] = {
        "card": report_card(whole, policy, OWNER, NAMES).blocks,
        "approver's card": report_card(whole, policy, BOSS, NAMES).text,
        "tool": told_whole(whole, policy)["total"],
        "/expenses list": listing_text(found, [line], policy, None, None),
        "home": home,
    }
    assert {where for where, what in seen.items() if shown not in json.dumps(what, ensure_ascii=False)} == set()
    content = Content(whole=whole, policy=policy, names=NAMES, originals={})
    text = "".join(page.extract_text() for page in PdfReader(await make("pdf", content, tmp_path)).pages)
    assert text.count(shown) >= 2, "at the top and below the table"


async def test_the_tables_add_up_to_the_same_total(approved: Approved, tmp_path: Path) -> None:
    whole, policy = approved.whole, approved.world.books.policy
    content = Content(whole=whole, policy=policy, names=NAMES, originals={})
    export = tmp_path / "export"
    for form in ("csv", "xlsx"):
        await make_export(form, approved.exported, policy, NAMES, export.with_suffix(f".{form}"))
    for path in (await make("csv", content, tmp_path), export.with_suffix(".csv")):
        lines = list(csv.DictReader(path.read_text("utf-8-sig").splitlines()))
        assert sum(Decimal(line["Home amount"]) for line in lines) == TOTAL
        spent = {(line["Currency"], line["Amount"]) for line in lines}
        assert spent == {(code, f"{Decimal(minor).scaleb(-PLACES[code]):f}") for code, minor in SPENT}
    for path in (await make("xlsx", content, tmp_path), export.with_suffix(".xlsx")):
        book = CalamineWorkbook.from_path(path)
        heads, *rows = book.get_sheet_by_name("Expenses").to_python()
        assert cents(row[heads.index("Home amount")] for row in rows) == TOTAL
        heads, *sums, total, owed = book.get_sheet_by_name("Totals").to_python()
        assert cents(row[heads.index("Home sum")] for row in sums) == TOTAL == cents([total[heads.index("Home sum")]])
        assert owed[heads.index("Home sum")] == total[heads.index("Home sum")], "nothing was paid by company card"


def cents(cells: Any) -> Decimal:
    """Numbers of a workbook, which are floats, added up."""
    return sum((Decimal(str(cell)).quantize(Decimal("0.01")) for cell in cells), Decimal(0))
