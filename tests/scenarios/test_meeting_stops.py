"""Real processes told to stop while meetings are arranged, booked, moved and cancelled: they end in time, and nothing is lost, left behind or done twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from bot import tables
from bot.database import open_database
from bot.delivery.outgoing import NEVER
from bot.models import utcnow
from tests.scenarios.test_meeting_kills import (
    POINTS,
    Company,
    Held,
    company,
    database_url,
    front,
    people,
    radicale_server,
)
from tests.scenarios.test_stops import ends_cleanly

__all__ = ["company", "database_url", "front", "people", "radicale_server"]

LONG = 8.5  # seconds: less than a mail server is given for a word


async def stopped(c: Company) -> None:
    """Tells all processes to stop, as an update does, and starts others in their place."""
    c.open.clear()
    await asyncio.sleep(0.3)  # a press that is on its way is noted
    await asyncio.gather(*(ends_cleanly(bot) for bot in c.start.all))
    assert await left_behind(c) == []
    c.mails.delay = c.mails.late = 0
    await c.begin()


async def left_behind(c: Company) -> list[tuple[str, str]]:
    """What nobody is at, and the next process could not begin with at once: a failed try is repeated after a second or two."""
    soon = utcnow() + timedelta(seconds=4)
    row = tables.outgoing.c
    query = select(row.kind, row.subject).where(row.due_at > soon, row.due_at < NEVER)
    async with open_database(c.database) as database, database.read() as tx:
        return [(kind, subject) for kind, subject in await tx.execute(query)]


def mail_long_in_being_taken(c: Company) -> Held:
    c.mails.delay = LONG
    return lambda: c.mails.at_once


def mail_long_taken(c: Company) -> Held:
    c.mails.late = LONG
    return lambda: c.mails.sent


QUICK = mail_long_taken


@pytest.mark.parametrize(
    ("company", "database_url", "point"),
    [
        pytest.param(how, url, point, id=f"{how}-{url[:6]}-{point.__name__}", marks=() if quick else pytest.mark.slow)
        for how, url in (("run", "sqlite_url"), ("apart", "postgresql_url"))
        for point in (*POINTS, mail_long_in_being_taken, mail_long_taken)
        for quick in [(how, point) == ("run", QUICK)]
    ],
    indirect=["company", "database_url"],
)
async def test_meetings_live_through_an_update(company: Company, point: Callable[[Company], Held]) -> None:
    held = point(company)
    await company.begin()

    async def stop() -> None:
        await company.until(held)
        await stopped(company)

    async with asyncio.TaskGroup() as both:
        both.create_task(stop())
        both.create_task(company.live())
    await company.end_well()
    assert max(Counter(company.mailed()).values()) == 1, "an orderly stop sends no mail twice"
