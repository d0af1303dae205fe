"""The words behind `/meet`: what is read, what is left over, and what is refused."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.meetings.values import Repeat
from bot.meetings.when.reading import Clock, Day, Reading, TimeOfDay
from bot.meetings.when.request import Called, Request, read_request, read_when

ANA, RAJ, KIM = Called("<@U1>"), Called("<@U2>"), Called("<@U3>")


def when(words: str) -> Reading:
    reading = read_when(words)
    assert reading
    return reading


def people(text: str) -> list[str]:
    """Who is called; "?" before those who are optional."""
    return [p.said if p.required else f"?{p.said}" for p in read_request(text).people]


def test_the_usual_request() -> None:
    text = "team sync next Tuesday 2pm 30 min with <@U1|ana> <@U2|raj>"
    assert read_request(text) == Request(
        title="team sync", people=(ANA, RAJ), minutes=30, reading=when("next Tuesday 2pm")
    )


@pytest.mark.parametrize(
    "text",
    [
        "30 min team sync with <@U1> and <@U2> next Tuesday 2pm",
        "next Tuesday 2pm, 30 min: team sync <@U1> <@U2>",
        "schedule team sync with <@U1>, <@U2> on next Tuesday at 2pm for 30 minutes",
        "<@U1> & <@U2> team sync half an hour, next Tuesday, 2 pm",
        "please arrange a meeting about team sync w/ <@U1> + <@U2> next Tuesday @2pm 30m",
    ],
)
def test_the_order_of_the_words_does_not_matter(text: str) -> None:
    found = read_request(text)
    assert (found.title, found.people, found.minutes, found.unread) == ("team sync", (ANA, RAJ), 30, "")
    assert found.reading == when("next Tuesday 2pm")


@pytest.mark.parametrize(
    ("text", "do"),
    [
        *(
            ("", "form"),
            ("   ", "form"),
            ("\u200b", "form"),
            ("list", "list"),
            ("List.", "list"),
            ("my meetings", "list"),
        ),
        *(("help", "help"), ("?", "help"), ("HELP!", "help"), ("asdf qwer", "help"), ("!!!", "help"), ("🎉", "help")),
        *(("list of risks review tomorrow", "arrange"), ("help desk sync <@U1>", "arrange"), ('"Budget"', "arrange")),
    ],
)
def test_what_is_to_be_done(text: str, do: str) -> None:
    assert read_request(text).do == do


@pytest.mark.parametrize(
    ("text", "called"),
    [
        ("sync with <@U1|ana>, <@U2> and <@W3>", ["<@U1>", "<@U2>", "<@W3>"]),
        ("sync with <!subteam^S1|@eng> tomorrow", ["<!subteam^S1>"]),
        ("sync <mailto:kim@example.com|kim@example.com> tomorrow", ["kim@example.com"]),
        ("sync with kim.o'neil+x@mail.example.co.uk, tomorrow", ["kim.o'neil+x@mail.example.co.uk"]),
        ("sync @ana @raj. tomorrow", ["@ana", "@raj"]),
        ("sync with raj, ana and kim tomorrow", ["raj", "ana", "kim"]),
        ("sync with Raj Patel and kim tomorrow 3pm", ["Raj Patel", "kim"]),
        ("1:1 with raj about budget tomorrow", ["raj"]),
        ("sync with <@U1> optional: <@U2>", ["<@U1>", "?<@U2>"]),
        ("sync with <@U1> optional: <@U2>, <@U3> tomorrow", ["<@U1>", "?<@U2>", "?<@U3>"]),
        ("sync with <@U1> and optionally <@U2>", ["<@U1>", "?<@U2>"]),
        ("sync optional: kim", ["?kim"]),
        ("sync <@U1> (optional) <@U2>", ["?<@U1>", "<@U2>"]),
        ("sync <@U1> <@U2> optional tomorrow", ["<@U1>", "?<@U2>"]),
        ("sync <@U1> tomorrow with <@U1>", ["<@U1>"]),
        ("sync <@U1> optional: <@U1>", ["<@U1>"]),
        ("sync optional: <@U1> tomorrow with <@U1>", ["<@U1>"]),
        ("sync with <@U1> in room Aquarium", ["<@U1>", "room Aquarium"]),
        ("sync room: Aquarium <@U1>", ["room Aquarium", "<@U1>"]),
        ("sync in the Aquarium room <@U1>", ["room Aquarium", "<@U1>"]),
        ('sync <@U1> in room "Big Sky"', ["<@U1>", "room Big Sky"]),
        ("sync with <@U1> room Aquarium tomorrow", ["<@U1>", "room Aquarium"]),
        ("sync with <@U1> and the room Aquarium", ["<@U1>", "room Aquarium"]),
        ("sync with <@U1>, <@U2> & meeting room Aquarium", ["<@U1>", "<@U2>", "room Aquarium"]),
        ('sync with raj and the room "Big Sky" tomorrow', ["raj", "room Big Sky"]),
        ("sync tomorrow with the room Aquarium", ["room Aquarium"]),
        ("war room review <@U1>", ["<@U1>"]),
        ("war room and room rates <@U1>", ["<@U1>"]),
        ("sync with <@U1> about rent and room rates", ["<@U1>"]),
    ],
)
def test_who_is_called(text: str, called: list[str]) -> None:
    assert people(text) == called
    assert not read_request(text).unread


@pytest.mark.parametrize(
    ("words", "minutes"),
    [
        *(("30 min", 30), ("30m", 30), ("30mins", 30), ("90 minutes", 90), ("for 45 minutes", 45), ("45-minute", 45)),
        *(
            ("1h", 60),
            ("1 hr", 60),
            ("2 hours", 120),
            ("two hours", 120),
            ("1.5 hours", 90),
            ("1,5h", 90),
            ("0.25h", 15),
        ),
        *(("an hour", 60), ("half an hour", 30), ("half hour", 30), ("half-hour", 30), ("an hour and a half", 90)),
        *(
            ("one and a half hours", 90),
            ("1h30", 90),
            ("1h30m", 90),
            ("1 hour 15 minutes", 75),
            ("1 hour and 15 min", 75),
        ),
        *(("a quarter of an hour", 15), ("three quarters of an hour", 45), ("24h", 1440), ("5 min", 5)),
    ],
)
def test_how_long(words: str, minutes: int) -> None:
    found = read_request(f"sync {words} <@U1> tomorrow")
    assert (found.minutes, found.title, found.unread, found.refused) == (minutes, "sync", "", "")


@pytest.mark.parametrize(
    "words", ["0 min", "-30 min", "1 minute", "0 hours", "25 hours", "25h", "1441 min", "zero minutes"]
)
def test_a_length_that_no_meeting_has_is_refused(words: str) -> None:
    refused = read_request(f"sync {words} <@U1>").refused
    assert refused.startswith("A meeting cannot last ")
    assert "Please give it" in refused


@pytest.mark.parametrize(
    ("words", "at", "minutes"),
    [
        ("2-3pm", Clock(14, 0, "24h"), 60),
        ("from 2 to 3", Clock(2), 60),
        ("11am-1pm", Clock(11, 0, "am"), 120),
        ("11-1pm", Clock(11, 0, "24h"), 120),
        ("from 11 to 1", Clock(11, 0, "24h"), 120),
        ("9:15-10:00", Clock(9, 15), 45),
        ("14:00–15:30", Clock(14, 0, "24h"), 90),
    ],
)
def test_from_to_is_a_start_and_a_length(words: str, at: Clock, minutes: int) -> None:
    found = read_request(f"sync tomorrow {words} <@U1>")
    assert found.reading == Reading(day=Day(kind="offset", count=1), time=TimeOfDay(kind="at", clock=at))
    assert found.minutes == minutes


def test_from_to_beside_a_length_is_a_stretch_to_look_in() -> None:
    found = read_request("sync tomorrow 2-4pm 30 min <@U1>")
    assert (found.reading, found.minutes) == (when("tomorrow 2-4pm"), 30)
    found = read_request("sync tomorrow between 2 and 4 <@U1>")
    assert (found.reading, found.minutes) == (when("tomorrow between 2 and 4"), None)
    found = read_request("sync next week 2-4pm <@U1>")
    assert (found.reading, found.minutes) == (when("next week 2-4pm"), None)


@pytest.mark.parametrize(
    ("words", "repeat", "day"),
    [
        ("every week", Repeat("week"), Day()),
        ("weekly", Repeat("week"), Day()),
        ("every Monday", Repeat("week"), Day(kind="weekday", weekday=0)),
        ("Mondays", Repeat("week"), Day(kind="weekday", weekday=0)),
        ("every other Tuesday", Repeat("week", 2), Day(kind="weekday", weekday=1)),
        ("every second week", Repeat("week", 2), Day()),
        ("every 3 weeks", Repeat("week", 3), Day()),
        ("fortnightly", Repeat("week", 2), Day()),
        ("monthly", Repeat("month"), Day()),
        ("every month for 6 months", Repeat("month", 1, 6), Day()),
        ("every two weeks for 10 weeks", Repeat("week", 2, 5), Day()),
        ("weekly for 8 weeks", Repeat("week", 1, 8), Day()),
        ("every Friday 10 times", Repeat("week", 1, 10), Day(kind="weekday", weekday=4)),
        ("every day", Repeat("day"), Day()),
        ("quarterly", Repeat("month", 3), Day()),
        ("first Monday of every month", Repeat("month"), Day(kind="nth", nth=1, weekday=0)),
        ("every second Tuesday of the month", Repeat("month"), Day(kind="nth", nth=2, weekday=1)),
        ("every month on the first Friday", Repeat("month"), Day(kind="nth", nth=1, weekday=4)),
        ("monthly for 3 months, first Friday", Repeat("month", 1, 3), Day(kind="nth", nth=1, weekday=4)),
        ("monthly, on the last Fri for 6 months", Repeat("month", 1, 6), Day(kind="nth", nth=-1, weekday=4)),
    ],
)
def test_how_it_recurs(words: str, repeat: Repeat, day: Day) -> None:
    found = read_request(f"review <@U1> {words}, 10am")
    assert (found.repeat, found.reading.day, found.title, found.unread) == (repeat, day, "review", "")


@pytest.mark.parametrize(
    ("words", "repeat"),
    [
        ("review every second Tuesday 10:30 for 5 times <@U1>", Repeat("week", 2, 5)),
        ("review weekly <@U1> Friday 14:00, 6 times", Repeat("week", 1, 6)),
        ("review with <@U1> every day 10am three times", Repeat("day", 1, 3)),
        ("review every Tuesday 10:30 for 5 weeks <@U1>", Repeat("week", 1, 5)),
        ("review every 2 weeks on Monday 9:00 for 6 weeks <@U1>", Repeat("week", 2, 3)),
        ("review <@U1> every day 10:00 for ten days", Repeat("day", 1, 10)),
    ],
)
def test_how_often_is_read_apart_from_how_it_recurs(words: str, repeat: Repeat) -> None:
    found = read_request(words)
    assert (found.repeat, found.title, found.unread) == (repeat, "review", "")


def test_a_number_of_times_that_belongs_to_no_recurrence_stays_what_it_was() -> None:
    assert read_request("retry 5 times <@U1> tomorrow 3pm").title == "retry 5 times"
    assert read_request("retro every Friday 14:00 900 times <@U1>").unread == "900"
    assert read_request("retro every Tuesday 10:30 for 2 months <@U1>").unread == "months"
    assert read_request("retro every 2 weeks Tuesday 10:30 for 5 weeks <@U1>").unread == "weeks"


@pytest.mark.parametrize("word", ["biweekly", "bi-weekly", "bimonthly", "twice a week", "semi-weekly"])
def test_what_recurs_in_two_ways_is_refused_with_what_to_say(word: str) -> None:
    found = read_request(f"sync <@U1> {word}")
    assert "every" in found.refused
    assert found.repeat is None


def test_a_title_that_says_how_it_recurs_does() -> None:
    found = read_request("weekly sync Tuesday 10am <@U1>")
    assert (found.title, found.repeat, found.unread) == ("weekly sync", Repeat("week"), "")


@pytest.mark.parametrize(
    ("text", "unread"),
    [
        ("Next week's plan tomorrow 10am <@U1>", "week's"),
        ("weekly report review tomorrow 2pm <@U1>", "weekly"),
        ("daily standup 9:15 <@U1>", "daily"),
        ("sync every weekday <@U1>", "every weekday"),
        ("sync weekly until June <@U1>", "weekly until June"),
        ("sync every week until Friday <@U1>", "until Friday"),
        ("sync Tuesday or Thursday 2pm <@U1>", "Tuesday or Thursday 2pm"),
        ("Monday planning Tuesday 10am <@U1>", "Monday Tuesday 10am"),
        ("sync tomorrow 5 <@U1>", "5"),
        ("sync tomorrow 2-3 <@U1>", "2-3"),
        ("sync around 3pm <@U1>", "around"),
        ("sync by Friday 2pm <@U1>", "by Friday 2pm"),
        ("sync 2 days <@U1>", "days"),
        ("sync 6h30 <@U1>", "6h30"),
        ("sync half an hour an hour <@U1>", "half an hour an hour"),
        ("3rd party review <@U1>", "3rd"),
        ("March planning <@U1>", "March"),
        ("all hands tomorrow <!channel>", "<!channel>"),
        ("sync with the design team tomorrow", "with the design team"),
        ('"Plan" "B" tomorrow <@U1>', '"B"'),
        ("sync all day Friday <@U1>", "all day"),
        ("sync first Friday 10am <@U1>", "first"),
        ("sync monthly 10am the second Tuesday <@U1>", "second"),
        ("sync tomorrow or so <@U1>", "or"),
    ],
)
def test_what_is_not_read_for_sure_is_left_over(text: str, unread: str) -> None:
    assert read_request(text).unread == unread


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ('"Next week\'s plan" tomorrow 10am with <@U1>', "Next week's plan"),
        ("“Every Friday, 3pm” tomorrow <@U1>", "Every Friday, 3pm"),
        ("Sprint 5 planning tomorrow 10am <@U1>", "Sprint 5 planning"),
        ("1:1 <@U1> tomorrow", "1:1"),
        ("24/7 support <@U1> tomorrow", "24/7 support"),
        ("R&amp;D &lt;3 <@U1> tomorrow", "R&D <3"),
        ("<https://example.com/x|the plan> review tomorrow <@U1>", "the plan review"),
        ("go or no-go decision tomorrow 10am <@U1>", "go or no-go decision"),
        ("kick-off: project X tomorrow <@U1>", "kick-off: project X"),
        ("sync about budgets, plans tomorrow <@U1>", "sync about budgets, plans"),
        ("online marketing sync tomorrow <@U1>", "online marketing sync"),
        ("schedule a meeting with <@U1> tomorrow", ""),
        ("book 30 minutes with <@U1> tomorrow", ""),
        ("can you book budget review with <@U1> tomorrow", "budget review"),
        ("book club with <@U1> tomorrow", "book club"),
        ("plan Q1 hiring with <@U1> tomorrow", "plan Q1 hiring"),
        ("“board”, tomorrow 4:45pm with <@U1>, online", "board"),
        ("会议 <@U1> tomorrow", "会议"),
        ("שלום <@U1> tomorrow", "שלום"),
        ("\u202eevil\u202c plan <@U1> tomorrow", "evil plan"),
        ("👩\u200d👩\u200d👧 party <@U1> tomorrow", "👩\u200d👩\u200d👧 party"),
    ],
)
def test_the_title_is_what_is_left(text: str, title: str) -> None:
    found = read_request(text)
    assert (found.title, found.unread) == (title, "")
    assert found.people == (ANA,)


@pytest.mark.parametrize(
    ("words", "online"),
    [
        ("online", True),
        ("on Zoom", True),
        ("via video call", True),
        ("video call", True),
        ("in person", False),
        ("", None),
    ],
)
def test_where(words: str, online: bool | None) -> None:
    assert read_request(f"sync <@U1> tomorrow {words}").online is online


@pytest.mark.parametrize(
    "text",
    [
        "a" * 3000,
        "next " * 600,
        "1" * 3000,
        "1h " * 1000,
        "@" * 3000,
        "<@U1> " * 500,
        "with " * 600,
        '"' * 3000,
        "every other " * 250,
        "-" * 3000,
        "1-" * 1500,
        "Mon-" * 750,
        "a@b." * 750,
        "and " * 750,
        "\u0130\u017f" * 1500,
        "ten to " * 420,
        "x" * 10_000,
        "今日 " * 10_000,
    ],
    ids=lambda t: repr(t[:6]),
)
def test_odd_text_is_read_fast_and_without_an_error(text: str) -> None:
    began = time.process_time()
    found = read_request(text)
    read_when(text)
    assert time.process_time() - began < 2
    assert len(found.title) <= 200
    assert bool(found.refused) >= (len(text.strip()) > 3000)


WORDS = ("budget", "review", "retro", "launch", "hiring", "roadmap")
TIMES = (
    "tomorrow 2pm",
    "next Friday",
    "on 25 Nov at 14:00",
    "in 2 hours",
    "by Friday",
    "next week, not on Wednesday",
    "2026-12-01",
)


@given(
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join),
    st.lists(st.integers(1, 99), min_size=1, max_size=5, unique=True),
    st.sampled_from(TIMES),
    st.integers(5, 240),
    st.permutations(range(4)),
)
def test_its_parts_are_found_in_any_order(
    title: str, who: list[int], words: str, minutes: int, order: list[int]
) -> None:
    parts = (title, "with " + ", ".join(f"<@U{n}>" for n in who), words, f"for {minutes} min")
    found = read_request(" ".join(parts[n] for n in order))
    assert found == Request(
        title=title, people=tuple(Called(f"<@U{n}>") for n in who), minutes=minutes, reading=when(words)
    )
