"""A library of many files: what is old is found too, and what is asked or lost in numbers."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta

from sqlalchemy import insert

from bot import tables
from bot.access import Searchable
from bot.files.library import PLACE, READY
from bot.files.rows import LISTED, new_record
from bot.models import utcnow
from tests.library_world import World, world

__all__ = ["world"]
POLICY = b"# Travel\n\nThe hotel limit in Lisbon is 180 EUR a night."


def only(*channels: str) -> Searchable:
    return Searchable(channels, workspace=False, everyone=False)


async def test_an_old_file_is_found_by_its_name_and_id_however_many_came_after_it(world: World) -> None:
    library, thread = world.library(), world.thread()
    old = [("F0000OLD1", "Report 100%.pdf"), ("F0000OLD2", "ÜBERSICHT.md")]
    newer = [(f"F0000NEW{n}", f"{n}.txt") for n in range(LISTED)]
    for id_, name in old:
        await library.rows.add(new_record(world.team, thread.channel, id_, "1.0", name, PLACE))
    async with world.database.begin() as tx:
        later = utcnow() + timedelta(seconds=5)
        rows = [asdict(new_record(world.team, thread.channel, i, "1.0", n, PLACE)) for i, n in newer]
        kept = [{k: v for k, v in r.items() if k in tables.files.c} | {"created_at": later} for r in rows]
        await tx.execute(insert(tables.files), kept)

    async def found(wanted: str) -> list[str]:
        return [r.slack_file for r in await library.find(world.team, wanted, only(thread.channel))]

    assert await found("report 100%.PDF") == await found("F0000OLD1") == ["F0000OLD1"]
    assert await found("100_.pdf") == [], "a name, no pattern"
    assert await found("ÜBERSICHT") == ["F0000OLD2"]
    assert len(await library.listed(world.team, only(thread.channel))) == LISTED


async def test_a_name_is_found_whatever_capitals_it_has(world: World) -> None:
    library = world.library()
    shared = world.share("ÜBERSICHT.md", POLICY)
    await library.take(shared, world.thread())
    found = await library.find(world.team, "übersicht", only(world.thread().channel))
    assert [r.slack_file for r in found] == [shared.id]


async def test_of_any_number_of_openais_files_it_is_told_which_are_known(world: World) -> None:
    library = world.library()
    record = await library.take(world.share("policy.md", POLICY), world.thread())
    assert await library.rows.known([*(f"file-{n}" for n in range(40_000)), record.search_file]) == {record.search_file}


async def test_a_store_that_vanishes_while_files_are_put_back_costs_none_of_them(world: World) -> None:
    library = world.library()
    record = await library.take(world.share("policy.md", POLICY), world.thread())
    await world.llm.client.vector_stores.delete(await world.store().id(world.team))
    assert await library.put_back(world.team, [record]) == 0
    assert [r.state for r in await library.rows.where()] == [READY]
