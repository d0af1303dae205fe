"""What people are told of changes of meetings: mrkdwn, with what people wrote escaped. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from bot.meetings.values import Attendee, Meeting
from bot.mrkdwn import escaped

MOST_NAMES = 3
_LINK = re.compile(r"https?://[^\s<>|]+")


def called(attendee: Attendee) -> str:
    """Somebody's name, or a room's."""
    return f"<@{attendee.id}>" if attendee.kind == "member" else escaped(attendee.name or attendee.id)


def titled(meeting: Meeting) -> str:
    """Its title."""
    return f"*{escaped(meeting.wish.title)}*"


def at(when: datetime | None) -> str:
    """A time that each reader sees in their own zone."""
    return _date(when, "{date_long}, {time}", "%a %d %b %Y, %H:%M UTC")


def clock(when: datetime) -> str:
    """The same without its day."""
    return _date(when, "{time}", "%H:%M UTC")


def _date(when: datetime | None, form: str, plain: str) -> str:
    if when is None:
        return "a day that is not known"
    return f"<!date^{int(when.timestamp())}^{form}|{when.astimezone(UTC).strftime(plain)}>"


def taken(who: Sequence[Attendee], when: datetime) -> str:
    """Why a meeting cannot be booked then: required attendees have another one."""
    return f"{_are(who)} not free any more on {at(when)}. Please choose another time."


def cannot_join(meeting: Meeting, who: Sequence[Attendee], when: datetime) -> str:
    """Why people cannot be added: they have another meeting then, or their calendars say that they are busy."""
    others = "" if all(a.kind == "room" for a in who) else "add them as optional, or "
    return (
        f"{_are(who)} not free on {at(when)}, so nothing was changed. You can {others}reschedule {meeting.name} first."
    )


def _are(who: Sequence[Attendee]) -> str:
    names = [called(a) for a in who[:MOST_NAMES]]
    more = len(who) - len(names)
    said = ", ".join(names) + (f" and {more} more" if more > 0 else "")
    return f"{said} {'are' if len(who) > 1 else 'is'}"


def moved(meeting: Meeting, by: str) -> str:
    """`by`: a person's id; "" for the calendar."""
    if not by:
        return f"{titled(meeting)} was moved to {at(meeting.start)}, in the calendar."
    return f"{titled(meeting)} was moved to {at(meeting.start)} by <@{by}>. Can you come then?"


def removed(meeting: Meeting, by: str) -> str:
    """For who does not take part any more; `meeting` as they knew it."""
    return f"<@{by}> took you out of {titled(meeting)} on {at(meeting.start)}: you need not come."


def invited_again(meeting: Meeting, by: str) -> str:
    """For who had been taken out: their card is an old message, of which Slack tells nothing."""
    return f"<@{by}> invites you again to {titled(meeting)} on {at(meeting.start)}. Can you come?"


def cancelled(meeting: Meeting, by: str) -> str:
    """`by`: a person's id; "" for the calendar."""
    who = f"by <@{by}>" if by else "in the calendar"
    return f"{titled(meeting)} on {at(meeting.start)} was cancelled {who}."


def declined(meeting: Meeting, attendee: Attendee) -> str:
    """For the organizer."""
    return f"{called(attendee)} cannot come to {titled(meeting)} on {at(meeting.start)}."


def failed(meeting: Meeting, problem: str) -> str:
    """For the organizer. `problem` is a word for people."""
    return (
        f"{titled(meeting)} on {at(meeting.start)} could not be entered in the calendar, so it does not take place: "
        f"{escaped(problem)}"
    )


def not_removed(meeting: Meeting, problem: str) -> str:
    """For the organizer of a cancelled one."""
    return (
        f"{titled(meeting)} on {at(meeting.start)} is cancelled, but the calendar still has it: {escaped(problem)}\n"
        "Please delete it there."
    )


def does_not_take_place(meeting: Meeting) -> str:
    """For the others whom it was to be with."""
    return f"{titled(meeting)} on {at(meeting.start)} does not take place: it could not be entered in the calendar."


def starts(meeting: Meeting, occurrence: datetime, link: str) -> str:
    """The reminder."""
    join = f" <{escaped(link)}|Join>" if _LINK.fullmatch(link) else ""
    return f"{titled(meeting)} starts at {clock(occurrence)}.{join}"
