"""What looks like a duplicate, over time: its owner speaks once, and is asked again only where there is more to ask about."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from bot.expenses.books.derived import likeness
from bot.expenses.values import Expense
from tests.books_world import TODAY, World, opened

TAXI: dict[str, Any] = {"merchant": "Taxi Berlin", "minor": 1840, "spent_on": TODAY}


@pytest.fixture
async def world(sqlite_url: str) -> AsyncIterator[World]:
    async with opened(sqlite_url) as world:
        yield world


async def now(world: World, number: int) -> Expense:
    found: Expense = await world.do("expense", number)
    return found


async def test_there_and_back_for_the_same_price_is_asked_about_once(world: World) -> None:
    await world.expense(**TAXI)
    back = await world.expense(**TAXI)
    assert (back.state, back.twin) == ("duplicate_hold", 1)
    await world.do("keep_both", 2, None)
    for changes in ({"purpose": "Back"}, {"merchant": "Taxi Mitte"}, {"spent_on": TODAY}):
        assert (await world.do("change", 2, None, changes)).state == "ready"
    assert (await world.do("change", 1, None, {"merchant": "Taxi Nord"})).state == "ready"
    assert (await world.do("open_report", "", [1, 2])).report.number == 1


async def test_who_kept_a_near_one_is_asked_again_when_it_becomes_the_same(world: World) -> None:
    await world.expense(**TAXI)
    await world.expense(**{**TAXI, "minor": 1850})
    await world.do("keep_both", 2, None)
    same = await world.do("change", 2, None, {"minor": 1840})
    assert same.state == "duplicate_hold"
    assert "same date, amount and currency" in same.notes[0].text


async def test_what_is_said_of_a_likeness_that_was_kept_stays_true(world: World) -> None:
    await world.expense(**TAXI)
    await world.expense(**TAXI)
    await world.do("keep_both", 2, None)
    near = await world.do("change", 2, None, {"spent_on": TODAY - timedelta(1)})
    note = likeness(near)
    assert note
    assert (note.level, note.actual) == ("note", "near")
    assert note.text.startswith("E-1 looks much the same. Its owner says")


async def test_one_that_is_held_is_free_when_the_other_is_corrected(world: World) -> None:
    await world.expense(**TAXI)
    await world.expense(**TAXI)
    await world.do("change", 1, None, {"purpose": "There"})
    assert (await now(world, 2)).state == "duplicate_hold"
    await world.do("change", 1, None, {"minor": 9999})
    freed = await now(world, 2)
    assert (freed.state, freed.twin, freed.notes) == ("ready", None, ())


async def test_one_that_is_held_is_held_for_another_that_it_repeats_too(world: World) -> None:
    for _ in range(3):
        await world.expense(**TAXI)
    await world.do("keep_both", 2, None)
    await world.do("change", 1, None, {"minor": 9999})
    held = await now(world, 3)
    assert (held.state, held.twin) == ("duplicate_hold", 2)
