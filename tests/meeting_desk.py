"""A worker's desk for meetings, over the playground's servers and a real database; nothing is delivered."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from bot import modals, tables
from bot.acts import Act
from bot.compose import open_llm, open_settings_database
from bot.jobs import make_scheduling
from bot.meetings.performing import MeetingsPerforming
from bot.meetings.scheduling import Scheduling
from bot.meetings.values import Meeting, Offer, Place, Slot, Span, Window, Wish
from bot.meetings.when.request import Called
from bot.models import By
from bot.pace import Pace
from bot.redis_client import connect_redis
from bot.settings import Settings
from bot.slack import connect_slack
from playground.openai import OpenAIServer
from playground.slack import SlackServer

BERLIN = ZoneInfo("Europe/Berlin")
HALF = timedelta(minutes=30)


def tuesday() -> date:
    """A working day in a while."""
    today = datetime.now(BERLIN).date() + timedelta(days=7)
    return today + timedelta(days=(1 - today.weekday()) % 7)


def at(clock: str, days: int = 0) -> datetime:
    """A time of that Tuesday in Berlin, or of so many days later."""
    return datetime.combine(tuesday() + timedelta(days=days), time.fromisoformat(clock), BERLIN).astimezone(UTC)


def window(start: datetime, end: datetime, exact: datetime | None = None) -> Window:
    return Window(span=Span(start, end), zone="Europe/Berlin", exact=exact, text="Tuesday")


@dataclass
class Desk:
    """A worker's desk for meetings, and what people do there. Ana is in Berlin, Raj in Kolkata; nothing is delivered."""

    server: SlackServer
    scheduling: Scheduling
    performing: MeetingsPerforming
    redis: Any
    acts: int = 0

    def id(self, person: str) -> str:
        return self.server.workspace.person(person).id

    def by(self, person: str = "ana") -> By:
        return By(self.server.team_id, self.id(person))

    async def does(self, person: str, do: str, times: int = 1, **args: Any) -> None:
        """Somebody does it; a worker does it so many times."""
        self.acts += 1
        for run in range(times):
            act = Act(self.server.team_id, self.id(person), f"meet.{do}", args, f"{person}-{self.acts}", run > 0)
            await self.performing.perform(act)

    async def meet(self, text: str, person: str = "ana", times: int = 1) -> None:
        """Somebody writes `/meet …`."""
        for name in ("ana", "raj", "kim"):
            text = text.replace(f"@{name}", f"<@{self.id(name)}|{name}>")
        await self.does(person, "command", times, text=text, channel="C1")

    async def meeting(self, number: int = 1) -> Meeting:
        """As it is now."""
        async with self.scheduling.database.read() as tx:
            found = await self.scheduling.register.known(tx, self.server.team_id, number)
        assert found
        return found

    async def draft(self, offer: Offer | None, place: Place | None = None, **more: Any) -> Meeting:
        """A draft of Ana's with Raj, on that Tuesday."""
        people = self.scheduling.people
        attendees = await people.attendees(await people.organizer(self.id("ana")), [Called(f"<@{self.id('raj')}>")])
        plain: dict[str, Any] = {"title": "Sync", "attendees": attendees, "window": window(at("09:00"), at("17:00"))}
        wish = Wish(**(plain | more))
        async with self.scheduling.database.begin() as tx:
            return await self.scheduling.register.draft(tx, self.by(), wish, offer, place or Place(), "Europe/Berlin")

    async def booked(self, clock: str = "10:00", place: Place | None = None, **more: Any) -> Meeting:
        drafted = await self.draft(None, place, **more)
        async with self.scheduling.database.begin() as tx:
            return await self.scheduling.register.book(tx, self.by(), drafted.number, None, at(clock))

    async def count(self) -> int:
        async with self.scheduling.database.read() as tx:
            return len((await tx.execute(select(tables.meetings.c.number))).all())

    async def said(self, person: str = "ana") -> list[str]:
        """The words that are to be said to somebody."""
        out = tables.outgoing.c
        async with self.scheduling.database.read() as tx:
            mine = select(out.body).where(out.person == self.id(person), out.kind == "word").order_by(out.id)
            return list(await tx.scalars(mine))

    def view(self, person: str = "ana") -> str:
        """A form that says "one moment"; its id."""
        view = self.server.workspace.store_view(modals.loading("Meeting"))
        self.server.workspace.modals[self.id(person)] = [view["id"]]
        return str(view["id"])

    async def form(self, do: str, person: str = "ana", **args: Any) -> dict[str, Any]:
        """The form that an act puts into a view's place."""
        id_ = self.view(person)
        await self.does(person, do, view=id_, **args)
        found: dict[str, Any] = self.server.workspace.views[id_]
        return found


def slots(*starts: datetime) -> Offer:
    return Offer(slots=tuple(Slot(start=s, end=s + HALF) for s in starts))


def entered(view: dict[str, Any], **values: str) -> dict[str, Any]:
    """What a form's submission brings: its values as they are shown, but for those that are given."""
    held: dict[str, str] = {}
    for block in view["blocks"]:
        if block["type"] == "input":
            element = block["element"]
            many = element.get("initial_users") or [o["value"] for o in element.get("initial_options", [])]
            one = (element.get("initial_option") or {}).get("value", "")
            plain = [element.get(f"initial_{kind}") for kind in ("value", "date", "time")]
            held[block["block_id"]] = ",".join(many) or one or next((p for p in plain if p), "")
    carried = json.loads(view["private_metadata"])
    about = {k: carried[k] for k in ("number", "version") if k in carried}
    return {**about, "values": held | values, "kept": carried}


@pytest.fixture
async def desk(settings: Settings, slack: SlackServer, ai: OpenAIServer) -> AsyncIterator[Desk]:
    settings = replace(settings, meetings_rooms="Aquarium=aquarium@rooms.example.com")
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(connect_redis(settings.redis_url))
        database = await stack.enter_async_context(open_settings_database(settings))
        client = await stack.enter_async_context(connect_slack(slack.bot_token, slack.api_url, Pace(None, ""), redis))
        llm = await stack.enter_async_context(open_llm(settings))
        scheduling = make_scheduling(settings, client, llm, database)
        stack.push_async_callback(scheduling.calendar.close)
        yield Desk(slack, scheduling, MeetingsPerforming(scheduling, redis), redis)
