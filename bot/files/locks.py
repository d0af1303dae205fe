"""A lock in Redis that lives as long as its owner: when that is killed, it lapses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from redis.exceptions import LockError, RedisError

from bot.errors import Retryable

LOCK_SECONDS = 12.0  # how long a killed owner is waited for
RENEWED_SECONDS = 3.0


@asynccontextmanager
async def holding(redis: Any, name: str, wait: float) -> AsyncIterator[bool]:
    """The lock `name` for the block; False where somebody else has had it for all of `wait` seconds.

    Raises Retryable where Redis is away; the block is cancelled before the lock could pass to another owner.
    """
    lock = redis.lock(
        name, timeout=LOCK_SECONDS, sleep=0.1, thread_local=False, blocking_timeout=wait, raise_on_release_error=False
    )
    try:
        mine = await lock.acquire()
    except RedisError as error:
        raise Retryable(f"no lock: {type(error).__name__}") from error
    if not mine:
        yield False
        return
    try:
        async with asyncio.timeout(LOCK_SECONDS - RENEWED_SECONDS) as deadline:
            renewing = asyncio.create_task(_renew(lock, deadline))
            try:
                yield True
            finally:
                renewing.cancel()
                await asyncio.wait([renewing])
                with suppress(RedisError):
                    await lock.release()
    except TimeoutError as error:
        if deadline.expired():
            raise Retryable("lock lost") from error
        raise


async def _renew(lock: Any, deadline: asyncio.Timeout) -> None:
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(RENEWED_SECONDS)
        since = loop.time()
        try:
            await lock.extend(LOCK_SECONDS, replace_ttl=True)
        except LockError:  # it has lapsed
            deadline.reschedule(since)
            return
        except RedisError:
            continue  # Redis may be back in time
        deadline.reschedule(since + LOCK_SECONDS - RENEWED_SECONDS)
