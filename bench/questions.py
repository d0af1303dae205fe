"""Questions that are asked of the bot, what the model says to them, and when Slack showed how much of it."""

from __future__ import annotations

import asyncio
import json
import re
import time
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import aiohttp

from bench.stage import CHANNELS, Stage
from playground.openai import Script
from playground.openai.plan import Call, Plan, Say, View

CHARACTERS_A_TOKEN = 4
ANSWER = re.compile(r'"text": ?"Answer (\d+) begins')
NUMBER = re.compile(r"question (\d+)\.")
AT_A_TIME = 25  # questions put before the acks of the earlier ones are waited for
QUIET = 0.3  # seconds after a response's last token, when OpenAI surely knows its text


@dataclass(slots=True)
class Answer:
    """One question and what became of it. Times are time.monotonic().

    `steps`: at each change of the answer's messages, how many characters of text Slack showed from then on.
    `begun` and `ended`: the model's first and last token.
    """

    said: str
    asked_at: float
    steps: list[tuple[float, int]] = field(default_factory=list)
    begun: float | None = None
    ended: float | None = None
    whole: asyncio.Event = field(default_factory=asyncio.Event)
    _texts: dict[str, list[str]] = field(default_factory=dict)  # of each message, by ts

    def changed(self, ts: str, texts: list[str] | None) -> None:
        """Slack shows this message with these texts, or (None) shows it no more."""
        if texts is None:
            self._texts.pop(ts, None)
        else:
            self._texts[ts] = texts
        self.steps.append((time.monotonic(), sum(len(t) for shown in self._texts.values() for t in shown)))
        if self.is_right():
            self.whole.set()

    def is_right(self) -> bool:
        """Whether the text stands in Slack once and word for word. Where it is cut into several, the space at the cut may go."""
        texts = [self._texts[ts] for ts in sorted(self._texts, key=float)]
        parts = [part for shown in texts for part in shown]
        if not all(texts):
            return False
        return parts == [self.said] if len(parts) == 1 else " ".join(parts).split() == self.said.split()


class Model(Script):
    """Answers `question N.` with a text that names N; `tool` is called before, if any. Other requests get the rule-based model."""

    def __init__(self, tokens: int, tool: tuple[str, dict[str, Any]] | None = None) -> None:
        super().__init__()
        self._tokens, self._tool = tokens, tool

    def take(self, view: View) -> Plan | None:
        """The plan for a request."""
        asked = NUMBER.search(view.last_user)
        if not asked or view.conversation_id is None:
            return None
        if self._tool and not (view.input and view.input[-1].get("type") == "function_call_output"):
            name, arguments = self._tool
            return Plan((Call(name, json.dumps(arguments)),))
        return Plan((Say(text(int(asked[1]), self._tokens)),))


class Questions:
    """Asks questions in new threads over all channels, and follows their answers."""

    def __init__(self, stage: Stage, tokens: int, tool: tuple[str, dict[str, Any]] | None = None) -> None:
        self.answers: dict[int, Answer] = {}  # by their number
        self._stage, self._tokens = stage, tokens
        self._places: list[tuple[str, str]] = []  # channel and root of each question
        self._numbers: dict[tuple[str, str], int] = {}
        self._seen: set[str] = set(stage.ai.timings)  # responses whose times are in an answer, or no concern of ours
        self._channels = [c for c in stage.slack.workspace.channels.values() if c.name.startswith("bench-")]
        stage.ai.script = Model(tokens, tool)
        stage.slack.on_change(self._changed)

    def ask(self) -> Answer:
        """Asks one question."""
        n = len(self.answers)
        channel = self._channels[n % CHANNELS]
        root = self._stage.slack.workspace.say("ana", channel, f"@assist question {n}.")
        self._places.append((channel.id, root))
        self._numbers[channel.id, root] = n
        self.answers[n] = Answer(text(n, self._tokens), time.monotonic())
        return self.answers[n]

    def place(self, number: int) -> tuple[str, str]:
        """The channel and the root of a question."""
        return self._places[number]

    async def ask_many(self, count: int) -> None:
        """Asks so many as fast as the bot acks them."""
        while count > 0:
            for _ in range(now := min(count, AT_A_TIME)):
                self.ask()
            count -= now
            await self.acked(2 * now)  # a mention comes with its twin

    async def acked(self, count: int) -> None:
        """Waits until the newest `count` events are acked."""
        newest = list(islice(reversed(self._stage.slack.delivery.events), count))
        await self._stage.slack.until(lambda: all(e.acked_at is not None for e in newest), 60)

    def follow_up(self, number: int) -> None:
        """Says something more in a question's thread; while the question waits, one answer covers both."""
        channel, root = self.place(number)
        self._stage.slack.workspace.say("ana", channel, f"One thing more about question {number}.", thread_ts=root)

    async def answered(self, seconds: float) -> None:
        """Waits until all answers are whole, for so many seconds at most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                for answer in self.answers.values():
                    await answer.whole.wait()

    async def learn_times(self) -> None:
        """Asks OpenAI which answer each new response was; it keeps only the newest ones, so this is asked as they end."""
        ai, before = self._stage.ai, time.monotonic() - QUIET
        new = [(id_, t) for id_, t in ai.timings.items() if id_ not in self._seen and t[1] < before]
        if not new:
            return
        # Not with OpenAI's client: making one takes longer than the figures that are measured meanwhile.
        async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {ai.api_key}"}) as client:
            for id_, times in new:
                async with client.get(f"{ai.base_url}/responses/{id_}") as response:
                    if named := ANSWER.search(await response.text()):
                        answer = self.answers[int(named[1])]
                        answer.begun, answer.ended = times
                self._seen.add(id_)

    def _changed(self, told: dict[str, Any]) -> None:
        message = told["message"]
        if not message or not message.get("bot_id") or not told["kind"].startswith("message"):
            return
        number = self._numbers.get((told["channel"], message.get("thread_ts", "")))
        if number is not None:
            texts = [b["text"] for b in message.get("blocks", ()) if b["type"] == "markdown"]
            self.answers[number].changed(message["ts"], None if told["kind"] == "message_deleted" else texts)


def text(n: int, tokens: int) -> str:
    """A text of about `tokens` tokens that says which answer it is. It ends with a whole word: half of a **bold** one would be mended."""
    words = (
        f"Answer {n} begins here and goes on with plain words, some of them **bold**, until it has been long enough. "
    )
    return (words * (tokens * CHARACTERS_A_TOKEN // len(words) + 1))[: tokens * CHARACTERS_A_TOKEN].rsplit(" ", 1)[0]
