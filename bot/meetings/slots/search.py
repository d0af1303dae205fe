"""What the engine is given and gives back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.meetings.slots.recurring import occurrences
from bot.meetings.values import Hours, Repeat, Slot, Span, Window
from bot.meetings.values import minutes as so_many

WIDEN_DAYS = 9  # as far behind the window's end as a hint reaches: five working days and the weekends among them


@dataclass(frozen=True, slots=True, kw_only=True)
class Diary:
    """One attendee's time. `busy` is None where nobody could read their calendar: unknown, never free. `hours` None: theirs are not known, any will do."""

    id: str
    required: bool
    busy: tuple[Span, ...] | None
    hours: Hours | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What to look for. `window.exact` pins the start (it need not be on the grid). `buffer`: minutes that people keep free around meetings.

    With `window.exact`, `window.span` is where another time may be: the caller makes it wider than the exact time, a day or some around it.
    """

    window: Window
    minutes: int
    now: datetime
    notice: int = 0  # minutes from now before which nothing begins
    buffer: int = 0
    repeat: Repeat | None = None
    occurrences: int = 8  # of a recurring meeting that are held against the diaries

    @property
    def earliest(self) -> datetime:
        """Nothing begins before this."""
        return self.now + so_many(self.notice)

    @property
    def reach(self) -> Span:
        """Within this the diaries have to know who is busy, for `find`, for `check`, and for `explain`, which tries later days too."""
        first = min(self.window.span.start, self.window.exact or self.window.span.start)
        last = max(self.window.span.end, self.window.exact or self.window.span.end) + timedelta(days=WIDEN_DAYS)
        around = so_many(self.minutes + self.buffer)
        return Span(first - around, occurrences(last, self.repeat, self.window.zone, self.occurrences)[-1] + around)


@dataclass(frozen=True, slots=True)
class Found:
    """Slots, the best first, of `count` that there are, those left out that were to be skipped: there are more while `count` is more than `slots` has.

    `stretched`: none lay within everybody's working hours, so these lie outside of somebody's.
    """

    slots: tuple[Slot, ...]
    count: int
    stretched: bool = False
