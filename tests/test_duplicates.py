"""Which expenses are taken for the same one, handed in twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.expenses.policy.duplicates import Duplicate, find_duplicate, same_merchant
from bot.expenses.values import Details, Expense
from tests.policy_world import DAY, LIDL, kept


def likeness(one: Expense, other: Expense) -> str:
    found = find_duplicate(one, [other])
    return found.how if found else ""


def test_the_same_file_is_found_whoever_shared_it_and_whatever_was_read_from_it() -> None:
    other = kept(1, Details(), owner="U2", receipt="abc")
    assert find_duplicate(kept(2, receipt="abc"), [other]) == Duplicate(1, "file")
    assert likeness(kept(2, receipt="abd"), other) == ""
    assert likeness(kept(2, Details()), kept(1, Details())) == "", "no file is not the same file"


def test_receipts_on_one_picture_do_not_repeat_each_other() -> None:
    assert likeness(kept(2, receipt="abc", part=1), kept(1, receipt="abc", part=0)) == ""


def test_owner_date_amount_and_currency_are_enough() -> None:
    assert likeness(kept(2), kept(1, replace(LIDL, merchant="Something else"))) == "same"
    assert likeness(kept(2), kept(1, owner="U2")) == ""
    assert likeness(kept(2), kept(1, replace(LIDL, currency="CHF"))) == ""


@pytest.mark.parametrize("field", ["minor", "spent_on"])
def test_without_amount_or_date_only_the_file_counts(field: str) -> None:
    bare = replace(LIDL, minor=None) if field == "minor" else replace(LIDL, spent_on=None)
    assert likeness(kept(2, bare), kept(1, bare)) == ""
    assert likeness(kept(2, bare, receipt="a"), kept(1, bare, receipt="a")) == "file"


@pytest.mark.parametrize(
    ("change", "how"),
    [
        ({"spent_on": DAY + timedelta(1), "merchant": "LIDL Dienstleistung GmbH & Co. KG"}, "near"),
        ({"spent_on": DAY - timedelta(1)}, "near"),
        ({"spent_on": DAY + timedelta(2)}, ""),
        ({"spent_on": DAY + timedelta(1), "merchant": "Aldi"}, ""),
        ({"spent_on": DAY + timedelta(1), "merchant": ""}, ""),
        ({"minor": 1858}, "near"),  # 0.97 %
        ({"minor": 1859}, ""),  # 1.02 %
        ({"minor": -1840}, ""),
        ({"minor": 1841, "spent_on": DAY + timedelta(1)}, ""),
        ({"minor": 1841, "merchant": "Aldi"}, ""),
    ],
)
def test_near_ones_differ_a_little_in_one_thing(change: dict[str, object], how: str) -> None:
    assert likeness(kept(2), kept(1, replace(LIDL, **change))) == how  # type: ignore[arg-type] # fields by name


def test_one_percent_is_still_near() -> None:
    assert likeness(kept(2, replace(LIDL, minor=9900)), kept(1, replace(LIDL, minor=10_000))) == "near"
    assert likeness(kept(2, replace(LIDL, minor=9899)), kept(1, replace(LIDL, minor=10_000))) == ""


def test_the_surest_comes_first_and_then_the_lowest_number() -> None:
    near, same = kept(1, replace(LIDL, spent_on=DAY + timedelta(1))), [kept(5), kept(3)]
    assert find_duplicate(kept(9), [near, *same]) == Duplicate(3, "same")
    file = kept(8, Details(), owner="U2", receipt="abc")
    assert find_duplicate(kept(9, receipt="abc"), [near, *same, file]) == Duplicate(8, "file")
    assert find_duplicate(kept(9), []) is None


def test_an_expense_does_not_repeat_itself() -> None:
    assert find_duplicate(kept(1, receipt="abc"), [kept(1, receipt="abc")]) is None


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        ("Lidl", "LIDL Dienstleistung GmbH", True),
        ("Café Müller", "Cafe Muller", True),
        ("Starbucks Coffee", "Starbuck Cofee", True),
        ("GmbH", "gmbh", True),
        ("東京タクシー", "東京タクシー株式会社", True),
        ("🍕🍕", "🍕🍕", True),
        ("🍕🍕", "🍣", False),
        ("Hotel Adler", "Hotel Post", False),
        ("Aldi", "Lidl", False),
        ("", "", False),
        ("Lidl", "", False),
    ],
)
def test_merchants_are_compared_without_case_accents_and_legal_forms(one: str, two: str, same: bool) -> None:
    assert same_merchant(one, two) is same


DETAILS = st.builds(
    Details,
    merchant=st.sampled_from(["Lidl", "LIDL GmbH", "Aldi", "", "🍕"]) | st.text(max_size=12),
    spent_on=st.none() | st.dates(date(2026, 11, 1), date(2026, 11, 4)),
    minor=st.none() | st.integers(-2, 400) | st.integers(10_000, 10_100),
    currency=st.sampled_from(["EUR", "JPY", ""]),
)
EXPENSES = st.builds(
    kept,
    st.integers(1, 9),
    DETAILS,
    owner=st.sampled_from(["U1", "U2"]),
    receipt=st.sampled_from(["", "abc", "abd"]),
    part=st.integers(0, 1),
)


@given(EXPENSES, EXPENSES)
def test_likeness_goes_both_ways(one: Expense, other: Expense) -> None:
    assert likeness(one, other) == likeness(other, one)


@given(EXPENSES)
def test_a_copy_is_found_whenever_there_is_anything_to_go_by(one: Expense) -> None:
    copy = replace(one, number=one.number + 10)
    known = one.details.money is not None and one.details.spent_on is not None
    assert likeness(copy, one) == ("file" if one.receipt else "same" if known else "")


@given(EXPENSES, EXPENSES)
def test_anothers_expense_is_like_ones_own_only_by_its_file(one: Expense, other: Expense) -> None:
    assert likeness(replace(one, owner="U1"), replace(other, owner="U2")) in ("", "file")


@given(EXPENSES, st.lists(EXPENSES, max_size=6))
def test_what_is_found_is_one_of_them_and_none_is_surer(new: Expense, earlier: list[Expense]) -> None:
    found = find_duplicate(new, earlier)
    order = ["file", "same", "near", ""]
    each = [(order.index(likeness(new, other)), other.number) for other in earlier]
    best = min(each, default=(3, 0))
    assert (order.index(found.how), found.number) == best if found else best[0] == 3
