"""Vector stores: files with attributes, taken in a moment later, and searched by words."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, Literal

from playground.openai.errors import JsonObject, no_such
from playground.openai.files import File, Files
from playground.openai.items import new_id
from playground.openai.plan import Found
from playground.openai.search import Chunk, chunks, search

# https://platform.openai.com/docs/assistants/tools/file-search#supported-files; what is not text is taken, but empty.
SUPPORTED = frozenset(
    [
        ".c",
        ".cpp",
        ".cs",
        ".css",
        ".doc",
        ".docx",
        ".go",
        ".html",
        ".java",
        ".js",
        ".json",
        ".md",
        ".pdf",
        ".php",
        ".pptx",
        ".py",
        ".rb",
        ".sh",
        ".tex",
        ".ts",
        ".txt",
    ]
)
PROCESSING = 0.05  # seconds that a file stays in_progress
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
            "status": "in_progress" if file_counts["in_progress"] else "completed",
            "expires_after": self.expires_after,
            "expires_at": None,
            "last_active_at": self.created_at,
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
            "status": "in_progress" if file_counts["in_progress"] else "completed",
            "file_counts": file_counts,
        }


class VectorStores:
    """All vector stores, over the files."""

    def __init__(self, files: Files) -> None:
        self.all: dict[str, VectorStore] = {}
        self.files = files
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
        entry = StoreFile(file.id, store.id, attributes, chunking)
        store.files[file.id] = entry
        task = asyncio.get_running_loop().create_task(_take_in(entry, file))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return entry

    def find(self, ids: Iterable[str], query: str, filters: Any = None, limit: int = 10) -> tuple[Found, ...]:
        """Search the completed files of some stores."""
        corpus = [
            Chunk(entry.id, file.filename, text, entry.attributes)
            for store_id in ids
            for entry in self.get(store_id).files.values()
            if entry.status == "completed"
            for file in [self.files.get(entry.id)]
            for text in chunks(file.text())
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
            self.all[store.id] = store

    def _forget(self, file_id: str) -> None:
        """A deleted file leaves every store."""
        for store in self.all.values():
            store.files.pop(file_id, None)


async def _take_in(entry: StoreFile, file: File) -> None:
    await asyncio.sleep(PROCESSING)
    suffix = PurePath(file.filename).suffix.lower()
    if suffix not in SUPPORTED:
        entry.status = "failed"
        message = f"The file type {suffix or 'without an extension'} is not supported for retrieval."
        entry.last_error = {"code": "unsupported_file", "message": message}
    else:
        entry.status, entry.usage_bytes = "completed", len(file.content)
