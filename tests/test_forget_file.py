"""Who may have a file forgotten, and what of it they are told."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.access import Access, Searchable
from bot.admins import is_admin
from bot.errors import ToolRefused
from bot.models import DM_ROOT, Person, ThreadKey
from bot.pace import Pace
from bot.settings import Settings
from bot.slack import connect_slack
from bot.sources import Sources
from bot.tools.forget_file import NOT_HERE, NOT_THEIRS, SEVERAL, forget_file
from playground.openai import OpenAIServer
from playground.slack import SlackServer
from tests.asking import NO_OFFICE, NO_SCHEDULING, asking
from tests.housekeeping_world import TEAM, World, world_of


@dataclass
class Seen:
    """Access as a table: the channels that an answer may see."""

    channels: tuple[str, ...]

    async def searchable(self, asker: str, destination: ThreadKey, stored: Sequence[str]) -> Searchable:  # noqa: ARG002  # Access' own
        """Those of the table that have files."""
        return Searchable(tuple(c for c in stored if c in self.channels), workspace=True)


@pytest.fixture
async def world(settings: Settings, slack: SlackServer, ai: OpenAIServer) -> AsyncIterator[World]:
    """A worker's files; none yet."""
    async with world_of(settings, slack, ai) as world:
        yield world


async def ask(world: World, person: str, place: str, file: str, also: Sequence[str] = ()) -> Any:
    """A call of the tool; `also` are other places that the asker may see from there."""
    workspace = world.server.workspace
    who, channel = workspace.person(person), workspace.dm(person).id if place == "dm" else workspace.channel(place).id
    seen = Seen((channel, *(workspace.channel(c).id for c in also)))
    sources = Sources(
        access=cast("Access", seen),
        reading=cast("Any", None),
        library=world.library,
        drawn=cast("Any", None),
        office=NO_OFFICE,
        scheduling=NO_SCHEDULING,
        spend=lambda _: None,
        note=lambda *_: None,
    )
    thread = ThreadKey(TEAM, channel, DM_ROOT if place == "dm" else "1.1")
    arguments = forget_file.parse(json.dumps({"file": file}))
    call = asking(world.database, Person(who.id, who.name), thread, sources=sources)
    assert forget_file.before
    known = await forget_file.before(arguments, call)
    async with world.database.begin() as tx:
        return await forget_file.run(arguments, replace(call, transaction=tx, known=known))


async def states(world: World) -> list[str]:
    return [r.state for r in await world.rows()]


@pytest.mark.parametrize("person", ["raj", "ana"])  # who shared it; an admin
async def test_a_file_is_forgotten_for_who_shared_it_and_for_admins(world: World, person: str) -> None:
    file, _ = await world.taken("raj", "general", "Plan.txt")
    told = await ask(world, person, "general", "plan.TXT")
    assert told == {"forgotten": "plan.TXT", "when": "within a minute", "note": "In Slack the file is still there."}
    assert await states(world) == ["going"]
    await world.tidy()
    assert await world.rows() == []
    assert await world.stored() == {}
    assert not file.deleted


async def test_others_are_told_whose_right_it_is(world: World) -> None:
    await world.taken("raj", "general", "plan.txt")
    with pytest.raises(ToolRefused, match=NOT_THEIRS):
        await ask(world, "lee", "general", "plan.txt")
    assert await states(world) == ["ready"]


async def test_nobody_learns_of_a_file_of_another_place(world: World) -> None:
    file, _ = await world.taken("raj", "leads", "payrise.txt")
    for wanted in ("payrise.txt", file.id, f"https://acme.slack.com/files/U1/{file.id}/payrise.txt", "no-such.txt"):
        with pytest.raises(ToolRefused) as refused:
            await ask(world, "ana", "general", wanted)
        assert str(refused.value) == NOT_HERE
    assert await states(world) == ["ready"]


async def test_in_a_direct_message_the_asker_may_have_its_files_forgotten_and_their_own_of_other_places(
    world: World,
) -> None:
    dm = world.server.workspace.dm("lee").id
    receipt, _ = await world.taken("lee", dm, "receipt.txt")
    await world.taken("lee", "general", "mine.txt", b"By me.")
    await world.taken("raj", "general", "theirs.txt", b"By somebody else.")
    await ask(world, "lee", "dm", receipt.id)
    await ask(world, "lee", "dm", "mine.txt", also=["general"])
    with pytest.raises(ToolRefused, match=NOT_THEIRS):
        await ask(world, "lee", "dm", "theirs.txt", also=["general"])
    assert {r.name: r.state for r in await world.rows()} == {
        "receipt.txt": "going",
        "mine.txt": "going",
        "theirs.txt": "ready",
    }


async def test_a_part_of_a_name_or_a_name_of_several_files_forgets_none(world: World) -> None:
    first, _ = await world.taken("raj", "general", "plan.txt", b"The first.")
    await world.taken("raj", "general", "plan.txt", b"The second.")
    for wanted, word in (("plan", NOT_HERE), ("plan.txt", SEVERAL)):
        with pytest.raises(ToolRefused) as refused:
            await ask(world, "raj", "general", wanted)
        assert str(refused.value) == word
    await ask(world, "raj", "general", first.id)
    assert sorted(await states(world)) == ["going", "ready"]


async def test_while_slack_does_not_tell_who_is_an_admin_nothing_is_forgotten(world: World) -> None:
    await world.taken("raj", "general", "plan.txt")
    world.server.faults.add("users.info", status=503, times=None)
    with pytest.raises(ToolRefused, match="just now"):
        await ask(world, "ana", "general", "plan.txt")
    assert await states(world) == ["ready"]


async def test_an_admin_of_another_company_is_no_admin_here(world: World) -> None:
    stranger = world.server.workspace.person("kim")
    stranger.is_admin, stranger.team_id = True, "T2OTHER"
    await world.taken("raj", "general", "plan.txt")
    with pytest.raises(ToolRefused, match=NOT_THEIRS):
        await ask(world, "kim", "general", "plan.txt")


@pytest.mark.parametrize(
    ("told", "admin"),
    [
        ({"team_id": TEAM, "is_owner": True}, True),
        ({"team_id": TEAM, "is_primary_owner": True}, True),
        ({"team_id": "E1", "is_admin": True, "enterprise_user": {"teams": ["T9", TEAM]}}, True),
        ({"team_id": TEAM}, False),
        ({"team_id": "T2", "is_admin": True, "is_stranger": False}, False),
        ({"team_id": TEAM, "is_admin": True, "is_stranger": True}, False),
        ({"team_id": TEAM, "is_admin": True, "deleted": True}, False),
        ({"is_admin": True}, False),
    ],
)
async def test_an_admin_is_one_of_this_very_workspace(told: dict[str, Any], admin: bool) -> None:
    async def answer(request: web.Request) -> web.Response:
        if request.path.endswith("users.info"):
            return web.json_response({"ok": True, "user": {"id": "U1", **told}})
        return web.json_response({"ok": True, "team_id": TEAM, "user_id": "U2"})

    app = web.Application()
    app.router.add_route("*", "/api/{method}", answer)
    async with (
        TestServer(app) as server,
        connect_slack("xoxb-1", str(server.make_url("/api/")), Pace(None, "")) as slack,
    ):
        assert await is_admin(slack, "U1") is admin
