"""Reminds approvers of reports that wait for them."""

from __future__ import annotations

from datetime import timedelta

import structlog
from sqlalchemy import ColumnElement, select

from bot import tables
from bot.errors import AssistError
from bot.expenses.office import Office
from bot.models import utcnow

log = structlog.get_logger()

MOST = 50  # in one go
_reports = tables.reports.c


async def remind(office: Office, team: str) -> None:
    """Has everybody reminded whose decision has been waited for long enough since it became theirs, or since they were last reminded."""
    if not office.remind_days:
        return
    due = _due(team, office.remind_days)
    async with office.database.read() as connection:
        query = select(_reports.number).where(due).order_by(_reports.number).limit(MOST)
        numbers = list((await connection.execute(query)).scalars())
    for number in numbers:
        try:
            await _remind_of(office, team, number, due)
        except AssistError as error:  # the others are reminded all the same
            log.warning("approver not reminded", report=number, error=type(error).__name__)


async def _remind_of(office: Office, team: str, number: int, due: ColumnElement[bool]) -> None:
    async with office.database.begin() as tx:
        # The books' own lock comes first, as with every change: another worker may be at it, or the approver.
        books = select(tables.expense_books.c.team).where(tables.expense_books.c.team == team)
        await tx.execute(books.with_for_update())
        if await tx.scalar(select(_reports.number).where(due, _reports.number == number)):
            await office.books.remind(tx, team, number)
            log.info("approver reminded", report=number)


def _due(team: str, days: int) -> ColumnElement[bool]:
    """A report changes when it is submitted, when the next approver's turn comes, and when it is handed over."""
    before = utcnow() - timedelta(days=days)
    told = _reports.reminded_at.is_(None) | (_reports.reminded_at <= before)
    return (_reports.team == team) & (_reports.state == "submitted") & (_reports.changed_at <= before) & told
