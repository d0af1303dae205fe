"""OpenAI's limits on requests and tokens, kept ahead by all processes together.

Every answer of OpenAI says in its headers what is left of a model's limits. That is kept in Redis, with the requests that are on their way; a
request that would pass it waits for its place, or comes again later and finds its place kept. Until a first answer has told of limits,
none are known.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from importlib.resources import files
from typing import Any

import structlog
from redis.exceptions import RedisError

from bot import keys
from bot.errors import RateLimited

log = structlog.get_logger()

PATIENCE = 10.0  # seconds that a turn waits where it is; for longer it is put back
MOST_SECONDS = 600.0  # of waiting for which a place is kept
BUSY_SECONDS = 2.0  # of waiting before anybody is told
ANSWER_TOKENS = 1000  # what an answer is reckoned to take; OpenAI's next answer tells what it did
ITEM_TOKENS = 8  # the framing of one item
DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhd])")
UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400}


class Allowance:
    """What one key may ask of OpenAI. Without `redis` nothing is held back."""

    def __init__(self, redis: Any | None, key: str) -> None:
        self._account = hashlib.sha256(key.encode()).hexdigest()[:16]
        self._run = redis and redis.register_script((files("bot") / "lua" / "allowance.lua").read_text())

    async def wait(self, model: str, who: str, tokens: int, busy: Callable[[], Awaitable[None]] | None = None) -> float:
        """Waits until a request of so many tokens may go out, and returns how many seconds that took.

        `who` names the request until `told`; `busy` is called when the wait gets noticeable. Raises RateLimited, with its seconds, for
        a wait too long to sit out: who asks again then finds the place kept.
        """
        seconds = await self._ask(model, "ask", who, tokens, MOST_SECONDS)
        if seconds > PATIENCE:
            raise RateLimited("OpenAI's limit is spent", after=min(seconds, MOST_SECONDS), said="OpenAI is busy.")
        until = asyncio.get_running_loop().time() + seconds
        if seconds > BUSY_SECONDS and busy:
            await asyncio.sleep(BUSY_SECONDS)
            await busy()
        await asyncio.sleep(max(0.0, until - asyncio.get_running_loop().time()))
        return seconds

    async def told(self, model: str, who: str, headers: Mapping[str, str], refused: float = 0) -> None:
        """A request is answered, or has failed: what its headers say is left. `refused` is how long a 429 closes the model for everybody."""
        left: list[float | str] = []
        for kind in ("requests", "tokens"):
            most, remaining = (_number(headers.get(f"x-ratelimit-{name}-{kind}")) for name in ("limit", "remaining"))
            left += [most, remaining, duration(headers.get(f"x-ratelimit-reset-{kind}"))]
        await self._ask(model, "told", who, 0, refused, *left)

    async def _ask(self, model: str, what: str, who: str, tokens: int, seconds: float, *left: float | str) -> float:
        if not self._run:
            return 0.0
        try:
            names = keys.allowance(self._account, model)
            return float(await self._run(keys=list(names), args=[what, who, tokens, seconds, *left]))
        except RedisError as error:  # at its own risk: OpenAI itself says when it is too much
            log.warning("allowance away", error=type(error).__name__)
            return 0.0


def reckon(*items: object) -> int:
    """At most so many tokens are in these JSON values: three bytes a token holds for English, and for scripts of three bytes a letter."""
    return sum(ITEM_TOKENS + len(json.dumps(item, ensure_ascii=False).encode()) // 3 for item in items)


def duration(text: str | None) -> float | str:
    """Seconds of a duration as OpenAI's headers write it (`6m0s`, `8.64s`, `12ms`); empty where there is none."""
    parts = DURATION.findall(text or "")
    return sum(float(count) * UNITS[unit] for count, unit in parts) if parts else ""


def _number(text: str | None) -> float | str:
    try:
        return float(text or "")
    except ValueError:
        return ""
