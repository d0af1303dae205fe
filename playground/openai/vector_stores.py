"""Vector stores: files with attributes, taken in a moment later, and searched by words."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from playground.openai.errors import JsonObject, invalid, no_such
from playground.openai.files import File, Files
from playground.openai.indexing import Indexing
from playground.openai.items import new_id
from playground.openai.plan import Found
from playground.openai.search import Chunk, chunks, search

DAY = 24 * 3600
Status = Literal["in_progress", "completed", "failed", "cancelled"]


@dataclass
class StoreFile:
    """A file in a store."""

    id: str
    vector_store_id: str
    attributes: dict[str, Any]
    chunking: JsonObject
    usage_bytes: int = 0
    status: Status = "in_progress"
    last_error: JsonObject | None = None
    created_at: int = field(default_factory=lambda: int(time.time()))
    passages: list[str] | None = None  # None: not made yet, as after a restart

    def shown(self) -> JsonObject:
        """The vector_store.file object of the API."""
        return {
            "id": self.id,
            "object": "vector_store.file",
            "created_at": self.created_at,
            "vector_store_id": self.vector_store_id,
            "status": self.status,
            "last_error": self.last_error,
            "usage_bytes": self.usage_bytes,
            "attributes": self.attributes,
            "chunking_strategy": self.chunking,
        }


def counts(files: Iterable[StoreFile]) -> dict[str, int]:
    """`file_counts` by status."""
    shown = dict.fromkeys(("in_progress", "completed", "failed", "cancelled", "total"), 0)
    for file in files:
        shown[file.status] += 1
        shown["total"] += 1
    return shown


def _progress(file_counts: Mapping[str, int]) -> str:
    return "in_progress" if file_counts["in_progress"] else "completed"


@dataclass
class VectorStore:
    """One vector store."""

    name: str
    metadata: dict[str, str] = field(default_factory=dict)
    expires_after: JsonObject | None = None
    id: str = field(default_factory=lambda: new_id("vs"))
    created_at: int = field(default_factory=lambda: int(time.time()))
    files: dict[str, StoreFile] = field(default_factory=dict)
    batches: dict[str, tuple[int, list[str]]] = field(default_factory=dict)  # id → created_at, file ids
    last_active_at: int = field(default_factory=lambda: int(time.time()))

    @property
    def expires_at(self) -> int | None:
        """When it goes if nobody uses it."""
        return self.last_active_at + self.expires_after["days"] * DAY if self.expires_after else None

    @property
    def expired(self) -> bool:
        """Its files are no longer to be had."""
        return self.expires_at is not None and self.expires_at <= time.time()

    def check_alive(self) -> None:
        """Raise 400 for an expired store; one that is used lives longer."""
        if self.expired:
            raise invalid(f"Vector store {self.id} is expired.", param="vector_store_ids")
        self.last_active_at = int(time.time())

    def shown(self) -> JsonObject:
        """The vector_store object of the API."""
        file_counts = counts(self.files.values())
        return {
            "id": self.id,
            "object": "vector_store",
            "created_at": self.created_at,
            "name": self.name,
            "usage_bytes": sum(file.usage_bytes for file in self.files.values()),
            "file_counts": file_counts,
            "status": "expired" if self.expired else _progress(file_counts),
            "expires_after": self.expires_after,
            "expires_at": self.expires_at,
            "last_active_at": self.last_active_at,
            "metadata": self.metadata,
        }

    def shown_batch(self, id_: str) -> JsonObject:
        """The vector_store.files_batch object of the API."""
        created_at, ids = self.batches[id_]
        file_counts = counts(self.files[file_id] for file_id in ids if file_id in self.files)
        return {
            "id": id_,
            "object": "vector_store.files_batch",
            "created_at": created_at,
            "vector_store_id": self.id,
            "status": _progress(file_counts),
            "file_counts": file_counts,
        }


class VectorStores:
    """All vector stores, over the files."""

    def __init__(self, files: Files, indexing: Indexing) -> None:
        self.all: dict[str, VectorStore] = {}
        self.files = files
        self.indexing = indexing
        self._tasks: set[asyncio.Task[None]] = set()
        files.deleted = self._forget

    def get(self, id_: str) -> VectorStore:
        """The store, or 404."""
        if id_ not in self.all:
            raise no_such("Vector store", id_)
        return self.all[id_]

    def put(self, store: VectorStore, file_id: str, attributes: dict[str, Any], chunking: JsonObject) -> StoreFile:
        """Attach a file; it is in_progress, then completed or failed. 404 when there is no such file."""
        file = self.files.get(file_id)
        store.check_alive()
        entry = StoreFile(file.id, store.id, attributes, chunking)
        store.files[file.id] = entry
        task = asyncio.get_running_loop().create_task(self._take_in(entry, file))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return entry

    async def ready(self, ids: Iterable[str]) -> None:
        """See to it that the completed files of these stores can be searched: a restart does not keep their passages."""
        for store in [self.all[id_] for id_ in ids if id_ in self.all]:
            missing = [e for e in store.files.values() if e.status == "completed" and e.passages is None]
            await self.files.look(entry.id for entry in missing)
            for entry in missing:
                if (file := self.files.find(entry.id)) and file.looked:
                    entry.passages = _passages(file.looked.text, entry.chunking)

    def find(self, ids: Iterable[str], query: str, filters: Any = None, limit: int = 10) -> tuple[Found, ...]:
        """Search the completed files of some stores, which are `ready`."""
        stores = [self.get(id_) for id_ in ids]
        for store in stores:
            store.check_alive()
        corpus = [
            Chunk(entry.id, file.filename, text, entry.attributes)
            for store in stores
            for entry in list(store.files.values())
            if entry.status == "completed" and (file := self.files.find(entry.id))
            for text in entry.passages or ()
        ]
        return search(query, corpus, filters=filters, limit=limit)

    async def close(self) -> None:
        """Stop taking files in."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def snapshot(self) -> list[JsonObject]:
        """What a restart needs."""
        return [
            store.shown() | {"files": [file.shown() for file in store.files.values()]} for store in self.all.values()
        ]

    def restore(self, saved: Iterable[Mapping[str, Any]]) -> None:
        """Take up stores from a snapshot; a file that was in progress then is completed now."""
        for kept in saved:
            store = VectorStore(kept["name"], kept["metadata"], kept["expires_after"], kept["id"], kept["created_at"])
            for row in kept["files"]:
                status: Status = "completed" if row["status"] == "in_progress" else row["status"]
                store.files[row["id"]] = StoreFile(
                    row["id"],
                    store.id,
                    row["attributes"],
                    row["chunking_strategy"],
                    row["usage_bytes"],
                    status,
                    row["last_error"],
                    row["created_at"],
                )
            store.last_active_at = kept["last_active_at"]
            self.all[store.id] = store

    def _forget(self, file_id: str) -> None:
        """A deleted file leaves every store."""
        for store in self.all.values():
            store.files.pop(file_id, None)

    async def _take_in(self, entry: StoreFile, file: File) -> None:
        await asyncio.sleep(self.indexing.slow.get(file.filename, self.indexing.seconds))
        await self.files.look([file.id])
        if file.looked is None:
            return  # deleted meanwhile, and so out of every store
        if error := self.indexing.fault(file.filename, file.looked):
            entry.status, entry.last_error = "failed", error
            return
        entry.passages = _passages(file.looked.text, entry.chunking)
        entry.status, entry.usage_bytes = "completed", len(file.looked.text.encode())


def _passages(text: str, chunking: JsonObject) -> list[str]:
    static = chunking["static"]
    return chunks(text, static["max_chunk_size_tokens"], static["chunk_overlap_tokens"])
