"""Expenses and policies, for the tests of what a policy says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from bot.expenses.money.money import show
from bot.expenses.policy.per_diem import PerDiem, PlaceRate
from bot.expenses.policy.policy import Category, Limit, Policy, load_policy
from bot.expenses.policy.policy_file import Per
from bot.expenses.policy.rules import check_expense
from bot.expenses.values import Details, Expense, Level, Money, Note

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


TODAY = date(2026, 11, 20)
ACME = load_policy(Path(__file__).parent.parent / "playground" / "expenses" / "policy.toml", "EUR")
SOURCE = "Travel policy 2026-10, section 3"
LUNCH = Details(merchant="Bistro", spent_on=DAY, minor=3000, currency="EUR", category="meals")


def policy(**parts: Any) -> Policy:
    found = Policy(
        name="Travel policy",
        version="2026-10",
        currency="EUR",
        categories={key: Category(key=key, label=key.title()) for key in ("meals", "lodging", "mileage")},
    )
    return replace(found, **parts)


def limited(per: Per, minor: int, level: Level = "warn", key: str = "meals") -> Policy:
    limit = Limit(per=per, minor=minor, level=level, source=SOURCE)
    return policy(categories={key: Category(key=key, label=key.title(), limits=(limit,), source=SOURCE)})


def check(details: Details, rules: Policy, *others: Expense, receipt: str = "abc") -> dict[str, Note]:
    """The notes by their rules; each rule speaks once in these tests."""
    notes = check_expense(kept(1, details, receipt=receipt), others, rules, "EUR", TODAY)
    assert len({note.rule for note in notes}) == len(notes)
    return {note.rule: note for note in notes}


def levels(notes: dict[str, Note]) -> dict[str, Level]:
    return {rule: note.level for rule, note in notes.items()}


def eur(minor: int) -> str:
    return show(Money(minor, "EUR"))


def rates(currency: str = "EUR", **parts: Any) -> Policy:
    lyon = PlaceRate(
        place="Lyon",
        region="FR",
        names=("lyon",),
        also=(),
        begin=(1, 1),
        end=(12, 31),
        lodging=12_000,
        meals=5000,
        valid_from=date(2026, 1, 1),
        valid_to=date(2026, 11, 10),
    )
    table = PerDiem(
        name="Rates 2026",
        currency=currency,
        rows=(lyon, replace(lyon, place="", names=(), lodging=8000)),
        lodging="lodging",
        meals="meals",
        first_last_percent=75,
        provided={"breakfast": 20, "lunch": 30, "dinner": 50},
        level="warn",
        source=SOURCE,
    )
    return replace(policy(), per_diem=table, **parts)
