"""What is looked after once a minute: reminders before meetings start, and how they stand in the calendar."""

from __future__ import annotations

from bot.meetings.scheduling import Scheduling


async def remind(scheduling: Scheduling, team: str) -> None:
    """Has everybody reminded of what starts within the set minutes, once for each occurrence."""
    # skeleton


async def look(scheduling: Scheduling, team: str) -> None:
    """Asks the calendar how booked meetings of the next two weeks stand there: a few in each round, those first that were not asked about for longest."""
    # skeleton
