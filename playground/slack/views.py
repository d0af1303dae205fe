"""Modals and Home tabs: what the app shows beside its conversations, and what a person does there."""

import hashlib
import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from playground.slack.files import file_object
from playground.slack.installation import Installation
from playground.slack.state import Change, File, Json, Person, State

TRIGGER_SECONDS = 3
_VALUE_KEYS = {
    "plain_text_input": "value", "email_text_input": "value", "url_text_input": "value", "number_input": "value",
    "static_select": "selected_option", "external_select": "selected_option", "radio_buttons": "selected_option",
    "overflow": "selected_option", "checkboxes": "selected_options", "multi_static_select": "selected_options",
    "users_select": "selected_user", "multi_users_select": "selected_users", "conversations_select": "selected_conversation",
    "channels_select": "selected_channel", "datepicker": "selected_date", "timepicker": "selected_time",
    "datetimepicker": "selected_date_time", "file_input": "files", "rich_text_input": "rich_text_value",
}  # fmt: skip


@dataclass(slots=True)
class Trigger:
    """The right to open one view for a person, for three seconds."""

    user: str
    expires: float
    view_id: str = ""  # the modal the person acted in: views.push puts the new one above it
    used: bool = False


class Views(State):
    """The part of the workspace that keeps views, and answers what is done in them."""

    def __init__(self, app: Installation, clock: Callable[[], float]) -> None:
        super().__init__(app, clock)
        self.views: dict[str, Json] = {}
        self.homes: dict[str, str] = {}  # user id → view id of the published Home
        self.modals: dict[str, list[str]] = {}  # user id → view ids, the visible one last
        self.triggers: dict[str, Trigger] = {}
        self.view_errors: dict[str, Json] = {}  # view id → errors that the last submission got

    def press_view(self, person: str | Person, view_id: str, action_id: str, value: Any = None) -> None:
        """A person uses the element `action_id` of a modal or of the Home tab."""
        view = self.views[view_id]
        payload = self._interaction("block_actions", self.person(person), view_id) | {"view": view}
        payload["container"] = {"type": "view", "view_id": view_id}
        self._act(payload, view["blocks"], action_id, value)

    def submit(self, person: str | Person, view_id: str, values: Json) -> None:
        """A person submits a modal. `values`: {block_id: {action_id: value}}, a value plain or in Slack's own shape.

        A value of a file_input is a list of `File`s. ValueError, as Slack's client would not send it, where a field that is not
        optional stays empty.
        """
        self.view_errors.pop(view_id, None)
        state: Json = {}
        missing = required(self.views[view_id]["blocks"])
        for block_id, element in inputs(self.views[view_id]["blocks"]):
            given = values.get(block_id, {}).get(element["action_id"])
            if element["type"] == "file_input":
                given = self._uploaded(element, given or [])
            held = state.setdefault(block_id, {})[element["action_id"]] = _state_value(element, given)
            if block_id in missing and not held[_VALUE_KEYS[element["type"]]]:
                raise ValueError(f"Please fill in “{missing[block_id]}”.")
        view = self.views[view_id] = self.views[view_id] | {"state": {"values": state}}
        payload = self._interaction("view_submission", self.person(person), view_id) | {
            "view": view,
            "response_urls": [],
        }
        self.emit(Change("interactive", extra=payload))

    def close_view(self, person: str | Person, view_id: str, *, clear: bool = False) -> None:
        """A person closes a modal; `clear`: and what lies below it. The app hears of it where the view asked for that."""
        who = self.person(person)
        stack = self.modals.get(who.id, [])
        if view_id not in stack:
            raise KeyError(view_id)
        view = self.views[view_id]
        if clear:
            stack.clear()
        else:
            stack.remove(view_id)
        if view["notify_on_close"]:
            payload = self._interaction("view_closed", who, view_id) | {"view": view, "is_cleared": clear}
            self.emit(Change("interactive", extra=payload))
        self.show_modal(who.id)

    def modal(self, person: str | Person) -> Json | None:
        """The modal that a person sees now."""
        stack = self.modals.get(self.person(person).id)
        return self.views[stack[-1]] if stack else None

    def show_modal(self, user: str) -> None:
        """Tell the page that another modal, none, or a changed one is on top for a person."""
        view = self.modal(user)
        errors = self.view_errors.get(view["id"], {}) if view else {}
        self.emit(Change("modal", user=user, extra={"modal": view, "errors": errors}))

    def _uploaded(self, element: Json, files: list[File]) -> list[Json]:
        """Files that a person puts into a modal: nowhere shared, but the app may have them."""
        if len(files) > element.get("max_files", 10):
            raise ValueError(f"At most {element.get('max_files', 10)} files, please.")
        for file in files:
            if element.get("filetypes") and file.filetype not in element["filetypes"]:
                raise ValueError(f"{file.name} is not one of: {', '.join(element['filetypes'])}.")
            file.to_app = True
        return [file_object(self, file) for file in files]

    def trigger(self, who: Person, view_id: str = "") -> str:
        """A new trigger_id for that person."""
        now = self.clock()
        # An expired one is kept a while: Slack tells "expired" from "invalid".
        self.triggers = {k: t for k, t in self.triggers.items() if t.expires > now - 600}
        trigger_id = f"{int(now * 1000)}.{len(self.triggers)}.{uuid.uuid4().hex}"
        self.triggers[trigger_id] = Trigger(who.id, now + TRIGGER_SECONDS, view_id)
        return trigger_id

    def store_view(self, view: Json, *, view_id: str = "", root: str = "", previous: str = "") -> Json:
        """Keep a view, new or under its old id, in the shape that the API returns it."""
        view_id = view_id or self.next_id("V")
        old = self.views.get(view_id, {})
        full = {
            "id": view_id, "team_id": self.app.team_id, "title": None, "close": None, "submit": None, "private_metadata": "",
            "callback_id": "", "external_id": "", "state": old.get("state", {"values": {}}), "clear_on_close": False,
            "notify_on_close": False, "root_view_id": root or old.get("root_view_id", view_id),
            "previous_view_id": previous or old.get("previous_view_id"), "app_id": self.app.app_id,
            "app_installed_team_id": self.app.team_id, "bot_id": self.app.bot_id,
        } | view  # fmt: skip
        full["blocks"] = [{"block_id": f"b{i}"} | b for i, b in enumerate(view["blocks"])]
        content = json.dumps([full["blocks"], full["title"], self.clock()], default=str).encode()
        full["hash"] = f"{int(self.clock())}.{hashlib.sha256(content).hexdigest()[:8]}"
        self.views[view_id] = full
        self.emit(Change("view", extra={"view": full}))
        if user := next((u for u, stack in self.modals.items() if view_id in stack), ""):
            self.show_modal(user)
        return full

    def submitted(self, user: str, view_id: str, answer: Json) -> None:
        """Do what the app answered to a submission: close the modal, or show errors, another view or none."""
        stack = self.modals.get(user, [])
        match answer.get("response_action"):
            case "errors":
                self.view_errors[view_id] = answer.get("errors", {})
            case "update":
                self.store_view(answer["view"], view_id=view_id)
            case "push":
                root = self.views[view_id]["root_view_id"]
                stack.append(self.store_view(answer["view"], root=root, previous=view_id)["id"])
            case "clear":
                stack.clear()
            case _ if view_id in stack:
                stack.remove(view_id)
        self.emit(Change("view", extra={"view": self.views[view_id]}))
        self.show_modal(user)

    def _act(self, payload: Json, blocks: list[Json], action_id: str, value: Any) -> None:
        block_id, element = next((b, e) for b, e in elements(blocks) if e.get("action_id") == action_id)
        action: Json = {
            "type": element["type"],
            "action_id": action_id,
            "block_id": block_id,
            "action_ts": self.next_ts(),
        }
        if element["type"] in _VALUE_KEYS:
            action |= _state_value(element, value)
        elif element["type"] == "feedback_buttons":
            side = "negative_button" if value in ("negative", "negative_button") else "positive_button"
            action |= {"value": element[side].get("value", ""), "text": element[side].get("text")}
        else:
            action |= {k: element[k] for k in ("value", "text", "url", "style") if k in element}
        self.emit(Change("interactive", extra=payload | {"actions": [action]}))

    def _interaction(self, kind: str, who: Person, view_id: str = "") -> Json:
        return {
            "type": kind, "user": {"id": who.id, "username": who.name, "name": who.name, "team_id": who.team_id or self.app.team_id},
            "api_app_id": self.app.app_id, "token": self.app.verification_token, "trigger_id": self.trigger(who, view_id),
            "team": {"id": self.app.team_id, "domain": self.app.team_domain}, "enterprise": None, "is_enterprise_install": False,
        }  # fmt: skip


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
        if element["type"] in _VALUE_KEYS:
            yield block_id, element


def _state_value(element: Json, given: Any) -> Json:
    """A value as view.state holds it: plain values are put under the key that the element's type has."""
    if isinstance(given, dict) and "type" in given:
        return given
    key = _VALUE_KEYS[element["type"]]
    if given is None:
        given = element.get("initial_value") or element.get(key.replace("selected", "initial"))
    if key in ("selected_option", "selected_options"):
        options = [*element.get("options", ()), *(o for g in element.get("option_groups", ()) for o in g["options"])]
        by_value = {o["value"]: o for o in options}
        if isinstance(given, str):
            given = by_value.get(given) or {"text": {"type": "plain_text", "text": given}, "value": given}
        elif isinstance(given, list):
            given = [by_value.get(v, v) if isinstance(v, str) else v for v in given]
    return {"type": element["type"], key: given}
