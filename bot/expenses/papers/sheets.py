"""Reports as tables, XLSX and CSV: a line for each expense. What people wrote stays text, whatever a spreadsheet would make of it."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from xlsxwriter import Workbook  # type: ignore[import-untyped]  # has no types

from bot.expenses.books.books import Whole
from bot.expenses.money.money import digits, show
from bot.expenses.papers.pdf import label
from bot.expenses.papers.totals import totals_of
from bot.expenses.policy.policy import Policy
from bot.expenses.values import SETTLED, Expense, Money

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001  # the wide ones work in East Asian Excel
MOST_CELL = 32_000  # characters; Excel takes 32,767
HEADS = {  # and their widths in characters
    "Report": 8, "Title": 24, "Employee": 18, "State": 11, "Submitted": 11, "Approved": 11, "Approved by": 18, "Expense": 9,
    "Date": 11, "Merchant": 28, "Category": 16, "Purpose": 30, "City": 14, "Attendees": 24, "Payment": 10, "Amount": 12,
    "Currency": 9, "Tax": 18, "Tip": 10, "Rate": 12, "Rate of": 11, "Rate by": 12, "Home amount": 13, "Home currency": 9,
    "Policy notes": 40, "Justification": 30, "Receipt SHA-256": 20,
}  # fmt: skip
SUMS = {"Category": 20, "Currency": 9, "Expenses": 9, "Sum": 14, "Home sum": 14, "Home currency": 9}


@dataclass(frozen=True, slots=True)
class Amount:
    """A number of money with the digits that its currency has."""

    value: Decimal
    digits: int


Cell = str | int | date | Amount | Decimal | None
Row = tuple[Cell, ...]


def write_csv(wholes: Sequence[Whole], policy: Policy, names: Mapping[str, str], path: Path) -> None:
    """UTF-8 with the mark that Excel wants, commas, CRLF; amounts with a point, dates as in ISO 8601."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADS)
        writer.writerows([_written(cell) for cell in row] for row in rows_of(wholes, policy, names))


def write_xlsx(wholes: Sequence[Whole], policy: Policy, names: Mapping[str, str], path: Path) -> None:
    """Two sheets: the expenses, and their totals by category and currency. The file of the same reports is the same."""
    with Workbook(path) as book:
        book.set_properties({"created": max((w.report.changed_at for w in wholes), default=None)})
        _Sheet(book, "Expenses", HEADS).write(rows_of(wholes, policy, names))
        _Sheet(book, "Totals", SUMS).write(_sums(wholes, policy))


def rows_of(wholes: Sequence[Whole], policy: Policy, names: Mapping[str, str]) -> list[Row]:
    """A row for each expense, as HEADS."""
    return [_row(whole, expense, policy, names) for whole in wholes for expense in whole.expenses]


def _row(whole: Whole, expense: Expense, policy: Policy, names: Mapping[str, str]) -> Row:
    report, about, rate = whole.report, expense.details, expense.details.rate
    settled = report.state in SETTLED
    notes = [f"{n.level}: {n.text}" for n in expense.notes]
    return (
        report.name, report.title, names.get(report.owner, report.owner), report.state.replace("_", " "),
        report.submitted_at and report.submitted_at.date(), report.decided_at.date() if settled and report.decided_at else None,
        names.get(report.decided_by, report.decided_by) if settled else "", expense.name,
        about.spent_on, about.merchant, label(about.category, policy), about.purpose, about.city, ", ".join(about.attendees),
        about.payment, _amount(about.money), about.currency, _taxes(expense), _part(about.tip_minor, about.currency),
        rate.value if rate else None, rate.on if rate else None, names.get(rate.source, rate.source) if rate else "",
        _amount(expense.home), expense.home.currency if expense.home else "",
        "\n".join(notes), about.justification, expense.receipt,
    )  # fmt: skip


def _sums(wholes: Sequence[Whole], policy: Policy) -> list[Row]:
    """By home currency, category and currency, each home currency with its total."""
    rows: list[Row] = []
    for home in sorted({whole.total.currency for whole in wholes}):
        those = [whole for whole in wholes if whole.total.currency == home]
        totals = totals_of([e for whole in those for e in whole.expenses], home)
        rows += [
            (label(t.category, policy), t.money.currency, t.count, _amount(t.money), _amount(t.home), home)
            for t in totals
        ]
        count = sum(len(whole.expenses) for whole in those)
        rows.append(("Total", "", count, None, _amount(Money(sum(w.total.minor for w in those), home)), home))
        rows.append(("To be paid back", "", None, None, _amount(Money(sum(w.owed.minor for w in those), home)), home))
    return rows


def _amount(money: Money | None) -> Amount | str | None:
    """A number; text for what is no currency in use, whose digits nobody knows."""
    if money is None:
        return None
    try:
        places = digits(money.currency)
    except KeyError:
        return show(money)
    return Amount(Decimal(money.minor).scaleb(-places), places)


def _part(minor: int | None, currency: str) -> Amount | str | None:
    return None if minor is None else _amount(Money(minor, currency))


def _taxes(expense: Expense) -> str:
    """As "19%: €2.93; 7%: €0.70"."""
    lines = ((t.rate, show(Money(t.minor, expense.details.currency))) for t in expense.details.tax)
    return "; ".join(f"{rate}%: {amount}" if rate else amount for rate, amount in lines)


def _plain(text: str) -> str:
    """Text without control characters and halves of characters, which no spreadsheet holds, and not too long for a cell."""
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]", "", text)[:MOST_CELL]


def _written(cell: Cell) -> str:
    """A cell of the CSV. A text that a spreadsheet would take for a formula gets an apostrophe before it."""
    match cell:
        case None:
            return ""
        case str():
            text = _plain(cell)
            return f"'{text}" if text.lstrip(" ").startswith(FORMULA) else text
        case Amount(value, places):
            return f"{value:.{places}f}"
        case Decimal():
            return f"{cell:f}"
    return str(cell)


class _Sheet:
    """One sheet of a workbook with its heads frozen and a filter over them."""

    def __init__(self, book: Workbook, name: str, heads: Mapping[str, int]) -> None:
        self._book, self._heads, self._sheet = book, heads, book.add_worksheet(name)
        self._days = book.add_format({"num_format": "yyyy-mm-dd", "align": "left"})
        self._amounts: dict[int, object] = {}

    def write(self, rows: Sequence[Row]) -> None:
        """All of it."""
        sheet = self._sheet
        bold = self._book.add_format({"bold": True, "bottom": 1, "bg_color": "#F1F3F6"})
        for column, (head, width) in enumerate(self._heads.items()):
            sheet.write_string(0, column, head, bold)
            sheet.set_column(column, column, width)
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, max(1, len(rows)), len(self._heads) - 1)
        for number, row in enumerate(rows, 1):
            for column, cell in enumerate(row):
                self._cell(number, column, cell)

    def _cell(self, row: int, column: int, cell: Cell) -> None:
        match cell:
            case None | "":
                return
            case str():
                self._sheet.write_string(row, column, _plain(cell))
            case Amount(value, places):
                self._sheet.write_number(row, column, value, self._money(places))
            case date():
                self._sheet.write_datetime(row, column, cell, self._days)
            case _:
                self._sheet.write_number(row, column, cell)

    def _money(self, places: int) -> object:
        if places not in self._amounts:
            self._amounts[places] = self._book.add_format(
                {"num_format": "#,##0" + (f".{'0' * places}" if places else "")}
            )
        return self._amounts[places]
