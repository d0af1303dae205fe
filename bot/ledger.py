"""What the model cost, kept in the database, so that it can be reported by person, channel and time: each turn, and what was read for an act."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert

from bot import metrics, tables
from bot.database import Database
from bot.models import By, Turn, Usage, utcnow

if TYPE_CHECKING:  # the desk's own parts record here
    from bot.desk import Tally


async def record(database: Database, turn: Turn, tally: Tally, *, outcome: str, seconds: float) -> None:
    """Stores a turn's usage; a turn that ran again replaces what its earlier run stored."""
    first = None if tally.first_token is None else round((tally.first_token - tally.started) * 1000)
    again = turn.messages[0].of  # each time that it was answered costs
    await _store(
        database,
        tally.usage,
        team=turn.thread.team,
        turn=f"{turn.id} again {again}" if again else turn.id,
        channel=turn.thread.channel,
        thread=turn.thread.root,
        person=turn.asker,
        started_at=utcnow() - timedelta(seconds=seconds),
        model=tally.model,
        tool_calls=tally.tool_calls,
        searches=tally.hosted.file_searches,
        heard_seconds=round(tally.heard),
        computations=tally.hosted.code_runs,
        rounds=tally.rounds,
        edits=tally.edits,
        first_token_ms=first,
        total_ms=round(seconds * 1000),
        outcome=outcome,
        attempts=turn.attempt + 1,
    )


async def record_reading(database: Database, by: By, channel: str, model: str, usage: Usage, *, seconds: float) -> None:
    """Stores and counts what it cost to have the model read what somebody asked for by a command; `by.cause` is its name."""
    metrics.count_tokens(model, usage)
    await _store(
        database,
        usage,
        team=by.team,
        turn=by.cause,
        channel=channel,
        thread="",
        person=by.person,
        started_at=utcnow() - timedelta(seconds=seconds),
        model=model,
        tool_calls=0,
        rounds=1,
        edits=0,
        total_ms=round(seconds * 1000),
        outcome="read",
        attempts=1,
    )


async def _store(database: Database, usage: Usage, *, team: str, turn: str, **values: Any) -> None:
    me = (tables.turns.c.team == team) & (tables.turns.c.turn == turn)
    async with database.begin() as tx:
        await tx.execute(delete(tables.turns).where(me))
        await tx.execute(
            insert(tables.turns).values(
                team=team,
                turn=turn,
                input_tokens=usage.input_tokens,
                cached_tokens=usage.cached_tokens,
                output_tokens=usage.output_tokens,
                reasoning_tokens=usage.reasoning_tokens,
                **values,
            )
        )
