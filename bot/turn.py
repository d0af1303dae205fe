"""The story of one turn: from the messages that wait to the whole answer in Slack."""

from __future__ import annotations

import asyncio
import json
from dataclasses import astuple

import structlog

from bot.conversations import is_empty, person_hash, question
from bot.desk import Desk, Tally
from bot.errors import ConversationTrouble, Retryable, UserFacing
from bot.exchange import Exchange, joined
from bot.journal import Journal
from bot.lease import Lease
from bot.models import Person, Turn, Usage
from bot.mrkdwn import mentions
from bot.reply import Reply

log = structlog.get_logger()

PEOPLE = 30  # whose names are looked up for one turn

HELP = """Hi {name}! Ask me something after my name, or write to me in a direct message. In a thread I remember what was said.

- *“What time is it for me?”*
- *“Remember that I prefer morning meetings.”* — later: *“What do you remember?”*"""


class Story:
    """One run of one turn."""

    def __init__(self, desk: Desk, lease: Lease) -> None:
        self.tally = Tally(usage=lease.turn.usage, footnotes=list(lease.turn.footnotes))
        self._desk, self._lease, self._turn = desk, lease, lease.turn
        self._reply: Reply | None = None
        self._exchange: Exchange | None = None

    async def run(self) -> None:
        """Answers the turn's messages. Raises Retryable, UserFacing or LeaseLost; whatever was written stays."""
        me = await self._desk.slack.identity()
        people = await self._people(self._turn)
        asker = people[self._turn.asker]
        reply = self._reply = Reply(self._desk.slack, self._lease, {p.id: p.name for p in people.values()})
        known = HELP.format(name=asker.name) if is_empty(self._turn.messages, me.user) else self._turn.answer
        if known is not None:
            await asyncio.gather(reply.open(), self._take_off_marks(reply))
            await self._finish(known)
            return
        finding = asyncio.create_task(self._desk.conversations.find(self._lease))
        begun = (reply.open(), finding, self._take_off_marks(reply))
        for failure in await asyncio.gather(*begun, return_exceptions=True):  # no post may come in after the turn
            if isinstance(failure, BaseException):
                raise failure
        self._turn = await self._lease.reread()
        journal = Journal(self._desk.database, self._desk.tools, self._turn, asker)
        exchange = Exchange(self._desk, self._lease, reply, journal, self.tally, finding.result())
        self._exchange = exchange
        answer = await exchange.answer(question(self._turn, people, me.user))
        usage, footnotes = json.dumps(astuple(self.tally.usage)), "\n".join(self.tally.footnotes)
        await self._lease.save(answer=answer, usage=usage, footnotes=footnotes)
        await self._finish(answer)
        await self._count(exchange)

    async def fail(self, text: str) -> None:
        """Says what went wrong, below what was written: half an answer never looks whole."""
        if self._reply is None:
            self._reply = Reply(self._desk.slack, self._lease, {})
            await self._reply.open()
        so_far = self._exchange.so_far() if self._exchange else self._turn.written
        await self._finish(joined(self._turn.answer or so_far, f":warning: {text}"))

    async def pause(self, why: str) -> None:
        """Says why the answer stands still; the turn will be tried again."""
        if self._reply:
            await self._reply.pause(why)

    async def close(self) -> None:
        """Stops writing to Slack."""
        if self._reply:
            self.tally.edits, self.tally.first_text = self._reply.edits, self._reply.first_at
            await self._reply.close()

    async def show_waiting(self) -> None:
        """Shows those who wrote meanwhile that their messages wait."""
        if self._reply:
            await self._reply.keep_alive()
        if self._reply and self._lease.waiting:
            await self._reply.mark_waiting(self._lease.waiting, self._lease.waiting_count)

    # -- beginning and end -------------------------------------------------------------------------------------------------

    async def _people(self, turn: Turn) -> dict[str, Person]:
        named = dict.fromkeys([m.user for m in turn.messages])
        for message in turn.messages[:PEOPLE]:
            named |= dict.fromkeys(mentions(message.text)[:PEOPLE])
        authors = {m.user for m in turn.messages}
        wanted = [u for n, u in enumerate(named) if n < PEOPLE or u in authors]
        found = await asyncio.gather(*(self._desk.slack.person(u) for u in wanted))
        return {p.id: p for p in found}

    async def _take_off_marks(self, reply: Reply) -> None:
        if self._turn.marked:
            await reply.unmark(self._turn.marked)
            await self._lease.save_thread(marked="")

    async def _finish(self, text: str) -> None:
        assert self._reply
        await self._reply.finish(text)

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
