"""The only code that indexes raw Slack payloads, with parse_acts.py and its like: an event in, a frozen value out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot import buttons
from bot.files.names import clean_name
from bot.models import DM_ROOT, Message, SharedFile, ThreadKey
from bot.mrkdwn import addresses_other, mentions

Raw = Mapping[str, Any]
SAID = (None, "file_share", "thread_broadcast")  # subtypes that are somebody saying something
SLACKBOT = "USLACKBOT"
TS = re.compile(r"\d+\.\d+")
MALFORMED = "malformed"


@dataclass(frozen=True, slots=True)
class Edited:
    """A message got another text."""

    thread: ThreadKey
    ts: str
    user: str
    text: str
    for_bot: bool  # by its text or its place; in a thread of the bot's it may be so all the same


@dataclass(frozen=True, slots=True)
class Deleted:
    """A message was deleted. `event_ts` is when; `user` wrote it, or is empty where Slack does not tell."""

    thread: ThreadKey
    ts: str
    user: str
    event_ts: str
    event_id: str
    for_bot: bool


@dataclass(frozen=True, slots=True)
class StopPressed:
    """Somebody pressed the stop button of the answer to the turn that begins with `first`, or Slack's own (then it is empty). `ts` is when."""

    thread: ThreadKey
    user: str
    ts: str
    first: str = ""


@dataclass(frozen=True, slots=True)
class AgainPressed:
    """Somebody wants the answer anew to the turn whose first message is `first`. `ts` is when."""

    thread: ThreadKey
    user: str
    first: str
    ts: str


@dataclass(frozen=True, slots=True)
class CancelPressed:
    """Somebody takes the message `message` back, which waits."""

    thread: ThreadKey
    user: str
    message: str


@dataclass(frozen=True, slots=True)
class HomeOpened:
    """Somebody looks at the app's Home tab."""

    user: str
    event_id: str


@dataclass(frozen=True, slots=True)
class FileDeleted:
    """Somebody deleted a file in Slack."""

    file: str


@dataclass(frozen=True, slots=True)
class LeftChannel:
    """The bot is in a channel no more."""

    channel: str


@dataclass(frozen=True, slots=True)
class JoinedChannel:
    """The bot has come into a channel."""

    channel: str


@dataclass(frozen=True, slots=True)
class KnowledgePressed:
    """Somebody pressed a button of the Home tab's knowledge. `trigger` opens a modal for three seconds; `remove` is the file that is to go."""

    user: str
    trigger: str
    remove: str = ""


@dataclass(frozen=True, slots=True)
class KnowledgeGiven:
    """Somebody submitted files as knowledge."""

    user: str
    files: tuple[SharedFile, ...]
    visibility: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """Nothing to do, and why."""

    why: str


Parsed = Message | Edited | Deleted | HomeOpened | StopPressed | FileDeleted | LeftChannel | JoinedChannel | Ignored
Pressed = StopPressed | AgainPressed | CancelPressed | Ignored


def parse(body: Raw, me: str) -> Parsed:
    """What an Events API body asks of the bot, whose user id is `me`.

    Never raises: what cannot be read now could not be read when Slack delivered it again.
    """
    try:
        return _parse(body, me)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        return Ignored(MALFORMED)


def parse_press(body: Raw) -> Pressed:
    """What a press of one of our buttons asks for. Never raises."""
    try:
        action, user = body["actions"][0], as_id(body["user"]["id"])
        thread, _, ts = str(action["value"]).partition("|")
        key = ThreadKey.parse(thread)
        as_id(key.team), as_id(key.channel), key.root == DM_ROOT or as_ts(key.root)
        if key.channel != body["channel"]["id"]:
            raise ValueError(key.channel)  # a button is pressed where it stands
        match action["action_id"]:
            case buttons.STOP:
                return StopPressed(key, user, as_ts(action["action_ts"]), as_ts(ts))
            case buttons.AGAIN:
                return AgainPressed(key, user, as_ts(ts), as_ts(action["action_ts"]))
            case buttons.CANCEL:
                return CancelPressed(key, user, as_ts(ts))
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        return Ignored(MALFORMED)
    return Ignored("not a button of ours")


def parse_knowledge_press(body: Raw) -> KnowledgePressed | Ignored:
    """What a press in the Home tab's knowledge asks for. Never raises."""
    try:
        action, user, trigger = body["actions"][0], as_id(body["user"]["id"]), as_text(body["trigger_id"])
        if action["action_id"] == buttons.ADD_KNOWLEDGE:
            return KnowledgePressed(user, trigger)
        return KnowledgePressed(user, trigger, remove=as_text(action["value"]))
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        return Ignored(MALFORMED)


def parse_knowledge(body: Raw) -> KnowledgeGiven | Ignored:
    """The submitted modal for knowledge. Never raises."""
    try:
        values = body["view"]["state"]["values"]
        given = values[buttons.GIVEN_FILES][buttons.GIVEN_FILES].get("files") or ()
        files = tuple(map(_file, given))
        visibility = as_id(values[buttons.GIVEN_TO][buttons.GIVEN_TO]["selected_option"]["value"])
        return KnowledgeGiven(as_id(body["user"]["id"]), files, visibility)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        return Ignored(MALFORMED)


def _parse(body: Raw, me: str) -> Parsed:
    event = body["event"]
    match event.get("type"):
        case "file_deleted":
            return FileDeleted(as_id(event["file_id"]))
        case "channel_left" | "group_left":
            return LeftChannel(as_id(event["channel"]))
        case "member_joined_channel":
            return JoinedChannel(as_id(event["channel"])) if event["user"] == me else Ignored("somebody else joined")
        case "app_home_opened":
            if event.get("tab") != "home":
                return Ignored("not the home tab")
            return HomeOpened(as_id(event["user"]), as_id(body["event_id"]))
        case "agent_session_stopped":
            root = as_ts(event["thread_ts"]) if event.get("thread_ts") else DM_ROOT
            key = ThreadKey(_team(body), as_id(event["channel"]), root)
            return StopPressed(key, as_id(event["user"]), as_ts(event["event_ts"]))
        case "app_mention":
            return _said(body, event, me)
        case "message":
            return _message(body, event, me)
    return Ignored("event type")


def _message(body: Raw, event: Raw, me: str) -> Parsed:
    subtype = event.get("subtype")
    if subtype == "message_changed":
        new, old = event["message"], event.get("previous_message") or {}
        if new.get("subtype") == "tombstone":
            return _deleted(body, event, old or new, as_ts(new["ts"]), me)
        if new.get("text") == old.get("text"):
            return Ignored("edit without a change of text")  # an unfurl, or the counter of a thread's replies
        if _not_a_person(new, me):
            return Ignored("a bot's message")
        text, user = as_text(new.get("text") or ""), as_id(new["user"])
        return Edited(_thread(body, event, new), as_ts(new["ts"]), user, text, _for_bot(event, new, me))
    if subtype == "message_deleted":
        old = event.get("previous_message") or {}
        return _deleted(body, event, old, as_ts(event.get("deleted_ts") or old["ts"]), me)
    return _said(body, event, me) if subtype in SAID else Ignored("message subtype")


def _deleted(body: Raw, event: Raw, old: Raw, ts: str, me: str) -> Deleted:
    user = old.get("user")
    return Deleted(
        thread=_thread(body, event, old),
        ts=ts,
        user=as_id(user) if user else "",
        event_ts=as_ts(event.get("event_ts") or event["ts"]),
        event_id=as_id(body["event_id"]),
        for_bot=_for_bot(event, old, me),
    )


def _said(body: Raw, event: Raw, me: str) -> Message | Ignored:
    if _not_a_person(event, me):
        return Ignored("a bot's message")
    text, root = as_text(event.get("text") or ""), event.get("thread_ts")
    in_thread = bool(root) and root != event["ts"]
    direct = _is_dm(event)
    mentioned = direct or event["type"] == "app_mention" or me in mentions(text)
    if not mentioned and not in_thread:
        return Ignored("not meant for the bot")
    if not mentioned and addresses_other(text, me):
        return Ignored("meant for somebody else")
    return Message(
        thread=_thread(body, event, event),
        ts=as_ts(event["ts"]),
        user=as_id(event["user"]),
        text=text,
        event_id=as_id(body["event_id"]),
        files=tuple(map(_file, event.get("files") or ())),
        by_mention=mentioned,
        starts_thread=mentioned and not in_thread and not direct,
        action_token=_action_token(event),
    )


def _file(raw: Raw) -> SharedFile:
    """A file as an event names it. The name is somebody's words that go into a line for the model, perhaps beside another's question."""
    return SharedFile(as_id(raw["id"]), clean_name(as_text(raw.get("name") or raw["id"])))


def _action_token(event: Raw) -> str:
    """What assistant.search.context wants. Slack sends it at the event's top level; older apps had it in `assistant_thread`."""
    return as_text(event.get("action_token") or (event.get("assistant_thread") or {}).get("action_token") or "")


def _thread(body: Raw, event: Raw, message: Raw) -> ThreadKey:
    """The thread a message belongs to; at a DM's top level all messages share one."""
    ts = as_ts(message.get("ts") or event.get("deleted_ts") or event["ts"])
    root = as_ts(message.get("thread_ts") or ts)
    return ThreadKey(_team(body), as_id(event["channel"]), DM_ROOT if _is_dm(event) and root == ts else root)


def _team(body: Raw) -> str:
    authorizations = body.get("authorizations") or [{}]
    return as_id(authorizations[0].get("team_id") or body.get("team_id"))


def _for_bot(event: Raw, message: Raw, me: str) -> bool:
    return _is_dm(event) or me in mentions(as_text(message.get("text") or ""))


def _is_dm(event: Raw) -> bool:
    return event.get("channel_type") == "im" or str(event.get("channel", "")).startswith("D")


def _not_a_person(message: Raw, me: str) -> bool:
    user = message.get("user")
    return not user or user in (me, SLACKBOT) or bool(message.get("bot_id")) or bool(message.get("bot_profile"))


def as_id(value: Any) -> str:
    """An id. Raises ValueError for anything else: it becomes part of Redis keys."""
    if not isinstance(value, str) or not value.isalnum():
        raise ValueError(value)
    return value


def as_ts(value: Any) -> str:
    """A message's ts. Raises ValueError for anything else: the queue sorts by it."""
    if not isinstance(value, str) or not TS.fullmatch(value):
        raise ValueError(value)
    return value


def as_text(value: Any) -> str:
    """Words, with halves of surrogate pairs replaced: JSON may hold them, UTF-8 cannot. Raises ValueError for what is no text."""
    if not isinstance(value, str):
        raise ValueError(value)  # noqa: TRY004  # one error for all that is malformed
    return value.encode("utf-8", "replace").decode()
