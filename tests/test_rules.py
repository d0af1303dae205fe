"""What the policy says of expenses and reports: each rule by its level, limit and source, and what holds of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.expenses.limits import nights_in
from bot.expenses.money import show
from bot.expenses.per_diem import PerDiem, PlaceRate
from bot.expenses.policy import Age, Category, Limit, Mileage, Policy, Receipts, Restricted, Tier, load_policy
from bot.expenses.policy_file import Per
from bot.expenses.rules import check_expense, check_report
from bot.expenses.values import Details, Expense, Level, Money, Note, Rate, Read, Report, TaxLine
from tests.policy_world import DAY, NOON, kept

TODAY = date(2026, 11, 20)
ACME = load_policy(Path(__file__).parent.parent / "playground" / "expenses" / "policy.toml", "EUR")
SOURCE = "Travel policy 2026-10, section 3"
LUNCH = Details(merchant="Bistro", spent_on=DAY, minor=3000, currency="EUR", category="meals")


def policy(**parts: Any) -> Policy:
    found = Policy(
        name="Travel policy",
        version="2026-10",
        currency="EUR",
        categories={key: Category(key=key, label=key.title()) for key in ("meals", "lodging", "mileage")},
    )
    return replace(found, **parts)


def limited(per: Per, minor: int, level: Level = "warn", key: str = "meals") -> Policy:
    limit = Limit(per=per, minor=minor, level=level, source=SOURCE)
    return policy(categories={key: Category(key=key, label=key.title(), limits=(limit,), source=SOURCE)})


def check(details: Details, rules: Policy, *others: Expense, receipt: str = "abc") -> dict[str, Note]:
    """The notes by their rules; each rule speaks once in these tests."""
    notes = check_expense(kept(1, details, receipt=receipt), others, rules, "EUR", TODAY)
    assert len({note.rule for note in notes}) == len(notes)
    return {note.rule: note for note in notes}


def levels(notes: dict[str, Note]) -> dict[str, Level]:
    return {rule: note.level for rule, note in notes.items()}


def eur(minor: int) -> str:
    return show(Money(minor, "EUR"))


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
        (TODAY - timedelta(90), {}),
        (TODAY - timedelta(91), {"age": "warn"}),
        (date(2016, 9, 23), {"date": "warn"}),
        (date.min, {"date": "warn"}),
    ],
)
def test_days_to_come_block_and_old_ones_warn(day: date, expected: dict[str, Level]) -> None:
    rules = policy(age=Age(days=90, level="warn", source=SOURCE))
    assert levels(check(replace(LUNCH, spent_on=day), rules)) == expected


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
    assert "who was there" in note.text
    assert note.source.endswith("section 6: Guests and gifts")
    assert check(replace(guests, attendees=("Raj",)), ACME) == {}


def test_a_foreign_amount_without_a_rate_blocks_and_is_held_against_no_limit() -> None:
    dollars = replace(LUNCH, currency="USD", minor=1_000_000)
    assert levels(check(dollars, ACME)) == {"rate": "block"}
    broken = [Rate(Decimal(value), DAY, "U1") for value in ("0", "-1", "NaN", "Infinity", "1e9999")]
    assert all(check(replace(dollars, rate=rate), ACME)["rate"].level == "block" for rate in broken)


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


# -- limits ----------------------------------------------------------------------------------------------------------------


def test_a_limit_is_passed_only_above_it_and_says_what_it_was_held_against() -> None:
    stay = replace(LUNCH, category="lodging", minor=18_000)
    note = check(stay, ACME)["limit_night"]
    assert (note.level, note.limit, note.actual) == ("warn", eur(15_000), f"{eur(18_000)} a night")
    assert note.source == "Acme travel and expense policy 2026-10, section 3: Hotels"
    assert note.text.startswith(f"Hotels: {eur(18_000)} a night")
    assert note.text.endswith(f"is over the limit of {eur(15_000)} ({note.source}).")
    assert check(replace(stay, minor=15_000), ACME) == {}


@pytest.mark.parametrize(
    ("per", "details", "expected"),
    [
        ("night", {"minor": 9000, "purpose": "fair in Lyon, 3 nights"}, False),
        ("night", {"minor": 9001, "purpose": "fair in Lyon, 3 nights"}, True),
        ("night", {"minor": 9000, "purpose": "Messe"}, True),
        ("person", {"minor": 9000, "attendees": ("Raj", "Kim")}, False),
        ("person", {"minor": 9001, "attendees": ("Raj", "Kim")}, True),
        ("item", {"minor": 3001, "attendees": ("Raj", "Kim")}, True),
    ],
)
def test_nights_and_people_share_an_amount(per: Per, details: dict[str, Any], expected: bool) -> None:
    assert (f"limit_{per}" in check(replace(LUNCH, **details), limited(per, 3000))) is expected


def test_limits_a_day_count_the_days_other_expenses_of_the_category() -> None:
    lunch, shared = kept(2, replace(LUNCH, minor=2000)), kept(3, replace(LUNCH, minor=3000, attendees=("Raj", "Kim")))
    unlike = [
        kept(4, replace(LUNCH, minor=9999, category="lodging")),
        kept(5, replace(LUNCH, minor=9999, spent_on=DAY - timedelta(1))),
        replace(kept(6, replace(LUNCH, minor=9999)), state="discarded"),
        kept(1, replace(LUNCH, minor=9999)),  # the expense itself, as it was
    ]
    dinner = replace(LUNCH, minor=1000)
    assert check(dinner, limited("day", 6000), lunch, shared, *unlike) == {}
    note = check(dinner, limited("day", 5999), lunch, shared, *unlike)["limit_day"]
    assert note.actual == f"{eur(6000)} a day"
    assert "with E-2" in note.text
    assert check(dinner, limited("person and day", 4000), lunch, shared, *unlike) == {}
    note = check(dinner, limited("person and day", 3999), lunch, shared, *unlike)["limit_person_and_day"]
    assert note.actual == f"{eur(4000)} a person and day"


def test_a_share_that_is_over_by_less_than_a_cent_is_not_shown_as_the_limit() -> None:
    note = check(replace(LUNCH, minor=10_001, attendees=("Raj", "Kim")), limited("person", 3333))["limit_person"]
    assert note.actual == f"{eur(3334)} a person"


@pytest.mark.parametrize(
    ("purpose", "nights"),
    [
        ("2 nights", 2),
        ("1 night", 1),
        ("3 Nächte in Wien", 3),
        ("a 4-night stay", 4),
        ("2 Übernachtungen", 2),
        ("0 nights", None),
        ("1234 nights", None),
        ("nights", None),
        ("5 knights", None),
    ],
)
def test_nights_are_read_from_the_purpose(purpose: str, nights: int | None) -> None:
    assert nights_in(purpose) == nights


@pytest.mark.parametrize(
    ("purpose", "minor", "expected"),
    [
        ("client visit, 120 km", 3600, {}),
        ("client visit, 120 km", 3601, {"mileage": "warn"}),
        ("client visit, 120 km", 3000, {"mileage": "warn"}),
        ("12,5 km", 375, {}),
        ("1.234 km", 100, {"mileage": "note"}),
        ("client visit", 3600, {"mileage": "note"}),
    ],
)
def test_mileage_is_kilometres_times_the_rate(purpose: str, minor: int, expected: dict[str, Level]) -> None:
    rules = policy(mileage=Mileage(category="mileage", per_km=Decimal("0.30"), level="warn", source=SOURCE))
    assert levels(check(replace(LUNCH, category="mileage", purpose=purpose, minor=minor), rules)) == expected


def test_mileage_without_a_rate_is_left_to_the_approver() -> None:
    note = check(replace(LUNCH, category="mileage", purpose="120 km"), load_policy(None, "EUR"))["mileage"]
    assert note.level == "note"
    assert "your approver decides" in note.text


# -- daily rates -----------------------------------------------------------------------------------------------------------


def rates(currency: str = "EUR", **parts: Any) -> Policy:
    lyon = PlaceRate(
        place="Lyon",
        region="FR",
        names=("lyon",),
        also=(),
        begin=(1, 1),
        end=(12, 31),
        lodging=12_000,
        meals=5000,
        valid_from=date(2026, 1, 1),
        valid_to=date(2026, 11, 10),
    )
    table = PerDiem(
        name="Rates 2026",
        currency=currency,
        rows=(lyon, replace(lyon, place="", names=(), lodging=8000)),
        lodging="lodging",
        meals="meals",
        first_last_percent=75,
        provided={"breakfast": 20, "lunch": 30, "dinner": 50},
        level="warn",
        source=SOURCE,
    )
    return replace(policy(), per_diem=table, **parts)


HOTEL = replace(LUNCH, category="lodging", city="Lyon", minor=12_000)


def test_a_daily_rate_is_the_places_own_and_goes_before_the_categorys_limit() -> None:
    limits = limited("night", 9000, key="lodging").categories
    assert check(HOTEL, rates(categories=limits)) == {}
    note = check(replace(HOTEL, minor=12_001), rates(categories=limits))["per_diem"]
    assert (note.level, note.limit) == ("warn", eur(12_000))
    assert "Lyon, FR" in note.source


def test_the_standard_rate_only_tells_the_approver_and_leaves_the_categorys_limit() -> None:
    elsewhere = replace(HOTEL, city="Rennes, FR", minor=9500)
    found = check(elsewhere, rates(categories=limited("night", 9000, key="lodging").categories))
    assert levels(found) == {"limit_night": "warn", "per_diem": "note"}
    assert levels(check(elsewhere, rates())) == {"per_diem": "note"}


@pytest.mark.parametrize("city", ["", "Berlin"])
def test_where_no_rate_is_found_the_approver_is_told_unless_the_category_has_a_limit(city: str) -> None:
    found = check(replace(HOTEL, city=city), rates())
    assert levels(found) == {"per_diem": "note"}
    assert "your approver decides" in found["per_diem"].text
    assert check(replace(HOTEL, city=city), rates(categories=limited("night", 12_000, key="lodging").categories)) == {}


def test_an_expired_table_is_named_as_expired_and_not_used() -> None:
    late = replace(HOTEL, spent_on=date(2026, 11, 11), minor=99_999)
    for categories in (policy().categories, limited("night", 99_999, key="lodging").categories):
        found = check(late, rates(categories=categories))
        assert levels(found) == {"per_diem": "note"}
        assert "Rates 2026 expired on 10 Nov 2026" in found["per_diem"].text


def test_a_table_in_another_currency_is_used_only_for_that_currency() -> None:
    dollars = replace(HOTEL, currency="USD", rate=Rate(Decimal(1), DAY, "ECB"))
    assert check(dollars, rates("USD")) == {}
    assert check(replace(dollars, minor=12_001), rates("USD"))["per_diem"].limit == show(Money(12_000, "USD"))
    found = check(HOTEL, rates("USD"))
    assert levels(found) == {"per_diem": "note"}
    assert "no exchange rate leads there" in found["per_diem"].text


@pytest.mark.parametrize(
    ("purpose", "most"),
    [
        ("fair", 5000),
        ("fair, first day", 3750),
        ("Abreisetag", 3750),
        ("breakfast included", 4000),
        ("Mittagessen inklusive, dinner was provided", 1000),
        ("travel day; breakfast, lunch provided", 2250),
        ("breakfast included, lunch included, dinner included, last day", 0),
        ("lunch with a provider", 5000),
    ],
)
def test_the_rate_for_meals_is_less_on_travel_days_and_for_meals_that_were_provided(purpose: str, most: int) -> None:
    meal = replace(LUNCH, city="Lyon", purpose=purpose, minor=most + 1)
    assert check(meal, rates())["per_diem"].limit == eur(most)
    assert "per_diem" not in check(replace(meal, minor=most), rates())


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
    assert told([replace(old, notes=(Note("age", "warn", "Old."),))], rules, changed_at=late) == {}


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
