"""The rows of `outgoing` as those see them who bring them to Slack: each is one worker's at a time.

A row is claimed by moving its `due_at` a little ahead; that time is the claim's mark, and whoever writes to the row must still find it there. So the
row of a killed worker is due again by itself, and a worker that was slow finds that it has lost it before it writes to Slack.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, delete, func, literal, select, update

from bot import tables
from bot.database import Database
from bot.delivery.outgoing import CARD, KEPT, NEVER
from bot.errors import LeaseLost, Retryable
from bot.models import utcnow

CLAIM_SECONDS = 20.0  # how long a killed worker's row is waited for; more than twice as long as a write to Slack takes
FRESH_SECONDS = 10.0  # a younger claim outlasts a write to Slack
MOST_PEOPLE, MOST_ROWS = 100, 50  # that are looked at in one go
KEPT_DAYS = 30  # how long words and files that Slack has are remembered: nobody asks for the same again after that
_out = tables.outgoing.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One row: what is to be brought to somebody, or to a thread. `posting`: somebody began to post it, and nobody noted the end."""

    id: int
    team: str
    person: str
    kind: str
    subject: str
    key: str
    body: str
    wanted: int
    channel: str
    ts: str
    slack_file: str
    posting: bool
    tries: int
    created_at: datetime

    @property
    def number(self) -> int:
        """The number in its subject: 17 of E-17."""
        return int(self.subject[2:])


class Claim:
    """A row that is this worker's for now."""

    def __init__(self, database: Database, row: Outgoing, mark: datetime) -> None:
        self.row = row
        self._database, self._mark, self._lock = database, mark, asyncio.Lock()

    async def note(self, **values: Any) -> None:
        """Notes how far it has come, and keeps the row for another while. Raises LeaseLost."""
        async with self._lock:
            mark = _ahead(CLAIM_SECONDS)
            await self._write(due_at=mark, **values)
            self._mark = mark

    async def hold(self) -> None:
        """What is written to Slack next is this worker's to write. Raises LeaseLost."""
        if self._mark - utcnow() < timedelta(seconds=CLAIM_SECONDS - FRESH_SECONDS):
            await self.note()

    async def done(self, **values: Any) -> None:
        """Slack has what was wanted when the row was claimed; where more is wanted by now, it is due again at once."""
        async with self._lock:
            more = _out.wanted > self.row.wanted
            due_at = case((more, literal(utcnow(), _out.due_at.type)), else_=literal(NEVER, _out.due_at.type))
            await self._write(shown=self.row.wanted, due_at=due_at, tries=0, posting=False, **values)

    async def later(self, seconds: float) -> None:
        """Gives the row back for another try."""
        async with self._lock:
            await self._write(due_at=_ahead(seconds))

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Keeps the row while the block lasts."""
        keeping = asyncio.create_task(self._keep())
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.wait([keeping])

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(FRESH_SECONDS / 2)
            with suppress(Retryable):  # the database may be back in time; what is written to Slack asks for itself
                try:
                    await self.hold()
                except LeaseLost:
                    return

    async def _write(self, **values: Any) -> None:
        mine = (_out.id == self.row.id) & (_out.due_at == self._mark)
        async with self._database.begin() as tx:
            if (await tx.execute(update(tables.outgoing).where(mine).values(**values))).rowcount != 1:
                raise LeaseLost(f"outgoing {self.row.id}")


class Claims:
    """What waits to be brought in one workspace."""

    def __init__(self, database: Database, team: str) -> None:
        self._database, self._team = database, team

    async def people(self, kinds: Sequence[str]) -> list[str]:
        """Those for whom something of these kinds is due; who has waited longest comes first."""
        due = (_out.team == self._team) & (_out.due_at <= utcnow()) & _out.kind.in_(kinds)
        query = select(_out.person).where(due).group_by(_out.person).order_by(func.min(_out.id)).limit(MOST_PEOPLE)
        async with self._database.read() as connection:
            return list((await connection.execute(query)).scalars())

    async def line(self, person: str) -> list[Outgoing]:
        """All that waits for one person, due or not, in the order in which it was noted; but what stands there already is made true last.

        A report of two hundred expenses changes all their cards, for which Slack leaves room of one a second: its own card goes before them.
        """
        again = case((_out.subject.like("E-%") & (_out.kind == CARD) & (_out.ts != ""), 1), else_=0)
        columns = [_out[name] for name in Outgoing.__slots__]
        waits = (_out.team == self._team) & (_out.due_at < NEVER) & (_out.person == person)
        async with self._database.read() as connection:
            rows = await connection.execute(select(*columns).where(waits).order_by(again, _out.id).limit(MOST_ROWS))
            return [Outgoing(**row) for row in rows.mappings()]

    async def claim(self, row: Outgoing) -> Claim | None:
        """Takes a row; None where it is not due, is another worker's, or has changed since it was looked at."""
        now, mark = utcnow(), _ahead(CLAIM_SECONDS)
        free = (_out.id == row.id) & (_out.due_at <= now) & (_out.wanted == row.wanted) & (_out.tries == row.tries)
        async with self._database.begin() as tx:
            taken = await tx.execute(update(tables.outgoing).where(free).values(due_at=mark, tries=row.tries + 1))
        return Claim(self._database, row, mark) if taken.rowcount == 1 else None

    async def card_ts(self, row: Outgoing) -> str:
        """Where the person's card of the same subject stands; "" for nowhere."""
        card = (_out.team == row.team) & (_out.person == row.person) & (_out.kind == CARD)
        async with self._database.read() as connection:
            return await connection.scalar(select(_out.ts).where(card, _out.subject == row.subject)) or ""

    async def prune(self) -> None:
        """Forgets words and files that Slack has had for long."""
        old = (_out.team == self._team) & (_out.due_at == NEVER) & _out.kind.not_in(KEPT)
        async with self._database.begin() as tx:
            await tx.execute(delete(tables.outgoing).where(old, _out.created_at < _ahead(-KEPT_DAYS * 86400)))


def _ahead(seconds: float) -> datetime:
    return utcnow() + timedelta(seconds=seconds)
