"""What each turn cost, kept in the database, so that it can be reported by person, channel and time."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, insert

from bot import tables
from bot.database import Database
from bot.desk import Tally
from bot.models import Turn, utcnow


async def record(database: Database, turn: Turn, tally: Tally, *, outcome: str, seconds: float) -> None:
    """Stores a turn's usage; a turn that ran again replaces what its earlier run stored."""
    first = None if tally.first_token is None else round((tally.first_token - tally.started) * 1000)
    again = turn.messages[0].of  # each time that it was answered costs
    name = f"{turn.id} again {again}" if again else turn.id
    me = (tables.turns.c.team == turn.thread.team) & (tables.turns.c.turn == name)
    async with database.begin() as tx:
        await tx.execute(delete(tables.turns).where(me))
        await tx.execute(
            insert(tables.turns).values(
                team=turn.thread.team,
                turn=name,
                channel=turn.thread.channel,
                thread=turn.thread.root,
                person=turn.asker,
                started_at=utcnow() - timedelta(seconds=seconds),
                model=tally.model,
                input_tokens=tally.usage.input_tokens,
                cached_tokens=tally.usage.cached_tokens,
                output_tokens=tally.usage.output_tokens,
                reasoning_tokens=tally.usage.reasoning_tokens,
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
        )
