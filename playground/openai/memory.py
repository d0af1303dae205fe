"""What the rule-based model can know: the conversation it sees. It finds, quotes and condenses, and adds nothing."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from playground.openai.errors import JsonObject
from playground.openai.items import text_of
from playground.openai.search import words

SUMMARY_LIMIT = 6_000  # characters
SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z<*\"'(])|\n+")
BULLET = re.compile(r"^\s*(?:[-*•>]|\d+[.)])\s+")
SPEAKER = re.compile(r"^\s*(?:user|assistant|developer)\s*:\s*", re.IGNORECASE)
# Names begin with a capital (or a letter that ASCII does not have) and hold no digits, as user ids do.
WORD_OF_NAME = r"[^\W\d_a-z][^\W\d_]+(?:['\u2019-][^\W\d_]+)*(?![\w])"
NAME = rf"({WORD_OF_NAME}(?: {WORD_OF_NAME}){{0,2}})"
SELF_NAMED = re.compile(rf"\b(?:[Mm]y name is|[Cc]all me|I am called|[Nn]ame's) {NAME}")
GIVEN_NAME = re.compile(
    r"\b(?:[Aa]sker|[Aa]sked by|[Aa]sking|(?<![Cc]hannel )(?<![Tt]eam )(?<![Yy]our )(?<!workspace )[Nn]ame|[Uu]ser"
    rf"|[Tt]alking to|[Ss]peaking (?:to|with))\s*(?:is|:)?\s+\**{NAME}"
)
AGREED = re.compile(r"\b(agree|decid|decision|settled|we will|let's go with)", re.IGNORECASE)
# What makes a statement worth keeping, most telling first.
WEIGHTS: tuple[tuple[re.Pattern[str], int], ...] = (
    (re.compile(r"\b(my name is|call me|i am called)\b", re.IGNORECASE), 9),
    (AGREED, 8),
    (re.compile(r"\b(remember|important|note that|don't forget|must|never|always|prefer)\b", re.IGNORECASE), 7),
    (
        re.compile(
            r"\b(deadline|due|until|meeting|budget|owner|responsible|password|address|phone|code)\b", re.IGNORECASE
        ),
        6,
    ),
    (re.compile(r"\d"), 4),
    (
        re.compile(r"\b(monday|tuesday|wednesday|thursday|friday|saturday|sunday|tomorrow|next week)\b", re.IGNORECASE),
        4,
    ),
    (re.compile(r"\b(is|are|was|were|will|has|have|likes?|works?|lives?|called)\b", re.IGNORECASE), 2),
)


@dataclass(frozen=True)
class Said:
    """A sentence and who said it: user, assistant, or developer (an earlier summary among it)."""

    role: str
    text: str


def sentences(text: str) -> Iterator[str]:
    """The sentences of a text, list marks and speakers' names taken off."""
    for line in SENTENCE_END.split(text):
        clean = SPEAKER.sub("", BULLET.sub("", line)).strip()
        if clean:
            yield clean


def said(items: Iterable[JsonObject]) -> list[Said]:
    """Every sentence of the messages, oldest first."""
    return [
        Said(item["role"], sentence)
        for item in items
        if item.get("role") in ("user", "assistant", "developer", "system")
        for sentence in sentences(text_of(item))
    ]


def asker_name(items: Sequence[JsonObject]) -> str | None:
    """The asker's name: as they gave it themselves, or as a developer item has it; the newest counts."""
    for pattern, roles in ((SELF_NAMED, ("user", "developer")), (GIVEN_NAME, ("developer",))):
        for item in reversed(items):
            if item.get("role") in roles and (match := pattern.search(text_of(item))):
                return match[1]
    return None


def agreed(items: Iterable[JsonObject]) -> list[str]:
    """What was agreed or decided, in the words used then; questions are none."""
    found = [one.text for one in said(items) if one.role != "assistant" and AGREED.search(one.text)]
    return _unique(text for text in found if not text.endswith("?"))


def about(items: Iterable[JsonObject], topic: str, *, role: str | None = None) -> list[str]:
    """Sentences that share at least half of the topic's words, the best first, then the newest."""
    asked = set(words(topic))
    if not asked:
        return []
    scored = []
    for n, one in enumerate(said(items)):
        if one.text.endswith("?") or (role and one.role != role) or one.role == "assistant":
            continue
        shared = len(asked & set(words(one.text)))
        if shared * 2 >= len(asked):
            scored.append((-shared, -n, one.text))
    return _unique(text for _, _, text in sorted(scored))


def _unique(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))


def weight(text: str) -> int:
    """How much a statement matters; 0 for small talk and questions."""
    if text.endswith("?"):
        return 0
    return sum(points for pattern, points in WEIGHTS if pattern.search(text))


def summary(items: Iterable[JsonObject], extra: Iterable[str] = (), limit: int = SUMMARY_LIMIT) -> str:
    """The facts of a conversation as a list, in the order they came, within `limit` characters.

    Points of an earlier summary (in developer items, or `extra`) are kept before anything new of the same weight; when
    it gets too long, what weighs least goes first. So facts survive being summed up again and again.
    """
    points: dict[str, int] = {}
    for text in extra:
        for sentence in sentences(text):
            points.setdefault(sentence, weight(sentence))
    for one in said(items):
        if one.role == "developer":
            points.setdefault(one.text, weight(one.text) + 1)
        elif one.role == "user":
            points.setdefault(one.text, weight(one.text))
    kept: set[str] = set()
    size = 0
    for text in sorted(points, key=lambda text: -points[text]):
        if points[text] <= 1 or size + len(text) + 3 > limit:
            continue
        kept.add(text)
        size += len(text) + 3
    return "\n".join(f"- {text}" for text in points if text in kept) or "- Nothing that needs to be kept."
