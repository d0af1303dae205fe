"""Finds the words for times of the day, and the zones behind them, in folded text. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from bot.meetings.when.reading import Clock, Half, TimeOfDay
from bot.meetings.when.words import END as WORD_END
from bot.meetings.when.words import NUMBERS, length_at
from bot.meetings.when.zones import CITIES, SHORT

END = WORD_END.replace("|-[0-9]", "")  # "2pm-4pm"
_WORDS = [word for word, n in NUMBERS.items() if n <= 12 and word not in ("zero", "a", "an")]
_AMPM = r" ?(?:(?P<am>a\.?m)|(?P<pm>p\.?m))\.?"
_BEFORE = {
    "quarter": 15,
    "a quarter": 15,
    "five": 5,
    "ten": 10,
    "twenty": 20,
    "twenty-five": 25,
    "twenty five": 25,
    "half": 30,
}
_PAST = {"ten": 10, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "forty-five": 45, "forty five": 45}
_OTHER_HALF: dict[Half, Half] = {"am": "pm", "pm": "am", "": "", "24h": "24h"}
_EXACT = tuple(
    re.compile(p + END)
    for p in (
        rf"(?:(?P<h>[0-9]{{1,2}})(?:[:.](?P<m>[0-9]{{2}}))?|(?P<w>{'|'.join(_WORDS)})){_AMPM}",
        r"(?P<h>[0-9]{1,2}):(?P<m>[0-9]{2})(?: ?(?P<day>h|hrs|hours))?",
        r"(?P<h>[7-9]|[0-2][0-9])h(?P<m>[0-9]{2})(?P<day>)",
        r"(?P<h>[0-9]{2})(?P<m>[0-5][0-9]) ?(?P<day>h|hrs|hours)",
        rf"(?:(?P<min>{'|'.join(_BEFORE)}|[0-9]{{1,2}} minutes?) (?:minutes )?(?P<side>past|to)|(?P<min2>[0-9]{{1,2}}) past) (?:(?P<h>[0-9]{{1,2}})|(?P<w>{'|'.join(_WORDS)}))(?:{_AMPM})?",
        rf"(?:(?P<h>[0-9]{{1,2}})|(?P<w>{'|'.join(_WORDS)})) ?o'?clock(?:{_AMPM})?",
        r"(?P<name>noon|midday|midnight|12 noon|12 midnight)",
    )
)
_FOUR = re.compile(rf"(?P<h>[01][0-9]|2[0-4])(?P<m>[0-5][0-9])(?P<day>){END}")
_BARE = re.compile(rf"(?:(?P<h>[0-9]{{1,2}})(?:\.(?P<m>[0-9]{{2}}))?|(?P<w>{'|'.join(_WORDS)})){END}")
_BARE_WORDS = re.compile(rf"(?P<w>{'|'.join(_WORDS)})[ -](?P<words>{'|'.join(_PAST)})(?:{_AMPM})?{END}")
_BARE_H = re.compile(rf"(?P<h>[0-9]{{1,2}})h(?P<day>){END}")

_PART_BEHIND = re.compile(r" (?:in the (?:morning|afternoon|evening)|at night|tonight)")
_AT = re.compile(r"(?:starting |beginning )?(?:at |@ ?)")
_BETWEEN = re.compile(r"(?:any ?time )?between ")
_FROM = re.compile(r"from ")
_AND = re.compile(r" and ")
_TO = re.compile(r" ?- ?| (?:to|until|till|til) ")
_AFTER = re.compile(r"(?:any ?time )?(?:after|from|not before|no earlier than|not earlier than) ")
_BEFORE_AT = re.compile(r"(?:any ?time )?(?:before|by|until|till|no later than|not later than|not after) ")
_LATER = re.compile(rf" (?:onwards?|or later|or after){END}| on(?= ?(?:$|[,;]))")
_EARLIER = re.compile(rf" (?:or earlier|or before|at the latest){END}")
_IN = re.compile(r"in ")
_FROM_NOW = re.compile(rf"(?: from now| time){END}")
_NOW = re.compile(rf"(?:right now|immediately|straight away|now){END}")


def _c(hour: int, minute: int = 0) -> Clock:
    return Clock(hour, minute, "24h")


def _between(first: int, last: int, minute: int = 0) -> TimeOfDay:
    return TimeOfDay(kind="between", clock=_c(first), until=_c(last, minute))


_NAMED: tuple[tuple[re.Pattern[str], TimeOfDay], ...] = tuple(
    (re.compile(rf"(?:{pattern}){END}"), time)
    for pattern, time in (
        (r"(?:in |during |over )?(?:the )?mornings?", TimeOfDay(kind="morning")),
        (r"(?:in |during )?(?:the )?afternoons?", TimeOfDay(kind="afternoon")),
        (r"(?:in |during )?(?:the )?evenings?", TimeOfDay(kind="evening")),
        (r"(?:at |in the )?nights?", TimeOfDay(kind="night")),
        (r"(?:in the )?early (?:in the )?morning", _between(6, 9)),
        (r"(?:in the )?(?:mid[- ]?morning|middle of the morning)", _between(9, 11, 30)),
        (r"(?:in the )?late (?:in the )?morning", _between(10, 12)),
        (r"(?:in the )?early (?:in the )?afternoon", _between(12, 15)),
        (r"(?:in the )?mid[- ]?afternoon", _between(14, 16)),
        (r"(?:in the )?late (?:in the )?afternoon", _between(15, 18)),
        (r"(?:in the )?early (?:in the )?evening", _between(17, 19)),
        (r"(?:in the )?late (?:in the )?evening", _between(20, 23)),
        (r"first thing(?: in the morning)?", TimeOfDay(kind="before", clock=_c(10))),
        (
            r"(?:at |by |before )?(?:the )?(?:end of (?:the )?(?:business |working )?day|eod|close of business|cob)",
            _between(15, 18),
        ),
        (r"(?:over |at |around )lunch(?: ?time)?|lunch ?time", _between(12, 14)),
        (r"after lunch", TimeOfDay(kind="after", clock=_c(13))),
        (r"before lunch", TimeOfDay(kind="before", clock=_c(12))),
    )
)
_CITY = "|".join(re.escape(c) for c in CITIES)
_SHORT = "|".join(SHORT)
_ZONE_TIME = re.compile(
    rf"(?:in )?(?:the )?(?:(?P<own>my|our|local)|(?P<z>{_CITY}|{_SHORT}))(?: standard| daylight)? time{END}"
)
_ZONE_BEHIND = re.compile(
    rf" ?\(?(?:in )?(?P<z>(?:utc|gmt) ?[+-] ?[0-9]{{1,2}}(?::?[0-5][0-9])?|{_SHORT}|[a-z]+/[a-z_]+(?:/[a-z_]+)?)(?: standard| daylight)?(?: time)?\)?{END}"
)
_OFFSET_BEHIND = re.compile(r"(?P<z>[+-][0-9]{2}:[0-5][0-9])" + END)


@dataclass(frozen=True, slots=True)
class Said:
    """A time of the day and where the zone behind it stands in the text. `span`: it was said as from–to, "2-3pm"."""

    time: TimeOfDay
    zone: tuple[int, int] | None = None
    span: bool = False


def clock_at(text: str, at: int, *, bare: bool, opens: bool = False) -> tuple[Clock, int] | None:
    """A clock that begins there, and where it ends; a bare "3" or "1430" only if `bare`. `opens`: a stretch, so that "ten to eleven" is not 10:50."""
    patterns = (*_EXACT, _FOUR, _BARE, _BARE_H, _BARE_WORDS) if bare else (*_EXACT, _FOUR)
    found = [m for p in patterns if (m := p.match(text, at))]
    if not bare:
        found = [m for m in found if m.re is not _FOUR or m.group()[:2] not in ("19", "20")]  # "2026" is a year
    if opens:
        found = [m for m in found if m.groupdict().get("side") != "to"]
    if not found:
        return None
    best = max(found, key=re.Match.end)
    return _clock(best.groupdict()), best.end()


def _clock(g: dict[str, str | None]) -> Clock:
    if name := g.get("name"):
        return Clock(12, 0, "am") if "midnight" in name else Clock(12, 0, "pm")
    word, digits = g.get("w"), g.get("h")
    hour = _WORDS.index(word) + 1 if word else int(digits or 0)
    half: Half = "am" if g.get("am") else "pm" if g.get("pm") else ""
    if not half and (g.get("day") is not None or (digits or "").startswith("0") or hour > 12 or hour == 0):
        half = "24h"
    if words := g.get("words"):
        return Clock(hour, _PAST[words], half)
    if past := g.get("min") or g.get("min2"):
        minutes = _BEFORE[past] if past in _BEFORE else int(past.split()[0])
        if g["side"] != "to":
            return Clock(hour, minutes, half)
        earlier = hour - 1 if hour > 1 or half == "24h" else 12
        other = _OTHER_HALF[half] if hour == 12 else half
        return Clock(earlier, 60 - minutes, other)
    return Clock(hour, int(g.get("m") or 0), half)


def time_at(text: str, at: int) -> tuple[Said, int] | None:
    """A time of the day, with the zone behind it, that begins there; and where it ends. The longest that fits."""
    found = [f for f in (_offset(text, at), _span(text, at), _point(text, at), _named(text, at)) if f]
    if not found:
        return None
    said, end = max(found, key=lambda f: f[1])
    if said.time.clock and (m := _ZONE_BEHIND.match(text, end) or _OFFSET_BEHIND.match(text, end)):
        return replace(said, zone=m.span("z")), m.end()
    return said, end


def zone_at(text: str, at: int) -> tuple[tuple[int, int] | None, int] | None:
    """A zone such as "Berlin time" that begins there: where its name stands (None for the asker's own), and where it ends."""
    m = _ZONE_TIME.match(text, at)
    return (None if m["own"] else m.span("z"), m.end()) if m else None


def _named(text: str, at: int) -> tuple[Said, int] | None:
    found = [(time, m.end()) for pattern, time in _NAMED if (m := pattern.match(text, at))]
    if not found:
        return None
    time, end = max(found, key=lambda f: f[1])
    return Said(time), end


def _offset(text: str, at: int) -> tuple[Said, int] | None:
    if m := _NOW.match(text, at):
        return Said(TimeOfDay(kind="offset", minutes=0)), m.end()
    lead = _IN.match(text, at)
    if not (length := length_at(text, lead.end() if lead else at)):
        return None
    behind = _FROM_NOW.match(text, length[1])
    if (not lead and not behind) or length[0] < 0:
        return None
    return Said(TimeOfDay(kind="offset", minutes=length[0])), behind.end() if behind else length[1]


def _span(text: str, at: int) -> tuple[Said, int] | None:
    """A stretch: "2-4pm", "from 14:00 to 15:00", "between 2 and 4"."""
    for lead, link in ((_BETWEEN, _AND), (_FROM, _TO), (_AT, _TO), (None, _TO)):
        start = lead.match(text, at) if lead else None
        if lead and not start:
            continue
        first = clock_at(text, start.end() if start else at, bare=True, opens=lead in (_BETWEEN, _FROM))
        between = link.match(text, first[1]) if first else None
        second = clock_at(text, between.end(), bare=True) if between else None
        if not (first and second):
            continue
        if not start and not (_shown(text, at, first) or (between and _shown(text, between.end(), second))):
            continue  # "2-4" alone may be anything
        return Said(TimeOfDay(kind="between", clock=first[0], until=second[0]), span=lead is not _BETWEEN), second[1]
    return None


def _shown(text: str, at: int, found: tuple[Clock, int]) -> bool:
    """Whether that looks like a clock by itself."""
    return clock_at(text, at, bare=False) == found


def _point(text: str, at: int) -> tuple[Said, int] | None:
    if (m := _AFTER.match(text, at)) and (one := clock_at(text, m.end(), bare=True)):
        on = _LATER.match(text, one[1])
        return Said(TimeOfDay(kind="after", clock=one[0])), on.end() if on else one[1]
    if (m := _BEFORE_AT.match(text, at)) and (one := clock_at(text, m.end(), bare=True)):
        return Said(TimeOfDay(kind="before", clock=one[0])), one[1]
    lead = _AT.match(text, at)
    one = clock_at(text, lead.end() if lead else at, bare=bool(lead))
    if not one and (one := clock_at(text, at, bare=True)) and not _PART_BEHIND.match(text, one[1]):
        return None  # a number alone is no time
    if not one:
        return None
    if later := _LATER.match(text, one[1]):
        return Said(TimeOfDay(kind="after", clock=one[0])), later.end()
    if earlier := _EARLIER.match(text, one[1]):
        return Said(TimeOfDay(kind="before", clock=one[0])), earlier.end()
    return Said(TimeOfDay(kind="at", clock=one[0])), one[1]
