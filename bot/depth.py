"""How full the queue is, and who stands where in it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot import keys
from bot.models import ThreadKey


@dataclass(frozen=True, slots=True)
class Depth:
    """How full the queue is, in threads. `oldest` is the age in seconds of the oldest one that no worker has taken."""

    ready: int  # no worker has them: in their channels' lanes, or next
    running: int
    delayed: int
    dead: int  # turns, not threads
    oldest: float
    lanes: int = 0  # channels in which somebody waits in line


@dataclass(frozen=True, slots=True)
class Place:
    """A thread that has waited long without being taken."""

    thread: ThreadKey
    messages: tuple[tuple[str, str], ...]  # ts and author of the first ones that wait
    place: int  # in its channel's line, from 1
    waited: float  # seconds

    @classmethod
    def parse(cls, row: Sequence[Any]) -> Place:
        """From a row of line.lua."""
        thread, place, waited_ms, *messages = row
        pairs = tuple(zip(messages[::2], messages[1::2], strict=True))
        return cls(ThreadKey.parse(thread), pairs, int(place), int(waited_ms) / 1000)


async def measure(redis: Any) -> Depth:
    """What waits, runs, is delayed and dead. Each of its commands costs the same however much waits. Raises RedisError."""
    async with redis.pipeline(transaction=False) as pipe:
        pipe.zcard(keys.SINCE)
        pipe.xpending(keys.READY, keys.GROUP)
        pipe.zcard(keys.DELAYED)
        pipe.xlen(keys.DEAD)
        pipe.zrange(keys.SINCE, 0, 0, withscores=True)
        pipe.scard(keys.LANES_WAITING)
        ready, pending, delayed, dead, first, lanes = await pipe.execute()
    age = max(0.0, time.time() - first[0][1] / 1000) if first else 0.0
    return Depth(ready, pending["pending"], delayed, dead, age, lanes)
