"""The books: every change of expenses and reports, with its guards, its audit event and what is to be told of it, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.expenses.policy import Policy
from bot.expenses.rates import Rates
from bot.expenses.values import By, Draft, Expense, ExpenseState, Money, Note, Report, ReportState


@dataclass(frozen=True, slots=True)
class Original:
    """A receipt's file as it was shared. `form` is a format of bot/files/kinds.py; `sha256` is of `content`, in hexadecimal."""

    sha256: str
    name: str
    form: str
    content: bytes
    slack_file: str = ""


@dataclass(frozen=True, slots=True)
class Total:
    """The expenses of one category in one currency: how many, their sum, and its worth in the home currency as far as that is known."""

    category: str
    money: Money
    count: int
    home: Money


@dataclass(frozen=True, slots=True)
class Listing:
    """What was found: the newest expenses first, as many as were asked for; how many there are in all; totals over all of them."""

    expenses: tuple[Expense, ...]
    count: int
    totals: tuple[Total, ...]


@dataclass(frozen=True, slots=True)
class ReportLine:
    """A report in a list, with its total in the home currency and how many expenses it has."""

    report: Report
    total: Money
    count: int


@dataclass(frozen=True, slots=True)
class Whole:
    """A report with all that is in it. `notes` are what the policy says of the report as a whole."""

    report: Report
    expenses: tuple[Expense, ...]
    total: Money
    notes: tuple[Note, ...]


class Books:
    """The books of all workspaces; each method keeps to `by.team`. Whatever is refused is refused with ExpenseRefused, whose text is for the person.

    What is not there and what is not theirs to see are refused with the same words. `version` is what the person saw, from a button or a form;
    None for a wish in words. A version that is not the present one is refused, and says what has become of it. `rates.refresh()` was awaited before.
    """

    def __init__(self, policy: Policy, rates: Rates, home: str, finance: frozenset[str]) -> None:
        self.policy, self.rates, self.home, self.finance = policy, rates, home, finance

    # -- reading: the owner their own; approvers the reports that were sent to them, with their expenses; finance all -------------

    async def expense(self, tx: AsyncConnection, by: By, number: int) -> Expense:
        """One expense."""
        raise NotImplementedError

    async def report(self, tx: AsyncConnection, by: By, number: int) -> Whole:
        """One report with its expenses, by date."""
        raise NotImplementedError

    async def find(
        self,
        tx: AsyncConnection,
        by: By,
        *,
        owner: str = "",
        since: date | None = None,
        until: date | None = None,
        category: str = "",
        state: ExpenseState | str = "",
        most: int = 50,
    ) -> Listing:
        """`by`'s own expenses, or those of `owner` for finance. Discarded ones only where `state` asks for them. `until` is a day that counts."""
        raise NotImplementedError

    async def reports(
        self, tx: AsyncConnection, by: By, *, states: Sequence[ReportState] = (), most: int = 50
    ) -> tuple[ReportLine, ...]:
        """`by`'s own reports, the newest first."""
        raise NotImplementedError

    async def waiting(self, tx: AsyncConnection, by: By, most: int = 50) -> tuple[ReportLine, ...]:
        """The reports that wait for `by`'s decision, the longest waiting first."""
        raise NotImplementedError

    async def decided(
        self, tx: AsyncConnection, team: str, since: date, until: date, states: Sequence[ReportState]
    ) -> tuple[Whole, ...]:
        """For finance's export: reports of those states that were approved in these days (UTC, `until` counts)."""
        raise NotImplementedError

    async def original(self, tx: AsyncConnection, by: By, number: int) -> Original | None:
        """The receipt of an expense that `by` may see."""
        raise NotImplementedError

    async def done(self, tx: AsyncConnection, by: By) -> bool:
        """Whether `by.cause` has had its effect already."""
        raise NotImplementedError

    # -- changes by the owner ---------------------------------------------------------------------------------------------------

    async def capture(self, tx: AsyncConnection, by: By, draft: Draft, original: Original | None = None) -> Expense:
        """Keeps a new expense and its original; it is needs_info, ready or duplicate_hold."""
        raise NotImplementedError

    async def change(
        self, tx: AsyncConnection, by: By, number: int, version: int | None, changes: Mapping[str, Any]
    ) -> Expense:
        """Gives fields of Details other values; what was doubtful and is given is doubtful no more. One in a submitted report takes that back from its approver."""
        raise NotImplementedError

    async def keep_both(self, tx: AsyncConnection, by: By, number: int, version: int | None) -> Expense:
        """The owner says that it is no duplicate: it leaves duplicate_hold, and its approver is told of the likeness."""
        raise NotImplementedError

    async def remove(self, tx: AsyncConnection, by: By, number: int, version: int | None) -> Expense:
        """Discards an expense that is in no report that was submitted."""
        raise NotImplementedError

    async def open_report(self, tx: AsyncConnection, by: By, title: str, numbers: Sequence[int] | None) -> Whole:
        """A new draft with these expenses; None: all of the owner's that are ready."""
        raise NotImplementedError

    async def add(self, tx: AsyncConnection, by: By, report: int, version: int | None, numbers: Sequence[int]) -> Whole:
        """Puts expenses into a report that is open."""
        raise NotImplementedError

    async def take_out(
        self, tx: AsyncConnection, by: By, report: int, version: int | None, numbers: Sequence[int]
    ) -> Whole:
        """Takes expenses out of a report that is open."""
        raise NotImplementedError

    async def submit(
        self, tx: AsyncConnection, by: By, report: int, version: int | None, approvers: Sequence[str]
    ) -> Whole:
        """Sends a report to its approvers (bot/expenses/approvers.py has found them). Refused while something is missing, blocked or not justified."""
        raise NotImplementedError

    async def withdraw(self, tx: AsyncConnection, by: By, report: int, version: int | None) -> Whole:
        """Takes a submitted report back."""
        raise NotImplementedError

    # -- decisions --------------------------------------------------------------------------------------------------------------

    async def approve(self, tx: AsyncConnection, by: By, report: int, version: int) -> Whole:
        """The approver says yes; at the last step the report is approved."""
        raise NotImplementedError

    async def send_back(self, tx: AsyncConnection, by: By, report: int, version: int, reason: str) -> Whole:
        """The approver wants changes, and says which."""
        raise NotImplementedError

    async def reject(self, tx: AsyncConnection, by: By, report: int, version: int, reason: str) -> Whole:
        """The approver says no, and why. For good."""
        raise NotImplementedError

    async def hand_over(self, tx: AsyncConnection, by: By, report: int, version: int, to: str) -> Whole:
        """The approver, or finance, has somebody else decide: never the owner."""
        raise NotImplementedError

    async def remind(self, tx: AsyncConnection, team: str, report: int) -> None:
        """Has the approver reminded, and notes when."""
        raise NotImplementedError

    async def export(self, tx: AsyncConnection, by: By, numbers: Sequence[int]) -> None:
        """Approved reports went to the books of the company."""
        raise NotImplementedError

    async def pay(self, tx: AsyncConnection, by: By, numbers: Sequence[int]) -> None:
        """Exported reports were paid."""
        raise NotImplementedError
