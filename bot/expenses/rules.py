"""What the policy says of an expense or a report. Pure: values in, notes out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from bot.expenses.policy import Policy
from bot.expenses.values import Expense, Note, Report


def check_expense(
    expense: Expense, others: Sequence[Expense], policy: Policy, home: str, today: date
) -> tuple[Note, ...]:  # skeleton
    """What the policy says of one expense. `others` are the owner's further expenses of the same day, for limits a day; `home` is the home currency."""
    return ()


def check_report(report: Report, expenses: Sequence[Expense], policy: Policy) -> tuple[Note, ...]:  # noqa: ARG001  # skeleton
    """What the policy says of a report as a whole, beside its expenses' own notes."""
    return ()
