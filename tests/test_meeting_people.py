"""Whom meetings are with: mentions, names, user groups, addresses, rooms, guests; on the playground's Slack, asked over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import time
from pathlib import Path

import pytest

from bot.database import Database, open_database
from bot.errors import MeetingRefused, Retryable
from bot.meetings.hours import keep_hours
from bot.meetings.people import EVERYBODY, MEMBERS_ONLY, TOO_MANY, People
from bot.meetings.values import Attendee, Hours
from bot.meetings.when.request import Called
from bot.models import By
from bot.pace import Pace
from bot.slack import connect_slack
from playground.slack import SlackServer
from playground.slack.state import Person, make_id
from tests.databases import with_tables

ROOMS = {"Aquarium": "aquarium@rooms.example.com", "The Attic": "attic@rooms.example.com"}
USUAL = Hours(zone="UTC", week=(((time(9), time(17)),),) * 5 + ((), ()))


class Named:
    """People as one bot process knows them."""

    def __init__(self, server: SlackServer, people: People) -> None:
        self.server, self.people = server, people

    def id(self, name: str) -> str:
        return str(self.server.workspace.person(name).id)

    async def attendees(self, *said: str, optional: tuple[str, ...] = ()) -> tuple[Attendee, ...]:
        organizer = await self.people.organizer(self.id("ana"))
        called = [*(Called(s) for s in said), *(Called(s, required=False) for s in optional)]
        return await self.people.attendees(organizer, called)

    async def ids(self, *said: str) -> list[str]:
        """Without the organizer."""
        return [a.id for a in (await self.attendees(*said))[1:]]

    async def refused(self, *said: str) -> str:
        with pytest.raises(MeetingRefused) as refused:
            await self.attendees(*said)
        return str(refused.value)

    def calls(self, method: str) -> int:
        return sum(c.method == method for c in self.server.calls)

    def hire(self, name: str, real_name: str, **more: object) -> Person:
        """Somebody more in the workspace."""
        person = Person(make_id("U", name), name, real_name, f"{name}@acme.example", "Europe/Berlin", **more)  # type: ignore[arg-type]  # fields of a person
        self.server.workspace.add_person(person)
        return person


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with open_database(with_tables(tmp_path)) as database:
        yield database


@pytest.fixture
async def named(slack: SlackServer, database: Database) -> AsyncIterator[Named]:
    async with connect_slack(slack.bot_token, slack.api_url, Pace(None, "")) as client:
        yield Named(slack, People(client, database, ROOMS, USUAL))


# -- who asks ---------------------------------------------------------------------------------------------------------------


async def test_the_organizer_comes_first_and_takes_part(named: Named) -> None:
    (ana,) = await named.attendees()
    assert (ana.id, ana.name, ana.email, ana.zone) == (
        named.id("ana"),
        "Ana Becker",
        "ana@acme.example",
        "Europe/Berlin",
    )
    assert (ana.answer, ana.required, ana.kind) == ("accepted", True, "member")


@pytest.mark.parametrize(
    "marks", [{"team_id": "T0OTHERCOM"}, {"deleted": True}, {"is_restricted": True}, {"is_bot": True}]
)
async def test_only_full_members_of_this_workspace_arrange_meetings(named: Named, marks: dict[str, object]) -> None:
    sam = named.hire("sam", "Sam Hill", **marks)
    with pytest.raises(MeetingRefused, match="members of this workspace"):
        await named.people.organizer(sam.id)
    with pytest.raises(MeetingRefused) as refused:
        await named.people.organizer("U00NOBODY0")
    assert str(refused.value) == MEMBERS_ONLY


async def test_who_has_become_a_guest_is_asked_about_anew(named: Named) -> None:
    await named.people.organizer(named.id("raj"))
    assert named.calls("users.info") == 1
    await named.people.organizer(named.id("raj"))
    assert named.calls("users.info") == 1, "not for each press"


# -- one person by many names -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said", ["<@{id}>", "<@{id}|raj>", "{id}", "@raj", "raj", "Raj", "Raj Patel", "raj patel", "patel", "raj@acme.example", "RAJ@Acme.Example", "<mailto:raj@acme.example|raj@acme.example>", "[raj@acme.example](mailto:raj@acme.example)", "Raj <raj@acme.example>"],
)  # fmt: skip
async def test_each_way_to_name_a_member_means_that_member(named: Named, said: str) -> None:
    (raj,) = (await named.attendees(said.format(id=named.id("raj"))))[1:]
    assert (raj.id, raj.kind, raj.email, raj.zone) == (named.id("raj"), "member", "raj@acme.example", "Asia/Kolkata")


async def test_the_same_person_named_in_many_ways_comes_once_and_required_wins(named: Named) -> None:
    found = await named.attendees("kim", "@engineers", "me", optional=("raj@acme.example", "@kim", named.id("ana")))
    assert [a.id for a in found] == [named.id(n) for n in ("ana", "kim", "raj", "lee")]
    assert all(a.required for a in found)
    found = await named.attendees(optional=("@raj", "lee"))
    assert [a.required for a in found] == [True, False, False]
    organizer, called = found[0], [Called("raj", required=False), Called("<@" + named.id("raj") + ">")]
    assert [a.required for a in await named.people.attendees(organizer, called)] == [True, True]


async def test_a_name_that_several_have_is_asked_back_with_all_of_them(named: Named) -> None:
    named.hire("rajk", "Raj Kumar <!channel>")
    named.hire("rajiv", "Rajiv Rao")
    said = await named.refused("ra")
    assert "Raj Patel (@raj)" in said
    assert "Rajiv Rao (@rajiv)" in said
    assert "Raj Kumar &lt;!channel&gt;" in said, "names are people's words"
    assert await named.ids("raj k") == [named.id("rajk")]
    assert "Raj Patel (@raj)" in await named.refused("Raj"), "his handle is no likelier than the other's name"
    assert await named.ids("@raj") == [named.id("raj")]


async def test_a_name_that_nobody_has_says_what_to_do(named: Named) -> None:
    assert "nobody called “zoë”" in await named.refused("zoë")
    assert "<@U1&gt" not in await named.refused("<@evil> & co")
    assert len(await named.refused("x" * 5_000)) < 400
    assert "nobody" in await named.refused("<@U0UNKNOWN1>")
    assert "nobody" in await named.refused("")


async def test_who_has_left_apps_and_the_assistant_take_no_part(named: Named) -> None:
    gone, app = named.hire("old", "Otto Old"), named.hire("poll", "Poll App", is_bot=True)
    named.server.workspace.deactivate(gone.id)
    assert "has left" in await named.refused(f"<@{gone.id}>")
    assert "has left" in await named.refused("Otto Old")
    assert "is an app" in await named.refused(f"<@{app.id}>")
    assert "don't take part" in await named.refused(f"<@{named.server.bot_user_id}>")
    assert "is an app" in await named.refused("<@USLACKBOT>") or "nobody" in await named.refused("<@USLACKBOT>")
    for word in ("<!here>", "<!channel|channel>", "@channel", "@here"):
        assert await named.refused(word) == EVERYBODY


async def test_a_name_means_those_who_are_there_before_those_who_have_left(named: Named) -> None:
    gone = named.hire("raj2", "Raj Patel")
    named.server.workspace.deactivate(gone.id)
    assert await named.ids("Raj Patel") == [named.id("raj")]


# -- guests, other companies, no address --------------------------------------------------------------------------------------


async def test_an_address_of_nobody_here_is_a_guests(named: Named) -> None:
    (guest,) = (await named.attendees("Pat@Example.org"))[1:]
    assert guest == Attendee(id="pat@example.org", name="pat@example.org", email="pat@example.org", kind="guest")
    assert named.calls("users.lookupByEmail") == 1
    await named.attendees("pat@example.org")
    assert named.calls("users.lookupByEmail") == 1, "kept for a while"


async def test_somebody_who_has_just_come_is_found_by_address_and_by_mention(named: Named) -> None:
    await named.attendees("raj")  # the directory is read
    new = named.hire("nia", "Nia New")
    assert await named.ids("nia@acme.example") == [new.id]
    assert await named.ids(f"<@{new.id}>") == [new.id]


async def test_people_of_other_companies_come_by_their_address_or_not_at_all(named: Named) -> None:
    sam = named.server.workspace.add_stranger("sam", "Sam Hill", channel="general")
    assert "another company" in await named.refused(f"<@{sam.id}>")
    sam.email = "Sam@Other.example"
    other = named.hire("uma", "Uma Other", team_id="T0OTHERCOM")
    found = (await named.attendees(f"<@{other.id}>"))[1]
    assert (found.id, found.kind, found.name) == ("uma@acme.example", "guest", "Uma Other")


async def test_a_member_without_an_address_takes_part_all_the_same(named: Named) -> None:
    person = named.hire("noa", "Noa Nomail")
    person.email = ""
    (noa,) = (await named.attendees("noa"))[1:]
    assert (noa.id, noa.email, noa.kind) == (person.id, "", "member")


async def test_a_slack_guest_of_this_workspace_is_invited_in_slack(named: Named) -> None:
    assert (await named.attendees("gus"))[1].id == named.id("gus")


# -- user groups ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", ["<!subteam^S0ENGINEERS>", "<!subteam^S0ENGINEERS|@engineers>", "@engineers", "engineers", "Engineers"])  # fmt: skip
async def test_a_user_group_is_its_members(named: Named, said: str) -> None:
    assert await named.ids(said) == [named.id("raj"), named.id("lee")]


async def test_those_of_a_group_who_have_left_are_not_counted(named: Named) -> None:
    named.server.workspace.deactivate("lee")
    assert await named.ids("@engineers") == [named.id("raj")]
    named.server.workspace.usergroups["S0ENGINEERS"]["users"] = [named.id("lee")]
    assert "Nobody is in @engineers" in await named.refused("@engineers")


async def test_a_group_that_is_empty_disabled_too_large_or_unknown_is_refused(named: Named) -> None:
    groups = named.server.workspace.usergroups
    groups["S0EMPTY"] = {"id": "S0EMPTY", "handle": "empty", "name": "Empty", "users": []}
    groups["S0OLD"] = {
        "id": "S0OLD",
        "handle": "old-guard",
        "name": "Old",
        "users": [named.id("raj")],
        "date_delete": 1,
    }
    groups["S0ALL"] = {"id": "S0ALL", "handle": "all-staff", "name": "All", "users": [f"U{n:09}" for n in range(201)]}
    assert "Nobody is in @empty" in await named.refused("@empty")
    assert "@old-guard is disabled" in await named.refused("@old-guard")
    assert await named.refused("<!subteam^S0ALL>") == TOO_MANY
    assert "Name people one by one" in await named.refused("<!subteam^S0NOTHERE>")


async def test_fifty_people_cost_one_look_at_the_directory(named: Named) -> None:
    made = [named.hire(f"p{n}", f"Person {n:03}").id for n in range(50)]
    named.server.workspace.usergroups["S0MANY"] = {"id": "S0MANY", "handle": "many", "name": "Many", "users": made}
    assert await named.ids("@many") == made
    assert named.calls("users.list") == 1
    assert named.calls("users.info") == 1, "of the organizer"


async def test_more_people_than_a_meeting_can_have_are_refused(named: Named) -> None:
    guests = [f"p{n}@example.org" for n in range(201)]
    assert await named.refused(*guests) == TOO_MANY


# -- rooms ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said", ["room Aquarium", "aquarium", "Room: AQUARIUM", "the room aquarium", "aquarium@rooms.example.com"]
)
async def test_a_room_is_known_by_its_name(named: Named, said: str) -> None:
    (room,) = (await named.attendees(said))[1:]
    assert room == Attendee(id=ROOMS["Aquarium"], name="Aquarium", email=ROOMS["Aquarium"], kind="room")


async def test_a_room_that_is_not_there_is_refused_with_those_that_are(named: Named) -> None:
    assert await named.refused("room Basement") == "There is no room “Basement”. There are: Aquarium, The Attic."


async def test_where_there_are_no_rooms_that_is_said(named: Named, database: Database) -> None:
    people = People(named.people._slack, database, {}, USUAL)
    organizer = await people.organizer(named.id("ana"))
    with pytest.raises(MeetingRefused, match=r"^There is no room “Basement”\. No rooms can be booked here\.$"):
        await people.attendees(organizer, [Called("room Basement")])


# -- hours ------------------------------------------------------------------------------------------------------------------------


async def test_hours_are_those_that_were_told_else_the_usual_ones_in_their_zone(
    named: Named, database: Database
) -> None:
    told = Hours(zone="Asia/Tokyo", week=(((time(6), time(11)),),) * 7)
    await keep_hours(database, By(named.server.team_id, named.id("kim")), told)
    found = await named.attendees("raj", "kim", "aquarium", "pat@example.org")
    hours = await named.people.hours(named.server.team_id, found)
    assert set(hours) == {a.id for a in found}
    assert hours[named.id("kim")] == told
    raj = hours[named.id("raj")]
    assert raj
    assert (raj.zone, raj.week) == ("Asia/Kolkata", USUAL.week)
    assert hours[ROOMS["Aquarium"]] is None
    assert hours["pat@example.org"] is None


# -- Slack is away ------------------------------------------------------------------------------------------------------------------


async def test_where_slack_does_not_let_it_see_people_it_says_whom_to_ask(named: Named) -> None:
    named.server.workspace.app.scopes -= {"users:read"}
    with pytest.raises(MeetingRefused, match="whoever runs me"):
        await named.people.organizer(named.id("ana"))


async def test_while_slack_is_away_nothing_is_decided(named: Named) -> None:
    await named.people.organizer(named.id("ana"))
    named.server.faults.add("users.list", status=503, times=None)
    with pytest.raises(Retryable):
        await named.attendees("raj")
    named.server.faults.clear()
    assert await named.ids("raj") == [named.id("raj")]
