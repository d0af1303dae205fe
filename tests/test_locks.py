"""The lock of a file: one owner at a time, also when Redis or the owner fails."""

from __future__ import annotations

import asyncio
import time

import pytest

from bot.errors import Retryable
from bot.files.locks import holding
from tests.library_world import World, world

__all__ = ["world"]


async def test_one_has_it_at_a_time(world: World) -> None:
    inside, most = 0, 0

    async def enter() -> None:
        nonlocal inside, most
        async with holding(world.redis, "lock:a", 5) as mine:
            assert mine
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.01)
            inside -= 1

    await asyncio.gather(*(enter() for _ in range(5)))
    assert most == 1


async def test_who_waits_in_vain_is_told(world: World) -> None:
    async with holding(world.redis, "lock:a", 1) as mine, holding(world.redis, "lock:a", 0.1) as other:
        assert (mine, other) == (True, False)


async def test_it_is_free_again_after_an_error(world: World) -> None:
    with pytest.raises(ZeroDivisionError):
        async with holding(world.redis, "lock:a", 1):
            raise ZeroDivisionError
    async with holding(world.redis, "lock:a", 0.1) as mine:
        assert mine


async def test_an_owner_whose_lock_has_lapsed_is_stopped(world: World) -> None:
    """As after a long pause of the process: somebody else may have it by now."""
    started = time.monotonic()

    async def enter() -> None:
        async with holding(world.redis, "lock:a", 1):
            await world.redis.set("lock:a", "another owner")
            await asyncio.sleep(10)

    with pytest.raises(Retryable, match="lock lost"):
        await enter()
    assert time.monotonic() - started < 5
    assert await world.redis.get("lock:a") == "another owner", "it is not ours to release"


async def test_without_redis_nothing_is_begun(world: World) -> None:
    await world.redis.aclose()
    world.redis.connection_pool.connection_kwargs["port"] = 1
    with pytest.raises(Retryable):
        async with holding(world.redis, "lock:a", 1):
            raise AssertionError
