"""Working hours: as MEETINGS_HOURS and people write them, as the form of the Home tab has them, as the database keeps them."""

from __future__ import annotations

import asyncio
import re
from datetime import time
from itertools import pairwise
from zoneinfo import available_timezones

from pydantic import TypeAdapter
from sqlalchemy import bindparam, select, text

from bot import tables
from bot.database import Database
from bot.errors import MeetingRefused
from bot.meetings.values import Hours
from bot.models import By, utcnow

MOST_STRETCHES, MOST_OFF = 6, 400
_HOURS = TypeAdapter(Hours)
_KEEP = text(
    "INSERT INTO working_hours (team, person, hours, changed_at) VALUES (:team, :person, :hours, :at)"
    " ON CONFLICT (team, person) DO UPDATE SET hours = excluded.hours, changed_at = excluded.changed_at"
).bindparams(bindparam("at", type_=tables.UtcDateTime()))
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_PART = re.compile(r"([A-Z][a-z]{2})(?:-([A-Z][a-z]{2}))?((?:\s+\d{1,2}:\d{2}\s*-\s*\d{1,2}:\d{2})+)")
_STRETCH = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")


def read_hours(text: str, zone: str) -> Hours:
    """Reads "Mon-Fri 09:00-17:00", or "Mon-Thu 08:00-12:00 13:00-17:00, Fri 09:00-14:00". Raises ValueError with what is wrong. Pure."""
    week: list[tuple[tuple[time, time], ...]] = [()] * 7
    for part in filter(None, (p.strip() for p in text.split(","))):
        found = _PART.fullmatch(part)
        if not found or found[1] not in DAYS or (found[2] or "Mon") not in DAYS:
            raise ValueError(f"“{part}” is not like “Mon-Fri 09:00-17:00”")
        first, last = DAYS.index(found[1]), DAYS.index(found[2] or found[1])
        stretches = tuple(_stretch(m) for m in _STRETCH.finditer(found[3]))
        if last < first or any(a >= b for a, b in stretches) or any(x[1] > y[0] for x, y in pairwise(stretches)):
            raise ValueError(f"“{part}” runs backwards")
        week[first : last + 1] = [stretches] * (last + 1 - first)
    if not any(week):
        raise ValueError("no day has working hours")
    return Hours(zone=zone, week=tuple(week))


def _stretch(found: re.Match[str]) -> tuple[time, time]:
    """ValueError where a clock shows no such time."""
    return time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))


def hours_text(hours: Hours) -> str:
    """The same the other way round; days that are alike are taken together."""
    parts, day = list[str](), 0
    while day < 7:
        last = day
        while last < 6 and hours.week[last + 1] == hours.week[day]:
            last += 1
        if hours.week[day]:
            name = DAYS[day] if last == day else f"{DAYS[day]}-{DAYS[last]}"
            parts.append(" ".join([name, *(f"{a:%H:%M}-{b:%H:%M}" for a, b in hours.week[day])]))
        day = last + 1
    return ", ".join(parts)


async def told_hours(database: Database, team: str, people: list[str]) -> dict[str, Hours]:
    """What people told of their hours; nothing for those who told none."""
    table = tables.working_hours.c
    query = select(table.person, table.hours).where(table.team == team, table.person.in_(people))
    async with database.read() as tx:
        return {person: _HOURS.validate_json(hours) for person, hours in await tx.execute(query)}


async def keep_hours(database: Database, by: By, hours: Hours) -> None:
    """Notes what somebody told of their hours. Raises MeetingRefused for a zone that is none, and for more than can be meant."""
    if hours.zone not in await asyncio.to_thread(available_timezones):
        raise MeetingRefused("I do not know that time zone. Please give one such as Europe/Lisbon.")
    if len(hours.week) != 7 or any(len(day) > MOST_STRETCHES for day in hours.week) or len(hours.off) > MOST_OFF:
        raise MeetingRefused(f"A day has at most {MOST_STRETCHES} stretches of work, and a list {MOST_OFF} days off.")
    told = {"team": by.team, "person": by.person, "hours": _HOURS.dump_json(hours).decode(), "at": utcnow()}
    async with database.begin() as tx:
        await tx.execute(_KEEP, told)
