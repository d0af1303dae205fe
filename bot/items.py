"""The items of a conversation: how a question is put, what is found again after a crash. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.models import AGAIN, Call, Item, Message, Person, SharedFile, Turn, utcnow
from bot.mrkdwn import plain

NOTE_CHARACTERS = 1_500


@dataclass(frozen=True, slots=True)
class Standing:
    """What a conversation holds of a turn. `calls` wait for their outputs; `answer` is the text that ended it, if it was ended."""

    asked: bool
    calls: tuple[Call, ...] = ()
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Attached:
    """How a shared file is put to the model: a line that says what it is, and a part that shows it, if it can be shown."""

    line: str
    part: Item | None = None


def marker(turn: Turn) -> str:
    """The line by which a turn's items are found again in its conversation."""
    again = turn.messages[0].of  # each time that it is answered is told from the others
    return f"[turn {turn.id} again {again}]" if again else f"[turn {turn.id}]"


def developer(text: str) -> Item:
    """An item in the developer's voice."""
    return {"type": "message", "role": "developer", "content": text}


def user(text: str) -> Item:
    """An item in a person's voice."""
    return {"type": "message", "role": "user", "content": text}


def shown(text: str, parts: Sequence[Item]) -> Item:
    """An item in a person's voice with images or pages."""
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}, *parts]}


def without_parts(item: Item) -> Item:
    """A question as its words alone."""
    if item.get("role") != "user" or isinstance(item.get("content"), str):
        return item
    return user(f"{text_of(item)}\n[the pictures and pages cannot be shown here: they were not accepted]")


def image(file: str) -> Item:
    """A part that shows an image, by OpenAI's file id."""
    return {"type": "input_image", "file_id": file, "detail": "auto"}


def output(call_id: str, text: str) -> Item:
    """The outcome of a function call."""
    return {"type": "function_call_output", "call_id": call_id, "output": text}


def question(
    turn: Turn, people: Mapping[str, Person], me: str, files: Mapping[str, Attached] | None = None, around: str = ""
) -> list[Item]:
    """What a turn puts to the model: who asks, when and where; then what they said. A turn has one asker, so nobody can speak in another's name.

    `files`: how each shared file is put, by Slack's id; one that is not there is named only, one of an earlier turn is put first.
    `around`: a line about the rest of the thread.
    """
    files = files or {}
    asker = people[turn.asker]
    now = utcnow().astimezone(asker.zone)
    where = "a direct message" if turn.thread.is_dm else "a channel thread that others read"
    name = " ".join(asker.name.split())[:80]
    zone = asker.tz or "UTC; the asker's own zone is not known"
    context = f"{marker(turn)} Now: {now:%A %Y-%m-%d %H:%M} ({zone}). Asker: {name}. Place: {where}."
    if turn.kind == AGAIN:
        context += " The asker wants this answered anew: don't refer to the answer before."
    context = f"{context} {around}".rstrip()
    names = {i: p.name for i, p in people.items()}

    def lines(shared: Sequence[SharedFile], how: str) -> str:
        return "\n".join(f"[{how}: {files[f.id].line if f.id in files else f.name}]" for f in shared)

    here = {f.id for f in turn.files}
    earlier = [i for i in files if i not in here]
    said = ["\n".join(f"[shared in this thread before: {files[i].line}]" for i in earlier)]
    said.append(lines(turn.heard_files, "shared in this thread meanwhile"))
    for message in turn.messages:
        shared = lines(message.files, "shared a file")
        said.append("\n".join(t for t in (plain(message.text, names, me), shared) if t))
    aside = [{"type": "message", "role": role, "content": text} for role, text in turn.aside]
    text = "\n\n".join(t for t in said if t) or "(no text)"
    every = dict.fromkeys([*earlier, *(f.id for f in turn.files)])
    parts = [part for i in every if i in files and (part := files[i].part)]
    return [*aside, developer(context), shown(text, parts) if parts else user(text)]


def stopped_aside(asked: Sequence[Item], text: str) -> list[tuple[str, str]]:
    """What a conversation is told of an answer that was stopped, as role and text: it may hold neither question nor answer."""
    said = [("assistant", text[:NOTE_CHARACTERS])] if text else []
    question = ("user", text_of(asked[-1])[:NOTE_CHARACTERS])
    context = ("developer", text_of(asked[-2]))  # whose question it was
    return [
        context,
        question,
        *said,
        ("developer", "The asker stopped your answer there; don't go on with it unless asked to."),
    ]


def deleted_aside(turn: str) -> list[tuple[str, str]]:
    """What a conversation is told of a question that was deleted, and its answer with it."""
    note = f"The question marked [turn {turn}] and your answer to it were deleted; don't use or mention them."
    return [("developer", note)]


def standing(items: Sequence[Mapping[str, Any]], mark: str) -> Standing:
    """What the newest items of a conversation (oldest first) say about a turn."""
    at = next(
        (n for n in range(len(items) - 1, -1, -1) if items[n].get("role") == "developer" and mark in text_of(items[n])),
        None,
    )
    after = items[at + 1 :] if at is not None else []
    done = {i["call_id"] for i in items if i.get("type") == "function_call_output"}
    scope = after if at is not None else items
    open_calls = tuple(
        Call(i["call_id"], i["name"], i["arguments"])
        for i in scope
        if i.get("type") == "function_call" and i["call_id"] not in done
    )
    last = after[-1] if after else {}
    ended = last.get("type") == "message" and last.get("role") == "assistant" and not open_calls
    ended = ended and last.get("status") in (None, "completed")
    return Standing(at is not None, open_calls, text_of(last) if ended else "")


def text_of(item: Mapping[str, Any]) -> str:
    """The words of a message item; nothing for other items."""
    if item.get("type") != "message":
        return ""
    content = item.get("content") or ""
    if isinstance(content, str):
        return content
    return "".join(p.get("text") or p.get("refusal") or "" for p in content)


def person_hash(team: str, person: str) -> str:
    """Tells people apart for OpenAI without naming them."""
    return hashlib.sha256(f"{team}:{person}".encode()).hexdigest()


def is_empty(messages: Sequence[Message], me: str) -> bool:
    """Whether nothing at all was said: a bare mention."""
    return not any(plain(m.text, {}, me) or m.files for m in messages)
