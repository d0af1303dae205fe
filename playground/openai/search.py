"""Search in files: chunks, words in common, filters on attributes."""

import math
import operator
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from playground.openai.errors import invalid
from playground.openai.limits import CHARACTERS_PER_TOKEN
from playground.openai.plan import Found

WORD = re.compile(r"\w+")
STOP = frozenset(
    [
        "a",
        "about",
        "all",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "by",
        "can",
        "did",
        "do",
        "does",
        "for",
        "from",
        "had",
        "has",
        "have",
        "how",
        "i",
        "in",
        "is",
        "it",
        "its",
        "me",
        "my",
        "of",
        "on",
        "or",
        "our",
        "please",
        "say",
        "says",
        "tell",
        "that",
        "the",
        "their",
        "there",
        "these",
        "they",
        "this",
        "to",
        "was",
        "we",
        "were",
        "what",
        "when",
        "where",
        "which",
        "who",
        "will",
        "with",
        "you",
        "your",
        "file",
        "files",
        "document",
        "documents",
    ]
)
# What real embeddings know: different words for the same thing, as stems.
SAME = {"hotel": "lodg", "accommodation": "lodg", "food": "meal", "revenu": "sal", "holiday": "vacation"}
COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
    "in": lambda held, wanted: held in wanted,
    "nin": lambda held, wanted: held not in wanted,
}


@dataclass(frozen=True)
class Chunk:
    """A passage of a file as the search keeps it."""

    file_id: str
    filename: str
    text: str
    attributes: Mapping[str, Any]


def words(text: str) -> list[str]:
    """The words of a text that carry meaning, lower case, cut down to a stem: "shipping" and "ships" are "ship"."""
    return [_stem(word) for word in WORD.findall(text.lower()) if word not in STOP]


def _stem(word: str) -> str:
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word.removesuffix(ending)
            break
    word = word.removesuffix("e")
    word = word[:-1] if word[-1:] == word[-2:-1] and not word.isdigit() else word
    return SAME.get(word, word)


def chunks(text: str, tokens: int = 800, overlap: int = 400) -> list[str]:
    """A text cut into passages of at most so many tokens, at a blank line or a line's end where there is one.

    Each begins `overlap` tokens before the end of the one before.
    """
    size, back = tokens * CHARACTERS_PER_TOKEN, overlap * CHARACTERS_PER_TOKEN
    cut: list[str] = []
    start = 0
    while len(text) - start > size:
        end = _cut(text, start + size // 2 + back // 2, start + size)
        cut.append(text[start:end])
        start = end - back
    cut.append(text[start:])
    return [passage for passage in cut if passage.strip()]


def _cut(text: str, low: int, high: int) -> int:
    """Where a passage that ends between `low` and `high` should end."""
    for mark in ("\n\n", "\n"):
        if (end := text.rfind(mark, low, high)) > 0:
            return end + len(mark)
    return high


def allowed(filters: Any, attributes: Mapping[str, Any]) -> bool:
    """Whether attributes pass a comparison or compound filter; a key that is missing passes only `ne` and `nin`."""
    if not filters:
        return True
    type_ = filters.get("type") if isinstance(filters, dict) else None
    if type_ in ("and", "or"):
        results = [allowed(part, attributes) for part in filters.get("filters") or []]
        return all(results) if type_ == "and" else any(results)
    if type_ is None or type_ not in COMPARE or "key" not in filters or "value" not in filters:
        raise invalid(f"Invalid filter: {filters!r}.", param="filters", code="invalid_value")
    if type_ in ("in", "nin") and not isinstance(filters["value"], list):
        raise invalid(f"Filter '{type_}' needs a list as its value.", param="filters", code="invalid_type")
    if filters["key"] not in attributes:
        return type_ in ("ne", "nin")
    held = attributes[filters["key"]]
    try:
        return COMPARE[type_](held, filters["value"])
    except TypeError:
        return False  # a number against a text


def search(query: str, corpus: Iterable[Chunk], *, filters: Any = None, limit: int = 10) -> tuple[Found, ...]:
    """The passages that share most words with the query, rare words counting more; best first, score up to 1."""
    corpus = [chunk for chunk in corpus if allowed(filters, chunk.attributes)]
    asked = set(words(query))
    if not asked or not corpus:
        return ()
    sets = [(chunk, Counter(words(f"{chunk.filename} {chunk.text}"))) for chunk in corpus]
    spread = Counter(word for _, held in sets for word in asked if word in held)
    weights = {word: math.log(1 + len(sets) / (spread[word] or 0.5)) for word in asked}
    scored = []
    for chunk, held in sets:
        got = sum(weights[word] for word in asked if word in held)
        if got:
            score = round(min(1.0, got / sum(weights.values())), 4)
            scored.append(Found(chunk.file_id, chunk.filename, chunk.text, score, chunk.attributes))
    scored.sort(key=lambda found: -found.score)
    return tuple(scored[:limit])
