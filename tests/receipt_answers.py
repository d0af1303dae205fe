"""What tests of capturing share: receipts as the model tells of them."""

from __future__ import annotations

from typing import Any

from bot.expenses.policy.policy import Category, Policy

POLICY = Policy(
    name="Acme",
    version="1",
    categories={
        "meals": Category(key="meals", label="Meals"),
        "taxi": Category(key="taxi", label="Taxi and ride"),
        "client": Category(key="client", label="Client entertainment", needs=("attendees",)),
    },
)


def field(value: str | None, confidence: float = 0.95, evidence: str | None = None) -> dict[str, Any]:
    """One field of the answer; its evidence is the value itself unless told otherwise."""
    return {"value": value, "confidence": confidence, "evidence": value if evidence is None else evidence}


def receipt(**more: Any) -> dict[str, Any]:
    """A receipt that was read without any trouble, but for `more`."""
    none = {"value": None, "confidence": 0.0, "evidence": None}
    return {
        "merchant": field("LIDL"),
        "spent_on": field("2026-11-20", evidence="20.11.26"),
        "total": field("18,40", evidence="SUMME 18,40"),
        "currency": field("EUR"),
        "language": "de",
        "tax": [{"rate": "19", "amount": "2,94"}],
        "tip": none,
        "category": field("meals", evidence=""),
        "payment": none,
        "city": none,
        "attendees": [],
        "purpose": none,
    } | more


def answer(*receipts: dict[str, Any], nothing: str | None = None) -> dict[str, Any]:
    """The whole answer."""
    return {"receipts": list(receipts), "nothing": nothing}
