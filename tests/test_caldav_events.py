"""Events in a real Radicale: written once, changed with a higher sequence, gone everywhere, answered in people's own calendars."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import icalendar
import pytest
import structlog

from bot.errors import CalendarRefused, Retryable
from bot.meetings.calendars.caldav import CalDavCalendar
from bot.meetings.calendars.calendar import Event, Seen
from bot.meetings.values import Attendee, Repeat, Span
from tests.caldav_world import Fault, Front, People, calendar, front, people, radicale_server

__all__ = ["calendar", "front", "people", "radicale_server"]

ANA = Attendee(id="U1", name="Ana", email="ana@example.com", zone="Europe/Lisbon")
RAJ = Attendee(id="U2", name="Raj", email="raj@example.com", zone="Asia/Kolkata")
KIM = Attendee(id="U3", name="Kim", email="kim@example.com", required=False)
GUEST = Attendee(id="zoe@client.com", name="Zoë", email="zoe@client.com", kind="guest")
START = datetime(2026, 11, 24, 14, tzinfo=UTC)
UID = "m-7-of-t1@corporateassist"


def an_event(*others: Attendee, **changes: object) -> Event:
    event = Event(
        uid=UID,
        sequence=0,
        title="Team sync",
        description="",
        start=START,
        end=START + timedelta(minutes=30),
        zone="Europe/Lisbon",
        repeat=None,
        attendees=(ANA, *others),
        online=False,
        link="",
        ref="",
        changed_at=datetime(2026, 11, 22, 12, tzinfo=UTC),
    )
    return replace(event, **changes)  # type: ignore[arg-type]  # tests name fields


async def held(people: People, user: str) -> icalendar.Event:
    text = await people.has(user, UID)
    assert text
    (event,) = icalendar.Calendar.from_ical(text).events
    return event


def moved(event: Event, ref: str = "x") -> Event:
    day = timedelta(days=1)
    return replace(event, sequence=event.sequence + 1, start=event.start + day, end=event.end + day, ref=ref)


async def test_a_meeting_stands_in_everybodys_calendar_once_however_often_it_is_put(
    calendar: CalDavCalendar, people: People, front: Front
) -> None:
    await people.open("ana", "raj", "kim")
    event = an_event(RAJ, KIM, GUEST)
    stored = await calendar.put(event)
    assert stored.ref == f"{front.url}/ana/calendar/{UID}.ics"
    assert await calendar.put(event) == stored
    for user in ("ana", "raj", "kim"):
        assert people.count(user) == 1
        there = await held(people, user)
        assert (there["UID"], there["SEQUENCE"], there["SUMMARY"]) == (UID, 0, "Team sync")
        assert (there.start, there.end) == (event.start, event.end)
        assert str(there["ORGANIZER"]) == "mailto:ana@example.com"
    roles = {str(a): (a.params["ROLE"], a.params["PARTSTAT"]) for a in (await held(people, "raj")).attendees}
    assert roles == {
        "mailto:ana@example.com": ("CHAIR", "ACCEPTED"),
        "mailto:raj@example.com": ("REQ-PARTICIPANT", "NEEDS-ACTION"),
        "mailto:kim@example.com": ("OPT-PARTICIPANT", "NEEDS-ACTION"),
        "mailto:zoe@client.com": ("REQ-PARTICIPANT", "NEEDS-ACTION"),
    }
    assert {r.headers.get("If-None-Match") for r in front.asked("PUT")} == {"*"}
    assert await calendar.busy("T1", [RAJ], Span(START, event.end)) == {"U2": (Span(START, event.end),)}


@pytest.mark.parametrize("path", ["/ana/", "/raj/"])
async def test_an_answer_that_was_lost_leaves_one_event(
    calendar: CalDavCalendar, people: People, front: Front, path: str
) -> None:
    await people.open("ana", "raj")
    front.faults = [Fault("PUT", path, "drop", times=1)]
    with pytest.raises(Retryable):
        await calendar.put(an_event(RAJ))
    assert people.count(path.strip("/")) == 1, "the server had done it"
    await calendar.put(an_event(RAJ))
    assert (people.count("ana"), people.count("raj")) == (1, 1)


async def test_two_who_put_the_same_at_once_leave_one_event(calendar: CalDavCalendar, people: People) -> None:
    await people.open("ana", "raj")
    await asyncio.gather(*(calendar.put(an_event(RAJ)) for _ in range(5)))
    assert (people.count("ana"), people.count("raj")) == (1, 1)


async def test_a_moved_meeting_keeps_its_uid_and_a_late_repeat_does_not_move_it_back(
    calendar: CalDavCalendar, people: People, front: Front
) -> None:
    await people.open("ana", "raj")
    first = an_event(RAJ)
    stored = await calendar.put(first)
    second = moved(first, stored.ref)
    front.seen.clear()
    assert await calendar.put(second) == stored
    assert all("If-Match" in r.headers or r.headers.get("If-None-Match") == "*" for r in front.asked("PUT"))
    await calendar.put(first)
    for user in ("ana", "raj"):
        there = await held(people, user)
        assert (there["SEQUENCE"], there.start) == (1, second.start)
        assert people.count(user) == 1


async def test_a_change_by_somebody_else_between_reading_and_writing_is_kept(
    calendar: CalDavCalendar, people: People, front: Front
) -> None:
    """412 twice: it is there, and it is another one than was read."""
    await people.open("ana")
    first = an_event()
    await calendar.put(first)
    app = partial(people.change, "ana", UID, "STATUS:CONFIRMED", "STATUS:CONFIRMED\r\nCATEGORIES:Mine")
    looked = Fault("GET", "/ana/", "meanwhile", times=1, meanwhile=nothing)  # for who was dropped
    front.faults = [looked, Fault("GET", "/ana/", "meanwhile", times=1, meanwhile=app)]
    await calendar.put(replace(first, sequence=1, title="Renamed"))
    there = await held(people, "ana")
    assert (there["SUMMARY"], there["SEQUENCE"]) == ("Renamed", 1)
    assert there.categories == ["Mine"]
    assert [r.method for r in front.seen][2:] == ["GET", *["PUT", "GET", "PUT"] * 2], "read anew"


async def nothing() -> None:
    pass


async def test_a_server_that_never_lets_it_be_written_is_tried_later(
    calendar: CalDavCalendar, people: People, front: Front
) -> None:
    await people.open("ana")
    front.faults = [Fault("PUT", "/ana/", 412)]
    with pytest.raises(Retryable):
        await calendar.put(an_event())
    assert len(front.asked("PUT")) == 4


async def test_what_people_added_stays_and_their_answers_as_long_as_the_time_does(
    calendar: CalDavCalendar, people: People
) -> None:
    await people.open("ana", "raj")
    first = an_event(RAJ)
    stored = await calendar.put(first)
    alarm = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:soon\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\nEND:VEVENT"
    await people.change("raj", UID, "END:VEVENT", alarm)
    await people.change("raj", UID, "PARTSTAT=NEEDS-ACTION", "PARTSTAT=TENTATIVE")
    renamed = replace(first, sequence=1, title="Renamed", ref=stored.ref)
    await calendar.put(renamed)
    there = await held(people, "raj")
    assert there["SUMMARY"] == "Renamed"
    assert [str(a.params["PARTSTAT"]) for a in there.attendees] == ["ACCEPTED", "TENTATIVE"]
    assert len(there.walk("VALARM")) == 1
    await calendar.put(moved(renamed))
    there = await held(people, "raj")
    assert [str(a.params["PARTSTAT"]) for a in there.attendees] == ["ACCEPTED", "NEEDS-ACTION"]
    assert len(there.walk("VALARM")) == 1


async def test_who_is_no_longer_invited_no_longer_has_it(calendar: CalDavCalendar, people: People) -> None:
    await people.open("ana", "raj", "kim")
    stored = await calendar.put(an_event(RAJ, KIM))
    await calendar.put(an_event(KIM, sequence=1, ref=stored.ref))
    assert [people.count(u) for u in ("ana", "raj", "kim")] == [1, 0, 1]


async def test_nor_has_who_was_taken_out_before_anybody_knew_that_it_was_entered(
    calendar: CalDavCalendar, people: People
) -> None:
    await people.open("ana", "raj", "kim")
    await calendar.put(an_event(RAJ, KIM))  # killed before its ref was noted
    await calendar.put(an_event(KIM, sequence=1))
    assert [people.count(u) for u in ("ana", "raj", "kim")] == [1, 0, 1]


async def test_an_attendee_without_a_calendar_there_is_passed_over(calendar: CalDavCalendar, people: People) -> None:
    await people.open("ana", "kim")
    await calendar.put(an_event(RAJ, KIM))
    assert [people.count(u) for u in ("ana", "kim")] == [1, 1]
    await calendar.remove(an_event(RAJ, KIM))
    assert [people.count(u) for u in ("ana", "kim")] == [0, 0]


@pytest.mark.parametrize(
    ("status", "word"), [(403, "allow it"), (404, "CALDAV_URL"), (409, "CALDAV_URL"), (415, "did not accept")]
)
async def test_an_organizers_calendar_that_refuses_is_named_and_nobody_has_the_meeting(
    calendar: CalDavCalendar, people: People, front: Front, status: int, word: str
) -> None:
    await people.open("ana", "raj")
    front.faults = [Fault("PUT", "/ana/", status)]
    with pytest.raises(CalendarRefused, match=word) as raised:
        await calendar.put(an_event(RAJ))
    assert str(status) in raised.value.reason
    assert "secret" not in str(raised.value) + raised.value.reason
    assert people.count("raj") == 0


async def test_an_organizer_without_a_calendar_or_an_address_is_refused(
    calendar: CalDavCalendar, people: People
) -> None:
    with pytest.raises(CalendarRefused, match="CALDAV_URL"):
        await calendar.put(an_event())
    with pytest.raises(CalendarRefused, match="e-mail"):
        await calendar.put(an_event(attendees=(replace(ANA, email=""),)))


async def test_an_attendees_server_trouble_is_tried_later_and_then_they_have_it(
    calendar: CalDavCalendar, people: People, front: Front
) -> None:
    await people.open("ana", "raj", "kim")
    front.faults = [Fault("PUT", "/raj/", 503, times=1)]
    with pytest.raises(Retryable):
        await calendar.put(an_event(RAJ, KIM))
    assert people.count("kim") == 1
    await calendar.put(an_event(RAJ, KIM))
    assert people.count("raj") == 1


async def test_removed_is_gone_everywhere_also_when_it_was_gone_already(
    calendar: CalDavCalendar, people: People, front: Front
) -> None:
    await people.open("ana", "raj")
    event = an_event(RAJ)
    await calendar.put(event)
    front.faults = [Fault("DELETE", "/ana/", "drop", times=1)]
    with pytest.raises(Retryable):
        await calendar.remove(event)
    await calendar.remove(event)
    await calendar.remove(event)
    assert (people.count("ana"), people.count("raj")) == (0, 0)
    assert await calendar.look(event) is None


async def test_answers_are_read_from_attendees_own_calendars(calendar: CalDavCalendar, people: People) -> None:
    await people.open("ana", "raj", "kim")
    event = an_event(RAJ, KIM, GUEST)
    await calendar.put(event)
    seen = await calendar.look(event)
    assert seen == Seen(Span(event.start, event.end), cancelled=False, answers={"ana@example.com": "accepted"})
    await people.change("raj", UID, "CN=Raj;CUTYPE=INDIVIDUAL;PARTSTAT=NEEDS-ACTION", "PARTSTAT=DECLINED")
    await people.delete("kim", UID)
    zoe = "CUTYPE=INDIVIDUAL;PARTSTAT=NEEDS-ACTION;ROLE=REQ-PARTICIPANT;RSVP=TRUE:mailto:zoe@client.com"
    await people.change("ana", UID, zoe, "PARTSTAT=TENTATIVE:mailto:zoe@client.com")
    await people.change("raj", UID, zoe, "PARTSTAT=DECLINED:mailto:zoe@client.com")  # not Raj's to tell
    seen = await calendar.look(event)
    assert seen
    assert seen.answers == {"ana@example.com": "accepted", "raj@example.com": "declined", "zoe@client.com": "tentative"}


async def test_a_calendar_that_is_missing_says_nothing_of_its_events(calendar: CalDavCalendar, people: People) -> None:
    with pytest.raises(CalendarRefused, match="CALDAV_URL"):
        await calendar.look(an_event())
    await people.open("ana")
    assert await calendar.look(an_event()) is None


async def test_what_the_organizer_did_in_their_calendar_is_seen(calendar: CalDavCalendar, people: People) -> None:
    await people.open("ana")
    event = an_event()
    await calendar.put(event)
    await people.change("ana", UID, "20261124T140000Z", "20261124T133000Z")
    seen = await calendar.look(event)
    assert seen == Seen(
        Span(START - timedelta(minutes=30), event.end), cancelled=False, answers={"ana@example.com": "accepted"}
    )
    await people.change("ana", UID, "STATUS:CONFIRMED", "STATUS:CANCELLED")
    seen = await calendar.look(event)
    assert seen
    assert seen.cancelled


async def test_a_weekly_meeting_stands_by_its_zones_clock(calendar: CalDavCalendar, people: People) -> None:
    await people.open("ana", "raj")
    start = datetime(2026, 10, 20, 9, tzinfo=UTC)  # 10:00 in Lisbon until the 25th
    weekly = an_event(RAJ, start=start, end=start + timedelta(hours=1), repeat=Repeat("week", count=3))
    await calendar.put(weekly)
    there = await held(people, "raj")
    assert str(there["DTSTART"].params["TZID"]) == "Europe/Lisbon"
    month = Span(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))
    told = await calendar.busy("T1", [RAJ], month)
    assert told == {
        "U2": tuple(
            Span(s, s + timedelta(hours=1))
            for s in (start, start + timedelta(days=7, hours=1), start + timedelta(days=14, hours=1))
        )
    }
    assert await calendar.busy("T1", [RAJ], month, but=UID) == {"U2": ()}
    assert (await calendar.look(weekly)) == Seen(
        Span(weekly.start, weekly.end), cancelled=False, answers={"ana@example.com": "accepted"}
    )


@pytest.mark.parametrize(
    "title",
    [
        "Über, den; Plan \\n 😀",
        "a\r\nBEGIN:VEVENT\r\nUID:evil\r\nEND:VEVENT",
        'x"\x07y:z',
        "long " * 60,
        "\\",
        "ATTENDEE;X=1:mailto:a@b",
    ],
)
async def test_any_title_and_name_is_data(calendar: CalDavCalendar, people: People, title: str) -> None:
    await people.open("ana", "raj")
    event = an_event(replace(RAJ, name=title), title=title, description=title)
    await calendar.put(event)
    there = await held(people, "raj")
    plain = " ".join(title.replace("\x07", "").split())
    assert there["SUMMARY"] == plain
    assert str(there["DESCRIPTION"]).split() == plain.split()
    assert there["UID"] == UID
    assert there.attendees[1].params["CN"] == plain.replace('"', "'").replace("\\", "/")
    assert len(there.attendees) == 2


async def test_rooms_and_links_are_where_calendars_look_for_them(calendar: CalDavCalendar, people: People) -> None:
    await people.open("ana", "p1")
    room = Attendee(id="p1@example.com", name="Room, big", email="p1@example.com", kind="room")
    await calendar.put(an_event(room, online=True, link="https://meet.example.com/m-7?a=1&b=2"))
    there = await held(people, "p1")
    assert there["LOCATION"] == "Room, big, https://meet.example.com/m-7?a=1&b=2"
    assert str(there["URL"]) == "https://meet.example.com/m-7?a=1&b=2"
    assert str(there["CONFERENCE"]) == "https://meet.example.com/m-7?a=1&b=2"
    assert there.attendees[1].params["CUTYPE"] == "ROOM"


async def test_a_server_that_schedules_gets_the_organizers_copy_alone(
    calendar: CalDavCalendar, people: People, front: Front
) -> None:
    await people.open("ana", "raj")
    front.add = {"DAV": "1, 3, calendar-access, calendar-auto-schedule"}
    await calendar.put(an_event(RAJ))
    assert (people.count("ana"), people.count("raj")) == (1, 0)
    await calendar.remove(an_event(RAJ))
    assert {r.path.split("/")[1] for r in front.seen} == {"ana"}
    assert len(front.asked("OPTIONS")) == 1, "asked once"


async def test_fifty_attendees_have_it_and_their_answers_are_read(calendar: CalDavCalendar, people: People) -> None:
    crowd = [Attendee(id=f"U1{n}", name=f"P {n}", email=f"p{n}@example.com") for n in range(50)]
    await people.open("ana", *(f"p{n}" for n in range(50)))
    await calendar.put(an_event(*crowd))
    assert {people.count(f"p{n}") for n in range(50)} == {1}
    mine = "PARTSTAT=NEEDS-ACTION;ROLE=REQ-PARTICIPANT;RSVP=TRUE:mailto:p49@example.com"
    await people.change("p49", UID, mine, "PARTSTAT=ACCEPTED:mailto:p49@example.com")
    seen = await calendar.look(an_event(*crowd))
    assert seen
    assert seen.answers == {"ana@example.com": "accepted", "p49@example.com": "accepted"}


@pytest.mark.parametrize("call", ["put", "remove", "look"])
async def test_a_put_is_not_sent_on_to_another_address(
    calendar: CalDavCalendar, people: People, front: Front, call: str
) -> None:
    await people.open("ana")
    methods = {"put": "PUT", "remove": "DELETE", "look": "GET"}
    async with Front(front.url).serving() as elsewhere:
        front.faults = [Fault(methods[call], "/", 302, headers={"Location": f"{elsewhere.url}/ana/calendar/x.ics"})]
        with pytest.raises(CalendarRefused, match="CALDAV_URL"):
            await getattr(calendar, call)(an_event())
        assert elsewhere.seen == []


async def test_no_log_line_holds_a_title_an_address_or_the_password(
    calendar: CalDavCalendar, people: People, front: Front, caplog: pytest.LogCaptureFixture
) -> None:
    await people.open("ana")
    secret = an_event(RAJ, title="Layoffs")
    with structlog.testing.capture_logs() as lines, caplog.at_level("INFO"):
        await calendar.put(secret)
        front.faults = [Fault("GET", "/", "BEGIN:VCALENDAR Layoffs", times=1), Fault("PUT", "/", 415)]
        with pytest.raises(CalendarRefused):
            await calendar.put(replace(secret, uid="other"))
        front.faults = [Fault("REPORT", "/ana/", "<Layoffs")]
        await calendar.busy("T1", [ANA, RAJ], Span(START, START + timedelta(hours=1)))
    assert lines
    said = str(lines) + "".join(r.getMessage() for r in caplog.records if r.levelname not in ("DEBUG", "INFO"))
    assert not [w for w in ("Layoffs", "example.com", "pass-ward", "cGFzcy13YXJk") if w in said]
