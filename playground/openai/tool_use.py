"""How the rule-based model uses tools: which one a message asks for, and what an output says."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from playground.openai.errors import JsonObject
from playground.openai.items import text_of
from playground.openai.memory import NAME
from playground.openai.plan import Call, Output, View
from playground.openai.schemas import filled
from playground.openai.search import words
from playground.openai.slack_answers import told

LONGEST_OUTPUT = 3_000  # characters of a tool's output that an answer repeats
FILE_NAME = r"[\w()-][\w.()-]*\.[A-Za-z]\w{1,4}"
CHANNEL = r"<#C\w+(?:\|[^>]*)?>|(?<!\w)#[\w-]+"


@dataclass(frozen=True)
class Wanted:
    """A message that fits the pattern asks for the tool; the first group, if there is one, is what `argument` gets."""

    tool: str
    pattern: re.Pattern[str]
    argument: str = ""


def _wanted(tool: str, pattern: str, argument: str = "") -> Wanted:
    return Wanted(tool, re.compile(pattern, re.DOTALL), argument)


WANTED = (
    _wanted("current_time", r"(?i)\b(?:what(?:'s| is) the (?:time|date)|what time|current time|time is it|what day)\b"),
    _wanted("current_time", r"(?i)\btoday's date\b"),
    _wanted(
        "forget_file", rf"(?i)\bforget (?:about )?(?:the )?(?:file )?(this (?:file|document|image)|{FILE_NAME})", "file"
    ),
    _wanted("list_files", r"(?i)\b(?:which|what|list)(?: \w+){0,2} files\b"),
    _wanted("read_file", rf"(?i)\b(?:read|open|summari[sz]e|what does)\b.*?({FILE_NAME})", "file"),
    _wanted(
        "read_thread",
        r"(?i)\b(?:in|from|of|read|up|summari[sz]e|about) (?:this|the|that) thread\b|https?://[^\s>|]+/archives/",
    ),
    _wanted("read_thread", rf"\b[Ww]hat (?:did|has|had) {NAME} (?:decide|say|said|agree|approve|write|think|want)"),
    _wanted(
        "search_messages",
        r"(?i)\b(?:search (?:slack |messages )?for|who (?:said|mentioned|wrote|talked about))\s+(.+)",
        "words",
    ),
    _wanted(
        "read_channel",
        rf"(?i)\b(?:said|happen\w*|discuss\w*|new|news|going on|read|summari[sz]e|up)\b.*?({CHANNEL})",
        "channel",
    ),
    _wanted("who_is", rf"\b[Ww]ho(?:'s| is) (<@[UW]\w+>|@\w[\w.-]*|{NAME})", "person"),
    _wanted("recall", r"(?i)\b(?:what do you remember|do you remember|my notes|your notes|recall)\b"),
    _wanted("remember", r"(?i)(?<!you )\bremember (?:that |this:? ?)?(?!anything)(.+)", ""),
)


def tool_call(view: View) -> Output | None:
    """A call of the function that the message asks for, or that the request demands; None when there is none."""
    functions, text = view.functions(), view.last_user
    name, about, more = _asked(functions, text)
    if view.forced in functions:
        name = view.forced
    elif view.forced == "*" and name is None:
        name = next(iter(functions), None)
    if name is None:
        return None
    schema = functions[name].get("parameters") or {"type": "object"}
    arguments = filled(schema, about)
    known = {key: value for key, value in more.items() if key in (schema.get("properties") or {})}
    return Call(name, json.dumps(arguments | known))


def _asked(functions: Mapping[str, JsonObject], text: str) -> tuple[str | None, str, dict[str, str]]:
    """The tool that a text asks for, what it is about, and the arguments that are plain."""
    for wanted in WANTED:
        match = wanted.pattern.search(text) if wanted.tool in functions else None
        if match is None:
            continue
        said = match[1].strip(" ?.!\n") if wanted.pattern.groups and match[1] else ""
        if wanted.argument:
            return wanted.tool, text, {wanted.argument: said}
        return wanted.tool, (said if wanted.tool == "remember" else text), {}
    said_words = set(words(text))
    ruled = {wanted.tool for wanted in WANTED}
    for name in functions:  # any other is meant when its name is said, such as "schedule a meeting"
        named = set(words(name.replace("_", " ")))
        if name in text or (name not in ruled and named and named <= said_words):
            return name, text, {}
    return None, text, {}


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
        return _readable(text_of(outputs[0]), view.last_user)
    lines = ((names.get(item["call_id"], "tool"), _readable(text_of(item), view.last_user)) for item in outputs)
    return "\n".join(f"- **{name}**: {text}" for name, text in lines)


def _readable(output: str, question: str) -> str:
    """A tool's output as a person reads it: the text of a JSON value, without its braces."""
    try:
        value = json.loads(output)
    except ValueError:
        value = output
    text = told(question, value) or _rendered(value)
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
