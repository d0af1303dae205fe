"""The register when things happen at once, or twice, or at a large size."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot import tables
from bot.delivery.claims import KEPT_DAYS, Claims
from bot.delivery.outgoing import NEVER
from bot.errors import MeetingRefused
from bot.meetings.register.rows import Kept, record
from bot.meetings.values import MOST_ATTENDEES, Meeting, Place, Span
from bot.models import utcnow
from tests.meetings_world import ANA, GUEST, KIM, RAJ, ROOM, World, anywhere, at, wish, world

__all__ = ["anywhere", "world"]
MANY, BUSY_PEOPLE, WEEKS = 10_000, 200, 4


async def test_of_those_who_book_somebody_at_once_one_wins(anywhere: World) -> None:
    for who in (RAJ, ROOM, GUEST):
        drafts = [await anywhere.draft(f"U{n}", who) for n in range(8)]
        pressing = (anywhere.do("book", m.number, 1, at(10), by=m.organizer) for m in drafts)
        done = await asyncio.gather(*pressing, return_exceptions=True)
        assert [type(d) for d in done if not isinstance(d, Meeting)] == [MeetingRefused] * 7
        states = [m["state"] for m in (await anywhere.dump())["meetings"][-8:]]
        assert sorted(states) == ["booked", *["draft"] * 7]
        for meeting in (d for d in done if isinstance(d, Meeting)):
            await anywhere.do("cancel", meeting.number, None, by=meeting.organizer)


async def test_two_who_begin_a_workspace_at_once_get_a_number_each(anywhere: World) -> None:
    drafts = await asyncio.gather(*(anywhere.draft(f"U{n}", RAJ) for n in range(5)))
    assert sorted(m.number for m in drafts) == [1, 2, 3, 4, 5]


async def test_a_press_that_is_performed_twice_at_once_books_once(anywhere: World) -> None:
    await anywhere.draft(ANA, RAJ)

    async def press(tx: AsyncConnection) -> bool:
        by = anywhere.by(cause="press-1")
        if await anywhere.register.done(tx, by):
            return False
        await anywhere.register.book(tx, by, 1, 1, at(10))
        return True

    done = await asyncio.gather(*(anywhere.at(press) for _ in range(4)), return_exceptions=True)
    assert [d for d in done if d is True] == [True]
    assert all(d in (True, False) or isinstance(d, MeetingRefused) for d in done)  # to the others it is done, or stale
    assert not await anywhere.at(press)
    assert [e["action"] for e in (await anywhere.dump())["meeting_events"]] == ["drafted", "booked"]


async def test_an_answer_and_a_cancellation_at_once_leave_one_truth(anywhere: World) -> None:
    for number in range(1, 6):
        await anywhere.booked(ANA, RAJ, start=at(10 + number))
        answering = anywhere.do("answer", number, "declined", by=RAJ)
        cancelling = anywhere.do("cancel", number, None)
        answered: object
        cancelled: object
        answered, cancelled = await asyncio.gather(answering, cancelling, return_exceptions=True)
        assert isinstance(cancelled, Meeting)
        assert isinstance(answered, Meeting | MeetingRefused)
        meeting = await anywhere.known(number)
        assert meeting.state == "cancelled"
        assert (meeting.attendees[1].answer == "declined") == isinstance(answered, Meeting)


async def test_two_hundred_attendees_are_booked_moved_and_cancelled(anywhere: World) -> None:
    people = (ANA, *(f"U{n}" for n in range(49)), *(f"g{n}@example.com" for n in range(MOST_ATTENDEES - 50)))
    began = time.perf_counter()
    await anywhere.booked(*people)
    await anywhere.do("book", 1, None, at(12))
    moved = await anywhere.dump()
    assert len(moved["meeting_times"]) == MOST_ATTENDEES
    assert len(await anywhere.outgoing("mail")) == MOST_ATTENDEES - 1
    assert len(await anywhere.outgoing("card")) == 50
    await anywhere.do("cancel", 1, None)
    assert set((await anywhere.outgoing("mail")).values()) == {3}
    assert len(await anywhere.outgoing("word")) == 49
    assert (await anywhere.dump())["meeting_times"] == []
    assert time.perf_counter() - began < 8  # less than two, on a machine of its own


async def test_who_was_invited_long_ago_is_still_told_of_a_move(anywhere: World) -> None:
    await anywhere.booked(ANA, RAJ, GUEST)
    old = {"created_at": utcnow() - timedelta(days=KEPT_DAYS + 1), "due_at": NEVER, "shown": 1}
    async with anywhere.database.begin() as tx:
        await tx.execute(update(tables.outgoing).values(**old))
    await Claims(anywhere.database, anywhere.team).prune()
    await anywhere.do("book", 1, None, at(12))
    assert await anywhere.outgoing("mail") == {("mail", "uraj@example.com"): 2, ("mail", GUEST): 2}
    assert await anywhere.outgoing("event") == {("event", "M-1"): 2}


async def filled(world: World) -> None:
    """Ten thousand booked meetings of five people each, of two hundred, over two years."""
    now = utcnow()
    meetings, times = list[Mapping[str, Any]](), list[Mapping[str, Any]]()
    for n in range(1, MANY + 1):
        people = [f"U{(n * 7 + 41 * k) % BUSY_PEOPLE}" for k in range(5)]
        start = at(8 + n % 36 / 4, days=-300 + n * 17 % 700)
        made = Meeting(
            team=world.team, number=n, uid=str(n), organizer=people[0], state="booked", version=2, sequence=0,
            wish=wish(*people), offer=None, start=start, end=start + timedelta(minutes=30), zone="Europe/Lisbon",
            place=Place(), entered=0, ref="r", page="", link="", problem="", at_once=False, reminded_at=None,
            created_at=now, changed_at=now,
        )  # fmt: skip
        meetings.append(record(Kept(made)))
        times += [
            {"team": world.team, "meeting": n, "attendee": p, "start_at": start, "end_at": made.end, "busy": True}
            for p in people
        ]
    async with world.database.begin() as tx:
        await tx.execute(insert(tables.meeting_books).values(team=world.team, last_meeting=MANY))
        await tx.execute(insert(tables.meetings), meetings)
        await tx.execute(insert(tables.meeting_times), times)


async def test_ten_thousand_meetings_do_not_slow_it_down(world: World) -> None:
    await filled(world)
    people, span = [f"U{n}" for n in range(BUSY_PEOPLE)], Span(at(), at(days=1 + 7 * WEEKS))
    how = {"ahead": timedelta(days=14), "after": timedelta(minutes=5), "most": 20}
    reads: dict[str, Any] = {
        "busy": lambda: world.tell("busy", people, span),
        "upcoming": lambda: world.do("upcoming", at(days=90), by="U7"),
        "starting": lambda: world.tell("starting", at(24), 50),
        "to look at": lambda: world.tell("to_look_at", **how),
    }
    for name, read in reads.items():
        took = []
        for _ in range(5):
            began = time.perf_counter()
            found = await read()
            took.append(time.perf_counter() - began)
        assert found
        print(f"{name}: {min(took) * 1000:.1f} ms at best, {max(took) * 1000:.1f} at worst")  # noqa: T201  # `-s` shows it
        assert min(took) < 0.1, name
    assert sum(map(len, (await reads["busy"]()).values())) > 1000
    began = time.perf_counter()
    await world.draft(KIM, "U7")
    await world.do("book", MANY + 1, 1, at(3), by=KIM)
    assert time.perf_counter() - began < 0.2
