"""Changes an expense of the asker's, or says that what was read of it is right."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import ToolRefused
from bot.expenses.books.books import Books
from bot.expenses.money.money import Unclear, digits, read_amount, read_rate
from bot.expenses.policy.policy import Policy
from bot.expenses.values import Details, Expense, Rate
from bot.models import By, utcnow
from bot.tools.expenses import CARDS, admitted, category, day, number, opened, refusing, to_ask, told
from bot.tools.tool import Arguments, Asking, Tool

Words = Annotated[str | None, Field(max_length=1_000)]
TEXTS = ("merchant", "purpose", "justification", "city", "payment")  # taken as they are


class Change(Arguments):
    """Which expense, and what is new; null for what stays as it is."""

    expense: Annotated[str, Field(max_length=40, description="Its name, such as E-12.")]
    amount: Annotated[
        str | None,
        Field(max_length=60, description="The total that was paid, as the asker wrote it, such as 1.234,56."),
    ]
    currency: Annotated[str | None, Field(max_length=10, description="ISO 4217 code.")]
    date: Annotated[str | None, Field(max_length=20, description="YYYY-MM-DD.")]
    category: Annotated[str | None, Field(max_length=100, description="One of the policy's categories.")]
    merchant: Annotated[str | None, Field(max_length=200, description="Who was paid.")]
    purpose: Annotated[str | None, Field(max_length=1_000, description="What it was for.")]
    justification: Annotated[
        str | None, Field(max_length=1_000, description="Why it is right although a note warns, in the asker's words.")
    ]
    attendees: Annotated[
        list[Annotated[str, Field(max_length=200)]] | None,
        Field(max_length=50, description="The names of all who took part."),
    ]
    city: Annotated[str | None, Field(max_length=200)]
    payment: Annotated[
        Literal["own", "company"] | None, Field(description="own: to be paid back; company: by a company card.")
    ]
    tip: Annotated[str | None, Field(max_length=60, description="The part of the total that is a tip.")]
    rate: Annotated[
        str | None,
        Field(
            max_length=30,
            description="What one unit of its currency was worth in the home currency, as the asker says.",
        ),
    ]
    keep_both: Annotated[bool | None, Field(description="True: the asker says that it is no duplicate.")]
    remove: Annotated[bool | None, Field(description="True: the asker wants it removed.")]


async def _rates(_: Change, asking: Asking) -> None:
    office, _by = await admitted(asking)
    await office.rates.refresh()


async def _change(args: Change, asking: Asking) -> dict[str, Any]:
    assert asking.transaction
    office, by = opened(asking)
    wanted = number(args.expense, "E")
    with refusing():
        expense = await _changed(args, asking.transaction, by, wanted, office.books, office.policy)
    result: dict[str, Any] = {"changed": told(expense, office.policy)}
    if expense.state != "discarded" and (asked := to_ask([expense], office.policy)):
        result["ask_now"] = asked
    return result | {"hint": CARDS}


async def _changed(args: Change, tx: AsyncConnection, by: By, wanted: int, books: Books, policy: Policy) -> Expense:
    if args.remove:
        return await books.remove(tx, by, wanted, None)
    expense = await books.expense(tx, by, wanted)
    changes = _changes(args, expense, by, policy)
    if not changes and not args.keep_both:
        raise ToolRefused("Nothing was given that is new. To confirm a value that was read, give that same value.")
    if args.keep_both:
        expense = await books.keep_both(tx, by, wanted, None)
    return await books.change(tx, by, wanted, None, changes) if changes else expense


def _changes(args: Change, expense: Expense, by: By, policy: Policy) -> dict[str, Any]:
    """The new values by the names of Details' fields. Raises ToolRefused with what cannot be taken so."""
    details = expense.details
    changes: dict[str, Any] = {name: given for name in TEXTS if (given := getattr(args, name)) is not None}
    if args.category is not None:
        changes["category"] = category(args.category, policy)
    if args.date is not None:
        changes["spent_on"] = day(args.date)
    if args.attendees is not None:
        changes["attendees"] = tuple(" ".join(a.split()) for a in args.attendees if a.strip())
    currency, amount = details.currency, args.amount
    if args.currency is not None:
        currency = changes["currency"] = _currency(args.currency)
        amount = amount if amount is not None else _unread(expense, currency)
        if _is_rescaled(details, currency):
            if amount is None and details.minor is not None:
                raise ToolRefused(f"Give the amount in {currency} too: it has other digits than {details.currency}.")
            changes |= {"tax": (), "tip_minor": None}
    if amount is not None:
        changes["minor"] = _amount(amount, currency)
    if args.tip is not None:
        changes["tip_minor"] = _amount(args.tip, currency) if args.tip.strip() else None
    if args.rate is not None:
        changes["rate"] = Rate(_rate(args.rate), changes.get("spent_on", details.spent_on) or _today(), by.person)
    return changes


def _unread(expense: Expense, currency: str) -> str | None:
    """What is printed as the total, where nothing but the currency was lacking to read it."""
    known = expense.read.get("minor")
    return known.value if known and currency and expense.details.minor is None else None


def _is_rescaled(details: Details, currency: str) -> bool:
    """Whether amounts have other digits behind their mark in the new currency than in the one so far."""
    return bool(details.currency) and digits(details.currency) != digits(currency)


def _amount(text: str, currency: str) -> int:
    if not currency:
        raise ToolRefused("An amount needs its currency; ask for that.")
    got = read_amount(text, currency)
    if isinstance(got, Unclear):
        raise ToolRefused(got.text)
    return got


def _currency(text: str) -> str:
    code = text.strip().upper()
    try:
        digits(code)
    except KeyError:
        raise ToolRefused(f"“{text}” is not the code of a currency, such as EUR or USD.") from None
    return code


def _rate(text: str) -> Decimal:
    rate = read_rate(text)
    if rate is None:
        raise ToolRefused(f"“{text}” is not a rate; a rate is a number above 0, such as 0.9215.")
    return rate


def _today() -> date:
    return utcnow().date()


change_expense = Tool(
    name="change_expense",
    description=(
        "Change an expense of the asker's as they say, or answer the question that a tool had about it. When they say that a value that was "
        "read is right, give that same value again: that settles it. Only what the asker said; never a value of your own. Then put the next "
        "question of `ask_now`, one at a time."
    ),
    arguments=Change,
    before=_rates,
    run=_change,
    doing="is changing an expense…",
    effect=True,
)
