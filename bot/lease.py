"""The right to run one thread's turn, kept by heartbeats and closed in one of four ways."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from redis.exceptions import RedisError

from bot import keys
from bot.errors import LeaseLost
from bot.models import GONE, Message, SharedFile, ThreadKey, Turn, Usage, turn_id

LEASE_SECONDS = 7.0  # with the tick of the worker that takes over, a killed one is missed for less than 10 s
BEAT_SECONDS = 1.25
OUTAGE_SECONDS = 120.0  # how long a lease waits for Redis to come back before the turn is left to a successor

Read = Callable[[str, Sequence[str]], Awaitable[Sequence[str | None]]]  # fields of a hash
Run = Callable[[str, Sequence[str], Sequence[str | int | float]], Awaitable[Any]]  # runs a Lua script by name


class Lease:
    """The right to run a thread's turn, until it is closed or lost."""

    def __init__(self, run: Run, read: Read, worker: str, turn: Turn, entry: str, epoch: int, since: float) -> None:
        self.turn = turn
        self.waiting: tuple[str, ...] = ()  # ts of the first messages that came since and wait
        self.waiting_count = 0
        self._run, self._read, self._worker, self._entry, self._epoch = run, read, worker, entry, epoch
        self._until = since + LEASE_SECONDS
        self.stopped_by = turn.stopped_by
        self.stopped = asyncio.Event()  # somebody wants no more of it
        if turn.stopped_by:
            self.stopped.set()
        self.lost = False
        self.closing = False  # the end is on its way: a beat that finds the lease gone found our own doing

    @property
    def key(self) -> ThreadKey:
        """The thread."""
        return self.turn.thread

    def stop(self, user: str) -> None:
        """Somebody wants no more of it."""
        self.stopped_by = user
        self.stopped.set()

    async def beat(self) -> None:
        """Keeps the lease alive and learns what waits behind it. Raises LeaseLost."""
        await self._note("turn", {})

    async def hold(self, seconds: float) -> None:
        """Makes sure that the lease outlasts a write of up to `seconds`, waiting for Redis if it is away. Raises LeaseLost."""
        if self.lost:
            raise LeaseLost(str(self.key))
        if self._until - time.monotonic() > seconds:
            return
        await self._patiently(self.beat)

    async def reread(self) -> Turn:
        """The turn with its messages as they are stored now: a mention's twin may have brought the files that the mention lacked, somebody may want none of it."""
        await self._patiently(self._reread)
        return self.turn

    async def message(self, ts: str) -> Message | None:
        """A message that waits behind the turn; None when it waits no more, or cannot be read."""
        try:
            (text,) = await self._read(keys.messages(self.key), [ts])
            return Message.from_json(text) if text and ts in self.waiting else None
        except (RedisError, ValueError, KeyError, TypeError):
            return None

    async def save(self, **fields: str | int) -> None:
        """Notes how far the turn has come, for a successor. Raises LeaseLost."""
        await self._patiently(lambda: self._note("turn", fields))

    async def save_thread(self, **fields: str | int) -> None:
        """Notes what is known of the thread for good. Raises LeaseLost."""
        await self._patiently(lambda: self._note("thread", fields))

    async def done(self) -> None:
        """Ends the turn; what waits behind it becomes ready. Like the other three ends it raises LeaseLost."""
        await self._close("done")

    async def bury(self, reason: str, reference: str) -> None:
        """Ends the turn and keeps its messages in the dead list."""
        await self._close("dead", extra=("reason", reason, "reference", reference))

    async def retry(self, seconds: float) -> None:
        """Gives the turn back, to be tried again after some seconds."""
        await self._close("retry", delay_ms=int(seconds * 1000))

    async def hand_on(self) -> None:
        """Gives the turn back at once: this worker is stopping."""
        await self._close("hand on")

    async def _note(self, what: str, fields: Mapping[str, str | int]) -> None:
        since = time.monotonic()
        pairs = [x for pair in fields.items() for x in pair]
        key = self.key
        got = await self._run(
            "beat",
            [keys.READY, keys.thread(key), keys.waiting(key), keys.turn(key)],
            [keys.GROUP, self._worker, self._entry, self._epoch, what, *pairs],
        )
        if got is None:
            self.lost = True
            raise LeaseLost(str(key))
        self._until = since + LEASE_SECONDS
        self.waiting_count, self.waiting = int(got[0]), tuple(got[1:])

    async def _reread(self) -> None:
        texts = await self._read(keys.messages(self.key), [m.ts for m in self.turn.messages])
        (stopped_by,) = await self._read(keys.turn(self.key), ["stop"])  # said while the turn was being taken
        if stopped_by:
            self.stop(stopped_by)
        kept = zip(self.turn.messages, texts, strict=True)
        self.turn = replace(self.turn, messages=tuple(Message.from_json(t) if t else m for m, t in kept))

    async def _patiently(self, step: Callable[[], Awaitable[None]]) -> None:
        """Redis may be restarting: the entry stays ours until somebody else claims it, which the next answer tells."""
        give_up = time.monotonic() + OUTAGE_SECONDS
        while True:
            try:
                await step()
                return
            except RedisError:
                if time.monotonic() > give_up:
                    self.lost = True
                    raise LeaseLost(str(self.key)) from None
                await asyncio.sleep(0.3)

    async def _close(self, how: str, *, delay_ms: int = 0, extra: Sequence[str] = ()) -> None:
        key, first = self.key, self.turn.messages[0]

        async def step() -> None:
            closed = await self._run(
                "close",
                [
                    keys.READY,
                    keys.thread(key),
                    keys.waiting(key),
                    keys.messages(key),
                    keys.turn(key),
                    keys.DELAYED,
                    keys.DEAD,
                    keys.LANES,
                    keys.answered(key.team, key.channel, first.of if first.kind == GONE else first.ts),
                ],
                [
                    keys.GROUP,
                    self._entry,
                    self._epoch,
                    str(key),
                    how,
                    delay_ms,
                    keys.DEAD_ENTRIES,
                    keys.ANSWERED_SECONDS,
                    *extra,
                ],
            )
            if not closed:
                self.lost = True
                raise LeaseLost(str(key))

        self.closing = True
        await self._patiently(step)
        self.lost = True


def stored_turn(
    key: ThreadKey, resumed: bool, thread: Mapping[str, str], turn: Mapping[str, str], texts: Sequence[str]
) -> Turn:
    """A turn as the hashes of its thread and itself hold it, and its messages. Raises ValueError, KeyError, … for what another version stored."""
    messages = tuple(Message.from_json(t) for t in texts if t)
    return Turn(
        id=turn_id(key, messages[0].ts),
        thread=key,
        messages=messages,
        attempt=int(turn.get("attempt", 0)),
        leases=int(turn.get("leases", 1)),
        resumed=resumed or any(m.replayed for m in messages),
        conversation=thread.get("conversation", ""),
        conversation_turns=int(thread.get("turns", 0)),
        conversation_tokens=int(thread.get("tokens", 0)),
        response=turn.get("response", ""),
        answer=turn.get("answer"),
        written=turn.get("written", ""),
        parts=tuple(turn.get("parts", "").split()),
        streamed=bool(turn.get("streamed")),
        redirect=turn.get("redirect", ""),
        posting=turn.get("posting", "1") == "1" or any(m.replayed for m in messages),
        shown=int(turn.get("shown", 0)),
        usage=Usage(*json.loads(turn["usage"])) if "usage" in turn else Usage(),
        stopped_by=turn.get("stop", ""),
        cut=turn.get("cut") == "1",
        aside=tuple((role, text) for role, text in json.loads(thread.get("aside") or "[]")),
        aside_files=tuple(thread.get("aside_files", "").split()),
        counted=turn.get("counted", ""),
        sequence=int(turn.get("sequence", -1)),
        item=int(turn.get("item", -1)),
        partial=turn.get("partial", ""),
        footnotes=tuple(turn.get("footnotes", "").splitlines()),
        others=int(turn.get("others", 0)),
        heard_files=tuple(SharedFile(f["id"], f["name"]) for f in json.loads(turn.get("heard_files") or "[]")),
        computed=turn.get("computed", ""),
    )
