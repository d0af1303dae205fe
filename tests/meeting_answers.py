"""What tests of `/meet` share: requests as the model tells of them."""

from __future__ import annotations

from typing import Any


def answer(**more: Any) -> dict[str, Any]:
    """A request of which nothing was said but `more`."""
    numbers = dict.fromkeys(("weekday", "week", "year", "month", "day", "first", "second", "nth", "count"))
    return {
        "understood": True,
        "title": "",
        "people": [],
        "minutes": None,
        "words": "",
        "day": {"kind": "any", "relation": "", "unit": "day", "part": "", **numbers},
        "time": {"kind": "any", "clock": None, "until": None, "minutes": None},
        "zone": "",
        "repeat": None,
        "online": False,
    } | more
