"""Searching messages and looking people up: what is told, what is noted, and what is kept back."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot import drawn
from bot.errors import ToolRefused
from bot.tools.read_channel import read_channel
from bot.tools.search_messages import search_messages
from bot.tools.who_is import NOBODY, who_is
from playground.slack.state import Person
from tests.reading_world import World, library, reading_world, says, token


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Acme."""
    async with reading_world(tmp_path) as world:
        yield world


# -- search ---------------------------------------------------------------------------------------------------------------------


async def test_slacks_own_search_finds_what_may_be_read_here(world: World) -> None:
    await library(world)
    world.allow("engineering")
    root = world.say("raj", "general", "where was it?")
    told = await world.use(
        search_messages, {"words": "postgres"}, world.asking("raj", "general", root, token=token(world, "raj"))
    )
    assert [(m["by"], m["in"], m["says"]) for m in told["messages"]] == [
        ("Ana Becker", "#engineering", "We take Postgres for the ledger")
    ]
    assert told["messages"][0]["link"].startswith(f"{world.server.origin}/archives/{world.id('engineering')}/p")
    assert told["looked_through"].startswith("Slack's search of public channels")
    assert world.calls("assistant.search.context") == 1
    assert await world.drawn.all() == (drawn.channel(world.id("engineering")),)
    assert "stickers" not in json.dumps(told)
    assert len(world.tally.footnotes) == 1


async def test_a_question_is_no_answer_to_itself(world: World) -> None:
    await library(world)
    ts = world.say("raj", "general", "search for postgres")
    who = world.asking("raj", "general", ts, ts, token(world, "raj"))
    told = await world.use(search_messages, {"words": "postgres"}, who)
    assert "search for postgres" not in [m["says"] for m in told["messages"]]


async def test_without_slacks_search_the_channels_that_may_be_read_are_looked_through(world: World) -> None:
    await library(world)
    world.allow("engineering", "leads")
    world.server.faults.add("assistant.search.context", error="feature_not_enabled", times=None)
    who = world.asking("raj", "dm", token=token(world, "raj"))
    for _ in range(2):
        told = await world.use(search_messages, {"words": "POSTGRES"}, who)
    assert [(m["in"], m["says"]) for m in told["messages"]] == [
        ("this conversation", "my postgres password hint"),
        ("#leads", "Postgres costs 9000, keep it quiet"),
        ("#engineering", "We take Postgres for the ledger"),
    ]
    assert told["looked_through"] == "3 messages of 3 channels"
    assert "Replies inside threads" in told["left_out"]
    assert world.tally.footnotes == ["Looked through 3 messages of 3 channels."]
    assert world.calls("assistant.search.context") == 1, "that it is not there is remembered"
    assert set(await world.drawn.all()) == {drawn.channel(world.id(c)) for c in ("engineering", "leads")}


async def test_a_search_may_be_narrowed_to_a_channel_a_person_and_a_time(world: World) -> None:
    world.allow("engineering")
    for day, person in enumerate(("ana", "raj", "ana")):
        world.say(person, "engineering", f"budget {day}")
        world.later(86_400)
    who = world.asking("raj", "dm")
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({}, ["budget 2", "budget 1", "budget 0"]),
        ({"from_person": "ana"}, ["budget 2", "budget 0"]),
        ({"from_person": f"<@{world.server.workspace.person('raj').id}>"}, ["budget 1"]),
        ({"since": "2025-03-15"}, ["budget 2", "budget 1"]),
        ({"words": "budget 1"}, ["budget 1"]),
        ({"words": "holiday"}, []),
    ]
    for arguments, found in cases:
        told = await world.use(search_messages, {"words": "budget", "channel": "engineering"} | arguments, who)
        assert says(told) == found, arguments
    assert world.calls("assistant.search.context") == 0


async def test_a_search_goes_on_without_what_slack_does_not_answer(world: World) -> None:
    await library(world)
    world.allow("engineering", "random")
    slow = world.id("random")
    world.server.faults.add("conversations.history", status=503, times=None, when=lambda args: args["channel"] == slow)
    told = await world.use(search_messages, {"words": "postgres"}, world.asking("raj", "dm"))
    assert "We take Postgres for the ledger" in says(told)
    assert "say so" in told["left_out"]


async def test_a_private_channel_that_is_mentioned_is_named_only_where_its_name_may_be_told(world: World) -> None:
    world.allow("engineering")
    world.say("ana", "engineering", "the plan is in #leads, see #random")
    hidden, shown = f"the plan is in #{world.id('leads')}, see #random", "the plan is in #leads, see #random"
    reading, who = {"channel": "engineering", "newest_first": True}, world.asking("raj", "general", "1.0")
    assert says(await world.use(read_channel, reading, who)) == [hidden]
    for words, found in (("#leads", []), ("plan", [hidden])):
        assert says(await world.use(search_messages, {"words": words, "channel": "engineering"}, who)) == found
    world.allow("leads")
    assert says(await world.use(read_channel, reading, world.asking("ana", "dm"))) == [shown]


# -- people ---------------------------------------------------------------------------------------------------------------------


async def test_a_person_is_told_of_by_title_and_time_not_by_address(world: World) -> None:
    who = world.asking("ana", "dm")
    told = await world.use(who_is, {"person": "raj"}, who)
    assert (told["name"], told["handle"], told["title"]) == ("Raj Patel", "@raj", "Staff Engineer")
    assert told["time_zone"] == "Asia/Kolkata"
    assert "local_time" in told
    assert "acme.example" not in json.dumps(told)
    assert (await world.use(who_is, {}, who))["name"] == "Ana Becker"
    assert (await world.use(who_is, {"person": f"<@{world.server.workspace.person('gus').id}>"}, who))["guest"] is True
    assert await world.drawn.all() == (drawn.WORKSPACE,)


async def test_people_of_this_place_may_be_told_of_without_a_note(world: World) -> None:
    root = world.say("ana", "engineering", "hi")
    assert (await world.use(who_is, {"person": "Kim Novak"}, world.asking("ana", "engineering", root)))["name"]
    assert await world.drawn.all() == ()


async def test_of_several_people_only_those_are_named_whom_one_may_know(world: World) -> None:
    ws = world.server.workspace
    for n, name in enumerate(("Raj Kumar", "Raj Secret")):
        ws.add_person(Person(f"U00000RAJ{n}", f"raj{n}", name, "", "UTC"))
    world.access.people = {ws.person("raj").id, "U00000RAJ0"}
    who = world.asking("ana", "dm")
    with pytest.raises(ToolRefused) as refused:
        await world.use(who_is, {"person": "ra"}, who)
    assert "Raj Kumar (@raj0)" in str(refused.value)
    assert "Raj Patel (@raj, Staff Engineer)" in str(refused.value)
    assert "Secret" not in str(refused.value)
    assert await world.drawn.all() == (drawn.WORKSPACE,), "their titles too are for full members"
    for person in ("Raj Secret", "U00000RAJ1", "<@U0NOBODYX>", "nobody of that name"):
        with pytest.raises(ToolRefused) as refused:
            await world.use(who_is, {"person": person}, who)
        assert str(refused.value) == NOBODY, person
    world.access.people = None
    with pytest.raises(ToolRefused, match=NOBODY):
        await world.use(who_is, {"person": "<@U0NOBODYX>"}, who)
