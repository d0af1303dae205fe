"""Finds slots: busy times in UTC against working hours in each person's zone, on a grid of 15 minutes, ranked and diverse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.meetings.values import Hint, Hours, Repeat, Slot, Span, Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Diary:
    """One attendee's time. `busy` is None where nobody could read their calendar: unknown, never free. `hours` None: theirs are not known, any will do."""

    id: str
    required: bool
    busy: tuple[Span, ...] | None
    hours: Hours | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What to look for. `window.exact` pins the start (it need not be on the grid). `buffer`: minutes that people keep free around meetings."""

    window: Window
    minutes: int
    now: datetime
    notice: int = 0  # minutes from now before which nothing begins
    buffer: int = 0
    repeat: Repeat | None = None
    occurrences: int = 8  # of a recurring meeting that are held against the diaries


@dataclass(frozen=True, slots=True)
class Found:
    """Slots, the best first, of `count` that there are. `stretched`: none lay within everybody's working hours, so these lie outside of somebody's."""

    slots: tuple[Slot, ...]
    count: int
    stretched: bool = False


def find(search: Search, diaries: Sequence[Diary], *, most: int = 3, skip: Sequence[datetime] = ()) -> Found:
    """The best slots, spread over days and times of day. `skip`: starts that were offered before."""
    raise NotImplementedError  # skeleton


def check(search: Search, diaries: Sequence[Diary]) -> Slot | None:
    """The slot at `search.window.exact` if every required attendee is free then (their hours aside: `outside` names for whom it is early or late); else None.

    Unknown calendars do not refuse it; `unknown` names them.
    """
    raise NotImplementedError  # skeleton


def explain(
    search: Search, diaries: Sequence[Diary], names: dict[str, str]
) -> tuple[tuple[str, ...], tuple[Hint, ...]]:
    """Why there is no slot, in sentences, and what would help (at most four hints, each tried: it yields a slot)."""
    raise NotImplementedError  # skeleton


def occurrences(start: datetime, repeat: Repeat | None, zone: str, most: int) -> list[datetime]:
    """The starts of the first occurrences, the first one included: by the clock of `zone`, so that 10:00 stays 10:00 when clocks change."""
    raise NotImplementedError  # skeleton
