"""What is done to the processes while people write: killed, frozen, cut off; each at a time and in a way that the seed decides."""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from random import Random
from typing import Any

from chaos.processes import Place, Valkey
from playground.slack import SlackServer

FROZEN = (8.0, 12.0)  # seconds; a lease lasts 7
LATE = (2.0, 5.0)
NEVER = 15.0  # what never comes back is replaced by then, as an operator would
LAST_SPARED = 0.8  # of the times that only one works: a start takes seconds, and work has to go on
WEB_EVERY, SOCKETS_EVERY, AGAIN_EVERY = 20.0, 12.0, 3.0
RESTARTS = (1 / 3, 2 / 3)  # of what people have to say is said


class Storm:
    """Blows from `blow` until `calm`. `said` tells the share of the messages that have been said; `every` is seconds between kills of workers."""

    def __init__(
        self,
        workers: Sequence[Place],
        webs: Sequence[Place],
        valkey: Valkey,
        slack: SlackServer,
        random: Random,
        *,
        every: float,
        said: Callable[[], float],
    ) -> None:
        self.done: Counter[str] = Counter()
        self.story: list[tuple[float, str]] = []  # seconds since the beginning, what was done
        self._workers, self._webs, self._valkey, self._slack = workers, webs, valkey, slack
        self._random, self._every, self._said = random, every, said
        self._over = asyncio.Event()
        self._began = time.monotonic()
        self._tasks: set[asyncio.Task[None]] = set()

    def blow(self) -> None:
        """Begins."""
        self._began = time.monotonic()
        loops = (self._kill_workers, self._kill_webs, self._cut_sockets, self._deliver_again, self._restart_valkey)
        for loop in loops:
            self._start(loop())

    async def calm(self) -> None:
        """Ends: whatever is away comes back, what is frozen wakes."""
        self._over.set()
        while self._tasks:
            for task in await asyncio.gather(*self._tasks, return_exceptions=True):
                if isinstance(task, BaseException):
                    raise task
        await asyncio.gather(*(p.fill() for p in (*self._workers, *self._webs)))

    async def _kill_workers(self) -> None:
        while await self._goes_on(self._random.expovariate(1 / self._every)):
            there = [p for p in self._workers if p.works]
            if not there or (len(there) == 1 and self._random.random() < LAST_SPARED):
                continue
            victim = self._random.choice(there)
            fate = self._random.choices(("at once", "late", "never", "frozen"), (60, 18, 7, 15))[0]
            if fate == "frozen":
                self._note(f"froze {victim.name}", "workers frozen")
                self._start(victim.freeze(self._random.uniform(*FROZEN)))
                continue
            self._note(f"killed {victim.name}, back {fate}", "workers killed")
            await victim.kill()
            self._start(self._back(victim, {"at once": 0.0, "late": self._random.uniform(*LATE), "never": NEVER}[fate]))

    async def _kill_webs(self) -> None:
        while await self._goes_on(self._random.uniform(0.5, 1.5) * WEB_EVERY):
            if all(p.works for p in self._webs):
                victim = self._random.choice(self._webs)
                self._note(f"killed {victim.name}", "receivers killed")
                await victim.kill()
                self._start(self._back(victim, self._random.choice((0.0, self._random.uniform(*LATE)))))

    async def _cut_sockets(self) -> None:
        while await self._goes_on(self._random.uniform(0.5, 1.5) * SOCKETS_EVERY):
            most = self._random.randint(1, 4)
            if self._random.random() < 0.7:
                self._note(f"cut {most} sockets", "socket cuts")
                self._slack.delivery.cut(most)
            else:
                self._note(f"asked {most} sockets to reconnect", "socket refreshes")
                await self._slack.delivery.disconnect(most=most)

    async def _deliver_again(self) -> None:
        """Slack delivers an event again that it has an ack for."""
        while await self._goes_on(self._random.uniform(0.5, 1.5) * AGAIN_EVERY):
            told = [e for e in list(self._slack.delivery.events)[-50:] if e.type == "events_api" and e.acked_at]
            if told:
                self._slack.delivery.redeliver(self._random.choice(told).event_id)
                self.done["events delivered again"] += 1

    async def _restart_valkey(self) -> None:
        how = [signal.SIGKILL, signal.SIGTERM]
        self._random.shuffle(how)
        for share, number in zip(RESTARTS, how, strict=True):
            while self._said() < share:
                if not await self._goes_on(0.2):
                    return
            away = self._random.uniform(0.5, 2.5)
            self._note(f"restarted Valkey by {number.name}, away {away:.1f} s", "Valkey restarts")
            await self._valkey.restart(number, away)

    async def _back(self, place: Place, after: float) -> None:
        await self._goes_on(after)
        await place.fill()

    async def _goes_on(self, seconds: float) -> bool:
        """Waits; False as soon as the storm is over."""
        try:
            async with asyncio.timeout(seconds):
                await self._over.wait()
        except TimeoutError:
            return True
        return False

    def _note(self, what: str, kind: str) -> None:
        self.done[kind] += 1
        self.story.append((time.monotonic() - self._began, what))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or task.exception() is None:  # a failed one stays, so that `calm` tells of it
            self._tasks.discard(task)
