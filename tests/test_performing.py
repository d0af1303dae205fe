"""What a worker does of what people ask for by buttons, forms and commands: once, with the asker's rights, and with a word where it cannot be done."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from bot import tables
from bot.acts import Act
from bot.compose import make_downloads, make_library, open_llm, open_settings_database
from bot.errors import Retryable
from bot.expenses.face import buttons, forms
from bot.expenses.office import Office
from bot.expenses.performing import ExpensesPerforming
from bot.expenses.values import Draft, Expense, Rate, Read
from bot.home import Tab
from bot.jobs import make_office
from bot.models import By
from bot.pace import Pace
from bot.redis_client import connect_redis
from bot.settings import Settings
from bot.slack import connect_slack
from playground.openai import OpenAIServer
from playground.slack import SlackServer
from playground.slack.state import Person
from tests.expense_values import LUNCH


@dataclass
class Desk:
    """A worker's office, and what people do there."""

    server: SlackServer
    office: Office
    performing: ExpensesPerforming
    acts: int = 0

    def id(self, person: str) -> str:
        """Slack's id."""
        return self.server.workspace.person(person).id

    async def does(self, person: str, do: str, times: int = 1, **args: Any) -> None:
        """Somebody does it; a worker does it so many times."""
        self.acts += 1
        for run in range(times):
            act = Act(self.server.team_id, self.id(person), f"expense.{do}", args, f"{person}-{self.acts}", run > 0)
            await self.performing.perform(act)

    async def keep(self, person: str, draft: Draft | None = None) -> Expense:
        """An expense of theirs."""
        async with self.office.database.begin() as tx:
            by = By(self.server.team_id, self.id(person))
            return await self.office.books.capture(tx, by, draft or Draft(details=LUNCH, source="words"))

    async def expense(self, person: str, number: int) -> Expense:
        """As it is now."""
        async with self.office.database.read() as tx:
            return await self.office.books.expense(tx, By(self.server.team_id, self.id(person)), number)

    async def events(self) -> list[str]:
        """What was done in the books."""
        async with self.office.database.read() as tx:
            c = tables.expense_events.c
            return list(await tx.scalars(select(c.action).order_by(c.number)))

    async def said(self, person: str) -> list[str]:
        """The words that are to be said to somebody."""
        async with self.office.database.read() as tx:
            c = tables.outgoing.c
            return list(
                await tx.scalars(select(c.body).where(c.person == self.id(person), c.kind == "word").order_by(c.id))
            )

    def view(self, person: str) -> str:
        """A form that says "one moment"; its id."""
        ws = self.server.workspace
        view = ws.store_view(forms.loading())
        ws.modals[self.id(person)] = [view["id"]]
        return str(view["id"])


@pytest.fixture
async def desk(settings: Settings, slack: SlackServer, ai: OpenAIServer) -> AsyncIterator[Desk]:
    """An office where Dana approves; nothing is delivered."""
    settings = replace(settings, expenses_approver=slack.workspace.person("dana").id)
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(connect_redis(settings.redis_url))
        database = await stack.enter_async_context(open_settings_database(settings))
        client = await stack.enter_async_context(connect_slack(slack.bot_token, slack.api_url, Pace(None, ""), redis))
        llm = await stack.enter_async_context(open_llm(settings))
        downloads = make_downloads(settings)
        library, _ = make_library(settings, redis, client, llm, database, downloads)
        office = make_office(settings, client, llm, database, library, downloads)
        yield Desk(slack, office, ExpensesPerforming(office, redis))


async def test_an_act_that_runs_twice_has_its_effect_once(desk: Desk) -> None:
    values = forms.entered(LUNCH)
    await desk.does("ana", "new", times=2, values=values)
    await desk.does("ana", "edit", times=2, number=1, version=1, values=values | {"merchant": "Aldi"})
    await desk.does("ana", "command", times=2, text="report", channel="C1")
    await desk.does("ana", "remove", times=2, number=1, version=(await desk.expense("ana", 1)).version)
    actions = await desk.events()
    assert actions.count("captured") == 1
    assert actions.count("changed") == 1
    assert actions.count("removed") == 1
    assert (await desk.expense("ana", 1)).details.merchant == "Aldi"
    assert await desk.said("ana") == []


async def test_a_refusal_is_said_once(desk: Desk) -> None:
    await desk.keep("ana")
    await desk.does("ana", "remove", times=2, number=1, version=77)
    (said,) = await desk.said("ana")
    assert "changed since you saw it" in said
    assert (await desk.expense("ana", 1)).state == "ready"


async def test_what_is_not_theirs_and_what_is_not_there_get_the_same_words(desk: Desk) -> None:
    await desk.keep("ana")
    await desk.does("raj", "remove", number=1, version=1)
    await desk.does("raj", "remove", number=2, version=1)
    first, second = await desk.said("raj")
    assert first.replace("E-1", "E-2") == second
    view = desk.view("raj")
    await desk.does("raj", "edit_form", number=1, version=1, view=view)
    assert "Lidl" not in str(desk.server.workspace.views[view])
    assert not desk.server.workspace.views[view].get("submit")


async def test_the_form_is_that_of_the_present_state(desk: Desk) -> None:
    await desk.keep("ana")
    await desk.does("ana", "edit", number=1, version=1, values=forms.entered(LUNCH) | {"city": "Lisbon"})
    view = desk.view("ana")
    await desk.does("ana", "edit_form", number=1, version=1, view=view)
    assert "Lisbon" in str(desk.server.workspace.views[view])


async def test_a_removed_expense_has_no_form(desk: Desk) -> None:
    await desk.keep("ana")
    await desk.does("ana", "remove", number=1, version=1)
    view = desk.view("ana")
    await desk.does("ana", "edit_form", number=1, version=1, view=view)
    assert "was removed" in str(desk.server.workspace.views[view])


async def test_a_form_that_is_gone_is_nothing_bad_and_a_slack_that_is_away_is(desk: Desk) -> None:
    await desk.keep("ana")
    await desk.does("ana", "edit_form", number=1, version=1, view="VGONE")
    desk.server.faults.add("views.update", status=503, times=None)
    with pytest.raises(Retryable):
        await desk.does("ana", "edit_form", number=1, version=1, view=desk.view("ana"))


async def test_saving_confirms_what_was_doubtful_and_keeps_the_rest(desk: Desk) -> None:
    doubtful = Draft(details=LUNCH, source="file", read={"minor": Read("18,40", 0.3, "18,40")}, doubts=("minor",))
    kept = await desk.keep("ana", replace(doubtful, source="words"))
    assert kept.state == "needs_info"
    await desk.does("ana", "edit", number=1, version=1, values=forms.entered(LUNCH))
    now = await desk.expense("ana", 1)
    assert (now.state, now.doubts, now.details) == ("ready", (), LUNCH)


async def test_saving_a_form_that_was_left_alone_changes_nothing(desk: Desk) -> None:
    kept = await desk.keep("ana")
    await desk.does("ana", "edit", number=1, version=1, values=forms.entered(LUNCH))
    assert await desk.expense("ana", 1) == kept


async def test_a_rate_that_somebody_enters_is_theirs(desk: Desk) -> None:
    dollars = replace(LUNCH, currency="USD")
    await desk.keep("ana", Draft(details=dollars, source="words"))
    await desk.does("ana", "edit", number=1, version=1, values=forms.entered(dollars) | {"rate": "0.5"})
    now = await desk.expense("ana", 1)
    assert now.details.rate == Rate(Decimal("0.5"), date(2026, 11, 20), desk.id("ana"))
    assert now.home
    assert now.home.minor == 920


async def test_a_report_is_handed_over_only_to_somebody_who_is_there(desk: Desk) -> None:
    await desk.keep("ana")
    desk.server.workspace.set_manager("ana", "dana")
    await desk.does("ana", "command", text="report", channel="C1")
    await desk.does("ana", "submit", report=1, version=1)
    desk.server.workspace.person("lee").deleted = True
    desk.server.workspace.add_person(Person("USLACKBOT", "slackbot", "Slackbot", "", "UTC"))
    for nobody in ("USLACKBOT", desk.server.workspace.app.bot_user_id, desk.id("lee"), "U0NOBODY"):
        await desk.does("dana", "hand_over", report=1, version=2, to=nobody)
        assert f"<@{nobody}> cannot decide" in (await desk.said("dana"))[-1]


async def test_the_card_of_a_subject_is_shown_only_to_who_may_see_it(desk: Desk) -> None:
    await desk.keep("ana")
    await desk.does("raj", "show", subject="E-1")
    assert len(await desk.said("raj")) == 1
    async with desk.office.database.read() as tx:
        cards = await tx.scalars(select(tables.outgoing.c.person).where(tables.outgoing.c.kind == "card"))
        assert list(cards) == [desk.id("ana")]


async def test_the_home_tab_is_published_where_it_shows_something_new(desk: Desk) -> None:
    def published() -> int:
        return sum(c.method == "views.publish" for c in desk.server.calls)

    await desk.does("ana", "home")
    assert published() == 1
    await desk.does("ana", "home")
    assert published() == 1
    await desk.keep("ana")
    await desk.does("ana", "home")
    assert published() == 2
    home = desk.server.workspace.views[desk.server.workspace.homes[desk.id("ana")]]
    assert "Café Ümlaut" in str(home)
    assert buttons.NEW in str(home)


async def test_an_act_that_this_version_does_not_know_is_dropped(desk: Desk) -> None:
    await desk.does("ana", "dance")
    assert await desk.said("ana") == []


async def test_what_redis_holds_of_a_home_tab_may_be_anything(desk: Desk, settings: Settings) -> None:
    async with connect_redis(settings.redis_url) as redis:
        for text in ("{}", "not JSON", "[1"):
            await redis.set(f"home:{desk.server.team_id}:{desk.id('ana')}", text)
            assert await Tab(desk.office.slack, redis).sections(desk.id("ana")) == {}
