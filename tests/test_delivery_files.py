"""Reports' files come into people's direct messages: each once, below the report's card."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import insert

from bot import tables
from bot.delivery.delivery import FILE_TRIES
from bot.expenses.books.books import Original
from bot.expenses.showing import MOST_BYTES, receipts_of
from bot.models import By, utcnow
from tests.delivery_world import World, expense, world
from tests.housekeeping_world import TEAM
from tests.scenarios.seen import calls_of

__all__ = ["world"]

POST, COMPLETE = "chat.postMessage", "files.completeUploadExternal"


async def test_a_reports_file_comes_below_its_card(world: World) -> None:
    world.report("Taxi", "Hotel")
    await world.card("raj", "R-3")
    await world.give("raj", "R-3", "csv")
    await world.deliver()
    (card,) = world.dm("raj")
    (args,) = calls_of(world.server, COMPLETE)
    assert args["thread_ts"] == card["ts"]
    (file,) = [f for f in world.server.workspace.files.values() if f.content]
    assert file.name.startswith("R-3 Ana Becker")
    assert isinstance(file.content, bytes)
    assert b"Hotel" in file.content


async def test_without_a_card_or_with_one_that_is_gone_the_file_comes_all_the_same(world: World) -> None:
    world.report("Taxi")
    await world.give("ana", "R-3", "csv")
    await world.card("raj", "R-3")
    await world.deliver()
    workspace = world.server.workspace
    workspace.remove(workspace.dm(workspace.person("raj")), world.dm("raj")[0]["ts"])
    await world.give("raj", "R-3", "csv")
    await world.deliver()
    assert [bool(m.get("files")) for m in (*world.dm("ana"), *world.dm("raj"))] == [True, True]


async def test_a_file_whose_sharing_has_no_answer_is_shared_once(world: World) -> None:
    world.report("Taxi")
    world.server.faults.add(COMPLETE, lost=True)
    await world.give("ana", "R-3", "csv")
    await world.deliver()
    assert len(world.dm("ana")) == 1


async def test_a_file_that_slack_has_lost_is_uploaded_anew(world: World) -> None:
    world.report("Taxi")
    world.server.faults.add(COMPLETE, error="file_not_found")
    await world.give("ana", "R-3", "csv")
    await world.deliver()
    assert len(world.dm("ana")) == 1
    assert len(calls_of(world.server, "files.getUploadURLExternal")) == 2


async def test_a_workspace_that_takes_no_files_is_told_so_once(world: World) -> None:
    world.report("Taxi")
    world.server.faults.add("files.getUploadURLExternal", error="file_uploads_disabled", times=None)
    await world.give("ana", "R-3", "csv")
    await world.deliver()
    assert world.texts("ana") == ["I could not give you R-3 as CSV: the workspace takes no files."]


async def test_somebodys_direct_messages_are_opened_once(world: World) -> None:
    await world.say("ana", "one", "two", "three")
    await world.deliver()
    assert len(calls_of(world.server, "conversations.open")) == 1


@pytest.mark.parametrize("away", [0, 1])
async def test_a_file_that_cannot_be_made_is_told_of_at_last_once(world: World, away: int) -> None:
    """Also where Slack is away when that is found."""
    world.report("Taxi")
    world.server.faults.add(POST, status=500, times=away)
    await world.give("ana", "R-3", "odd")  # a form that nobody makes
    async with world.delivering():
        for _ in range(FILE_TRIES + away):
            await asyncio.sleep(0.3)
            await world.hurry()
        await world.brought()
    assert world.texts("ana") == ["I could not make R-3 as ODD. Please tell whoever runs me."]


async def test_receipts_are_taken_along_as_far_as_they_fit_each_once(world: World) -> None:
    ana, sizes = world.person("ana"), {"a": MOST_BYTES // 2, "b": MOST_BYTES, "c": MOST_BYTES // 2}
    shas = [
        "a",
        "a",
        "b",
        "c",
        "",
        "lost",
    ]  # a part of the same file; one too large for what is left; none; one that is not there
    expenses = [replace(expense(ana, "Taxi", n), receipt=sha) for n, sha in enumerate(shas)]
    world.books.originals = {n: Original(sha, "a.pdf", "pdf", b"") for n, sha in enumerate(shas)}
    async with world.database.begin() as tx:
        for sha, size in sizes.items():
            row = {"sha256": sha, "form": "pdf", "content": b""}
            await tx.execute(insert(tables.receipts).values(team=TEAM, size=size, created_at=utcnow(), **row))
        found = await receipts_of(world.books, tx, By(TEAM, ana), expenses)
    assert {number: original.sha256 for number, original in found.items()} == {0: "a", 1: "a", 3: "c"}


async def test_who_may_not_see_the_report_any_more_gets_no_file(world: World) -> None:
    await world.give("kim", "R-3", "csv")
    await world.deliver()
    assert not world.dm("kim")
