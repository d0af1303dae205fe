"""From a symbolic reading to a window of time: for somebody, now. Asks where people's readings diverge; refuses what cannot be. Never guesses in silence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.meetings.values import Choice, Hours, Window
from bot.meetings.when.reading import Reading


@dataclass(frozen=True, slots=True)
class Asks:
    """Which was meant? Two readings (at most four) that people differ about, the likelier one first."""

    question: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """The text says what is wrong with it and what to do: "That was yesterday. …"."""

    text: str


def resolve(reading: Reading, now: datetime, hours: Hours) -> Window | Asks | Refused:
    """What the reading means at `now` (aware) for an organizer with these hours, whose `zone` counts unless the reading names one."""
    raise NotImplementedError  # skeleton
