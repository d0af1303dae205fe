"""Expenses added up. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from bot.expenses.books.books import Total
from bot.expenses.values import Expense, Money


def totals_of(expenses: Iterable[Expense], home: str) -> tuple[Total, ...]:
    """The sums by category and currency, in the order of their names; `home` is the home currency. What has no amount yet is in none."""
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for expense in expenses:
        if money := expense.details.money:
            got = sums[expense.details.category, money.currency]
            got[0] += 1
            got[1] += money.minor
            got[2] += expense.home.minor if expense.home and expense.home.currency == home else 0
    return tuple(
        Total(category, Money(minor, currency), count, Money(worth, home))
        for (category, currency), (count, minor, worth) in sorted(sums.items())
    )
