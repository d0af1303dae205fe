"""The policy's file: what it may say, which mistakes stop the start and in which words, and the dated table of daily rates."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from bot.errors import SettingError
from bot.expenses.policy.per_diem import NoRate, PerDiem, PlaceRate
from bot.expenses.policy.policy import MANAGER, Limit, Policy, load_policy

PLAYGROUND = Path(__file__).parent.parent / "playground" / "expenses" / "policy.toml"
HEAD = 'name = "Travel policy"\nversion = "2026-10"\ncurrency = "EUR"\n'
MEALS = '[categories.meals]\nlabel = "Meals"\n'
COLUMNS = """
[per_diem.columns]
place = "DESTINATION"
region = "STATE"
also = "COUNTY"
season_begin = "BEGIN"
season_end = "END"
lodging = "Lodging"
meals = "M&IE"
valid_from = "Effective"
"""
PER_DIEM = (
    """
[per_diem]
file = "rates.csv"
name = "GSA's rates"
currency = "USD"
standard = "Standard CONUS"
valid_to = 2026-09-30
meals = "meals"
"""
    + COLUMNS
)
TABLE = """ID,STATE,DESTINATION,COUNTY,BEGIN,END,Lodging,M&IE,Effective
,,Standard CONUS rate applies to all others.,,,,110,68,"October 1, 2025"
1,OR,Portland,Multnomah,October 1,February 28,155,86,"October 1, 2025"
1,OR,Portland ,Multnomah,March 1,September 30,175,86,"October 1, 2025"
2,ME,Portland,Cumberland,,,150,92,"October 1, 2025"
3,MA,Boston / Cambridge,"Suffolk, city of Cambridge",November 1,March 31,209,92,"October 1, 2025"
4,NY,New York City,Bronx / Kings / New York,,,342,92,"October 1, 2025"
5,MO,St. Louis,St. Louis,,,150,80,"October 1, 2025"
6,DC,District of Columbia,"Washington DC (and towns around)",,,196,92,"October 1, 2025"
"""


def written(folder: Path, text: str, table: str = TABLE) -> Path:
    (folder / "rates.csv").write_text(table, encoding="utf-8")
    (folder / "policy.toml").write_text(text, encoding="utf-8")
    return folder / "policy.toml"


def refused(path: Path, home: str = "EUR") -> str:
    with pytest.raises(SettingError) as error:
        load_policy(path, home)
    assert error.value.name == "EXPENSES_POLICY"
    assert str(path) in error.value.where
    return error.value.what


def table(folder: Path, text: str = TABLE) -> PerDiem:
    per_diem = load_policy(written(folder, HEAD + PER_DIEM + MEALS, text), "EUR").per_diem
    assert per_diem
    return per_diem


# -- the file ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("home", ["DEM", "EURO", ""])
def test_a_home_currency_that_nobody_pays_in_stops_the_start(home: str) -> None:
    with pytest.raises(SettingError, match="EXPENSES_CURRENCY"):
        load_policy(None, home)


@pytest.mark.parametrize("home", ["EUR", "JPY", "USD"])
def test_without_a_file_there_are_categories_a_manager_and_no_limits_in_any_currency(home: str) -> None:
    policy = load_policy(None, home)
    assert {"meals", "lodging", "travel", "taxi", "mileage", "entertainment", "other"} <= set(policy.categories)
    assert not any(category.limits for category in policy.categories.values())
    assert policy.receipts
    assert policy.receipts.above is None
    assert policy.approvers(0) == policy.approvers(10**12) == (MANAGER,)


def test_the_playgrounds_policy_has_the_limits_that_its_demo_shows() -> None:
    policy = load_policy(PLAYGROUND, "EUR")
    assert policy.title == "Acme travel and expense policy 2026-10"
    source = "Acme travel and expense policy 2026-10, section 3: Hotels"
    assert policy.categories["lodging"].limits == (Limit(per="night", minor=15000, level="warn", source=source),)
    assert policy.receipts
    assert (policy.receipts.above, policy.receipts.level) == (2500, "block")
    assert policy.categories["gifts"].limits[0].level == "block"
    assert policy.mileage
    assert policy.mileage.per_km == Decimal("0.30")
    assert policy.per_diem
    zurich = policy.per_diem.find("zurich", date(2026, 11, 3))
    assert isinstance(zurich, PlaceRate)
    assert zurich.lodging == 23000


def test_tiers_are_taken_by_the_total_and_the_bound_belongs_to_the_lower_one(tmp_path: Path) -> None:
    tiers = '[[tiers]]\nup_to = "1000.00"\napprovers = ["manager"]\n[[tiers]]\napprovers = ["manager", "U012AB3CD"]\n'
    policy = load_policy(written(tmp_path, HEAD + MEALS + tiers), "EUR")
    assert policy.approvers(-5) == policy.approvers(100_000) == ("manager",)
    assert policy.approvers(100_001) == ("manager", "U012AB3CD")
    assert Policy(name="None", version="1").approvers(5) == (MANAGER,)


def test_a_source_is_the_rules_own_or_its_categorys_or_the_policy(tmp_path: Path) -> None:
    text = """source = "section 3"
[[categories.meals.limits]]
per = "day"
amount = "40"
[[categories.meals.limits]]
per = "item"
amount = "30.5"
source = "annex B"
[categories.other]
label = "Other"
"""
    policy = load_policy(written(tmp_path, HEAD + MEALS + text), "EUR")
    meals = policy.categories["meals"]
    assert [(limit.minor, limit.level, limit.source) for limit in meals.limits] == [
        (4000, "warn", "Travel policy 2026-10, section 3"),
        (3050, "warn", "Travel policy 2026-10, annex B"),
    ]
    assert policy.categories["other"].source == "Travel policy 2026-10"


LIMIT = '[[categories.meals.limits]]\nper = "day"\namount = "40.00"\n'
MISTAKES = [
    (HEAD, "categories is missing"),
    (HEAD + "[categories]\n", "categories"),
    (HEAD + "max_meals = 3\n" + MEALS, "max_meals is no key"),
    (HEAD + MEALS + "lable = 3\n", "categories.meals.lable is no key"),
    (HEAD + '[categories."Client meals"]\nlabel = "x"\n', "client_meals"),
    (HEAD + MEALS + '[categories.food]\nlabel = "MEALS"\n', "same label"),
    (HEAD + MEALS + 'needs = ["passport"]\n', "categories.meals.needs.1"),
    (HEAD + MEALS + LIMIT.replace('"40.00"', "40.0"), "categories.meals.limits.1.amount must be an amount in quotes"),
    (HEAD + MEALS + LIMIT.replace("40.00", "40,00"), 'such as "150.00"'),
    (HEAD + MEALS + LIMIT.replace("40.00", "-40.00"), 'such as "150.00"'),
    (HEAD + MEALS + LIMIT.replace("40.00", "40.001"), "EUR has 2 digits"),
    (HEAD + MEALS + LIMIT + 'level = "fatal"\n', "categories.meals.limits.1.level"),
    (HEAD + MEALS + LIMIT.replace("day", "week"), "categories.meals.limits.1.per"),
    (HEAD + MEALS + LIMIT + LIMIT, "two limits for the same"),
    (HEAD.replace('currency = "EUR"\n', "") + MEALS + LIMIT, 'currency = "EUR"'),
    (HEAD.replace("EUR", "CHF") + MEALS, "currency is CHF, but EXPENSES_CURRENCY is EUR"),
    (HEAD.replace("EUR", "euro") + MEALS, "three-letter code"),
    (HEAD + 'valid_from = "2026-10-01"\n' + MEALS, "valid_from must be a day without quotes"),
    (HEAD + "valid_from = 2026-10-01\nvalid_to = 2026-09-01\n" + MEALS, "valid_to is before valid_from"),
    (HEAD + "valid_from = 2026-13-01\n" + MEALS, "it is not TOML"),
    (HEAD + "name = 2\n", "it is not TOML"),
    (HEAD + MEALS + "[age]\nmost_days = 0\n", "age.most_days"),
    (HEAD + MEALS + '[mileage]\ncategory = "car"\n', "mileage.category is “car”"),
    (HEAD + MEALS + '[[restricted]]\nname = "alcohol"\nwords = []\n', "restricted.1.words"),
    (HEAD + MEALS + '[[tiers]]\nup_to = "5"\napprovers = ["manager"]\n', "tiers.1: every tier but the last"),
    (HEAD + MEALS + 2 * '[[tiers]]\napprovers = ["manager"]\n', "tiers.1: every tier but the last"),
    (
        HEAD + MEALS + 2 * '[[tiers]]\nup_to = "5"\napprovers = ["manager"]\n' + '[[tiers]]\napprovers = ["manager"]\n',
        "tiers.2.up_to must be more",
    ),
    (HEAD + MEALS + "[[tiers]]\napprovers = []\n", "tiers.1.approvers"),
    (HEAD + MEALS + '[[tiers]]\napprovers = ["boss"]\n', "Slack id"),
    (HEAD + MEALS + '[[tiers]]\napprovers = ["U012", "U012"]\n', "names somebody twice"),
    (HEAD + PER_DIEM.replace("rates.csv", "gone.csv") + MEALS, "gone.csv cannot be read"),
    (HEAD + PER_DIEM.replace('meals = "meals"', 'meals = "food"') + MEALS, "per_diem.meals is “food”"),
    (HEAD + PER_DIEM.replace('lodging = "Lodging"', 'lodging = "Hotel"') + MEALS, "no column “Hotel”"),
    (HEAD + PER_DIEM.replace('meals = "M&IE"\n', "") + MEALS, "per_diem.columns has no column for it"),
    (HEAD + PER_DIEM.replace("valid_to = 2026-09-30", "") + MEALS, "line 2: from when and until when"),
    ("x" * 300_000, "bigger than 256,000 bytes"),
]


@pytest.mark.parametrize(("text", "told"), MISTAKES, ids=[told for _, told in MISTAKES])
def test_a_mistake_in_the_file_stops_the_start_and_is_named(text: str, told: str, tmp_path: Path) -> None:
    assert told in refused(written(tmp_path, text))


def test_a_file_that_is_not_there_or_not_utf_8_is_named(tmp_path: Path) -> None:
    assert "cannot be read" in refused(tmp_path / "gone.toml")
    assert "cannot be read" in refused(tmp_path)
    (tmp_path / "policy.toml").write_bytes('name = "Spesenrichtlinie für alle"'.encode("cp1252"))
    assert "not UTF-8" in refused(tmp_path / "policy.toml")


def test_many_mistakes_are_counted_and_three_told(tmp_path: Path) -> None:
    what = refused(written(tmp_path, "a = 1\nb = 2\nc = 3\nd = 4\n"))
    assert what.count("is missing") + what.count("is no key") == 3
    assert what.endswith("more.")


# -- daily rates -----------------------------------------------------------------------------------------------------------


def rate(found: PlaceRate | NoRate) -> int | None:
    assert isinstance(found, PlaceRate), found
    return found.lodging


@pytest.mark.parametrize(
    ("city", "day", "lodging"),
    [
        ("Portland, OR", date(2025, 12, 24), 15500),
        ("portland, or", date(2026, 2, 28), 15500),
        ("Portland, OR", date(2026, 3, 1), 17500),
        ("Portland OR", date(2025, 10, 1), 15500),
        ("Portland, ME", date(2026, 9, 30), 15000),
        ("Cambridge", date(2026, 1, 5), 20900),
        ("Boston, MA", date(2026, 1, 5), 20900),
        ("New York, NY", date(2026, 5, 5), 34200),
        ("Saint Louis", date(2026, 5, 5), 15000),
        ("Washington, DC", date(2026, 5, 5), 19600),
        ("Washington DC", date(2026, 5, 5), 19600),
        ("Washington, D.C.", date(2026, 5, 5), 19600),
        ("Portland, OR, USA", date(2026, 3, 1), 17500),
    ],
)
def test_a_place_has_the_rate_of_its_season(city: str, day: date, lodging: int, tmp_path: Path) -> None:
    assert rate(table(tmp_path).find(city, day)) == lodging


def test_a_place_in_a_region_of_the_table_that_it_does_not_name_has_the_standard_rate(tmp_path: Path) -> None:
    found = table(tmp_path).find("Salem, OR", date(2026, 5, 5))
    assert rate(found) == 11000
    assert isinstance(found, PlaceRate)
    assert found.place == ""


@pytest.mark.parametrize(
    ("city", "told"),
    [
        ("Portland", "write it as Portland, ME or Portland, OR"),
        ("Berlin", "no rate for this place; name its region too"),
        ("Portland, UK", "no rate for this place; name its region too"),
        ("Portland, Oregon, USA", "no rate for this place; name its region too"),
        ("Boston", "no rate for Boston / Cambridge, MA in that season"),
        (" , ", "no city is named"),
        ("", "no city is named"),
    ],
)
def test_where_the_table_is_not_sure_it_has_no_rate_and_says_why(city: str, told: str, tmp_path: Path) -> None:
    found = table(tmp_path).find(city, date(2026, 5, 5))
    assert isinstance(found, NoRate)
    assert told in found.text
    assert not found.stale


def test_a_table_that_expired_or_has_not_begun_is_named_so(tmp_path: Path) -> None:
    rates = table(tmp_path)
    assert rates.find("Boston", date(2026, 10, 1)) == NoRate("GSA's rates expired on 30 Sep 2026", stale=True)
    assert rates.find("Boston", date(2025, 9, 30)) == NoRate("GSA's rates begins only on 1 Oct 2025", stale=True)


def test_a_season_that_ends_with_february_has_its_29th(tmp_path: Path) -> None:
    text = TABLE.replace("October 1, 2025", "October 1, 2023")
    assert rate(table(tmp_path, text).find("Portland, OR", date(2024, 2, 29))) == 15500


LINE = "7,TX,Dallas,Dallas,,,150,80,2025-10-01\n"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (LINE.replace("150", '"1,50"'), "line 10: “1,50” is no amount in USD"),
        (LINE.replace("150", "1,50"), "line 10: it has more cells"),
        (LINE.replace("150", "1.555"), "line 10: “1.555” is no amount"),
        (LINE.replace("2025-10-01", "1.10.2025"), "line 10: “1.10.2025” is no date"),
        (LINE.replace("2025-10-01", "2027-10-01"), "line 10: it ends before it begins"),
        (LINE.replace(",,,", ",Foo 1,May 3,"), "line 10: “Foo 1” is no day of the year"),
        (LINE.replace(",,,", ",May 1,,"), "line 10: a season needs"),
        (LINE.replace(",Dallas,", ", ,", 1), "line 10: it names no place"),
        (LINE + LINE, "two rates for Dallas, TX"),
        ("7,OR,Portland,,December 1,January 31,1,1,2025-10-01\n", "two rates for Portland, OR"),
        ('7,TX,"Dallas', "is no CSV"),
    ],
)
def test_a_mistake_in_the_table_is_told_with_its_line(line: str, told: str, tmp_path: Path) -> None:
    assert told in refused(written(tmp_path, HEAD + PER_DIEM + MEALS, TABLE + line))


def test_a_table_without_rows_is_refused(tmp_path: Path) -> None:
    assert "has no rows" in refused(written(tmp_path, HEAD + PER_DIEM + MEALS, TABLE.split("\n", maxsplit=1)[0]))
