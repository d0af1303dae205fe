"""Several people at once who arrange, book, answer, move, change and cancel as it comes to their minds, over two rooms, while workers are killed and told to stop, and the
calendars are away for a while: afterwards the register, the calendars, the mailboxes and the cards tell the same.
"""

from __future__ import annotations

import asyncio
import json
import random
import signal
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bot import keys, tables
from bot.compose import open_settings_database
from bot.database import Database
from bot.delivery.outgoing import NEVER
from bot.redis_client import connect_redis
from bot.settings import Settings
from playground.openai import OpenAIServer
from playground.slack import SlackServer
from tests.caldav_world import ASSISTANT, PASSWORD, Fault, Front, People, Radicale, front, people, radicale_server
from tests.conftest import connected
from tests.processes import Bot, Bots
from tests.scenarios.expense_seen import messages
from tests.scenarios.meeting_judge import gathered
from tests.scenarios.test_meetings import DAY, said
from tests.scenarios.test_stops import DRAINED_SECONDS
from tests.smtp_world import MailServer, mail_server

__all__ = ["front", "people", "radicale_server"]

WHO = {"ana": "Ana Becker", "raj": "Raj Patel", "dana": "Dana Weiss", "maria": "Maria García", "kim": "Kim Park"}
ROOMS = "Aquarium=aquarium@rooms.example.com,Volcano=volcano@rooms.example.com"
CLOCKS = ("10:00", "10:30", "11:00", "11:30", "12:00")  # at which all but Kim work
STEPS, CALM = 120, 150.0  # what people do; seconds for all to be done afterwards
METHODS = ("REPORT", "PUT", "GET", "DELETE", "PROPFIND")
LATE = 0.4  # seconds
DOWN = 12.0  # seconds for which the calendars are away
DOES = ("arrange",) * 4 + ("words",) * 6 + ("press",) * 8 + ("redeliver",)
ENDS = ("meet_cancel", "meet_undo", "meet_discard")


class Storm:
    """What people do, and what of it has to be there."""

    def __init__(self, slack: SlackServer, seed: int) -> None:
        self.slack, self.chance, self.titles = slack, random.Random(seed), list[str]()

    def step(self) -> None:
        """Somebody does something."""
        who = self.chance.choice([*WHO])
        match self.chance.choice(DOES):
            case "arrange":
                self._arrange(who)
            case "words":
                self._say(who)
            case "redeliver":
                self.slack.delivery.redeliver_all()
            case _:
                self._press(who)

    def _when(self, days: tuple[int, ...] = (0, 0, 1, 2)) -> str:
        day = DAY + timedelta(days=self.chance.choice(days))
        return f"{said(day)} {self.chance.choice(CLOCKS)}"

    def _arrange(self, who: str) -> None:
        others = self.chance.sample([w for w in WHO if w != who], self.chance.choice((1, 1, 2)))
        guest = self.chance.choice(("", "", " pat@else.example"))
        room = self.chance.choice(("", " in room Aquarium", " in room Aquarium", " in room Volcano"))
        number = len(self.titles)
        self.titles.append(f"plan {chr(97 + number // 26)}{chr(97 + number % 26)}lor")
        with_ = " ".join(f"@{other}" for other in others)
        text = f'"{self.titles[-1]}" {self._when()} 30 min with {with_}{guest}{room}'
        self.slack.workspace.command(who, "general", "/meet", text)

    def _say(self, who: str) -> None:
        """Mostly of one of their own."""
        ws, own = self.slack.workspace, [value for _, action, value in self._buttons(who) if action in ENDS[:2]]
        name = self.chance.choice(own).partition("|")[0] if own else "M-1"
        other = self.chance.choice([w for w in WHO if w != who])
        moves = [f"move {name} to {self._when((1, 2, 3))}"] * 3
        changes = [f"add @{other} to {name}", f"remove @{other} from {name}", f"make @{other} optional in {name}"]
        what = self.chance.choice((*moves, *changes, f"cancel {name}"))
        ws.say(who, ws.dm(who), what)

    def _press(self, who: str) -> None:
        """Some button of some card, perhaps twice; seldom one that ends a meeting."""
        ends = self.chance.random() < 0.15
        found = [(ts, action) for ts, action, _ in self._buttons(who) if (action in ENDS) == ends]
        if found:
            ts, action = self.chance.choice(found)
            for _ in range(self.chance.choice((1, 1, 2))):
                self.slack.workspace.press(who, self.slack.workspace.dm(who), ts, action)

    def _buttons(self, who: str) -> list[tuple[str, str, str]]:
        """Those of their cards: where, which, what it carries."""
        return [
            (m["ts"], e["action_id"], e["value"])
            for m in messages(self.slack, who)
            for b in m.get("blocks") or ()
            for e in (*b.get("elements", ()), *([b["accessory"]] if "accessory" in b else ()))
            if e.get("type") == "button" and _pressed(e["action_id"])
        ]


def _pressed(action: str) -> bool:
    form = ("meet_change", "meet_move", "meet_new", "meet_hours", "meet_ics")
    return action.startswith("meet_") and not action.startswith(form)


class Workers:
    """Two at a time, of which one is killed, or told to stop, now and then."""

    def __init__(self, start: Bots, more: dict[str, str], chance: random.Random) -> None:
        self._start, self._more, self._chance = start, more, chance
        self.alive: list[Bot] = []
        self.stopped: list[Bot] = []

    async def fill(self) -> None:
        while len(self.alive) < 2:
            self.alive.append(await self._start.start("worker", **self._more))

    async def trouble(self) -> None:
        while True:
            await asyncio.sleep(self._chance.uniform(1.0, 4.0))
            one = self.alive.pop(0)
            if self._chance.random() < 0.5:
                await one.kill()
            else:
                one.signal(signal.SIGTERM)
                self.stopped.append(one)
            await self.fill()

    async def stopped_well(self) -> None:
        for one in self.stopped:
            assert await one.ended(DRAINED_SECONDS) == 0, one.said


@pytest.mark.slow
@pytest.mark.parametrize("down", [False, True], ids=["calendars-up", "calendars-down-for-a-while"])
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_after_a_storm_everything_tells_the_same_of_every_meeting(
    settings: Settings,
    start: Bots,
    slack: SlackServer,
    ai: OpenAIServer,
    front: Front,
    people: People,
    radicale_server: Radicale,
    seed: int,
    down: bool,
) -> None:
    await people.open("ana", "raj", "dana", "kim")  # Maria has no calendar there
    async with mail_server() as mails:
        more = {
            "REDIS_URL": settings.redis_url,
            "MEETINGS_ROOMS": ROOMS,
            "CALENDAR": "caldav",
            "CALDAV_URL": f"{front.url}/{{user}}/calendar/",
            "CALDAV_USER": ASSISTANT,
            "CALDAV_PASSWORD": PASSWORD,
            "SMTP_URL": f"smtp://127.0.0.1:{mails.port}",
            "SMTP_FROM": "assist@acme.example",
        }
        await start.start("web", **more)
        storm = Storm(slack, seed)
        workers = Workers(start, more, random.Random(seed + 100))
        await workers.fill()
        await connected(slack)
        _slow(front, slack, mails)
        troubles = [asyncio.create_task(workers.trouble())]
        if down:
            troubles.append(asyncio.create_task(_away(front)))
        try:
            for _ in range(STEPS):
                storm.step()
                await asyncio.sleep(storm.chance.uniform(0.0, 0.8))
        finally:
            for each in troubles:
                each.cancel()
            await asyncio.gather(*troubles, return_exceptions=True)
        front.faults.clear()
        await workers.fill()
        await workers.stopped_well()
        async with open_settings_database(settings) as database:
            await _calm(settings, database)
            async with database.read() as tx:
                facts = await gathered(tx, slack, mails, radicale_server.storage / "collection-root")
        wrong = facts.wrong()
        assert not wrong, "\n".join(wrong)
        kept = Counter(_title(m) for m in facts.meetings)
        assert {title: kept[title] for title in storm.titles} == dict.fromkeys(storm.titles, 1)
        states = Counter(m["state"] for m in facts.meetings)
        assert states["booked"], "else it was no storm"
        assert not [bot.said for bot in start.all if "Traceback" in bot.said]


def _slow(front: Front, slack: SlackServer, mails: MailServer) -> None:
    """All that is outside has done it a while before it says so: kills meet it half done."""

    async def late() -> None:
        await asyncio.sleep(LATE)

    front.faults += [Fault(method, "/", "meanwhile", times=100_000, meanwhile=late) for method in METHODS]
    mails.late = LATE
    for method in ("chat.postMessage", "chat.update"):
        slack.faults.add(method, delay=LATE, times=None)


async def _away(front: Front) -> None:
    """The calendars, for a while."""
    await asyncio.sleep(8)
    down = [Fault(method, "/", 503, times=100_000) for method in METHODS]
    front.faults[:0] = down
    await asyncio.sleep(DOWN)
    for fault in down:
        fault.times = 0
    await asyncio.Event().wait()


def _title(meeting: Any) -> str:
    return str(json.loads(meeting["wish"])["title"])


async def _calm(settings: Settings, database: Database) -> None:
    """Waits until nothing is left to be done."""
    out = tables.outgoing.c
    async with connect_redis(settings.redis_url) as redis:
        quiet = 0
        async with asyncio.timeout(CALM):
            while quiet < 8:
                async with database.read() as tx:
                    waits = await tx.scalar(select(out.id).where(out.due_at < NEVER).limit(1))
                busy = waits or await redis.xlen(keys.READY) or await redis.zcard(keys.DELAYED)
                quiet = 0 if busy else quiet + 1
                await asyncio.sleep(0.25)
        assert await redis.xlen(keys.DEAD) == 0
