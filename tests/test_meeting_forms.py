"""The forms of meetings: Slack takes them, what was there is shown, and what was entered is read or said to be wrong beside its field."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.meetings.face import buttons, forms
from bot.meetings.face.commands import TOO_LONG, USAGE, read_command
from bot.meetings.face.entered import BOTH, NO_DAY, NO_TITLE, SAME, read_details, read_form, read_hours_form
from bot.meetings.hours import read_hours
from bot.meetings.values import Meeting, Repeat
from bot.meetings.when.reading import Clock, Day, Reading, TimeOfDay
from bot.meetings.when.request import Called
from playground.slack.blocks import check_view
from tests.meeting_values import (
    ANA,
    DAYS_OFF,
    GUEST,
    HOURS,
    KIM,
    NOW,
    RAJ,
    ROOM,
    START,
    WINDOW,
    booked,
    draft,
    meetings,
    texts,
    wish,
)

ROOMS = {"Aquarium": "aquarium@rooms.test", "Attic": "attic@rooms.test"}
EMPTY = {
    "title": "Team sync", "people": "", "optional": "", "others": "", "rooms": "", "when": "", "date": "", "time": "", "minutes": "30",
    "repeat": "never", "online": "", "description": "",
}  # fmt: skip


def carried(view: dict[str, Any]) -> dict[str, Any]:
    """What a form is made with."""
    found: dict[str, Any] = json.loads(view["private_metadata"])
    return found


def shown(view: dict[str, Any]) -> dict[str, Any]:
    """What stands in a form at first, by field."""
    found = {}
    for block in view["blocks"]:
        if block["type"] == "input":
            element = block["element"]
            options = [o["value"] for o in element.get("initial_options", [])]
            option = (element.get("initial_option") or {}).get("value")
            plain = [element.get(f"initial_{k}") for k in ("value", "users", "date", "time")]
            found[block["block_id"]] = options or option or next((p for p in plain if p), "")
    return found


def of(view: dict[str, Any]) -> dict[str, Any]:
    """The form, which Slack takes."""
    check_view(view, "modal")
    return view


KEPT = carried(forms.new_form(HOURS, ROOMS))


# -- Slack takes them ------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(meetings, st.sets(st.text(min_size=1, max_size=200), max_size=5))
def test_slack_takes_the_forms_of_any_meeting(any_meeting: Meeting, rooms: set[str]) -> None:
    of(forms.change_form(any_meeting, HOURS, ["Aquarium", *(r for r in rooms if r.strip())]))
    of(forms.move_form(any_meeting, HOURS))
    of(forms.details_form(any_meeting, ["Aquarium", *(r for r in rooms if r.strip())]))


def test_slack_takes_the_form_of_a_new_meeting_with_and_without_rooms() -> None:
    assert shown(of(forms.new_form(HOURS, ROOMS)))["minutes"] == "30"
    assert "rooms" not in shown(of(forms.new_form(HOURS, {})))


def test_slack_takes_the_form_of_hours_with_every_zone_that_it_offers() -> None:
    view = of(forms.hours_form(replace(HOURS, zone="Asia/Pyongyang", off=DAYS_OFF), "Europe/Lisbon"))
    assert shown(view) == {
        "zone": "Asia/Pyongyang",
        "hours": "Mon-Fri 09:00-17:00",
        "off": "2026-12-24 to 2026-12-25, 2027-05-14",
    }
    for zone in forms.COMMON.split():
        ZoneInfo(zone)
    assert shown(forms.hours_form(HOURS, "Europe/Lisbon"))["zone"] == forms.AS_IN_SLACK


# -- what was there --------------------------------------------------------------------------------------------------------


def test_the_form_of_a_draft_has_all_that_it_has_so_far() -> None:
    people = (ANA, RAJ, KIM, GUEST, replace(GUEST, id="x@y.example", email="x@y.example", required=False), ROOM)
    wanted = wish(
        attendees=people,
        repeat=Repeat("week", 3, 6),
        online=True,
        description="Why",
        window=replace(WINDOW, exact=START),
    )
    assert shown(of(forms.change_form(draft(wish=wanted), HOURS, ROOMS))) == {
        "title": "Team sync", "people": [RAJ.id], "optional": [KIM.id], "others": "pat@example.com, x@y.example (optional)",
        "rooms": ["Aquarium"], "when": "", "date": "2026-11-24", "time": "14:00", "minutes": "30", "repeat": "week-3-6", "online": ["online"],
        "description": "Why",
    }  # fmt: skip


def test_what_a_form_shows_is_read_back_as_it_was() -> None:
    people = (ANA, RAJ, KIM, GUEST, ROOM)
    wanted = wish(attendees=people, repeat=Repeat("month"), online=True, description="Why")
    view = forms.change_form(draft(wish=wanted), HOURS, ROOMS)
    values = {k: ",".join(v) if isinstance(v, list) else v for k, v in shown(view).items()}
    filled, wrong = read_form(values, carried(view), NOW)
    assert wrong == {}
    assert (filled.title, filled.minutes, filled.repeat, filled.online, filled.description) == (
        "Team sync", 30, Repeat("month"), True, "Why",
    )  # fmt: skip
    assert filled.people == (
        Called(f"<@{RAJ.id}>"),
        Called(f"<@{KIM.id}>", required=False),
        Called("pat@example.com"),
        Called("room Aquarium"),
    )
    assert filled.reading is None, "the time was left alone"


def test_the_form_of_a_booked_meeting_has_all_but_its_time() -> None:
    people = (ANA, RAJ, replace(KIM, required=False), GUEST, ROOM)
    meeting = booked(wish=wish(attendees=people, repeat=Repeat("week"), description="Why"))
    view = of(forms.details_form(meeting, ROOMS))
    assert shown(view) == {
        "title": "Team sync", "people": [RAJ.id], "optional": [KIM.id], "others": "pat@example.com", "rooms": ["Aquarium"], "description": "Why",
    }  # fmt: skip
    assert "The whole series is changed." in str(view)
    values = {k: ",".join(v) if isinstance(v, list) else v for k, v in shown(view).items()}
    filled, wrong = read_details(values)
    assert (filled.title, filled.description, wrong) == ("Team sync", "Why", {})
    assert [c.required for c in filled.people] == [True, False, True, True]


def test_who_is_shown_in_it_is_who_can_be_taken_out_by_it() -> None:
    crowd = [replace(RAJ, id=f"U{n:08}", required=bool(n % 2)) for n in range(2 * forms.MOST_PEOPLE + 6)]
    guests = [
        replace(GUEST, id=f"g{n:02}@host.example.community", email=f"g{n:02}@host.example.community") for n in range(90)
    ]
    attic = replace(ROOM, id="gone@rooms.test", name="Torn down", email="gone@rooms.test")
    meeting = booked(wish=wish(attendees=(ANA, *crowd, *guests, ROOM, attic)))
    view = shown(of(forms.details_form(meeting, ROOMS)))
    listed = {*view["people"], *view["optional"], *view["others"].split(", "), ROOM.id}
    assert {a.id for a in forms.shown_people(meeting, ROOMS)} == listed
    assert len(listed) < len(meeting.attendees) - 1


def test_the_form_of_a_move_shows_the_time_that_it_has() -> None:
    view = of(forms.move_form(booked(wish=wish(repeat=Repeat("week"))), HOURS))
    assert shown(view) == {"when": "", "date": "2026-11-24", "time": "14:00", "minutes": "30"}
    assert "Tue 24 Nov 2026, 14:00–14:30 Lisbon" in str(view)
    assert "whole series" in str(view)
    assert (carried(view)["number"], carried(view)["version"], carried(view)["sequence"]) == (7, 3, 0)


# -- what is wrong ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entered", "field", "word"),
    [
        ({"minutes": "0"}, "minutes", "5 minutes to 24 hours"),
        ({"minutes": "1500"}, "minutes", "not 25 hours"),
        ({"minutes": "-30"}, "minutes", "5 minutes to 24 hours"),
        ({"minutes": ""}, "minutes", "5 minutes to 24 hours"),
        ({"title": "  "}, "title", NO_TITLE),
        ({"others": "kim@example.com, raj"}, "others", "“raj” is no e-mail address"),
        ({"others": "a@b"}, "others", "no e-mail address"),
        ({"time": "14:00"}, "date", NO_DAY),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(entered: dict[str, str], field: str, word: str) -> None:
    _, wrong = read_form(EMPTY | entered, KEPT, NOW)
    assert list(wrong) == [field]
    assert word in wrong[field]


def test_several_things_that_are_wrong_are_all_said() -> None:
    _, wrong = read_form(EMPTY | {"title": "", "minutes": "1", "others": "x"}, KEPT, NOW)
    assert set(wrong) == {"title", "minutes", "others"}


def test_nothing_said_of_the_time_is_no_fault() -> None:
    filled, wrong = read_form(EMPTY, KEPT, NOW)
    assert (filled.reading, wrong) == (None, {})


def test_a_move_to_where_it_is_is_no_move() -> None:
    view = forms.move_form(booked(), HOURS)
    values = {"when": "", "date": "2026-11-24", "time": "14:00", "minutes": "30"}
    assert read_form(values, carried(view), NOW, move=True)[1] == {"when": SAME}
    in_words = values | {"when": "24 November 2026 14:00"}
    assert read_form(in_words, carried(view), NOW, move=True)[1] == {"when": SAME}
    assert not read_form(in_words | {"minutes": "45"}, carried(view), NOW, move=True)[1]
    assert not read_form(in_words | {"when": "24 November 2026 15:00"}, carried(view), NOW, move=True)[1]


@pytest.mark.parametrize(
    "odd",
    [{"people": "<!channel>"}, {"repeat": "year-1"}, {"repeat": "week-0"}, {"date": "24.11.", "time": "14:00"}, {"date": "2026-11-24", "time": "x"}],
)  # fmt: skip
def test_what_no_form_of_ours_gives_is_an_error(odd: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r".*"):
        read_form(EMPTY | odd, KEPT, NOW)


# -- times (bot/meetings/when/) --------------------------------------------------------------------------------------------


def test_what_the_pickers_show_is_a_date_and_a_clock() -> None:
    filled, wrong = read_form(EMPTY | {"date": "2026-11-24", "time": "14:30"}, KEPT, NOW)
    assert wrong == {}
    at = TimeOfDay(kind="at", clock=Clock(14, 30, "24h"))
    assert filled.reading == Reading(day=Day(kind="date", year=2026, month=11, day=24), time=at)
    assert filled.said == ""


def test_a_length_alone_keeps_the_time_of_what_is_moved() -> None:
    view = forms.move_form(booked(), HOURS)
    values = {"when": "", "date": "2026-11-24", "time": "14:00", "minutes": "60"}
    filled, wrong = read_form(values, carried(view), NOW, move=True)
    assert wrong == {}
    assert (filled.minutes, filled.reading and filled.reading.day.day) == (60, 24)


def test_words_are_read_and_kept() -> None:
    filled, wrong = read_form(EMPTY | {"when": " tomorrow 2pm "}, KEPT, NOW)
    assert wrong == {}
    assert filled.said == "tomorrow 2pm"
    assert filled.reading
    assert filled.reading.day.kind == "offset"


@pytest.mark.parametrize(
    ("entered", "field"),
    [
        ({"when": "when the cows come home"}, "when"),
        ({"when": "yesterday"}, "when"),
        ({"date": "2026-11-20", "time": "14:00"}, "date"),
    ],
)
def test_a_time_that_cannot_be_is_said_beside_its_field(entered: dict[str, str], field: str) -> None:
    _, wrong = read_form(EMPTY | entered, KEPT, NOW)
    assert list(wrong) == [field]
    assert wrong[field].endswith((".", "?"))


def test_words_and_a_date_are_not_used_together() -> None:
    assert read_form(EMPTY | {"when": "tomorrow", "date": "2026-11-24"}, KEPT, NOW)[1] == {"when": BOTH}


def test_words_count_where_the_pickers_show_what_they_showed() -> None:
    view = forms.move_form(booked(), HOURS)
    values = {"when": "tomorrow 2pm", "date": "2026-11-24", "time": "14:00", "minutes": "30"}
    filled, wrong = read_form(values, carried(view), NOW, move=True)
    assert (filled.said, wrong) == ("tomorrow 2pm", {})


# -- hours -----------------------------------------------------------------------------------------------------------------


def test_hours_are_read_as_they_are_shown() -> None:
    view = forms.hours_form(replace(HOURS, off=DAYS_OFF), "Asia/Tokyo")
    hours, wrong = read_hours_form(shown(view), "Asia/Tokyo")
    assert (hours, wrong) == (replace(HOURS, off=DAYS_OFF), {})


def test_a_zone_as_in_slack_is_slacks() -> None:
    hours, _ = read_hours_form({"zone": forms.AS_IN_SLACK, "hours": "Mon 09:00–12:00", "off": ""}, "Asia/Tokyo")
    assert hours == read_hours("Mon 09:00-12:00", "Asia/Tokyo")


@pytest.mark.parametrize(
    ("entered", "field"),
    [
        ({"hours": "nine to five"}, "hours"),
        ({"hours": "Mon-Fri 17:00-09:00"}, "hours"),
        ({"hours": ""}, "hours"),
        ({"off": "Christmas"}, "off"),
        ({"off": "2026-12-24 to 2026-12-20"}, "off"),
        ({"off": "2026-01-01 to 2030-01-01"}, "off"),
        ({"off": "2026-01-01 to 2026-12-31, 2028-01-01 to 2028-12-31"}, "off"),
        ({"zone": "Mars/Base"}, "zone"),
    ],
)
def test_what_is_wrong_with_hours_is_said_beside_its_field(entered: dict[str, str], field: str) -> None:
    _, wrong = read_hours_form({"zone": "UTC", "hours": "Mon-Fri 09:00-17:00", "off": ""} | entered)
    assert list(wrong) == [field]


@given(texts, texts)
def test_whatever_is_entered_as_hours_gets_a_word(hours: str, off: str) -> None:
    found, wrong = read_hours_form({"zone": "UTC", "hours": hours, "off": off})
    assert found or wrong
    assert all(0 < len(word) <= 400 for word in wrong.values())


def test_days_off_run_from_one_to_another() -> None:
    values = {"zone": "UTC", "hours": "Mon 09:00-10:00", "off": "2026-12-31 to 2027-01-02,\n2027-05-14"}
    hours, wrong = read_hours_form(values)
    assert wrong == {}
    assert hours
    days = [date(2026, 12, 31), date(2027, 1, 1), date(2027, 1, 2), date(2027, 5, 14)]
    assert sorted(hours.off) == days


# -- the command -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "do", "say"),
    [
        ("", "form", ""),
        (" New ", "form", ""),
        ("list", "act", ""),
        ("help", "say", USAGE),
        ("x" * 2_001, "say", TOO_LONG),
    ],
)
def test_what_is_answered_at_once(text: str, do: str, say: str) -> None:
    wanted = read_command(text)
    assert (wanted.do, wanted.say) == (do, say)


def test_what_is_to_be_arranged_is_for_a_worker() -> None:
    assert read_command("team sync tomorrow 2pm 30 min with <@U000000RAJ|raj>").do == "act"


def test_nonsense_gets_the_usage_and_what_cannot_be_its_reason() -> None:
    assert read_command("🦄").say == USAGE
    refused = read_command("team sync tomorrow 2pm for 25 hours with <@U000000RAJ|raj>")
    assert refused.do == "say"
    assert "hours" in refused.say


def test_a_form_is_one_of_ours() -> None:
    names = {buttons.NEW_FORM, buttons.CHANGE_FORM, buttons.DETAILS_FORM, buttons.MOVE_FORM, buttons.HOURS_FORM}
    views = [forms.new_form(HOURS, {}), forms.change_form(draft(), HOURS, {}), forms.move_form(booked(), HOURS)]
    views.append(forms.details_form(booked(), {}))
    assert {v["callback_id"] for v in [*views, forms.hours_form(HOURS, "UTC")]} == names


def test_no_address_of_many_is_cut_into_another_one_and_who_has_no_room_is_counted() -> None:
    guests = [
        replace(GUEST, id=f"g{n:02}@host.example.community", email=f"g{n:02}@host.example.community") for n in range(90)
    ]
    crowd = [replace(RAJ, id=f"U{n:08}") for n in range(103)]
    view = forms.change_form(draft(wish=wish(attendees=(ANA, *crowd, *guests))), HOURS, ROOMS)
    of(view)
    entered = shown(view)["others"].split(", ")
    assert set(entered) < {g.email for g in guests}
    hints = {b["block_id"]: b["hint"]["text"] for b in view["blocks"] if "hint" in b}
    assert f"{90 - len(entered)} more have no room" in hints["others"]
    assert hints["people"].startswith("3 more have no room")
    assert "optional" not in hints
