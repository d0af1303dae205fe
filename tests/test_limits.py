"""What expenses may cost: limits of their categories, mileage, daily rates by place and day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bot.expenses.money.money import show
from bot.expenses.policy.limits import nights_in
from bot.expenses.policy.policy import Mileage, load_policy
from bot.expenses.policy.policy_file import Per
from bot.expenses.values import Level, Money, Rate
from tests.policy_world import ACME, DAY, LUNCH, SOURCE, check, eur, kept, levels, limited, policy, rates

# -- limits ----------------------------------------------------------------------------------------------------------------


def test_a_limit_is_passed_only_above_it_and_says_what_it_was_held_against() -> None:
    stay = replace(LUNCH, category="lodging", minor=18_000)
    note = check(stay, ACME)["limit_night"]
    assert (note.level, note.limit, note.actual) == ("warn", eur(15_000), f"{eur(18_000)} a night")
    assert note.source == "Acme travel and expense policy 2026-10, section 3: Hotels"
    assert note.text.startswith(f"Hotels: {eur(18_000)} a night (counted as 1 night")
    told = check(replace(stay, purpose="1 night"), ACME)["limit_night"].text
    assert told == f"Hotels: {eur(18_000)} a night is over the limit of {eur(15_000)} ({note.source})."
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
        ("120 km there and 120 km back", 7200, {}),
        ("240 km, 2 x 120 km", 7200, {}),
        ("120 km there and 120 km back", 7201, {"mileage": "warn"}),
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
