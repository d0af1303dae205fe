"""The books: every change of expenses and reports, with its guards, its audit event and what is to be told of it, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import ExpenseRefused
from bot.expenses.books.fields import TEXTS, clean
from bot.expenses.books.findings import Listing, Original, ReportLine, Total, Whole
from bot.expenses.books.reporting import Reporting
from bot.expenses.books.states import Deed
from bot.expenses.books.writing import writing
from bot.expenses.values import Report, ReportState
from bot.models import By
from bot.mrkdwn import escaped, mentions

__all__ = ["Books", "Listing", "Original", "ReportLine", "Total", "Whole"]
FILES = "The PDF with the receipts, a spreadsheet and a CSV come in the thread of its card."


class Books(Reporting):
    """The books of all workspaces; each method keeps to `by.team`. Whatever is refused is refused with ExpenseRefused, whose text is for the person.

    What is not there and what is not theirs to see are refused with the same words. `version` is what the person saw, from a button or a form;
    None for a wish in words. A version that is not the present one is refused, and says what has become of it. `rates.refresh()` was awaited before.

    Here are the decisions; what owners do is in reporting.py and filing.py, what is read in reading.py.
    """

    async def approve(self, tx: AsyncConnection, by: By, report: int, version: int) -> Whole:
        """The approver says yes; at the last step the report is approved."""
        async with writing(tx, by) as change:
            old = await self._allowed(tx, by, report, "approve", version)
            inside = await self._inside(tx, old)
            if old.step + 1 < len(old.approvers):
                # The next approver has as long as the first one had, until a reminder.
                new = replace(old, step=old.step + 1, reminded_at=change.now)
                new = change.report("approved a step", old, new)
                change.card(new.approver, new.name)
                change.give(new.approver, new, "pdf")
            else:
                new = replace(old, state="approved", reason="", decided_by=by.person, decided_at=change.now)
                new = change.report("approved", old, new)
                change.decided(inside)
                change.say(new.owner, new, f"<@{by.person}> approved {_titled(new)}. {FILES}")
                change.give(new.owner, new, "pdf", "xlsx", "csv")
        return self._whole(new, inside)

    async def send_back(self, tx: AsyncConnection, by: By, report: int, version: int, reason: str) -> Whole:
        """The approver wants changes, and says which."""
        said = "sent {report} back: {reason}\nChange what is asked for, then submit it again."
        return await self._decline(tx, by, report, version, ("send_back", reason, said))

    async def reject(self, tx: AsyncConnection, by: By, report: int, version: int, reason: str) -> Whole:
        """The approver says no, and why. For good."""
        return await self._decline(tx, by, report, version, ("reject", reason, "rejected {report}: {reason}"))

    async def hand_over(self, tx: AsyncConnection, by: By, report: int, version: int, to: str) -> Whole:
        """The approver, or finance, has somebody else decide: never the owner."""
        async with writing(tx, by) as change:
            old = await self._allowed(tx, by, report, "hand_over", version)
            if mentions(f"<@{to}>") != (to,):
                raise ExpenseRefused("Please say who is to decide.")
            if to == old.owner:
                raise ExpenseRefused(f"Nobody decides on their own expenses: {old.name} is <@{to}>'s.")
            if to in old.approvers:
                raise ExpenseRefused(f"<@{to}> is among the approvers of {old.name} already.")
            approvers = (*old.approvers[: old.step], to, *old.approvers[old.step + 1 :])
            new = change.report("handed over", old, replace(old, approvers=approvers, reminded_at=change.now))
            change.card(to, new.name)
            change.give(to, new, "pdf")
            if by.person != old.approver:
                change.say(old.approver, new, f"<@{by.person}> handed {new.name} over to <@{to}>.")
        return self._whole(new, await self._inside(tx, new))

    async def show(self, tx: AsyncConnection, by: By, name: str) -> None:
        """Has a card of an expense or a report that `by` may see in their direct messages."""
        async with writing(tx, by) as change:
            await (self.report if name.startswith("R") else self.expense)(tx, by, int(name[2:]))
            change.card(by.person, name)

    async def remind(self, tx: AsyncConnection, team: str, report: int) -> None:
        """Has the approver reminded, and notes when. No new version: the buttons that people see stay good."""
        async with writing(tx, By(team, "")) as change:
            old = await self._present(tx, team, report)
            if old is None or old.state != "submitted":
                return
            change.reminded(old)
            sent = old.submitted_at.date().isoformat() if old.submitted_at else ""
            text = f"{_titled(old)} of <@{old.owner}>, sent on {sent}, waits for your decision."
            change.say(old.approver, old, text, f"reminded {change.now.date()}")

    async def export(self, tx: AsyncConnection, by: By, numbers: Sequence[int]) -> None:
        """Approved reports went to the books of the company."""
        await self._pass_on(tx, by, numbers, "export")

    async def pay(self, tx: AsyncConnection, by: By, numbers: Sequence[int]) -> None:
        """Exported reports were paid."""
        await self._pass_on(tx, by, numbers, "pay")

    async def _decline(
        self, tx: AsyncConnection, by: By, report: int, version: int, how: tuple[Deed, str, str]
    ) -> Whole:
        deed, reason, said = how
        async with writing(tx, by) as change:
            old = await self._allowed(tx, by, report, deed, version)
            if not (reason := clean(reason, TEXTS)):
                raise ExpenseRefused(f"Please say why, so that <@{old.owner}> knows what to do.")
            state: ReportState = "rejected" if deed == "reject" else "changes_requested"
            new = replace(old, state=state, reason=reason, decided_by=by.person, decided_at=change.now)
            new = change.report("rejected" if deed == "reject" else "sent back", old, new)
            inside = await self._inside(tx, old)
            if deed == "reject":
                change.decided(inside)
            text = said.format(report=_titled(new), reason=f"“{escaped(reason)}”")
            change.say(new.owner, new, f"<@{by.person}> {text}")
        return self._whole(new, inside)

    async def _pass_on(self, tx: AsyncConnection, by: By, numbers: Sequence[int], deed: Deed) -> None:
        """All of them or none."""
        state: Literal["exported", "paid"] = "exported" if deed == "export" else "paid"
        async with writing(tx, by) as change:
            for number in dict.fromkeys(numbers):
                old = await self._allowed(tx, by, number, deed, None)
                new = change.report(state, old, replace(old, state=state))
                change.decided(await self._inside(tx, old))
                if deed == "pay":
                    change.say(new.owner, new, f"{_titled(new)} was paid.")


def _titled(report: Report) -> str:
    return f"{report.name} “{escaped(report.title)}”"
