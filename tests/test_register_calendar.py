"""What the calendar says of meetings, and the clock: entered, in trouble, answered or moved there, gone, about to start."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.meetings.calendars.calendar import Seen, Stored
from bot.meetings.values import Answer, Meeting, Span
from tests.meetings_world import ANA, GUEST, KIM, RAJ, ROOM, THREAD, World, at, outside, wish, world

__all__ = ["outside", "world"]
STORED = Stored("ref-1", "https://cal.example.com/1", "https://meet.example.com/1")
HALF = timedelta(minutes=30)


async def entered(world: World, *people: str) -> Meeting:
    """A meeting that the calendar has."""
    booked = await world.booked(*people or (ANA, RAJ, GUEST))
    await world.tell("entered", booked.number, booked.sequence, STORED)
    return await world.known(booked.number)


def seen(hours: float = 10, days: int = 1, *, cancelled: bool = False, **answers: Answer) -> Seen:
    """Half an hour there; answers by the part of the address before the @."""
    span = Span(at(hours, days), at(hours, days) + HALF)
    return Seen(span, cancelled, {f"{name}@example.com": answer for name, answer in answers.items()})


async def as_of(world: World, number: int, sequence: int) -> Meeting:
    """The meeting as it was asked about then."""
    return replace(await world.known(number), sequence=sequence)


# -- entered, and not ----------------------------------------------------------------------------------------------------


async def test_what_the_calendar_gives_back_is_kept_and_shown(outside: World) -> None:
    await outside.booked(ANA, RAJ)
    await outside.tell("trouble", 1, 0, "The calendar does not answer. I keep trying.", for_good=False)
    before = await outside.outgoing("card")
    await outside.tell("entered", 1, 0, STORED)
    meeting = await outside.known()
    assert (meeting.entered, meeting.ref, meeting.page, meeting.link) == (0, STORED.ref, STORED.page, STORED.link)
    assert (meeting.problem, meeting.version) == ("", 2)
    assert await outside.outgoing("card") == {each: wanted + 1 for each, wanted in before.items()}
    assert set((await outside.outgoing("mail")).values()) == {1}


async def test_an_entry_that_is_told_twice_or_late_changes_nothing(outside: World) -> None:
    await entered(outside)
    await outside.do("book", 1, None, at(12))
    await outside.tell("entered", 1, 1, Stored("ref-1"))
    meeting, before = await outside.known(), await outside.dump()
    assert (meeting.entered, meeting.link) == (1, STORED.link)
    for sequence in (0, 1):
        await outside.tell("entered", 1, sequence, Stored("ref-2"))
    await outside.tell("entered", 9, 0, STORED)
    assert await outside.dump() == before


async def test_trouble_that_may_pass_is_a_word_on_the_organizers_card(outside: World) -> None:
    await outside.booked(ANA, RAJ)
    before = await outside.outgoing()
    for _ in range(2):
        await outside.tell("trouble", 1, 0, "It does not answer.", for_good=False)
    meeting = await outside.known()
    assert (meeting.state, meeting.problem, meeting.version) == ("booked", "It does not answer.", 2)
    assert await outside.outgoing() == {**before, ("card", ANA): 3}


async def test_a_meeting_that_the_calendar_refuses_has_failed_and_all_are_told(outside: World) -> None:
    await outside.booked(ANA, RAJ, GUEST, place=THREAD)
    await outside.tell("trouble", 1, 0, "I may not write in <that> calendar.", for_good=True)
    meeting = await outside.known()
    assert (meeting.state, meeting.sequence, meeting.problem) == ("failed", 1, "I may not write in <that> calendar.")
    assert (await outside.dump())["meeting_times"] == []
    (mine,) = await outside.words(ANA)
    assert mine.endswith("so it does not take place: I may not write in &lt;that&gt; calendar.")
    (theirs,) = await outside.words(RAJ)
    assert "does not take place" in theirs
    assert "I may not" not in theirs
    assert await outside.outgoing("mail") == {("mail", "uraj@example.com"): 2, ("mail", GUEST): 2}
    before = await outside.dump()
    await outside.tell("trouble", 1, 0, "again", for_good=True)
    assert await outside.dump() == before
    assert "M-1 could not be entered in the calendar" in await outside.refusal("cancel", 1, None)


async def test_a_cancelled_one_that_stays_in_the_calendar_is_told_to_its_organizer(outside: World) -> None:
    await entered(outside)
    await outside.do("cancel", 1, None)
    await outside.tell("trouble", 1, 1, "No access.", for_good=True)
    meeting = await outside.known()
    assert (meeting.state, meeting.problem, meeting.entered) == ("cancelled", "No access.", meeting.sequence)
    (said,) = await outside.words(ANA)
    assert said.endswith("is cancelled, but the calendar still has it: No access.\nPlease delete it there.")


async def test_there_is_no_trouble_with_what_the_calendar_has(outside: World) -> None:
    await entered(outside)
    before = await outside.dump()
    await outside.tell("trouble", 1, 0, "late news", for_good=True)
    await outside.tell("trouble", 9, 0, "of nothing", for_good=True)
    assert await outside.dump() == before


async def test_that_an_older_state_was_refused_says_nothing_of_what_it_is_now(outside: World) -> None:
    await entered(outside)
    await outside.do("change", 1, None, wish(ANA, RAJ, KIM))
    await outside.do("change", 1, None, wish(ANA, RAJ, title="Budget"))
    before = await outside.dump()
    await outside.tell("trouble", 1, 1, "The guest's address is none.", for_good=True)
    assert await outside.dump() == before
    await outside.do("cancel", 1, None)
    before = await outside.dump()
    await outside.tell("trouble", 1, 2, "late news", for_good=True)
    assert await outside.dump() == before


# -- seen ------------------------------------------------------------------------------------------------------------------


async def test_answers_from_the_calendar_are_shown_here(outside: World) -> None:
    await entered(outside, ANA, RAJ, KIM, GUEST, ROOM)
    await outside.tell("seen", 1, seen(uraj="declined", zoe="tentative", nobody="accepted", ukim=""))
    meeting = await outside.known()
    assert {a.id: a.answer for a in meeting.attendees} == {
        ANA: "accepted", RAJ: "declined", KIM: "", GUEST: "tentative", ROOM: ""
    }  # fmt: skip
    assert len(await outside.words(ANA)) == 1
    assert {t["attendee"] for t in (await outside.dump())["meeting_times"] if not t["busy"]} == {RAJ}


async def answer_told(world: World, *, taken: bool = True) -> None:
    """The calendar is told of Raj's answer as it is now."""
    meeting = await world.known()
    await world.tell("told", 1, meeting.sequence, meeting.attendees[1], taken=taken)


async def test_an_answer_given_in_slack_stands_until_the_calendar_has_a_new_one(outside: World) -> None:
    await entered(outside)
    await outside.tell("seen", 1, seen(uraj="accepted"))
    await outside.do("answer", 1, "declined", by=RAJ)
    await answer_told(outside, taken=False)
    answers = []
    for there in ("accepted", "", "accepted", "tentative", "tentative"):
        before = await outside.dump()
        await outside.tell("seen", 1, Seen(seen().span, cancelled=False, answers={"uraj@example.com": there}))
        answers.append((await outside.known()).attendees[1].answer)
        assert (await outside.dump() == before) == (len(answers) in (1, 5))  # the calendar had said so before
    assert answers == ["declined", "declined", "accepted", "tentative", "tentative"]


async def test_an_answer_given_in_slack_is_brought_to_the_calendar_once(outside: World) -> None:
    await entered(outside)
    assert await outside.outgoing("event") == {("event", "M-1"): 1}
    for _ in range(2):
        await outside.do("answer", 1, "declined", by=RAJ)
        assert await outside.outgoing("event") == {("event", "M-1"): 2}
    assert [a.untold for a in (await outside.known()).attendees] == [False, True, False]
    await answer_told(outside)
    assert not any(a.untold for a in (await outside.known()).attendees)
    before = await outside.dump()
    await answer_told(outside)
    await outside.tell("seen", 1, seen(uraj="declined"))  # it comes back
    assert await outside.dump() == before


async def test_organizers_and_who_has_no_address_there_have_no_answer_to_bring(outside: World) -> None:
    await entered(outside)
    await outside.do("answer", 1, "tentative", by=ANA)
    assert await outside.outgoing("event") == {("event", "M-1"): 1}
    assert not any(a.untold for a in (await outside.known()).attendees)


async def test_an_answer_on_its_way_to_the_calendar_does_not_flip(outside: World) -> None:
    """What the calendar said before it was told is old, whenever it is heard."""
    await entered(outside)
    await outside.do("answer", 1, "declined", by=RAJ)
    on_its_way = await outside.known()
    await outside.tell("seen", 1, seen(uraj="accepted"), asked=on_its_way)
    await answer_told(outside)
    await outside.tell("seen", 1, seen(uraj="accepted"), asked=on_its_way)  # asked before, heard after
    assert (await outside.known()).attendees[1].answer == "declined"
    await outside.tell("seen", 1, seen(uraj="tentative"), asked=await outside.known())
    assert (await outside.known()).attendees[1].answer == "tentative"


async def test_an_answer_that_changes_while_the_calendar_is_told_is_told_too(outside: World) -> None:
    await entered(outside)
    await outside.do("answer", 1, "declined", by=RAJ)
    old = await outside.known()
    await outside.do("answer", 1, "accepted", by=RAJ)
    await outside.tell("told", 1, 0, old.attendees[1], taken=True)
    assert (await outside.known()).attendees[1].untold
    await outside.do("book", 1, None, at(15))
    await outside.do("answer", 1, "accepted", by=RAJ)
    await outside.tell(
        "told", 1, 0, replace(old.attendees[1], answer="accepted"), taken=True
    )  # to the event at its old time
    assert (await outside.known()).attendees[1].untold


async def test_an_answer_is_still_brought_after_a_move_in_the_calendar(outside: World) -> None:
    await entered(outside)
    await outside.do("answer", 1, "declined", by=RAJ)
    await outside.tell("seen", 1, seen(16))
    assert (await outside.known()).attendees[1].untold
    assert await outside.outgoing("event") == {("event", "M-1"): 3}


async def test_a_time_that_was_changed_in_the_calendar_counts(outside: World) -> None:
    await entered(outside)
    longer = Span(at(16), at(17))
    await outside.tell("seen", 1, Seen(longer, cancelled=False, answers={}))
    meeting = await outside.known()
    assert (meeting.span, meeting.wish.minutes, meeting.entered) == (longer, 60, meeting.sequence)
    assert {(t["start_at"], t["end_at"]) for t in (await outside.dump())["meeting_times"]} == {(at(16), at(17))}
    for person in (ANA, RAJ):
        (said,) = await outside.words(person)
        assert said.startswith(f"*Team sync* was moved to <!date^{int(at(16).timestamp())}^")
        assert said.endswith(", in the calendar.")
    assert await outside.outgoing("event") == {("event", "M-1"): 1}  # nothing is written back
    assert await outside.outgoing("mail") == {("mail", "uraj@example.com"): 2, ("mail", GUEST): 2}


async def test_who_has_declined_stays_free_when_it_is_moved_there(outside: World) -> None:
    await entered(outside)
    await outside.do("answer", 1, "declined", by=RAJ)
    await outside.tell("seen", 1, seen(16))
    assert {t["attendee"]: t["busy"] for t in (await outside.dump())["meeting_times"]}[RAJ] is False
    assert (await outside.booked(KIM, RAJ, start=at(16))).state == "booked"


async def test_what_is_cancelled_or_gone_in_the_calendar_is_cancelled(outside: World) -> None:
    for number, there in ((1, None), (2, seen(cancelled=True))):
        await entered(outside)
        await outside.tell("seen", number, there)
        meeting = await outside.known(number)
        assert (meeting.state, meeting.entered) == ("cancelled", meeting.sequence)
        assert (await outside.words(ANA))[-1].endswith("was cancelled in the calendar.")
    assert (await outside.dump())["meeting_times"] == []
    assert await outside.outgoing("event") == {("event", "M-1"): 1, ("event", "M-2"): 1}


async def test_copies_in_attendees_calendars_follow_what_the_organizer_did_in_theirs(outside: World) -> None:
    """A copy left at the old time would keep its owner busy then, for good."""
    outside.register.copies = True
    await entered(outside)
    await outside.tell("seen", 1, seen(16), asked=await as_of(outside, 1, 0))
    meeting = await outside.known()
    assert (meeting.start, meeting.sequence, meeting.entered) == (at(16), 1, 0)
    assert await outside.outgoing("event") == {("event", "M-1"): 2}
    await outside.tell(
        "seen", 1, seen(10), asked=await as_of(outside, 1, 1)
    )  # not asked about before its copies are there
    assert (await outside.known()).start == at(16)
    await outside.tell("entered", 1, 1, STORED)
    await outside.tell("seen", 1, None, asked=await as_of(outside, 1, 1))
    meeting = await outside.known()
    assert (meeting.state, meeting.sequence, meeting.entered) == ("cancelled", 2, 1)
    assert await outside.outgoing("event") == {("event", "M-1"): 3}


async def test_old_news_from_the_calendar_change_nothing(outside: World) -> None:
    await outside.booked(ANA, RAJ)  # the calendar does not have it yet
    await entered(outside, KIM)
    await outside.do("book", 2, None, at(12), by=KIM)
    await outside.tell("entered", 2, 1, STORED)
    before = await outside.dump()
    await outside.tell("seen", 1, None)
    await outside.tell("seen", 2, None, asked=await as_of(outside, 2, 0))  # asked for before it was moved
    await outside.tell("seen", 2, seen(12))
    await outside.tell("seen", 9, None)
    assert await outside.dump() == before


# -- about to start ----------------------------------------------------------------------------------------------------------


async def test_members_who_come_are_reminded_once(world: World) -> None:
    await world.booked(ANA, RAJ, KIM, GUEST, place=THREAD)
    await world.do("answer", 1, "declined", by=KIM)
    for _ in range(2):
        await world.tell("remind", 1, at(10), "https://meet.example.com/a?b&c")
    for person in (ANA, RAJ):
        said = (await world.words(person))[-1]
        assert said.startswith(f"*Team sync* starts at <!date^{int(at(10).timestamp())}^{{time}}|10:00 UTC>.")
        assert said.endswith(" <https://meet.example.com/a?b&amp;c|Join>")
    assert (len(await world.words(RAJ)), await world.words(KIM)) == (1, [])
    assert (await world.known()).reminded_at == at(10)


async def test_nobody_is_reminded_of_what_is_not_then(world: World) -> None:
    await world.booked(ANA, RAJ)
    await world.booked(KIM, RAJ, start=at(12))
    await world.do("cancel", 2, None, by=KIM)
    before = await world.dump()
    for number, start in ((1, at(11)), (2, at(12)), (3, at(10))):
        await world.tell("remind", number, start, "javascript:alert(1)")
    assert await world.dump() == before


async def test_a_moved_meeting_is_reminded_of_again(world: World) -> None:
    await world.booked(ANA, RAJ, start=at(12))
    await world.tell("remind", 1, at(12), "javascript:alert(1)")
    await world.do("book", 1, None, at(10))
    assert [(m.number, start) for m, start in await world.tell("starting", at(11), 50)] == [(1, at(10))]
    await world.tell("remind", 1, at(10))
    assert await world.tell("starting", at(11), 50) == []
    assert len(await world.words(ANA)) == 2
    assert "javascript" not in "".join(await world.words(ANA))


async def test_the_calendar_is_asked_about_those_first_that_it_was_not_asked_about_for_longest(outside: World) -> None:
    for n in range(4):
        await entered(outside, f"U{n}", f"UX{n}")
    await outside.booked("UNEW")  # not in the calendar yet
    await outside.draft("UNEW")
    far = await outside.booked("UFAR", start=at(10, days=20))
    await outside.tell("entered", far.number, 0, STORED)
    how = {"ahead": timedelta(days=14), "after": timedelta(minutes=5)}
    assert [m.number for m in await outside.tell("to_look_at", most=3, **how)] == [1, 2, 3]
    assert [m.number for m in await outside.tell("to_look_at", most=3, **how)] == [4]
    assert await outside.tell("to_look_at", most=3, **how) == []
    how["after"] = timedelta(0)
    assert [m.number for m in await outside.tell("to_look_at", most=3, **how)] == [1, 2, 3]
