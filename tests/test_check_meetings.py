"""`assist check`: the calendar, the mail server, hours and rooms."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from bot.check import calendar_to_try
from bot.settings import Settings
from tests.smtp_world import PASSWORD, USER, mail_server
from tests.test_check import table_of

ROOMS = "Aquarium=aquarium@rooms.example.com, Attic=attic@rooms.example.com"


async def test_what_is_set_is_tried_and_shown(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    async with mail_server(auth=True) as server:
        url = f"smtp://{quote(USER)}:{quote(PASSWORD, safe='')}@127.0.0.1:{server.port}"
        set_up: dict[str, Any] = {
            "smtp_url": url,
            "smtp_from": USER,
            "meetings_rooms": ROOMS,
            "meetings_hours": "Mon-Thu 08:00-16:00",
        }
        code, table = await table_of(replace(settings, **set_up), capsys)
    assert code == 0
    assert table["SMTP_URL"] == ("ok", f"127.0.0.1:{server.port}, signed in as {USER}")
    assert table["MEETINGS_ROOMS"] == ("ok", "Aquarium, Attic")
    assert table["MEETINGS_HOURS"] == ("ok", "Mon-Thu 08:00-16:00")
    assert table["CALENDAR"][0] == "-"
    assert server.signed_in == [USER]
    assert not server.sent


@pytest.mark.parametrize(
    ("change", "what", "word"),
    [
        ({"smtp_url": "smtp://127.0.0.1:9"}, "SMTP_FROM", "missing"),
        ({"smtp_url": "smtp://127.0.0.1:9", "smtp_from": USER}, "SMTP_URL", "does not answer"),
        ({"smtp_url": "smtp://bot:hunter2@127.0.0.1:x", "smtp_from": USER}, "SMTP_URL", "is not like"),
        ({"meetings_rooms": "Aquarium"}, "MEETINGS_ROOMS", "not name=address"),
        ({"meetings_hours": "always"}, "MEETINGS_HOURS", "“always” is not like"),
        ({"meetings_hours": "Fri-Mon 09:00-17:00"}, "MEETINGS_HOURS", "runs backwards"),
    ],
)
async def test_what_is_wrong_fails_on_its_own_line(
    settings: Settings, capsys: pytest.CaptureFixture[str], change: dict[str, Any], what: str, word: str
) -> None:
    code, table = await table_of(replace(settings, **change), capsys)
    assert code == 1
    assert table[what][0] == "fail"
    assert word in table[what][1]
    assert [w for w, (state, _) in table.items() if state == "fail"] == [what]


async def test_a_mail_server_that_refuses_the_password_fails_without_telling_it(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    async with mail_server(auth=True) as server:
        url = f"smtp://{quote(USER)}:hunter2@127.0.0.1:{server.port}"
        code, table = await table_of(replace(settings, smtp_url=url, smtp_from=USER), capsys)
    assert (code, table["SMTP_URL"][0]) == (1, "fail")
    assert "does not let me in" in table["SMTP_URL"][1]
    assert "SMTP 535" in table["SMTP_URL"][1]


@pytest.mark.parametrize(
    ("change", "address"),
    [
        ({"meetings_rooms": ROOMS, "calendar": "google"}, "aquarium@rooms.example.com"),
        ({"calendar": "caldav", "caldav_user": "bot@corp.example"}, "bot@corp.example"),
        ({"calendar": "caldav", "caldav_user": "bot"}, "bot@localhost"),
        ({"calendar": "google"}, None),
        ({"meetings_rooms": "nonsense", "calendar": "microsoft"}, None),
    ],
)
def test_a_calendar_is_tried_with_one_that_there_is(
    settings: Settings, change: dict[str, Any], address: str | None
) -> None:
    person = calendar_to_try(replace(settings, **change))
    assert (person.email if person else None) == address


@pytest.mark.parametrize("calendar", ["caldav", "google", "microsoft"])
async def test_a_calendar_without_its_settings_fails_by_name(
    settings: Settings, capsys: pytest.CaptureFixture[str], calendar: str
) -> None:
    code, table = await table_of(replace(settings, calendar=calendar), capsys)
    failed = [what for what, (state, _) in table.items() if state == "fail"]
    assert (code, len(failed)) == (1, 1)
    assert failed[0].split("_")[0] in ("CALENDAR", calendar.upper())
