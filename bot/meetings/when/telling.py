"""A window in words: with weekday, date and zone, for people. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta

from bot.meetings.values import Window
from bot.meetings.when.days import NAMES, Days, dated, day_name
from bot.meetings.when.zones import zone_info, zone_name


def window_text(window: Window) -> str:
    """Such as "Tue 24 Nov 2026, 14:00 Europe/Lisbon"; "Mon 23 – Fri 27 Nov 2026, 12:00–18:00 Europe/Lisbon, not Wed"."""
    first, last = _dates(window)
    days = dated(first) if first == last else f"{_range(first, last)} {last.year}"
    time = _time(window)
    out = " or ".join(NAMES[n][:3] for n in sorted(window.without))
    zone = zone_name(window.zone) + (f" ({_offset(window)})" if _twice(window) else "")
    return f"{days},{f' {time}' if time else ''} {zone}{f', not {out}' if out else ''}"


def said_of(days: Days) -> str:
    """Such as "Mon 23 – Fri 27 Nov"."""
    return _range(days.first, days.last)


def labels(windows: Sequence[Window]) -> list[str]:
    """What buttons say: as little as tells one from the other."""
    if len(windows) == 1:
        only = windows[0]
        return [", ".join(filter(None, (f"{_day(only)} {_dates(only)[1].year}", _time(only))))]
    ways: tuple[Callable[[Window], str], ...] = (
        _day,
        lambda w: ", ".join(filter(None, (_day(w), _time(w)))),
        lambda w: f"{_day(w)} {_dates(w)[1].year}",
        lambda w: ", ".join(filter(None, (_day(w), _time(w)))) + f" ({_offset(w)})",
        lambda w: ", ".join(filter(None, (_day(w), _time(w)))) + f" {zone_name(w.zone)}",
    )
    midnight = any(
        w.exact and _time(w) == "00:00" for w in windows
    )  # which of its two days it belongs to was the question
    for way in ways[midnight:]:
        named = [way(w) for w in windows]
        if len(set(named)) == len(named):
            return named
    return [w.text[:75] for w in windows]


def _dates(window: Window) -> tuple[date, date]:
    zone = zone_info(window.zone)
    if window.exact:
        day = window.exact.astimezone(zone).date()
        return day, day
    start, end = window.span.start.astimezone(zone), window.span.end.astimezone(zone)
    last = (end - timedelta(microseconds=1)).date()
    return start.date(), max(start.date(), last)


def _day(window: Window) -> str:
    return _range(*_dates(window))


def _range(first: date, last: date) -> str:
    if first == last:
        return day_name(first)
    same = (first.year, first.month) == (last.year, last.month)
    begins = day_name(first).rsplit(" ", 1)[0] if same else day_name(first) if first.year == last.year else dated(first)
    return f"{begins} – {day_name(last)}"


def _time(window: Window) -> str:
    if window.exact:
        return f"{_local(window.exact, window):%H:%M}"
    begins, ends = window.day_from, window.day_until
    if ends:
        return f"{begins:%H:%M}–{ends:%H:%M}" if begins.hour or begins.minute else f"before {ends:%H:%M}"
    return f"from {begins:%H:%M}" if begins.hour or begins.minute else ""


def _local(at: datetime, window: Window) -> datetime:
    return at.astimezone(zone_info(window.zone))


def _twice(window: Window) -> bool:
    """Whether the clock shows that start twice on the day."""
    if not window.exact:
        return False
    local = _local(window.exact, window)
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


def _offset(window: Window) -> str:
    """How far the zone is from UTC then: "UTC+1", "UTC+10:30"."""
    offset = _local(window.exact or window.span.start, window).utcoffset() or timedelta()
    minutes = int(offset.total_seconds()) // 60
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'-' if minutes < 0 else '+'}{hours}{f':{rest:02d}' if rest else ''}"
