"""The instants in the life of an answer at which a test may kill the bot.

A point is a function that plants what holds the answer there, and gives a condition that is true once it is held. The servers answer a held call
late but do what it asks, as Slack and OpenAI would: its caller may be dead by then.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playground.openai import OpenAIServer, Script, text
from playground.openai.plan import Call, Plan, Say, View
from playground.openai.script import Step
from playground.slack import SlackServer
from tests.scenarios.seen import calls_of, growing

HELD = 4.5  # seconds, at Slack; less than the bot's time-out for a call to it
HELD_BY_MODEL = 6.0
Condition = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Question:
    """A question whose answer makes a note, then says a long text. `ts` is its message, `thread_ts` None at a DM's top level."""

    slack: SlackServer
    ai: OpenAIServer
    database: Path
    word: str
    channel: str
    ts: str
    thread_ts: str | None

    @property
    def thread(self) -> str:
        """The thread's name in the bot's queue."""
        return f"{self.slack.team_id}:{self.slack.workspace.channel(self.channel).id}:{self.thread_ts or 'dm'}"

    @property
    def answers(self) -> list[dict[str, Any]]:
        """The bot's messages where the answer belongs."""
        messages = self.slack.workspace.messages(self.channel, self.thread_ts)
        return [m for m in messages if m.get("bot_id") and float(m["ts"]) > float(self.ts)]

    @property
    def posts(self) -> list[str]:
        """The ts of every message that was ever posted there."""
        calls = [c for c in self.slack.calls if c.method in ("chat.postMessage", "chat.startStream") and c.ok]
        return [c.ts for c in calls if self._is_here(c.args) and float(c.ts) > float(self.ts)]

    @property
    def edits(self) -> list[dict[str, Any]]:
        """The edits of the answer, oldest first."""
        posts = self.posts
        return [a for a in calls_of(self.slack, "chat.update") if a["ts"] in posts]

    @property
    def notes(self) -> int:
        """How often the note was made."""
        return self._count("SELECT count(*) FROM notes WHERE text = ?", note(self.word))

    @property
    def calls_without_outcome(self) -> int:
        """How many calls of its tool are stored whose outcome is not."""
        return self._count("SELECT count(*) FROM journal WHERE outcome IS NULL AND arguments LIKE ?", f"%{self.word}%")

    def requests(self, *, with_outputs: bool) -> list[Any]:
        """What was asked of the model for it: with or without the tool's outputs."""
        asked = [r for r in self.ai.requests if r.path == "/v1/responses" and self.is_in(r.body)]
        return [r for r in asked if brings_outputs(r.body) == with_outputs]

    def is_in(self, body: Mapping[str, Any]) -> bool:
        """Whether a request to the model is made in its conversation: after a kill it need not say the question again."""
        conversation = self.ai.conversations.get(str(body.get("conversation")))
        return conversation is not None and self.is_its(conversation.metadata)

    def is_its(self, metadata: Mapping[str, str] | None) -> bool:
        """Whether this is the metadata of its conversation."""
        id_ = self.slack.workspace.channel(self.channel).id
        return {**(metadata or {})} == {"team": self.slack.team_id, "channel": id_, "thread": self.thread_ts or "dm"}

    def is_answer(self, args: Mapping[str, Any]) -> bool:
        """Whether these are the arguments of an edit of its answer."""
        return args.get("ts") in self.posts

    def _is_here(self, args: Mapping[str, Any]) -> bool:
        id_ = self.slack.workspace.channel(self.channel).id
        return args.get("channel") == id_ and (args.get("thread_ts") or args.get("ts")) == self.thread_ts

    def _count(self, query: str, value: str) -> int:
        with closing(sqlite3.connect(self.database, timeout=10)) as database:
            return int(database.execute(query, (value,)).fetchone()[0])


Point = Callable[[Question], Condition]


def note(word: str) -> str:
    """The note that the model makes of a question."""
    return f"the word is {word}"


def said(word: str) -> str:
    """What the model answers, in about three seconds."""
    return " ".join(f"{word}-{n}" for n in range(60))


def forgetful(word: str) -> tuple[Step, Step]:
    """A model that asks for the note, after some progress, as long as it does not see that it did; then it answers."""

    def is_noted(view: View) -> bool:
        at = max((n for n, item in enumerate(view.items) if item.get("role") == "user"), default=0)
        return any(item["type"] == "function_call_output" for item in view.items[at:])

    thinking = Say("Let me make a note of that. ", phase="commentary", chunk=3, delay=0.1)
    call = Call("remember", f'{{"note": "{note(word)}"}}')
    noting = Step(Plan((thinking, call)), lambda view: word in view.last_user and not is_noted(view))
    return noting, text(said(word), chunk=9, delay=0.05, match=word)


def script_for(words: list[str]) -> Script:
    """A model for these questions and for a follow-up; it answers again whenever it is asked again."""
    script = Script()
    for step in (text("Still here.", match="and now?"), *(s for word in words for s in forgetful(word))):
        script.forever(step)
    return script


def brings_outputs(body: Mapping[str, Any]) -> bool:
    """Whether a request brings the outputs of function calls."""
    return any(isinstance(i, dict) and i.get("type") == "function_call_output" for i in body.get("input") or ())


# -- before the first post ------------------------------------------------------------------------------------------------------


def conversation_being_made(q: Question) -> Condition:
    q.ai.faults.add("/conversations", status=0, delay=HELD_BY_MODEL, when=lambda b: q.is_its(b.get("metadata")))
    return lambda: any(r.path == "/v1/conversations" and q.is_its(r.body.get("metadata")) for r in q.ai.requests)


def model_asked(q: Question) -> Condition:
    before = len(q.requests(with_outputs=False))
    q.ai.faults.add("/responses", status=0, delay=HELD_BY_MODEL, when=lambda b: q.is_in(b) and not brings_outputs(b))
    return lambda: len(q.requests(with_outputs=False)) > before


def call_being_written(q: Question) -> Condition:
    """The model streams, half a second away from its call."""
    since = time.monotonic()

    def is_it() -> bool:
        running = [r for r in q.requests(with_outputs=False) if r.status == 0 and r.at > since]
        return any(time.monotonic() - r.at > 0.4 for r in running)

    return is_it


def tool_running(q: Question) -> Condition:
    """Inside the transaction of its effect: the note is slow to be written, and gone again when the process is."""
    with closing(sqlite3.connect(q.database, timeout=10)) as database:
        database.execute(
            "CREATE TABLE IF NOT EXISTS many AS SELECT value AS n FROM json_each('[' || ? || '0]')", ("0," * 999,)
        )
        count = f"SELECT count(*) FROM many a, many b, many c WHERE NEW.text = '{note(q.word)}' AND a.n + b.n + c.n > 0"
        database.execute(f"CREATE TRIGGER IF NOT EXISTS slow AFTER INSERT ON notes BEGIN {count}; END")
        database.commit()
    return lambda: q.calls_without_outcome > 0


def tools_run_freely(database_file: Path) -> None:
    """Takes away what `tool_running` planted."""
    with closing(sqlite3.connect(database_file, timeout=10)) as database:
        database.execute("DROP TRIGGER IF EXISTS slow")
        database.commit()


def outputs_being_sent(q: Question) -> Condition:
    before = len(q.requests(with_outputs=True))
    q.ai.faults.add("/responses", status=0, delay=HELD_BY_MODEL, when=lambda b: q.is_in(b) and brings_outputs(b))
    return lambda: len(q.requests(with_outputs=True)) > before


# -- from the first post to the end -----------------------------------------------------------------------------------------------


def first_post_in_flight(q: Question) -> Condition:
    return _held(q, "chat.postMessage", q._is_here)


def first_post_done(q: Question) -> Condition:
    return lambda: bool(q.posts)


def model_streaming(q: Question) -> Condition:
    before = len(q.edits)
    return lambda: len(q.edits) >= before + 2


def edit_in_flight(q: Question) -> Condition:
    return _held(q, "chat.update", lambda args: q.is_answer(args) and growing(dict(args)))


def last_edit_in_flight(q: Question) -> Condition:
    return _held(q, "chat.update", lambda args: q.is_answer(args) and not growing(dict(args)))


def last_edit_done(q: Question) -> Condition:
    """The answer is whole, the turn not closed: the status below the thread is being cleared."""
    return _held(
        q, "assistant.threads.setStatus", lambda args: args.get("thread_ts") == q.thread_ts and not args.get("status")
    )


def stream_start_in_flight(q: Question) -> Condition:
    return _held(q, "chat.startStream", q._is_here)


def stream_appending(q: Question) -> Condition:
    return _held(q, "chat.appendStream", q.is_answer)


def stream_stop_in_flight(q: Question) -> Condition:
    return _held(q, "chat.stopStream", q.is_answer)


def _held(q: Question, method: str, when: Callable[[Mapping[str, Any]], bool]) -> Condition:
    fault = q.slack.faults.add(method, delay=HELD, when=when)
    return lambda: fault.hits > 0


POINTS: tuple[Point, ...] = (
    conversation_being_made,
    model_asked,
    call_being_written,
    tool_running,
    outputs_being_sent,
    first_post_in_flight,
    first_post_done,
    model_streaming,
    edit_in_flight,
    last_edit_in_flight,
    last_edit_done,
)
