"""The endpoints of vector stores."""

import time
from typing import Any

from aiohttp import web

from playground.openai.errors import JsonObject, invalid, no_such
from playground.openai.exchange import Exchange, Route, checked_length, checked_pairs, known_only
from playground.openai.items import new_id, page
from playground.openai.plan import Found
from playground.openai.vector_stores import StoreFile, VectorStore, VectorStores

ATTRIBUTE_KINDS = (str, int, float, bool)
BATCH_LIMIT = 2000
MOST_RESULTS = 50
CREATE = frozenset(["chunking_strategy", "description", "expires_after", "file_ids", "metadata", "name"])
PUT = frozenset(["file_id", "attributes", "chunking_strategy"])
DEFAULT_CHUNKING: JsonObject = {
    "type": "static",
    "static": {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400},
}


class VectorStoreRoutes:
    """Handlers over the stores."""

    def __init__(self, stores: VectorStores) -> None:
        self._stores = stores

    def routes(self) -> list[Route]:
        """Method, path below /v1, handler."""
        one = "/vector_stores/{store}"
        return [
            ("POST", "/vector_stores", self._create),
            ("GET", "/vector_stores", self._list),
            ("GET", one, self._retrieve),
            ("POST", one, self._update),
            ("DELETE", one, self._delete),
            ("POST", one + "/search", self._search),
            ("POST", one + "/files", self._put_file),
            ("GET", one + "/files", self._list_files),
            ("GET", one + "/files/{file}", self._retrieve_file),
            ("POST", one + "/files/{file}", self._update_file),
            ("DELETE", one + "/files/{file}", self._remove_file),
            ("GET", one + "/files/{file}/content", self._file_content),
            ("POST", one + "/file_batches", self._put_batch),
            ("GET", one + "/file_batches/{batch}", self._retrieve_batch),
            ("POST", one + "/file_batches/{batch}/cancel", self._retrieve_batch),  # they are done before one can
            ("GET", one + "/file_batches/{batch}/files", self._list_batch),
        ]

    def _store(self, exchange: Exchange) -> VectorStore:
        return self._stores.get(exchange["store"])

    def _file(self, exchange: Exchange) -> tuple[VectorStore, StoreFile]:
        store = self._store(exchange)
        if exchange["file"] not in store.files:
            raise no_such("vector store file", exchange["file"])
        return store, store.files[exchange["file"]]

    async def _create(self, exchange: Exchange) -> web.Response:
        body = exchange.body
        known_only(body, CREATE)
        metadata = checked_pairs(body.get("metadata"), "metadata")
        store = VectorStore(body.get("name") or "", metadata, _expiry(body.get("expires_after")))
        self._stores.all[store.id] = store
        for file_id in body.get("file_ids") or []:
            self._stores.put(store, file_id, {}, _chunking(body))
        return web.json_response(store.shown())

    async def _list(self, exchange: Exchange) -> web.Response:
        return web.json_response(page([store.shown() for store in self._stores.all.values()], exchange.query))

    async def _retrieve(self, exchange: Exchange) -> web.Response:
        return web.json_response(self._store(exchange).shown())

    async def _update(self, exchange: Exchange) -> web.Response:
        known_only(exchange.body, frozenset({"name", "metadata", "expires_after"}))
        store = self._store(exchange)
        store.name = exchange.body.get("name") or store.name
        if "expires_after" in exchange.body:
            store.expires_after = _expiry(exchange.body["expires_after"])
        if "metadata" in exchange.body:
            store.metadata = checked_pairs(exchange.body["metadata"], "metadata")
        return web.json_response(store.shown())

    async def _delete(self, exchange: Exchange) -> web.Response:
        store = self._store(exchange)
        del self._stores.all[store.id]
        return web.json_response({"id": store.id, "object": "vector_store.deleted", "deleted": True})

    async def _search(self, exchange: Exchange) -> web.Response:
        body = exchange.body
        known_only(body, frozenset(["query", "filters", "max_num_results", "ranking_options", "rewrite_query"]))
        query = body.get("query")
        if not query:
            raise invalid("Missing required parameter: 'query'.", param="query", code="missing_required_parameter")
        query = query if isinstance(query, str) else " ".join(query)
        if not 1 <= body.get("max_num_results", 10) <= MOST_RESULTS:
            raise invalid(f"Invalid 'max_num_results': expected 1 to {MOST_RESULTS}.", param="max_num_results")
        store = self._store(exchange)
        await self._stores.ready([store.id])
        found = self._stores.find([store.id], query, body.get("filters"), body.get("max_num_results", 10))
        threshold = (body.get("ranking_options") or {}).get("score_threshold", 0)
        return web.json_response(
            {
                "object": "vector_store.search_results.page",
                "search_query": [query],
                "data": [_shown(passage) for passage in found if passage.score >= threshold],
                "has_more": False,
                "next_page": None,
            }
        )

    async def _put_file(self, exchange: Exchange) -> web.Response:
        entry = self._put(self._store(exchange), exchange.body)
        return web.json_response(entry.shown())

    def _put(self, store: VectorStore, body: JsonObject) -> StoreFile:
        known_only(body, PUT)
        if not isinstance(body.get("file_id"), str):
            raise invalid("Missing required parameter: 'file_id'.", param="file_id", code="missing_required_parameter")
        attributes = checked_pairs(body.get("attributes"), "attributes", ATTRIBUTE_KINDS)
        return self._stores.put(store, body["file_id"], attributes, _chunking(body))

    async def _list_files(self, exchange: Exchange) -> web.Response:
        return web.json_response(page(_rows(self._store(exchange).files.values(), exchange), exchange.query))

    async def _retrieve_file(self, exchange: Exchange) -> web.Response:
        return web.json_response(self._file(exchange)[1].shown())

    async def _update_file(self, exchange: Exchange) -> web.Response:
        known_only(exchange.body, frozenset({"attributes"}))
        _, entry = self._file(exchange)
        entry.attributes = checked_pairs(exchange.body.get("attributes"), "attributes", ATTRIBUTE_KINDS)
        return web.json_response(entry.shown())

    async def _remove_file(self, exchange: Exchange) -> web.Response:
        store, entry = self._file(exchange)
        del store.files[entry.id]
        return web.json_response({"id": entry.id, "object": "vector_store.file.deleted", "deleted": True})

    async def _file_content(self, exchange: Exchange) -> web.Response:
        _, entry = self._file(exchange)
        await self._stores.files.look([entry.id])
        looked = self._stores.files.get(entry.id).looked
        text = looked.text if looked and entry.status == "completed" else ""
        return web.json_response(
            {
                "object": "vector_store.file_content.page",
                "data": [{"type": "text", "text": text}] if text else [],
                "has_more": False,
                "next_page": None,
            }
        )

    async def _put_batch(self, exchange: Exchange) -> web.Response:
        body = exchange.body
        known_only(body, frozenset(["file_ids", "files", "attributes", "chunking_strategy"]))
        store = self._store(exchange)
        shared = {name: body[name] for name in ("attributes", "chunking_strategy") if name in body}
        rows = body.get("files") or [{"file_id": id_} | shared for id_ in body.get("file_ids") or []]
        if not rows:
            raise invalid("One of 'file_ids' or 'files' must be provided.", param="file_ids")
        checked_length(rows, BATCH_LIMIT, "files")
        batch_id = new_id("vsfb")
        store.batches[batch_id] = int(time.time()), [self._put(store, row).id for row in rows]
        return web.json_response(store.shown_batch(batch_id))

    def _batch(self, exchange: Exchange) -> tuple[VectorStore, str]:
        store, id_ = self._store(exchange), exchange["batch"]
        if id_ not in store.batches:
            raise no_such("vector store file batch", id_)
        return store, id_

    async def _retrieve_batch(self, exchange: Exchange) -> web.Response:
        store, id_ = self._batch(exchange)
        return web.json_response(store.shown_batch(id_))

    async def _list_batch(self, exchange: Exchange) -> web.Response:
        store, id_ = self._batch(exchange)
        entries = [store.files[file_id] for file_id in store.batches[id_][1] if file_id in store.files]
        return web.json_response(page(_rows(entries, exchange), exchange.query))


def _expiry(value: Any) -> JsonObject | None:
    """`expires_after` of a store, checked."""
    if value is None:
        return None
    if not isinstance(value, dict) or value.get("anchor") != "last_active_at" or not 1 <= value.get("days", 0) <= 365:
        message = "Invalid 'expires_after': expected anchor 'last_active_at' and 1 to 365 days."
        raise invalid(message, param="expires_after")
    return value


def _rows(entries: Any, exchange: Exchange) -> list[JsonObject]:
    status = exchange.query.get("filter")
    if status not in (None, "in_progress", "completed", "failed", "cancelled"):
        raise invalid(f"Invalid value for 'filter': '{status}'.", param="filter", code="invalid_value")
    return [entry.shown() for entry in entries if status in (None, entry.status)]


def _chunking(body: JsonObject) -> JsonObject:
    """The chunking strategy, `auto` as the static default that it stands for."""
    chunking = body.get("chunking_strategy")
    if chunking is None or chunking.get("type") == "auto":
        return DEFAULT_CHUNKING
    static = chunking.get("static") or {}
    size, overlap = static.get("max_chunk_size_tokens", 0), static.get("chunk_overlap_tokens", 0)
    if not 100 <= size <= 4096 or overlap * 2 > size:
        message = "Invalid 'chunking_strategy': chunks have 100 to 4096 tokens and at most half of them overlap."
        raise invalid(message, param="chunking_strategy")
    return dict(chunking)


def _shown(found: Found) -> JsonObject:
    return {
        "file_id": found.file_id,
        "filename": found.filename,
        "score": found.score,
        "attributes": dict(found.attributes),
        "content": [{"type": "text", "text": found.text}],
    }
