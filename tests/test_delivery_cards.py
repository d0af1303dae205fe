"""Cards of expenses and the report that they are in: what they show, and which come first."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.delivery import outgoing
from tests.delivery_world import World, world
from tests.housekeeping_world import TEAM

__all__ = ["world"]


@pytest.mark.parametrize(
    ("state", "words", "pressable"),
    [
        ("draft", "_In R-3_", ["Edit", "Remove"]),
        ("submitted", "_In R-3_", ["Edit"]),
        ("approved", "_In R-3, approved_", []),
    ],
)
async def test_the_card_of_an_expense_has_the_buttons_that_its_report_allows(
    world: World, state: Any, words: str, pressable: list[str]
) -> None:
    world.books.expenses[1] = replace(world.expense("Taxi"), state="in_report", report=3)
    world.report("Taxi", state=state)
    await world.card("ana", "E-1")
    await world.deliver()
    (shown,) = world.dm("ana")
    assert words in shown["blocks"][0]["text"]["text"]
    rows = [b for b in shown["blocks"] if b["type"] == "actions"]
    assert [e["text"]["text"] for row in rows for e in row["elements"]] == pressable


async def test_a_new_report_is_shown_before_the_cards_of_its_expenses_are_changed(world: World) -> None:
    for number in range(1, 4):
        world.expense("Taxi", number)
        await world.card("ana", f"E-{number}")
    await world.deliver()
    world.report("Taxi", state="draft")
    before = len(world.server.calls)
    async with world.database.begin() as tx:
        await outgoing.changed(tx, TEAM, "E-1", "E-2", "E-3")
        await outgoing.show_card(tx, TEAM, world.person("ana"), "R-3")
        await outgoing.say(tx, TEAM, world.person("ana"), "R-3", "Here it is.", "x")
    await world.deliver()
    written = [c.method for c in list(world.server.calls)[before:] if c.method in ("chat.postMessage", "chat.update")]
    assert written == ["chat.postMessage"] * 2 + ["chat.update"] * 3
