"""Who may do what to a meeting in which state, and the sentence that says why not; what a wish may hold. Pure.

draft → booked or dropped; booked → booked (moved), cancelled or failed. The other states are for good.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from bot.errors import MeetingRefused
from bot.expenses.books.fields import clean
from bot.meetings.register.times import AHEAD, is_over
from bot.meetings.values import LONGEST, MOST_ATTENDEES, SHORTEST, Attendee, Meeting, MeetingState, Wish

MOST_INTERVAL, MOST_COUNT = 52, 366
MOST_BOOKED, WITHIN = 30, timedelta(hours=1)  # by one person: nobody arranges more, and each may write to two hundred
MOST_MOVED = 60  # moves and changes of theirs within that time: of each everybody is told
MOST_DRAFTS, YOUNG = 50, timedelta(days=1)  # that wait for one person; old ones that they forgot do not count
TITLE, DESCRIPTION, NAME = 200, 3000, 200  # characters
_ENDED: dict[MeetingState, str] = {
    "cancelled": "was cancelled",
    "dropped": "was given up",
    "failed": "could not be entered in the calendar",
}


def not_theirs(number: int) -> MeetingRefused:
    """For what is not there, and for what is not theirs to see."""
    return MeetingRefused(f"There is no meeting M-{number} that you arrange or take part in.")


def attendee_of(meeting: Meeting, person: str) -> Attendee | None:
    """Somebody as one who takes part."""
    return next((a for a in meeting.attendees if a.id == person), None)


def may_see(meeting: Meeting, person: str) -> bool:
    """The organizer; and those whom it is with, once they were told."""
    told = meeting.state not in ("draft", "dropped")
    return person == meeting.organizer or (told and attendee_of(meeting, person) is not None)


def check_organizer(meeting: Meeting, person: str, version: int | None, now: datetime) -> None:
    """That `person`, who may see it, may decide about it now. `version` is the one that they saw."""
    if person != meeting.organizer:
        raise MeetingRefused(f"Only <@{meeting.organizer}>, who arranged {meeting.name}, can do that.")
    check_open(meeting, now)
    if version is not None and version != meeting.version:
        raise MeetingRefused(f"{meeting.name} has changed meanwhile; its card shows how it is now.")


def check_open(meeting: Meeting, now: datetime) -> None:
    """That it is a draft, or booked and not over."""
    if why := _ENDED.get(meeting.state):
        raise MeetingRefused(f"{meeting.name} {why}: nothing about it can be changed any more.")
    if meeting.state == "booked" and is_over(meeting, now):
        raise MeetingRefused(f"{meeting.name} is over.")


def check_share(*, drafts: int = 0, booked: int = 0, moved: int = 0) -> None:
    """That somebody who has so many drafts, and has booked, or moved and changed, so many meetings lately, may begin, book or change another one."""
    if drafts >= MOST_DRAFTS:
        raise MeetingRefused(
            f"{drafts} meetings that you have begun since yesterday still wait for you, so I begin no other. "
            "Please book or discard some of them first: `/meet list` shows them."
        )
    if booked >= MOST_BOOKED:
        raise MeetingRefused(
            f"You have booked {booked} meetings within an hour. To be safe I book no more right now; please try again later."
        )
    if moved >= MOST_MOVED:
        raise MeetingRefused(
            f"You have moved or changed meetings {moved} times within an hour, and of each everybody is told. "
            "To be safe I change no more right now; please try again later."
        )


def check_start(start: datetime, now: datetime) -> None:
    """That a meeting can be booked then."""
    if start < now:
        raise MeetingRefused("That time has passed. Please choose a later one.")
    if start > now + AHEAD:
        raise MeetingRefused("That is more than two years ahead. Please choose an earlier time.")


def kept_wish(wish: Wish, organizer: str) -> Wish:
    """The wish as it is kept: texts cut, everybody once, nobody has answered. Raises MeetingRefused for what is too many or too long."""
    people: dict[str, Attendee] = {}
    for attendee in wish.attendees:
        people.setdefault(attendee.id, replace(attendee, name=_line(attendee.name, NAME), answer="", untold=False))
    first = people.pop(organizer)  # KeyError: whoever made the wish forgot them
    if len(people) >= MOST_ATTENDEES:
        raise MeetingRefused(f"A meeting has at most {MOST_ATTENDEES} people; this one would have {len(people) + 1}.")
    if not SHORTEST <= wish.minutes <= LONGEST:
        raise MeetingRefused(f"A meeting lasts from {SHORTEST} minutes to {LONGEST // 60} hours.")
    repeat = wish.repeat
    if repeat and not (1 <= repeat.interval <= MOST_INTERVAL and 1 <= (repeat.count or 1) <= MOST_COUNT):
        raise MeetingRefused(
            f"A series has at most {MOST_COUNT} meetings, at most {MOST_INTERVAL} weeks or months apart."
        )
    title = _line(wish.title, TITLE) or "Meeting"
    description = clean(wish.description, DESCRIPTION)
    return replace(wish, title=title, description=description, attendees=(first, *people.values()))


def changed_wish(meeting: Meeting, wish: Wish) -> Wish:
    """What a booked meeting's wish is with another one's title, description and people. Who stays keeps their answer. Raises MeetingRefused."""
    wish = kept_wish(wish, meeting.organizer)
    old = {a.id: a for a in meeting.attendees}
    told = [replace(a, answer=o.answer, untold=o.untold) if (o := old.get(a.id)) else a for a in wish.attendees]
    order = {id_: place for place, id_ in enumerate(old)}
    people = tuple(sorted(told, key=lambda a: order.get(a.id, len(order))))  # as it is known
    new = replace(meeting.wish, title=wish.title, description=wish.description, attendees=people)
    if new == meeting.wish:
        raise MeetingRefused(f"{meeting.name} is like that already, so nothing was changed.")
    if _others(meeting.wish) and not _others(new):
        raise MeetingRefused(f"Nobody else would be left in {meeting.name}. If it is not to take place, cancel it.")
    return new


def _others(wish: Wish) -> list[Attendee]:
    return [a for a in wish.attendees[1:] if a.kind != "room"]


def _line(text: str, most: int) -> str:
    return clean(" ".join(clean(text, len(text)).split()), most)
