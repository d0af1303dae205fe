"""CALENDAR=caldav: which settings it takes, and what `assist check` hears."""

from __future__ import annotations

import pytest

from bot.database import open_database
from bot.errors import CalendarRefused, SettingError
from bot.meetings.calendars.caldav import CalDavCalendar, caldav_calendar
from bot.meetings.calendars.choose import make_calendar
from bot.meetings.register.register import Register
from bot.meetings.values import Attendee
from bot.settings import Settings
from tests.caldav_world import ASSISTANT, PASSWORD, Front, People, front, people, radicale_server

__all__ = ["front", "people", "radicale_server"]


def settings(url: str, user: str = ASSISTANT, password: str = PASSWORD) -> Settings:
    return Settings(calendar="caldav", caldav_url=url, caldav_user=user, caldav_password=password)


@pytest.mark.parametrize(
    ("name", "url", "user", "password"),
    [
        ("CALDAV_USER", "https://dav.example.com/{user}/", "", "p"),
        ("CALDAV_PASSWORD", "https://dav.example.com/{user}/", "u", ""),
        ("CALDAV_URL", "", "u", "p"),
        ("CALDAV_URL", "https://dav.example.com/everybody/", "u", "p"),
        ("CALDAV_URL", "https://{user}.example.com/", "u", "p"),
        ("CALDAV_URL", "https://{user}.example.com/{user}/", "u", "p"),
        ("CALDAV_URL", "https://u:p@dav.example.com/{user}/", "u", "p"),
        ("CALDAV_URL", "https://dav.example.com/?of={user}", "u", "p"),
    ],
)
def test_settings_that_would_mislead_stop_the_start(name: str, url: str, user: str, password: str) -> None:
    with pytest.raises(SettingError) as raised:
        caldav_calendar(settings(url, user, password))
    assert raised.value.name == name
    assert "u:p" not in str(raised.value)


async def test_check_counts_the_busy_times_of_a_person(front: Front, people: People, sqlite_url: str) -> None:
    await people.open("ana")
    async with open_database(sqlite_url) as database:
        register = Register(external=True, mails=False)
        calendar = make_calendar(settings(f"{front.url}/{{user}}/calendar"), database, register)
    assert isinstance(calendar, CalDavCalendar)
    assert (calendar.external, calendar.invites) == (True, False)
    assert (
        await calendar.check(Attendee(id="U1", name="", email="ana@example.com"))
        == "127.0.0.1, 0 busy times within a day"
    )
    with pytest.raises(CalendarRefused, match="CALDAV_URL"):
        await calendar.check(Attendee(id="U2", name="", email="kim@example.com"))
    await calendar.close()
