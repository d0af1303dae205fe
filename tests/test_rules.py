"""What the policy says of expenses and reports: each rule by its level, limit and source, and what holds of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.expenses.books.derived import latest_day
from bot.expenses.money.money import show
from bot.expenses.policy.policy import Age, Category, Policy, Receipts, Restricted, Tier, load_policy
from bot.expenses.policy.rules import check_expense, check_report
from bot.expenses.values import Details, Expense, Level, Money, Note, Rate, Read, Report, TaxLine
from tests.policy_world import ACME, DAY, LUNCH, NOON, SOURCE, TODAY, check, eur, kept, levels, limited, policy, rates

# -- dates, amounts, categories ------------------------------------------------------------------------------------------


def test_an_ordinary_expense_has_no_notes() -> None:
    assert check(LUNCH, policy()) == {}
    assert check(LUNCH, ACME) == {}
    assert check(Details(), ACME) == {}, "what is missing is asked for"


@pytest.mark.parametrize("minor", [0, -1, -10_000])
def test_an_amount_that_is_not_more_than_zero_blocks(minor: int) -> None:
    assert levels(check(replace(LUNCH, minor=minor), policy())) == {"amount": "block"}
    assert levels(check(Details(minor=minor), policy())) == {"amount": "block"}


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (TODAY, {}),
        (TODAY + timedelta(1), {"date": "block"}),
        (date(2062, 3, 2), {"date": "block"}),
        (TODAY - timedelta(91), {}),  # TODAY is the latest day anywhere
        (TODAY - timedelta(92), {"age": "warn"}),
        (date(2016, 9, 23), {"date": "warn"}),
        (date.min, {"date": "warn"}),
    ],
)
def test_days_to_come_block_and_old_ones_warn(day: date, expected: dict[str, Level]) -> None:
    rules = policy(age=Age(days=90, level="warn", source=SOURCE))
    assert levels(check(replace(LUNCH, spent_on=day), rules)) == expected


def test_an_age_is_not_counted_from_a_day_that_has_only_begun_elsewhere() -> None:
    evening = datetime(2026, 11, 22, 18, tzinfo=UTC)  # in Auckland it is the 23rd
    rules = policy(age=Age(days=90, level="warn", source=SOURCE))
    for days, said in ((90, []), (91, ["age"])):
        expense = kept(1, replace(LUNCH, spent_on=evening.date() - timedelta(days)), receipt="abc")
        assert [n.rule for n in check_expense(expense, (), rules, "EUR", latest_day(evening))] == said


def test_an_expense_outside_of_the_policys_days_is_told_to_the_approver() -> None:
    rules = policy(valid_from=date(2026, 11, 1), valid_to=date(2026, 11, 10))
    assert check(LUNCH, rules) == {}
    early, late = (check(replace(LUNCH, spent_on=date(2026, *day)), rules) for day in ((10, 31), (11, 11)))
    assert levels(early) == levels(late) == {"policy_dates": "note"}
    assert "Travel policy 2026-10 ended on 10 Nov 2026" in late["policy_dates"].text


def test_a_category_that_the_policy_does_not_have_blocks() -> None:
    note = check(replace(LUNCH, category="yacht"), policy())["category"]
    assert (note.level, note.actual) == ("block", "yacht")


def test_what_a_category_needs_blocks_until_it_is_there() -> None:
    guests = replace(LUNCH, category="entertainment")
    note = check(guests, ACME)["needs"]
    assert note.level == "block"
    assert note.text.startswith("Entertainment: the names of the people it was for are needed; add the attendees (")
    assert note.source.endswith("section 6: Guests and gifts")
    assert check(replace(guests, attendees=("Raj",)), ACME) == {}


def test_a_foreign_amount_without_a_rate_blocks_and_is_held_against_no_limit() -> None:
    dollars = replace(LUNCH, currency="USD", minor=1_000_000)
    assert levels(check(dollars, ACME)) == {"rate": "block"}
    broken = [Rate(Decimal(value), DAY, "U1") for value in ("0", "-1", "NaN", "Infinity", "1e9999")]
    assert all(check(replace(dollars, rate=rate), ACME)["rate"].level == "block" for rate in broken)


def test_an_approver_is_told_of_a_rate_that_the_owner_gave() -> None:
    own = replace(LUNCH, currency="USD", minor=1_000, rate=Rate(Decimal("0.90"), DAY, "U1"))
    assert levels(check(own, ACME)) == {"rate": "note"}
    assert "0.9 EUR for 1 USD" in check(own, ACME)["rate"].text
    assert "rate" not in check(replace(own, rate=Rate(Decimal("0.90"), DAY, "ECB")), ACME)


def test_a_foreign_amount_with_a_rate_is_held_against_the_limit_at_home_and_both_are_named() -> None:
    dollars = replace(LUNCH, currency="USD", minor=10_000, rate=Rate(Decimal(1), DAY, "ECB"))
    note = check(dollars, limited("item", 4000))["limit_item"]
    assert (note.limit, note.actual) == (eur(4000), eur(10_000))
    assert show(Money(10_000, "USD")) in note.text


@pytest.mark.parametrize(
    ("minor", "category", "receipt", "expected"),
    [
        (2500, "meals", "", {}),
        (2501, "meals", "", {"receipt": "block"}),
        (2501, "meals", "abc", {}),
        (2700, "mileage", "", {}),
    ],
)
def test_above_the_threshold_a_receipt_is_needed(
    minor: int, category: str, receipt: str, expected: dict[str, Level]
) -> None:
    details = replace(LUNCH, minor=minor, category=category, purpose="90 km to Lyon")
    assert levels(check(details, ACME, receipt=receipt)) == expected


def test_some_categories_always_want_a_receipt() -> None:
    always = {"meals": Category(key="meals", label="Meals", receipt="always")}
    rules = policy(categories=always, receipts=Receipts(above=None, level="warn", source=SOURCE))
    assert levels(check(replace(LUNCH, minor=1), rules, receipt="")) == {"receipt": "warn"}


@pytest.mark.parametrize(
    ("tax", "tip", "expected"),
    [
        ((479,), 100, {}),
        ((1500, 1500), None, {}),
        ((2000, 1001), None, {"tax": "warn"}),
        ((-1,), None, {"tax": "warn"}),
        ((), 3001, {"tip": "warn"}),
        ((1600,), 1600, {"tax": "warn"}),
    ],
)
def test_tax_and_tip_are_parts_of_the_total(tax: Sequence[int], tip: int | None, expected: dict[str, Level]) -> None:
    details = replace(LUNCH, tax=tuple(TaxLine("19", minor) for minor in tax), tip_minor=tip)
    assert levels(check(details, policy())) == expected


def test_restricted_words_are_found_as_words_also_in_what_was_read() -> None:
    rules = policy(restricted=(Restricted(name="alcohol", words=("Wein",), level="note", source=SOURCE),))
    assert levels(check(replace(LUNCH, merchant="WEIN & Co"), rules)) == {"restricted": "note"}
    assert check(replace(LUNCH, merchant="Weinheimer Hof"), rules) == {}
    read = replace(kept(1, LUNCH, receipt="a"), read={"minor": Read("30.00", 1.0, "2 x Wein 12,00 SUMME 30,00")})
    assert [n.rule for n in check_expense(read, (), rules, "EUR", TODAY)] == ["restricted"]


# -- reports ---------------------------------------------------------------------------------------------------------------


def report(**parts: Any) -> Report:
    found = Report(
        team="T1",
        number=3,
        owner="U1",
        title="November",
        state="draft",
        version=1,
        approvers=(),
        step=0,
        reason="",
        decided_by="",
        submitted_at=None,
        decided_at=None,
        reminded_at=None,
        created_at=NOON,
        changed_at=NOON,
    )
    return replace(found, **parts)


def told(expenses: Sequence[Expense], rules: Policy, **parts: Any) -> dict[str, Note]:
    return {note.rule: note for note in check_report(report(**parts), expenses, rules)}


def test_an_empty_report_blocks_and_an_ordinary_one_says_nothing() -> None:
    assert levels(told([], ACME)) == {"empty": "block"}
    assert told([kept(1), kept(2, LUNCH)], ACME) == {}
    assert told([kept(1, Details())], ACME) == {}


def test_a_total_in_a_higher_tier_says_who_is_needed() -> None:
    tiers = (Tier(up_to=5000, approvers=("manager",)), Tier(up_to=None, approvers=("manager", "U9")))
    assert told([kept(1, replace(LUNCH, minor=5000))], policy(tiers=tiers)) == {}
    note = told([kept(1, LUNCH), kept(2, replace(LUNCH, minor=2001))], policy(tiers=tiers))["tier"]
    assert (note.level, note.limit, note.actual) == ("note", eur(5000), eur(5001))
    assert "2 approvals" in note.text


def test_a_report_that_was_reckoned_in_another_currency_falls_into_no_tier() -> None:
    tiers = (Tier(up_to=5000, approvers=("manager",)), Tier(up_to=None, approvers=("manager", "U9")))
    yen = replace(kept(1, LUNCH), home=Money(9000, "JPY"))
    assert told([yen], policy(tiers=tiers)) == {}


def test_several_months_are_noted() -> None:
    october = kept(2, replace(LUNCH, spent_on=date(2026, 10, 31)))
    assert levels(told([kept(1, LUNCH), october], policy())) == {"months": "note"}


def test_what_grew_old_in_a_draft_is_noted_unless_it_has_a_note_already() -> None:
    rules = policy(age=Age(days=90, level="warn", source=SOURCE))
    late = datetime(2027, 3, 1, tzinfo=UTC)
    old = kept(1, LUNCH)
    assert told([old], rules) == {}
    assert "E-1" in told([old], rules, changed_at=late)["age"].text
    assert "E-1" in told([old], rules, submitted_at=late)["age"].text
    for rule in ("age", "date"):
        assert told([replace(old, notes=(Note(rule, "warn", "Old."),))], rules, changed_at=late) == {}


@pytest.mark.parametrize(
    ("amounts", "split"), [((2000, 2000), False), ((2000, 2001), True), ((2000, 4001), False), ((4001,), False)]
)
def test_receipts_that_pass_a_limit_only_together_are_noted(amounts: tuple[int, ...], split: bool) -> None:
    expenses = [kept(n, replace(LUNCH, minor=minor)) for n, minor in enumerate(amounts, 1)]
    assert ("split" in told(expenses, limited("item", 4000))) is split
    other_day = [replace(e, details=replace(e.details, spent_on=DAY + timedelta(e.number))) for e in expenses]
    assert "split" not in told(other_day, limited("item", 4000))


# -- what holds of all -----------------------------------------------------------------------------------------------------

ANY_DETAILS = st.builds(
    Details,
    merchant=st.text(max_size=20),
    spent_on=st.none() | st.dates(),
    minor=st.none() | st.integers(-(10**16), 10**16),
    currency=st.sampled_from(["", "EUR", "USD", "JPY", "KWD", "XXQ", "€"]),
    tax=st.tuples() | st.tuples(st.builds(TaxLine, st.text(max_size=5), st.integers(-(10**16), 10**16))),
    tip_minor=st.none() | st.integers(-(10**16), 10**16),
    category=st.sampled_from(["", "nothing", *ACME.categories]),
    payment=st.text(max_size=5),
    city=st.sampled_from(["Paris", "New York, US", ",", "Zürich"]) | st.text(max_size=20),
    attendees=st.lists(st.text(max_size=5), max_size=4).map(tuple),
    purpose=st.sampled_from(["12 km", "2 nights", "999999,99 km", "first day"]) | st.text(max_size=20),
    rate=st.none() | st.builds(Rate, st.decimals(), st.dates(), st.just("ECB")),
)
HOME = st.sampled_from(["meals", "lodging", "taxi", "gifts", "travel"])


@given(ANY_DETAILS, st.lists(ANY_DETAILS, max_size=3), st.sampled_from(["", "abc"]), st.dates())
def test_whatever_an_expense_holds_it_gets_notes_and_no_fault(
    details: Details, others: list[Details], receipt: str, today: date
) -> None:
    further = [kept(n, other) for n, other in enumerate(others, 2)]
    for rules in (ACME, rates(), rates("USD"), load_policy(None, "EUR")):
        expense = kept(1, details, receipt=receipt)
        notes = check_expense(expense, further, rules, "EUR", today)
        assert [n.level for n in notes] == sorted((n.level for n in notes), key=["block", "warn", "note"].index)
        for note in (*notes, *check_report(report(), [expense, *further], rules)):
            assert note.text.endswith((".", "?"))
            assert not note.source or note.source in note.text or note.source in rules.title


@given(HOME, st.data())
def test_an_expense_within_every_limit_has_neither_block_nor_warning(category: str, data: st.DataObject) -> None:
    most = {"meals": 4000, "lodging": 15_000, "taxi": 6000, "gifts": 5000, "travel": 10**9}[category]
    details = replace(
        LUNCH,
        category=category,
        minor=data.draw(st.integers(1, most)),
        attendees=("Raj",),
        spent_on=TODAY - timedelta(data.draw(st.integers(0, 90))),
    )
    assert {n.level for n in check(details, ACME).values()} <= {"note"}


@given(
    HOME,
    st.integers(1, 10**6),
    st.integers(0, 10**6),
    st.sampled_from(["", "Paris", "Berlin"]),
    st.sampled_from(["", "3 nights"]),
    st.integers(0, 3),
    st.booleans(),
)
def test_a_higher_amount_never_loses_the_note_of_a_limit(
    category: str, minor: int, more: int, city: str, purpose: str, guests: int, alone: bool
) -> None:
    details = replace(
        LUNCH, category=category, minor=minor, city=city, purpose=purpose, attendees=tuple("ABC"[:guests])
    )
    others = () if alone else (kept(2, LUNCH),)
    for rules in (ACME, rates()):
        before, after = (check(replace(details, minor=m), rules, *others, receipt="") for m in (minor, minor + more))
        assert set(before) <= set(after)
