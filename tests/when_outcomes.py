"""What words about time come to, in one line: how tests/data/when_phrases.txt tells it."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.meetings.hours import read_hours
from bot.meetings.values import Window
from bot.meetings.when.request import read_when
from bot.meetings.when.resolve import Asks, Refused, resolve

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def outcome(words: str, now: datetime, hours: str = "Mon-Fri 09:00-17:00") -> str:
    """Such as "= …" a window, "? … / …" asked, "! …" refused with these words, "-" not understood. `now` is in the organizer's zone."""
    reading = read_when(words)
    if reading is None:
        return "-"
    zone = str(now.tzinfo)
    found = resolve(reading, now, read_hours(hours, zone))
    if isinstance(found, Refused):
        return f"! {found.text}"
    if isinstance(found, Asks):
        return "? " + " / ".join(told(c.window, zone) for c in found.choices)
    return f"= {told(found, zone)}"


def told(window: Window, zone: str) -> str:
    """Such as "2026-11-24T14:00+00:00", "2026-11-23..2026-11-27 14:00-16:00 not Fri", with the zone where it is not the organizer's."""
    here = ZoneInfo(window.zone)
    other = f" {window.zone}" if window.zone != zone else ""
    if window.exact:
        return window.exact.astimezone(here).isoformat(timespec="minutes") + other
    start, end = window.span.start.astimezone(here), window.span.end.astimezone(here)
    from_, until = window.day_from, window.day_until
    first = f"{start:%Y-%m-%d}" if start.time() == from_ else f"{start:%Y-%m-%dT%H:%M}"
    last = f"{end:%Y-%m-%d}" if end.time() == until else f"{end:%Y-%m-%dT%H:%M}"
    if until is None and end.time() == time(0):
        last = f"{(end - timedelta(days=1)).date()}"
    days = first if first == last else f"{first}..{last}"
    clock = f" {from_:%H:%M}-{until or time(0):%H:%M}" if until or from_ != time(0) else ""
    out = f" not {' '.join(DAYS[n] for n in sorted(window.without))}" if window.without else ""
    return days + clock + out + other
