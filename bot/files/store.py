"""Files at OpenAI: uploaded, in the workspace's vector store, transcribed, erased. Knows nothing of Slack or the database."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import structlog
from redis.exceptions import RedisError

from bot import keys
from bot.errors import ConversationGone, ConversationLocked, OpenAIRefused, Retryable, UserFacing
from bot.files.locks import holding
from bot.llm import Llm

log = structlog.get_logger()

Purpose = Literal["assistants", "vision", "user_data"]  # to be searched, to be seen, to be read or computed with
CHUNKING: Any = {"type": "static", "static": {"max_chunk_size_tokens": 512, "chunk_overlap_tokens": 256}}
UPLOAD_SECONDS = 600.0
CALL_SECONDS = 30.0
TRANSCRIBE_SECONDS = 300.0
CLOCKS_DIFFER = timedelta(seconds=60)
RECENT = 100  # uploads looked through for one whose answer was lost
STORES = 100
ITEMS = 1_000  # the newest of a conversation, looked through for what is to be erased
LONGEST_ATTRIBUTE = 512
CUT = "[the text goes on here, but OpenAI does not give out more of it; file_search finds in all of it]"


@dataclass(frozen=True, slots=True)
class Indexed:
    """How far the store has come with a file. `code` and `said` are of a failure."""

    status: str  # in_progress, completed, failed, cancelled
    code: str = ""
    said: str = ""


class Store:
    """A workspace's vector store and the files that go into it, or beside it."""

    def __init__(self, llm: Llm, redis: Any, *, given: str, transcribe_model: str) -> None:
        """`given`: the store that the operator has set; without one it is made, and its id kept in Redis."""
        self._llm, self._redis, self._given, self._model = llm, redis, given, transcribe_model

    async def id(self, team: str) -> str:
        """The vector store of a workspace, made when it has none. Raises Retryable."""
        return await self.known(team) or await self._make(team, gone="")

    async def known(self, team: str) -> str:
        """The same where there is one, else ""."""
        try:
            return str(self._given or await self._redis.get(keys.vector_store(team)) or "")
        except RedisError as error:
            raise Retryable(f"no vector store id: {type(error).__name__}") from error

    async def renew(self, team: str, gone: str) -> str:
        """Another store in place of one that is gone; the one that another process has made meanwhile, if it has. Raises UserFacing where it is set."""
        if self._given:
            raise UserFacing(
                "vector store gone",
                "The vector store that I search files in is gone. Please tell whoever runs me: OPENAI_VECTOR_STORE_ID names none.",
            )
        return await self._make(team, gone)

    async def _make(self, team: str, gone: str) -> str:
        async with holding(self._redis, keys.store_lock(team), CALL_SECONDS) as mine:
            if not mine:
                raise Retryable("another process makes the vector store")
            try:
                known = await self._redis.get(keys.vector_store(team))
                if known and known != gone:
                    return str(known)
                made = await self._found(team, gone) or await self._made(team)
                await self._redis.set(keys.vector_store(team), made)
            except RedisError as error:
                raise Retryable(f"vector store not noted: {type(error).__name__}") from error
        log.info("vector store", team=team, store=made, gone=gone)
        return made

    async def _found(self, team: str, gone: str) -> str:
        """The store that was made for this workspace before Redis forgot it."""
        async with self._llm.asking(CALL_SECONDS) as client:
            page = await client.vector_stores.list(limit=STORES, order="asc")
        alive = [s for s in page.data if s.status != "expired"]
        ours = [s.id for s in alive if s.name == _name(team) and (s.metadata or {}).get("team") == team]
        return next((id_ for id_ in ours if id_ != gone), "")

    async def _made(self, team: str) -> str:
        async with self._llm.asking(CALL_SECONDS) as client:
            return (await client.vector_stores.create(name=_name(team), metadata={"team": team})).id

    async def there(self, store: str) -> bool:
        """Whether OpenAI has a store that can be used: one that has expired still answers."""
        try:
            async with self._llm.asking(CALL_SECONDS) as client:
                return (await client.vector_stores.retrieve(store)).status != "expired"
        except OpenAIRefused as refusal:
            if refusal.status == 404:
                return False
            raise

    async def upload(self, path: Path, name: str, purpose: Purpose) -> str:
        """Uploads a file, read piece by piece; returns OpenAI's id. Raises OpenAIRefused where it is not taken."""
        with await asyncio.to_thread(path.open, "rb") as content:  # a path would be read as a whole by the SDK
            async with self._llm.asking(UPLOAD_SECONDS) as client:
                return (await client.files.create(file=(name, content), purpose=purpose)).id

    async def uploaded(self, name: str, size: int, purpose: Purpose, since: datetime) -> list[str]:
        """Recent uploads that could be this one."""
        async with self._llm.asking(CALL_SECONDS) as client:
            page = await client.files.list(purpose=purpose, limit=RECENT, order="desc")
        oldest = (since - CLOCKS_DIFFER).timestamp()
        return [f.id for f in page.data if f.filename == name and f.bytes == size and f.created_at >= oldest]

    async def attach(self, store: str, file: str, attributes: Mapping[str, str]) -> None:
        """Puts an uploaded file into a store, where a search finds it by its attributes. Raises OpenAIRefused."""
        bounded: dict[str, str | float | bool] = {name: value[:LONGEST_ATTRIBUTE] for name, value in attributes.items()}
        async with self._llm.asking(CALL_SECONDS) as client:
            await client.vector_stores.files.create(store, file_id=file, attributes=bounded, chunking_strategy=CHUNKING)

    async def indexed(self, store: str, file: str) -> Indexed | None:
        """How far the store has come with a file; None where it does not have it."""
        try:
            async with self._llm.asking(CALL_SECONDS) as client:
                got = await client.vector_stores.files.retrieve(file, vector_store_id=store)
        except OpenAIRefused as refusal:
            if refusal.status == 404:
                return None
            raise
        error = got.last_error
        return Indexed(got.status, error.code, error.message) if error else Indexed(got.status)

    async def text(self, store: str, file: str) -> str:
        """What OpenAI has read of a file. Raises OpenAIRefused."""
        async with self._llm.asking(CALL_SECONDS) as client:
            page = await client.vector_stores.files.content(file, vector_store_id=store)
        parts = [part.text for part in page.data if part.text]
        if (page.model_extra or {}).get("has_more"):  # how to ask for more is not documented
            parts.append(CUT)
        return "\n".join(parts)

    async def delete(self, file: str) -> None:
        """Deletes a file, which leaves every store; one that is gone already is fine."""
        try:
            async with self._llm.asking(CALL_SECONDS) as client:
                await client.files.delete(file)
        except OpenAIRefused as refusal:
            if refusal.status != 404:
                raise

    async def transcribe(self, path: Path, name: str) -> tuple[str, float]:
        """The words of a recording, and the seconds that are paid for. Raises OpenAIRefused."""
        with await asyncio.to_thread(path.open, "rb") as content:
            async with self._llm.asking(TRANSCRIBE_SECONDS) as client:
                got = await client.audio.transcriptions.create(
                    file=(name, content), model=self._model, timeout=TRANSCRIBE_SECONDS
                )
        return got.text, float(getattr(got.usage, "seconds", 0) or 0)

    async def erase_from(self, conversation: str, files: Collection[str]) -> None:
        """Deletes the items of a conversation that hold, found or cite files. Raises Retryable while a response is running in it."""
        try:
            for item_id in holders(await self._items(conversation), files):
                await self._erase_item(conversation, item_id)
        except ConversationGone:
            return
        except ConversationLocked as locked:
            raise Retryable("conversation locked", after=5) from locked

    async def _items(self, conversation: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        async with self._llm.asking(CALL_SECONDS) as client:
            results: Any = ["file_search_call.results"]
            async for item in client.conversations.items.list(conversation, limit=100, order="desc", include=results):
                found.append(item.to_dict(mode="json"))
                if len(found) >= ITEMS:
                    break
        return found[::-1]

    async def _erase_item(self, conversation: str, item_id: str) -> None:
        try:
            async with self._llm.asking(CALL_SECONDS) as client:
                await client.conversations.items.delete(item_id, conversation_id=conversation)
        except OpenAIRefused as refusal:
            if refusal.status != 404:
                raise


def holders(items: Sequence[Mapping[str, Any]], files: Collection[str]) -> list[str]:
    """Of items (oldest first) the ids of those to delete so that none names a file, the newest first.

    A call goes with its output (which goes first: a call without one can be mended), and what was thought before an item goes with it.
    """
    named = [any(file in str(item) for file in files) for item in items]
    calls = {item.get("call_id") for item, names in zip(items, named, strict=True) if names and item.get("call_id")}
    going: list[str] = []
    thought: list[str] = []
    for item, names in zip(items, named, strict=True):
        if item.get("type") == "reasoning":
            thought.append(item["id"])
            continue
        if names or item.get("call_id") in calls:
            going += [*thought, item["id"]]
        thought = []
    return going[::-1]


def _name(team: str) -> str:
    return f"CorporateAssist {team}"
