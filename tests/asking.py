"""On whose behalf a tool runs, for tests that call one by itself."""

from __future__ import annotations

from typing import cast

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.database import Database
from bot.expenses.office import Office
from bot.meetings.scheduling import Scheduling
from bot.models import Message, Person, ThreadKey
from bot.sources import Sources
from bot.tools import Asking

NO_OFFICE = cast("Office", None)  # for tools that have nothing to do with expenses
NO_SCHEDULING = cast("Scheduling", None)  # for tools that have nothing to do with meetings
NO_SOURCES = cast("Sources", None)  # for tools that read from nothing but the database


def asking(
    database: Database,
    person: Person,
    thread: ThreadKey,
    transaction: AsyncConnection | None = None,
    *,
    sources: Sources = NO_SOURCES,
    text: str = "a question",
) -> Asking:
    """What a tool is told of the question that it helps to answer."""
    return Asking(
        person=person,
        thread=thread,
        question=Message(thread, "1.0", person.id, text, "Ev1"),
        sources=sources,
        database=database,
        transaction=transaction,
    )
