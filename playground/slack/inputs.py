"""The elements of blocks that hold a value: where they are, how their values look in a view's state, and what fits into them. Pure."""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from playground.slack.state import Json

VALUE_KEYS = {
    "plain_text_input": "value", "email_text_input": "value", "url_text_input": "value", "number_input": "value",
    "static_select": "selected_option", "external_select": "selected_option", "radio_buttons": "selected_option",
    "overflow": "selected_option", "checkboxes": "selected_options", "multi_static_select": "selected_options",
    "users_select": "selected_user", "multi_users_select": "selected_users", "conversations_select": "selected_conversation",
    "channels_select": "selected_channel", "datepicker": "selected_date", "timepicker": "selected_time",
    "datetimepicker": "selected_date_time", "file_input": "files", "rich_text_input": "rich_text_value",
}  # fmt: skip
_LISTS = ("selected_options", "selected_users", "files")  # empty rather than null


def elements(blocks: list[Json]) -> Iterator[tuple[str, Json]]:
    """(block_id, element) of each interactive element."""
    for i, block in enumerate(blocks):
        held = [block.get("accessory"), block.get("element"), *(block.get("elements") or ())]
        for element in held:
            if isinstance(element, dict) and "action_id" in element:
                yield block.get("block_id", f"b{i}"), element


def required(blocks: list[Json]) -> dict[str, str]:
    """block_id → label of each input that must be filled in."""
    named = ((b.get("block_id", f"b{i}"), b) for i, b in enumerate(blocks))
    return {block_id: b["label"]["text"] for block_id, b in named if b["type"] == "input" and not b.get("optional")}


def inputs(blocks: list[Json]) -> Iterator[tuple[str, Json]]:
    """(block_id, element) of each element that holds a value: the keys of a view's state."""
    for block_id, element in elements(blocks):
        if element["type"] in VALUE_KEYS:
            yield block_id, element


def options(element: Json) -> list[Json]:
    """What can be chosen."""
    return [*element.get("options", ()), *(o for g in element.get("option_groups", ()) for o in g["options"])]


def state_value(element: Json, given: Any) -> Json:
    """A value as view.state holds it: plain values are put under the key that the element's type has; None is what was shown at first."""
    if isinstance(given, dict) and "type" in given:
        return given
    key = VALUE_KEYS[element["type"]]
    if given is None:
        given = element.get("initial_value" if "selected" not in key else key.replace("selected", "initial"))
    if key in ("selected_option", "selected_options"):
        by_value = {o["value"]: o for o in options(element)}
        if isinstance(given, str) and given:
            given = by_value.get(given) or {"text": {"type": "plain_text", "text": given}, "value": given}
        elif isinstance(given, list):
            given = [by_value.get(v, v) if isinstance(v, str) else v for v in given]
    if not given:
        given = [] if key in _LISTS else None
    return {"type": element["type"], key: given}


def misfit(element: Json, value: Any) -> str:
    """Why Slack's client would not take a value, as it stands in the state; "" for one that fits."""
    match element["type"]:
        case "plain_text_input":
            return _length_misfit(element, value)
        case "number_input":
            return _number_misfit(element, value)
        case "datepicker":
            return "" if is_date(value) else f"“{value}” is not a date."
        case "timepicker":
            return "" if re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value) else f"“{value}” is not a time."
        case "email_text_input":
            return "" if re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value) else f"“{value}” is not an e-mail address."
        case "url_text_input":
            return "" if re.match(r"https?://\S", value) else f"“{value}” is not a link."
        case "static_select" | "radio_buttons":
            return "" if value in options(element) else f"“{value.get('value')}” cannot be chosen."
        case "checkboxes" | "multi_static_select":
            wrong = [str(v) for v in value if v not in options(element)]
            return f"“{wrong[0]}” cannot be chosen." if wrong else ""
        case _:
            return ""


def is_date(text: Any) -> bool:
    """Whether it is a day as Slack writes it: YYYY-MM-DD."""
    try:
        return isinstance(text, str) and date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _length_misfit(element: Json, value: str) -> str:
    if len(value) < element.get("min_length", 0):
        return f"At least {element['min_length']} characters, please."
    if len(value) > element.get("max_length", 3000):
        return f"At most {element.get('max_length', 3000)} characters, please."
    return ""


def _number_misfit(element: Json, value: str) -> str:
    try:
        number = Decimal(value)
    except InvalidOperation:
        return f"“{value}” is not a number."
    if not number.is_finite() or (not element.get("is_decimal_allowed") and number % 1):
        return f"“{value}” is not a whole number."
    if "min_value" in element and number < Decimal(element["min_value"]):
        return f"Not below {element['min_value']}, please."
    if "max_value" in element and number > Decimal(element["max_value"]):
        return f"Not above {element['max_value']}, please."
    return ""
