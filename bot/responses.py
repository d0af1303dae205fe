"""A response as OpenAI streams it: bytes in, what the bot needs out. Pure.

The SDK's own parsing builds a validated object for every token, which is most of what streaming costs; here only the events that matter
are read, as plain JSON. Event and item shapes: the Responses API's streaming reference.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from bot.models import Call, Usage


@dataclass(frozen=True, slots=True)
class Started:
    """OpenAI has taken the request; `response` is asked about after a crash. One in the background can be followed from its `sequence` on."""

    response: str
    background: bool = False
    sequence: int = -1


@dataclass(frozen=True, slots=True)
class Words:
    """More text. Commentary is progress, not part of the answer. `sequence` and `item` say where in the stream it stood."""

    text: str
    commentary: bool = False
    sequence: int = -1
    item: int = -1


@dataclass(frozen=True, slots=True)
class Working:
    """A hosted tool begins. `doing` says so in words for people."""

    kind: Literal["file_search", "code_interpreter"]

    @property
    def doing(self) -> str:
        return "is searching files…" if self.kind == "file_search" else "is computing…"


@dataclass(frozen=True, slots=True)
class Citation:
    """A stored file that the answer rests on; `index` is the place in its message's text."""

    file: str
    name: str
    index: int = 0


@dataclass(frozen=True, slots=True)
class Made:
    """A file in a container of the code interpreter. `name` may be a whole path: the model chose it."""

    container: str
    file: str
    name: str


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a stored file that a file search gave to the model; the last three are the file's attributes, "" where it has none."""

    file: str
    name: str
    channel: str = ""
    visibility: str = ""
    slack_file: str = ""


@dataclass(frozen=True, slots=True)
class Hosted:
    """How often hosted tools ran. Their fees are in no usage."""

    file_searches: int = 0
    code_runs: int = 0

    def __add__(self, other: Hosted) -> Hosted:
        return Hosted(self.file_searches + other.file_searches, self.code_runs + other.code_runs)


@dataclass(frozen=True, slots=True)
class Result:
    """What a response came to. `cut` is why it is incomplete, `calls` are the functions it wants called.

    `citations` are those of the answer; `made` also those of commentary. `searched` is empty unless the request asked for the results of searches.
    """

    response: str
    status: str
    model: str = ""
    text: str = ""
    calls: tuple[Call, ...] = ()
    usage: Usage = field(default_factory=Usage)
    refused: bool = False
    cut: str = ""
    citations: tuple[Citation, ...] = ()
    made: tuple[Made, ...] = ()
    searched: tuple[Passage, ...] = ()
    containers: tuple[str, ...] = ()  # those that code ran in, each once
    hosted: Hosted = field(default_factory=Hosted)


Event = Started | Words | Working  # what comes before a Result


class Failed(Exception):  # named as the event is
    """The stream said `response.failed` or `error`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Reader:
    """Reads one stream of server-sent events. `result` is set when the response has ended.

    `item` is where an earlier reader stopped: the output item whose text came last, never one of commentary; -1 for the beginning.
    """

    def __init__(self, item: int = -1) -> None:
        self.result: Result | None = None
        self.events = 0
        self._rest = b""
        self._data: list[bytes] = []
        self._commentary: set[int] = set()
        self._spoke = item  # the output item whose text came last

    def read(self, chunk: bytes) -> list[Event]:
        """What a chunk of bytes says; events may be cut anywhere. Raises Failed."""
        out: list[Event] = []
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            line = line.rstrip(b"\r")  # noqa: PLW2901  # both line ends are allowed
            if line.startswith(b"data:"):
                self._data.append(line[5:])
            elif not line and self._data:
                data, self._data = b"\n".join(self._data), []
                if not data.strip().startswith(b"[DONE]"):
                    out += self._event(json.loads(data))
        return out

    def _event(self, event: Mapping[str, Any]) -> list[Event]:
        self.events += 1
        match event.get("type"):
            case "response.output_text.delta" | "response.refusal.delta":
                return [self._words(event, event.get("output_index", 0), event.get("delta") or "")]
            case "response.created":
                response = event["response"]
                return [Started(response["id"], bool(response.get("background")), event.get("sequence_number", 0))]
            case "response.output_item.added":
                if event["item"].get("phase") == "commentary":
                    self._commentary.add(event.get("output_index", 0))
                match event["item"].get("type"):
                    case "file_search_call":
                        return [Working("file_search")]
                    case "code_interpreter_call":
                        return [Working("code_interpreter")]
            case "response.completed" | "response.incomplete":
                self.result = result(event["response"])
            case "response.failed":
                raise Failed(str((event["response"].get("error") or {}).get("code") or ""))
            case "error":
                raise Failed(str(event.get("code") or (event.get("error") or {}).get("code") or ""))
        return []

    def _words(self, event: Mapping[str, Any], index: int, delta: str) -> Words:
        if index in self._commentary:
            return Words(delta, commentary=True)
        gap = "\n\n" if self._spoke not in (-1, index) else ""
        self._spoke = index
        return Words(gap + delta, sequence=event.get("sequence_number", 0), item=index)


def result(response: Mapping[str, Any]) -> Result:
    """A whole response, as `response.completed` carries it and `responses.retrieve` gives it."""
    items: Sequence[Mapping[str, Any]] = response.get("output") or ()
    messages = [i for i in items if i["type"] == "message"]
    answer = [i for i in messages if i.get("phase") != "commentary"]
    texts = ["".join(p.get("refusal") or p.get("text") or "" for p in i.get("content") or ()) for i in answer]
    searches = [i for i in items if i["type"] == "file_search_call"]
    runs = [i for i in items if i["type"] == "code_interpreter_call"]
    status = response.get("status") or "completed"
    return Result(
        response=response["id"],
        status=status,
        model=str(response.get("model") or ""),
        text="\n\n".join(t for t in texts if t),
        calls=tuple(Call(i["call_id"], i["name"], i["arguments"]) for i in items if i["type"] == "function_call"),
        usage=_usage(response.get("usage")),
        refused=any(p.get("type") == "refusal" for i in answer for p in i.get("content") or ()),
        cut=str((response.get("incomplete_details") or {}).get("reason") or "unknown")
        if status == "incomplete"
        else "",
        citations=tuple(
            Citation(a["file_id"], a.get("filename") or "", a.get("index") or 0)
            for a in _annotations(answer, "file_citation")
        ),
        made=tuple(
            Made(a["container_id"], a["file_id"], a.get("filename") or "")
            for a in _annotations(messages, "container_file_citation")
        ),
        searched=tuple(_passage(r) for i in searches for r in i.get("results") or () if r.get("file_id")),
        containers=tuple(dict.fromkeys(i["container_id"] for i in runs if i.get("container_id"))),
        hosted=Hosted(len(searches), len(runs)),
    )


def _annotations(messages: Iterable[Mapping[str, Any]], kind: str) -> Iterator[Mapping[str, Any]]:
    for message in messages:
        for part in message.get("content") or ():
            yield from (a for a in part.get("annotations") or () if a.get("type") == kind)


def _passage(found: Mapping[str, Any]) -> Passage:
    attributes = found.get("attributes") or {}
    of = (str(attributes.get(k) or "") for k in ("channel", "visibility", "slack_file"))
    return Passage(found["file_id"], found.get("filename") or "", *of)


def _usage(usage: Mapping[str, Any] | None) -> Usage:
    if not usage:
        return Usage()
    return Usage(
        usage.get("input_tokens") or 0,
        (usage.get("input_tokens_details") or {}).get("cached_tokens") or 0,
        usage.get("output_tokens") or 0,
        (usage.get("output_tokens_details") or {}).get("reasoning_tokens") or 0,
    )
