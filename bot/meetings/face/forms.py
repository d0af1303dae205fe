"""The forms (modals) of meetings: how they look. bot/meetings/face/entered.py reads what was entered. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime

from bot.blocks import OPTION, OPTIONS, Block, cut, option, section
from bot.meetings.face import buttons
from bot.meetings.face.times import city, in_zone, local, recurrence, zone_of
from bot.meetings.hours import hours_text
from bot.meetings.values import USUAL, Attendee, Hours, Meeting, Repeat
from bot.modals import View, field, modal

TITLE, OTHERS, WHEN, DESCRIPTION, HOURS, OFF = 200, 2_000, 200, 3_000, 500, 2_000  # most characters of what is entered
MOST_PEOPLE = 100  # that a menu of people shows
GO, STAY = "are left out when this is sent", "stay as they are"  # those for whom there is no room
NEVER = "never"
AS_IN_SLACK = "slack"
REPEATS = (
    Repeat("day"),
    Repeat("week"),
    Repeat("week", 2),
    Repeat("month"),
)
COMMON = (
    "UTC Pacific/Honolulu America/Anchorage America/Los_Angeles America/Vancouver America/Phoenix America/Denver America/Chicago America/Mexico_City "
    "America/New_York America/Toronto America/Bogota America/Lima America/Caracas America/Halifax America/Santiago America/St_Johns America/Sao_Paulo "
    "America/Argentina/Buenos_Aires Atlantic/Azores Atlantic/Reykjavik Europe/London Europe/Dublin Europe/Lisbon Africa/Casablanca Africa/Lagos "
    "Europe/Amsterdam Europe/Berlin Europe/Brussels Europe/Copenhagen Europe/Madrid Europe/Oslo Europe/Paris Europe/Prague Europe/Rome Europe/Stockholm "
    "Europe/Vienna Europe/Warsaw Europe/Zurich Africa/Johannesburg Africa/Cairo Europe/Athens Europe/Bucharest Europe/Helsinki Europe/Kyiv Asia/Jerusalem "
    "Africa/Nairobi Asia/Riyadh Europe/Istanbul Europe/Moscow Asia/Tehran Asia/Dubai Asia/Kabul Asia/Karachi Asia/Tashkent Asia/Kolkata Asia/Colombo "
    "Asia/Kathmandu Asia/Dhaka Asia/Yangon Asia/Bangkok Asia/Jakarta Asia/Ho_Chi_Minh Asia/Hong_Kong Asia/Kuala_Lumpur Asia/Manila Asia/Shanghai "
    "Asia/Singapore Asia/Taipei Australia/Perth Asia/Seoul Asia/Tokyo Australia/Adelaide Australia/Brisbane Australia/Melbourne Australia/Sydney "
    "Pacific/Noumea Pacific/Auckland"
)


# -- a meeting -----------------------------------------------------------------------------------------------------------


def new_form(hours: Hours, rooms: Iterable[str]) -> View:
    """The form of a new meeting, for an organizer with these hours."""
    return modal("New meeting", _inputs(None, rooms), buttons.NEW_FORM, _carried(hours), submit="Find a time")


def change_form(meeting: Meeting, hours: Hours, rooms: Iterable[str]) -> View:
    """The form of a draft, with all that it has so far."""
    day, clock = _pickers(meeting.wish.window.exact if meeting.wish.window else None, hours)
    blocks = _inputs(meeting, rooms, day, clock)
    carried = _carried(hours, meeting, day, clock)
    return modal(f"Change {meeting.name}", blocks, buttons.CHANGE_FORM, carried, submit="Find a time")


def move_form(meeting: Meeting, hours: Hours) -> View:
    """The form that asks when a booked meeting is to be instead."""
    day, clock = _pickers(meeting.start, hours)
    span = meeting.span
    now = f"Now: {in_zone(span.start, span.end, meeting.zone)}." if span else "It has no time."
    series = " The whole series is moved." if meeting.wish.repeat else ""
    length = int((span.end - span.start).total_seconds() // 60) if span else meeting.wish.minutes
    blocks = [section(f"{now}{series} Everybody is told, and asked again."), *_when(day, clock, ""), _minutes(length)]
    carried = _carried(hours, meeting, day, clock) | {"minutes": str(length)}
    return modal(f"Reschedule {meeting.name}", blocks, buttons.MOVE_FORM, carried, submit="Find a time")


def details_form(meeting: Meeting, rooms: Iterable[str]) -> View:
    """The form of a booked meeting, with all of it that can be changed but its time."""
    series = "The whole series is changed. " if meeting.wish.repeat else ""
    text = f"{series}Who joins is invited, who leaves is told. When it takes place is changed by *Reschedule*."
    blocks = [section(text), _title(meeting), *_invited(meeting, rooms, STAY), _description(meeting)]
    carried = {"number": meeting.number, "sequence": meeting.sequence}
    return modal(f"Change {meeting.name}", blocks, buttons.DETAILS_FORM, carried, submit="Save")


def shown_people(meeting: Meeting, rooms: Iterable[str]) -> list[Attendee]:
    """Those whom the form shows, so that who is missing when it is sent was taken out: menus have not room for everybody."""
    others = meeting.attendees[1:]
    listed = [a for a in others if is_slacks(a)]
    menus = [[a for a in listed if a.required is needed][:MOST_PEOPLE] for needed in (True, False)]
    guests = [a for a in others if a.kind == "guest" and not is_slacks(a)]
    told = len(guests) - _fitting([_guest(a) for a in guests], OTHERS)[1]
    options = list(rooms)[:OPTIONS]
    return [*menus[0], *menus[1], *guests[:told], *(a for a in others if a.kind == "room" and a.name in options)]


def _carried(hours: Hours, meeting: Meeting | None = None, day: str = "", clock: str = "") -> dict[str, object]:
    """What reading the form needs: whose clock counts, and what stood in the pickers."""
    about = {"number": meeting.number, "version": meeting.version, "sequence": meeting.sequence} if meeting else {}
    return about | {"zone": hours.zone, "hours": hours_text(hours), "date": day, "time": clock}


def _pickers(start: datetime | None, hours: Hours) -> tuple[str, str]:
    """A start as Slack's pickers show it, by the clock that the form is read by."""
    there = local(start, hours.zone) if start else None
    return (there.date().isoformat(), f"{there:%H:%M}") if there else ("", "")


def _inputs(meeting: Meeting | None, rooms: Iterable[str], day: str = "", clock: str = "") -> list[Block]:
    wish = meeting.wish if meeting else None
    asked = wish.window.text if wish and wish.window else ""
    kept = f"Asked for so far: {cut(asked, 300)}. Leave it empty to keep that." if asked else ""
    return [
        _title(meeting),
        *_invited(meeting, rooms, GO),
        *_when(day, clock, kept),
        _minutes(wish.minutes if wish else USUAL),
        field("repeat", "Does it repeat?", _repeat(wish.repeat if wish else None)),
        field("online", "Online", _online(chosen=bool(wish and wish.online)), optional=True),
        _description(meeting),
    ]


def _title(meeting: Meeting | None) -> Block:
    return field("title", "What is it about?", _text("title", TITLE, meeting.wish.title if meeting else ""))


def _description(meeting: Meeting | None) -> Block:
    element = _text("description", DESCRIPTION, meeting.wish.description if meeting else "", multiline=True)
    return field("description", "What should they know?", element, optional=True)


def _invited(meeting: Meeting | None, rooms: Iterable[str], left_out: str) -> list[Block]:
    """The fields of all who are invited. `left_out`: what becomes of those for whom there is no room."""
    others = meeting.attendees[1:] if meeting else ()
    known = [a for a in others if is_slacks(a)]
    guests = [a for a in others if a.kind == "guest" and not is_slacks(a)]
    required, may = ([a.id for a in known if a.required is needed] for needed in (True, False))
    addresses, more = _fitting([_guest(a) for a in guests], OTHERS)
    said = f"E-mail addresses, with commas in between. {_left_out(more, left_out)}".strip()
    return [
        _people("people", "Who has to be there?", required, left_out),
        _people("optional", "Who may come?", may, left_out),
        field("others", "Guests", _text("others", OTHERS, addresses), said, optional=True),
        *_rooms(rooms, others),
    ]


def is_slacks(attendee: Attendee) -> bool:
    """Whether it is a person whom Slack's menu of people can show."""
    return attendee.kind != "room" and bool(re.fullmatch(r"[UW][A-Z0-9]{2,}", attendee.id))


def _guest(attendee: Attendee) -> str:
    address = attendee.email or attendee.id
    return address if attendee.required else f"{address} (optional)"


def _when(day: str, clock: str, kept: str) -> list[Block]:
    words = "In words, such as “next Tuesday 2pm” or “tomorrow afternoon”. Or choose a date below."
    date_: Block = {"type": "datepicker", "action_id": "date"} | ({"initial_date": day} if day else {})
    time_: Block = {"type": "timepicker", "action_id": "time"} | ({"initial_time": clock} if clock else {})
    return [
        field("when", "When?", _text("when", WHEN), f"{words} {kept}".strip(), optional=True),
        field("date", "Date", date_, optional=True),
        field("time", "Time", time_, "Without one I look for a good time on that day.", optional=True),
    ]


def _minutes(length: int) -> Block:
    element = {
        "type": "number_input",
        "action_id": "minutes",
        "is_decimal_allowed": False,
        "initial_value": str(length),
    }
    return field("minutes", "How many minutes?", element)


def _people(name: str, label: str, chosen: list[str], left_out: str) -> Block:
    element: Block = {"type": "multi_users_select", "action_id": name}
    element |= {"initial_users": chosen[:MOST_PEOPLE]} if chosen else {}
    return field(name, label, element, _left_out(len(chosen) - MOST_PEOPLE, left_out), optional=True)


def _left_out(more: int, left_out: str) -> str:
    return f"{more} more have no room here, and {left_out}." if more > 0 else ""


def _fitting(addresses: list[str], most: int) -> tuple[str, int]:
    """As many as there is room for, and how many there is none for: what is left of an address that was cut may be somebody else's."""
    told = len(addresses)
    while len(", ".join(addresses[:told])) > most:
        told -= 1
    return ", ".join(addresses[:told]), len(addresses) - told


def _rooms(rooms: Iterable[str], others: Iterable[Attendee]) -> list[Block]:
    options = {room: option(room, cut(room, 150)) for room in list(rooms)[:OPTIONS]}
    if not options:
        return []
    chosen = [options[a.name] for a in others if a.kind == "room" and a.name in options]
    element: Block = {"type": "multi_static_select", "action_id": "rooms", "options": list(options.values())}
    return [field("rooms", "Rooms", element | ({"initial_options": chosen} if chosen else {}), optional=True)]


def _repeat(repeat: Repeat | None) -> Block:
    said = [*REPEATS, *([repeat] if repeat and repeat not in REPEATS else [])]
    options = {r: option(recurrence(r), repeat_value(r)) for r in said}
    never = option("No", NEVER)
    chosen = options[repeat] if repeat else never
    return {
        "type": "static_select",
        "action_id": "repeat",
        "options": [never, *options.values()],
        "initial_option": chosen,
    }


def repeat_value(repeat: Repeat) -> str:
    """A recurrence as an option carries it: "week-2", or "week-2-6" for six times."""
    return "-".join([repeat.unit, str(repeat.interval), *([str(repeat.count)] if repeat.count else [])])


def _online(*, chosen: bool) -> Block:
    yes = option("Add a link to meet online", "online")
    element: Block = {"type": "checkboxes", "action_id": "online", "options": [yes]}
    return element | ({"initial_options": [yes]} if chosen else {})


def _text(name: str, most: int, text: str = "", *, multiline: bool = False) -> Block:
    element: Block = {"type": "plain_text_input", "action_id": name, "max_length": most}
    said = text.strip()[:most]
    return element | ({"initial_value": said} if said else {}) | ({"multiline": True} if multiline else {})


# -- somebody's hours ----------------------------------------------------------------------------------------------------


def hours_form(hours: Hours, slack_zone: str) -> View:
    """The form of the Home tab: when somebody works. `slack_zone` is what their profile in Slack says."""
    own = option(cut(f"As in Slack now ({city(slack_zone)})", OPTION), AS_IN_SLACK)
    common = COMMON.split()
    zones = [*common, *([hours.zone] if hours.zone not in common and zone_of(hours.zone) else [])]
    options = {zone: option(zone.replace("_", " "), zone) for zone in zones}
    chosen = own if hours.zone == slack_zone else options.get(hours.zone, own)
    zone: Block = {"type": "static_select", "action_id": "zone", "options": [own, *options.values()]}
    off = ", ".join(_stretches(hours.off))
    blocks = [
        field("zone", "Your time zone", zone | {"initial_option": chosen}),
        field(
            "hours",
            "Your working hours",
            _text("hours", HOURS, hours_text(hours)),
            "Such as “Mon-Fri 09:00-17:00”, or “Mon-Thu 08:00-12:00 13:00-17:00, Fri 09:00-14:00”.",
        ),
        field(
            "off",
            "Days off",
            _text("off", OFF, off),
            "Such as “2026-12-24 to 2027-01-01, 2027-05-14”.",
            optional=True,
        ),
    ]
    return modal("My working hours", blocks, buttons.HOURS_FORM, {}, submit="Save")


def _stretches(days: Iterable[date]) -> list[str]:
    """Days one after the other taken together: "2026-12-24 to 2027-01-01"."""
    runs: list[list[date]] = []
    for day in sorted(days):
        if runs and (day - runs[-1][-1]).days == 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return [f"{run[0]}" if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs]
