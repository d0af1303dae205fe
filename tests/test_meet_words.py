"""Words about time behind `/meet` that code does not read: none of them vanishes into the title, so that nothing is booked that was not said."""

from __future__ import annotations

import pytest

from bot.meetings.when.request import read_request, read_when


@pytest.mark.parametrize(
    ("text", "unread"),
    [
        ("sync tomorrow at half ten with <@U1>", "half ten"),
        ("sync tomorrow five with <@U1>", "five"),
        ("sync tomorrow ~3pm with <@U1>", "~3pm"),
        ("sync tomorrow 3ish with <@U1>", "3ish"),
        ("sync tomorrow 3pm-ish with <@U1>", "-ish"),
        ("sync noonish tomorrow with <@U1>", "noonish"),
        ("sync tomorrow 3pm/4pm with <@U1>", "3pm/4pm"),
        ("sync tomorrow@3pm with <@U1>", "tomorrow@3pm"),
        ("sync 2026-11-24T15:00Z with <@U1>", "2026-11-24T15:00Z"),
        ("sync 1/12-5/12 with <@U1>", "1/12-5/12"),
        ("sync Thu/Fri with <@U1>", "Thu/Fri"),
        ("sync the following Tuesday with <@U1>", "following"),
        ("sync later today with <@U1>", "later"),
        ("sync maybe tomorrow 3pm with <@U1>", "maybe"),
        ("sync nxt fri 3pm with <@U1>", "nxt"),
        ("sync wendesday 3pm with <@U1>", "wendesday"),
        ("sync Tomorow 3pm with <@U1>", "Tomorow"),
        ("sync any day next week except Friday afternoon with <@U1>", "except"),
        ("sync Black Friday with <@U1>", "Black"),
        ("sync Easter Monday with <@U1>", "Easter"),
        ("sync Christmas eve at 10 with <@U1>", "Christmas"),
        ("May planning with <@U1> next May", "next May"),
        ("sync same time tomorrow with <@U1>", "same time"),
        ("sync tomorrow 3pm their time with <@U1>", "their time"),
        ("sync tomorrow 3pm Raj's time with <@U1>", "Raj's time"),
        ("sync tomorrow 3pm Berlin with <@U1>", "Berlin"),
        ("sync tomorrow 3pm (Berlin) with <@U1>", "(Berlin)"),
        ("sync tomorrow 3pm in Berlin with <@U1>", "in"),
        ("sync tomorrow 3pm +05:30 with <@U1>", "+05:30"),
        ("sync tomorrow 3pm for 45 with <@U1>", "for 45"),
        ("sync w/ <@U1> 30' tomorrow 10:00", "30'"),
        ("sync tomorrow 9am Z with <@U1>", "Z"),
        ("sync tomorrow 10h-11h with <@U1>", "10h-11h"),
        ("sync in 15 with <@U1>", "in 15"),
        ("sync tomorrow all day with <@U1>", "all day"),
        ("half-day workshop with <@U1> tomorrow 9am", "half-day"),
        ("sync tomorrow 2pm for a day with <@U1>", "for a day"),
        ("sync tomorrow 10h with <@U1>", "10h"),
        ("sync tomorrow 14 h with <@U1>", "14"),
        ("retro the 1st of each month at 9 with <@U1>", "the 1st"),
    ],
)
def test_what_may_be_time_is_not_taken_for_the_title(text: str, unread: str) -> None:
    assert read_request(text).unread == unread


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sync the 5th with <@U1>", "the 5th"),
        ("sync Tuesday the 24th with <@U1>", "Tuesday the 24th"),
        ("sync through Friday with <@U1>", "until Friday"),
        ("sync next working day at 10 with <@U1>", "next business day at 10"),
        ("sync tomorrow at five thirty with <@U1>", "tomorrow at 5:30"),
        ("sync in 10 minutes' time with <@U1>", "in 10 min"),
        ("sync in half an hour's time with <@U1>", "in 30 min"),
        ("sync tomorrow 3pm sharp with <@U1>", "tomorrow 3pm"),
        ("sync with <@U1> within the next week", "in the next week"),
    ],
)
def test_what_is_about_time_is_read(text: str, words: str) -> None:
    found = read_request(text)
    assert (found.title, found.unread, found.reading) == ("sync", "", read_when(words))


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("ticket 1430 with <@U1> tomorrow", "ticket 1430"),
        ("RFC 2119 review <@U1> tomorrow 2pm", "RFC 2119 review"),
        ("3rd party review with <@U1> tomorrow", "3rd party review"),
        ("Berlin office visit tomorrow 3pm <@U1>", "Berlin office visit"),
        ("top 5 risks with <@U1> tomorrow 9am", "top 5 risks"),
        ("Christmas party with <@U1> tomorrow 9am", "Christmas party"),
        ("time tracking with <@U1> tomorrow 9am", "time tracking"),
    ],
)
def test_what_only_looks_like_time_stays_in_the_title(text: str, title: str) -> None:
    found = read_request(text)
    assert (found.title, found.unread) == (title, "")


def test_a_time_that_leaves_weekdays_out_is_not_todays() -> None:
    reading = read_when("any weekday at 10")
    assert reading is not None
    assert reading.without == (5, 6)


@pytest.mark.parametrize("said", ["sync tomorrow 4-2pm with @raj", "sync tomorrow 13:00-12:00 with @raj"])
def test_a_stretch_of_many_hours_is_no_length(said: str) -> None:
    request = read_request(said)
    assert request.minutes is None
    assert request.reading.time.kind == "between"


def test_a_time_that_is_not_exact_is_not_part_of_the_title() -> None:
    assert "around 3" in read_request("coffee around 3 with @raj").unread
