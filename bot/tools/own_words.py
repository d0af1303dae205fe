"""Whether the asker themselves said what the model hands over. What a model has read, a file say, may tell it to write to others: what reaches them without a
press of the asker's is in the asker's own message.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from unicodedata import normalize

# All but spaces and plain punctuation: whole sentences can be written in signs that are no letters (ⓗ, 🇭, ⠓, invisible tags).
_WORD = re.compile(r"[^\s!-/:-@\[-`{-~‘’‚“”„«»‹›–—…·•¡¿、。「」]+")  # noqa: RUF001  # these are meant
_COMMON = frozenset(("a", "all", "and", "for", "group", "in", "of", "room", "team", "the", "to", "with"))  # tell nobody
_ADDRESS = re.compile(r"[^\s@<>|,;:]+@[^\s@<>|,;:]+")
_AROUND = "()[]{}\"'`*_~.!?“”‘’„«»"  # noqa: RUF001  # what may stand beside an address that Slack has not made a link of


def are_own_words(text: str, message: str, names: Iterable[str] = ()) -> bool:
    """Whether each word of the text is one of the message, or of the names of people whom it mentions; or the text as a whole stands there. Signs without a word are not. Pure."""
    said, there = _plain(text), _plain(" ".join((message, *names)))
    if said in there:  # languages that put no spaces between words, too
        return True
    words = set(_WORD.findall(said))
    return bool(words) and words <= set(_WORD.findall(there))


def is_named(called: str, message: str, names: Iterable[str] = ()) -> bool:
    """Whether a person or group is called by a word that the message has: a part of their name, a mention, a handle. Rooms need no naming. Pure."""
    said, there = _plain(called), _plain(" ".join((message, *names)))
    words = set(_WORD.findall(said)) - _COMMON
    unspaced = not said.isascii() and said in there  # languages that put no spaces between words
    return said.startswith("room ") or bool(words and (unspaced or words & set(_WORD.findall(there))))


def is_own_address(address: str, message: str) -> bool:
    """Whether the message has this e-mail address. Pure."""
    said = _ADDRESS.findall(message.lower())
    return address.lower() in {*said, *(each.strip(_AROUND) for each in said)}


def _plain(text: str) -> str:
    """Letters alike that look alike, such as é in one sign and in two."""
    return " ".join(normalize("NFKC", text).casefold().split())
