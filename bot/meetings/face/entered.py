"""What was entered in the forms of meetings, read: by the web process, which shows what is wrong beside the field, and again by the worker. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from bot.blocks import cut
from bot.meetings.face.forms import AS_IN_SLACK, DESCRIPTION, NEVER, TITLE
from bot.meetings.face.times import length, local, zone_of
from bot.meetings.hours import read_hours
from bot.meetings.values import LONGEST, SHORTEST, Hours, Repeat, Window
from bot.meetings.when.reading import Clock, Day, Reading, TimeOfDay
from bot.meetings.when.request import Called, read_when
from bot.meetings.when.resolve import Refused, resolve
from bot.modals import Values

MOST_OFF = 366  # days off
NOT_READ = "I do not understand that time. Write it like “next Tuesday 2pm”, or choose a date below."
BOTH = "Please use either words or the date below, not both."
NO_DAY = "Please choose the day as well."
NO_TITLE = "Please say what it is about."
SAME = "It is at that time already. Please say the new one."
_ADDRESS = re.compile(r"[^\s@<>,|]+@[^\s@<>,|]+\.[^\s@<>,|]+")
_OPTIONAL = re.compile(r"\s*\(optional\)$", re.IGNORECASE)
_REPEAT = re.compile(r"(day|week|month)-([1-9]\d?)(?:-([1-9]\d{0,2}))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """What a form asks for. `reading` is None where nothing was said of the time, or it was left as it was; `said` are its words."""

    title: str
    people: tuple[Called, ...]
    minutes: int
    reading: Reading | None
    said: str
    repeat: Repeat | None
    online: bool
    description: str


def read_form(
    values: Values, carried: Mapping[str, Any], now: datetime, *, move: bool = False
) -> tuple[Filled, dict[str, str]]:
    """What was entered; and what is wrong, a sentence for each field (that is, block id). `carried`: what the form was made with.

    `move`: the form of a booked meeting, where a time is needed. Raises KeyError, ValueError and their like for what no form of ours gives.
    """
    wrong: dict[str, str] = {}
    title = cut(values.get("title", ""), TITLE)
    if "title" in values and not title:
        wrong["title"] = NO_TITLE
    minutes = _read_minutes(values["minutes"], wrong)
    reading, said = _read_time(values, carried, wrong)
    if move and not wrong:
        reading = reading or _picked(values["date"], values["time"])
        if _is_same(values, carried, said):
            wrong["when"] = SAME
    if reading and not wrong:
        hours = read_hours(carried["hours"], carried["zone"])
        meant = resolve(reading, now, hours)
        if isinstance(meant, Refused):
            wrong["when" if said else "date"] = meant.text
        elif move and isinstance(meant, Window) and meant.exact and minutes == int(carried["minutes"]):
            there = local(meant.exact, carried["zone"])
            if (there.date().isoformat(), f"{there:%H:%M}") == (carried["date"], carried["time"]):
                wrong["when"] = SAME
    filled = Filled(
        title=title,
        people=_read_people(values, wrong),
        minutes=minutes,
        reading=reading,
        said=said,
        repeat=_read_repeat(values.get("repeat", NEVER)),
        online="online" in values.get("online", ""),
        description=values.get("description", "").strip()[:DESCRIPTION],
    )
    return filled, wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """What the form of a booked meeting asks for."""

    title: str
    description: str
    people: tuple[Called, ...]


def read_details(values: Values) -> tuple[Details, dict[str, str]]:
    """What was entered in it; and what is wrong, a sentence for each field. Raises KeyError and ValueError for what no form of ours gives."""
    wrong: dict[str, str] = {}
    title = cut(values["title"], TITLE)
    if not title:
        wrong["title"] = NO_TITLE
    description = values["description"].strip()[:DESCRIPTION]
    return Details(title=title, description=description, people=_read_people(values, wrong)), wrong


def _read_minutes(text: str, wrong: dict[str, str]) -> int:
    digits = text.strip()
    minutes = int(digits) if re.fullmatch(r"\d{1,6}", digits) else -1
    if not SHORTEST <= minutes <= LONGEST:
        said = f", not {length(minutes)}" if minutes > 0 else ""
        wrong["minutes"] = f"A meeting lasts from {SHORTEST} minutes to {LONGEST // 60} hours{said}."
    return minutes


def _read_time(values: Values, carried: Mapping[str, Any], wrong: dict[str, str]) -> tuple[Reading | None, str]:
    """The words, or what was chosen where that is not what stood there before."""
    said, day, clock = values["when"].strip(), values["date"], values["time"]
    touched = (day, clock) != (carried["date"], carried["time"])
    if said:
        if touched and (day or clock):
            wrong["when"] = BOTH
        reading = read_when(said)
        if reading is None:
            wrong["when"] = NOT_READ
        return reading, said
    if not touched:
        return None, ""
    if clock and not day:
        wrong["date"] = NO_DAY
        return None, ""
    return _picked(day, clock) or Reading(), ""  # emptied: any time


def _picked(day: str, clock: str) -> Reading | None:
    """What the pickers show. Raises ValueError for what they cannot."""
    if not day:
        return None
    on = date.fromisoformat(day)
    said = Day(kind="date", year=on.year, month=on.month, day=on.day)
    if not clock:
        return Reading(day=said)
    at = time.fromisoformat(clock)
    return Reading(day=said, time=TimeOfDay(kind="at", clock=Clock(at.hour, at.minute, "24h")))


def _is_same(values: Values, carried: Mapping[str, Any], said: str) -> bool:
    kept = (carried["date"], carried["time"], carried["minutes"])
    return not said and (values["date"], values["time"], values["minutes"].strip()) == kept


def _read_people(values: Values, wrong: dict[str, str]) -> tuple[Called, ...]:
    """Those of Slack's menus, guests by their addresses, rooms."""
    called = [Called(f"<@{_id(u)}>") for u in _split(values.get("people", ""))]
    called += [Called(f"<@{_id(u)}>", required=False) for u in _split(values.get("optional", ""))]
    for part in _split(re.sub(r"[;\n]", ",", values.get("others", ""))):
        address = _OPTIONAL.sub("", part)
        if _ADDRESS.fullmatch(address):
            called.append(Called(address, required=address == part))
        else:
            wrong["others"] = (
                f"“{cut(part, 80)}” is no e-mail address. People of this workspace go into the fields above."
            )
    return (*called, *(Called(f"room {name}") for name in _split(values.get("rooms", ""))))


def _id(user: str) -> str:
    if not user.isalnum():
        raise ValueError(user)
    return user


def _split(text: str) -> list[str]:
    return [part for p in text.split(",") if (part := p.strip())]


def _read_repeat(value: str) -> Repeat | None:
    if value in ("", NEVER):
        return None
    match = _REPEAT.fullmatch(value)
    if not match:
        raise ValueError(value)
    unit: Any = match[1]
    return Repeat(unit, int(match[2]), int(match[3]) if match[3] else None)


# -- somebody's hours ----------------------------------------------------------------------------------------------------


def read_hours_form(values: Values, slack_zone: str = "UTC") -> tuple[Hours | None, dict[str, str]]:
    """The hours that were entered; and what is wrong. `slack_zone` counts where the zone is to be as in Slack."""
    wrong: dict[str, str] = {}
    zone = slack_zone if values["zone"] == AS_IN_SLACK else values["zone"]
    if not zone_of(zone):
        wrong["zone"] = "Please choose a time zone."
    off = _read_off(values["off"], wrong)
    try:
        hours = read_hours(" ".join(values["hours"].replace("–", "-").split()), zone)
    except ValueError as error:
        wrong["hours"] = cut(f"I cannot read that: {error}.", 300)
        return None, wrong
    return Hours(zone=hours.zone, week=hours.week, off=off), wrong


def _read_off(text: str, wrong: dict[str, str]) -> frozenset[date]:
    days: set[date] = set()
    for part in _split(text.replace("\n", ",")):
        first, _, last = part.partition(" to ")
        try:
            a, b = date.fromisoformat(first.strip()), date.fromisoformat((last or first).strip())
        except ValueError:
            wrong["off"] = f"“{cut(part, 40)}” is no date like 2026-12-24."
            continue
        if a > b or (b - a).days >= MOST_OFF:
            wrong["off"] = f"“{cut(part, 40)}” has to run from one day to a later one, within a year."
            continue
        days |= {a + timedelta(n) for n in range((b - a).days + 1)}
    if len(days) > MOST_OFF:
        wrong["off"] = f"These are more than {MOST_OFF} days. Please take out those that are past."
    return frozenset(days)
