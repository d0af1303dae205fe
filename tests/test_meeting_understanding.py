"""What counts of what the model makes of the words behind `/meet`: only whom and when the person named, as symbols that there are."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.meetings.understanding import SCHEMA, taken
from bot.meetings.values import Repeat
from bot.meetings.when.reading import Clock, Day
from bot.meetings.when.request import Called
from playground.openai.schemas import check_strict
from tests.meeting_answers import answer

TEXT = "Plan the  offsite tuesday week at 2 with <@U1|raj> and optionally kim@example.com"
RAJ = {"said": "<@U1|raj>", "required": True}
TUESDAY = answer()["day"] | {"kind": "weekday", "weekday": 1, "week": 1}
AT_TWO = answer()["time"] | {"kind": "at", "clock": {"hour": 2, "minute": 0, "half": ""}}


def test_openai_takes_the_schema() -> None:
    check_strict(SCHEMA, "response_format 'x'", "text.format.schema")


def test_a_reading_is_taken_as_it_is() -> None:
    kim = {"said": "KIM@example.com", "required": False}
    repeat = {"unit": "week", "interval": 2, "count": None}
    found = answer(
        title="Plan the offsite",
        people=[RAJ, kim],
        minutes=45,
        words="Tuesday week at 2",
        day=TUESDAY,
        time=AT_TWO,
        repeat=repeat,
    )
    got = taken(found, TEXT)
    assert got
    request, _ = got
    assert request.people == (Called("<@U1|raj>"), Called("KIM@example.com", required=False))
    assert request.reading.day == Day(kind="weekday", weekday=1, week=1)
    assert request.reading.time.clock == Clock(2)
    assert (request.title, request.minutes, request.repeat) == ("Plan the offsite", 45, Repeat("week", 2))


@pytest.mark.parametrize(
    "more",
    [
        {"understood": False},
        {"people": [{"said": "dana", "required": True}]},
        {"people": [{"said": " ", "required": True}]},
        {"words": "tomorrow at 9"},
        {"day": TUESDAY},
        {"words": "tuesday", "day": TUESDAY | {"kind": "someday"}},
        {"words": "tuesday", "day": TUESDAY | {"weekday": "tuesday"}},
        {"words": "at 2", "time": AT_TWO | {"clock": {"hour": 99, "minute": 0, "half": ""}}},
        {"minutes": 10**9},
        {"repeat": {"unit": "week"}},
    ],
)
def test_what_the_person_did_not_say_or_nobody_can_mean_is_not_taken(more: dict[str, Any]) -> None:
    assert taken(answer(**more), TEXT) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["said", "kind", "clock", "unit"]), inner)
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(sorted(answer())), json_values))
def test_no_answer_makes_it_raise(more: dict[str, Any]) -> None:
    got = taken(answer(**more), TEXT)
    assert got is None or got[0].do == "arrange"
