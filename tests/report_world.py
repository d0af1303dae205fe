"""Reports and receipts to draw."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from fpdf import FPDF
from PIL import Image

from bot.expenses.books.books import Original, Whole
from bot.expenses.papers.documents import Content
from bot.expenses.policy.policy import Category, Policy
from bot.expenses.values import Details, Expense, Money, Rate, Report

NOW = datetime(2026, 11, 20, 14, 5, tzinfo=UTC)
POLICY = Policy(name="Travel policy", version="2026-3", categories={"meals": Category(key="meals", label="Meals")})
NAMES = {"U1": "Anna Berg", "U2": "Dana Voss"}
RATE = Rate(Decimal("0.9213"), date(2026, 11, 20), "ECB")


def expense(number: int = 1, merchant: str = "Café Łódź", **more: Any) -> Expense:
    """An expense of 18.40 euros; `more` are fields of Details, or of Expense."""
    about: dict[str, Any] = {
        "merchant": merchant, "spent_on": date(2026, 11, 19), "minor": 1840, "currency": "EUR", "category": "meals"
    }  # fmt: skip
    kept = {k: more.pop(k) for k in ("receipt", "notes", "home") if k in more}
    made = Expense(
        team="T1", number=number, owner="U1", state="in_report", version=1, source="file", details=Details(**about | more),
        home=Money(1840, "EUR"), read={}, receipt="", part=0, notes=(), asks=(), doubts=(), report=3, twin=None,
        created_at=NOW, changed_at=NOW,
    )  # fmt: skip
    return replace(made, **kept)


def whole(*expenses: Expense, **more: Any) -> Whole:
    """An approved report; `more` are fields of Report."""
    about: dict[str, Any] = {
        "team": "T1", "number": 3, "owner": "U1", "title": "Expenses November 2026", "state": "approved", "version": 4,
        "approvers": ("U2",), "step": 1, "reason": "", "decided_by": "U2", "submitted_at": NOW, "decided_at": NOW,
        "reminded_at": None, "created_at": NOW, "changed_at": NOW,
    }  # fmt: skip
    total = Money(sum(e.home.minor for e in expenses if e.home), "EUR")
    return Whole(Report(**about | more), expenses, total, ())


def content(*expenses: Expense, receipts: Mapping[int, tuple[str, str, bytes]] | None = None, **more: Any) -> Content:
    """A report with its receipts, each as name, format and bytes, by the number of its expense."""
    originals = {n: Original(sha256(data), name, form, data) for n, (name, form, data) in (receipts or {}).items()}
    with_receipts = [replace(e, receipt=originals[e.number].sha256) if e.number in originals else e for e in expenses]
    return Content(whole=whole(*with_receipts, **more), policy=POLICY, names=NAMES, originals=originals)


def sha256(data: bytes) -> str:
    """As the books name an original."""
    return hashlib.sha256(data).hexdigest()


def photo(form: str = "jpeg", size: tuple[int, int] = (300, 600), colour: str = "red", **save: Any) -> bytes:
    """A picture of one colour."""
    written = io.BytesIO()
    Image.new("RGB", size, colour).save(written, form, **save)
    return written.getvalue()


def invoice(pages: int = 1, text: str = "Hotel Adler", **output: Any) -> bytes:
    """A PDF with a line of text on each page."""
    pdf = FPDF()
    pdf.set_creation_date(NOW)
    pdf.set_font("helvetica", size=20)
    for number in range(1, pages + 1):
        pdf.add_page()
        pdf.cell(0, 10, f"{text} {number}", link="https://example.com/track")
    if password := output.pop("password", ""):
        pdf.set_encryption("owner", password)
    return bytes(pdf.output(**output))
