"""Amounts of money: how they are read, reckoned with and written. Integer minor units and ISO 4217 codes. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from bot.expenses.values import Money, Rate


@dataclass(frozen=True, slots=True)
class Unclear:
    """An amount that cannot be taken as it is: `text` says why and what to do; `readings` are what it may mean, in minor units, where there are several."""

    text: str
    readings: tuple[int, ...] = ()


def digits(currency: str) -> int:  # noqa: ARG001  # skeleton
    """How many digits a currency has behind its decimal mark: EUR 2, JPY 0, KWD 3. Raises KeyError for what is no currency in use."""
    return 2


def read_amount(text: str, currency: str, language: str = "") -> int | Unclear:  # noqa: ARG001  # skeleton
    """An amount as somebody wrote it, in minor units: "1.234,56", "18.40 €", "1,234". `language` is the receipt's, such as "de"; without it what has two meanings is Unclear."""
    return Unclear("skeleton")


def show(money: Money, language: str = "en") -> str:  # noqa: ARG001  # skeleton
    """An amount as people write it: "€1,234.56"; in English unless told otherwise. What is no known currency is shown with its code."""
    return f"{money.minor} {money.currency}"


def convert(money: Money, rate: Rate, home: str) -> Money:  # noqa: ARG001  # skeleton
    """The amount in the home currency, rounded half up to its smallest unit."""
    return Money(money.minor, home)
