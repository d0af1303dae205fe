"""One's expenses in the Home tab. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from bot.blocks import Block, actions, button, context, header, section, shown
from bot.expenses.books.books import ReportLine
from bot.expenses.face import buttons
from bot.expenses.face.cards import day, moment
from bot.expenses.money.money import show
from bot.expenses.policy.policy import Policy
from bot.expenses.questions import question
from bot.expenses.values import Expense

ROWS = 6  # of each list; Slack takes a hundred blocks, and meetings and knowledge want theirs
HINT = "Send me a photo or PDF of a receipt in a direct message, or write “taxi 18.40 yesterday to the client”."
LIST, REPORTS = "`/expenses list` shows them.", "Ask me for your reports."  # where those are that have no room
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class Desktop:
    """What somebody's Home tab shows of expenses."""

    todo: Sequence[Expense]  # needs_info and duplicate_hold
    ready: Sequence[Expense]
    drafts: Sequence[ReportLine]
    waiting: Sequence[ReportLine]
    approved: Sequence[ReportLine]
    queue: Sequence[ReportLine]  # for their decision


def tab(desktop: Desktop, policy: Policy) -> list[Block]:
    """The section about expenses."""
    blocks = [{"type": "divider"}, header("Expenses")]
    blocks += _list("For you to decide", desktop.queue, _to_decide, "Ask me what waits for you.")
    blocks += _list("To be completed", desktop.todo, lambda e: _expense(e, question(e, policy)), LIST)
    blocks += _list("Ready, in no report yet", desktop.ready, lambda e: _expense(e, _wrong(e)), LIST)
    blocks += _list("Reports to be sent", desktop.drafts, lambda r: _report(r, "changed", r.report.changed_at), REPORTS)
    blocks += _list(
        "Waiting for approval", desktop.waiting, lambda r: _report(r, "sent", r.report.submitted_at), REPORTS
    )
    blocks += _list("Approved", desktop.approved, lambda r: _report(r, "decided", r.report.decided_at), REPORTS)
    if len(blocks) == 2:  # the heading
        blocks.append(section("Nothing is waiting for you."))
    return [*blocks, actions(button(buttons.NEW, "New expense")), context(HINT)]


def _list(title: str, rows: Sequence[Row], block: Callable[[Row], Block], where: str) -> list[Block]:
    """`where` there are more."""
    if not rows:
        return []
    more = len(rows) - ROWS
    last = [context(f"… and more. {where}")] if more > 0 else []
    return [section(f"*{title}*"), *map(block, rows[:ROWS]), *last]


def _wrong(expense: Expense) -> str:
    """What has to be put right before it can be sent."""
    return next((note.text for note in expense.notes if note.level == "block"), "")


def _expense(expense: Expense, asked: str) -> Block:
    d = expense.details
    when = day(d.spent_on) if d.spent_on else "no date"
    amount = shown(show(d.money), 60) if d.money else "no amount"
    text = f"{expense.name} · {when} · {shown(d.merchant, 80) or 'merchant not known'} · {amount}"
    if expense.state == "duplicate_hold":
        asked = "It looks like one that was handed in before."
    return section(f"{text}\n_{shown(asked)}_" if asked else text, _open(expense.name))


def _report(line: ReportLine, word: str, at: datetime | None) -> Block:
    return section(f"{_title(line)}\n_{word} {moment(at)}_", _open(line.report.name))


def _to_decide(line: ReportLine) -> Block:
    text = f"{_title(line)}\n_from <@{line.report.owner}>, sent {moment(line.report.submitted_at)}_"
    return section(text, _open(line.report.name))


def _title(line: ReportLine) -> str:
    number = "1 expense" if line.count == 1 else f"{line.count} expenses"
    return f"*{line.report.name}* · {shown(line.report.title, 100)} · {shown(show(line.total), 60)} · {number}"


def _open(name: str) -> Block:
    return button(buttons.SHOW, "Open", name)
