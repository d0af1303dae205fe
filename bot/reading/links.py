"""Links to Slack's messages, in all the forms that Slack gives them, and moments as the model names them. Pure."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from urllib.parse import parse_qs, urlsplit

from bot.errors import ToolRefused
from bot.slack import Identity

TS = re.compile(r"\d{9,11}\.\d{6}")
_CHANNEL = r"[CDG][A-Z0-9]{2,}"
_ARCHIVE = re.compile(rf"/archives/({_CHANNEL})(?:/p(\d{{9,11}})(\d{{6}}))?/?")
_CLIENT = re.compile(
    rf"/client/([TE][A-Z0-9]+)/({_CHANNEL})(?:/(?:thread/{_CHANNEL}-(\d+\.\d+)|p(\d{{9,11}})(\d{{6}})))?/?"
)
FOREIGN = "That link leads to another workspace: I can read only this one's messages."
NO_LINK = 'That is no link to a Slack message. It looks like https://…slack.com/archives/C…/p… ("Copy link" in a message\'s menu).'


@dataclass(frozen=True, slots=True)
class Link:
    """A place in Slack. `ts` is "" where the link names no message, `thread_ts` where it names no thread."""

    channel: str
    ts: str = ""
    thread_ts: str = ""


def link(text: str, me: Identity) -> Link:
    """What a link leads to: as copied, in Slack's brackets, of the web client, of the app. Raises ToolRefused for any other."""
    url = html.unescape(text.strip().removeprefix("<").removesuffix(">").split("|")[0].strip())
    try:
        parts = urlsplit(url)
        query = {k: v[0] for k, v in parse_qs(parts.query).items()}
    except ValueError:
        raise ToolRefused(NO_LINK) from None
    if parts.scheme == "slack":
        if query.get("team", me.team) != me.team:
            raise ToolRefused(FOREIGN)
        return _checked(query.get("id", ""), query.get("message", ""), query.get("thread_ts", ""))
    if parts.scheme not in ("http", "https"):
        raise ToolRefused(NO_LINK)
    if parts.hostname == "app.slack.com" and (found := _CLIENT.fullmatch(parts.path)):
        if found[1] != me.team:
            raise ToolRefused(FOREIGN)
        ts = found[3] or (f"{found[4]}.{found[5]}" if found[4] else "")
        return _checked(found[2], ts, found[3] or "")
    found = _ARCHIVE.fullmatch(parts.path)
    if not found:
        raise ToolRefused(NO_LINK)
    if parts.netloc.casefold() != urlsplit(me.url).netloc.casefold():
        raise ToolRefused(FOREIGN)
    return _checked(found[1], f"{found[2]}.{found[3]}" if found[2] else "", query.get("thread_ts", ""))


def permalink(url: str, channel: str, ts: str, thread_ts: str = "") -> str:
    """A message's link as chat.getPermalink gives it, without asking. `url` is the workspace's address."""
    made = f"{url}archives/{channel}/p{ts.replace('.', '')}"
    return f"{made}?thread_ts={thread_ts}&cid={channel}" if thread_ts and thread_ts != ts else made


def moment(text: str, zone: tzinfo, me: Identity, *, end: bool = False) -> str:
    """A ts for a date or time in ISO form (in `zone` where it names none), for a message's link or its ts.

    A date alone is its first moment, or with `end` its last. Raises ToolRefused for anything else.
    """
    said = text.strip()
    if TS.fullmatch(said):
        return said
    if "/" in said:
        return link(said, me).ts or _no_moment()
    try:
        if len(said) <= len("2026-11-20"):
            at = datetime.combine(date.fromisoformat(said) + timedelta(days=1 if end else 0), time(), zone)
        else:
            at = datetime.fromisoformat(said)
            at = at if at.tzinfo else at.replace(tzinfo=zone)
        return f"{max(0.0, at.timestamp()):.6f}"
    except (ValueError, OverflowError):
        return _no_moment()


def _no_moment() -> str:
    raise ToolRefused("Give a time as 2026-11-20 or 2026-11-20T14:00, or the link of a message.")


def _checked(channel: str, ts: str, thread_ts: str) -> Link:
    if not re.fullmatch(_CHANNEL, channel) or any(t and not TS.fullmatch(t) for t in (ts, thread_ts)):
        raise ToolRefused(NO_LINK)
    return Link(channel, ts, thread_ts)
