"""What a turn's tools did. It makes effects happen once, also when the turn runs again.

A call is stored before its tool runs. Its outcome is stored in the transaction of its effect, and only where none is stored yet: of two workers
that run the same call, the second's effect is rolled back and it gets the first's outcome. call_ids change when a response is asked for
again, so a call is known by turn, tool, arguments and how many identical ones came before it in the turn.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog
from sqlalchemy import Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from bot import tables
from bot.database import Database
from bot.errors import AssistError, ToolRefused
from bot.models import Call, Person, Turn, utcnow
from bot.sources import Sources
from bot.tools import Asking, Tool
from bot.tools.tool import canonical

log = structlog.get_logger()

OUTPUT_CHARACTERS = 60_000


class _AlreadyDone(AssistError):
    """Another run of the turn has stored the outcome: this one's effect is rolled back."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A call with its place in the turn."""

    call: Call
    arguments: str
    hash: str
    occurrence: int


class Journal:
    """The tools of one turn, run side by side, their effects once."""

    def __init__(self, database: Database, tools: Iterable[Tool], turn: Turn, asker: Person, sources: Sources) -> None:
        self.calls = 0
        self._database, self._turn, self._asker, self._sources = database, turn, asker, sources
        self._tools: Mapping[str, Tool] = {t.name: t for t in tools}
        self._seen: Counter[tuple[str, str]] = Counter()

    async def run(self, calls: Sequence[Call], response: str) -> list[str]:
        """The outputs of the calls, as JSON text in their order; what fails is told to the model as an error."""
        entries = [self._entry(call) for call in calls]
        await self._store(entries, response)
        self.calls += len(calls)
        return list(await asyncio.gather(*(self._output(e) for e in entries)))

    async def done(self) -> list[str]:
        """One line for each effect that this turn has had, for a model that has forgotten it asked for them."""
        async with self._database.read() as connection:
            rows = await connection.execute(
                select(tables.journal).where(self._mine(), tables.journal.c.outcome.is_not(None))
            )
            return [f"{r.tool}({r.arguments}) → {r.outcome}" for r in rows]

    def again(self) -> None:
        """The model starts over and may ask for the same calls: they are the ones that were made, not further ones."""
        self._seen.clear()

    def doing(self, calls: Sequence[Call]) -> str:
        """What people see while the calls run."""
        tool = self._tools.get(calls[0].name)
        return tool.doing if tool else "is working…"

    def _entry(self, call: Call) -> Entry:
        arguments = canonical(call.arguments)
        digest = hashlib.sha256(arguments.encode()).hexdigest()
        occurrence = self._seen[call.name, digest]
        self._seen[call.name, digest] += 1
        return Entry(call, arguments, digest, occurrence)

    async def _store(self, entries: Sequence[Entry], response: str) -> None:
        """Stores the calls that have effects, unless an earlier run has."""
        effects = [e for e in entries if e.call.name in self._tools and self._tools[e.call.name].effect]
        for entry in effects:
            try:
                async with self._database.begin() as tx:
                    await tx.execute(
                        insert(tables.journal).values(
                            **self._key(entry),
                            arguments=entry.arguments,
                            response_id=response,
                            call_id=entry.call.call_id,
                            created_at=utcnow(),
                        )
                    )
            except IntegrityError:
                continue  # an earlier run of the turn stored it

    async def _output(self, entry: Entry) -> str:
        tool = self._tools.get(entry.call.name)
        if tool is None:
            return json.dumps({"error": f"there is no tool called {entry.call.name}"})
        try:
            async with asyncio.timeout(tool.seconds):
                if tool.effect:
                    return await self._once(tool, entry)
                return _json(await tool.run(tool.parse(entry.call.arguments), self._asking()))
        except ToolRefused as refused:
            return json.dumps({"error": str(refused)})
        except Exception:  # a broken tool must not take the answer with it: the model says what failed
            log.exception("tool failed", turn=self._turn.id, tool=tool.name, call=entry.call.call_id)
            return json.dumps(
                {"error": "the tool failed; nothing is known of its effect" if tool.effect else "the tool failed"}
            )

    async def _once(self, tool: Tool, entry: Entry) -> str:
        """Runs an effect and stores its outcome in one transaction; gives the stored outcome where there is one."""
        known = await self._outcome(entry)
        if known is not None:
            return known
        arguments, asking = tool.parse(entry.call.arguments), self._asking()
        asking = replace(asking, known=await tool.before(arguments, asking)) if tool.before else asking
        try:
            async with self._database.begin() as tx:
                outcome = _json(await tool.run(arguments, replace(asking, transaction=tx)))
                stored = await tx.execute(
                    update(tables.journal)
                    .where(
                        *(tables.journal.c[k] == v for k, v in self._key(entry).items()),
                        tables.journal.c.outcome.is_(None),
                    )
                    .values(outcome=outcome, finished_at=utcnow())
                )
                if stored.rowcount != 1:
                    raise _AlreadyDone(tool.name)
                return outcome
        except _AlreadyDone:
            return await self._outcome(entry) or json.dumps({"error": "the outcome is not known"})

    async def _outcome(self, entry: Entry) -> str | None:
        async with self._database.read() as connection:
            query = select(tables.journal.c.outcome).where(
                *(tables.journal.c[k] == v for k, v in self._key(entry).items())
            )
            row: Row[Any] | None = (await connection.execute(query)).one_or_none()
            return row.outcome if row else None

    def _key(self, entry: Entry) -> dict[str, Any]:
        return {
            "team": self._turn.thread.team,
            "turn": self._turn.id,
            "tool": entry.call.name,
            "arguments_hash": entry.hash,
            "occurrence": entry.occurrence,
        }

    def _mine(self) -> Any:
        return (tables.journal.c.team == self._turn.thread.team) & (tables.journal.c.turn == self._turn.id)

    def _asking(self) -> Asking:
        """Who writes in several messages that are answered together has said all of it."""
        last = self._turn.messages[-1]
        said = "\n".join(m.text for m in self._turn.messages if m.user == last.user)
        return Asking(
            person=self._asker,
            thread=self._turn.thread,
            question=replace(last, text=said),
            sources=self._sources,
            database=self._database,
        )


def _json(outcome: Any) -> str:
    text = json.dumps(outcome, ensure_ascii=False)
    return (
        text
        if len(text) <= OUTPUT_CHARACTERS
        else json.dumps({"error": "the result is too long", "beginning": text[:OUTPUT_CHARACTERS]})
    )
