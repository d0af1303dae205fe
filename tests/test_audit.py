"""The audit trail: whole after every kind of change, and what is done to it or beside it shows."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from bot.expenses.books.audit import Event, verify
from bot.expenses.values import Draft
from tests.books_world import BOSS, FINANCE, World, details, opened, original

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
EVENT = Event(
    team="T1", number=1, at=NOW, actor="U1", action="captured", subject="E-1", before="{}", after="{}", cause="", previous=""
)  # fmt: skip


@pytest.fixture
async def world(sqlite_url: str) -> AsyncIterator[World]:
    """With a trail that has all kinds of events: a report that was sent back, changed, approved, exported; an original; another workspace."""
    async with opened(sqlite_url) as world:
        file = original(b"%PDF of a receipt")
        await world.do("capture", Draft(details=details(90), source="file", receipt=file.sha256), file)
        await world.submitted()
        await world.do("send_back", 1, 2, "Why „so“ much?", by=BOSS)
        await world.do("change", 2, None, {"justification": "It was an emergency 😀"}, cause="form-1")
        await world.do("submit", 1, None, [BOSS])
        await world.at(lambda tx: world.books.remind(tx, "T1", 1))
        await world.do("approve", 1, 5, by=BOSS)
        await world.do("export", [1], by=FINANCE)
        await World(world.database, world.books, "T2").approved()
        yield world


async def problems(world: World, team: str = "T1") -> list[str]:
    async with world.database.read() as connection:
        return await verify(connection, team)


async def spoil(world: World, statement: str) -> list[str]:
    """What the trail says after somebody wrote to the database by hand."""
    assert await problems(world) == []
    async with world.database.begin() as tx:
        done = await tx.execute(text(statement), {"bytes": b"other"})
        assert done.rowcount
    assert await problems(world, "T2") == []
    return await problems(world)


async def test_a_workspace_without_expenses_has_a_whole_trail(world: World) -> None:
    assert await problems(world, "T3") == []


async def test_each_change_is_an_event_with_who_what_and_what_it_changed(world: World) -> None:
    events = (await world.dump())["expense_events"]
    (change,) = [e for e in events if e["action"] == "changed"]
    assert (change["actor"], change["subject"], change["cause"]) == ("UOWNER", "E-2", "form-1")
    before, after = json.loads(change["before"]), json.loads(change["after"])
    assert json.loads(before["details"])["justification"] == ""
    assert json.loads(after["details"])["justification"] == "It was an emergency 😀"
    assert set(before) == set(after) == {"version", "changed_at", "details"}
    assert [e["number"] for e in events] == list(range(1, len(events) + 1))


@pytest.mark.parametrize("column", ["at", "actor", "action", "subject", "before", "after", "cause", "previous", "hash"])
async def test_an_edited_event_shows(world: World, column: str) -> None:
    value = "'2026-01-01 00:00:00+00:00'" if column == "at" else "'{ }'"
    said = await spoil(world, f"UPDATE expense_events SET \"{column}\" = {value} WHERE team = 'T1' AND number = 3")
    assert any("Event 3" in line or "Event 4" in line for line in said)


@pytest.mark.parametrize(
    ("which", "said"), [("= 1", "1 to 1 are"), ("IN (3, 4)", "3 to 4 are"), ("> 6", "not the last")]
)
async def test_events_that_are_left_out_or_cut_off_show(world: World, which: str, said: str) -> None:
    assert any(
        said in line for line in await spoil(world, f"DELETE FROM expense_events WHERE team = 'T1' AND number {which}")
    )


async def test_a_trail_that_is_gone_with_its_end_shows(world: World) -> None:
    assert await spoil(world, "DELETE FROM expense_books WHERE team = 'T1'")


async def test_events_that_changed_places_show(world: World) -> None:
    swap = "UPDATE expense_events SET number = 7 - number + 1000 WHERE team = 'T1' AND number IN (3, 4)"
    async with world.database.begin() as tx:
        await tx.execute(text(swap))
    said = await spoil_after(
        world, "UPDATE expense_events SET number = number - 1000 WHERE team = 'T1' AND number > 1000"
    )
    assert "Event 3 was edited." in said


async def spoil_after(world: World, statement: str) -> list[str]:
    async with world.database.begin() as tx:
        await tx.execute(text(statement))
    return await problems(world)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE expenses SET minor = 1 WHERE team = 'T1' AND number = 2", "E-2 was changed beside the trail: minor."),
        ("UPDATE expenses SET receipt_name = 'x' WHERE team = 'T1' AND number = 1", "E-1 was changed beside the trail: receipt_name."),
        ("UPDATE expenses SET receipt_file = 'F9' WHERE team = 'T1' AND number = 1", "E-1 was changed beside the trail: receipt_file."),
        ("UPDATE reports SET approver = 'UME' WHERE team = 'T1'", "R-1 was changed beside the trail: approver."),
        ("UPDATE reports SET state = 'paid' WHERE team = 'T1'", "R-1 was changed beside the trail: state."),
        ("DELETE FROM expenses WHERE team = 'T1' AND number = 3", "E-3 is gone."),
        ("UPDATE expenses SET number = 9 WHERE team = 'T1' AND number = 3", "E-9 is not in the trail."),
        ("UPDATE receipts SET content = :bytes WHERE team = 'T1'", "was changed."),
        ("DELETE FROM receipts WHERE team = 'T1'", "is gone."),
    ],
)  # fmt: skip
async def test_what_was_changed_beside_the_trail_shows(world: World, statement: str, said: str) -> None:
    assert any(line.endswith(said) for line in await spoil(world, statement))


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        *(("expenses", *told) for told in (("details", "x"), ("details", "{}"), ("read", "[]"), ("notes", "[[1]]"), ("asks", "5"))),
        ("expenses", "rate", "x"),
        ("reports", "approvers", ""),
        ("expense_events", "after", "null"),
    ],
)  # fmt: skip
async def test_what_cannot_even_be_read_is_told(world: World, table: str, column: str, value: str) -> None:
    which = {"expenses": "number = 2", "reports": "number = 1", "expense_events": "number = 3"}[table]
    said = await spoil(world, f"UPDATE {table} SET \"{column}\" = '{value}' WHERE team = 'T1' AND {which}")
    changed = {
        "expenses": f"E-2 was changed beside the trail: {column}.",
        "reports": "R-1 was changed beside the trail: approvers.",
    }
    assert changed.get(table, "Event 3 was edited.") in said


@pytest.mark.parametrize(
    ("table", "column", "said"),
    [("expenses", "spent_on", "table expenses"), ("reports", "created_at", "table reports"), ("expense_events", "at", "cannot be read")],
)  # fmt: skip
async def test_what_sqlite_keeps_in_a_column_of_days_is_told(
    sqlite_url: str, table: str, column: str, said: str
) -> None:
    async with opened(sqlite_url) as world:
        await world.submitted()
        for value in ("x", "2026-13-41"):
            assert any(said in line for line in await spoil_after(world, f"UPDATE {table} SET {column} = '{value}'"))


@given(st.sampled_from(sorted(Event.__dataclass_fields__)), st.text(max_size=5))
def test_an_events_hash_covers_each_of_its_fields(name: str, more: str) -> None:
    value: Any = getattr(EVENT, name)
    changed: Any = NOW.replace(second=1) if name == "at" else 2 if name == "number" else value + "x" + more
    other = replace(EVENT, **{name: changed})
    assert other.hash != EVENT.hash


def test_what_one_field_loses_to_the_next_is_another_event() -> None:
    assert replace(EVENT, before="{}1", after="2").hash != replace(EVENT, before="{}", after="12").hash
