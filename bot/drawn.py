"""What each conversation has drawn on. A conversation remembers all that it was told, also what no answer shows: before it goes on for somebody
else, or after a place has got new readers, it is compared with what they may read.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from bot import tables
from bot.database import Database

WORKSPACE = "workspace"


def channel(id_: str) -> str:
    """The source that a Slack conversation is."""
    return f"channel:{id_}"


def file(id_: str) -> str:
    """The source that a file at OpenAI is."""
    return f"file:{id_}"


class Drawn:
    """The sources of one conversation."""

    def __init__(self, database: Database, team: str, conversation: str) -> None:
        self.conversation = conversation
        self._database, self._team = database, team
        self._noted: dict[str, None] = {}  # in the order of noting

    async def on(self, *sources: str) -> None:
        """Notes sources; to be called before the conversation is told what they say."""
        new = [s for s in sources if s not in self._noted]
        await self._add(self.conversation, new)
        self._noted |= dict.fromkeys(new)

    async def move(self, conversation: str) -> None:
        """The turn goes on in another conversation, and tells it again what it has told the first."""
        self.conversation = conversation
        await self._add(conversation, self._noted)

    async def all(self) -> tuple[str, ...]:
        """What has been noted, sorted."""
        return tuple(sorted(await self._of(self.conversation)))

    async def pass_on(self, to: str) -> None:
        """A conversation that carries this one on has drawn on the same."""
        await self._add(to, await self.all())

    async def _of(self, conversation: str) -> set[str]:
        rows = tables.drawn.c
        mine = (rows.team == self._team) & (rows.conversation == conversation)
        async with self._database.read() as connection:
            return set((await connection.execute(select(rows.source).where(mine))).scalars())

    async def _add(self, conversation: str, sources: Collection[str]) -> None:
        """All in one transaction, which writers on SQLite wait for: an answer may draw on hundreds of channels."""
        while sources and (new := set(sources) - await self._of(conversation)):
            rows = [{"team": self._team, "conversation": conversation, "source": s} for s in sorted(new)]
            try:
                async with self._database.begin() as tx:
                    await tx.execute(insert(tables.drawn), rows)
            except IntegrityError:
                continue  # another run has just noted some of them: the others are still to be noted
