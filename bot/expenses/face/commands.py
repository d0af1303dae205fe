"""What follows `/expenses`. Pure."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from bot.expenses.face import buttons

USAGE = (
    "*/expenses list* shows your expenses and reports; *list november*, *list 2026-11* or *list 2026-11-01 2026-11-15* those of some days.\n"
    "*/expenses new* opens a form. For a receipt just send me its photo or PDF.\n"
    "*/expenses report* puts all that is ready into a new report; *report R-3* shows one."
)
_MONTHS = {name.casefold(): n for names in (calendar.month_name, calendar.month_abbr) for n, name in enumerate(names)}
_MONTH = re.compile(r"(\d{4})-(\d{1,2})")


@dataclass(frozen=True, slots=True)
class Command:
    """What is wanted. `since` and `until` belong to "list" (None: no bound), `report` to "show"."""

    do: Literal["list", "new", "report", "show", "help"]
    since: date | None = None
    until: date | None = None
    report: str = ""


def read_command(text: str, today: date) -> Command:
    """What somebody wrote behind the command; "help" for what cannot be read."""
    match text.casefold().split():
        case [] | ["list"]:
            return Command("list")
        case ["new"]:
            return Command("new")
        case ["report"]:
            return Command("report")
        case ["report", name]:
            return _shown(name)
        case ["list", *when]:
            days = _days(when, today)
            return Command("list", *days) if days else Command("help")
    return Command("help")


def _shown(name: str) -> Command:
    try:
        about = buttons.subject(name)
    except ValueError:
        return Command("help")
    return Command("show", report=about.name) if about.kind == "R" and not about.version else Command("help")


def _days(words: list[str], today: date) -> tuple[date, date] | None:
    """The days of a month ("november", "nov 2025", "2026-11", "this month", "last month") or from one day to another."""
    try:
        match words:
            case ["this", "month"]:
                return _month(today.year, today.month)
            case ["last", "month"]:
                before = today.replace(day=1) - timedelta(days=1)
                return _month(before.year, before.month)
            case [name] if name in _MONTHS:  # the last one of that name
                month = _MONTHS[name]
                return _month(today.year - (month > today.month), month)
            case [name, year] if name in _MONTHS:
                return _month(int(year), _MONTHS[name])
            case [name] if found := _MONTH.fullmatch(name):
                return _month(int(found[1]), int(found[2]))
            case [since, until]:
                days = date.fromisoformat(since), date.fromisoformat(until)
                return days if days[0] <= days[1] else None
    except (ValueError, OverflowError):
        return None
    return None


def _month(year: int, month: int) -> tuple[date, date]:
    return date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1])
