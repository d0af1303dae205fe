"""The frozen values of expenses and reports, and their states. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

ExpenseState = Literal["needs_info", "ready", "in_report", "duplicate_hold", "discarded"]
ReportState = Literal[
    "draft", "submitted", "changes_requested", "withdrawn", "approved", "rejected", "exported", "paid"
]
Level = Literal["block", "warn", "note"]
OPEN: tuple[ReportState, ...] = ("draft", "changes_requested", "withdrawn")  # its owner may still change it
SETTLED: tuple[ReportState, ...] = ("approved", "exported", "paid")


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount in the currency's smallest unit (cents; yen; fils), with its ISO 4217 code in capitals."""

    minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Read:
    """One field as the model read it: its value as text, how sure it is (0 to 1), and the words it was read from."""

    value: str
    confidence: float
    evidence: str


@dataclass(frozen=True, slots=True)
class TaxLine:
    """One tax on a receipt: its rate in percent as text ("19", "" where none is told) and its amount in minor units."""

    rate: str
    minor: int


@dataclass(frozen=True, slots=True)
class Rate:
    """What one unit of an expense's currency is worth in the home currency, on which day, and who said so ("ECB", "U123" for a person)."""

    value: Decimal
    on: date
    source: str


@dataclass(frozen=True, slots=True)
class Note:
    """What the policy says of an expense or a report. `text` is a sentence for people with limit, actual and source in it.

    A block must be mended before a report is submitted; a warning needs a justification; a note is for the approver's eyes.
    """

    rule: str
    level: Level
    text: str
    limit: str = ""
    actual: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """What an expense is about: all that a person may enter or change. None and "" are what is not known."""

    merchant: str = ""
    spent_on: date | None = None
    minor: int | None = None  # the total that was paid, tax and tip in it
    currency: str = ""
    tax: tuple[TaxLine, ...] = ()
    tip_minor: int | None = None  # part of the total
    category: str = ""  # a key of the policy's categories
    payment: str = ""  # "own" (to be paid back) or "company" (a company card)
    city: str = ""
    attendees: tuple[str, ...] = ()
    purpose: str = ""  # what it was for
    justification: str = ""  # why it is right all the same, where the policy warns
    rate: Rate | None = None  # into the home currency; None where it is the home currency, or no rate is known

    @property
    def money(self) -> Money | None:
        """The total, where amount and currency are known."""
        return None if self.minor is None or not self.currency else Money(self.minor, self.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An expense that is about to be kept: what was read or entered, and where from."""

    details: Details
    source: Literal["file", "words", "form"]
    read: Mapping[str, Read] = field(default_factory=dict)  # by the names of Details' fields
    receipt: str = ""  # SHA-256 of the original file, "" for none
    part: int = 0  # which of several receipts in one file, from 0
    doubts: tuple[str, ...] = ()  # fields whose reading is doubtful: they are asked about though they have a value


@dataclass(frozen=True, slots=True, kw_only=True)
class Expense:
    """An expense as it is kept. `version` grows with each change; `asks` are the fields that are missing or doubtful, the first to ask about first."""

    team: str
    number: int
    owner: str
    state: ExpenseState
    version: int
    source: str
    details: Details
    home: Money | None  # the total in the home currency; None while amount or rate is not known
    read: Mapping[str, Read]
    receipt: str
    part: int
    notes: tuple[Note, ...]
    asks: tuple[str, ...]
    doubts: tuple[str, ...]
    report: int | None
    twin: int | None  # the expense that it looks like a duplicate of
    created_at: datetime
    changed_at: datetime

    @property
    def name(self) -> str:
        """What people call it."""
        return f"E-{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A report as it is kept. Its expenses name it; its total is always added up from them, never stored.

    `approvers` have to approve one after the other; `step` is whose turn it is.
    """

    team: str
    number: int
    owner: str
    title: str
    state: ReportState
    version: int
    approvers: tuple[str, ...]
    step: int
    reason: str  # of the last decision
    decided_by: str
    submitted_at: datetime | None
    decided_at: datetime | None
    reminded_at: datetime | None
    created_at: datetime
    changed_at: datetime

    @property
    def name(self) -> str:
        """What people call it."""
        return f"R-{self.number}"

    @property
    def approver(self) -> str:
        """Whose decision it waits for; "" for nobody's."""
        return self.approvers[self.step] if self.state == "submitted" and self.step < len(self.approvers) else ""
