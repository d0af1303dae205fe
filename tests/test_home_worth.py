"""What an expense is worth at home over time: when its rate stays, and what becomes of it when EXPENSES_CURRENCY is another one than before."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from bot.database import open_database
from bot.expenses.books.books import Books
from bot.expenses.money.rates import Rates
from bot.expenses.policy.policy import load_policy
from bot.expenses.values import Money, Rate
from tests.books_world import BOSS, FINANCE, OWNER, TODAY, World, refusal

OWN = Rate(Decimal("0.9"), TODAY, OWNER)


@pytest.fixture
async def table(tmp_path: Path) -> Rates:
    """A euro was 1.25 dollars or 0.85 pounds."""
    file = tmp_path / "rates.csv"
    file.write_text(f"Date,USD,GBP,\n{date.fromordinal(TODAY.toordinal() - 1)},1.25,0.85,\n{TODAY},1.25,0.85,\n")
    rates = Rates(str(file))
    await rates.refresh()
    return rates


@pytest.fixture
async def world(sqlite_url: str, table: Rates) -> AsyncIterator[World]:
    """The books in euros: E-1 at the bank's rate, E-2 at its owner's, E-3 in euros; R-1 is open and holds them, R-2 is approved."""
    async with open_database(sqlite_url) as database:
        world = World(database, books(table, "EUR"))
        await world.expense(currency="USD", minor=10_000, spent_on=TODAY)
        await world.expense(currency="USD", minor=20_000, spent_on=TODAY, rate=OWN)
        await world.expense(minor=30_000, spent_on=TODAY)
        opened = await world.do("open_report", "", [1, 2, 3])
        assert opened.total == Money(8_000 + 18_000 + 30_000, "EUR")
        await world.approved()
        yield world


def books(rates: Rates, home: str) -> Books:
    return Books(load_policy(None, home), rates, home, frozenset({FINANCE}))


async def test_a_rate_that_was_found_stays_when_the_bank_is_silent_and_something_else_is_edited(world: World) -> None:
    before = await world.do("expense", 1)
    world.books = books(Rates(""), "EUR")
    after = await world.do("change", 1, None, {"justification": "The only one open", "minor": 20_000})
    assert after.details.rate == before.details.rate
    assert (after.home, after.asks) == (Money(16_000, "EUR"), ())
    moved = await world.do("change", 1, None, {"spent_on": date.fromordinal(TODAY.toordinal() - 1)})
    assert (moved.home, moved.asks) == (None, ("rate",))


async def test_another_day_has_its_own_rate_but_an_owners_stays(world: World) -> None:
    yesterday = date.fromordinal(TODAY.toordinal() - 1)
    found, own = [await world.do("change", n, None, {"spent_on": yesterday}) for n in (1, 2)]
    assert found.details.rate == Rate(Decimal("0.8"), yesterday, "ECB")
    assert own.details.rate == OWN


async def test_nothing_is_submitted_at_a_rate_into_the_earlier_currency(world: World, table: Rates) -> None:
    world.books = books(table, "GBP")
    said = await refusal(world, "submit", 1, None, [BOSS])
    assert all(f"E-{n} was reckoned in another currency" in said for n in (1, 2, 3))


async def test_an_edit_reckons_an_expense_anew_whoever_gave_its_rate(world: World, table: Rates) -> None:
    world.books = books(table, "GBP")
    changed = [await world.do("change", n, None, {"purpose": "Lunch"}) for n in (1, 2, 3)]
    assert [e.home for e in changed] == [Money(n, "GBP") for n in (6_800, 13_600, 25_500)]
    assert {e.details.rate.source for e in changed} == {"ECB"}
    sent = await world.do("submit", 1, None, [BOSS])
    assert sent.total == Money(6_800 + 13_600 + 25_500, "GBP")


async def test_without_a_rate_into_the_present_currency_an_edit_asks_for_one(world: World) -> None:
    world.books = books(Rates(""), "GBP")
    asked = await world.do("change", 2, None, {"purpose": "Dinner with a client"})
    assert (asked.home, asked.asks) == (None, ("rate",))
    given = await world.do("change", 2, None, {"rate": Rate(Decimal("0.8"), TODAY, "")})
    assert (given.home, given.asks) == (Money(16_000, "GBP"), ())


async def test_a_settled_report_keeps_its_total_in_the_currency_that_it_was_approved_in(
    world: World, table: Rates
) -> None:
    async def totals() -> list[Money]:
        async with world.database.read() as tx:
            lines = await world.books.reports(tx, world.by())
            wholes = [await world.books.report(tx, world.by(), line.report.number) for line in lines]
        assert [line.total for line in lines] == [whole.total for whole in wholes]
        return [line.total for line in lines]

    before = await totals()
    world.books = books(table, "GBP")
    assert await totals() == before == [Money(3_233, "EUR"), Money(56_000, "EUR")]
