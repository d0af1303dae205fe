"""A scripted model: tests say what it answers, and learn what was asked beyond that or not at all."""

import json
import types
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from playground.openai.errors import ApiError, JsonObject
from playground.openai.plan import (
    Call,
    Ending,
    Found,
    Interpret,
    Output,
    Plan,
    Refuse,
    Say,
    Search,
    View,
    cites_found,
    cites_made,
)

Match = str | Callable[[View], bool] | None
UNEXPECTED_KEPT = 100


@dataclass(frozen=True)
class Step:
    """One answer. `match` is a part of the last user message, or a test of the whole view."""

    answer: Plan | Callable[[], ApiError]
    match: Match = None

    def fits(self, view: View) -> bool:
        """Whether this step is for the request."""
        if self.match is None:
            return True
        return self.match in view.last_user if isinstance(self.match, str) else bool(self.match(view))


class Script:
    """Steps for `POST /responses`: each is used once, by the first request that it fits; `forever` ones after those.

    Requests of a small model without a conversation (summaries) take only steps that have a `match`.
    """

    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)
        self.repeated: list[Step] = []
        self.unexpected: deque[str] = deque(maxlen=UNEXPECTED_KEPT)

    def add(self, *steps: Step) -> None:
        """Append steps."""
        self.steps += steps

    def forever(self, step: Step) -> None:
        """Answer with this step whatever no other step is for."""
        self.repeated.append(step)

    def take(self, view: View) -> Plan | None:
        """The plan for a request, or None when the rule-based model shall answer; raises an HTTP step's error."""
        summary = view.model.small and view.conversation_id is None
        for steps in (self.steps, self.repeated):
            step = next((s for s in steps if s.fits(view) and not (summary and s.match is None)), None)
            if step is not None:
                if steps is self.steps:
                    steps.remove(step)
                if isinstance(step.answer, Plan):
                    return step.answer
                raise step.answer()
        if summary:
            return None
        self.unexpected.append(view.last_user[:200])
        message = f"No step of the script is left for this request: {view.last_user[:200]!r}"
        # The header keeps the SDK from asking three times for what will never come.
        raise ApiError(500, message, code="script_exhausted", headers={"x-should-retry": "false"})

    def check(self) -> None:
        """Raise AssertionError when steps are left over or requests came that none was for."""
        problems = [f"unused step: {step}" for step in self.steps]
        problems += [f"unexpected request: {text!r}" for text in self.unexpected]
        if problems:
            raise AssertionError("; ".join(problems))


def text(
    s: str,
    *,
    annotations: Iterable[JsonObject] = (),
    phase: Literal["commentary", "final_answer"] | None = None,
    chunk: int | None = None,
    delay: float | None = None,
    match: Match = None,
) -> Step:
    """A message, streamed in deltas of `chunk` characters every `delay` seconds where given."""
    return Step(Plan((Say(s, tuple(annotations), phase, chunk, delay),)), match)


def calls(*pairs: tuple[str, Mapping[str, Any]], before: str = "", match: Match = None) -> Step:
    """Parallel function calls as (name, arguments), after a message of commentary where `before` is given."""
    said: tuple[Output, ...] = (Say(before, phase="commentary"),) if before else ()
    return Step(Plan(said + tuple(Call(name, json.dumps(arguments)) for name, arguments in pairs)), match)


def searches(
    s: str, *cited: str, results: Iterable[Found] | None = None, queries: Iterable[str] = (), match: Match = None
) -> Step:
    """A file search, then a message that cites files by name: of `results`, else of what is really found in the stores."""
    found = tuple(results) if results is not None else None
    return Step(Plan((Search(tuple(queries), found), Say(s, cites_found(s, cited)))), match)


def interprets(
    s: str,
    files: Mapping[str, bytes] = types.MappingProxyType({}),
    *,
    code: str = "print(1)",
    logs: str = "",
    cited: Iterable[str] | None = None,
    match: Match = None,
) -> Step:
    """Code that runs and makes files, then a message; it cites all of them, or only those in `cited`."""
    names = files if cited is None else cited
    return Step(Plan((Interpret(code, files, logs), Say(s, cites_made(s, names)))), match)


def refusal(s: str, *, match: Match = None) -> Step:
    """A refusal."""
    return Step(Plan((Refuse(s),)), match)


def empty(*, match: Match = None) -> Step:
    """A completed response without any output."""
    return Step(Plan(), match)


def incomplete(s: str, reason: str = "max_output_tokens", *, match: Match = None) -> Step:
    """A message that ends early: `max_output_tokens` or `content_filter`."""
    return Step(Plan((Say(s),), Ending("incomplete", code=reason)), match)


def failed(
    s_before: str = "", code: str = "server_error", message: str = "The model failed.", *, match: Match = None
) -> Step:
    """Some text, then `response.failed`."""
    return Step(Plan(_before(s_before), Ending("failed", code=code, message=message)), match)


def error_event(s_before: str, code: str, message: str, *, nested: bool = False, match: Match = None) -> Step:
    """Some text, then an `error` event; `nested` puts its fields under `error`, which makes the SDK raise."""
    return Step(Plan(_before(s_before), Ending("error", code=code, message=message, nested=nested)), match)


def cut(s_before: str = "", *, rest: str = "", clean: bool = False, match: Match = None) -> Step:
    """Some text, then the stream dies: the connection drops, or (`clean`) the body just ends.

    A background response completes behind it with `rest` added.
    """
    return Step(Plan(_before(s_before), Ending("cut", rest=rest, clean=clean)), match)


def stall(s_before: str = "", *, seconds: float, match: Match = None) -> Step:
    """Some text, then silence for so long, then a normal end."""
    return Step(Plan(_before(s_before), Ending("stall", seconds=seconds)), match)


def http_error(
    status: int,
    code: str | None = None,
    message: str = "",
    headers: Mapping[str, str] | None = None,
    *,
    match: Match = None,
) -> Step:
    """An HTTP error in place of a response."""
    type_ = code if code == "insufficient_quota" else None
    said = message or f"Scripted error {status}."
    return Step(lambda: ApiError(status, said, code=code, type_=type_, headers=headers), match)


def _before(s: str) -> tuple[Output, ...]:
    return (Say(s),) if s else ()
