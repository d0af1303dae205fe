"""The calendar that the settings name."""

from __future__ import annotations

from bot.database import Database
from bot.errors import SettingError
from bot.meetings.calendars.calendar import Calendar
from bot.meetings.calendars.google import make_google
from bot.meetings.calendars.local import LocalCalendar
from bot.meetings.calendars.microsoft import make_microsoft
from bot.meetings.register.register import Register
from bot.settings import Settings


def make_calendar(settings: Settings, database: Database, register: Register) -> Calendar:
    """CALENDAR's. Raises SettingError where its settings are missing or cannot be read."""
    match settings.calendar:
        case "local":
            return LocalCalendar(database, register)
        case "google":
            return make_google(settings)
        case "microsoft":
            return make_microsoft(settings)
        case _:
            raise SettingError("CALENDAR", "cannot be that yet.", "skeleton")
