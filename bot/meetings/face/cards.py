"""The cards of meetings. Pure. Times are Slack's dates: each reader sees them in their own zone."""

from __future__ import annotations

from bot.blocks import Card
from bot.meetings.values import Meeting


def draft_card(meeting: Meeting) -> Card:
    """For its organizer, or for a thread: the question, the slots with everybody's local time, or why there is none and what would help."""
    raise NotImplementedError  # skeleton


def meeting_card(meeting: Meeting, viewer: str) -> Card:
    """A booked, cancelled or failed meeting as one of its people sees it; `viewer` "" for a thread. Only the organizer's has Reschedule and Cancel; in a thread they are there, and refused to others."""
    raise NotImplementedError  # skeleton
