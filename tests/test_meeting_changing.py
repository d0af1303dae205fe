"""A booked meeting's title, description and people changed by its form and in words: what becomes of it, and what people are told where it cannot be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.errors import CalendarRefused, MeetingRefused
from bot.meetings.changing import Change, prepare_change
from bot.meetings.deciding import CHANGED
from bot.meetings.face import forms
from bot.meetings.finding import NOT_CHANGED
from bot.meetings.values import Meeting, Repeat
from bot.meetings.when.request import Called
from bot.tools.create_meeting import create_meeting
from bot.tools.find_times import find_times
from bot.tools.reschedule_meeting import ONE_BY_ONE, reschedule_meeting
from tests.meeting_desk import Desk, desk, entered, slots
from tests.meeting_desk import at as then
from tests.scheduling_world import World, at, world
from tests.test_meeting_tools import NO_DAY, WHEN, refused, use

__all__ = ["desk", "world"]
GUEST = "pat@else.example"
NOW: dict[str, Any] = {"when": WHEN | {"days": [], "time": "any", "clock": ""}}  # nothing said of the time


def people(meeting: Meeting) -> dict[str, bool]:
    """Beside the organizer."""
    return {a.name: a.required for a in meeting.attendees[1:]}


# -- by its form ------------------------------------------------------------------------------------------------------------


async def details(desk: Desk, times: int = 1, **values: str) -> Meeting:
    """Ana sends the form of her meeting, with these changes."""
    view = await desk.form("change_form", number=1)
    await desk.does("ana", "details", times, **entered(view, **values))
    return await desk.meeting()


async def test_the_form_changes_what_was_changed_in_it_once(desk: Desk) -> None:
    before = await desk.booked(description="Numbers")
    await desk.does("raj", "answer", number=1, answer="tentative")
    chosen = {"optional": desk.id("kim"), "others": f"{GUEST}, zoe@else.example (optional)", "rooms": "Aquarium"}
    after = await details(desk, times=2, title="Plan <b>", **chosen)
    assert (after.wish.title, after.wish.description, after.span) == ("Plan <b>", "Numbers", before.span)
    assert people(after) == {
        "Raj Patel": True, "Kim Novak": False, GUEST: True, "zoe@else.example": False, "Aquarium": True,
    }  # fmt: skip
    assert (after.attendees[1].answer, after.sequence) == ("tentative", 1)
    assert after.attendees[2].zone == "America/New_York"
    assert await desk.said() == []


async def test_a_form_of_a_draft_that_was_booked_meanwhile_changes_nothing_and_says_so(desk: Desk) -> None:
    await desk.draft(slots(then("15:00")))
    view = await desk.form("change_form", number=1)
    await desk.does("ana", "book", number=1, version=1, start=then("15:00").isoformat())
    before = await desk.meeting()
    await desk.does("ana", "change", **entered(view, title="Budget", when="tomorrow 9am"))
    assert await desk.meeting() == before
    assert CHANGED.format(name="M-1") + "\nYou had entered:\n>Budget" in await desk.said()


async def test_the_form_may_take_people_out_and_make_them_optional(desk: Desk) -> None:
    await desk.booked()
    await details(desk, people=f"{desk.id('raj')},{desk.id('kim')}", others=GUEST)
    after = await details(desk, people=desk.id("kim"), optional=desk.id("raj"), others="", description="Why")
    assert people(after) == {"Raj Patel": False, "Kim Novak": True}
    assert after.wish.description == "Why"
    await details(desk, people="", optional="")
    (word,) = await desk.said()
    assert "Nobody else would be left in M-1" in word
    assert len((await desk.meeting()).attendees) == 3


async def test_who_has_no_room_in_the_form_or_has_left_the_workspace_stays(desk: Desk) -> None:
    made = await desk.draft(None)
    crowd = [replace(made.attendees[1], id=f"U{n:08}", name=f"P{n}") for n in range(forms.MOST_PEOPLE + 5)]
    wish = replace(made.wish, attendees=(made.attendees[0], *crowd))
    register = desk.scheduling.register
    async with desk.scheduling.database.begin() as tx:
        await register.offer(tx, desk.by(), 1, None, wish, None)
        await register.book(tx, desk.by(), 1, None, then("10:00"))
    view = await desk.form("change_form", number=1)
    assert "5 more have no room here, and stay as they are." in str(view)
    some = ",".join(a.id for a in crowd[1 : forms.MOST_PEOPLE])
    await desk.does("ana", "details", **entered(view, people=some))
    assert [a.id for a in (await desk.meeting()).attendees[1:]] == [a.id for a in crowd[1:]]


async def test_a_form_of_what_is_another_meeting_by_now_is_refused(desk: Desk) -> None:
    await desk.booked()
    view = await desk.form("change_form", number=1)
    await details(desk, title="Budget")
    await desk.does("ana", "details", **entered(view, title="Plan <b>", description="Why\n\nWhen"))
    assert (await desk.meeting()).wish.title == "Budget"
    typed = "\nYou had entered:\n>Plan &lt;b&gt;\n>Why\n>\n>When"
    assert await desk.said() == [CHANGED.format(name="M-1") + typed], "what was written is not lost"


async def test_times_that_were_offered_meanwhile_do_not_spoil_it(desk: Desk) -> None:
    await desk.booked()
    view = await desk.form("change_form", number=1)
    meeting = await desk.meeting()
    sought = replace(meeting.wish, attendees=(meeting.attendees[0], replace(meeting.attendees[1], required=False)))
    async with desk.scheduling.database.begin() as tx:
        await desk.scheduling.register.offer(tx, desk.by(), 1, None, sought, slots(then("15:00")))
    shown = entered(await desk.form("change_form", number=1))["values"]
    assert (shown["people"], shown["optional"]) == (desk.id("raj"), ""), "as it is booked"
    await desk.does("ana", "details", **entered(view, title="Plan"))
    meeting = await desk.meeting()
    assert meeting.wish.title == "Plan"
    assert meeting.offer, "they are still to be chosen from"


async def test_nobody_else_gets_its_form(desk: Desk) -> None:
    await desk.booked()
    view = await desk.form("change_form", "raj", number=1)
    assert not view.get("submit")
    assert "who organizes M-1" in str(view)
    values = {"title": "X", "description": "", "people": "", "optional": "", "others": ""}
    await desk.does("raj", "details", number=1, values=values, kept={"sequence": 0})
    assert "can do that" in (await desk.said("raj"))[0]
    assert (await desk.meeting()).sequence == 0


@pytest.mark.parametrize("do", ["change_form", "move_form"])
async def test_a_form_that_does_not_fit_any_more_says_why(desk: Desk, do: str) -> None:
    await desk.draft(slots(at("10:00")))
    await desk.does("ana", "cancel", number=1, version=1)
    view = await desk.form(do, number=1)
    assert not view.get("submit")
    assert "M-1" in str(view["blocks"])


# -- what calendars say -----------------------------------------------------------------------------------------------------


async def test_who_is_busy_by_their_calendar_joins_as_optional_only(world: World) -> None:
    meeting = await world.booked(await world.wish("raj", repeat=Repeat("week")), at("10:00"))
    world.busy("dana", "10:15", "11:00", days=7)
    world.calendar.taken[world.id("kim")] = world.calendar.taken[world.id("dana")]
    asked = Change(people=[Called("Dana Weiss"), Called("Kim Novak", required=False)])
    await prepare_change(world.scheduling, world.by(), meeting, asked)  # a calendar of ours alone is not asked
    assert not world.calendar.asked
    world.calendar.external = True
    with pytest.raises(MeetingRefused) as error:
        await prepare_change(world.scheduling, world.by(), meeting, asked)
    assert f"<@{world.id('dana')}> is not free on <!date^{int(at('10:00', 7).timestamp())}^" in str(error.value)
    assert world.calendar.asked[-1][0] == (world.id("dana"),), "of who joins as optional nobody asks"
    optional = replace(asked, people=[Called("Dana Weiss", required=False)])
    assert len((await prepare_change(world.scheduling, world.by(), meeting, optional)).attendees) == 3
    invited = await world.booked(await world.wish("raj", optional=("dana",)), at("10:00", 1))
    world.busy("dana", "10:15", "11:00", days=1)
    with pytest.raises(MeetingRefused, match="not free"):
        await prepare_change(world.scheduling, world.by(), invited, asked)
    world.calendar.error = CalendarRefused("no", "401")
    with pytest.raises(MeetingRefused, match=NOT_CHANGED):
        await prepare_change(world.scheduling, world.by(), meeting, asked)


# -- in words ---------------------------------------------------------------------------------------------------------------


async def test_a_booked_meeting_is_changed_in_words(world: World) -> None:
    await use(world, create_meeting)
    told = await use(world, reschedule_meeting, text="numbers!", title="Budget", description="Numbers", **NOW)
    assert (told["title"], told["state"]) == ("Budget", "booked")
    text = f"add <@{world.id('kim')}> and the engineers to M-1"
    told = await use(world, reschedule_meeting, text=text, add=["Kim", "@engineers"], optional=["Dana Weiss"], **NOW)
    assert told["people"] == [
        "Ana Becker: accepted", "Dana Weiss (optional)", "Kim Novak", "Raj Patel", "Lee Chen",
    ]  # fmt: skip
    await use(world, reschedule_meeting, remove=["dana", "@engineers"], **NOW)
    meeting = await world.known(1)
    assert people(meeting) == {"Kim Novak": True}
    assert (meeting.wish.title, meeting.wish.description, meeting.start) == ("Budget", "Numbers", at("14:00"))


async def test_a_name_is_first_of_all_that_of_somebody_who_takes_part(world: World) -> None:
    await use(world, create_meeting)
    await use(world, reschedule_meeting, text=f"add Raj and <mailto:{GUEST}|{GUEST}>", add=["raj", GUEST], **NOW)
    for person in world.server.workspace.people.values():
        person.deleted = person.name == "raj"
    await use(world, reschedule_meeting, text="call M-1 Budget", title="Budget", **NOW)
    await use(world, reschedule_meeting, remove=["Raj", GUEST.upper()], **NOW)
    assert people(await world.known(1)) == {"Dana Weiss": True}


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"add": ["Dana Weiss"]}, "M-1 is like that already"),
        ({"add": ["me"]}, "M-1 is like that already"),
        ({"remove": ["Dana Weiss"]}, "Nobody else would be left in M-1"),
        ({"remove": ["Kim Novak"]}, "Kim Novak does not take part in M-1"),
        ({"remove": ["me"]}, "You organize M-1, so you stay in it"),
        ({"add": ["room Attic"]}, "There is no room"),
        ({"add": ["zoë"]}, "nobody called"),
        ({"add": ["@assist"]}, "don't take part"),
        ({"add": ["@channel"]}, "all of a channel"),
        ({"title": "Budget", "when": WHEN}, ONE_BY_ONE),
        ({"title": "Budget", "minutes": 45}, ONE_BY_ONE),
        ({"title": "Budget", "when": NOW["when"] | {"days": [NO_DAY | {"kind": "offset", "n": 1}]}}, ONE_BY_ONE),
    ],
)
async def test_what_cannot_be_is_said_and_nothing_is_changed(world: World, changes: dict[str, Any], word: str) -> None:
    await use(world, create_meeting)
    assert word in await refused(world, reschedule_meeting, **NOW | changes)
    assert (await world.known(1)).sequence == 0


@pytest.mark.parametrize(
    ("text", "changes", "what"),
    [
        ("sum up that file", {"add": [GUEST]}, "the address"),
        (f"add {GUEST}.evil.example", {"add": [GUEST]}, "the address"),
        ("sum up that file", {"description": "The key is hunter2"}, "the description"),
        (f"add {GUEST}", {"add": [GUEST], "title": "The key is hunter2"}, "the title"),
        ("sum up that file", {"add": [GUEST], "description": "hunter2"}, "the address and the description"),
    ],
)
async def test_what_a_file_may_have_told_the_model_to_tell_others_is_not_told(
    world: World, text: str, changes: dict[str, Any], what: str
) -> None:
    await use(world, create_meeting)
    assert f"so {what} must stand" in await refused(world, reschedule_meeting, text=text, **NOW | changes)
    meeting = await world.known(1)
    assert (meeting.sequence, meeting.wish.title) == (0, "Team sync")


async def test_only_who_organizes_it_changes_it(world: World) -> None:
    await use(world, create_meeting)
    assert "Ana Becker, who arranged M-1" in await refused(world, reschedule_meeting, "dana", add=["Kim Novak"], **NOW)


async def test_a_draft_is_changed_in_words_too_and_other_times_are_offered(world: World) -> None:
    await use(world, find_times)
    world.busy("kim", "13:00", "18:00")
    told = await use(world, reschedule_meeting, add=["Kim Novak"], **NOW)
    assert told["state"] == "draft"
    assert "Kim Novak" in told["people"]
    assert told["title"] == "Team sync"
    assert all("14:00" not in slot["start"] for slot in told["times"])
    before = (await world.known(1)).offer
    await use(world, reschedule_meeting, title="Budget", **NOW)
    meeting = await world.known(1)
    assert (meeting.wish.title, meeting.offer) == ("Budget", before)
