"""An expense as it is kept, for the tests of what the policy says of it."""

from __future__ import annotations

from datetime import UTC, date, datetime

from bot.expenses.values import Details, Expense

DAY = date(2026, 11, 3)
NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)
LIDL = Details(merchant="Lidl", spent_on=DAY, minor=1840, currency="EUR")


def kept(number: int, details: Details = LIDL, *, owner: str = "U1", receipt: str = "", part: int = 0) -> Expense:
    return Expense(
        team="T1",
        number=number,
        owner=owner,
        state="ready",
        version=1,
        source="file",
        details=details,
        home=details.money,
        read={},
        receipt=receipt,
        part=part,
        notes=(),
        asks=(),
        doubts=(),
        report=None,
        twin=None,
        created_at=NOON,
        changed_at=NOON,
    )
