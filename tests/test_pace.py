"""The budget of Slack's rate limits, shared by all processes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from bot import keys
from bot.pace import ALL_POSTS, METHODS, MOST_PROMISED, POSTS, Pace
from bot.redis_client import connect_redis

UPDATE = "chat.update"
STATUS = "assistant.threads.setStatus"  # ten a second: the quickest to watch
APPEND = "chat.appendStream"
BURST = int(METHODS[UPDATE][1])
PROMISED = MOST_PROMISED[UPDATE]


@pytest.fixture
async def paces(redis_url: str) -> AsyncIterator[tuple[Pace, Pace]]:
    """The budget as two processes see it."""
    async with connect_redis(redis_url) as one, connect_redis(redis_url) as two:
        yield Pace(one, "xoxb-1"), Pace(two, "xoxb-1")


async def spend(*paces: Pace, method: str = UPDATE, channel: str = "") -> int:
    """Takes all that can be spared, in turn; how much that was."""
    count = 0
    while await paces[count % len(paces)].spare(method, channel):
        count += 1
    return count


async def test_a_burst_is_allowed_to_all_processes_together_and_no_more(paces: tuple[Pace, Pace]) -> None:
    assert await spend(*paces) == BURST


async def test_workspaces_have_budgets_of_their_own(paces: tuple[Pace, Pace], redis_url: str) -> None:
    await spend(paces[0])
    async with connect_redis(redis_url) as redis:
        assert await spend(Pace(redis, "xoxb-2")) == BURST


async def test_posts_are_counted_for_each_channel(paces: tuple[Pace, Pace]) -> None:
    assert await spend(*paces, method="chat.postMessage", channel="C1") == POSTS[1]
    assert await spend(*paces, method="chat.postMessage", channel="C2") == POSTS[1]


async def test_posts_in_all_channels_together_have_a_limit_too(paces: tuple[Pace, Pace]) -> None:
    spent = [await spend(*paces, method="chat.postMessage", channel=f"C{n}") for n in range(30)]
    assert ALL_POSTS[1] <= sum(spent) <= ALL_POSTS[1] + 10 < 30 * POSTS[1]


async def test_tokens_come_back_at_the_methods_rate(paces: tuple[Pace, Pace]) -> None:
    started = time.monotonic()
    spent = await spend(*paces, method=STATUS)
    await asyncio.sleep(0.35)
    spent += await spend(*paces, method=STATUS)
    rate, size = METHODS[STATUS]
    assert size + 3 <= spent <= size + (time.monotonic() - started) * rate + 1


async def test_a_promise_in_one_process_keeps_a_token_from_being_spared_in_another(paces: tuple[Pace, Pace]) -> None:
    one, two = paces
    assert not await one.promise(UPDATE, "turn")
    assert await spend(two) == BURST - 1
    assert not await one.promise(UPDATE, "turn"), "it is renewed"
    assert await two.promise(UPDATE, "another") > 0, "nothing is left to promise"
    await one.release(UPDATE, "turn")
    assert await spend(two) == 1


async def test_no_more_is_promised_than_there_is(paces: tuple[Pace, Pace]) -> None:
    promised = [not await paces[n % 2].promise(UPDATE, f"turn {n}") for n in range(50)]
    assert sum(promised) == PROMISED
    assert await spend(*paces) == BURST - PROMISED, "what is promised is not spared"
    for n in range(100):
        await paces[0].release(UPDATE, f"turn {n}")
    assert await spend(*paces) == PROMISED, "promises given back too often make no tokens"


async def test_the_promise_of_a_killed_worker_lapses(paces: tuple[Pace, Pace], redis_url: str) -> None:
    async with connect_redis(redis_url) as redis:
        for n in range(BURST):
            await paces[0].promise(UPDATE, f"turn {n}")
        (promised,) = [k async for k in redis.scan_iter("*:promised")]
        for n in range(BURST):
            await redis.zadd(promised, {f"turn {n}": time.time() - 1})
        assert await spend(paces[1]) == BURST


async def test_those_who_wait_are_served_in_the_order_of_their_asking(paces: tuple[Pace, Pace]) -> None:
    await spend(*paces, method=STATUS)
    served: list[int] = []

    async def ask(n: int) -> None:
        await paces[n % 2].take(STATUS)
        served.append(n)

    tasks = []
    for n in range(5):
        tasks.append(asyncio.create_task(ask(n)))
        await asyncio.sleep(0.005)
    await asyncio.gather(*tasks)
    assert served == sorted(served)


async def test_a_refusal_stops_everybody_for_its_time_and_slows_them_after(
    paces: tuple[Pace, Pace], redis_url: str
) -> None:
    await paces[0].refused(STATUS, "", 0.3)
    assert not await paces[1].spare(STATUS)
    started = time.monotonic()
    await paces[1].take(STATUS)
    assert time.monotonic() - started >= 0.28
    async with connect_redis(redis_url) as redis:
        bucket, *_ = keys.pace(Pace(redis, "xoxb-1")._workspace, STATUS, "")
        assert 0.8 < float(await redis.hget(bucket, "share") or 0) < 0.9


async def test_without_limits_nothing_waits() -> None:
    pace = Pace(None, "xoxb-1")
    assert all([await pace.spare(UPDATE) for _ in range(1000)])
    await pace.take(UPDATE)
    assert not await pace.promise(UPDATE, "turn")


async def test_a_redis_that_is_away_holds_back_what_may_wait_and_nothing_else(free_port: int) -> None:
    async with connect_redis(f"redis://127.0.0.1:{free_port}") as redis:
        pace = Pace(redis, "xoxb-1")
        assert not await pace.spare(UPDATE)
        async with asyncio.timeout(10):
            await pace.take(UPDATE)


async def grow(pace: Pace, who: str, until: float, method: str = APPEND) -> int:
    """An answer that always has news; how often it was its turn."""
    steps, last = 0, time.monotonic() - 10
    while (now := time.monotonic()) < until:
        if wait := await pace.edit(method, who, now - last):
            await asyncio.sleep(min(wait, until - now))
        else:
            steps, last = steps + 1, time.monotonic()
    return steps


async def test_answers_in_all_processes_share_the_steps_evenly_and_use_all_there_are(paces: tuple[Pace, Pace]) -> None:
    started = time.monotonic()
    steps = await asyncio.gather(*(grow(paces[n % 2], f"turn {n}", started + 3) for n in range(20)))
    rate, size = METHODS[APPEND]
    assert max(steps) - min(steps) <= 1
    assert sum(steps) <= size + (time.monotonic() - started) * rate
    assert sum(steps) >= 0.5 * (size + 3 * rate), "what was saved up is spent within some seconds"


async def test_one_answer_has_a_step_each_second_at_most(paces: tuple[Pace, Pace]) -> None:
    assert await grow(paces[0], "turn", time.monotonic() + 1.5) == 2


async def test_the_cadence_stretches_as_more_answers_grow(paces: tuple[Pace, Pace]) -> None:
    cadences = []
    for n in range(PROMISED):
        cadences.append(await paces[0].cadence(UPDATE, f"turn {n}"))
        await paces[1].promise(UPDATE, f"turn {n}")
    assert cadences[0] == 1.0
    assert cadences == sorted(cadences)
    assert cadences[-1] > 5


async def test_first_words_come_before_further_steps(paces: tuple[Pace, Pace]) -> None:
    one, two = paces
    await spend(*paces)
    started = time.monotonic()
    assert await one.promise(UPDATE, "new") > 0
    steps = asyncio.create_task(grow(two, "turn", started + 2.0, UPDATE))
    await asyncio.sleep(1.5)
    assert await one.promise(UPDATE, "new") == 0, "the next token was kept for it"
    assert await steps == 0


async def test_who_leaves_the_line_or_dies_in_it_holds_nobody_up(paces: tuple[Pace, Pace]) -> None:
    await spend(*paces, method=STATUS)
    for n in range(5):
        assert await paces[0].promise(STATUS, f"turn {n}") > 0
    assert await paces[1].edit(STATUS, "growing", 5) > 0
    for n in range(4):
        await paces[0].release(STATUS, f"turn {n}")
    await asyncio.sleep(0.25)  # two tokens: one for who still waits, one for who grows
    assert await paces[1].edit(STATUS, "growing", 5.25) == 0
    assert await paces[0].promise(STATUS, "turn 4") == 0


async def test_who_died_waiting_makes_the_line_no_longer(paces: tuple[Pace, Pace]) -> None:
    await spend(*paces, method=STATUS)
    for _ in range(20):  # a turn whose workers are killed while it waits for a token
        with suppress(TimeoutError):
            async with asyncio.timeout(0.01):
                await paces[0].take(STATUS, who="turn 1")
    started = time.monotonic()
    await paces[1].take(STATUS, who="turn 2")
    assert time.monotonic() - started < 1, "twenty places would be two seconds"


async def test_who_waits_goes_as_soon_as_nothing_is_owed(paces: tuple[Pace, Pace], redis_url: str) -> None:
    await spend(*paces, method=STATUS)
    async with connect_redis(redis_url) as redis:
        bucket, *_ = keys.pace(Pace(redis, "xoxb-1")._workspace, STATUS, "")
        await redis.hset(bucket, "tokens", "-95")
        waiting = asyncio.create_task(paces[0].take(STATUS, who="turn 1"))  # for ten seconds, as it seems
        await asyncio.sleep(0.2)
        await redis.hset(bucket, "tokens", "0")  # those before it were not so many
        await asyncio.wait_for(waiting, 4)


async def test_a_refusal_holds_back_those_who_wait_already(paces: tuple[Pace, Pace]) -> None:
    await spend(*paces, method=STATUS)
    waiting = [asyncio.create_task(paces[0].take(STATUS, who=f"turn {n}")) for n in range(3)]
    await asyncio.sleep(0.05)
    await paces[1].refused(STATUS, "", 1.0)
    started = time.monotonic()
    await asyncio.gather(*waiting)
    assert time.monotonic() - started >= 0.9
