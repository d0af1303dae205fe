"""How the model hands over what somebody wants of a meeting: their own words about time, and a symbolic reading of them that code resolves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, WithJsonSchema

from bot.errors import ToolRefused
from bot.meetings.values import Repeat as Repeats
from bot.meetings.when.reading import Clock, Day, Reading, Relation, TimeOfDay
from bot.meetings.when.request import Called
from bot.models import Person
from bot.mrkdwn import mentions
from bot.reading.people import Profile, matching
from bot.tools.tool import Arguments

_CLOCK = re.compile(r"(\d{1,2})(?:[:.](\d{2}))? ?(am|pm)?", re.IGNORECASE)
MOST_DAYS, MOST_EVERY, MOST_TIMES = 2, 52, 500
_SUBTEAM = re.compile(r"<!subteam\^S[A-Z0-9]+(?:\|[^>]*)?>")
_WEEKS = {"this": 0, "next": 1, "after_next": 2, "last": -1}
TIME_RULE = (
    "Hand over the asker's own words about time in `said`, in English, and the same in symbols, null or empty where nothing was said. "
    "Never compute a date."
)
CARD = (
    "Code shows a card with this and its buttons: don't repeat the list of times; say in a sentence what is to be done."
)

# Every request of every conversation carries these schemas: bounds are checked here, and not told.
Number = Annotated[int | None, Field(ge=-10_000, le=10_000), WithJsonSchema({"type": ["integer", "null"]})]
Words = Annotated[str, Field(max_length=300), WithJsonSchema({"type": "string"})]
Text = Annotated[str, Field(max_length=3_000), WithJsonSchema({"type": "string"})]
Length = Annotated[int | None, Field(ge=-100_000, le=100_000), WithJsonSchema({"type": ["integer", "null"]})]


class DaySaid(Arguments):
    """Which day or days were said."""

    kind: Annotated[
        Literal["date", "numeric", "weekday", "offset", "nth", "week", "month"],
        Field(
            description="numeric: 03/04 is day 3, month 4, as written. “Tuesday next week” is week. offset: tomorrow is n 1. "
            "nth: last Monday of March is n -1."
        ),
    ]
    relation: Literal["", "this", "next", "after_next", "last"]
    weekday: Annotated[Number, Field(description="0 is Monday.")]
    day: Number
    month: Number
    year: Number
    n: Number
    unit: Literal["day", "workday", "week", "month"]


class When(Arguments):
    """When it may be: days, and the time of the day."""

    said: Words
    days: Annotated[list[DaySaid], Field(description="One; for a stretch the first and the last.")]
    time: Literal[
        "any", "at", "between", "after", "before", "offset", "morning", "noon", "afternoon", "evening", "night"
    ]
    clock: Annotated[Words, Field(description="As said: 2, 2pm, 14:00.")]
    to: Annotated[Words, Field(description="Second clock.")]
    offset: Annotated[Length, Field(description="Minutes from now.")]
    zone: Words
    without: Annotated[
        list[Annotated[int, Field(ge=0, le=6), WithJsonSchema({"type": "integer"})]],
        Field(description="Weekdays ruled out."),
    ]


Names = Annotated[list[Words], Field(max_length=200), WithJsonSchema({"type": "array", "items": {"type": "string"}})]


class Meet(Arguments):
    """What is to be arranged."""

    title: Words
    people: Annotated[
        Names,
        Field(description="As named: a name, @handle, group, e-mail address, “room Aquarium”. Not the asker."),
    ]
    optional: Annotated[Names, Field(description="Those called optional.")]
    minutes: Length
    when: When
    repeat: Literal["", "day", "week", "month"]
    every: Annotated[Number, Field(description="2: every second.")]
    times: Number
    online: bool
    description: Text


def reading(when: When) -> Reading:
    """The symbols as code has them. Raises ToolRefused for a clock that is none, and for more than two days."""
    if len(when.days) > MOST_DAYS:
        raise ToolRefused("`days` has one day, or the first and the last of a stretch.")
    days = [_day(said) for said in when.days]
    return Reading(
        day=days[0] if days else Day(),
        until=days[1] if len(days) > 1 else None,
        time=TimeOfDay(kind=when.time, clock=_clock(when.clock), until=_clock(when.to), minutes=when.offset),
        zone=when.zone[:60],
        without=tuple(sorted(set(when.without))),
    )


def repeats(meet: Meet) -> Repeats | None:
    """How it recurs, as code has it. Raises ToolRefused."""
    if not meet.repeat:
        return None
    every, times = meet.every or 1, meet.times
    if not 1 <= every <= MOST_EVERY or not (times is None or 1 <= times <= MOST_TIMES):
        raise ToolRefused(f"It recurs every 1 to {MOST_EVERY} days, weeks or months, and 1 to {MOST_TIMES} times.")
    return Repeats(meet.repeat, every, times)


def called(
    people: Sequence[str], optional: Sequence[str], text: str, mentioned: Sequence[Person]
) -> tuple[Called, ...]:
    """Those who were named; who was named as optional too need not come. The model has read names where the message has mentions: a name that fits only one of those means that person.

    `text` is the message, `mentioned` are the people whom it mentions. Raises ToolRefused where a user group cannot be told from another.
    """
    profiles = [Profile(p.id, p.name) for p in mentioned]
    groups = list(dict.fromkeys(_SUBTEAM.findall(text)))
    required = [name for name in people if name not in optional]
    return tuple(
        Called(_meant(name, profiles, groups), required=must)
        for names, must in ((required, True), (optional, False))
        for name in names
    )


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
    relation: Relation = said.relation
    if said.kind == "week" and said.weekday is not None and said.day is None:  # "Tuesday next week"
        return Day(kind="weekday", weekday=said.weekday, week=_WEEKS.get(relation, said.n))
    numeric = said.kind == "numeric"
    return Day(
        kind=said.kind,
        weekday=said.weekday,
        relation=relation,
        year=said.year,
        month=None if numeric else said.month,
        day=None if numeric else said.day,
        first=said.day if numeric else None,
        second=said.month if numeric else None,
        nth=said.n if said.kind == "nth" else None,
        count=None if said.kind == "nth" else said.n,
        unit=said.unit,
    )


def _clock(text: str) -> Clock | None:
    """A clock as it was said, read as code reads it in words: "2" is before or after noon, "02:00" and "14:00" are not."""
    said = text.strip()
    if not said:
        return None
    found = _CLOCK.fullmatch(said)
    if not found:
        raise ToolRefused(f"“{said[:40]}” is not a time on a clock, such as 2, 2:30pm or 14:00.")
    hour, half = int(found[1]), (found[3] or "").lower()
    whole = said.startswith("0") or hour > 12
    return Clock(hour, int(found[2] or 0), "pm" if half == "pm" else "am" if half else "24h" if whole else "")
