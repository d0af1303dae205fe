"""A report as a file: PDF with its receipts, XLSX, CSV."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.expenses.books.books import Original, Whole
from bot.expenses.papers import pdf, sheets
from bot.expenses.policy.policy import Policy
from bot.files.names import clean_name

MOST_NAME = 40  # characters of a person's name in a file's: file systems count bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """All that a report's file shows. `names` are people's by their ids; `originals` the receipts by expense number."""

    whole: Whole
    policy: Policy
    names: Mapping[str, str]
    originals: Mapping[int, Original]


async def make(form: str, content: Content, folder: Path) -> Path:
    """Writes a report as "pdf", "xlsx" or "csv" into a folder; the file's name is for people. Nothing blocks the loop.

    A PDF takes a second or two, and at worst three times `pdf.SECONDS`. Raises Retryable.
    """
    path = folder / file_name(form, content)
    if form == "pdf":
        paper = pdf.paper_of(content.whole, content.policy, content.names, content.originals)
        await pdf.draw(paper, content.originals, path)
    else:
        await make_export(form, [content.whole], content.policy, content.names, path)
    return path


async def make_export(
    form: str, reports: Sequence[Whole], policy: Policy, names: Mapping[str, str], path: Path
) -> None:
    """Writes finance's table of reports' expenses as "csv" or "xlsx", one line an expense."""
    write = {"csv": sheets.write_csv, "xlsx": sheets.write_xlsx}[form]
    await asyncio.to_thread(write, reports, policy, names, path)


def file_name(form: str, content: Content) -> str:
    """As "R-3 Anna Berg 2026-11.pdf": number, whose, the month of the last expense."""
    report = content.whole.report
    days = [e.details.spent_on for e in content.whole.expenses if e.details.spent_on]
    month = max(days, default=report.created_at.date())
    who = clean_name(content.names.get(report.owner, report.owner))[:MOST_NAME].strip()
    return f"{report.name} {who} {month:%Y-%m}.{form}"
