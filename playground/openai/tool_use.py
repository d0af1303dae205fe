"""How the rule-based model uses tools: which one a message asks for, and what an output says."""

import json
import re
from typing import Any

from playground.openai.errors import JsonObject
from playground.openai.items import text_of
from playground.openai.plan import Call, Output, View
from playground.openai.schemas import filled
from playground.openai.search import words

LONGEST_OUTPUT = 3_000  # characters of a tool's output that an answer repeats
TIME = re.compile(
    r"\b(what(?:'s| is) the (?:time|date)|what time|current time|time is it|what day|today's date)", re.IGNORECASE
)
REMEMBER = re.compile(r"(?<!you )\bremember (?:that |this:? ?)?(?!anything)(.+)", re.IGNORECASE | re.DOTALL)
RECALL = re.compile(r"\b(what do you remember|do you remember|my notes|your notes|recall)\b", re.IGNORECASE)


def tool_call(view: View) -> Output | None:
    """A call of the function that the message asks for, or that the request demands; None when there is none."""
    functions, text = view.functions(), view.last_user
    name = _wanted_tool(functions, text)
    if view.forced in functions:
        name = view.forced
    elif view.forced == "*" and name is None:
        name = next(iter(functions), None)
    if name is None:
        return None
    match = REMEMBER.search(text) if name == "remember" else None
    about = match[1].strip() if match else text
    return Call(name, json.dumps(filled(functions[name].get("parameters") or {"type": "object"}, about)))


def _wanted_tool(functions: dict[str, JsonObject], text: str) -> str | None:
    asked: tuple[tuple[str, re.Pattern[str]], ...] = (
        ("current_time", TIME),
        ("recall", RECALL),
        ("remember", REMEMBER),
    )
    for name, pattern in asked:
        if name in functions and pattern.search(text):
            return name
    said = set(words(text))
    for name in functions:  # any other is meant when its name is said, such as "schedule a meeting"
        if name in text or (name not in ("remember", "recall") and set(words(name.replace("_", " "))) <= said):
            return name
    return None


def after_tools(view: View) -> str | None:
    """What the tools' outputs since the last user message say; None when there are none.

    Since then, not just at the very end: a developer item behind the outputs must not lead to the same call again.
    """
    names = {item["call_id"]: item["name"] for item in view.items if item["type"] == "function_call"}
    outputs: list[JsonObject] = []
    for item in reversed(view.items):
        if item.get("role") == "user":
            break
        if item["type"] == "function_call_output":
            outputs.insert(0, item)
    if not outputs:
        return None
    if len(outputs) == 1:
        return _readable(text_of(outputs[0]))
    return "\n".join(f"- **{names.get(item['call_id'], 'tool')}**: {_readable(text_of(item))}" for item in outputs)


def _readable(output: str) -> str:
    """A tool's output as a person reads it: the text of a JSON value, without its braces."""
    try:
        value = json.loads(output)
    except ValueError:
        value = output
    text = _rendered(value)
    return text if len(text) <= LONGEST_OUTPUT else text[:LONGEST_OUTPUT] + " …"


def _rendered(value: Any) -> str:
    if isinstance(value, dict):
        if value.get("error"):
            return f"That did not work: {value['error']}"
        for name in ("text", "message", "result", "output"):
            if isinstance(value.get(name), str):
                return str(value[name])
        if len(value) == 1 or set(value) == {"notes", "hint"}:
            return "\n\n".join(_rendered(held) for held in value.values())
        if all(isinstance(held, str) for held in value.values()):
            return ", ".join(f"{name.replace('_', ' ')}: {held}" for name, held in value.items())
        return "\n".join(f"- {name}: {_rendered(held)}" for name, held in value.items())
    if isinstance(value, list):
        return "\n".join(f"- {_rendered(held)}" for held in value) or "Nothing was found."
    return str(value) if value != "" else "The tool gave an empty answer."
