"""A worker's deliverer for tests: the real delivery over the playground's Slack and a real database, begun and ended at will."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from sqlalchemy import func, select, update

from bot import tables
from bot.database import Database
from bot.delivery.outgoing import NEVER
from bot.expenses.office import Office
from bot.jobs import make_delivery
from bot.meetings.scheduling import Scheduling
from bot.models import utcnow
from playground.slack import SlackServer


@dataclass
class Deliverers:
    """What a worker delivers with."""

    server: SlackServer
    database: Database
    office: Office
    scheduling: Scheduling

    def person(self, name: str) -> str:
        return self.server.workspace.person(name).id

    async def waiting(self) -> int:
        """How many rows are not brought."""
        async with self.database.read() as connection:
            query = select(func.count()).where(tables.outgoing.c.due_at < NEVER)
            return int(await connection.scalar(query) or 0)

    async def hurry(self) -> None:
        """What is to be tried later, or was a killed worker's, is due now."""
        async with self.database.begin() as tx:
            waits = tables.outgoing.c.due_at < NEVER
            await tx.execute(update(tables.outgoing).where(waits).values(due_at=utcnow()))

    @asynccontextmanager
    async def delivering(self) -> AsyncIterator[None]:
        """One worker's deliverer at work; then it dies."""
        task = asyncio.create_task(make_delivery(self.office, self.scheduling).run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
