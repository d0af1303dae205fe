"""Finds the words for how a meeting recurs in folded text. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from bot.meetings.values import Repeat
from bot.meetings.when.day_words import Days, day_at
from bot.meetings.when.reading import Day
from bot.meetings.when.words import END, NUMBER, ORDINALS, WEEKDAY, number, weekday

_INTERVALS = {"other": 2, "second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4}
_EVERY = re.compile(
    rf"(?:every|each|once (?:a|every)) (?:(?P<nth>{'|'.join(_INTERVALS)}|{NUMBER}) )?"
    rf"(?:(?P<unit>days?|weeks?|fortnight|months?|quarters?)|(?:on )?(?P<wd>{WEEKDAY})s?){END}"
)
_EVERY_NTH = re.compile(
    r"(?:every|each) (?=(?:first|second|third|fourth|fifth|last|[1-5](?:st|nd|rd|th)) [a-z]+ (?:of|in) )"
)
_PLURAL = re.compile(rf"(?:on )?(?P<wd>monday|tuesday|wednesday|thursday|friday|saturday|sunday)s{END}")
_ALONE = re.compile(rf"(?P<word>daily|weekly|fortnightly|monthly|quarterly){END}")
_MONTHLY_ON = re.compile(rf",? (?:on )?(?:the )?(?P<nth>{'|'.join(ORDINALS)}) (?P<wd>{WEEKDAY}){END}")
_TIMES = re.compile(rf",? (?:for )?(?P<n>{NUMBER}) (?P<unit>times|occurrences|meetings|days?|weeks?|months?){END}")
APART = re.compile(
    rf"(?<!\S)(?:(?:for )?(?P<n>{NUMBER}) (?P<unit>times|occurrences)|for (?P<m>{NUMBER}) (?P<length>days?|weeks?|months?)){END}"
)
_UNCLEAR = re.compile(
    rf"(?P<word>bi-?weekly|bi-?monthly|semi-?weekly|semi-?monthly|twice (?:a|per) (?:day|week|month)){END}"
)
_ALONE_UNITS: dict[str, Repeat] = {
    "daily": Repeat("day"),
    "weekly": Repeat("week"),
    "fortnightly": Repeat("week", 2),
    "monthly": Repeat("month"),
    "quarterly": Repeat("month", 3),
}
_UNITS: dict[str, tuple[Literal["day", "week", "month"], int]] = {
    "day": ("day", 1),
    "week": ("week", 1),
    "fortnight": ("week", 2),
    "month": ("month", 1),
    "quarter": ("month", 3),
}
MOST_TIMES = 366


@dataclass(frozen=True, slots=True)
class Recurs:
    """How a meeting recurs, with the day that was said along ("every Monday"). `alone`: one word that may belong to a title ("weekly"); `unclear`: what to say instead."""

    repeat: Repeat | None
    days: Days | None = None
    alone: bool = False
    unclear: str = ""


def recurs_at(text: str, at: int) -> tuple[Recurs, int] | None:
    """The words for a recurrence that begin there; and where they end."""
    if m := _UNCLEAR.match(text, at):
        return Recurs(None, unclear=_unclear(m["word"])), m.end()
    if m := _EVERY_NTH.match(text, at):
        one = day_at(text, m.end())
        if one and one[0].kind == "nth" and not one[0].month:
            return _counted(
                text, Repeat("month"), one[1], Day(kind="nth", nth=one[0].nth, weekday=one[0].weekday, unit=one[0].unit)
            )
        return None
    one = day_at(text, at)
    if one and one[0].kind == "nth" and re.search(r"(?:each|every) month$", text[at : one[1]]):
        return _counted(text, Repeat("month"), one[1], one[0])
    if m := _EVERY.match(text, at):
        word = m["nth"] or ""
        interval = _INTERVALS.get(word) or (number(word) if word else 1)
        if not 1 <= interval <= 52:
            return None
        if m["wd"]:
            return _counted(text, Repeat("week", interval), m.end(), Day(kind="weekday", weekday=weekday(m["wd"])))
        unit, times = _UNITS[m["unit"].removesuffix("s")]
        return _counted(text, Repeat(unit, interval * times), m.end())
    if m := _PLURAL.match(text, at):
        return _counted(text, Repeat("week"), m.end(), Day(kind="weekday", weekday=weekday(m["wd"])))
    if m := _ALONE.match(text, at):
        found = _counted(text, _ALONE_UNITS[m["word"]], m.end())
        return (Recurs(found[0].repeat, alone=True), m.end()) if found and found[1] == m.end() else found
    return None


def _counted(text: str, repeat: Repeat, end: int, day: Day | None = None) -> tuple[Recurs, int] | None:
    """With how often, and on which day of the month, if that follows: "for 6 months", "10 times", "on the first Friday". Lengths that do not come out even are not understood."""
    if repeat.unit == "month" and not day:
        day, end = _day_of_month(text, end)
    m = _TIMES.match(text, end)
    count = m and times(repeat, number(m["n"]), m["unit"])
    if m and count:
        repeat, end = Repeat(repeat.unit, repeat.interval, count), m.end()
        if repeat.unit == "month" and not day:
            day, end = _day_of_month(text, end)
    return Recurs(repeat, Days(day) if day else None), end


def _day_of_month(text: str, at: int) -> tuple[Day | None, int]:
    m = _MONTHLY_ON.match(text, at)
    if not m:
        return None, at
    return Day(kind="nth", nth=ORDINALS[m["nth"]], weekday=weekday(m["wd"]), unit="day"), m.end()


def times(repeat: Repeat, count: int, unit: str) -> int | None:
    """How often it takes place in so many "weeks", say, or "times"; None where that does not come out even, or is too often."""
    length = unit.removesuffix("s")
    if length in _UNITS:
        if length != repeat.unit or count % repeat.interval:
            return None
        count //= repeat.interval
    return count if 1 <= count <= MOST_TIMES else None


def _unclear(word: str) -> str:
    if word.startswith("twice"):
        return f"I can repeat a meeting every day, week or month, not {word}. Please make two of them, such as “every Monday” and “every Thursday”."
    unit = "week" if "week" in word else "month"
    return f"“{word.capitalize()}” can mean twice a {unit} or every second {unit}. Please say “every two {unit}s”, or make two that are “every {unit}”."
