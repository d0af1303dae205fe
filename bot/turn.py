"""The story of one turn: from the messages that wait to the whole answer in Slack."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import astuple
from typing import Any

import structlog

from bot import buttons
from bot.acts import QUIET, acts
from bot.allowance import reckon
from bot.briefing import brief
from bot.desk import Desk, Tally
from bot.errors import ConversationTrouble, LeaseLost, Retryable, SlackRefused, UserFacing
from bot.exchange import Exchange, joined
from bot.files.made import Computed
from bot.items import deleted_aside, is_empty, person_hash, question, stopped_aside
from bot.journal import Journal
from bot.lease import Lease
from bot.models import ACT, AGAIN, GONE, Item, Person, Turn, Usage, turn_id
from bot.mrkdwn import escaped, mentions
from bot.pace import POST
from bot.reply import Reply

log = structlog.get_logger()

PEOPLE = 30  # whose names are looked up for one turn
ASIDES, ASIDE_FILES = 6, 10  # of the newest kept for the next question
STOPPED_AT_ONCE = "_Stopped before I had written anything._"

HELP = """Hi {name}! Ask me something after my name, or write to me in a direct message. In a thread I remember what was said.

- *“What was decided in this thread?”*, *“What was said in #general today?”*: I read Slack for you, as far as you may.
- Share a file and ask about it: *“What is the hotel limit in Denver?”*, *“Show the sales by region as a chart.”*
- *“Remember that I prefer morning meetings.”* — later: *“What do you remember?”*"""


class Story:
    """One run of one turn."""

    def __init__(self, desk: Desk, lease: Lease) -> None:
        turn = lease.turn
        computed = Computed.from_json(turn.computed)
        self.tally = Tally(usage=turn.usage, footnotes=list(turn.footnotes), computed=computed)
        self._desk, self._lease, self._turn = desk, lease, lease.turn
        self._reply: Reply | None = None
        self._exchange: Exchange | None = None
        self.stopped = lease.turn.cut  # it ended because somebody wanted no more of it
        self._session = False  # Slack shows its stop button
        self._told: set[str] = set()  # ts of waiting messages whose authors know that they wait
        self._seen: set[str] = set()

    async def run(self) -> None:
        """Answers the turn's messages. Raises Retryable, UserFacing or LeaseLost; whatever was written stays."""
        if self._turn.kind == GONE:
            await self._take_away()
            return
        if self._turn.kind == ACT:
            await self._perform()
            return
        me = await self._desk.slack.identity()
        people = await self._people(self._turn)
        asker = people[self._turn.asker]
        names = {p.id: p.name for p in people.values()}
        reply = self._reply = Reply(
            self._desk.slack, self._lease, names, growing=buttons.growing(self._turn.thread, self._turn.messages[0].ts)
        )
        empty = is_empty(self._turn.messages, me.user)
        known = HELP.format(name=asker.name) if empty else self._turn.answer
        if known is not None:
            await reply.open()
            await self._finish(known, again=not empty)
            return
        asked = question(self._turn, people, me.user)
        if self._lease.stopped.is_set():  # while it waited for this run, which need not ask OpenAI anything
            await reply.open()
            await self._end(await self._cut_short(asked))
            return
        finding = asyncio.create_task(self._desk.conversations.find(self._lease))
        begun = (reply.open(), finding, self._show_session())
        for failure in await asyncio.gather(*begun, return_exceptions=True):  # no post may come in after the turn
            if isinstance(failure, BaseException):
                raise failure
        self._turn = await self._lease.reread()
        answer = await self._unless_stopped(self._ask(reply, people, me.user, finding.result()))
        await self._end(await self._cut_short(asked) if answer is None else answer)
        if self._exchange:
            await self._count(self._exchange)

    async def _perform(self) -> None:
        """Does the turn's acts in their order. What may work later holds up those behind it; what is broken does not, and is raised at the end."""
        broken: Exception | None = None
        for act in acts(self._turn):
            try:
                await self._desk.perform(act)
            except (Retryable, UserFacing, LeaseLost):
                raise
            except Exception as error:
                log.exception("act broken", do=act.do, act=act.id, team=act.team, person=act.user)
                broken = broken or error
        if broken:
            raise broken

    async def _ask(self, reply: Reply, people: Mapping[str, Person], me: str, conversation: str) -> str:
        """The model's answer, after all that it needs has been made ready."""
        desk, turn = self._desk, self._turn
        briefing = await brief(desk, self._lease, reply, conversation, self.tally)
        self.tally.heard += briefing.heard
        journal = Journal(desk.database, desk.tools, turn, people[turn.asker], briefing.sources)
        self._exchange = Exchange(desk, self._lease, reply, journal, self.tally, briefing)
        return await self._exchange.answer(question(turn, people, me, briefing.files, briefing.around))

    async def _end(self, answer: str) -> None:
        """Notes the whole answer, then writes it."""
        usage, footnotes = json.dumps(astuple(self.tally.usage)), "\n".join(self.tally.footnotes)
        computed = self.tally.computed.to_json()
        await self._lease.save(
            answer=answer, cut=int(self.stopped), usage=usage, footnotes=footnotes, computed=computed
        )
        await self._finish(answer, again=True)

    async def fail(self, text: str) -> None:
        """Says what went wrong, below what was written: half an answer never looks whole."""
        if self._turn.kind == GONE:
            return  # nobody is told that an answer could not be taken away
        if self._turn.kind == ACT:
            if self._turn.messages[0].of in QUIET:
                return
            channel = await self._desk.slack.open_dm(self._turn.asker)
            await self._desk.slack.pace.take(POST, channel)
            await self._desk.slack.post(channel, None, [], f":warning: {text}")
            return
        if self._reply is None:
            self._reply = Reply(self._desk.slack, self._lease, {})
            await self._reply.open()
        so_far = self._exchange.so_far() if self._exchange else self._turn.written
        kept = self._turn.answer or await self._kept(so_far)
        await self._finish(joined(kept, f":warning: {text}"), again=True, label="Try again")

    async def pause(self, why: str) -> None:
        """Says why the answer stands still; the turn will be tried again."""
        if self._reply:
            await self._reply.pause(why)

    async def close(self) -> None:
        """Stops writing to Slack."""
        if self._reply:
            self.tally.edits, self.tally.first_text = self._reply.edits, self._reply.first_at
            await self._reply.close()
        if self._session and self._turn.thread.thread_ts:
            self._session = False
            await self._tell_session(self._turn.thread.thread_ts, "active")

    async def show_waiting(self) -> None:
        """Shows those who wrote meanwhile that their messages wait."""
        if self._reply:
            await self._reply.keep_alive()
        if self._reply and self._lease.waiting:
            await self._tell_waiting(self._reply)

    # -- stopped, taken away ---------------------------------------------------------------------------------------------

    async def _unless_stopped(self, answering: Coroutine[Any, Any, str]) -> str | None:
        """The answer; None as soon as somebody wants no more of it."""
        answer = asyncio.create_task(answering)
        stop = asyncio.create_task(self._lease.stopped.wait())
        try:
            await asyncio.wait([answer, stop], return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                return answer.result()
            return None
        finally:
            for task in (answer, stop):
                task.cancel()
            await asyncio.gather(answer, stop, return_exceptions=True)

    async def _cut_short(self, asked: Sequence[Item]) -> str:
        """What there is of an answer that was stopped; its conversation learns of it with the next question."""
        self.stopped, turn, exchange = True, self._turn, self._exchange
        goes_on = exchange.goes_on if exchange else turn.response if turn.sequence >= 0 else ""
        if goes_on:
            with contextlib.suppress(Retryable, UserFacing):
                await self._desk.llm.cancel(goes_on)
        said = exchange.so_far() if exchange else joined(turn.written, turn.partial)
        if exchange:
            await exchange.cut()
            # OpenAI tells the usage of whole responses only: what was cut short is reckoned.
            self.tally.usage += Usage(turn.conversation_tokens + reckon(*asked), 0, reckon(said) if said else 0)
        text = await self._kept(said)
        files = dict.fromkeys((*turn.aside_files, *(f.id for f in turn.files)))
        await self._note(stopped_aside(asked, text), aside_files=" ".join([*files][-ASIDE_FILES:]))
        return text or STOPPED_AT_ONCE

    async def _kept(self, so_far: str) -> str:
        """The text so far; where an earlier run had come further, or an answer was to be had again and is not begun, what stands in Slack."""
        assert self._reply
        if len(so_far) < self._turn.shown or (self._turn.kind == AGAIN and not so_far):
            return max(so_far, await self._reply.standing(), key=len)
        return so_far

    async def _note(self, aside: list[tuple[str, str]], **more: str) -> None:
        await self._lease.save_thread(aside=json.dumps([*self._turn.aside, *aside][-ASIDES:]), **more)

    async def _take_away(self) -> None:
        """The question was deleted: so is its answer, unless somebody else has spoken since."""
        gone = self._turn.messages[0]
        turn = turn_id(self._turn.thread, gone.of)
        try:
            said = [s async for s in self._desk.slack.history(self._turn.thread, oldest=gone.of)]
        except (SlackRefused, UserFacing) as error:
            log.warning("answer to a deleted question not looked for", turn=turn, error=str(error))
            return
        parts = [s for s in said if s.own and s.turn == turn]
        if not parts:
            return
        first = min(float(s.ts) for s in parts)
        if any(not s.own and s.user != gone.user and float(s.ts) > first for s in said):
            return
        for part in parts:
            await self._desk.slack.delete(self._turn.thread.channel, part.ts)
        await self._desk.made.take_back(self._turn.thread.team, turn)
        await self._note(deleted_aside(turn))

    # -- beside the answer -----------------------------------------------------------------------------------------------

    async def _show_session(self) -> None:
        if thread_ts := self._turn.thread.thread_ts:
            self._session = await self._tell_session(thread_ts, "processing")

    async def _tell_session(self, thread_ts: str, status: str) -> bool:
        """Slack's own stop button; it adorns, there is another."""
        try:
            await self._desk.slack.session(self._turn.thread.channel, thread_ts, status, self._turn.asker)
        except (SlackRefused, Retryable, UserFacing) as error:
            log.debug("session not shown", turn=self._turn.id, error=str(error))
            return False
        return True

    async def _tell_waiting(self, reply: Reply) -> None:
        """Says below the thread that messages wait; and whoever has been waiting for a beat is told so, with a button to take it back."""
        thread = self._turn.thread
        if not self._seen.issuperset(self._lease.waiting):
            count = self._lease.waiting_count
            await reply.status(f"is answering; {count} more message{'s' if count > 1 else ''} will be answered next…")
        for place, ts in enumerate(self._lease.waiting, start=1):
            if ts in self._seen and ts not in self._told:
                self._told.add(ts)
                message = await self._lease.message(ts)
                if message and not message.kind:
                    text = f"Your message is number {place} in line here: I am still answering the one before it."
                    blocks = buttons.offer(text, buttons.CANCEL, "Cancel", thread, ts)
                    await self._desk.slack.whisper(thread.channel, message.user, thread.thread_ts, text, blocks)
        self._seen.update(self._lease.waiting)

    # -- beginning and end -------------------------------------------------------------------------------------------------

    async def _people(self, turn: Turn) -> dict[str, Person]:
        named = dict.fromkeys([m.user for m in turn.messages])
        for message in turn.messages[:PEOPLE]:
            named |= dict.fromkeys(mentions(message.text)[:PEOPLE])
        authors = {m.user for m in turn.messages}
        wanted = [u for n, u in enumerate(named) if n < PEOPLE or u in authors]
        found = await asyncio.gather(*(self._desk.slack.person(u) for u in wanted))
        return {p.id: p for p in found}

    async def _finish(self, text: str, *, again: bool = False, label: str = "Regenerate") -> None:
        assert self._reply
        notes = list(self.tally.footnotes)
        if self.stopped:
            who = await self._desk.slack.person(self._lease.stopped_by)
            notes.append(f"⏹ Stopped by {escaped(who.name)}.")
        first = self._turn.messages[0].ts if again else ""
        await self._reply.finish(text, buttons.below(notes, self._turn.thread, first, label))
        if more := await self._desk.made.deliver(self._lease, self.tally.computed, *self._reply.place):
            await self._reply.finish(text, buttons.below([*notes, *more], self._turn.thread, first, label))

    async def _count(self, exchange: Exchange) -> None:
        """Counts the turn in its conversation, which may be carried on now; the answer stands whatever comes of that."""
        usage = Usage(input_tokens=exchange.last_input)
        person = person_hash(self._turn.thread.team, self._turn.asker)
        try:
            self.tally.usage += await self._desk.conversations.counted(
                self._lease, exchange.conversation, usage, person
            )
        except (Retryable, UserFacing, ConversationTrouble) as error:
            log.warning("conversation not carried on", turn=self._turn.id, error=str(error))
        if self._turn.aside and not self.stopped:
            await self._lease.save_thread(aside="", aside_files="")  # the conversation has heard it now
