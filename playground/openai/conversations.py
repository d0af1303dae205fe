"""Conversations: items that outlive a response, with one writer at a time."""

import time
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from playground.openai.errors import ApiError, JsonObject, invalid, not_found
from playground.openai.exchange import Exchange, Route, checked_length, checked_pairs, known_only
from playground.openai.items import input_items, new_id, page, shown
from playground.openai.limits import Prompt, item_tokens

ITEMS_A_CALL = 20


@dataclass
class Conversation:
    """One conversation; `running` is the response that writes it now, `prompt` what the last one read."""

    id: str = field(default_factory=lambda: new_id("conv"))
    created_at: int = field(default_factory=lambda: int(time.time()))
    metadata: dict[str, str] = field(default_factory=dict)
    items: list[JsonObject] = field(default_factory=list)
    running: str | None = None
    prompt: Prompt = ()
    tokens: dict[str, int] = field(default_factory=dict)

    def add(self, items: list[JsonObject]) -> None:
        """Append items; they have their ids."""
        self.items += items

    def item(self, id_: str) -> JsonObject:
        """An item by its id, or 404."""
        for item in self.items:
            if item["id"] == id_:
                return item
        raise not_found("Item", id_)

    def tokens_of(self, item: JsonObject) -> int:
        """Tokens of an item, counted once: a long conversation is read again on every turn."""
        if item["id"] not in self.tokens:
            self.tokens[item["id"]] = item_tokens(item)
        return self.tokens[item["id"]]

    def check_free(self) -> None:
        """Raise 400 `conversation_locked` while a response writes this conversation."""
        if self.running is not None:
            message = "Another process is currently operating on this conversation. Please retry in a few seconds."
            raise invalid(message, param="conversation", code="conversation_locked")

    def shown(self) -> JsonObject:
        """The conversation object of the API."""
        return {"id": self.id, "object": "conversation", "created_at": self.created_at, "metadata": self.metadata}

    def snapshot(self) -> JsonObject:
        """What a restart needs."""
        return self.shown() | {"items": self.items}


class Conversations:
    """All conversations and their endpoints."""

    def __init__(self) -> None:
        self.all: dict[str, Conversation] = {}

    def get(self, id_: str) -> Conversation:
        """The conversation, or 404."""
        if id_ not in self.all:
            raise not_found("Conversation", id_)
        return self.all[id_]

    def restore(self, saved: list[JsonObject]) -> None:
        """Take up conversations from a snapshot."""
        for kept in saved:
            conversation = Conversation(kept["id"], kept["created_at"], kept["metadata"], list(kept["items"]))
            self.all[conversation.id] = conversation

    def routes(self) -> list[Route]:
        """Method, path below /v1, handler."""
        one = "/conversations/{conversation}"
        return [
            ("POST", "/conversations", self._create),
            ("GET", one, self._retrieve),
            ("POST", one, self._update),
            ("DELETE", one, self._delete),
            ("POST", one + "/items", self._add_items),
            ("GET", one + "/items", self._list_items),
            ("GET", one + "/items/{item}", self._retrieve_item),
            ("DELETE", one + "/items/{item}", self._delete_item),
        ]

    async def _create(self, exchange: Exchange) -> web.Response:
        known_only(exchange.body, frozenset({"items", "metadata"}))
        conversation = Conversation(metadata=checked_pairs(exchange.body.get("metadata"), "metadata"))
        conversation.add(_checked_items(exchange.body.get("items") or []))
        self.all[conversation.id] = conversation
        return web.json_response(conversation.shown())

    async def _retrieve(self, exchange: Exchange) -> web.Response:
        return web.json_response(self.get(exchange["conversation"]).shown())

    async def _update(self, exchange: Exchange) -> web.Response:
        known_only(exchange.body, frozenset({"metadata"}))
        conversation = self.get(exchange["conversation"])
        conversation.metadata = checked_pairs(exchange.body.get("metadata"), "metadata")
        return web.json_response(conversation.shown())

    async def _delete(self, exchange: Exchange) -> web.Response:
        conversation = self.get(exchange["conversation"])
        del self.all[conversation.id]
        return web.json_response({"id": conversation.id, "object": "conversation.deleted", "deleted": True})

    async def _add_items(self, exchange: Exchange) -> web.Response:
        known_only(exchange.body, frozenset({"items"}))
        conversation = self.get(exchange["conversation"])
        conversation.check_free()
        if not exchange.body.get("items"):
            raise invalid("Missing required parameter: 'items'.", param="items", code="missing_required_parameter")
        items = _checked_items(exchange.body["items"])
        taken = {item["id"] for item in conversation.items}
        for item in items:
            if item["id"] in taken:
                raise invalid(f"Item with id '{item['id']}' already exists.", param="items")
        conversation.add(items)
        ends = {"first_id": items[0]["id"], "last_id": items[-1]["id"]}
        return web.json_response({"object": "list", "data": items, **ends, "has_more": False})

    async def _list_items(self, exchange: Exchange) -> web.Response:
        items = self.get(exchange["conversation"]).items
        return web.json_response(page(shown(items, exchange.include), exchange.query))

    async def _retrieve_item(self, exchange: Exchange) -> web.Response:
        item = self.get(exchange["conversation"]).item(exchange["item"])
        return web.json_response(shown([item], exchange.include)[0])

    async def _delete_item(self, exchange: Exchange) -> web.Response:
        conversation = self.get(exchange["conversation"])
        conversation.check_free()
        conversation.items.remove(conversation.item(exchange["item"]))
        return web.json_response(conversation.shown())


def _checked_items(value: Any) -> list[JsonObject]:
    items = input_items(value, "items")
    checked_length(items, ITEMS_A_CALL, "items")
    if any(item["type"] == "item_reference" for item in items):
        raise ApiError(400, "Item references are not supported in conversations.", param="items")
    return items
