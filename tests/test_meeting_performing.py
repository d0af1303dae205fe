"""What a worker does of what people ask for by `/meet`, buttons and forms: once, with the asker's rights, and with a word where it cannot be done."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from sqlalchemy import select

from bot import tables
from bot.home import Tab
from bot.meetings.deciding import BOOKED, CHANGED, TAKEN
from bot.meetings.face.commands import USAGE
from bot.meetings.face.listing import NONE
from bot.meetings.hours import read_hours, told_hours
from bot.meetings.values import Choice, Hint, Offer, Place
from playground.openai import OpenAIServer, script
from playground.openai.script import Script
from tests.meeting_answers import answer
from tests.meeting_desk import HALF, Desk, at, desk, entered, slots, tuesday, window

__all__ = ["desk"]


# -- `/meet` ---------------------------------------------------------------------------------------------------------------


async def test_a_time_at_which_everybody_is_free_is_booked_at_once_and_once(desk: Desk) -> None:
    await desk.meet(f"team sync {tuesday()} 10:00 30 min with @raj", times=2)
    meeting = await desk.meeting()
    assert (meeting.state, meeting.start, meeting.at_once, meeting.wish.title) == (
        "booked",
        at("10:00"),
        True,
        "team sync",
    )
    assert [a.id for a in meeting.attendees] == [desk.id("ana"), desk.id("raj")]
    assert await desk.count() == 1
    assert await desk.said() == []


async def test_without_a_time_it_becomes_a_draft_with_three_slots(desk: Desk) -> None:
    await desk.meet("team sync with @raj", times=2)
    meeting = await desk.meeting()
    assert meeting.state == "draft"
    assert meeting.offer
    assert len(meeting.offer.slots) == 3
    assert await desk.count() == 1


async def test_a_guest_may_not_arrange_meetings_and_is_told_so(desk: Desk) -> None:
    await desk.meet("team sync with @raj", person="gus")
    (word,) = await desk.said("gus")
    assert "members of this workspace" in word
    assert await desk.count() == 0


async def test_what_cannot_be_is_said_once(desk: Desk) -> None:
    await desk.meet("team sync yesterday 10:00 with @raj", times=2)
    assert len(await desk.said()) == 1
    assert await desk.count() == 0


async def test_the_list_is_told(desk: Desk) -> None:
    await desk.meet("list")
    await desk.booked()
    await desk.draft(slots(at("15:00")))
    await desk.meet("list")
    none, some = await desk.said()
    assert none == NONE
    assert "*Sync* · M-1 · 2 people" in some
    assert "M-2" in some


# -- words that code does not read ------------------------------------------------------------------------------------------

ODD = "sync next tuesday or thursday around lunch with @raj"


async def test_what_code_does_not_read_the_model_does(desk: Desk, ai: OpenAIServer) -> None:
    said = ODD.replace("@raj", f"<@{desk.id('raj')}|raj>")
    day = answer()["day"] | {"kind": "week", "relation": "next"}
    people = [{"said": f"<@{desk.id('raj')}|raj>", "required": True}]
    lunch = answer()["time"] | {"kind": "afternoon"}
    words = "next tuesday or thursday around lunch"
    found = answer(title="sync", people=people, words=words, day=day, time=lunch)
    ai.script = Script(script.text(json.dumps(found)))
    await desk.meet(ODD)
    meeting = await desk.meeting()
    assert [a.id for a in meeting.attendees] == [desk.id("ana"), desk.id("raj")]
    assert meeting.state == "draft"
    assert meeting.offer, "slots, or which week was meant"
    (asked,) = [r.body for r in ai.requests if r.path.endswith("/responses")]
    assert asked["input"][0]["content"][0]["text"] == said


async def test_a_time_of_which_the_model_drops_words_is_offered_not_booked(desk: Desk, ai: OpenAIServer) -> None:
    words = f"{tuesday()} 10am"
    clock = answer()["time"] | {"kind": "at", "clock": {"hour": 10, "minute": 0, "half": "am"}}
    day = answer()["day"] | {"kind": "date", "year": tuesday().year, "month": tuesday().month, "day": tuesday().day}
    people = [{"said": f"<@{desk.id('raj')}|raj>", "required": True}]
    ai.script = Script(script.text(json.dumps(answer(title="sync", people=people, words=words, day=day, time=clock))))
    await desk.meet(f"sync {words} Raj's time with @raj")
    meeting = await desk.meeting()
    assert meeting.state == "draft"
    assert meeting.offer
    assert meeting.offer.slots[0].start == at("10:00")


async def test_what_the_model_does_not_read_either_gets_the_usage(desk: Desk, ai: OpenAIServer) -> None:
    ai.script = Script(script.text(json.dumps(answer(understood=False))))
    await desk.meet(ODD)
    (word,) = await desk.said()
    assert "I did not understand" in word
    assert word.endswith(USAGE)
    assert await desk.count() == 0


async def test_what_the_model_read_is_recorded_with_its_cost(desk: Desk, ai: OpenAIServer) -> None:
    ai.script = Script(script.text(json.dumps(answer(understood=False))))
    await desk.meet(ODD)
    async with desk.scheduling.database.read() as tx:
        (row,) = (await tx.execute(select(tables.turns))).all()
    assert (row.turn, row.person, row.channel, row.outcome) == ("ana-1", desk.id("ana"), "C1", "read")
    assert row.model == "gpt-6.2-sol"
    assert row.input_tokens > 200  # the instructions alone
    assert row.output_tokens > 0


# -- what is offered --------------------------------------------------------------------------------------------------------


async def test_a_press_books_a_slot_once(desk: Desk) -> None:
    await desk.draft(slots(at("10:00"), at("11:00")))
    await desk.does("ana", "book", times=2, number=1, version=1, start=at("11:00").isoformat())
    meeting = await desk.meeting()
    assert (meeting.state, meeting.start, meeting.at_once, meeting.sequence) == ("booked", at("11:00"), False, 0)
    assert await desk.said() == []


async def test_a_second_press_of_the_same_time_is_told_that_it_is_booked(desk: Desk) -> None:
    await desk.draft(slots(at("10:00"), at("11:00")))
    press: dict[str, Any] = {"number": 1, "version": 1, "start": at("11:00").isoformat()}
    both = (desk.does("ana", "book", **press), desk.does("ana", "book", **press))
    await asyncio.gather(*both)  # side by side, as two workers may do them
    await desk.does("ana", "book", **press)
    assert await desk.said() == [BOOKED.format(name="M-1")] * 2
    await desk.does("ana", "book", **press | {"start": at("10:00").isoformat()})
    assert (await desk.said())[2:] == [CHANGED.format(name="M-1")]
    meeting = await desk.meeting()
    assert (meeting.state, meeting.start, meeting.version) == ("booked", at("11:00"), 2)


async def test_a_slot_that_was_taken_meanwhile_is_not_booked_and_others_are_offered(desk: Desk) -> None:
    await desk.draft(slots(at("10:00"), at("11:00")))
    await desk.booked("10:00")
    await desk.does("ana", "book", times=2, number=1, version=1, start=at("10:00").isoformat())
    meeting = await desk.meeting()
    assert meeting.state == "draft"
    assert meeting.offer
    assert TAKEN in meeting.offer.why
    assert meeting.offer.slots
    assert all(s.start != at("10:00") for s in meeting.offer.slots)
    assert meeting.version == 2, "the second run finds it done"


async def test_a_start_that_was_never_offered_is_not_booked(desk: Desk) -> None:
    await desk.draft(slots(at("10:00")))
    await desk.does("ana", "book", number=1, version=1, start=at("03:00").isoformat())
    assert (await desk.meeting()).state == "draft"
    assert await desk.said() == [CHANGED.format(name="M-1")]


async def test_more_times_are_others(desk: Desk) -> None:
    await desk.meet(f"sync {tuesday()} with @raj")
    first = (await desk.meeting()).offer
    assert first
    await desk.does("ana", "more", times=2, number=1, version=1)
    second = (await desk.meeting()).offer
    assert second
    assert second.page == 1
    assert not {s.start for s in first.slots} & {s.start for s in second.slots}


async def test_a_reading_that_is_picked_is_booked_where_everybody_is_free(desk: Desk) -> None:
    exact = at("10:00", 1)
    choices = (Choice("Tue", window(at("09:00"), at("17:00"))), Choice("Wed", window(exact, exact + HALF, exact)))
    await desk.draft(Offer(question="Which?", choices=choices), window=None)
    await desk.does("ana", "pick", times=2, number=1, version=1, index=1)
    meeting = await desk.meeting()
    assert (meeting.state, meeting.start, meeting.at_once) == ("booked", exact, True)


async def test_a_reading_without_a_clock_gets_slots(desk: Desk) -> None:
    await desk.draft(Offer(question="Which?", choices=(Choice("Tue", window(at("09:00"), at("17:00"))),)), window=None)
    await desk.does("ana", "pick", number=1, version=1, index=0)
    meeting = await desk.meeting()
    assert meeting.state == "draft"
    assert meeting.offer
    assert len(meeting.offer.slots) == 3


async def test_a_choice_that_is_not_there_changes_nothing(desk: Desk) -> None:
    await desk.draft(slots(at("10:00")))
    await desk.does("ana", "pick", number=1, version=1, index=5)
    await desk.does("ana", "hint", number=1, version=1, index=5)
    assert await desk.said() == [CHANGED.format(name="M-1")] * 2
    assert (await desk.meeting()).version == 1


async def test_a_hint_changes_the_wish(desk: Desk) -> None:
    raj = desk.id("raj")
    hints = (
        Hint(label="Without Raj", without=raj),
        Hint(label="15", minutes=15),
        Hint(label="Fri", until=at("17:00", 3)),
    )
    await desk.draft(Offer(why=("Busy.",), hints=hints))
    await desk.does("ana", "hint", number=1, version=1, index=1)
    wish = (await desk.meeting()).wish
    assert wish.minutes == 15
    for index, number in ((0, 2), (2, 3)):
        await desk.draft(Offer(why=("Busy.",), hints=hints))
        await desk.does("ana", "hint", number=number, version=1, index=index)
    assert [a.id for a in (await desk.meeting(2)).attendees] == [desk.id("ana")]
    later = (await desk.meeting(3)).wish.window
    assert later
    assert later.span.end == at("17:00", 3)


# -- whose it is ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("do", ["cancel", "book", "more", "hint", "pick", "keep"])
async def test_somebody_elses_meeting_is_not_theirs_to_change(desk: Desk, do: str) -> None:
    await desk.booked()
    before = await desk.meeting()
    await desk.does("raj", do, number=1, version=before.version, start=at("11:00").isoformat(), index=0)
    assert await desk.meeting() == before
    (word,) = await desk.said("raj")
    assert desk.id("ana") in word


async def test_what_is_refused_in_a_thread_is_said_there_to_them_alone(desk: Desk) -> None:
    channel = desk.server.workspace.channel("general").id
    ts = str(desk.server.workspace.bot_post(desk.server.workspace.channel("general"), {"text": "M-1"})["ts"])
    await desk.booked(place=Place(channel, ts))
    await desk.does("raj", "cancel", number=1, version=2, channel=channel, thread=ts)
    (whisper,) = desk.server.workspace.ephemerals
    assert whisper["to"] == desk.id("raj")
    assert await desk.said("raj") == []
    assert (await desk.meeting()).state == "booked"


async def test_where_slack_shows_nothing_to_them_alone_it_is_said_directly(desk: Desk) -> None:
    await desk.booked()
    await desk.does("raj", "cancel", number=1, version=2, channel="C00000GONE", thread="1700000000.000500")
    assert len(await desk.said("raj")) == 1


async def test_a_stale_press_changes_nothing_and_says_so(desk: Desk) -> None:
    await desk.draft(slots(at("10:00")))
    await desk.does("ana", "book", times=2, number=1, version=7, start=at("10:00").isoformat())
    assert await desk.said() == [CHANGED.format(name="M-1")]
    assert (await desk.meeting()).state == "draft"


# -- what is booked ---------------------------------------------------------------------------------------------------------


async def test_cancelling_and_answering_are_done_once(desk: Desk) -> None:
    await desk.booked()
    await desk.does("raj", "answer", times=2, number=1, answer="declined")
    meeting = await desk.meeting()
    assert [a.answer for a in meeting.attendees if a.id == desk.id("raj")] == ["declined"]
    await desk.does("ana", "cancel", times=2, number=1, version=meeting.version)
    assert (await desk.meeting()).state == "cancelled"
    assert all("changed" not in word for word in await desk.said())


async def test_an_ics_file_is_given_to_who_takes_part(desk: Desk) -> None:
    await desk.booked()
    await desk.does("raj", "ics", times=2, number=1)
    await desk.does("kim", "ics", number=1)
    out = tables.outgoing.c
    async with desk.scheduling.database.read() as tx:
        rows = (await tx.execute(select(out.person, out.subject, out.body).where(out.kind == "file"))).all()
    assert [tuple(row) for row in rows] == [(desk.id("raj"), "M-1", "ics")]
    assert len(await desk.said("kim")) == 1


async def test_a_meeting_that_is_to_be_moved_may_stay(desk: Desk) -> None:
    meeting = await desk.booked()
    async with desk.scheduling.database.begin() as tx:
        await desk.scheduling.register.offer(tx, desk.by(), 1, None, meeting.wish, slots(at("11:00")))
    await desk.does("ana", "keep", times=2, number=1, version=meeting.version + 1)
    meeting = await desk.meeting()
    assert (meeting.state, meeting.start, meeting.offer) == ("booked", at("10:00"), None)


# -- forms ------------------------------------------------------------------------------------------------------------------


async def test_a_new_meeting_by_the_form(desk: Desk) -> None:
    view = await desk.form("new_form")
    args = entered(view, title="Plan <b>", people=desk.id("raj"), date=f"{tuesday()}", time="10:00", rooms="Aquarium")
    await desk.does("ana", "new", times=2, **args)
    meeting = await desk.meeting()
    assert (meeting.state, meeting.start, meeting.wish.title) == ("booked", at("10:00"), "Plan <b>")
    assert [a.kind for a in meeting.attendees] == ["member", "member", "room"]
    assert await desk.count() == 1


async def test_a_draft_is_changed_by_its_form_and_keeps_its_time(desk: Desk) -> None:
    before = await desk.draft(slots(at("10:00")))
    view = await desk.form("change_form", number=1)
    await desk.does("ana", "change", times=2, **entered(view, title="Another", minutes="60"))
    meeting = await desk.meeting()
    assert (meeting.wish.title, meeting.wish.minutes, meeting.wish.window) == ("Another", 60, before.wish.window)
    assert meeting.offer
    assert all(s.end - s.start == 2 * HALF for s in meeting.offer.slots)


async def test_a_question_stays_while_another_thing_is_changed(desk: Desk) -> None:
    offer = Offer(question="Which?", choices=(Choice("Tue", window(at("09:00"), at("17:00"))),))
    await desk.draft(offer, window=None)
    view = await desk.form("change_form", number=1)
    await desk.does("ana", "change", **entered(view, title="Another"))
    meeting = await desk.meeting()
    assert (meeting.wish.title, meeting.offer) == ("Another", offer)


async def test_a_drafts_time_is_changed_by_its_form(desk: Desk) -> None:
    await desk.draft(slots(at("10:00")))
    view = await desk.form("change_form", number=1)
    await desk.does("ana", "change", times=2, **entered(view, date=f"{tuesday()}", time="11:30"))
    meeting = await desk.meeting()
    assert (meeting.state, meeting.start) == ("booked", at("11:30"))
    assert await desk.count() == 1


async def test_a_booked_meeting_is_moved_by_its_form_though_somebody_answered_meanwhile(desk: Desk) -> None:
    before = await desk.booked()
    view = await desk.form("move_form", number=1)
    await desk.does("raj", "answer", number=1, answer="accepted")
    await desk.does("ana", "change", times=2, **entered(view, time="11:30"))
    meeting = await desk.meeting()
    assert (meeting.state, meeting.start, meeting.sequence) == ("booked", at("11:30"), 1)
    assert meeting.uid == before.uid


async def test_a_form_of_what_was_moved_meanwhile_changes_nothing(desk: Desk) -> None:
    await desk.booked()
    view = await desk.form("move_form", number=1)
    async with desk.scheduling.database.begin() as tx:
        await desk.scheduling.register.book(tx, desk.by(), 1, None, at("15:00"))
    await desk.does("ana", "change", **entered(view, time="11:30"))
    assert (await desk.meeting()).start == at("15:00")
    assert CHANGED.format(name="M-1") in await desk.said()


@pytest.mark.parametrize("do", ["new_form", "hours_form"])
async def test_a_guest_gets_no_form(desk: Desk, do: str) -> None:
    view = await desk.form(do, "gus")
    assert not view.get("submit")
    assert "members of this workspace" in str(view["blocks"])


# -- hours and the Home tab -------------------------------------------------------------------------------------------------


async def test_hours_are_kept_said_and_shown(desk: Desk) -> None:
    view = await desk.form("hours_form")
    await desk.does(
        "ana", "hours", times=2, values=entered(view, hours="Mon-Thu 08:00-16:00", zone="Asia/Tokyo")["values"]
    )
    kept = await told_hours(desk.scheduling.database, desk.server.team_id, [desk.id("ana")])
    assert kept == {desk.id("ana"): read_hours("Mon-Thu 08:00-16:00", "Asia/Tokyo")}
    assert await desk.said() == ["I noted your working hours: Mon-Thu 08:00-16:00 (Asia/Tokyo)."]
    shown = await Tab(desk.scheduling.slack, desk.redis).sections(desk.id("ana"))
    assert "Mon-Thu 08:00-16:00 (Asia/Tokyo)" in str(shown["meetings"])


async def test_the_home_tab_shows_what_comes_and_nothing_to_guests(desk: Desk) -> None:
    await desk.booked()
    for person in ("ana", "raj", "gus"):
        await desk.does(person, "home")
    tab = Tab(desk.scheduling.slack, desk.redis)
    shown = {p: "Sync" in str(await tab.sections(desk.id(p))) for p in ("ana", "raj", "gus")}
    assert shown == {"ana": True, "raj": True, "gus": False}
