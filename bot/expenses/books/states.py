"""Who may do what to expenses and reports in which state, and the sentence that says why not. Pure.

An expense: needs_info ⇄ ready → in_report; duplicate_hold until its owner says that it is none; discarded for good.
A report: draft → submitted → approved → exported → paid; submitted → changes_requested or withdrawn, both submitted again; submitted → rejected for good.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.expenses.values import OPEN, SETTLED, Expense, Report, ReportState
from bot.mrkdwn import escaped

Deed = Literal[
    "change", "add", "take_out", "submit", "withdraw", "approve", "send_back", "reject", "hand_over", "export", "pay"
]
DUPLICATE = "duplicate"  # the rule of the note that an expense looks like another
_SUBMITTED: tuple[ReportState, ...] = ("submitted",)


@dataclass(frozen=True, slots=True)
class Move:
    """A deed's guard: whose it is ("owner", "approver" whose turn it is, "finance"), in which states, and what to say in others."""

    whose: tuple[str, ...]
    states: tuple[ReportState, ...]
    else_: str


MOVES: dict[Deed, Move] = {
    "change": Move(("owner",), (*OPEN, "submitted"), "Its expenses cannot be changed any more."),
    "add": Move(("owner",), OPEN, "Nothing can be added."),
    "take_out": Move(("owner",), OPEN, "Nothing can be taken out."),
    "submit": Move(("owner",), OPEN, "It cannot be submitted again."),
    "withdraw": Move(("owner",), _SUBMITTED, "There is nothing to take back."),
    "approve": Move(("approver",), _SUBMITTED, "There is nothing to decide."),
    "send_back": Move(("approver",), _SUBMITTED, "There is nothing to decide."),
    "reject": Move(("approver",), _SUBMITTED, "There is nothing to decide."),
    "hand_over": Move(("approver", "finance"), _SUBMITTED, "There is nothing to decide."),
    "export": Move(("finance",), ("approved",), "Only approved reports are exported."),
    "pay": Move(("finance",), ("exported",), "Only exported reports are paid."),
}
_DONE: dict[Deed, tuple[ReportState, str]] = {
    "approve": ("approved", "approved"),
    "send_back": ("changes_requested", "sent back"),
    "reject": ("rejected", "rejected"),
}


def may_see(report: Report, person: str, *, finance: bool) -> bool:
    """The owner, finance, and those whom the report was sent to: the approver whose turn it is, and those before."""
    return finance or person == report.owner or person in report.approvers[: report.step + 1]


def was_sent(expense: Expense, report: Report) -> bool:
    """Whether an expense is as its report's approvers were sent it: what its owner does to an open report is not for them before it is submitted."""
    sent = report.submitted_at
    return report.state not in OPEN or (sent is not None and expense.changed_at <= sent)


def report_refusal(report: Report, deed: Deed, person: str, version: int | None, *, finance: bool) -> str:
    """Why `person`, who may see the report, cannot do this to it now, in Slack's markup; "" where they can. `version` is the one they saw."""
    move = MOVES[deed]
    mine = person == report.owner
    if move.whose == ("owner",) and not mine:
        return f"Only <@{report.owner}>, whose report it is, can do that to {report.name}."
    if "approver" in move.whose and mine:
        return f"Nobody decides on their own expenses: {report.name} is yours."
    if move.whose == ("finance",) and not finance:
        return "Only finance can do that."
    if report.state not in move.states:
        return _too_late(report, deed, person, move)
    if "approver" in move.whose and person != report.approver and not ("finance" in move.whose and finance):
        if person in report.approvers[: report.step]:
            return f"You approved {report.name} already; now it waits for <@{report.approver}>."
        return f"{report.name} waits for <@{report.approver}>, not for you."
    if version is not None and version != report.version:
        return f"{report.name} was changed since you saw it. Nothing was done: please look at its new card."
    return ""


def _too_late(report: Report, deed: Deed, person: str, move: Move) -> str:
    state, word = _DONE.get(deed, ("draft", ""))
    if word and report.state == state and report.decided_by == person:
        return f"You {word} {report.name} already." if word != "sent back" else f"You sent {report.name} back already."
    if report.state == "submitted" and move.whose == ("owner",):
        return f"{standing(report, person)} Withdraw it first."
    if deed == "change" or (report.state in (*SETTLED, "rejected") and move.whose == ("owner",)):
        return f"{standing(report, person)} It cannot be changed any more."
    return f"{standing(report, person)} {move.else_}"


def standing(report: Report, viewer: str) -> str:
    """What is the case with a report now, as a sentence in Slack's markup."""
    who = "you" if report.decided_by == viewer else f"<@{report.decided_by}>"
    decided = f"by {who} on {_day(report.decided_at)}"
    match report.state:
        case "draft":
            return f"{report.name} is a draft: it was not submitted."
        case "submitted":
            waits = "you" if report.approver == viewer else f"<@{report.approver}>"
            return f"{report.name} waits for {waits}, since {_day(report.submitted_at)}."
        case "changes_requested":
            return f"{report.name} was sent back {decided}."
        case "withdrawn":
            return f"{report.name} was withdrawn on {_day(report.decided_at)}."
        case "rejected":
            return f"{report.name} was rejected {decided}."
        case "approved":
            return f"{report.name} was approved {decided}."
        case "exported":
            return f"{report.name} was approved {decided}, and exported."
        case "paid":
            return f"{report.name} was approved {decided}, and paid."


def expense_refusal(expense: Expense, report: Report | None, person: str, version: int | None) -> str:
    """Why `person`, who may see the expense, cannot change it now; "" where they can. `report` is the one that it is in."""
    if person != expense.owner:
        return f"Only <@{expense.owner}>, whose expense it is, can change {expense.name}."
    if expense.state == "discarded":
        return f"{expense.name} was removed."
    if report is not None and (why := report_refusal(report, "change", person, None, finance=False)):
        return f"{expense.name} is in {report.name}. {why}"
    if version is not None and version != expense.version:
        return f"{expense.name} was changed since you saw it. Nothing was done: please look at its new card."
    return ""


def adding_refusal(expense: Expense, person: str) -> str:
    """Why an expense cannot be put into a report of `person`'s; "" where it can."""
    if person != expense.owner:
        return f"{expense.name} is <@{expense.owner}>'s, and a report has only expenses of its owner."
    match expense.state:
        case "ready":
            return ""
        case "needs_info":
            return f"{expense.name} is not complete: {lacking(expense)}."
        case "duplicate_hold":
            return f"{expense.name} looks like a duplicate: keep both, or remove it."
        case "in_report":
            return f"{expense.name} is in R-{expense.report} already."
        case "discarded":
            return f"{expense.name} was removed."


def submitting_refusals(expense: Expense) -> list[str]:
    """What stands in the way of sending an expense to an approver, each a sentence in Slack's markup."""
    found = [f"{expense.name} is not complete: {lacking(expense)}."] if expense.asks else []
    found += [f"{expense.name}: {escaped(n.text)}" for n in expense.notes if n.level == "block"]
    if expense.home is None and not expense.asks:
        found.append(f"{expense.name} has no exchange rate.")
    if not expense.details.justification:
        warnings = (n for n in expense.notes if n.level == "warn")
        found += [f"{expense.name} needs a justification: {escaped(n.text)}" for n in warnings]
    return found


_WORDS = {
    "minor": "amount",
    "spent_on": "date",
    "tip_minor": "tip",
    "rate": "exchange rate",
    "payment": "way of payment",
}


def lacking(expense: Expense) -> str:
    """The fields that are missing or doubtful, in words."""
    words = " and ".join(_WORDS.get(name, name) for name in expense.asks)
    return f"{words} {'are' if len(expense.asks) > 1 else 'is'} missing or doubtful"


def _day(at: datetime | None) -> str:
    return f"{at.day} {at:%b %Y} (UTC)" if at else "an unknown day"
