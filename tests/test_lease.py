"""Turns: one a thread at a time, in order, kept by heartbeats, taken over, tried again."""

from __future__ import annotations

import asyncio
import time

import pytest

from bot import keys
from bot.depth import Depth
from bot.errors import LeaseLost
from bot.lease import LEASE_SECONDS
from bot.queue import Queue
from tests.queue_world import (
    DM,
    OTHER,
    ROOT,
    mention,
    message,
    reclaim,
    silence,
    take,
    take_one,
    texts,
)


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
    await queue.put(mention(2))
    await lease.retry(0)
    await queue.tick(0)
    again = (await take_one(second)).turn
    assert (again.attempt, again.leases, again.resumed) == (1, 2, True)
    assert (again.response, again.parts, again.written) == ("resp_1", ("1.1", "1.2"), "so far")
    assert (again.conversation, again.conversation_turns) == ("conv_1", 7)
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
    while not (await queue.tick(0)).promoted:
        assert await take(queue) == []
        await asyncio.sleep(0.02)
    assert time.time() >= due - 0.002
    assert texts(await take_one(queue)) == ["said at 1.000000"]


async def test_messages_that_come_during_a_delay_do_not_cut_it_short(queue: Queue) -> None:
    await queue.put(mention(1))
    await (await take_one(queue)).retry(60)
    await queue.put(mention(2))
    assert (await queue.tick(0)).promoted == 0
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
    assert await reclaim(second, 10) == []
    await silence(queue, LEASE_SECONDS - 0.5)
    assert await reclaim(second, 10) == [], "not before the lease has run out"
    await silence(queue)
    (successor,) = await reclaim(second, 10)
    assert (successor.turn.messages, successor.turn.resumed) == (lease.turn.messages, True)
    assert await reclaim(second, 10) == [], "the new lease is young"


async def test_a_heartbeat_keeps_the_lease(queue: Queue, second: Queue) -> None:
    await queue.put(mention(1))
    lease = await take_one(queue)
    await silence(queue)
    await lease.beat()
    assert await reclaim(second, 10) == []


@pytest.mark.parametrize("stale", ["save", "save_thread", "done", "retry", "bury", "hand_on", "beat"])
@pytest.mark.parametrize("same_worker", [False, True])
async def test_a_stale_lease_changes_nothing(queue: Queue, second: Queue, stale: str, same_worker: bool) -> None:
    await queue.put(mention(1))
    old = await take_one(queue)
    await silence(queue)
    (new,) = await reclaim(queue if same_worker else second)
    steps = {
        "save": lambda: old.save(response="stale"),
        "save_thread": lambda: old.save_thread(conversation="stale"),
        "done": old.done,
        "retry": lambda: old.retry(0),
        "bury": lambda: old.bury("stale", "x"),
        "hand_on": old.hand_on,
        "beat": old.beat,
    }
    with pytest.raises(LeaseLost):
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
    (lease,) = await reclaim(queue, 10)
    assert (texts(lease), lease.turn.resumed) == (["said at 1.000000"], False)


async def test_a_thread_is_given_time_to_settle_while_somebody_writes(queue: Queue) -> None:
    await queue.put(mention(1))
    (ready,) = await queue.take(1, 1)
    leasing = asyncio.create_task(queue.lease(ready, settle=0.1))
    await asyncio.sleep(0.03)
    await queue.put(message(2, text="a mention"))
    lease = await leasing
    assert lease
    assert [m.ts for m in lease.turn.messages] == ["1.000000", "2.000000"]


async def test_somebody_who_never_stops_writing_is_answered_all_the_same(queue: Queue) -> None:
    await queue.put(mention(1))
    (ready,) = await queue.take(1, 1)
    leasing = asyncio.create_task(queue.lease(ready))
    for n in range(2, 40):
        await queue.put(message(n, text="a mention"))
        await asyncio.sleep(0.02)
    assert leasing.done()


@pytest.mark.parametrize("how", ["done", "bury", "retry", "hand_on"])
async def test_an_end_that_is_sent_again_because_its_answer_was_lost_is_no_loss(queue: Queue, how: str) -> None:
    await queue.put(mention(1))
    await queue.put(mention(1.5, OTHER))
    lease, other = await take(queue)
    ends = {
        "done": lease.done,
        "bury": lambda: lease.bury("why", "ref"),
        "retry": lambda: lease.retry(60),
        "hand_on": lease.hand_on,
    }
    await ends[how]()
    once = await queue.depth()
    await queue.put(mention(2))
    successors = await take(queue)
    await ends[how]()
    assert len(await queue.dead()) == once.dead
    for successor in successors:
        await successor.beat()
    await other.beat()
