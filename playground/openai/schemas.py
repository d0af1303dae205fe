"""JSON schemas of strict functions and outputs: checked as OpenAI does, and filled in by the rule-based model."""

import re
from collections.abc import Mapping
from typing import Any

from playground.openai.errors import invalid

DEPTH = 10
PROPERTIES, ENUMS = 5_000, 1_000  # in all of a schema
UNSUPPORTED = ("allOf", "not", "if", "then", "else", "dependentRequired", "dependentSchemas", "oneOf")


def check_strict(schema: Any, what: str, param: str, *, code: str = "invalid_function_parameters") -> None:
    """Raise 400 unless the schema keeps the rules of strict mode; `what` names it in the message."""
    if schema is None:
        schema = {}
    if not isinstance(schema, dict) or schema.get("type") != "object" or "anyOf" in schema:
        kind = schema.get("type") if isinstance(schema, dict) else None
        message = f"Invalid schema for {what}: schema must be a JSON Schema of 'type: \"object\"', got 'type: "
        raise invalid(f'{message}"{kind}"\'.', param=param, code=code)
    fault = _fault(schema, (), 0) or _too_large(schema)
    if fault:
        raise invalid(f"Invalid schema for {what}: {fault}", param=param, code=code)


def _fault(schema: Any, path: tuple[str, ...], depth: int) -> str | None:
    if not isinstance(schema, dict):
        return None
    where = f"In context={path}, "
    if depth > DEPTH:
        return f"{where}schema exceeds the maximum nesting depth of {DEPTH}."
    for word in UNSUPPORTED:
        if word in schema:
            return f"{where}'{word}' is not permitted."
    kinds = schema.get("type")
    if "object" in (kinds if isinstance(kinds, list) else [kinds]):
        if schema.get("additionalProperties") is not False:
            return f"{where}'additionalProperties' is required to be supplied and to be false."
        names = schema.get("properties") or {}
        missing = [name for name in names if name not in schema.get("required", [])]
        if missing:
            text = "'required' is required to be supplied and to be an array including every key in properties."
            return f"{where}{text} Missing '{missing[0]}'."
        extra = [name for name in schema.get("required", []) if name not in names]
        if extra:
            return f"{where}'required' has an extra key '{extra[0]}'."
    if "array" in (kinds if isinstance(kinds, list) else [kinds]) and "items" not in schema:
        return f"{where}array schema missing items."
    if kinds is None and not {"anyOf", "$ref", "enum", "const"} & set(schema):
        return f"{where}schema must have a 'type' key."
    for key, part in _parts(schema):
        if fault := _fault(part, (*path, *key), depth + 1):
            return fault
    return None


def _too_large(schema: Any) -> str | None:
    properties, enums = 0, 0
    stack = [schema]
    while stack:
        part = stack.pop()
        if isinstance(part, dict):
            properties += len(part.get("properties") or {})
            enums += len(part.get("enum") or [])
            stack += [held for _, held in _parts(part)]
    if properties > PROPERTIES:
        return f"schema has {properties} properties, which exceeds the maximum of {PROPERTIES}."
    return f"schema has {enums} enum values, which exceeds the maximum of {ENUMS}." if enums > ENUMS else None


def _parts(schema: Mapping[str, Any]) -> list[tuple[tuple[str, ...], Any]]:
    found: list[tuple[tuple[str, ...], Any]] = []
    for word in ("properties", "$defs", "definitions"):
        found += [((word, name), part) for name, part in (schema.get(word) or {}).items()]
    if "items" in schema:
        found.append((("items",), schema["items"]))
    found += [(("anyOf", str(n)), part) for n, part in enumerate(schema.get("anyOf") or [])]
    return found


QUOTED = re.compile(r'["“]([^"“”]{1,200})["”]|`([^`]{1,200})`')
NUMBER = re.compile(r"(?<![\w#])\d+(?:[.,]\d+)?(?!\w)")
# What a property's name says about its value, and where a message has such a thing.
BY_NAME: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = (
    (re.compile(r"channel", re.IGNORECASE), re.compile(r"<#(C\w+)|\b(C[A-Z0-9]{8,})\b")),
    (re.compile(r"user|attendee|person|people|participant|who|member", re.IGNORECASE), re.compile(r"<@([UW]\w+)")),
    (
        re.compile(r"date|day|start|when|until|from|time", re.IGNORECASE),
        re.compile(r"(\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2})?)"),
    ),
    (re.compile(r"currency", re.IGNORECASE), re.compile(r"\b(EUR|USD|GBP|CHF|JPY)\b")),
    (re.compile(r"url|link", re.IGNORECASE), re.compile(r"(https?://[^\s>|]+)")),
    (re.compile(r"mail", re.IGNORECASE), re.compile(r"([\w.+-]+@[\w.-]+\w)")),
)


def filled(schema: Mapping[str, Any], text: str, *, name: str = "", defs: Mapping[str, Any] | None = None) -> Any:
    """A value that the schema allows, drawn from the text where it has what the property's name asks for."""
    defs = schema.get("$defs") or schema.get("definitions") or defs or {}
    if "$ref" in schema:
        return filled(defs.get(schema["$ref"].rsplit("/", 1)[-1], {}), text, name=name)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        values = schema["enum"]
        named = (value for value in values if isinstance(value, str) and value.lower() in text.lower())
        return next(named, None if None in values else values[0])
    if schema.get("anyOf"):
        values = [filled(part, text, name=name, defs=defs) for part in schema["anyOf"] if part.get("type") != "null"]
        nullable = any(part.get("type") == "null" for part in schema["anyOf"])
        return values[0] if values and (not nullable or _mentioned(name, text)) else None
    kinds = schema.get("type", "string")
    if isinstance(kinds, list):
        if "null" in kinds and not _mentioned(name, text):
            return None
        kinds = next((kind for kind in kinds if kind != "null"), "null")
    return _filled_kind(kinds, schema, text, name, defs)


def _filled_kind(kind: str, schema: Mapping[str, Any], text: str, name: str, defs: Mapping[str, Any]) -> Any:
    if kind == "object":
        properties = schema.get("properties") or {}
        return {key: filled(part, text, name=key, defs=defs) for key, part in properties.items()}
    if kind == "array":
        matches = _all_named(name, text)
        item = schema.get("items") or {}
        if matches and item.get("type") == "string":
            return matches
        return [filled(item, text, name=name, defs=defs)] if schema.get("minItems") else []
    if kind in ("number", "integer"):
        match = NUMBER.search(text)
        value = float(match[0].replace(",", ".")) if match else 0.0
        return int(value) if kind == "integer" else value
    if kind == "boolean":
        return False
    return None if kind == "null" else _filled_text(name, text)


def _filled_text(name: str, text: str) -> str:
    if named := _all_named(name, text):
        return named[0]
    quoted = QUOTED.search(text)
    return (quoted[1] or quoted[2]) if quoted else text.strip()


def _all_named(name: str, text: str) -> list[str]:
    for about, pattern in BY_NAME:
        if about.search(name):
            found = [next(group for group in match.groups() if group) for match in pattern.finditer(text)]
            if found:
                return list(dict.fromkeys(found))
    return []


def _mentioned(name: str, text: str) -> bool:
    return bool(_all_named(name, text))
