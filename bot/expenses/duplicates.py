"""Whether an expense was handed in before. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bot.expenses.values import Expense


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The earlier expense, and how alike: the same file; the same owner, date, amount and currency; or nearly so."""

    number: int
    how: Literal["file", "same", "near"]


def find_duplicate(new: Expense, earlier: Sequence[Expense]) -> Duplicate | None:  # noqa: ARG001  # skeleton
    """The earlier expense that this one repeats, the surest likeness first; None for none."""
    return None
