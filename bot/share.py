"""One answer's share of Slack's limits: when its next words may go to Slack, and by which way it grows."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from bot.native import APPEND, SHORT, Native
from bot.pace import CADENCE, Pace
from bot.parts import Parts

UPDATE, POST = "chat.update", "chat.postMessage"
EARLIER = (0.6, 0.3)  # the first words are few: the steps after them come so many seconds sooner
NOTHING_NEW = 0.3  # seconds until a stream is looked at again that has nothing to append
POST_AGAIN = 0.5  # seconds until a post is tried again that its channel has no room for
Steady = Callable[[], str | None]  # what a native stream would show now, "" for nothing yet, None when it cannot


class Share:
    """What one answer may write. Last words are promised before the first ones are written."""

    def __init__(self, pace: Pace, parts: Parts, native: Native, turn: str) -> None:
        self.promised = False  # the last edit is reserved
        self._in_line = False  # it is waited for
        self._steps, self._stepped_at = 0, 0.0  # writes while it grows; the monotonic time of the last
        self._pace, self._parts, self._native, self._turn = pace, parts, native, turn

    async def step(self, steady: Steady, *, few: bool) -> float:
        """Takes a token for the next step: 0. Else the seconds until it is worth asking again. `few`: there are only few words yet."""
        begun = self.promised or self._native.open or self._native.reserved
        if not begun and (wait := await self._choose(steady, few=few)):
            return wait
        earlier = EARLIER[self._steps - 1] if 0 < self._steps <= len(EARLIER) else 0
        since = time.monotonic() - self._stepped_at + earlier
        if self._native.open:
            if since > CADENCE and self._native.rest(steady()) == "":
                return NOTHING_NEW
            return await self._pace.edit(APPEND, self._turn, since)
        if self._parts.ts:
            return await self._pace.edit(UPDATE, self._turn, since)
        if self._native.reserved or await self._pace.spare(POST, self._parts.channel):
            return 0.0
        return POST_AGAIN

    def stepped(self) -> None:
        """The step was made."""
        self._steps, self._stepped_at = self._steps + 1, time.monotonic()

    async def adorn(self) -> bool:
        """Takes tokens for a sign of life that will be edited, as long as edits are plenty."""
        if await self._pace.cadence(UPDATE, self._turn) > SHORT or await self._reserve():
            return False
        return await self._pace.spare(POST, self._parts.channel)

    async def take(self, n: int) -> None:
        """Waits for a token to write the n-th message whole."""
        if n < len(self._parts.ts):
            await self._pace.take(UPDATE, who=self._turn)
        else:
            await self._pace.take(POST, self._parts.channel, who=self._turn)

    async def keep(self) -> None:
        """Renews what is promised, before it lapses."""
        if self.promised:
            await self._reserve()
        if self._native.open:
            await self._native.renew()

    async def release(self) -> None:
        """Gives back what is promised."""
        await self._release_edit()
        if self._native.open or self._native.reserved:
            await self._native.release()

    async def _choose(self, steady: Steady, *, few: bool) -> float:
        """Reserves the end of the answer, as an edit or as that of a native stream: 0. Else the seconds until it is worth asking again."""
        wait = await self._reserve()
        if not self._native.possible:
            return wait
        cadence = math.inf if wait else await self._pace.cadence(UPDATE, self._turn)
        if not await self._native.quicker(cadence):
            return wait
        text = steady()
        if text and await self._native.reserve():
            await self._release_edit()
            return 0.0
        if text == "" and few and self.promised:
            await self._release_edit()
            return NOTHING_NEW
        return wait

    async def _reserve(self) -> float:
        """Reserves the last edit, or keeps it reserved: 0. Else the seconds until it is worth asking again."""
        wait = await self._pace.promise(UPDATE, self._turn)
        self.promised, self._in_line = not wait, bool(wait)
        return wait

    async def _release_edit(self) -> None:
        if self.promised or self._in_line:
            self.promised = self._in_line = False
            await self._pace.release(UPDATE, self._turn)
