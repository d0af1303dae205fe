"""The symbolic reading of a time in words: what was said, not yet which day that is. The model hands one over, or bot/meetings/when/words.py reads it.

Resolving it (resolve.py) is code's: the day it is for the organizer, their zone, and where people's readings diverge.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DayKind = Literal["any", "date", "numeric", "weekday", "offset", "nth", "week", "month"]
Relation = Literal["", "this", "next", "after_next", "last"]
Part = Literal["", "early", "mid", "late", "weekend"]
ClockKind = Literal[
    "any", "at", "between", "after", "before", "offset", "morning", "noon", "afternoon", "evening", "night"
]
Edge = Literal["", "before", "from", "after"]
Half = Literal["", "am", "pm", "24h"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """Which day or days were said.

    any      nothing was said of it
    date     "25 November", "the 3rd", "2026-12-01": `day`, with `month` and `year` where they were said; "the 3rd of next month": `relation`
    numeric  "03/04": `first` and `second` as written, perhaps `year`: which is the month is not known
    weekday  "Tuesday" (relation ""), "this/next Tuesday", "Tuesday after next": `weekday`; "Tuesday next week" has relation "" and `week` 1;
             "Tuesday week", "a week on Tuesday": `count` 1 of `unit` "week"
    offset   "today" (0 days), "tomorrow" (1), "in two weeks": `count` of `unit`
    nth      "first Monday of March": `nth` (-1 the last), `weekday` (none: any day, or workday by `unit`), `month` or `relation` for "of next month"
    week     "this/next week", "the week of 7 December" (with `month`, `day`), "in two weeks' time" as a whole week (`count`); `part` "early next week", "next weekend"
    month    "in March" (`month`), "next month" (`relation`); `part` "end of the month"

    A `weekday` beside a date or an offset ("Tuesday 25 November") has to be that day's, else it is asked which was meant.
    """

    kind: DayKind = "any"
    weekday: int | None = None  # 0 is Monday
    relation: Relation = ""
    week: int | None = None  # beside a weekday: this week 0, next week 1
    year: int | None = None
    month: int | None = None
    day: int | None = None
    first: int | None = None
    second: int | None = None
    nth: int | None = None
    count: int | None = None
    unit: Literal["day", "workday", "week", "month"] = "day"
    part: Part = ""


@dataclass(frozen=True, slots=True)
class Clock:
    """A time on a clock's face as it was said: "2" has half "", "2pm" has "pm", "14:00" and "02:00" have "24h"."""

    hour: int
    minute: int = 0
    half: Half = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeOfDay:
    """Which time of the day was said. `at`: one clock; `between`: clock until `until`; `after`, `before`; `offset`: "in half an hour", `minutes` from now."""

    kind: ClockKind = "any"
    clock: Clock | None = None
    until: Clock | None = None
    minutes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """All that was said of when: a day, or from `day` to `until`; the time; a zone in words ("Berlin time", "UTC"); weekdays that are out of the question.

    `edge`: "before" says that `until` itself is out ("before Friday"); "from" and "after" that `day` opens a stretch of five working days ("from Tuesday on").
    """

    day: Day = Day()
    until: Day | None = None
    time: TimeOfDay = TimeOfDay()
    edge: Edge = ""
    zone: str = ""
    without: tuple[int, ...] = ()
