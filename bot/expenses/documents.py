"""A report as a file: PDF with its receipts, XLSX, CSV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.expenses.books import Original, Whole
from bot.expenses.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """All that a report's file shows. `names` are people's by their ids; `originals` the receipts by expense number."""

    whole: Whole
    policy: Policy
    names: Mapping[str, str]
    originals: Mapping[int, Original]


async def make(form: str, content: Content, folder: Path) -> Path:
    """Writes a report as "pdf", "xlsx" or "csv" into a folder; the file's name is for people. Nothing blocks the loop."""
    raise NotImplementedError(form)


async def make_export(
    form: str, reports: Sequence[Whole], policy: Policy, names: Mapping[str, str], path: Path
) -> None:
    """Writes finance's table of reports' expenses as "csv" or "xlsx", one line an expense."""
    raise NotImplementedError(form)
