"""When a meeting takes place: its occurrences, and when it is over. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.meetings.slots.engine import occurrences
from bot.meetings.values import LONGEST, Meeting, Span, minutes

MOST_OCCURRENCES = 100  # that keep people busy
LONGEST_KEPT = minutes(
    LONGEST
)  # nobody is kept busy for longer by one occurrence: so the index finds those that reach into a time
AHEAD = timedelta(days=2 * 366)


def spans(meeting: Meeting) -> list[Span]:
    """The first occurrences of a meeting that has a time."""
    return [] if meeting.span is None else spans_of(meeting, meeting.span, MOST_OCCURRENCES)


def spans_of(meeting: Meeting, first: Span, most: int) -> list[Span]:
    """The first occurrences, were it to begin with `first`."""
    if meeting.wish.repeat is None:
        starts = [first.start]
    else:
        starts = occurrences(first.start, meeting.wish.repeat, meeting.zone, most)
    return [Span(start, start + (first.end - first.start)) for start in starts]


def is_over(meeting: Meeting, now: datetime) -> bool:
    """Whether its last occurrence has ended; a series without a count has none."""
    repeat = meeting.wish.repeat
    if meeting.span is None or meeting.span.end > now or (repeat and repeat.count is None):
        return False
    return spans_of(meeting, meeting.span, (repeat and repeat.count) or 1)[-1].end <= now
