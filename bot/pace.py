"""Slack's rate limits, budgeted ahead by all processes together: a token bucket in Redis for each method in a workspace, and for posts in each channel.

Slack publishes a minute's rate per tier, but no bursts; the sizes are those that have been found to work. An answer that begins to grow
is promised the edit that will end it, so that what grows can always be finished. First words come next; the answers that grow share what is
left: whoever wrote longest ago is next, so each has the same cadence, and it stretches as more run. A 429 lowers a bucket's rate for a while.
"""

from __future__ import annotations

import asyncio
import hashlib
from importlib.resources import files
from typing import Any

import structlog
from redis.exceptions import RedisError

from bot import keys

log = structlog.get_logger()

# Per second, and at once. A little below what Slack allows: calls that left evenly may arrive in a bunch.
TIERS = {2: (19 / 60, 19.0), 3: (48 / 60, 19.0), 4: (96 / 60, 39.0)}
METHODS = {
    "chat.update": TIERS[3],
    "chat.startStream": TIERS[2],
    "chat.appendStream": TIERS[4],
    "chat.stopStream": TIERS[2],
    "chat.delete": TIERS[3],
    "conversations.replies": TIERS[3],
    "conversations.history": TIERS[3],
    "conversations.open": TIERS[3],
    "conversations.info": TIERS[3],
    "conversations.list": TIERS[2],
    "conversations.members": TIERS[4],
    "usergroups.list": TIERS[2],
    "usergroups.users.list": TIERS[2],
    "users.conversations": TIERS[3],
    "users.info": TIERS[4],
    "users.list": TIERS[2],
    "users.lookupByEmail": TIERS[3],
    "users.profile.get": TIERS[4],
    "assistant.search.context": TIERS[2],  # "special limits"; counted as a search
    "assistant.search.info": TIERS[2],
    "files.info": TIERS[4],
    "files.list": TIERS[3],
    "files.getUploadURLExternal": TIERS[4],
    "files.completeUploadExternal": TIERS[4],
    "views.open": TIERS[4],
    "views.update": TIERS[4],
    "chat.postEphemeral": TIERS[4],
    "agents.sessions.setStatus": (9.5, 15.0),  # unpublished; counted as a status
    "views.publish": TIERS[4],
    "assistant.threads.setStatus": (9.5, 15.0),  # 600 a minute
}
# Of a bucket that also feeds what comes in between, not all is promised: with nothing spent, nothing would flow in.
MOST_PROMISED = {"chat.update": 15}
POST = "chat.postMessage"
POSTS = (0.95, 4.0)  # chat.postMessage, in each channel
ALL_POSTS = (5.0, 100.0)  # in all channels together; Slack names no number, this is a careful guess
CADENCE = 1.0  # seconds between two edits of one answer, at least
LOOK_SECONDS = 2.0  # between two looks at a place in the line
AGAIN_SECONDS = 1.0  # while Redis is away
PROMISE_SECONDS = 20  # a promise is renewed while its answer grows; that of a killed worker lapses


class Pace:
    """The budget of one workspace's token. Without `redis` nothing is held back: for servers without limits."""

    def __init__(self, redis: Any | None, token: str) -> None:
        self._workspace = hashlib.sha256(token.encode()).hexdigest()[:16]
        self._run = redis and redis.register_script((files("bot") / "lua" / "pace.lua").read_text())

    async def spare(self, method: str, channel: str = "") -> bool:
        """Takes a token if one is left over after the promised ones; for a post in a channel one of the workspace's too."""
        if await self._ask("spare", method, channel) <= 0:
            return False
        return not channel or await self._ask("spare", method) > 0

    async def promise(self, method: str, who: str) -> float:
        """Keeps a token for `who`, or keeps it longer: 0. Else the seconds until it is worth asking again; `who` stands in the line till then."""
        return await self._ask("promise", method, who=who, seconds=PROMISE_SECONDS)

    async def edit(self, method: str, who: str, since: float) -> float:
        """Takes a token for the next step of an answer that grows, if it is its turn: 0. Else the seconds until it is worth asking again.

        `since`: the seconds since its last step.
        """
        return CADENCE - since if since < CADENCE else await self._ask("edit", method, who=who, seconds=since)

    async def cadence(self, method: str, who: str) -> float:
        """The seconds between two steps of one answer, when `who` is among those that grow."""
        return max(CADENCE, await self._ask("cadence", method, who=who))

    async def release(self, method: str, who: str) -> None:
        """Gives a promise back, used or not, and a place in the line."""
        await self._ask("release", method, who=who)

    async def take(self, method: str, channel: str = "", who: str = "") -> None:
        """Waits for a token and takes it; those who wait are served in the order of their asking. What is promised to others is left to them.

        A process that dies waiting leaves its place to its successor, who asks as the same `who`.
        """
        for place in (channel, "") if channel else ("",):
            wait = await self._ask("take", method, place, who=who)
            while wait > 0:
                await asyncio.sleep(min(wait, LOOK_SECONDS) if who else wait)  # it may go quicker than was thought
                wait = await self._ask("arrived", method, place, who=who)

    async def refused(self, method: str, channel: str, after: float) -> None:
        """Slack said 429: nothing more for `after` seconds, and less for a while."""
        await self._ask("refused", method, channel if method == POST else "", seconds=after)
        if method == POST:  # it may have been the workspace's own limit, which Slack does not tell
            await self._ask("refused", method, seconds=0)

    def counts(self, method: str) -> bool:
        """Whether the method has a budget here."""
        return method in METHODS or method == POST

    async def _ask(self, what: str, method: str, channel: str = "", *, who: str = "", seconds: float = 0) -> float:
        if not self._run:
            return float(what == "spare")
        rate, size = (POSTS if channel else ALL_POSTS) if method == POST else METHODS[method]
        names = keys.pace(self._workspace, method, channel)
        args = [what, rate, size, MOST_PROMISED.get(method, size), who, seconds]
        try:
            return float(await self._run(keys=list(names), args=args))
        except RedisError as error:  # what may wait does; what may not goes on at its own risk
            log.warning("budget away", error=type(error).__name__)
            return AGAIN_SECONDS if what in ("promise", "edit") else 0.0
