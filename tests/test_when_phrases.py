"""Words about time, told in tests/data/when_phrases.txt with when and where they were said and what they come to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.when_outcomes import outcome

FILE = Path(__file__).parent / "data" / "when_phrases.txt"
USUAL = "Mon-Fri 09:00-17:00"


def sections() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Where, and the phrases with what is expected."""
    head, rows = "", list[tuple[str, str]]()
    for line in FILE.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            yield head, rows
            head, rows = line.strip("[]"), []
        elif line.strip() and not line.startswith("#"):
            words, expected = line.rsplit(" | ", 1)
            rows.append((words.rstrip(), expected))
    yield head, rows


SECTIONS = [(head, rows) for head, rows in sections() if rows]


@pytest.mark.parametrize(("head", "rows"), SECTIONS, ids=[f"{n} {head}" for n, (head, _) in enumerate(SECTIONS)])
def test_words_come_to_what_is_told(head: str, rows: list[tuple[str, str]]) -> None:
    at, zone, *hours = head.split(" ", 2)
    now = datetime.fromisoformat(at).replace(tzinfo=ZoneInfo(zone))
    assert {words: outcome(words, now, *(hours or [USUAL])) for words, _ in rows} == dict(rows)


def test_there_are_many_and_of_each_kind() -> None:
    kinds = Counter(expected[0] for _, rows in SECTIONS for _, expected in rows)
    assert kinds.total() >= 450
    assert kinds["="] >= 250
    assert kinds["?"] >= 60
    assert kinds["!"] >= 40
    assert kinds["-"] >= 30
