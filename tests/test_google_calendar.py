"""Google Calendar: the real client against a server that refuses whatever Google's description of its API lacks."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import CalendarRefused, RateLimited, Retryable, SettingError
from bot.meetings.calendars.google import GoogleCalendar, make_google
from bot.meetings.calendars.google_event import event_id, rule
from bot.meetings.calendars.http import TokenSession
from bot.meetings.values import Attendee, Repeat, Span
from bot.settings import Settings
from tests.cloud_events import ANA, DAY, GUEST, HOUR, KIM, NO_MAIL, PEOPLE, RAJ, ROOM, an_event, at, moved
from tests.google_server import GoogleServer
from tests.strict_server import certificate

EVENTS = "/calendars/primary/events"


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
async def google(tls: tuple[ssl.SSLContext, Path]) -> AsyncIterator[GoogleServer]:
    server = await GoogleServer(*(p.email for p in (*PEOPLE, ROOM))).start(tls[0])
    yield server
    await server.stop()
    assert server.undescribed == []


def connect(google: GoogleServer, authority: Path, seconds: float = 5.0) -> GoogleCalendar:
    session = TokenSession(google.login_url)
    session.verify = str(authority)
    return GoogleCalendar(google.key(), google.api_url, session=session, seconds=seconds)


@pytest.fixture
async def calendar(google: GoogleServer, tls: tuple[ssl.SSLContext, Path]) -> AsyncIterator[GoogleCalendar]:
    client = connect(google, tls[1])
    yield client
    await client.close()


def only(google: GoogleServer) -> dict[str, object]:
    (event,) = google.events.values()
    return event


# -- booking ----------------------------------------------------------------------------------------------------------------------


async def test_a_meeting_is_booked_in_the_organizers_calendar_and_all_are_invited(
    google: GoogleServer, calendar: GoogleCalendar
) -> None:
    event = an_event(attendees=(*PEOPLE, GUEST, ROOM, NO_MAIL))
    stored = await calendar.put(event)
    (owner, ident), there = next(iter(google.events.items()))
    assert (owner, ident) == (ANA.email, stored.ref)
    assert stored.page == there["htmlLink"]
    assert (there["summary"], there["description"]) == ("Team sync", "Numbers")
    assert there["start"] == {"dateTime": "2026-11-24T14:00:00+00:00", "timeZone": "Europe/Lisbon"}
    people = {a["email"]: a for a in there["attendees"]}
    assert list(people) == ["ana@example.com", "raj@example.com", "kim@example.com", GUEST.email, ROOM.email]
    assert people[ANA.email]["responseStatus"] == "accepted"
    assert people[KIM.email]["optional"]
    assert people[ROOM.email]["resource"]
    assert sorted(to for to, what, _ in google.mails) == sorted(a for a in people if a != ANA.email)
    assert {what for _, what, _ in google.mails} == {"invitation"}


async def test_the_same_again_leaves_one_event_and_mails_nobody(google: GoogleServer, calendar: GoogleCalendar) -> None:
    stored = await calendar.put(an_event())
    mails = list(google.mails)
    assert await calendar.put(an_event()) == stored
    assert await calendar.put(an_event(ref=stored.ref)) == stored
    assert len(google.events) == 1
    assert google.mails == mails


async def test_an_answer_that_was_lost_leaves_one_event(google: GoogleServer, calendar: GoogleCalendar) -> None:
    google.fail(f"POST {EVENTS}", lost=True)
    with pytest.raises(Retryable):
        await calendar.put(an_event())
    assert len(google.events) == 1
    stored = await calendar.put(an_event())
    assert list(google.events) == [(ANA.email, stored.ref)]
    assert [what for _, what, _ in google.mails] == ["invitation"] * 2


async def test_two_processes_that_book_the_same_at_once_make_one_event(
    google: GoogleServer, calendar: GoogleCalendar, tls: tuple[ssl.SSLContext, Path]
) -> None:
    other = connect(google, tls[1])
    one, two = await asyncio.gather(calendar.put(an_event()), other.put(an_event()))
    await other.close()
    assert one == two
    assert len(google.events) == 1
    assert len(google.mails) == 2


async def test_a_move_keeps_the_event_raises_the_sequence_and_asks_all_anew(
    google: GoogleServer, calendar: GoogleCalendar
) -> None:
    stored = await calendar.put(an_event())
    only(google)["attendees"][1]["responseStatus"] = "accepted"  # type: ignore[index]  # raw JSON
    again = await calendar.put(moved(an_event(ref=stored.ref), HOUR))
    assert again.ref == stored.ref
    there = only(google)
    assert there["sequence"] == 1
    seen = await calendar.look(an_event(ref=stored.ref))
    assert seen
    assert seen.span == Span(at(15), at(16))
    assert seen.answers == {ANA.email: "accepted", RAJ.email: "", KIM.email: ""}


async def test_a_new_title_keeps_the_answers(google: GoogleServer, calendar: GoogleCalendar) -> None:
    stored = await calendar.put(an_event())
    only(google)["attendees"][1]["responseStatus"] = "declined"  # type: ignore[index]  # raw JSON
    await calendar.put(an_event(ref=stored.ref, title="Team sync, anew", sequence=1))
    seen = await calendar.look(an_event(ref=stored.ref))
    assert seen
    assert seen.answers[RAJ.email] == "declined"
    assert only(google)["summary"] == "Team sync, anew"


async def test_a_sequence_that_google_has_raised_itself_is_not_undercut(
    google: GoogleServer, calendar: GoogleCalendar
) -> None:
    stored = await calendar.put(an_event())
    only(google)["sequence"] = 5
    await calendar.put(moved(an_event(ref=stored.ref), HOUR))
    assert only(google)["sequence"] == 5


async def test_a_change_at_the_same_time_is_not_written_over_blindly(
    google: GoogleServer, calendar: GoogleCalendar
) -> None:
    stored = await calendar.put(an_event())
    google.fail(f"PATCH {EVENTS}", status=412, code="conditionNotMet")
    await calendar.put(moved(an_event(ref=stored.ref), HOUR))
    assert google.asked.count(f"GET {EVENTS}/{stored.ref}") == 2
    google.fail(f"PATCH {EVENTS}", status=412, code="conditionNotMet", times=10)
    with pytest.raises(Retryable):
        await calendar.put(moved(an_event(ref=stored.ref), 2 * HOUR))


async def test_a_cancelled_meeting_is_gone_for_all_and_may_be_cancelled_again(
    google: GoogleServer, calendar: GoogleCalendar
) -> None:
    stored = await calendar.put(an_event())
    google.mails.clear()
    event = an_event(ref=stored.ref)
    await calendar.remove(event)
    await calendar.remove(event)
    await calendar.remove(an_event(uid="never@assist"))
    assert sorted(google.mails) == sorted((p.email, "cancellation", stored.ref) for p in (RAJ, KIM))
    seen = await calendar.look(event)
    assert seen
    assert seen.cancelled
    assert await calendar.look(an_event(uid="never@assist")) is None


async def test_a_deleted_event_is_taken_back(google: GoogleServer, calendar: GoogleCalendar) -> None:
    stored = await calendar.put(an_event())
    await calendar.remove(an_event())
    for ref in ("", stored.ref):
        await calendar.put(an_event(ref=ref))
        assert only(google)["status"] == "confirmed"


async def test_answers_are_told(google: GoogleServer, calendar: GoogleCalendar) -> None:
    await calendar.put(an_event(attendees=(*PEOPLE, GUEST)))
    people = only(google)["attendees"]
    for person, word in zip(people, ("accepted", "tentative", "declined", "needsAction"), strict=True):  # type: ignore[call-overload]  # raw JSON
        person["responseStatus"] = word
        person["email"] = person["email"].title()
    seen = await calendar.look(an_event())
    assert seen
    told = {ANA.email: "accepted", RAJ.email: "tentative", KIM.email: "declined", GUEST.email: ""}
    assert (seen.answers, seen.cancelled) == (told, False)


async def test_an_event_that_somebody_made_last_all_day_can_be_looked_at(
    google: GoogleServer, calendar: GoogleCalendar
) -> None:
    await calendar.put(an_event())
    only(google).update(start={"date": "2026-11-26"}, end={"date": "2026-11-27"})
    seen = await calendar.look(an_event())
    assert seen
    assert seen.span == Span(at(0, day=26), at(0, day=27))


async def test_an_online_meeting_gets_a_link_that_stays(google: GoogleServer, calendar: GoogleCalendar) -> None:
    stored = await calendar.put(an_event(online=True))
    assert stored.link.startswith("https://meet.example/")
    again = await calendar.put(moved(an_event(online=True, ref=stored.ref, link=stored.link), HOUR))
    assert again.link == stored.link
    later = await calendar.put(moved(an_event(ref=stored.ref, sequence=1), 2 * HOUR))
    assert later.link == ""
    assert "conferenceData" not in only(google)


async def test_a_link_that_takes_a_moment_is_waited_for(google: GoogleServer, calendar: GoogleCalendar) -> None:
    google.pending = 1
    assert (await calendar.put(an_event(online=True))).link


async def test_a_series_recurs_by_the_organizers_clock(google: GoogleServer, calendar: GoogleCalendar) -> None:
    repeat = Repeat("week", 2, 10)
    stored = await calendar.put(an_event(repeat=repeat))
    there = only(google)
    assert there["recurrence"] == ["RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=10"]
    assert there["start"] == {"dateTime": "2026-11-24T14:00:00+00:00", "timeZone": "Europe/Lisbon"}
    await calendar.put(an_event(ref=stored.ref, sequence=1))
    assert "recurrence" not in only(google)


async def test_fifty_and_more_attendees_with_odd_titles(google: GoogleServer, calendar: GoogleCalendar) -> None:
    many = tuple(Attendee(id=f"U{i}", name=f"N{i}", email=f"p+{i}@example.com") for i in range(80))
    title = 'R&D <b>"x"</b> é 日本 🎉 \\ %2F\n'
    await calendar.put(an_event(title=title, attendees=(ANA, *many, replace(many[0], id="U999"))))
    there = only(google)
    assert there["summary"] == title
    assert len(there["attendees"]) == 81  # type: ignore[arg-type]  # raw JSON


# -- busy times -------------------------------------------------------------------------------------------------------------------


async def test_busy_times_and_who_is_unknown(google: GoogleServer, calendar: GoogleCalendar) -> None:
    google.busy[RAJ.email] = [("2026-11-24T10:00:00+05:30", "2026-11-24T11:00:00+05:30")]
    people = (ANA, replace(RAJ, email="Raj@Example.com"), KIM, GUEST, ROOM, NO_MAIL)
    assert await calendar.busy("T1", people, DAY) == {
        "U1": (),
        "U2": (Span(at(4, 30), at(5, 30)),),
        "U3": (),
        GUEST.id: None,
        ROOM.id: (),
        "U4": None,
    }


async def test_nobody_with_a_calendar_is_asked_for_nothing(google: GoogleServer, calendar: GoogleCalendar) -> None:
    assert await calendar.busy("T1", (NO_MAIL, GUEST), DAY) == {"U4": None, GUEST.id: None}
    assert google.asked == []


async def test_many_people_over_a_long_time_are_asked_for_in_parts(
    google: GoogleServer, calendar: GoogleCalendar
) -> None:
    many = tuple(Attendee(id=f"U{i}", name="", email=f"p{i}@example.com") for i in range(120))
    google.people |= {p.email for p in many[:-1]}
    google.busy[many[60].email] = [
        ("2026-12-01T10:00:00Z", "2026-12-01T11:00:00Z"),
        ("2027-02-01T10:00:00Z", "2027-02-01T11:00:00Z"),
    ]
    told = await calendar.busy("T1", many, Span(at(0), at(0) + timedelta(days=100)))
    assert google.asked == ["POST /freeBusy"] * 6
    assert len(told[many[60].id] or ()) == 2
    assert told[many[119].id] is None
    assert told[many[0].id] == ()


async def test_a_meeting_that_is_moved_does_not_stand_in_its_own_way(
    google: GoogleServer, calendar: GoogleCalendar
) -> None:
    event = an_event()
    await calendar.put(event)
    google.busy[RAJ.email] = [("2026-11-24T16:00:00Z", "2026-11-24T17:00:00Z")]
    own, other = Span(at(14), at(15)), Span(at(16), at(17))
    assert await calendar.busy("T1", PEOPLE, DAY) == {"U1": (own,), "U2": (own, other), "U3": (own,)}
    assert await calendar.busy("T1", PEOPLE, DAY, event.uid) == {"U1": (), "U2": (other,), "U3": ()}
    await calendar.remove(event)
    assert await calendar.busy("T1", (ANA,), DAY, event.uid) == {"U1": ()}


async def test_nor_does_a_series(google: GoogleServer, calendar: GoogleCalendar) -> None:
    event = an_event(repeat=Repeat("week"))
    await calendar.put(event)
    month = Span(at(0), at(0) + timedelta(days=30))
    assert len((await calendar.busy("T1", (ANA,), month))["U1"] or ()) == 5
    assert await calendar.busy("T1", (ANA,), month, event.uid) == {"U1": ()}


# -- what goes wrong --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code", "word"),
    [
        (401, "authError", "delegation"),
        (403, "forbidden", "delegation"),
        (404, "notFound", "no calendar"),
        (400, "invalid", "did not accept"),
        (302, "", "did not accept"),
    ],
)
async def test_a_refusal_says_what_an_admin_has_to_do(
    google: GoogleServer, calendar: GoogleCalendar, status: int, code: str, word: str
) -> None:
    google.fail("freeBusy", status=status, code=code, times=2)
    with pytest.raises(CalendarRefused, match=word) as refused:
        await calendar.busy("T1", PEOPLE, DAY)
    assert refused.value.reason == f"{status} {code}".strip()
    google.fail(f"POST {EVENTS}", status=status, code=code, times=2)
    with pytest.raises(CalendarRefused, match=word):
        await calendar.put(an_event())


@pytest.mark.parametrize(("status", "code"), [(429, "rateLimitExceeded"), (403, "userRateLimitExceeded")])
async def test_too_many_requests_are_tried_later(
    google: GoogleServer, calendar: GoogleCalendar, status: int, code: str
) -> None:
    google.fail("freeBusy", status=status, code=code, headers={"Retry-After": "7"})
    with pytest.raises(RateLimited) as limited:
        await calendar.busy("T1", PEOPLE, DAY)
    assert limited.value.after == (7.0 if status == 429 else None)


async def test_faults_and_pages_of_others_are_tried_later(google: GoogleServer, calendar: GoogleCalendar) -> None:
    for how in ({"status": 500}, {"status": 503}, {"status": 200, "page": "<html>Sign in</html>"}, {"lost": True}):
        google.fail("freeBusy", **how)
        with pytest.raises(Retryable, match="Google Calendar: ") as silent:
            await calendar.busy("T1", PEOPLE, DAY)
        assert silent.value.said == "Google Calendar does not answer."
    assert (await calendar.busy("T1", PEOPLE, DAY))["U1"] == ()


async def test_a_fault_ends_the_questions_that_run_beside_it(google: GoogleServer, calendar: GoogleCalendar) -> None:
    many = tuple(Attendee(id=f"U{i}", name="", email=f"p{i}@example.com") for i in range(120))
    google.people |= {p.email for p in many}
    await calendar.busy("T1", many[:1], DAY)
    google.fail("freeBusy", status=500)
    google.fail("freeBusy", wait=30)
    async with asyncio.timeout(3):
        with pytest.raises(Retryable):
            await calendar.busy("T1", many, DAY)


async def test_slow_and_down(google: GoogleServer, tls: tuple[ssl.SSLContext, Path]) -> None:
    hurried = connect(google, tls[1], seconds=0.3)
    google.fail("freeBusy", wait=2.0)
    with pytest.raises(Retryable, match="TimeoutError"):
        await hurried.busy("T1", PEOPLE, DAY)
    await google.stop()
    with pytest.raises(Retryable, match="Google Calendar: ") as down:
        await hurried.put(an_event())
    assert ANA.email not in str(down.value)
    await hurried.close()


async def test_without_the_organizers_address_there_is_no_calendar(calendar: GoogleCalendar) -> None:
    with pytest.raises(CalendarRefused, match="address"):
        await calendar.put(an_event(attendees=(NO_MAIL, RAJ)))


# -- tokens -----------------------------------------------------------------------------------------------------------------------


async def test_a_token_is_used_while_it_lasts(google: GoogleServer, calendar: GoogleCalendar) -> None:
    await asyncio.gather(*(calendar.busy("T1", PEOPLE, DAY) for _ in range(5)))
    assert google.tokens_asked == 1
    await calendar.busy("T1", (RAJ,), DAY)
    assert [who for who, _ in google.tokens.values()] == [ANA.email, RAJ.email]


async def test_a_token_that_is_about_to_expire_is_replaced(google: GoogleServer, calendar: GoogleCalendar) -> None:
    google.lasts = 60
    for _ in range(2):
        await calendar.busy("T1", PEOPLE, DAY)
    assert google.tokens_asked == 2


async def test_a_token_that_was_withdrawn_is_replaced_once(google: GoogleServer, calendar: GoogleCalendar) -> None:
    await calendar.busy("T1", PEOPLE, DAY)
    google.tokens.clear()
    await calendar.busy("T1", PEOPLE, DAY)
    assert google.tokens_asked == 2


async def test_no_delegation(google: GoogleServer, calendar: GoogleCalendar) -> None:
    google.delegated = False
    with pytest.raises(CalendarRefused, match="domain-wide delegation") as refused:
        await calendar.check(ANA)
    assert refused.value.reason == "token unauthorized_client"


async def test_somebody_whom_google_does_not_know(calendar: GoogleCalendar) -> None:
    with pytest.raises(CalendarRefused, match="does not know") as refused:
        await calendar.put(an_event(attendees=(replace(ANA, email="nobody@example.com"), RAJ)))
    assert "nobody" not in f"{refused.value}{refused.value.reason}"


async def test_a_key_that_is_not_the_accounts(google: GoogleServer, tls: tuple[ssl.SSLContext, Path]) -> None:
    other = GoogleServer()
    other.login_url = google.login_url
    session = TokenSession(google.login_url)
    session.verify = str(tls[1])
    client = GoogleCalendar(other.key(), google.api_url, session=session)
    with pytest.raises(CalendarRefused, match="key"):
        await client.check(ANA)
    await client.close()


async def test_tokens_that_nobody_gives_out_right_now(google: GoogleServer, calendar: GoogleCalendar) -> None:
    google.fail("/token", status=307, headers={"Location": f"{google.login_url}/elsewhere"})
    with pytest.raises(Retryable, match="Google Calendar: "):
        await calendar.check(ANA)
    assert google.tokens_asked == 1, "the redirect was not followed"


async def test_a_token_goes_nowhere_else(google: GoogleServer, calendar: GoogleCalendar) -> None:
    google.fail("freeBusy", status=302, headers={"Location": f"{google.api_url}/elsewhere"})
    with pytest.raises(CalendarRefused):
        await calendar.check(ANA)
    assert google.asked == ["POST /freeBusy"]


async def test_certificates_are_verified(google: GoogleServer) -> None:
    client = GoogleCalendar(google.key(), google.api_url)
    with pytest.raises(Retryable, match="TransportError"):
        await client.check(ANA)
    await client.close()
    assert google.tokens_asked == 0


async def test_a_check_says_that_it_works_or_that_the_person_has_no_calendar(
    google: GoogleServer, calendar: GoogleCalendar
) -> None:
    assert await calendar.check(ANA) == "acts for people, reads free/busy times"
    google.people.discard(ANA.email)
    with pytest.raises(CalendarRefused, match="no free/busy"):
        await calendar.check(ANA)


# -- settings and values ----------------------------------------------------------------------------------------------------------


def test_credentials_that_are_missing_or_malformed_stop_the_start(tmp_path: Path) -> None:
    def start(path: str) -> str:
        with pytest.raises(SettingError) as wrong:
            make_google(Settings(calendar="google", google_credentials=path))
        assert wrong.value.name == "GOOGLE_CREDENTIALS"
        return wrong.value.what

    file = tmp_path / "key.json"
    assert "is needed" in start("")
    assert "cannot be read" in start(str(file))
    key = GoogleServer().key() | {"token_uri": "https://tokens.example/token"}
    bad: tuple[object, ...] = ([], {}, key | {"private_key": "secret"}, key | {"token_uri": "http://tokens.example"})
    for content in bad:
        file.write_text(json.dumps(content))
        assert start(str(file)) == "is not a service account’s JSON key."
    file.write_text("{")
    assert "JSON key" in start(str(file))
    file.write_text(json.dumps(key))
    assert make_google(Settings(google_credentials=str(file))).external


@given(st.text(), st.text())
def test_ids_are_such_as_google_takes_and_differ(one: str, two: str) -> None:
    assert set(event_id(one)) <= set("abcdefghijklmnopqrstuv0123456789")
    assert 5 <= len(event_id(one)) <= 1024
    assert (event_id(one) == event_id(two)) == (one == two)


@pytest.mark.parametrize(
    ("day", "told"),
    [
        (datetime(2026, 11, 10, tzinfo=UTC), "BYDAY=2TU"),
        (datetime(2026, 12, 29, tzinfo=UTC), "BYDAY=-1TU"),  # the fifth: the last
        (datetime(2026, 12, 22, tzinfo=UTC), "BYDAY=4TU"),
    ],
)
def test_monthly_is_the_same_weekday_of_the_month(day: datetime, told: str) -> None:
    assert rule(Repeat("month"), day) == f"RRULE:FREQ=MONTHLY;INTERVAL=1;{told}"
