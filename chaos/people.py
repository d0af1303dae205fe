"""The people: who writes what where, planned from the seed, and said over time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from chaos.checker import Asked, is_whole, text_of
from chaos.words import question, word, words_in
from playground.slack import SlackServer
from playground.slack.state import Person, make_id

CROWD = 24
PATIENCE = 45.0  # seconds that somebody who waits for an answer waits before writing on
DELIVERED = 90.0  # seconds that Slack may take to deliver a message to the bot


@dataclass(frozen=True, slots=True)
class Line:
    """A message to come. `waits`: for the answer to the one before it; then `pause` seconds."""

    word: str
    person: str
    waits: bool
    pause: float
    mention: bool


@dataclass(frozen=True, slots=True)
class Talk:
    """The messages of one thread, or of one person's DM (`channel` is "" then), from `begins` seconds on."""

    channel: str
    begins: float
    lines: tuple[Line, ...]


def plan(random: Random, *, talks: int, lines: int, channels: Sequence[str], spread: float) -> list[Talk]:
    """`talks` talks of `lines` messages, begun within `spread` seconds; one in ten is a DM, as far as there are people."""
    crowd = [f"p{n:02}" for n in range(CROWD)]
    shy = random.sample(crowd, min(CROWD, talks // 10 or 1))
    made = []
    for n in range(talks):
        is_dm = n < len(shy)
        starter = shy[n] if is_dm else random.choice(crowd)
        said = []
        for m in range(lines):
            other = not is_dm and m > 0 and random.random() < 0.15
            person = random.choice([p for p in crowd if p != starter]) if other else starter
            mention = not is_dm and (other or m == 0 or random.random() < 0.3)
            said.append(Line(word(n, m), person, random.random() < 0.5, random.uniform(0.2, 4.0), mention))
        made.append(Talk("" if is_dm else channels[n % len(channels)], random.uniform(0, spread), tuple(said)))
    return made


class People:
    """Says what is planned. `asked` is what has been said, `whole` when the answer to each word was first seen whole."""

    def __init__(self, slack: SlackServer) -> None:
        self.asked: dict[str, Asked] = {}
        self.said_at: dict[str, float] = {}
        self.whole: dict[str, float] = {}
        self.undelivered = 0
        self._slack = slack
        self._answered: dict[str, asyncio.Event] = {}
        for n in range(CROWD):
            name = f"p{n:02}"
            slack.workspace.add_person(
                Person(make_id("U", name), name, f"Person {n}", f"{name}@acme.example", "Europe/Berlin")
            )
        slack.on_change(self._see)

    def add_channels(self, count: int) -> list[str]:
        """Channels with everybody and the bot in them; their names."""
        names = [f"storm-{n}" for n in range(count)]
        for name in names:
            self._slack.workspace.add_channel(name, [*(f"p{n:02}" for n in range(CROWD)), "assist"])
        return names

    async def talk(self, talks: Sequence[Talk]) -> None:
        """Says everything."""
        async with asyncio.TaskGroup() as group:
            for one in talks:
                group.create_task(self._say_all(one))

    def unanswered(self) -> list[str]:
        """Words whose answer has not been seen whole."""
        return [w for w in self.asked if w not in self.whole]

    async def _say_all(self, talk: Talk) -> None:
        await asyncio.sleep(talk.begins)
        root = ""
        before = None
        for line in talk.lines:
            if before and line.waits:
                await self._wait_for_answer(before.word)
            if before:
                await asyncio.sleep(line.pause)
            ts = await self._say(talk, line, root)
            root = root or (ts if talk.channel else "")
            before = line

    async def _say(self, talk: Talk, line: Line, root: str) -> str:
        workspace = self._slack.workspace
        channel = workspace.channel(talk.channel) if talk.channel else workspace.dm(line.person)
        text = ("@assist " if line.mention else "") + question(line.word)
        self._answered[line.word] = asyncio.Event()
        ts = workspace.say(line.person, channel, text, thread_ts=root or None)
        user = workspace.person(line.person).id
        thread = (root or ts) if talk.channel else ""
        self.asked[line.word] = Asked(line.word, channel.id, thread, ts, user)
        self.said_at[line.word] = time.monotonic()
        await self._delivered(ts)
        return ts

    async def _delivered(self, ts: str) -> None:
        """Waits until the bot has acked a message. Slack promises no order between events, and delivers one that was not acked again later:

        what is written before could overtake it, and no bot could know.
        """
        events = [e for e in list(self._slack.delivery.events)[-6:] if e.payload.get("event", {}).get("ts") == ts]
        deadline = time.monotonic() + DELIVERED
        while any(e.acked_at is None and not e.lost for e in events) and time.monotonic() < deadline:  # noqa: ASYNC110  # deliveries tell nobody of their acks
            await asyncio.sleep(0.05)
        self.undelivered += not any(e.acked_at for e in events)

    async def _wait_for_answer(self, unique: str) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                await self._answered[unique].wait()
        except TimeoutError:
            return  # people lose patience and write on

    def _see(self, change: dict[str, Any]) -> None:
        message = change["message"]
        if change["kind"] in ("message", "message_changed") and message.get("bot_id") and is_whole(message):
            for unique in words_in(text_of(message)):
                if unique in self._answered:
                    self.whole.setdefault(unique, time.monotonic())
                    self._answered[unique].set()
