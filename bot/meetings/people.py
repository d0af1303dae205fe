"""From what people are called to attendees: members, user groups, addresses, guests, rooms; with their zones and addresses from Slack, their hours from here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from bot.database import Database
from bot.errors import SettingError
from bot.meetings.values import Attendee, Hours
from bot.meetings.when.request import Called
from bot.slack import Slack


def read_rooms(text: str) -> dict[str, str]:
    """Rooms by name, from "Aquarium=aquarium@rooms.example.com, Attic=…". Raises SettingError."""
    rooms: dict[str, str] = {}
    for part in filter(None, (p.strip() for p in text.split(","))):
        name, _, address = (p.strip() for p in part.partition("="))
        if not name or not re.fullmatch(r"[^\s@<>]+@[^\s@<>]+", address):
            raise SettingError("MEETINGS_ROOMS", f"“{part}” is not name=address.", "See docs/settings.md.")
        rooms[name] = address.lower()
    return rooms


class People:
    """Whom meetings are with."""

    def __init__(self, slack: Slack, database: Database, rooms: Mapping[str, str], usual: Hours) -> None:
        """`rooms` by name; `usual` are the hours of who told none."""
        self._slack, self._database, self._rooms, self._usual = (
            slack,
            database,
            rooms,
            usual,
        )  # skeleton: bot.reading.people.People knows names

    async def organizer(self, person: str) -> Attendee:
        """The person who asks. Raises MeetingRefused for guests and people of other companies, Retryable."""
        raise NotImplementedError  # skeleton

    async def attendees(self, organizer: Attendee, called: Sequence[Called]) -> tuple[Attendee, ...]:
        """The organizer first, then everybody who was named, once each; required where named so once. An address of a member is that member.

        Raises MeetingRefused: nobody is called so, several are (names them), who has left, bots, more than MOST_ATTENDEES; and Retryable.
        """
        raise NotImplementedError  # skeleton

    async def hours(self, team: str, attendees: Sequence[Attendee]) -> dict[str, Hours | None]:
        """When they work, by their ids: as they told, else the usual hours in their zone; None for rooms, and for guests whose zone is not known."""
        raise NotImplementedError  # skeleton
