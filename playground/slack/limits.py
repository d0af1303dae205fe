"""Slack's rate limits as token buckets."""

import math
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from playground.slack.arguments import Method


@dataclass(slots=True)
class Bucket:
    """`rate` tokens a second, at most `burst` at once."""

    rate: float
    burst: float
    tokens: float
    filled: float  # when `tokens` was right

    def take(self, now: float) -> float:
        """0 and a token less, or the seconds until there is one."""
        self.tokens = min(self.burst, self.tokens + (now - self.filled) * self.rate)
        self.filled = now
        if self.tokens >= 1:
            self.tokens -= 1
            return 0.0
        return (1 - self.tokens) / self.rate


# tier → (a minute, burst). Bursts are unpublished: these are the numbers the project works with.
RATES = {"2": (20, 20), "3": (50, 20), "4": (100, 40), "post": (60, 5), "status": (600, 20)}


class Limits:
    """The buckets of one app in one workspace: one a method, and for posts one a channel."""

    def __init__(self, *, on: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self.on = on
        self.refused: Counter[str] = Counter()
        self._clock = clock
        self._buckets: dict[tuple[str, str], Bucket] = {}

    def wait(self, name: str, method: Method, channel: str) -> int:
        """0 when the call may go, else the whole seconds of Retry-After."""
        if not self.on or method.tier not in RATES:
            return 0
        key = (name, channel if method.tier == "post" else "")
        now = self._clock()
        if key not in self._buckets:
            a_minute, burst = RATES[method.tier]
            self._buckets[key] = Bucket(a_minute / 60, burst, burst, now)
        seconds = self._buckets[key].take(now)
        if seconds > 0:
            self.refused[name] += 1
        return math.ceil(seconds)
