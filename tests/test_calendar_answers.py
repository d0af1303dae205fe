"""Answers given in Slack, as each calendar is told of them: in the attendee's own calendar, once, and nothing else is changed there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.errors import CalendarRefused, Retryable
from bot.meetings.calendars.caldav import CalDavCalendar
from bot.meetings.calendars.copies import Copies
from bot.meetings.calendars.dav import DavWire
from bot.meetings.calendars.google import GoogleCalendar
from bot.meetings.calendars.microsoft import MicrosoftCalendar
from bot.meetings.values import Answer, Repeat, Span
from tests.caldav_world import Fault, Front, People, calendar, front, people, radicale_server
from tests.cloud_world import ANA, GUEST, KIM, PEOPLE, RAJ, START, an_event, at_google, at_microsoft, google, graph, tls
from tests.google_server import GoogleServer
from tests.graph_server import GraphServer

__all__ = ["at_google", "at_microsoft", "calendar", "front", "google", "graph", "people", "radicale_server", "tls"]

EVENTS = "/calendars/primary/events"
UID = an_event().uid


# -- Google ------------------------------------------------------------------------------------------------------------------


async def test_an_answer_is_given_in_the_attendees_name_and_mails_nobody(
    google: GoogleServer, at_google: GoogleCalendar
) -> None:
    stored = await at_google.put(an_event())
    event, mails = an_event(ref=stored.ref), list(google.mails)
    for answer in ("accepted", "declined", "declined", "tentative"):  # each once
        assert await at_google.answer(event, replace(RAJ, answer=answer))
        seen = await at_google.look(event)
        assert seen
        assert seen.answers == {ANA.email: "accepted", RAJ.email: answer, KIM.email: ""}
    assert google.responses == [(RAJ.email, "accepted"), (RAJ.email, "declined"), (RAJ.email, "tentative")]
    assert google.mails == mails
    assert [e["summary"] for e in google.events.values()] == ["Team sync"]


async def test_google_is_not_given_an_answer_again_that_was_given_but_not_heard_of(
    google: GoogleServer, at_google: GoogleCalendar
) -> None:
    event = an_event(ref=(await at_google.put(an_event())).ref)
    google.fail(f"PATCH {EVENTS}", lost=True)
    with pytest.raises(Retryable):
        await at_google.answer(event, replace(RAJ, answer="declined"))
    assert await at_google.answer(event, replace(RAJ, answer="declined"))
    assert google.responses == [(RAJ.email, "declined")]


async def test_an_answer_to_a_series_is_one_to_all_of_it(google: GoogleServer, at_google: GoogleCalendar) -> None:
    event = an_event(repeat=Repeat("week", count=3))
    await at_google.put(event)
    assert await at_google.answer(event, replace(RAJ, answer="accepted"))
    assert google.responses == [(RAJ.email, "accepted")]


async def test_an_answer_to_what_is_not_there_or_changes_just_now_is_for_later(
    google: GoogleServer, at_google: GoogleCalendar
) -> None:
    event, raj = an_event(), replace(RAJ, answer="accepted")
    assert not await at_google.answer(event, raj)
    await at_google.put(event)
    google.delivered = False
    assert not await at_google.answer(event, raj)
    google.delivered = True
    google.fail(f"PATCH {EVENTS}", status=412, code="conditionNotMet")
    with pytest.raises(Retryable):
        await at_google.answer(event, raj)
    await at_google.remove(event)
    assert not await at_google.answer(event, raj)
    assert google.responses == []


async def test_who_has_no_account_here_has_no_answer_there(google: GoogleServer, at_google: GoogleCalendar) -> None:
    event = an_event(attendees=(*PEOPLE, GUEST))
    await at_google.put(event)
    with pytest.raises(CalendarRefused):
        await at_google.answer(event, replace(GUEST, answer="accepted"))
    assert google.responses == []


# -- Microsoft 365 -----


async def test_an_answer_is_given_from_the_attendees_own_copy_and_the_organizer_hears_of_it(
    graph: GraphServer, at_microsoft: MicrosoftCalendar
) -> None:
    event = an_event(ref=(await at_microsoft.put(an_event())).ref)
    mails = list(graph.mails)
    for answer in ("accepted", "accepted", "tentative", "declined", "declined"):  # each once
        assert await at_microsoft.answer(event, replace(RAJ, answer=answer))
        seen = await at_microsoft.look(event)
        assert seen
        assert seen.answers == {RAJ.email: answer, KIM.email: ""}
    assert graph.responses == [(RAJ.email, r) for r in ("accepted", "tentativelyAccepted", "declined")]
    assert graph.mails == mails


@pytest.mark.parametrize("answer", ["accepted", "declined"])
async def test_microsoft_is_not_given_an_answer_again_that_was_given_but_not_heard_of(
    graph: GraphServer, at_microsoft: MicrosoftCalendar, answer: Answer
) -> None:
    event = an_event(ref=(await at_microsoft.put(an_event())).ref)
    graph.fail("POST .*/(accept|decline)", lost=True)
    with pytest.raises(Retryable):
        await at_microsoft.answer(event, replace(RAJ, answer=answer))
    assert await at_microsoft.answer(event, replace(RAJ, answer=answer))
    assert graph.responses == [(RAJ.email, answer)]


async def test_an_answer_to_what_is_not_in_a_mailbox_is_for_later(
    graph: GraphServer, at_microsoft: MicrosoftCalendar
) -> None:
    event, raj = an_event(), replace(RAJ, answer="accepted")
    assert not await at_microsoft.answer(event, raj)
    await at_microsoft.put(event)
    graph.delivered = False
    assert not await at_microsoft.answer(event, raj)
    graph.delivered = True
    assert await at_microsoft.answer(event, replace(RAJ, answer="declined"))
    assert not await at_microsoft.answer(event, raj), "it was taken out of Raj's calendar"
    assert not await at_microsoft.answer(event, replace(GUEST, answer="accepted")), "who has no mailbox here"
    assert graph.responses == [(RAJ.email, "declined")]


# -- CalDAV -----


async def test_an_answer_from_slack_stands_in_the_attendees_and_the_organizers_copy(
    calendar: CalDavCalendar, people: People, front: Front
) -> None:
    await people.open("ana", "raj", "kim")
    event = an_event()
    await calendar.put(event)
    await people.change("raj", UID, "SUMMARY:Team sync", "SUMMARY:Team sync\r\nCATEGORIES:mine")
    for answer in ("accepted", "declined", "declined"):
        assert await calendar.answer(event, replace(RAJ, answer=answer))
        seen = await calendar.look(event)
        assert seen
        assert seen.answers == {"ana@example.com": "accepted", "raj@example.com": answer}
    changes = [r.path for r in front.asked("PUT") if "If-Match" in r.headers]
    assert [p.split("/")[1] for p in changes] == ["raj", "ana"] * 2, "each answer once"
    own = await people.has("raj", UID)
    assert own
    assert "CATEGORIES:mine" in own
    assert own.count("PARTSTAT=DECLINED") == 1
    assert await calendar.busy("T1", [RAJ], Span(START, event.end)) == {"U2": ()}
    await calendar.put(event)  # which is as it was
    seen = await calendar.look(event)
    assert seen
    assert seen.answers["raj@example.com"] == "declined"


async def test_a_moved_occurrence_survives_an_answer(calendar: CalDavCalendar, people: People) -> None:
    await people.open("ana", "raj")
    event = an_event(attendees=(ANA, RAJ), repeat=Repeat("week", count=3))
    await calendar.put(event)
    text = await people.has("raj", UID)
    assert text
    moved = f"BEGIN:VEVENT\r\nUID:{UID}\r\nDTSTAMP:20260101T000000Z\r\nRECURRENCE-ID:20261201T140000Z\r\nDTSTART:20261201T160000Z\r\nEND:VEVENT\r\n"
    await people.change("raj", UID, "END:VCALENDAR", f"{moved}END:VCALENDAR")
    assert await calendar.answer(event, replace(RAJ, answer="tentative"))
    own = await people.has("raj", UID)
    assert own
    assert "RECURRENCE-ID:20261201T140000Z" in own
    assert "PARTSTAT=TENTATIVE" in own


async def test_the_answer_of_who_has_no_calendar_there_stands_in_the_organizers_copy(
    calendar: CalDavCalendar, people: People
) -> None:
    await people.open("ana")
    event = an_event(attendees=(ANA, RAJ))
    assert not await calendar.answer(event, replace(RAJ, answer="declined")), "it is not there yet"
    await calendar.put(event)
    assert await calendar.answer(event, replace(RAJ, answer="declined"))
    seen = await calendar.look(event)
    assert seen
    assert seen.answers["raj@example.com"] == "declined"


async def test_the_answer_of_whose_calendar_may_not_be_written_stands_in_the_organizers_copy(
    calendar: CalDavCalendar, people: People, front: Front
) -> None:
    await people.open("ana", "raj")
    event = an_event(attendees=(ANA, RAJ))
    await calendar.put(event)
    front.faults = [Fault("PUT", "/raj/", 403)]
    assert await calendar.answer(event, replace(RAJ, answer="declined"))
    organizers = await people.has("ana", UID)
    assert organizers
    assert "PARTSTAT=DECLINED" in organizers


async def test_who_writes_the_same_event_meanwhile_loses_nothing_by_an_answer(
    calendar: CalDavCalendar, people: People, front: Front
) -> None:
    await people.open("ana", "raj")
    event = an_event(attendees=(ANA, RAJ))
    await calendar.put(event)

    async def tag() -> None:
        await people.change("raj", UID, "SUMMARY:Team sync", "SUMMARY:Team sync\r\nCATEGORIES:mine")

    # Raj tags it just after it was read for our change: the second GET.
    front.faults = [Fault("GET", "/raj/", "slow", times=1), Fault("GET", "/raj/", "meanwhile", times=1, meanwhile=tag)]
    assert await calendar.answer(event, replace(RAJ, answer="accepted"))
    own = await people.has("raj", UID)
    assert own
    assert "CATEGORIES:mine" in own
    assert "PARTSTAT=ACCEPTED;ROLE=REQ-PARTICIPANT" in own


async def test_where_the_server_schedules_the_answer_is_given_in_the_copy_that_it_made(
    calendar: CalDavCalendar, people: People, front: Front
) -> None:
    front.add = {"DAV": "1, calendar-access, calendar-auto-schedule"}
    await people.open("ana", "raj")
    event = an_event(attendees=(ANA, RAJ))
    await calendar.put(event)
    assert not await calendar.answer(event, replace(RAJ, answer="accepted")), "Raj has no copy yet"
    text = await people.has("ana", UID)
    assert text
    lines = text.split("BEGIN:VEVENT")[1].split("END:VEVENT")[0].replace("\r", "")
    await people.put("raj", "named-by-the-server", f"BEGIN:VEVENT{lines}END:VEVENT")
    assert await calendar.answer(event, replace(RAJ, answer="accepted"))
    own = await people.has("raj", "named-by-the-server")
    assert own
    assert "PARTSTAT=ACCEPTED;ROLE=REQ-PARTICIPANT" in own
    assert len(front.asked("PUT")) == 2, "the organizer's copy is the server's to change"


@pytest.mark.parametrize(
    ("href", "found"),
    [
        ("/dav/raj%40example.com/x%20y.ics", "/dav/raj%40example.com/x%20y.ics"),  # as SabreDAV writes it
        ("/dav/raj@example.com/x.ics", "/dav/raj@example.com/x.ics"),
        ("/dav/kim%40example.com/x.ics", ""),
        ("/dav/raj@example.com/../kim/x.ics", ""),
        ("http://else.example/dav/raj@example.com/x.ics", ""),
    ],
)
async def test_a_copy_is_found_however_the_server_writes_its_address(front: Front, href: str, found: str) -> None:
    answer = f'<multistatus xmlns="DAV:"><response><href>{href}</href></response></multistatus>'
    front.faults = [Fault("REPORT", "/dav/raj@example.com/", answer)]
    wire = DavWire(front.url, "assistant", "secret", 5)
    try:
        assert await Copies(wire).find(f"{front.url}/dav/raj@example.com/", UID) == (found and front.url + found)
    finally:
        await wire.close()
