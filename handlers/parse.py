"""The only code that indexes raw Slack payloads: an event in, a frozen value out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.models import DM_ROOT, Message, SharedFile, ThreadKey
from bot.mrkdwn import addresses_other, mentions

Raw = Mapping[str, Any]
SAID = (None, "file_share", "thread_broadcast")  # subtypes that are somebody saying something
SLACKBOT = "USLACKBOT"


@dataclass(frozen=True, slots=True)
class Edited:
    """A message got another text."""

    thread: ThreadKey
    ts: str
    text: str


@dataclass(frozen=True, slots=True)
class Deleted:
    """A message was deleted."""

    thread: ThreadKey
    ts: str


@dataclass(frozen=True, slots=True)
class HomeOpened:
    """Somebody looks at the app's Home tab."""

    user: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """Nothing to do, and why."""

    why: str


Parsed = Message | Edited | Deleted | HomeOpened | Ignored


def parse(body: Raw, me: str) -> Parsed:
    """What an Events API body asks of the bot, whose user id is `me`."""
    event = body["event"]
    match event.get("type"):
        case "app_home_opened":
            return HomeOpened(event["user"]) if event.get("tab") == "home" else Ignored("not the home tab")
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
            return Deleted(_thread(body, event, old or new), new["ts"])
        if new.get("text") == old.get("text"):
            return Ignored("edit without a change of text")  # an unfurl, or the counter of a thread's replies
        if _not_a_person(new, me):
            return Ignored("a bot's message")
        return Edited(_thread(body, event, new), new["ts"], new.get("text") or "")
    if subtype == "message_deleted":
        old = event.get("previous_message") or {}
        return Deleted(_thread(body, event, old), event.get("deleted_ts") or old["ts"])
    return _said(body, event, me) if subtype in SAID else Ignored("message subtype")


def _said(body: Raw, event: Raw, me: str) -> Message | Ignored:
    if _not_a_person(event, me):
        return Ignored("a bot's message")
    text, root = event.get("text") or "", event.get("thread_ts")
    in_thread = bool(root) and root != event["ts"]
    direct = _is_dm(event)
    mentioned = direct or event["type"] == "app_mention" or me in mentions(text)
    if not mentioned and not in_thread:
        return Ignored("not meant for the bot")
    if not mentioned and addresses_other(text, me):
        return Ignored("meant for somebody else")
    return Message(
        thread=_thread(body, event, event),
        ts=event["ts"],
        user=event["user"],
        text=text,
        event_id=body["event_id"],
        files=tuple(SharedFile(f["id"], f.get("name") or f["id"]) for f in event.get("files") or ()),
        by_mention=mentioned,
        starts_thread=mentioned and not in_thread and not direct,
    )


def _thread(body: Raw, event: Raw, message: Raw) -> ThreadKey:
    """The thread a message belongs to; at a DM's top level all messages share one."""
    authorizations = body.get("authorizations") or [{}]
    team = authorizations[0].get("team_id") or body.get("team_id") or ""
    ts = message.get("ts") or event.get("deleted_ts") or event["ts"]
    root = message.get("thread_ts") or ts
    return ThreadKey(team, event["channel"], DM_ROOT if _is_dm(event) and root == ts else root)


def _is_dm(event: Raw) -> bool:
    return event.get("channel_type") == "im" or str(event.get("channel", "")).startswith("D")


def _not_a_person(message: Raw, me: str) -> bool:
    user = message.get("user")
    return not user or user in (me, SLACKBOT) or bool(message.get("bot_id")) or bool(message.get("bot_profile"))
