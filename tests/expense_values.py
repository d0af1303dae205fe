"""Expenses and reports for tests: plain ones, and any that there could be."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from hypothesis import strategies as st

from bot.expenses.books.books import Whole
from bot.expenses.policy.policy import Category, Policy
from bot.expenses.values import Details, Expense, Money, Note, Rate, Read, Report, TaxLine

TEAM, ANA, DANA, RAJ = "T0PLAYGRND", "U000000ANA", "U00000DANA", "U000000RAJ"
NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
POLICY = Policy(
    name="Acme policy",
    version="2026-10",
    categories={k: Category(key=k, label=k.title()) for k in ("meals", "taxi", "lodging")},
)
LUNCH = Details(
    merchant="Café Ümlaut & Söhne",
    spent_on=date(2026, 11, 20),
    minor=1840,
    currency="EUR",
    category="meals",
    payment="own",
)


def expense(**given: Any) -> Expense:
    """An expense of Ana's."""
    plain: dict[str, Any] = {
        "team": TEAM, "number": 12, "owner": ANA, "state": "ready", "version": 3, "source": "file", "details": LUNCH,
        "home": Money(1840, "EUR"), "read": {}, "receipt": "ab" * 32, "part": 0, "notes": (), "asks": (), "doubts": (),
        "report": None, "twin": None, "created_at": NOW, "changed_at": NOW,
    }  # fmt: skip
    return Expense(**(plain | given))


def report(**given: Any) -> Report:
    """A draft of Ana's; where it is submitted it waits for Dana."""
    plain: dict[str, Any] = {
        "team": TEAM, "number": 3, "owner": ANA, "title": "November", "state": "draft", "version": 7, "approvers": (DANA,),
        "step": 0, "reason": "", "decided_by": "", "submitted_at": NOW, "decided_at": None, "reminded_at": None,
        "created_at": NOW, "changed_at": NOW,
    }  # fmt: skip
    return Report(**(plain | given))


def whole(*expenses: Expense, notes: tuple[Note, ...] = (), **given: Any) -> Whole:
    """A report with expenses, and their total."""
    total = Money(sum(e.home.minor for e in expenses if e.home), "EUR")
    return Whole(report(**given), expenses, total, notes)


texts = st.one_of(
    st.text(max_size=30),
    st.sampled_from(["<@U1>", "&" * 3_000, "x" * 5_000, "日本" * 900, "👩‍👩‍👧‍👦" * 200, " \n\t", "*_~`"]),
)
codes = st.sampled_from(["EUR", "USD", "JPY", "KWD", "", "XXX", "ab"])
minors = st.integers(-(10**13), 10**13)
times = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # hypothesis adds the zone
rates = st.builds(Rate, st.decimals("0.000000001", 10**9, allow_nan=False), st.dates(), texts)
levels = st.sampled_from(["block", "warn", "note"])
notes = st.lists(st.builds(Note, rule=texts, level=levels, text=texts), max_size=25).map(tuple)
names = st.sampled_from(["minor", "currency", "spent_on", "merchant", "tax", "rate", "attendees", "purpose"])
details = st.builds(
    Details,
    merchant=texts,
    spent_on=st.none() | st.dates(),
    minor=st.none() | minors,
    currency=codes,
    tax=st.lists(st.builds(TaxLine, texts, minors), max_size=8).map(tuple),
    tip_minor=st.none() | minors,
    category=texts | st.just("meals"),
    payment=st.sampled_from(["own", "company", "", "?"]),
    city=texts,
    attendees=st.lists(texts, max_size=8).map(tuple),
    purpose=texts,
    justification=texts,
    rate=st.none() | rates,
)
homes = st.none() | st.builds(Money, minors, st.just("EUR"))
reads = st.dictionaries(names, st.builds(Read, texts, st.floats(0, 1), texts), max_size=5)
expenses = st.builds(
    expense,
    number=st.integers(1, 10**8),
    version=st.integers(1, 10**6),
    state=st.sampled_from(["needs_info", "ready", "in_report", "duplicate_hold", "discarded"]),
    details=details,
    home=homes,
    read=reads,
    receipt=st.sampled_from(["", "ab" * 32]),
    part=st.integers(0, 30),
    notes=notes,
    asks=st.lists(names, max_size=4).map(tuple),
    doubts=st.lists(names, max_size=4).map(tuple),
    report=st.none() | st.integers(1, 99),
    twin=st.none() | st.integers(1, 99),
)
reports = st.builds(
    report,
    title=texts,
    state=st.sampled_from(
        ["draft", "submitted", "changes_requested", "withdrawn", "approved", "rejected", "exported", "paid"]
    ),
    approvers=st.lists(st.sampled_from([DANA, RAJ]), max_size=3).map(tuple),
    step=st.integers(0, 3),
    reason=texts,
    decided_by=st.sampled_from(["", DANA, RAJ]),
    submitted_at=st.none() | times,
    decided_at=st.none() | times,
    created_at=times,
    changed_at=times,
)
wholes = st.builds(
    Whole, reports, st.lists(expenses, max_size=4).map(tuple), st.builds(Money, minors, st.just("EUR")), notes
)
