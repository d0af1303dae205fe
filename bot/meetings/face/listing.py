"""The next meetings as a list in words, for `/meet list` and the Home tab. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from bot.blocks import SECTION, shown
from bot.meetings.face.cards import link
from bot.meetings.face.times import moment
from bot.meetings.values import Meeting, Span

DAYS = 14  # that the list looks ahead
LISTED = 20
NONE = "You have no meetings in the next two weeks. `/meet` arranges one."


def listing_text(upcoming: Sequence[tuple[Span, Meeting]], drafts: Sequence[Meeting] = ()) -> str:
    """A line for each occurrence, the next first, then what is being arranged; as many as one section holds."""
    if not upcoming and not drafts:
        return NONE
    lines = ["*Your next meetings*", *map(line, upcoming[:LISTED])] if upcoming else []
    lines += ["*Being arranged*", *map(draft_line, drafts[:LISTED])] if drafts else []
    told = len(lines)
    while len("\n".join(lines[:told])) > SECTION - 40:
        told -= 1
    more = len(lines) - told + max(0, len(upcoming) - LISTED) + max(0, len(drafts) - LISTED)
    return "\n".join([*lines[:told], *([f"… and {more} more"] if more else [])])


def line(occurrence: tuple[Span, Meeting]) -> str:
    """One occurrence: when, what, with how many, where to join."""
    span, meeting = occurrence
    people = sum(a.kind != "room" for a in meeting.attendees)
    count = "only you" if people == 1 else f"{people} people"
    parts = [moment(span.start, meeting.zone), f"*{shown(meeting.wish.title, 80) or 'Meeting'}*", meeting.name, count]
    return " · ".join([*parts, *filter(None, [link(meeting.link, "Join")])])


def draft_line(meeting: Meeting) -> str:
    """One that is being arranged."""
    wanted = shown(meeting.wish.window.text, 80) if meeting.wish.window else "no time yet"
    return f"*{shown(meeting.wish.title, 80) or 'Meeting'}* · {meeting.name} · {wanted or 'no time yet'}"
