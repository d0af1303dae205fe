"""Checks of what stands inside blocks: texts, buttons, menus, inputs, confirm dialogs; the shapes and lengths that Slack refuses. Pure."""

from collections.abc import Iterator
from typing import Any

from playground.slack.inputs import is_date, options
from playground.slack.state import Json

MOST_OPTIONS = {"checkboxes": 10, "radio_buttons": 10, "overflow": 5}  # others: 100
CHOSEN_FROM = ("static_select", "multi_static_select", "checkboxes", "radio_buttons", "overflow")
INPUT_ONLY = ("plain_text_input", "email_text_input", "url_text_input", "number_input", "file_input", "rich_text_input")
NEVER_INPUT = ("button", "overflow", "image", "feedback_buttons", "icon_button", "workflow_button")
_CONFIRM = (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30))


def text_faults(text: Any, where: str, most: int, *, plain: bool = False) -> Iterator[str]:
    """Faults of a text object; `where` is its JSON pointer."""
    if not isinstance(text, dict) or text.get("type") not in (("plain_text",) if plain else ("plain_text", "mrkdwn")):
        yield f"must be a {'plain_text' if plain else 'text'} object [json-pointer:{where}]"
    elif not isinstance(text.get("text"), str) or not text["text"]:
        yield f"must be more than 0 characters [json-pointer:{where}/text]"
    else:
        yield from too_long(text["text"], most, f"{where}/text")


def too_long(value: Any, most: int, where: str) -> Iterator[str]:
    """The fault of a text that has more than `most` characters."""
    if isinstance(value, str) and len(value) > most:
        yield f"must be less than {most + 1} characters [json-pointer:{where}]"


def elements_faults(held: Any, block: str, where: str, most: int) -> Iterator[str]:
    """Faults of the elements of a block of the kind `block`, its accessory or its input."""
    if not isinstance(held, list) or not all(isinstance(e, dict) for e in held):
        yield f"must be an array of objects [json-pointer:{where}/elements]"
        return
    if len(held) > most:
        yield f"no more than {most} items allowed [json-pointer:{where}/elements]"
    ids = [e["action_id"] for e in held if e.get("action_id")]
    if len(set(ids)) < len(ids):
        yield f"action_id must be unique in its block [json-pointer:{where}/elements]"
    for i, element in enumerate(held):
        at = f"{where}/element" if block == "input" else f"{where}/elements/{i}"
        kind = element.get("type")
        if not isinstance(kind, str):
            yield f"missing required field: type [json-pointer:{at}]"
        elif (kind in INPUT_ONLY and block != "input") or (kind in NEVER_INPUT and block == "input"):
            yield f"unsupported type: {kind} [json-pointer:{at}/type]"
        else:
            yield from _element_faults(element, kind, at)


def _element_faults(element: Json, kind: str, where: str) -> Iterator[str]:
    if kind in ("mrkdwn", "plain_text"):
        yield from text_faults(element, where, 3000)
        return
    yield from too_long(element.get("action_id"), 255, f"{where}/action_id")
    if element.get("placeholder") is not None:
        yield from text_faults(element["placeholder"], f"{where}/placeholder", 150, plain=True)
    if element.get("confirm") is not None:
        yield from _confirm_faults(element["confirm"], f"{where}/confirm")
    if kind in CHOSEN_FROM:
        yield from _choice_faults(element, kind, where)
    match kind:
        case "button":
            yield from button_faults(element, where)
        case "feedback_buttons":
            for side in ("positive_button", "negative_button"):
                yield from button_faults(element.get(side), f"{where}/{side}")
        case "plain_text_input":
            yield from _text_input_faults(element, where)
        case "number_input":
            if not isinstance(element.get("is_decimal_allowed"), bool):
                yield f"missing required field: is_decimal_allowed [json-pointer:{where}]"
        case "datepicker" if element.get("initial_date") is not None and not is_date(element["initial_date"]):
            yield f"must be a valid date, YYYY-MM-DD [json-pointer:{where}/initial_date]"
        case "file_input" if not 1 <= element.get("max_files", 10) <= 10:
            yield f"must be between 1 and 10 [json-pointer:{where}/max_files]"
        case _:
            return


def button_faults(button: Any, where: str) -> Iterator[str]:
    """Faults of a button."""
    if not isinstance(button, dict):
        yield f"missing required field [json-pointer:{where}]"
        return
    yield from text_faults(button.get("text"), f"{where}/text", 75, plain=True)
    yield from too_long(button.get("value"), 2000, f"{where}/value")
    yield from too_long(button.get("url"), 3000, f"{where}/url")
    if button.get("style") not in (None, "primary", "danger"):
        yield f"must be a valid enum value [json-pointer:{where}/style]"


def _confirm_faults(confirm: Any, where: str) -> Iterator[str]:
    if not isinstance(confirm, dict):
        yield f"must be an object [json-pointer:{where}]"
        return
    for name, most in _CONFIRM:
        if name in ("title", "text") or confirm.get(name) is not None:
            yield from text_faults(confirm.get(name), f"{where}/{name}", most, plain=name != "text")
    if confirm.get("style") not in (None, "primary", "danger"):
        yield f"must be a valid enum value [json-pointer:{where}/style]"


def _text_input_faults(element: Json, where: str) -> Iterator[str]:
    low, high = element.get("min_length"), element.get("max_length")
    for name, value, least in (("min_length", low, 0), ("max_length", high, 1)):
        if value is not None and (not isinstance(value, int) or not least <= value <= 3000):
            yield f"must be between {least} and 3000 [json-pointer:{where}/{name}]"
    if isinstance(low, int) and isinstance(high, int) and low > high:
        yield f"must be less than max_length [json-pointer:{where}/min_length]"
    if element.get("initial_value") == "":
        yield f"must be more than 0 characters [json-pointer:{where}/initial_value]"
    yield from too_long(element.get("initial_value"), 3000, f"{where}/initial_value")


def _choice_faults(element: Json, kind: str, where: str) -> Iterator[str]:
    groups, most = element.get("option_groups"), MOST_OPTIONS.get(kind, 100)
    lists = [(f"{where}/option_groups/{n}/options", g.get("options")) for n, g in enumerate(groups or ())]
    for n, group in enumerate(groups or ()):
        yield from text_faults(group.get("label"), f"{where}/option_groups/{n}/label", 75, plain=True)
    if len(groups or ()) > 100:
        yield f"no more than 100 items allowed [json-pointer:{where}/option_groups]"
    for at, held in lists or [(f"{where}/options", element.get("options"))]:
        if not isinstance(held, list) or not held:
            yield f"no fewer than 1 items required [json-pointer:{at}]"
            return
        if len(held) > most:
            yield f"no more than {most} items allowed [json-pointer:{at}]"
        for n, option in enumerate(held):
            yield from _option_faults(option, f"{at}/{n}", plain=kind not in ("checkboxes", "radio_buttons"))
    initial = element.get("initial_options") or [o for o in (element.get("initial_option"),) if o]
    for option in initial:
        if option not in options(element):  # Slack compares the whole option, its text too
            yield f"initial option is not among the options [json-pointer:{where}]"


def _option_faults(option: Any, where: str, *, plain: bool) -> Iterator[str]:
    if not isinstance(option, dict) or not isinstance(option.get("value"), str):
        yield f"missing required field: value [json-pointer:{where}]"
        return
    yield from text_faults(option.get("text"), f"{where}/text", 75, plain=plain)
    yield from too_long(option["value"], 150, f"{where}/value")
    if option.get("description") is not None:
        yield from text_faults(option["description"], f"{where}/description", 75, plain=plain)
