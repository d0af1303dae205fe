"""What the meeting tools share: who may ask where, where the card stands, how meetings are named, and what the model is told of them.

Times, names and answers are told where all who read the answer are full members of this workspace. Elsewhere a meeting is arranged in the
asker's direct messages, and the model is told no more than that.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot import drawn
from bot.errors import CalendarRefused, MeetingRefused, Retryable, ToolRefused, UserFacing
from bot.meetings.arranging import Asked, Prepared, carry_out, prepare
from bot.meetings.face.cards import lasts, undoable
from bot.meetings.scheduling import Scheduling
from bot.meetings.values import Meeting, Offer, Place, Slot, Wish
from bot.models import By, Person, utcnow
from bot.mrkdwn import mentions, plain
from bot.tools.meeting_request import CARD, Meet, called, mentioned_ids, reading, repeats
from bot.tools.own_words import are_own_words, is_named, is_own_address
from bot.tools.tool import Asking

PRIVATE = "Others than members of this workspace read along here. Meetings are told of only among members: write to me in a direct message."
SETTLE = "Something has to be settled first that cannot be told here, as others than members of this workspace read along. The asker can ask again in a direct message."
THERE = "Its card is in the asker's direct messages. Tell them only that; others than members of this workspace read along here."
NOT_HERE = "There is no such meeting of the asker's here. In a channel I change and list only what was arranged there; the others in a direct message with me."
AWAY = "It did not work just now: {what} Nothing was changed. Try again in a moment."
MOST_PEOPLE = 20  # who are named to the model


@dataclass(frozen=True, slots=True)
class Here:
    """What a meeting tool works with. `place` is where a new card goes; `told`: times and names may be told in the answer."""

    scheduling: Scheduling
    by: By
    place: Place
    told: bool


@dataclass(frozen=True, slots=True)
class Ready:
    """What is known before the transaction. `meeting` is the one that changes."""

    here: Here
    prepared: Prepared
    meeting: Meeting | None = None


async def admitted(asking: Asking) -> Here:
    """For a full member of this workspace. Raises MeetingRefused for others, Retryable."""
    scheduling, thread, person = asking.sources.scheduling, asking.thread, asking.person.id
    await scheduling.people.organizer(person)
    told = thread.is_dm or await asking.sources.access.members_only(person, thread)
    place = Place(thread.channel, thread.thread_ts or "") if told and not thread.is_dm else Place()
    if told:  # of people who may not be here
        await asking.sources.drawn.on(drawn.WORKSPACE)
    return Here(scheduling, By(thread.team, person), place, told)


@asynccontextmanager
async def refusing(asking: Asking) -> AsyncIterator[None]:
    """What is refused is said to the model in words, for it to pass on; what may work later as that."""
    try:
        yield
    except MeetingRefused as refused:
        raise ToolRefused(await _in_words(str(refused), asking)) from None
    except CalendarRefused as refused:
        raise ToolRefused(str(refused)) from None
    except UserFacing as refused:
        raise ToolRefused(refused.text) from None
    except Retryable as away:
        raise ToolRefused(AWAY.format(what=away.said or "Slack did not answer.")) from None


async def arrange(args: Meet, asking: Asking, *, may_book: bool) -> Ready:
    """What find_times and create_meeting do before anything is written."""
    async with refusing(asking):
        here = await admitted(asking)
        text, mentioned = asking.question.text, await persons(here, asking)
        asked = Asked(
            title=args.title,
            people=called(args.people, args.optional, text, mentioned),
            minutes=args.minutes,
            reading=reading(args.when),
            said=args.when.said,
            repeat=repeats(args),
            online=args.online,
            description=args.description,
            may_book=may_book,
        )
        try:
            prepared = await prepare(here.scheduling, here.by, asked, utcnow())
            return Ready(here, await pressed(here, asking, prepared, args.title, (*args.people, *args.optional)))
        except MeetingRefused:
            if here.told:
                raise
            raise ToolRefused(SETTLE) from None  # it may name people


async def pressed(here: Here, asking: Asking, prepared: Prepared, title: str, called: Collection[str] = ()) -> Prepared:
    """The same; but what would be told to others at once, and what the asker has not said, needs their press. `called`: whom the model names."""
    wish = prepared.wish
    if prepared.book and await unsaid(here, asking, wish, title, wish.description, called):
        return replace(prepared, book=None)
    return prepared


async def worded_since(here: Here, asking: Asking, meeting: Meeting) -> bool:
    """Whether a meeting was begun, or given other words or people, in answer to this very question, perhaps."""
    asked_at = datetime.fromtimestamp(float(asking.question.ts), UTC)
    async with asking.database.read() as tx:
        return await here.scheduling.register.worded(tx, meeting.team, meeting.number, asked_at)


async def unsaid(
    here: Here,
    asking: Asking,
    wish: Wish,
    title: str,
    description: str,
    called: Collection[str] = (),
    there: Collection[str] = (),
) -> list[str]:
    """What others would be told though the asker's message has it not: whom it does not name, by a part of what they are `called`, or from outside (beside those
    who are `there`) by mention, full name or address; the description; and among people from outside the title.
    """
    text, people = asking.question.text, here.scheduling.people
    mentioned, outside = await persons(here, asking), await people.outside(wish.attendees)
    names, addresses = [p.name for p in mentioned], await people.addresses(p.id for p in mentioned)
    said = " ".join((text, *addresses))
    named = [a.id for a in outside if a.kind == "member" and are_own_words(a.name, text, names)]
    strangers = [a for a in outside if a.id not in (*there, *named)]
    invited = all(is_own_address(a.email, said) for a in strangers)
    wrong = {
        "whom it is with": invited and not all(is_named(each, said, names) for each in called),
        "the address": not invited,
        "the description": not are_own_words(description, text, names),
        "the title": bool(outside) and not are_own_words(title, text, names),
    }
    return [what for what, is_wrong in wrong.items() if is_wrong]


async def persons(here: Here, asking: Asking) -> list[Person]:
    """Those whom the asker's message mentions."""
    slack = here.scheduling.slack
    me = (await slack.identity()).user
    return [await slack.person(u) for u in mentioned_ids(asking.question.text, me)]


async def written(asking: Asking) -> dict[str, Any]:
    """Writes what was prepared, in the tool's transaction; what the model is told of it."""
    assert asking.transaction
    ready: Ready = asking.known
    here = ready.here
    async with refusing(asking):
        made = await carry_out(
            here.scheduling, asking.transaction, here.by, ready.prepared, here.place, meeting=ready.meeting
        )
    return told(made, made.zone) | {"hint": CARD} if here.told else {"meeting": made.name, "hint": THERE}


async def theirs(here: Here, asking: Asking, name: str) -> Meeting:
    """A meeting by its name, as far as it may be spoken of here. Raises ToolRefused and MeetingRefused."""
    found = re.fullmatch(r"(?:M\s*-?\s*)?(\d{1,9})", name.strip(), re.IGNORECASE)
    if not found:
        raise ToolRefused(
            f"“{name[:40]}” is not the name of a meeting, such as M-12. list_meetings tells which there are."
        )
    if not here.told:
        raise ToolRefused(PRIVATE)
    try:
        async with asking.database.read() as tx:
            meeting = await here.scheduling.register.meeting(tx, here.by, int(found[1]))
    except MeetingRefused:
        if asking.thread.is_dm:
            raise
        raise ToolRefused(NOT_HERE) from None
    if not stands_here(meeting, asking):
        raise ToolRefused(NOT_HERE)
    return meeting


def stands_here(meeting: Meeting, asking: Asking) -> bool:
    """Whether it may be spoken of in this place: anywhere it was arranged, and with its people alone."""
    return asking.thread.is_dm or meeting.place.channel == asking.thread.channel


def told(meeting: Meeting, zone: str) -> dict[str, Any]:
    """A meeting in short, with times in that zone."""
    wish = meeting.wish
    fields: dict[str, Any] = {
        "meeting": meeting.name,
        "title": wish.title,
        "state": "booked, can be undone by the card" if undoable(meeting, utcnow()) else meeting.state,
        "when": clock(meeting.start, zone) if meeting.start else "",
        "minutes": lasts(meeting),
        "people": _people(meeting),
        "problem": meeting.problem,
    }
    return {k: v for k, v in fields.items() if v} | (offered(meeting.offer, meeting, zone) if meeting.offer else {})


def offered(offer: Offer, meeting: Meeting, zone: str) -> dict[str, Any]:
    """What is asked of the organizer."""
    fields: dict[str, Any] = {
        "question": offer.question,
        "choices": [c.label for c in offer.choices],
        "times": [_slot(s, meeting, zone) for s in offer.slots],
        "why": list(offer.why),
        "what_would_help": [h.label for h in offer.hints],
    }
    return {k: v for k, v in fields.items() if v}


def clock(when: datetime, zone: str) -> str:
    """An instant with weekday, date, time and zone."""
    return f"{when.astimezone(ZoneInfo(zone)):%a %d %b %Y, %H:%M} {zone}"


def _slot(slot: Slot, meeting: Meeting, zone: str) -> dict[str, Any]:
    names = {a.id: a.name for a in meeting.attendees}
    shown: dict[str, Any] = {"start": clock(slot.start, zone), "reasons": list(slot.reasons)}
    sets: dict[str, Sequence[str]] = {
        "optional_who_cannot": slot.missing,
        "calendar_not_known": slot.unknown,
        "outside_working_hours": slot.outside,
    }
    return shown | {k: [names.get(i, i) for i in ids][:MOST_PEOPLE] for k, ids in sets.items() if ids}


def _people(meeting: Meeting) -> list[str]:
    """By name, with their answers once they were asked."""
    asked = meeting.state == "booked"
    shown = [
        f"{a.name}{'' if a.required else ' (optional)'}{f': {a.answer}' if asked and a.answer else ''}"
        for a in meeting.attendees[:MOST_PEOPLE]
    ]
    more = len(meeting.attendees) - len(shown)
    return [*shown, f"and {more} more"] if more else shown


async def _in_words(text: str, asking: Asking) -> str:
    """Slack's markup by names: the model mentions nobody."""
    slack = asking.sources.scheduling.slack
    return plain(text, {u: (await slack.person(u)).name for u in mentions(text)})
