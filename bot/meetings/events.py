"""A meeting as calendars and mails are told of it. Pure."""

from __future__ import annotations

import hashlib

from bot.meetings.calendars.calendar import Event
from bot.meetings.values import Meeting


def event_of(meeting: Meeting, link: str = "") -> Event:
    """The event of a meeting that has, or had, a time. `link`: where to join it, unless the calendar has said so. Raises ValueError for one without a time."""
    if meeting.start is None or meeting.end is None:
        raise ValueError(f"{meeting.name} has no time")
    return Event(
        uid=meeting.uid,
        sequence=meeting.sequence,
        title=meeting.wish.title,
        description=meeting.wish.description,
        start=meeting.start,
        end=meeting.end,
        zone=meeting.zone,
        repeat=meeting.wish.repeat,
        attendees=meeting.attendees,
        online=meeting.wish.online,
        link=meeting.link or link,
        ref=meeting.ref,
        changed_at=meeting.changed_at,
    )


def join_link(meeting: Meeting, template: str) -> str:
    """Where an online meeting is held: as the calendar says, else MEETINGS_LINK's place for it, whose name nobody can guess from the meeting's number."""
    if meeting.link or not meeting.wish.online:
        return meeting.link
    return template.replace("{id}", hashlib.sha256(meeting.uid.encode()).hexdigest()[:20])
