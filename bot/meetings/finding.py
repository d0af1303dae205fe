"""Finds times for a wish: asks the calendars and the register who is busy, and the engine which slots are best."""

from __future__ import annotations

from datetime import datetime

from bot.meetings.scheduling import Scheduling
from bot.meetings.values import By, Meeting, Offer, Slot, Wish


async def find_offer(
    scheduling: Scheduling, by: By, wish: Wish, *, but: Meeting | None = None, before: Offer | None = None
) -> Offer:
    """Slots for a wish that has a window; or why there are none, and what would help. `but`: a booked meeting that is to be moved, which does not stand in
    its own way. `before`: what was offered already ("More times"). A calendar that cannot be asked makes its people unknown, and the offer says so.
    """
    raise NotImplementedError  # skeleton


async def look_again(
    scheduling: Scheduling,
    by: By,
    wish: Wish,
    start: datetime,
    *,
    but: Meeting | None = None,
    offered: Slot | None = None,
) -> Slot | None:
    """Asks the calendars now whether the wish can begin at `start`: the last look before a meeting is booked. None where a required attendee is busy.

    Raises MeetingRefused where the start is past; Retryable where a calendar that could be asked when the slot was offered cannot be asked now.
    """
    raise NotImplementedError  # skeleton
