"""What goes wrong around what people press: broken acts, a database that is locked, Slack's limits, an end while cards are under way."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from bot import keys, tables
from bot.acts import noted
from bot.compose import open_settings_database
from bot.delivery import outgoing
from bot.delivery.outgoing import NEVER
from bot.models import utcnow
from bot.queue import Queue
from bot.redis_client import connect_redis
from bot.settings import Settings
from playground.openai import OpenAIServer
from playground.slack import SlackServer
from tests.conftest import connected, running
from tests.processes import Bots
from tests.scenarios.expense_seen import LUNCH, messages, shows, told
from tests.scenarios.test_expenses import DAY

LOCKED = 25.0  # seconds; longer than the database is waited for
FORM = {**LUNCH, "spent_on": str(DAY), "currency": "EUR", "payment": "own"}


async def note(queue: Queue, slack: SlackServer, person: str, **args: Any) -> None:
    """Somebody enters an expense by a form."""
    user = slack.workspace.person(person).id
    await queue.put(noted(slack.team_id, user, "expense.new", args, event_id=f"{person}-{args}"))


async def test_an_act_that_is_broken_costs_a_word_and_not_those_behind_it(
    settings: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    async with connect_redis(settings.redis_url) as redis:
        queue = Queue(redis, "web")
        await note(queue, slack, "ana", values={**FORM, "merchant": "First"})
        await note(queue, slack, "ana")  # as no form of ours says it
        await note(queue, slack, "ana", values={**FORM, "merchant": "Last", "minor": "7"})
        async with running(settings):
            await shows(slack, "ana", "E-1", "First")
            await shows(slack, "ana", "E-2", "Last")
            await told(slack, "ana", "Something went wrong on my side")
            (dead,) = await queue.dead()
            assert await queue.replay(dead.id)
            await slack.until(lambda: len([m for m in messages(slack, "ana") if "went wrong" in m["text"]]) == 2)
    assert len(messages(slack, "ana")) == 4, "two cards, the word and the word of the replay"


@pytest.mark.slow
async def test_people_at_once_while_the_database_is_locked_lose_nothing(
    settings: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    people = []
    for n in range(50):
        one = replace(slack.workspace.person("ana"), id=f"U0MANY{n:03d}", name=f"many{n}")
        slack.workspace.add_person(one)
        people.append(one.name)
    async with running(settings), connect_redis(settings.redis_url) as redis:
        await connected(slack)
        queue = Queue(redis, "web")
        with closing(sqlite3.connect(settings.data_dir / "assist.db", isolation_level=None)) as database:
            database.execute("BEGIN IMMEDIATE")
            for name in people:
                await note(queue, slack, name, values=FORM)
            await asyncio.sleep(LOCKED)
            database.execute("ROLLBACK")
        await slack.until(lambda: all(len(messages(slack, name)) == 1 for name in people), timeout=60)
        assert not [name for name in people if "wrong" in str(messages(slack, name))]
        assert await redis.xlen(keys.DEAD) == 0


async def test_told_to_stop_while_a_card_is_posted_it_ends_well_and_the_next_one_goes_on_at_once(
    settings: Settings, start: Bots, slack: SlackServer
) -> None:
    ana = slack.workspace.person("ana")
    async with open_settings_database(settings) as database, database.begin() as tx:
        for text in ("one", "two"):
            await outgoing.say(tx, slack.team_id, ana.id, "", text, text)
    held = slack.faults.add("chat.postMessage", delay=1.5)
    first = await start.start("worker", REDIS_URL=settings.redis_url)
    await slack.until(lambda: held.hits, timeout=10)
    first.signal(signal.SIGTERM)
    assert await first.ended(10) == 0
    async with open_settings_database(settings) as database, database.read() as tx:
        due = list(await tx.scalars(select(tables.outgoing.c.due_at).order_by(tables.outgoing.c.id)))
    assert due[0] == NEVER, "the one that was being posted is noted as posted"
    assert due[1] < utcnow(), "the other one waits for nobody's claim to run out"
    await start.start("worker", REDIS_URL=settings.redis_url)
    await slack.until(lambda: len(messages(slack, "ana")) == 2, timeout=40)
    assert [m["text"] for m in messages(slack, "ana")] == ["one", "two"]
