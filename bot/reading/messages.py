"""A message of Slack's history, parsed. Pure; what is no person's or bot's word (joins, renamings, our own lines of progress) is left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bot import buttons
from bot.slack import Identity

WORDS = frozenset(
    ("", "bot_message", "file_share", "me_message", "thread_broadcast")
)  # subtypes that are said by somebody
NO_FILE = frozenset(("hidden_by_limit", "tombstone"))  # modes of what is no file any more
NOTHING_YET = ("", "…")


@dataclass(frozen=True, slots=True)
class Attached:
    """A file as a message names it; nothing of it has been read. `size` in bytes, 0 where Slack does not tell."""

    id: str
    name: str
    size: int = 0


@dataclass(frozen=True, slots=True)
class Reaction:
    """An emoji and who put it there; Slack may name fewer users than `count`."""

    emoji: str
    users: tuple[str, ...]
    count: int


@dataclass(frozen=True, slots=True)
class Post:
    """A message as people see it in Slack. `text` is Slack's mrkdwn, or Markdown in our own answers (`markdown`)."""

    ts: str
    text: str
    user: str = ""
    author: str = ""  # the name that a bot posts under
    own: bool = False
    markdown: bool = False
    thread_ts: str = ""  # of a reply, and of a root that has replies
    subtype: str = ""
    files: tuple[Attached, ...] = ()
    reactions: tuple[Reaction, ...] = ()
    replies: int = 0  # of a root
    edited: bool = False


def post(raw: Mapping[str, Any], me: Identity) -> Post | None:
    """A message of conversations.history or .replies; None for what nobody said: system lines, and our own answers while they grow."""
    subtype = raw.get("subtype") or ""
    if subtype not in WORDS or raw.get("hidden") or raw.get("is_ephemeral"):
        return None
    own = raw.get("user") == me.user or (bool(me.bot) and raw.get("bot_id") == me.bot)
    whole = (
        "\n\n".join(b.get("text") or "" for b in raw.get("blocks") or () if b.get("type") == "markdown") if own else ""
    )
    text = whole or raw.get("text") or "\n".join(_beside(raw))
    if own and (_grows(raw) or text.strip() in NOTHING_YET):
        return None
    files = tuple(_file(f) for f in raw.get("files") or () if f.get("id") and f.get("mode") not in NO_FILE)
    if not text.strip() and not files:
        return None
    return Post(
        ts=raw["ts"],
        text=text,
        user=raw.get("user") or "",
        author=_bots_name(raw),
        own=own,
        markdown=bool(whole),
        thread_ts=raw.get("thread_ts") or "",
        subtype=subtype,
        files=files,
        reactions=tuple(_reaction(r) for r in raw.get("reactions") or ()),
        replies=int(raw.get("reply_count") or 0),
        edited=bool(raw.get("edited")),
    )


def _grows(raw: Mapping[str, Any]) -> bool:
    """Whether it is one of our answers that is still being written: it has the button that stops it, or is an open stream."""
    rows = (b.get("elements") or () for b in raw.get("blocks") or () if b.get("type") == "actions")
    stop = any(e.get("action_id") == buttons.STOP for row in rows for e in row)
    return stop or raw.get("streaming_state") == "in_progress"


def _beside(raw: Mapping[str, Any]) -> Iterator[str]:
    """What a bot's message says without `text`. Previews of other Slack messages are left out: they may be private."""
    for block in raw.get("blocks") or ():
        text = block.get("text")
        if isinstance(text, Mapping) and text.get("text"):
            yield str(text["text"])
    for beside in raw.get("attachments") or ():
        if not (beside.get("is_msg_unfurl") or beside.get("is_share")):
            yield from (str(beside[k]) for k in ("pretext", "title", "text") if beside.get(k))


def _bots_name(raw: Mapping[str, Any]) -> str:
    if not raw.get("bot_id"):
        return ""
    return str(raw.get("username") or (raw.get("bot_profile") or {}).get("name") or "")


def _file(raw: Mapping[str, Any]) -> Attached:
    size = raw.get("size")
    return Attached(raw["id"], raw.get("name") or raw.get("title") or "a file", size if isinstance(size, int) else 0)


def _reaction(raw: Mapping[str, Any]) -> Reaction:
    users = tuple(raw.get("users") or ())
    return Reaction(raw.get("name") or "", users, int(raw.get("count") or len(users)))
