"""A worker's files, as its composition root puts them together, against the playground's servers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from bot import keys
from bot.compose import open_llm, open_settings_database
from bot.database import Database
from bot.duties import Duties
from bot.files.download import Downloads
from bot.files.housekeeping import Housekeeping
from bot.files.knowledge import Knowledge
from bot.files.library import Library, Record
from bot.files.store import Store
from bot.llm import Llm
from bot.models import SharedFile, ThreadKey
from bot.pace import Pace
from bot.redis_client import connect_redis
from bot.settings import Settings
from bot.slack import Slack, connect_slack
from playground.openai import OpenAIServer
from playground.slack import SlackServer
from playground.slack.state import File

TEAM = "T0PLAYGRND"
MOST = 1_000_000
TEXT = b"The hotel limit in Lisbon is 160 EUR a night."


@dataclass(frozen=True)
class World:
    """What the tests work with."""

    server: SlackServer
    ai: OpenAIServer
    slack: Slack
    llm: Llm
    database: Database
    redis: Any
    library: Library
    knowledge: Knowledge
    duties: Duties

    def housekeeper(self, *, keep_days: int = 0, left_hours: int = 24) -> Housekeeping:
        """Another worker's housekeeping."""
        return Housekeeping(
            self.slack, self.llm, self.library, self.knowledge, self.redis, keep_days=keep_days, left_hours=left_hours
        )

    async def tidy(self, *, keep_days: int = 0, left_hours: int = 24) -> None:
        """All that a worker's housekeeping has to do now."""
        housekeeper = self.housekeeper(keep_days=keep_days, left_hours=left_hours)
        assert await housekeeper.once()
        await self.redis.delete(keys.HOUSEKEEPER)  # the next one need not wait

    def share(self, person: str, channel: str, name: str, content: bytes = TEXT) -> tuple[File, ThreadKey]:
        """Somebody shares a file."""
        workspace = self.server.workspace
        file = workspace.add_file(person, name, content)
        ts = workspace.say(person, channel, "Look at this", files=[file])
        return file, ThreadKey(TEAM, workspace.channel(channel).id, ts)

    async def taken(self, person: str, channel: str, name: str, content: bytes = TEXT) -> tuple[File, Record]:
        """A file that was shared and taken in."""
        file, thread = self.share(person, channel, name, content)
        record = await self.library.take(SharedFile(file.id, name), thread)
        assert record.state == "ready", record
        return file, record

    async def rows(self) -> list[Record]:
        """All rows, oldest first."""
        return await self.library.rows.where()

    async def stored(self) -> dict[str, str]:
        """The files that OpenAI has: id → name."""
        return {f.id: f.filename async for f in self.llm.client.files.list()}

    async def searchable(self) -> set[str]:
        """The names of the files in the workspace's vector store."""
        names, store = await self.stored(), await self.library.store.id(TEAM)
        return {names[e.id] async for e in self.llm.client.vector_stores.files.list(store)}


@asynccontextmanager
async def world_of(settings: Settings, server: SlackServer, ai: OpenAIServer) -> AsyncIterator[World]:
    """The parts, open."""
    folder = settings.data_dir / "tmp"
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(connect_redis(settings.redis_url))
        database = await stack.enter_async_context(open_settings_database(settings))
        llm = await stack.enter_async_context(open_llm(settings))
        pace = Pace(None, "")
        slack = await stack.enter_async_context(connect_slack(server.bot_token, server.api_url, pace, redis))
        store = Store(llm, redis, given="", transcribe_model=settings.openai_transcribe_model)
        library = Library(
            slack, database, redis, store, Downloads(server.bot_token, server.api_url, folder, MOST), most_bytes=MOST
        )
        knowledge = Knowledge(library, redis, folder, MOST)
        yield World(server, ai, slack, llm, database, redis, library, knowledge, Duties(redis))
