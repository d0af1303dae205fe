"""A report as a PDF: what it says, and the child process that draws it with its receipts (bot/expenses/papers/drawing.py)."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date, datetime
from pathlib import Path
from tempfile import mkdtemp

import structlog

from bot.errors import Retryable
from bot.expenses.books.books import Original, Whole
from bot.expenses.money.money import show
from bot.expenses.papers.paper import Paper, Receipt
from bot.expenses.papers.totals import totals_of
from bot.expenses.policy.policy import Policy
from bot.expenses.values import Expense, Money, Note, Report
from bot.files.kinds import KINDS

log = structlog.get_logger()
SECONDS = 60.0  # that one drawing may take, by the clock; there are up to three
BROKEN = "it cannot be opened; it may be damaged"
NO_ROOM = "it does not fit beside the other receipts of this report"
NOT_TRIED = "the receipts of this report could not be printed"
ASIDE = "\u200e"  # a merchant in Hebrew does not draw the date after it to its left
PAID = {"own": "", "company": "company card"}
LEVELS = {"block": "not allowed", "warn": "warning", "note": "note"}


# -- what it says: pure --------------------------------------------------------------------------------------------------


def paper_of(whole: Whole, policy: Policy, names: Mapping[str, str], originals: Mapping[int, Original]) -> Paper:
    """The report in words. The receipts have no paths yet."""
    report, home = whole.report, whole.total.currency
    return Paper(
        name=report.name,
        title=report.title,
        total=show(whole.total),
        made=(report.decided_at or report.submitted_at or report.changed_at).isoformat(),
        facts=_facts(whole, policy, names),
        home=home,
        rows=tuple(_row(e, policy, names, home) for e in whole.expenses),
        totals=tuple(
            (label(t.category, policy), t.money.currency, str(t.count), show(t.money), show(t.home))
            for t in totals_of(whole.expenses, home)
        ),
        notes=_notes(whole),
        bare=_bare(whole.expenses),
        receipts=_receipts(whole.expenses, originals),
    )


def day(when: date | datetime | None) -> str:
    """A day as people read it: 20 Nov 2026; "" for none. Moments are given in UTC."""
    return f"{when.day} {when:%b %Y}" if when else ""


def label(category: str, policy: Policy) -> str:
    """A category as the policy calls it; its key where the policy no longer has it."""
    return policy.categories[category].label if category in policy.categories else category


def state(report: Report, names: Mapping[str, str]) -> str:
    """What has become of a report, in words."""
    if report.approver:
        return f"waiting for {names.get(report.approver, report.approver)}"
    return report.state.replace("_", " ")


def _facts(whole: Whole, policy: Policy, names: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    report = whole.report
    days = sorted(e.details.spent_on for e in whole.expenses if e.details.spent_on)
    period = day(days[0]) + (f" to {day(days[-1])}" if days[-1] != days[0] else "") if days else "no dates"
    decided = f"{day(report.decided_at)} by {names.get(report.decided_by, report.decided_by)}"
    facts = [
        ("Employee", names.get(report.owner, report.owner)),
        ("Period", period),
        ("Expenses", str(len(whole.expenses))),
        ("To be paid back", show(whole.owed)),
        ("State", state(report, names)),
        ("Submitted", day(report.submitted_at) or "not yet"),
        ("Approvers", ", then ".join(names.get(a, a) for a in report.approvers) or "none yet"),
        ("Decided", decided if report.decided_at else "not yet"),
        ("Policy", f"{policy.name}, version {policy.version}"),
    ]
    return tuple(facts + [("Reason", report.reason)] * bool(report.reason))


def _row(expense: Expense, policy: Policy, names: Mapping[str, str], home: str) -> tuple[str, ...]:
    about = expense.details
    place = "\n".join(part for part in (about.city, ", ".join(about.attendees)) if part)
    purpose = "\n".join(part for part in (about.purpose, PAID.get(about.payment, about.payment)) if part)
    rate = ""
    if about.rate and about.currency != home:
        source = names.get(about.rate.source, about.rate.source)
        rate = f"1 {about.currency} = {about.rate.value:f}\n{day(about.rate.on)}, {source}"
    return (
        expense.name,
        day(about.spent_on) or "unknown",
        about.merchant,
        label(about.category, policy),
        purpose,
        place,
        _amount(about.money),
        rate,
        _amount(expense.home),
    )


def _amount(money: Money | None) -> str:
    return show(money) if money else "unknown"


def _notes(whole: Whole) -> tuple[tuple[str, ...], ...]:
    """The report's own notes, then each expense's; a justification stands once, beside the first."""

    def line(subject: str, note: Note, why: str) -> tuple[str, ...]:
        return subject, LEVELS[note.level], note.text, why

    lines = [line(whole.report.name, note, "") for note in whole.notes]
    for expense in whole.expenses:
        lines += [
            line(expense.name, note, "" if number else expense.details.justification)
            for number, note in enumerate(expense.notes)
        ]
    return tuple(lines)


def _bare(expenses: Sequence[Expense]) -> str:
    bare = [e.name for e in expenses if not e.receipt]
    return f"Without a receipt: {', '.join(bare)}" if bare else ""


def _receipts(expenses: Sequence[Expense], originals: Mapping[int, Original]) -> tuple[Receipt, ...]:
    """Each original once, with all expenses that were read from it."""
    heads: dict[str, list[str]] = {}
    kept: dict[str, Original] = {}
    for expense in expenses:
        if expense.receipt:
            about = expense.details
            head = f"{expense.name}  {about.merchant}{ASIDE}, {day(about.spent_on)}, {_amount(about.money)}"
            heads.setdefault(expense.receipt, []).append(head)
            if original := originals.get(expense.number):
                kept[expense.receipt] = original
    return tuple(_receipt(tuple(lines), sha256, kept.get(sha256)) for sha256, lines in heads.items())


def _receipt(heads: tuple[str, ...], sha256: str, original: Original | None) -> Receipt:
    if original is None:
        return Receipt(heads=heads, name="", form="", sha256=sha256, path="", refused=NO_ROOM)
    drawn = original.form == "pdf" or KINDS.get(original.form) == "image"
    refused = "" if drawn else f"files of the kind .{original.form} are kept and not printed"
    return Receipt(heads=heads, name=original.name, form=original.form, sha256=sha256, path="", refused=refused)


# -- the drawing ---------------------------------------------------------------------------------------------------------


async def draw(paper: Paper, originals: Mapping[int, Original], target: Path, *, seconds: float = SECONDS) -> None:
    """Writes the PDF to `target`. A receipt that kills the drawing is left out, and its page says so. Raises Retryable.

    How many are drawn at once is the caller's to say (bot/delivery/bringing.py). It draws up to three times: with all receipts, without the one at which the first drawing died, without any.
    """
    content = {original.sha256: original.content for original in originals.values()}
    folder = Path(await asyncio.to_thread(mkdtemp, dir=target.parent, prefix="drawing-"))
    try:
        receipts = await asyncio.to_thread(_laid_out, paper.receipts, content, folder)
        for attempt in range(3):
            at = folder / f"at{attempt}"
            wish = {"paper": asdict(replace(paper, receipts=receipts)), "target": str(target), "at": str(at)}
            if await _child(paper.name, wish, seconds):
                return
            receipts = _without(receipts, "" if attempt else await asyncio.to_thread(_last_opened, at))
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    raise Retryable("a report could not be drawn", said="I could not make the PDF.")


def _laid_out(receipts: Sequence[Receipt], content: Mapping[str, bytes], folder: Path) -> tuple[Receipt, ...]:
    """The receipts with their files in the folder."""
    laid = []
    for receipt in receipts:
        path = folder / receipt.sha256
        if not receipt.refused:
            path.write_bytes(content[receipt.sha256])
        laid.append(replace(receipt, path=str(path)))
    return tuple(laid)


def _last_opened(at: Path) -> str:
    return at.read_text() if at.exists() else ""


def _without(receipts: Sequence[Receipt], at: str) -> tuple[Receipt, ...]:
    """The receipts with one of them, or all, not to be opened."""
    if at:
        return tuple(replace(r, refused=BROKEN) if str(n) == at else r for n, r in enumerate(receipts))
    return tuple(r if r.refused else replace(r, refused=NOT_TRIED) for r in receipts)


async def _child(report: str, wish: Mapping[str, object], seconds: float) -> bool:
    """Whether the child drew it."""
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-X", "utf8", "-m", "bot.expenses.papers.drawing"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=Path(__file__).parents[3],
            env={},  # no secrets
        )
    except OSError as error:  # no memory, or too many processes
        raise Retryable(f"no child process: {error.strerror}", said="I have no room to make the PDF.") from error
    try:
        async with asyncio.timeout(seconds):
            await process.communicate(json.dumps(wish).encode())
    except TimeoutError:
        log.warning("report not drawn", report=report, error="timeout")
        return False
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        log.warning("report not drawn", report=report, exit_code=process.returncode)
    return process.returncode == 0
