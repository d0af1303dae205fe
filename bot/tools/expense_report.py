"""The asker's expense reports: made, filled, sent to whoever approves them, taken back. Decisions are made by buttons alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import Retryable, ToolRefused
from bot.expenses.approvers import find_approvers
from bot.expenses.books.books import Books, Whole
from bot.models import By
from bot.tools.expenses import CARDS, admitted, number, opened, refusing, told_whole
from bot.tools.tool import Arguments, Asking, Tool


class ExpenseReport(Arguments):
    """What is to be done with which report."""

    do: Annotated[
        Literal["create", "add", "take_out", "submit", "withdraw", "show"],
        Field(description="submit sends it to whoever approves it: only when the asker says so."),
    ]
    report: Annotated[str | None, Field(max_length=40, description="Its name, such as R-3; null for a new one.")]
    expenses: Annotated[
        list[Annotated[str, Field(max_length=40)]] | None,
        Field(max_length=200, description="Names such as E-12; null with create for all that are ready."),
    ]
    title: Annotated[str | None, Field(max_length=150, description="Of a new report; null for a usual one.")]


@dataclass(frozen=True, slots=True)
class Submission:
    """Who approves the report as it was when they were looked up."""

    version: int
    approvers: tuple[str, ...]
    names: tuple[str, ...]


async def _approvers(args: ExpenseReport, asking: Asking) -> Submission | None:
    """Asks Slack who approves a report, before it is submitted."""
    office, by = await admitted(asking)
    await office.rates.refresh()
    if args.do != "submit":
        return None
    wanted = _report(args)
    try:
        with refusing():
            async with asking.database.read() as tx:
                whole = await office.books.report(tx, by, wanted)
            found = await find_approvers(office, by, whole.total)
        names = [(await office.slack.person(person)).name for person in found]
    except Retryable as error:
        raise ToolRefused(
            f"{error.said or 'Slack did not answer.'} Nothing was submitted; ask again in a moment."
        ) from error
    return Submission(whole.report.version, found, tuple(names))


async def _do(args: ExpenseReport, asking: Asking) -> dict[str, Any]:
    assert asking.transaction
    office, by = opened(asking)
    tx, books = asking.transaction, office.books
    with refusing():
        whole = await _done(args, tx, by, books, asking.known)
        left = await _left_out(tx, by, books) if args.do == "create" and args.expenses is None else {}
    result: dict[str, Any] = {args.do: told_whole(whole, office.policy)}
    if isinstance(asking.known, Submission):
        result["approvers_in_turn"] = list(asking.known.names)
    if left:
        result["left_out"] = left
    return result | {"hint": CARDS}


async def _done(args: ExpenseReport, tx: AsyncConnection, by: By, books: Books, submission: Submission | None) -> Whole:
    numbers = [number(name, "E") for name in args.expenses] if args.expenses is not None else None
    match args.do:
        case "create":
            return await books.open_report(tx, by, (args.title or "").strip(), numbers)
        case "add" | "take_out":
            if not numbers:
                raise ToolRefused("Say which expenses, by their names such as E-12.")
            change = books.add if args.do == "add" else books.take_out
            return await change(tx, by, _report(args), None, numbers)
        case "submit":
            assert submission
            return await books.submit(tx, by, _report(args), submission.version, submission.approvers)
        case "withdraw":
            return await books.withdraw(tx, by, _report(args), None)
        case "show":
            return await books.report(tx, by, _report(args))


async def _left_out(tx: AsyncConnection, by: By, books: Books) -> dict[str, str]:
    """What a report of all that is ready does not hold, and why: something is still to be answered."""
    held = [await books.find(tx, by, state=state) for state in ("needs_info", "duplicate_hold")]
    return {expense.name: expense.state for listing in held for expense in listing.expenses}


def _report(args: ExpenseReport) -> int:
    if not args.report:
        raise ToolRefused("Say which report, by its name such as R-3. list_expenses tells which there are.")
    return number(args.report, "R")


expense_report = Tool(
    name="expense_report",
    description=(
        "The asker's own expense reports: create one, add or take out expenses, submit it, withdraw it, or show one that they may see. "
        "Approving, sending back and rejecting is done only by the buttons of a report's card, never by words. "
        "What is refused, pass on in its words."
    ),
    arguments=ExpenseReport,
    before=_approvers,
    run=_do,
    doing="is working on a report…",
    effect=True,
)
