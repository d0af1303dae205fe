"""One expense in front of the policy: what the rules look at, and what it is worth. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from bot.expenses.money.money import convert, show
from bot.expenses.policy.policy import Category, Policy
from bot.expenses.values import Details, Expense, Money

MOST_DIGITS = 12  # of a rate, before its mark or behind it: a million million to one is no rate


@dataclass(frozen=True, slots=True)
class Case:
    """`others` are the owner's further expenses of the same day; `home` is the home currency."""

    expense: Expense
    others: Sequence[Expense]
    policy: Policy
    home: str
    today: date

    @property
    def details(self) -> Details:
        """What the expense is about."""
        return self.expense.details

    @property
    def category(self) -> Category | None:
        """None for one that the policy does not know."""
        return self.policy.categories.get(self.details.category)

    @property
    def worth(self) -> int | None:
        """The total in the home currency."""
        return worth(self.details, self.home, self.home)

    def shown(self, minor: int, currency: str = "") -> str:
        """An amount for people, in the home currency where no other is told."""
        return show(Money(minor, currency or self.home))

    def same_day(self) -> tuple[Expense, ...]:
        """The others of the same day and category."""
        return tuple(
            other
            for other in self.others
            if other.number != self.expense.number
            and other.state != "discarded"
            and other.details.spent_on == self.details.spent_on
            and other.details.category == self.details.category
        )


def worth(details: Details, currency: str, home: str) -> int | None:
    """An expense's total in a currency, in its smallest unit; None where no rate leads there."""
    money, rate = details.money, details.rate
    if money is None:
        return None
    if money.currency == currency:
        return money.minor
    if currency != home or rate is None or not rate.value.is_finite():
        return None
    if rate.value <= 0 or abs(rate.value.adjusted()) > MOST_DIGITS:
        return None
    try:
        return convert(money, rate, home).minor
    except (KeyError, ArithmeticError):  # no currency in use, or more digits than a rate can have
        return None


def people(details: Details) -> int:
    """How many shared it: the owner, and whoever else was there."""
    return 1 + len(details.attendees)
