"""What people ask and what a whole answer to it says: known to the people, the model and the judge, and not to the bot.

Each message asks for a note of a word that no other message has, and an answer names the words of the messages that it covers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

WORD = re.compile(r"\bw\d+x\d+\b")
END = "∎"
TOOL = "remember"


def word(talk: int, line: int) -> str:
    """The word of a talk's message; both count from 0."""
    return f"w{talk:03}x{line}"


def question(unique: str) -> str:
    """The message."""
    return f"please note the word {unique} for me."


def note(unique: str) -> str:
    """The effect that it asks for: the text of the note."""
    return f"The word is {unique}."


def answer(words: Sequence[str]) -> str:
    """The whole answer to messages with these words, in their order."""
    listed = ", ".join(words)
    told = " ".join(f"The note about **{w}** is kept, and you can ask for it whenever you like." for w in words)
    return f"Noted: {listed}.\n\n{told} That is all that there is to say about {listed} {END}"


def words_in(text: str) -> list[str]:
    """Its words, each once, in the order of their first mention."""
    return list(dict.fromkeys(WORD.findall(text)))
