"""From what was asked for to a draft, or a booked meeting: what tools, `/meet` and forms have in common.

In two steps: `prepare` asks whom it must, outside of any transaction; `carry_out` writes, inside of one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.meetings.scheduling import Scheduling
from bot.meetings.values import By, Meeting, Offer, Place, Repeat, Wish
from bot.meetings.when.reading import Reading
from bot.meetings.when.request import Called


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked for, by whatever way. `said` are the words about time, where there are any: code reads them too, and what reads differently is asked."""

    title: str
    people: Sequence[Called]
    minutes: int | None
    reading: Reading
    said: str = ""
    repeat: Repeat | None = None
    online: bool = False
    description: str = ""
    may_book: bool = False  # an explicit time that suits everybody is booked at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What will be written: a wish with an offer, or with a start that was found free (`book`)."""

    wish: Wish
    offer: Offer | None
    book: datetime | None
    zone: str


async def prepare(scheduling: Scheduling, by: By, asked: Asked, now: datetime) -> Prepared:
    """Resolves words and people, looks for times. Raises MeetingRefused (no such person, zero minutes, in the past, …) and Retryable."""
    raise NotImplementedError  # skeleton


async def prepare_move(
    scheduling: Scheduling, by: By, meeting: Meeting, reading: Reading, said: str, minutes: int | None, now: datetime
) -> Prepared:
    """The same for a booked meeting that is to be moved, or a draft whose time is to be changed. Only its organizer's."""
    raise NotImplementedError  # skeleton


async def carry_out(
    scheduling: Scheduling,
    tx: AsyncConnection,
    by: By,
    prepared: Prepared,
    place: Place,
    meeting: Meeting | None = None,
) -> Meeting:
    """Writes it: a new meeting, or the change of `meeting` (refused where its version has changed). Where somebody was quicker, a draft is left instead of a booked meeting."""
    raise NotImplementedError  # skeleton
