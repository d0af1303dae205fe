"""What becomes of files after they were shared: deleted in Slack, left behind, too old, forgotten; and that nothing goes without Slack's word."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from bot import keys
from bot.drawn import Drawn
from bot.files.housekeeping import Housekeeping
from bot.files.reconcile import is_due
from bot.models import utcnow
from bot.settings import Settings
from playground.openai import OpenAIServer
from playground.slack import SlackServer
from tests.housekeeping_world import TEAM, TEXT, World, world_of


@pytest.fixture
async def world(settings: Settings, slack: SlackServer, ai: OpenAIServer) -> AsyncIterator[World]:
    """A worker's files; none yet."""
    async with world_of(settings, slack, ai) as world:
        yield world


async def settle(world: World) -> None:
    """The comparison that each start begins with, done: the tests look at what comes after it."""
    await world.redis.set(keys.RECONCILED, time.time())


# -- duties --------------------------------------------------------------------------------------------------------------------


async def test_a_file_deleted_in_slack_goes_from_openai_wherever_it_was_shared(world: World) -> None:
    await settle(world)
    file, record = await world.taken("ana", "general", "policy.txt")
    await world.taken("ana", "random", "other.txt", b"Nobody deletes this.")
    await Drawn(world.database, TEAM, "conv_none").on(f"file:{record.search_file}")
    world.server.workspace.delete_file(file)
    await world.duties.add(f"deleted:{file.id}")
    await world.tidy()
    assert set((await world.stored()).values()) == await world.searchable() == {"other.txt"}
    assert [r.name for r in await world.rows()] == ["other.txt"]
    assert await world.duties.due() == []


async def test_a_duty_waits_while_openai_is_away_and_nothing_is_lost(world: World) -> None:
    await settle(world)
    file, record = await world.taken("ana", "general", "policy.txt")
    await world.duties.add(f"deleted:{file.id}")
    world.ai.faults.add(f"/files/{record.search_file}", status=503, times=2)
    housekeeper = world.housekeeper()
    await housekeeper.once()
    (row,) = await world.rows()
    assert row.state == "going", "nobody finds it any more"
    await housekeeper.once()
    await housekeeper.once()
    assert await world.rows() == []
    assert await world.stored() == {}


async def test_a_duty_noted_again_while_it_is_done_is_done_again(world: World) -> None:
    await world.duties.add("reconcile")
    mark = await world.duties.begin("reconcile")
    assert await world.duties.due() == [], "it is being done"
    await world.duties.add("reconcile")
    await world.duties.done(mark)
    assert await world.duties.due() == ["reconcile"]
    mark = await world.duties.begin("reconcile")
    await world.duties.done(mark)
    assert await world.duties.due() == []


async def test_a_duty_that_nobody_knows_goes_and_holds_up_no_other(world: World) -> None:
    await settle(world)
    file, _ = await world.taken("ana", "general", "policy.txt")
    for duty in ("nonsense", "take:F1", f"deleted:{file.id}"):
        await world.duties.add(duty)
    await world.tidy()
    assert await world.rows() == []
    assert await world.redis.zcard(keys.DUTIES) == 0


async def test_of_two_workers_one_does_it_once_and_the_other_follows_when_that_ends(world: World) -> None:
    await settle(world)
    file, record = await world.taken("ana", "general", "policy.txt")
    await world.duties.add(f"deleted:{file.id}")
    one, two = world.housekeeper(), world.housekeeper()
    assert sorted(await asyncio.gather(one.once(), two.once())) == [False, True]
    deletions = [
        r for r in world.ai.requests if r.method == "DELETE" and r.path.endswith(f"/files/{record.search_file}")
    ]
    assert len(deletions) == 1
    await one._stop()
    await two._stop()
    assert await two.once(), "the place is free"


async def test_what_has_been_on_its_way_for_an_hour_without_anybody_at_it_is_given_up(world: World) -> None:
    await settle(world)
    old = utcnow() - timedelta(hours=2)
    for name, state in (("stuck.txt", "taking"), ("busy.txt", "taking"), ("good.txt", "ready")):
        _, record = await world.taken("ana", "general", name, name.encode())
        await world.library.rows.change(record, state=state, created_at=old)
    busy = next(r for r in await world.rows() if r.name == "busy.txt")
    async with world.redis.lock(keys.file_lock(TEAM, busy.channel, busy.slack_file), timeout=30):
        await world.tidy()
    assert {r.name: r.state for r in await world.rows()} == {"busy.txt": "taking", "good.txt": "ready"}
    assert set((await world.stored()).values()) == {"busy.txt", "good.txt"}


async def test_many_deletions_are_done_side_by_side_and_slow_files_stand_in_nobodys_way(world: World) -> None:
    await settle(world)
    files = [(await world.taken("ana", "general", f"{n}.txt", str(n).encode()))[0] for n in range(6)]
    for number in range(3):
        given, _ = world.share("ana", world.server.workspace.dm("ana").id, f"slow{number}.txt", str(-number).encode())
        await world.duties.add(f"take:{given.id}|workspace|{world.server.workspace.person('ana').id}", after=-60)
    world.ai.faults.add("/v1/files", status=0, delay=2.0, times=3)
    for file in files:
        await world.duties.add(f"deleted:{file.id}")
    tidying = asyncio.create_task(world.housekeeper().once())
    async with asyncio.timeout(10):
        while {r.channel for r in await world.rows()} - {""}:  # noqa: ASYNC110  # OpenAI tells nobody of a deletion
            await asyncio.sleep(0.05)
    assert not [r for r in await world.rows() if r.state == "ready"], "the slow ones are not done yet"
    await tidying
    assert [r.state for r in await world.rows()] == ["ready"] * 3


async def test_files_that_wait_in_line_to_be_taken_in_do_not_hide_a_deletion(world: World) -> None:
    await settle(world)
    gone, _ = await world.taken("ana", "general", "gone.txt")
    admin = world.server.workspace.person("ana").id
    for number in range(40):  # twice as many as are looked at in one go
        given, _ = world.share("ana", world.server.workspace.dm("ana").id, f"{number}.txt", str(number).encode())
        await world.duties.add(f"take:{given.id}|workspace|{admin}", after=-60)
    world.ai.faults.add("/v1/files", status=0, delay=1.5, times=40)
    keeping = asyncio.create_task(world.housekeeper().run())
    async with asyncio.timeout(6):
        while len(await world.rows()) < 3:  # noqa: ASYNC110  # two are on their way, the others wait for them
            await asyncio.sleep(0.02)
        await world.duties.add(f"deleted:{gone.id}")
        while "gone.txt" in {r.name for r in await world.rows()}:  # noqa: ASYNC110  # OpenAI tells nobody of a deletion
            await asyncio.sleep(0.05)
    keeping.cancel()
    await asyncio.wait([keeping])


async def test_a_housekeeper_outlives_what_it_works_with(world: World, free_port: int) -> None:
    async with Redis.from_url(f"redis://127.0.0.1:{free_port}/0", retry=Retry(NoBackoff(), 0)) as away:
        housekeeper = Housekeeping(
            world.slack, world.llm, world.library, world.knowledge, away, keep_days=0, left_hours=0
        )
        task = asyncio.create_task(housekeeper.run())
        await asyncio.sleep(0.2)
        assert not task.done()
        task.cancel()
        await asyncio.wait([task], timeout=5)
        assert task.cancelled()


# -- channels that the bot has left ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["general", "leads"])
async def test_the_files_of_a_channel_that_the_bot_has_left_go_when_it_is_due(world: World, place: str) -> None:
    await settle(world)
    await world.taken("ana", place, "plan.txt")
    await world.taken("ana", "random", "other.txt", b"Of another channel.")
    channel = world.server.workspace.channel(place).id
    world.server.workspace.remove_bot(place)
    await world.duties.add_new(f"left:{channel}", after=3600)
    await world.tidy()
    assert len(await world.rows()) == 2, "not yet"
    await world.duties.add(f"left:{channel}")
    await world.tidy()
    assert [r.name for r in await world.rows()] == ["other.txt"]
    assert set((await world.stored()).values()) == {"other.txt"}


async def test_a_channel_that_the_bot_has_come_back_to_keeps_its_files(world: World) -> None:
    await settle(world)
    await world.taken("ana", "general", "plan.txt")
    channel = world.server.workspace.channel("general").id
    await world.duties.add(f"left:{channel}")  # the event of its return was lost
    await world.tidy()
    assert len(await world.rows()) == 1
    assert await world.redis.zcard(keys.DUTIES) == 0


# -- the comparison with Slack ----------------------------------------------------------------------------------------------------


async def test_what_was_deleted_while_no_bot_ran_goes_after_the_start(world: World, tmp_path: Path) -> None:
    gone, _ = await world.taken("ana", "general", "gone.txt", b"Deleted while nobody heard it.")
    await world.taken("ana", "leads", "kept.txt")
    handbook = tmp_path / "handbook.md"
    handbook.write_bytes(TEXT)
    await world.knowledge.take_local(handbook, "handbook.md", team=TEAM, visibility="workspace")
    world.server.workspace.delete_file(gone)
    task = asyncio.create_task(world.housekeeper().run())
    async with asyncio.timeout(10):
        while len(await world.rows()) > 2:  # noqa: ASYNC110  # OpenAI tells nobody of a deletion
            await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.wait([task])
    assert set((await world.stored()).values()) == await world.searchable() == {"kept.txt", "handbook.md"}
    assert not await world.redis.exists(keys.HOUSEKEEPER), "the next worker need not wait"


@pytest.mark.parametrize("method", ["files.list", "files.info", "users.conversations"])
@pytest.mark.parametrize(
    "fault", [{"status": 503}, {"error": "internal_error"}, {"error": "missing_scope"}, {"lost": True}]
)
async def test_nothing_goes_while_slack_does_not_answer(world: World, method: str, fault: dict[str, object]) -> None:
    await world.taken("ana", "general", "kept.txt")
    for file in world.server.workspace.files.values():
        file.deleted = method == "files.info"  # so that it is asked for by itself
    world.server.faults.add(method, times=None, **fault)  # type: ignore[arg-type]  # a table of faults
    await world.duties.add("reconcile")
    await world.tidy()
    assert [r.state for r in await world.rows()] == ["ready"]
    assert await world.redis.zcard(keys.DUTIES) == 1, "it is tried again"


@pytest.mark.parametrize("error", ["", "not_visible", "slack_connect_canvas_sharing_blocked"])
async def test_a_file_that_slack_lists_no_more_stays_unless_slack_says_that_it_was_deleted(
    world: World, error: str
) -> None:
    file, _ = await world.taken("ana", "general", "kept.txt")
    file.content = None  # not listed; asked for by itself, it is there
    if error:
        world.server.faults.add("files.info", error=error, times=None)
    await world.duties.add("reconcile")
    await world.tidy()
    assert [r.state for r in await world.rows()] == ["ready"]
    assert await world.redis.zcard(keys.DUTIES) == 0
    assert [c.method for c in world.server.calls].count("files.info") == 2


async def test_files_of_a_private_channel_that_the_bot_has_left_get_the_time_that_is_set(world: World) -> None:
    await world.taken("ana", "leads", "plan.txt")
    world.server.workspace.remove_bot("leads")  # now Slack says file_not_found
    await world.duties.add("reconcile")
    await world.tidy(left_hours=24)
    assert [r.state for r in await world.rows()] == ["ready"]
    channel = world.server.workspace.channel("leads").id
    due = await world.redis.zscore(keys.DUTIES, f"left:{channel}")
    assert 23.9 * 3600 < due - time.time() < 24.1 * 3600
    await world.duties.add("reconcile")
    await world.tidy(left_hours=24)
    assert await world.redis.zscore(keys.DUTIES, f"left:{channel}") == due, "a later comparison gives it no more time"


async def test_files_in_a_direct_message_stay(world: World) -> None:
    dm = world.server.workspace.dm("ana")
    await world.taken("ana", dm.id, "receipt.txt")
    await world.duties.add("reconcile")
    await world.tidy()
    assert [r.name for r in await world.rows()] == ["receipt.txt"]
    assert await world.redis.zcard(keys.DUTIES) == 0


async def test_what_the_store_holds_of_ours_without_a_row_is_deleted_and_of_others_is_not(world: World) -> None:
    _, lost = await world.taken("ana", "general", "lost.txt")
    store, client = await world.library.store.id(TEAM), world.llm.client
    for name, team in (("theirs.txt", "T2"), ("plain.txt", None)):
        file = await client.files.create(file=(name, b"Not ours."), purpose="assistants")
        await client.vector_stores.files.create(store, file_id=file.id, attributes={"team": team} if team else None)
    await world.library.rows.remove(lost)
    await world.taken("ana", "random", "known.txt", b"With a row.")
    await world.duties.add("reconcile")
    await world.tidy()
    assert await world.searchable() == {"known.txt", "theirs.txt", "plain.txt"}


async def test_a_store_that_was_made_anew_only_in_part_is_completed(world: World) -> None:
    """OpenAI went away, or the worker was killed, while the files were put into the new one."""
    for name in ("one.txt", "two.txt", "three.txt"):
        await world.taken("ana", "general", name, name.encode() * 20)
    await world.tidy()
    del world.ai.vector_stores[await world.library.store.id(TEAM)]
    world.ai.faults.add("/files", status=500, times=2, when=lambda body: bool(body) and "file_id" in body)
    await world.library.restore(TEAM)
    assert len(await world.searchable()) == 1
    await world.tidy()
    assert await world.searchable() == {"one.txt", "two.txt", "three.txt"}
    assert len(await world.stored()) == 3


async def test_a_vector_store_that_is_gone_ends_no_comparison(world: World) -> None:
    gone, _ = await world.taken("ana", "general", "gone.txt")
    await world.llm.client.vector_stores.delete(await world.library.store.id(TEAM))
    world.server.workspace.delete_file(gone)
    await world.duties.add("reconcile")
    await world.tidy()
    assert await world.rows() == []
    assert await world.redis.zcard(keys.DUTIES) == 0


@pytest.mark.parametrize(("keep_days", "left"), [(0, {"old.txt", "new.txt"}), (30, {"new.txt"})])
async def test_shared_files_expire_when_that_is_set(world: World, keep_days: int, left: set[str]) -> None:
    for name, days in (("old.txt", 31), ("new.txt", 29)):
        _, record = await world.taken("ana", "general", name, name.encode())
        await world.library.rows.change(record, created_at=utcnow() - timedelta(days=days))
    await world.duties.add("reconcile")
    await world.tidy(keep_days=keep_days)
    assert {r.name for r in await world.rows()} == set((await world.stored()).values()) == left


async def test_a_comparison_asks_slack_page_by_page(world: World) -> None:
    await world.taken("ana", "general", "kept.txt")
    for number in range(450):
        file = world.server.workspace.add_file("ana", f"{number}.txt", b"x")
        file.shares.append((world.server.workspace.channel("general").id, ""))
    await world.duties.add("reconcile")
    await world.tidy()
    asked = [c.args.get("page") for c in world.server.calls if c.method == "files.list"]
    assert asked == [1, 2, 3]
    assert [c.method for c in world.server.calls].count("files.info") == 1, "when it was taken in; now it is listed"
    assert len(await world.rows()) == 1


# -- nights -----------------------------------------------------------------------------------------------------------------------


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("last", "now", "due"),
    [
        ("2026-11-21T03:00:01", "2026-11-22T02:59:59", False),
        ("2026-11-21T03:00:01", "2026-11-22T03:00:00", True),
        ("2026-11-22T03:00:00", "2026-11-22T23:00:00", False),
        ("2026-11-22T02:00:00", "2026-11-22T04:00:00", True),
        ("1970-01-01T00:00:00", "2026-11-22T01:00:00", True),
    ],
)
def test_a_comparison_is_due_each_night_at_three(last: str, now: str, due: bool) -> None:
    assert is_due(at(last), at(now)) is due


@given(st.floats(1e9, 2e9), st.floats(0, 3599))
def test_within_any_day_it_is_due_exactly_once(start: float, offset: float) -> None:
    last, count = start, 0
    for hour in range(1, 25):
        if is_due(last, start + hour * 3600, offset):
            last, count = start + hour * 3600, count + 1
    assert count == 1
