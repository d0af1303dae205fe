"""What is asked of the model, and what it will answer: plain values, made before the first byte is sent."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

from playground.openai.errors import JsonObject
from playground.openai.items import text_of
from playground.openai.limits import CHARACTERS_PER_TOKEN, Model, count_tokens


@dataclass(frozen=True)
class Found:
    """A passage that file search found; score from 0 to 1."""

    file_id: str
    filename: str
    text: str
    score: float
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def shown(self) -> JsonObject:
        """As an entry of a file_search_call's `results`."""
        return {
            "file_id": self.file_id,
            "filename": self.filename,
            "text": self.text,
            "score": self.score,
            "attributes": dict(self.attributes),
        }


@dataclass(frozen=True)
class View:
    """A request as the model sees it.

    `items` is the whole context, oldest first, `input` its new end; `tools` are those it may call; `found` is what a
    file search for the last user message gives (empty where the tool is not offered); `texts` the files in the context
    by id, as (name, text); `tables` those that code may work with by name, as CSV.
    """

    body: Mapping[str, Any]
    model: Model
    items: tuple[JsonObject, ...]
    input: tuple[JsonObject, ...]
    tools: tuple[JsonObject, ...] = ()
    forced: str | None = None
    found: tuple[Found, ...] = ()
    texts: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    tables: Mapping[str, str] = field(default_factory=dict)
    conversation_id: str | None = None

    @property
    def instructions(self) -> str:
        """The request's instructions, or an empty text."""
        return self.body.get("instructions") or ""

    @cached_property
    def last_user(self) -> str:
        """The text of the last user message, also when tool outputs came after it."""
        return next((text_of(item) for item in reversed(self.items) if item.get("role") == "user"), "")

    def functions(self) -> dict[str, JsonObject]:
        """The function tools offered, by name."""
        return {tool["name"]: tool for tool in self.tools if tool["type"] == "function"}


@dataclass(frozen=True)
class Say:
    """A message. `chunk` is characters and `delay` seconds a delta; without them words come at the server's pace."""

    text: str
    annotations: tuple[JsonObject, ...] = ()
    phase: Literal["commentary", "final_answer"] | None = None
    chunk: int | None = None
    delay: float | None = None


@dataclass(frozen=True)
class Refuse:
    """A message that is a refusal."""

    text: str


@dataclass(frozen=True)
class Call:
    """A function call; `arguments` is a JSON text."""

    name: str
    arguments: str


@dataclass(frozen=True)
class Search:
    """A file search that has run; without results it finds what the view's search has found."""

    queries: tuple[str, ...]
    results: tuple[Found, ...] | None


@dataclass(frozen=True)
class Interpret:
    """Code that has run: what it printed and the files it made. The container comes when the plan is settled."""

    code: str
    made: Mapping[str, bytes] = field(default_factory=dict)
    logs: str = ""
    container_id: str = ""


Output = Say | Refuse | Call | Search | Interpret


@dataclass(frozen=True)
class Ending:
    """How the response ends. In every kind but `completed`, `incomplete` and `stall` the last output stays unfinished.

    `stall` waits `seconds` before it completes. `cut` drops the connection: at once, or by `clean` at a chunk's end;
    a background response goes on behind it with `rest`. `nested` wraps an error event's fields in `error`.
    """

    kind: Literal["completed", "incomplete", "failed", "error", "cut", "stall"] = "completed"
    code: str = ""
    message: str = ""
    seconds: float = 0.0
    rest: str = ""
    clean: bool = False
    nested: bool = False

    @property
    def breaks(self) -> bool:
        """The last output is not finished."""
        return self.kind in ("failed", "error", "cut")


@dataclass(frozen=True)
class Plan:
    """A response to come: its outputs in order, and its end."""

    outputs: tuple[Output, ...] = ()
    ending: Ending = Ending()


def output_tokens(output: Output) -> int:
    """Tokens of an output; a search costs none."""
    match output:
        case Say(text=text) | Refuse(text=text):
            return count_tokens(text)
        case Call(name=name, arguments=arguments):
            return count_tokens(name) + count_tokens(arguments)
        case Search():
            return 0
        case Interpret(code=code):
            return count_tokens(code)


def bounded(plan: Plan, limit: int | None) -> Plan:
    """The plan cut off at `max_output_tokens`, then incomplete."""
    if limit is None or sum(map(output_tokens, plan.outputs)) <= limit:
        return plan
    kept: list[Output] = []
    for output in plan.outputs:
        tokens = output_tokens(output)
        if tokens > limit:
            if isinstance(output, Say) and limit:
                kept.append(replace(output, text=output.text[: limit * CHARACTERS_PER_TOKEN]))
            break
        kept.append(output)
        limit -= tokens
    return Plan(tuple(kept), Ending("incomplete", code="max_output_tokens"))


def cites_made(text: str, names: Iterable[str]) -> tuple[JsonObject, ...]:
    """Annotations for files that code made: at their sandbox link where the text has one, else at its end."""
    cited = []
    for name in names:
        start = text.find(f"sandbox:/mnt/data/{name}")
        end = start + len(f"sandbox:/mnt/data/{name}") if start >= 0 else len(text)
        span = {"start_index": start if start >= 0 else end, "end_index": end}
        cited.append({"type": "container_file_citation", "filename": name} | span)
    return tuple(cited)


def cites_found(text: str, names: Iterable[str]) -> tuple[JsonObject, ...]:
    """Annotations for searched files, at the text's end."""
    return tuple({"type": "file_citation", "filename": name, "index": len(text)} for name in names)
