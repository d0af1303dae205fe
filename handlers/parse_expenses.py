"""Buttons, forms and commands of expenses: a raw payload in, a frozen value out. Like parse.py, and as little as that does it raise."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.expenses.face import buttons
from bot.expenses.face.buttons import Subject, subject
from handlers.parse import MALFORMED, Ignored, Raw, as_id, as_text, as_ts

BROKEN = (KeyError, IndexError, TypeError, ValueError, AttributeError)
SHAPES = (
    "value",
    "selected_date",
    "selected_user",
)  # where the state of an input holds what was entered; of a select it is an option


@dataclass(frozen=True, slots=True)
class Who:
    """Who does something. `team` is their own workspace; `trigger` opens a form for three seconds."""

    user: str
    team: str
    trigger: str


@dataclass(frozen=True, slots=True)
class ExpensePressed:
    """Somebody pressed a button, or chose from a menu, of an expense or a report; of "New expense" there is no subject. `ts` is when."""

    who: Who
    action: str
    about: Subject | None
    ts: str


@dataclass(frozen=True, slots=True)
class ExpenseSubmitted:
    """Somebody submitted a form. `values` are its fields as text; `carried` is what the form was made with."""

    who: Who
    form: str
    id: str  # the same when Slack tells of it again
    carried: Mapping[str, Any]
    values: Mapping[str, str]

    def number(self, name: str) -> int:
        """A number that the form was made with. Raises ValueError or KeyError."""
        number = int(self.carried[name])
        if not 0 < number <= buttons.MOST:
            raise ValueError(number)
        return number


@dataclass(frozen=True, slots=True)
class ExpenseCommand:
    """Somebody wrote `/expenses …`."""

    who: Who
    channel: str
    text: str


def parse_expense_press(body: Raw) -> ExpensePressed | Ignored:
    """A press of a button of expenses."""
    try:
        action = body["actions"][0]
        name = as_text(action["action_id"])
        value = action["selected_option"]["value"] if name == buttons.TAKE_OUT else action.get("value")
        about = None if name == buttons.NEW else subject(as_text(value))
        if about and about.kind not in buttons.KINDS[name]:
            raise ValueError(about.kind)
        return ExpensePressed(_who(body), name, about, as_ts(action["action_ts"]))
    except BROKEN:
        return Ignored(MALFORMED)


def parse_expense_form(body: Raw) -> ExpenseSubmitted | Ignored:
    """A form of expenses."""
    try:
        view = body["view"]
        carried = json.loads(view.get("private_metadata") or "{}")
        values = {as_text(k): _entered(next(iter(v.values()))) for k, v in view["state"]["values"].items()}
        made = f"{as_id(view['id'])}-{as_text(view['hash'])}"
        if not isinstance(carried, dict):
            return Ignored(MALFORMED)
        return ExpenseSubmitted(_who(body), as_text(view["callback_id"]), made, carried, values)
    except BROKEN:
        return Ignored(MALFORMED)


def parse_expense_command(body: Raw) -> ExpenseCommand | Ignored:
    """The command. Its payload is flat."""
    try:
        who = Who(as_id(body["user_id"]), as_id(body["team_id"]), as_text(body["trigger_id"]))
        return ExpenseCommand(who, as_id(body["channel_id"]), as_text(body.get("text") or ""))
    except BROKEN:
        return Ignored(MALFORMED)


def _who(body: Raw) -> Who:
    user = body["user"]
    team = user.get("team_id") or body["team"]["id"]
    return Who(as_id(user["id"]), as_id(team), as_text(body["trigger_id"]))


def _entered(state: Raw) -> str:
    """What an input holds; "" for nothing."""
    chosen = state.get("selected_option")
    found = chosen["value"] if chosen else next((state[k] for k in SHAPES if state.get(k)), "")
    return as_text(found)
