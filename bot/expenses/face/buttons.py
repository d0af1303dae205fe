"""The buttons and forms of expenses: their ids in Slack, and what a button carries. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

COMMAND = "/expenses"
EDIT = "expense_edit"  # these three open a form that a worker fills in
NEW = "expense_new"
SEND_BACK, REJECT, HAND_OVER = "report_send_back", "report_reject", "report_hand_over"  # these, a form that is whole
REMOVE, KEEP_BOTH, SHOW = "expense_remove", "expense_keep_both", "expense_show"
SUBMIT, WITHDRAW, APPROVE, TAKE_OUT = "report_submit", "report_withdraw", "report_approve", "report_take_out"

EXPENSE_FORM, NEW_FORM = "expense_form", "expense_new_form"  # the forms' callback ids
REASON_FORM, HAND_OVER_FORM = "report_reason_form", "report_hand_over_form"

DONE_AT_ONCE = {  # without a form: a button's id → the act that it asks for
    REMOVE: "expense.remove",
    KEEP_BOTH: "expense.keep_both",
    SUBMIT: "expense.submit",
    WITHDRAW: "expense.withdraw",
    APPROVE: "expense.approve",
    TAKE_OUT: "expense.take_out",
    SHOW: "expense.show",
}
KINDS = {  # a button's id → what it may be about
    **dict.fromkeys((EDIT, REMOVE, KEEP_BOTH), "E"),
    **dict.fromkeys((SUBMIT, WITHDRAW, APPROVE, TAKE_OUT, SEND_BACK, REJECT, HAND_OVER), "R"),
    SHOW: "ER",
}
REASONS = {SEND_BACK: "expense.send_back", REJECT: "expense.reject"}  # acts that want a reason

_NAME = re.compile(r"([ER])-([1-9]\d{0,8})")


@dataclass(frozen=True, slots=True)
class Subject:
    """What a button is about: an expense ("E") or a report ("R"), its number and the version that its card showed; of `inside`, the number of an expense in it."""

    kind: str
    number: int
    version: int = 0
    inside: int = 0

    @property
    def name(self) -> str:
        """What people call it."""
        return f"{self.kind}-{self.number}"


def carried(name: str, version: int, inside: str = "") -> str:
    """What a button carries: "R-3|7", or "R-3|7|E-12" where it is about an expense in a report."""
    return "|".join([name, str(version), *([inside] if inside else [])])


def subject(value: str) -> Subject:
    """What a button carries, or what somebody wrote, such as "R-3". Raises ValueError for anything else."""
    name, *rest = value.split("|")
    match = _NAME.fullmatch(name.strip().upper())
    if not match or len(rest) > 2:  # version and inside
        raise ValueError(value)
    inside = _NAME.fullmatch(rest[1]) if len(rest) > 1 else None
    if len(rest) > 1 and not inside:
        raise ValueError(value)
    version = int(rest[0]) if rest else 0
    return Subject(match[1], int(match[2]), version, int(inside[2]) if inside else 0)
