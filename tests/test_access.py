"""Who may read what, tried from every side: by a table against the playground's Slack, and by the rules against a plain model of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import product
from typing import Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.access import Access, Audience, Place, Reader, Verdict, may_know, verdict
from bot.errors import Retryable, ToolRefused
from bot.models import ThreadKey
from playground.slack import SlackServer
from playground.slack.state import Person
from tests.access_world import PEOPLE, WANTED, WHERE, asking, place_id, populate, thread_in

PUBLIC = {"open", "attic", "shared"}
PRIVATE = {"secret", "joint", "group"}
EVERYTHING = PUBLIC | PRIVATE | {"own dm"}
ALLOWED: dict[tuple[str, str], set[str]] = {  # (asker, where the answer stands) → what may be read for it; nothing else
    ("ana", "same place"): EVERYTHING,
    ("raj", "same place"): PUBLIC | {"own dm"},  # full members read public channels in Slack, in them or not
    ("gus", "same place"): EVERYTHING,
    ("gil", "same place"): {"own dm"},
    ("sam", "same place"): {"shared", "joint", "own dm"},
    ("sue", "same place"): {"own dm"},
    ("dee", "same place"): EVERYTHING,
    ("ana", "dm"): EVERYTHING,
    ("raj", "dm"): PUBLIC | {"own dm"},
    ("gus", "dm"): EVERYTHING,  # a guest, of what they are in
    ("gil", "dm"): {"own dm"},
    ("sam", "dm"): {"own dm"},
    ("sue", "dm"): {"own dm"},
    ("dee", "dm"): {"own dm"},
    ("ana", "town"): PUBLIC,
    ("raj", "town"): PUBLIC,
    ("ana", "lobby"): PUBLIC,  # read by a guest, who is in all of these
    ("raj", "lobby"): PUBLIC,
    ("gus", "lobby"): PUBLIC,
    ("ana", "den"): PUBLIC,
    ("raj", "den"): PUBLIC,
    ("ana", "lair"): PUBLIC,
    ("raj", "lair"): PUBLIC,
    ("gus", "lair"): PUBLIC,
    ("ana", "trio"): PUBLIC,
    ("raj", "trio"): PUBLIC,
}
MAY_INVITE = {
    ("ana", "same place"), ("raj", "same place"), ("gus", "same place"), ("dee", "same place"), ("ana", "dm"), ("raj", "dm"), ("gus", "dm"),
    ("ana", "town"), ("raj", "town"), ("ana", "lobby"), ("raj", "lobby"), ("gus", "lobby"), ("ana", "den"), ("raj", "den"), ("ana", "lair"),
    ("raj", "lair"), ("gus", "lair"), ("ana", "trio"), ("raj", "trio"),
}  # fmt: skip
CELLS = tuple(product(PEOPLE, WHERE, WANTED))
Reads = Callable[[str, str, ThreadKey], Awaitable[bool]]  # (what is wanted, who asks, where the answer stands)


@pytest.fixture
def world(slack: SlackServer) -> SlackServer:
    populate(slack)
    return slack


async def granted(slack: SlackServer, reads: Reads) -> dict[tuple[str, str], set[str]]:
    """The cells that a way of reading grants."""
    found: dict[tuple[str, str], set[str]] = {}
    for asker, where, wanted in CELLS:
        destination = thread_in(slack, where, wanted, asker)
        if await reads(place_id(slack, wanted, asker), slack.workspace.person(asker).id, destination):
            found.setdefault((asker, where), set()).add(wanted)
    return found


def by_place(access: Access) -> Reads:
    async def reads(wanted: str, asker: str, destination: ThreadKey) -> bool:
        try:
            return (await access.place(wanted, asker, destination)).id == wanted
        except ToolRefused:
            return False

    return reads


async def test_every_asker_reads_in_every_place_what_the_table_allows_and_nothing_else(world: SlackServer) -> None:
    async with asking(world) as (access, _):
        assert await granted(world, by_place(access)) == ALLOWED


async def test_a_conversation_goes_on_exactly_where_what_it_drew_on_may_be_read(world: SlackServer) -> None:
    async with asking(world) as (access, _):

        async def reads(wanted: str, asker: str, destination: ThreadKey) -> bool:
            return await access.may_still(asker, destination, ["file:file-1", f"channel:{wanted}"])

        found = await granted(world, reads)
    # What stands in the place itself is told to those who write there: it is no more than they have before them.
    elsewhere = {cell: places for cell, places in found.items() if cell[1] != "same place"}
    assert elsewhere == {cell: places for cell, places in ALLOWED.items() if cell[1] != "same place"}


async def test_a_search_in_a_dm_sees_what_may_be_read_there_and_in_a_channel_its_own_files_only(
    world: SlackServer,
) -> None:
    async with asking(world) as (access, _):

        async def reads(wanted: str, asker: str, destination: ThreadKey) -> bool:
            stored = [place_id(world, name, asker) for name in WANTED] + [""]
            return wanted in (await access.searchable(asker, destination, stored)).channels

        found = await granted(world, reads)
    assert {where for _, where in found} == {"same place", "dm"}, "in a channel nothing of another"
    same = {asker: places - {"unjoined"} for (asker, where), places in found.items() if where == "same place"}
    assert same == {asker: places for (asker, where), places in ALLOWED.items() if where == "same place"}
    dms = {cell: places for cell, places in found.items() if cell[1] == "dm"}
    assert dms == {cell: places for cell, places in ALLOWED.items() if cell[1] == "dm"}


@pytest.mark.parametrize("dm", [True, False])
async def test_a_refusal_has_the_same_words_whatever_the_reason(world: SlackServer, dm: bool) -> None:
    said: dict[str, set[tuple[str, str]]] = {}
    async with asking(world) as (access, _):
        for asker, where, wanted in CELLS:
            destination = thread_in(world, where, wanted, asker)
            if destination.is_dm != dm:
                continue
            try:
                await access.place(place_id(world, wanted, asker), world.workspace.person(asker).id, destination)
            except ToolRefused as refusal:
                said.setdefault(str(refusal), set()).add((asker, where))
                invited = "/invite @assist" in str(refusal)
                assert invited == (wanted == "unjoined" and (asker, where) in MAY_INVITE), (asker, where, wanted)
    invitation = "I am not in #unjoined: invite me there with /invite @assist."
    assert set(said) > {invitation}
    assert len(said) == 2
    (neutral,) = set(said) - {invitation}
    assert "direct message" in neutral or dm


async def test_a_name_that_does_not_exist_is_refused_like_that_of_a_private_place(world: SlackServer) -> None:
    said = set()
    ana, raj = (world.workspace.person(n).id for n in ("ana", "raj"))
    town = thread_in(world, "town", "", "raj")
    async with asking(world) as (access, _):
        for asker, wanted in ((raj, "#secret"), (ana, "#secret"), (raj, "#no-such-place"), (raj, "#hidden"), (raj, "")):
            with pytest.raises(ToolRefused) as refused:
                await access.place(wanted, asker, town)
            said.add(str(refused.value))
        assert (await access.place("#OPEN", raj, town)).name == "open"
    assert len(said) == 1


async def test_an_archived_channel_that_the_bot_is_not_in_is_named_as_such(world: SlackServer) -> None:
    world.workspace.channel("unjoined").is_archived = True
    async with asking(world) as (access, _):
        with pytest.raises(ToolRefused, match="#unjoined is archived"):
            await access.place("#unjoined", world.workspace.person("ana").id, thread_in(world, "town", "", "ana"))


async def test_the_workspaces_knowledge_is_for_full_members_among_themselves(world: SlackServer) -> None:
    places = {"dm": {"ana", "raj"}, "town": {"ana", "raj"}, "den": {"ana", "raj"}, "trio": {"ana", "raj"}}
    found: dict[str, set[str]] = {}
    async with asking(world) as (access, _):
        for asker, where in product(PEOPLE, (w for w in WHERE if w != "same place")):
            destination, user = thread_in(world, where, "", asker), world.workspace.person(asker).id
            searchable = await access.searchable(user, destination, [])
            assert searchable.everyone
            assert searchable.workspace == await access.may_still(user, destination, ["workspace"])
            if searchable.workspace:
                found.setdefault(where, set()).add(asker)
    assert found == places


async def test_people_are_told_of_to_full_members_among_themselves_else_to_those_they_are_with(
    world: SlackServer,
) -> None:
    async with asking(world) as (access, _):

        async def known(asker: str, where: str) -> set[str]:
            user, destination = world.workspace.person(asker).id, thread_in(world, where, "", asker)
            return {
                name for name in PEOPLE if await access.may_know(world.workspace.person(name).id, user, destination)
            }

        assert await known("ana", "dm") == await known("ana", "town") == await known("raj", "trio") == set(PEOPLE)
        assert await known("ana", "lobby") == await known("gus", "lair") == {"ana", "raj", "gus"}
        assert await known("gus", "dm") == {"gus"}
        assert await known("sam", "dm") == {"sam"}
        assert await known("sue", "fair") == set(PEOPLE), "all of them are there"
        assert await known("sue", "den") == {"sue"}, "who is not there"


async def test_private_places_are_named_where_they_are_and_in_the_dms_of_those_who_are_in_them(
    world: SlackServer,
) -> None:
    private = {place_id(world, name, "") for name in ("secret", "joint", "group", "den", "lair", "trio", "leads")}
    mine = {place_id(world, name, "") for name in ("den", "lair", "trio", "leads")}  # raj's
    async with asking(world) as (access, _):

        async def unnamed(where: str, asker: str) -> frozenset[str]:
            return await access.unnamed(world.workspace.person(asker).id, thread_in(world, where, "", asker))

        assert await unnamed("town", "ana") == private, "others read along"
        assert await unnamed("den", "ana") == private - {place_id(world, "den", "")}
        assert await unnamed("dm", "ana") == frozenset()
        assert await unnamed("dm", "raj") == private - mine
        assert await unnamed("dm", "gil") == private


async def test_an_unknown_source_ends_a_conversation(world: SlackServer) -> None:
    destination = thread_in(world, "town", "", "ana")
    async with asking(world) as (access, _):
        ana = world.workspace.person("ana").id
        assert not await access.may_still(ana, destination, ["something new"])
        assert not await access.may_still(ana, destination, ["channel:"])
        assert await access.may_still(ana, destination, ["file:1"])


@pytest.mark.parametrize("method", ["users.conversations", "conversations.members", "users.list"])
async def test_while_slack_is_away_nothing_is_allowed(world: SlackServer, method: str) -> None:
    world.faults.add(method, status=503, times=None)
    ana, destination = world.workspace.person("ana").id, thread_in(world, "lobby", "", "ana")
    async with asking(world) as (access, _):
        with pytest.raises(Retryable):
            await access.place("#open", ana, destination)
        with pytest.raises(Retryable):
            await access.searchable(ana, destination, [])
        with pytest.raises(Retryable):
            await access.may_still(ana, destination, ["workspace"])


@pytest.mark.parametrize("method", ["conversations.members", "conversations.info", "users.conversations", "users.list"])
async def test_what_slack_refuses_to_tell_allows_nothing_more(world: SlackServer, method: str) -> None:
    world.faults.add(method, error="fetch_members_failed", times=None)
    async with asking(world) as (access, _):
        found = await granted(world, by_place(access))
    assert all(places <= ALLOWED.get(cell, set()) for cell, places in found.items())


# -- the rules against a plain model of them ---------------------------------------------------------------------------

KINDS: tuple[Literal["member", "guest", "stranger", "nobody"], ...] = ("member", "guest", "stranger", "nobody")
PLACES: tuple[Literal["channel", "group", "mpim", "im"], ...] = ("channel", "group", "mpim", "im")


def place_like(id_: str, drawn: int) -> Place:
    """A place from the bits of a number: its kind, whether it is shared, whether the bot is in it, and who is."""
    kind, drawn = PLACES[drawn & 3], drawn >> 2
    inside = [f"U{n}" for n in range(5) if drawn >> n & 1]
    unshared, there = drawn >> 5 & 3, drawn >> 7
    bot_in = bool(there) or kind == "im"
    return Place(id_, "", kind, frozenset(inside[:1] if kind == "im" else inside), not unshared, bot_in)


# Five people and two places. Hypothesis draws numbers of up to 24 bits evenly, larger ones not.
WORLDS = st.builds(
    lambda kinds, one, two: (
        [Reader(f"U{n}", KINDS[kinds >> 2 * n & 3]) for n in range(5)],
        [place_like("C000000000", one), place_like("C000000001", two)],
    ),
    st.integers(0, 4**5 - 1),
    st.integers(0, 2**10 - 1),
    st.integers(0, 2**10 - 1),
)


def may_open(person: Reader, place: Place) -> bool:
    """What Slack shows to somebody."""
    if place.kind == "channel" and person.kind == "member":
        return True
    return person.id in place.members


def should(source: Place, asker: Reader, here: Place, people: list[Reader]) -> bool:
    """Promise 5 said once more, without looking at the code."""
    alive = [p for p in people if p.kind != "nobody"]
    audience = [p for p in alive if may_open(p, here)]
    if not may_open(asker, here) or not may_open(asker, source) or not source.bot_in:
        return False
    if source.id == here.id:
        return True
    if any(not may_open(p, source) for p in audience):
        return False
    if asker.kind in ("stranger", "nobody") or source.kind == "im":
        return False
    if here.kind == "im":
        return True
    strangers = any(p.kind == "stranger" for p in audience)
    return source.kind == "channel" and not here.external and not strangers


def should_know(person: Reader, asker: Reader, here: Place, people: list[Reader]) -> bool:
    """Likewise, of profiles: full members see everybody's, others meet those who are there with them."""
    readers = [p for p in people if p.kind != "nobody" and may_open(p, here)]
    among_themselves = all(p.kind == "member" for p in (asker, *readers)) and not here.external
    return person == asker or (may_open(asker, here) and (among_themselves or person.id in here.members))


@settings(max_examples=1_500, deadline=None)
@given(WORLDS)
def test_the_rules_are_those_of_the_promise(world: tuple[list[Reader], list[Place]]) -> None:
    hold_rules_against_the_promise(world)


@pytest.mark.slow
@settings(max_examples=10_000, deadline=None)
@given(WORLDS)
def test_the_rules_are_those_of_the_promise_in_many_worlds(world: tuple[list[Reader], list[Place]]) -> None:
    hold_rules_against_the_promise(world)


def hold_rules_against_the_promise(world: tuple[list[Reader], list[Place]]) -> None:
    people, (source, other) = world
    for here, asker in product((source, other), people):
        outsiders = frozenset(p for p in people if p.id in here.members and p.kind in ("guest", "stranger"))
        audience = Audience(asker, here, outsiders)
        allowed = verdict(source, audience) is Verdict.YES
        assert allowed == should(source, asker, here, people)
        if allowed and source != here:
            readers = [p for p in people if p.kind != "nobody" and may_open(p, here)]
            assert all(may_open(p, source) for p in readers), "a leak"
        there = replace(source, bot_in=True)
        invited = not source.bot_in and source.kind == "channel" and should(there, asker, here, people)
        assert (verdict(source, audience) is Verdict.INVITE) == invited
        for person in people:
            assert may_know(person.id, audience) == should_know(person, asker, here, people)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=WORLDS)
async def test_so_they_are_when_slack_is_asked(slack: SlackServer, drawn: tuple[list[Reader], list[Place]]) -> None:
    """The same worlds, in the playground; each begins with nothing known."""
    people, places = drawn
    places = [p for p in places if p.kind != "im"] + [Place("D000000000", "", "im", frozenset({people[0].id}))]
    workspace, bot = slack.workspace, slack.workspace.app.bot_user_id
    workspace.channels.clear()
    for one in people:
        person = workspace.add_person(Person(one.id, one.id, one.id, f"{one.id}@acme.example", "UTC"))
        person.is_restricted, person.deleted = one.kind == "guest", one.kind == "nobody"
        person.team_id = "T0OTHERCOM" if one.kind == "stranger" else ""
    for place in places:
        members = [*place.members, *([bot] if place.bot_in else [])]
        workspace.add_channel(place.id, members, kind=place.kind, id=place.id).is_ext_shared = place.external
    async with asking(slack) as (access, _):
        reads = by_place(access)
        for source, here, asker in product(places, places, people):
            if here.bot_in:  # or nobody is answered there
                destination = ThreadKey(workspace.app.team_id, here.id, "1.000001")
                allowed = await reads(source.id, asker.id, destination)
                assert allowed == should(source, asker, here, people), (source, here, asker)


async def test_in_a_dm_however_many_private_places_were_drawn_on_slack_is_asked_once(world: SlackServer) -> None:
    async with asking(world) as (access, _):
        ana = world.workspace.person("ana")
        private = [
            world.workspace.add_channel(f"private{n}", [ana.id, world.workspace.app.bot_user_id], kind="group")
            for n in range(30)
        ]
        dm = ThreadKey(world.team_id, world.workspace.dm(ana).id, "dm")
        sources = [f"channel:{place.id}" for place in private]
        assert await access.may_still(ana.id, dm, sources)
        assert sum(c.method in ("conversations.members", "users.conversations") for c in world.calls) <= 2
        assert not await access.may_still(world.workspace.person("raj").id, dm, sources)
