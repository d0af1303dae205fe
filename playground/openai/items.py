"""Items: the messages, calls and outputs that inputs, outputs and conversations are made of."""

import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from playground.openai.errors import ApiError, JsonObject, invalid

PAGE_SIZE, PAGE_LIMIT = 20, 100
INPUT_PARTS = ("input_text", "input_image", "input_file", "input_audio")
OUTPUT_PARTS = ("output_text", "refusal")
ROLES = ("assistant", "system", "developer", "user")
# Prefixes of ids by item type; a type that is not here is not accepted as input.
PREFIXES = {
    "message": "msg",
    "function_call": "fc",
    "function_call_output": "fc",
    "file_search_call": "fs",
    "web_search_call": "ws",
    "code_interpreter_call": "ci",
    "reasoning": "rs",
    "compaction": "cmp",
    "item_reference": "ref",
}
REQUIRED = {
    "function_call": ("call_id", "name", "arguments"),
    "function_call_output": ("call_id", "output"),
    "item_reference": ("id",),
}
# What is answered only where `include` names it.
OPTIONAL = {"file_search_call": "results", "code_interpreter_call": "outputs"}


def new_id(prefix: str) -> str:
    """A fresh id, such as `msg_3f…`."""
    return f"{prefix}_{secrets.token_hex(24)}"


def input_items(value: Any, param: str = "input") -> list[JsonObject]:
    """The items of an `input` (a string or a list) as a conversation stores them, each with an id.

    Raises 400 for what OpenAI does not accept, naming the argument, such as `input[0].content[1].type`.
    """
    if isinstance(value, str):
        value = [{"role": "user", "content": value}]
    if not isinstance(value, list):
        raise invalid(
            f"Invalid type for '{param}': expected one of a string or array of input items, but got "
            f"{json_type(value)} instead.",
            param=param,
            code="invalid_type",
        )
    return [_item(item, f"{param}[{n}]") for n, item in enumerate(value)]


def _item(item: Any, param: str) -> JsonObject:
    if not isinstance(item, dict):
        message = f"Invalid type for '{param}': expected an object, but got {json_type(item)} instead."
        raise invalid(message, param=param, code="invalid_type")
    type_ = item.get("type", "message" if "role" in item else None)
    if type_ is None:
        raise _missing(f"{param}.type")
    if type_ not in PREFIXES:
        raise _unsupported(type_, PREFIXES, f"{param}.type")
    if type_ == "message":
        return _message(item, param)
    for name in REQUIRED.get(type_, ()):
        if item.get(name) is None:
            raise _missing(f"{param}.{name}")
    if type_ == "function_call_output":
        _check_output(item["output"], f"{param}.output")
    stored = {"id": new_id(PREFIXES[type_]), "status": "completed"} | item | {"type": type_}
    if not stored["id"]:
        stored["id"] = new_id(PREFIXES[type_])
    return stored


def _check_output(output: Any, param: str) -> None:
    """A tool's output is a string or a list of input parts, never a bare object."""
    if isinstance(output, list):
        _parts(output, INPUT_PARTS, param)
    elif not isinstance(output, str):
        message = f"Invalid type for '{param}': expected one of a string or array, but got {json_type(output)} instead."
        raise invalid(message, param=param, code="invalid_type")


def _message(item: Mapping[str, Any], param: str) -> JsonObject:
    unknown = set(item) - {"type", "role", "content", "id", "status", "phase"}
    if unknown:
        name = f"{param}.{min(unknown)}"
        raise invalid(f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")
    role = item.get("role")
    if role not in ROLES:
        raise _unsupported(role, ROLES, f"{param}.role")
    content = item.get("content")
    spoken = role == "assistant"
    if isinstance(content, str):
        kind: JsonObject = {"type": "output_text", "annotations": []} if spoken else {"type": "input_text"}
        content = [kind | {"text": content}]
    elif not isinstance(content, list):
        raise _missing(f"{param}.content")
    _parts(content, OUTPUT_PARTS if spoken else INPUT_PARTS, f"{param}.content")
    stored = {"id": item.get("id") or new_id("msg"), "type": "message", "role": role, "status": "completed"}
    if item.get("phase"):
        stored["phase"] = item["phase"]
    return stored | {"content": content}


def _parts(parts: list[Any], allowed: Iterable[str], param: str) -> None:
    for n, part in enumerate(parts):
        type_ = part.get("type") if isinstance(part, dict) else None
        if type_ is None or type_ not in allowed:
            raise _unsupported(type_, allowed, f"{param}[{n}].type")
        if type_ in ("input_text", "output_text") and not isinstance(part.get("text"), str):
            raise _missing(f"{param}[{n}].text")


def json_type(value: Any) -> str:
    """A value's type in OpenAI's words, for messages about arguments."""
    if value is None:
        return "null"
    kinds = {bool: "a boolean", dict: "an object", list: "an array", int: "an integer", float: "a decimal number"}
    return kinds.get(type(value), "a string")


def _missing(param: str) -> ApiError:
    return invalid(f"Missing required parameter: '{param}'.", param=param, code="missing_required_parameter")


def _unsupported(value: Any, allowed: Iterable[str], param: str) -> ApiError:
    names = ", ".join(f"'{name}'" for name in allowed)
    message = f"Invalid value: '{value}'. Supported values are: {names}."
    return invalid(message, param=param, code="invalid_value")


def text_of(item: Mapping[str, Any]) -> str:
    """Everything readable in an item, as one text."""
    value = item.get("output", item.get("content", ""))
    if isinstance(value, str):
        return value
    return "\n".join(part.get("text") or part.get("refusal") or "" for part in value or [] if isinstance(part, dict))


def check_calls(before: Iterable[Mapping[str, Any]], new: Iterable[Mapping[str, Any]]) -> None:
    """Every call has its output and every output its call, over the conversation and the input; else 400."""
    calls: dict[str, None] = {}
    outputs = set()
    for item in [*before, *new]:
        if item["type"] == "function_call":
            calls[item["call_id"]] = None
        elif item["type"] == "function_call_output":
            if item["call_id"] not in calls:
                message = f"No tool call found for function call output with call_id {item['call_id']}."
                raise invalid(message, param="input")
            outputs.add(item["call_id"])
    for call_id in calls:
        if call_id not in outputs:
            raise invalid(f"No tool output found for function call {call_id}.", param="input")


def shown(items: Iterable[JsonObject], include: Iterable[str]) -> list[JsonObject]:
    """Items as they are answered: what searches found and code printed only where that was asked for."""
    asked = set(include)
    hidden = {type_: name for type_, name in OPTIONAL.items() if f"{type_}.{name}" not in asked}
    return [item | {hidden[item["type"]]: None} if item["type"] in hidden else item for item in items]


def parts(item: Mapping[str, Any]) -> list[JsonObject]:
    """The parts of a message's content or of a tool's output; none where it is a text."""
    held = item.get("output" if item["type"] == "function_call_output" else "content")
    return [part for part in held if isinstance(part, dict)] if isinstance(held, list) else []


def page(
    items: list[JsonObject], query: Mapping[str, str], *, usual: int = PAGE_SIZE, most: int = PAGE_LIMIT
) -> JsonObject:
    """One page of a list (oldest first) by `limit`, `order`, `after`, `before`, as the API's list object."""
    limit = _limit(query, usual, most)
    order = query.get("order", "desc")
    if order not in ("asc", "desc"):
        raise _unsupported(order, ("asc", "desc"), "order")
    rows = items if order == "asc" else items[::-1]
    if after := query.get("after"):
        rows = rows[_index(rows, after, "after") + 1 :]
    if before := query.get("before"):
        rows = rows[: _index(rows, before, "before")]
    got = rows[:limit]
    ends = {"first_id": got[0]["id"] if got else None, "last_id": got[-1]["id"] if got else None}
    return {"object": "list", "data": got, **ends, "has_more": len(rows) > limit}


def _limit(query: Mapping[str, str], usual: int, most: int) -> int:
    text = query.get("limit", str(usual))
    if not text.lstrip("-").isdigit():
        raise invalid(f"Invalid type for 'limit': expected an integer, but got '{text}' instead.", param="limit")
    limit = int(text)
    if not 1 <= limit <= most:
        kind, bound = ("below_min", ">= 1") if limit < 1 else ("above_max", f"<= {most}")
        message = f"Invalid 'limit': integer {kind.split('_')[0]} {kind.split('_')[1]}imum value. "
        message += f"Expected a value {bound}, but got {limit} instead."
        raise invalid(message, param="limit", code=f"integer_{kind}_value")
    return limit


def _index(rows: list[JsonObject], id_: str, param: str) -> int:
    for n, row in enumerate(rows):
        if row["id"] == id_:
            return n
    raise invalid(f"Item with id '{id_}' not found.", param=param)
