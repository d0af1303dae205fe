"""Duplicates, rates and the policy's notes as the books meet them: with the real rules."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.expenses.books.books import Books
from bot.expenses.money.rates import Rates
from bot.expenses.policy.policy import load_policy
from bot.expenses.values import Draft, Expense, Money
from tests.books_world import BOSS, FINANCE, OTHER, OWNER, TODAY, World, details, draft, opened, original, refusal


@pytest.fixture
async def world(sqlite_url: str) -> AsyncIterator[World]:
    async with opened(sqlite_url) as world:
        yield world


def levels(expense: Expense) -> list[tuple[str, str]]:
    return [(n.level, n.actual) for n in expense.notes if n.rule == "duplicate"]


async def test_the_same_again_waits_until_its_owner_keeps_both_and_the_approver_is_told(world: World) -> None:
    await world.do("capture", draft(1))
    held = await world.do("capture", draft(1))
    assert (held.state, held.twin, levels(held)) == ("duplicate_hold", 1, [("block", "same")])
    assert "looks like a duplicate" in await refusal(world, "open_report", "", [2])
    kept = await world.do("keep_both", 2, held.version)
    assert (kept.state, levels(kept)) == ("ready", [("note", "same")])
    assert "not held" in await refusal(world, "keep_both", 2, None)
    changed = await world.do("change", 2, None, {"merchant": "Another name"})
    assert (changed.state, levels(changed)) == ("ready", [("note", "same")])  # it was said once
    assert (await world.do("change", 1, None, {"minor": 1137 + 1})).state == "ready"
    assert (
        await world.do("change", 1, None, {"minor": 1137})
    ).state == "ready"  # the later one was found to be like it
    whole = await world.do("open_report", "", [1, 2])
    assert (await world.do("submit", whole.report.number, None, [BOSS])).report.state == "submitted"


async def test_a_duplicate_is_none_any_more_when_it_is_corrected_or_the_first_is_removed(world: World) -> None:
    for _ in range(3):
        await world.do("capture", draft(1))
    assert (await world.do("change", 2, None, {"minor": 99})).state == "ready"
    await world.do("remove", 1, None)
    third = await world.do("expense", 3)
    assert (third.state, third.twin, levels(third)) == ("ready", None, [])
    assert (await world.do("change", 3, None, {"minor": 99})).state == "duplicate_hold"


async def test_what_is_near_goes_on_with_a_warning_that_wants_a_justification(world: World) -> None:
    await world.do("capture", draft(1))
    near = await world.do("capture", draft(1, minor=1140))
    assert (near.state, near.twin, levels(near)) == ("ready", 1, [("warn", "near")])
    await world.do("open_report", "", [2])
    assert "E-2 needs a justification: E-1 looks much the same." in await refusal(world, "submit", 1, None, [BOSS])
    await world.do("change", 2, None, {"justification": "Two rounds"})
    assert (await world.do("submit", 1, None, [BOSS])).report.state == "submitted"


async def test_a_file_that_somebody_else_handed_in_is_told_of_without_saying_whose(world: World) -> None:
    file = original(b"one receipt")
    given = Draft(details=details(1), source="file", receipt=file.sha256)
    await world.do("capture", given, file)
    held = await world.do("capture", replace(given, details=details(2)), file, by=OTHER)
    assert held.state == "duplicate_hold"
    (note,) = [n for n in held.notes if n.rule == "duplicate"]
    assert note.text == "This receipt was handed in before; your approver will see it."
    assert (await world.do("keep_both", 2, None, by=OTHER)).state == "ready"
    assert "may see" in await refusal(world, "expense", 1, by=OTHER)


async def test_a_duplicate_that_comes_about_in_a_report_keeps_it_from_being_submitted(world: World) -> None:
    first = await world.expense()
    await world.draft_report(1)
    changes = {n: getattr(first.details, n) for n in ("minor", "spent_on", "merchant")}
    twin = await world.do("change", 2, None, changes)
    assert (twin.state, levels(twin)) == ("in_report", [("block", "same")])
    assert "E-2: E-1 has the same date" in await refusal(world, "submit", 1, None, [BOSS])
    await world.do("keep_both", 2, None)
    assert (await world.do("submit", 1, None, [BOSS])).report.state == "submitted"


async def test_a_tables_rate_follows_date_and_currency(sqlite_url: str, tmp_path: Path) -> None:
    table = tmp_path / "rates.csv"
    days = [TODAY - timedelta(days=n) for n in range(1, 40)]
    table.write_text(
        "Date,USD,GBP,\n" + "".join(f"{d},{2 if d > TODAY - timedelta(days=10) else 4},0.5,\n" for d in days)
    )
    rates = Rates(str(table))
    await rates.refresh()
    async with opened(sqlite_url) as there:
        books = Books(load_policy(None, "EUR"), rates, "EUR", frozenset({FINANCE}))
        world = World(there.database, books)
        kept: Any = await world.expense(currency="USD", minor=1000, spent_on=TODAY - timedelta(days=2))
        assert (kept.home, kept.details.rate.source, kept.state) == (Money(500, "EUR"), "ECB", "ready")
        kept = await world.do("change", 1, None, {"spent_on": TODAY - timedelta(days=20)})
        assert (kept.home, kept.details.rate.on) == (Money(250, "EUR"), TODAY - timedelta(days=20))
        assert kept.details.rate is not None
        own = replace(kept.details.rate, value=Decimal("0.3"), source="form")
        kept = await world.do("change", 1, None, {"rate": own})
        assert (kept.home, kept.details.rate.source) == (Money(300, "EUR"), OWNER)
        kept = await world.do("change", 1, None, {"spent_on": TODAY - timedelta(days=2)})
        assert kept.home == Money(300, "EUR")
        shown = replace(kept.details.rate, source="form")
        assert (
            await world.do("change", 1, None, {"rate": shown})
        ).version == kept.version  # a form gave back what it showed
        kept = await world.do("change", 1, None, {"rate": None})
        assert (kept.home, kept.details.rate.source) == (Money(500, "EUR"), "ECB")
        kept = await world.do("change", 1, None, {"currency": "GBP"})
        assert kept.home == Money(2000, "EUR")
        assert "amount together" in await refusal(world, "change", 1, None, {"currency": "JPY"})
        kept = await world.do("change", 1, None, {"currency": "JPY", "minor": 5000})
        assert ("rate" in kept.asks, kept.home, kept.state) == (True, None, "needs_info")
        assert "no currency" in await refusal(world, "change", 1, None, {"currency": "XXY"})
