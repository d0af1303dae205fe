"""Puts the words for days, times and zones that stand in a text together into one reading; None where they contradict each other. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.meetings.when.clock_words import Said, time_at, zone_at
from bot.meetings.when.day_words import TODAY, Days, days_at
from bot.meetings.when.reading import Clock, Reading, TimeOfDay
from bot.meetings.when.words import END, WEEKDAY, fold, seen, weekday

MOST = 300  # characters of words about time
_PARTS = (
    (re.compile(rf"this morning{END}"), TimeOfDay(kind="morning")),
    (re.compile(rf"this afternoon{END}"), TimeOfDay(kind="afternoon")),
    (re.compile(rf"this evening{END}"), TimeOfDay(kind="evening")),
    (re.compile(rf"(?:tonight|tonite){END}"), TimeOfDay(kind="night")),
)
_DAYS = rf"(?:{WEEKDAY})s?(?:(?:, ?| or | and |, or |, and | nor )(?:on )?(?:{WEEKDAY})s?)*"
_WITHOUT = re.compile(
    rf"(?:any ?(?:day|time) )?(?:but not|but|except|excluding|not|no|other than|never)(?: for)? (?:on )?(?P<days>{_DAYS}){END}"
)
_WEEKENDS = re.compile(
    rf"(?:(?:but )?not (?:on |at )?(?:the |a )?weekends?|no weekends|(?:on )?any (?:week|working )day|(?:on )?(?:week|working )days){END}"
)
_FILLERS = re.compile(
    rf"(?:(?:at )?any ?time|any ?day|whenever|some ?time|asap|as soon as possible|soon|please|sharp|if possible|ideally|preferably|during (?:working|business|office) hours|(?:in|within) (?:working|business|office) hours){END}"
)
BLANK = re.compile(r" ?")
BLANKS = re.compile(r"[ ,;]*")


@dataclass(frozen=True, slots=True)
class Phrase:
    """What was said from `start` to `end` of the text: days, a time, a zone, days that are out, or nothing ("sometime")."""

    start: int
    end: int
    days: Days | None = None
    said: Said | None = None
    zone: tuple[int, int] | None = None
    without: tuple[int, ...] = ()


def phrase_at(text: str, at: int) -> Phrase | None:
    """The longest phrase about time that begins there in folded text."""
    found = list[Phrase]()
    if days := days_at(text, at):
        found.append(Phrase(at, days[1], days=days[0]))
    if said := time_at(text, at):
        found.append(Phrase(at, said[1], said=said[0], zone=said[0].zone))
    if zone := zone_at(text, at):
        found.append(Phrase(at, zone[1], zone=zone[0]))
    for pattern, time in _PARTS:
        if m := pattern.match(text, at):
            found.append(Phrase(at, m.end(), days=Days(TODAY), said=Said(time)))
    if m := _WITHOUT.match(text, at):
        out = tuple(dict.fromkeys(weekday(d) for d in re.findall(WEEKDAY, m["days"])))
        behind = BLANK.match(text, m.end())
        if not (behind and time_at(text, behind.end())):  # "not Friday afternoon" leaves its morning
            found.append(Phrase(at, m.end(), without=out))
    if m := _WEEKENDS.match(text, at):
        found.append(Phrase(at, m.end(), without=(5, 6)))
    if m := _FILLERS.match(text, at):
        found.append(Phrase(at, m.end()))
    return max(found, key=lambda p: p.end, default=None)


def read_when(text: str) -> Reading | None:
    """Reads words that are about time alone ("next Tuesday 2pm"); None where any of them is not understood."""
    text = seen(text).strip() if len(text) <= MOST else ""
    if not re.search(r"[0-9]\.[0-9]{1,2}\.$", text):  # "25.11." is a date
        text = text.rstrip(".!?")
    folded, at, found = fold(text), 0, list[Phrase]()
    while at < len(folded):
        phrase = phrase_at(folded, at)
        if not phrase:
            return None
        found.append(phrase)
        blanks = BLANKS.match(folded, phrase.end)
        at = blanks.end() if blanks else phrase.end
        if at < len(folded) and at == phrase.end:
            return None
    return together(text, found) if found else None


def together(text: str, phrases: Sequence[Phrase]) -> Reading | None:
    """One reading of all the phrases; None where they contradict each other. Zones are named as they stand in `text`."""
    reading: Reading | None = Reading()
    zones = {text[slice(*p.zone)].lower(): text[slice(*p.zone)] for p in phrases if p.zone}
    if len(zones) > 1:
        return None
    days: Days | None = None
    time = TimeOfDay()
    for phrase in phrases:
        if phrase.days:
            days = _days(days, phrase.days) if days else phrase.days
            if not days:
                return None
        if phrase.said:
            both = _times(time, phrase.said.time)
            if not both:
                return None
            time = both
    without = tuple(dict.fromkeys(w for p in phrases for w in p.without))
    reading = Reading(time=time, zone=next(iter(zones.values()), ""), without=without)
    if not days:
        return reading
    if (days.edge or days.until) and time.kind == "at" and days.day == TODAY:
        return None  # "by Friday 2pm": a window's last day has no clock of its own
    if days.edge and time.kind == "at":
        return None
    return replace(reading, day=days.day, until=days.until, edge=days.edge)


def _days(one: Days, two: Days) -> Days | None:
    """Both said of the same days: "Tuesday" and "25 November", "Mon-Wed" and "next week"."""
    if one == two:
        return one
    if one.edge or two.edge or (one.until and two.until):
        return None
    for this, other in ((one, two), (two, one)):
        day, more = this.day, other.day
        plain = day.kind == "weekday" and not day.relation and day.week is None and day.count is None
        if not plain or other.until:
            continue
        if more.kind in ("date", "numeric", "offset") and not this.until and more.weekday is None:
            return Days(replace(more, weekday=day.weekday))
        if more.kind == "week" and more.day is None and not more.part and more.count in (0, 1, 2):
            until = this.until
            if until and until.kind == "weekday" and not until.relation and until.week is None:
                return Days(replace(day, week=more.count), replace(until, week=more.count))
            return None if until else Days(replace(day, week=more.count))
    return None


_HALVES = {"morning": range(1, 12), "afternoon": (12, *range(1, 7)), "evening": range(4, 12), "night": range(6, 12)}


def _times(one: TimeOfDay, two: TimeOfDay) -> TimeOfDay | None:
    """Both said of the same time: "morning" and "at 9", "after 2pm" and "before 5pm"."""
    if one.kind == "any" or one == two:
        return two
    for this, other in ((one, two), (two, one)):
        if this.kind in _HALVES and other.clock:
            return _in_half(this, other)
        if this.kind == "after" and other.kind == "before":
            return TimeOfDay(kind="between", clock=this.clock, until=other.clock)
    return None


def _in_half(part: TimeOfDay, said: TimeOfDay) -> TimeOfDay | None:
    """The clock in that part of the day; None where it is not in it."""
    clocks = [_halved(part.kind, c) if c else None for c in (said.clock, said.until)]
    if not clocks[0] or (said.until and not clocks[1]):
        return None
    return replace(said, clock=clocks[0], until=clocks[1])


def _halved(part: str, clock: Clock) -> Clock | None:
    hours = _HALVES[part]
    wanted = "am" if part == "morning" else "pm"
    if clock.hour == 12 and clock.half == "am" and part == "night":
        return clock  # "tonight at midnight"
    if clock.half == "24h":
        twelve = clock.hour % 12 or 12
        fits = twelve in hours and (clock.hour < 12) == (wanted == "am")
        return clock if fits else None
    if clock.half in ("", wanted) and clock.hour in hours:
        return Clock(clock.hour, clock.minute, "am" if wanted == "am" else "pm")
    return (
        Clock(12, 0, "pm") if clock.hour == 12 and not clock.half and part == "morning" and not clock.minute else None
    )
