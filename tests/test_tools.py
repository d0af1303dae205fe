"""What the model is offered, and how its arguments are taken."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import jsonschema  # type: ignore[import-untyped]  # its types are a package of their own
import pytest
from pydantic import BaseModel, Field

from bot.database import Database, open_database
from bot.errors import ToolRefused
from bot.models import DM_ROOT, Person, ThreadKey
from bot.tools import TOOLS, Asking, Tool
from bot.tools.clock import current_time
from bot.tools.notes import LONGEST, MOST_NOTES, recall, remember
from bot.tools.tool import Arguments, canonical
from tests.asking import asking
from tests.databases import with_tables

ANA, RAJ = Person("U1", "ana", "Europe/Berlin"), Person("U2", "raj", "Asia/Kolkata")
DM, GENERAL, RANDOM = ThreadKey("T1", "D1", DM_ROOT), ThreadKey("T1", "C1", "1.1"), ThreadKey("T1", "C2", "2.2")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """An empty database."""
    async with open_database(with_tables(tmp_path)) as database:
        yield database


async def use(
    database: Database, tool: Tool, arguments: dict[str, Any], person: Person = ANA, thread: ThreadKey = DM
) -> Any:
    """A call of a tool, as the journal makes it."""
    async with database.begin() as tx:
        return await tool.run(tool.parse(json.dumps(arguments)), asking(database, person, thread, tx))


# -- schemas ----------------------------------------------------------------------------------------------------------------

# What strict mode takes, from OpenAI's guide to structured outputs.
TYPES = {"string", "number", "integer", "boolean", "object", "array", "null"}
KEYWORDS = {
    "type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf", "description", "$defs", "$ref",
    "pattern", "format", "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
    "minItems", "maxItems",
}  # fmt: skip


def assert_strict(node: dict[str, Any]) -> None:
    """Closed objects with all keys required, known keywords only."""
    assert node.keys() <= KEYWORDS, f"strict mode refuses {node.keys() - KEYWORDS}"
    if node.get("type") == "object":
        assert node["additionalProperties"] is False
        assert node["required"] == list(node["properties"])
    kinds = node.get("type", "null")
    assert {kinds} <= TYPES if isinstance(kinds, str) else set(kinds) <= TYPES
    inner = [*node.get("properties", {}).values(), *node.get("$defs", {}).values(), *node.get("anyOf", ())]
    for child in [*inner, *([node["items"]] if "items" in node else ())]:
        assert_strict(child)


class Guest(BaseModel):
    """A nested model with a default and a field whose name is a keyword of JSON Schema."""

    title: str = "Dr"
    default: int | None = None


class Invite(Arguments):
    """Everything that pydantic writes and strict mode refuses."""

    guests: Annotated[list[Guest], Field(description="Who comes", min_length=1)]
    kind: Annotated[str, Field(pattern="^(call|visit)$")] = "call"
    room: str | None = None


async def _nothing(_: Any, __: Asking) -> None: ...


INVITE = Tool(name="invite", description="Invites.", arguments=Invite, run=_nothing, doing="is inviting…")


@pytest.mark.parametrize("tool", [*TOOLS, INVITE], ids=lambda t: t.name)
def test_schemas_are_strict_by_openais_rules(tool: Tool) -> None:
    schema = tool.schema()
    assert (schema["type"], schema["name"], schema["strict"]) == ("function", tool.name, True)
    assert schema["description"]
    jsonschema.Draft202012Validator.check_schema(schema["parameters"])
    assert schema["parameters"]["type"] == "object"
    assert_strict(schema["parameters"])


def test_fields_named_like_keywords_stay() -> None:
    guest = INVITE.schema()["parameters"]["$defs"]["Guest"]
    assert guest["required"] == ["title", "default"]
    whole = {"guests": [{"title": "Dr", "default": None}], "kind": "call", "room": None}
    jsonschema.validate(whole, INVITE.schema()["parameters"])
    INVITE.parse(json.dumps(whole))


def test_tools_have_names_of_their_own_and_say_what_they_do() -> None:
    assert len({t.name for t in TOOLS}) == len(TOOLS)
    assert all(t.doing.startswith("is ") and t.doing.endswith("…") for t in TOOLS)


@pytest.mark.parametrize(
    ("tool", "arguments", "word"),
    [
        (remember, "{}", "note"),
        (remember, '{"note": ""}', "note"),
        (remember, '{"note": 7}', "note"),
        (remember, json.dumps({"note": "x" * (LONGEST + 1)}), str(LONGEST)),
        (remember, '{"note": "x", "for": "U2"}', "for"),
        (recall, "{}", "about"),
        (current_time, '{"zone": "UTC"}', "zone"),
        (current_time, '{"cut', "JSON"),
        (current_time, "[]", "arguments"),
        (INVITE, '{"guests": []}', "guests"),
        (INVITE, '{"guests": [{"default": "x"}]}', "guests.0.default"),
    ],
)
def test_wrong_arguments_are_refused_with_what_is_wrong(tool: Tool, arguments: str, word: str) -> None:
    with pytest.raises(ToolRefused, match=word):
        tool.parse(arguments)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ('{"a": 1, "b": "ü"}', '{"b":"\\u00fc","a":1}', True),
        ('{"a": 1}', '{"a": 2}', False),
        ('{"a": [1, 2]}', '{"a": [2, 1]}', False),
        ("not json", "not json", True),
        ("", "{}", False),
    ],
)
def test_calls_are_the_same_when_their_arguments_mean_the_same(one: str, other: str, same: bool) -> None:
    assert (canonical(one) == canonical(other)) is same


# -- what they do -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "offsets"),
    [("Asia/Kolkata", {"+05:30"}), ("Europe/Berlin", {"+01:00", "+02:00"}), ("Mars/Base", {"+00:00"})],
)
async def test_the_time_is_the_askers(database: Database, zone: str, offsets: set[str]) -> None:
    told = await use(database, current_time, {}, Person("U1", "ana", zone))
    assert told["time"][-6:] in offsets
    assert abs((datetime.fromisoformat(told["time"]) - datetime.now().astimezone()).total_seconds()) < 120
    assert told["weekday"] == f"{datetime.fromisoformat(told['time']):%A}"


async def notes(database: Database, about: str | None = None, **where: Any) -> list[str]:
    """The notes that a call of recall gives."""
    told = await use(database, recall, {"about": about}, **where)
    return [n["note"] for n in told["notes"]]


async def test_notes_are_the_persons_own_and_come_back_newest_first(database: Database) -> None:
    for note in ("tea", "100% cocoa", "coffee at 9"):
        await use(database, remember, {"note": note})
    await use(database, remember, {"note": "raj's"}, person=RAJ)
    assert await notes(database) == ["coffee at 9", "100% cocoa", "tea"]
    assert await notes(database, person=RAJ) == ["raj's"]
    assert await notes(database, about="COFFEE") == ["coffee at 9"]
    assert await notes(database, about="tea 9") == ["coffee at 9", "tea"]
    assert await notes(database, about="100%") == ["100% cocoa"], "% is no wildcard"
    assert await notes(database, about="_") == []


async def test_a_note_surfaces_only_where_its_readers_saw_it(database: Database) -> None:
    await use(database, remember, {"note": "secret"}, thread=DM)
    await use(database, remember, {"note": "public"}, thread=GENERAL)
    assert await notes(database, thread=GENERAL) == ["public"]
    assert await notes(database, thread=RANDOM) == []
    assert await notes(database, thread=DM) == ["public", "secret"]
    assert await notes(database, thread=ThreadKey("T2", "D1", DM_ROOT)) == [], "another workspace"


async def test_notes_have_a_limit_which_is_said(database: Database) -> None:
    for n in range(MOST_NOTES):
        async with database.begin() as tx:
            await remember.run(remember.parse(json.dumps({"note": f"{n}"})), asking(database, ANA, DM, tx))
    with pytest.raises(ToolRefused, match=str(MOST_NOTES)):
        await use(database, remember, {"note": "one more"})
    await use(database, remember, {"note": "raj's first"}, person=RAJ)
