"""OpenAI's limits, kept ahead by all processes together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from bot.allowance import Allowance, duration, reckon
from bot.compose import open_llm
from bot.errors import RateLimited
from bot.llm import Llm
from bot.redis_client import connect_redis
from bot.responses import Result
from bot.settings import Settings
from playground.openai import OpenAIServer, count_tokens

MODEL = "gpt-6.2-sol"
KEY = "sk-1"


@pytest.fixture
async def both(redis_url: str) -> AsyncIterator[tuple[Allowance, Allowance]]:
    """The allowance as two processes see it."""
    async with connect_redis(redis_url) as one, connect_redis(redis_url) as two:
        yield Allowance(one, KEY), Allowance(two, KEY)


def headers(requests: int, tokens: int = 100_000, *, most: int = 600, reset: str = "") -> dict[str, str]:
    """What an answer says of the limits: `most` requests and 600,000 tokens a minute."""
    return {
        "x-ratelimit-limit-requests": str(most),
        "x-ratelimit-remaining-requests": str(requests),
        "x-ratelimit-reset-requests": reset,
        "x-ratelimit-limit-tokens": "600000",
        "x-ratelimit-remaining-tokens": str(tokens),
    }


async def tell(allowance: Allowance, said: dict[str, str]) -> None:
    """One request has been made and answered."""
    await allowance.wait(MODEL, "first", 10)
    await allowance.told(MODEL, "first", said)


async def test_before_any_answer_nothing_waits(both: tuple[Allowance, Allowance]) -> None:
    assert [await both[n % 2].wait(MODEL, f"turn {n}", 10**6) for n in range(50)] == [0.0] * 50


async def test_what_one_process_is_told_holds_for_all(both: tuple[Allowance, Allowance]) -> None:
    one, two = both
    await tell(one, headers(5))
    waits = [await two.wait(MODEL, f"turn {n}", 10) for n in range(8)]
    assert waits[:5] == [0.0] * 5
    assert all(0 < w <= 0.11 for w in waits[5:]), "ten requests come back each second"


async def test_tokens_are_kept_like_requests(both: tuple[Allowance, Allowance]) -> None:
    one, two = both
    await tell(one, headers(500, tokens=1_000))
    assert await two.wait(MODEL, "small", 900) == 0
    assert 0.15 < await one.wait(MODEL, "large", 2_000) <= 0.2


async def test_a_request_larger_than_the_limit_waits_for_all_of_it_and_no_longer(
    both: tuple[Allowance, Allowance],
) -> None:
    await tell(both[0], headers(500, tokens=599_000))
    assert await both[1].wait(MODEL, "huge", 10**9) <= 0.1


async def test_models_and_keys_have_limits_of_their_own(both: tuple[Allowance, Allowance], redis_url: str) -> None:
    await tell(both[0], headers(0))
    assert await both[0].wait("gpt-6-luna", "turn", 10) == 0
    async with connect_redis(redis_url) as redis:
        assert await Allowance(redis, "sk-2").wait(MODEL, "turn", 10) == 0


async def test_requests_on_their_way_are_taken_off_what_an_answer_says(both: tuple[Allowance, Allowance]) -> None:
    one, two = both
    for name in ("a", "b", "c"):
        await one.wait(MODEL, name, 10)
    await one.told(MODEL, "a", headers(2))
    assert 0.05 < await two.wait(MODEL, "d", 10) <= 0.1, "b and c have what is left"


async def test_an_answer_that_was_overtaken_gives_nothing_back(both: tuple[Allowance, Allowance]) -> None:
    one, two = both
    for name in ("early", "late"):
        await one.wait(MODEL, name, 10)
        await asyncio.sleep(0.01)
    await one.told(MODEL, "late", headers(1))
    await two.told(MODEL, "early", headers(400))
    assert await two.wait(MODEL, "d", 10) + await two.wait(MODEL, "e", 10) > 0


async def test_a_long_wait_is_for_the_queue_and_the_place_is_kept(both: tuple[Allowance, Allowance]) -> None:
    one, two = both
    await tell(one, headers(0, most=4))  # one comes back in a quarter of a minute
    with pytest.raises(RateLimited) as first:
        await one.wait(MODEL, "first in line", 10)
    with pytest.raises(RateLimited) as second:
        await two.wait(MODEL, "second", 10)
    with pytest.raises(RateLimited) as again:
        await two.wait(MODEL, "first in line", 10)
    named = [e.value.after or 0 for e in (first, second, again)]
    assert 14 < named[0] <= 15
    assert 29 < named[1] <= 30
    assert named[0] - 1 < named[2] < named[0]


async def test_a_limit_a_day_comes_back_as_slowly_as_openai_says(both: tuple[Allowance, Allowance]) -> None:
    await tell(both[0], headers(0, most=200, reset="24h0m0s"))
    with pytest.raises(RateLimited) as refused:
        await both[1].wait(MODEL, "turn", 10)
    assert 430 < (refused.value.after or 0) <= 432


async def test_a_refusal_closes_the_model_for_everybody_for_its_time(both: tuple[Allowance, Allowance]) -> None:
    one, two = both
    await one.wait(MODEL, "first", 10)
    await one.told(MODEL, "first", headers(300), refused=0.3)
    started = time.monotonic()
    await two.wait(MODEL, "turn", 10)
    assert time.monotonic() - started > 0.28
    assert await two.wait(MODEL, "next", 10) == 0


async def test_the_place_of_a_killed_worker_lapses(both: tuple[Allowance, Allowance], redis_url: str) -> None:
    await both[0].wait(MODEL, "killed", 10)
    async with connect_redis(redis_url) as redis:
        (places,) = [k async for k in redis.scan_iter("*:places")]
        await redis.zadd(places, {"killed": time.time() - 121})
        await tell(both[1], headers(1))
        assert await both[1].wait(MODEL, "turn", 10) == 0
        assert await redis.zrange(places, 0, -1) == ["turn"]


async def test_a_redis_that_is_away_holds_nothing_back(free_port: int) -> None:
    async with connect_redis(f"redis://127.0.0.1:{free_port}") as redis:
        assert await Allowance(redis, KEY).wait(MODEL, "turn", 10) == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1s", 1), ("6m0s", 360), ("8.64s", 8.64), ("12ms", 0.012), ("1h2m3s", 3723), ("", ""), (None, ""), ("soon", "")],
)
def test_durations_as_openai_writes_them(text: str | None, expected: float | str) -> None:
    assert duration(text) == pytest.approx(expected) if expected else duration(text) == ""


@pytest.mark.parametrize("text", ["Hello there, how are you? " * 50, "今日は良い天気ですね。" * 50])
def test_a_reckoning_is_not_below_what_openai_counts(text: str) -> None:
    item = {"type": "message", "role": "user", "content": text}
    assert count_tokens(text) < reckon(item) < 1.5 * len(text)


# -- against a server that has limits ----------------------------------------------------------------------------------


async def answers(llm: Llm, names: Sequence[str], person: str) -> int:
    """Asks for so many answers at once; how many came."""

    async def one(name: str) -> bool:
        conversation = await llm.create_conversation([], {})
        items = [{"type": "message", "role": "user", "content": "Hello."}]
        await llm.allowance.wait(MODEL, name, 1_000 + reckon(*items))
        told = llm.stream(conversation, items, model=MODEL, who=name, instructions="", tools=[], person=person)
        return any([isinstance(event, Result) async for event in told])

    return sum(await asyncio.gather(*map(one, names)))


async def test_many_answers_of_several_workers_meet_no_refusal(
    settings: Settings, ai: OpenAIServer, redis_url: str
) -> None:
    ai.limits, ai.rate_limit_requests = True, 900  # fifteen a second
    settings = replace(settings, openai_stall_seconds=20.0)
    async with AsyncExitStack() as stack:
        llms = []
        for _ in range(3):
            redis = await stack.enter_async_context(connect_redis(redis_url))
            llms.append(await stack.enter_async_context(open_llm(settings, redis)))
        assert await answers(llms[0], ["first"], "p") == 1
        ai.rate_limits.of(MODEL)[0].left = 6  # the minute is nearly spent, by others
        assert await answers(llms[1], ["second"], "p") == 1
        started = time.monotonic()
        names = [[f"{worker}-{n}" for n in range(13)] for worker in range(3)]
        got = await asyncio.gather(*(answers(llm, mine, "p") for llm, mine in zip(llms, names, strict=True)))
    assert sum(got) == 39
    assert [r.status for r in ai.requests if r.path == "/v1/responses"] == [200] * 41
    assert time.monotonic() - started < 6, "and none waited for nothing"
