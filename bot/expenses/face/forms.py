"""The forms (modals) of expenses: how they look, and how what was entered is read. Pure.

A form is read twice: by the web process, which shows what is wrong beside the field, and by the worker, which knows what stood in it before.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from babel.numbers import get_currency_name

from bot import modals
from bot.blocks import OPTION, OPTIONS, Block, cut, option, section
from bot.expenses.face import buttons
from bot.expenses.money.money import Unclear, digits, read_amount, read_rate
from bot.expenses.policy.policy import Policy
from bot.expenses.values import Details, Expense, Rate, Report
from bot.modals import Values, View, field, modal

LABELS = {  # of Details' fields
    "merchant": "Merchant",
    "spent_on": "Date",
    "minor": "Amount",
    "currency": "Currency",
    "tax": "Tax",
    "tip_minor": "Tip",
    "category": "Category",
    "payment": "Paid with",
    "city": "City",
    "attendees": "Attendees",
    "purpose": "Purpose",
    "justification": "Justification",
    "rate": "Exchange rate",
}
PAYMENTS = {"own": "own money, to be paid back", "company": "a company card"}
COMMON = "AED AUD BRL CAD CHF CNY CZK DKK EUR GBP HKD HUF IDR ILS INR ISK JPY KRW KWD MXN MYR NOK NZD PHP PLN RON SEK SGD THB TRY USD ZAR"
REQUIRED = ("minor", "currency", "spent_on", "merchant", "category")
TEXTS = {"merchant": 200, "city": 100, "attendees": 1_000, "purpose": 500, "justification": 1_000}  # most characters
AMOUNT = 40
REASON = "reason"
TO = "to"
MOST_REASON = 1_000
EARLIEST = date(1970, 1, 1)  # before that Slack's date picker takes no date


# -- views -------------------------------------------------------------------------------------------------------------------


def loading(title: str = "Expense") -> View:
    """Opened at once, because a trigger lives three seconds; a worker puts the form into its place."""
    return modals.loading(title)


def expense_form(expense: Expense, policy: Policy, home: str, report: Report | None = None) -> View:
    """The form for an expense that is there. `report`: the one that it is in."""
    texts = entered(expense.details)
    kept = {name: texts[name] for name in ("minor", "tip_minor", "currency")}
    blocks = _inputs(texts, policy, home, foreign=texts["currency"] not in ("", home))
    if report and report.state == "submitted":
        word = f":warning: {report.name} waits for approval. Saving takes it back; you can submit it again."
        blocks.insert(0, section(word))
    carried = {"number": expense.number, "version": expense.version, "kept": kept}
    return modal(f"Edit {expense.name}", blocks, buttons.EXPENSE_FORM, carried, submit="Save")


def new_form(policy: Policy, home: str, today: date) -> View:
    """The form for an expense without a receipt."""
    texts = entered(Details(currency=home, spent_on=today, payment="own"))
    return modal("New expense", _inputs(texts, policy, home, foreign=False), buttons.NEW_FORM, {}, submit="Save")


def reason_form(action: str, name: str, number: int, version: int) -> View:
    """Asks why a report is sent back or rejected. `action` is the button's."""
    back = action == buttons.SEND_BACK
    label = "What is to be changed?" if back else "Why? A rejected report stays rejected."
    text = {"type": "plain_text_input", "action_id": REASON, "multiline": True, "max_length": MOST_REASON}
    carried = {"number": number, "version": version, "action": action}
    title, submit = (f"Send {name} back", "Send back") if back else (f"Reject {name}", "Reject")
    return modal(title, [_input(REASON, label, text)], buttons.REASON_FORM, carried, submit=submit)


def hand_over_form(name: str, number: int, version: int) -> View:
    """Asks who is to decide instead."""
    people = {"type": "users_select", "action_id": TO}
    blocks = [_input(TO, "Who is to decide instead?", people)]
    carried = {"number": number, "version": version}
    return modal(f"Hand {name} over", blocks, buttons.HAND_OVER_FORM, carried, submit="Hand over")


def _inputs(texts: Values, policy: Policy, home: str, *, foreign: bool) -> list[Block]:
    currencies = list(
        dict.fromkeys([home, *([texts["currency"]] if _known(texts["currency"]) else []), *COMMON.split()])
    )
    categories = {key: category.label for key, category in policy.categories.items()}
    picker = {"type": "datepicker", "action_id": "spent_on"}
    if texts["spent_on"] and date.fromisoformat(texts["spent_on"]) >= EARLIEST:
        picker["initial_date"] = texts["spent_on"]
    unit = f"What 1 {texts['currency']} is worth in {home}. Left as it is: the bank's rate of the day."
    made = {
        "merchant": _text("merchant", texts),
        "spent_on": picker,
        "minor": _text("minor", texts),
        "currency": _select("currency", {c: _currency(c) for c in currencies}, texts),
        "rate": _text("rate", texts) if foreign else None,
        "category": _select("category", categories, texts) if categories else None,
        "purpose": _text("purpose", texts),
        "payment": _select("payment", PAYMENTS, texts),
        "tip_minor": _text("tip_minor", texts),
        "city": _text("city", texts),
        "attendees": _text("attendees", texts),
        "justification": _text("justification", texts, multiline=True),
    }
    hints = {
        "minor": "The whole amount, tax and tip in it, such as 1234.50.",
        "rate": unit,
        "tip_minor": "As far as it is in the amount.",
        "attendees": "Names, with commas in between.",
        "justification": "Where the policy warns: why it is right all the same.",
    }
    return [_input(name, LABELS[name], element, hints.get(name, "")) for name, element in made.items() if element]


def _input(name: str, label: str, element: Block, hint: str = "") -> Block:
    return field(name, label, element, hint, optional=name in LABELS and name not in REQUIRED)


def _text(name: str, texts: Values, *, multiline: bool = False) -> Block:
    element: Block = {"type": "plain_text_input", "action_id": name, "max_length": TEXTS.get(name, AMOUNT)}
    return element | {k: v for k, v in {"initial_value": texts[name], "multiline": multiline}.items() if v}


def _select(name: str, choices: Mapping[str, str], texts: Values) -> Block:
    options = {value: option(words, value) for value, words in list(choices.items())[:OPTIONS]}
    element: Block = {"type": "static_select", "action_id": name, "options": list(options.values())}
    return element | ({"initial_option": options[texts[name]]} if texts[name] in options else {})


def _currency(code: str) -> str:
    return f"{code} – {get_currency_name(code, locale='en')}"


def _known(code: str) -> bool:
    try:
        digits(code)
    except KeyError:
        return False
    return code.isalpha() and code.isupper()


# -- what is entered ---------------------------------------------------------------------------------------------------------


def entered(details: Details) -> dict[str, str]:
    """What stands in the form of an expense, by field."""
    rate = details.rate.value if details.rate else None
    return {
        "merchant": cut(details.merchant, TEXTS["merchant"]),
        "spent_on": details.spent_on.isoformat() if details.spent_on else "",
        "minor": _plain_amount(details.minor, details.currency),
        "currency": details.currency,
        "rate": f"{rate:f}"[:AMOUNT] if rate is not None else "",
        "category": details.category,
        "purpose": cut(details.purpose, TEXTS["purpose"]),
        "payment": details.payment,
        "tip_minor": _plain_amount(details.tip_minor, details.currency),
        "city": cut(details.city, TEXTS["city"]),
        "attendees": cut(", ".join(details.attendees), TEXTS["attendees"]),
        "justification": cut(details.justification, TEXTS["justification"]),
    }


def _plain_amount(minor: int | None, currency: str) -> str:
    if minor is None or not _known(currency):
        return ""
    return f"{Decimal(minor).scaleb(-digits(currency)):f}"


def read_form(values: Values, kept: Values, person: str = "") -> tuple[dict[str, Any], dict[str, str]]:
    """What was entered, as values of Details' fields by their names; and what is wrong, a sentence for each field (that is, block id).

    `kept` is what stood in the form: a field whose text is the same was left alone, and is neither read nor given back. `person` told the rate.
    """
    changes: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    money = values.get("currency") != kept.get("currency")  # amounts are read anew in another currency
    for name, text in values.items():
        again = money and name in ("minor", "tip_minor")
        if name not in LABELS or (name in kept and text == kept[name] and not again):
            continue
        try:
            changes[name] = _read(name, text.strip(), values, person)
        except ValueError as error:
            wrong[name] = str(error)
    wrong |= {n: f"{LABELS[n]} is needed." for n in REQUIRED if n in values and not values[n].strip()}
    return changes, wrong


def _read(name: str, text: str, values: Values, person: str) -> Any:
    """One field. Raises ValueError with what is wrong, for the person."""
    match name:
        case "minor" | "tip_minor":
            return _read_amount(text, values.get("currency", ""))
        case "spent_on":
            return _read_date(text)
        case "currency":
            if text and not _known(text):
                raise ValueError("Please choose a currency.")
            return text
        case "attendees":
            return tuple(n for part in text.replace("\n", ",").split(",") if (n := cut(part, 100)))
        case "rate":
            return _read_rate(text, values.get("spent_on", ""), person)
        case "payment":
            return text if text in PAYMENTS else ""
    return cut(text, TEXTS.get(name, OPTION))


def _read_amount(text: str, currency: str) -> int | None:
    if not text:
        return None
    if not _known(currency):
        raise ValueError("Please choose a currency as well.")
    read = read_amount(text, currency)
    if isinstance(read, Unclear):
        raise ValueError(read.text)  # noqa: TRY004  # one error for all that is wrong in a form
    return read


def _read_date(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise ValueError("Please choose a date.") from None


def _read_rate(text: str, on: str, person: str) -> Rate | None:
    if not text:
        return None
    value = read_rate(text)
    if value is None:
        raise ValueError("Please write a number above 0, such as 0.9215.")
    day = _read_date(on)
    if day is None:
        raise ValueError("Please choose the date as well: a rate is that of a day.")
    return Rate(value, day, person)
