"""A question to Slack that is asked once: the answer is kept for seconds, and who asks while it is under way waits for the same one."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

from bot.errors import Retryable

T = TypeVar("T")


class Once(Generic[T]):
    """At most `most` answers, each kept for `seconds`; nobody waits longer than `patience` seconds for one."""

    def __init__(self, seconds: float, most: int, patience: float) -> None:
        self._seconds, self._most, self._patience = seconds, most, patience
        self._kept: OrderedDict[Hashable, tuple[float, T]] = OrderedDict()  # by when it was asked, Unix time
        self._asked: dict[Hashable, tuple[float, asyncio.Task[T]]] = {}

    async def get(self, key: Hashable, ask: Callable[[], Coroutine[Any, Any, T]], since: float = 0.0) -> T:
        """The answer, no older than the Unix time `since`: who asks about what was said then must not miss it. Raises what `ask` raises."""
        oldest = max(since, time.time() - self._seconds)
        kept = self._kept.get(key)
        if kept and kept[0] >= oldest:
            return kept[1]
        under_way = self._asked.get(key)
        if under_way is None or under_way[0] < oldest:
            now = time.time()
            under_way = self._asked[key] = (now, asyncio.create_task(ask()))
            under_way[1].add_done_callback(lambda task: self._done(key, now, task))
        try:
            async with asyncio.timeout(self._patience):
                return await asyncio.shield(under_way[1])
        except TimeoutError:
            raise Retryable("no answer in time", said="Slack did not answer.") from None

    def _done(self, key: Hashable, at: float, task: asyncio.Task[T]) -> None:
        if self._asked.get(key, (0.0, None))[1] is task:
            del self._asked[key]
        if task.cancelled() or task.exception():  # looked at here too: who asked may be gone
            return
        self._kept[key] = (at, task.result())
        self._kept.move_to_end(key)
        expired = time.time() - self._seconds
        while self._kept and (len(self._kept) > self._most or next(iter(self._kept.values()))[0] < expired):
            self._kept.popitem(last=False)
