"""Questions put to a bot that is killed, stopped or frozen, and what must be true of their answers all the same."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from bot.settings import Settings
from playground.openai import OpenAIServer
from playground.slack import SlackServer
from tests.processes import Bots
from tests.scenarios.points import Question, said, script_for
from tests.scenarios.seen import answers, growing, read, whole

RESUMED_SECONDS = 10.0  # after a kill
WORDS = ("amber", "birch", "cedar", "daisy", "elder", "furze", "grape", "hazel", "iris", "jade", "kelp", "lilac")


class Asked:
    """Questions put to the bot, and what must be true of their answers."""

    def __init__(self, slack: SlackServer, ai: OpenAIServer, settings: Settings, bots: Bots) -> None:
        self.slack, self.ai, self.database = slack, ai, settings.data_dir / "assist.db"
        self._bots = bots
        self.all: list[Question] = []
        ai.script = script_for(list(WORDS))

    def ask(self, *, dm: bool = False) -> Question:
        """Asks one more question, each in a thread of its own."""
        word, ws = WORDS[len(self.all)], self.slack.workspace
        channel = ws.dm("raj").id if dm else "general"
        ts = ws.say("raj" if dm else "ana", channel, f"{'' if dm else '@assist '}the word is {word}")
        self.all.append(Question(self.slack, self.ai, self.database, word, channel, ts, None if dm else ts))
        return self.all[-1]

    async def until(self, *conditions: Callable[[], object], seconds: float = 30) -> None:
        """Waits until all the conditions have held, each at some instant."""
        for condition in conditions:
            await self.slack.until(condition, timeout=seconds)

    async def resumed(self, killed_at: float, questions: Sequence[Question]) -> None:
        """Waits until each question's turn goes on after a kill. Fails when that takes too long."""
        await self.until(*(partial(self.resumes, q, killed_at) for q in questions))
        waits = {q.word: round(self.resumes(q, killed_at)[0] - killed_at, 2) for q in questions}
        assert all(wait <= RESUMED_SECONDS for wait in waits.values()), waits

    def resumes(self, q: Question, since: float) -> list[float]:
        """When a question's turn went on in other hands, in monotonic time, as the bots' logs tell."""
        turn, found = f"{self.slack.workspace.channel(q.channel).id}-{q.ts}", []
        for line in "".join(bot.said for bot in self._bots.all).splitlines():
            if '"turn resumed"' in line and turn in line:
                at = datetime.fromisoformat(json.loads(line)["timestamp"]).timestamp()
                found.append(at - time.time() + time.monotonic())
        return sorted(at for at in found if at > since)

    async def end_well(self) -> None:
        """Each answer is whole, alone and in the message that was posted first; its note is there once; the thread works."""
        for q in self.all:
            await self.until(partial(is_whole, q), partial(_status_is_clear, q))
        for q in self.all:
            (answer,) = q.answers
            assert (q.word, read(self.slack, answer)) == (q.word, said(q.word))
            assert (q.word, q.posts) == (q.word, [answer["ts"]])
            assert (q.word, q.notes) == (q.word, 1)
        for q in self.all:
            self.slack.workspace.say(
                "raj" if q.thread_ts is None else "ana", q.channel, "and now?", thread_ts=q.thread_ts
            )
        for q in self.all:
            await self.until(partial(whole, self.slack, q.channel, q.thread_ts, 2))
        for q in self.all:
            assert answers(self.slack, q.channel, q.thread_ts) == [said(q.word), "Still here."]
        for q in self.all:
            assert (q.word, q.notes) == (q.word, 1)


def is_whole(q: Question) -> bool:
    """Whether its answer is complete."""
    return bool(q.answers) and not growing(q.answers[0]) and read(q.slack, q.answers[0]).endswith("-59")


def _status_is_clear(q: Question) -> bool:
    return not q.thread_ts or not q.slack.workspace.status(q.channel, q.thread_ts)
