"""Where one's next meetings are listed, there is the way to join them."""

from __future__ import annotations

import json
from dataclasses import replace

from bot.home import Tab
from bot.meetings.events import join_link
from bot.meetings.performing import MeetingsPerforming
from tests.meeting_desk import Desk, desk

__all__ = ["desk"]


async def test_an_online_meeting_is_listed_with_the_set_link(desk: Desk) -> None:
    scheduling = replace(desk.scheduling, link="https://meet.example.com/{id}")
    desk.performing = MeetingsPerforming(scheduling, desk.redis)
    meeting = await desk.booked(online=True)
    await desk.booked("15:00")
    await desk.meet("list")
    await desk.does("ana", "home")
    (words,) = await desk.said()
    tab = json.dumps(await Tab(scheduling.slack, desk.redis).sections(desk.id("ana")))
    link = f"<{join_link(meeting, scheduling.link)}|Join>"
    assert words.count(link) == words.count("|Join>") == 1
    assert tab.count(link) == tab.count("|Join>") == 1
