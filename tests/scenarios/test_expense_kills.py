"""A real process killed while somebody hands in, submits and decides: each expense, card, word and file is there once, and the books are true."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot import tables
from bot.database import open_database
from bot.delivery.outgoing import NEVER
from bot.expenses.books import audit
from bot.expenses.books.books import Books
from bot.expenses.face import buttons
from bot.expenses.money.rates import Rates
from bot.expenses.policy.policy import load_policy
from bot.models import By
from bot.settings import Settings
from playground.openai import OpenAIServer
from playground.slack import SlackServer
from tests.conftest import connected
from tests.processes import Bot, Bots
from tests.scenarios.expense_seen import card, labels, messages, press
from tests.scenarios.points import brings_outputs
from tests.scenarios.seen import answers, whole
from tests.scenarios.test_expenses import DAY, ROOT, TAXI, files

HELD = 4.5  # seconds; less than the bot's time-out for a call to Slack
PATIENCE = 60.0
POLICY = ROOT / "playground" / "expenses" / "policy.toml"
Held = Callable[[], Any]


@dataclass
class Company:
    """Raj hands in, Dana decides; both live with a bot that is killed."""

    slack: SlackServer
    ai: OpenAIServer
    start: Bots
    settings: Settings
    database: str
    how: str

    async def begin(self) -> Bot:
        """The bot at work; the process that a test kills."""
        if self.how == "run":
            victim = await self._new("run")
        else:
            await self._new("web")
            victim = await self._new("worker")
        await connected(self.slack)
        return victim

    async def again(self) -> None:
        """Another process in its place."""
        await self._new("run" if self.how == "run" else "worker")

    async def _new(self, command: str) -> Bot:
        return await self.start.start(
            command,
            REDIS_URL=self.settings.redis_url,
            DATABASE_URL=self.database,
            EXPENSES_POLICY=str(POLICY),
            EXPENSES_RATES="none",
        )

    async def until(self, condition: Callable[[], Any]) -> None:
        await self.slack.until(condition, timeout=PATIENCE)

    async def shown(self, person: str, name: str, *words: str, pressable: str = "") -> dict[str, Any]:
        """Somebody's card, once it says that."""

        def there() -> bool:
            found = card(self.slack, person, name) or {}
            return all(w in str(found) for w in (name, *words)) and (not pressable or pressable in labels(found))

        await self.until(there)
        found = card(self.slack, person, name)
        assert found
        return found

    async def live(self) -> None:
        """From a photo to an approved report."""
        ws, dm = self.slack.workspace, self.slack.workspace.dm("raj")
        ws.say("raj", dm, "my receipt", files=[ws.add_file("raj", "taxi.png", TAXI)])
        await self.shown("raj", "E-1", "23.40")
        await self.until(lambda: whole(self.slack, dm.id, count=2))
        ws.say("raj", dm, f"I paid 12.50 EUR for lunch at Bistro Paris on {DAY}")
        await self.shown("raj", "E-2", "12.50")
        await self.until(lambda: whole(self.slack, dm.id, count=4))
        ws.command("raj", dm, "/expenses", "report")
        report = await self.shown("raj", "R-1", "35.90", pressable="Submit")
        press(self.slack, "raj", report, buttons.SUBMIT)
        asked = await self.shown("dana", "R-1", pressable="Approve")
        await self.until(lambda: len(files(self.slack, "dana")) == 1)
        press(self.slack, "dana", asked, buttons.APPROVE)
        await self.shown("raj", "R-1", "Approved by")
        await self.until(lambda: len(files(self.slack, "raj")) >= 3)
        await self.until(lambda: any("approved R-1" in t for t in answers(self.slack, dm.id)))

    async def end_well(self) -> None:
        """All that was to be brought is there, once; the cards say what the books say; the chain of events holds."""
        team = self.slack.team_id
        async with open_database(self.database) as database:
            async with asyncio.timeout(PATIENCE):
                while await _waiting(database):  # noqa: ASYNC110  # the database tells nobody
                    await asyncio.sleep(0.1)
            async with database.read() as tx:
                assert await audit.verify(tx, team) == []
                events = Counter(await tx.scalars(select(tables.expense_events.c.action)))
                rows = list((await tx.execute(select(tables.outgoing))).mappings())
                policy = load_policy(POLICY, "EUR")
                books = Books(policy, Rates(""), "EUR", frozenset())
                by = By(team, self.slack.workspace.person("raj").id)
                report = await books.report(tx, by, 1)
        once = {"captured": 2, "opened": 1, "added": 2, "submitted": 1, "approved": 1}
        assert {name: events[name] for name in once} == once, events
        assert report.report.state == "approved"
        assert report.total.minor == 3590
        for person in ("raj", "dana"):
            marks = Counter(_mark(m) for m in messages(self.slack, person))
            wanted = {f"outgoing-{r['id']}" for r in rows if r["person"] == self.slack.workspace.person(person).id}
            posted = {m: n for m, n in marks.items() if m.startswith("outgoing-")}
            kinds = {f"outgoing-{r['id']}": (r["kind"], r["subject"]) for r in rows}
            assert all(n == 1 for n in posted.values()), {kinds[m]: n for m, n in posted.items()}
            assert set(posted) == {m for m in wanted if kinds[m][0] != "file"}
            said = [m for m in self.slack.workspace.dm(person).messages.values() if m["user"] == self.slack.bot_user_id]
            given = [f["name"] for m in said for f in m.get("files") or ()]
            assert sorted(Path(n).suffix for n in given) == (
                [".pdf"] if person == "dana" else [".csv", ".pdf", ".xlsx"]
            ), given
        turns = Counter(_mark(m) for m in messages(self.slack, "raj") if not _mark(m).startswith("outgoing-"))
        assert len(turns) == 2, turns
        assert set(turns.values()) == {1}, turns


async def _waiting(database: Any) -> bool:
    async with database.read() as tx:
        return (
            await tx.scalar(select(tables.outgoing.c.id).where(tables.outgoing.c.due_at < NEVER).limit(1)) is not None
        )


def _mark(message: dict[str, Any]) -> str:
    return str(((message.get("metadata") or {}).get("event_payload") or {}).get("turn", ""))


# -- where it is held ----------------------------------------------------------------------------------------------------------------


def in_download(c: Company) -> Held:
    fault = c.slack.faults.add("files.download", spread=HELD)
    return lambda: fault.hits


def in_extraction(c: Company) -> Held:
    c.ai.faults.add("/responses", status=0, delay=HELD, when=lambda b: bool((b.get("text") or {}).get("format")))
    return lambda: not c.ai.faults.pending


def kept_and_not_answered(c: Company) -> Held:
    """The expense is kept with the call's outcome, of which the model has not heard."""
    c.ai.faults.add("/responses", status=0, delay=HELD, when=brings_outputs)
    return lambda: any(r.path == "/v1/responses" and brings_outputs(r.body) for r in c.ai.requests)


def _slack(method: str, words: str = "", **how: Any) -> Callable[[Company], Held]:
    def point(c: Company) -> Held:
        fault = c.slack.faults.add(method, when=lambda args: words in str(args), **({"delay": HELD} | how))
        return lambda: fault.hits

    point.__name__ = re.sub(r"\W+", "_", f"{method} {words} {' '.join(how)}").strip("_")
    return point


POINTS = (
    in_download,
    in_extraction,
    kept_and_not_answered,
    _slack("conversations.open"),
    _slack("chat.postMessage", "'outgoing-"),
    _slack("chat.postMessage", "R-1"),
    _slack("chat.update", "R-1"),
    _slack("users.profile.get"),  # the press of Submit
    _slack("chat.postMessage", "R-1", after=1),  # Dana's card
    _slack("files.getUploadURLExternal"),
    _slack("files.upload"),
    _slack("files.completeUploadExternal"),
    _slack("chat.update", "Approved by"),
    _slack("chat.postMessage", "approved R-1"),
    _slack("files.completeUploadExternal", after=2),
)


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """The database that a test names."""
    return str(request.getfixturevalue(request.param))


@pytest.fixture
async def company(
    slack: SlackServer,
    ai: OpenAIServer,
    start: Bots,
    settings: Settings,
    database_url: str,
    request: pytest.FixtureRequest,
) -> Company:
    """The bot is not running yet."""
    slack.workspace.set_manager("raj", "dana")
    return Company(slack, ai, start, settings, database_url, request.param)


@pytest.mark.parametrize(
    ("company", "database_url", "point"),
    [
        pytest.param(how, url, point, id=f"{how}-{url[:6]}-{point.__name__}", marks=() if quick else pytest.mark.slow)
        for how, url in (("run", "sqlite_url"), ("apart", "postgresql_url"))
        for point in POINTS
        for quick in [(how, point) == ("run", kept_and_not_answered)]
    ],
    indirect=["company", "database_url"],
)
async def test_expenses_live_through_a_kill(company: Company, point: Callable[[Company], Held]) -> None:
    held = point(company)
    victim = await company.begin()

    async def kill() -> None:
        await company.until(held)
        await victim.kill()
        await company.again()

    async with asyncio.TaskGroup() as both:
        both.create_task(kill())
        both.create_task(company.live())
    await company.end_well()
