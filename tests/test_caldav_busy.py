"""Busy times from a real Radicale: what counts, by whose clock, and what is not known."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

import pytest
import structlog

from bot.errors import CalendarRefused, Retryable
from bot.meetings.calendars.caldav import CalDavCalendar
from bot.meetings.calendars.dav import MOST_BYTES
from bot.meetings.values import Attendee, Span
from tests.caldav_world import Fault, Front, People, calendar, front, hasty, people, radicale_server
from tests.cloud_world import an_event

__all__ = ["calendar", "front", "hasty", "people", "radicale_server"]

ANA = Attendee(id="U1", name="Ana", email="ana@example.com", zone="Europe/Lisbon")
RAJ = Attendee(id="U2", name="Raj", email="raj@example.com", zone="Asia/Kolkata")
KIM = Attendee(id="U3", name="Kim", email="kim@example.com", zone="Pacific/Auckland")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def span(start: str, end: str) -> Span:
    return Span(at(start), at(end))


WEEK = span("2026-11-23", "2026-11-30")


async def busy_of(
    calendar: CalDavCalendar, person: Attendee = ANA, within: Span = WEEK, but: str = ""
) -> list[Span] | None:
    told = (await calendar.busy("T1", [person], within, but))[person.id]
    return None if told is None else list(told)


async def test_nothing_is_known_without_an_address_or_a_calendar_and_a_guest_is_never_asked_about(
    calendar: CalDavCalendar, people: People, front: Front
) -> None:
    await people.open("ana", "raj")
    nobody = Attendee(id="U9", name="No", email="")
    stranger = Attendee(id="U8", name="No calendar", email="kim@example.com")
    guest = Attendee(id="raj@client.com", name="Raj", email="raj@client.com", kind="guest")
    dots = Attendee(id="U7", name="Dots", email="..@example.com")
    told = await calendar.busy("T1", [ANA, nobody, stranger, guest, dots], WEEK)
    assert told == {"U1": (), "U9": None, "U8": None, "raj@client.com": None, "U7": None}
    assert {r.path for r in front.seen} == {"/ana/calendar/", "/kim/calendar/"}


async def test_a_weekly_meeting_keeps_its_clock_when_summer_ends(calendar: CalDavCalendar, people: People) -> None:
    await people.open("ana")
    await people.put(
        "ana",
        "w",
        """BEGIN:VTIMEZONE
TZID:Europe/Lisbon
BEGIN:STANDARD
DTSTART:20261025T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0000
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:20260329T010000
TZOFFSETFROM:+0000
TZOFFSETTO:+0100
END:DAYLIGHT
END:VTIMEZONE
BEGIN:VEVENT
UID:w
DTSTAMP:20260101T000000Z
DTSTART;TZID=Europe/Lisbon:20261006T100000
DURATION:PT30M
RRULE:FREQ=WEEKLY;COUNT=6
EXDATE;TZID=Europe/Lisbon:20261013T100000
END:VEVENT
BEGIN:VEVENT
UID:w
DTSTAMP:20260101T000000Z
RECURRENCE-ID;TZID=Europe/Lisbon:20261020T100000
DTSTART;TZID=Europe/Lisbon:20261021T150000
DURATION:PT1H
END:VEVENT
BEGIN:VEVENT
UID:w
DTSTAMP:20260101T000000Z
RECURRENCE-ID;TZID=Europe/Lisbon:20261103T100000
DTSTART;TZID=Europe/Lisbon:20261103T100000
DURATION:PT30M
STATUS:CANCELLED
END:VEVENT""",
    )
    assert await busy_of(calendar, within=span("2026-10-01", "2026-12-01")) == [
        span("2026-10-06T09:00", "2026-10-06T09:30"),
        span("2026-10-21T14:00", "2026-10-21T15:00"),
        span("2026-10-27T10:00", "2026-10-27T10:30"),
        span("2026-11-10T10:00", "2026-11-10T10:30"),
    ]


async def test_free_time_is_what_is_transparent_cancelled_or_declined(calendar: CalDavCalendar, people: People) -> None:
    await people.open("ana")
    hour = "DTSTART:20261124T{0}0000Z\nDTEND:20261124T{0}3000Z\n"
    await people.add("ana", "a", hour.format("09") + "TRANSP:TRANSPARENT")
    await people.add("ana", "b", hour.format("10") + "STATUS:CANCELLED")
    await people.add("ana", "c", hour.format("11") + "ATTENDEE;PARTSTAT=DECLINED:MAILTO:Ana@Example.com")
    await people.add("ana", "d", hour.format("12") + "STATUS:TENTATIVE")
    await people.add("ana", "e", hour.format("13") + "ATTENDEE;PARTSTAT=DECLINED:mailto:raj@example.com")
    await people.add("ana", "f", hour.format("14") + "ATTENDEE;PARTSTAT=TENTATIVE:mailto:ana@example.com")
    await people.add("ana", "g", "DTSTART:20261124T150000Z")  # an instant
    await people.add("ana", "h", hour.format("16"))
    await people.add(
        "ana", "i", "DTSTART:20261130T000000Z\nDTEND:20261130T010000Z"
    )  # when the time that is asked about ends
    told = await busy_of(calendar, but="h")
    assert told == [span(f"2026-11-24T{h}:00", f"2026-11-24T{h}:30") for h in (12, 13, 14)]


@pytest.mark.parametrize(
    ("person", "start", "end"),
    [
        (ANA, "2026-11-24T00:00", "2026-11-26T00:00"),
        (RAJ, "2026-11-23T18:30", "2026-11-25T18:30"),
        (KIM, "2026-11-23T11:00", "2026-11-25T11:00"),
    ],
)
async def test_days_off_are_days_where_the_person_lives(
    calendar: CalDavCalendar, people: People, person: Attendee, start: str, end: str
) -> None:
    user = person.email.split("@")[0]
    await people.open(user)
    await people.add(user, "off", "DTSTART;VALUE=DATE:20261124\nDTEND;VALUE=DATE:20261126")
    assert await busy_of(calendar, person) == [span(start, end)]
    assert await busy_of(calendar, person, Span(at(end), WEEK.end)) == []


async def test_a_time_without_a_zone_is_by_the_persons_clock(calendar: CalDavCalendar, people: People) -> None:
    await people.open("raj")
    await people.add("raj", "x", "DTSTART:20261124T093000\nDURATION:PT1H")
    assert await busy_of(calendar, RAJ) == [span("2026-11-24T04:00", "2026-11-24T05:00")]


@pytest.mark.parametrize(
    "event",
    [
        "DTSTART;TZID=Of/Nowhere:20261124T090000\nDURATION:PT1H",
        "DTSTART:20261124T090000Z\nDURATION:PT1H\nRRULE:FREQ=SECONDLY",
        "DTSTART:20261124T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;BYHOUR=1,2,3,4,5;BYMINUTE=0,1,2,3,4,5,6",
        "DTSTART:20261124T090000Z\nDTEND:20261124T100000Z\nRRULE:FREQ=SOMETIMES",
        "SUMMARY:no time at all",
        "DTSTART:20261324T090000Z\nDURATION:PT1H",
    ],
)
async def test_what_cannot_be_read_is_unknown_and_not_free(
    calendar: CalDavCalendar, people: People, front: Front, event: str
) -> None:
    """The front answers, since Radicale refuses most of these itself."""
    await people.open("ana", "raj")
    front.faults = [
        Fault(
            "REPORT", "/ana/", multistatus(f"BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:x\n{event}\nEND:VEVENT\nEND:VCALENDAR")
        )
    ]
    with structlog.testing.capture_logs() as lines:
        assert await calendar.busy("T1", [ANA, RAJ], WEEK) == {"U1": None, "U2": ()}
    assert [(line["event"], line["person"]) for line in lines] == [("calendar unreadable", "U1")]


def multistatus(data: str) -> str:
    """One response with this calendar data."""
    return (
        '<D:multistatus xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:response><D:href>/ana/calendar/x.ics</D:href><D:propstat>'
        f"<D:prop><C:calendar-data>{data}</C:calendar-data></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response></D:multistatus>"
    )


@pytest.mark.parametrize(
    "answer", ["", "<nonsense", "<html><body>Sign in</body></html>", multistatus(""), multistatus("no calendar")]
)
async def test_an_answer_without_its_events_is_unknown(
    calendar: CalDavCalendar, people: People, front: Front, answer: str
) -> None:
    await people.open("ana", "raj")
    front.faults = [Fault("REPORT", "/ana/", answer)]
    assert await calendar.busy("T1", [ANA, RAJ], WEEK) == {"U1": None, "U2": ()}


async def test_where_events_may_not_be_read_free_busy_times_are(
    calendar: CalDavCalendar, people: People, front: Front
) -> None:
    """Radicale tells a cancelled event as FBTYPE=FREE."""
    await people.open("ana")
    await people.add("ana", "a", "DTSTART:20261124T090000Z\nDTEND:20261124T100000Z")
    await people.add("ana", "b", "DTSTART:20261125T090000Z\nDTEND:20261125T100000Z\nSTATUS:CANCELLED")
    await people.add("ana", "c", "DTSTART:20261126T090000Z\nDTEND:20261126T100000Z\nSTATUS:TENTATIVE")
    await people.add("ana", "d", "DTSTART:20261120T090000Z\nDURATION:PT30M\nRRULE:FREQ=WEEKLY;COUNT=3")
    front.faults = [Fault("REPORT", "/ana/", 403, times=1)]
    assert await busy_of(calendar) == [
        span("2026-11-24T09:00", "2026-11-24T10:00"),
        span("2026-11-26T09:00", "2026-11-26T10:00"),
        span("2026-11-27T09:00", "2026-11-27T09:30"),
    ]
    assert ["free-busy-query" in r.body for r in front.asked("REPORT")] == [False, True]
    front.faults = [Fault("REPORT", "/ana/", 403)]
    assert await busy_of(calendar) is None
    front.faults = [Fault("REPORT", "/ana/", 403, times=1), Fault("REPORT", "/ana/", 200)]
    assert await busy_of(calendar) is None, "an answer without free-busy times"


async def test_an_address_with_unusual_letters_is_one_folder_of_the_path(
    calendar: CalDavCalendar, people: People, front: Front
) -> None:
    await people.open("zoë")
    await people.add("zoë", "a", "DTSTART:20261124T090000Z\nDTEND:20261124T100000Z")
    zoe = Attendee(id="U4", name="Zoë", email="zoë@example.com")
    slash = Attendee(id="U5", name="/", email="ana/../raj@example.com")
    told = await calendar.busy("T1", [zoe, slash], WEEK)
    assert told == {"U4": (span("2026-11-24T09:00", "2026-11-24T10:00"),), "U5": None}
    assert not [r for r in front.seen if r.path.startswith("/raj")]


async def test_the_whole_address_may_name_the_calendar(front: Front, people: People) -> None:
    await people.open("p1@example.com")
    await people.add("p1@example.com", "a", "DTSTART:20261124T090000Z\nDTEND:20261124T100000Z")
    calendar = CalDavCalendar(f"{front.url}/{{email}}/calendar", "assistant", "pass-ward-of-ours")
    p1 = Attendee(id="U1", name="P", email="p1@example.com")
    assert await busy_of(calendar, p1) == [span("2026-11-24T09:00", "2026-11-24T10:00")]
    await calendar.close()


# -- servers that fail ---------------------------------------------------------------------------------------------------


async def test_somebody_whose_calendar_is_slow_is_unknown_and_the_next_question_is_answered(
    calendar: CalDavCalendar, hasty: CalDavCalendar, people: People, front: Front
) -> None:
    await people.open("ana", "raj")
    await calendar.busy("T1", [ANA, RAJ], WEEK)  # Radicale is awake
    front.faults = [Fault("REPORT", "/ana/", "slow", times=1, seconds=20)]
    began = time.monotonic()
    assert await hasty.busy("T1", [ANA, RAJ], WEEK) == {"U1": None, "U2": ()}
    assert time.monotonic() - began < 10
    assert await hasty.busy("T1", [ANA, RAJ], WEEK) == {"U1": (), "U2": ()}


@pytest.mark.parametrize("how", ["endless", "packed"])
async def test_an_answer_that_never_ends_fills_no_memory(
    calendar: CalDavCalendar, people: People, front: Front, how: str
) -> None:
    await people.open("ana", "raj")
    front.faults = [Fault("REPORT", "/ana/", how)]
    assert await calendar.busy("T1", [ANA, RAJ], WEEK) == {"U1": None, "U2": ()}
    front.faults = [Fault("GET", "/ana/", how)]
    with pytest.raises(Retryable, match="TooMuch"):
        await calendar.look(an_event())
    if how == "endless":
        async with asyncio.timeout(10):
            await front.hung_up.wait()
        assert MOST_BYTES < front.sent < 2 * MOST_BYTES + 16_000_000, "what lies in buffers comes on top"


@pytest.mark.parametrize("how", [503, 500, 429, "cut"])
async def test_a_server_that_fails_for_everybody_is_tried_later(
    calendar: CalDavCalendar, people: People, front: Front, how: int | str
) -> None:
    await people.open("ana", "raj")
    front.faults = [Fault("REPORT", "/", how, headers={"Retry-After": "7"})]
    with pytest.raises(Retryable) as raised:
        await calendar.busy("T1", [ANA, RAJ], WEEK)
    assert raised.value.said == "The calendar does not answer."
    assert raised.value.after == (7 if how in (503, 429) else None)
    front.faults = [Fault("REPORT", "/ana/", how)]
    assert await calendar.busy("T1", [ANA, RAJ], WEEK) == {"U1": None, "U2": ()}


async def test_a_server_that_is_down_is_tried_later(free_port: int) -> None:
    calendar = CalDavCalendar(f"http://127.0.0.1:{free_port}/{{user}}/", "assistant", "pass-ward-of-ours", seconds=1)
    with pytest.raises(Retryable):
        await calendar.busy("T1", [ANA, RAJ], WEEK)
    await calendar.close()


async def test_a_wrong_password_is_for_who_runs_the_assistant(front: Front, people: People) -> None:
    await people.open("ana")
    calendar = CalDavCalendar(f"{front.url}/{{user}}/calendar/", "assistant", "no-such-pass")
    for _ in range(2):  # also when the way to sign in is known
        with pytest.raises(CalendarRefused, match="CALDAV_PASSWORD") as raised:
            await calendar.check(ANA)
        assert "401" in raised.value.reason
    await calendar.close()


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_the_password_does_not_follow_to_another_address(
    calendar: CalDavCalendar, people: People, front: Front, status: int
) -> None:
    await people.open("ana")
    async with Front(front.url).serving() as elsewhere:
        front.faults = [Fault("REPORT", "/", status, headers={"Location": f"{elsewhere.url}/ana/calendar/"})]
        with pytest.raises(CalendarRefused, match="CALDAV_URL"):
            await calendar.check(ANA)
        assert elsewhere.seen == []


async def test_fifty_people_are_asked_eight_at_a_time(calendar: CalDavCalendar, people: People, front: Front) -> None:
    crowd = [Attendee(id=f"U{n}", name="", email=f"p{n}@example.com") for n in range(50)]
    await people.open("p1")
    front.faults = [Fault("REPORT", "/", "slow", seconds=0.05)]
    began = time.monotonic()
    told = await calendar.busy("T1", crowd, WEEK)
    assert time.monotonic() - began > 50 / 8 * 0.05
    assert {i for i, times in told.items() if times is not None} == {"U1"}


async def test_a_hanging_server_is_not_waited_for_once_for_each_person(hasty: CalDavCalendar, front: Front) -> None:
    crowd = [Attendee(id=f"U{n}", name="", email=f"p{n}@example.com") for n in range(50)]
    front.faults = [Fault("REPORT", "/", "slow", seconds=20)]
    began = time.monotonic()
    with pytest.raises(Retryable):
        await hasty.busy("T1", crowd, WEEK)
    assert time.monotonic() - began < 6, "not seven rounds of eight"
    assert len(front.asked("REPORT")) < 50
