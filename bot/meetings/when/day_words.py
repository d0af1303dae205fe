"""Finds the words for days and stretches of days in folded text. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.meetings.when.reading import Day, Edge, Part, Relation
from bot.meetings.when.words import (
    END,
    MONTH,
    NUMBER,
    ORDINALS,
    WEEKDAY,
    month,
    number,
    only_ordinal,
    ordinal_day,
    weekday,
)

_Groups = Mapping[str, Any]
_YEAR = r"(?P<y>(?:19|20)[0-9]{2})"
_WD = rf"(?P<wd>{WEEKDAY})\.?"
_MO = rf"(?P<mo>{MONTH})\.?"
_LONG_ORDINALS = "|".join(w for w in ORDINALS if w.isalpha() and w != "last")
_RELATIONS: dict[str, Relation] = {"this": "this", "next": "next", "last": "last", "past": "last", "previous": "last"}
_MONTH_RELATIONS: dict[str, Relation] = {"the": "this", "this": "this", "next": "next", "each": "", "every": ""}
_WEEKS = {"this": 0, "the": 0, "next": 1, "last": -1, "after next": 2}
_OFFSETS = {"yesterday": -1, "today": 0, "tomorrow": 1, "tmrw": 1, "tmr": 1, "tomo": 1}
_PARTS: dict[str, Part] = {
    "early": "early",
    "beginning": "early",
    "start": "early",
    "mid": "mid",
    "middle": "mid",
    "late": "late",
    "later": "late",
    "end": "late",
}
_PART = r"(?:(?P<part>early|late|later|mid)(?: in| -)?[ -]|(?:the )?(?P<part2>beginning|start|middle|end) of )"
_UNIT = r"(?P<unit>working days?|work ?days?|business days?|weekdays?|days?|weeks?|fortnights?|months?)"


@dataclass(frozen=True, slots=True)
class Days:
    """A day, or from `day` to `until`."""

    day: Day
    until: Day | None = None
    edge: Edge = ""


def _date(g: _Groups) -> Day:
    return Day(
        kind="date",
        day=int(g["d"]) if g["d"].isdecimal() else ORDINALS[g["d"]],
        month=month(g["mo"]) if g.get("mo") else None,
        year=int(g["y"]) if g.get("y") else None,
        relation=_RELATIONS.get(g.get("rel") or "", ""),
    )


def _digits(g: _Groups) -> Day:
    year = g.get("y")
    return Day(
        kind="date",
        day=int(g["d"]),
        month=int(g["m"]),
        year=(2000 if len(year) == 2 else 0) + int(year) if year else None,
    )


def _numeric(g: _Groups) -> Day:
    year = g["y"]
    return Day(
        kind="numeric",
        first=int(g["d"]),
        second=int(g["m"]),
        year=(2000 if len(year) == 2 else 0) + int(year) if year else None,
    )


def _weekday(g: _Groups) -> Day:
    return Day(kind="weekday", weekday=weekday(g["wd"]), relation=_RELATIONS.get(g.get("rel") or "", ""))


def _of_week(g: _Groups) -> Day:
    return Day(kind="weekday", weekday=weekday(g["wd"]), week=_WEEKS[g["rel"]])


def _offset(g: _Groups) -> Day:
    unit, count = g["unit"], number(g["n"])
    if unit.startswith(("work", "business", "weekday")):
        return Day(kind="offset", count=count, unit="workday")
    if unit.startswith("fortnight"):
        return Day(kind="offset", count=2 * count, unit="week")
    return Day(kind="offset", count=count, unit="week" if "week" in unit else "month" if "month" in unit else "day")


def _nth(g: _Groups) -> Day:
    unit = g["of"] or ""
    return Day(
        kind="nth",
        nth=ORDINALS[g["nth"]],
        weekday=weekday(g["wd"]) if g["wd"] else None,
        unit="workday" if unit and unit != "day" else "day",
        month=month(g["mo"]) if g["mo"] else None,
        year=int(g["y"]) if g["y"] else None,
        relation=("" if g["mo"] else _MONTH_RELATIONS[g["rel"]]),
    )


def _week(g: _Groups) -> Day:
    part = _PARTS.get(g.get("part") or g.get("part2") or "", "")
    return Day(kind="week", count=_WEEKS[g.get("rel") or "the"], part=part)


def _month(g: _Groups) -> Day:
    part = _PARTS.get(g.get("part") or g.get("part2") or "", "")
    if g.get("mo"):
        return Day(kind="month", month=month(g["mo"]), year=int(g["y"]) if g.get("y") else None, part=part)
    return Day(kind="month", relation=_RELATIONS.get(g.get("rel") or "", "this"), part=part)


def _after_week(g: _Groups) -> Day:
    return Day(kind="weekday", weekday=weekday(g["wd"]), count=number(g["n"]) if g.get("n") else 1, unit="week")


_NTH = (
    rf"(?:the )?(?P<nth>{'|'.join(ORDINALS)}) (?:{_WD}|(?P<of>day|work ?day|working day|business day|weekday)) "
    rf"(?:of|in) (?:{_MO}(?:,? {_YEAR})?|(?P<rel>the|this|next|each|every) month)"
)
_RULES: tuple[tuple[str, Callable[[_Groups], Day]], ...] = (
    (r"(?P<w>yesterday|today|tomorrow|tmrw|tmr|tomo)", lambda g: Day(kind="offset", count=_OFFSETS[g["w"]])),
    (r"(?:the )?day after tomorrow", lambda _: Day(kind="offset", count=2)),
    (rf"(?:this )?(?:coming|upcoming) {_WD}", _weekday),
    (rf"(?:(?P<rel>this|next|last|past|previous) )?{_WD}", _weekday),
    (rf"(?:the )?{_WD} after next", lambda g: replace(_weekday(g), relation="after_next")),
    (rf"{_WD},? (?:of |on )?(?P<rel>this|next) week", _of_week),
    (rf"(?P<rel>this|next) week,? (?:on )?{_WD}", _of_week),
    (rf"{_WD} (?:of )?(?:the )?week (?P<rel>after next)", _of_week),
    (rf"{_WD} week", _after_week),
    (rf"(?P<n>a|one|two|three|2|3) weeks? (?:on|from) {_WD}", _after_week),
    (rf"in (?P<n>{NUMBER}) {_UNIT}", _offset),
    (rf"(?P<n>{NUMBER}) {_UNIT} (?:from (?:now|today)|ahead)", _offset),
    (r"(?P<n>a|one|two|three|2|3) weeks? from tomorrow", lambda g: Day(kind="offset", count=7 * number(g["n"]) + 1)),
    (rf"in (?P<n>{NUMBER}) weeks?'s? time", lambda g: Day(kind="week", count=number(g["n"]))),
    (rf"{ordinal_day()} (?:of )?{_MO}(?:,? {_YEAR})?", _date),
    (rf"(?:the )?(?P<d>{_LONG_ORDINALS}) of {_MO}(?:,? {_YEAR})?", _date),
    (rf"{_MO} (?:the )?{ordinal_day()}(?:,? {_YEAR})?", _date),
    (rf"(?:the )?{only_ordinal()}(?: of {_MO}(?:,? {_YEAR})?)?", _date),
    (rf"(?:the )?{only_ordinal()} of (?P<rel>this|next|the) month", _date),
    (rf"{_YEAR}([-/.])(?P<m>[0-9]{{1,2}})\2(?P<d>[0-9]{{1,2}})", _digits),
    (r"(?P<d>[0-9]{1,2})\.(?P<m>[0-9]{1,2})\.(?P<y>[0-9]{4}|[0-9]{2})?", _digits),
    (r"(?!24/7(?![0-9/]))(?P<d>[0-9]{1,2})/(?P<m>[0-9]{1,2})(?:/(?P<y>[0-9]{4}|[0-9]{2}))?", _numeric),
    (r"(?P<d>[0-9]{1,2})-(?P<m>[0-9]{1,2})-(?P<y>[0-9]{4})", _numeric),
    (_NTH, _nth),
    (r"(?:the )?next (?:working|business|work) day", lambda _: Day(kind="offset", count=1, unit="workday")),
    (rf"{_PART}?(?P<rel>this|next|the|last) week(?! (?:of|in) )", _week),
    (rf"{_PART}week", _week),
    (r"(?:the )?week (?P<rel>after next)", _week),
    (r"eow", lambda _: Day(kind="week", count=0, part="late")),
    (r"(?:the )?rest of (?:the|this) week", lambda _: Day(kind="week", count=0)),
    (r"(?:at |on )?(?:the |this |this coming )?weekend", lambda _: Day(kind="week", count=0, part="weekend")),
    (r"next weekend", lambda _: Day(kind="week", count=1, part="weekend")),
    (rf"(?:in |during |sometime in )?{_PART}?(?P<rel>this|next|the|last) month", _month),
    (r"eom|(?:the )?end of month", lambda _: Day(kind="month", relation="this", part="late")),
    (r"(?:the )?rest of (?:the|this) month", lambda _: Day(kind="month", relation="this")),
    (rf"(?:in |during |sometime in ){_PART}?{_MO}(?: {_YEAR})?", _month),
    (rf"{_PART}{_MO}(?: {_YEAR})?", _month),
    (rf"{_MO} {_YEAR}", _month),
)
_PATTERNS = tuple((re.compile(rf"(?:on )?{p}{END}"), build) for p, build in _RULES)
_WEEK_OF = re.compile(r"(?:(?:in )?(?:the )?week (?:of|commencing|starting|beginning)|w/c) (?:the )?")
_SHORT_RANGES = tuple(
    re.compile(p + END)
    for p in (
        rf"(?:between |from )?(?:the )?{ordinal_day()} ?(?:-|to|until|till|through|and) ?(?:the )?{ordinal_day('d2')} (?:of )?{_MO}(?:,? {_YEAR})?",
        rf"(?:between |from )?{_MO} {ordinal_day()} ?(?:-|to|until|till|through|and) ?{ordinal_day('d2')}(?:,? {_YEAR})?",
        rf"(?:between |from )(?:the )?{only_ordinal()} ?(?:-|to|until|till|through|and) ?(?:the )?{only_ordinal('d2')}",
    )
)
_BETWEEN = re.compile(r"between ")
_FROM = re.compile(r"from (?!now)")
_AND = re.compile(r" and ")
_TO = re.compile(r" ?- ?| (?:to|until|till|til|through|thru) ")
_OR = re.compile(r" or ")
_EDGES = (
    (
        re.compile(
            r"(?:by|until|till|til|through|thru|up to|no later than|not later than|not after|at the latest by) (?:the )?"
        ),
        "",
    ),
    (re.compile(r"(?:before|ahead of) (?:the )?"), "before"),
    (re.compile(r"(?:any ?time )?after (?:the )?"), "after"),
    (
        re.compile(r"(?:from|starting|starting from|as of|not before|no earlier than|not earlier than) (?:the )?"),
        "from",
    ),
)
_ON = re.compile(rf" onwards?{END}| on(?= ?(?:$|[,;]))")
_NEXT_FEW = re.compile(
    rf"(?:(?:in|within|over) )?(?:the )?next (?P<n>{NUMBER}|few) {_UNIT}{END}|(?:within|during|over|in) the next (?P<unit3>week|fortnight|month){END}|within (?P<n2>{NUMBER}) (?P<unit2>days?|weeks?|months?){END}"
)
TODAY = Day(kind="offset", count=0)


def day_at(text: str, at: int) -> tuple[Day, int] | None:
    """One day, or a week or month, that begins there; and where it ends. The longest that fits."""
    if lead := _WEEK_OF.match(text, at):
        inner = day_at(text, lead.end())
        if inner and inner[0].kind == "date" and inner[0].day:
            return replace(inner[0], kind="week"), inner[1]
        return None
    found = [(m, build) for pattern, build in _PATTERNS if (m := pattern.match(text, at))]
    if not found:
        return None
    best, build = max(found, key=lambda f: f[0].end())
    return build(best.groupdict()), best.end()


def days_at(text: str, at: int) -> tuple[Days, int] | None:
    """The same, or a stretch of days: "Mon-Wed", "by Friday", "from the 3rd on", "the next two weeks"."""
    for pattern in _SHORT_RANGES:
        if m := pattern.match(text, at):
            first = _date(m.groupdict())
            return Days(first, replace(first, day=int(m["d2"]))), m.end()
    if m := _NEXT_FEW.match(text, at):
        count, unit = m["n"] or m["n2"] or "1", m["unit"] or m["unit2"] or m["unit3"]
        if count == "few":
            return None
        return Days(TODAY, _offset({"unit": unit, "n": count})), m.end()
    for lead, link in ((_BETWEEN, _AND), (_FROM, _TO), (None, _TO)):
        start = lead.match(text, at) if lead else None
        if (lead and not start) or not (found := _two(text, start.end() if start else at, link)):
            continue
        return found
    for pattern, edge in _EDGES:
        if (start := pattern.match(text, at)) and (one := day_at(text, start.end())):
            return _edged(text, edge, *one)
    return _or(text, at)


def _edged(text: str, edge: str, day: Day, end: int) -> tuple[Days, int]:
    if edge == "after":
        return Days(day, edge="after"), end
    if edge == "from":
        on = _ON.match(text, end)
        return Days(day, edge="from"), on.end() if on else end
    return Days(TODAY, day, "before" if edge else ""), end


def _two(text: str, at: int, link: re.Pattern[str]) -> tuple[Days, int] | None:
    first = day_at(text, at)
    between = link.match(text, first[1]) if first else None
    second = day_at(text, between.end()) if between else None
    if not (first and second):
        return None
    day, until = first[0], second[0]
    if day == Day(kind="weekday", weekday=day.weekday) and until.kind == "weekday":  # "Mon-Wed next week"
        day = replace(day, week=until.week)
    return Days(day, until), second[1]


def _or(text: str, at: int) -> tuple[Days, int] | None:
    """One day; or one or the next one, which is a stretch: "Tuesday or Wednesday"."""
    one = day_at(text, at)
    if not one:
        return None
    day, end = one
    if (link := _OR.match(text, end)) and (two := day_at(text, link.end())):
        other = two[0]
        if day == TODAY and other == Day(kind="offset", count=1):
            return Days(day, other), two[1]
        follows = day.weekday is not None and other.weekday == (day.weekday + 1) % 7
        if follows and other == replace(day, weekday=other.weekday):
            return Days(day, other), two[1]
    return Days(day), end
