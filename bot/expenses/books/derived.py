"""What follows from an expense's fields: its worth in the home currency, the policy's notes, what is to be asked, its state. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from bot.errors import ExpenseRefused
from bot.expenses import questions
from bot.expenses.books.fields import MOST_MINOR
from bot.expenses.books.states import DUPLICATE
from bot.expenses.money import money
from bot.expenses.money.rates import Rates
from bot.expenses.policy import duplicates, rules
from bot.expenses.policy.policy import Policy
from bot.expenses.values import Details, Expense, ExpenseState, Money, Note

# A file is a duplicate in anybody's hands; the rest only where one of these changed.
LIKENESS = ("minor", "currency", "spent_on", "merchant")
_TEXTS = {
    "file": "The same receipt was handed in as E-{twin}.",
    "same": "E-{twin} has the same date, amount and currency.",
    "near": "E-{twin} looks much the same.",
}
_ANOTHERS = "This receipt was handed in before; your approver will see it."
_KEPT = " Its owner says that both are right."


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What an expense is compared with: the owner's of its day, and earlier ones that it may repeat (None: it was compared before)."""

    day: Sequence[Expense] = ()
    earlier: Sequence[Expense] | None = None


def latest_day(now: datetime) -> date:
    """The latest day that it is anywhere (UTC+14): nobody's today is in the future."""
    return (now.astimezone(UTC) + timedelta(hours=14)).date()


def priced(details: Details, before: Details, owner: str, rates: Rates, home: str) -> Details:
    """The details with the exchange rate that belongs to them: the owner's own as long as the currency stays, else the table's.

    What was found stays while day and currency do: the bank's daily table has but one day, and forgets it.
    """
    if not details.currency or details.currency == home:
        return replace(details, rate=None)
    rate = details.rate
    kept = rate is not None and rate == before.rate
    if kept and (details.currency, details.spent_on) == (before.currency, before.spent_on):
        return details
    if rate is not None and rate.source == owner and (not kept or details.currency == before.currency):
        return details
    found = rates.find(details.currency, home, details.spent_on) if details.spent_on else None
    return replace(details, rate=found)


def stale(expense: Expense, home: str) -> bool:
    """Whether it was reckoned in another home currency than the present one: its rate, whoever gave it, does not lead to this one."""
    return expense.home is not None and expense.home.currency != home


def settled(expense: Expense, around: Neighbours, policy: Policy, home: str, today: date) -> Expense:
    """The expense with all that follows from its fields. Raises ExpenseRefused where its worth is more than can be kept.

    One that was reckoned in another home currency stays as it was reckoned until its owner changes it.
    """
    details = expense.details
    missing = questions.missing(details, policy, home)
    asks = (*missing, *(name for name in expense.doubts if name not in missing))
    expense = replace(expense, home=expense.home if stale(expense, home) else worth(details, home), asks=asks)
    twin, likeness = _likeness(expense, around.earlier)
    others = [e for e in around.day if e.number != expense.number and e.details.spent_on == details.spent_on]
    notes = tuple(n for n in rules.check_expense(expense, others, policy, home, today) if n.rule != DUPLICATE)
    expense = replace(expense, twin=twin, notes=(likeness, *notes) if likeness else notes)
    return replace(expense, state=_state(expense))


def worth(details: Details, home: str) -> Money | None:
    """The total in the home currency; None while amount or rate is not known."""
    paid = details.money
    if paid is None or paid.currency == home:
        return paid
    if details.rate is None:
        return None
    converted = money.convert(paid, details.rate, home)
    if abs(converted.minor) > MOST_MINOR:
        raise ExpenseRefused("That amount is larger than I can keep. Please look at amount and exchange rate again.")
    return converted


def likeness(expense: Expense) -> Note | None:
    """The note that an expense looks like another: a block while its owner has said nothing of it, a note once both are kept."""
    return next((n for n in expense.notes if n.rule == DUPLICATE), None)


def placed(expense: Expense, report: int | None) -> Expense:
    """An expense that was put into a report, or taken out of one."""
    expense = replace(expense, report=report)
    return replace(expense, state=_state(expense))


def kept_both(expense: Expense) -> Expense:
    """An expense of which its owner says that it is no duplicate."""
    notes = tuple(replace(n, level="note", text=n.text + _KEPT) if n.rule == DUPLICATE else n for n in expense.notes)
    expense = replace(expense, notes=notes)
    return replace(expense, state=_state(expense))


def _likeness(expense: Expense, earlier: Sequence[Expense] | None) -> tuple[int | None, Note | None]:
    noted = likeness(expense)
    if earlier is None:
        return expense.twin, noted
    found = duplicates.find_duplicate(expense, earlier)
    if found is None:
        return None, None
    mine = any(e.number == found.number and e.owner == expense.owner for e in earlier)
    text = _TEXTS[found.how].format(twin=found.number) if mine else _ANOTHERS
    sure = duplicates.SURENESS.index(found.how)
    if noted and noted.level == "note" and expense.twin == found.number and sure >= _sureness(noted):
        return found.number, replace(
            noted, text=text + _KEPT, actual=found.how
        )  # of no surer likeness than its owner spoke of
    return found.number, Note(DUPLICATE, "warn" if found.how == "near" else "block", text, actual=found.how)


def _sureness(note: Note) -> int:
    return next((at for at, how in enumerate(duplicates.SURENESS) if how == note.actual), 0)


def _state(expense: Expense) -> ExpenseState:
    if expense.state == "discarded":
        return "discarded"
    if expense.report is not None:
        return "in_report"
    noted = likeness(expense)
    if noted and noted.level == "block":
        return "duplicate_hold"
    return "needs_info" if expense.asks else "ready"
