"""Frozen values that cross boundaries: who, where, what was said, what a turn is."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Item = Any  # of a conversation at OpenAI: a plain dict in the shape of one of the SDK's TypedDicts
DM_ROOT = "dm"
AGAIN = "again"  # kinds of messages that are none of a person's words: have a question answered again …
GONE = "gone"  # … take the answer of a deleted question away …
ACT = "act"  # … and do what a button, a form or a command asks for (bot/acts.py)
ACTS_ROOT = "acts"  # of the thread that keeps one person's acts in order


@dataclass(frozen=True, slots=True)
class ThreadKey:
    """A thread's identity. `root` is the root message's ts, or "dm" for the running conversation at a DM's top level."""

    team: str
    channel: str
    root: str

    def __str__(self) -> str:
        return f"{self.team}:{self.channel}:{self.root}"

    @classmethod
    def parse(cls, text: str) -> ThreadKey:
        team, channel, root = text.split(":", 2)
        return cls(team, channel, root)

    @property
    def is_dm(self) -> bool:
        """Whether only one person and the bot read it."""
        return self.channel.startswith("D")

    @property
    def thread_ts(self) -> str | None:
        """Where answers go: the thread's root, or None for a DM's top level."""
        return None if self.root == DM_ROOT else self.root


@dataclass(frozen=True, slots=True)
class SharedFile:
    """A file as the event names it; nothing of it has been read."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message meant for the bot, as stored in the queue. `text` is Slack's mrkdwn."""

    thread: ThreadKey
    ts: str
    user: str
    text: str
    event_id: str
    files: tuple[SharedFile, ...] = ()
    by_mention: bool = True  # False: a follow-up that counts only when it is the thread's starter's
    starts_thread: bool = False  # a mention at a channel's top level: its author may follow up without a mention
    replayed: bool = (
        False  # it came back from the dead list, or is answered again: an answer to it may stand in Slack already
    )
    kind: str = ""  # AGAIN, GONE or ACT; a question has none
    of: str = ""  # of AGAIN: when it was asked for; of GONE: the ts of the deleted question; of ACT: its name
    action_token: str = ""  # lets the bot search Slack for the author, for a short while

    def to_json(self) -> str:
        """The message as the queue stores it."""
        fields = asdict(self)
        fields["thread"] = str(self.thread)
        return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes) -> Message:
        """A stored message; keys of later versions are ignored."""
        raw = json.loads(text)
        known = {
            k: raw[k]
            for k in (
                "ts",
                "user",
                "text",
                "event_id",
                "by_mention",
                "starts_thread",
                "replayed",
                "kind",
                "of",
                "action_token",
            )
            if k in raw
        }
        files = tuple(SharedFile(f["id"], f["name"]) for f in raw.get("files", ()))
        return cls(thread=ThreadKey.parse(raw["thread"]), files=files, **known)


@dataclass(frozen=True, slots=True)
class Person:
    """A Slack user as the bot knows them."""

    id: str
    name: str
    tz: str = ""  # empty: not known

    @property
    def zone(self) -> tzinfo:
        """The person's time zone; UTC where Slack gives none that is known here."""
        try:
            return ZoneInfo(self.tz or "UTC")
        except (ZoneInfoNotFoundError, ValueError):
            return UTC


@dataclass(frozen=True, slots=True)
class By:
    """Who does something, and by what: `cause` is the id of the press, form or command, "" for a tool (the journal keeps those from happening twice)."""

    team: str
    person: str
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """A function call that the model asked for; `arguments` is the JSON text it wrote."""

    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as OpenAI counts them; they add up over a turn's rounds."""

    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_tokens + other.input_tokens,
            self.cached_tokens + other.cached_tokens,
            self.output_tokens + other.output_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
        )

    def __sub__(self, other: Usage) -> Usage:
        return Usage(
            self.input_tokens - other.input_tokens,
            self.cached_tokens - other.cached_tokens,
            self.output_tokens - other.output_tokens,
            self.reasoning_tokens - other.reasoning_tokens,
        )


@dataclass(frozen=True, slots=True)
class Turn:
    """What a worker leases: the messages answered together, and how far an earlier try came."""

    id: str
    thread: ThreadKey
    messages: tuple[Message, ...]
    attempt: int = 0  # earlier tries that failed
    leases: int = 1  # how many workers have had it
    resumed: bool = False  # an earlier try may have posted, sent or done something
    conversation: str = ""
    conversation_turns: int = 0
    conversation_tokens: int = 0  # its size after the last request; 0: not known
    response: str = ""  # the last response id that OpenAI gave
    answer: str | None = None  # the whole text, once the model has finished
    written: str = ""  # text of the rounds that are complete
    parts: tuple[str, ...] = ()  # ts of the Slack messages that hold the answer
    streamed: bool = False  # the first message began as a native stream, or was about to
    redirect: str = ""  # the DM that the answer goes to, because the thread is closed
    posting: bool = False  # a post was begun, and nobody noted its end
    shown: int = 0  # characters that Slack has shown, or was about to
    usage: Usage = field(default_factory=Usage)
    stopped_by: str = ""  # the user who wants no more of it
    cut: bool = False  # `answer` is as far as it had come when it was stopped
    aside: tuple[tuple[str, str], ...] = ()  # role and text of what the conversation does not know
    aside_files: tuple[str, ...] = ()  # Slack's ids of the files that belong to that
    counted: str = ""  # the last response that `usage` holds
    sequence: int = -1  # of the last event of `response` that was read; -1: it cannot be followed
    item: int = -1  # the output item that this event belongs to
    partial: str = ""  # the text of `response` up to there
    footnotes: tuple[str, ...] = ()
    others: int = 0  # messages in the thread since its last turn that were not meant for the bot
    heard_files: tuple[SharedFile, ...] = ()  # and the files among them
    computed: str = ""  # what the model's code left behind, as JSON (bot/files/made.py)

    @property
    def kind(self) -> str:
        """What is to be done: "" to answer, AGAIN to answer again, GONE to take an answer away, ACT to do what was pressed."""
        return self.messages[0].kind

    @property
    def files(self) -> tuple[SharedFile, ...]:
        """What was shared with the turn's messages, and in the thread since the last turn."""
        return (*self.heard_files, *(f for m in self.messages for f in m.files))

    @property
    def asker(self) -> str:
        """The user whose rights and time zone count: the author of the newest message."""
        return self.messages[-1].user


def turn_id(thread: ThreadKey, first: str) -> str:
    """A turn's name, the same however often it runs: its channel and the ts of its first message."""
    return f"{thread.channel}-{first}"


def utcnow() -> datetime:
    """The time, aware of being UTC."""
    return datetime.now(UTC)
