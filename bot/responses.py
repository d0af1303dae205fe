"""A response as OpenAI streams it: bytes in, what the bot needs out. Pure.

The SDK's own parsing builds a validated object for every token, which is most of what streaming costs; here only the events that matter
are read, as plain JSON. Event and item shapes: the Responses API's streaming reference.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

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
class Result:
    """What a response came to. `cut` is why it is incomplete, `calls` are the functions it wants called."""

    response: str
    status: str
    model: str = ""
    text: str = ""
    calls: tuple[Call, ...] = ()
    usage: Usage = field(default_factory=Usage)
    refused: bool = False
    cut: str = ""


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

    def read(self, chunk: bytes) -> list[Started | Words]:
        """What a chunk of bytes says; events may be cut anywhere. Raises Failed."""
        out: list[Started | Words] = []
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

    def _event(self, event: Mapping[str, Any]) -> list[Started | Words]:
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
    texts, calls, refused = [], [], False
    for item in response.get("output") or ():
        if item["type"] == "function_call":
            calls.append(Call(item["call_id"], item["name"], item["arguments"]))
        elif item["type"] == "message" and item.get("phase") != "commentary":
            content = item.get("content") or ()
            refused = refused or any(p.get("type") == "refusal" for p in content)
            texts.append("".join(p.get("refusal") or p.get("text") or "" for p in content))
    status = response.get("status") or "completed"
    return Result(
        response=response["id"],
        status=status,
        model=str(response.get("model") or ""),
        text="\n\n".join(t for t in texts if t),
        calls=tuple(calls),
        usage=_usage(response.get("usage")),
        refused=refused,
        cut=str((response.get("incomplete_details") or {}).get("reason") or "unknown")
        if status == "incomplete"
        else "",
    )


def _usage(usage: Mapping[str, Any] | None) -> Usage:
    if not usage:
        return Usage()
    return Usage(
        usage.get("input_tokens") or 0,
        (usage.get("input_tokens_details") or {}).get("cached_tokens") or 0,
        usage.get("output_tokens") or 0,
        (usage.get("output_tokens_details") or {}).get("reasoning_tokens") or 0,
    )
