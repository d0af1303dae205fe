"""What is looked after once a minute: reminders before meetings start, and how they stand in the calendar."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import structlog

from bot.errors import AssistError
from bot.meetings.events import event_of, join_link
from bot.meetings.scheduling import Scheduling
from bot.meetings.values import Meeting, minutes
from bot.models import utcnow

log = structlog.get_logger()

REMINDED_AT_ONCE, MOST_REMINDED = 50, 2_000  # in one round: at the full hour hundreds of meetings start
MOST_LOOKED_AT, LOOKED_AT_ONCE = 60, 5  # likewise
LOOK_SECONDS = (
    30.0  # for all that is asked in one round: a calendar that hangs must not hold up the next round's reminders
)
KEPT = timedelta(days=90)  # of past times
LOOKED_AHEAD, LOOKED_AFTER = timedelta(days=14), timedelta(minutes=5)


async def remind(scheduling: Scheduling, team: str) -> None:
    """Has everybody reminded of what starts within the set minutes, once for each occurrence."""
    if not scheduling.remind:
        return
    until = utcnow() + minutes(scheduling.remind)
    for _ in range(MOST_REMINDED // REMINDED_AT_ONCE):
        async with scheduling.database.read() as tx:
            due = await scheduling.register.starting(tx, team, until, REMINDED_AT_ONCE)
        reminded = [await _try_to_remind(scheduling, meeting, occurrence) for meeting, occurrence in due]
        if len(due) < REMINDED_AT_ONCE or not any(reminded):
            return


async def _try_to_remind(scheduling: Scheduling, meeting: Meeting, occurrence: datetime) -> bool:
    link = join_link(meeting, scheduling.link)
    try:
        async with scheduling.database.begin() as tx:
            await scheduling.register.remind(tx, meeting.team, meeting.number, occurrence, link)
    except AssistError as error:  # the others are reminded all the same
        log.warning("nobody reminded", meeting=meeting.number, error=type(error).__name__)
        return False
    log.info("reminded", meeting=meeting.number)
    return True


async def forget(scheduling: Scheduling, team: str) -> None:
    """Takes out when people were busy long ago: for a series these are most of the rows."""
    before = utcnow() - KEPT
    async with scheduling.database.read() as tx:
        if not await scheduling.register.was_busy(tx, team, before):
            return
    async with scheduling.database.begin() as tx:
        await scheduling.register.forget(tx, team, before)


async def look(scheduling: Scheduling, team: str, seconds: float = LOOK_SECONDS) -> None:
    """Asks the calendar how booked meetings of the next two weeks stand there: so many in each round, a few at once, those first that were not asked about for longest."""
    if not scheduling.calendar.external:
        return
    try:
        async with asyncio.timeout(seconds):
            for _ in range(MOST_LOOKED_AT // LOOKED_AT_ONCE):
                if not (meetings := await _next_to_look_at(scheduling, team)):
                    return
                await asyncio.gather(*(_try_to_look_at(scheduling, meeting) for meeting in meetings))
    except TimeoutError:
        log.warning("not all meetings looked at: the calendar is slow")


async def _next_to_look_at(scheduling: Scheduling, team: str) -> list[Meeting]:
    """They have had their turn, whatever comes of it: no more of them at a time than are asked about at once."""
    most = {"ahead": LOOKED_AHEAD, "after": LOOKED_AFTER}
    async with scheduling.database.begin() as tx:
        return await scheduling.register.to_look_at(tx, team, **most, most=LOOKED_AT_ONCE)


async def _try_to_look_at(scheduling: Scheduling, meeting: Meeting) -> None:
    try:
        await _look_at(scheduling, meeting)
    except Exception as error:  # whatever it is, the others are looked at all the same, and this one in a later round
        told = None if isinstance(error, AssistError) else error
        log.warning("meeting not looked at", meeting=meeting.number, error=type(error).__name__, exc_info=told)


async def _look_at(scheduling: Scheduling, meeting: Meeting) -> None:
    seen = await scheduling.calendar.look(event_of(meeting))
    async with scheduling.database.begin() as tx:
        await scheduling.register.seen(tx, meeting.team, meeting.number, seen, asked=meeting)
