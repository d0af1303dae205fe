"""What is to stand in Slack or elsewhere, noted in the transaction of the change that it tells of. bot/delivery/delivery.py brings it there.

Most goes to a person's direct messages. A card may stand in a thread of a channel too; what is kept true elsewhere goes to the place that its kind names.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, case, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot import tables
from bot.models import utcnow

CARD, WORD, FILE = "card", "word", "file"
EVENT, MAIL = (
    "event",
    "mail",
)  # kept true like cards: in the calendar (of the subject itself), in a mailbox (`person` is its address)
KEPT = (CARD, EVENT, MAIL)
NEVER = datetime(
    9000, 1, 1, tzinfo=UTC
)  # when a row is due that Slack has: the index then finds the others, however many cards there are
_out = tables.outgoing.c


async def show_card(tx: AsyncConnection, team: str, person: str, subject: str) -> None:
    """Has a card of a subject in somebody's direct messages, or made true again where they have one."""
    await keep(tx, team, CARD, person, subject)


async def keep(tx: AsyncConnection, team: str, kind: str, where: str, subject: str, thread: str = "") -> bool:
    """Has a subject kept true somewhere: shown there if it is not yet, else made true again. Whether it was kept there already.

    `where`: a person; with `thread` (a ts) a channel; of MAIL an address; of EVENT the subject itself.
    """
    there = (_out.team == team) & (_out.kind == kind) & (_out.person == where) & (_out.subject == subject)
    kept = await _changed(tx, there & (_out.key == thread))
    if not kept:
        await _note(tx, team, where, kind, subject, thread, "")
    return kept


async def changed(tx: AsyncConnection, team: str, *subjects: str, kinds: Sequence[str] = KEPT) -> None:
    """Has all that is kept of these subjects made true, wherever it is; or only what is of these kinds."""
    if subjects:
        await _changed(tx, (_out.team == team) & _out.subject.in_(subjects) & _out.kind.in_(kinds))


async def say(tx: AsyncConnection, team: str, person: str, subject: str, text: str, key: str) -> None:
    """Has something said to somebody, once for each `key`. `text` is mrkdwn with what people wrote escaped."""
    await _once(tx, team, person, WORD, subject, key, text)


async def give_file(tx: AsyncConnection, team: str, person: str, report: str, form: str, key: str) -> None:
    """Has a report's PDF, XLSX or CSV ("pdf", "xlsx", "csv") given to somebody, once for each `key`."""
    await _once(tx, team, person, FILE, report, f"{key} {form}", form)


async def _changed(tx: AsyncConnection, which: ColumnElement[bool]) -> bool:
    # One that waits, or is being brought just now, keeps its time: made due here, two would bring it at once. It is brought again afterwards.
    waits = _out.wanted > _out.shown
    times = {
        "due_at": case((waits, _out.due_at), else_=literal(utcnow(), _out.due_at.type)),
        "tries": case((waits, _out.tries), else_=0),
    }
    done = await tx.execute(
        update(tables.outgoing).where(which, _out.kind.in_(KEPT)).values(wanted=_out.wanted + 1, **times)
    )
    return bool(done.rowcount)


async def _once(tx: AsyncConnection, team: str, person: str, kind: str, subject: str, key: str, body: str) -> None:
    same = (_out.team == team) & (_out.person == person) & (_out.kind == kind) & (_out.subject == subject)
    if await tx.scalar(select(_out.id).where(same, _out.key == key)) is None:
        await _note(tx, team, person, kind, subject, key, body)


async def _note(tx: AsyncConnection, team: str, person: str, kind: str, subject: str, key: str, body: str) -> None:
    now = utcnow()
    await tx.execute(
        insert(tables.outgoing).values(
            team=team, person=person, kind=kind, subject=subject, key=key, body=body, wanted=1, shown=0,
            channel="", ts="", slack_file="", posting=False, tries=0, due_at=now, created_at=now,
        )
    )  # fmt: skip
