"""The books when things happen again, or at the same time, or at a large size."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bench.expenses import measure
from bot.errors import ExpenseRefused
from bot.expenses.values import Details, Draft, Expense
from tests.books_world import (
    BOSS,
    OTHER,
    OWNER,
    World,
    anywhere,
    details,
    draft,
    original,
    whole_trail,
    world,
)

__all__ = ["anywhere", "world"]


async def test_a_form_that_is_stored_again_keeps_one_expense(world: World) -> None:
    assert not await world.do("done", cause="form-1")
    kept = await world.do("capture", draft(1), cause="form-1")
    assert await world.do("done", cause="form-1")
    before = await world.dump()
    assert await world.do("capture", draft(1), cause="form-1") == kept
    assert await world.dump() == before
    assert not await world.do("done")  # a tool's: the journal knows


async def test_several_receipts_in_one_file_share_its_original(world: World) -> None:
    file = original(b"two receipts")
    drafts = [Draft(details=details(n), source="file", receipt=file.sha256, part=n) for n in range(2)]
    kept = [await world.do("capture", d, file, cause="form-1") for d in drafts]
    assert [e.number for e in kept] == [1, 2]
    assert len((await world.dump())["receipts"]) == 1
    with pytest.raises(ValueError, match="not there"):
        await world.do("capture", replace(drafts[0], receipt="0" * 64), None)


async def test_a_name_that_another_owner_gave_the_same_file_is_not_told(world: World) -> None:
    for owner, name in ((OWNER, "divorce lawyer.pdf"), (OTHER, "scan.pdf")):
        given = Draft(details=details(len(owner)), source="file", receipt=original(b"same").sha256)
        await world.do("capture", given, original(b"same", name), by=owner)
    assert (await world.do("original", 2, by=OTHER)).name == "scan.pdf"
    assert (await world.do("original", 1)).name == "divorce lawyer.pdf"


async def test_a_refusal_inside_a_transaction_that_goes_on_leaves_nothing_half_done(world: World) -> None:
    await world.draft_report()

    async def work(tx: Any) -> Expense:
        with pytest.raises(ExpenseRefused):
            await world.books.add(tx, world.by(), 1, None, [1, 999])
        return await world.books.capture(tx, world.by(), draft(50))

    assert (await world.at(work)).number == 3
    assert (await world.do("report", 1)).report.version == 1
    assert await whole_trail(world)


async def test_two_who_approve_at_once_are_told_apart(anywhere: World) -> None:
    world = anywhere
    await world.submitted()
    pressing = (world.do("approve", 1, 2, by=BOSS) for _ in range(5))
    done = await asyncio.gather(*pressing, return_exceptions=True)
    refused = [str(d) for d in done if isinstance(d, ExpenseRefused)]
    assert refused == ["You approved R-1 already."] * 4
    assert [r["action"] for r in (await world.dump())["expense_events"]].count("approved") == 1


async def test_captures_at_once_get_numbers_without_gaps_also_in_a_new_workspace(anywhere: World) -> None:
    world = anywhere
    keeping = (world.do("capture", draft(n), by=f"U{n % 3}") for n in range(12))
    kept = await asyncio.gather(*keeping)
    assert sorted(e.number for e in kept) == list(range(1, 13))
    assert await whole_trail(world)
    assert (await world.dump())["expense_books"][0]["last_event"] == 12


async def test_details_may_be_all_unknown(anywhere: World) -> None:
    kept = await anywhere.do("capture", Draft(details=Details(), source="words"))
    assert (kept.state, kept.home) == ("needs_info", None)
    assert (await anywhere.do("find")).count == 1


async def test_the_benchmark_runs(sqlite_url: str) -> None:
    figures = dict(await measure(sqlite_url, 210, 1))
    assert len(figures) == 14
    assert all(ms and min(ms) > 0 for ms in figures.values())
