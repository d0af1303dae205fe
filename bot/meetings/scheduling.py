"""What the meeting jobs work with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.access import Access
from bot.database import Database
from bot.llm import Llm
from bot.meetings.calendars.calendar import Calendar
from bot.meetings.mail import Mailer
from bot.meetings.people import People
from bot.meetings.register.register import Register
from bot.meetings.values import Hours
from bot.slack import Slack


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduling:
    """All that meetings need, and how this company does them."""

    slack: Slack
    access: Access
    llm: Llm
    database: Database
    calendar: Calendar
    register: Register
    people: People
    mailer: Mailer | None  # None: no mail server is set
    hours: Hours  # of people who told none of theirs; the zone is theirs
    rooms: Mapping[str, str]  # by name: the room's address
    notice: int  # minutes from now before which nothing begins
    buffer: int  # minutes that people keep free around meetings
    remind: int  # minutes before its start that people are reminded of a meeting; 0: never
    link: str  # where online meetings are held if the calendar makes no link: "https://meet.example.com/{id}"; "" for nowhere
    folder: Path  # for files while they are made
