"""Meetings as rows, and the JSON in them. It has no version: keys that are not known are passed over, those that are missing have their defaults. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row

from bot.meetings.values import Answer, Meeting, Offer, Place, Window, Wish

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sought:
    """What a booked meeting is to be moved to, as its organizer said last. Until it is moved, the meeting stays as it was booked."""

    minutes: int
    window: Window | None
    optional: frozenset[str] = frozenset()  # attendees who were required, and need not be there then


_WISH, _OFFER, _SOUGHT = TypeAdapter(Wish), TypeAdapter(Offer), TypeAdapter(Sought)
_TOLD = TypeAdapter(dict[str, Answer])


def packed_wish(wish: Wish, told: Mapping[str, Answer]) -> str:
    """A wish, and what answers the calendar had when it was last asked, by address."""
    return _text({**_WISH.dump_python(wish, mode="json"), "told": dict(told)})


def read_wish(text: str) -> Wish:
    """The wish of such a text."""
    return _WISH.validate_json(text)


def read_told(text: str) -> dict[str, Answer]:
    """The calendar's answers of such a text."""
    return _TOLD.validate_python(json.loads(text).get("told", {}))


def packed_offer(offer: Offer | None, sought: Sought | None = None) -> str:
    """An offer, and what a booked meeting is to be moved to; "" for neither."""
    told = {"offer": _OFFER.dump_python(offer, mode="json")} if offer else {}
    more = {"sought": _SOUGHT.dump_python(sought, mode="json")} if sought else {}
    return _text({**told, **more}) if told or more else ""


def read_offer(text: str) -> Offer | None:
    """The offer of such a text."""
    found = json.loads(text).get("offer") if text else None
    return _OFFER.validate_python(found) if found is not None else None


def read_sought(text: str) -> Sought | None:
    """What a booked meeting is to be moved to, of such a text."""
    found = json.loads(text).get("sought") if text else None
    return _SOUGHT.validate_python(found) if found else None


def sought_wish(wish: Wish, sought: Sought | None) -> Wish:
    """A booked meeting's wish with the time that is sought for it."""
    if sought is None:
        return wish
    people = tuple(replace(a, required=a.required and a.id not in sought.optional) for a in wish.attendees)
    return replace(wish, minutes=sought.minutes, window=sought.window, attendees=people)


def _text(value: Mapping[str, Any]) -> str:
    # Half a character, as JSON from elsewhere may hold, has no UTF-8.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace").decode()


@dataclass(frozen=True, slots=True)
class Kept:
    """A row of `meetings`: the meeting as it was booked, what it is to be moved to, and what answers the calendar had when it was last asked."""

    meeting: Meeting
    sought: Sought | None = None
    told: Mapping[str, Answer] = field(default_factory=dict)  # by address

    @property
    def shown(self) -> Meeting:
        """The meeting as others are given it: while times are offered for a move, its wish says what is sought."""
        return replace(self.meeting, wish=self.wished) if self.meeting.offer else self.meeting

    @property
    def wished(self) -> Wish:
        """What `book` goes by."""
        return sought_wish(self.meeting.wish, self.sought)


def record(kept: Kept) -> Record:
    """The row."""
    meeting = kept.meeting
    plain = ("team", "number", "uid", "organizer", "state", "version", "sequence", "zone", "entered", "ref", "page")
    more = ("link", "problem", "at_once", "reminded_at", "created_at", "changed_at")
    return {
        **{name: getattr(meeting, name) for name in (*plain, *more)},
        "wish": packed_wish(meeting.wish, kept.told),
        "offer": packed_offer(meeting.offer, kept.sought),
        "start_at": meeting.start,
        "end_at": meeting.end,
        "channel": meeting.place.channel,
        "thread": meeting.place.thread,
    }


def to_kept(row: Row[Any]) -> Kept:
    """What a row holds."""
    meeting = Meeting(
        team=row.team,
        number=row.number,
        uid=row.uid,
        organizer=row.organizer,
        state=row.state,
        version=row.version,
        sequence=row.sequence,
        wish=read_wish(row.wish),
        offer=read_offer(row.offer),
        start=row.start_at,
        end=row.end_at,
        zone=row.zone,
        place=Place(row.channel, row.thread),
        entered=row.entered,
        ref=row.ref,
        page=row.page,
        link=row.link,
        problem=row.problem,
        at_once=row.at_once,
        reminded_at=row.reminded_at,
        created_at=row.created_at,
        changed_at=row.changed_at,
    )
    return Kept(meeting, read_sought(row.offer), read_told(row.wish))
