"""The calendar that the settings name."""

from __future__ import annotations

from bot.database import Database
from bot.errors import SettingError
from bot.meetings.calendars.calendar import Calendar
from bot.meetings.calendars.local import LocalCalendar
from bot.meetings.register.register import Register
from bot.settings import Settings


def make_calendar(settings: Settings, database: Database, register: Register) -> Calendar:
    """CALENDAR's. Raises SettingError where its settings are missing or cannot be read."""
    match settings.calendar:
        case "local":
            return LocalCalendar(database, register)
        case "caldav":
            from bot.meetings.calendars.caldav import (
                caldav_calendar,
            )  # its HTTP client and XML parser are for who needs them

            return caldav_calendar(settings)
        case _:
            raise SettingError("CALENDAR", "cannot be that yet.", "skeleton")
