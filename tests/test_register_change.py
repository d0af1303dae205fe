"""What becomes of a booked meeting when its organizer changes its title, description or people, and who is told of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.meetings.calendars.calendar import Seen, Stored
from bot.meetings.values import MOST_ATTENDEES, Meeting, Repeat, Span
from tests.meetings_world import (
    ANA,
    GUEST,
    KIM,
    LEE,
    RAJ,
    ROOM,
    STRANGER,
    World,
    anywhere,
    at,
    attendee,
    offer_of,
    wish,
    world,
)

__all__ = ["anywhere", "world"]


async def changed(world: World, *people: str, number: int = 1, version: int | None = None, **more: Any) -> Meeting:
    """Ana gives her meeting these people, beside herself."""
    done: Meeting = await world.do("change", number, version, wish(ANA, *people, **more))
    return done


def needed(meeting: Meeting) -> dict[str, bool]:
    return {a.id: a.required for a in meeting.attendees}


async def busy(world: World, person: str) -> list[Span]:
    found = await world.at(lambda tx: world.register.busy(tx, world.team, [person], Span(at(9), at(12))))
    return list(found[person] or ())


# -- what becomes of it --------------------------------------------------------------------------------------------------


async def test_its_time_uid_and_answers_stay_and_the_sequence_grows(anywhere: World) -> None:
    before = await anywhere.booked(ANA, RAJ, GUEST, online=True)
    await anywhere.tell("entered", 1, 0, Stored("ref"))
    await anywhere.do("answer", 1, "tentative", by=RAJ)
    after = await changed(anywhere, RAJ, f"{KIM}?", title="Budget", description="Numbers", version=2)
    assert (after.uid, after.span, after.wish.online) == (before.uid, before.span, True)
    assert (after.wish.title, after.wish.description) == ("Budget", "Numbers")
    assert (after.version, after.sequence, after.entered) == (3, 1, 0)
    assert needed(after) == {ANA: True, RAJ: True, KIM: False}
    assert [a.answer for a in after.attendees] == ["accepted", "tentative", ""]
    assert [await busy(anywhere, p) for p in (RAJ, KIM, GUEST)] == [[before.span], [before.span], []]
    assert (await anywhere.dump())["meeting_events"][-1]["action"] == "changed"


async def test_who_joins_is_invited_who_leaves_is_told_and_the_calendar_learns_of_it(anywhere: World) -> None:
    await anywhere.booked(ANA, RAJ, GUEST)
    await changed(anywhere, RAJ, KIM, ROOM, title="Layoffs")
    out = await anywhere.outgoing()
    assert (out["card", KIM], out["mail", "ukim@example.com"], out["card", RAJ], out["event", "M-1"]) == (1, 1, 2, 2)
    assert (out["mail", GUEST], out["mail", "uraj@example.com"]) == (2, 2)
    assert ("mail", ROOM) not in out
    assert [await anywhere.words(p) for p in (ANA, RAJ, KIM)] == [[], [], []]
    await changed(anywhere, KIM, title="Layoffs of April")
    (word,) = await anywhere.words(RAJ)
    assert word.startswith(f"<@{ANA}> took you out of *Layoffs* on <!date^")
    assert (await anywhere.outgoing())["card", RAJ] == 3
    assert (await anywhere.refusal("answer", 1, "accepted", by=RAJ)).startswith("There is no meeting M-1")


async def test_who_is_invited_again_hears_of_it_as_their_card_is_an_old_message(anywhere: World) -> None:
    await anywhere.booked(ANA, RAJ, KIM)
    await anywhere.do("answer", 1, "declined", by=RAJ)
    await changed(anywhere, KIM)
    back = await changed(anywhere, KIM, RAJ)
    assert [a.answer for a in back.attendees] == ["accepted", "", ""]
    assert "invites you again to *Team sync*" in (await anywhere.words(RAJ))[-1]
    assert await busy(anywhere, RAJ) == [back.span]


async def test_what_the_calendar_said_of_who_left_is_forgotten(anywhere: World) -> None:
    made = await anywhere.booked(ANA, RAJ, KIM)
    assert made.span
    seen = Seen(made.span, cancelled=False, answers={"uraj@example.com": "declined"})
    await anywhere.tell("entered", 1, 0, Stored("ref"))
    await anywhere.tell("seen", 1, seen)
    for people in ((KIM,), (KIM, RAJ)):
        entered = (await changed(anywhere, *people)).sequence
        await anywhere.tell("entered", 1, entered, Stored("ref"))
    assert [a.answer for a in (await anywhere.known()).attendees] == ["accepted", "", ""]
    await anywhere.tell("seen", 1, seen)  # said anew, it counts
    assert [a.answer for a in (await anywhere.known()).attendees] == ["accepted", "", "declined"]


async def test_a_series_is_changed_as_a_whole(world: World) -> None:
    await world.booked(ANA, RAJ, repeat=Repeat("week"), zone="UTC")
    await changed(world, RAJ, KIM)
    found = await world.do("upcoming", at(days=30), by=KIM)
    assert [span.start for span, _ in found] == [at(10, days=1 + 7 * n) for n in range(5)][: len(found)]
    assert len(found) >= 4


async def test_times_that_were_offered_stay_with_the_same_people_only(world: World) -> None:
    await world.booked(ANA, RAJ)
    moving = replace(wish(ANA, f"{RAJ}?"), minutes=60)
    await world.do("offer", 1, None, moving, offer_of(at(14)))
    renamed = await changed(world, RAJ, title="Budget")
    assert renamed.offer
    assert needed(await world.do("standing", 1)) == {ANA: True, RAJ: True}
    joined = await changed(world, RAJ, KIM, title="Budget")
    assert joined.offer is None
    moved = await world.do("book", 1, None, at(14))
    assert (moved.wish.minutes, needed(moved)) == (30, {ANA: True, RAJ: True, KIM: True})


async def test_it_cannot_be_undone_by_a_press_after_that(world: World) -> None:
    await world.do("draft", wish(ANA, RAJ), None, (await world.draft(ANA)).place, "UTC")
    await world.do("book", 2, None, at(10), at_once=True)
    assert (await changed(world, RAJ, number=2, title="Budget")).sequence == 1


# -- what cannot be --------------------------------------------------------------------------------------------------------


async def test_who_has_another_meeting_then_can_join_as_optional_only(anywhere: World) -> None:
    await anywhere.booked(LEE, KIM, ROOM, start=at(10.25))
    await anywhere.booked(ANA, RAJ)
    refused = await anywhere.refusal("change", 2, None, wish(ANA, RAJ, KIM))
    assert refused.startswith(f"<@{KIM}> is not free on <!date^{int(at(10).timestamp())}^")
    assert "You can add them as optional, or reschedule M-2 first." in refused
    assert "as optional" not in await anywhere.refusal("change", 2, None, wish(ANA, RAJ, ROOM))
    assert needed(await changed(anywhere, RAJ, f"{KIM}?", number=2))[KIM] is False
    assert "is not free" in await anywhere.refusal("change", 2, None, wish(ANA, RAJ, KIM)), "nor made required"
    await anywhere.do("answer", 1, "declined", by=KIM)
    assert needed(await changed(anywhere, RAJ, KIM, number=2))[KIM] is True


async def test_of_a_series_only_what_is_to_come_stands_in_the_way(world: World) -> None:
    await world.booked(ANA, RAJ, start=at(10), repeat=Repeat("week"), zone="UTC")
    await world.shift(1, at(10, days=-6))
    await world.booked(LEE, KIM, start=at(10))
    await world.shift(2, at(10, days=-6))
    assert KIM in needed(await changed(world, RAJ, KIM))
    await world.booked(LEE, STRANGER, start=at(10, days=15))
    assert f"<!date^{int(at(10, days=15).timestamp())}^" in await world.refusal(
        "change", 1, None, wish(ANA, RAJ, STRANGER)
    )


async def test_only_its_organizer_changes_it_as_it_was_shown_and_while_it_stands(anywhere: World) -> None:
    await anywhere.booked(ANA, RAJ)
    new = wish(ANA, RAJ, title="Mine")
    assert f"Only <@{ANA}>" in await anywhere.refusal("change", 1, None, new, by=RAJ)
    assert "There is no meeting M-1" in await anywhere.refusal("change", 1, None, new, by=STRANGER)
    assert "changed meanwhile" in await anywhere.refusal("change", 1, 1, new)
    await anywhere.draft(ANA, RAJ)
    assert await anywhere.refusal("change", 2, 1, new) == "M-2 is not booked yet."
    await anywhere.shift(1, at(10, days=-2))
    assert await anywhere.refusal("change", 1, None, new) == "M-1 is over."
    await anywhere.booked(ANA, RAJ)
    await anywhere.do("cancel", 3, None)
    assert "was cancelled" in await anywhere.refusal("change", 3, None, new)


async def test_nobody_is_left_alone_nothing_is_changed_for_nothing_and_there_are_not_too_many(world: World) -> None:
    await world.booked(ANA, RAJ, ROOM)
    assert "Nobody else would be left in M-1" in await world.refusal("change", 1, None, wish(ANA, ROOM))
    assert "like that already" in await world.refusal("change", 1, None, wish(ROOM, ANA, RAJ, ROOM, ANA))
    crowd = [f"U{n}" for n in range(MOST_ATTENDEES)]
    assert f"at most {MOST_ATTENDEES} people" in await world.refusal("change", 1, None, wish(ANA, *crowd))
    await world.booked(ANA, start=at(14))
    assert (await changed(world, number=2, title="Focus")).wish.title == "Focus", "who was alone may stay so"


async def test_a_press_that_is_performed_twice_changes_it_once(anywhere: World) -> None:
    await anywhere.booked(ANA, RAJ)

    async def press(tx: AsyncConnection) -> None:
        by = anywhere.by(cause="press-1")
        if not await anywhere.register.done(tx, by):
            await anywhere.register.change(tx, by, 1, None, wish(ANA, RAJ, KIM))

    for _ in range(2):
        await anywhere.at(press)
    assert (await anywhere.known()).sequence == 1


async def test_without_another_calendar_it_is_entered_at_once_and_texts_are_made_plain(world: World) -> None:
    await world.booked(ANA, RAJ)
    after = await world.do(
        "change", 1, None, replace(wish(ANA, RAJ, title="a\x00\nb"), attendees=(attendee(ANA), attendee(RAJ)))
    )
    assert (after.wish.title, after.entered, after.sequence) == ("a b", 1, 1)
    assert ("event", "M-1") not in await world.outgoing()
