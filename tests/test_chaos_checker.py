"""The judge of the storm finds what it is there to find."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chaos.checker import Asked, Note, Transcript, Violation, judge
from chaos.words import answer, note

Message = dict[str, Any]
ASKED = [Asked(f"w001x{n}", "C1", "100.0", f"{100 + 10 * n}.0", "U1") for n in range(3)]
NOTES = [Note(a.user, a.channel, note(a.word)) for a in ASKED]


def said(ts: str, *words: str, text: str = "", **more: Any) -> Message:
    blocks = [{"type": "markdown", "text": text or answer(words)}, *more.pop("blocks", ())]
    return {"channel": "C1", "thread_ts": "100.0", "ts": ts, "bot_id": "B1", "blocks": blocks, **more}


def context(text: str) -> Message:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text}]}


def good() -> list[Message]:
    """Three messages of which the last two share an answer."""
    asked = [{"channel": "C1", "thread_ts": "100.0", "ts": a.ts, "user": a.user, "text": a.word} for a in ASKED]
    return [*asked, said("105.0", "w001x0"), said("130.0", "w001x1", "w001x2")]


def violations(messages: list[Message], notes: list[Note] | None = None) -> list[Violation]:
    return judge(ASKED, Transcript(messages, {}), NOTES if notes is None else notes).violations


def kinds(messages: list[Message], notes: list[Note] | None = None) -> set[str]:
    return {v.kind for v in violations(messages, notes)}


def test_a_workspace_in_order_passes() -> None:
    verdict = judge(ASKED, Transcript(good(), {}), NOTES)
    assert (verdict.violations, verdict.answers) == ([], 2)


def test_a_missing_answer_is_found_with_its_message() -> None:
    (found,) = violations(good()[:-2] + good()[-1:])
    assert (found.kind, found.thread, found.ts) == ("no answer", "100.0", "100.0")
    assert "w001x0" in str(found)


def test_two_answers_to_one_message_are_found() -> None:
    assert kinds([*good(), said("140.0", "w001x2")]) == {"answered more than once"}


@pytest.mark.parametrize("length", [60, 120, -1])
def test_a_cut_answer_is_found(length: int) -> None:
    whole = answer(["w001x0"])
    cut = said("105.0", text=whole[:length].strip())
    assert "cut" in kinds([*good()[:3], cut, good()[-1]])


def test_words_that_nobody_asked_for_are_found() -> None:
    sorry = said("105.0", text=answer(["w001x0"]) + "\n\n:warning: Something went wrong.")
    twice = said("105.0", text=answer(["w001x0"]) + "\n\n" + answer(["w001x0"]))
    for odd in (sorry, twice):
        assert kinds([*good()[:3], odd, good()[-1]]) == {"not the words of a whole answer"}


def test_a_message_that_covers_nothing_is_found() -> None:
    assert kinds([*good(), said("140.0", text="Something went wrong. Please ask again.")]) == {"covers nothing"}
    assert kinds([*good(), said("140.0", "w009x9")]) == {"covers what nobody asked"}


def test_the_wrong_order_is_found_between_answers_and_within_one() -> None:
    asked = good()[:3]
    assert kinds([*asked, said("130.0", "w001x1", "w001x2"), said("140.0", "w001x0")]) == {"wrong order"}
    assert kinds([*asked, said("105.0", "w001x0"), said("130.0", "w001x2", "w001x1")]) == {"wrong order"}


def test_an_answer_in_another_place_or_above_its_question_is_found() -> None:
    assert kinds([*good()[:-1], good()[-1] | {"thread_ts": "7.0"}]) == {"in the wrong thread"}
    assert kinds([*good()[:4], said("115.0", "w001x1", "w001x2")]) == {"stands above its question"}


def test_an_answer_to_two_people_is_found() -> None:
    others = [*ASKED[:2], Asked("w001x2", "C1", "100.0", "120.0", "U2")]
    notes = [Note(a.user, a.channel, note(a.word)) for a in others]
    found = judge(others, Transcript(good(), {}), notes).violations
    assert [v.kind for v in found] == ["answers several people at once"]


def test_effects_that_are_missing_doubled_or_unasked_are_found() -> None:
    assert kinds(good(), NOTES[1:]) == {"effect missing"}
    assert kinds(good(), [*NOTES, NOTES[0]]) == {"effect doubled"}
    assert kinds(good(), [*NOTES, Note("U1", "C1", "something else")]) == {"effect that nobody asked for"}
    assert kinds(good(), [Note("U2", "C1", NOTES[0].text), *NOTES[1:]]) == {
        "effect missing",
        "effect that nobody asked for",
    }


def stopped_button() -> Message:
    return {"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text", "text": "Stop"}}]}


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m["blocks"].append(context("_writing…_")),
        lambda m: m["blocks"].append(stopped_button()),
        lambda m: m.update(streaming_state="in_progress"),
    ],
)
def test_a_message_that_still_seems_to_grow_is_found(change: Callable[[Message], None]) -> None:
    messages = good()
    change(messages[-1])
    assert kinds(messages) == {"still running"}


def test_a_mark_that_stays_is_found() -> None:
    marked = good()
    marked[1]["reactions"] = [{"name": "hourglass_flowing_sand", "users": ["B"], "count": 1}]
    assert kinds(marked) == {"mark left"}


def test_small_print_and_a_status_that_will_lapse_are_told_and_are_no_fault() -> None:
    messages = good()
    messages[-1]["blocks"].append(context("_answered by another model_"))
    verdict = judge(ASKED, Transcript(messages, {("C1", "100.0"): "is thinking…", ("C1", "1.0"): ""}), NOTES)
    assert verdict.violations == []
    assert dict(verdict.footers) == {"_answered by another model_": 1}
    assert verdict.lingering == [("C1", "100.0")]
