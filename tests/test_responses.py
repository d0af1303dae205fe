"""A response's stream, read on from where another reader stopped."""

from __future__ import annotations

import json

import pytest

from bot.responses import Reader, Words


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
