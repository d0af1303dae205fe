"""What an answer says of the files that it rests on."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from bot.files.citations import sources
from bot.files.library import PLACE, READY, Record
from bot.responses import Citation


def record(name: str, permalink: str = "", channel: str = "C1") -> Record:
    """A stored file."""
    return Record("T1", channel, "F1", "1.0", "U1", name, permalink, PLACE, "text", READY, "", "file-1", "")


def cited(*files: str) -> list[Citation]:
    return [Citation(file, "the name at OpenAI.txt", n) for n, file in enumerate(files)]


def test_sources_are_linked_to_slack_and_knowledge_is_named() -> None:
    records = {
        "a": record("report.pdf", "https://acme.slack.com/files/U1/F1/report.pdf"),
        "b": record("handbook.pdf", "https://acme.slack.com/files/U2/F2/handbook.pdf", channel=""),
    }
    line = sources(cited("a", "b", "a"), records)
    assert line == "Sources: <https://acme.slack.com/files/U1/F1/report.pdf|report.pdf>, handbook.pdf"


def test_a_file_that_is_not_known_to_be_allowed_is_not_named_not_even_by_openais_name() -> None:
    assert sources(cited("x"), {"a": record("report.pdf")}) == ""
    assert sources(cited("x", "a"), {"a": record("report.pdf")}) == "Sources: report.pdf"
    assert sources([], {"a": record("report.pdf")}) == ""


def test_the_same_file_stored_twice_is_named_once() -> None:
    link = "https://acme.slack.com/files/U1/F1/a.md"
    assert sources(cited("a", "b"), {"a": record("a.md", link), "b": record("a.md", link)}) == f"Sources: <{link}|a.md>"


def test_after_eight_the_others_are_counted() -> None:
    records = {str(n): record(f"{n}.pdf") for n in range(11)}
    assert sources(cited(*records), records) == f"Sources: {', '.join(f'{n}.pdf' for n in range(8))} and 3 more"


def test_a_name_is_never_markup() -> None:
    link = "https://acme.slack.com/files/F1?a=1&b=2"
    assert sources(cited("a"), {"a": record("<!channel>|\n& co.pdf", link)}) == (
        "Sources: <https://acme.slack.com/files/F1?a=1&amp;b=2|&lt;!channel&gt;¦ &amp; co.pdf>"
    )
    assert sources(cited("a"), {"a": record("a.pdf", "javascript:x")}) == "Sources: a.pdf"
    assert sources(cited("a"), {"a": record("a.pdf", "https://x.org/|<!here>")}) == "Sources: a.pdf"


@given(st.lists(st.tuples(st.text(max_size=300), st.booleans()), max_size=15))
def test_the_line_fits_a_footnote_and_can_notify_nobody(files: list[tuple[str, bool]]) -> None:
    link = "https://acme.slack.com/files/" + "x" * 150
    records = {str(n): record(name, f"{link}{n}" if linked else "") for n, (name, linked) in enumerate(files)}
    line = sources(cited(*records), records)
    assert len(line) < 2_000
    assert "\n" not in line
    assert re.sub(r"<https://[^<>|]+\|[^<>|]*>", "", line).count("<") == 0
    assert bool(line) == bool(files)
