"""What the books give to those who read in them. Pure values."""

from __future__ import annotations

from dataclasses import dataclass

from bot.expenses.values import Expense, Money, Note, Report


@dataclass(frozen=True, slots=True)
class Original:
    """A receipt's file as it was shared. `form` is a format of bot/files/kinds.py; `sha256` is of `content`, in hexadecimal."""

    sha256: str
    name: str
    form: str
    content: bytes
    slack_file: str = ""


@dataclass(frozen=True, slots=True)
class Total:
    """The expenses of one category in one currency: how many, their sum, and its worth in the home currency as far as that is known."""

    category: str
    money: Money
    count: int
    home: Money


@dataclass(frozen=True, slots=True)
class Listing:
    """What was found: the newest expenses first, as many as were asked for; how many there are in all; totals over all of them."""

    expenses: tuple[Expense, ...]
    count: int
    totals: tuple[Total, ...]


@dataclass(frozen=True, slots=True)
class ReportLine:
    """A report in a list, with its total in the home currency and how many expenses it has."""

    report: Report
    total: Money
    count: int


@dataclass(frozen=True, slots=True)
class Whole:
    """A report with all that is in it. `notes` are what the policy says of the report as a whole."""

    report: Report
    expenses: tuple[Expense, ...]
    total: Money
    notes: tuple[Note, ...]

    @property
    def owed(self) -> Money:
        """What its owner is to be paid back: the total without what a company card has paid."""
        cards = (e.home for e in self.expenses if e.details.payment == "company")
        paid = sum(home.minor for home in cards if home and home.currency == self.total.currency)
        return Money(self.total.minor - paid, self.total.currency)
