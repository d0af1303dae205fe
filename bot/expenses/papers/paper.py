"""What the process that draws a report is told: plain text and paths, no more. Pure, and light to import."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """An original and the expenses that were read from it."""

    heads: tuple[str, ...]  # a line for each expense
    name: str
    form: str  # a format of bot/files/kinds.py
    sha256: str
    path: str  # where it lies for the drawing; "" where it is not to be opened
    refused: str = ""  # why it is not to be opened


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """A report as it is printed, from its top to its last receipt."""

    name: str
    title: str
    total: str
    made: str  # the time that the PDF is dated to, in ISO 8601: the same content gives the same file
    facts: tuple[tuple[str, str], ...]  # a label and what it says
    home: str  # the currency of the last column
    rows: tuple[tuple[str, ...], ...]  # as drawing.COLUMNS
    totals: tuple[tuple[str, ...], ...]  # category, currency, how many, sum, in the home currency
    notes: tuple[tuple[str, ...], ...]  # expense, level, what the policy says, the justification
    bare: str  # the expenses without a receipt, as one line; ""
    receipts: tuple[Receipt, ...]


def read_paper(raw: Mapping[str, Any]) -> Paper:
    """A paper that was JSON on its way here."""
    return Paper(**{**raw, "receipts": tuple(Receipt(**receipt) for receipt in raw["receipts"])})
