"""Times, lengths and people of meetings in words, for Slack. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from bot.blocks import shown
from bot.meetings.values import Attendee, Meeting, Repeat

NAMES = 8  # of a group's people; of more it is said how many
ZONES = 6  # groups that a line has room for
NAME = 40  # characters of one
_ORDINALS = ("first", "second", "third", "fourth", "last")
_EVERY = {1: "every", 2: "every second", 3: "every third", 4: "every fourth"}


def zone_of(name: str) -> tzinfo | None:
    """The zone of that IANA name; None where there is none."""
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):  # what is no zone may be the name of a folder
        return None


def local(at: datetime, zone: str) -> datetime:
    """The same instant by the clock of a zone; of UTC where there is no such zone."""
    return at.astimezone(zone_of(zone) or UTC)


def moment(at: datetime, zone: str, form: str = "{date_long}, {time}") -> str:
    """A time with its weekday, which Slack shows in its reader's zone; where it cannot, it stands in the zone given."""
    there = local(at, zone)
    return f"<!date^{int(at.timestamp())}^{form}|{there:%a} {there.day} {there:%b %H:%M %Z}>"


def in_zone(start: datetime, end: datetime, zone: str) -> str:
    """A time in words, by one zone's clock: "Tue 24 Nov 2026, 14:00–14:30 Lisbon"."""
    a, b = local(start, zone), local(end, zone)
    return f"{a:%a} {a.day} {a:%b %Y}, {a:%H:%M}–{b:%H:%M}{_shift(b, a)} {city(zone)}"


def city(zone: str) -> str:
    """A zone as people call it: "New York"."""
    return shown(zone.rpartition("/")[2].replace("_", " "), NAME) if zone_of(zone) else "UTC"


def local_times(at: datetime, people: Sequence[Attendee], zone: str) -> str:
    """Everybody's own time: "14:00 Lisbon – Ana, Kim · 09:00 New York – Raj". Days are counted from the one that it is in `zone`."""
    groups: dict[str, list[Attendee]] = {}
    for person in people:
        if person.kind != "room" and zone_of(person.zone):
            groups.setdefault(person.zone, []).append(person)
    home = local(at, zone)
    said = [f"{clock(at, z, home)} {city(z)} – {names(group)}" for z, group in list(groups.items())[:ZONES]]
    if more := sum(len(group) for group in list(groups.values())[ZONES:]):
        said.append(f"and {more} more in other zones")
    return " · ".join(said)


def clock(at: datetime, zone: str, home: datetime) -> str:
    """What clocks show in a zone: "23:30", or "00:30 +1" where it is another day than at `home`."""
    there = local(at, zone)
    return f"{there:%H:%M}{_shift(there, home)}"


def _shift(there: datetime, home: datetime) -> str:
    days = (there.date() - home.date()).days
    return f" {days:+d}" if days else ""


def names(people: Sequence[Attendee], most: int = NAMES) -> str:
    """Names in mrkdwn, cut: "Ana, Raj and 42 more"."""
    told = ", ".join(shown(p.name, NAME) or shown(p.id, NAME) for p in people[:most])
    return told + (f" and {len(people) - most} more" if len(people) > most else "")


def length(minutes: int) -> str:
    """A duration: "30 minutes", "1 hour", "1 h 30 min"."""
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"{rest} minutes"
    if rest:
        return f"{hours} h {rest} min"
    return "1 hour" if hours == 1 else f"{hours} hours"


def recurrence(repeat: Repeat, first: datetime | None = None) -> str:
    """How it recurs: "every second Tuesday", "on the last Friday of every month, 6 times". `first` is its first start, in the organizer's zone."""
    often = _EVERY.get(repeat.interval)
    unit = repeat.unit if often else f"{repeat.unit}s"
    every = often or f"every {repeat.interval}"
    said = f"{every} {unit}"
    if first and repeat.unit == "week":
        said = f"{every} {first:%A}" if often else f"{said} on {first:%A}"
    elif first and repeat.unit == "month":
        said = f"on the {_ORDINALS[min((first.day - 1) // 7, 4)]} {first:%A} of {said}"
    times = "" if not repeat.count else ", once" if repeat.count == 1 else f", {repeat.count} times"
    return said + times


def is_over(meeting: Meeting, now: datetime) -> bool:
    """Whether its last occurrence has surely ended. Of one that recurs for ever none is the last."""
    repeat = meeting.wish.repeat
    if not meeting.end or (repeat and not repeat.count):
        return False
    if not repeat:
        return meeting.end <= now
    days = {"day": 1, "week": 7, "month": 31}[repeat.unit] * repeat.interval * ((repeat.count or 1) - 1)
    return now - meeting.end >= timedelta(days=days + 1)  # a day for clocks that change; a little late is right
