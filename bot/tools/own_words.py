"""Whether the asker themselves said what the model hands over. What a model has read, a file say, may tell it to write to others: what reaches them without a
press of the asker's is in the asker's own message.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_WORD = re.compile(r"\w+")
_ADDRESS = re.compile(r"[^\s@<>|,;:]+@[^\s@<>|,;:]+")


def are_own_words(text: str, message: str, names: Iterable[str] = ()) -> bool:
    """Whether each word of the text is one of the message, or of the names of people whom it mentions. Pure."""
    return _words(text) <= _words(" ".join((message, *names)))


def is_own_address(address: str, message: str) -> bool:
    """Whether the message has this e-mail address. Pure."""
    return address.casefold() in {said.casefold() for said in _ADDRESS.findall(message)}


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.casefold()))
