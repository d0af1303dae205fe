"""How the model hands over what somebody wants of a meeting: their own words about time, and a symbolic reading of them that code resolves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from bot.errors import ToolRefused
from bot.meetings.values import Repeat as Repeats
from bot.meetings.when.reading import Clock, Day, Half, Part, Reading, Relation, TimeOfDay
from bot.meetings.when.request import Called
from bot.models import Person
from bot.mrkdwn import mentions
from bot.reading.people import Profile, matching
from bot.tools.tool import Arguments

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Clocked = Annotated[str | None, Field(max_length=5, description="As on a clock's face: 2, 2:30, 14:00.")]
_CLOCK = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?")
_SUBTEAM = re.compile(r"<!subteam\^S[A-Z0-9]+(?:\|[^>]*)?>")
TIME_RULE = (
    "Hand over the asker's own words about time in `said`, unchanged and in English, and what they say in symbols; null for what they don't say. "
    "Never compute a date, and never add a day or a time that was not said: code knows the calendar, the zone and what is ambiguous."
)
CARD = (
    "Code shows a card with this and its buttons: don't repeat the list of times; say in a sentence what is to be done."
)


class DaySaid(Arguments):
    """Which day or days were said."""

    kind: Annotated[
        Literal["date", "numeric", "weekday", "offset", "nth", "week", "month"],
        Field(
            description="date: 25 November, the 3rd. numeric: 03/04. weekday: next Tuesday. offset: today is 0, tomorrow 1, in two weeks. "
            "nth: first Monday of March. week: next week. month: in March, next month."
        ),
    ]
    weekday: Weekday | None
    relation: Annotated[
        Literal["this", "next", "after_next", "last"] | None, Field(description="The very word that was said.")
    ]
    week: Annotated[
        int | None, Field(ge=0, le=60, description="Beside a weekday: 1 for “Tuesday next week”; null unless said.")
    ]
    year: Annotated[int | None, Field(ge=1, le=9999)]
    month: Annotated[int | None, Field(ge=1, le=12)]
    day: Annotated[int | None, Field(ge=1, le=31)]
    first: Annotated[int | None, Field(ge=0, le=9999, description="Of numeric: the first number.")]
    second: Annotated[int | None, Field(ge=0, le=9999, description="Of numeric: the second number.")]
    nth: Annotated[int | None, Field(ge=-5, le=5, description="Of nth; -1 is the last.")]
    count: Annotated[int | None, Field(ge=-1_000, le=1_000, description="Of offset: how many.")]
    unit: Annotated[Literal["day", "workday", "week", "month"] | None, Field(description="Of offset.")]
    part: Annotated[Literal["early", "mid", "late"] | None, Field(description="Of a week or month.")]


class TimeSaid(Arguments):
    """Which time of the day was said."""

    kind: Literal["at", "between", "after", "before", "offset", "morning", "noon", "afternoon", "evening", "night"]
    clock: Clocked
    half: Annotated[Literal["am", "pm", "24h"] | None, Field(description="null where it was not said: “at 5”.")]
    until: Clocked
    until_half: Literal["am", "pm", "24h"] | None
    minutes: Annotated[int | None, Field(ge=0, le=100_000, description="Of offset: minutes from now.")]


class When(Arguments):
    """When it may be."""

    said: Annotated[
        str,
        Field(
            max_length=300, description="The asker's own words about time, such as “next Tuesday 2pm”; may be empty."
        ),
    ]
    day: DaySaid | None
    until: DaySaid | None
    time: TimeSaid | None
    zone: Annotated[str | None, Field(max_length=60, description="Only if said: Berlin time, UTC.")]
    without: Annotated[list[Weekday], Field(max_length=7, description="Weekdays that they rule out.")]


class Who(Arguments):
    """Somebody who takes part."""

    name: Annotated[
        str,
        Field(
            max_length=300,
            description="As the asker named them: a name, @handle, user group, e-mail address, or “room Aquarium”.",
        ),
    ]
    required: Annotated[bool, Field(description="false only for those who were called optional.")]


class Repeat(Arguments):
    """How it recurs."""

    unit: Literal["day", "week", "month"]
    interval: Annotated[int, Field(ge=1, le=52)]
    count: Annotated[int | None, Field(ge=1, le=500, description="How often in all; null for no end.")]


class Meet(Arguments):
    """What is to be arranged."""

    title: Annotated[str, Field(max_length=300, description="A few words; empty if nothing was said of it.")]
    people: Annotated[list[Who], Field(max_length=200, description="All but the asker.")]
    minutes: Annotated[int | None, Field(ge=-100_000, le=100_000, description="Its length; null unless said.")]
    when: When
    repeat: Repeat | None
    online: bool
    description: Annotated[str | None, Field(max_length=3_000)]


def reading(when: When) -> Reading:
    """The symbols as code has them. Raises ToolRefused for a clock that is none."""
    return Reading(
        day=_day(when.day) if when.day else Day(),
        until=_day(when.until) if when.until else None,
        time=_time(when.time) if when.time else TimeOfDay(),
        zone=when.zone or "",
        without=tuple(sorted({WEEKDAYS.index(d) for d in when.without})),
    )


def repeats(repeat: Repeat | None) -> Repeats | None:
    """How it recurs, as code has it."""
    return Repeats(repeat.unit, repeat.interval, repeat.count) if repeat else None


def called(people: Sequence[Who], text: str, mentioned: Sequence[Person]) -> tuple[Called, ...]:
    """Those who were named. The model has read names where the message has mentions: a name that fits only one of those means that person.

    `text` is the message, `mentioned` are the people whom it mentions. Raises ToolRefused where a user group cannot be told from another.
    """
    profiles = [Profile(p.id, p.name) for p in mentioned]
    groups = list(dict.fromkeys(_SUBTEAM.findall(text)))
    return tuple(Called(_meant(who.name, profiles, groups), who.required) for who in people)


def mentioned_ids(text: str, me: str) -> tuple[str, ...]:
    """Whom a message mentions, but for the assistant itself."""
    return tuple(u for u in dict.fromkeys(mentions(text)) if u != me)


def _meant(name: str, mentioned: Sequence[Profile], groups: Sequence[str]) -> str:
    said = name.strip()
    if said.startswith("<") or "@" in said[1:]:
        return said
    if said.casefold() in (
        "@subteam",
        "subteam",
    ):  # as a message's user group is shown to the model where Slack gives it no name
        if len(groups) == 1:
            return groups[0]
        raise ToolRefused("It is not clear which user group is meant. Ask for its @handle.")
    found = matching(said, mentioned)
    return f"<@{found[0].id}>" if len(found) == 1 else said


def _day(said: DaySaid) -> Day:
    relation: Relation = said.relation or ""
    part: Part = said.part or ""
    return Day(
        kind=said.kind,
        weekday=WEEKDAYS.index(said.weekday) if said.weekday else None,
        relation=relation,
        week=said.week,
        year=said.year,
        month=said.month,
        day=said.day,
        first=said.first,
        second=said.second,
        nth=said.nth,
        count=said.count,
        unit=said.unit or "day",
        part=part,
    )


def _time(said: TimeSaid) -> TimeOfDay:
    return TimeOfDay(
        kind=said.kind,
        clock=_clock(said.clock, said.half or ""),
        until=_clock(said.until, said.until_half or ""),
        minutes=said.minutes,
    )


def _clock(text: str | None, half: Half) -> Clock | None:
    if not text:
        return None
    found = _CLOCK.fullmatch(text.strip())
    if not found:
        raise ToolRefused(f"“{text}” is not a time on a clock, such as 2, 2:30 or 14:00.")
    return Clock(int(found[1]), int(found[2] or 0), half)
