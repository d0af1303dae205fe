"""The calendar that the settings name."""

from __future__ import annotations

from bot.database import Database
from bot.meetings.calendars.calendar import Calendar
from bot.meetings.calendars.local import LocalCalendar
from bot.meetings.register.register import Register
from bot.settings import Settings


def make_calendar(settings: Settings, database: Database, register: Register) -> Calendar:
    """CALENDAR's. Raises SettingError where its settings are missing or cannot be read."""
    # Imported here: each brings an HTTP client and more that takes memory and time, for those alone who have that calendar.
    match settings.calendar:
        case "caldav":
            from bot.meetings.calendars.caldav import caldav_calendar

            return caldav_calendar(settings)
        case "google":
            from bot.meetings.calendars.google import make_google

            return make_google(settings)
        case "microsoft":
            from bot.meetings.calendars.microsoft import make_microsoft

            return make_microsoft(settings)
        case _:
            return LocalCalendar(database, register)
