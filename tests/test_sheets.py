"""Reports as tables: a line for each expense, numbers that are numbers, and text that stays text."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from bot.expenses.money.money import digits, show
from bot.expenses.papers.documents import make, make_export
from bot.expenses.values import Money, Note, TaxLine
from tests.report_world import NAMES, NOW, POLICY, RATE, content, expense, whole

FORMULA = '=HYPERLINK("http://x","y")'


def amount(minor: int, currency: str) -> str:
    places = digits(currency)
    return f"{Decimal(minor).scaleb(-places):.{places}f}"


async def test_a_csv_has_a_line_for_each_expense_that_a_program_can_read(tmp_path: Path) -> None:
    first = expense(
        1, "Anna's, \"Bar\"\nBerlin", minor=-450, tax=(TaxLine("19", 294), TaxLine("", 70)), tip_minor=100, home=Money(-450, "EUR"),
        notes=(Note("cap", "warn", "Too much."), Note("age", "note", "Old.")), attendees=("Tom", "Li"), receipt="ab" * 32,
    )  # fmt: skip
    second = expense(2, minor=123456, currency="USD", rate=RATE, home=Money(113740, "EUR"))
    path = await make("csv", content(first, second), tmp_path)
    assert path.read_bytes().startswith(b"\xef\xbb\xbfReport,Title,Employee,State,")
    assert b"\r\n" in path.read_bytes()
    one, two = csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""))
    assert one["Merchant"] == 'Anna\'s, "Bar"\nBerlin'
    assert (one["Amount"], one["Currency"], one["Home amount"]) == (amount(-450, "EUR"), "EUR", amount(-450, "EUR"))
    assert float(one["Amount"]) < 0, "a credit stays a number"
    assert one["Tax"] == f"19%: {show(Money(294, 'EUR'))}; {show(Money(70, 'EUR'))}"
    assert one["Tip"] == amount(100, "EUR")
    assert one["Policy notes"] == "warn: Too much.\nnote: Old."
    assert (one["Attendees"], one["Receipt SHA-256"], one["Date"]) == ("Tom, Li", "ab" * 32, "2026-11-19")
    assert (two["Rate"], two["Rate of"], two["Rate by"]) == ("0.9213", "2026-11-20", "ECB")
    assert (two["Report"], two["Employee"], two["Approved by"]) == ("R-3", "Anna Berg", "Dana Voss")


@pytest.mark.parametrize("typed", [FORMULA, "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\uff1d1", "\uff0b1"])
async def test_what_looks_like_a_formula_stays_text(tmp_path: Path, typed: str) -> None:
    report = content(expense(merchant=typed, purpose=typed, justification=typed), title=typed)
    (row,) = csv.DictReader(
        io.StringIO((await make("csv", report, tmp_path)).read_bytes().decode("utf-8-sig"), newline=""), strict=True
    )
    assert row["Merchant"] == row["Purpose"] == row["Title"] == f"'{typed}"
    path = await make("xlsx", report, tmp_path)
    heads, cells = CalamineWorkbook.from_path(str(path)).get_sheet_by_name("Expenses").to_python()
    assert dict(zip(heads, cells, strict=True))["Merchant"] == typed
    sheet = zipfile.ZipFile(path).read("xl/worksheets/sheet1.xml")
    assert b"<f>" not in sheet
    assert b"hyperlink" not in sheet


async def test_a_workbook_has_numbers_days_and_totals(tmp_path: Path) -> None:
    some = (
        expense(1),
        expense(
            2, payment="company", minor=123456, currency="USD", category="lodging", rate=RATE, home=Money(113740, "EUR")
        ),
    )
    path = tmp_path / "all.xlsx"
    await make_export("xlsx", [whole(*some), whole(expense(3), number=4, owner="U9")], POLICY, NAMES, path)
    book = CalamineWorkbook.from_path(str(path))
    heads, *rows = book.get_sheet_by_name("Expenses").to_python()
    table = [dict(zip(heads, row, strict=True)) for row in rows]
    assert [(r["Report"], r["Expense"], r["Employee"]) for r in table] == [
        ("R-3", "E-1", "Anna Berg"), ("R-3", "E-2", "Anna Berg"), ("R-4", "E-3", "U9"),
    ]  # fmt: skip
    assert table[0]["Date"] == date(2026, 11, 19)
    assert table[0]["Approved"] == NOW.date()
    assert (table[1]["Amount"], table[1]["Home amount"], table[1]["Rate"]) == (1234.56, 1137.4, 0.9213)
    sums = book.get_sheet_by_name("Totals").to_python()
    assert sums[1:] == [
        ["lodging", "USD", 1.0, 1234.56, 1137.4, "EUR"],
        ["Meals", "EUR", 2.0, 36.8, 36.8, "EUR"],
        ["Total", "", 3.0, "", 1174.2, "EUR"],
        ["To be paid back", "", "", "", 36.8, "EUR"],
    ]


async def test_text_that_no_spreadsheet_holds_is_cleaned_and_cut(tmp_path: Path) -> None:
    report = content(expense(merchant="a\x00b\x1b\ud800c", purpose="x" * 40_000))
    for form in ("csv", "xlsx"):
        path = await make(form, report, tmp_path)
        if form == "xlsx":
            heads, row = CalamineWorkbook.from_path(str(path)).get_sheet_by_name("Expenses").to_python()
            cells = dict(zip(heads, row, strict=True))
        else:
            (cells,) = csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""))
        assert cells["Merchant"] == "abc"
        assert len(str(cells["Purpose"])) == 32_000


async def test_an_export_of_nothing_has_its_heads(tmp_path: Path) -> None:
    for form in ("csv", "xlsx"):
        await make_export(form, [], POLICY, NAMES, tmp_path / form)
    assert (tmp_path / "csv").read_text("utf-8-sig").count("\n") == 1
    assert CalamineWorkbook.from_path(str(tmp_path / "xlsx")).sheet_names == ["Expenses", "Totals"]
