"""Effects happen once, whatever runs again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from bot import tables
from bot.database import Database, open_database
from bot.errors import ToolRefused
from bot.journal import OUTPUT_CHARACTERS, Journal
from bot.models import Call, Message, Person, ThreadKey, Turn, utcnow
from bot.tools import TOOLS, Asking, Tool
from bot.tools.tool import Arguments
from tests.asking import NO_SOURCES
from tests.databases import with_tables

THREAD = ThreadKey("T1", "D1", "dm")
ANA = Person("U1", "ana", "Europe/Berlin")
SAID = Message(THREAD, "1.0", "U1", "hello", "Ev1")
TURN = Turn("D1-1.0", THREAD, (SAID,))


class Write(Arguments):
    """What to write, and what happens afterwards."""

    text: str
    then: str | None = None


async def _write(args: Write, asking: Asking) -> dict[str, Any]:
    assert asking.transaction
    await asking.transaction.execute(
        insert(tables.notes).values(
            team="T1", person=asking.person.id, channel="D1", is_dm=True, text=args.text, created_at=utcnow()
        )
    )
    if args.then == "break":
        raise RuntimeError("the disk is on fire")
    if args.then == "refuse":
        raise ToolRefused("not on a Sunday")
    count = len((await asking.transaction.execute(select(tables.notes))).all())
    return {"written": args.text, "number": count}


async def _read(_: Write, __: Asking) -> str:
    return "x" * (OUTPUT_CHARACTERS + 1)


WRITE = Tool(name="write", description="Writes.", arguments=Write, run=_write, doing="is writing…", effect=True)
READ = Tool(name="read", description="Reads.", arguments=Write, run=_read, doing="is reading…")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """An empty database."""
    async with open_database(with_tables(tmp_path)) as database:
        yield database


def journal(database: Database, turn: Turn = TURN) -> Journal:
    """A run of the turn."""
    return Journal(database, [*TOOLS, WRITE, READ], turn, ANA, NO_SOURCES)


def call(text: str, then: str | None = None, *, call_id: str = "call_1", tool: str = "write") -> Call:
    return Call(call_id, tool, json.dumps({"text": text, "then": then}))


async def written(database: Database) -> list[str]:
    """All effects there have been."""
    async with database.read() as connection:
        return sorted(r.text for r in await connection.execute(select(tables.notes.c.text)))


async def test_outputs_come_in_the_order_of_the_calls(database: Database) -> None:
    calls = [call("b"), Call("call_2", "current_time", "{}"), call("a", call_id="call_3"), Call("call_4", "sing", "{}")]
    run = journal(database)
    outputs = [json.loads(o) for o in await run.run(calls, "resp_1")]
    assert (outputs[0]["written"], outputs[2]["written"]) == ("b", "a")
    assert "weekday" in outputs[1]
    assert outputs[3] == {"error": "there is no tool called sing"}
    assert run.calls == 4
    assert await written(database) == ["a", "b"]


async def test_a_turn_that_runs_again_gets_the_same_outcome_and_no_second_effect(database: Database) -> None:
    first = await journal(database).run([call("a")], "resp_1")
    asked_anew = Call("call_9", "write", '{ "then":null, "text":"a" }')
    assert await journal(database).run([asked_anew], "resp_2") == first
    assert await written(database) == ["a"]


async def test_two_workers_that_run_the_same_call_at_once_have_one_effect(database: Database) -> None:
    async with open_database(database.engine.url.render_as_string()) as other:
        runs = [journal(base).run([call("a"), call("b", call_id="call_2")], "resp_1") for base in (database, other) * 3]
        outcomes = await asyncio.gather(*runs)
    assert all(o == outcomes[0] for o in outcomes)
    assert await written(database) == ["a", "b"]


async def test_an_identical_call_later_in_the_turn_is_an_effect_of_its_own(database: Database) -> None:
    for _ in range(2):  # the turn runs again from the start
        run = journal(database)
        one, two = await run.run([call("a"), call("a", call_id="call_2")], "resp_1")
        (three,) = await run.run([call("a", call_id="call_3")], "resp_2")
        assert sorted(json.loads(o)["number"] for o in (one, two)) == [1, 2]
        assert json.loads(three)["number"] == 3
    assert await written(database) == ["a"] * 3


async def test_the_same_call_in_another_turn_is_another_effect(database: Database) -> None:
    await journal(database).run([call("a")], "resp_1")
    await journal(database, Turn("D1-2.0", THREAD, (SAID,))).run([call("a")], "resp_2")
    await journal(database, Turn("D1-1.0", ThreadKey("T2", "D1", "dm"), (SAID,))).run([call("a")], "resp_3")
    assert await written(database) == ["a"] * 3


@pytest.mark.parametrize(("then", "word"), [("break", "the tool failed"), ("refuse", "not on a Sunday")])
async def test_an_effect_that_fails_leaves_neither_effect_nor_outcome(database: Database, then: str, word: str) -> None:
    (output,) = await journal(database).run([call("a", then)], "resp_1")
    assert word in json.loads(output)["error"]
    assert "fire" not in output
    assert await written(database) == []
    assert await journal(database).done() == []
    async with database.read() as connection:
        (row,) = await connection.execute(select(tables.journal))
    assert (row.outcome, row.response_id, row.call_id) == (None, "resp_1", "call_1"), "the call itself is known"


async def test_one_broken_call_does_not_take_the_others_with_it(database: Database) -> None:
    bad, good = await journal(database).run([call("a", "break"), call("b", call_id="call_2")], "resp_1")
    assert "error" in json.loads(bad)
    assert json.loads(good)["written"] == "b"
    assert await written(database) == ["b"]


async def test_malformed_arguments_are_told_to_the_model(database: Database) -> None:
    outputs = await journal(database).run([Call("c1", "write", '{"text"'), Call("c2", "write", '{"tex": 1}')], "resp_1")
    assert "JSON" in json.loads(outputs[0])["error"]
    assert "text" in json.loads(outputs[1])["error"]


async def test_a_result_that_is_too_long_is_cut_and_says_so(database: Database) -> None:
    (output,) = await journal(database).run([call("a", tool="read")], "resp_1")
    assert json.loads(output)["error"] == "the result is too long"
    assert len(output) < OUTPUT_CHARACTERS + 200


async def test_what_was_done_can_be_told_to_a_model_that_forgot(database: Database) -> None:
    run = journal(database)
    await run.run([call("a"), Call("call_2", "current_time", "{}"), call("b", "refuse", call_id="call_3")], "resp_1")
    (line,) = await journal(database).done()
    assert line.startswith("write(")
    assert '"written": "a"' in line
    assert await journal(database, Turn("D1-2.0", THREAD, (SAID,))).done() == []


def test_what_people_see_meanwhile(database: Database) -> None:
    assert journal(database).doing([call("a"), Call("c", "current_time", "{}")]) == "is writing…"
    assert journal(database).doing([Call("c", "sing", "{}")]) == "is working…"


async def test_an_effect_learns_what_it_must_know_before_anybody_waits_for_its_transaction(database: Database) -> None:
    """As many as the pool has connections, each of which reads first: none may hold the database while it asks."""

    async def look(args: Write, asking: Asking) -> int:
        await asyncio.sleep(0.05)  # Slack answers
        async with asking.database.read() as connection:
            return len((await connection.execute(select(tables.notes).where(tables.notes.c.text == args.text))).all())

    async def put(args: Write, asking: Asking) -> dict[str, Any]:
        assert asking.known == 0
        return await _write(args, asking)

    careful = replace(WRITE, name="careful", before=look, run=put)
    runs = [
        Journal(database, [careful], replace(TURN, id=f"D1-{n}.0"), ANA, NO_SOURCES).run(
            [call(f"note {n}", tool="careful")], "resp_1"
        )
        for n in range(24)
    ]
    async with asyncio.timeout(8):  # a writer of SQLite waits ten seconds for another
        outputs = await asyncio.gather(*runs)
    assert all("written" in json.loads(output) for [output] in outputs)
    assert len(await written(database)) == 24


async def test_what_an_effect_finds_out_beforehand_may_refuse_it(database: Database) -> None:
    async def never(_: Write, __: Asking) -> None:
        raise ToolRefused("not theirs")

    run = Journal(database, [replace(WRITE, before=never)], TURN, ANA, NO_SOURCES)
    assert [json.loads(o) for o in await run.run([call("b")], "resp_1")] == [{"error": "not theirs"}]
    assert await written(database) == []


async def test_a_question_is_all_that_the_asker_has_said_and_nobody_else(database: Database) -> None:
    heard = list[str]()

    async def hear(_: Write, asking: Asking) -> str:
        heard.append(f"{asking.question.ts} {asking.question.text}")
        return ""

    more = [replace(SAID, ts="2.0", text="and spy@evil.example", user="U2"), replace(SAID, ts="3.0", text="please")]
    turn = replace(TURN, messages=(SAID, *more))
    tool = Tool(name="hear", description="Hears.", arguments=Write, run=hear, doing="is hearing…")
    await Journal(database, [tool], turn, ANA, NO_SOURCES).run([call("", tool="hear")], "resp_1")
    assert heard == ["3.0 hello\nplease"]
