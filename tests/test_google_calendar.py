"""Google Calendar: the real client against a server that refuses whatever Google's description of its API lacks."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import Retryable, SettingError
from bot.meetings.calendars.google import GoogleCalendar, make_google
from bot.meetings.calendars.google_event import event_id, rule
from bot.meetings.values import Attendee, Repeat, Span
from bot.settings import Settings
from tests.cloud_world import (
    ANA,
    DAY,
    GUEST,
    HOUR,
    KIM,
    NO_MAIL,
    PEOPLE,
    RAJ,
    ROOM,
    Tls,
    an_event,
    at,
    at_google,
    google,
    google_client,
    moved,
    tls,
)
from tests.google_server import GoogleServer

__all__ = ["at_google", "google", "tls"]

EVENTS = "/calendars/primary/events"


def only(google: GoogleServer) -> dict[str, object]:
    (event,) = google.events.values()
    return event


# -- booking ----------------------------------------------------------------------------------------------------------------------


async def test_a_meeting_is_booked_in_the_organizers_calendar_and_all_are_invited(
    google: GoogleServer, at_google: GoogleCalendar
) -> None:
    event = an_event(attendees=(*PEOPLE, GUEST, ROOM, NO_MAIL))
    stored = await at_google.put(event)
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


async def test_the_same_again_leaves_one_event_and_mails_nobody(
    google: GoogleServer, at_google: GoogleCalendar
) -> None:
    stored = await at_google.put(an_event())
    mails = list(google.mails)
    assert await at_google.put(an_event()) == stored
    assert await at_google.put(an_event(ref=stored.ref)) == stored
    assert len(google.events) == 1
    assert google.mails == mails


async def test_an_answer_that_was_lost_leaves_one_event(google: GoogleServer, at_google: GoogleCalendar) -> None:
    google.fail(f"POST {EVENTS}", lost=True)
    with pytest.raises(Retryable):
        await at_google.put(an_event())
    assert len(google.events) == 1
    stored = await at_google.put(an_event())
    assert list(google.events) == [(ANA.email, stored.ref)]
    assert [what for _, what, _ in google.mails] == ["invitation"] * 2


async def test_two_processes_that_book_the_same_at_once_make_one_event(
    google: GoogleServer, at_google: GoogleCalendar, tls: Tls
) -> None:
    other = google_client(google, tls[1])
    one, two = await asyncio.gather(at_google.put(an_event()), other.put(an_event()))
    await other.close()
    assert one == two
    assert len(google.events) == 1
    assert len(google.mails) == 2


async def test_a_move_keeps_the_event_raises_the_sequence_and_asks_all_anew(
    google: GoogleServer, at_google: GoogleCalendar
) -> None:
    stored = await at_google.put(an_event())
    only(google)["attendees"][1]["responseStatus"] = "accepted"  # type: ignore[index]  # raw JSON
    again = await at_google.put(moved(an_event(ref=stored.ref), HOUR))
    assert again.ref == stored.ref
    there = only(google)
    assert there["sequence"] == 1
    seen = await at_google.look(an_event(ref=stored.ref))
    assert seen
    assert seen.span == Span(at(15), at(16))
    assert seen.answers == {ANA.email: "accepted", RAJ.email: "", KIM.email: ""}


async def test_a_new_title_keeps_the_answers(google: GoogleServer, at_google: GoogleCalendar) -> None:
    stored = await at_google.put(an_event())
    only(google)["attendees"][1]["responseStatus"] = "declined"  # type: ignore[index]  # raw JSON
    await at_google.put(an_event(ref=stored.ref, title="Team sync, anew", sequence=1))
    seen = await at_google.look(an_event(ref=stored.ref))
    assert seen
    assert seen.answers[RAJ.email] == "declined"
    assert only(google)["summary"] == "Team sync, anew"


async def test_a_sequence_that_google_has_raised_itself_is_not_undercut(
    google: GoogleServer, at_google: GoogleCalendar
) -> None:
    stored = await at_google.put(an_event())
    only(google)["sequence"] = 5
    await at_google.put(moved(an_event(ref=stored.ref), HOUR))
    assert only(google)["sequence"] == 5


async def test_a_change_at_the_same_time_is_not_written_over_blindly(
    google: GoogleServer, at_google: GoogleCalendar
) -> None:
    stored = await at_google.put(an_event())
    google.fail(f"PATCH {EVENTS}", status=412, code="conditionNotMet")
    await at_google.put(moved(an_event(ref=stored.ref), HOUR))
    assert google.asked.count(f"GET {EVENTS}/{stored.ref}") == 2
    google.fail(f"PATCH {EVENTS}", status=412, code="conditionNotMet", times=10)
    with pytest.raises(Retryable):
        await at_google.put(moved(an_event(ref=stored.ref), 2 * HOUR))


async def test_who_changes_it_between_our_look_and_our_change_is_seen(
    google: GoogleServer, at_google: GoogleCalendar
) -> None:
    stored = await at_google.put(an_event())
    google.fail(f"PATCH {EVENTS}", wait=0.3)
    change = asyncio.create_task(at_google.put(moved(an_event(ref=stored.ref), HOUR)))
    await asyncio.sleep(0.15)
    only(google).update(etag='"another"', sequence=9)
    await change
    assert only(google)["sequence"] == 9
    assert google.asked.count(f"PATCH {EVENTS}/{stored.ref}") == 2


async def test_what_somebody_moved_by_hand_is_moved_to_where_it_belongs(
    google: GoogleServer, at_google: GoogleCalendar
) -> None:
    stored = await at_google.put(an_event())
    google.asked.clear()
    late = {"dateTime": "2026-11-24T18:00:00Z", "timeZone": "UTC"}, {"dateTime": "2026-11-24T19:00:00Z"}
    only(google).update(start=late[0], end=late[1])
    await at_google.put(an_event(ref=stored.ref))
    seen = await at_google.look(an_event())
    assert seen
    assert seen.span == Span(at(14), at(15))
    assert [a for a in google.asked if a.startswith("POST")] == [], "it is known already"


async def test_a_cancelled_meeting_is_gone_for_all_and_may_be_cancelled_again(
    google: GoogleServer, at_google: GoogleCalendar
) -> None:
    stored = await at_google.put(an_event())
    google.mails.clear()
    event = an_event(ref=stored.ref)
    await at_google.remove(event)
    await at_google.remove(event)
    await at_google.remove(an_event(uid="never@assist"))
    assert sorted(google.mails) == sorted((p.email, "cancellation", stored.ref) for p in (RAJ, KIM))
    seen = await at_google.look(event)
    assert seen
    assert seen.cancelled
    assert await at_google.look(an_event(uid="never@assist")) is None


async def test_a_deleted_event_is_taken_back(google: GoogleServer, at_google: GoogleCalendar) -> None:
    stored = await at_google.put(an_event())
    await at_google.remove(an_event())
    for ref in ("", stored.ref):
        await at_google.put(an_event(ref=ref))
        assert only(google)["status"] == "confirmed"


async def test_answers_are_told(google: GoogleServer, at_google: GoogleCalendar) -> None:
    await at_google.put(an_event(attendees=(*PEOPLE, GUEST)))
    people = only(google)["attendees"]
    for person, word in zip(people, ("accepted", "tentative", "declined", "needsAction"), strict=True):  # type: ignore[call-overload]  # raw JSON
        person["responseStatus"] = word
        person["email"] = person["email"].title()
    seen = await at_google.look(an_event())
    assert seen
    told = {ANA.email: "accepted", RAJ.email: "tentative", KIM.email: "declined", GUEST.email: ""}
    assert (seen.answers, seen.cancelled) == (told, False)


async def test_an_event_that_somebody_made_last_all_day_can_be_looked_at(
    google: GoogleServer, at_google: GoogleCalendar
) -> None:
    await at_google.put(an_event())
    only(google).update(start={"date": "2026-11-26"}, end={"date": "2026-11-27"})
    seen = await at_google.look(an_event())
    assert seen
    assert seen.span == Span(at(0, day=26), at(0, day=27))


async def test_an_online_meeting_gets_a_link_that_stays(google: GoogleServer, at_google: GoogleCalendar) -> None:
    stored = await at_google.put(an_event(online=True))
    assert stored.link.startswith("https://meet.example/")
    again = await at_google.put(moved(an_event(online=True, ref=stored.ref, link=stored.link), HOUR))
    assert again.link == stored.link
    later = await at_google.put(moved(an_event(ref=stored.ref, sequence=1), 2 * HOUR))
    assert later.link == ""
    assert "conferenceData" not in only(google)


async def test_a_link_that_takes_a_moment_is_waited_for(google: GoogleServer, at_google: GoogleCalendar) -> None:
    google.pending = 1
    assert (await at_google.put(an_event(online=True))).link


async def test_a_series_recurs_by_the_organizers_clock(google: GoogleServer, at_google: GoogleCalendar) -> None:
    repeat = Repeat("week", 2, 10)
    stored = await at_google.put(an_event(repeat=repeat))
    there = only(google)
    assert there["recurrence"] == ["RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=10"]
    assert there["start"] == {"dateTime": "2026-11-24T14:00:00+00:00", "timeZone": "Europe/Lisbon"}
    await at_google.put(an_event(ref=stored.ref, sequence=1))
    assert "recurrence" not in only(google)


async def test_fifty_and_more_attendees_with_odd_titles(google: GoogleServer, at_google: GoogleCalendar) -> None:
    many = tuple(Attendee(id=f"U{i}", name=f"N{i}", email=f"p+{i}@example.com") for i in range(80))
    title = 'R&D <b>"x"</b> é 日本 🎉 \\ %2F\n'
    await at_google.put(an_event(title=title, attendees=(ANA, *many, replace(many[0], id="U999"))))
    there = only(google)
    assert there["summary"] == title
    assert len(there["attendees"]) == 81  # type: ignore[arg-type]  # raw JSON


# -- busy times -------------------------------------------------------------------------------------------------------------------


async def test_busy_times_and_who_is_unknown(google: GoogleServer, at_google: GoogleCalendar) -> None:
    google.busy[RAJ.email] = [("2026-11-24T10:00:00+05:30", "2026-11-24T11:00:00+05:30")]
    people = (ANA, replace(RAJ, email="Raj@Example.com"), KIM, GUEST, ROOM, NO_MAIL)
    assert await at_google.busy("T1", people, DAY) == {
        "U1": (),
        "U2": (Span(at(4, 30), at(5, 30)),),
        "U3": (),
        GUEST.id: None,
        ROOM.id: (),
        "U4": None,
    }


async def test_nobody_with_a_calendar_is_asked_for_nothing(google: GoogleServer, at_google: GoogleCalendar) -> None:
    assert await at_google.busy("T1", (NO_MAIL, GUEST), DAY) == {"U4": None, GUEST.id: None}
    assert google.asked == []


async def test_many_people_over_a_long_time_are_asked_for_in_parts(
    google: GoogleServer, at_google: GoogleCalendar
) -> None:
    many = tuple(Attendee(id=f"U{i}", name="", email=f"p{i}@example.com") for i in range(120))
    google.people |= {p.email for p in many[:-1]}
    google.busy[many[60].email] = [
        ("2026-12-01T10:00:00Z", "2026-12-01T11:00:00Z"),
        ("2027-02-01T10:00:00Z", "2027-02-01T11:00:00Z"),
    ]
    told = await at_google.busy("T1", many, Span(at(0), at(0) + timedelta(days=75)))
    assert google.asked == ["POST /freeBusy"] * 6
    assert len(told[many[60].id] or ()) == 2
    assert told[many[119].id] is None
    assert told[many[0].id] == ()


async def test_a_meeting_that_is_moved_does_not_stand_in_its_own_way(
    google: GoogleServer, at_google: GoogleCalendar
) -> None:
    event = an_event()
    await at_google.put(event)
    google.busy[RAJ.email] = [("2026-11-24T16:00:00Z", "2026-11-24T17:00:00Z")]
    own, other = Span(at(14), at(15)), Span(at(16), at(17))
    assert await at_google.busy("T1", PEOPLE, DAY) == {"U1": (own,), "U2": (own, other), "U3": (own,)}
    assert await at_google.busy("T1", PEOPLE, DAY, event.uid) == {"U1": (), "U2": (other,), "U3": ()}
    await at_google.remove(event)
    assert await at_google.busy("T1", (ANA,), DAY, event.uid) == {"U1": ()}


async def test_nor_does_a_series(google: GoogleServer, at_google: GoogleCalendar) -> None:
    event = an_event(repeat=Repeat("week"))
    await at_google.put(event)
    month = Span(at(0), at(0) + timedelta(days=30))
    assert len((await at_google.busy("T1", (ANA,), month))["U1"] or ()) == 5
    assert await at_google.busy("T1", (ANA,), month, event.uid) == {"U1": ()}


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
