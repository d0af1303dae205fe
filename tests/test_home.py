"""The Home tab and what admins do there; and the events about files. A web process hears, a worker's housekeeping does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from slack_bolt.async_app import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext

from bot import buttons, keys
from bot.duties import Duties
from bot.files.shelf import Shelf, Shelved
from bot.home import Tab, view
from bot.settings import Settings
from handlers.files import Files
from handlers.knowledge import NO_FILES, ONLY_ADMINS, TRY_AGAIN, Knowledge
from handlers.parse import (
    MALFORMED,
    FileDeleted,
    Ignored,
    JoinedChannel,
    KnowledgeGiven,
    KnowledgePressed,
    LeftChannel,
    Parsed,
    parse,
    parse_knowledge,
    parse_knowledge_press,
)
from playground.openai import OpenAIServer
from playground.slack import SlackServer
from playground.slack.blocks import check_view
from tests.conftest import connected, running
from tests.housekeeping_world import World, world_of
from tests.library_world import png

EVENTS = {"app_home_opened", "file_deleted", "channel_left", "group_left", "member_joined_channel"}
HOURS = 5


@pytest.fixture
async def world(settings: Settings, slack: SlackServer, ai: OpenAIServer) -> AsyncIterator[World]:
    """A web process that hears, and a worker's files; none yet."""
    slack.subscriptions = slack.subscriptions | EVENTS
    async with running(replace(settings, files_left_hours=HOURS), work=False), world_of(settings, slack, ai) as world:
        await connected(slack)
        yield world


async def home_of(world: World, person: str) -> dict[str, Any]:
    """The Home tab as somebody sees it who has just opened it."""
    workspace = world.server.workspace
    who = workspace.person(person).id
    before = sum(c.method == "views.publish" for c in world.server.calls)
    workspace.open_home(person)
    await world.server.until(lambda: sum(c.method == "views.publish" for c in world.server.calls) > before)
    return workspace.views[workspace.homes[who]]


async def give(world: World, person: str, names: list[str], to: str = "workspace", presser: str = "") -> str:
    """Somebody opens the form and submits files; the view's id. `presser`: who opened it, when that is somebody else."""
    workspace = world.server.workspace
    home = await home_of(world, presser or person)
    workspace.press_view(presser or person, home["id"], buttons.ADD_KNOWLEDGE)
    who = workspace.person(presser or person).id
    await world.server.until(lambda: workspace.modals.get(who))
    modal = workspace.modals[who][-1]
    files = [
        world.share(person, workspace.dm(person).id, name)[0] for name in names
    ]  # Slack shows the app what a form brings
    values = {buttons.GIVEN_FILES: {buttons.GIVEN_FILES: files}, buttons.GIVEN_TO: {buttons.GIVEN_TO: to}}
    workspace.submit(person, modal, values)
    await world.server.until(lambda: not workspace.modals.get(who) or workspace.view_errors.get(modal))
    return modal


def told(world: World, person: str) -> list[str]:
    """What the bot has written to somebody directly."""
    messages = world.server.workspace.messages(world.server.workspace.dm(person))
    return [world.server.workspace.rendered(m) for m in messages if m.get("bot_id")]


async def duties(world: World) -> list[str]:
    found: list[str] = await world.redis.zrange(keys.DUTIES, 0, -1)
    return found


# -- the Home tab -------------------------------------------------------------------------------------------------------------------


async def test_only_admins_see_the_knowledge_in_the_home_tab(world: World) -> None:
    for person, sees in (("ana", True), ("raj", False), ("gus", False)):
        shown = str((await home_of(world, person))["blocks"])
        assert ("Knowledge" in shown, "Add files" in shown) == (sees, sees), person


async def test_an_admin_of_another_company_sees_nothing_of_it(world: World) -> None:
    kim = world.server.workspace.person("kim")
    kim.is_admin, kim.team_id = True, "T2OTHER"
    assert "Knowledge" not in str(await home_of(world, "kim"))


async def test_while_slack_does_not_tell_who_is_an_admin_the_tab_is_shown_without_it(world: World) -> None:
    world.server.faults.add("users.info", status=503, times=None)
    shown = str(await home_of(world, "ana"))
    assert "Ask me" in shown
    assert "Knowledge" not in shown


names = st.text(min_size=1, max_size=300)


@given(
    st.lists(
        st.builds(Shelved, id=names, name=names, visibility=st.sampled_from(["workspace", "everyone"])), max_size=60
    )
)
def test_slack_takes_the_tab_whatever_the_files_are_called(files: list[Shelved]) -> None:
    shown = view(Shelf(tuple(files), len(files)))
    check_view(shown, "home")
    for confirm in (b["accessory"]["confirm"] for b in shown["blocks"] if "accessory" in b):
        assert len(confirm["text"]["text"]) <= 300, "Slack's limit, which the playground does not look at"


def test_a_long_list_is_cut_and_says_so() -> None:
    files = tuple(Shelved(f"K{n}", f"{n}.md", "everyone") for n in range(30))
    shown = view(Shelf(files, 31))
    assert sum("accessory" in b for b in shown["blocks"]) == 20
    assert "11 more" in str(shown)


# -- giving and removing ------------------------------------------------------------------------------------------------------------


async def test_files_of_the_form_are_taken_in_and_the_admin_is_told_of_each(world: World) -> None:
    await give(world, "ana", ["handbook.md", "logo.zip"], to="everyone")
    world.server.workspace.files = {  # what came as an archive
        k: replace_content(f) if f.name == "logo.zip" else f for k, f in world.server.workspace.files.items()
    }
    await world.tidy()
    assert sorted(said.replace("*", "") for said in told(world, "ana")) == [
        "I cannot use logo.zip: archives are not read; please unpack it and share the files.",
        "handbook.md can be searched by everyone, also guests and people of other companies, now.",
    ]
    assert [(r.name, r.channel, r.visibility) for r in await world.rows()] == [("handbook.md", "", "everyone")]
    assert "handbook.md" in str(await home_of(world, "ana"))
    assert "handbook.md" not in str(await home_of(world, "raj"))


def replace_content(file: Any) -> Any:
    """The same file with the beginning of a zip archive."""
    return replace(file, content=b"PK\x03\x04 and so on")


async def test_removing_is_confirmed_done_and_seen_at_once(world: World) -> None:
    await give(world, "ana", ["handbook.md"])
    await world.tidy()
    home = await home_of(world, "ana")
    (button,) = [b["accessory"] for b in home["blocks"] if "accessory" in b]
    assert button["confirm"]
    before = sum(c.method == "views.publish" for c in world.server.calls)
    world.server.workspace.press_view("ana", home["id"], buttons.REMOVE_KNOWLEDGE)
    await world.server.until(lambda: sum(c.method == "views.publish" for c in world.server.calls) > before)
    home = world.server.workspace.views[home["id"]]
    assert "handbook.md" not in str(home["blocks"]), "before a worker has done it"
    await world.tidy()
    assert await world.rows() == []
    assert await world.stored() == {}
    assert "handbook.md" not in str(await home_of(world, "ana"))


@pytest.mark.parametrize("action", [buttons.ADD_KNOWLEDGE, buttons.REMOVE_KNOWLEDGE])
async def test_a_stale_button_does_nothing_for_who_is_no_admin_any_more_and_says_so(world: World, action: str) -> None:
    await give(world, "ana", ["handbook.md"])
    await world.tidy()
    workspace = world.server.workspace
    home, ana = await home_of(world, "ana"), workspace.person("ana")
    ana.is_admin = False
    workspace.press_view("ana", home["id"], action)
    await world.server.until(lambda: workspace.modals.get(ana.id))
    shown = workspace.views[workspace.modals[ana.id][-1]]
    assert ONLY_ADMINS in str(shown)
    assert not shown.get("submit")
    assert [d for d in await duties(world) if not d.startswith("reconcile")] == []


async def test_a_form_submitted_by_who_is_no_admin_any_more_is_refused(world: World) -> None:
    workspace = world.server.workspace
    home = await home_of(world, "ana")
    workspace.press_view("ana", home["id"], buttons.ADD_KNOWLEDGE)
    ana = workspace.person("ana")
    await world.server.until(lambda: workspace.modals.get(ana.id))
    ana.is_admin = False
    modal = workspace.modals[ana.id][-1]
    files = [workspace.add_file("ana", "x.md", b"x")]
    workspace.submit("ana", modal, {buttons.GIVEN_FILES: {buttons.GIVEN_FILES: files}})
    await world.server.until(lambda: workspace.view_errors.get(modal))
    assert workspace.view_errors[modal] == {buttons.GIVEN_FILES: ONLY_ADMINS}
    assert await duties(world) == []


async def test_while_slack_does_not_tell_who_is_an_admin_the_form_stays_open_with_a_word(world: World) -> None:
    workspace = world.server.workspace
    home = await home_of(world, "ana")
    workspace.press_view("ana", home["id"], buttons.ADD_KNOWLEDGE)
    who = workspace.person("ana").id
    await world.server.until(lambda: workspace.modals.get(who))
    modal = workspace.modals[who][-1]
    world.server.faults.add("users.info", times=None, status=503)
    files = [workspace.add_file("ana", "x.md", b"x")]
    workspace.submit("ana", modal, {buttons.GIVEN_FILES: {buttons.GIVEN_FILES: files}})
    await world.server.until(lambda: workspace.view_errors.get(modal))
    assert workspace.view_errors[modal] == {buttons.GIVEN_FILES: TRY_AGAIN}
    assert await duties(world) == []


@pytest.mark.parametrize(("files", "to"), [([], "workspace"), ([{"id": "F1"}], "place"), ("odd", "workspace")])
async def test_a_form_that_slack_should_not_have_sent_is_refused_with_a_word(world: World, files: Any, to: str) -> None:
    given = {"type": "file_input", "files": files}
    chosen = {"type": "static_select", "selected_option": {"value": to}}
    values = {buttons.GIVEN_FILES: {buttons.GIVEN_FILES: given}, buttons.GIVEN_TO: {buttons.GIVEN_TO: chosen}}
    body = {"user": {"id": world.server.workspace.person("ana").id}, "view": {"state": {"values": values}}}
    answers: list[dict[str, Any]] = []

    async def ack(**answer: Any) -> None:
        answers.append(answer)

    listener = Knowledge(world.slack, world.duties, Tab(world.slack, world.redis))
    await listener.given(body, cast("AsyncAck", ack))
    assert answers == [{"response_action": "errors", "errors": {buttons.GIVEN_FILES: NO_FILES}}]
    assert await duties(world) == []


async def test_what_was_given_by_who_is_no_admin_when_it_is_taken_in_is_not(world: World) -> None:
    file, _ = world.share("raj", world.server.workspace.dm("raj").id, "mine.md")
    await world.duties.add(f"take:{file.id}|workspace|{world.server.workspace.person('raj').id}")
    await world.tidy()
    assert await world.rows() == []
    assert [d for d in await duties(world) if d.startswith("take")] == []


# -- events -------------------------------------------------------------------------------------------------------------------------


async def test_a_deleted_file_and_a_channel_that_was_left_become_duties(world: World) -> None:
    workspace = world.server.workspace
    file, _ = await world.taken("ana", "general", "plan.txt")
    workspace.delete_file(file)
    workspace.remove_bot("random")
    workspace.remove_bot("leads")
    left = {f"left:{workspace.channel(c).id}" for c in ("random", "leads")}
    await becomes(world, {f"deleted:{file.id}"} | left)
    now = time.time()
    for duty in left:
        assert (HOURS - 0.1) * 3600 < await world.redis.zscore(keys.DUTIES, duty) - now < (HOURS + 0.1) * 3600
    workspace.add_bot("random")  # it is back
    workspace.join("gus", "random")
    await becomes(world, {f"deleted:{file.id}", f"left:{workspace.channel('leads').id}"})


async def becomes(world: World, wanted: set[str]) -> None:
    """Waits for exactly these duties."""
    async with asyncio.timeout(5):
        while set(await duties(world)) != wanted:  # noqa: ASYNC110  # Redis tells nobody
            await asyncio.sleep(0.02)


async def test_while_redis_is_away_slack_is_to_deliver_the_event_again(free_port: int) -> None:
    async with Redis.from_url(f"redis://127.0.0.1:{free_port}/0", retry=Retry(NoBackoff(), 0)) as away:
        body = {"event": {"type": "file_deleted", "file_id": "F1"}, "event_id": "Ev1"}
        with pytest.raises(RedisError):
            await Files(Duties(away), HOURS).heard(body, AsyncBoltContext())


@pytest.mark.parametrize(
    ("event", "parsed"),
    [
        ({"type": "file_deleted", "file_id": "F1"}, FileDeleted("F1")),
        ({"type": "channel_left", "channel": "C1"}, LeftChannel("C1")),
        ({"type": "group_left", "channel": "G1"}, LeftChannel("G1")),
        ({"type": "member_joined_channel", "channel": "C1", "user": "UBOT"}, JoinedChannel("C1")),
        ({"type": "member_joined_channel", "channel": "C1", "user": "U1"}, Ignored("somebody else joined")),
        ({"type": "file_deleted"}, Ignored(MALFORMED)),
        ({"type": "file_deleted", "file_id": "F1|x"}, Ignored(MALFORMED)),
        ({"type": "channel_left", "channel": None}, Ignored(MALFORMED)),
        ({"type": "member_joined_channel", "channel": "C1"}, Ignored(MALFORMED)),
    ],
)
def test_events_about_files_are_parsed(event: dict[str, Any], parsed: Parsed) -> None:
    assert parse({"event": event, "team_id": "T1", "event_id": "Ev1"}, "UBOT") == parsed


# -- parsing ------------------------------------------------------------------------------------------------------------------------

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "value", "files", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "actions": json_values,
            "user": json_values,
            "trigger_id": json_values,
            "view": st.fixed_dictionaries({"state": st.fixed_dictionaries({"values": json_values})}) | json_values,
        },
    )
)
def test_no_payload_makes_the_parsers_raise(body: dict[str, Any]) -> None:
    assert isinstance(parse_knowledge_press(body), KnowledgePressed | Ignored)
    assert isinstance(parse_knowledge(body), KnowledgeGiven | Ignored)


async def test_a_picture_is_no_knowledge_and_the_admin_is_told_so(world: World) -> None:
    await give(world, "ana", ["logo.png"])
    world.server.workspace.files = {
        k: replace(f, content=png()) if f.name == "logo.png" else f for k, f in world.server.workspace.files.items()
    }
    await world.tidy()
    assert [said.replace("*", "") for said in told(world, "ana")] == [
        "I cannot use logo.png: it holds no text that could be searched."
    ]
    assert await world.rows() == []
    assert await world.stored() == {}
