"""The buttons beside answers: what they look like, what they carry. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.models import ThreadKey

Block = dict[str, Any]
STOP = "stop_answer"
AGAIN = "answer_again"
CANCEL = "cancel_message"
ELEMENTS, ELEMENT_CHARACTERS = 10, 2_000  # of a context block
ADD_KNOWLEDGE = "add_knowledge"
REMOVE_KNOWLEDGE = "remove_knowledge"
GIVE_KNOWLEDGE = "give_knowledge"  # the modal
GIVEN_FILES, GIVEN_TO = "given_files", "given_to"  # its inputs


def growing(thread: ThreadKey, first: str) -> list[Block]:
    """Below an answer that grows; `first` is its turn's first ts."""
    return [_row(_button(STOP, "Stop", place(thread, first)))]


def below(notes: Sequence[str], thread: ThreadKey, first: str, label: str = "Regenerate") -> list[Block]:
    """Below an answer that has ended: what is to be said about it, and to have it again. `first` is its turn's first ts; without one no button."""
    said: list[Block] = []
    if notes:
        said.append({"type": "context", "elements": [{"type": "mrkdwn", "text": t} for t in _packed(notes)]})
    return [*said, *([_row(_button(AGAIN, label, place(thread, first)))] if first else [])]


def offer(text: str, action: str, label: str, thread: ThreadKey, ts: str) -> list[Block]:
    """A note to one person with one button."""
    return [
        {"type": "section", "text": {"type": "mrkdwn", "text": text}},
        _row(_button(action, label, place(thread, ts))),
    ]


def place(thread: ThreadKey, ts: str) -> str:
    """What a button carries: the thread, and a message in it."""
    return f"{thread}|{ts}"


def _packed(notes: Sequence[str]) -> list[str]:
    """Notes as the elements of one context block, which has at most ten of 2,000 characters: many share one, a line each."""
    packed: list[str] = []
    for note in notes:
        if len(notes) > ELEMENTS and packed and len(packed[-1]) + 1 + len(note) <= ELEMENT_CHARACTERS:
            packed[-1] += f"\n{note}"
        else:
            packed.append(note[:ELEMENT_CHARACTERS])
    return packed[:ELEMENTS]


def _row(*buttons: Block) -> Block:
    return {"type": "actions", "elements": list(buttons)}


def _button(action: str, label: str, value: str) -> Block:
    text = {"type": "plain_text", "text": label, "emoji": True}
    return {"type": "button", "action_id": action, "text": text, "value": value}
