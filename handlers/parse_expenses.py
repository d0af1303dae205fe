"""Buttons of expenses: a raw payload in, a frozen value out. Like parse.py, and as little as that does it raise."""

from __future__ import annotations

from dataclasses import dataclass

from bot.expenses.face import buttons
from bot.expenses.face.buttons import Subject, subject
from handlers.parse import MALFORMED, Ignored, Raw, as_text, as_ts
from handlers.parse_acts import BROKEN, Who, who


@dataclass(frozen=True, slots=True)
class ExpensePressed:
    """Somebody pressed a button, or chose from a menu, of an expense or a report; of "New expense" there is no subject. `ts` is when."""

    who: Who
    action: str
    about: Subject | None
    ts: str


def parse_expense_press(body: Raw) -> ExpensePressed | Ignored:
    """A press of a button of expenses."""
    try:
        action = body["actions"][0]
        name = as_text(action["action_id"])
        value = action["selected_option"]["value"] if name == buttons.TAKE_OUT else action.get("value")
        about = None if name == buttons.NEW else subject(as_text(value))
        if about and about.kind not in buttons.KINDS[name]:
            raise ValueError(about.kind)
        return ExpensePressed(who(body), name, about, as_ts(action["action_ts"]))
    except BROKEN:
        return Ignored(MALFORMED)
