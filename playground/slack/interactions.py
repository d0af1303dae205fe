"""Buttons, modals and slash commands: what a person does with what the app shows."""

import hashlib
import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from playground.slack.files import file_object
from playground.slack.installation import Installation
from playground.slack.state import Change, Channel, Json, Person, State

TRIGGER_SECONDS = 3
RESPONSE_SECONDS, RESPONSE_POSTS = 1800, 5
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


@dataclass(slots=True)
class ResponseUrl:
    """The right to post a few answers to a command or a button, whoever is in the channel."""

    channel: str
    user: str
    expires: float
    ts: str = ""
    left: int = RESPONSE_POSTS


class Interactions(State):
    """The part of the workspace that answers clicks, commands and submissions."""

    def __init__(self, app: Installation, clock: Callable[[], float]) -> None:
        super().__init__(app, clock)
        self.views: dict[str, Json] = {}
        self.homes: dict[str, str] = {}  # user id → view id of the published Home
        self.modals: dict[str, list[str]] = {}  # user id → view ids, the visible one last
        self.triggers: dict[str, Trigger] = {}
        self.responses: dict[str, ResponseUrl] = {}
        self.ephemerals: list[Json] = []
        self.view_errors: dict[str, Json] = {}  # view id → errors that the last submission got

    def press(self, person: str | Person, channel: str | Channel, ts: str, action_id: str, value: Any = None) -> None:
        """A person uses the element `action_id` of a message; `value` is the choice where there is one."""
        who, place = self.person(person), self.channel(channel)
        whisper = self.whispered(place.id, ts)
        if whisper and whisper["to"] != who.id:
            raise KeyError(ts)
        message = whisper or place.messages[ts]
        container: Json = {"type": "message", "message_ts": ts, "channel_id": place.id, "is_ephemeral": bool(whisper)}
        if message.get("thread_ts"):
            container["thread_ts"] = message["thread_ts"]
        payload = (
            self._interaction("block_actions", who)
            | {
                "container": container,
                "channel": self._brief(place),
            }
            | ({} if whisper else {"message": dict(message)})
        )  # Slack does not keep what only one person sees
        payload |= {"state": {"values": {}}, "response_url": self._response_url(place, who, ts)}
        self._act(payload, message.get("blocks", []), action_id, value)

    def press_view(self, person: str | Person, view_id: str, action_id: str, value: Any = None) -> None:
        """A person uses the element `action_id` of a modal or of the Home tab."""
        view = self.views[view_id]
        payload = self._interaction("block_actions", self.person(person), view_id) | {"view": view}
        payload["container"] = {"type": "view", "view_id": view_id}
        self._act(payload, view["blocks"], action_id, value)

    def submit(self, person: str | Person, view_id: str, values: Json) -> None:
        """A person submits a modal. `values`: {block_id: {action_id: value}}, a value plain or in Slack's own shape."""
        self.view_errors.pop(view_id, None)
        state: Json = {}
        for block_id, element in inputs(self.views[view_id]["blocks"]):
            given = values.get(block_id, {}).get(element["action_id"])
            if element["type"] == "file_input":
                given = [file_object(self, f) for f in given or ()]
            state.setdefault(block_id, {})[element["action_id"]] = _state_value(element, given)
        view = self.views[view_id] = self.views[view_id] | {"state": {"values": state}}
        payload = self._interaction("view_submission", self.person(person), view_id) | {
            "view": view,
            "response_urls": [],
        }
        self.emit(Change("interactive", extra=payload))

    def command(self, person: str | Person, channel: str | Channel, command: str, text: str = "") -> None:
        """A person invokes a slash command."""
        who, place = self.person(person), self.channel(channel)
        payload = {
            "token": self.app.verification_token, "team_id": self.app.team_id, "team_domain": self.app.team_domain,
            "channel_id": place.id, "channel_name": "directmessage" if place.kind == "im" else place.name,
            "user_id": who.id, "user_name": who.name, "command": command, "text": text, "api_app_id": self.app.app_id,
            "is_enterprise_install": "false", "response_url": self._response_url(place, who), "trigger_id": self.trigger(who),
        }  # fmt: skip
        self.emit(Change("slash_commands", place, user=who.id, extra=payload))

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

    def whisper(self, channel: Channel, user: str, message: Json) -> str:
        """Show a message to one person only; returns its ts."""
        ts = self.next_ts()
        self.ephemerals.append(message | {"ts": ts, "channel": channel.id, "to": user})
        self.emit(Change("ephemeral", channel, self.ephemerals[-1], user=user))
        return ts

    def whispered(self, channel: str, ts: str) -> Json | None:
        """The message of that ts that one person sees."""
        return next((m for m in self.ephemerals if m["ts"] == ts and m["channel"] == channel), None)

    def unwhisper(self, channel: Channel, message: Json, content: Json | None) -> None:
        """Replace what one person sees, or take it away."""
        at = self.ephemerals.index(message)
        if content is None:
            del self.ephemerals[at]
            self.emit(Change("ephemeral", channel, {"ts": message["ts"], "deleted": True}, user=message["to"]))
            return
        kept = {k: v for k, v in message.items() if k not in ("text", "blocks", "attachments")}
        self.ephemerals[at] = kept | content
        self.emit(Change("ephemeral", channel, self.ephemerals[at], user=message["to"]))

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

    def _brief(self, channel: Channel) -> Json:
        return {
            "id": channel.id,
            "name": {"im": "directmessage", "group": "privategroup"}.get(channel.kind, channel.name),
        }

    def _response_url(self, channel: Channel, who: Person, ts: str = "") -> str:
        now = self.clock()
        self.responses = {k: r for k, r in self.responses.items() if r.expires > now}
        key = uuid.uuid4().hex
        self.responses[key] = ResponseUrl(channel.id, who.id, now + RESPONSE_SECONDS, ts)
        return f"{self.app.origin}/response/{key}"


def elements(blocks: list[Json]) -> Iterator[tuple[str, Json]]:
    """(block_id, element) of each interactive element."""
    for i, block in enumerate(blocks):
        held = [block.get("accessory"), block.get("element"), *(block.get("elements") or ())]
        for element in held:
            if isinstance(element, dict) and "action_id" in element:
                yield block.get("block_id", f"b{i}"), element


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
