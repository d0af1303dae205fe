"""What the expense tools share: who may ask where, how expenses and reports are named, and what the model is told of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from bot.errors import ExpenseRefused, ToolRefused
from bot.expenses.books.books import Whole
from bot.expenses.money.money import show
from bot.expenses.office import Office
from bot.expenses.policy.policy import Policy
from bot.expenses.questions import question
from bot.expenses.values import Expense
from bot.models import By
from bot.tools.tool import Asking

PRIVATE = "Expenses are private: they are handled only in a direct message with me. Write to me there."
MEMBERS_ONLY = "Expenses are for people of this workspace. Others hand theirs in at their own company."
CARDS = "Code shows the card of each in this direct message, with its fields and notes: do not repeat them."
NOTES = 10  # that are told of one expense


def opened(asking: Asking) -> tuple[Office, By]:
    """What the tool works with, and on whose behalf. Raises ToolRefused where others read along."""
    if not asking.thread.is_dm:
        raise ToolRefused(PRIVATE)
    return asking.sources.office, By(asking.thread.team, asking.person.id)


async def admitted(asking: Asking) -> tuple[Office, By]:
    """The same, and asks Slack whether they are of this workspace: outside of any transaction. Raises ToolRefused and Retryable."""
    found = opened(asking)
    if not await asking.sources.access.works_here(asking.person.id):
        raise ToolRefused(MEMBERS_ONLY)
    return found


@contextmanager
def refusing() -> Iterator[None]:
    """What the books refuse is said to the model in their words, for it to pass on."""
    try:
        yield
    except ExpenseRefused as refused:
        raise ToolRefused(str(refused)) from None


def number(name: str, letter: str) -> int:
    """The number of "E-12", "e12" or "12". Raises ToolRefused."""
    found = re.fullmatch(rf"(?:{letter}\s*-?\s*)?(\d{{1,9}})", name.strip(), re.IGNORECASE)
    if not found:
        what = "an expense" if letter == "E" else "a report"
        raise ToolRefused(
            f"“{name[:40]}” is not the name of {what}, such as {letter}-12. list_expenses tells which there are."
        )
    return int(found[1])


def day(text: str) -> date:
    """A day as YYYY-MM-DD. Raises ToolRefused."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise ToolRefused(f"“{text[:40]}” is not a day; days are given as YYYY-MM-DD.") from None


def category(text: str, policy: Policy) -> str:
    """The key of a category, from its key or its label. Raises ToolRefused with those that there are."""
    wanted = text.strip().casefold()
    for key, there in policy.categories.items():
        if wanted in (key.casefold(), there.label.casefold()):
            return key
    known = ", ".join(f"{c.key} ({c.label})" for c in policy.categories.values())
    raise ToolRefused(f"There is no category “{text[:40]}”; there are: {known}.")


def told(expense: Expense, policy: Policy) -> dict[str, Any]:
    """An expense in short."""
    details = expense.details
    known = policy.categories.get(details.category)
    fields: dict[str, Any] = {
        "expense": expense.name,
        "merchant": details.merchant,
        "date": details.spent_on.isoformat() if details.spent_on else "",
        "amount": show(details.money) if details.money else "",
        "in_home_currency": show(expense.home) if expense.home and expense.home != details.money else "",
        "category": known.label if known else "",
        "state": expense.state,
        "report": f"R-{expense.report}" if expense.report else "",
        "notes": [f"{note.level}: {note.text}" for note in expense.notes[:NOTES]],
    }
    return {k: v for k, v in fields.items() if v}


def told_whole(whole: Whole, policy: Policy) -> dict[str, Any]:
    """A report with the names of what is in it."""
    report = whole.report
    fields: dict[str, Any] = {
        "report": report.name,
        "title": report.title,
        "state": report.state,
        "total": show(whole.total),
        "expenses": [_line(e, policy) for e in whole.expenses],
        "notes": [f"{note.level}: {note.text}" for note in whole.notes[:NOTES]],
        "reason": report.reason,
    }
    return {k: v for k, v in fields.items() if v}


def _line(expense: Expense, policy: Policy) -> str:
    details = expense.details
    known = policy.categories.get(details.category)
    parts = (expense.name, details.merchant, show(details.money) if details.money else "", known.label if known else "")
    return ", ".join(p for p in parts if p)


def to_ask(expenses: list[Expense], policy: Policy) -> dict[str, str]:
    """The one question to put now, and what it is about; nothing where all is known."""
    for expense in expenses:
        if asked := question(expense, policy):
            return {"about": expense.name, "question": asked}
    return {}
