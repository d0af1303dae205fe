"""Slack's rate limits, budgeted ahead: a token bucket for each method in a workspace, and one for posts in each channel.

Slack publishes a minute's rate per tier, but no bursts; the sizes are those that have been found to work. An answer that begins to grow
reserves the edit that will end it, so that what grows can always be finished; edits in between get what is left.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass

TIERS = {2: (20 / 60, 20.0), 3: (50 / 60, 20.0), 4: (100 / 60, 40.0)}  # per second, burst
METHODS = {
    "chat.update": TIERS[3],
    "chat.delete": TIERS[3],
    "reactions.add": TIERS[3],
    "reactions.remove": TIERS[2],
    "conversations.replies": TIERS[3],
    "conversations.history": TIERS[3],
    "conversations.open": TIERS[3],
    "users.info": TIERS[4],
    "assistant.threads.setStatus": (10.0, 20.0),
}
POSTS = (1.0, 5.0)  # chat.postMessage, in each channel
CHANNELS_KEPT = 10_000
OPEN = 1e9


@dataclass(slots=True)
class Bucket:
    """Tokens that refill at `rate` a second up to `size`; `promised` ones are kept for answers that have begun."""

    rate: float
    size: float
    tokens: float
    at: float
    promised: int = 0

    def refill(self, now: float) -> None:
        """Adds what has come since the last look; a time in the future (after a 429) adds nothing until then."""
        if now > self.at:
            self.tokens = min(self.size, self.tokens + (now - self.at) * self.rate)
            self.at = now


class Pace:
    """The budget of one process. `enabled=False` is for servers without limits."""

    def __init__(self, *, enabled: bool = True) -> None:
        self._enabled = enabled
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def spare(self, method: str, channel: str = "") -> bool:
        """Takes a token if one is left over after the promised ones."""
        bucket = self._bucket(method, channel)
        if bucket.tokens - bucket.promised < 1:
            return False
        bucket.tokens -= 1
        return True

    def promise(self, method: str) -> bool:
        """Keeps a token for later; False when all are promised or spent."""
        bucket = self._bucket(method, "")
        if bucket.tokens - bucket.promised < 1:
            return False
        bucket.promised += 1
        return True

    def release(self, method: str) -> None:
        """Gives a promise back, used or not."""
        bucket = self._bucket(method, "")
        bucket.promised = max(0, bucket.promised - 1)

    async def take(self, method: str, channel: str = "") -> None:
        """Waits for a token and takes it; those who wait are served in the order of their asking."""
        bucket = self._bucket(method, channel)
        bucket.tokens -= 1  # may go below zero: a place in the line
        if bucket.tokens < 0:
            await asyncio.sleep(-bucket.tokens / bucket.rate + max(0.0, bucket.at - time.monotonic()))

    def refused(self, method: str, channel: str, after: float) -> None:
        """Slack said 429: nothing more for `after` seconds."""
        bucket = self._bucket(method, channel)
        bucket.tokens = min(bucket.tokens, 0.0)
        bucket.at = max(bucket.at, time.monotonic() + after)

    def _bucket(self, method: str, channel: str) -> Bucket:
        name = f"{method}:{channel}"
        now = time.monotonic()
        bucket = self._buckets.get(name)
        if bucket is None:
            rate, size = POSTS if method == "chat.postMessage" else METHODS[method]
            if not self._enabled:
                rate, size = OPEN, OPEN
            bucket = self._buckets[name] = Bucket(rate, size, size, now)
            while len(self._buckets) > CHANNELS_KEPT:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(name)
        bucket.refill(now)
        return bucket
