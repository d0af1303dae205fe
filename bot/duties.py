"""What is to be done about files, kept in Redis until it is done: by a web process that hears of it, for a worker that does it.

A duty is a word and what it is about, such as `deleted:F123`. It is done when it is due, and again if its worker dies: doing it twice does no harm.
The words are `deleted:<Slack file>`, `left:<channel>`, `take:<Slack file>|<visibility>|<admin>`, `remove:<knowledge>` and `reconcile`.
"""

from __future__ import annotations

import random
import time
from typing import Any

from bot import keys

RECONCILE = "reconcile"  # compare all that is there
CLAIM_SECONDS = 60.0  # a duty that was begun is due again after that: its worker may have died


class Duties:
    """The list of duties, by when they are due."""

    def __init__(self, redis: Any) -> None:
        self._redis = redis

    async def add(self, duty: str, after: float = 0) -> None:
        """Notes a duty that is due in `after` seconds; one that is there already gets the new time."""
        await self._redis.zadd(keys.DUTIES, {duty: time.time() + after})

    async def add_new(self, duty: str, after: float = 0) -> bool:
        """Notes a duty unless it is there already, and keeps its time then."""
        return bool(await self._redis.zadd(keys.DUTIES, {duty: time.time() + after}, nx=True))

    async def due(self, most: int = 20) -> list[str]:
        """Duties that are due, the oldest first."""
        return list(await self._redis.zrangebyscore(keys.DUTIES, "-inf", time.time(), start=0, num=most))

    async def begin(self, duty: str) -> float:
        """Says that a duty is being done; what is given back is for `done`."""
        mark = round(time.time() + CLAIM_SECONDS + random.random(), 6)  # noqa: S311  # tells two apart, guards nothing
        await self._redis.zadd(keys.DUTIES, {duty: mark}, xx=True)
        return mark

    async def done(self, mark: float) -> None:
        """Forgets the duty that was begun so, unless it was noted anew meanwhile."""
        await self._redis.zremrangebyscore(keys.DUTIES, mark, mark)

    async def drop(self, duty: str) -> None:
        """Forgets a duty: it is none any more."""
        await self._redis.zrem(keys.DUTIES, duty)
