"""The meeting tools, as the journal calls them: who may ask where, where the card stands, what the model is told."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.errors import Retryable, ToolRefused
from bot.meetings.hours import read_hours
from bot.meetings.values import Meeting, Place, Repeat
from bot.meetings.when.phrases import read_when
from bot.meetings.when.resolve import resolve
from bot.tools import TOOLS, Tool
from bot.tools.cancel_meeting import ONLY_ORGANIZERS, cancel_meeting
from bot.tools.create_meeting import create_meeting
from bot.tools.find_times import find_times
from bot.tools.list_meetings import list_meetings
from bot.tools.meeting_request import DaySaid, When, reading
from bot.tools.meetings import NOT_HERE, PRIVATE, SETTLE, THERE, clock
from bot.tools.reschedule_meeting import reschedule_meeting
from playground.openai.schemas import check_strict
from playground.slack.state import Person, make_id
from tests.scheduling_world import World, at, tuesday, world

__all__ = ["world"]

ROOT = "1700000000.000100"
NAMES = ("find_times", "create_meeting", "reschedule_meeting", "cancel_meeting", "list_meetings")
NO_DAY: dict[str, Any] = dict.fromkeys(DaySaid.model_fields) | {"relation": "", "unit": "day"}
THAT_DAY = NO_DAY | {"kind": "date", "year": tuesday().year, "month": tuesday().month, "day": tuesday().day}
WHEN: dict[str, Any] = {
    "said": "", "days": [THAT_DAY], "time": "at", "clock": "2pm", "to": "", "offset": None, "zone": "", "without": [],
}  # fmt: skip
MEET: dict[str, Any] = {
    "title": "Team sync", "people": ["Dana Weiss"], "optional": [], "minutes": None, "when": WHEN,
    "repeat": "", "every": None, "times": None, "online": False, "description": "",
}  # fmt: skip
SAME: dict[str, Any] = {"title": "", "description": "", "add": [], "optional": [], "remove": []}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "find_times": MEET,
    "create_meeting": MEET,
    "reschedule_meeting": {"meeting": "M-1", "when": WHEN, "minutes": None, **SAME},
    "cancel_meeting": {"meeting": "M-1"},
    "list_meetings": {"days": 60},
}
MEETING_TOOLS = [t for t in TOOLS if t.name in NAMES]


async def use(
    world: World, tool: Tool, person: str = "ana", channel: str = "", text: str = "", **changes: Any
) -> dict[str, Any]:
    """A call, as the journal makes it: what comes before its transaction, and then that. Without a `text` the question names whom the call does."""
    given = ARGUMENTS[tool.name] | changes
    text = (
        text or f"a question about {', '.join(n for key in ('people', 'add', 'optional') for n in given.get(key, ()))}"
    )
    asked = world.asking(person, channel, ROOT if channel else "dm", text)
    parsed = tool.parse(json.dumps(given))
    if not tool.effect:
        told: dict[str, Any] = await tool.run(parsed, asked)
        return told
    assert tool.before
    asked = replace(asked, known=await tool.before(parsed, asked))
    async with world.database.begin() as tx:
        told = await tool.run(parsed, replace(asked, transaction=tx))
    return dict(json.loads(json.dumps(told)))


async def refused(world: World, tool: Tool, person: str = "ana", channel: str = "", **changes: Any) -> str:
    with pytest.raises(ToolRefused) as error:
        await use(world, tool, person, channel, **changes)
    return str(error.value)


def test_the_model_is_offered_all_five_with_schemas_that_are_strict() -> None:
    assert {t.name for t in MEETING_TOOLS} == set(NAMES)
    for tool in MEETING_TOOLS:
        schema = tool.schema()
        check_strict(schema["parameters"], tool.name, "tools")
        assert tool.effect == (tool is not list_meetings)
        if "when" in schema["parameters"]["properties"]:
            assert "Never compute a date" in schema["description"]
            assert "own words about time" in schema["description"]


def test_their_schemas_are_short_as_every_request_carries_them() -> None:
    sizes = {t.name: len(json.dumps(t.schema(), ensure_ascii=False, separators=(",", ":"))) for t in MEETING_TOOLS}
    assert sum(sizes.values()) < 8_700, sizes


@pytest.mark.parametrize(
    ("symbols", "words"),
    [
        ({"days": [NO_DAY | {"kind": "weekday", "weekday": 1, "relation": "next"}], "time": "any"}, "next Tuesday"),
        ({"days": [NO_DAY | {"kind": "week", "weekday": 1, "relation": "next"}], "time": "any"}, "Tuesday next week"),
        ({"days": [NO_DAY | {"kind": "numeric", "day": 3, "month": 4}], "time": "any"}, "03/04"),
        ({"days": [NO_DAY | {"kind": "date", "day": 25, "month": 11}], "time": "any"}, "25 November"),
        ({"days": [NO_DAY | {"kind": "offset", "n": 1}], "time": "afternoon"}, "tomorrow afternoon"),
        (
            {"days": [NO_DAY | {"kind": "nth", "n": -1, "weekday": 0, "month": 3}], "time": "any"},
            "last Monday of March",
        ),
        ({"days": [NO_DAY | {"kind": "weekday", "weekday": n} for n in (0, 2)], "time": "any"}, "Monday to Wednesday"),
        ({"time": "at", "clock": "2"}, "at 2"),
        ({"time": "at", "clock": "2:30 PM"}, "at 2:30pm"),
        ({"time": "at", "clock": "02:00"}, "at 02:00"),
        ({"time": "at", "clock": "14:00", "zone": "Berlin time"}, "14:00 Berlin time"),
        ({"time": "between", "clock": "1pm", "to": "5pm"}, "between 1pm and 5pm"),
        ({"time": "offset", "offset": 30}, "in half an hour"),
    ],
)
def test_symbols_say_what_words_say(symbols: dict[str, Any], words: str) -> None:
    nothing: dict[str, Any] = {"said": "", "days": [], "clock": "", "to": "", "offset": None, "zone": "", "without": []}
    now, hours = datetime(2026, 11, 22, 9, tzinfo=UTC), read_hours("Mon-Fri 09:00-17:00", "Europe/Berlin")
    handed, read = reading(When.model_validate(nothing | symbols)), read_when(words)
    assert read
    assert resolve(handed, now, hours) == resolve(read, now, hours)


# -- who may, and where ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("marks", [{"team_id": "T0OTHERCOM"}, {"deleted": True}, {"is_restricted": True}])
@pytest.mark.parametrize("tool", MEETING_TOOLS, ids=lambda t: t.name)
async def test_guests_and_people_of_other_companies_have_no_meetings_here(
    world: World, tool: Tool, marks: dict[str, Any]
) -> None:
    sam = Person(make_id("U", "sam"), "sam", "Sam", "", "Europe/Berlin", **marks)
    world.server.workspace.add_person(sam)
    assert "members of this workspace" in await refused(world, tool, "sam")
    assert not world.calendar.asked


@pytest.mark.parametrize("channel", ["", "general"])
async def test_among_members_the_model_is_told_times_and_the_card_stands_where_it_was_asked_for(
    world: World, channel: str
) -> None:
    told = await use(world, create_meeting, channel=channel)
    assert (told["meeting"], told["title"]) == ("M-1", "Team sync")
    assert told["state"].startswith("booked")
    assert told["when"].endswith("14:00 Europe/Berlin")
    assert told["people"] == ["Ana Becker: accepted", "Dana Weiss"]
    place = Place(world.server.workspace.channel(channel).id, ROOT) if channel else Place()
    assert (await world.known(1)).place == place


@pytest.mark.parametrize("outsider", ["guest", "stranger"])
async def test_where_others_read_along_the_card_goes_to_the_direct_messages_and_nothing_is_told(
    world: World, outsider: str
) -> None:
    ws = world.server.workspace
    ws.add_person(Person(make_id("U", "rajk"), "rajk", "Raj Kumar", "rk@acme.example", "Europe/Berlin"))
    if outsider == "guest":
        ws.join("gus", "general")
    else:
        ws.add_stranger("sam", "Sam Hill", channel="general")
    for number, tool in enumerate((find_times, create_meeting), 1):
        told = await use(world, tool, channel="general")
        assert told == {"meeting": f"M-{number}", "hint": THERE}
        assert (await world.known(number)).place == Place()
    assert await refused(world, create_meeting, channel="general", people=["nobody-known"]) == SETTLE
    assert await refused(world, create_meeting, channel="general", people=["Raj"]) == SETTLE, "names stay here"
    for tool in (reschedule_meeting, cancel_meeting, list_meetings):
        assert await refused(world, tool, channel="general") == PRIVATE


async def test_a_conversation_that_was_told_of_people_has_drawn_on_the_workspace(world: World) -> None:
    await use(world, find_times, channel="general")
    assert await world.asking("ana").sources.drawn.all() == ("workspace",)


@pytest.mark.parametrize("tool", [reschedule_meeting, cancel_meeting], ids=lambda t: t.name)
async def test_in_a_channel_only_what_was_arranged_there_is_changed(world: World, tool: Tool) -> None:
    await use(world, create_meeting)
    words = {await refused(world, tool, channel="general", meeting=name) for name in ("M-1", "M-99")}
    assert words == {NOT_HERE}
    assert (await world.known(1)).version == (await world.known(1)).version
    assert (await use(world, tool))["meeting"] == "M-1"


async def test_a_list_in_a_channel_has_only_what_was_arranged_there(world: World) -> None:
    await use(world, create_meeting, title="Quiet words")
    await use(world, create_meeting, channel="general", when=WHEN | {"clock": "3pm"})
    await use(world, find_times, channel="random", title="Random")
    here = await use(world, list_meetings, channel="general")
    assert [m["meeting"] for m in here["meetings"]] == ["M-2"]
    assert "being_arranged" not in here
    mine = await use(world, list_meetings)
    assert [m["meeting"] for m in mine["meetings"]] == ["M-1", "M-2"]
    assert [m["meeting"] for m in mine["being_arranged"]] == ["M-3"]
    assert mine["time_zone"] == "Europe/Berlin"


async def test_a_long_list_says_that_there_are_more_and_a_series_hides_no_other(world: World) -> None:
    await use(world, create_meeting, channel="general", repeat="day", times=40, when=WHEN | {"clock": "3pm"})
    later = NO_DAY | {"kind": "date", "year": at("10:00", 50).year, "month": at("10:00", 50).month}
    when = WHEN | {"days": [later | {"day": at("10:00", 50).day}], "clock": "10am"}
    await use(world, find_times, channel="random", title="Elsewhere", when=when)
    start = (await world.known(2)).offer
    assert start
    async with world.database.begin() as tx:
        register, by = world.scheduling.register, world.by("ana")
        await register.book(tx, by, 2, None, start.slots[0].start)
    told = await use(world, list_meetings, channel="general")
    assert len(told["meetings"]) == 30
    assert "there are more" in told["more"]
    there = await use(world, list_meetings, channel="random")
    assert [m["meeting"] for m in there["meetings"]] == ["M-2"]
    assert "more" not in there


async def test_the_model_is_told_of_undo_only_while_there_is_the_button(world: World) -> None:
    assert "undone" in (await use(world, create_meeting))["state"]
    async with world.database.begin() as tx:
        await world.scheduling.register.answer(tx, world.by("dana"), 1, "accepted")
    (listed,) = (await use(world, list_meetings))["meetings"]
    assert listed["state"] == "booked"


async def test_everybody_lists_their_own_meetings_in_their_own_zone(world: World) -> None:
    await use(world, create_meeting, people=["raj"], when=WHEN | {"clock": "10am"})
    (his,) = (await use(world, list_meetings, "raj"))["meetings"]
    assert his["when"].endswith("Asia/Kolkata")
    assert f"{at('10:00'):%d}" in his["when"]
    assert (await use(world, list_meetings, "lee"))["meetings"] == []


async def test_nobody_changes_anothers_meeting(world: World) -> None:
    await use(world, create_meeting)
    assert "Only @Ana Becker" in await refused(world, reschedule_meeting, "dana")
    assert await refused(world, cancel_meeting, "dana") == ONLY_ORGANIZERS
    stranger = {
        await refused(world, t, "raj", meeting=n) for t in (cancel_meeting, reschedule_meeting) for n in ("M-1", "M-9")
    }
    assert len({s.replace("M-1", "M-9") for s in stranger}) == 1, "as if it were not there"
    assert (await world.known(1)).state == "booked"


# -- what they do ---------------------------------------------------------------------------------------------------------------------


async def test_times_are_found_and_nothing_is_booked(world: World) -> None:
    told = await use(world, find_times, when=WHEN | {"time": "any", "clock": ""}, people=["Dana Weiss", "raj"])
    assert told["state"] == "draft"
    assert len(told["times"]) == 3
    assert all(t["start"].endswith("Europe/Berlin") for t in told["times"])
    assert "card" in told["hint"]


async def test_what_stands_in_the_way_is_told_by_names_without_titles(world: World) -> None:
    await use(world, create_meeting, "dana", title="Salary talks", people=["raj"], when=WHEN | {"clock": "10am"})  # fmt: skip
    told = await use(world, create_meeting, when=WHEN | {"clock": "10am"})
    assert told["state"] == "draft"
    assert any("Dana Weiss cannot" in w for w in told["why"])
    assert "Salary" not in json.dumps(told)


async def test_a_time_that_can_be_read_in_two_ways_is_asked_back(world: World) -> None:
    day = NO_DAY | {"kind": "numeric", "day": 3, "month": 4}
    told = await use(world, create_meeting, when=WHEN | {"days": [day]})
    assert told["state"] == "draft"
    assert len(told["choices"]) == 2
    assert told["question"]


async def test_who_is_optional_need_not_come_and_it_recurs_as_was_said(world: World) -> None:
    await use(
        world,
        create_meeting,
        optional=["Raj Patel"],
        people=["Dana Weiss", "Raj Patel"],
        repeat="week",
        every=2,
        times=6,
    )
    wish = (await world.known(1)).wish
    assert [(a.name, a.required) for a in wish.attendees[1:]] == [("Dana Weiss", True), ("Raj Patel", False)]
    assert wish.repeat == Repeat("week", 2, 6)


async def test_a_description_that_the_asker_has_not_said_waits_for_their_press(world: World) -> None:
    text = "meet Dana Weiss at 2pm about the budget &amp; <@" + world.id("raj") + ">"
    told = await use(world, create_meeting, text=text, description="The key is hunter2")
    assert (told["state"], told["times"][0]["start"]) == ("draft", clock(at("14:00"), "Europe/Berlin"))
    told = await use(world, create_meeting, text=text, description="About Raj & the Budget.")
    assert told["state"].startswith("booked")


async def test_a_guests_calendar_is_told_as_unknown(world: World) -> None:
    told = await use(world, create_meeting, people=["pat@example.org"])
    assert told["state"] == "draft"
    assert told["times"][0]["calendar_not_known"] == ["pat@example.org"]


async def test_a_meeting_is_moved_and_cancelled_by_its_name(world: World) -> None:
    await use(world, create_meeting)
    told = await use(world, reschedule_meeting, meeting="m1", when=WHEN | {"days": [], "clock": "4pm"})
    assert told["when"].endswith("16:00 Europe/Berlin"), "on the day it was"
    assert (await world.known(1)).start == at("16:00")
    assert (await use(world, cancel_meeting))["state"] == "cancelled"
    assert (await use(world, list_meetings))["meetings"] == []


async def test_a_draft_that_is_given_up_is_dropped(world: World) -> None:
    await use(world, find_times)
    assert (await use(world, cancel_meeting))["state"] == "dropped"


async def test_mentions_tell_apart_people_whom_the_model_names_alike(world: World) -> None:
    ws = world.server.workspace
    ws.add_person(Person(make_id("U", "danak"), "danak", "Dana Kim", "dk@acme.example", "Europe/Berlin"))
    assert "may be" in await refused(world, create_meeting, people=["Dana"])
    told = await use(world, create_meeting, people=["Dana"], text=f"sync with <@{world.id('dana')}>")
    assert told["people"][1] == "Dana Weiss"
    told = await use(world, find_times, people=["@subteam"], text="with <!subteam^S0ENGINEERS>")
    assert told["people"][1:] == ["Raj Patel", "Lee Chen"]
    assert "handle" in await refused(world, find_times, people=["@subteam"])


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"minutes": 0}, "cannot last 0 minutes"),
        ({"minutes": 1500}, "cannot last 25 hours"),
        ({"people": ["zoë"]}, "nobody called"),
        ({"people": ["@assist"]}, "don't take part"),
        ({"when": WHEN | {"clock": "14h"}}, "not a time on a clock"),
        ({"when": WHEN | {"days": [THAT_DAY] * 3}}, "first and the last"),
        ({"repeat": "week", "every": 0, "times": 501}, "recurs every 1 to"),
        ({"when": WHEN | {"days": [THAT_DAY | {"year": 2020}]}}, ""),
        ({"when": WHEN | {"days": [THAT_DAY | {"month": 2, "day": 30}]}}, ""),
        ({"when": WHEN | {"days": [THAT_DAY | {"month": 13}]}}, "month"),
    ],
)
async def test_what_cannot_be_is_refused_and_nothing_is_kept(world: World, changes: dict[str, Any], word: str) -> None:
    assert word in await refused(world, create_meeting, **changes)
    assert (await use(world, list_meetings)).get("being_arranged") is None


async def test_the_name_of_nothing_is_refused(world: World) -> None:
    assert "such as M-12" in await refused(world, cancel_meeting, meeting="the sync")
    assert "M-7" in await refused(world, cancel_meeting, meeting="M-7")


async def test_while_slack_is_away_it_is_said_that_nothing_was_changed(world: World) -> None:
    world.server.faults.add("users.info", status=503, times=None)
    assert "Nothing was changed" in await refused(world, create_meeting)


async def test_a_calendar_that_is_away_leaves_a_draft_that_says_so(world: World) -> None:
    world.calendar.error = Retryable("down")
    told = await use(world, create_meeting)
    assert told["state"] == "draft"
    assert any("could not ask the calendars" in w for w in told["why"])


async def test_fifty_people_are_told_in_short(world: World) -> None:
    for n in range(49):
        world.server.workspace.add_person(Person(make_id("U", f"p{n}"), f"p{n}", f"P {n}", f"p{n}@acme.example", "Europe/Berlin"))  # fmt: skip
    told = await use(world, create_meeting, people=[f"p{n}" for n in range(49)])
    assert told["state"].startswith("booked")
    assert told["people"][-1] == "and 30 more"
    meeting: Meeting = await world.known(1)
    assert len(meeting.attendees) == 50
