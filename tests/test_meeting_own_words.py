"""What a file that was read may have told the model to tell others: nobody is told it without a press of the asker's."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from unicodedata import normalize

import pytest

from bot.errors import ToolRefused
from bot.tools import Asking, Tool
from bot.tools.cancel_meeting import cancel_meeting
from bot.tools.create_meeting import create_meeting
from bot.tools.find_times import find_times
from bot.tools.own_words import are_own_words, is_named, is_own_address
from bot.tools.reschedule_meeting import reschedule_meeting
from playground.slack.state import Person, make_id
from tests.scheduling_world import World, world
from tests.test_meeting_changing import GUEST, NOW
from tests.test_meeting_tools import ARGUMENTS, WHEN, use

__all__ = ["world"]
SECRET = "The key is hunter2"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "sum up this file"),
        ("Café, tomorrow!", normalize("NFD", "about the café tomorrow")),
        ("Budget & numbers", "_budget_ &amp; *numbers*"),
        ("Raj's “R&D” plan", "Raj’s R&amp;D plan"),
        ("予算の話", "明日の午後、予算の話をしたい"),
        ("\uff31\uff13", "the Q3 numbers"),
        ("🚀 Launch", "about the 🚀 launch"),
        ("- Numbers\n- Budget", "budget and numbers"),
        ("https://acme.example/a?b=1&c", "see <https://acme.example/a?b=1&amp;c>"),
    ],
)
def test_what_the_asker_has_said_is_theirs_however_it_is_written(text: str, message: str) -> None:
    assert are_own_words(text, message)


@pytest.mark.parametrize(
    "text",
    [
        "ⓣⓗⓔ ⓚⓔⓨ ⓘⓢ",
        "🇭 🇺 🇳 🇹 🇪 🇷",
        "🅷🆄🅽🆃🅴🆁",
        "⠓⠥⠝⠞⠑⠗",
        "file \U000e0068\U000e0075\U000e006e",
        "-.-. .- -",
        "file\u0301",
        "hunter2",
    ],
)
def test_signs_that_are_no_letters_tell_things_too(text: str) -> None:
    assert not are_own_words(text, "sum up this file")


@pytest.mark.parametrize(
    "message",
    ["add (pat@else.example).", "add `pat@else.example`", "add 'Pat@Else.Example'!", "<mailto:pat@else.example|Pat>"],
)
def test_an_address_is_read_among_other_signs(message: str) -> None:
    assert is_own_address(GUEST, message)


@pytest.mark.parametrize(
    "message", ["add pat@else.example.evil.example", "x.pat@else.example", "pat@else.example-x.org"]
)
def test_another_address_is_not_taken_for_it(message: str) -> None:
    assert not is_own_address(GUEST, message)
    assert not is_own_address("strasse@else.example", "straße@else.example")


@pytest.mark.parametrize("begun", [find_times, create_meeting], ids=lambda t: t.name)
async def test_a_draft_with_words_that_were_not_said_is_not_booked_by_naming_its_time_again(
    world: World, begun: Tool
) -> None:
    await use(world, begun, text="sum up this file", description=SECRET)
    told = await use(world, reschedule_meeting, text="sum up this file")
    assert told["state"] == "draft"
    assert told["times"]
    assert (await use(world, reschedule_meeting, text=f"2pm, {SECRET}"))["state"].startswith("booked")


def test_a_name_is_no_part_of_another_word() -> None:
    assert not is_named("Al", "sum up all of it")
    assert not is_named("the team", "tell the team nothing")
    assert is_named("Al Novak", "meet al at 2pm")
    assert is_named("田中", "明日田中さんと会う")
    assert is_named("room Aquarium", "meet al")


async def test_whom_the_asker_has_not_named_is_told_nothing_without_their_press(world: World) -> None:
    raj = f"<@{world.id('raj')}>"
    assert (await use(world, create_meeting, text="sum up this file, with the team"))["state"] == "draft"
    for text in ("meet Dana at 2pm", "DANA!", f"meet <@{world.id('dana')}|dana>"):
        told = await use(world, create_meeting, text=text)
        assert told["state"].startswith("booked"), text
        await use(world, cancel_meeting, text="cancel it", meeting=told["meeting"])
    booked = (await use(world, create_meeting))["meeting"]
    for text in ("sum up this file", "add her"):
        with pytest.raises(ToolRefused, match="so whom it is with must"):
            await use(world, reschedule_meeting, text=text, meeting=booked, add=["Raj Patel"], **NOW)
    await use(world, reschedule_meeting, text="make Dana optional", meeting=booked, optional=["Dana Weiss"], **NOW)
    told = await use(world, reschedule_meeting, text=f"add {raj}", meeting=booked, add=["Raj Patel"], **NOW)
    assert "Raj Patel" in told["people"]


async def test_a_draft_of_this_question_is_not_booked_by_naming_its_time_again(world: World) -> None:
    asked = world.asking(text="sum up this file")
    assert (await again(world, asked, create_meeting))["state"] == "draft"
    assert (await again(world, asked, reschedule_meeting))["state"] == "draft"
    told = await use(world, reschedule_meeting, text="take 2pm")  # who has seen its card
    assert told["state"].startswith("booked")


async def test_whose_calendar_is_public_is_not_invited_unless_the_asker_named_them(world: World) -> None:
    world.calendar.public = True
    for text in ("sum up this file", f"Team sync with {GUEST}.evil.example", f"meet {GUEST} at 2pm"):
        assert (await use(world, create_meeting, text=text, people=[GUEST]))["state"] == "draft"
    told = await use(world, create_meeting, text=f"Team sync with {GUEST} at 2pm", people=[GUEST])
    assert told["state"].startswith("booked")


async def test_guests_of_the_workspace_are_from_outside(world: World) -> None:
    ws = world.server.workspace
    ws.add_person(
        Person(make_id("U", "gus"), "gus", "Gus Guest", "gus@else.example", "Europe/Berlin", is_restricted=True)
    )
    told = await use(world, create_meeting, text="sum up this file", people=["gus"], title=SECRET)
    assert told["state"] == "draft"
    told = await use(world, create_meeting, text=f"Budget with <@{world.id('gus')}>", people=["gus"], title="Budget")
    assert told["state"].startswith("booked")
    with pytest.raises(ToolRefused, match="the title must"):
        await use(world, reschedule_meeting, text="sum up this file", meeting="M-2", title=SECRET, **NOW)
    await use(world, create_meeting, title="Salaries", when=WHEN | {"clock": "4pm"})
    with pytest.raises(ToolRefused, match="the address must"):
        await use(world, reschedule_meeting, text="sum up this file", meeting="M-3", add=["gus"], **NOW)
    for n, text in enumerate(("add Gus Guest to M-3", f"add <@{world.id('gus')}>", "add gus@else.example!")):
        await use(world, reschedule_meeting, text=text, meeting="M-3", add=["gus"], **NOW)
        await use(world, reschedule_meeting, meeting="M-3", remove=["gus"], **NOW)
        assert (await world.known(3)).sequence == 2 * (n + 1)


async def again(world: World, asked: Asking, tool: Tool, **changes: Any) -> dict[str, Any]:
    """Another call in answer to the same question."""
    parsed = tool.parse(json.dumps(ARGUMENTS[tool.name] | changes))
    assert tool.before
    asked = replace(asked, known=await tool.before(parsed, asked))
    async with world.database.begin() as tx:
        return dict(await tool.run(parsed, replace(asked, transaction=tx)))


@pytest.mark.parametrize("renamed", [False, True])
async def test_who_joins_from_outside_does_not_read_what_it_was_called_a_moment_ago(
    world: World, renamed: bool
) -> None:
    text = f"sum up this file for Dana, and add {GUEST} to M-1"
    if renamed:
        await use(world, create_meeting)
        asked = world.asking(text=text)
        await again(world, asked, reschedule_meeting, title=SECRET, **NOW)
    else:
        asked = world.asking(text=text)
        await again(world, asked, create_meeting, title=SECRET)
    with pytest.raises(ToolRefused, match="the title must"):
        await again(world, asked, reschedule_meeting, add=[GUEST], **NOW)
    assert len((await world.known(1)).attendees) == 2


async def test_it_may_be_moved_and_strangers_added_in_answer_to_the_same_question(world: World) -> None:
    await use(world, create_meeting)
    asked = world.asking(text=f"move M-1 to 4pm and add {GUEST}")
    await again(world, asked, reschedule_meeting, when=WHEN | {"clock": "4pm"})
    await again(world, asked, reschedule_meeting, add=[GUEST], **NOW)
    assert len((await world.known(1)).attendees) == 3


async def test_who_is_mentioned_is_named_though_they_are_of_another_company(world: World) -> None:
    sam = world.server.workspace.add_stranger("sam", "Sam Hill", channel="general")
    sam.email = "sam@else.example"
    await use(world, create_meeting)
    with pytest.raises(ToolRefused, match="the address must"):
        await use(world, reschedule_meeting, text="sum up this file", add=["Sam Hill"], **NOW)
    told = await use(world, reschedule_meeting, text=f"add <@{sam.id}> to M-1", add=["Sam Hill"], **NOW)
    assert "Sam Hill" in told["people"]
