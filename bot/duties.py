"""What is to be done about files, kept in Redis until it is done: by a web process that hears of it, for a worker that does it.

A duty is a word and what it is about, such as `deleted:F123`. It is done when it is due, and again if its worker dies: doing it twice does no harm.
"""

from __future__ import annotations

import time
from typing import Any

from bot import keys


class Duties:
    """The list of duties, by when they are due."""

    def __init__(self, redis: Any) -> None:
        self._redis = redis

    async def add(self, duty: str, after: float = 0) -> None:
        """Notes a duty that is due in `after` seconds; one that is there already gets the new time."""
        await self._redis.zadd(keys.DUTIES, {duty: time.time() + after})

    async def due(self, most: int = 20) -> list[str]:
        """Duties that are due, the oldest first."""
        found = await self._redis.zrangebyscore(keys.DUTIES, "-inf", time.time(), start=0, num=most)
        return [d.decode() if isinstance(d, bytes) else str(d) for d in found]

    async def drop(self, duty: str) -> None:
        """Forgets a duty: it is done, or is none any more."""
        await self._redis.zrem(keys.DUTIES, duty)
