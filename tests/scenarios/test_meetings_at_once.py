"""Two people want the same room at the same time, with two workers: one has it, the other is told and offered other times. A press counts once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import func, select

from bot import tables
from bot.database import open_database
from bot.settings import Settings
from playground.openai import OpenAIServer
from playground.slack import SlackServer
from tests.conftest import connected, running
from tests.scenarios.test_meetings import DAY, cards, press, pressables, said

ROOMS = "Aquarium=aquarium@rooms.example.com"


@pytest.fixture(params=["sqlite_url", "postgresql_url"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Each of the databases that the bot runs on."""
    return str(request.getfixturevalue(request.param))


async def test_a_room_is_booked_by_one_of_two_and_by_one_of_two_presses(
    settings: Settings, slack: SlackServer, ai: OpenAIServer, database_url: str
) -> None:
    settings = replace(settings, database_url=database_url, meetings_rooms=ROOMS)
    ws = slack.workspace

    def shown(person: str) -> str:
        return str(cards(slack, ws.dm(person).id, "M-"))

    async with running(settings), running(settings, receive=False):
        await connected(slack)
        for person, other, guest in (("ana", "dana", "pat@else.example"), ("maria", "kim", "sam@else.example")):
            words = f"sync {said(DAY)} 16:00 30 min with @{other} {guest} in room Aquarium"
            ws.command(person, "general", "/meet", words)
        both = ("ana", "maria")
        await slack.until(lambda: all("Book" in shown(p) for p in both), timeout=15)
        offered = {p: cards(slack, ws.dm(p).id, "M-")[0] for p in both}
        assert all("Book" in pressables(card) for card in offered.values())
        for _ in range(2):
            for person in both:
                press(slack, person, offered[person], "Book")
        await slack.until(lambda: sum("_Booked_" in shown(p) for p in both) == 1, timeout=15)
        loser = next(p for p in both if "_Booked_" not in shown(p))
        await slack.until(lambda: "Aquarium is not free any more" in shown(loser) or "just taken" in shown(loser), 15)
        assert "Book" in pressables(cards(slack, ws.dm(loser).id, "M-")[0])
    async with open_database(database_url) as database, database.read() as tx:
        counted = select(tables.meetings.c.state, func.count()).group_by(tables.meetings.c.state)
        assert dict((await tx.execute(counted)).all()) == {"booked": 1, "draft": 1}
