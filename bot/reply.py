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

import structlog

from bot import markdown
from bot.errors import (
    AssistError,
    ContentRefused,
    EditsClosed,
    LeaseLost,
    MessageGone,
    PlaceClosed,
    RateLimited,
    Retryable,
    SlackRefused,
    StillStreaming,
    UserFacing,
)
from bot.lease import Lease
from bot.models import AGAIN
from bot.native import Native
from bot.pace import CADENCE
from bot.page import NOTHING, Page
from bot.parts import Block, Blocks, Parts
from bot.share import Share
from bot.slack import WRITE_TIMEOUT, Slack

log = structlog.get_logger()

FEW = 200  # characters; of so few it may be that none can go into a native stream yet
FINAL_TRIES = 6
ANSWERS_TO_SLACK = 8  # how often one write is changed to Slack's liking
STATUS_CHARACTERS = 80
STATUS_SECONDS = 90.0
CLEAR_SECONDS = 2.0
WRITING = "writing…"
THINKING = "is thinking…"
PICKING_UP = "was interrupted and is picking the answer up again…"


class Reply:
    """One turn's answer in Slack."""

    def __init__(self, slack: Slack, lease: Lease, names: Mapping[str, str], growing: Sequence[Block] = ()) -> None:
        """`names` maps user ids to names; the blocks of `growing` stand below the line that says "writing…"."""
        turn = lease.turn
        self.first_at: float | None = None  # monotonic time of the first words in Slack
        self._slack, self._pace, self._lease = slack, slack.pace, lease
        self._parts = Parts(slack, lease)
        self._native = Native(slack, self._parts, lease)
        self._share = Share(slack.pace, self._parts, self._native, turn.id)
        self._growing, self._below = list(growing), Blocks()
        self._page = Page(names)
        self._level = markdown.FULL
        self._text = ""
        self._doing = WRITING
        self._wanted = ""  # progress in the model's own words, to be shown below the thread
        self._status, self._status_at = "", 0.0
        self._status_shown = turn.resumed  # the earlier run's may still stand
        self._news, self._over = asyncio.Event(), asyncio.Event()
        self._lock = asyncio.Lock()
        self._writer: asyncio.Task[None] | None = None

    @property
    def edits(self) -> int:
        """How often a message of the answer was edited."""
        return self._parts.edits

    @property
    def place(self) -> tuple[str, str | None]:
        """The channel and the thread that the answer stands in: not where it was asked, when that is closed."""
        return self._parts.channel, self._parts.thread_ts

    # -- what a turn says --------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Shows a sign of life at once, or finds what an earlier try has posted."""
        async with self._lock:
            if self._lease.turn.posting:
                await self._parts.find()
            if not self._parts.ts and self._parts.thread_ts is None and await self._share.adorn():
                with contextlib.suppress(Retryable):  # a placeholder adorns; its fate was looked up
                    await self._deliver(lambda: self._parts.put(0, [_aside(THINKING), *self._growing], "…"))
        if not self._parts.ts or self._lease.turn.resumed:
            await self.status(PICKING_UP if self._parts.ts and self._lease.turn.leases > 1 else THINKING)
        self._writer = asyncio.create_task(self._grow())

    def show(self, text: str) -> None:
        """The whole text so far; it is written when Slack's limits allow."""
        self._text, self._doing = text, WRITING
        self._news.set()

    async def status(self, doing: str) -> None:
        """Says what the bot is doing: below the thread, and in the message that grows."""
        self._status, self._doing = doing, doing.removeprefix("is ")
        if self._parts.thread_ts and await self._pace.spare("assistant.threads.setStatus"):
            await self._lease.hold(WRITE_TIMEOUT + 0.5)
            self._status_shown, self._status_at = True, time.monotonic()
            with contextlib.suppress(SlackRefused, Retryable, UserFacing):  # it adorns; the answer comes without it too
                await self._slack.status(self._parts.channel, self._parts.thread_ts, doing)

    def progress(self, text: str) -> None:
        """What the model says it is doing; shown when there is time for it."""
        self._doing = " ".join(text.split())[-STATUS_CHARACTERS:]
        self._wanted = html.escape(self._doing, quote=False)
        self._news.set()

    async def keep_alive(self) -> None:
        """Keeps what lapses: the promise of the last edit, and the status, which Slack takes away after two minutes."""
        await self._share.keep()
        if self._native.open:
            self._news.set()  # it may have become too old
        if not self._parts.ts and self._status_at and time.monotonic() - self._status_at > STATUS_SECONDS:
            await self.status(self._status)

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
            if self._parts.doubt:
                await self._delete_doubles()
        await self._share.release()
        if self._status_shown and self._parts.thread_ts:
            with contextlib.suppress(SlackRefused, Retryable, UserFacing, TimeoutError):
                async with asyncio.timeout(CLEAR_SECONDS):  # it lapses by itself
                    await self._pace.take("assistant.threads.setStatus")
                    await self._slack.status(self._parts.channel, self._parts.thread_ts, "")

    async def _delete_doubles(self) -> None:
        for attempt in range(FINAL_TRIES):
            await asyncio.sleep(max(0.0, self._parts.late - time.monotonic(), 0.5 * attempt))
            try:
                await self._parts.delete_doubles()
            except (SlackRefused, UserFacing) as error:
                log.warning("doubles not looked for", turn=self._lease.turn.id, error=str(error))
            except Retryable:
                continue
            return

    async def standing(self) -> str:
        """What the answer's messages show in Slack now; nothing where that cannot be read."""
        try:
            return await self._parts.text()
        except (SlackRefused, Retryable, UserFacing):
            return ""

    async def pause(self, why: str) -> None:
        """Leaves the answer as it stands and says why it stands still."""
        await self._stop_writer()
        self._doing = why
        async with self._lock:
            with contextlib.suppress(SlackRefused, Retryable, UserFacing):  # it adorns
                if self._native.open:
                    await self._native.leave([_aside(why)])
                elif not self._parts.ts or self._behind():
                    await self.status(why)
                elif not self._parts.edits_closed and await self._pace.spare("chat.update"):
                    await self._write_by_edits(final=False)

    async def close(self) -> None:
        """Stops writing, whatever has been said."""
        await self._stop_writer()
        await self._share.release()

    # -- the one writer ------------------------------------------------------------------------------------------------

    async def _grow(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            wait = 0.05
            try:
                async with self._lock:
                    if self._showable():
                        wait = await self._step()
                await self._show_wanted()
            except LeaseLost:
                return  # the turn learns of it by itself
            except (Retryable, SlackRefused) as error:
                log.warning("edit failed", turn=self._lease.turn.id, error=str(error))
                wait = CADENCE
                self._news.set()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._over.wait()
                    return

    def _behind(self) -> bool:
        """More stands in Slack than there are words now: it stays until they have caught up."""
        turn = self._lease.turn
        return len(self._text) < turn.shown or (turn.kind == AGAIN and not self._text)

    def _showable(self) -> bool:
        """There are words to show, and more than an earlier run has shown."""
        if self._parts.edits_closed or len(self._text) < self._lease.turn.shown:
            return False
        return bool(markdown.settle(self._text).strip())

    async def _step(self) -> float:
        """Writes, if it is this answer's turn: 0. Else the seconds until it is worth asking again."""
        wait = await self._share.step(self._streamed, few=len(self._text) < FEW)
        if wait:
            self._news.set()
            return wait
        await self._deliver(lambda: self._write(final=False))
        self._share.stepped()
        return 0.0

    def _streamed(self, *, final: bool = False) -> str | None:
        """What a native stream is to show; None when it cannot."""
        contents = self._page.render(self._text, self._level, final=final, settle=markdown.steady)
        blocks, words = contents[0]
        if len(contents) > 1 or self._level is not markdown.FULL or blocks[0]["type"] != "markdown":
            return None
        return "" if words == NOTHING else str(blocks[0]["text"])

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

    async def _deliver(self, write: Callable[[], Awaitable[None]]) -> None:
        """Writes, and has an answer to what Slack may say to it."""
        for _ in range(ANSWERS_TO_SLACK):
            try:
                return await write()
            except StillStreaming:
                continue  # it was stopped
            except MessageGone:
                continue  # somebody deleted it, and it was forgotten: now it is posted anew
            except ContentRefused as refusal:
                self._render_more_plainly(refusal)
            except PlaceClosed:
                if self._lease.key.is_dm or self._parts.lead:
                    raise
                await self._parts.move_to_dm()
        raise Retryable("Slack refuses every write", said="Slack did not take the answer.")

    def _render_more_plainly(self, refusal: ContentRefused) -> None:
        """Raises the refusal where there is nothing plainer."""
        if self._level is not markdown.PLAIN:
            self._level = markdown.CAREFUL if self._level is markdown.FULL else markdown.PLAIN
        elif self._growing or self._below:  # plain words are refused too: what stands below them must be at fault
            self._growing, self._below, self._level = [], [], markdown.FULL
        else:
            raise refusal
        self._parts.unknown()

    async def _write(self, *, final: bool) -> None:
        if not final:  # noted before it shows: a successor shows no less
            await self._lease.save(shown=max(len(self._text), self._lease.turn.shown))
        if await self._write_natively(final=final):
            self.first_at = self.first_at or time.monotonic()
        elif final or self._share.promised:
            await self._write_by_edits(final=final)
            self.first_at = self.first_at or time.monotonic()
        else:
            self._news.set()  # the stream is over: edits are asked for first

    async def _write_natively(self, *, final: bool) -> bool:
        """Begins, appends to or ends the native stream; False when the answer goes on by edits."""
        unfinished = [_aside(self._doing), *self._growing]
        if self._native.open:
            rest = self._native.rest(self._streamed(final=final), final=final)
            if rest is None:
                await self._native.leave(unfinished)
            elif final:
                return await self._native.end(rest, self._below)
            elif rest:
                return await self._native.append(rest, unfinished)
            return self._native.open
        if self._native.reserved and not final and not self._parts.ts:
            return await self._native.begin(self._streamed() or NOTHING)
        return False

    async def _write_by_edits(self, *, final: bool) -> None:
        contents = self._page.render(self._parts.lead + self._text, self._level, final=final)
        old, last = len(self._parts.ts), len(contents) - 1
        # New messages first: the line that says "writing…" leaves an older one only when the rest of the text is there.
        for n in (*range(old, last + 1), *range(min(old, last + 1))):
            blocks, words = contents[n]
            if n == last:  # there is room: a message's text is cut for fewer blocks than Slack takes
                blocks = [*blocks, *self._below] if final else [*blocks, _aside(self._doing), *self._growing]
            if n >= len(self._parts.ts) or self._parts.sent[n] != blocks:
                if final or n < last or n >= old > 0:  # the growing one's token is taken already
                    await self._share.take(n)
                await self._put(n, blocks, words, final=final)
        if final:
            await self._parts.cut_to(len(contents))

    async def _put(self, n: int, blocks: Blocks, words: str, *, final: bool) -> None:
        try:
            await self._parts.put(n, blocks, words)
        except EditsClosed:
            if not final:
                return  # it stays as it is until the whole is there
            await self._parts.forget(n)
            raise MessageGone("chat.update", "edit_window_closed") from None

    async def _show_wanted(self) -> None:
        if self._wanted and not self._parts.ts and time.monotonic() - self._status_at > 2 * CADENCE:
            wanted, self._wanted = self._wanted, ""
            await self.status(wanted)


def _aside(text: str) -> Block:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": f"_{html.escape(text, quote=False)}_"}]}
