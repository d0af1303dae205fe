"""The judge. It knows what was asked, what Slack shows at the end and which notes were made; nothing of the bot, of the storm, or of how it went.

Each message is to be covered by exactly one whole answer, in the order of a thread's messages, its effect had once, and nothing else said.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from chaos.words import answer, note, words_in

Message = Mapping[str, Any]  # as Slack's history has it, with its `channel`
Place = tuple[str, str]  # channel; the thread's root, "" at the top level


@dataclass(frozen=True, slots=True)
class Asked:
    """A message that somebody wrote to the bot. `thread` is its root's ts, "" at the top level of a DM."""

    word: str
    channel: str
    thread: str
    ts: str
    user: str


@dataclass(frozen=True, slots=True)
class Note:
    """An effect: a note that was made."""

    user: str
    channel: str
    text: str


@dataclass(frozen=True, slots=True)
class Transcript:
    """What a reader of the workspace sees. `statuses` holds the lines below threads that say what the bot is doing."""

    messages: Sequence[Message]
    statuses: Mapping[Place, str]


@dataclass(frozen=True, slots=True)
class Violation:
    """Something that is wrong: what, and where it shows."""

    kind: str
    channel: str
    thread: str
    ts: str
    what: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.what} (channel {self.channel}, thread {self.thread or 'top level'}, message {self.ts or '-'})"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`answers` is how many there are. No faults, but told: `footers`, the small print that answers carry, and `lingering`,

    threads below which a status still stands, which Slack takes away after two minutes.
    """

    violations: list[Violation]
    answers: int
    footers: Counter[str]
    lingering: list[Place]


def judge(asked: Iterable[Asked], transcript: Transcript, notes: Iterable[Note]) -> Verdict:
    """Everything that is wrong; nothing is when `violations` is empty."""
    by_word = {a.word: a for a in asked}
    answers = sorted((m for m in transcript.messages if m.get("bot_id")), key=lambda m: float(m["ts"]))
    violations = [v for m in answers for v in _of_answer(m, by_word)]
    violations += _coverage(answers, by_word)
    violations += _order(answers, by_word)
    violations += _effects(notes, by_word)
    violations += _running(transcript.messages)
    footers = Counter(line for m in answers for line in small_print(m) if not _says_running(line))
    return Verdict(violations, len(answers), footers, [place for place, said in transcript.statuses.items() if said])


# -- what a message shows ------------------------------------------------------------------------------------------------


def text_of(message: Message) -> str:
    """The words of a message, from its blocks where it has any; spaces and line ends count alike."""
    blocks = message.get("blocks") or ()
    said = [str(b.get("text", "")) for b in blocks if b.get("type") == "markdown"]
    return " ".join((" ".join(said) if blocks else str(message.get("text", ""))).split())


def small_print(message: Message) -> list[str]:
    """The lines of its context blocks."""
    blocks = [b for b in message.get("blocks") or () if b.get("type") == "context"]
    return [str(e.get("text", "")) for b in blocks for e in b.get("elements", ())]


def is_whole(message: Message) -> bool:
    """Whether it is a whole answer: all its text to the end mark, and no word more."""
    text = text_of(message)
    words = words_in(text)
    return bool(words) and text == " ".join(answer(words).split()) and not _runs(message)


def _runs(message: Message) -> str:
    """What in a message says that the bot is still at work on it, "" when nothing does."""
    if message.get("streaming_state") == "in_progress":
        return "a stream that never ended"
    for line in small_print(message):
        if _says_running(line):
            return line
    for block in message.get("blocks") or ():
        for element in block.get("elements", ()) if block.get("type") == "actions" else ():
            label = str((element.get("text") or {}).get("text", ""))
            if label.lower() in ("stop", "cancel"):
                return f"a button {label!r}"
    return ""


def _says_running(line: str) -> bool:
    return line.rstrip("_ ").endswith("…")


# -- the rules -----------------------------------------------------------------------------------------------------------


def _of_answer(message: Message, asked: Mapping[str, Asked]) -> list[Violation]:
    """What is wrong with one answer by itself."""
    text, place = text_of(message), _place(message)

    def wrong(kind: str, what: str) -> Violation:
        return Violation(kind, *place, str(message["ts"]), what)

    words = words_in(text)
    if not words:
        return [wrong("covers nothing", repr(text[:300]))]
    if unknown := [w for w in words if w not in asked]:
        return [wrong("covers what nobody asked", ", ".join(unknown))]
    found = []
    whole = " ".join(answer(words).split())
    if text != whole:
        kind = "cut" if whole.startswith(text) else "not the words of a whole answer"
        found.append(wrong(kind, repr(text[:300])))
    questions = [asked[w] for w in words]
    if any((q.channel, q.thread) != place for q in questions):
        found.append(wrong("in the wrong thread", ", ".join(words)))
    if len({q.user for q in questions}) > 1:
        found.append(wrong("answers several people at once", ", ".join(words)))
    if any(float(q.ts) > float(message["ts"]) for q in questions):
        found.append(wrong("stands above its question", ", ".join(words)))
    return found


def _coverage(answers: Sequence[Message], asked: Mapping[str, Asked]) -> list[Violation]:
    covered = Counter(w for m in answers for w in words_in(text_of(m)))
    found = []
    for word, question in asked.items():
        if covered[word] != 1:
            kind = "no answer" if not covered[word] else "answered more than once"
            what = f"{word} has {covered[word]} answers"
            found.append(Violation(kind, question.channel, question.thread, question.ts, what))
    return found


def _order(answers: Sequence[Message], asked: Mapping[str, Asked]) -> list[Violation]:
    threads: dict[Place, list[str]] = defaultdict(list)
    for message in answers:
        threads[_place(message)] += [w for w in words_in(text_of(message)) if w in asked]
    found = []
    for place, words in threads.items():
        for earlier, later in pairwise(words):
            if float(asked[earlier].ts) > float(asked[later].ts):
                what = f"{earlier} was asked after {later} and answered before it"
                found.append(Violation("wrong order", *place, asked[later].ts, what))
    return found


def _effects(notes: Iterable[Note], asked: Mapping[str, Asked]) -> list[Violation]:
    made = Counter(notes)
    found = []
    for question in asked.values():
        wanted = Note(question.user, question.channel, note(question.word))
        if (count := made.pop(wanted, 0)) != 1:
            kind = "effect missing" if not count else "effect doubled"
            what = f"{count} notes of {question.word}"
            found.append(Violation(kind, question.channel, question.thread, question.ts, what))
    return found + [
        Violation("effect that nobody asked for", n.channel, "", "", f"{n.text!r} of {n.user}") for n in made
    ]


def _running(messages: Iterable[Message]) -> list[Violation]:
    """Messages that still say that something is under way."""
    found = []
    for message in messages:
        said = [("still running", what)] if (what := _runs(message)) else []
        said += [("mark left", f":{r['name']}:") for r in message.get("reactions", ())]
        found += [Violation(kind, *_place(message), str(message["ts"]), what) for kind, what in said]
    return found


def _place(message: Message) -> Place:
    return str(message["channel"]), str(message.get("thread_ts") or "")
