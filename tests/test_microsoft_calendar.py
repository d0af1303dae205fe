"""Microsoft 365: the real client against a server that refuses whatever the description of Graph lacks."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from babel.core import get_global
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import CalendarRefused, Retryable, SettingError
from bot.meetings.calendars.microsoft import MicrosoftCalendar, make_microsoft
from bot.meetings.calendars.microsoft_event import recurrence, windows_zone
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
    at_microsoft,
    graph,
    microsoft_client,
    moved,
    tls,
)
from tests.graph_server import CLIENT, SECRET, TENANT, GraphServer

__all__ = ["at_microsoft", "graph", "tls"]

ANAS = "/v1.0/users/ana@example.com"


def only(graph: GraphServer) -> dict[str, Any]:
    (event,) = graph.events.values()
    return event


def changes(graph: GraphServer) -> list[str]:
    return [a.split(" ")[0] for a in graph.asked if not a.startswith("GET")]


# -- booking ----------------------------------------------------------------------------------------------------------------------


async def test_a_meeting_is_booked_in_the_organizers_calendar_and_all_are_invited(
    graph: GraphServer, at_microsoft: MicrosoftCalendar
) -> None:
    stored = await at_microsoft.put(an_event(attendees=(*PEOPLE, GUEST, ROOM, NO_MAIL)))
    assert list(graph.events) == [(ANA.email, stored.ref)]
    there = only(graph)
    assert stored.page == there["webLink"]
    assert (there["subject"], there["body"]) == ("Team sync", {"contentType": "text", "content": "Numbers"})
    assert there["start"] == {"dateTime": "2026-11-24T14:00:00", "timeZone": "UTC"}
    types = {a["emailAddress"]["address"]: a["type"] for a in there["attendees"]}
    assert types == {RAJ.email: "required", KIM.email: "optional", GUEST.email: "required", ROOM.email: "resource"}
    assert sorted(graph.mails) == sorted((address, "invitation", stored.ref) for address in types)


async def test_the_same_again_leaves_one_event_and_mails_nobody(
    graph: GraphServer, at_microsoft: MicrosoftCalendar
) -> None:
    stored = await at_microsoft.put(an_event())
    assert await at_microsoft.put(an_event()) == stored
    assert await at_microsoft.put(an_event(ref=stored.ref)) == stored
    assert changes(graph) == ["POST"]
    assert len(graph.mails) == 2


async def test_an_answer_that_was_lost_leaves_one_event(graph: GraphServer, at_microsoft: MicrosoftCalendar) -> None:
    graph.fail(f"POST {ANAS}/events", lost=True)
    with pytest.raises(Retryable):
        await at_microsoft.put(an_event())
    stored = await at_microsoft.put(an_event())
    assert list(graph.events) == [(ANA.email, stored.ref)]
    assert len(graph.mails) == 2


async def test_two_processes_that_book_the_same_at_once_make_one_event(
    graph: GraphServer, at_microsoft: MicrosoftCalendar, tls: Tls
) -> None:
    other = microsoft_client(graph, tls[1])
    one, two = await asyncio.gather(at_microsoft.put(an_event()), other.put(an_event()))
    await other.close()
    assert one == two
    assert len(graph.events) == 1
    assert len(graph.mails) == 2


async def test_nor_do_two_of_which_one_knows_a_later_state(
    graph: GraphServer, at_microsoft: MicrosoftCalendar, tls: Tls
) -> None:
    other = microsoft_client(graph, tls[1])
    await asyncio.gather(at_microsoft.check(ANA), other.check(ANA))  # both have their tokens
    graph.fail(f"POST {ANAS}/events$", wait=0.3)
    await asyncio.gather(at_microsoft.put(an_event()), other.put(moved(an_event(), HOUR)))
    await other.close()
    assert len(graph.events) == 1


async def test_a_move_keeps_the_event_and_tells_all(graph: GraphServer, at_microsoft: MicrosoftCalendar) -> None:
    stored = await at_microsoft.put(an_event())
    graph.mails.clear()
    again = await at_microsoft.put(moved(an_event(ref=stored.ref), HOUR))
    assert again.ref == stored.ref
    seen = await at_microsoft.look(an_event(ref=stored.ref))
    assert seen
    assert seen.span == Span(at(15), at(16))
    assert graph.mails == [(p.email, "update", stored.ref) for p in (RAJ, KIM)]


async def test_a_change_at_the_same_time_is_tried_later(graph: GraphServer, at_microsoft: MicrosoftCalendar) -> None:
    stored = await at_microsoft.put(an_event())
    for status in (404, 409, 412):
        graph.fail(f"PATCH {ANAS}/events", status=status, code="ErrorIrresolvableConflict")
        with pytest.raises(Retryable, match=f"{status} ErrorIrresolvableConflict"):
            await at_microsoft.put(moved(an_event(ref=stored.ref), HOUR))


async def test_what_somebody_moved_by_hand_is_moved_to_where_it_belongs(
    graph: GraphServer, at_microsoft: MicrosoftCalendar
) -> None:
    stored = await at_microsoft.put(an_event())
    late = {"start": "2026-11-24T18:00:00", "end": "2026-11-24T19:00:00"}
    only(graph).update({side: {"dateTime": when, "timeZone": "UTC"} for side, when in late.items()})
    await at_microsoft.put(an_event(ref=stored.ref))
    seen = await at_microsoft.look(an_event())
    assert seen
    assert seen.span == Span(at(14), at(15))


async def test_a_cancelled_meeting_is_gone_for_all_and_may_be_cancelled_again(
    graph: GraphServer, at_microsoft: MicrosoftCalendar
) -> None:
    stored = await at_microsoft.put(an_event())
    graph.mails.clear()
    event = an_event(ref=stored.ref)
    await at_microsoft.remove(event)
    await at_microsoft.remove(event)
    assert graph.mails == [(p.email, "cancellation", stored.ref) for p in (RAJ, KIM)]
    assert await at_microsoft.look(event) is None


async def test_a_meeting_that_nobody_else_takes_part_in_is_deleted(
    graph: GraphServer, at_microsoft: MicrosoftCalendar
) -> None:
    event = an_event(attendees=(ANA, NO_MAIL))
    await at_microsoft.put(event)
    graph.fail("DELETE", status=404, code="ErrorItemNotFound")
    await at_microsoft.remove(event)
    await at_microsoft.remove(event)
    assert graph.events == {}


async def test_an_event_that_somebody_deleted_is_made_anew_when_it_is_moved(
    graph: GraphServer, at_microsoft: MicrosoftCalendar
) -> None:
    stored = await at_microsoft.put(an_event())
    graph.events.clear()
    with pytest.raises(Retryable, match="ErrorDuplicateTransactionId"):
        await at_microsoft.put(an_event())  # a first try whose answer was lost could not be told from this
    event = moved(an_event(ref=stored.ref), HOUR)
    again = await at_microsoft.put(event)
    assert list(graph.events) == [(ANA.email, again.ref)]
    assert await at_microsoft.put(event) == again


async def test_answers_are_told_and_stay_when_only_the_title_changes(
    graph: GraphServer, at_microsoft: MicrosoftCalendar
) -> None:
    stored = await at_microsoft.put(an_event(attendees=(*PEOPLE, GUEST, ROOM)))
    words = ("accepted", "tentativelyAccepted", "declined", "notResponded")
    for person, word in zip(only(graph)["attendees"], words, strict=True):
        person["status"] = {"response": word, "time": "2026-11-23T10:00:00Z"}
        person["emailAddress"]["address"] = person["emailAddress"]["address"].title()
    told = {RAJ.email: "accepted", KIM.email: "tentative", GUEST.email: "declined", ROOM.email: ""}
    seen = await at_microsoft.look(an_event(ref=stored.ref))
    assert seen
    assert (seen.answers, seen.cancelled) == (told, False)
    await at_microsoft.put(an_event(ref=stored.ref, title="New", attendees=(*PEOPLE, GUEST, ROOM)))
    seen = await at_microsoft.look(an_event())
    assert seen
    assert seen.answers == told
    assert only(graph)["subject"] == "New"


async def test_who_is_taken_out_is_taken_out(graph: GraphServer, at_microsoft: MicrosoftCalendar) -> None:
    stored = await at_microsoft.put(an_event())
    await at_microsoft.put(an_event(ref=stored.ref, attendees=(ANA, RAJ)))
    assert [a["emailAddress"]["address"] for a in only(graph)["attendees"]] == [RAJ.email]


async def test_an_online_meeting_gets_a_link_that_stays(graph: GraphServer, at_microsoft: MicrosoftCalendar) -> None:
    graph.pending = 1
    stored = await at_microsoft.put(an_event(online=True))
    assert stored.link.startswith("https://teams.example/")
    assert only(graph)["onlineMeetingProvider"] == "teamsForBusiness"
    again = await at_microsoft.put(moved(an_event(online=True, ref=stored.ref, link=stored.link), HOUR))
    assert again == stored


async def test_a_series_recurs_by_the_organizers_clock(graph: GraphServer, at_microsoft: MicrosoftCalendar) -> None:
    stored = await at_microsoft.put(an_event(repeat=Repeat("week", 2, 10), zone="America/New_York"))
    there = only(graph)
    assert there["start"] == {"dateTime": "2026-11-24T09:00:00", "timeZone": "Eastern Standard Time"}
    assert there["recurrence"]["pattern"]["daysOfWeek"] == ["tuesday"]
    assert there["recurrence"]["range"]["numberOfOccurrences"] == 10
    seen = await at_microsoft.look(an_event(ref=stored.ref))
    assert seen
    assert seen.span == Span(at(14), at(15))
    await at_microsoft.put(an_event(ref=stored.ref))
    assert only(graph)["recurrence"] is None


async def test_fifty_and_more_attendees_with_odd_titles(graph: GraphServer, at_microsoft: MicrosoftCalendar) -> None:
    many = tuple(Attendee(id=f"U{i}", name=f"N{i}", email=f"p+{i}@example.com") for i in range(80))
    title = 'R&D <b>"x"</b> é 日本 🎉 \\ %2F\n'
    await at_microsoft.put(an_event(title=title, attendees=(ANA, *many, replace(many[0], id="U999"))))
    assert only(graph)["subject"] == title
    assert len(only(graph)["attendees"]) == 80


async def test_odd_uids_and_addresses_are_only_data(graph: GraphServer, at_microsoft: MicrosoftCalendar) -> None:
    ana = replace(ANA, email="o'ana+x/../y%2f?z#@example.com")
    graph.people.add(ana.email)
    uid = "it's' or 1 eq 1 & more@assist"
    stored = await at_microsoft.put(an_event(uid=uid, attendees=(ana, RAJ)))
    assert await at_microsoft.put(an_event(uid=uid, attendees=(ana, RAJ))) == stored
    assert list(graph.events) == [(ana.email, stored.ref)]


# -- busy times -------------------------------------------------------------------------------------------------------------------


async def test_busy_times_and_who_is_unknown(graph: GraphServer, at_microsoft: MicrosoftCalendar) -> None:
    times = [("2026-11-24T09:00:00", "2026-11-24T10:00:00", s) for s in ("free", "workingElsewhere")]
    busy = [(f"2026-11-24T{h}:00:00", f"2026-11-24T{h}:30:00", s) for h, s in (("10", "Tentative"), ("11", "oof"))]
    graph.busy[RAJ.email] = times + busy
    graph.busy[KIM.email] = [("2026-11-24T09:00:00", "2026-11-24T10:00:00", "unknown")]
    people = (ANA, replace(RAJ, email="Raj@Example.com"), KIM, GUEST, ROOM, NO_MAIL)
    assert await at_microsoft.busy("T1", people, DAY) == {
        "U1": (),
        "U2": (Span(at(10), at(10, 30)), Span(at(11), at(11, 30))),
        "U3": None,
        GUEST.id: None,
        ROOM.id: (),
        "U4": None,
    }


async def test_nobody_with_a_calendar_is_asked_for_nothing(graph: GraphServer, at_microsoft: MicrosoftCalendar) -> None:
    assert await at_microsoft.busy("T1", (NO_MAIL, GUEST), DAY) == {"U4": None, GUEST.id: None}
    assert graph.asked == []


async def test_many_people_over_a_long_time_are_asked_for_in_parts(
    graph: GraphServer, at_microsoft: MicrosoftCalendar
) -> None:
    many = tuple(Attendee(id=f"U{i}", name="", email=f"p{i}@example.com") for i in range(50))
    graph.people |= {p.email for p in many[:-1]}
    graph.busy[many[30].email] = [
        (f"{day}T10:00:00", f"{day}T11:00:00", "busy") for day in ("2026-12-01", "2027-02-01")
    ]
    told = await at_microsoft.busy("T1", many, Span(at(0), at(0) + timedelta(days=75)))
    assert changes(graph) == ["POST"] * 6
    assert len(told[many[30].id] or ()) == 2
    assert told[many[49].id] is None
    assert told[many[0].id] == ()


async def test_a_meeting_that_is_moved_does_not_stand_in_its_own_way_but_another_at_its_time_does(
    graph: GraphServer, at_microsoft: MicrosoftCalendar
) -> None:
    event, own = an_event(), Span(at(14), at(15))
    await at_microsoft.put(event)
    graph.busy[RAJ.email] = [("2026-11-24T14:00:00", "2026-11-24T15:00:00", "busy")]
    assert await at_microsoft.busy("T1", PEOPLE, DAY) == {"U1": (own,), "U2": (own, own), "U3": (own,)}
    assert await at_microsoft.busy("T1", PEOPLE, DAY, event.uid) == {"U1": (), "U2": (own,), "U3": ()}
    await at_microsoft.remove(event)
    assert await at_microsoft.busy("T1", (ANA,), DAY, event.uid) == {"U1": ()}


@pytest.mark.parametrize(
    ("repeat", "count"), [(Repeat("week"), 5), (Repeat("day", 3), 10), (Repeat("month"), 2), (Repeat("day", 1), 30)]
)
async def test_nor_does_a_series(
    graph: GraphServer, at_microsoft: MicrosoftCalendar, repeat: Repeat, count: int
) -> None:
    event = an_event(repeat=repeat)
    await at_microsoft.put(event)
    month = Span(at(0), at(0) + timedelta(days=30))
    assert len((await at_microsoft.busy("T1", (ANA,), month))["U1"] or ()) == count
    assert await at_microsoft.busy("T1", (ANA,), month, event.uid) == {"U1": ()}


# -- settings and values ----------------------------------------------------------------------------------------------------------


def test_settings_that_are_missing_stop_the_start() -> None:
    whole = {"microsoft_tenant": TENANT, "microsoft_client_id": CLIENT, "microsoft_client_secret": SECRET}
    assert make_microsoft(Settings(**whole)).invites  # type: ignore[arg-type]  # all are text
    for name in whole:
        with pytest.raises(SettingError) as wrong:
            make_microsoft(Settings(**{**whole, name: ""}))  # type: ignore[arg-type]  # all are text
        assert wrong.value.name == name.upper()
        assert SECRET not in str(wrong.value)


@pytest.mark.parametrize(
    ("zone", "name"),
    [
        ("Europe/Lisbon", "GMT Standard Time"),
        ("Europe/Berlin", "W. Europe Standard Time"),
        ("Asia/Kolkata", "India Standard Time"),
        ("America/New_York", "Eastern Standard Time"),
        ("UTC", "UTC"),
    ],
)
def test_well_known_zones(zone: str, name: str) -> None:
    assert windows_zone(zone, 2026) == name


@given(st.sampled_from(sorted({"Europe/Madrid", "America/Detroit", "Asia/Dubai", "Africa/Nairobi", "Europe/Athens"})))
def test_windows_zone_has_the_same_clock_at_each_hour(zone: str) -> None:
    likely = ZoneInfo(get_global("windows_zone_mapping")[windows_zone(zone, 2026)])
    for hour in range(0, 366 * 24, 7):
        moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hour)
        assert moment.astimezone(likely).utcoffset() == moment.astimezone(ZoneInfo(zone)).utcoffset()


def test_a_zone_that_windows_lacks_is_refused_for_a_series() -> None:
    with pytest.raises(CalendarRefused, match="time zone"):
        windows_zone("Antarctica/Troll", 2026)


@pytest.mark.parametrize(("day", "index"), [(3, "first"), (10, "second"), (17, "third"), (24, "fourth")])
def test_monthly_is_the_same_weekday_of_the_month(day: int, index: str) -> None:
    assert recurrence(Repeat("month"), at(9, day=day), "UTC")["pattern"] == {
        "interval": 1,
        "type": "relativeMonthly",
        "daysOfWeek": ["tuesday"],
        "index": index,
    }


def test_a_fifth_weekday_is_the_last() -> None:
    assert recurrence(Repeat("month"), datetime(2026, 12, 29, tzinfo=UTC), "UTC")["pattern"]["index"] == "last"
