"""What the workspace holds: people, channels, messages, files. Pure and synchronous."""

import itertools
import re
import time
from bisect import insort
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playground.slack.installation import Installation

Json = dict[str, Any]
SLACKBOT = "USLACKBOT"


@dataclass(slots=True)
class Person:
    """A member of the workspace. `tz` is an IANA name; `team_id` is set for people of another company; `manager` is a person's id."""

    id: str
    name: str
    real_name: str
    email: str
    tz: str
    title: str = ""
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    deleted: bool = False
    is_bot: bool = False
    is_admin: bool = False
    team_id: str = ""
    manager: str = ""


@dataclass(slots=True)
class Channel:
    """A conversation. `kind` is "channel", "group" (private), "im" or "mpim"; `top` and `threads` index `messages`."""

    id: str
    name: str
    kind: str = "channel"
    members: set[str] = field(default_factory=set)
    is_archived: bool = False
    is_ext_shared: bool = False
    is_pending_ext_shared: bool = False  # somebody has invited another company, which has not come yet
    created: int = 0
    messages: dict[str, Json] = field(default_factory=dict)
    top: list[str] = field(default_factory=list)
    threads: dict[str, list[str]] = field(default_factory=dict)

    @property
    def is_private(self) -> bool:
        """Whether only its members may read it."""
        return self.kind != "channel"


@dataclass(slots=True)
class File:
    """A file. `shares` names (channel id, message ts); `content` is None until its bytes have come.

    A path as `content` is read from disk as it is downloaded, never held. `mode` is Slack's: "hosted", "snippet", "space" (a
    post), "quip" (a canvas), "external" (elsewhere, at `url`), "hidden_by_limit". A `url` of another mode stands in for Slack's
    own address. `subtype` is "slack_audio" or "slack_video" for a clip, `transcription` the state of its transcript:
    "processing", "complete", "failed", or "" where Slack makes none.
    """

    id: str
    name: str
    user: str
    mimetype: str
    content: bytes | Path | None
    created: int
    title: str = ""
    shares: list[tuple[str, str]] = field(default_factory=list)
    deleted: bool = False
    filetype: str = ""
    mode: str = "hosted"
    url: str = ""
    external_type: str = ""
    subtype: str = ""
    duration_ms: int = 0
    transcription: str = ""
    transcript: str = ""
    alt_txt: str = ""
    to_app: bool = False  # given to the app in a modal

    @property
    def size(self) -> int:
        """Its bytes; 0 where Slack has none of them."""
        if isinstance(self.content, Path):
            return self.content.stat().st_size
        return len(self.content or b"")


@dataclass(frozen=True, slots=True)
class Change:
    """Something that happened. `kind` is mostly the Slack event's name; `extra` holds what only this kind has."""

    kind: str
    channel: Channel | None = None
    message: Json = field(default_factory=dict)
    previous: Json = field(default_factory=dict)
    user: str = ""
    extra: Json = field(default_factory=dict)


def make_id(prefix: str, name: str) -> str:
    """A readable id of Slack's form, e.g. ("U", "ana") → "U000000ANA"."""
    return prefix + re.sub(r"[^A-Z0-9]", "", name.upper()).rjust(9, "0")


class State:
    """The workspace's data and the primitive changes to it; every change is told to `listeners`.

    Message dicts are replaced, never changed in place, so what a reader was given stays as it was.
    `clock` gives Unix seconds; a test may set its own.
    """

    def __init__(self, app: Installation, clock: Callable[[], float] = time.time) -> None:
        self.app = app
        self.clock = clock
        self.people: dict[str, Person] = {}
        self.channels: dict[str, Channel] = {}
        self.files: dict[str, File] = {}
        self.usergroups: dict[str, Json] = {}
        self.listeners: list[Callable[[Change], None]] = []
        self.counter_events = False  # Slack also replays a parent as message_changed when its reply count changes
        self._handles: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._last_us = 0
        self._serial = itertools.count(1)

    def emit(self, change: Change) -> None:
        """Tell every listener."""
        for listener in self.listeners:
            listener(change)

    def next_ts(self) -> str:
        """A message timestamp: unique, increasing, microseconds."""
        self._last_us = max(int(self.clock() * 1_000_000), self._last_us + 1)
        return f"{self._last_us // 1_000_000}.{self._last_us % 1_000_000:06d}"

    def next_id(self, prefix: str) -> str:
        """A new id, e.g. "F0000012AB"; unique over restarts too, as time is part of it."""
        stamp = int(self.clock()) % 0xFFFFFF * 0xFFFF + next(self._serial)
        return f"{prefix}{stamp:09X}"[:13]

    def add_person(self, person: Person) -> Person:
        """Let somebody join the workspace."""
        self.people[person.id] = person
        self._handles[person.name] = person.id
        return person

    def add_channel(self, name: str, members: Iterable[str], *, kind: str = "channel", id: str = "") -> Channel:  # noqa: A002 - Slack's word
        """Make a channel; members are handles or ids."""
        id = id or make_id("D" if kind == "im" else "C", name)  # noqa: A001 - Slack's word
        channel = Channel(id, name, kind, {self.person(m).id for m in members}, created=int(self.clock()))
        self.channels[channel.id] = channel
        self._names[name] = channel.id
        return channel

    def person(self, key: str | Person) -> Person:
        """By handle or id; KeyError when there is none."""
        if isinstance(key, Person):
            return key
        return self.people[self._handles.get(key.removeprefix("@"), key)]

    def channel(self, key: str | Channel) -> Channel:
        """By name or id; KeyError when there is none."""
        if isinstance(key, Channel):
            return key
        return self.channels[self._names.get(key.removeprefix("#"), key)]

    def dm(self, person: str | Person) -> Channel:
        """That person's direct messages with the bot; made when missing."""
        who = self.person(person)
        found = self.channels.get(make_id("D", who.name))
        return found or self.add_channel(
            who.name + " dm", [who.id, self.app.bot_user_id], kind="im", id=make_id("D", who.name)
        )

    def post(self, channel: Channel, message: Json, *, thread_ts: str | None = None, broadcast: bool = False) -> Json:
        """Store a new message and return it as stored; the caller has checked that the thread exists."""
        ts = self.next_ts()
        message = {"type": "message", "team": self.app.team_id, **message, "ts": ts}
        if thread_ts:
            message |= {"thread_ts": thread_ts, "parent_user_id": channel.messages[thread_ts].get("user", "")}
            channel.threads.setdefault(thread_ts, []).append(ts)
        if broadcast:
            message["subtype"] = "thread_broadcast"
        if broadcast or not thread_ts:
            channel.top.append(ts)
        channel.messages[ts] = message
        self.emit(Change("message", channel, message, user=message.get("user", "")))
        if thread_ts:
            self._count(channel, thread_ts)
        return message

    def replace(self, channel: Channel, message: Json, *, kind: str = "message_changed") -> Json:
        """Put a new version of a stored message (same ts) in its place; `kind` "" tells nobody but the page."""
        previous = channel.messages[message["ts"]]
        channel.messages[message["ts"]] = message
        self.emit(Change(kind or "counted", channel, message, previous))
        return message

    def remove(self, channel: Channel, ts: str) -> None:
        """Delete a message. The root of a thread with replies stays as a tombstone, as in Slack."""
        previous = channel.messages[ts]
        if channel.threads.get(ts):
            kept = {k: previous[k] for k in previous if k.startswith(("reply_", "latest_", "thread_ts"))}
            self.replace(
                channel,
                {
                    "type": "message",
                    "subtype": "tombstone",
                    "text": "This message was deleted.",
                    "user": SLACKBOT,
                    "hidden": True,
                    "ts": ts,
                }
                | kept,
            )
            return
        del channel.messages[ts]
        root = previous.get("thread_ts", ts)
        if ts in channel.top:
            channel.top.remove(ts)
        self.emit(Change("message_deleted", channel, previous=previous))
        if root != ts:
            channel.threads[root].remove(ts)
            self._count(channel, root)

    def _count(self, channel: Channel, root_ts: str) -> None:
        """Bring a root's reply counters up to date after its thread changed."""
        replies = [channel.messages[ts] for ts in channel.threads[root_ts]]
        bare = {
            k: v
            for k, v in channel.messages[root_ts].items()
            if not k.startswith(("reply_", "latest_")) and k != "thread_ts"
        }
        if replies:
            users = list(dict.fromkeys(r.get("user", "") for r in replies))
            bare |= {
                "thread_ts": root_ts,
                "reply_count": len(replies),
                "reply_users_count": len(users),
                "reply_users": users[:5],
            }
            bare["latest_reply"] = replies[-1]["ts"]
        self.replace(channel, bare, kind="message_changed" if self.counter_events else "")

    def read(self, channel: Channel, thread_ts: str | None = None) -> list[Json]:
        """A thread (root first), or the channel's top level; oldest first, as stored: not to be changed."""
        order = channel.top if thread_ts is None else [thread_ts, *channel.threads.get(thread_ts, ())]
        return [channel.messages[ts] for ts in order if ts in channel.messages]

    def restore_message(self, channel: Channel, message: Json) -> None:
        """Put back a message of a snapshot, quietly."""
        ts, root = message["ts"], message.get("thread_ts")
        channel.messages[ts] = message
        if root and root != ts:
            insort(channel.threads.setdefault(root, []), ts)
        if not root or root == ts or message.get("subtype") == "thread_broadcast":
            insort(channel.top, ts)
        seconds, micros = ts.split(".")
        self._last_us = max(self._last_us, int(seconds) * 1_000_000 + int(micros))
