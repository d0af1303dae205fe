"""Who may do and see what of meetings: every act by everybody who should not, and threads whose readers change after a card was posted."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from bot import tables
from bot.access import Access
from bot.delivery import outgoing
from bot.delivery.outgoing import CARD, MAIL
from bot.errors import Retryable
from bot.meetings.people import People
from bot.meetings.performing import MeetingsPerforming
from bot.meetings.showing import Showing
from bot.meetings.values import Choice, Hint, Place
from bot.places import Places
from playground.slack.state import Person, make_id
from tests.bearing_world import GUEST_ROW, World, world
from tests.meeting_desk import Desk, at, desk, slots, window

__all__ = ["desk", "world"]

OTHERS = ("raj", "kim", "gus", "sam")  # one who takes part, one who does not, a guest, somebody of another company


def peopled(desk: Desk) -> None:
    marks: dict[str, dict[str, Any]] = {"gus": {"is_restricted": True}, "sam": {"team_id": "T0OTHERCOM"}}
    for name, mark in marks.items():
        desk.server.workspace.add_person(
            Person(make_id("U", f"x{name}"), f"x{name}", name, f"{name}@x.example", "UTC", **mark)
        )


def called(name: str) -> str:
    return f"x{name}" if name in ("gus", "sam") else name


async def written(desk: Desk) -> list[Any]:
    async with desk.scheduling.database.read() as tx:
        rows = [tuple(r) for r in await tx.execute(select(tables.meetings))]
        return rows + [tuple(r) for r in await tx.execute(select(tables.meeting_times))]


ACTS: dict[str, dict[str, Any]] = {
    "pick": {"index": 0},
    "book": {"start": at("10:00").isoformat()},
    "more": {},
    "hint": {"index": 0},
    "keep": {},
    "cancel": {},
    "change": {"values": {}, "kept": {"sequence": 0}},
}


# -- acts ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["draft", "booked"])
async def test_nobody_but_the_organizer_decides_about_a_meeting(desk: Desk, state: str) -> None:
    peopled(desk)
    offer = replace(
        slots(at("10:00")),
        choices=(Choice("Tue", window(at("09:00"), at("12:00"))),),
        hints=(Hint(label="x", minutes=15),),
    )
    made = await (desk.draft(offer) if state == "draft" else desk.booked("11:00"))
    before = await written(desk)
    for name in OTHERS:
        for act, args in ACTS.items():
            await desk.does(called(name), act, number=made.number, version=made.version, **args)
        for form in ("change_form", "move_form"):
            shown = json.dumps(await desk.form(form, called(name), number=made.number))
            assert "Sync" not in shown, (name, form)
        words = json.dumps(await desk.said(called(name)))
        assert "Sync" not in words
        if state == "draft" or name != "raj":
            assert "There is no meeting M-1 that you arrange or take part in" in words
            assert desk.id("ana") not in words, "not even whose it is"
    assert await written(desk) == before


async def test_only_who_takes_part_answers_and_has_the_file(desk: Desk) -> None:
    peopled(desk)
    made = await desk.booked("11:00")
    before = await written(desk)
    for name in ("kim", "gus", "sam"):
        await desk.does(called(name), "answer", number=made.number, answer="declined")
        await desk.does(called(name), "ics", number=made.number)
        await desk.does(called(name), "ics", number=99)
    assert await written(desk) == before
    async with desk.scheduling.database.read() as tx:
        assert not list(await tx.scalars(select(tables.outgoing.c.id).where(tables.outgoing.c.kind == "file")))


async def test_numbers_that_no_button_has_do_nothing(desk: Desk) -> None:
    offer = replace(
        slots(at("10:00")),
        choices=(Choice("Tue", window(at("09:00"), at("12:00"))),),
        hints=(Hint(label="x", minutes=15),),
    )
    made = await desk.draft(offer)
    before = await written(desk)
    odd: dict[str, dict[str, Any]] = {
        "pick": {"index": 9},
        "hint": {"index": 9},
        "book": {"start": at("13:00").isoformat()},
    }
    for act, more in odd.items():
        await desk.does("ana", act, number=made.number, version=made.version, **more)
    for version in (0, made.version + 1):
        await desk.does("ana", "more", number=made.number, version=version)
    await desk.does("ana", "book", number=999_999_999, version=1, start=at("10:00").isoformat())
    assert await written(desk) == before


@pytest.mark.parametrize("act", ["pick", "book", "more", "hint"])
async def test_an_organizer_who_has_become_a_guest_learns_no_more_of_others_time(desk: Desk, act: str) -> None:
    offer = replace(
        slots(at("10:00")),
        choices=(Choice("Tue", window(at("09:00"), at("12:00"))),),
        hints=(Hint(label="x", minutes=15),),
    )
    made = await desk.draft(offer)
    ana = desk.server.workspace.person("ana")
    desk.server.workspace.people[ana.id] = replace(ana, is_restricted=True)
    people = People(desk.scheduling.slack, desk.scheduling.database, {}, desk.scheduling.hours)  # half a minute later
    desk.performing = MeetingsPerforming(replace(desk.scheduling, people=people), desk.redis)
    before = await written(desk)
    await desk.does("ana", act, number=made.number, version=made.version, **ACTS[act])
    assert await written(desk) == before
    assert "Meetings are for members" in (await desk.said("ana"))[-1]


# -- threads whose readers change -----------------------------------------------------------------------------------------


def afresh(world: World) -> None:
    """What was known of places is old."""
    world.scheduling = replace(world.scheduling, access=Access(Places(world.scheduling.slack)))


def thread_of(world: World) -> Place:
    workspace = world.server.workspace
    return Place(workspace.channel("general").id, workspace.say("ana", "general", "@assist a meeting"))


async def in_thread(world: World, place: Place) -> None:
    world.register.now = replace(world.fresh(), place=place)
    async with world.database.begin() as tx:
        await outgoing.keep(tx, world.now.team, CARD, place.channel, "M-7", place.thread)
    await world.deliver()


def said_there(world: World, place: Place) -> str:
    return json.dumps([m for m in world.server.workspace.messages(place.channel, place.thread) if m.get("bot_id")])


@pytest.mark.parametrize("outsider", ["guest", "stranger"])
async def test_a_card_in_a_thread_tells_nothing_more_once_others_read_along(world: World, outsider: str) -> None:
    place = thread_of(world)
    await in_thread(world, place)
    assert "Team sync" in said_there(world, place)
    if outsider == "guest":
        world.server.workspace.join("gus", "general")
    else:
        world.server.workspace.add_stranger("sam", "Sam Hill", channel="general")
    afresh(world)
    wish = replace(world.now.wish, title="Merger")
    await world.has(wish=wish, sequence=1)
    await world.deliver()
    there = said_there(world, place)
    assert "Merger" not in there
    assert "Raj" not in there
    assert "Others than members" in there
    workspace = world.server.workspace
    (card,) = [m for m in workspace.messages(workspace.dm("ana").id) if "Merger" in str(m.get("blocks"))]
    assert "Cancel" in json.dumps(card), "its organizer goes on there"


async def test_where_slack_does_not_tell_who_reads_along_nothing_is_shown(world: World) -> None:
    place = thread_of(world)
    world.register.now = replace(world.fresh(), place=place)
    async with world.database.begin() as tx:
        await outgoing.keep(tx, world.now.team, CARD, place.channel, "M-7", place.thread)
    row = await world.row(CARD)
    world.server.faults.add("conversations.members", status=503, times=None)
    with pytest.raises(Retryable):
        await Showing(world.scheduling).card(row)


# -- logs ---------------------------------------------------------------------------------------------------------------------


async def test_no_log_line_has_an_attendees_address(world: World) -> None:
    world.mails.answers["RCPT"] = "450 greylisted"
    await world.has(GUEST_ROW)
    with capture_logs() as logs:
        async with world.delivering():
            await world.server.until(lambda: any(e["event"] == "delivery failed" for e in logs), timeout=5)
    (failed,) = [e for e in logs if e["event"] == "delivery failed"]
    assert failed["kind"] == MAIL
    assert "guest@" not in str(logs)
