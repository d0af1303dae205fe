"""Which days a symbolic day may be, seen from a moment. More than one where people's readings diverge, the likelier first. Pure."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from bot.meetings.values import Hours
from bot.meetings.when.reading import Day

NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
WORKING_DAYS = 5  # of the window where no day was said
RECENT = 60  # days: a date without a year that went by in them was more likely mistaken than meant for the next year


@dataclass(frozen=True, slots=True)
class Refused:
    """The text says what is wrong with it and what to do: "That was yesterday. …"."""

    text: str


@dataclass(frozen=True, slots=True)
class Days:
    """From the `first` to the `last` day. `sure` is off where it has to be asked even though no other reading is left; `note` tells what does not fit."""

    first: date
    last: date
    sure: bool = True
    note: str = ""


Found = tuple[Days, ...] | Refused


def find_days(day: Day, at: datetime, hours: Hours) -> Found:
    """The readings of `day` at the moment `at`, by its own clock. Days that have gone by are among them: the caller knows the time of day."""
    if problem := _nonsense(day):
        return Refused(problem)
    try:
        found = _KINDS[day.kind](day, at, hours)
    except (OverflowError, ValueError):  # beyond what a calendar can say
        return Refused("That is too far away. Please name a day within the next two years.")
    if isinstance(found, Refused) or day.weekday is None or day.kind not in ("date", "numeric", "offset"):
        return found
    return _on_weekday(found, day.weekday, at.date())


def working_days(first: date, hours: Hours) -> Iterator[date]:
    """The working days from that one on, for two years; each day where none is known."""
    known = any(hours.week)
    for n in range(731):
        day = first + timedelta(days=n)
        if not known or (hours.week[day.weekday()] and day not in hours.off):
            yield day


def day_name(day: date) -> str:
    """Such as "Wed 25 Nov"."""
    return f"{NAMES[day.weekday()][:3]} {day.day} {MONTHS[day.month - 1][:3]}"


def dated(day: date) -> str:
    """Such as "Wed 25 Nov 2026"."""
    return f"{day_name(day)} {day.year}"


def _nonsense(day: Day) -> str:
    """What no calendar has, in words."""
    if day.weekday is not None and day.weekday not in range(7):
        return "I did not understand the weekday. Please name it, such as “Tuesday”."
    if day.month is not None and day.month not in range(1, 13):
        return f"There is no month {day.month}. Please write the date like “25 November”."
    if day.day is not None and day.day not in range(1, 32):
        return f"No month has a day {day.day}. Please write the date like “25 November”."
    if abs(day.count or 0) > 1000 or abs(day.week or 0) > 110 or not 0 <= (day.year or 2000) < 9000:
        return "That is too far away. Please name a day within the next two years."
    return ""


def _one(day: date) -> tuple[Days, ...]:
    return (Days(day, day),)


def _each(*days: date) -> tuple[Days, ...]:
    return tuple(Days(d, d) for d in dict.fromkeys(days))


def _any(_day: Day, at: datetime, hours: Hours) -> Found:
    """The next five working days; today is one of them as long as work is not over."""
    today = hours.week[at.weekday()]
    over = bool(today) and at.time() >= max(end for _, end in today)
    days = working_days(at.date() + timedelta(days=over), hours)
    last = at.date() + timedelta(days=7)
    for _, last in zip(range(WORKING_DAYS), days, strict=False):  # noqa: B007 - the last of them is used
        pass
    return (Days(at.date(), last),)


def _date(day: Day, at: datetime, _hours: Hours) -> Found:
    today = at.date()
    if day.day is None:
        return Refused("I did not understand the date. Please write it like “25 November”.")
    if day.month is None:
        return _day_of_month(day.day, day, today)
    if day.year is not None:
        if day.day > monthrange(day.year, day.month)[1]:
            return Refused(_no_such_day(day.day, day.month, day.year))
        return _one(date(day.year, day.month, day.day))
    year = today.year + ((day.month, day.day) < (today.month, today.day))
    if day.day > monthrange(year, day.month)[1]:
        return Refused(_no_such_day(day.day, day.month, year))
    found = date(year, day.month, day.day)
    if year > today.year and day.day <= monthrange(today.year, day.month)[1]:
        gone = date(today.year, day.month, day.day)
        if day.weekday == gone.weekday():
            return _one(gone)
        if today - gone <= timedelta(days=RECENT) and day.weekday != found.weekday():
            return (Days(found, found, sure=False, note=f"{dated(gone)} has gone by."),)
    return _one(found)


def _day_of_month(number: int, day: Day, today: date) -> Found:
    if day.relation or day.year is not None:
        first = _month_of(replace(day, kind="month"), today)
        if number > monthrange(first.year, first.month)[1]:
            return Refused(_no_such_day(number, first.month, first.year))
        return _one(first.replace(day=number))
    month = today.replace(day=1)
    while number > monthrange(month.year, month.month)[1] or month.replace(day=number) < today:
        month = _months_on(month, 1)
    return _one(month.replace(day=number))


def _no_such_day(day: int, month: int, year: int) -> str:
    return f"There is no {day} {MONTHS[month - 1]} in {year}. Please name another date."


def _numeric(day: Day, at: datetime, hours: Hours) -> Found:
    """For "03/04": the day first or the month first; a reading that no calendar has or that has gone by is none."""
    if day.first is None or day.second is None:
        return Refused("I did not understand the date. Please write it like “25 November”.")
    found, problem = list[Days](), ""
    for number, month in dict.fromkeys(((day.first, day.second), (day.second, day.first))):
        this = replace(day, kind="date", day=number, month=month)
        problem_here = _nonsense(this)
        answer = Refused(problem_here) if problem_here else _date(this, at, hours)
        if isinstance(answer, Refused):
            problem = problem or answer.text
        else:
            found += answer
    ahead = [d for d in found if d.last >= at.date() and d.sure] or found
    return tuple(sorted(ahead, key=lambda d: d.first)) or Refused(problem)


def _weekday(day: Day, at: datetime, _hours: Hours) -> Found:
    today, wanted = at.date(), day.weekday
    if wanted is None:
        return Refused("I did not understand the weekday. Please name it, such as “Tuesday”.")
    ahead = (wanted - today.weekday()) % 7
    after = timedelta(days=ahead or 7)  # the first one after today
    if day.week is not None:
        return _each(*(_in_week(today, wanted, day.week, start) for start in (0, 6)))
    if day.count is not None and day.unit == "week":
        weeks = timedelta(weeks=day.count)
        return _each(today + timedelta(days=ahead) + weeks, today + after + weeks)
    if day.relation == "last":
        return _one(today + after - timedelta(weeks=1) - timedelta(weeks=not ahead))
    if day.relation == "this":
        gone = _in_week(today, wanted, 0, 0)
        if ahead and gone < today and today.weekday() != 6:
            return (Days(today + after, today + after, sure=False, note=f"{dated(gone)} has gone by."),)
        return _one(today + timedelta(days=ahead))
    if day.relation in ("next", "after_next"):
        more = timedelta(weeks=day.relation == "after_next")
        readings = (today + after, *(_in_week(today, wanted, 1, start) for start in (0, 6)))
        return _each(*sorted(r + more for r in readings))
    return _one(today + after) if ahead else _each(today, today + after)


def _in_week(today: date, weekday: int, week: int, start: int) -> date:
    """That weekday of this (0) or a later week, where weeks begin on the weekday `start`: people differ about Sundays."""
    first = today - timedelta(days=(today.weekday() - start) % 7)
    return first + timedelta(days=(weekday - start) % 7, weeks=week)


def _offset(day: Day, at: datetime, hours: Hours) -> Found:
    today, count = at.date(), day.count or 0
    if day.unit == "month":
        first = _months_on(today.replace(day=1), count)
        return _one(first.replace(day=min(today.day, monthrange(first.year, first.month)[1])))
    if day.unit == "workday" and count > 0:
        for n, found in enumerate(working_days(today + timedelta(days=1), hours), 1):
            if n == count:
                return _one(found)
        return Refused("There are not so many working days ahead. Please name a date.")
    return _one(today + timedelta(days=count * (7 if day.unit == "week" else 1)))


def _nth(day: Day, at: datetime, hours: Hours) -> Found:
    today, nth = at.date(), day.nth
    if nth is None or nth not in (-1, 1, 2, 3, 4, 5):
        return Refused("I did not understand which day of the month. Please write it like “first Monday of March”.")
    month = _month_of(day, today)
    found = _nth_of(month, day, hours)
    said = day.year is not None or (day.relation not in ("", "this"))
    if found and (said or found >= today):
        return _one(found)
    if said:
        return Refused(f"{MONTHS[month.month - 1]} {month.year} has no such day. Please name a date.")
    later = _nth_of(_months_on(month, 12 if day.month else 1), day, hours)
    if not later:
        return Refused("There is no such day next time. Please name a date.")
    recent = found and (day.relation == "this" or (day.month and today - found <= timedelta(days=RECENT)))
    return (Days(later, later, sure=False, note=f"{dated(found)} has gone by."),) if found and recent else _one(later)


def _nth_of(month: date, day: Day, hours: Hours) -> date | None:
    days = [month.replace(day=n) for n in range(1, monthrange(month.year, month.month)[1] + 1)]
    if day.weekday is not None:
        days = [d for d in days if d.weekday() == day.weekday]
    elif day.unit == "workday":
        days = [d for d in days if not any(hours.week) or (hours.week[d.weekday()] and d not in hours.off)]
    at = -1 if day.nth == -1 else (day.nth or 1) - 1
    return days[at] if at < len(days) and days else None


def _week(day: Day, at: datetime, hours: Hours) -> Found:
    today = at.date()
    if day.day is not None:
        found = _date(replace(day, kind="date"), at, hours)
        return found if isinstance(found, Refused) else tuple(_part_of_week(d.first, day, d) for d in found)
    relations = {"this": 0, "next": 1, "after_next": 2, "last": -1}
    count = relations.get(day.relation, day.count if day.week is None else day.week) or 0
    if today.weekday() == 6 and count >= 0:  # the week that ends today, or the one that begins?
        starts = (today + timedelta(days=1, weeks=count - 1), today + timedelta(days=1, weeks=count))
        return tuple(_part_of_week(s, day) for s in (starts if count else starts[::-1]))
    weeks = (count - 1, count) if day.part == "weekend" and count == 1 and today.weekday() < 5 else (count,)
    return tuple(_part_of_week(today + timedelta(weeks=w), day) for w in weeks)


def _part_of_week(inside: date, day: Day, like: Days | None = None) -> Days:
    monday = inside - timedelta(days=inside.weekday())
    first, last = {"early": (0, 1), "mid": (1, 3), "late": (3, 4), "weekend": (5, 6)}.get(day.part, (0, 6))
    days = Days(monday + timedelta(days=first), monday + timedelta(days=last))
    return replace(days, sure=like.sure, note=like.note) if like else days


def _month(day: Day, at: datetime, _hours: Hours) -> Found:
    month = _month_of(day, at.date())
    length = monthrange(month.year, month.month)[1]
    first, last = {"early": (1, 10), "mid": (11, 20), "late": (21, length)}.get(day.part, (1, length))
    return (Days(month.replace(day=first), month.replace(day=last)),)


def _month_of(day: Day, today: date) -> date:
    """The first of the month that was said."""
    this = today.replace(day=1)
    if day.month is None:
        relations = {"this": 0, "next": 1, "after_next": 2, "last": -1}
        month = _months_on(this, relations.get(day.relation, (day.count or 0) if day.kind == "month" else 0))
        return month.replace(year=day.year) if day.year else month
    if day.year is not None:
        return date(day.year, day.month, 1)
    return date(today.year + (day.month < today.month), day.month, 1)


def _months_on(first: date, months: int) -> date:
    years, month = divmod(first.month - 1 + months, 12)
    return date(first.year + years, month + 1, 1)


def _on_weekday(found: tuple[Days, ...], weekday: int, today: date) -> Found:
    """Keeps the days that are that weekday. Where none is, one of the two was mistaken: the date, or the nearest such weekday."""
    fitting = tuple(d for d in found if d.first.weekday() == weekday)
    if fitting:
        return fitting
    day = found[0].first
    days = ((weekday - day.weekday() + 3) % 7) - 3
    near = day + timedelta(days=days)
    note = f"{dated(day)} is a {NAMES[day.weekday()]}, not a {NAMES[weekday]}."
    if max(day, near) < today:
        return Refused(f"{note} It has gone by, too. Please name another date.")
    return tuple(Days(d, d, sure=False, note=note) for d in (day, near))


_KINDS: dict[str, Callable[[Day, datetime, Hours], Found]] = {
    "any": _any,
    "date": _date,
    "numeric": _numeric,
    "weekday": _weekday,
    "offset": _offset,
    "nth": _nth,
    "week": _week,
    "month": _month,
}
