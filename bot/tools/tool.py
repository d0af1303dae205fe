"""A tool: typed arguments, a strict JSON schema made from them, and a function that acts with the asker's rights."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.database import Database
from bot.errors import ToolRefused
from bot.models import Message, Person, ThreadKey
from bot.sources import Sources


class Arguments(BaseModel):
    """Base of a tool's arguments. Every field is required, as strict schemas want it; an optional one may be null."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Asking:
    """On whose behalf a tool runs, where the answer will be read, and what it works with.

    `transaction` is what an effect belongs to; tools without one have none, and open the database when they need it. `known` is what the
    tool's `before` has found out.
    """

    person: Person
    thread: ThreadKey
    question: Message
    sources: Sources
    database: Database
    transaction: AsyncConnection | None = None
    known: Any = None


@dataclass(frozen=True, slots=True)
class Tool:
    """`run` gives back something JSON can hold. `effect`: it changes something, so it runs once a call, under the journal.

    `before` asks what an effect has to know, before its transaction begins: all who write wait for that, and it must wait for nobody.
    """

    name: str
    description: str
    arguments: type[Arguments]
    run: Callable[[Any, Asking], Awaitable[Any]]
    doing: str  # what people see meanwhile: "is looking at the clock…"
    effect: bool = False
    seconds: float = 30.0  # how long it may take
    before: Callable[[Any, Asking], Awaitable[Any]] | None = None

    def parse(self, arguments: str) -> Arguments:
        """The model's arguments, checked. Raises ToolRefused with what is wrong, for the model to correct."""
        try:
            return self.arguments.model_validate_json(arguments)
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'arguments'}: {e['msg']}" for e in error.errors())
            raise ToolRefused(wrong) from None

    @cache  # noqa: B019  # tools are as few as they are constant
    def schema(self) -> dict[str, Any]:
        """The tool as the Responses API wants it."""
        parameters = _strict(self.arguments.model_json_schema())
        return {
            "type": "function",
            "name": self.name,
            "description": self.description,
            "parameters": parameters,
            "strict": True,
        }


def canonical(arguments: str) -> str:
    """The same text for the same arguments, however the model spaced or ordered them."""
    try:
        return json.dumps(json.loads(arguments), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    except ValueError:
        return arguments


def _strict(node: Any) -> Any:
    """Pydantic's schema under OpenAI's strict rules: closed objects, all keys required, no defaults, no titles."""
    if isinstance(node, list):
        return [_strict(n) for n in node]
    if not isinstance(node, Mapping):
        return node
    out = {k: _strict(v) for k, v in node.items() if k not in ("title", "default")}
    if isinstance(node.get("properties"), Mapping):
        out["properties"] = {k: _strict(v) for k, v in node["properties"].items()}
    if node.get("type") == "object":
        out.setdefault("properties", {})
        out["required"] = list(out["properties"])
        out["additionalProperties"] = False
    out.pop("description", None) if node.get("type") == "object" else None
    return out
