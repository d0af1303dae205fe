"""How the rule-based model uses the bot's expense tools: which messages ask for one, with what, and what their outputs say."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from playground.openai.items import text_of
from playground.openai.plan import View
from playground.openai.receipts import receipt_texts, today
from playground.openai.spent import CODES, day, first_amount, kind

TOOLS = ("capture_expense", "change_expense", "list_expenses", "expense_report")
SHARED = re.compile(r"(?m)^\[shared a file: ([^\n]*?)(?: — ([^\n]*))?\]$")
PLACE = re.compile(r"Place: a direct message")
RECEIPT_NAME = re.compile(r"receipt|invoice|rechnung|quittung|beleg|factura|expense|bill\b|taxi|hotel", re.IGNORECASE)
SPENT = re.compile(
    r"\b(expenses?|receipts?|i (?:have )?(?:paid|spent|bought)|invoices?|reimburse\w*|file (?:this|these)|claim)\b",
    re.IGNORECASE,
)
ASKS = re.compile(
    r"\?\s*$|^\W*(?:what|who|when|where|why|how|which|is|are|do|does|did|can|could|should|may|show|list|read|search)\b",
    re.IGNORECASE,
)
LIST = re.compile(
    r"\b(?:list|show|what are|which)\b[^.?!]*\bmy (?:\w+ ){0,2}(?:expenses|reports)\b|\bmy expenses\b\W*$",
    re.IGNORECASE,
)
EXPENSE, REPORT = re.compile(r"\bE-?(\d+)\b", re.IGNORECASE), re.compile(r"\bR-?(\d+)\b", re.IGNORECASE)
REPORTS = (
    ("submit", re.compile(r"\b(?:submit|hand in|send)\b.*\b(?:R-?\d+|reports?)\b", re.IGNORECASE)),
    ("withdraw", re.compile(r"\b(?:withdraw|take back|recall)\b.*\b(?:R-?\d+|reports?)\b", re.IGNORECASE)),
    ("take_out", re.compile(r"\b(?:take|remove)\b.*\bE-?\d+\b.*\b(?:out|from)\b.*\bR-?\d+\b", re.IGNORECASE)),
    ("add", re.compile(r"\b(?:add|put)\b.*\bE-?\d+\b.*\bR-?\d+\b", re.IGNORECASE)),
    ("create", re.compile(r"\b(?:make|create|start|open|new)\b(?: me)?(?: \w+){0,2} (?:expense )?report\b", re.IGNORECASE)),
    ("show", re.compile(r"\bshow\b.*\bR-\d+\b|\bstatus of R-\d+\b", re.IGNORECASE)),
)  # fmt: skip
YES = re.compile(r"^\W*(?:yes|yep|yeah|right|correct|that's right|exactly|ok(?:ay)?)\b", re.IGNORECASE)
BOTH = re.compile(r"\b(?:keep (?:them )?both|both are (?:right|fine)|no duplicate|not a duplicate)\b", re.IGNORECASE)
REMOVE = re.compile(r"\b(?:remove|delete|discard|drop)\b", re.IGNORECASE)
# What a person says of a field, and the words of a question that ask for it.
SAID = (
    ("category", re.compile(r"\bcategory (?:is|was|should be|to)\s+(?P<v>[\w ]+)", re.IGNORECASE)),
    ("merchant", re.compile(r"\bmerchant (?:is|was|should be)\s+(?P<v>[^.\n]+)", re.IGNORECASE)),
    ("justification", re.compile(r"\b(?P<v>because .+)|\bjustification:?\s+(?P<w>.+)", re.IGNORECASE)),
    ("city", re.compile(r"\bcity (?:is|was)\s+(?P<v>[^.\n]+)", re.IGNORECASE)),
    ("purpose", re.compile(r"\bpurpose (?:is|was)\s+(?P<v>[^.\n]+)", re.IGNORECASE)),
    ("rate", re.compile(r"\brate (?:is|was)\s+(?P<v>\d+[.,]?\d*)", re.IGNORECASE)),
    ("tip", re.compile(r"\btip (?:is|was)\s+(?P<v>\d+[.,]?\d*)", re.IGNORECASE)),
)
ASKED = (
    ("rate", re.compile(r"exchange rate", re.IGNORECASE)),
    ("currency", re.compile(r"which currency|amount to be in", re.IGNORECASE)),
    ("amount", re.compile(r"how much|total", re.IGNORECASE)),
    ("date", re.compile(r"which day|the date|what date|when was", re.IGNORECASE)),
    ("merchant", re.compile(r"paid to|who was paid|merchant", re.IGNORECASE)),
    ("category", re.compile(r"category|put it under", re.IGNORECASE)),
    ("attendees", re.compile(r"who took part", re.IGNORECASE)),
    ("city", re.compile(r"which city", re.IGNORECASE)),
    ("purpose", re.compile(r"what was it for", re.IGNORECASE)),
)
QUESTION = re.compile(r"(?P<name>E-\d+):\s+(?P<asked>[^\n]+\?[^\n]*)")  # as `told` puts one
LONGEST_WORDS = 4_000


def expense_call(view: View, said: str) -> tuple[str, dict[str, Any]] | None:
    """The expense tool that a message asks for, and its arguments as far as they are known. `said`: the message without what the bot puts before it."""
    if (report := _report(said)) or LIST.search(said):
        return ("expense_report", report) if report else ("list_expenses", _listed(view, said))
    here = any(PLACE.search(text_of(item)) for item in view.items if item.get("role") == "developer")
    captured = ("capture_expense", {"files": _names(view), "words": said[:LONGEST_WORDS] or None})
    if here and _names(view) and _is_receipt(view, said):
        return captured
    pending = _pending(view)
    asked = _field_of(pending["asked"]) if pending else ""
    spoke_of = kind(said) or SPENT.search(said)
    fresh = bool(first_amount(said) and spoke_of and not EXPENSE.search(said) and not ASKS.search(said))
    if fresh and (here or SPENT.search(said)) and not (asked == "amount" and not kind(said)):
        return captured
    named = EXPENSE.search(said)
    if named or pending:
        changes = _changes(said, pending, asked, today(view))
        if changes:
            return "change_expense", {"expense": f"E-{named[1]}" if named else pending["name"]} | changes
    return None


def told(value: Any) -> str | None:
    """What an expense tool's output says to a person; None for any other output."""
    if not isinstance(value, Mapping):
        return None
    lines = list[str]()
    for name, verb in (("kept", "I kept"), ("changed", "I changed")):
        held = value.get(name)
        for expense in held if isinstance(held, list) else [held] if isinstance(held, dict) else []:
            said = f"{verb} {_expense(expense)}"
            lines.append(said if said.endswith("?") else f"{said}.")
    for name in ("create", "add", "take_out", "submit", "withdraw", "show"):
        if isinstance(report := value.get(name), dict) and "report" in report:
            lines.append(_whole(report))
    if isinstance(value.get("totals"), list) and isinstance(value.get("expenses"), list):
        lines += _listing(value)
    if not lines:
        return None
    lines += [f"Not kept: {why}" for why in value.get("not_kept") or ()]
    if names := value.get("approvers_in_turn"):
        lines.append(f"It goes to {', then '.join(names)}.")
    if asked := value.get("ask_now"):
        lines.append(f"{asked['about']}: {asked['question']}")
    return "\n".join(lines)


# ---- what is asked for


def _names(view: View) -> list[str]:
    return [name for name, how in SHARED.findall(view.last_user) if not how.startswith("you cannot read it")]


def _is_receipt(view: View, said: str) -> bool:
    if ASKS.search(said):
        return False
    named = any(RECEIPT_NAME.search(name) for name in _names(view))
    return named or bool(SPENT.search(said)) or any(True for _ in receipt_texts(view)) or bool(first_amount(said))


def _report(said: str) -> dict[str, Any] | None:
    do = next((do for do, pattern in REPORTS if pattern.search(said)), None)
    if do is None:
        return None
    report, expenses = REPORT.search(said), [f"E-{n}" for n in EXPENSE.findall(said)]
    titled = re.search(r"\b(?:called|titled|named) [“\"]?([^”\"\n]+?)(?=[”\"\n.]|$| with E-| from E-)", said)
    name = f"R-{report[1]}" if report else None
    return {"do": do, "report": name, "expenses": expenses or None, "title": titled[1].strip() if titled else None}


def _listed(view: View, said: str) -> dict[str, Any]:
    state = next(
        (s for s in ("needs_info", "ready", "in_report", "discarded") if s.replace("_", " ") in said.lower()), None
    )
    since = day(said, today(view)) if re.search(r"\bsince\b", said) else None
    return {"since": since[0].isoformat() if since else None, "until": None, "category": None, "state": state}


def _pending(view: View) -> dict[str, str]:
    """The question about an expense that the last answer put: "name" and "asked"; empty for none."""
    for item in reversed(view.items):
        if item.get("role") == "assistant":
            found = list(QUESTION.finditer(text_of(item)))
            return found[-1].groupdict() if found else {}
    return {}


def _field_of(asked: str) -> str:
    return next((name for name, pattern in ASKED if pattern.search(asked)), "")


def _changes(said: str, pending: Mapping[str, str], asked: str, now: date | None) -> dict[str, Any]:
    """The new values that a text tells, or the answer to a question."""
    if BOTH.search(said):
        return {"keep_both": True}
    if REMOVE.search(said):
        return {"remove": True}
    for name, pattern in SAID:
        if match := pattern.search(said):
            return {name: next(v for v in match.groups() if v).strip(" .!")}
    if asked == "rate" and (rate := _answered(said, asked)):  # a number that is no amount
        return rate
    amount, on = first_amount(said), day(said, now)
    changes: dict[str, Any] = {}
    if amount:
        changes = {"amount": amount.text} | ({"currency": amount.currency} if amount.currency else {})
    if on and not (amount and on[2] in amount.words):
        changes["date"] = on[0].isoformat()
    if changes or not pending or ASKS.search(said):
        return changes
    if YES.search(said):
        return _confirmed(pending["asked"], asked, now)
    return _answered(said.strip(" .!"), asked)


def _confirmed(question: str, asked: str, now: date | None) -> dict[str, Any]:
    """The value that a question has read out, which the person says is right."""
    amount, on = first_amount(question.replace("\xa0", " ")), day(question, now)
    quoted = re.search(r"“([^”]+)”", question)
    code = re.search(rf"\b(?:{'|'.join(CODES)})\b", question)
    under = re.search(r"put it under ([^.]+)\.", question)
    values = {
        "amount": amount.text if amount else None,
        "date": on[0].isoformat() if on else None,
        "currency": code[0] if code else None,
        "merchant": quoted[1] if quoted else None,
        "category": under[1] if under else None,
    }
    return {asked: values[asked]} if values.get(asked) else {}


def _answered(said: str, asked: str) -> dict[str, Any]:
    """A bare answer: "EUR", "Lidl", "42"."""
    if not asked or not said:
        return {}
    if asked == "currency":
        code = re.search(rf"\b(?:{'|'.join(CODES)})\b", said.upper())
        return {"currency": code[0]} if code else {}
    if asked in ("amount", "rate"):
        number = re.search(r"-?\d[\d.,'’]*", said)
        return {asked: number[0].rstrip(".,")} if number else {}
    if asked == "date":
        return {}
    if asked == "attendees":
        return {"attendees": [n for part in re.split(r",|\band\b|&", said) if (n := part.strip())]}
    return {asked: re.sub(r"(?i)^(?:it was|it is|at|to|in|for)\s+", "", said)[:200]}


# ---- what is told


def _expense(expense: Mapping[str, Any], state: str = "") -> str:
    said = [str(expense[k]) for k in ("merchant", "amount", "date", "category") if expense.get(k)]
    what = ", ".join([*said, *([state] if state else [])])
    notes = "".join(f". {(note.partition(': ')[2] or note).rstrip('.')}" for note in expense.get("notes") or ())
    return f"**{expense.get('expense', 'it')}**{f' ({what})' if what else ''}{notes}".rstrip(".")


def _whole(report: Mapping[str, Any]) -> str:
    held = report.get("expenses") or []
    notes = "".join(f"\n- {note.partition(': ')[2] or note}" for note in report.get("notes") or ())
    return f"**{report['report']}** is {str(report.get('state', '')).replace('_', ' ')}: {len(held)} expense{'' if len(held) == 1 else 's'}, {report.get('total', '')}.{notes}"


def _listing(value: Mapping[str, Any]) -> list[str]:
    lines = [f"- {_expense(e, str(e.get('state', '')).replace('_', ' '))}" for e in value["expenses"]] or [
        "You have no expenses here."
    ]
    lines += [
        f"Total {t.get('category') or 'without a category'}: {t.get('total')} ({t.get('count')})"
        for t in value["totals"]
    ]
    for name, head in (("reports", "Report"), ("waiting_for_the_askers_decision", "Waits for you:")):
        lines += [
            f"{head} **{r['report']}**: {str(r.get('state', '')).replace('_', ' ')}, {r.get('total')}"
            for r in value.get(name) or ()
        ]
    return lines
