"""How the rule-based model uses the bot's meeting tools: which messages ask for one, with whom and when, and what their outputs say."""

import re
from collections.abc import Mapping
from typing import Any

TOOLS = ("find_times", "create_meeting", "reschedule_meeting", "cancel_meeting", "list_meetings")
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WEEKDAY = rf"(?:{'|'.join(f'{d[:3]}(?:{d[3:]})?' for d in _WEEKDAYS)})"
_MONTH = r"(?:jan|feb|mar|apr|may|june?|july?|aug|sep|oct|nov|dec)[a-z]*"
_DATE = rf"(?:\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH}(?: \d{{4}})?|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?(?: \d{{4}})?|\d{{4}}-\d{{2}}-\d{{2}}|\d{{1,2}}/\d{{1,2}})"
_CLOCK = r"(?:\d{1,2}:\d{2}(?: ?[ap]m)?|\d{1,2} ?[ap]m|noon|\d{1,2}(?= ?(?:-|to) ?\d{1,2} ?[ap]m))"
_DAY = rf"(?:today|tomorrow|tonight|(?:this|next|coming) (?:week|month|morning|afternoon|evening|{_WEEKDAY})|{_WEEKDAY} next week|{_WEEKDAY}\b|{_DATE}|in \d+ (?:minutes|hours|days|weeks)|in half an hour)"
_ZONE = r"(?-i:[A-Z]\w+(?: [A-Z]\w+)? time|UTC[+-]\d{1,2}|[A-Z]{2,3}T)\b"
_TIME = rf"(?:(?:at |after |before |from )?{_CLOCK}(?: ?(?:-|to|until) ?{_CLOCK})?(?: {_ZONE})?|at \d{{1,2}}\b(?! ?min)|(?:in the )?(?:morning|afternoon|evening)|yesterday)"
WHEN = re.compile(
    rf"\b(?:on |by )?(?:{_DAY}|yesterday)(?:,? (?:at )?{_TIME})?|\b{_TIME}(?: (?:on )?{_DAY})?", re.IGNORECASE
)
MINUTES = re.compile(
    r"\b(?:for )?(?:(?P<m>-?\d+) ?(?:min(?:ute)?s?|m)\b|(?P<h>-?\d+(?:\.\d+)?) ?h(?:ours?|rs?)?\b|(?P<half>half an hour)|(?P<one>an hour))",
    re.IGNORECASE,
)
NAME = re.compile(r"\bM-(\d+)\b", re.IGNORECASE)
MEETING = re.compile(r"\b(?:meetings?|meet|sync|call|stand-?up|one-on-one|1:1|M-\d+)\b", re.IGNORECASE)
CREATE = re.compile(r"\b(?:schedule|book|set up|arrange|create|plan)\b", re.IGNORECASE)
SET = re.compile(
    r"\b(?:schedule|book|set up|arrange) (?:an?|the|our|my) .*\bwith\b|^(?:<@\w+>|@\w+)?\W*meet\b.*\bwith\b",
    re.IGNORECASE | re.DOTALL,
)
FIND = re.compile(
    r"\bfind (?:me |us )?(?:a |some |\d+ )?(?:times?|slots?|min(?:ute)?s?|hours?|half an hour|an hour)\b|\bwhen (?:can|could|do|are) (?:we|i|all)\b.*\b(?:meet|free)\b|\btimes? (?:to|for)\b.*\bmeet",
    re.IGNORECASE,
)
MOVE = re.compile(r"\b(?:move|reschedule|postpone|push)\b", re.IGNORECASE)
CANCEL = re.compile(r"\b(?:cancel|call off|undo)\b", re.IGNORECASE)
ADD = re.compile(
    r"\b(?:add|invite) (?P<who>.+?)(?P<as> as optional)? (?:to|in) M-\d+(?P<may>,? as optional)?|\bmake (?P<one>.+?) optional (?:in|for) M-\d+",
    re.IGNORECASE,
)
REMOVE = re.compile(r"\b(?:remove|drop|take|uninvite) (?P<who>.+?) (?:from|out of|off) M-\d+", re.IGNORECASE)
RENAME = re.compile(
    r"\b(?:rename|retitle|call) M-\d+ (?:to |as )?[“\"]?(?P<title>[^”\"\n]{1,100}?)(?= and (?:add|invite|remove|make) |[”\"\n]|$)",
    re.IGNORECASE,
)
LIST = re.compile(
    r"\b(?:list|show|what are|which)\b[^.?!]*\bmy (?:\w+ ){0,2}meetings\b|\bmy meetings\b\W*$|\bwhat meetings do i have\b",
    re.IGNORECASE,
)
QUESTION = re.compile(r"^\W*(?:what|who|where|why|how|is|are|do|does|did)\b", re.IGNORECASE)
PEOPLE = re.compile(r"\bwith (?P<who>.+)", re.IGNORECASE | re.DOTALL)
OPTIONAL = re.compile(r"\boptional(?:ly)?:?", re.IGNORECASE)
PERSON = re.compile(
    r"(?:the )?room \w+|<[@!][^>]+>|\[[^\]]+\]\(mailto:[^)]+\)|[\w.+-]+@[\w-]+\.[\w.-]+\w|(?<!\w)@?(?!(?:and|or|the)\b)[^\W\d_][\w-]*(?: [A-ZÀ-Þ]\w+)?"
)
TITLED = re.compile(
    r"[“\"](?P<title>[^”\"\n]{1,100})[”\"]|\b(?:called|titled|about) (?P<about>[^,.\n]{1,60}?)(?= (?:with|on|at|for|next|this|tomorrow|today)\b|[,.\n]|$)"
)
JOINING = frozenset({"and", "or", "me", "us", "the", "please", "team", "on", "at", "for", "a", "online", "room"})
REPEATS = (
    (re.compile(r"\b(?:every week|weekly)\b", re.IGNORECASE), "week", 1),
    (re.compile(r"\b(?:every (?:other|second) week)\b", re.IGNORECASE), "week", 2),
    (re.compile(r"\b(?:every month|monthly)\b", re.IGNORECASE), "month", 1),
    (re.compile(r"\b(?:every day|daily)\b", re.IGNORECASE), "day", 1),
)
NO_CHANGE: dict[str, Any] = {"title": "", "description": "", "add": [], "optional": [], "remove": []}
NO_DAY = {"relation": "", "unit": "day"} | dict.fromkeys(("weekday", "day", "month", "year", "n"))


def meeting_call(said: str) -> tuple[str, dict[str, Any]] | None:
    """The meeting tool that a message asks for, and its arguments. `said`: the message without what the bot puts before it."""
    if LIST.search(said):
        return "list_meetings", {"days": 14}
    named = NAME.search(said)
    if named and CANCEL.search(said):
        return "cancel_meeting", {"meeting": f"M-{named[1]}"}
    if named and (change := _change(said)):
        return "reschedule_meeting", {
            "meeting": f"M-{named[1]}",
            "when": _when(""),
            "minutes": None,
            **NO_CHANGE,
            **change,
        }
    if named and MOVE.search(said):
        moved = {"meeting": f"M-{named[1]}", "when": _when(said), "minutes": _minutes(said)}
        return "reschedule_meeting", moved | NO_CHANGE
    if FIND.search(said):
        return "find_times", _meet(said)
    if (SET.search(said) or (MEETING.search(said) and CREATE.search(said))) and not QUESTION.search(said):
        return "create_meeting", _meet(said)
    return None


def told(value: Any) -> str | None:
    """What a meeting tool's output says to a person; None for any other output."""
    if not isinstance(value, Mapping):
        return None
    if isinstance(value.get("meetings"), list) and "days" in value:
        meetings = [*value["meetings"], *(value.get("being_arranged") or ())]
        lines = [f"- {_line(m)}" for m in meetings] or ["You have no meetings that I know of."]
        return "\n".join([*lines, *([value["note"]] if value.get("note") else [])])
    if not re.fullmatch(r"M-\d+", str(value.get("meeting", ""))):
        return None
    if "title" not in value:
        return f"**{value['meeting']}**: see our direct messages."
    lines = [f"{_line(value)}."]
    lines += [str(w) for w in value.get("why") or ()]
    if asked := value.get("question"):
        lines.append(f"{asked} {' or '.join(value.get('choices') or ())}".rstrip())
    if value.get("times"):
        lines.append(f"I found {len(value['times'])} times: choose one on the card.")
    if value.get("what_would_help"):
        lines.append(f"It may help: {', '.join(value['what_would_help'])}.")
    return "\n".join(lines)


# ---- what is asked for


def _meet(said: str) -> dict[str, Any]:
    titled = TITLED.search(said)
    repeat = next(((unit, n) for pattern, unit, n in REPEATS if pattern.search(said)), None)
    return {
        "title": next(g for g in titled.groups() if g).strip() if titled else _title(said),
        **_people(said),
        "minutes": _minutes(said),
        "when": _when(said),
        "repeat": repeat[0] if repeat else "",
        "every": repeat[1] if repeat else None,
        "times": None,
        "online": bool(re.search(r"\bonline\b|\bvideo\b", said, re.IGNORECASE)),
        "description": "",
    }


def _change(said: str) -> dict[str, Any]:
    """What is to be different about a booked meeting but its time; nothing where that is not what is asked for."""
    change: dict[str, Any] = {}
    if found := ADD.search(said):
        may = found["one"] or found["as"] or found["may"]
        change["optional" if may else "add"] = _names(found["who"] or found["one"])
    if found := REMOVE.search(said):
        change["remove"] = _names(found["who"])
    if found := RENAME.search(said):
        change["title"] = found["title"].strip(" .")
    return change


def _title(said: str) -> str:
    """The words between the verb and who, when and how long: "schedule a team sync with …" is a "team sync"."""
    found = re.search(
        r"(?:schedule|book|set up|arrange|create|plan|meet) (?:an? |the |our )?(?P<title>.+)", said, re.IGNORECASE
    )
    rest = (
        re.split(
            rf"\bwith\b|{MINUTES.pattern.replace('?P<', '?P<t_')}", found["title"], maxsplit=1, flags=re.IGNORECASE
        )[0]
        if found
        else ""
    )
    rest = re.sub(r"\s+(?:in|on|at|for)$", "", WHEN.split(rest, maxsplit=1)[0].strip(" ,.:"))
    return "" if rest.lower() in ("meeting", "call") else rest


def _people(said: str) -> dict[str, list[str]]:
    """Whom "with …" names, until when or how long is said; those behind "optional" need not come."""
    found = PEOPLE.search(said)
    required, _, optional = OPTIONAL.sub("\0", found["who"], count=1).partition("\0") if found else ("", "", "")
    return {"people": _names(required), "optional": _names(optional)}


def _names(text: str) -> list[str]:
    text = TITLED.split(MINUTES.split(WHEN.split(text, maxsplit=1)[0], maxsplit=1)[0], maxsplit=1)[0]
    names = [n.strip(" .,") for n in PERSON.findall(text)]
    return [n for n in names if n.casefold() not in JOINING]


def _minutes(said: str) -> int | None:
    found = MINUTES.search(re.sub(r"\bin (?:\d+ (?:minutes|hours)|half an hour)\b", "", said, flags=re.IGNORECASE))
    if not found:
        return None
    if found["m"]:
        return int(found["m"])
    if found["h"]:
        return round(float(found["h"]) * 60)
    return 30 if found["half"] else 60


def _when(said: str) -> dict[str, Any]:
    """The words about time as they stand, and the plain ones of them in symbols; the bot's own code reads the words too."""
    words = " ".join(
        m[0].strip()
        for m in WHEN.finditer(MINUTES.sub(" ", said) if not re.search(r"\bin (?:half|\d)", said) else said)
    )
    day = _day(words)
    zone = re.search(_ZONE, words)
    named: dict[str, Any] = {"zone": zone[0] if zone else "", "without": [], "offset": None}
    return {"said": words, "days": [day] if day else []} | named | _time(words)


def _day(words: str) -> dict[str, Any] | None:
    if re.search(_DATE, words, re.IGNORECASE):
        return None  # left to the words
    if found := re.search(r"\b(today|tonight|tomorrow)\b", words, re.IGNORECASE):
        return NO_DAY | {"kind": "offset", "n": int(found[1].lower() == "tomorrow")}
    if found := re.search(rf"\b(?:(this|next) )?({_WEEKDAY})(?: (next week))?\b", words, re.IGNORECASE):
        weekday = next(n for n, d in enumerate(_WEEKDAYS) if d.startswith(found[2][:3].lower()))
        if found[3]:
            return NO_DAY | {"kind": "week", "relation": "next", "weekday": weekday}
        return NO_DAY | {"kind": "weekday", "weekday": weekday, "relation": (found[1] or "").lower()}
    if found := re.search(r"\b(this|next) (week|month)\b", words, re.IGNORECASE):
        return NO_DAY | {"kind": found[2].lower(), "relation": found[1].lower()}
    return None


def _time(words: str) -> dict[str, str]:
    base = {"time": "any", "clock": "", "to": ""}
    if re.search(rf"\b(?:\d ?(?:-|to|until) ?\d|after|before|in \d|in half|{_DATE})", words, re.IGNORECASE):
        return base  # left to the words; a clock without its date would be today's
    if found := re.search(r"\b(\d{1,2}(?::\d{2})? ?[ap]m|\d{1,2}:\d{2})\b", words, re.IGNORECASE):
        return base | {"time": "at", "clock": found[1]}
    found = re.search(r"\b(morning|noon|afternoon|evening)\b", words, re.IGNORECASE)
    return base | {"time": found[1].lower()} if found else base


# ---- what is told


def _line(meeting: Mapping[str, Any]) -> str:
    said = [str(meeting[k]) for k in ("title", "when") if meeting.get(k)]
    state = "" if meeting.get("state") == "booked" else f" ({meeting.get('state')})"
    return f"**{meeting['meeting']}** {', '.join(said)}{state}"
