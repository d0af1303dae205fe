"""From a Slack thread to an OpenAI conversation: found, made, repaired, replaced, carried on."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from bot.allowance import reckon
from bot.database import Database
from bot.drawn import Drawn, file
from bot.errors import Retryable, SlackRefused, SourceGone, UserFacing
from bot.files.library import Library, Record
from bot.items import Standing, developer, image, marker, output, shown, standing, text_of, user
from bot.lease import Lease
from bot.llm import Llm
from bot.models import Item, ThreadKey, Turn, Usage
from bot.mrkdwn import plain
from bot.slack import Said, Slack

log = structlog.get_logger()

SEEDS = 18  # Slack messages that a replaced conversation starts with; with the developer's and the images' items they fit one call
RECENT = 18  # items that a carried conversation keeps word for word; with the summary and the images they fit one call
IMAGES = 4  # of a thread, that a new conversation goes on seeing
SUMMARY = "Summary of the conversation so far:\n"
RECENT_CHARACTERS = 4_000
LOOK_BACK = 400  # items read to find what a cut turn left, or to sum a conversation up
TRANSCRIPT_CHARACTERS = 160_000
INTERRUPTED = '{"error": "interrupted: it is not known whether this was done"}'

SUMMARISE = """Write a summary of this conversation between people and their assistant, for the assistant to carry on from.
Keep every fact, name, number, date, preference, decision and agreement, and what is still open; keep the points of an earlier summary.
Plain sentences, at most 800 words. Write nothing else."""


class Conversations:
    """Keeps each thread's conversation usable."""

    def __init__(
        self, llm: Llm, slack: Slack, database: Database, library: Library, *, most_tokens: int, most_turns: int
    ) -> None:
        self._llm, self._slack, self._database, self._library = llm, slack, database, library
        self._most_tokens, self._most_turns = most_tokens, most_turns

    async def find(self, lease: Lease) -> str:
        """The thread's conversation, made when it has none."""
        return lease.turn.conversation or await self._adopt(lease, [], 0)

    async def look(self, conversation: str, turn: Turn) -> Standing:
        """What the conversation holds of a turn that was cut."""
        return standing(await self._llm.items(conversation, LOOK_BACK), marker(turn))

    async def unanswered(self, conversation: str) -> list[Item]:
        """Outputs that say "interrupted", for every call in the conversation that has none."""
        found = standing(await self._llm.items(conversation, LOOK_BACK), "\0")
        return [output(c.call_id, INTERRUPTED) for c in found.calls]

    async def replace(self, lease: Lease) -> str:
        """A new conversation that knows what the Slack thread shows; for one that OpenAI lost or that is beyond repair."""
        turn = lease.turn
        me = await self._slack.identity()
        first = min((m.ts for m in turn.messages), key=float)
        said: list[Said] = []
        try:
            said = [s async for s in self._slack.history(turn.thread, latest=first) if float(s.ts) < float(first)]
        except (SlackRefused, UserFacing) as error:  # without its history the thread still gets an answer
            log.warning("thread not read", thread=str(turn.thread), error=str(error))
        said.sort(key=lambda s: float(s.ts))
        items = [await self._seed(s, turn, me.user) for s in said[-SEEDS:]]
        if items:
            items.insert(0, developer("The earlier conversation was lost; this is what the Slack thread shows of it."))
        log.info("conversation replaced", thread=str(turn.thread), lost=turn.conversation, seeds=len(items))
        return await self._adopt(lease, items, 0)

    async def _seed(self, said: Said, turn: Turn, me: str) -> Item:
        if said.own:
            return {"type": "message", "role": "assistant", "content": said.text[:RECENT_CHARACTERS]}
        name = (await self._slack.person(said.user)).name if said.user else "Somebody"
        text = plain(said.text, {}, me)[:RECENT_CHARACTERS]
        return user(text if turn.thread.is_dm else f"{name}: {text}")

    async def counted(self, lease: Lease, conversation: str, usage: Usage, asked_by: str) -> Usage:
        """After a turn: counts it, and carries a conversation on that has grown large. Returns what the summary cost."""
        turns = lease.turn.conversation_turns + 1
        if usage.input_tokens <= self._most_tokens and turns < self._most_turns:
            known = {"tokens": usage.input_tokens} if usage.input_tokens else {}
            await lease.save_thread(turns=turns, **known)
            return Usage()
        return (await self.carry_on(lease, conversation, asked_by))[1]

    async def carry_on(self, lease: Lease, conversation: str, asked_by: str) -> tuple[str, Usage]:
        """A new conversation with a summary of the old one and its newest messages; the mapping is swapped in one step."""
        items = await self._llm.items(conversation, LOOK_BACK)
        if len(items) == LOOK_BACK:  # an earlier summary is the first item of all
            items = [*await self._llm.items(conversation, 1, order="asc"), *items]
        spoken = [
            i for i in items if i.get("type") == "message" and i.get("role") in ("user", "assistant", "developer")
        ]
        lines = [f"{i['role']}: {text_of(i)}" for i in spoken]
        transcript = _shortened("\n\n".join(lines))
        summary, usage = await self._llm.summarise(SUMMARISE, transcript, asked_by) if spoken else ("", Usage())
        if spoken and not summary:
            raise Retryable("empty summary")  # the old conversation stays
        recent = [i for i in spoken if not text_of(i).startswith(SUMMARY)][-RECENT:]
        seeds = [developer(SUMMARY + summary)] if summary else []
        seeds += [{"type": "message", "role": i["role"], "content": text_of(i)[:RECENT_CHARACTERS]} for i in recent]
        made = await self._adopt(lease, seeds, 0, carries_on=conversation)
        log.info("conversation carried on", thread=str(lease.key), items=len(items), summary_characters=len(summary))
        return made, usage

    async def _adopt(self, lease: Lease, items: Sequence[Item], turns: int, carries_on: str = "") -> str:
        key = lease.key
        images = (await self._library.of_thread(key, ("image",)))[-IMAGES:] if items else []
        try:
            made = await self._create(key, items, images)
        except (SourceGone, UserFacing) as error:  # an image that OpenAI has lost, or takes no more
            if not images:
                raise
            log.warning("images left behind", thread=str(key), images=len(images), reason=str(error))
            images, made = [], await self._create(key, items, [])
        await Drawn(self._database, key.team, made).on(*(file(i.given_file) for i in images))
        if carries_on:  # what its summary says comes from the same sources
            await Drawn(self._database, key.team, carries_on).pass_on(made)
        await lease.save_thread(conversation=made, turns=turns, tokens=reckon(*items))
        return made

    async def _create(self, key: ThreadKey, items: Sequence[Item], images: Sequence[Record]) -> str:
        if images:
            names = ", ".join(i.name for i in images)
            items = [*items, shown(f"[shared in this thread before: {names}]", [image(i.given_file) for i in images])]
        return await self._llm.create_conversation(
            items, {"team": key.team, "channel": key.channel, "thread": key.root}
        )


def _shortened(text: str) -> str:
    """The beginning (which holds an earlier summary) and the end of a transcript that is too long."""
    if len(text) <= TRANSCRIPT_CHARACTERS:
        return text
    third = TRANSCRIPT_CHARACTERS // 3
    return f"{text[:third]}\n\n[…]\n\n{text[-2 * third :]}"
