"""Slack's markup as people write it, turned into words for the model."""

from __future__ import annotations

import html
import re
from collections.abc import Container, Mapping

_SPECIAL = re.compile(r"<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>")
_MENTION = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>")
_OTHERS = r"<(?:@[UW][A-Z0-9]+|!subteam\^[A-Z0-9]+)(?:\|[^>]*)?>"
_GREETED = re.compile(
    rf"^\W*(?:(?:hi|hey|hello|thanks|thank you|ok|okay|and|so|well|dear)\b\W*)*{_OTHERS}", re.IGNORECASE
)
_ASIDE = re.compile(rf"[,:–—-]\s*{_OTHERS}\s*[?!.]*$")


def mentions(text: str) -> tuple[str, ...]:
    """The user ids that a text mentions, in order."""
    return tuple(_MENTION.findall(text))


def addresses_other(text: str, me: str) -> bool:
    """Whether a message without a mention of the bot speaks to somebody else: "@raj, can you …" or "what do you think, @raj?"

    A name in the middle ("book a room with @raj on Friday") is talked about, not talked to.
    """
    if me in mentions(text):
        return False
    return bool(_GREETED.search(text) or _ASIDE.search(text.strip()))


def escaped(text: str) -> str:
    """Words in Slack's markup: what it would take for a mention or a link stays plain."""
    return html.escape(text, quote=False)


def says_stop(text: str, me: str) -> bool:
    """Whether a message is nothing but "stop", said to the bot."""
    return plain(text, {}, me).strip(" \t\n.!").casefold() == "stop"


def plain(text: str, names: Mapping[str, str], me: str = "", unnamed: Container[str] = ()) -> str:
    """A message in words: mentions by name, the bot's own left out, links as Markdown, entities decoded.

    Of the channels in `unnamed` only the id is told: Slack shows their names to nobody who is not in them.
    """

    def word(match: re.Match[str]) -> str:
        kind, target, label = match.group(1), match.group(2), match.group(3)
        if kind == "@":
            return f"@{label or names.get(target, target)}"
        if kind == "#":
            return f"#{target if target in unnamed else label or target}"
        if kind == "!":
            return label or "@" + target.split("^")[0]
        return f"[{label}]({target})" if label and label != target else target

    if me:  # with the space before it; other spaces stay, they may be a code's indentation
        text = re.sub(rf"[ \t]?<@{me}(?:\|[^<>]*)?>", "", text)
    return html.unescape(_SPECIAL.sub(word, text)).strip()
