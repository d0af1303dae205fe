"""What owners do in the books: keep expenses, change them, put them into reports, send these to their approvers and take them back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import date
from typing import Any

from sqlalchemy import insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot import tables
from bot.errors import ExpenseRefused
from bot.expenses.books.derived import LIKENESS, Neighbours, kept_both, latest_day, likeness, priced, settled, stale
from bot.expenses.books.fields import NAMES, TEXTS, clean, entered
from bot.expenses.books.findings import Original
from bot.expenses.books.reading import Reading
from bot.expenses.books.rows import to_expense
from bot.expenses.books.states import expense_refusal
from bot.expenses.books.writing import Writing, writing
from bot.expenses.values import Details, Draft, Expense, Rate, Read, Report
from bot.models import By

MOST_CANDIDATES = 500  # that a new expense is compared with
MOST_OF_DAYS = 5_000  # that count towards limits a day, of all days of a report
_e = tables.expenses.c


class Filing(Reading):
    """Expenses, one by one."""

    async def capture(self, tx: AsyncConnection, by: By, draft: Draft, original: Original | None = None) -> Expense:
        """Keeps a new expense and its original; it is needs_info, ready or duplicate_hold."""
        async with writing(tx, by) as change:
            if known := await self._captured(tx, by, draft):
                return known
            given = {f.name: getattr(draft.details, f.name) for f in fields(Details)}
            details = entered(Details(), {**given, "rate": _own(draft.details.rate, None, by.person)}, self.policy)
            expense = Expense(
                team=by.team,
                number=change.next_expense(),
                owner=by.person,
                state="ready",
                version=1,
                source=draft.source,
                details=priced(details, Details(), by.person, self.rates, self.home),
                home=None,
                read={n: Read(clean(r.value, NAMES), r.confidence, clean(r.evidence, TEXTS)) for n, r in draft.read.items()},
                receipt=draft.receipt,
                part=draft.part,
                notes=(),
                asks=(),
                doubts=draft.doubts,
                report=None,
                twin=None,
                created_at=change.now,
                changed_at=change.now,
            )  # fmt: skip
            expense = await self._settled(tx, change, expense, compare=True)
            await _keep(tx, change, draft, original)
            name, file = (clean(original.name, NAMES), original.slack_file) if original else ("", "")
            change.new_expense(expense, name, file)
        return expense

    async def change(
        self, tx: AsyncConnection, by: By, number: int, version: int | None, changes: Mapping[str, Any]
    ) -> Expense:
        """Gives fields of Details other values; what was doubtful and is given is doubtful no more. One in a submitted report takes that back from its approver."""
        async with writing(tx, by) as change:
            old, report = await self._mine(tx, by, number, version)
            anew = stale(old, self.home)
            before = replace(old.details, rate=None) if anew else old.details
            if isinstance(changes.get("rate"), Rate):
                changes = {**changes, "rate": _own(changes["rate"], before.rate, by.person)}
            details = priced(entered(before, changes, self.policy), before, by.person, self.rates, self.home)
            new = replace(old, details=details, doubts=tuple(d for d in old.doubts if d not in changes))
            if new == old and not anew:
                return old
            new = replace(new, home=None)
            compare = any(getattr(details, name) != getattr(before, name) for name in LIKENESS)
            new = change.expense("changed", old, await self._settled(tx, change, new, compare=compare))
            touch(change, report, f"{new.name} in it was changed")
            if compare:
                await self._compared_anew(tx, change, new)
        return new

    async def keep_both(self, tx: AsyncConnection, by: By, number: int, version: int | None) -> Expense:
        """The owner says that it is no duplicate: it leaves duplicate_hold, and its approver is told of the likeness."""
        async with writing(tx, by) as change:
            old, report = await self._mine(tx, by, number, version)
            note = likeness(old)
            if note is None or note.level == "note":
                raise ExpenseRefused(f"{old.name} is not held as a duplicate.")
            new = change.expense("kept both", old, kept_both(old))
            touch(change, report, f"{new.name} in it was changed")
        return new

    async def remove(self, tx: AsyncConnection, by: By, number: int, version: int | None) -> Expense:
        """Discards an expense that is in no report that was submitted."""
        async with writing(tx, by) as change:
            old, report = await self._mine(tx, by, number, version)
            if report and report.state == "submitted":
                raise ExpenseRefused(f"{old.name} is in {report.name}, which was submitted. Withdraw that first.")
            new = change.expense("removed", old, replace(old, state="discarded", report=None))
            touch(change, report, f"{new.name} was removed")
            await self._compared_anew(tx, change, new)
        return new

    # -- within the books ---------------------------------------------------------------------------------------------------------

    async def _mine(
        self, tx: AsyncConnection, by: By, number: int, version: int | None
    ) -> tuple[Expense, Report | None]:
        """An expense that `by` may change now, and the report that it is in."""
        expense, report = await self._seen(tx, by, number)
        if why := expense_refusal(expense, report, by.person, version):
            raise ExpenseRefused(why)
        return expense, report

    async def _captured(self, tx: AsyncConnection, by: By, draft: Draft) -> Expense | None:
        """What an earlier run of the same form or command has kept of the same draft."""
        if not by.cause:
            return None
        events = tables.expense_events.c
        which = (events.team == by.team) & (events.cause == by.cause) & (events.action == "captured")
        for after in await tx.scalars(select(events.after).where(which)):
            record = json.loads(after)
            if (record["receipt"], record["part"], record["owner"]) == (draft.receipt, draft.part, by.person):
                return (await self._seen(tx, by, record["number"]))[0]
        return None

    async def _settled(
        self, tx: AsyncConnection, change: Writing, expense: Expense, *, compare: bool, instead: Expense | None = None
    ) -> Expense:
        """The expense with all that follows from its fields; compared anew with those that it may repeat, one of them as it is about to be written."""
        earlier = await self._earlier(tx, expense, instead.number if instead else None) if compare else None
        if earlier is not None and instead and instead.state != "discarded":
            earlier = [instead, *earlier]
        around = Neighbours(await self._of_days(tx, expense), earlier)
        return settled(expense, around, self.policy, self.home, latest_day(change.now))

    async def _compared_anew(self, tx: AsyncConnection, change: Writing, twin: Expense) -> None:
        """What is held because it looked like an expense that has changed or is gone; that one is not yet written."""
        held = (_e.team == twin.team) & (_e.twin == twin.number) & (_e.state == "duplicate_hold")
        for row in (await tx.execute(select(tables.expenses).where(held).limit(MOST_CANDIDATES))).all():
            like = to_expense(row)
            compared = await self._settled(tx, change, like, compare=True, instead=twin)
            if compared != like:
                change.expense("compared", like, compared)

    async def _of_days(self, tx: AsyncConnection, *expenses: Expense) -> Sequence[Expense]:
        """What the owner of these expenses spent on their days, and wants to be paid."""
        days = {e.details.spent_on for e in expenses} - {None}
        if not days:
            return ()
        mine = (_e.team == expenses[0].team) & (_e.owner == expenses[0].owner) & _e.spent_on.in_(days)
        live = mine & _e.state.not_in(("discarded", "duplicate_hold"))
        rows = await tx.execute(select(tables.expenses).where(live).order_by(_e.number).limit(MOST_OF_DAYS))
        return [to_expense(row) for row in rows]

    async def _earlier(self, tx: AsyncConnection, expense: Expense, without: int | None) -> Sequence[Expense]:
        """What an expense may repeat: the same file in anybody's hands, the owner's of about that day. Not what was found to repeat this one."""
        alike = []
        if expense.receipt:
            alike.append(_e.receipt == expense.receipt)
        if day := expense.details.spent_on:
            near = _e.spent_on.between(_shifted(day, -3), _shifted(day, 3))
            alike.append((_e.owner == expense.owner) & near)
        if not alike:
            return ()
        others = (
            (_e.team == expense.team) & (_e.state != "discarded") & _e.number.not_in((expense.number, without or 0))
        )
        others &= _e.twin.is_distinct_from(expense.number) & or_(*alike)
        # Those with the same file first: there may be more than can be compared.
        ranked = select(tables.expenses).where(others).order_by((_e.receipt == expense.receipt).desc(), _e.number)
        return [to_expense(row) for row in await tx.execute(ranked.limit(MOST_CANDIDATES))]


def touch(change: Writing, report: Report | None, why: str) -> None:
    """What is in a report changed: who saw it before has to look again, and a report that waits is taken back from its approver."""
    if report is None:
        return
    if report.state == "submitted":
        new = change.report("withdrawn", report, withdrawn(report, change))
        said = f"<@{report.owner}> took {report.name} back: {why}. There is nothing to decide now."
        change.say(report.approver, new, said)
    else:
        change.report("contents changed", report, report)


def withdrawn(report: Report, change: Writing) -> Report:
    """A report that was taken back; those whom it was sent to still see what they were sent."""
    return replace(report, state="withdrawn", reason="", decided_by=change.by.person, decided_at=change.now)


def _own(rate: Rate | None, before: Rate | None, person: str) -> Rate | None:
    """A rate that somebody gives is told as theirs; one that a form merely showed stays what it was."""
    if rate is None or (before is not None and rate.value == before.value):
        return before if rate else None
    return replace(rate, source=person)


async def _keep(tx: AsyncConnection, change: Writing, draft: Draft, original: Original | None) -> None:
    """Keeps an original. The same content is kept once; what it is called stands with each expense."""
    kept = tables.receipts.c
    its = (kept.team == change.by.team) & (kept.sha256 == draft.receipt)
    if not draft.receipt or await tx.scalar(select(kept.sha256).where(its)):
        return
    if original is None or original.sha256 != draft.receipt:
        raise ValueError("an expense names an original that is not there")
    await tx.execute(
        insert(tables.receipts).values(
            team=change.by.team,
            sha256=original.sha256,
            form=original.form,
            size=len(original.content),
            content=original.content,
            created_at=change.now,
        )
    )


def _shifted(day: date, days: int) -> date:
    return date.fromordinal(min(max(day.toordinal() + days, 1), date.max.toordinal()))
