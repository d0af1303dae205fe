"""What expenses and reports look like in Slack. Pure: values in, blocks out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.buttons import Block
from bot.expenses.books import Whole
from bot.expenses.policy import Policy
from bot.expenses.values import Expense


@dataclass(frozen=True, slots=True)
class Card:
    """A message: its blocks, and the text that notifications show."""

    blocks: tuple[Block, ...]
    text: str


def expense_card(expense: Expense, policy: Policy, home: str) -> Card:  # noqa: ARG001  # skeleton
    """An expense as its owner sees it."""
    return Card((), expense.name)


def report_card(whole: Whole, policy: Policy, viewer: str, names: Mapping[str, str]) -> Card:  # noqa: ARG001  # skeleton
    """A report as its owner sees it, or its approver, or another who may see it. `names` are people's by their ids."""
    return Card((), whole.report.name)
