"""The audit trail: every change of expenses and reports as an event that holds the hash of the one before. Events are only ever added.

Who can write to the database can write a whole new trail: that one shows only against a hash that was noted elsewhere. The trail shows what was
edited, left out, moved or cut off, and rows that were changed beside it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.expenses.books.rows import Record, packed, told
from bot.tables import expense_books, expense_events, expenses, receipts, reports

MOST_PROBLEMS = 100  # told at once: one cut in the middle spoils all that follows


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One change: who did what to which expense or report. `before` and `after` are JSON of the columns that changed."""

    team: str
    number: int  # from 1, without gaps, in each workspace
    at: datetime
    actor: str  # a Slack id; "" for the assistant itself
    action: str
    subject: str  # E-17, R-3
    before: str
    after: str
    cause: str
    previous: str  # the hash of the event before; "" at the first

    @property
    def hash(self) -> str:
        """SHA-256, in hexadecimal, over the canonical JSON of all that the event says."""
        said = [self.team, self.number, self.at.isoformat(), self.actor, self.action, self.subject]
        return hashlib.sha256(packed([*said, self.before, self.after, self.cause, self.previous]).encode()).hexdigest()


def event_of(row: Row[Any]) -> Event:
    """The event that a row holds."""
    return Event(**{name: getattr(row, name) for name in Event.__dataclass_fields__})


def difference(old: Record, new: Record) -> tuple[str, str]:
    """What changed between two records of rows.py, as an event's `before` and `after`."""
    names = [n for n in new if n not in old or old[n] != new[n]]
    return packed(told({n: old[n] for n in names if n in old})), packed(told({n: new[n] for n in names}))


async def verify(connection: AsyncConnection, team: str) -> list[str]:
    """What is wrong with a workspace's trail, in plain words for the operator; nothing where it is whole and says what expenses, reports and originals are."""
    book = (await connection.execute(select(expense_books).where(expense_books.c.team == team))).one_or_none()
    problems: list[str] = []
    number, last, state = 0, "", dict[str, Record]()
    mine = select(expense_events).where(expense_events.c.team == team).order_by(expense_events.c.number)
    try:
        async for row in await connection.stream(mine):
            event = event_of(row)
            if event.number != number + 1:
                problems.append(f"Events {number + 1} to {event.number - 1} are missing.")
            elif event.previous != last:
                problems.append(f"Event {event.number} does not follow from the one before it.")
            if event.hash != row.hash:
                problems.append(f"Event {event.number} was edited.")
            number, last = event.number, row.hash
            state.setdefault(event.subject, {}).update(_read(event.after))
    except (ValueError, TypeError):  # SQLite keeps anything in any column
        problems.append(f"An event after event {number} was edited: it cannot be read.")
    if (number, last) != ((book.last_event, book.last_hash) if book else (0, "")):
        problems.append(f"The trail ends with event {number}, which is not the last one that was written.")
    problems += await _beside(connection, team, state)
    problems += await _spoilt(connection, team)
    return problems[:MOST_PROBLEMS]


def _read(text: str) -> Record:
    try:
        values = json.loads(text)
    except ValueError:
        return {}  # it was edited, which its hash says
    return values if isinstance(values, dict) else {}


async def _beside(connection: AsyncConnection, team: str, state: dict[str, Record]) -> list[str]:
    """Rows that are not what the trail's events made of them. Columns that the trail does not know came with a later version."""
    there: dict[str, Record] = {}
    problems = []
    for letter, table in (("E", expenses), ("R", reports)):
        try:
            rows = (await connection.execute(select(table).where(table.c.team == team))).mappings().all()
        except ValueError:
            problems.append(f"The table {table.name} holds what cannot be a day or a time.")
            state = {subject: record for subject, record in state.items() if not subject.startswith(letter)}
            continue
        # As they stand there: whatever somebody has put into a column, it is compared and not made sense of.
        there |= {f"{letter}-{row['number']}": told(dict(row)) for row in rows}
    gone = [f"{subject} is gone." for subject in state if subject not in there]
    unknown = [f"{subject} is not in the trail." for subject in there if subject not in state]
    changed = [
        f"{subject} was changed beside the trail: {', '.join(names)}."
        for subject, record in there.items()
        if (names := [n for n in record if n in state.get(subject, {}) and state[subject][n] != record[n]])
    ]
    return problems + gone + unknown + changed


async def _spoilt(connection: AsyncConnection, team: str) -> list[str]:
    """Originals that are no longer what their hash says. One at a time: they are large."""
    problems = []
    hashes = await connection.scalars(select(expenses.c.receipt).distinct().where(expenses.c.team == team))
    for sha256 in sorted(set(hashes) - {""}):
        its = (receipts.c.team == team) & (receipts.c.sha256 == sha256)
        content = await connection.scalar(select(receipts.c.content).where(its))
        if content is None:
            problems.append(f"The original {sha256} is gone.")
        elif (await asyncio.to_thread(hashlib.sha256, content)).hexdigest() != sha256:
            problems.append(f"The original {sha256} was changed.")
    return problems
