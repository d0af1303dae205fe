"""The message that grows: from a sign of life to the whole answer, over as many Slack messages as it needs.

One task writes, so edits never overlap and never come out of order; what the model says meanwhile is coalesced into the next edit. The last
write always carries the whole text. While it grows, the last message ends with a line that says so: half an answer never looks whole.
"""

from __future__ import annotations

import asyncio
import contextlib
import html
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import structlog

from bot import markdown
from bot.errors import (
    AssistError,
    ContentRefused,
    LeaseLost,
    MessageGone,
    PlaceClosed,
    RateLimited,
    Retryable,
    SlackRefused,
    UserFacing,
)
from bot.lease import Lease
from bot.models import DM_ROOT, ThreadKey
from bot.page import Page
from bot.slack import WRITE_TIMEOUT, Slack

log = structlog.get_logger()

FIRST_EDITS = (0.4, 0.7)  # seconds between the first writes of an answer; then CADENCE
CADENCE = 1.0
FINAL_TRIES = 6
ANSWERS_TO_SLACK = 8  # how often one write is changed to Slack's liking
ELSEWHERE = "I can't write in the channel where you asked me (any more), so here is my answer:\n\n"
STATUS_CHARACTERS = 80
STATUS_SECONDS = 90.0
WRITING = "writing…"
THINKING = "is thinking…"
AGAIN = "was interrupted and is picking the answer up again…"
WAITING_MARK = "hourglass_flowing_sand"
Block = dict[str, Any]
Blocks = list[Block]


class Reply:
    """One turn's answer in Slack."""

    def __init__(self, slack: Slack, lease: Lease, names: Mapping[str, str], growing: Sequence[Block] = ()) -> None:
        """`names` maps user ids to names; the blocks of `growing` stand below the line that says "writing…"."""
        turn = lease.turn
        self.edits = 0
        self.first_at: float | None = None  # monotonic time of the first words in Slack
        self._slack, self._pace, self._lease = slack, slack.pace, lease
        self._channel, self._thread_ts = (
            turn.redirect or turn.thread.channel,
            None if turn.redirect else turn.thread.thread_ts,
        )
        self._lead = ELSEWHERE if turn.redirect else ""
        self._posted: list[str] = list(turn.parts)  # ts of the messages that hold the answer
        self._sent: list[Blocks | None] = [None] * len(self._posted)
        self._growing, self._below = list(growing), Blocks()
        self._page = Page(names)
        self._level = markdown.FULL
        self._text = ""
        self._doing = WRITING
        self._promised = False
        self._unsure = False  # a post may stand in Slack that nobody noted
        self._doubt = turn.resumed  # it may have come to stand there since we looked
        self._wanted = ""  # progress in the model's own words, to be shown below the thread
        self._status_at = 0.0
        self._status_shown = turn.resumed  # the earlier run's may still stand
        self._news, self._over = asyncio.Event(), asyncio.Event()
        self._lock = asyncio.Lock()
        self._writer: asyncio.Task[None] | None = None

    # -- what a turn says --------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Shows a sign of life at once, or finds what an earlier try has posted."""
        async with self._lock:
            if self._lease.turn.resumed:
                await self._find()
            if not self._posted and self._thread_ts is None and await self._reserve():
                with contextlib.suppress(Retryable):  # a placeholder adorns; its fate was looked up
                    await self._deliver(lambda: self._put(0, [_aside(THINKING), *self._growing], "…"))
        if not self._posted or self._lease.turn.resumed:
            await self.status(AGAIN if self._posted else THINKING)
        self._writer = asyncio.create_task(self._grow())

    def show(self, text: str) -> None:
        """The whole text so far; it is written when Slack's limits allow."""
        self._text, self._doing = text, WRITING
        self._news.set()

    async def status(self, doing: str) -> None:
        """Says what the bot is doing: below the thread, and in the message that grows."""
        self._doing = doing.removeprefix("is ")
        if self._thread_ts and await self._pace.spare("assistant.threads.setStatus"):
            await self._lease.hold(WRITE_TIMEOUT + 0.5)
            self._status_shown, self._status_at = True, time.monotonic()
            with contextlib.suppress(SlackRefused, Retryable, UserFacing):  # it adorns; the answer comes without it too
                await self._slack.status(self._channel, self._thread_ts, doing)

    def progress(self, text: str) -> None:
        """What the model says it is doing; shown when there is time for it."""
        self._wanted = self._doing = html.escape(" ".join(text.split())[-STATUS_CHARACTERS:], quote=False)
        self._news.set()

    async def keep_alive(self) -> None:
        """Keeps what lapses: the promise of the last edit, and the status, which Slack takes away after two minutes."""
        if self._promised:
            await self._reserve()
        if not self._posted and self._status_at and time.monotonic() - self._status_at > STATUS_SECONDS:
            await self.status(f"is {self._doing}")

    async def finish(self, text: str, below: Sequence[Block] = ()) -> None:
        """Writes the whole text and returns when Slack has it. Raises Retryable where Slack stays away.

        `below`: at most ten blocks that stand under the last message; left out when Slack refuses them.
        """
        await self._stop_writer()
        async with self._lock:
            self._text, self._below = text, list(below)
            for attempt in range(FINAL_TRIES):
                try:
                    await self._deliver(lambda: self._write(final=True))
                    break
                except Retryable as error:
                    if attempt == FINAL_TRIES - 1:
                        raise
                    await asyncio.sleep(error.after or 1 if isinstance(error, RateLimited) else 0.3 * 2**attempt)
            if self._doubt:
                with contextlib.suppress(SlackRefused, Retryable, UserFacing):
                    await self._delete_doubles()
        await self._release()
        if self._status_shown and self._thread_ts:
            with contextlib.suppress(SlackRefused, Retryable, UserFacing):
                await self._slack.status(self._channel, self._thread_ts, "")

    async def pause(self, why: str) -> None:
        """Leaves the answer as it stands and says why it stands still."""
        await self._stop_writer()
        self._doing = why
        async with self._lock:
            with contextlib.suppress(SlackRefused, Retryable):
                if not self._posted and self._thread_ts:
                    await self._slack.status(self._channel, self._thread_ts, why)
                elif self._posted and await self._pace.spare("chat.update"):
                    await self._write(final=False)

    async def close(self) -> None:
        """Stops writing, whatever has been said."""
        await self._stop_writer()
        await self._release()

    async def mark_waiting(self, waiting: Sequence[str], count: int) -> None:
        """Shows that messages wait: an hourglass on the first ones, the number below the thread."""
        channel = self._lease.key.channel
        new = [ts for ts in waiting if ts not in self._lease.marked]
        for ts in new:
            if await self._pace.spare("reactions.add"):
                await self._slack.react(channel, ts, WAITING_MARK)
                await self._lease.mark(ts)
        if new:
            await self.status(f"is answering; {count} more message{'s' if count > 1 else ''} will be answered next…")

    async def unmark(self, marked: Sequence[str]) -> None:
        """Takes the hourglasses off: their messages' turn has come."""
        for ts in marked:
            with contextlib.suppress(SlackRefused, Retryable, UserFacing):
                if await self._pace.spare("reactions.remove"):
                    await self._slack.unreact(self._lease.key.channel, ts, WAITING_MARK)

    # -- the one writer ------------------------------------------------------------------------------------------------

    async def _grow(self) -> None:
        writes = 0
        while True:
            await self._news.wait()
            self._news.clear()
            pause = 0.05 if not writes else CADENCE
            try:
                async with self._lock:
                    if not self._showable():
                        pass
                    elif await self._may_write():
                        await self._deliver(lambda: self._write(final=False))
                        writes += 1
                        pause = FIRST_EDITS[writes - 1] if writes <= len(FIRST_EDITS) else CADENCE
                    else:
                        pause = CADENCE / 2
                        self._news.set()  # there may be room by then
                await self._show_wanted()
            except LeaseLost:
                return  # the turn learns of it by itself
            except (Retryable, SlackRefused) as error:
                log.warning("edit failed", turn=self._lease.turn.id, error=str(error))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._over.wait()
                    return

    def _showable(self) -> bool:
        """There are words to show, and more than an earlier run has shown."""
        return len(self._text) >= self._lease.turn.shown and bool(markdown.settle(self._text).strip())

    async def _may_write(self) -> bool:
        """An edit is left over; or a first message may be posted, whose last edit is then promised."""
        if self._posted:
            return await self._pace.spare("chat.update")
        return await self._reserve() and await self._pace.spare("chat.postMessage", self._channel)

    async def _reserve(self) -> bool:
        self._promised = await self._pace.promise("chat.update", self._lease.turn.id)
        return self._promised

    async def _stop_writer(self) -> None:
        self._over.set()
        self._news.set()
        writer, self._writer = self._writer, None
        try:
            if writer:
                await writer
        except AssistError as error:  # the next write meets it again, if it lasts
            log.warning("writer stopped", turn=self._lease.turn.id, error=str(error))
        except Exception:  # a fault in rendering must not take the word with it: the last write may go well
            log.exception("writer failed", turn=self._lease.turn.id)

    async def _release(self) -> None:
        if self._promised:
            self._promised = False
            await self._pace.release("chat.update", self._lease.turn.id)

    async def _deliver(self, write: Callable[[], Awaitable[None]]) -> None:
        """Writes, and has an answer to what Slack may say to it."""
        for _ in range(ANSWERS_TO_SLACK):
            try:
                return await write()
            except MessageGone:
                continue  # somebody deleted it, and it was forgotten: now it is posted anew
            except ContentRefused:
                if self._level is not markdown.PLAIN:
                    self._level = markdown.CAREFUL if self._level is markdown.FULL else markdown.PLAIN
                elif (
                    self._growing or self._below
                ):  # plain words are refused too: what stands below them must be at fault
                    self._growing, self._below, self._level = [], [], markdown.FULL
                else:
                    raise
                self._sent = [None] * len(self._posted)
            except PlaceClosed:
                if self._lease.key.is_dm or self._lead:
                    raise
                await self._move_to_dm()
        raise Retryable("Slack refuses every write", said="Slack did not take the answer.")

    async def _write(self, *, final: bool) -> None:
        contents = self._page.render(self._lead + self._text, self._level, final=final)
        old, last = len(self._posted), len(contents) - 1
        if not final:  # noted before it shows: a successor shows no less
            await self._lease.save(shown=max(len(self._text), self._lease.turn.shown))
        # New messages first: the line that says "writing…" leaves an older one only when the rest of the text is there.
        for n in (*range(old, last + 1), *range(min(old, last + 1))):
            blocks, words = contents[n]
            if n == last:  # there is room: a message's text is cut for fewer blocks than Slack takes
                blocks = [*blocks, *self._below] if final else [*blocks, _aside(self._doing), *self._growing]
            if n >= len(self._posted) or self._sent[n] != blocks:
                if final or n < last or n >= old > 0:  # the growing one's token is taken already
                    await self._budget(n)
                await self._put(n, blocks, words)
        for ts in self._posted[len(contents) :] if final else ():
            await self._slack.delete(self._channel, ts)
        if final:
            del self._posted[len(contents) :], self._sent[len(contents) :]
        self.first_at = self.first_at or time.monotonic()

    async def _budget(self, n: int) -> None:
        if n < len(self._posted):
            await self._pace.take("chat.update")
        else:
            await self._pace.take("chat.postMessage", self._channel)

    async def _put(self, n: int, blocks: Blocks, text: str) -> None:
        """Edits the n-th message, or posts it. A post whose fate is unknown is looked for before it is repeated."""
        await self._lease.hold(WRITE_TIMEOUT + 0.5)
        if self._unsure and n >= len(self._posted):
            await self._find()
        method = "chat.update" if n < len(self._posted) else "chat.postMessage"
        try:
            if n < len(self._posted):
                await self._slack.update(self._channel, self._posted[n], blocks, text)
                self._sent[n] = blocks
                self.edits += 1
                return
            turn = self._lease.turn.id
            ts = await self._slack.post(self._channel, self._thread_ts, blocks, text, (turn, n))
        except MessageGone:
            await self._forget(n)
            raise
        except Retryable:
            if method == "chat.postMessage":
                self._unsure = self._doubt = True
                await self._find()
            raise
        self._posted.append(ts)
        self._sent.append(blocks)
        await self._lease.save(parts=" ".join(self._posted))

    # -- found again, gone, elsewhere ----------------------------------------------------------------------------------

    async def _find(self) -> None:
        """Looks in the thread for messages of this turn that nobody noted: posted just before a crash or a time-out."""
        try:
            parts = await self._slack.answer_parts(self._place(), self._lease.turn.id, self._oldest())
        except PlaceClosed:
            return  # the write that follows meets the same closed door and goes elsewhere
        except (SlackRefused, UserFacing) as error:  # a history that may not be read must not cost the answer
            log.warning("earlier messages not looked for", turn=self._lease.turn.id, error=str(error))
            return
        self._unsure = False
        found = dict(reversed(parts))  # of two with the same number the older one
        if found:
            count = max(len(self._posted), max(found) + 1)
            posted = [found.get(n) or (self._posted[n] if n < len(self._posted) else "") for n in range(count)]
            self._posted = [ts for ts in posted if ts]
            self._sent = [None] * len(self._posted)
            await self._lease.save(parts=" ".join(self._posted))

    async def _delete_doubles(self) -> None:
        """A post that was given up for lost may have arrived since: the answer stands once."""
        for _, ts in await self._slack.answer_parts(self._place(), self._lease.turn.id, self._oldest()):
            if ts not in self._posted:
                await self._slack.delete(self._channel, ts)

    async def _forget(self, n: int) -> None:
        """The n-th message was deleted: it and what followed it are posted anew, so that they stay in order."""
        later = self._posted[n:]  # the n-th too: it may stand there and only not be editable
        del self._posted[n:], self._sent[n:]
        await self._lease.save(parts=" ".join(self._posted))
        for ts in later:
            await self._slack.delete(self._channel, ts)

    async def _show_wanted(self) -> None:
        if self._wanted and not self._posted and time.monotonic() - self._status_at > 2 * CADENCE:
            wanted, self._wanted = self._wanted, ""
            await self.status(wanted)

    def _oldest(self) -> str:
        return min((m.ts for m in self._lease.turn.messages), key=float)

    def _place(self) -> ThreadKey:
        return ThreadKey(self._lease.key.team, self._channel, self._thread_ts or DM_ROOT)

    async def _move_to_dm(self) -> None:
        self._lead = ELSEWHERE
        self._channel, self._thread_ts = await self._slack.open_dm(self._lease.turn.asker), None
        self._posted, self._sent = [], []
        await self._lease.save(redirect=self._channel, parts="")


def _aside(text: str) -> dict[str, Any]:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": f"_{html.escape(text, quote=False)}_"}]}
