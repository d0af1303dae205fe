"""By whose clock a series recurs: that of the zone in which its time was said, also where it was asked which that is, or changed later."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from bot.meetings.register.times import spans
from bot.meetings.values import Repeat
from tests.meeting_desk import Desk, desk, entered, tuesday

__all__ = ["desk"]


async def test_a_series_recurs_by_the_clock_of_the_reading_that_was_picked(desk: Desk) -> None:
    await desk.meet("sync every Tuesday 3pm IST with @raj")
    asked = (await desk.meeting()).offer
    assert asked
    zones = [choice.window.zone for choice in asked.choices]
    assert len(set(zones)) > 1
    await desk.does("ana", "pick", number=1, version=1, index=len(zones) - 1)
    meeting = await desk.meeting()
    if meeting.state == "draft":
        assert meeting.offer
        start = meeting.offer.slots[0].start
        await desk.does("ana", "book", number=1, version=2, start=start.isoformat())
        meeting = await desk.meeting()
    assert (meeting.state, meeting.zone) == ("booked", zones[-1])


async def test_a_series_that_is_moved_to_a_time_of_another_zone_recurs_by_that_clock(desk: Desk) -> None:
    made = await desk.booked(repeat=Repeat("week"))
    view = await desk.form("move_form", number=1)
    words = f"{tuesday():%d %B %Y} 11am New York time"
    await desk.does("ana", "change", **entered(view, when=words))
    meeting = await desk.meeting()
    if meeting.offer:
        start = meeting.offer.slots[0].start
        await desk.does("ana", "book", number=1, version=meeting.version, start=start.isoformat())
        meeting = await desk.meeting()
    assert (made.zone, meeting.zone, meeting.sequence) == ("Europe/Berlin", "America/New_York", 1)
    there = {span.start.astimezone(ZoneInfo(meeting.zone)).time() for span in spans(meeting)}
    assert len(there) == 1, "the clock stays when clocks change"


async def test_a_single_meeting_is_shown_by_the_organizers_clock(desk: Desk) -> None:
    await desk.booked()
    view = await desk.form("move_form", number=1)
    await desk.does("ana", "change", **entered(view, when=f"{tuesday():%d %B %Y} 10am London time"))
    assert (await desk.meeting()).zone == "Europe/Berlin"
