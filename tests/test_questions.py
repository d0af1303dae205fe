"""What is still to be asked about an expense, one question at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.expenses.questions import DUPLICATE, ORDER, missing, question
from bot.expenses.values import Details, Expense, Rate, Read
from tests.receipt_answers import POLICY

WHOLE = Details(
    merchant="LIDL", spent_on=date(2026, 11, 20), minor=1840, currency="EUR", category="meals", payment="own"
)
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def expense(details: Details = WHOLE, *asks: str, **more: Any) -> Expense:
    fields: dict[str, Any] = {
        "team": "T1", "number": 12, "owner": "U1", "state": "needs_info" if asks else "ready", "version": 1, "source": "file",
        "details": details, "home": None, "read": {}, "receipt": "", "part": 0, "notes": (), "asks": asks, "doubts": (),
        "report": None, "twin": None, "created_at": NOW, "changed_at": NOW,
    }  # fmt: skip
    return Expense(**(fields | more))


def read(value: str, evidence: str = "") -> Read:
    return Read(value, 0.5, evidence)


def test_a_whole_expense_lacks_nothing_and_nothing_is_asked() -> None:
    assert missing(WHOLE, POLICY, "EUR") == ()
    assert question(expense(), POLICY) == ""


def test_an_empty_expense_lacks_all_that_is_needed_in_the_order_of_asking() -> None:
    assert missing(Details(), POLICY, "EUR") == ("minor", "currency", "spent_on", "merchant", "category")


@pytest.mark.parametrize(
    ("changes", "lacking"),
    [
        ({"minor": 0}, ()),
        ({"minor": None}, ("minor",)),
        ({"category": "yachts"}, ("category",)),
        ({"currency": "USD"}, ("rate",)),
        ({"currency": "USD", "rate": Rate(Decimal("0.9"), date(2026, 11, 20), "ECB")}, ()),
        ({"category": "client"}, ("attendees",)),
        ({"category": "client", "attendees": ("Kim",)}, ()),
        ({"currency": ""}, ("currency",)),
        ({"payment": ""}, ()),
    ],
)
def test_what_is_lacking_is_named(changes: dict[str, Any], lacking: tuple[str, ...]) -> None:
    assert missing(replace(WHOLE, **changes), POLICY, "EUR") == lacking


@pytest.mark.parametrize(
    ("changes", "asks", "reads", "text"),
    [
        ({}, ["minor"], {"minor": read("18,40", "SUMME 18,40")}, "I read a total of €18.40 from “SUMME 18,40”. Is that right?"),
        ({}, ["minor"], {}, "I read a total of €18.40. Is that right?"),
        ({"minor": None}, ["minor"], {}, "How much was it in all, in EUR?"),
        ({"minor": None}, ["minor"], {"minor": read("eighteen")}, "How much was it in all, in EUR? I could not make it out from “eighteen”."),
        ({"minor": None, "currency": ""}, ["minor", "currency"], {}, "How much was it in all, and in which currency?"),
        (
            {"minor": None, "currency": ""},
            ["minor", "currency"],
            {"minor": read("18,40")},
            "In which currency is the total of 18,40?",
        ),
        ({}, ["currency"], {}, "I take the amount to be in EUR. Is that right?"),
        ({"currency": "USD"}, ["currency"], {"currency": read("USD", "$")}, "I take the amount to be in USD from “$”. Is that right?"),
        ({"spent_on": None}, ["spent_on"], {}, "On which day was it?"),
        ({}, ["spent_on"], {"spent_on": read("2026-11-20", "20.11.26")}, "I read the date Friday, 20 November 2026 from “20.11.26”. Is that right?"),
        ({"merchant": ""}, ["merchant"], {}, "Who was it paid to?"),
        ({}, ["merchant"], {"merchant": read("LIDL", "L1DL")}, "I read “LIDL” as who was paid from “L1DL”. Is that right?"),
        ({}, ["category"], {}, "I would put it under Meals. Is that right?"),
        ({"category": ""}, ["category"], {}, "Which category does it belong to: Meals, Taxi and ride, Client entertainment?"),
        ({"currency": "USD"}, ["rate"], {}, "I have no exchange rate for USD on 20 November 2026. Which rate does your bank or card statement show?"),
        ({}, ["attendees"], {}, "Who took part?"),
        ({}, ["city"], {}, "In which city was it?"),
        ({}, ["purpose"], {}, "What was it for?"),
    ],
)  # fmt: skip
def test_a_question_names_what_it_is_about(
    changes: dict[str, Any], asks: list[str], reads: dict[str, Read], text: str
) -> None:
    assert question(expense(replace(WHOLE, **changes), *asks, read=reads), POLICY) == text


@pytest.mark.parametrize(
    ("currency", "meant"),
    [("EUR", "€1,234.00"), ("KWD", "KWD\N{NO-BREAK SPACE}1,234.000 or KWD\N{NO-BREAK SPACE}1.234")],
)
def test_an_amount_with_two_meanings_is_asked_with_what_it_may_mean(currency: str, meant: str) -> None:
    asked = expense(replace(WHOLE, minor=None, currency=currency), "minor", read={"minor": read("1.234")})
    assert question(asked, POLICY) == f"The total reads “1.234”. Is that {meant}, or how much was it?"


def test_one_question_at_a_time_in_the_order_of_asking() -> None:
    asked = expense(replace(WHOLE, merchant="", spent_on=None), "merchant", "spent_on")
    assert question(asked, POLICY) == "On which day was it?"


def test_of_a_likely_duplicate_nothing_else_is_asked_first() -> None:
    assert question(expense(WHOLE, "merchant", state="duplicate_hold"), POLICY) == DUPLICATE


def test_what_was_read_is_cut() -> None:
    text = question(expense(WHOLE, "minor", read={"minor": read("18,40", "x" * 500)}), POLICY)
    assert len(text) < 150


@given(
    st.builds(
        Details,
        merchant=st.sampled_from(["", "LIDL"]),
        spent_on=st.none() | st.dates(),
        minor=st.none() | st.integers(-(10**15), 10**15),
        currency=st.sampled_from(["", "EUR", "JPY", "KWD"]),
        category=st.sampled_from(["", "meals", "client", "yachts"]),
    )
)
def test_whatever_is_missing_there_is_a_question_and_none_where_nothing_is(details: Details) -> None:
    lacking = missing(details, POLICY, "EUR")
    assert bool(question(expense(details, *lacking), POLICY)) == bool(lacking)
    assert list(lacking) == sorted(lacking, key=ORDER.index)
