"""A durable queue with one turn a thread at a time, on Redis Streams and a few Lua scripts (bot/lua, each an atomic step).

A thread with work waits in its channel's lane; lanes and workspaces take turns to put one into the ready stream (bot/lua/lanes.lua), so a noisy
channel starves nobody. A thread has at most one entry in the stream. A worker's pending entry is its lease: heartbeats keep it young, and an entry that grew
older than LEASE_SECONDS is taken over with XAUTOCLAIM. Each lease raises the thread's epoch; what an older epoch writes is refused.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Any, cast

import structlog
from redis.asyncio import Redis
from redis.exceptions import NoScriptError, ResponseError

from bot import keys
from bot.depth import Depth, Place, measure
from bot.errors import Retryable
from bot.lease import LEASE_SECONDS, Lease, stored_turn
from bot.models import Message, ThreadKey
from bot.redis_client import Cluster

ENTRY = re.compile(r"\d+-\d+")  # the id of a stream's entry
STORING_MANY = 4  # events being stored at once: more is a burst
SETTLE_SECONDS = 0.04
SETTLE_AT_MOST = 0.2  # for a thread in which somebody never stops writing
TURN_MESSAGES = 1000
TURN_BYTES = 600_000
# Threads that stand in the ready stream before a worker reads them: enough that a worker finds the next one at once, few because a newcomer
# waits behind them.
WINDOW = 16
# Turns of one channel that run at once. Slack takes one post a second in a channel, so of more turns, each of which lasts half a minute at most
# as a rule, some would only wait for their post, in places that other channels need.
LANE_TURNS = 30
LANED = ("put", "lease", "close", "replay", "tick", "line", "again")  # scripts before which lanes.lua stands
PLACE_MESSAGES = 5
WAIT_MS = 1000  # Slack waits three seconds for its ack

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
class Tick:
    """What was due: threads taken over from silent workers, how many became ready, and how long (in seconds) the first has waited whose asker was not told."""

    ready: list[Ready]
    promoted: int
    waited: float


class Queue:
    """The receiver's and the workers' side of the queue. `worker` names this process among the consumers."""

    def __init__(
        self,
        redis: Redis | Cluster,
        worker: str,
        *,
        wait_replicas: int = 0,
        window: int = WINDOW,
        lane_turns: int = LANE_TURNS,
    ) -> None:
        self.redis: Any = redis  # its types describe the answers of every protocol at once
        self.worker = worker
        self._wait_replicas = wait_replicas
        self._storing = 0
        self._scripts = script_texts(window, lane_turns)

    async def script(self, name: str, keys_: Sequence[str], args: Sequence[str | int | float]) -> Any:
        """Runs one of the Lua scripts. Raises RedisError."""
        text, sha = self._scripts[name]
        try:
            return await self.redis.evalsha(sha, len(keys_), *keys_, *args)
        except NoScriptError:  # a server that was restarted, or has taken over: EVAL needs nothing and leaves it there
            return await self.redis.eval(text, len(keys_), *keys_, *args)

    async def durable_script(self, name: str, keys_: Sequence[str], args: Sequence[str | int | float]) -> Any:
        """Runs a script whose writes outlast a failover, as far as REDIS_WAIT_REPLICAS wants it. Raises RedisError or Retryable; then they may stand all the same."""
        run = self._replicated_script if self._wait_replicas else self.script
        return await run(name, keys_, args)

    async def _replicated_script(self, name: str, keys_: Sequence[str], args: Sequence[str | int | float]) -> Any:
        """Runs a script and waits until enough replicas have what it wrote. Raises RedisError, or Retryable when too few have in time."""
        node = await self.redis.node_of(keys_[0]) if isinstance(self.redis, Cluster) else None
        target = {"target_nodes": node} if node else {}
        text, sha = self._scripts[name]
        for command in (("EVALSHA", sha), ("EVAL", text)):
            async with self.redis.pipeline(transaction=False) as pipe:  # on one connection: WAIT is about its writes
                pipe.execute_command(*command, len(keys_), *keys_, *args)
                pipe.execute_command("WAIT", self._wait_replicas, WAIT_MS, **target)
                outcome, have = await pipe.execute(raise_on_error=False)
            if not isinstance(outcome, NoScriptError):
                break
        for answer in (outcome, have):
            if isinstance(answer, Exception):
                raise answer
        if node and await self.redis.node_of(keys_[0]) != node:  # WAIT asked the wrong one
            raise Retryable("the queue has just moved to another server")
        if have < self._wait_replicas:
            raise Retryable(f"{have} of {self._wait_replicas} replicas have the message")
        return outcome

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
        """Stores a message in one atomic step: `stored`, `duplicate`, `merged` (a twin brought files) `ignored` (a stranger's follow-up) or `cancelled`.

        Raises RedisError, or Retryable when too few replicas have it; then it may be stored all the same, and Slack is to deliver it again.
        """
        key = message.thread
        return cast(
            "str",
            await self.durable_script(
                "put",
                [
                    keys.event(message.event_id),
                    keys.said(key.team, key.channel, message.ts),
                    keys.thread(key),
                    keys.waiting(key),
                    keys.messages(key),
                    keys.READY,
                    keys.early(key.team, key.channel, message.ts),
                    keys.LANES,
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

    async def replace_text(self, thread: ThreadKey, ts: str, text: str, *, for_bot: bool = True) -> str:
        """Replaces the text of a message that waits, or has yet to come: `changed`, the first ts of its turn if that has begun, else ""."""
        return await self._edit(thread, ts, "replace", text, for_bot=for_bot)

    async def cancel(self, thread: ThreadKey, ts: str, *, for_bot: bool = True) -> str:
        """Forgets a message that waits, or has yet to come: `changed`, the first ts of its turn if that has begun, else ""."""
        return await self._edit(thread, ts, "cancel", "", for_bot=for_bot)

    async def _edit(self, key: ThreadKey, ts: str, what: str, text: str, *, for_bot: bool) -> str:
        place = key.team, key.channel, ts
        names = [keys.waiting(key), keys.messages(key), keys.said(*place), keys.thread(key), keys.early(*place)]
        return str(await self.script("edit", names, [ts, what, text, int(for_bot), keys.EARLY_SECONDS]))

    # -- working -----------------------------------------------------------------------------------------------------

    async def take(self, count: int, block_ms: int) -> list[Ready]:
        """Up to `count` threads that have work; waits up to `block_ms` for the first."""
        got = await self.redis.xreadgroup(keys.GROUP, self.worker, {keys.READY: ">"}, count=count, block=block_ms)
        return _ready(got[0][1] if got else ())

    async def tick(self, room: int) -> Tick:
        """Makes retries ready that are due, fills free places, and takes over up to `room` threads whose worker went silent for LEASE_SECONDS.

        They may be this worker's own, if it does not know of them.
        """
        names = [keys.READY, keys.DELAYED, keys.LANES, keys.UNTOLD]
        promoted, waited, *rows = await self.script(
            "tick", names, [self.worker, room, int(LEASE_SECONDS * 1000), keys.THREAD]
        )
        taken_over = [Ready(*pair) for pair in zip(rows[::2], rows[1::2], strict=True)]
        return Tick(taken_over, int(promoted), int(waited) / 1000)

    async def line(self, at_most: float, count: int = 20) -> list[Place]:
        """Up to `count` threads that have waited more than `at_most` seconds without being taken, the longest first, each told only once.

        A thread whose turn has begun is not among them: its asker sees that. `Tick.waited` says when it is time to ask.
        """
        args: list[str | int | float] = [int(at_most * 1000), count, PLACE_MESSAGES, keys.WAITING, keys.MESSAGES]
        return [Place.parse(row) for row in await self.script("line", [keys.LANES, keys.SINCE, keys.UNTOLD], args)]

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
                [keys.READY, keys.thread(key), keys.waiting(key), keys.messages(key), keys.turn(key), keys.LANES],
                [
                    keys.GROUP,
                    self.worker,
                    ready.entry,
                    ready.thread,
                    TURN_MESSAGES,
                    TURN_BYTES,
                    int(left * 1000),
                    keys.said(key.team, key.channel, ""),
                    keys.answered(key.team, key.channel, ""),
                    keys.ANSWERED_SECONDS,
                ],
            )
            if not isinstance(got, int):
                return await self._leased(key, ready, got, since) if got else None
            await asyncio.sleep(got / 1000)
            waited += got / 1000

    async def _leased(self, key: ThreadKey, ready: Ready, got: Any, since: float) -> Lease | None:
        epoch, resumed, thread, turn, texts = got
        try:
            leased = stored_turn(key, bool(resumed), _pairs(thread), _pairs(turn), texts)
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
            keys.ANSWERED_SECONDS,
            "reason",
            "unreadable",
            "reference",
            "",
        ]
        places = [keys.DELAYED, keys.DEAD, keys.LANES, keys.answered(key.team, key.channel, "")]
        await self.script("close", [keys.READY, *(n(key) for n in names), *places], args)

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
        names = [keys.thread(key), keys.waiting(key), keys.messages(key), keys.READY, keys.DEAD, keys.LANES]
        return bool(await self.script("replay", names, [str(key), dead_id, *again]))

    async def depth(self) -> Depth:
        """What waits, runs, is delayed and dead."""
        try:
            return await measure(self.redis)
        except ResponseError as error:
            if "NOGROUP" not in str(error):
                raise
            await self.open()  # no worker has been here yet
            return await measure(self.redis)


def script_texts(window: int, lane_turns: int) -> dict[str, tuple[str, str]]:
    """Each script's whole text and its SHA-1, by which Redis knows it."""
    folder = files("bot") / "lua"
    head = f"local GROUP, WINDOW, LANE_TURNS = '{keys.GROUP}', {window}, {lane_turns}\n{(folder / 'lanes.lua').read_text()}"
    texts = {
        n: (folder / f"{n}.lua").read_text()
        for n in ("put", "edit", "lease", "beat", "close", "replay", "tick", "line", "stop", "again", "reword")
    }
    whole = {n: head + text if n in LANED else text for n, text in texts.items()}
    return {n: (text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()) for n, text in whole.items()}


def _ready(entries: Iterable[tuple[str, Mapping[str, str] | None]]) -> list[Ready]:
    return [Ready(entry, fields["thread"]) for entry, fields in entries if fields]


def _pairs(flat: Sequence[str]) -> dict[str, str]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _dead(entry: str, row: Mapping[str, str]) -> Dead:
    try:
        messages = tuple(Message.from_json(json.dumps(m)) for m in json.loads(row["messages"]))
    except (ValueError, KeyError, TypeError):
        messages = ()
    return Dead(entry, ThreadKey.parse(row["thread"]), messages, row.get("reason", ""), row.get("reference", ""))
