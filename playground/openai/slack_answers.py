"""What the rule-based model says of messages that a tool has read in Slack: the sentence that answers, or all of them, linked."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from playground.openai import memory
from playground.openai.search import words

MOST_MESSAGES = 15
LONGEST = 300  # characters of a message
LISTS = ("messages", "found", "results")  # where tools put what they have read
DECIDED = re.compile(
    r"\b(decid\w*|decision|approv\w*|agree\w*|settled?|let's|go(?:ing)? (?:with|for)|went with|we(?:'ll| will))\b",
    re.IGNORECASE,
)
ASKED_DECISION = re.compile(r"\b(decid\w*|decision|approv\w*|agree\w*|settled?)\b", re.IGNORECASE)
ASKED_PERSON = re.compile(rf"\b(?i:what (?:did|has|had)) {memory.NAME}|\b(?i:who is|from|by) {memory.NAME}")


def told(question: str, value: Any) -> str | None:
    """An answer from a tool's output that holds messages; None when it holds none."""
    messages = _messages(value)
    if messages is None:
        return None
    match = ASKED_PERSON.search(question)
    person = (match[1] or match[2]).split()[0] if match else ""
    theirs = [m for m in messages if person.lower() in str(m.get("by", "")).lower().split()] if person else messages
    if ASKED_DECISION.search(question):
        return _decision(question, person, theirs)
    shown = theirs or messages
    if not shown:
        return "I read it, and there is nothing in it."
    lines = [f"- {_line(message)}" for message in shown[:MOST_MESSAGES]]
    left = len(shown) - len(lines)
    return "This is what I found:\n" + "\n".join(lines) + (f"\n\nAnd {left} more." if left else "")


def listed(value: Any) -> str | None:
    """A list of files that a tool has given, linked; None when it has not."""
    files = value.get("files") if isinstance(value, dict) else None
    if not isinstance(files, list) or not all(isinstance(file, dict) and "name" in file for file in files):
        return None
    if not files:
        return "There are no files here that I can read."
    lines = [f"- {_file(file)}" for file in files]
    return (
        "I can read these files:\n" + "\n".join(lines) + (f"\n\nAnd {value['more']} more." if value.get("more") else "")
    )


def _file(file: Mapping[str, Any]) -> str:
    name = f"[{file['name']}]({file['link']})" if file.get("link") else f"**{file['name']}**"
    by = str(file.get("by") or "")
    shared = f", {by}" if by.startswith("given") else f", shared by {by}" if by else ""
    why = f", cannot be read: {file['cannot be read']}" if file.get("cannot be read") else ""
    return name + shared + (f", {file['shared']}" if file.get("shared") else "") + why


def _messages(value: Any) -> Sequence[Mapping[str, Any]] | None:
    if isinstance(value, dict):
        for name in LISTS:
            held = value.get(name)
            if isinstance(held, list) and all(isinstance(m, dict) and "says" in m for m in held):
                return held
    return None


def _decision(question: str, person: str, messages: Sequence[Mapping[str, Any]]) -> str:
    """The newest sentence that decides something, nearest to the question's words."""
    asked = set(words(question))
    best: tuple[int, int, str, Mapping[str, Any]] | None = None
    for n, message in enumerate(messages):
        for sentence in memory.sentences(str(message["says"])):
            if DECIDED.search(sentence) and not sentence.endswith("?"):
                rank = (len(asked & set(words(sentence))), n)
                if best is None or rank >= best[:2]:
                    best = (*rank, sentence, message)
    if best is None:
        return f"I read the messages, and found no decision{' by ' + person if person else ''} in them."
    _, _, sentence, message = best
    return f"{message.get('by') or 'Somebody'} decided: “{sentence}”{_link(message)}"


def _line(message: Mapping[str, Any]) -> str:
    says = " ".join(str(message["says"]).split())
    says = says if len(says) <= LONGEST else says[:LONGEST] + " …"
    where = f" in {message['in']}" if message.get("in") else ""
    return f"**{message.get('by') or 'Somebody'}**{where}: {says}{_link(message)}"


def _link(message: Mapping[str, Any]) -> str:
    link, at = message.get("link"), message.get("at")
    if link:
        return f" ([{at or 'message'}]({link}))"
    return f" ({at})" if at else ""
