"""What bearers take of meetings to the calendar, what is given of them as files, and who sees which card.

The register here is one in memory (tests/bearing_world.py); delivery, the database, Slack and the mail server are real.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from icalendar import Calendar
from structlog.testing import capture_logs

from bot.delivery import outgoing
from bot.delivery.outgoing import CARD, EVENT
from bot.errors import CalendarRefused, Retryable
from bot.meetings.face.cards import draft_card, meeting_card
from bot.meetings.showing import Showing, file_name
from bot.meetings.values import MeetingState, Offer, Place
from tests.bearing_world import EVENT_ROW, GUEST_ROW, World, world
from tests.housekeeping_world import TEAM
from tests.meeting_mail_values import START, WEEKLY, meeting

__all__ = ["world"]

DOWN = Retryable("calendar: 503", said="It does not answer.")
REFUSED = CalendarRefused("The calendar has no room for me. Please tell whoever runs me.", "403 forbidden")
PROBLEM = "The test calendar does not answer. I keep trying."


# -- the calendar ------------------------------------------------------------------------------------------------------------


async def test_a_booked_meeting_is_entered_once_and_what_the_calendar_gave_is_kept(world: World) -> None:
    world.calendar.link = "https://meet.calendar.example/x"
    await world.has(EVENT_ROW)
    await world.deliver()
    await world.has()  # something about it changed that the calendar need not hear of
    await world.deliver()
    assert world.calendar.puts == 1
    now = world.now
    assert (now.entered, now.ref, now.link) == (0, f"ref-{now.uid}", "https://meet.calendar.example/x")


async def test_a_move_is_put_again_with_its_reference_and_a_cancellation_removed(world: World) -> None:
    await world.has(EVENT_ROW)
    await world.deliver()
    await world.has(sequence=1, start=START + timedelta(days=1))
    await world.deliver()
    (held,) = world.calendar.events.values()
    assert (held.sequence, held.start, held.ref) == (1, START + timedelta(days=1), f"ref-{held.uid}")
    await world.has(sequence=2, state="cancelled")
    await world.deliver()
    assert (world.calendar.events, world.now.entered) == ({}, 2)


async def test_a_kill_between_the_calendar_and_the_note_leaves_one_event(world: World) -> None:
    world.calendar.held = asyncio.Event()
    await world.has(EVENT_ROW)
    async with world.delivering():
        await asyncio.wait_for(world.calendar.storing.wait(), 5)
    assert world.now.entered == -1
    world.calendar.held = None
    await world.hurry()  # its claim has run out
    await world.deliver()
    assert (world.calendar.puts, len(world.calendar.events), world.now.entered) == (2, 1, 0)


async def test_one_cancelled_after_such_a_kill_is_removed_though_nobody_noted_that_it_is_there(world: World) -> None:
    world.calendar.held = asyncio.Event()
    await world.has(EVENT_ROW)
    async with world.delivering():
        await asyncio.wait_for(world.calendar.storing.wait(), 5)
    world.calendar.held = None
    await world.has(state="cancelled", sequence=1)
    await world.hurry()
    await world.deliver()
    assert (world.calendar.events, world.calendar.puts) == ({}, 1)


async def test_a_change_while_it_is_entered_is_entered_after_it(world: World) -> None:
    world.calendar.held = asyncio.Event()
    await world.has(EVENT_ROW)
    async with world.delivering():
        await asyncio.wait_for(world.calendar.storing.wait(), 5)
        await world.has(sequence=1)
        world.calendar.held.set()
        await world.server.until(lambda: world.now.entered == 1, timeout=5)
    assert (world.calendar.puts, world.calendar.events[world.now.uid].sequence) == (2, 1)


async def test_a_calendar_that_is_away_is_tried_again_and_the_organizer_told_after_some_tries(world: World) -> None:
    world.calendar.faults += [DOWN] * 3
    await world.has(EVENT_ROW)
    await world.deliver()
    assert (world.register.troubles, world.now.entered) == ([], 0)
    world.calendar.faults += [DOWN] * 5
    await world.has(sequence=1)
    await world.deliver()
    assert world.register.troubles == [(PROBLEM, False)]
    assert (world.now.entered, world.now.problem, world.now.state) == (1, "", "booked")


async def test_a_calendar_that_refuses_for_good_makes_it_fail_with_a_line_in_the_log(world: World) -> None:
    world.calendar.faults.append(REFUSED)
    await world.has(EVENT_ROW)
    with capture_logs() as logs:
        await world.deliver()
    assert world.register.troubles == [(str(REFUSED), True)]
    assert (world.now.state, world.now.problem, world.calendar.puts) == ("failed", str(REFUSED), 0)
    (told,) = [entry for entry in logs if entry["event"] == "calendar refused"]
    assert (told["meeting"], told["error"]) == ("M-7", "403 forbidden")
    assert world.now.wish.title not in str(logs)


async def test_one_that_may_not_be_moved_does_not_stay_at_its_old_time(world: World) -> None:
    await world.has(EVENT_ROW)
    await world.deliver()
    world.calendar.faults += [REFUSED, DOWN]  # the move, then the removal
    await world.has(sequence=1, start=START + timedelta(days=1))
    await world.deliver()
    assert (world.now.state, world.calendar.events, world.calendar.removed) == ("failed", {}, [world.now.uid])


async def test_a_calendar_that_lets_nothing_be_removed_is_not_asked_for_ever(world: World) -> None:
    await world.has(EVENT_ROW)
    await world.deliver()
    world.calendar.faults.append(REFUSED)
    await world.has(sequence=1, state="cancelled")
    await world.deliver()
    assert (world.now.state, world.register.troubles) == ("cancelled", [(str(REFUSED), True)])
    assert world.calendar.removed == []


@pytest.mark.parametrize("state", ["draft", "dropped"])
async def test_what_is_not_booked_is_neither_entered_nor_mailed(world: World, state: MeetingState) -> None:
    made = replace(meeting(), state=state, start=None, end=None)
    await world.has(EVENT_ROW, GUEST_ROW, made=made)
    await world.deliver()
    assert (world.calendar.puts, world.calendar.removed, world.mails.sent) == (0, [], [])


async def test_an_online_meeting_gets_the_set_link_where_the_calendar_makes_none(world: World) -> None:
    world.scheduling = replace(world.scheduling, link="https://meet.example/{id}")
    made = world.fresh()
    await world.has(EVENT_ROW, made=replace(made, wish=replace(made.wish, online=True)))
    await world.deliver()
    link = world.now.link
    assert link.startswith("https://meet.example/")
    assert len(link.removeprefix("https://meet.example/")) == 20
    assert world.calendar.events[made.uid].link == link


# -- files --------------------------------------------------------------------------------------------------------------------


async def test_the_file_of_a_meeting_is_given_to_its_people_alone(world: World) -> None:
    made = world.fresh()
    await world.has(EVENT_ROW, made=replace(made, wish=replace(made.wish, repeat=WEEKLY)))
    async with world.database.begin() as tx:
        for name in ("raj", "kim"):
            await outgoing.give_file(tx, TEAM, world.person(name), "M-7", "ics", "asked")
    await world.deliver()
    workspace = world.server.workspace
    (given,) = [m for m in workspace.messages(workspace.dm(workspace.person("raj")).id) if m.get("files")]
    assert given["files"][0]["name"] == "M-7 Team sync.ics"
    assert not workspace.messages(workspace.dm(workspace.person("kim")).id)


@pytest.mark.parametrize(("state", "method"), [("booked", "PUBLISH"), ("cancelled", "CANCEL")])
async def test_the_file_is_what_a_calendar_opens(
    world: World, tmp_path: Path, state: MeetingState, method: str
) -> None:
    await world.has(EVENT_ROW, state=state)
    row = replace(await world.row(EVENT), person=world.person("raj"), kind="file", body="ics")
    path = await Showing(world.scheduling).file(row, tmp_path)
    assert path
    told = Calendar.from_ical(path.read_bytes())
    (component,) = told.walk("VEVENT")
    assert (told["METHOD"], component["UID"], component.decoded("DTSTART")) == (method, world.now.uid, START)


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Team sync", "M-7 Team sync.ics"),
        ("../../etc/passwd", "M-7 etc passwd.ics"),
        ("a/b\\c:d\n\x00", "M-7 a b c d.ics"),
        ("Über 🚀", "M-7 Über.ics"),
        ("x" * 300, f"M-7 {'x' * 60}.ics"),
        ("\ud800", "M-7.ics"),
    ],
)
def test_a_files_name_is_one_everywhere(title: str, name: str) -> None:
    made = meeting()
    assert file_name(replace(made, wish=replace(made.wish, title=title))) == name


# -- cards --------------------------------------------------------------------------------------------------------------------


async def test_each_reader_has_the_card_that_is_theirs(world: World) -> None:
    thread = Place(world.server.workspace.channel("general").id, "1700000000.000100")
    await world.has((CARD, world.person("ana")), place=thread, made=world.fresh())
    showing, row = Showing(world.scheduling), await world.row(CARD)
    in_thread = replace(row, person=thread.channel, key=thread.thread)
    raj, kim = replace(row, person=world.person("raj")), replace(row, person=world.person("kim"))
    assert await showing.card(row) == meeting_card(world.now, world.now.organizer)
    assert await showing.card(raj) == meeting_card(world.now, raj.person)
    assert await showing.card(in_thread) == meeting_card(world.now, "")
    assert await showing.card(kim) is None
    assert await showing.card(replace(in_thread, key="1700000000.000200")) is None


async def test_times_to_which_it_may_be_moved_are_offered_where_it_is_decided(world: World) -> None:
    offer = Offer(question="Which?")
    thread = Place(world.server.workspace.channel("general").id, "1700000000.000100")
    await world.has((CARD, world.person("ana")), place=thread, offer=offer, made=world.fresh())
    showing, row = Showing(world.scheduling), await world.row(CARD)
    for reader in (row, replace(row, person=thread.channel, key=thread.thread)):
        assert await showing.card(reader) == draft_card(world.now)
    raj = replace(row, person=world.person("raj"))
    assert await showing.card(raj) == meeting_card(world.now, raj.person)


async def test_a_draft_shows_what_is_asked(world: World) -> None:
    made = replace(world.fresh(), state="draft", start=None, end=None, offer=Offer(question="Which?"))
    await world.has((CARD, world.person("ana")), made=made)
    assert await Showing(world.scheduling).card(await world.row(CARD)) == draft_card(world.now)


async def test_a_refusal_of_what_was_changed_meanwhile_harms_nothing(world: World) -> None:
    world.calendar.held = asyncio.Event()
    await world.has(EVENT_ROW)
    async with world.delivering(), asyncio.timeout(8):
        await world.calendar.storing.wait()
        await world.has(sequence=1)
        world.calendar.faults = [REFUSED]
        world.calendar.held.set()
        while world.now.entered < 1:  # noqa: ASYNC110  # the database tells nobody
            await asyncio.sleep(0.02)
    assert (world.now.state, world.register.troubles, world.calendar.removed) == ("booked", [], [])
