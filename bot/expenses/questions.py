"""What is still to be asked about an expense. Pure."""

from __future__ import annotations

from bot.expenses.money.money import Unclear, read_amount, show
from bot.expenses.policy.policy import Policy
from bot.expenses.values import Details, Expense, Money, Read

ORDER = ("minor", "currency", "spent_on", "merchant", "category", "rate", "attendees", "city", "purpose")
EVIDENCE = 60  # characters of what was read that a question shows
DUPLICATE = (
    "This looks like an expense that was handed in before. Is it the same one, to be removed, or are both to be kept?"
)


def missing(details: Details, policy: Policy, home: str) -> tuple[str, ...]:
    """The names of the fields that an expense cannot do without and does not have, the first to ask about first. "rate" is among them where a foreign amount has none."""
    lacking = {name for name in ("merchant", "currency") if not getattr(details, name)}
    lacking |= {name for name in ("minor", "spent_on") if getattr(details, name) is None}
    if details.category not in policy.categories:
        lacking.add("category")
    else:
        lacking |= {name for name in policy.categories[details.category].needs if not getattr(details, name)}
    if details.currency and details.currency != home and details.rate is None:
        lacking.add("rate")
    return tuple(name for name in ORDER if name in lacking)


def question(expense: Expense, policy: Policy) -> str:
    """The one question to put to its owner now; "" where there is nothing to ask. Plain text with words from the receipt in it: not escaped."""
    if expense.state == "duplicate_hold":
        return DUPLICATE
    asks = sorted(expense.asks, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))
    if not asks:
        return ""
    name, details = asks[0], expense.details
    if name == "minor" and "currency" in asks and not details.currency and "minor" in expense.read:
        name = "currency"  # an amount means something only in a currency
    match name:
        case "minor":
            return _amount(expense)
        case "currency":
            return _currency(expense)
        case "spent_on":
            if not details.spent_on:
                return "On which day was it?"
            return f"I read the date {details.spent_on:%A}, {details.spent_on.day} {details.spent_on:%B %Y}{_from(expense.read.get(name))}. Is that right?"
        case "merchant":
            if not details.merchant:
                return "Who was it paid to?"
            return f"I read “{details.merchant}” as who was paid{_from(expense.read.get(name))}. Is that right?"
        case "category":
            return _category(details, policy)
        case "rate":
            day = f" on {details.spent_on.day} {details.spent_on:%B %Y}" if details.spent_on else ""
            return f"I have no exchange rate for {details.currency}{day}. Which rate does your bank or card statement show?"
        case "attendees":
            return "Who took part?"
        case "city":
            return "In which city was it?"
        case "purpose":
            return "What was it for?"
    return f"What is the {name.replace('_', ' ')}?"


def _amount(expense: Expense) -> str:
    details, read = expense.details, expense.read.get("minor")
    if details.money:
        return f"I read a total of {show(details.money)}{_from(read)}. Is that right?"
    got = read_amount(read.value, details.currency) if read and details.currency else None
    if read and isinstance(got, Unclear) and got.readings:
        meant = " or ".join(show(Money(minor, details.currency)) for minor in got.readings)
        return f"The total reads “{_cut(read.value)}”. Is that {meant}, or how much was it?"
    within = f", in {details.currency}" if details.currency else ", and in which currency"
    unread = f" I could not make it out from “{_cut(read.value)}”." if read else ""
    return f"How much was it in all{within}?{unread}"


def _currency(expense: Expense) -> str:
    details, read = expense.details, expense.read.get("minor")
    if details.currency:
        return f"I take the amount to be in {details.currency}{_from(expense.read.get('currency'))}. Is that right?"
    return f"In which currency is the total of {_cut(read.value)}?" if read else "In which currency was it?"


def _category(details: Details, policy: Policy) -> str:
    if details.category in policy.categories:
        return f"I would put it under {policy.categories[details.category].label}. Is that right?"
    return f"Which category does it belong to: {', '.join(c.label for c in policy.categories.values())}?"


def _from(read: Read | None) -> str:
    return f" from “{_cut(read.evidence)}”" if read and read.evidence else ""


def _cut(text: str) -> str:
    return text if len(text) <= EVIDENCE else text[: EVIDENCE - 1].rstrip() + "…"
