"""Small notes that a person asks the assistant to keep.

A note is the person's own. What was noted in a DM is recalled only in their DM; what was noted in a channel also there, where its readers saw it.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import func, insert, or_, select

from bot import tables
from bot.errors import ToolRefused
from bot.models import utcnow
from bot.tools.tool import Arguments, Asking, Tool

MOST_NOTES = 500  # a person
SHOWN = 50
LONGEST = 1_000


class Remember(Arguments):
    """What to keep."""

    note: Annotated[
        str, Field(min_length=1, max_length=LONGEST, description="The fact to keep, in one self-contained sentence.")
    ]


class Recall(Arguments):
    """What to look for."""

    about: Annotated[str | None, Field(description="A word to look for; null for all notes.")]


async def _remember(args: Remember, asking: Asking) -> dict[str, str]:
    mine = (tables.notes.c.team == asking.thread.team) & (tables.notes.c.person == asking.person.id)
    assert asking.transaction
    count = await asking.transaction.scalar(select(func.count()).select_from(tables.notes).where(mine))
    if count and count >= MOST_NOTES:
        raise ToolRefused(f"There are {MOST_NOTES} notes already, which is the most one person can have.")
    await asking.transaction.execute(
        insert(tables.notes).values(
            team=asking.thread.team,
            person=asking.person.id,
            channel=asking.thread.channel,
            is_dm=asking.thread.is_dm,
            text=args.note,
            created_at=utcnow(),
        )
    )
    return {"remembered": args.note}


async def _recall(args: Recall, asking: Asking) -> dict[str, Any]:
    notes = tables.notes
    where = (notes.c.team == asking.thread.team) & (notes.c.person == asking.person.id)
    if not asking.thread.is_dm:
        where &= notes.c.channel == asking.thread.channel
    if args.about:
        where &= or_(*(notes.c.text.icontains(word, autoescape=True) for word in args.about.split()))
    query = select(notes.c.text, notes.c.created_at).where(where).order_by(notes.c.id.desc()).limit(SHOWN)
    async with asking.database.read() as connection:
        rows = (await connection.execute(query)).all()
    found = [{"note": r.text, "noted": r.created_at.astimezone(asking.person.zone).strftime("%Y-%m-%d")} for r in rows]
    hint = (
        ""
        if asking.thread.is_dm
        else "Only notes made in this channel are shown here; all of them in a direct message."
    )
    return {"notes": found} | ({"hint": hint} if hint else {})


remember = Tool(
    name="remember",
    description="Keep a small note for the asker, across conversations, when they ask to remember something.",
    arguments=Remember,
    run=_remember,
    doing="is making a note…",
    effect=True,
)
recall = Tool(
    name="recall",
    description="Read back the notes that the asker asked to keep.",
    arguments=Recall,
    run=_recall,
    doing="is looking through your notes…",
)
