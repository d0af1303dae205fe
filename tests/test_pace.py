"""The budget of Slack's rate limits."""

from __future__ import annotations

import asyncio
import time

from bot.pace import CHANNELS_KEPT, METHODS, POSTS, Pace

UPDATE = "chat.update"
STATUS = "assistant.threads.setStatus"  # ten a second: the quickest to watch
BURST = int(METHODS[UPDATE][1])


def spend(pace: Pace, method: str, channel: str = "") -> int:
    """Takes all that can be spared; how much that was."""
    count = 0
    while pace.spare(method, channel):
        count += 1
    return count


def test_a_burst_is_allowed_and_no_more() -> None:
    assert spend(Pace(), UPDATE) == BURST


def test_posts_are_counted_for_each_channel() -> None:
    pace = Pace()
    assert spend(pace, "chat.postMessage", "C1") == POSTS[1]
    assert spend(pace, "chat.postMessage", "C2") == POSTS[1]


async def test_tokens_come_back_at_the_methods_rate() -> None:
    pace = Pace()
    started = time.monotonic()
    spent = spend(pace, STATUS)
    await asyncio.sleep(0.35)
    spent += spend(pace, STATUS)
    rate, size = METHODS[STATUS]
    assert size + 3 <= spent <= size + (time.monotonic() - started) * rate


def test_a_promise_keeps_a_token_from_being_spared() -> None:
    pace = Pace()
    assert pace.promise(UPDATE)
    assert spend(pace, UPDATE) == BURST - 1
    assert not pace.promise(UPDATE), "nothing is left to promise"
    pace.release(UPDATE)
    assert spend(pace, UPDATE) == 1


def test_no_more_is_promised_than_there_is() -> None:
    pace = Pace()
    assert sum(pace.promise(UPDATE) for _ in range(100)) == BURST
    assert not pace.spare(UPDATE)
    for _ in range(200):
        pace.release(UPDATE)
    assert spend(pace, UPDATE) == BURST, "promises given back too often make no tokens"


async def test_a_promised_token_is_taken_without_waiting() -> None:
    pace = Pace()
    pace.promise(UPDATE)
    spend(pace, UPDATE)
    async with asyncio.timeout(0.2):
        await pace.take(UPDATE)


async def test_those_who_wait_are_served_in_the_order_of_their_asking() -> None:
    pace = Pace()
    spend(pace, STATUS)
    served: list[int] = []

    async def wait(number: int) -> None:
        await pace.take(STATUS)
        served.append(number)

    started = time.monotonic()
    await asyncio.gather(*(wait(n) for n in range(4)))
    assert served == [0, 1, 2, 3]
    assert time.monotonic() - started >= 0.35, "four tokens at ten a second"


async def test_who_waits_leaves_nothing_to_spare() -> None:
    pace = Pace()
    spend(pace, STATUS)
    waiting = asyncio.create_task(pace.take(STATUS))
    await asyncio.sleep(0.05)
    assert not pace.spare(STATUS)
    assert not pace.promise(STATUS)
    await waiting


async def test_after_a_429_nothing_goes_out_until_its_time() -> None:
    pace = Pace()
    pace.refused(STATUS, "", 0.3)
    started = time.monotonic()
    assert not pace.spare(STATUS)
    assert not pace.promise(STATUS)
    assert pace.spare(UPDATE), "another method goes on"
    await pace.take(STATUS)
    assert time.monotonic() - started >= 0.3


def test_a_second_429_does_not_shorten_the_first() -> None:
    pace = Pace()
    pace.refused("chat.postMessage", "C1", 60)
    pace.refused("chat.postMessage", "C1", 0)
    assert not pace.spare("chat.postMessage", "C1")
    assert pace.spare("chat.postMessage", "C2")


def test_without_limits_everything_goes_at_once() -> None:
    pace = Pace(enabled=False)
    assert all(pace.spare("chat.postMessage", "C1") and pace.promise(UPDATE) for _ in range(10_000))


def test_channels_long_unused_are_forgotten_but_not_the_one_in_use() -> None:
    pace = Pace()
    spend(pace, "chat.postMessage", "busy")
    for n in range(CHANNELS_KEPT + 10):
        pace.spare("chat.postMessage", f"C{n}")
        if n % 1000 == 0:
            assert not pace.spare("chat.postMessage", "busy")
    assert pace.spare("chat.postMessage", "C0")
    assert len(pace._buckets) <= CHANNELS_KEPT
