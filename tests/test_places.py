"""What Slack says of places and people: what it costs to ask, how long an answer counts, and what is made of what Slack does not say."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from bot import keys
from bot.access import Access
from bot.errors import Retryable
from bot.models import ThreadKey
from bot.pace import Pace
from bot.places import KEPT, MOST_ASKED, Place, Places, kind_of, place_of
from bot.redis_client import connect_redis
from bot.slack import connect_slack
from playground.slack import SlackServer
from playground.slack.state import Person

CROWD = 5000


@pytest.fixture
async def places(slack: SlackServer) -> AsyncIterator[Places]:
    """One process without Redis."""
    async with connect_slack(slack.bot_token, slack.api_url, Pace(None, "")) as client:
        yield Places(client)


@pytest.fixture
async def processes(slack: SlackServer, redis_url: str) -> AsyncIterator[tuple[Places, Places, Any]]:
    """Two processes that share a Redis, and that."""
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(connect_redis(redis_url))
        clients = [
            await stack.enter_async_context(connect_slack(slack.bot_token, slack.api_url, Pace(None, "")))
            for _ in range(2)
        ]
        yield Places(clients[0], redis), Places(clients[1], redis), redis


def asked(slack: SlackServer) -> Counter[str]:
    """How often each method was called since the last look."""
    counts = Counter(call.method for call in slack.calls if call.method != "auth.test")
    slack.calls.clear()
    return counts


def crowd(slack: SlackServer, count: int = CROWD) -> None:
    """Many people in #general, one of them a guest."""
    general = slack.workspace.channel("general")
    for n in range(count):
        person = Person(f"U0CROWD{n:05d}", f"p{n}", f"P {n}", f"p{n}@acme.example", "UTC", is_restricted=n == 7)
        general.members.add(slack.workspace.add_person(person).id)


# -- what is asked, and how often ----------------------------------------------------------------------------------------


async def test_a_question_among_five_thousand_people_costs_a_dozen_calls_and_then_none(
    slack: SlackServer, processes: tuple[Places, Places, Any]
) -> None:
    crowd(slack)
    ana, team = slack.workspace.person("ana").id, slack.workspace.app.team_id
    general = ThreadKey(team, slack.workspace.channel("general").id, "1.000001")
    first, second, _ = processes
    assert not (await Access(first).searchable(ana, general, [])).workspace, "the guest was found on one of the pages"
    assert asked(slack) == {"users.conversations": 1, "conversations.members": 6, "users.list": 6}
    assert not (await Access(second).searchable(ana, general, [])).workspace
    assert not (await Access(first).may_still(ana, general, ["workspace"]))
    assert asked(slack) == {}


async def test_a_search_in_a_dm_asks_for_the_askers_places_only_where_that_matters(
    slack: SlackServer, places: Places
) -> None:
    ana, dm = slack.workspace.person("ana").id, slack.workspace.dm("ana").id
    public, private = slack.workspace.channel("general").id, slack.workspace.channel("leads").id
    thread = ThreadKey(slack.workspace.app.team_id, dm, "dm")
    assert (await Access(places).searchable(ana, thread, [public])).channels == tuple(sorted((public, dm)))
    assert asked(slack) == {"conversations.info": 1, "users.list": 1, "users.conversations": 1}
    found = await Access(places).searchable(ana, thread, [public, private])
    assert found.channels == tuple(sorted((public, private, dm)))
    assert asked(slack) == {"users.conversations": 1}


async def test_many_turns_in_all_processes_ask_once(slack: SlackServer, processes: tuple[Places, Places, Any]) -> None:
    general = slack.workspace.channel("general")
    slack.faults.add("conversations.members", delay=0.2)
    first, second, _ = processes
    found = await asyncio.gather(*(p.members(general.id) for p in (first, second) * 10))
    assert set(found) == {frozenset(general.members)}
    assert asked(slack) == {"conversations.members": 1}


async def test_a_turn_that_ends_early_takes_the_answer_from_nobody_else(slack: SlackServer, places: Places) -> None:
    general = slack.workspace.channel("general")
    slack.faults.add("conversations.members", delay=0.2)
    one, other = (asyncio.create_task(places.members(general.id)) for _ in range(2))
    await asyncio.sleep(0.05)
    one.cancel()
    assert await other == frozenset(general.members)
    assert asked(slack) == {"conversations.members": 1}


async def test_a_process_that_died_asking_is_not_waited_for_long(
    slack: SlackServer, processes: tuple[Places, Places, Any]
) -> None:
    first, _, redis = processes
    general = slack.workspace.channel("general")
    key = keys.asking(keys.told(slack.workspace.app.team_id, f"members {general.id}"))
    await redis.set(key, 1, px=300)
    assert await first.members(general.id) == frozenset(general.members)
    assert not await redis.exists(key)


async def test_only_so_many_answers_are_kept(slack: SlackServer, places: Places) -> None:
    for n in range(KEPT + 5):
        assert await places.members(f"C0{n:08d}") is None
    asked(slack)
    await places.members(f"C0{KEPT:08d}")
    assert asked(slack) == {}
    await places.members("C000000000")
    assert asked(slack) == {"conversations.members": 1}


# -- how long an answer counts -------------------------------------------------------------------------------------------


async def test_a_change_of_members_is_noticed_when_the_answers_seconds_are_over(
    slack: SlackServer, processes: tuple[Places, Places, Any]
) -> None:
    first, second, redis = processes
    leads, lee = slack.workspace.channel("leads"), slack.workspace.person("lee").id
    assert lee not in (await first.members(leads.id) or ())
    key = keys.told(slack.workspace.app.team_id, f"members {leads.id}")
    assert 25_000 < await redis.pttl(key) <= 30_000
    until, told = json.loads(await redis.get(key))
    assert 25 < until - time.time() <= 30
    slack.workspace.join("lee", "leads")
    await redis.set(key, json.dumps([time.time() + 0.3, told]), px=300)  # as if the first had asked 29.7 s ago
    assert lee not in (await second.members(leads.id) or ()), "kept, and no longer than where it was asked for"
    await asyncio.sleep(0.35)
    assert lee in (await second.members(leads.id) or ())


async def test_an_invitation_of_the_bot_counts_within_seconds(
    slack: SlackServer, processes: tuple[Places, Places, Any]
) -> None:
    first, _, redis = processes
    payroll = slack.workspace.channel("payroll")
    guests = slack.workspace.channel("guests-only")
    assert await first.place(payroll.id) is None
    there = await first.place(guests.id)
    assert there
    assert not there.bot_in
    key = keys.told(slack.workspace.app.team_id, f"place {guests.id}")
    assert await redis.pttl(key) <= 5_000
    assert not await redis.exists(keys.told(slack.workspace.app.team_id, f"place {payroll.id}"))
    slack.workspace.add_bot(payroll)
    async with connect_slack(slack.bot_token, slack.api_url, Pace(None, "")) as client:
        place = await Places(client, redis).place(payroll.id)  # the list of its places is still the old one
    assert place
    assert place.bot_in


@pytest.mark.parametrize("method", ["conversations.members", "users.list", "users.conversations", "conversations.info"])
async def test_while_slack_is_away_there_is_no_answer_and_none_is_kept(
    slack: SlackServer, places: Places, method: str
) -> None:
    dm, general, raj = (
        slack.workspace.dm("raj").id,
        slack.workspace.channel("general").id,
        slack.workspace.person("raj").id,
    )
    questions: dict[str, Callable[[], Awaitable[object]]] = {
        "conversations.members": lambda: places.members(general),
        "users.list": lambda: places.readers([raj]),
        "users.conversations": lambda: places.of(raj),
        "conversations.info": lambda: places.place(dm),
    }
    slack.faults.add(method, status=503)
    slack.faults.add(method, status=429)
    for _ in range(2):
        with pytest.raises(Retryable):
            await questions[method]()
    assert await questions[method]()


async def test_without_redis_or_with_strange_answers_in_it_slack_is_asked(
    slack: SlackServer, processes: tuple[Places, Places, Any], free_port: int
) -> None:
    general, team = slack.workspace.channel("general"), slack.workspace.app.team_id
    _, _, redis = processes
    later = time.time() + 60
    for strange in ("no JSON", "[]", json.dumps([later, [{"of": "another version"}]])):
        await redis.set(keys.told(team, "own"), strange)
        async with connect_slack(slack.bot_token, slack.api_url, Pace(None, "")) as client:
            assert general.id in await Places(client, redis).own()
    async with (
        Redis.from_url(f"redis://127.0.0.1:{free_port}/0", retry=Retry(NoBackoff(), 0)) as away,
        connect_slack(slack.bot_token, slack.api_url, Pace(None, "")) as client,
    ):
        assert await Places(client, away).members(general.id) == frozenset(general.members)


# -- places --------------------------------------------------------------------------------------------------------------


async def test_a_place_is_found_by_whatever_people_call_it(slack: SlackServer, places: Places) -> None:
    workspace, url = slack.workspace, slack.workspace.app.origin
    general, guests = workspace.channel("general").id, workspace.channel("guests-only").id
    found = {
        "general": general, "#general": general, " #General ": general, f"<#{general}|general>": general, f"<#{general}>": general,
        general: general, f"{url}/archives/{general}": general, f"{url}/archives/{general}/p1700000000000100": general,
        f"<{url}/archives/{general}/p1700000000000100?thread_ts=1700000000.000100&cid={general}|a link>": general, f"{url.upper()}/archives/{general}": general,
        "#guests-only": guests, "leads": workspace.channel("leads").id, workspace.dm("ana").id: workspace.dm("ana").id,
    }  # fmt: skip
    nowhere = (
        "", "#", "#payroll", "#no-such-place", "ana", "<#general>", "#C", f"https://evil.example/archives/{general}", f"{url}/messages/{general}",
        f"{url}.evil.example/archives/{general}", f"{url.replace('://', '://x@')}/archives/{general}", "https://[/archives/C1", f"<@{general}>",
    )  # fmt: skip
    assert {said: await places.find(said) for said in found} == found
    assert {said: await places.find(said) for said in nowhere} == dict.fromkeys(nowhere)


async def test_of_two_channels_of_one_name_the_living_one_is_meant(slack: SlackServer, places: Places) -> None:
    bot = slack.workspace.app.bot_user_id
    for members in ([bot], ["ana"]):
        suffix = str(len(members)) + members[0]
        old = slack.workspace.add_channel("plans", members, id=f"C0OLD{suffix}".upper())
        old.is_archived = True
        new = slack.workspace.add_channel("plans", members, id=f"C0NEW{suffix}".upper())
        async with connect_slack(slack.bot_token, slack.api_url, Pace(None, "")) as client:
            assert await Places(client).find("#plans") == new.id
        del slack.workspace.channels[old.id], slack.workspace.channels[new.id]


async def test_a_place_is_what_slack_says_it_is(slack: SlackServer, places: Places) -> None:
    workspace = slack.workspace
    bot = workspace.app.bot_user_id
    shared = workspace.add_channel("shared", ["ana", bot])
    shared.is_ext_shared = True
    group = workspace.add_channel("mpdm-ana--raj", ["ana", "raj", bot], kind="mpim")
    workspace.archive("random")
    dm, ana = workspace.dm("ana").id, workspace.person("ana").id

    async def told(name: str) -> Place | None:
        return await places.place(workspace.channel(name).id)

    assert await told("general") == Place(workspace.channel("general").id, "general", "channel")
    assert await told("leads") == Place(workspace.channel("leads").id, "leads", "group")
    assert await told("shared") == Place(shared.id, "shared", "channel", external=True)
    assert await told("guests-only") == Place(
        workspace.channel("guests-only").id, "guests-only", "channel", bot_in=False
    )
    assert await told("random") == Place(workspace.channel("random").id, "random", "channel", archived=True)
    assert await places.place(group.id) == Place(group.id, "mpdm-ana--raj", "mpim")
    assert await places.place(dm) == Place(dm, "", "im", frozenset({ana}))
    assert await told("payroll") is None
    assert await places.place("C0NOWHERE9") is None
    assert await places.place("") is None


@pytest.mark.parametrize(
    "said",
    [
        {"is_ext_shared": True},
        {"is_org_shared": True},
        {"is_shared": True},
        {"is_pending_ext_shared": True},
        {"pending_shared": ["T0OTHERCOM"]},
        {"pending_connected_team_ids": ["T0OTHERCOM"]},
        {"is_ext_shared": None},
    ],
)
def test_what_is_shared_or_about_to_be_is_external(said: dict[str, Any]) -> None:
    raw = {"id": "C1", "name": "c", "is_private": False, "is_ext_shared": False, "is_member": True}
    assert not place_of(raw).external
    assert place_of({k: v for k, v in (raw | said).items() if v is not None}).external


def test_what_slack_does_not_say_counts_as_private_and_shared() -> None:
    place = place_of({"id": "C1"})
    assert (place.kind, place.external) == ("group", True)
    assert place_of({"id": "D1", "is_im": True}).members == frozenset(), "so nobody reads it"


# -- people --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({}, "member"),
        ({"is_restricted": True}, "guest"),
        ({"is_ultra_restricted": True}, "guest"),
        ({"is_stranger": True}, "stranger"),
        ({"team_id": "T2"}, "stranger"),
        ({"team_id": None}, "stranger"),
        ({"team_id": "T2", "deleted": True}, "stranger"),
        ({"deleted": True}, "nobody"),
        ({"is_bot": True}, "nobody"),
        ({"id": "USLACKBOT"}, "nobody"),
        ({"deleted": True, "is_restricted": True}, "nobody"),
    ],
)
def test_what_a_person_is(said: dict[str, Any], kind: str) -> None:
    assert kind_of({"id": "U1", "team_id": "T1"} | said, "T1") == kind


async def test_people_who_came_since_the_directory_was_read_are_asked_for_and_nobody_knows_the_others(
    slack: SlackServer, places: Places
) -> None:
    ana = slack.workspace.person("ana").id
    await places.readers([ana])
    new = slack.workspace.add_person(Person("U0NEW", "new", "New", "new@acme.example", "UTC"))
    guest = slack.workspace.add_person(Person("U0GUEST", "guest", "G", "g@acme.example", "UTC", is_restricted=True))
    found = await places.readers([ana, new.id, guest.id, "U0UNKNOWN"])
    assert {r.id: r.kind for r in found.values()} == {
        ana: "member",
        new.id: "member",
        guest.id: "guest",
        "U0UNKNOWN": "stranger",
    }
    assert asked(slack) == {"users.list": 1, "users.info": 3}


async def test_of_many_unknown_people_a_few_are_asked_for_and_the_others_are_strangers(
    slack: SlackServer, places: Places
) -> None:
    found = await places.readers([f"U0NOBODY{n:03d}" for n in range(10 * MOST_ASKED)])
    assert {r.kind for r in found.values()} == {"stranger"}
    assert asked(slack) == {"users.list": 1, "users.info": MOST_ASKED}


async def test_without_a_directory_people_are_asked_for_one_by_one(slack: SlackServer, places: Places) -> None:
    slack.faults.add("users.list", error="limit_required", times=None)
    ana, gus = (slack.workspace.person(n).id for n in ("ana", "gus"))
    assert {r.kind for r in (await places.readers([ana, gus])).values()} == {"member", "guest"}
    slack.faults.add("users.info", error="user_not_visible", times=None)
    raj = slack.workspace.person("raj").id
    assert (await places.readers([raj]))[raj].kind == "stranger"
