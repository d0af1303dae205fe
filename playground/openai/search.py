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
CHUNK_CHARACTERS = 800 * CHARACTERS_PER_TOKEN  # OpenAI's default chunk, without its overlap
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
    return word[:-1] if word[-1:] == word[-2:-1] and not word.isdigit() else word


def chunks(text: str, size: int = CHUNK_CHARACTERS) -> list[str]:
    """A text cut into passages of at most `size` characters, at a blank line where there is one."""
    cut: list[str] = []
    while len(text) > size:
        end = text.rfind("\n\n", size // 2, size)
        end = end if end > 0 else size
        cut.append(text[:end])
        text = text[end:]
    return [*cut, text] if text.strip() else cut


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
