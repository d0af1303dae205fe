"""Expenses and reports as a list in words, for `/expenses list`. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from bot.blocks import SECTION, shown
from bot.expenses.books.books import Listing, ReportLine, Total
from bot.expenses.face.cards import day
from bot.expenses.money.money import show
from bot.expenses.policy.policy import Policy
from bot.expenses.values import Expense, Money

LISTED = 30  # lines, of all kinds
TOTALS = 8
WORDS = {
    "needs_info": "to be completed",
    "ready": "ready",
    "duplicate_hold": "held as a duplicate",
    "draft": "draft",
    "submitted": "waits for approval",
    "changes_requested": "sent back",
    "withdrawn": "taken back",
    "approved": "approved",
    "rejected": "rejected",
    "exported": "approved and booked",
    "paid": "paid",
}


def listing_text(
    found: Listing, reports: Sequence[ReportLine], policy: Policy, since: date | None, until: date | None
) -> str:
    """At most thirty lines that fit into one section: the newest expenses, totals over all that were found, the newest reports."""
    when = f", {day(since)} to {day(until)}" if since and until else ""
    number = f"{found.count} expenses" if found.count > 1 else "1 expense" if found.count else "No expenses"
    head = [f"*{number}{when}*"]
    totals = [_total(t, policy) for t in found.totals[:TOTALS]]
    if len(found.totals) > TOTALS:
        totals.append(f"… and {len(found.totals) - TOTALS} more totals")
    said = ["*By category and currency*", *totals] if totals else []
    made = ["*Reports*", *map(_report, reports[:TOTALS])] if reports else []
    if len(reports) > TOTALS:
        made.append("… and more; ask me for your reports")
    room = LISTED - len(head) - len(said) - len(made) - 1
    lines = [_expense(e, policy) for e in found.expenses[:room]]
    while lines and len("\n".join([*head, *lines, *said, *made])) > SECTION - 60:
        lines.pop()
    more = found.count - len(lines)
    cut = [f"… and {more} more; name a month to see them"] if more > 0 else []
    return "\n".join([*head, *lines, *cut, *said, *made])[:SECTION]


def _expense(expense: Expense, policy: Policy) -> str:
    d = expense.details
    state = f"R-{expense.report}" if expense.report else WORDS.get(expense.state, expense.state)
    when = day(d.spent_on) if d.spent_on else "no date"
    merchant = shown(d.merchant, 40) or "merchant not known"
    return f"{expense.name} · {when} · {merchant} · {_category(d.category, policy)} · {_amount(d.money)} · _{state}_"


def _total(total: Total, policy: Policy) -> str:
    foreign = total.home.currency != total.money.currency
    home = f" = {_amount(total.home)}" if foreign and total.home.minor else ""  # nothing while there is no rate
    return f"{_category(total.category, policy)}: {_amount(total.money)}{home} ({total.count})"


def _report(line: ReportLine) -> str:
    report = line.report
    return f"{report.name} · {shown(report.title, 60)} · {_amount(line.total)} · _{WORDS[report.state]}_"


def _category(key: str, policy: Policy) -> str:
    return shown(policy.categories[key].label if key in policy.categories else key, 30) or "no category"


def _amount(money: Money | None) -> str:
    return shown(show(money), 40) if money and money.currency else "no amount"
