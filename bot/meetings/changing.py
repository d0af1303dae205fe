"""Another title or description, other people: from what was asked for to the wish that is written. Whom it must it asks here, outside of any transaction."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.errors import MeetingRefused
from bot.meetings.arranging import Prepared
from bot.meetings.finding import busy_then, find_offer
from bot.meetings.people import MYSELF
from bot.meetings.register import words
from bot.meetings.register.states import check_organizer
from bot.meetings.scheduling import Scheduling
from bot.meetings.values import Attendee, Meeting, Offer, Wish
from bot.meetings.when.request import Called
from bot.models import By, utcnow
from bot.mrkdwn import escaped
from bot.reading.people import Profile, matching

STAYS = "You organize {name}, so you stay in it. If it is not to take place, cancel it."
_MENTION = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is to be different; None, and nobody, leave it as it is. `people` take part from now on, as required or optional as they are called; `without` do not."""

    title: str | None = None
    description: str | None = None
    people: Sequence[Called] = ()
    without: Sequence[Called] = ()


async def prepare_change(scheduling: Scheduling, by: By, meeting: Meeting, change: Change) -> Wish:
    """What a booked meeting's wish is to be. Raises MeetingRefused (no such person, somebody is busy then, …) and Retryable."""
    wish = await _changed(scheduling, by, meeting, change)
    needed = {a.id for a in meeting.attendees if a.required}
    joining = [a for a in wish.attendees if a.required and a.id not in needed]
    if clash := await busy_then(scheduling, by, meeting, joining):
        raise MeetingRefused(words.cannot_join(meeting, *clash))
    return wish


async def prepare_draft_change(scheduling: Scheduling, by: By, meeting: Meeting, change: Change) -> Prepared:
    """What a draft is to be: with other people other times are offered."""
    wish = await _changed(scheduling, by, meeting, change)
    offer = meeting.offer or Offer()
    if wish.window and wish.attendees != meeting.attendees:
        offer = await find_offer(scheduling, by, wish)
    return Prepared(wish=wish, offer=offer, book=None, zone=meeting.zone)


async def _changed(scheduling: Scheduling, by: By, meeting: Meeting, change: Change) -> Wish:
    check_organizer(meeting, by.person, None, utcnow())
    organizer = await scheduling.people.organizer(by.person)
    people = await _without(scheduling, organizer, meeting, change.without)
    for added in await _added(scheduling, by, organizer, meeting, change.people):
        people[added.id] = replace(people.get(added.id, added), required=added.required)
    wish = meeting.wish
    return replace(
        wish,
        title=wish.title if change.title is None else change.title,
        description=wish.description if change.description is None else change.description,
        attendees=(meeting.attendees[0], *(a for a in people.values() if a.id != meeting.organizer)),
    )


async def _without(
    scheduling: Scheduling, organizer: Attendee, meeting: Meeting, called: Sequence[Called]
) -> dict[str, Attendee]:
    """Who is left, by id. A name is first of all that of somebody who takes part."""
    left = {a.id: a for a in meeting.attendees}
    for one in called:
        found = who_is(meeting, one.said) or _called_so(meeting, one.said)
        meant = found or (await scheduling.people.attendees(organizer, [one]))[1:] or [organizer]
        if any(a.id == organizer.id for a in meant):
            raise MeetingRefused(STAYS.format(name=meeting.name))
        gone = [a.id for a in meant if a.id in left]
        if not gone:
            names = ", ".join(escaped(a.name) for a in meant[: words.MOST_NAMES])
            raise MeetingRefused(f"{names} {'does' if len(meant) == 1 else 'do'} not take part in {meeting.name}.")
        for id_ in gone:
            del left[id_]
    return left


async def _added(
    scheduling: Scheduling, by: By, organizer: Attendee, meeting: Meeting, called: Sequence[Called]
) -> Sequence[Attendee]:
    """Who is named, with whether they are required. Who takes part already is not looked up: they may have left the workspace."""
    known = {one: who_is(meeting, one.said) for one in called}
    new = [one for one in called if not known[one]]
    found = (await scheduling.people.attendees(organizer, new))[1:] if new else ()
    hours = await scheduling.people.hours(by.team, found)
    zoned = [replace(a, zone=each.zone) if (each := hours.get(a.id)) else a for a in found]
    people: dict[str, Attendee] = {}
    for attendee in (*(replace(a, required=c.required) for c, there in known.items() for a in there), *zoned):
        before = people.get(attendee.id)
        people[attendee.id] = replace(attendee, required=attendee.required or bool(before and before.required))
    return list(people.values())


def who_is(meeting: Meeting, said: str) -> list[Attendee]:
    """Those of its people whom a mention, an address or a room's name means beyond doubt. Pure."""
    mention = _MENTION.fullmatch(said.strip())
    wanted = mention[1] if mention else said.strip().removeprefix("room ").casefold()
    return [a for a in meeting.attendees if (a.id == wanted if mention else wanted in _plain_names(a))]


def _plain_names(attendee: Attendee) -> list[str]:
    room = [attendee.name.casefold()] if attendee.kind == "room" else []
    return [name for name in (attendee.id, attendee.email.lower(), *room) if name]


def _called_so(meeting: Meeting, said: str) -> list[Attendee]:
    """The one of its people whose name that is; nobody where it may be several."""
    if said.strip().casefold() in MYSELF:
        return []
    found = matching(said, [Profile(a.id, a.name) for a in meeting.attendees])
    return [a for a in meeting.attendees if a.id == found[0].id] if len(found) == 1 else []
