"""What expenses and reports look like in Slack. Pure: values in, blocks out.

A card is always made from the present state, so its buttons carry the present version; what was pressed on an older one is refused by the books.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

from bot.blocks import Block, Card, actions, button, confirm, context, fields, header, option, section, sections, shown
from bot.expenses.books.books import Whole
from bot.expenses.face import buttons
from bot.expenses.face.buttons import carried
from bot.expenses.face.forms import LABELS, PAYMENTS
from bot.expenses.money.money import show
from bot.expenses.papers.totals import totals_of
from bot.expenses.policy.policy import Policy
from bot.expenses.questions import question
from bot.expenses.values import OPEN, SETTLED, Details, Expense, Money, Note, Rate, Report

LINES = 20  # expenses, notes and totals that a report's card shows
MOST_SAID = 49  # blocks of a message, and the buttons
WHY = "Please say why it is right all the same: press Edit and fill in the justification, or just tell me."
SIGNS = {"block": ":no_entry:", "warn": ":warning:", "note": ":information_source:"}
STATES = {
    "needs_info": "I need something more",
    "ready": "Ready, and in no report yet",
    "in_report": "In a report",
    "duplicate_hold": "Held: this looks like one that was handed in before",
    "discarded": "Removed",
}
DECIDED = (*SETTLED, "rejected")
REPORT_STATES = {
    "changes_requested": "Sent back",
    "approved": "Approved",
    "rejected": "Rejected",
    "exported": "In the company's books",
    "paid": "Paid",
}


# -- an expense --------------------------------------------------------------------------------------------------------------


def expense_card(expense: Expense, policy: Policy, home: str, report: Report | None = None) -> Card:
    """An expense as its owner sees it. `report` is the one that it is in, where that is known: what was decided has no buttons."""
    details = expense.details
    title = f"*{expense.name}* · {_merchant(details)} · {_amount(details.money)}"
    if expense.state == "discarded":
        return Card((section(f"{title} — removed."),), f"{expense.name} was removed.")
    blocks = [section(f"{title}\n_{_state(expense, report)}_"), fields(_fields(expense, policy, home))]
    if details.justification:
        blocks.append(section(f"*Justification*\n{shown(details.justification, 500)}"))
    doubtful = [line for name in expense.doubts if (line := _evidence(expense, name))]
    if doubtful:
        blocks += sections(["*Read from the receipt*", *doubtful[:LINES]])
    asked = question(expense, policy) if expense.state == "needs_info" else ""
    notes = [note for note in expense.notes if not (asked and note.rule == "rate")]  # the question says that
    blocks += sections([*map(_note, notes[:LINES]), *([WHY] if _wants_why(expense) else [])])
    if asked:
        blocks.append(section(f":question: *{shown(asked, 500)}*"))
    row = _expense_buttons(expense, report)
    state = "In a report" if expense.state == "in_report" else _state(expense, report)
    text = f"{expense.name}: {_merchant(details)}, {_amount(details.money)}. {shown(asked, 300) or state}"
    return Card((*blocks[:MOST_SAID], *row), text)


def _expense_buttons(expense: Expense, report: Report | None) -> list[Block]:
    value = carried(expense.name, expense.version)
    edit = button(buttons.EDIT, "Edit", value)
    sure = confirm(f"Remove {expense.name}?", "It will be in no list and no report any more.", "Remove", "Keep")
    remove = button(buttons.REMOVE, "Remove", value, style="danger", confirm=sure)
    if expense.state == "duplicate_hold":
        return [actions(button(buttons.KEEP_BOTH, "Keep both", value), edit, remove)]
    if report and report.state == "submitted":
        sure = confirm("Edit all the same?", f"That takes {report.name} back from who is to approve it.", "Edit")
        return [actions(button(buttons.EDIT, "Edit", value, confirm=sure))]
    if report and report.state not in OPEN:
        return []
    return [actions(edit, remove)]


def _state(expense: Expense, report: Report | None) -> str:
    words = STATES[expense.state]
    if expense.state == "in_report" and expense.report:
        words = f"In R-{expense.report}"
        if report and report.state in DECIDED:  # nothing else of it lasts: only a report's own card follows it
            words += f", {REPORT_STATES[report.state].lower()}"
    if expense.state == "ready" and any(note.level == "block" for note in expense.notes):
        words = "To be put right before it can be sent"
    return words


def _wants_why(expense: Expense) -> bool:
    """Whether the books will ask for a justification when it is submitted."""
    warned = any(note.level == "warn" for note in expense.notes)
    return warned and not expense.details.justification and expense.state in ("ready", "in_report")


def _fields(expense: Expense, policy: Policy, home: str) -> list[tuple[str, str]]:
    d = expense.details
    said = [
        ("spent_on", day(d.spent_on) if d.spent_on else "—"),
        ("minor", _amount(d.money) + _at_home(expense, home)),
        ("category", _category(d.category, policy)),
        ("payment", PAYMENTS.get(d.payment, shown(d.payment, 50))),
        ("tax", ", ".join(f"{_amount(Money(t.minor, d.currency))} {_percent(t.rate)}".strip() for t in d.tax[:5])),
        ("tip_minor", _amount(Money(d.tip_minor, d.currency)) if d.tip_minor else ""),
        ("city", shown(d.city, 100)),
        ("attendees", shown(", ".join(d.attendees), 300)),
        ("purpose", shown(d.purpose, 300)),
    ]
    receipt = f"kept as it came (`{expense.receipt[:12]}`)" if expense.receipt else "none"
    if expense.part:
        receipt += f", no. {expense.part + 1} on it"
    return [(LABELS[name], value) for name, value in said if value] + [("Receipt", receipt)]


def _at_home(expense: Expense, home: str) -> str:
    rate, currency = expense.details.rate, expense.details.currency
    if expense.details.minor is None or not currency or currency == home:
        return ""
    if not expense.home or not rate:
        return "\nno exchange rate yet"
    return f" = {_amount(expense.home)}\n{_rate(rate, currency, home)}"


def _rate(rate: Rate, currency: str, home: str) -> str:
    value = shown(f"{rate.value:f}", 24)
    return f"1 {shown(currency, 8)} = {value} {shown(home, 8)} ({_source(rate.source)}, {day(rate.on)})"


def _source(source: str) -> str:
    return f"<@{source}>" if source.startswith(("U", "W")) and source.isalnum() else shown(source, 60)


def _evidence(expense: Expense, name: str) -> str:
    read = expense.read.get(name)
    if not read or not read.evidence:
        return ""
    return f"{LABELS.get(name, name)}: {shown(read.value, 100) or '—'}, from “{shown(read.evidence)}”"


# -- a report ----------------------------------------------------------------------------------------------------------------


def report_card(whole: Whole, policy: Policy, viewer: str, names: Mapping[str, str], *, finance: bool = False) -> Card:
    """A report as its owner sees it, or its approver, or another who may see it; `finance`: as one who may hand it over. `names` are people's by their ids."""
    report, mine = whole.report, viewer == whole.report.owner
    state = _report_state(report, names, viewer)
    first = f"_{state}_" if mine else f"Of *{_who(report.owner, names)}*\n_{state}_"
    blocks = [header(f"{report.name} · {report.title}"), section(first)]
    if report.reason:
        blocks.append(section(f"*Reason*\n{shown(report.reason, 1_000)}"))
    owed = (
        "" if whole.owed == whole.total else f"; {_amount(whole.owed)} of it to be paid back, the rest by company card"
    )
    blocks.append(section(f"*{_amount(whole.total)}* for {_count(len(whole.expenses))}{owed}"))
    blocks += sections(_some([_line(e, policy) for e in whole.expenses]))
    blocks += sections(_some(_totals(whole, policy)))
    blocks += sections(_some(_notes(whole)))
    blocks.append(context(f"{shown(policy.name, 100)}, version {shown(policy.version, 50)}"))
    of = "" if mine else f" of {_who(report.owner, names)}"
    text = f"{report.name} “{shown(report.title, 100)}”{of}: {_amount(whole.total)}. {state}"
    return Card((*blocks[:MOST_SAID], *_report_buttons(whole, viewer, names, finance=finance)), text)


def _report_buttons(whole: Whole, viewer: str, names: Mapping[str, str], *, finance: bool) -> list[Block]:
    report, value = whole.report, carried(whole.report.name, whole.report.version)
    if viewer == report.owner:
        if report.state == "submitted":
            return [actions(button(buttons.WITHDRAW, "Withdraw", value))]
        if report.state not in OPEN:
            return []
        submit = button(buttons.SUBMIT, "Submit", value, style="primary")
        return [actions(submit, *([_take_out(whole)] if whole.expenses else []))]
    hand_over = button(buttons.HAND_OVER, "Hand over…", value)
    if viewer != report.approver:
        return [actions(hand_over)] if finance and report.state == "submitted" else []
    what = f"{report.name} of {names.get(report.owner, 'its owner')}, {show(whole.total)}."
    sure = confirm(f"Approve {report.name}?", what, "Approve")
    return [
        actions(
            button(buttons.APPROVE, "Approve", value, style="primary", confirm=sure),
            button(buttons.SEND_BACK, "Send back…", value),
            button(buttons.REJECT, "Reject…", value, style="danger"),
            hand_over,
        )
    ]


def _take_out(whole: Whole) -> Block:
    report = whole.report
    options = [
        option(f"{e.name} · {e.details.merchant}", carried(report.name, report.version, e.name))
        for e in whole.expenses[:100]
    ]
    placeholder = {"type": "plain_text", "text": "Take an expense out"}
    return {"type": "static_select", "action_id": buttons.TAKE_OUT, "placeholder": placeholder, "options": options}


def _report_state(report: Report, names: Mapping[str, str], viewer: str) -> str:
    if report.state == "draft":
        return f"Draft since {moment(report.created_at)}; nobody else has seen it"
    if report.state == "withdrawn":
        return f"Taken back on {moment(report.changed_at)}; nobody is to decide"
    if report.state == "submitted":
        step = f" (approval {report.step + 1} of {len(report.approvers)})" if len(report.approvers) > 1 else ""
        who = "you" if viewer == report.approver else _who(report.approver, names)
        return f"Waits for {who} since {moment(report.submitted_at)}{step}"
    by = f" by {_who(report.decided_by, names)}" if report.decided_by else ""
    decided = f"{by} on {moment(report.decided_at or report.changed_at)}"
    if report.state in ("exported", "paid"):  # whoever approved it did not pay it
        return f"{REPORT_STATES[report.state]}; approved{decided}"
    return f"{REPORT_STATES[report.state]}{decided}"


def _line(expense: Expense, policy: Policy) -> str:
    d = expense.details
    worst = min((n.level for n in expense.notes), key=list(SIGNS).index, default="note")
    sign = f"{SIGNS[worst]} " if worst != "note" else ""
    home = f" ({_amount(expense.home)})" if expense.home and d.currency != expense.home.currency else ""
    parts = [day(d.spent_on) if d.spent_on else "no date", _merchant(d, 60), _category(d.category, policy, 40)]
    return f"{sign}*{expense.name}* · {' · '.join(parts)} · {_amount(d.money)}{home}"


def _totals(whole: Whole, policy: Policy) -> list[str]:
    """By category and currency; nothing where that is one sum."""
    totals = totals_of(whole.expenses, whole.total.currency)
    if len(totals) < 2:  # the total says it
        return []
    lines = [f"{_category(t.category, policy, 40)}: {_amount(t.money)} ({t.count})" for t in totals]
    return ["*By category and currency*", *lines]


def _notes(whole: Whole) -> list[str]:
    """What the policy says, and how it is justified."""
    lines = [_note(n) for n in whole.notes]
    for expense in whole.expenses:
        lines += [_note(n, expense.name) for n in expense.notes]
        if expense.details.justification:
            lines.append(f"{expense.name}, justification: {shown(expense.details.justification, 300)}")
        elif whole.report.state in OPEN and _wants_why(expense):
            lines.append(
                f"{expense.name} needs a justification before this is submitted: press Edit on its card, or just tell me."
            )
    return ["*Policy*", *lines] if lines else []


def _some(lines: Sequence[str]) -> list[str]:
    more = len(lines) - LINES
    return [*lines[:LINES], *([f"… and {more} more"] if more > 0 else [])]


# -- words -------------------------------------------------------------------------------------------------------------------


def day(at: date) -> str:
    """A date in words that nobody reads the other way round."""
    return f"{at.day} {at:%b} {at.year}"


def moment(at: datetime | None) -> str:
    """A time, which Slack shows in its reader's zone."""
    if at is None:
        return "—"
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}}, {{time}}|{at.astimezone(UTC):%d %b %Y %H:%M} UTC>"


def _note(note: Note, of: str = "") -> str:
    return f"{SIGNS[note.level]} {f'{of}: ' if of else ''}{shown(note.text, 400)}"


def _amount(money: Money | None) -> str:
    return shown(show(money), 60) if money and money.currency else "no amount yet"


def _merchant(details: Details, most: int = 100) -> str:
    return shown(details.merchant, most) or "merchant not known"


def _category(key: str, policy: Policy, most: int = 80) -> str:
    return shown(policy.categories[key].label if key in policy.categories else key, most) or "—"


def _percent(rate: str) -> str:
    return f"({shown(rate, 10)} %)" if rate else ""


def _who(person: str, names: Mapping[str, str]) -> str:
    return shown(names.get(person, ""), 80) or (f"<@{person}>" if person.isalnum() else "nobody")


def _count(number: int) -> str:
    return "1 expense" if number == 1 else f"{number} expenses"
