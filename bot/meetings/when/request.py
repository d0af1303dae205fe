"""The words behind `/meet` as what is wanted: title, people, duration, time. What code cannot read for sure it leaves over, and says so."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from bot.meetings.values import Repeat
from bot.meetings.when.reading import Reading


@dataclass(frozen=True, slots=True)
class Called:
    """Somebody as they were named: "<@U123>", "<!subteam^S1>", "raj", "kim@example.com", "room Aquarium"."""

    said: str
    required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked for. `minutes` is None where no duration was said; `unread` are words about time or people that code did not understand."""

    do: Literal["arrange", "list", "help", "form"] = "arrange"
    title: str = ""
    people: tuple[Called, ...] = ()
    minutes: int | None = None
    reading: Reading = field(default_factory=Reading)
    repeat: Repeat | None = None
    online: bool | None = None
    unread: str = ""
    refused: str = ""  # what is wrong, and what to do: "A meeting cannot last 25 hours …"


def read_request(text: str) -> Request:
    """Reads the text behind `/meet`; "" asks for the form. Slack's escapes (`<@U1|raj>`, `<mailto:…>`) are understood. Pure, English."""
    raise NotImplementedError  # skeleton


def read_when(text: str) -> Reading | None:
    """Reads words that are about time alone ("next Tuesday 2pm"); None where any of them is not understood."""
    raise NotImplementedError  # skeleton
