"""What buttons, forms and commands have in common: who does it, what a form holds, what a command says. It never guesses: what is odd raises one of BROKEN."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from handlers.parse import MALFORMED, Ignored, Raw, as_id, as_text

BROKEN = (KeyError, IndexError, TypeError, ValueError, AttributeError)
SHAPES = (
    "value",
    "selected_date",
    "selected_time",
    "selected_user",
)  # where the state of an input holds what was entered
MANY = ("selected_users", "selected_options")
MOST = 999_999_999  # of a number or a version


@dataclass(frozen=True, slots=True)
class Who:
    """Who does something. `team` is their own workspace; `trigger` opens a form for three seconds."""

    user: str
    team: str
    trigger: str


@dataclass(frozen=True, slots=True)
class Submitted:
    """Somebody submitted a form. `values` are its fields as text, those that hold several with commas; `carried` is what the form was made with."""

    who: Who
    form: str
    id: str  # the same when Slack tells of it again
    carried: Mapping[str, Any]
    values: Mapping[str, str]

    def number(self, name: str) -> int:
        """A number that the form was made with. Raises ValueError or KeyError."""
        number = int(self.carried[name])
        if not 0 < number <= MOST:
            raise ValueError(number)
        return number


@dataclass(frozen=True, slots=True)
class Commanded:
    """Somebody wrote a slash command; `text` is what follows it."""

    who: Who
    channel: str
    text: str


def parse_form(body: Raw) -> Submitted | Ignored:
    """A form. Never raises."""
    try:
        view = body["view"]
        carried = json.loads(view.get("private_metadata") or "{}")
        values = {as_text(k): _entered(next(iter(v.values()))) for k, v in view["state"]["values"].items()}
        made = f"{as_id(view['id'])}-{as_text(view['hash'])}"
        if not isinstance(carried, dict):
            return Ignored(MALFORMED)
        return Submitted(who(body), as_text(view["callback_id"]), made, carried, values)
    except BROKEN:
        return Ignored(MALFORMED)


def parse_command(body: Raw) -> Commanded | Ignored:
    """A command, whose payload is flat. Never raises."""
    try:
        by = Who(as_id(body["user_id"]), as_id(body["team_id"]), as_text(body["trigger_id"]))
        return Commanded(by, as_id(body["channel_id"]), as_text(body.get("text") or ""))
    except BROKEN:
        return Ignored(MALFORMED)


def who(body: Raw) -> Who:
    """Who pressed or submitted something. Raises."""
    user = body["user"]
    team = user.get("team_id") or body["team"]["id"]
    return Who(as_id(user["id"]), as_id(team), as_text(body["trigger_id"]))


def _entered(state: Raw) -> str:
    """What an input holds; "" for nothing."""
    for shape in MANY:
        if shape in state:
            return ",".join(as_text(one["value"] if isinstance(one, dict) else one) for one in state[shape] or ())
    chosen = state.get("selected_option")
    found = chosen["value"] if chosen else next((state[k] for k in SHAPES if state.get(k)), "")
    return as_text(found)
