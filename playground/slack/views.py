"""Modals and Home tabs: what the app shows beside its conversations, and what a person does there."""

import hashlib
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playground.slack.files import file_object
from playground.slack.inputs import VALUE_KEYS, elements, inputs, misfit, required, state_value
from playground.slack.installation import Installation
from playground.slack.state import Change, File, Json, Person, State

TRIGGER_SECONDS = 3


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
        """A person submits a modal. `values`: {block_id: value} or {block_id: {action_id: value}}; what is not in it stays as it was shown.

        A value is plain ("12.50", "2026-11-20", an option's value, a person's handle or id, "" or [] for what was cleared) or in
        Slack's own shape; of a file_input a list of `File`s. ValueError, as Slack's client would not send it, where a field that is
        not optional stays empty or a value does not fit its field.
        """
        self.view_errors.pop(view_id, None)
        state: Json = {}
        missing = required(self.views[view_id]["blocks"])
        for block_id, element in inputs(self.views[view_id]["blocks"]):
            given = _given(values.get(block_id), element)
            if element["type"] == "file_input":
                given = self._uploaded(element, given or [])
            elif element["type"] in ("users_select", "multi_users_select") and given:
                given = self._ids(given)
            held = state.setdefault(block_id, {})[element["action_id"]] = state_value(element, given)
            value = held[VALUE_KEYS[element["type"]]]
            if block_id in missing and value in (None, "", []):
                raise ValueError(f"Please fill in “{missing[block_id]}”.")
            if value not in (None, "", []) and (why := misfit(element, value)):
                raise ValueError(why)
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
        self._forget_closed()
        self.show_modal(who.id)

    def _forget_closed(self) -> None:
        """A modal that was closed is not there any more: views.update does not find it."""
        shown = {*self.homes.values(), *(id_ for stack in self.modals.values() for id_ in stack)}
        self.views = {id_: view for id_, view in self.views.items() if id_ in shown}

    def modal(self, person: str | Person) -> Json | None:
        """The modal that a person sees now."""
        stack = self.modals.get(self.person(person).id)
        return self.views[stack[-1]] if stack else None

    def show_modal(self, user: str) -> None:
        """Tell the page that another modal, none, or a changed one is on top for a person."""
        view = self.modal(user)
        errors = self.view_errors.get(view["id"], {}) if view else {}
        self.emit(Change("modal", user=user, extra={"modal": view, "errors": errors}))

    def _ids(self, people: str | list[str] | Json) -> str | list[str] | Json:
        """People's ids, for handles or ids."""
        if isinstance(people, str):
            return self.person(people).id
        return people if isinstance(people, dict) else [self.person(p).id for p in people]

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
        if view_id not in self.views:  # closed meanwhile
            return
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
        self._forget_closed()
        self.show_modal(user)

    def _act(self, payload: Json, blocks: list[Json], action_id: str, value: Any) -> None:
        found = [(b, e) for b, e in elements(blocks) if e.get("action_id") == action_id]
        if not found:
            raise ValueError("This button is not there any more.")
        block_id, element = found[0]
        action: Json = {
            "type": element["type"],
            "action_id": action_id,
            "block_id": block_id,
            "action_ts": self.next_ts(),
        }
        if element["type"] in VALUE_KEYS:
            action |= state_value(element, value)
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


def _given(value: Any, element: Json) -> Any:
    """What is given for an element: its block's value, or the one under its action_id."""
    if isinstance(value, dict) and (element["action_id"] in value or not {"type", "value"} & set(value)):
        return value.get(element["action_id"])
    return value
