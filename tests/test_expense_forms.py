"""The forms of expenses: Slack takes them, and what is entered is read, or refused beside its field."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import modals
from bot.expenses.face import buttons, forms
from bot.expenses.policy.policy import Category
from bot.expenses.values import Details, Expense, Rate, Report
from playground.slack.blocks import check_view
from tests.expense_values import ANA, LUNCH, POLICY, expense, expenses, report, reports

FILLED = {
    "merchant": "Lidl",
    "spent_on": "2026-11-20",
    "minor": "18.40",
    "currency": "EUR",
    "category": "meals",
    "purpose": "",
    "payment": "own",
    "tip_minor": "",
    "city": "",
    "attendees": "",
    "justification": "",
}


def opened(view: dict[str, Any]) -> dict[str, Any]:
    """The view, which Slack opens."""
    check_view(view, "modal")
    for block in view["blocks"]:
        element = block.get("element", {})
        options = element.get("options", [{"text": {"text": "x"}, "value": "x"}])
        assert 1 <= len(options) <= 100
        assert all(1 <= len(o["text"]["text"]) <= 75 and len(o["value"]) <= 150 for o in options)
        assert len(element.get("initial_value", "")) <= element.get("max_length", 3_000)
        assert element.get("initial_option", options[0]) in options
    return view


def inputs(view: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Its fields: block ids and elements."""
    return [(b["block_id"], b["element"]) for b in view["blocks"] if b["type"] == "input"]


def shown(view: dict[str, Any]) -> dict[str, str]:
    """What stands in the fields that are not empty."""
    found = {}
    for block_id, element in inputs(view):
        value = element.get("initial_value") or element.get("initial_date")
        value = value or (element.get("initial_option") or {}).get("value")
        if value:
            found[block_id] = value
    return found


# -- views ---------------------------------------------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(expenses, st.none() | reports)
def test_slack_opens_the_form_of_any_expense(any_expense: Expense, inside: Report | None) -> None:
    view = opened(forms.expense_form(any_expense, POLICY, "EUR", inside))
    carried = json.loads(view["private_metadata"])
    assert (carried["number"], carried["version"]) == (any_expense.number, any_expense.version)


def test_slack_opens_all_the_other_views() -> None:
    opened(forms.loading("Edit E-999999999"))
    opened(modals.trouble("<@U123> may not.", "Expense"))
    opened(forms.new_form(POLICY, "EUR", date(2026, 11, 22)))
    opened(forms.new_form(replace(POLICY, categories={}), "XTS", date(2026, 11, 22)))
    opened(forms.hand_over_form("R-999999999", 999999999, 3))
    for action in (buttons.SEND_BACK, buttons.REJECT):
        assert opened(forms.reason_form(action, "R-999999999", 999999999, 3))["blocks"][0]["optional"] is False


def test_a_policy_with_more_categories_than_a_menu_takes_is_cut() -> None:
    many = {f"c{n}": Category(key=f"c{n}", label="L" * 90) for n in range(120)}
    opened(forms.new_form(replace(POLICY, categories=many), "EUR", date(2026, 11, 22)))


def test_a_new_form_begins_with_today_and_the_home_currency() -> None:
    view = forms.new_form(POLICY, "CHF", date(2026, 11, 22))
    assert shown(view) == {"spent_on": "2026-11-22", "currency": "CHF", "payment": "own"}


def test_the_form_of_an_expense_shows_what_is_known() -> None:
    dinner = replace(LUNCH, attendees=("Ana", "Raj"), tip_minor=200, justification="Late arrival")
    assert shown(forms.expense_form(expense(details=dinner), POLICY, "EUR")) == {
        "merchant": "Café Ümlaut & Söhne",
        "spent_on": "2026-11-20",
        "minor": "18.40",
        "currency": "EUR",
        "category": "meals",
        "payment": "own",
        "tip_minor": "2.00",
        "attendees": "Ana, Raj",
        "justification": "Late arrival",
    }


def test_a_rate_is_asked_for_only_where_the_amount_is_foreign() -> None:
    home = forms.expense_form(expense(), POLICY, "EUR")
    foreign = forms.expense_form(expense(details=replace(LUNCH, currency="USD")), POLICY, "EUR")
    assert "rate" not in dict(inputs(home))
    assert "rate" in dict(inputs(foreign))
    assert "What 1 USD is worth in EUR" in str(foreign)


def test_an_uncommon_currency_that_the_receipt_has_can_be_kept() -> None:
    assert (
        shown(forms.expense_form(expense(details=replace(LUNCH, currency="MNT")), POLICY, "EUR"))["currency"] == "MNT"
    )


def test_the_form_warns_that_saving_takes_the_report_back() -> None:
    view = forms.expense_form(expense(report=3), POLICY, "EUR", report(state="submitted"))
    assert "R-3 waits for approval. Saving takes it back" in str(view["blocks"][0])
    assert "Saving takes" not in str(forms.expense_form(expense(report=3), POLICY, "EUR", report()))


# -- what is entered -----------------------------------------------------------------------------------------------------------------


def test_a_filled_form_is_read_into_the_fields_of_an_expense() -> None:
    given = {**FILLED, "attendees": "Ana,  Raj\nKim,", "city": "Lisbon", "tip_minor": "2"}
    changes, wrong = forms.read_form(given, {})
    assert not wrong
    details = replace(Details(), **changes)
    assert (details.minor, details.tip_minor, details.spent_on) == (1840, 200, date(2026, 11, 20))
    assert (details.merchant, details.category, details.city) == ("Lidl", "meals", "Lisbon")
    assert details.attendees == ("Ana", "Raj", "Kim")


@pytest.mark.parametrize("name", ["minor", "currency", "spent_on", "merchant", "category"])
def test_what_an_expense_cannot_do_without_is_asked_for_beside_its_field(name: str) -> None:
    _, wrong = forms.read_form({**FILLED, name: " "}, {})
    assert name in wrong
    assert set(wrong) <= {name, "minor"}, "an amount cannot be read without its currency"


@pytest.mark.parametrize(
    ("name", "text", "word"),
    [
        ("minor", "a lot", ""),
        ("minor", "18.405", ""),
        ("minor", "12 USD", ""),
        ("tip_minor", "some", ""),
        ("spent_on", "20.11.2026", "choose a date"),
        ("currency", "XXY", "choose a currency"),
        ("currency", "eur", "choose a currency"),
        ("rate", "0", "above 0"),
        ("rate", "-1.5", "above 0"),
        ("rate", "NaN", "above 0"),
        ("rate", "1e99", "above 0"),
        ("rate", "1,2,3", "above 0"),
    ],
)
def test_what_cannot_be_read_is_told_beside_its_field(name: str, text: str, word: str) -> None:
    _, wrong = forms.read_form({**FILLED, name: text}, {})
    assert word in wrong[name]
    assert wrong[name].strip()


def test_an_amount_with_two_meanings_is_asked_about_and_one_that_was_left_alone_is_not() -> None:
    dinars = replace(LUNCH, currency="KWD", minor=1234)
    kept = forms.entered(dinars)
    given = {**FILLED, "currency": "KWD", "minor": "1.234"}
    assert kept["minor"] == "1.234"
    assert "minor" in forms.read_form(given, {})[1]
    changes, wrong = forms.read_form(given, kept)
    assert not wrong
    assert "minor" not in changes


def test_an_amount_is_read_anew_when_its_currency_changes() -> None:
    kept = forms.entered(LUNCH)
    changes, wrong = forms.read_form({**FILLED, "currency": "USD"}, kept)
    assert not wrong
    assert (changes["minor"], changes["currency"]) == (1840, "USD")
    _, wrong = forms.read_form({**FILLED, "currency": "JPY"}, kept)
    assert "minor" in wrong, "yen have no cents"


def test_a_rate_that_is_entered_is_the_persons_and_one_that_was_shown_stays_the_banks() -> None:
    foreign = replace(LUNCH, currency="USD", rate=Rate(Decimal("0.92"), date(2026, 11, 20), "ECB"))
    kept = forms.entered(foreign)
    given = {**FILLED, "currency": "USD", "rate": "0.92"}
    assert "rate" not in forms.read_form(given, kept, ANA)[0]
    changes, _ = forms.read_form({**given, "rate": "0,95"}, kept, ANA)
    assert changes["rate"] == Rate(Decimal("0.95"), date(2026, 11, 20), ANA)


def test_a_field_that_is_emptied_is_taken_away() -> None:
    kept = forms.entered(replace(LUNCH, city="Lisbon", tip_minor=200, attendees=("Raj",)))
    changes, wrong = forms.read_form({**FILLED, "merchant": LUNCH.merchant}, kept)
    assert not wrong
    assert changes == {"city": "", "tip_minor": None, "attendees": ()}


@settings(max_examples=150, deadline=None)
@given(expenses)
def test_a_form_that_is_saved_as_it_was_shown_changes_nothing(any_expense: Expense) -> None:
    kept = forms.entered(any_expense.details)
    view = forms.expense_form(any_expense, POLICY, "EUR")
    held = shown(view)
    given = {name: held.get(name, "") for name, _ in inputs(view)}
    changes, _ = forms.read_form(given, kept, ANA)
    pickers = {"spent_on", "currency", "category", "payment"}  # what a menu does not offer cannot be left as it is
    assert {n for n in changes if kept[n]} <= {n for n in pickers if given.get(n) != kept[n]} | {"minor", "tip_minor"}
    if given["currency"] == kept["currency"]:
        assert not {"minor", "tip_minor"} & set(changes)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from([*FILLED, "rate", "odd"]), st.text(max_size=60)), st.booleans())
def test_no_text_makes_the_reading_raise_and_each_fault_has_a_word(given: dict[str, str], filled: bool) -> None:
    changes, wrong = forms.read_form({**FILLED, **given} if filled else given, {}, ANA)
    assert all(wrong.values())
    replace(Details(), **changes)
