"""Finds people and rooms in the words behind `/meet`. Pure."""

from __future__ import annotations

import re

from bot.meetings.when.words import END, listed

_PERSON = (
    (re.compile(r"<@([UW][A-Za-z0-9]+)(?:\|[^<>]*)?>"), "<@{}>"),
    (re.compile(r"<!subteam\^(S[A-Za-z0-9]+)(?:\|[^<>]*)?>"), "<!subteam^{}>"),
    (re.compile(r"<mailto:([^|<>\s]{3,254})(?:\|[^<>]*)?>"), "{}"),
    (re.compile(r"([A-Za-z0-9][\w.+'-]{0,63}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6})"), "{}"),
    (re.compile(r"(@[^\W\d_](?:[\w.'-]{0,78}\w)?)"), "{}"),
)
_NOBODY = re.compile(r"<(?:!(?:here|channel|everyone)|#[A-Z0-9]+)(?:\|[^<>]*)?>|@(?:here|channel|everyone)\b")
_NAME = r"\"[^\"<>]{1,80}\"|[^\s,;\"<>@]{1,80}"
_ROOMS = (
    re.compile(rf"(?:in |at )?(?:the )?(?:meeting |conference )?room: ?(?P<name>{_NAME})"),
    re.compile(rf"(?:in|at) (?:the )?(?:meeting |conference )?room (?P<name>{_NAME})"),
    re.compile(rf"(?:in|at) (?:the )?(?P<name>{_NAME}) room{END}"),
)
_AMONG = re.compile(
    rf"(?:the )?(?:meeting |conference )?room (?P<name>{_NAME})"
)  # where people are named, it needs no "in"
_NO_ROOM = listed("for at with on in and the a an meeting conference same other big small any this that")
JOINS = listed("with w/ and & &amp; + , ; plus invite inviting including between")
BEFORE_NAMES = frozenset(("with", "w/", "w"))
ENDS_NAMES = listed("about re re: regarding on for to in at from by because to: if so")
OPTIONAL = re.compile(rf"\((?:optional|opt\.?)\)|optional(?:ly)?(?: ?:|{END})|opt:")


def person_at(text: str, at: int) -> tuple[str, int] | None:
    """Somebody who is named there as Slack writes it, by address, or by @name; "" for all of a channel, which is nobody in particular."""
    if m := _NOBODY.match(text, at):
        return "", m.end()
    for pattern, said in _PERSON:
        if m := pattern.match(text, at):
            return said.format(m[1]), m.end()
    return None


def room_at(text: str, folded: str, at: int, *, among: bool = False) -> tuple[str, int] | None:
    """A room: "in room Aquarium" that stands there, as "room Aquarium". `among`: people are named just before it, "with @ana and the room Aquarium"."""
    for pattern in (*_ROOMS, *([_AMONG] if among else [])):
        m = pattern.match(folded, at)
        if m and m["name"] not in _NO_ROOM:
            end = m.end("name") if m.re is not _ROOMS[2] else m.end()
            name = text[slice(*m.span("name"))].strip('"“”„«»').rstrip(".")
            return f"room {name}", end
    return None
