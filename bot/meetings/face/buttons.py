"""The buttons and forms of meetings: their ids in Slack, and what a button carries. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from bot.meetings.values import ANSWERS

COMMAND = "/meet"
BOOK, MORE, KEEP, ICS = "meet_book", "meet_more", "meet_keep", "meet_ics"
PICK, HINT, ANSWER = "meet_pick", "meet_hint", "meet_answer"  # several stand in one row: their ids end in "_0", "_1", …
CANCEL, UNDO, DISCARD = "meet_cancel", "meet_undo", "meet_discard"  # the same, at different times
CHANGE, MOVE, NEW, HOURS = "meet_change", "meet_move", "meet_new", "meet_hours"  # open a form that a worker fills in
NEW_FORM, CHANGE_FORM, MOVE_FORM, HOURS_FORM = "meet_new_form", "meet_change_form", "meet_move_form", "meet_hours_form"
DETAILS_FORM = "meet_details_form"  # what Change opens once a meeting is booked

ACTIONS = re.compile(
    r"meet_[a-z]+(?:_\d)?"
)  # every button, also one of a card that another version of the bot has made
DONE_AT_ONCE = {  # without a form: a button's name → the act that it asks for
    BOOK: "meet.book",
    MORE: "meet.more",
    KEEP: "meet.keep",
    PICK: "meet.pick",
    HINT: "meet.hint",
    ANSWER: "meet.answer",
    CANCEL: "meet.cancel",
    UNDO: "meet.cancel",
    DISCARD: "meet.cancel",
    ICS: "meet.ics",
}
FORMS = {CHANGE: "meet.change_form", MOVE: "meet.move_form", NEW: "meet.new_form", HOURS: "meet.hours_form"}
WITHOUT = (NEW, HOURS)  # these are about no meeting
_CARRIED = re.compile(r"M-([1-9]\d{0,8})\|(0|[1-9]\d{0,8})(?:\|(.{1,40}))?")


@dataclass(frozen=True, slots=True)
class Subject:
    """What a button is about: a meeting's number, the version that its card showed, and what more the button says: a start, an index, an answer."""

    number: int
    version: int
    more: str = ""

    @property
    def name(self) -> str:
        """What people call it."""
        return f"M-{self.number}"


def carried(name: str, version: int, more: str = "") -> str:
    """What a button carries: "M-7|3", or "M-7|3|2026-11-24T14:00:00+00:00"."""
    return "|".join([name, str(version), *([more] if more else [])])


def subject(value: str) -> Subject:
    """What a button carries. Raises ValueError for anything else."""
    match = _CARRIED.fullmatch(value)
    if not match:
        raise ValueError(value)
    return Subject(int(match[1]), int(match[2]), match[3] or "")


def arguments(button: str, about: Subject) -> dict[str, str | int]:
    """The arguments of an act that needs no form. Raises ValueError where the button carries something else than it should."""
    args: dict[str, str | int] = {"number": about.number}
    if button == ICS:
        return args
    if button == ANSWER:
        if about.more not in ANSWERS:
            raise ValueError(about.more)
        return args | {"answer": about.more}
    args["version"] = about.version
    if button == BOOK:
        if datetime.fromisoformat(about.more).tzinfo is None:
            raise ValueError(about.more)
        return args | {"start": about.more}
    if button in (PICK, HINT):
        if not re.fullmatch("[0-9]", about.more):
            raise ValueError(about.more)
        return args | {"index": int(about.more)}
    return args


def name_of(action: str) -> str:
    """A button's name, without the number that it has in its row."""
    return re.sub(r"_\d$", "", action)
