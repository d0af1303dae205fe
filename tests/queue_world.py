"""What tests of the queue share: messages, and the hands of time."""

from __future__ import annotations

from itertools import count
from typing import Any

from bot import keys
from bot.lease import LEASE_SECONDS, Lease
from bot.models import DM_ROOT, Message, SharedFile, ThreadKey
from bot.queue import Queue, Ready

ROOT = ThreadKey("T1", "C1", "1.000001")
OTHER = ThreadKey("T1", "C1", "2.000001")
DM = ThreadKey("T1", "D1", DM_ROOT)
FILE = SharedFile("F1", "a.txt")
_event_numbers = count(1)


def message(ts: float, thread: ThreadKey = ROOT, **fields: Any) -> Message:
    """A message with an event id of its own, written by U1."""
    stamp = f"{ts:.6f}"
    given = {"user": "U1", "text": f"said at {stamp}", "event_id": f"Ev{next(_event_numbers)}"} | fields
    return Message(thread=thread, ts=stamp, **given)


def mention(ts: float, thread: ThreadKey = ROOT, **fields: Any) -> Message:
    """A mention that starts a thread."""
    return message(ts, thread, starts_thread=True, **fields)


def follow_up(ts: float, thread: ThreadKey = ROOT, **fields: Any) -> Message:
    """A reply without a mention."""
    return message(ts, thread, by_mention=False, **fields)


async def take(queue: Queue, count: int = 10) -> list[Lease]:
    """What is ready now."""
    return await leased(queue, await queue.take(count, 1))


async def reclaim(queue: Queue, count: int = 10) -> list[Lease]:
    """What silent workers left."""
    return await leased(queue, (await queue.tick(count)).ready)


async def leased(queue: Queue, ready: list[Ready]) -> list[Lease]:
    """The leases of threads that were taken, at once."""
    return [lease for r in ready if (lease := await queue.lease(r, settle=0))]


async def take_one(queue: Queue) -> Lease:
    """The one thread that is ready now."""
    (lease,) = await take(queue)
    return lease


def texts(lease: Lease) -> list[str]:
    """What the leased turn is to answer."""
    return [m.text for m in lease.turn.messages]


async def silence(queue: Queue, seconds: float = LEASE_SECONDS + 0.1) -> None:
    """Ages every lease of this worker, as if it had been silent for so long."""
    pending = await queue.redis.xpending_range(keys.READY, keys.GROUP, "-", "+", 1000, consumername=queue.worker)
    for entry in pending:
        await queue.redis.xclaim(
            keys.READY, keys.GROUP, queue.worker, 0, [entry["message_id"]], idle=int(seconds * 1000), justid=True
        )
