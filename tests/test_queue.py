"""The queue on a real Valkey: stored once, one turn a thread, in order, never lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from bot import keys
from bot.errors import LeaseLost
from bot.lease import Lease
from bot.models import ThreadKey
from bot.queue import TURN_BYTES, TURN_MESSAGES, Depth, Queue, connect_redis
from tests.queue_world import DM, FILE, OTHER, ROOT, follow_up, mention, message, silence, take, take_one, texts


@pytest.fixture
async def queue(redis_url: str) -> AsyncIterator[Queue]:
    """A worker's side of an empty queue."""
    async with connect_redis(redis_url) as redis:
        queue = Queue(redis, "one")
        await queue.open()
        yield queue


@pytest.fixture
async def second(redis_url: str) -> AsyncIterator[Queue]:
    """Another worker's side of the same queue."""
    async with connect_redis(redis_url) as redis:
        yield Queue(redis, "two")


# -- receiving ------------------------------------------------------------------------------------------------------------


async def test_a_message_is_stored_whole(queue: Queue) -> None:
    said = mention(1, text='ünïcode, "quotes" \n\\ 😀 </script>', files=(FILE,))
    assert await queue.put(said) == "stored"
    assert (await take_one(queue)).turn.messages == (said,)


async def test_an_event_is_stored_once(queue: Queue) -> None:
    said = mention(1)
    outcomes = await asyncio.gather(*(queue.put(said) for _ in range(20)))
    assert sorted(outcomes) == ["duplicate"] * 19 + ["stored"]
    assert texts(await take_one(queue)) == [said.text]
    assert await take(queue) == []


async def test_a_redelivery_after_the_answer_starts_nothing(queue: Queue) -> None:
    said = mention(1)
    await queue.put(said)
    await (await take_one(queue)).done()
    assert await queue.put(said) == "duplicate"
    assert await queue.put(mention(1)) == "duplicate", "its twin, late"
    assert await take(queue) == []


@pytest.mark.parametrize("files_first", [True, False])
async def test_a_twin_brings_its_files_and_takes_none_away(queue: Queue, files_first: bool) -> None:
    bare, full = mention(1, text="look: é"), mention(1, text="look: é", files=(FILE,))
    outcomes = [await queue.put(m) for m in ((full, bare) if files_first else (bare, full))]
    assert outcomes == (["stored", "duplicate"] if files_first else ["stored", "merged"])
    (got,) = (await take_one(queue)).turn.messages
    assert (got.files, got.text, got.starts_thread, got.by_mention) == ((FILE,), "look: é", True, True)


async def test_a_twin_that_comes_during_the_turn_is_there_for_a_second_try(queue: Queue) -> None:
    await queue.put(mention(1))
    lease = await take_one(queue)
    assert await queue.put(mention(1, files=(FILE,))) == "merged"
    await lease.hand_on()
    assert (await take_one(queue)).turn.messages[0].files == (FILE,)


async def test_follow_ups_count_when_they_are_the_starters(queue: Queue) -> None:
    assert await queue.put(follow_up(1)) == "ignored", "nobody has mentioned the bot here"
    await queue.put(mention(2))
    assert await queue.put(follow_up(3, user="U2")) == "ignored"
    assert await queue.put(message(4, user="U2", text="a mention")) == "stored"
    assert await queue.put(follow_up(5, user="U2")) == "ignored", "a mention inside the thread starts none"
    assert await queue.put(follow_up(6)) == "stored"
    for waited in (["2.000000"], ["4.000000"], ["6.000000"]):  # a turn has one asker
        lease = await take_one(queue)
        assert [m.ts for m in lease.turn.messages] == waited
        await lease.done()


async def test_messages_of_one_person_in_a_row_share_a_turn(queue: Queue) -> None:
    for ts, who in ((1, "U1"), (2, "U1"), (3, "U2"), (4, "U1")):
        await queue.put(message(ts, user=who, text="a mention"))
    for waited in (["1.000000", "2.000000"], ["3.000000"], ["4.000000"]):
        lease = await take_one(queue)
        assert [m.ts for m in lease.turn.messages] == waited
        await lease.done()


async def test_what_was_ignored_as_a_follow_up_may_come_as_a_mention(queue: Queue) -> None:
    said = follow_up(1)
    assert await queue.put(said) == "ignored"
    assert await queue.put(message(1)) == "stored"


async def test_a_waiting_message_can_be_edited_and_cancelled(queue: Queue) -> None:
    for ts in (1, 2, 3):
        await queue.put(mention(ts, files=(FILE,) if ts == 2 else ()))
    assert await queue.replace_text(ROOT, "1.000000", 'ein "Tippfehler" ü \\')
    assert await queue.replace_text(ROOT, "2.000000", "two")
    assert await queue.cancel(ROOT, "3.000000")
    turn = (await take_one(queue)).turn
    assert [(m.text, m.files) for m in turn.messages] == [('ein "Tippfehler" ü \\', ()), ("two", (FILE,))]
    assert not await queue.replace_text(ROOT, "1.000000", "too late")
    assert not await queue.cancel(ROOT, "1.000000")
    assert not await queue.cancel(ROOT, "9.000000")


async def test_a_thread_whose_only_message_was_cancelled_rests_until_the_next(queue: Queue) -> None:
    await queue.put(mention(1))
    await queue.cancel(ROOT, "1.000000")
    assert await take(queue) == []
    assert (await queue.depth()).ready == 0
    await queue.put(mention(2))
    assert texts(await take_one(queue)) == ["said at 2.000000"]


async def test_what_is_stored_expires_some_day(queue: Queue) -> None:
    said = mention(1)
    await queue.put(said)
    lease = await take_one(queue)
    await lease.done()
    lives = {str(k): await queue.redis.ttl(k) for k in await queue.redis.keys("*") if k != keys.READY}
    assert all(seconds > 600 for seconds in lives.values()), lives


# -- working --------------------------------------------------------------------------------------------------------------


async def test_a_thread_has_one_turn_at_a_time_and_threads_run_side_by_side(queue: Queue, second: Queue) -> None:
    for said in (mention(1), mention(2, OTHER), mention(3), message(1, DM)):
        await queue.put(said)
    taken = await take(queue, 2)
    assert [(x.key, len(x.turn.messages)) for x in taken] == [(ROOT, 2), (OTHER, 1)]
    assert [x.key for x in await take(second)] == [DM]
    await queue.put(mention(4))
    assert await take(queue) == await take(second) == [], "the thread's turn still runs"
    await taken[0].done()
    assert texts(await take_one(second)) == ["said at 4.000000"]


async def test_messages_are_answered_in_the_order_of_their_ts(queue: Queue) -> None:
    for ts in (3, 1, 2.5, 10):
        await queue.put(mention(ts))
    assert [float(m.ts) for m in (await take_one(queue)).turn.messages] == [1, 2.5, 3, 10]


async def test_a_lease_learns_what_waits_behind_it(queue: Queue) -> None:
    await queue.put(mention(1))
    lease = await take_one(queue)
    for ts in range(2, 10):
        await queue.put(mention(ts))
    await lease.beat()
    assert lease.waiting_count == 8
    assert lease.waiting == tuple(f"{ts}.000000" for ts in range(2, 7))


async def test_a_turn_that_is_tried_again_knows_how_far_it_came(queue: Queue, second: Queue) -> None:
    await queue.put(mention(1))
    lease = await take_one(queue)
    assert (lease.turn.attempt, lease.turn.leases, lease.turn.resumed) == (0, 1, False)
    await lease.save(response="resp_1", parts="1.1 1.2", written="so far")
    await lease.save_thread(conversation="conv_1", turns=7)
    await lease.mark("5.000000")
    await queue.put(mention(2))
    await lease.retry(0)
    await queue.promote()
    again = (await take_one(second)).turn
    assert (again.attempt, again.leases, again.resumed) == (1, 2, True)
    assert (again.response, again.parts, again.written) == ("resp_1", ("1.1", "1.2"), "so far")
    assert (again.conversation, again.conversation_turns, again.marked) == ("conv_1", 7, ("5.000000",))
    assert [m.ts for m in again.messages] == ["1.000000"], "what came later waits for the next turn"
    assert again.id == lease.turn.id


async def test_the_next_turn_knows_the_thread_but_nothing_of_the_last_turn(queue: Queue) -> None:
    await queue.put(mention(1))
    lease = await take_one(queue)
    await lease.save(response="resp_1", answer="")
    await lease.save_thread(conversation="conv_1", turns=1)
    await lease.done()
    await queue.put(mention(2))
    turn = (await take_one(queue)).turn
    assert (turn.conversation, turn.response, turn.answer, turn.attempt, turn.resumed) == ("conv_1", "", None, 0, False)


async def test_a_retry_waits_for_its_time(queue: Queue) -> None:
    await queue.put(mention(1))
    due = time.time() + 0.3
    await (await take_one(queue)).retry(0.3)
    assert (await queue.depth()).delayed == 1
    while not await queue.promote():
        assert await take(queue) == []
        await asyncio.sleep(0.02)
    assert time.time() >= due - 0.002
    assert texts(await take_one(queue)) == ["said at 1.000000"]


async def test_messages_that_come_during_a_delay_do_not_cut_it_short(queue: Queue) -> None:
    await queue.put(mention(1))
    await (await take_one(queue)).retry(60)
    await queue.put(mention(2))
    assert await queue.promote() == 0
    assert await take(queue) == []


async def test_what_is_handed_on_is_ready_at_once(queue: Queue, second: Queue) -> None:
    await queue.put(mention(1))
    await queue.put(mention(2, OTHER))
    first, _ = await take(queue)
    await first.hand_on()
    again = await take_one(second)
    assert (again.key, again.turn.attempt, again.turn.resumed) == (ROOT, 0, True)


async def test_a_silent_workers_turn_goes_to_another(queue: Queue, second: Queue) -> None:
    await queue.put(mention(1))
    lease = await take_one(queue)
    assert await second.reclaim(10) == []
    await silence(queue, LEASE_SECONDS - 0.5)
    assert await second.reclaim(10) == [], "not before the lease has run out"
    await silence(queue)
    (successor,) = await second.reclaim(10)
    assert (successor.turn.messages, successor.turn.resumed) == (lease.turn.messages, True)
    assert await second.reclaim(10) == [], "the new lease is young"


async def test_a_heartbeat_keeps_the_lease(queue: Queue, second: Queue) -> None:
    await queue.put(mention(1))
    lease = await take_one(queue)
    await silence(queue)
    await lease.beat()
    assert await second.reclaim(10) == []


@pytest.mark.parametrize("stale", ["save", "save_thread", "done", "retry", "bury", "hand_on", "beat"])
@pytest.mark.parametrize("same_worker", [False, True])
async def test_a_stale_lease_changes_nothing(queue: Queue, second: Queue, stale: str, same_worker: bool) -> None:
    await queue.put(mention(1))
    old = await take_one(queue)
    await silence(queue)
    (new,) = await (queue if same_worker else second).reclaim(10)
    steps = {
        "save": lambda: old.save(response="stale"),
        "save_thread": lambda: old.save_thread(conversation="stale"),
        "done": old.done,
        "retry": lambda: old.retry(0),
        "bury": lambda: old.bury("stale", "x"),
        "hand_on": old.hand_on,
        "beat": old.beat,
    }
    if stale in ("save", "save_thread", "beat"):
        with pytest.raises(LeaseLost):
            await steps[stale]()
    else:
        await steps[stale]()
    assert old.lost
    assert await queue.depth() == Depth(ready=0, running=1, delayed=0, dead=0, oldest=0)
    await new.hand_on()
    turn = (await take_one(queue)).turn
    assert (turn.response, turn.conversation, turn.attempt, len(turn.messages)) == ("", "", 0, 1)


async def test_a_worker_that_forgot_an_entry_gets_it_back(queue: Queue) -> None:
    await queue.put(mention(1))
    await queue.redis.xreadgroup(
        keys.GROUP, queue.worker, {keys.READY: ">"}, count=1
    )  # read, then killed before the lease
    await silence(queue)
    (lease,) = await queue.reclaim(10)
    assert (texts(lease), lease.turn.resumed) == (["said at 1.000000"], False)


# -- many, large, dead ------------------------------------------------------------------------------------------------------


async def test_a_thousand_messages_are_one_turn_and_the_rest_another(queue: Queue) -> None:
    said = [mention(ts) for ts in range(1, TURN_MESSAGES + 8)]
    assert set(await asyncio.gather(*map(queue.put, said))) == {"stored"}
    lease = await take_one(queue)
    assert lease.turn.messages == tuple(said[:TURN_MESSAGES])
    await lease.done()
    assert (await take_one(queue)).turn.messages == tuple(said[TURN_MESSAGES:])


async def test_a_turn_takes_no_more_text_than_it_can_read_but_always_one_message(queue: Queue) -> None:
    for ts, size in enumerate((TURN_BYTES + 1, 10, TURN_BYTES // 2, TURN_BYTES // 2), start=1):
        await queue.put(mention(ts, text="x" * size))
    sizes = []
    while leases := await take(queue):
        sizes.append([float(m.ts) for m in leases[0].turn.messages])
        await leases[0].done()
    assert sizes == [[1], [2, 3], [4]]


async def _die(queue: Queue) -> Lease:
    lease = await take_one(queue)
    await lease.bury("why", "ref1")
    return lease


async def test_a_dead_turn_can_be_read_and_replayed_once(queue: Queue) -> None:
    said = [mention(1, files=(FILE,)), mention(2, text="zwei ü")]
    for m in said:
        await queue.put(m)
    buried = await _die(queue)
    assert await take(queue) == []
    (dead,) = await queue.dead()
    assert (dead.thread, dead.messages, dead.reason, dead.reference) == (ROOT, tuple(said), "why", "ref1")
    assert await queue.replay(dead.id)
    assert not await queue.replay(dead.id)
    assert await queue.dead() == []
    again = (await take_one(queue)).turn
    assert (again.id, again.resumed, again.attempt) == (buried.turn.id, True, 0), (
        "its answer may stand in Slack already"
    )
    assert [(m.ts, m.text, m.files) for m in again.messages] == [(m.ts, m.text, m.files) for m in said]


async def test_a_dead_turn_holds_nothing_up(queue: Queue) -> None:
    await queue.put(mention(1))
    lease = await take_one(queue)
    await queue.put(mention(2))
    await lease.bury("why", "ref1")
    running = await take_one(queue)
    assert texts(running) == ["said at 2.000000"]
    (dead,) = await queue.dead()
    await queue.replay(dead.id)
    assert await take(queue) == [], "the replay waits for the running turn"
    await running.done()
    assert texts(await take_one(queue)) == ["said at 1.000000"]


@pytest.mark.parametrize("dead_id", ["0-1", "9999999999999-0"])
async def test_what_is_not_dead_cannot_be_replayed(queue: Queue, dead_id: str) -> None:
    assert not await queue.replay(dead_id)


async def test_the_depth_counts_what_waits_runs_and_is_dead(queue: Queue) -> None:
    assert await queue.depth() == Depth(0, 0, 0, 0, 0)
    for n in range(1, 5):
        await queue.put(mention(n, ThreadKey("T1", "C1", f"{n}.000000")))
    first, second = await take(queue, 2)
    await first.bury("why", "ref")
    await second.retry(60)
    await take(queue, 1)
    depth = await queue.depth()
    assert (depth.ready, depth.running, depth.delayed, depth.dead) == (1, 1, 1, 1)
    assert 0 <= depth.oldest < 30
