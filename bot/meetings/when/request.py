"""The words behind `/meet` as what is wanted: title, people, duration, time. What code cannot read for sure it leaves over, and says so."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from bot.meetings.values import LONGEST, SHORTEST, Repeat
from bot.meetings.when.items import Item, items
from bot.meetings.when.leftover import named_people, titled, unread_words
from bot.meetings.when.phrases import Phrase, read_when, together
from bot.meetings.when.reading import Clock, Reading, TimeOfDay
from bot.meetings.when.repeat_words import APART, times
from bot.meetings.when.times import stretches
from bot.meetings.when.words import fold, listed, number, seen

__all__ = ["Called", "Request", "read_request", "read_when"]

MOST = 3000  # characters
_DO: dict[str, Literal["list", "help"]] = {
    **dict.fromkeys(
        ("list", "ls", "upcoming", "list meetings", "my meetings", "list my meetings", "show", "next"), "list"
    ),
    **dict.fromkeys(("help", "?", "usage", "--help", "-h", "how"), "help"),
}

LONGEST_SAID = (
    8 * 60
)  # minutes: "4-2pm" and "13:00-12:00" are slips, or a time to look in, before they are meetings of ten hours


@dataclass(frozen=True, slots=True)
class Called:
    """Somebody as they were named: "<@U123>", "<!subteam^S1>", "raj", "@raj", "kim@example.com", "room Aquarium"."""

    said: str
    required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked for. `minutes` is None where no duration was said; `unread` are words about time or people that code did not understand."""

    do: Literal["arrange", "list", "help", "form"] = "arrange"
    title: str = ""
    people: tuple[Called, ...] = ()
    minutes: int | None = None
    reading: Reading = field(default_factory=Reading)
    repeat: Repeat | None = None
    online: bool | None = None
    unread: str = ""
    refused: str = ""  # what is wrong, and what to do: "A meeting cannot last 25 hours …"


def read_request(text: str) -> Request:
    """Reads the text behind `/meet`; "" asks for the form. Slack's escapes (`<@U1|raj>`, `<mailto:…>`) are understood. Pure, English."""
    text = seen(text).strip()
    if not text:
        return Request(do="form")
    if len(text) > MOST:
        return Request(refused="That is too long for me to read. Please say title, people and time in a line or two.")
    folded = fold(text)
    if do := _DO.get(folded.strip(" .!")):
        return Request(do=do)
    found = _numbered(_settled(list(items(text, folded)), folded), folded)
    people, found = named_people(found, text, folded)
    reading, spoken = _reading(found, text)
    repeat, problem = _repeat(found)
    minutes = _minutes(found)
    if reading and minutes is None:
        reading, minutes = _from_to(reading, found)
    called = _called([Called(said, required=required) for said, required in people])
    unread = list(unread_words(found, folded))
    if reading is None:
        unread += [i for i in found if i.phrase or (i.recurs and i.recurs.days)]
    if len({i.minutes for i in found if i.minutes is not None}) > 1:
        unread += [i for i in found if i.minutes is not None]
    request = Request(
        title=titled(found, text, folded),
        people=called,
        minutes=minutes,
        reading=reading or Reading(),
        repeat=repeat,
        online=next((i.online for i in found if i.online is not None), None),
        unread=" ".join(text[i.start : i.end] for i in sorted(set(unread), key=lambda i: i.start)),
        refused=problem or _wrong(minutes),
    )
    nothing = not (called or minutes is not None or repeat or spoken or request.unread or request.refused)
    return replace(request, do="help") if nothing and not any(i.title for i in found) else request


def _settled(found: list[Item], folded: str) -> list[Item]:
    """Words such as "weekly" and "online" are the title's where more words of it follow at once; "weekly sync" is both."""
    settled = list[Item]()
    for n, item in enumerate(found):
        following = found[n + 1] if n + 1 < len(found) else None
        before_word = following and following.word and folded[following.start : following.end] not in _LINKS
        if before_word and _ORDINAL.fullmatch(folded[item.start : item.end]):
            settled.append(Item(item.start, item.end))  # "3rd party review", which is no date
            continue
        beside = [i for i in (found[n - 1] if n else None, following) if i and (i.phrase or i.recurs)]
        if item.phrase and not beside and _FOUR.fullmatch(folded[item.start : item.end]):
            settled.append(Item(item.start, item.end))  # "ticket 1430"
            continue
        belongs = item.alone and before_word
        if not belongs or not following:
            settled.append(item)
            continue
        regular = item.recurs and item.recurs.repeat and item.recurs.repeat.unit != "day"
        regular = regular and folded[following.start : following.end].strip(".,") in _REGULAR
        if regular:
            settled.append(replace(item, end=item.start))
        settled.append(Item(item.start, item.end, alone=bool(regular or item.online)))
    return settled


_LINKS = listed("with and , ; & &amp; + w/ for on at in by from - – :")
_FOUR = re.compile(r"[0-9]{4}")
_ORDINAL = re.compile(r"(?:the )?[0-9]{1,2}(?:st|nd|rd|th)")
_REGULAR = listed("sync standup stand-up meeting check-in checkin catch-up catchup call 1:1 1-1 one-on-one retro")


def _numbered(found: list[Item], folded: str) -> list[Item]:
    """With a number of times that stands apart from how it recurs: "every Tuesday 10:30 for 5 weeks"."""
    counts = list(APART.finditer(folded))
    open_ended = [i for i in found if i.recurs and i.recurs.repeat and not i.recurs.repeat.count]
    if len(counts) != 1 or len(open_ended) != 1:
        return found
    said, (item,) = counts[0], open_ended
    if not (item.recurs and item.recurs.repeat):
        return found
    count = times(item.recurs.repeat, number(said["n"] or said["m"]), said["unit"] or said["length"])
    if not count:
        return found
    recurs = replace(item.recurs, repeat=replace(item.recurs.repeat, count=count))
    rest = [i for i in found if i.end <= said.start() or i.start >= said.end()]
    return [replace(i, recurs=recurs) if i is item else i for i in rest]


def _reading(found: Sequence[Item], text: str) -> tuple[Reading | None, bool]:
    """All that was said of time as one, None where it is contradictory; and whether anything was."""
    phrases = [i.phrase for i in found if i.phrase]
    recurring = [i for i in found if i.recurs and i.recurs.days]
    phrases += [Phrase(i.start, i.end, days=i.recurs.days) for i in recurring if i.recurs]
    reading = together(text, phrases)
    if reading and any(i.recurs for i in found) and (reading.until or reading.edge):
        return None, True  # "every week until June": how long it recurs is not understood
    return reading, bool(phrases)


def _repeat(found: Sequence[Item]) -> tuple[Repeat | None, str]:
    said = [i.recurs for i in found if i.recurs]
    problem = next((r.unclear for r in said if r.unclear), "")
    repeats = {r.repeat for r in said if r.repeat}
    if len(repeats) > 1 and not problem:
        problem = "I read more than one way in which that repeats. Please say one, such as “every two weeks”."
    return (next(iter(repeats)) if len(repeats) == 1 else None), problem


def _minutes(found: Sequence[Item]) -> int | None:
    return next((i.minutes for i in found if i.minutes is not None), None)


def _from_to(reading: Reading, found: Sequence[Item]) -> tuple[Reading, int | None]:
    """For "2-3pm" without a duration is when it begins and how long it lasts."""
    said = [i.phrase.said for i in found if i.phrase and i.phrase.said]
    time = reading.time
    days = reading.until or reading.edge or reading.day.kind in ("week", "month")
    if len(said) != 1 or not said[0].span or time.kind != "between" or not time.clock or not time.until or days:
        return reading, None
    parts = stretches(time, (0, 0))
    if not parts or parts[0].last - parts[0].first > LONGEST_SAID:
        return reading, None
    start = time.clock if time.clock.half or len(parts) > 1 else _clock(parts[0].first)
    at = replace(reading, time=TimeOfDay(kind="at", clock=start))
    return at, parts[0].last - parts[0].first


def _clock(minute: int) -> Clock:
    return Clock(*divmod(minute, 60), "24h")


def _called(people: Sequence[Called]) -> tuple[Called, ...]:
    """Each once; who was named as required is."""
    found = dict[str, Called]()
    for person in people:
        if person.said not in found or person.required:
            found[person.said] = person
    return tuple(found.values())


def _wrong(minutes: int | None) -> str:
    if minutes is None or SHORTEST <= minutes <= LONGEST:
        return ""
    if minutes > LONGEST:
        hours = f"{minutes / 60:.1f}".removesuffix(".0")
        return f"A meeting cannot last {hours} hours. Please give it 24 hours or less, such as “90 min”."
    unit = "minute" if minutes == 1 else "minutes"
    return f"A meeting cannot last {minutes} {unit}. Please give it {SHORTEST} minutes or more, such as “30 min”."
