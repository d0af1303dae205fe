"""How the rule-based model uses tools: which one a message asks for, and what an output says."""

import json
import re
from collections.abc import Mapping
from typing import Any

from playground.openai import expense_calls, meeting_calls
from playground.openai.errors import JsonObject
from playground.openai.items import parts, text_of
from playground.openai.memory import NAME
from playground.openai.plan import Call, Output, View
from playground.openai.schemas import filled
from playground.openai.search import words
from playground.openai.slack_answers import listed, told
from playground.openai.spoken import spoken

LONGEST_OUTPUT = 3_000  # characters of a tool's output that an answer repeats
LONGEST_ARGUMENT = 200  # characters
FILE_NAME = r"[\w()-][\w.()-]*\.[A-Za-z]\w{1,4}\b"
LOOK_FOR = r"search (?:slack |messages )?for|who (?:said|mentioned|wrote|talked about)"
SHARED = re.compile(
    r"(?m)^\[shared (?:a file|in this thread (?:meanwhile|before)): (?:([^\n]*?)(?= — |\]$))(?: — [^\n]*)?"
)
CHANNEL = r"<#C\w+(?:\|[^>]*)?>|(?<!\w)#[\w-]+"
# A message that fits a pattern asks for the tool; named groups are its arguments. The first that fits counts.
WANTED: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (tool, re.compile(pattern, re.DOTALL))
    for tool, pattern in (
        ("current_time", r"(?i)\bwhat(?:'s| is) the (?:time|date)\b|\bwhat (?:time|day)\b|\bcurrent time\b|\btime is it\b"),
        ("current_time", r"(?i)\btoday's date\b"),
        ("forget_file", rf"(?i)\bforget (?:about )?(?:the )?(?:file )?(?P<file>th(?:is|at) (?:file|document|image)|{FILE_NAME})"),
        ("list_files", r"(?i)\b(?:which|what|list)(?: \w+){0,2} files\b"),
        ("read_file", rf"(?i)\b(?:read|open|summari[sz]e|what does)\b.*?(?P<file>{FILE_NAME})"),
        ("read_thread", r"(?i)\b(?:in|from|of|read|up|summari[sz]e|about) (?:this|the|that) thread\b"),
        ("read_thread", r"(?P<link>https?://[^\s>|]+/archives/[^\s>|]+)"),
        ("read_thread", rf"\b[Ww]hat (?:did|has|had) {NAME} (?:decide|say|said|agree|approve|write|think|want)"),
        (
            "search_messages",
            rf"(?i)\b(?:{LOOK_FOR})\s+(?P<words>.+?)(?:\s+in (?P<channel>{CHANNEL}))?[\s?.!]*$",
        ),
        ("read_channel", rf"(?i)\b(?:said|happen\w*|discuss\w*|news?|going on|read|summari[sz]e|up)\b.*?(?P<channel>{CHANNEL})"),
        ("read_channel", r"(?i)\b(?:said|happen\w*|discuss\w*|news?|going on) (?:here|in this channel)\b"),
        ("who_is", rf"\b[Ww]ho(?:'s| is) (?P<person><@[UW]\w+>|@\w[\w.-]*|{NAME})"),
        ("recall", r"(?i)\b(?:what do you remember|do you remember|my notes|your notes|recall)\b"),
        ("remember", r"(?i)(?<!you )\bremember (?:that |this:? ?)?(?!anything)(?P<note>.+)"),
    )
)  # fmt: skip


def tool_call(view: View) -> Output | None:
    """A call of the function that the message asks for, or that the request demands; None when there is none."""
    functions = view.functions()
    name, said = _asked(functions, view)
    if view.forced in functions:
        name = view.forced
    elif view.forced == "*" and name is None:
        name = next(iter(functions), None)
    if name is None:
        return None
    if said.get("file", "").lower().startswith(("this ", "that ")):
        said["file"] = _latest_file(view) or said["file"]
    schema = functions[name].get("parameters") or {"type": "object"}
    known = {key: value for key, value in said.items() if key in (schema.get("properties") or {})}
    if name in (*expense_calls.TOOLS, *meeting_calls.TOOLS):  # null where nothing was said; the rule knows what was
        return Call(name, json.dumps(dict.fromkeys(schema.get("properties") or {}) | known))
    return Call(name, json.dumps(filled(schema, view.last_user) | known))


def _asked(functions: Mapping[str, JsonObject], view: View) -> tuple[str | None, dict[str, Any]]:
    """The tool that a text asks for, and the arguments that are plain from it. What the bot says of a shared file, behind its name, asks for nothing."""
    text = SHARED.sub(r"\1", view.last_user)
    if (meeting := meeting_calls.meeting_call(spoken(view.last_user))) and meeting[0] in functions:
        return meeting
    for name, pattern in WANTED:
        if name in functions and (match := pattern.search(text)):
            given = match.groupdict().items()
            return name, {key: value.strip()[:LONGEST_ARGUMENT] for key, value in given if value}
    if (wanted := expense_calls.expense_call(view, spoken(view.last_user))) and wanted[0] in functions:
        return wanted
    said = set(words(text))
    ruled = {*expense_calls.TOOLS, *meeting_calls.TOOLS, *(name for name, _ in WANTED)}
    for name in functions:  # any other is meant when its name is said, such as "schedule a meeting"
        named = set(words(name.replace("_", " ")))
        if name in text or (name not in ruled and named and named <= said):
            return name, {}
    return None, {}


def _latest_file(view: View) -> str | None:
    """The name of the file that the conversation saw or spoke of last."""
    for item in reversed(view.items):
        names = [view.texts[part["file_id"]][0] for part in parts(item) if part.get("file_id") in view.texts]
        if names := names or re.findall(FILE_NAME, text_of(item)):
            return names[-1]
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
        return _readable(text_of(outputs[0]), view.last_user)
    lines = ((names.get(item["call_id"], "tool"), _readable(text_of(item), view.last_user)) for item in outputs)
    return "\n".join(f"- **{name}**: {text}" for name, text in lines)


def _readable(output: str, question: str) -> str:
    """A tool's output as a person reads it: the text of a JSON value, without its braces."""
    try:
        value = json.loads(output)
    except ValueError:
        value = output
    text = told(question, value) or listed(value) or expense_calls.told(value) or meeting_calls.told(value)
    text = text or _rendered(value)
    return text if len(text) <= LONGEST_OUTPUT else text[:LONGEST_OUTPUT] + " …"


def _rendered(value: Any) -> str:
    if isinstance(value, dict):
        if value.get("error"):
            return f"That did not work: {value['error']}"
        if value.get("forgotten"):
            return f"I forget {value['forgotten']}: {value.get('when', 'soon')} nobody finds it here any more. {value.get('note', '')}".strip()
        for name in ("text", "content", "message", "result", "output"):
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
