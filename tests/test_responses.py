"""A response's stream, read on from where another reader stopped."""

from __future__ import annotations

import json

import pytest

from bot.responses import Citation, Hosted, Made, Passage, Reader, Words, Working, result


def added(sequence: int, item: int, phase: str | None = None) -> bytes:
    return event("response.output_item.added", sequence, item, item={"type": "message", "phase": phase})


def delta(sequence: int, item: int, text: str) -> bytes:
    return event("response.output_text.delta", sequence, item, delta=text)


def event(name: str, sequence: int, index: int, **fields: object) -> bytes:
    """One server-sent event."""
    data = {"type": name, "sequence_number": sequence, "output_index": index, **fields}
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()


STREAM = [
    added(0, 0, "commentary"),
    delta(1, 0, "Looking. "),
    added(2, 1),
    delta(3, 1, "One"),
    delta(4, 1, " two."),
    added(5, 2, "commentary"),
    delta(6, 2, "Looking again. "),
    added(7, 3),
    delta(8, 3, "Three."),
]


def spoken(reader: Reader, events: list[bytes]) -> list[Words]:
    """The words of the answer, without commentary."""
    words = [w for e in events for w in reader.read(e)]
    return [w for w in words if isinstance(w, Words) and not w.commentary]


@pytest.mark.parametrize("stopped", range(3))
def test_a_stream_read_in_two_parts_says_the_same_as_one_read_in_one(stopped: int) -> None:
    whole = spoken(Reader(), STREAM)
    last = whole[stopped]
    rest = spoken(Reader(last.item), STREAM[last.sequence + 1 :])
    assert "".join(w.text for w in whole) == "One two.\n\nThree."
    assert [*whole[: stopped + 1], *rest] == whole


# -- hosted tools --------------------------------------------------------------------------------------------------------

SEARCH = {
    "id": "fs_1",
    "type": "file_search_call",
    "status": "completed",
    "queries": ["hotel"],
    "results": [
        {
            "file_id": "file-1",
            "filename": "policy.pdf",
            "score": 0.9,
            "text": "180 euros",
            "attributes": {"team": "T1", "channel": "C1", "visibility": "place", "slack_file": "F1"},
        },
        {"file_id": "file-2", "filename": "old.pdf", "attributes": None},
    ],
}
RUN = {"id": "ci_1", "type": "code_interpreter_call", "status": "completed", "code": "1", "container_id": "cntr_1"}
CITED = {"type": "file_citation", "file_id": "file-1", "filename": "policy.pdf", "index": 7}
CHART = {
    "type": "container_file_citation",
    "container_id": "cntr_1",
    "file_id": "cfile_1",
    "filename": "chart.png",
    "start_index": 0,
    "end_index": 4,
}


def said(text: str, *annotations: dict[str, object], phase: str | None = None) -> dict[str, object]:
    content = [{"type": "output_text", "text": text, "annotations": list(annotations)}]
    return {"type": "message", "role": "assistant", "phase": phase, "content": content}


def test_a_result_tells_what_hosted_tools_did() -> None:
    output = [SEARCH, RUN, RUN, said("Drawing.", CITED, CHART, phase="commentary"), said("The answer", CITED)]
    got = result({"id": "resp_1", "status": "completed", "output": output})
    assert got.text == "The answer"
    assert got.citations == (Citation("file-1", "policy.pdf", 7),)
    assert got.made == (Made("cntr_1", "cfile_1", "chart.png"),)
    assert got.searched == (Passage("file-1", "policy.pdf", "C1", "place", "F1"), Passage("file-2", "old.pdf"))
    assert got.containers == ("cntr_1",)
    assert got.hosted == Hosted(file_searches=1, code_runs=2)
    assert got.hosted + Hosted(1, 1) == Hosted(2, 3)


def test_a_result_without_hosted_tools_has_nothing_of_them() -> None:
    output = [{**SEARCH, "results": None}, said("No results were asked for", {"type": "url_citation", "url": "x"})]
    got = result({"id": "resp_1", "status": "completed", "output": output})
    assert (got.citations, got.made, got.searched, got.containers) == ((), (), (), ())
    assert got.hosted == Hosted(file_searches=1)


def test_the_stream_says_when_a_hosted_tool_begins() -> None:
    stream = [
        event("response.output_item.added", 0, 0, item={"type": "file_search_call", "id": "fs_1"}),
        event("response.file_search_call.searching", 1, 0, item_id="fs_1"),
        event("response.output_item.done", 2, 0, item=SEARCH),
        event("response.output_item.added", 3, 1, item={"type": "code_interpreter_call", "id": "ci_1"}),
        event("response.code_interpreter_call_code.delta", 4, 1, delta="print()"),
        event("response.code_interpreter_call.completed", 5, 1),
        added(6, 2),
        delta(7, 2, "Done."),
        event("response.output_text.annotation.added", 8, 2, annotation=CITED),
    ]
    reader = Reader()
    got = [e for chunk in stream for e in reader.read(chunk)]
    assert [e.doing for e in got if isinstance(e, Working)] == ["is searching files…", "is computing…"]
    assert [e.text for e in got if isinstance(e, Words)] == ["Done."]
