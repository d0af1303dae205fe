"""How methods find what an argument names, with Slack's errors, and cut lists into pages."""

import base64
import re
from collections.abc import Sequence
from typing import TypeVar

from playground.slack.arguments import SlackError
from playground.slack.state import Channel, Json, Person
from playground.slack.workspace import Workspace

T = TypeVar("T")
_TS = re.compile(r"\d{10}\.\d{6}")
_PREFIX = {"channel": "channels", "group": "groups", "im": "im", "mpim": "mpim"}


def need_scope(ws: Workspace, *scopes: str) -> None:
    """SlackError("missing_scope") unless the token has one of them."""
    if scopes and not ws.app.scopes.intersection(scopes):
        raise SlackError("missing_scope", needed=",".join(scopes), provided=",".join(sorted(ws.app.scopes)))


def kind_scope(ws: Workspace, channel: Channel, action: str) -> None:
    """The scope that reading this kind of conversation needs, e.g. "groups:history"."""
    need_scope(ws, f"{_PREFIX[channel.kind]}:{action}")


def seen(ws: Workspace, channel_id: str) -> Channel:
    """A channel that the app can see: public, or one it is in."""
    channel = ws.channels.get(channel_id)
    if channel is None or (channel.is_private and ws.app.bot_user_id not in channel.members):
        raise SlackError("channel_not_found")
    return channel


def joined(ws: Workspace, channel_id: str, otherwise: str = "not_in_channel") -> Channel:
    """A channel that the app is a member of."""
    channel = seen(ws, channel_id)
    if ws.app.bot_user_id not in channel.members:
        raise SlackError(otherwise)
    return channel


def addressed(ws: Workspace, key: str) -> Channel:
    """Where a post goes: a channel id, a name, or a user id for the direct messages."""
    if key in ws.people:
        return ws.dm(known(ws, key))
    try:
        channel = joined(ws, ws.channel(key).id)
    except KeyError:
        raise SlackError("channel_not_found") from None
    if channel.is_archived:
        raise SlackError("is_archived")
    return channel


def thread(
    channel: Channel, thread_ts: str | None, malformed: str = "invalid_thread_ts", missing: str = "thread_not_found"
) -> str | None:
    """The root of the thread to reply to, None when no thread was named."""
    if thread_ts is None:
        return None
    if not _TS.fullmatch(thread_ts):
        raise SlackError(malformed)
    root = channel.messages.get(thread_ts)
    if root is None:
        raise SlackError(missing)
    if root.get("thread_ts", thread_ts) != thread_ts:
        raise SlackError("cannot_reply_to_message")
    return thread_ts


def found(channel: Channel, ts: str, otherwise: str = "message_not_found") -> Json:
    """A message by its ts."""
    message = channel.messages.get(ts)
    if message is None or message.get("subtype") == "tombstone":
        raise SlackError(otherwise)
    return message


def known(ws: Workspace, user_id: str) -> Person:
    """A person by id."""
    if user_id not in ws.people:
        raise SlackError("user_not_found")
    return ws.people[user_id]


def page(
    items: Sequence[T], args: Json, default: int = 100, most: int = 1000, *, strict: bool = True
) -> tuple[list[T], Json]:
    """(one page, {"response_metadata": …}) as `limit` and `cursor` ask. Cursors name an index into the list."""
    limit = args.get("limit") or default
    if strict and not 1 <= limit <= most:
        raise SlackError("invalid_limit")
    start = _start(args.get("cursor"), len(items))
    end = start + max(1, min(limit, most))
    return list(items[start:end]), {"response_metadata": {"next_cursor": cursor_at(end) if end < len(items) else ""}}


def cursor_at(place: int | str) -> str:
    """An opaque cursor."""
    return base64.b64encode(f"next:{place}".encode()).decode()


def cursor_place(cursor: str) -> str:
    """What a cursor was made of; SlackError("invalid_cursor") when it is not one of ours."""
    try:
        head, _, place = base64.b64decode(cursor, validate=True).decode().partition(":")
    except ValueError:
        raise SlackError("invalid_cursor") from None
    if head != "next" or not place:
        raise SlackError("invalid_cursor")
    return place


def _start(cursor: str | None, total: int) -> int:
    if not cursor:
        return 0
    place = cursor_place(cursor)
    if not place.isdigit() or int(place) > total:
        raise SlackError("invalid_cursor")
    return int(place)
