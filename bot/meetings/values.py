"""The frozen values of meetings, of people's time, and of what is offered. Times are aware and in UTC unless a name says otherwise. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal

MeetingState = Literal["draft", "booked", "cancelled", "dropped", "failed"]
# draft: being arranged, only its organizer sees it · booked: decided; `entered` tells whether the calendar has it · cancelled: was booked, all are told
# dropped: a draft that was given up · failed: the calendar refused it for good, `problem` says why
Answer = Literal["", "accepted", "tentative", "declined"]
Kind = Literal["member", "guest", "room"]
ANSWERS: tuple[Answer, ...] = ("accepted", "tentative", "declined")

MOST_ATTENDEES = 200
SHORTEST, LONGEST, USUAL = 5, 24 * 60, 30  # minutes of a meeting
GRID = 15  # minutes


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """From `start` until before `end`."""

    start: datetime
    end: datetime

    def overlaps(self, other: Span) -> bool:
        """Whether they share an instant; those that touch do not."""
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class Attendee:
    """Somebody who takes part, the organizer too; or a room.

    `id` is Slack's for members; for all others their address in lower case. Without `email` there is no invitation, and their calendar is not known
    to any calendar but the local one. `zone` is an IANA name, "" where none is known. `untold`: the answer was given here, and the calendar is to be told.
    """

    id: str
    name: str
    email: str = ""
    zone: str = ""
    required: bool = True
    kind: Kind = "member"
    answer: Answer = ""
    untold: bool = False


@dataclass(frozen=True, slots=True)
class Repeat:
    """How a meeting recurs: every `interval` days, weeks or months, `count` times; without a count for ever.

    Monthly means the same weekday of the month (the second Tuesday; a fifth one means the last), since a day's number may fall on a Sunday.
    """

    unit: Literal["day", "week", "month"]
    interval: int = 1
    count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """When somebody works: for each weekday from Monday the stretches of the local day, and days off. `zone` is an IANA name."""

    zone: str
    week: tuple[tuple[tuple[time, time], ...], ...]  # seven
    off: frozenset[date] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """When a meeting may be, as code has read it: within `span`, on each day from `day_from` until `day_until` by the clock of `zone`.

    `exact` is its start where one was named; `text` says it with weekday, date and zone, for people ("Tue 24 Nov 2026, 14:00 Europe/Lisbon").
    """

    span: Span
    zone: str
    exact: datetime | None = None
    day_from: time = time(0)
    day_until: time | None = None  # None: until the day's end
    without: frozenset[int] = frozenset()  # weekdays that are out of the question, from 0 for Monday
    text: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the readings of an ambiguous time, as a button says it: "Wed 25 Nov"."""

    label: str
    window: Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be arranged. `attendees` has the organizer first. `window` is None while it is asked which was meant."""

    title: str
    attendees: tuple[Attendee, ...]
    minutes: int = USUAL
    window: Window | None = None
    repeat: Repeat | None = None
    online: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A time that is offered. `reasons` are short words for people ("everyone is free"); the tuples hold ids of attendees.

    `missing`: optional ones who cannot; `unknown`: whose calendar nobody could read; `outside`: for whom it is outside of working hours.
    """

    start: datetime
    end: datetime
    score: float = 0.0
    reasons: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """What would help where no slot was found, as a button says it, and the change of the wish: exactly one of the fields."""

    label: str  # "Without Raj", "30 minutes", "Until Fri 27 Nov"
    without: str = ""  # an attendee's id
    minutes: int = 0
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What the organizer is asked: which day was meant (`choices`), which slot (`slots`), or what to change (`why`, `hints`)."""

    question: str = ""
    choices: tuple[Choice, ...] = ()
    slots: tuple[Slot, ...] = ()
    why: tuple[str, ...] = ()  # sentences
    hints: tuple[Hint, ...] = ()
    page: int = 0  # how often "More times" was pressed
    more: bool = False  # whether there are more than these


@dataclass(frozen=True, slots=True)
class Place:
    """Where a meeting was asked for: a thread of a channel whose readers may see it, else "" for the organizer's direct messages."""

    channel: str = ""
    thread: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """A meeting as the register keeps it, from the first draft on. `version` grows with each change, `sequence` (RFC 5545) with each that attendees must hear of.

    `start`, `end`: of the first occurrence; None while it is a draft. `zone` is the organizer's, by whose clock it recurs. `offer` stands on a draft, or on
    a booked meeting that is to be moved. `entered` is the sequence that the calendar has, -1 for none yet. `ref`, `page` and `link` come from the
    calendar: its name for the event, where to open it, where to join. `at_once`: booked without a press, so that Undo is offered.
    """

    team: str
    number: int
    uid: str
    organizer: str
    state: MeetingState
    version: int
    sequence: int
    wish: Wish
    offer: Offer | None
    start: datetime | None
    end: datetime | None
    zone: str
    place: Place
    entered: int
    ref: str
    page: str
    link: str
    problem: str
    at_once: bool
    reminded_at: datetime | None
    created_at: datetime
    changed_at: datetime

    @property
    def name(self) -> str:
        """What people call it."""
        return f"M-{self.number}"

    @property
    def attendees(self) -> tuple[Attendee, ...]:
        """All who take part, the organizer first."""
        return self.wish.attendees

    @property
    def span(self) -> Span | None:
        """Its time, once it has one."""
        return Span(self.start, self.end) if self.start and self.end else None


Busy = Mapping[str, tuple[Span, ...] | None]  # by attendee; None where nobody could tell: unknown, never free


def minutes(count: int) -> timedelta:
    """So many minutes."""
    return timedelta(minutes=count)
