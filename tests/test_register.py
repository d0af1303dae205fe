"""The register: drafts, bookings, moves, cancellations, answers; who may, and what is told of each."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.errors import MeetingRefused
from bot.meetings.calendars.calendar import Stored
from bot.meetings.values import MOST_ATTENDEES, Meeting, Repeat, Span
from tests.meetings_world import (
    ANA,
    GUEST,
    KIM,
    LEE,
    RAJ,
    ROOM,
    STRANGER,
    THREAD,
    World,
    at,
    offer_of,
    outside,
    wish,
    world,
)

__all__ = ["outside", "world"]
HALF = timedelta(minutes=30)


# -- drafts ------------------------------------------------------------------------------------------------------------


async def test_a_draft_has_one_card_where_it_was_asked_for(world: World) -> None:
    first = await world.draft(ANA, RAJ)
    second = await world.draft(ANA, RAJ, place=THREAD)
    assert (first.name, first.state, first.version, first.start) == ("M-1", "draft", 1, None)
    rows = [(r["kind"], r["person"], r["subject"], r["key"]) for r in (await world.dump())["outgoing"]]
    assert rows == [("card", ANA, "M-1", ""), ("card", "C1", "M-2", THREAD.thread)]
    assert first.uid != second.uid


async def test_a_draft_keeps_what_was_wished_and_offered(world: World) -> None:
    made = wish(ANA, RAJ, f"{GUEST}?", online=True, description="Numbers")
    offer = offer_of(at(10), at(14))
    drafted = await world.do("draft", made, offer, THREAD, "Asia/Kolkata")
    assert await world.known() == drafted
    assert (drafted.wish, drafted.offer, drafted.place, drafted.zone) == (made, offer, THREAD, "Asia/Kolkata")
    changed = await world.do("offer", 1, 1, replace(made, minutes=60), None)
    assert (changed.version, changed.wish.minutes, changed.offer) == (2, 60, None)
    assert await world.outgoing() == {("card", "C1"): 2}


async def test_texts_are_cut_and_made_plain_and_nobody_is_there_twice(world: World) -> None:
    made = wish(ANA, RAJ, RAJ, ANA, title="a\x00\u202e\nb" + "x" * 300, description="y" * 4000)
    drafted = await world.do("draft", made, None, THREAD, "UTC")
    assert drafted.wish.title == "a b" + "x" * 197
    assert len(drafted.wish.description) == 3000
    assert [a.id for a in drafted.attendees] == [ANA, RAJ]
    assert (await world.draft(ANA, title=" \n")).wish.title == "Meeting"


async def test_what_is_too_much_is_refused(world: World) -> None:
    people = [f"U{n}" for n in range(MOST_ATTENDEES)]
    place: tuple[Any, ...] = (None, THREAD, "UTC")
    assert "at most 200 people; this one would have 201" in await world.refusal("draft", wish(ANA, *people), *place)
    for minutes in (0, 4, 25 * 60):
        assert "from 5 minutes to 24 hours" in await world.refusal("draft", wish(minutes=minutes), *place)
    for repeat in (Repeat("day", 0), Repeat("month", 53), Repeat("week", 1, 367)):
        assert "A series has at most" in await world.refusal("draft", wish(repeat=repeat), *place)
    assert len((await world.do("draft", wish(ANA, *people[1:]), *place)).attendees) == MOST_ATTENDEES


async def test_drafts_are_their_organizers_own_the_newest_first(world: World) -> None:
    for person in (ANA, RAJ, ANA, ANA):
        await world.draft(person, KIM)
    await world.do("cancel", 3, None)
    assert [m.number for m in await world.do("drafts")] == [4, 1]
    assert [m.number for m in await world.do("drafts", 1)] == [4]
    assert await world.do("drafts", by=KIM) == []


# -- booking -------------------------------------------------------------------------------------------------------------


async def test_booked_without_another_calendar_it_is_entered_at_once(world: World) -> None:
    booked = await world.booked(ANA, RAJ, KIM, GUEST, ROOM)
    assert (booked.state, booked.version, booked.sequence, booked.entered) == ("booked", 2, 0, 0)
    assert booked.span == Span(at(10), at(10) + HALF)
    assert [a.answer for a in booked.attendees] == ["accepted", "", "", "", ""]
    assert await world.outgoing() == {("card", ANA): 2, ("card", RAJ): 1, ("card", KIM): 1}
    times = (await world.dump())["meeting_times"]
    assert {t["attendee"] for t in times} == {ANA, RAJ, KIM, GUEST, ROOM}
    assert await world.known() == booked


async def test_with_a_calendar_and_mails_both_are_to_be_told(outside: World) -> None:
    booked = await outside.booked(ANA, RAJ, GUEST, ROOM, place=THREAD)
    assert booked.entered == -1
    assert await outside.outgoing() == {
        ("card", "C1"): 2,
        ("card", RAJ): 1,
        ("event", "M-1"): 1,
        ("mail", "uraj@example.com"): 1,
        ("mail", GUEST): 1,
    }


async def test_a_required_attendee_meets_one_at_a_time(world: World) -> None:
    await world.booked(ANA, RAJ, start=at(10))
    await world.draft(KIM, RAJ, GUEST)
    taken = f"<@{RAJ}> is not free any more on <!date^"
    for start in (at(10), at(9.75), at(10.25)):
        assert (await world.refusal("book", 2, 1, start, by=KIM)).startswith(taken)
    assert (await world.do("book", 2, 1, at(10.5), by=KIM)).state == "booked"  # they touch
    optional = await world.booked(LEE, f"{RAJ}?", start=at(10))  # an optional one may miss it
    assert optional.state == "booked"


async def test_rooms_and_guests_are_taken_too(world: World) -> None:
    await world.booked(ANA, ROOM, GUEST)
    await world.draft(RAJ, ROOM, GUEST)
    said = await world.refusal("book", 2, None, at(10), by=RAJ)
    assert said.startswith("Aquarium, Zoe are not free any more")


async def test_many_who_are_taken_are_counted(world: World) -> None:
    people = [f"U{n}" for n in range(6)]
    await world.booked(ANA, *people)
    await world.draft(ANA, *people)
    assert "<@UANA>, <@U0>, <@U1> and 4 more are not free" in await world.refusal("book", 2, None, at(10))


async def test_who_has_declined_is_free(world: World) -> None:
    await world.booked(ANA, RAJ)
    await world.do("answer", 1, "declined", by=RAJ)
    assert (await world.booked(KIM, RAJ)).state == "booked"


async def test_times_that_cannot_be_are_refused(world: World) -> None:
    await world.draft(ANA, RAJ)
    assert await world.refusal("book", 1, 1, at(0, days=-1)) == "That time has passed. Please choose a later one."
    assert "more than two years ahead" in await world.refusal("book", 1, 1, at(0, days=800))


async def test_a_stale_version_is_refused(world: World) -> None:
    await world.draft(ANA, RAJ)
    await world.do("offer", 1, 1, wish(), None)
    stale = "M-1 has changed meanwhile; its card shows how it is now."
    for call in (("book", 1, 1, at(10)), ("cancel", 1, 1), ("offer", 1, 1, wish(), None)):
        assert await world.refusal(*call) == stale


async def test_what_is_not_there_and_what_is_not_theirs_get_the_same_words(world: World) -> None:
    await world.draft(ANA, RAJ)
    await world.booked(ANA, KIM)
    for by, number in ((RAJ, 1), (STRANGER, 1), (STRANGER, 2), (ANA, 9)):
        none = f"There is no meeting M-{number} that you arrange or take part in."
        calls: list[tuple[Any, ...]] = [
            ("meeting", number),
            ("cancel", number, None),
            ("book", number, None, at(12)),
            ("offer", number, None, wish(by, RAJ), None),
            ("answer", number, "accepted"),
        ]
        for call in calls:
            assert await world.refusal(*call, by=by) == none
    assert (await world.do("meeting", 2, by=KIM)).number == 2
    for call in (("cancel", 2, None), ("book", 2, None, at(12)), ("offer", 2, None, wish(KIM, ANA), None)):
        assert await world.refusal(*call, by=KIM) == f"Only <@{ANA}>, who arranged M-2, can do that."


async def test_a_press_is_known_by_its_cause(world: World) -> None:
    await world.draft(ANA, RAJ)
    assert not await world.do("done", cause="press-1")
    await world.do("book", 1, 1, at(10), cause="press-1")
    assert await world.do("done", cause="press-1")
    assert not await world.do("done", cause="")  # a tool's: the journal knows


async def test_a_refusal_inside_a_transaction_that_goes_on_leaves_nothing_half_done(world: World) -> None:
    await world.booked(ANA, RAJ)

    async def work(tx: Any) -> Meeting:
        drafted = await world.register.draft(tx, world.by(KIM), wish(KIM, RAJ), None, THREAD, "UTC")
        with pytest.raises(MeetingRefused):
            await world.register.book(tx, world.by(KIM), drafted.number, 1, at(10))
        return drafted

    assert (await world.at(work)).number == 2
    assert (await world.known(2)).state == "draft"
    assert {t["meeting"] for t in (await world.dump())["meeting_times"]} == {1}


async def test_only_what_was_booked_without_a_press_can_be_undone(world: World) -> None:
    await world.draft(ANA, RAJ)
    assert (await world.do("book", 1, 1, at(10), at_once=True)).at_once
    assert not (await world.do("book", 1, 2, at(11), at_once=True)).at_once  # Undo would cancel what was moved


# -- moving ----------------------------------------------------------------------------------------------------------------


async def test_times_offered_for_a_move_leave_it_as_it_is_until_one_is_chosen(world: World) -> None:
    booked = await world.booked(ANA, RAJ, KIM)
    sought = wish(ANA, KIM, minutes=60, title="Other")  # without Raj
    offered = await world.do("offer", 1, 2, sought, offer_of(at(14)))
    assert offered.offer == offer_of(at(14))
    assert (offered.wish.title, offered.wish.minutes, offered.span) == ("Team sync", 60, booked.span)
    assert [(a.id, a.required) for a in offered.attendees] == [(ANA, True), (RAJ, False), (KIM, True)]
    assert await world.known() == offered
    given_up = await world.do("offer", 1, 3, offered.wish, None)
    assert given_up == replace(booked, version=4, changed_at=given_up.changed_at)
    assert await world.outgoing("card") == {("card", ANA): 4, ("card", RAJ): 1, ("card", KIM): 1}


async def test_a_move_keeps_the_uid_raises_the_sequence_and_takes_answers_back(outside: World) -> None:
    booked = await outside.booked(ANA, RAJ, GUEST)
    await outside.tell("entered", 1, 0, Stored("ref-1", "https://cal.example.com/1"))
    await outside.do("answer", 1, "accepted", by=RAJ)
    await outside.do("offer", 1, 2, wish(ANA, RAJ, GUEST, minutes=60), offer_of(at(14)))
    moved = await outside.do("book", 1, 3, at(14))
    assert (moved.uid, moved.sequence, moved.entered, moved.ref) == (booked.uid, 1, 0, "ref-1")
    assert moved.span == Span(at(14), at(15))
    assert [(a.answer, a.untold) for a in moved.attendees] == [("accepted", False), ("", False), ("", False)]
    assert moved.offer is None
    assert {(t["start_at"], t["end_at"]) for t in (await outside.dump())["meeting_times"]} == {(at(14), at(15))}
    assert await outside.outgoing("event") == {("event", "M-1"): 3}  # with the answer
    assert await outside.outgoing("mail") == {("mail", "uraj@example.com"): 2, ("mail", GUEST): 2}
    (said,) = await outside.words(RAJ)
    assert said.startswith(f"*Team sync* was moved to <!date^{int(at(14).timestamp())}^")
    assert said.endswith(f"by <@{ANA}>. Can you come then?")


async def test_what_was_sought_last_is_booked_also_where_nothing_was_offered(world: World) -> None:
    await world.booked(ANA, RAJ)
    shown = await world.do("offer", 1, 2, wish(ANA, RAJ, minutes=60), None)
    assert shown.wish.minutes == 30  # as it is booked
    assert (await world.do("book", 1, 3, at(14))).span == Span(at(14), at(15))


async def test_its_own_time_does_not_stand_in_its_way(world: World) -> None:
    await world.booked(ANA, RAJ)
    assert (await world.do("book", 1, 2, at(10.25))).sequence == 1
    same = await world.do("book", 1, 3, at(10.25))
    assert (same.sequence, same.version) == (1, 4)  # it is there already: nobody is told
    assert len(await world.words(RAJ)) == 1


# -- cancelling --------------------------------------------------------------------------------------------------------------


async def test_a_draft_is_given_up_quietly(world: World) -> None:
    await world.draft(ANA, RAJ)
    assert (await world.do("cancel", 1, 1)).state == "dropped"
    assert await world.outgoing() == {("card", ANA): 2}
    assert "M-1 was given up" in await world.refusal("book", 1, None, at(10))


async def test_a_cancelled_meeting_keeps_nobody_busy_and_everybody_is_told(outside: World) -> None:
    await outside.booked(ANA, RAJ, GUEST, title="Tea & <cake>")
    cancelled = await outside.do("cancel", 1, 2)
    assert (cancelled.state, cancelled.sequence, cancelled.entered) == ("cancelled", 1, -1)
    assert cancelled.span == Span(at(10), at(10) + HALF)
    assert (await outside.dump())["meeting_times"] == []
    (said,) = await outside.words(RAJ)
    assert said.startswith("*Tea &amp; &lt;cake&gt;* on <!date^")
    assert said.endswith(f"was cancelled by <@{ANA}>.")
    assert await outside.words(ANA) == []
    assert await outside.outgoing() == {
        ("card", ANA): 3,
        ("card", RAJ): 2,
        ("word", RAJ): 1,
        ("event", "M-1"): 2,
        ("mail", "uraj@example.com"): 2,
        ("mail", GUEST): 2,
    }
    for call in (("cancel", 1, None), ("book", 1, None, at(12)), ("answer", 1, "accepted")):
        assert "M-1 was cancelled" in await outside.refusal(*call)


async def test_what_is_over_stays(world: World) -> None:
    await world.booked(ANA, RAJ)
    await world.shift(1, at(10, days=-1))
    for call in (("cancel", 1, None), ("book", 1, None, at(12)), ("offer", 1, None, wish(), None)):
        assert await world.refusal(*call) == "M-1 is over."
    assert await world.refusal("answer", 1, "declined", by=RAJ) == "M-1 is over."
    assert await world.do("upcoming", at(0, days=30)) == []


# -- answers -----------------------------------------------------------------------------------------------------------------


async def test_people_answer_for_themselves_and_the_organizer_hears_who_cannot_come(outside: World) -> None:
    await outside.booked(ANA, RAJ, GUEST)
    before = await outside.outgoing()
    answered = await outside.do("answer", 1, "declined", by=RAJ)
    assert [a.answer for a in answered.attendees] == ["accepted", "declined", ""]
    assert answered.version == 2  # buttons stay good
    times = {t["attendee"]: t["busy"] for t in (await outside.dump())["meeting_times"]}
    assert times == {ANA: True, RAJ: False, GUEST: True}
    (said,) = await outside.words(ANA)
    assert said.startswith(f"<@{RAJ}> cannot come to *Team sync* on <!date^")
    after = await outside.outgoing()
    more = {each for each, wanted in after.items() if wanted > before.get(each, 0)}
    assert more == {("card", ANA), ("card", RAJ), ("word", ANA), ("event", "M-1")}  # nobody is invited anew
    assert await outside.do("upcoming", at(0, days=30), by=RAJ) == []


async def test_the_same_answer_again_changes_nothing_and_another_one_does(world: World) -> None:
    await world.booked(ANA, RAJ)
    await world.do("answer", 1, "declined", by=RAJ)
    before = await world.dump()
    await world.do("answer", 1, "declined", by=RAJ)
    assert await world.dump() == before
    await world.do("answer", 1, "tentative", by=RAJ)
    await world.do("answer", 1, "declined", by=RAJ)
    assert len(await world.words(ANA)) == 2
    with pytest.raises(ValueError, match="no answer"):
        await world.do("answer", 1, "", by=RAJ)


async def test_a_draft_has_no_answers(world: World) -> None:
    await world.draft(ANA, RAJ)
    assert await world.refusal("answer", 1, "accepted") == "M-1 is not booked yet."


async def test_many_answers_do_not_make_all_of_many_cards_anew(world: World) -> None:
    await world.booked(ANA, *(f"U{n}" for n in range(49)), place=THREAD)
    before = await world.outgoing()
    await world.do("answer", 1, "accepted", by="U7")
    after = await world.outgoing()
    assert {p for (_, p), wanted in after.items() if wanted > before[("card", p)]} == {"C1", "U7"}


# -- what is there -----------------------------------------------------------------------------------------------------------


async def test_the_next_meetings_come_first(world: World) -> None:
    await world.booked(ANA, RAJ, start=at(10, days=3))
    await world.booked(RAJ, ANA, start=at(10, days=2))
    await world.booked(RAJ, KIM, start=at(10, days=4))
    await world.draft(ANA, RAJ)
    found = await world.do("upcoming", at(0, days=30))
    assert [(m.number, span.start) for span, m in found] == [(2, at(10, days=2)), (1, at(10, days=3))]
    assert [m.number for _, m in await world.do("upcoming", at(0, days=3))] == [2]
    assert [m.number for _, m in await world.do("upcoming", at(0, days=30), 1)] == [2]


async def test_busy_times_are_told_of_those_who_are_asked_about(world: World) -> None:
    await world.booked(ANA, RAJ)
    await world.booked(ANA, start=at(8))
    day = Span(at(), at(24))
    assert await world.tell("busy", [ANA, RAJ, KIM], day) == {
        ANA: (Span(at(8), at(8.5)), Span(at(10), at(10.5))),
        RAJ: (Span(at(10), at(10.5)),),
        KIM: (),
    }
    assert await world.tell("busy", [ANA], day, 1) == {ANA: (Span(at(8), at(8.5)),)}
    assert await world.tell("busy", [ANA], Span(at(10.5), at(12))) == {ANA: ()}
    assert await world.tell("busy", [], day) == {}


async def test_a_long_meeting_is_found_from_its_middle(world: World) -> None:
    await world.booked(ANA, minutes=24 * 60)
    assert (await world.tell("busy", [ANA], Span(at(9.9, days=2), at(9.95, days=2))))[ANA]
    assert (await world.tell("busy", [ANA], Span(at(10), at(10.1))))[ANA]


async def test_no_workspace_sees_anothers(world: World) -> None:
    await world.booked(ANA, RAJ)
    other = World(world.database, world.register, "T2")
    assert await other.tell("known", 1) is None
    assert await other.refusal("meeting", 1) == "There is no meeting M-1 that you arrange or take part in."
    assert await other.do("upcoming", at(0, days=30)) == []
    assert await other.tell("busy", [ANA], Span(at(), at(24))) == {ANA: ()}
    assert await other.tell("starting", at(24), 50) == []
    mine = await world.dump()
    assert (await other.booked(ANA, RAJ)).number == 1  # its own numbers, and Ana is free there
    await other.do("cancel", 1, None)
    assert await world.dump() == mine
