"""Whatever happens in whatever order, the queue does what a few Python lists would do: no message lost, none twice, none out of order."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bot.errors import LeaseLost
from bot.lease import Lease
from bot.models import Message, ThreadKey
from bot.queue import Queue
from bot.redis_client import connect_redis
from tests.queue_world import DM, OTHER, ROOT, message, reclaim, silence, take

THREADS = (ROOT, OTHER, DM, *(ThreadKey("T1", "C1", f"{n}.000001") for n in (3, 4)), ThreadKey("T2", "C1", "1.000001"))
WINDOW, LANE_TURNS = 2, 2
USERS = ("U1", "U2")


@dataclass
class Thread:
    """What the queue should know of a thread."""

    starter: str = ""
    waiting: dict[str, Message] = field(default_factory=dict)
    turn: tuple[Message, ...] = ()
    lease: Lease | None = None
    delayed: bool = False
    ready: bool = False

    def rest(self) -> None:
        """The turn is over: what waits makes the thread ready."""
        self.turn, self.lease, self.ready = (), None, bool(self.waiting)


class QueueMachine(RuleBasedStateMachine):
    """One worker's queue and its model, step by step."""

    run: Callable[[Coroutine[Any, Any, Any]], Any]
    queue: Queue

    @initialize()
    def begin(self) -> None:
        self.run(self.queue.redis.flushdb())
        self.run(self.queue.open())
        self.threads = {key: Thread() for key in THREADS}
        self.said: dict[tuple[str, str], Message] = {}
        self.ended: list[Message] = []
        self.cancelled: set[str] = set()
        self.closed: list[Lease] = []
        self.stale: list[Lease] = []
        self.overtaken: dict[ThreadKey, list[ThreadKey]] = {}
        self.tick = 0

    @rule(
        key=st.sampled_from(THREADS), user=st.sampled_from(USERS), kind=st.sampled_from(["mention", "reply", "start"])
    )
    def put(self, key: ThreadKey, user: str, kind: str) -> None:
        self.tick += 1
        said = message(self.tick, key, user=user, by_mention=kind != "reply", starts_thread=kind == "start")
        self._put(said)

    @rule(data=st.data(), same_event=st.booleans())
    def put_again(self, data: st.DataObject, same_event: bool) -> None:
        if self.said:
            known = data.draw(st.sampled_from(list(self.said.values())))
            again = known if same_event else replace(known, event_id=f"{known.event_id}Twin{self.tick}")
            assert self.run(self.queue.put(again)) in ("duplicate", "ignored")

    def _put(self, said: Message) -> None:
        thread = self.threads[said.thread]
        ignored = not said.by_mention and thread.starter != said.user
        assert self.run(self.queue.put(said)) == ("ignored" if ignored else "stored")
        if ignored:
            return
        if said.starts_thread:
            thread.starter = thread.starter or said.user
        thread.waiting[said.ts] = self.said[str(said.thread), said.ts] = said
        thread.ready = thread.ready or not (thread.turn or thread.delayed)

    @rule(data=st.data(), how=st.sampled_from(["edit", "cancel"]))
    def change(self, data: st.DataObject, how: str) -> None:
        if not self.said:
            return
        said = data.draw(st.sampled_from(list(self.said.values())))
        waiting = self.threads[said.thread].waiting
        waits = said.ts in waiting
        if how == "edit":
            assert (self.run(self.queue.replace_text(said.thread, said.ts, "edited")) == "changed") == waits
            if waits:
                waiting[said.ts] = replace(said, text="edited")
        else:
            assert (self.run(self.queue.cancel(said.thread, said.ts)) == "changed") == waits
            if waits:
                del waiting[said.ts]
                self.cancelled.add(said.event_id)

    @rule(count=st.integers(1, 3))
    def take(self, count: int) -> None:
        for lease in self.run(take(self.queue, count)):
            self._leased(lease)

    def _leased(self, lease: Lease) -> None:
        thread = self.threads[lease.key]
        assert thread.ready
        assert thread.lease is None
        if not thread.turn:
            asker = next(iter(thread.waiting.values())).user
            thread.turn = tuple(takewhile(lambda said: said.user == asker, thread.waiting.values()))
            for said in thread.turn:
                del thread.waiting[said.ts]
        assert lease.turn.messages == thread.turn
        thread.lease, thread.ready = lease, False
        self._served(lease.key)

    def _served(self, key: ThreadKey) -> None:
        """Whoever waits in a lane that may run sees at most so many threads of one other lane pass."""
        self.overtaken.pop(key, None)
        for other, passed in list(self.overtaken.items()):
            passed.append(key)
            lane = (key.team, key.channel)
            if lane != (other.team, other.channel):
                times = sum((k.team, k.channel) == lane for k in passed)
                assert times <= WINDOW + LANE_TURNS, f"{other} starves behind {lane}"

    @invariant()
    def no_lane_runs_more_than_it_may(self) -> None:
        lanes = Counter((t.lease.key.team, t.lease.key.channel) for t in self._running() if t.lease)
        assert max(lanes.values(), default=0) <= LANE_TURNS
        for key, thread in self.threads.items():
            alone = not lanes[key.team, key.channel] and not any(
                t.ready or t.delayed
                for k, t in self.threads.items()
                if k != key and k.channel == key.channel and k.team == key.team
            )
            if thread.ready and thread.waiting and alone and not thread.turn:
                self.overtaken.setdefault(key, [])
            else:
                self.overtaken.pop(key, None)

    def _running(self) -> list[Thread]:
        return [t for t in self.threads.values() if t.lease]

    @precondition(lambda self: self._running())
    @rule(data=st.data(), how=st.sampled_from(["done", "bury", "retry", "hand_on", "die"]))
    def end(self, data: st.DataObject, how: str) -> None:
        thread = data.draw(st.sampled_from(self._running()))
        lease = thread.lease
        assert lease
        (self.stale if how == "die" else self.closed).append(lease)
        match how:
            case "done" | "bury":
                self.run(lease.done() if how == "done" else lease.bury("why", "ref"))
                self.ended += thread.turn
                thread.rest()
            case "retry":
                self.run(lease.retry(0))
                thread.lease, thread.delayed = None, True
            case "hand_on":
                self.run(lease.hand_on())
                thread.lease, thread.ready = None, True
            case _:
                self._reclaimed()

    def _reclaimed(self) -> None:
        """The worker falls silent: all that it ran is taken over."""
        for thread in self._running():
            assert thread.lease
            self.stale.append(thread.lease)
            thread.lease, thread.ready = None, True
        self.run(silence(self.queue))
        for lease in self.run(reclaim(self.queue)):
            self._leased(lease)
        assert all(t.lease for t in self.threads.values() if t.turn and not t.delayed and not t.ready)

    @rule()
    def promote(self) -> None:
        due = [t for t in self.threads.values() if t.delayed]
        assert self.run(self.queue.tick(0)).promoted == len(due)
        for thread in due:
            thread.delayed, thread.ready = False, True

    @precondition(lambda self: self.stale)
    @rule(data=st.data(), how=st.sampled_from(["save", "done", "retry", "hand_on"]))
    def write_late(self, data: st.DataObject, how: str) -> None:
        lease = data.draw(st.sampled_from(self.stale))
        steps = {"save": lambda: lease.save(response="stale"), "done": lease.done, "hand_on": lease.hand_on}
        with pytest.raises(LeaseLost):
            self.run(steps.get(how, lambda: lease.retry(0))())

    @precondition(lambda self: self.closed)
    @rule(data=st.data())
    def close_again(self, data: st.DataObject) -> None:
        """The answer to a close was lost, and it is sent again: no loss, and nothing changes."""
        self.run(data.draw(st.sampled_from(self.closed[-1:])).done())

    @invariant()
    def the_depth_is_the_models(self) -> None:
        depth = self.run(self.queue.depth())
        threads = self.threads.values()
        assert depth.running == len(self._running())
        assert depth.delayed == sum(t.delayed for t in threads)
        assert depth.ready >= sum(t.ready and bool(t.turn or t.waiting) for t in threads)

    def teardown(self) -> None:
        if not hasattr(self, "threads"):
            return
        for thread in self._running():
            self.ended += thread.turn
            assert thread.lease
            self.run(thread.lease.done())
            thread.rest()
        self.promote()
        while any(t.turn or t.waiting for t in self.threads.values()):
            self.take(3)
            if not self._running():
                self.take(3)  # the first may have found a thread whose messages were cancelled
            assert self._running(), "a thread has work, but no worker can get it"
            for thread in self._running():
                self.ended += thread.turn
                assert thread.lease
                self.run(thread.lease.done())
                thread.rest()
        assert sorted(m.event_id for m in self.ended) == sorted(
            m.event_id for m in self.said.values() if m.event_id not in self.cancelled
        )
        for key in THREADS:
            order = [float(m.ts) for m in self.ended if m.thread == key]
            assert order == sorted(order)


def test_the_queue_behaves_as_its_model(redis_url: str) -> None:
    with asyncio.Runner() as runner:
        redis = connect_redis(redis_url)
        machine = type(
            "Machine",
            (QueueMachine,),
            {"run": staticmethod(runner.run), "queue": Queue(redis, "one", window=WINDOW, lane_turns=LANE_TURNS)},
        )
        try:
            run_state_machine_as_test(
                machine,
                settings=settings(
                    max_examples=20,
                    stateful_step_count=30,
                    deadline=None,
                    derandomize=True,
                    database=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(redis.aclose())
