"""The Slack messages that hold one answer: posted, edited, found again after a crash, posted anew where they were deleted."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Awaitable, Sequence
from typing import Any

import structlog

from bot.errors import (
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
from bot.models import DM_ROOT, ThreadKey
from bot.slack import WRITE_TIMEOUT, Said, Slack

log = structlog.get_logger()

LATE_SECONDS = 5.0  # after a post without an answer Slack may still be at it
ELSEWHERE = "I can't write in the channel where you asked me (any more), so here is my answer:\n\n"
Block = dict[str, Any]
Blocks = list[Block]


class Parts:
    """One turn's messages, in their order. Each write raises what Slack says to it, LeaseLost when the turn is another's."""

    def __init__(self, slack: Slack, lease: Lease) -> None:
        turn = lease.turn
        self.ts: list[str] = list(turn.parts)
        self.sent: list[Blocks | None] = [None] * len(self.ts)  # what each shows; None: not known
        self.edits = 0
        self.edits_closed = False  # the channel takes no edits: what is there stays until the whole is posted
        self.channel, self.thread_ts = turn.thread.channel, turn.thread.thread_ts
        self.lead = ""  # stands before an answer that goes elsewhere
        if turn.redirect:
            self.channel, self.thread_ts, self.lead = turn.redirect, None, ELSEWHERE
        self.doubt = turn.posting  # a message may have come to stand there since we looked
        self.late = 0.0  # monotonic time from when on a post that timed out is done or never will be
        self._unsure = False  # a post may stand in Slack that nobody noted
        self._started = ""  # what a native stream began with
        self._slack, self._lease = slack, lease

    async def put(self, n: int, blocks: Blocks, text: str) -> None:
        """Edits the n-th message, or posts it. A post whose fate is unknown is looked for before it is repeated."""
        if self._unsure and n >= len(self.ts):
            await self.find()
        if n < len(self.ts):
            await self._lease.hold(WRITE_TIMEOUT + 0.5)
            await self._edit(n, blocks, text)
            return
        await self._lease.save(
            posting=1
        )  # a successor looks in the thread only where a post may stand that nobody noted
        # Last, so that nothing stands between this look at the lease and the write: the process may be frozen at any point.
        await self._lease.hold(WRITE_TIMEOUT + 0.5)
        await self._post(self._slack.post(self.channel, self.thread_ts, blocks, text, (self._lease.turn.id, n)), blocks)

    async def start_stream(self, text: str) -> None:
        """Posts the first message as a native stream in the thread."""
        assert self.thread_ts
        turn = self._lease.turn
        await self._lease.save(posting=1, streamed=1)  # noted before: a stream carries no turn's name until its end
        await self._lease.hold(WRITE_TIMEOUT + 0.5)
        self._started = text
        recipient = (turn.thread.team, turn.asker)
        await self._post(self._slack.start_stream(self.channel, self.thread_ts, text, recipient), None)

    async def stop_stream(self, n: int, text: str = "", blocks: Sequence[Block] = ()) -> None:
        """Ends the native stream that the n-th message is; from then on it carries the turn's name and can be edited."""
        await self._slack.pace.take("chat.stopStream", who=self._lease.turn.id)
        await self._lease.hold(WRITE_TIMEOUT + 0.5)
        await self._slack.stop_stream(self.channel, self.ts[n], text, blocks, (self._lease.turn.id, n))

    async def cut_to(self, count: int) -> None:
        """Deletes the messages after the first `count`; one that may not be deleted says at least no more that it grows."""
        for ts in self.ts[count:]:
            try:
                await self._slack.delete(self.channel, ts)
            except SlackRefused:
                with contextlib.suppress(SlackRefused):
                    await self._slack.update(self.channel, ts, [{"type": "markdown", "text": "…"}], "…")
        del self.ts[count:], self.sent[count:]

    async def text(self) -> str:
        """What the messages show in Slack now, without what stands below it."""
        if not self.ts:
            return ""
        place = ThreadKey(self._lease.turn.thread.team, self.channel, self.thread_ts or DM_ROOT)
        return await self._slack.answer_text(place, self.ts)

    async def find(self) -> None:
        """Looks in the thread for messages of this turn that nobody noted: posted just before a crash or a time-out."""
        try:
            answers = await self._answers()
        except PlaceClosed:
            return  # the write that follows meets the same closed door and goes elsewhere
        except (SlackRefused, UserFacing) as error:  # a history that may not be read must not cost the answer
            log.warning("earlier messages not looked for", turn=self._lease.turn.id, error=str(error))
            return
        self._unsure = False
        found = {
            said.part: said.ts for said in reversed(answers) if said.turn
        }  # of two with the same number the older one
        nameless = [said.ts for said in answers if not said.turn]
        if nameless and not self.ts:
            found.setdefault(0, nameless[0])
        if found:
            count = max(len(self.ts), max(found) + 1)
            posted = [found.get(n) or (self.ts[n] if n < len(self.ts) else "") for n in range(count)]
            self.ts = [ts for ts in posted if ts]
            self.unknown()
            await self._lease.save(parts=" ".join(self.ts))

    async def delete_doubles(self) -> None:
        """A post that was given up for lost may have arrived since: the answer stands once."""
        for said in await self._answers():
            lost = said.turn or (self._started and said.text == self._started)
            if lost and said.ts not in self.ts:
                await self._slack.delete(self.channel, said.ts)

    async def move_to_dm(self) -> None:
        """The thread is closed: what follows goes to the asker's DM."""
        self.channel, self.thread_ts = await self._slack.open_dm(self._lease.turn.asker), None
        self.lead = ELSEWHERE
        self.ts, self.sent = [], []
        await self._lease.save(redirect=self.channel, parts="")

    def unknown(self) -> None:
        """Each message is to be written again, whatever it shows."""
        self.sent = [None] * len(self.ts)

    async def forget(self, n: int) -> None:
        """The n-th message cannot be edited: it and what followed it are posted anew, so that they stay in order."""
        later = self.ts[n:]  # the n-th too: it may stand there all the same
        del self.ts[n:], self.sent[n:]
        await self._lease.save(parts=" ".join(self.ts))
        for ts in later:
            try:
                await self._slack.delete(self.channel, ts)
            except SlackRefused:
                continue  # one that stays there is no reason to post no whole answer
            except Retryable:
                self.doubt = True  # it is looked for again at the end

    async def _edit(self, n: int, blocks: Blocks, text: str) -> None:
        try:
            await self._slack.update(self.channel, self.ts[n], blocks, text)
        except MessageGone:
            await self.forget(n)
            raise
        except StillStreaming:  # begun by an earlier run, or its end was lost
            with contextlib.suppress(SlackRefused):  # it has just ended by itself
                await self.stop_stream(n)
            raise
        except EditsClosed:
            self.edits_closed = True
            raise
        self.sent[n] = blocks
        self.edits += 1

    async def _post(self, posting: Awaitable[str], blocks: Blocks | None) -> None:
        try:
            ts = await posting
        except RateLimited:  # nothing was done
            raise
        except Retryable:
            self._unsure = self.doubt = True
            self.late = time.monotonic() + LATE_SECONDS
            await self.find()
            raise
        self.ts.append(ts)
        self.sent.append(blocks)
        try:
            await self._lease.save(parts=" ".join(self.ts), posting=int(self.doubt))
        except LeaseLost:  # frozen in the middle of the post
            await self._take_out(len(self.ts) - 1)
            raise

    async def _take_out(self, n: int) -> None:
        """A successor that did not find this message has posted another in its place: two would stand. If it has found it, it stays."""
        with contextlib.suppress(SlackRefused, Retryable, UserFacing):
            answers = await self._answers()
            if any(said.turn and said.part == n and said.ts != self.ts[n] for said in answers):
                await self._slack.delete(self.channel, self.ts[n])

    async def _answers(self) -> list[Said]:
        """The messages of this turn that stand where it answers."""
        turn = self._lease.turn
        place = ThreadKey(turn.thread.team, self.channel, self.thread_ts or DM_ROOT)
        oldest = min((m.ts for m in turn.messages), key=float)
        streamed = self.thread_ts is not None and (turn.streamed or bool(self._started))
        return await self._slack.answer_parts(place, turn.id, oldest, streamed=streamed)
