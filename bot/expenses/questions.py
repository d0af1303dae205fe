"""What is still to be asked about an expense. Pure."""

from __future__ import annotations

from bot.expenses.policy import Policy
from bot.expenses.values import Details, Expense


def missing(details: Details, policy: Policy, home: str) -> tuple[str, ...]:  # noqa: ARG001  # skeleton
    """The names of the fields that an expense cannot do without and does not have, the first to ask about first. "rate" is among them where a foreign amount has none."""
    return tuple(
        name
        for name in ("minor", "currency", "spent_on", "merchant", "category")
        if getattr(details, name) in (None, "")
    )


def question(expense: Expense, policy: Policy) -> str:  # noqa: ARG001  # skeleton
    """The one question to put to its owner now; "" where there is nothing to ask."""
    return f"What is the {expense.asks[0]}?" if expense.asks else ""
