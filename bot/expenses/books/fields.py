"""What an expense's fields may hold, whoever gives them: a form, the model, a command. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from datetime import date, datetime
from typing import Any

from bot.errors import ExpenseRefused
from bot.expenses.money.money import RATES, digits
from bot.expenses.policy.policy import Policy
from bot.expenses.values import Details, Rate, TaxLine

# Fits the databases' integers also where the amounts of ten thousand expenses are added up: a hundred billion euros.
MOST_MINOR = 10**13
NAMES, TEXTS = 200, 1000  # characters of a merchant, a city, a person; of a purpose, a justification
MOST_ATTENDEES, MOST_TAXES = 50, 20
_KEPT = "\n\u200c\u200d"  # what Persian words and emoji need


def clean(text: str, most: int) -> str:
    """A text as it is kept, cut to so many characters: no control characters (PostgreSQL takes no NUL), and none that cannot be seen. One that
    turns the direction of writing would have an approver read the amount beside it backwards.
    """
    seen = (c for c in text if c in _KEPT or unicodedata.category(c) != "Cf")
    kept = "".join(c if c in _KEPT or unicodedata.category(c) not in ("Cc", "Cs") else " " for c in seen)
    return kept.strip()[:most].strip()


def entered(details: Details, changes: Mapping[str, Any], policy: Policy) -> Details:
    """The details with those fields changed. Raises ExpenseRefused for what is no field, or cannot be its value."""
    known = {f.name for f in fields(Details)}
    if unknown := [name for name in changes if name not in known]:
        raise ExpenseRefused(f"An expense has no field called {clean(str(unknown[0]), 50)}.")
    values = {name: _READERS[name](value) for name, value in changes.items()}
    if (category := values.get("category")) and category not in policy.categories:
        raise ExpenseRefused(f"There is no such category. There are: {', '.join(sorted(policy.categories))}.")
    new = replace(details, **values)
    if details.money and "minor" not in changes and _digits(new.currency) != _digits(details.currency):
        raise ExpenseRefused(f"Please give the amount together with the currency {new.currency}.")
    return new


def _digits(currency: str) -> int:
    return digits(currency) if currency else 2


def _text(most: int) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if not isinstance(value, str):
            raise _unusable()
        return clean(value, most)

    return read


def _currency(value: Any) -> str:
    code = _text(3)(value).upper()
    try:
        _digits(code)
    except KeyError as error:
        raise ExpenseRefused("That is no currency in use. Please give its three letters, such as EUR.") from error
    return code


def _payment(value: Any) -> str:
    if value not in ("", "own", "company"):
        raise ExpenseRefused("It was paid with your own money, or with a company card.")
    return str(value)


def _date(value: Any) -> date | None:
    if value is not None and (not isinstance(value, date) or isinstance(value, datetime)):
        raise _unusable()
    return value


def _minor(value: Any) -> int | None:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise _unusable()
    if value is not None and abs(value) > MOST_MINOR:
        raise ExpenseRefused("That amount is larger than I can keep. Please look at it again.")
    return value


def _tax(value: Any) -> tuple[TaxLine, ...]:
    if not isinstance(value, tuple) or not all(isinstance(line, TaxLine) for line in value):
        raise _unusable()
    return tuple(TaxLine(clean(line.rate, 20), _minor(line.minor) or 0) for line in value[:MOST_TAXES])


def _attendees(value: Any) -> tuple[str, ...]:
    if not isinstance(value, tuple) or not all(isinstance(name, str) for name in value):
        raise _unusable()
    return tuple(name for text in value[:MOST_ATTENDEES] if (name := clean(text, NAMES)))


def _rate(value: Any) -> Rate | None:
    if value is None:
        return None
    if not isinstance(value, Rate) or not value.value.is_finite():
        raise _unusable()
    if not 0 < value.value <= RATES[1] or value.value.adjusted() < -12:  # the bank's own may be small
        raise ExpenseRefused("An exchange rate is a number above 0: what one unit is worth.")
    return value


def _unusable() -> ExpenseRefused:
    return ExpenseRefused("I could not read that value. Please give it again.")


_READERS: dict[str, Callable[[Any], Any]] = {
    "merchant": _text(NAMES),
    "spent_on": _date,
    "minor": _minor,
    "currency": _currency,
    "tax": _tax,
    "tip_minor": _minor,
    "category": _text(NAMES),
    "payment": _payment,
    "city": _text(NAMES),
    "attendees": _attendees,
    "purpose": _text(TEXTS),
    "justification": _text(TEXTS),
    "rate": _rate,
}
