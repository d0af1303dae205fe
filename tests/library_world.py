"""What tests of the library share: files in Slack, a library that takes them in, and what OpenAI holds then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bot.compose import open_llm, open_settings_database
from bot.database import Database
from bot.files.download import Downloads
from bot.files.library import PLACE, Library, Record
from bot.files.store import Store
from bot.llm import Llm
from bot.models import SharedFile, ThreadKey
from bot.pace import Pace
from bot.redis_client import connect_redis
from bot.settings import Settings
from bot.slack import Slack, connect_slack
from playground.openai import OpenAIServer
from playground.slack import SlackServer

SOUND = b"ID3\x04" + bytes(range(256)) * 8  # as an MP3 begins
MOST_BYTES = 120_000_000


def png(shade: int = 0) -> bytes:
    """A small picture."""
    out = BytesIO()
    Image.new("L", (8, 8), shade).save(out, "PNG")
    return out.getvalue()


@dataclass
class World:
    """A library as one process has it, over servers that others may share."""

    server: SlackServer
    ai: OpenAIServer
    llm: Llm
    slack: Slack
    database: Database
    redis: Any
    settings: Settings
    folder: Path

    def library(self, given: str = "") -> Library:
        """Another process's library."""
        downloads = Downloads(self.settings.slack_bot_token, self.settings.slack_api_url, self.folder, MOST_BYTES)
        store = self.store(given)
        return Library(self.slack, self.database, self.redis, store, downloads, most_bytes=MOST_BYTES)

    def store(self, given: str = "") -> Store:
        """Its half at OpenAI."""
        return Store(self.llm, self.redis, given=given, transcribe_model=self.settings.openai_transcribe_model)

    @property
    def team(self) -> str:
        """The workspace."""
        return self.server.team_id

    def thread(self, channel: str = "general", root: str = "1.0") -> ThreadKey:
        """A thread in a channel."""
        return ThreadKey(self.team, self.server.workspace.channel(channel).id, root)

    def share(self, name: str, content: bytes, channel: str = "general", mimetype: str = "") -> SharedFile:
        """Ana shares a file."""
        ws = self.server.workspace
        file = ws.add_file("ana", name, content, mimetype)
        ws.say("ana", channel, "here", files=[file])
        return SharedFile(file.id, name)

    async def files(self) -> list[str]:
        """The names of OpenAI's files, sorted."""
        return sorted([f.filename async for f in self.llm.client.files.list()])

    async def attached(self) -> dict[str, dict[str, Any]]:
        """The files in this workspace's vector store, and their attributes."""
        store = await self.store().id(self.team)
        return {f.id: dict(f.attributes or {}) async for f in self.llm.client.vector_stores.files.list(store)}

    async def found(self, query: str, tools: list[dict[str, Any]]) -> list[str]:
        """The texts that a file search with these tools finds."""
        search = tools[0]
        page = await self.llm.client.vector_stores.search(
            search["vector_store_ids"][0], query=query, filters=search["filters"]
        )
        return [part.text for hit in page.data for part in hit.content]

    def asked(self, method: str, ending: str) -> int:
        """How many requests OpenAI got."""
        return sum(r.method == method and r.path.endswith(ending) for r in self.ai.requests)


@pytest.fixture
async def world(slack: SlackServer, ai: OpenAIServer, settings: Settings, tmp_path: Path) -> AsyncIterator[World]:
    """Slack, OpenAI and all that a library stands on."""
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(connect_redis(settings.redis_url))
        client = await stack.enter_async_context(
            connect_slack(settings.slack_bot_token, settings.slack_api_url, Pace(None, settings.slack_bot_token))
        )
        llm = await stack.enter_async_context(open_llm(settings))
        database = await stack.enter_async_context(open_settings_database(settings))
        yield World(slack, ai, llm, client, database, redis, settings, tmp_path / "tmp")


def expect(record: Record, state: str, reason: str = "") -> Record:
    """The record, which came to this."""
    assert record.state == state
    assert reason in record.reason if reason else not record.reason
    assert record.visibility == PLACE
    return record


async def until(condition: Callable[[], bool]) -> None:
    """Waits for something on the servers."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  # the server tells of no request
            await asyncio.sleep(0.005)
