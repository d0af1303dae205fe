"""Several people at once, doing what comes to their minds, while the workers are killed one after the other: afterwards all of it is there, once."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import select

from bot import keys, tables
from bot.compose import open_settings_database
from bot.delivery.outgoing import NEVER
from bot.errors import ExpenseRefused
from bot.expenses.books import audit
from bot.expenses.books.books import Books
from bot.expenses.books.rows import to_expense, to_report
from bot.expenses.face.cards import expense_card, report_card
from bot.expenses.money.rates import Rates
from bot.expenses.policy.policy import load_policy
from bot.models import By
from bot.redis_client import connect_redis
from bot.settings import Settings
from playground.openai import OpenAIServer
from playground.slack import SlackServer
from tests.conftest import connected
from tests.processes import Bots
from tests.scenarios.expense_seen import LUNCH, messages
from tests.scenarios.test_expense_kills import POLICY
from tests.scenarios.test_expenses import DAY

PEOPLE = ("ana", "raj", "kim", "lee")
STEPS, CALM = 60, 90.0  # what people do; seconds for all to be done afterwards
PRESSABLE = ("expense_remove", "expense_keep_both", "report_submit", "report_withdraw", "report_approve")


class Storm:
    """What people do, and what of it has to be there."""

    def __init__(self, slack: SlackServer, seed: int) -> None:
        self.slack, self.chance, self.wanted = slack, random.Random(seed), set[str]()

    async def step(self) -> None:
        """Somebody does something."""
        ws, who = self.slack.workspace, self.chance.choice(PEOPLE)
        match self.chance.choice(("words", "form", "form", "report", "press", "press", "press", "press", "redeliver")):
            case "words":
                shop = self._shop()
                ws.say(who, ws.dm(who), f"I paid {len(self.wanted) + 3}.50 EUR for lunch at {shop} on {DAY}")
            case "form":
                await self._form(who)
            case "report":
                ws.command(who, ws.dm(who), "/expenses", "report")
            case "redeliver":
                self.slack.delivery.redeliver_all()
            case _:
                self._press(self.chance.choice((*PEOPLE, "dana", "dana")))

    def _shop(self) -> str:
        first, second = divmod(len(self.wanted), 20)
        name = f"Bistro {chr(65 + first)}{chr(97 + second)}lor"  # the playground's model takes no digits for a name
        self.wanted.add(name)
        return name

    async def _form(self, who: str) -> None:
        ws = self.slack.workspace
        ws.command(who, ws.dm(who), "/expenses", "new")
        await self.slack.until(lambda: "Paid with" in str(ws.modal(who)), timeout=40)
        view = ws.modal(who)
        assert view
        values = {**LUNCH, "merchant": self._shop(), "minor": f"{len(self.wanted)}.40"}
        ws.submit(who, view["id"], {name: {name: value} for name, value in values.items()})

    def _press(self, who: str) -> None:
        """Some button of some card, perhaps twice."""
        found = [
            (m["ts"], e["action_id"])
            for m in messages(self.slack, who)
            for b in m.get("blocks") or ()
            if b["type"] == "actions"
            for e in b["elements"]
            if e.get("action_id") in PRESSABLE
        ]
        if found:
            ts, action = self.chance.choice(found)
            for _ in range(self.chance.choice((1, 1, 2))):
                self.slack.workspace.press(who, self.slack.workspace.dm(who), ts, action)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_storm_costs_no_expense_and_doubles_none(
    settings: Settings, start: Bots, slack: SlackServer, ai: OpenAIServer, seed: int
) -> None:
    more = {"REDIS_URL": settings.redis_url, "EXPENSES_POLICY": str(POLICY), "EXPENSES_RATES": "none"}
    for person in PEOPLE:
        slack.workspace.set_manager(person, "dana")
    await start.start("web", **more)
    workers = [await start.start("worker", **more) for _ in range(2)]
    await connected(slack)
    storm = Storm(slack, seed)

    async def kill() -> None:
        while True:
            await asyncio.sleep(storm.chance.uniform(0.5, 2.5))
            await workers.pop(0).kill()
            workers.append(await start.start("worker", **more))

    killing = asyncio.create_task(kill())
    try:
        for _ in range(STEPS):
            await storm.step()
            await asyncio.sleep(storm.chance.uniform(0.0, 0.6))
    finally:
        killing.cancel()
        await asyncio.gather(killing, return_exceptions=True)
    while len(workers) < 2:
        workers.append(await start.start("worker", **more))
    await _calm(settings)
    await _compared(settings, slack, storm)


async def _calm(settings: Settings) -> None:
    """Waits until nothing is left to be done."""
    async with connect_redis(settings.redis_url) as redis, open_settings_database(settings) as database:
        quiet = 0
        async with asyncio.timeout(CALM):
            while quiet < 8:
                async with database.read() as tx:
                    out = await tx.scalar(select(tables.outgoing.c.id).where(tables.outgoing.c.due_at < NEVER).limit(1))
                busy = out or await redis.xlen(keys.READY) or await redis.zcard(keys.DELAYED)
                quiet = 0 if busy else quiet + 1
                await asyncio.sleep(0.25)
        assert await redis.xlen(keys.DEAD) == 0


async def _compared(settings: Settings, slack: SlackServer, storm: Storm) -> None:
    policy, team = load_policy(POLICY, "EUR"), slack.team_id
    books = Books(policy, Rates(""), "EUR", frozenset())
    async with open_settings_database(settings) as database, database.read() as tx:
        assert await audit.verify(tx, team) == []
        expenses = [to_expense(r) for r in await tx.execute(select(tables.expenses))]
        reports = [to_report(r) for r in await tx.execute(select(tables.reports))]
        rows = list((await tx.execute(select(tables.outgoing))).mappings())
        kept = Counter(e.details.merchant for e in expenses)
        assert kept == Counter(storm.wanted), (kept - Counter(storm.wanted), Counter(storm.wanted) - kept)
        assert {e.number for e in expenses} == set(range(1, len(expenses) + 1))
        for report in reports:
            whole = await books.report(tx, By(team, report.owner), report.number)
            assert whole.total.minor == sum(e.home.minor for e in expenses if e.home and e.report == report.number)
        names = {p.id: p.real_name for p in slack.workspace.people.values()}
        posted = {_mark(m): m for p in (*PEOPLE, "dana") for m in messages(slack, p) if _mark(m)}
        marks = Counter(_mark(m) for p in (*PEOPLE, "dana") for m in messages(slack, p) if _mark(m))
        assert not [mark for mark, count in marks.items() if count != 1]
        for row in rows:
            if row["kind"] == "file":
                continue
            message = posted.pop(f"outgoing-{row['id']}")
            if row["kind"] == "card":
                by, number = By(team, row["person"]), int(row["subject"][2:])
                try:
                    if row["subject"].startswith("E"):
                        card = expense_card(await books.expense(tx, by, number), policy, "EUR")
                    else:
                        card = report_card(await books.report(tx, by, number), policy, row["person"], names)
                except ExpenseRefused:
                    continue
                assert message["text"] == card.text
                assert _actions(message["blocks"]) == _actions(card.blocks), row["subject"]
        assert not [m for m in posted if m.startswith("outgoing-")], "what nobody noted"


def _actions(blocks: Any) -> list[Any]:
    rows = [b for b in blocks if b["type"] == "actions"]
    return [(e["action_id"], e.get("value")) for b in rows for e in b["elements"]]


def _mark(message: dict[str, Any]) -> str:
    return str(((message.get("metadata") or {}).get("event_payload") or {}).get("turn", ""))
