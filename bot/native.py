"""Slack's native stream: an answer's first message grows by what is appended to it.

It lives five minutes, holds some 10,000 characters and takes nothing back. So only text that stands as it is goes into it (`markdown.steady`),
its end is promised before it begins, and it is left in good time, or at the first trouble: it is stopped, and the answer goes on by edits of the same message,
which always carry the whole text. Until it ends Slack shows by itself that more is coming.
"""

from __future__ import annotations

import math
import time

import structlog

from bot.errors import RateLimited, Retryable, SlackRefused, UserFacing
from bot.lease import Lease
from bot.parts import Blocks, Parts
from bot.slack import WRITE_TIMEOUT, Slack

log = structlog.get_logger()

SHORT = 2.0  # seconds between the edits of one answer, while no stream is needed
MOST_SECONDS = 240.0  # Slack ends a stream after about 300
MOST_BYTES = 9_000
START, APPEND, STOP = "chat.startStream", "chat.appendStream", "chat.stopStream"


class Native:
    """The stream of one answer. `reserved`: it may begin; `open`: it has begun and not ended."""

    def __init__(self, slack: Slack, parts: Parts, lease: Lease) -> None:
        self.reserved = self.open = False
        self._slack, self._pace, self._parts, self._lease = slack, slack.pace, parts, lease
        self._barred = slack.streaming == "edits"  # one answer streams once
        self._promised = False
        self._sent = ""
        self._began = 0.0

    @property
    def possible(self) -> bool:
        """Streams are replies in threads, and this answer has no message yet."""
        return not (self._barred or self._parts.ts or self._parts.thread_ts is None)

    async def quicker(self, cadence: float) -> bool:
        """Whether the answer would grow more often than by edits every `cadence` seconds, where those are not quick enough."""
        if self._slack.streaming == "native" or cadence == math.inf:
            return True
        return cadence > SHORT and await self._pace.cadence(APPEND, self._lease.turn.id) < cadence

    async def reserve(self) -> bool:
        """Takes a token for the start when the end can be promised."""
        await self.renew()
        if not self._promised:
            return False
        self.reserved = await self._pace.spare(START)
        if not self.reserved:
            await self.release()
        return self.reserved

    async def renew(self) -> None:
        """Keeps the end promised."""
        self._promised = not await self._pace.promise(STOP, self._lease.turn.id)

    async def release(self) -> None:
        """Gives the promise of the end back, used or not."""
        self._promised = self.reserved = False
        await self._pace.release(STOP, self._lease.turn.id)
        await self._pace.release(APPEND, self._lease.turn.id)

    def rest(self, text: str | None, *, final: bool = False) -> str | None:
        """What is to be appended so that the stream shows `text`; None where the answer must go on by edits, also when `text` is None."""
        if text is None or self._is_old or len(text.encode()) > MOST_BYTES:
            return None
        if not final and self._sent.startswith(text):
            return ""
        return text[len(self._sent) :] if text.startswith(self._sent) else None

    async def begin(self, text: str) -> bool:
        """Posts the first words; False when Slack refuses to stream them, by whatever word. Raises Retryable."""
        try:
            await self._parts.start_stream(text)
        except RateLimited:
            await self._bar()
            raise
        except (SlackRefused, UserFacing) as error:
            log.info("no native stream", turn=self._lease.turn.id, error=str(error))
            await self._bar()
            return False
        except Retryable:
            await self._bar()
            raise
        self.reserved, self.open, self._sent, self._began = False, True, text, time.monotonic()
        return True

    async def append(self, rest: str, unfinished: Blocks) -> bool:
        """Appends; False when that went wrong and the stream was left. Raises RateLimited."""
        await self._lease.hold(WRITE_TIMEOUT + 0.5)
        try:
            await self._slack.append_stream(self._parts.channel, self._parts.ts[0], rest)
        except RateLimited:
            raise
        except (SlackRefused, UserFacing, Retryable) as error:  # it may have arrived: an edit will say the whole
            log.info("native stream broke off", turn=self._lease.turn.id, error=str(error))
            await self.leave(unfinished)
            return False
        self._sent += rest
        self._parts.edits += 1
        return True

    async def leave(self, unfinished: Blocks) -> None:
        """Stops the stream where it is; the blocks below it say that it is not the whole."""
        if self.open:
            await self._stop("", unfinished)
            await self._bar()

    async def end(self, rest: str, below: Blocks) -> bool:
        """Stops the stream with the rest of the text; False when it is not known to be whole, and an edit must say it."""
        ended = await self._stop(rest, below)
        await self._bar()
        self._parts.edits += ended
        return ended

    @property
    def _is_old(self) -> bool:
        return self.open and time.monotonic() - self._began > MOST_SECONDS

    async def _stop(self, rest: str, blocks: Blocks) -> bool:
        try:
            await self._parts.stop_stream(0, rest, blocks)
        except (SlackRefused, UserFacing, Retryable) as error:  # an edit that finds it streaming stops it again
            log.info("native stream not stopped", turn=self._lease.turn.id, error=str(error))
            return False
        return True

    async def _bar(self) -> None:
        self.open, self._barred = False, True
        await self.release()
