"""A durable queue with one turn a thread at a time, on Redis Streams and a few Lua scripts (bot/lua, each an atomic step).

A thread with work has one entry in the ready stream. A worker's pending entry is its lease: heartbeats keep it young, and an entry that grew
older than LEASE_SECONDS is taken over with XAUTOCLAIM. Each lease raises the thread's epoch; what an older epoch writes is refused.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Any, cast

import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from bot import keys
from bot.lease import LEASE_SECONDS, Lease
from bot.models import Message, ThreadKey, Turn, Usage, turn_id

ENTRY = re.compile(r"\d+-\d+")  # the id of a stream's entry
STORING_MANY = 4  # events being stored at once: more is a burst
SETTLE_SECONDS = 0.04
SETTLE_AT_MOST = 0.2  # for a thread in which somebody never stops writing
TURN_MESSAGES = 1000
TURN_BYTES = 600_000


def connect_redis(url: str) -> Redis:
    """A client that waits for a free connection, times out, and tries again for about two seconds while the server is away."""
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=256,
        timeout=5,
        socket_timeout=5,
        socket_connect_timeout=2,
        decode_responses=True,
        protocol=2,
        health_check_interval=30,
        retry=Retry(ExponentialBackoff(cap=0.6, base=0.05), 6),
        retry_on_error=[RedisConnectionError, RedisTimeoutError],
    )
    return Redis.from_pool(pool)  # which then closes the pool with the client


log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Ready:
    """A thread that has work: its entry in the ready stream, pending with this worker."""

    entry: str
    thread: str


@dataclass(frozen=True, slots=True)
class Dead:
    """A turn that failed for good, as `assist dead` shows it."""

    id: str
    thread: ThreadKey
    messages: tuple[Message, ...]
    reason: str
    reference: str


@dataclass(frozen=True, slots=True)
class Depth:
    """How full the queue is. `oldest` is the age in seconds of the oldest thread that no worker has taken."""

    ready: int
    running: int
    delayed: int
    dead: int
    oldest: float


class Queue:
    """The receiver's and the workers' side of the queue. `worker` names this process among the consumers."""

    def __init__(self, redis: Redis, worker: str) -> None:
        self.redis: Any = redis  # its types describe the answers of every protocol at once
        self.worker = worker
        self._storing = 0
        folder = files("bot") / "lua"
        names = ("put", "edit", "lease", "beat", "close", "replay", "promote")
        self._scripts = {n: redis.register_script((folder / f"{n}.lua").read_text()) for n in names}

    async def script(self, name: str, keys_: Sequence[str], args: Sequence[str | int | float]) -> Any:
        """Runs one of the Lua scripts."""
        return await self._scripts[name](keys=list(keys_), args=list(args))

    async def open(self) -> None:
        """Makes the consumer group and forgets consumers that are long gone."""
        try:
            await self.redis.xgroup_create(keys.READY, keys.GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise
        for consumer in await self.redis.xinfo_consumers(keys.READY, keys.GROUP):
            if consumer["pending"] == 0 and consumer["idle"] > 86_400_000:
                await self.redis.xgroup_delconsumer(keys.READY, keys.GROUP, consumer["name"])

    # -- receiving ---------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def storing(self) -> AsyncIterator[None]:
        """Around the storing of one event: a worker in the same process begins no turns meanwhile, so that Slack has its ack in time."""
        self._storing += 1
        try:
            yield
        finally:
            self._storing -= 1

    async def calm(self) -> None:
        """Waits until the receiver in this process has caught up, for at most a second."""
        for _ in range(50):
            if self._storing <= STORING_MANY:
                return
            await asyncio.sleep(0.02)

    async def put(self, message: Message) -> str:
        """Stores a message in one atomic step: `stored`, `duplicate`, `merged` (a twin brought files) `ignored` (a stranger's follow-up) or `cancelled`."""
        key = message.thread
        return cast(
            "str",
            await self.script(
                "put",
                [
                    keys.event(message.event_id),
                    keys.said(key.team, key.channel, message.ts),
                    keys.thread(key),
                    keys.waiting(key),
                    keys.messages(key),
                    keys.READY,
                    keys.early(key.team, key.channel, message.ts),
                ],
                [
                    str(key),
                    message.ts,
                    message.to_json(),
                    message.user,
                    int(not message.by_mention),
                    int(message.starts_thread),
                    keys.EVENT_SECONDS,
                    keys.SAID_SECONDS,
                    keys.THREAD_SECONDS,
                ],
            ),
        )

    async def replace_text(self, thread: ThreadKey, ts: str, text: str, *, for_bot: bool = True) -> bool:
        """Replaces the text of a message that waits, or has yet to come. False when it does not wait (any more)."""
        return await self._edit(thread, ts, "replace", text, for_bot=for_bot)

    async def cancel(self, thread: ThreadKey, ts: str, *, for_bot: bool = True) -> bool:
        """Forgets a message that waits, or has yet to come. False when it does not wait (any more)."""
        return await self._edit(thread, ts, "cancel", "", for_bot=for_bot)

    async def _edit(self, key: ThreadKey, ts: str, what: str, text: str, *, for_bot: bool) -> bool:
        place = key.team, key.channel, ts
        names = [keys.waiting(key), keys.messages(key), keys.said(*place), keys.thread(key), keys.early(*place)]
        return bool(await self.script("edit", names, [ts, what, text, int(for_bot), keys.EARLY_SECONDS]))

    # -- working -----------------------------------------------------------------------------------------------------

    async def take(self, count: int, block_ms: int) -> list[Ready]:
        """Up to `count` threads that have work; waits up to `block_ms` for the first."""
        got = await self.redis.xreadgroup(keys.GROUP, self.worker, {keys.READY: ">"}, count=count, block=block_ms)
        return _ready(got[0][1] if got else ())

    async def reclaim(self, count: int) -> list[Ready]:
        """Threads whose worker went silent for LEASE_SECONDS, and this worker's own that it does not know of."""
        entries: list[Any] = []
        start = "0-0"
        while len(entries) < count:  # one call looks at ten times `count` entries, most of which are healthy
            start, more, *_ = await self.redis.xautoclaim(
                keys.READY, keys.GROUP, self.worker, int(LEASE_SECONDS * 1000), start, count - len(entries)
            )
            entries += more
            if start == "0-0":
                break
        return _ready(entries)

    async def lease(self, ready: Ready, settle: float = SETTLE_SECONDS) -> Lease | None:
        """The lease of a thread that was taken; None when there is nothing to do in it, or somebody else has it.

        A thread to which something was said less than `settle` seconds ago is given that time: messages said quickly come over several
        connections, not always in order, and a mention's files come with its twin.
        """
        key, waited = ThreadKey.parse(ready.thread), 0.0
        while True:
            since = time.monotonic()
            left = settle if waited < SETTLE_AT_MOST else 0.0
            got = await self.script(
                "lease",
                [keys.READY, keys.thread(key), keys.waiting(key), keys.messages(key), keys.turn(key)],
                [keys.GROUP, self.worker, ready.entry, ready.thread, TURN_MESSAGES, TURN_BYTES, int(left * 1000)],
            )
            if not isinstance(got, int):
                return await self._leased(key, ready, got, since) if got else None
            await asyncio.sleep(got / 1000)
            waited += got / 1000

    async def promote(self) -> int:
        """Makes threads ready whose retry is due."""
        return int(await self.script("promote", [keys.DELAYED, keys.READY], [keys.THREAD]))

    async def _leased(self, key: ThreadKey, ready: Ready, got: Any, since: float) -> Lease | None:
        epoch, resumed, thread, turn, texts = got
        try:
            leased = _turn(key, bool(resumed), _pairs(thread), _pairs(turn), texts)
        except (ValueError, KeyError, TypeError, IndexError) as error:  # stored by another version, or by hand
            log.error("unreadable turn", thread=ready.thread, error=type(error).__name__)
            await self._bury_unreadable(key, ready.entry, epoch)
            return None
        return Lease(self.script, self.redis.hmget, self.worker, leased, ready.entry, epoch, since)

    async def _bury_unreadable(self, key: ThreadKey, entry: str, epoch: int) -> None:
        names = (keys.thread, keys.waiting, keys.messages, keys.turn)
        args: list[str | int | float] = [
            keys.GROUP,
            entry,
            epoch,
            str(key),
            "dead",
            0,
            keys.DEAD_ENTRIES,
            "reason",
            "unreadable",
            "reference",
            "",
        ]
        await self.script("close", [keys.READY, *(n(key) for n in names), keys.DELAYED, keys.DEAD], args)

    # -- the dead list and the queue's depth ----------------------------------------------------------------------------

    async def dead(self, count: int = 100) -> list[Dead]:
        """The newest turns that failed for good."""
        rows = await self.redis.xrevrange(keys.DEAD, count=count)
        return [_dead(entry, row) for entry, row in rows]

    async def replay(self, dead_id: str) -> bool:
        """Puts a dead turn's messages back into the queue. False when there is no such entry."""
        rows = await self.redis.xrange(keys.DEAD, min=dead_id, max=dead_id) if ENTRY.fullmatch(dead_id) else ()
        if not rows:
            return False
        dead = _dead(*rows[0])
        if not dead.messages:
            return False
        again: list[str | int | float] = []
        for message in dead.messages:
            again += [message.ts, replace(message, replayed=True).to_json()]
        key = dead.thread
        names = [keys.thread(key), keys.waiting(key), keys.messages(key), keys.READY, keys.DEAD]
        return bool(await self.script("replay", names, [str(key), dead_id, *again]))

    async def depth(self) -> Depth:
        """What waits, runs, is delayed and dead."""
        async with self.redis.pipeline(transaction=False) as pipe:
            pipe.xlen(keys.READY)
            pipe.xpending(keys.READY, keys.GROUP)
            pipe.zcard(keys.DELAYED)
            pipe.xlen(keys.DEAD)
            pipe.xinfo_groups(keys.READY)
            length, pending, delayed, dead, groups = await pipe.execute()
            last = next((g["last-delivered-id"] for g in groups if g["name"] == keys.GROUP), "0-0")
            oldest = await self.redis.xrange(keys.READY, min=f"({last}", count=1)
        age = max(0.0, time.time() - int(oldest[0][0].split("-")[0]) / 1000) if oldest else 0.0
        return Depth(length - pending["pending"], pending["pending"], delayed, dead, age)


def _ready(entries: Iterable[tuple[str, Mapping[str, str] | None]]) -> list[Ready]:
    return [Ready(entry, fields["thread"]) for entry, fields in entries if fields]


def _pairs(flat: Sequence[str]) -> dict[str, str]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _turn(
    key: ThreadKey, resumed: bool, thread: Mapping[str, str], turn: Mapping[str, str], texts: Sequence[str]
) -> Turn:
    messages = tuple(Message.from_json(t) for t in texts if t)
    return Turn(
        id=turn_id(messages[0]),
        thread=key,
        messages=messages,
        attempt=int(turn.get("attempt", 0)),
        leases=int(turn.get("leases", 1)),
        resumed=resumed or any(m.replayed for m in messages),
        conversation=thread.get("conversation", ""),
        conversation_turns=int(thread.get("turns", 0)),
        response=turn.get("response", ""),
        answer=turn.get("answer"),
        written=turn.get("written", ""),
        parts=tuple(turn.get("parts", "").split()),
        streamed=bool(turn.get("streamed")),
        redirect=turn.get("redirect", ""),
        marked=tuple(thread.get("marked", "").split()),
        shown=int(turn.get("shown", 0)),
        usage=Usage(*json.loads(turn["usage"])) if "usage" in turn else Usage(),
    )


def _dead(entry: str, row: Mapping[str, str]) -> Dead:
    try:
        messages = tuple(Message.from_json(json.dumps(m)) for m in json.loads(row["messages"]))
    except (ValueError, KeyError, TypeError):
        messages = ()
    return Dead(entry, ThreadKey.parse(row["thread"]), messages, row.get("reason", ""), row.get("reference", ""))
