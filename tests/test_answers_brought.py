"""Answers given in Slack, as delivery brings them to the calendar. The register and the calendar are in memory (tests/bearing_world.py)."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from sqlalchemy import update
from structlog.testing import capture_logs

from bot import tables
from bot.delivery.outgoing import EVENT
from bot.errors import CalendarRefused, Retryable
from bot.meetings.showing import ANSWER_TRIES
from bot.models import utcnow
from tests.bearing_world import EVENT_ROW, World, world

__all__ = ["world"]

DOWN = Retryable("calendar: 503", said="It does not answer.")
REFUSED = CalendarRefused("The calendar has no room for me. Please tell whoever runs me.", "403 forbidden")


async def answered(world: World, *names: str) -> None:
    """These have declined in Slack."""
    ids = {world.person(name) for name in names}
    now = world.register.now or world.fresh()
    people = tuple(replace(a, answer="declined", untold=True) if a.id in ids else a for a in now.attendees)
    await world.has(EVENT_ROW, wish=replace(now.wish, attendees=people))


async def test_an_answer_given_in_slack_is_brought_to_the_calendar_once(world: World) -> None:
    await answered(world, "raj")
    await world.deliver()
    await world.has()
    await world.deliver()
    assert world.calendar.answers == [(world.now.uid, world.person("raj"), "declined")]
    assert (world.calendar.puts, world.now.entered) == (1, 0)


async def test_an_answer_is_brought_again_after_a_kill_and_while_the_calendar_is_away(world: World) -> None:
    await world.has(EVENT_ROW)
    await world.deliver()
    world.calendar.faults = [DOWN, DOWN]
    await answered(world, "raj")
    await world.deliver()
    assert len(world.calendar.answers) == 1
    await answered(world, "raj")  # as if nobody had noted that it was told
    await world.deliver()
    assert len(world.calendar.answers) == 2
    assert world.register.troubles == []


async def test_one_calendar_that_is_away_keeps_nobody_elses_answer_waiting(world: World) -> None:
    await world.has(EVENT_ROW)
    await world.deliver()
    _, *people = world.now.attendees
    crowd = (*people, *(replace(people[0], id=f"U9{i}", email=f"u9{i}@example.com") for i in range(3)))
    world.calendar.away = {a.id for a in crowd[1:]}  # more than are tried at once
    said = tuple(replace(a, answer="declined", untold=True) for a in reversed(crowd))
    await world.has(EVENT_ROW, wish=replace(world.now.wish, attendees=(world.now.attendees[0], *said)))
    for _ in range(3):  # the first two tries end before Raj's calendar
        await world.hurry()
        with capture_logs() as logs:
            async with world.delivering(), asyncio.timeout(8):
                while not any(entry["event"] == "delivery failed" for entry in logs):  # noqa: ASYNC110  # likewise
                    await asyncio.sleep(0.02)
    assert world.register.told_of == [(people[0].id, True)]
    world.calendar.away = set()
    await world.hurry()
    await world.deliver()
    assert {who for who, _ in world.register.told_of} == {a.id for a in crowd}
    assert all(taken for _, taken in world.register.told_of)


async def test_a_copy_that_is_not_there_yet_is_waited_for_and_at_last_given_up(world: World) -> None:
    raj = world.person("raj")
    world.calendar.without_copies = {raj}
    await answered(world, "raj")
    async with world.delivering(), asyncio.timeout(8):
        while not (row := await world.row(EVENT)).tries or world.now.entered < 0:  # noqa: ASYNC110  # the database tells nobody
            await asyncio.sleep(0.02)
    assert world.register.told_of == []
    async with world.database.begin() as tx:  # as if the other tries were over
        last = {"tries": ANSWER_TRIES, "due_at": utcnow()}
        await tx.execute(update(tables.outgoing).where(tables.outgoing.c.id == row.id).values(last))
    await world.deliver()
    assert world.register.told_of == [(raj, False)]
    assert world.texts("ana") == []


async def test_an_answer_that_the_calendar_refuses_stands_in_slack_and_harms_nothing(world: World) -> None:
    await world.has(EVENT_ROW)
    await world.deliver()
    world.calendar.faults = [REFUSED]
    await answered(world, "raj")
    with capture_logs() as logs:
        await world.deliver()
    assert world.register.told_of == [(world.person("raj"), False)]
    (refused,) = [entry for entry in logs if entry["event"] == "answer refused"]
    assert (refused["meeting"], refused["error"]) == ("M-7", "403 forbidden")
    assert world.now.state == "booked"
    assert world.now.attendees[1].answer == "declined"


async def test_answers_to_what_was_cancelled_are_not_brought(world: World) -> None:
    await answered(world, "raj")
    await world.has(state="cancelled", sequence=1)
    await world.deliver()
    assert world.calendar.answers == []


async def test_an_answer_to_what_was_changed_meanwhile_waits_until_the_calendar_has_the_change(world: World) -> None:
    first, second = asyncio.Event(), asyncio.Event()
    world.calendar.held = first
    await world.has(EVENT_ROW)
    async with world.delivering(), asyncio.timeout(8):
        await world.calendar.storing.wait()
        world.calendar.storing.clear()
        world.calendar.held = second
        await world.has(sequence=1)
        await answered(world, "raj")
        first.set()
        await world.calendar.storing.wait()
        assert world.calendar.answers == []
        second.set()
        while not world.calendar.answers:  # noqa: ASYNC110  # likewise
            await asyncio.sleep(0.02)
    assert world.calendar.events[world.now.uid].sequence == 1


async def test_a_copy_is_waited_for_also_after_the_calendar_was_away_for_long(world: World) -> None:
    world.calendar.without_copies = {world.person("raj")}
    await answered(world, "raj")
    async with world.database.begin() as tx:  # as if the calendar had not answered until now
        await tx.execute(update(tables.outgoing).values(tries=ANSWER_TRIES))
    with capture_logs() as logs:
        async with world.delivering(), asyncio.timeout(8):
            while not any(entry["event"] == "delivery failed" for entry in logs):  # noqa: ASYNC110  # likewise
                await asyncio.sleep(0.02)
    assert (world.calendar.puts, world.register.told_of) == (1, [])
