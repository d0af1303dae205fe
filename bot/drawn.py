"""What each conversation has drawn on. A conversation remembers all that it was told, also what no answer shows: before it goes on for somebody
else, or after a place has got new readers, it is compared with what they may read.
"""

from __future__ import annotations

from collections.abc import Iterable

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
        self._noted |= dict.fromkeys(sources)
        await self._add(self.conversation, sources)

    async def move(self, conversation: str) -> None:
        """The turn goes on in another conversation, and tells it again what it has told the first."""
        self.conversation = conversation
        await self._add(conversation, self._noted)

    async def all(self) -> tuple[str, ...]:
        """What has been noted, sorted."""
        rows = tables.drawn.c
        mine = (rows.team == self._team) & (rows.conversation == self.conversation)
        async with self._database.read() as connection:
            return tuple(sorted((await connection.execute(select(rows.source).where(mine))).scalars()))

    async def pass_on(self, to: str) -> None:
        """A conversation that carries this one on has drawn on the same."""
        await self._add(to, await self.all())

    async def _add(self, conversation: str, sources: Iterable[str]) -> None:
        for source in sources:
            try:
                async with self._database.begin() as tx:
                    values = {"team": self._team, "conversation": conversation, "source": source}
                    await tx.execute(insert(tables.drawn).values(values))
            except IntegrityError:
                continue  # it is known
