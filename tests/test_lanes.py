"""Fairness: channels and workspaces take turns, and one that is noisy starves nobody."""

from __future__ import annotations

import asyncio
from collections import Counter

from bot.models import ThreadKey
from bot.queue import LANE_TURNS, WINDOW, Queue
from tests.queue_world import DM, mention, reclaim, silence, take, take_one


def threads(count: int, channel: str = "C1", team: str = "T1") -> list[ThreadKey]:
    """So many threads of a channel."""
    return [ThreadKey(team, channel, f"{n}.000000") for n in range(1, count + 1)]


async def ask(queue: Queue, keys: list[ThreadKey]) -> None:
    """A mention in each thread, one after the other."""
    for key in keys:
        await queue.put(mention(float(key.root), key))


async def answered(queue: Queue, most: int) -> list[ThreadKey]:
    """The threads in the order in which one worker with one place answers them."""
    order: list[ThreadKey] = []
    while len(order) < most and (await queue.depth()).ready:
        for lease in await take(queue, 1):
            order.append(lease.key)
            await lease.done()
    return order


async def test_a_newcomer_is_served_before_a_noisy_channels_line(queue: Queue) -> None:
    await ask(queue, threads(200))
    await queue.put(mention(1, DM))
    await ask(queue, threads(1, "C2", "T2"))
    order = await answered(queue, 300)
    assert len(order) == len(set(order)) == 202
    assert order.index(DM) <= WINDOW + 2
    assert order.index(ThreadKey("T2", "C2", "1.000000")) <= WINDOW + 2
    noisy = [key for key in order if key.channel == "C1"]
    assert noisy == threads(200), "and in the channel's own order"


async def test_workspaces_take_turns_however_many_channels_they_have(queue: Queue) -> None:
    for n in range(20):  # the first three stand in the ready stream before others come
        await ask(queue, threads(5, f"C{n}", "T1"))
    await ask(queue, threads(30, "C1", "T2"))
    order = (await answered(queue, 200))[WINDOW:]
    teams = Counter(key.team for key in order[:40])
    assert teams["T2"] in (19, 20, 21)
    assert len({key.channel for key in order[:40] if key.team == "T1"}) == 17, "all that wait"


async def test_a_channel_runs_no_more_turns_at_once_than_slack_takes_posts(queue: Queue, second: Queue) -> None:
    await ask(queue, threads(LANE_TURNS + 10))
    leases = []
    while more := [*await take(queue, 100), *await take(second, 100)]:
        leases += more
    assert len(leases) == LANE_TURNS
    await queue.put(mention(1, DM))
    assert (await take_one(second)).key == DM, "others have their places"
    await leases[0].done()
    assert len(await take(queue, 100)) == 1
    await leases[1].retry(60)
    assert len(await take(queue, 100)) == 1
    await leases[2].hand_on()
    assert [lease.key for lease in await take(second, 100)] == [leases[2].key], "what is handed on keeps its place"


async def test_a_killed_workers_places_come_back(queue: Queue, second: Queue) -> None:
    await ask(queue, threads(LANE_TURNS * 2))
    while await take(queue, 100):
        pass
    await silence(queue)
    taken_over = await reclaim(second, 100)
    assert len(taken_over) == LANE_TURNS
    assert await take(second, 100) == []
    for lease in taken_over:
        await lease.done()
    rest = []
    while more := await take(second, 100):
        rest += more
    assert len(rest) == LANE_TURNS
    depth = await queue.depth()
    assert (depth.ready, depth.running, depth.lanes) == (0, LANE_TURNS, 0)


async def test_a_retry_that_is_due_goes_before_its_channels_line(queue: Queue) -> None:
    await ask(queue, threads(WINDOW + 20))
    lease = (await take(queue, 1))[0]
    await lease.retry(0)
    assert (await queue.tick(0)).promoted == 1
    assert lease.key in await answered(queue, WINDOW + 2)


async def test_the_depth_counts_those_in_line(queue: Queue) -> None:
    await ask(queue, threads(50))
    await ask(queue, threads(50, "C2"))
    depth = await queue.depth()
    assert (depth.ready, depth.running, depth.lanes) == (100, 0, 2)
    assert 0 < depth.oldest < 30
    await answered(queue, 1000)
    depth = await queue.depth()
    assert (depth.ready, depth.lanes, depth.oldest) == (0, 0, 0)


async def test_nothing_is_left_of_the_lanes_when_all_is_done(queue: Queue) -> None:
    await ask(queue, threads(40))
    await queue.cancel(threads(40)[30], "31.000000")
    await answered(queue, 100)
    assert [k async for k in queue.redis.scan_iter("*lanes*")] == []


async def test_those_who_wait_long_are_told_their_place_once(queue: Queue) -> None:
    await ask(queue, threads(WINDOW + 3))
    await queue.put(mention(9000, DM, user="U7"))
    await queue.put(mention(9001, DM, user="U8"))
    assert await queue.line(60) == []
    await asyncio.sleep(0.05)
    assert (await queue.tick(0)).waited >= 0.05
    told = await queue.line(0.04, count=100)
    assert [(p.thread, p.place) for p in told] == [
        *((key, n) for n, key in enumerate(threads(WINDOW + 3), start=1)),
        (DM, 1),
    ]
    assert told[-1].messages == (("9000.000000", "U7"), ("9001.000000", "U8"))
    assert all(0.04 <= p.waited < 30 for p in told)
    assert await queue.line(0) == [], "each is told only once"
    assert (await queue.tick(0)).waited == 0


async def test_who_has_a_worker_is_not_told_that_they_wait(queue: Queue) -> None:
    await ask(queue, threads(2))
    first, second = await take(queue)
    await first.retry(0)
    await queue.tick(0)
    await second.hand_on()
    assert await queue.line(0) == []


async def test_messages_that_come_before_any_worker_are_kept(second: Queue) -> None:
    await ask(second, threads(WINDOW + 1))
    await second.open()
    assert len(await answered(second, 100)) == WINDOW + 1


async def test_a_redis_that_lost_everything_is_used_again(queue: Queue) -> None:
    await ask(queue, threads(2))
    await queue.redis.flushdb()
    await queue.tick(1)
    assert await take(queue) == []
    await queue.redis.flushdb()
    await ask(queue, threads(2))
    assert len(await take(queue)) == 2
