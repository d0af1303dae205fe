"""How long the slot engine takes: `python -m bench.slots`. Nothing but computing; the machine should be idle.

So many people with 60 busy times each over four weeks, and hours of their own. All are required, so that few slots are left; or all but the organizer
are optional, so that many have to be scored.
"""

from __future__ import annotations

import random
import statistics
import time as clock
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta

from bot.meetings.slots.engine import Diary, Search, explain, find
from bot.meetings.values import Hours, Repeat, Span, Window, minutes

NEAR = ("Europe/Lisbon", "Europe/Berlin")
APART = ("Europe/Lisbon", "America/Los_Angeles")  # no hour at which both work
WORLD = (*NEAR, *APART, "Asia/Kolkata", "Asia/Kathmandu", "Australia/Sydney", "Pacific/Auckland")
START = datetime(2026, 11, 23, tzinfo=UTC)
PEOPLE, WEEKS, BUSY, TIMES = 200, 4, 60, 15
_THURSDAY = 3


def diaries(people: int, *, zones: tuple[str, ...], required: bool, weeks: int = WEEKS) -> list[Diary]:
    """People with full calendars, each with hours and days off of their own. Where all are required nobody has anything on Thursdays."""
    chance = random.Random(7)  # noqa: S311 - the same calendars at each run
    found = []
    for n in range(people):
        busy = []
        for _ in range(BUSY * weeks // WEEKS):
            begin = START + minutes(15 * chance.randrange(weeks * 7 * 96))
            if required and begin.weekday() == _THURSDAY:
                begin += timedelta(days=1)
            busy.append(Span(begin, begin + minutes(15 * chance.randint(1, 8))))
        opens = time(8, 5 * (n % 12))
        hours = Hours(
            zone=zones[n % len(zones)],
            week=(((opens, time(12)), (time(12, 30), time(17, 5 * (n % 11)))),) * 5 + ((),) * 2,
            off=frozenset({date(2026, 12, 1) + timedelta(days=n % 14)}),
        )
        found.append(Diary(id=f"U{n}", required=required or not n, busy=tuple(busy), hours=hours))
    return found


def search(repeat: Repeat | None = None) -> Search:
    """A meeting of half an hour, in the next four weeks."""
    window = Window(span=Span(START, START + timedelta(weeks=WEEKS)), zone="Europe/Lisbon")
    return Search(window=window, minutes=30, now=START, notice=15, buffer=5, repeat=repeat)


def measure(what: str, job: Callable[[], object], times: int) -> float:
    """Prints the median and the slowest of some runs in milliseconds; returns the median."""
    taken = []
    for _ in range(times):
        began = clock.perf_counter()
        job()
        taken.append((clock.perf_counter() - began) * 1000)
    print(f"| {what} | {statistics.median(taken):.0f} | {max(taken):.0f} |", flush=True)
    return statistics.median(taken)


def main(people: int = PEOPLE, times: int = TIMES) -> dict[str, float]:
    """Prints the table; returns the medians."""
    near, apart, far = (diaries(people, zones=zones, required=True) for zones in (NEAR, APART, WORLD))
    optional = diaries(people, zones=WORLD, required=False)
    long = diaries(people, zones=NEAR, required=True, weeks=12)
    names = {d.id: d.id for d in far}
    print(f"{people} people, {WEEKS} weeks, {BUSY} busy times each\n\n| what | median ms | slowest ms |\n|---|---|---|")
    jobs: dict[str, Callable[[], object]] = {
        "find, all required": lambda: find(search(), near),
        "find, hours that do not meet": lambda: find(search(), apart),
        "find, around the world: none": lambda: find(search(), far),
        "find, all but one optional": lambda: find(search(), optional),
        "find, weekly, the first 8 (12 weeks of busy times)": lambda: find(search(Repeat("week")), long),
        "explain, none": lambda: explain(search(), far, names),
    }
    return {what: measure(what, job, times) for what, job in jobs.items()}


if __name__ == "__main__":
    main()
