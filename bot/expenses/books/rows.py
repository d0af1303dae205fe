"""Expenses and reports as rows of the database, and back. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row

from bot.expenses.values import Details, Expense, Money, Note, Rate, Read, Report, TaxLine

Record = dict[str, Any]  # a row's values by the names of its columns


def expense_record(expense: Expense) -> Record:
    """The row of an expense, without what its original is called."""
    details, rate = expense.details, expense.details.rate
    rest = {
        "tax": [[t.rate, t.minor] for t in details.tax],
        "tip_minor": details.tip_minor,
        "payment": details.payment,
        "city": details.city,
        "attendees": list(details.attendees),
        "purpose": details.purpose,
        "justification": details.justification,
    }
    return {
        "team": expense.team,
        "number": expense.number,
        "owner": expense.owner,
        "state": expense.state,
        "version": expense.version,
        "source": expense.source,
        "merchant": details.merchant,
        "spent_on": details.spent_on,
        "minor": details.minor,
        "currency": details.currency,
        "category": details.category,
        "details": packed(rest),
        "home_minor": expense.home and expense.home.minor,
        "home_currency": expense.home.currency if expense.home else "",
        "rate": format(rate.value, "f") if rate else "",
        "rate_on": rate and rate.on,
        "rate_source": rate.source if rate else "",
        "read": packed({name: [r.value, r.confidence, r.evidence] for name, r in expense.read.items()}),
        "receipt": expense.receipt,
        "part": expense.part,
        "notes": packed([[n.rule, n.level, n.text, n.limit, n.actual, n.source] for n in expense.notes]),
        "asks": packed(list(expense.asks)),
        "doubts": packed(list(expense.doubts)),
        "report": expense.report,
        "twin": expense.twin,
        "created_at": expense.created_at,
        "changed_at": expense.changed_at,
    }


def to_expense(row: Row[Any]) -> Expense:
    """The expense that a row holds."""
    rest = json.loads(row.details)
    return Expense(
        team=row.team,
        number=row.number,
        owner=row.owner,
        state=row.state,
        version=row.version,
        source=row.source,
        details=Details(
            merchant=row.merchant,
            spent_on=row.spent_on,
            minor=row.minor,
            currency=row.currency,
            category=row.category,
            rate=Rate(Decimal(row.rate), row.rate_on, row.rate_source) if row.rate else None,
            tax=tuple(TaxLine(rate, minor) for rate, minor in rest.pop("tax")),
            attendees=tuple(rest.pop("attendees")),
            **rest,
        ),
        home=None if row.home_minor is None else Money(row.home_minor, row.home_currency),
        read={name: Read(*parts) for name, parts in json.loads(row.read).items()},
        receipt=row.receipt,
        part=row.part,
        notes=tuple(Note(*parts) for parts in json.loads(row.notes)),
        asks=tuple(json.loads(row.asks)),
        doubts=tuple(json.loads(row.doubts)),
        report=row.report,
        twin=row.twin,
        created_at=row.created_at,
        changed_at=row.changed_at,
    )


def report_record(report: Report) -> Record:
    """The row of a report."""
    return {
        "team": report.team,
        "number": report.number,
        "owner": report.owner,
        "title": report.title,
        "state": report.state,
        "version": report.version,
        "approvers": " ".join(report.approvers),
        "step": report.step,
        "approver": report.approver,
        "reason": report.reason,
        "decided_by": report.decided_by,
        "submitted_at": report.submitted_at,
        "decided_at": report.decided_at,
        "reminded_at": report.reminded_at,
        "created_at": report.created_at,
        "changed_at": report.changed_at,
    }


def to_report(row: Row[Any]) -> Report:
    """The report that a row holds."""
    return Report(
        team=row.team,
        number=row.number,
        owner=row.owner,
        title=row.title,
        state=row.state,
        version=row.version,
        approvers=tuple(row.approvers.split()),
        step=row.step,
        reason=row.reason,
        decided_by=row.decided_by,
        submitted_at=row.submitted_at,
        decided_at=row.decided_at,
        reminded_at=row.reminded_at,
        created_at=row.created_at,
        changed_at=row.changed_at,
    )


def told(record: Mapping[str, Any]) -> Record:
    """A row as the audit trail tells it: what JSON has no kind for as ISO text."""
    return {k: v.isoformat() if isinstance(v, (date, datetime)) else v for k, v in record.items()}


def packed(value: Any) -> str:
    """JSON that is the same text for the same value."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
