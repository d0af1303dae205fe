"""A stand-in until the real one is merged: OpenAI's files and the vector store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from bot import keys
from bot.errors import FileRefused, OpenAIRefused
from bot.llm import Llm


class Store:
    """One workspace's vector store."""

    def __init__(self, llm: Llm, redis: Any, team: str, store_id: str = "") -> None:
        self._llm, self._redis, self._team, self._id = llm, redis, team, store_id

    async def id(self) -> str:
        """The vector store's id; makes it once."""
        key = keys.vector_store(self._team)
        if not self._id:
            kept = await self._redis.get(key)
            self._id = kept.decode() if isinstance(kept, bytes) else kept or ""
        if not self._id:
            async with self._llm.asking() as client:
                made = (await client.vector_stores.create(name="CorporateAssist", metadata={"team": self._team})).id
            await self._redis.set(key, made, nx=True)
            self._id = made
        return self._id

    async def upload(self, path: Path, name: str) -> str:
        """Stores a file at OpenAI; returns its id."""
        content = await asyncio.to_thread(path.read_bytes)
        async with self._llm.asking(300) as client:
            return (await client.files.create(file=(name, content), purpose="assistants")).id

    async def attach(self, file_id: str, attributes: Mapping[str, str]) -> None:
        """Makes a file searchable. Raises FileRefused."""
        async with self._llm.asking() as client:
            found = await client.vector_stores.files.create(
                file_id, vector_store_id=await self.id(), attributes=dict(attributes)
            )
            while found.status == "in_progress":
                await asyncio.sleep(0.05)
                found = await client.vector_stores.files.retrieve(file_id, vector_store_id=await self.id())
        if found.status != "completed":
            raise FileRefused("could not be indexed")

    async def delete(self, file_id: str) -> None:
        """Deletes a file at OpenAI, which takes it out of every store; one that is gone is fine."""
        try:
            async with self._llm.asking() as client:
                await client.files.delete(file_id)
        except OpenAIRefused as refusal:
            if refusal.status != 404:
                raise

    async def entries(self) -> AsyncIterator[tuple[str, Mapping[str, Any]]]:
        """All files of the store: id and attributes."""
        async with self._llm.asking() as client:
            async for entry in client.vector_stores.files.list(await self.id(), limit=100):
                yield entry.id, entry.attributes or {}
