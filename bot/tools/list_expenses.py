"""The asker's expenses and reports, and for approvers what waits for them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from bot.expenses.books.books import Listing, ReportLine
from bot.expenses.money.money import show
from bot.expenses.policy.policy import Policy
from bot.expenses.values import ExpenseState, ReportState
from bot.models import By
from bot.tools.expenses import admitted, category, day, refusing, told
from bot.tools.tool import Arguments, Asking, Tool

MOST = 30
MOST_REPORTS = 20


class ListExpenses(Arguments):
    """Which ones."""

    since: Annotated[str | None, Field(description="The first day, YYYY-MM-DD; null for all.")]
    until: Annotated[str | None, Field(description="The last day, YYYY-MM-DD; null for all.")]
    category: Annotated[str | None, Field(description="A category's name; null for all.")]
    state: Annotated[
        ExpenseState | ReportState | None,
        Field(description="An expense's, or that of the report it is in; null for all but discarded ones."),
    ]


async def _list(args: ListExpenses, asking: Asking) -> dict[str, Any]:
    office, by = await admitted(asking)
    books = office.books
    async with asking.database.read() as tx:
        with refusing():
            found = await books.find(
                tx,
                by,
                since=day(args.since) if args.since else None,
                until=day(args.until) if args.until else None,
                category=category(args.category, office.policy) if args.category else "",
                state=args.state or "",
                most=MOST,
            )
            reports = await books.reports(tx, by, most=MOST_REPORTS)
            waiting = await books.waiting(tx, by, MOST_REPORTS)
    result = _found(found, office.policy) | {"reports": [_report(line, by) for line in reports]}
    if waiting:
        result["waiting_for_the_askers_decision"] = [_report(line, by) for line in waiting]
    return result


def _found(found: Listing, policy: Policy) -> dict[str, Any]:
    totals = []
    for total in found.totals:
        known = policy.categories.get(total.category)
        line = {"category": known.label if known else "", "count": total.count, "total": show(total.money)}
        totals.append(line if total.home == total.money else line | {"in_home_currency": show(total.home)})
    listed = [told(e, policy) | ({"to_be_asked": list(e.asks)} if e.asks else {}) for e in found.expenses]
    return {"expenses": listed, "count": found.count, "totals": totals}


def _report(line: ReportLine, by: By) -> dict[str, Any]:
    report = line.report
    shown: dict[str, Any] = {"report": report.name, "title": report.title, "state": report.state}
    shown |= {"total": show(line.total), "expenses": line.count}
    shown |= {"reason": report.reason} if report.reason else {}
    return shown if report.owner == by.person else shown | {"of": report.owner}


list_expenses = Tool(
    name="list_expenses",
    description=(
        "The asker's own expenses, newest first, with totals by category and currency over all that fit, and their reports; for an approver "
        "also the reports that wait for their decision, which they give by the buttons of its card only. Nobody else's can be seen. "
        "Take sums from `totals`; never add up yourself."
    ),
    arguments=ListExpenses,
    run=_list,
    doing="is looking through your expenses…",
)
