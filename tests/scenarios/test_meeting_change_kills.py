"""A real process killed while a booked meeting gets another title and other people: it changes once, who joins has it once, who leaves has it no more."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

import pytest
from sqlalchemy import select

from bot import tables
from bot.database import open_database
from bot.delivery.outgoing import NEVER
from tests.caldav_world import front, people, radicale_server
from tests.scenarios.expense_seen import form
from tests.scenarios.test_meeting_kills import (
    GUEST,
    PATIENCE,
    Company,
    Held,
    company,
    database_url,
    mail_being_taken,
    mail_taken,
)
from tests.scenarios.test_meeting_kills import _calendar as calendar
from tests.scenarios.test_meeting_kills import _slack as slack_call
from tests.scenarios.test_meetings import DAY, cards, press, pressables, said

__all__ = ["company", "database_url", "front", "people", "radicale_server"]

POINTS = (
    calendar("REPORT", "kim"),  # asked whether she is busy
    calendar("DELETE", "raj"),
    calendar("PUT", "kim"),
    mail_being_taken,
    mail_taken,
    slack_call("chat.update", "You do not take part"),
    slack_call("chat.postMessage", "took you out"),
    slack_call("chat.postMessage", "Budget"),  # Kim's card
)


async def change(c: Company) -> None:
    """Ana takes Raj out, takes Kim in, and gives it another title, in one form."""
    await c.open.wait()
    press(c.slack, "ana", await c.shows("ana", "_Booked_", pressable="Change"), "Change")
    view = await form(c.slack, "ana", "Save")
    await c.open.wait()
    c.slack.workspace.submit("ana", view["id"], {"title": {"title": "Budget"}, "people": {"people": ["kim"]}})
    await c.shows("kim", "Budget", pressable="Accept")
    await c.shows("raj", "You do not take part")


async def quiet(c: Company) -> tuple[Counter[str], list[int]]:
    """Waits until all is brought; what has happened, and which sequence the calendar has."""
    async with open_database(c.database) as database, asyncio.timeout(PATIENCE):
        while True:
            async with database.read() as tx:
                due = list(await tx.scalars(select(tables.outgoing.c.due_at)))
                happened = Counter(await tx.scalars(select(tables.meeting_events.c.action)))
                entered = list(await tx.scalars(select(tables.meetings.c.entered)))
            if all(at >= NEVER for at in due):
                return happened, entered
            await asyncio.sleep(0.1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("company", "database_url", "point"),
    [pytest.param("run", "sqlite_url", point, id=point.__name__) for point in POINTS],
    indirect=["company", "database_url"],
)
async def test_a_change_lives_through_a_kill(company: Company, point: Callable[[Company], Held]) -> None:
    c = company
    await c.people.open("kim")
    victim = await c.begin()
    c.slack.workspace.command("ana", "general", "/meet", f"team sync {said(DAY)} 11:00 30 min with @raj {GUEST}")
    await c.press("ana", "Book")
    await c.shows("ana", "_Booked_", pressable="Change")
    await c.until(lambda: len({m[:3] for m in c.mailed()}) == 2 and c.people.count("raj") == 1)
    await quiet(c)
    held = point(c)

    async def kill() -> None:
        await c.until(held)
        await c.replace(victim)

    async with asyncio.TaskGroup() as both:
        both.create_task(kill())
        both.create_task(change(c))
    happened, entered = await quiet(c)
    assert (happened["changed"], entered) == (1, [1])
    assert [c.people.count(u) for u in ("ana", "raj", "kim")] == [1, 0, 1]
    mails = c.mailed()
    raj, kim = (f"{name}@acme.example" for name in ("raj", "kim"))
    assert {m[:3] for m in mails} == {
        (GUEST, "REQUEST", 0), (GUEST, "REQUEST", 1), (raj, "REQUEST", 0), (raj, "CANCEL", 1), (kim, "REQUEST", 1),
    }  # fmt: skip
    assert len({m[3] for m in mails}) == 5, "a repeated mail has the same Message-ID"
    for person in ("ana", "raj", "kim"):
        ws = c.slack.workspace
        words = [str(m.get("text")) for m in ws.messages(ws.dm(person)) if "took you out" in str(m)]
        assert len(words) == (person == "raj")
        here = [m for m in ws.messages(ws.dm(person)) if m.get("bot_id") and "M-1" in str(m) and "took" not in str(m)]
        assert len(here) == 1
        assert bool(pressables(here[0])) == (person != "raj")
        assert len(cards(c.slack, ws.dm(person).id, "M-1")) == 1
