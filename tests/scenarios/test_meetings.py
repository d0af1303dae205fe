"""Meetings from end to end, as people in three time zones live them: asked for by command and in a thread, chosen, answered, moved, cancelled, reminded of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from bot.database import default_url, open_database
from bot.meetings.register.register import Register
from bot.meetings.values import Meeting
from bot.settings import Settings
from playground.openai import OpenAIServer
from playground.slack import SlackServer
from tests.conftest import connected, running
from tests.scenarios.expense_seen import labels, told
from tests.scenarios.seen import answer_to, answers
from tests.scheduling_world import BERLIN, at, tuesday

DAY = tuesday()
OFFERED = "Leave it as it is"  # below the times that a booked meeting can be moved to


def said(day: date) -> str:
    """A day as people write it where it must not be ambiguous."""
    return f"{day.day} {day:%B} {day.year}"


@pytest.fixture
async def acme(settings: Settings, slack: SlackServer, ai: OpenAIServer) -> AsyncIterator[SlackServer]:
    """The whole bot; Ana and Dana in Berlin, Raj in Kolkata, Kim in New York."""
    async with running(settings):
        await connected(slack)
        yield slack


def cards(slack: SlackServer, channel: str, name: str, thread_ts: str | None = None) -> list[dict[str, Any]]:
    """The cards of a meeting in one place."""
    own = [m for m in slack.workspace.messages(channel, thread_ts) if m.get("bot_id") and m.get("blocks")]
    return [m for m in own if m["blocks"][0]["type"] == "section" and name in str(m["blocks"][0])]


async def shows(
    slack: SlackServer, person: str, name: str, *words: str, pressable: str = "", place: tuple[str, str] = ("", "")
) -> dict[str, Any]:
    """Waits until somebody's only card of it, or that in a thread, says that and has that button; gives it."""
    channel, thread = place[0] or slack.workspace.dm(person).id, place[1] or None

    def found() -> dict[str, Any] | None:
        there = cards(slack, channel, name, thread)
        assert len(there) <= 1, "one card"
        fits = there and all(w in str(there[0]) for w in words) and (not pressable or pressable in pressables(there[0]))
        return there[0] if fits else None

    await slack.until(found, timeout=15)
    card = found()
    assert card
    return card


def pressables(message: dict[str, Any]) -> list[str]:
    """What can be pressed, also beside a section."""
    beside = [b["accessory"] for b in message.get("blocks") or () if "accessory" in b]
    return [*labels(message), *(a["text"]["text"] for a in beside if a["type"] == "button")]


def press(slack: SlackServer, person: str, message: dict[str, Any], label: str, channel: str = "") -> None:
    """Somebody presses the first button of that name."""
    rows = [
        e for b in message["blocks"] for e in [*b.get("elements", ()), *([b["accessory"]] if "accessory" in b else [])]
    ]
    button = next(e for e in rows if e.get("type") == "button" and e["text"]["text"] == label)
    place = channel or slack.workspace.dm(person).id
    slack.workspace.press(person, place, message["ts"], button["action_id"])


async def kept(settings: Settings, slack: SlackServer, number: int = 1) -> Meeting:
    """A meeting as the register has it."""
    async with open_database(default_url(settings.data_dir)) as database, database.read() as tx:
        found = await Register(external=False, mails=False).known(tx, slack.team_id, number)
    assert found
    return found


async def until(slack: SlackServer, condition: Callable[[], Any]) -> None:
    await slack.until(condition, timeout=15)


async def test_words_in_times_out_one_press_books_it(acme: SlackServer, settings: Settings) -> None:
    acme.workspace.command("ana", "general", "/meet", f"team sync {said(DAY)} 30 min with @raj @kim")
    offered = await shows(acme, "ana", "M-1", "team sync", "Kolkata", "New York", pressable="Book")
    assert pressables(offered).count("Book") == 3
    assert not cards(acme, acme.workspace.dm("raj").id, "M-1"), "nobody is invited yet"
    press(acme, "ana", offered, "Book")
    await shows(acme, "ana", "M-1", "Booked", pressable="Cancel")
    for name in ("raj", "kim"):
        press(acme, name, await shows(acme, name, "M-1", "team sync", pressable="Accept"), "Accept")
    dm = acme.workspace.dm("ana").id
    await until(acme, lambda: "No answer yet" not in str(cards(acme, dm, "M-1")))
    meeting = await kept(settings, acme)
    assert meeting.state == "booked"
    assert meeting.start
    assert meeting.start.astimezone(BERLIN).date() == DAY
    assert [a.answer for a in meeting.attendees] == ["accepted"] * 3
    acme.workspace.command("ana", "general", "/meet", "list")
    await told(acme, "ana", "team sync")


async def test_an_explicit_time_is_booked_at_once_and_can_be_undone(acme: SlackServer, settings: Settings) -> None:
    acme.workspace.command("ana", "general", "/meet", f"planning {said(DAY)} 14:00 45 min with @dana")
    booked = await shows(acme, "ana", "M-1", "planning", pressable="Undo")
    await shows(acme, "dana", "M-1", "planning", pressable="Decline")
    meeting = await kept(settings, acme)
    assert (meeting.start, meeting.end) == (at("14:00"), at("14:45"))
    press(acme, "ana", booked, "Undo")
    await shows(acme, "ana", "M-1", "ancelled")
    assert not pressables(await shows(acme, "dana", "M-1", "ancelled"))


async def test_a_meeting_asked_for_in_a_thread_has_its_card_there_until_it_is_cancelled(
    acme: SlackServer, settings: Settings
) -> None:
    ws = acme.workspace
    general = ws.channel("general").id
    root = ws.say(
        "ana",
        general,
        f"@assist schedule a budget review with Dana Weiss and Maria García {said(DAY)} 11:00 for 30 min",
    )
    answer = await answer_to(acme, general, root)
    thread = (general, root)
    await shows(acme, "ana", "M-1", "budget review", pressable="Reschedule", place=thread)
    assert "M-1" in answer
    assert (await kept(settings, acme)).start == at("11:00")
    await shows(acme, "dana", "M-1", pressable="Accept")
    # The organizer moves it in words.
    ws.say("ana", general, f"@assist move M-1 to {said(DAY)} 15:00", thread_ts=root)
    await until(acme, lambda: len(answers(acme, general, root)) >= 3)
    card = await shows(acme, "ana", "M-1", str(int(at("15:00").timestamp())), place=thread)
    await shows(acme, "dana", "M-1", str(int(at("15:00").timestamp())), pressable="Accept")
    meeting = await kept(settings, acme)
    assert (meeting.start, meeting.state) == (at("15:00"), "booked")
    assert meeting.sequence > 0
    # Others cannot.
    press(acme, "dana", card, "Cancel", general)
    await until(
        acme,
        lambda: (
            [e for e in ws.ephemerals if e["to"] == ws.person("dana").id] or len(answers(acme, ws.dm("dana").id)) > 1
        ),
    )
    assert (await kept(settings, acme)).state == "booked"
    press(acme, "ana", card, "Cancel", general)
    await shows(acme, "ana", "M-1", "ancelled", place=thread)
    await shows(acme, "maria", "M-1", "ancelled")
    await told(acme, "dana", "cancelled")


async def test_times_are_found_in_a_thread_as_the_issue_asks_for_them_and_listed(acme: SlackServer) -> None:
    ws = acme.workspace
    general, day = ws.channel("general").id, said(DAY)
    root = ws.say("ana", general, f"@assist find 30 minutes with @raj and @dana {day}")
    thread = (general, root)
    offered = await shows(acme, "ana", "M-1", "Raj Patel, Dana Weiss", "30 minutes", pressable="Book", place=thread)
    assert "{date_long}" in str(offered), "with weekdays"
    press(acme, "ana", offered, "Book", general)
    await shows(acme, "ana", "M-1", "Booked", pressable="Reschedule", place=thread)
    other = ws.say("ana", general, "@assist what meetings do I have")
    assert "M-1" in await answer_to(acme, general, other)


async def test_two_readings_are_asked_about_with_two_buttons(acme: SlackServer, settings: Settings) -> None:
    acme.workspace.command("ana", "general", "/meet", "sync 03/04 at 14:00 with @dana")
    asked = await shows(acme, "ana", "M-1", "sync")
    choices = [label for label in pressables(asked) if label not in ("Change", "Discard")]
    assert len(choices) == 2
    press(acme, "ana", asked, choices[1])
    await shows(acme, "ana", "M-1", "Booked" if (await settled(settings, acme)).state == "booked" else "Book")


async def settled(settings: Settings, slack: SlackServer) -> Meeting:
    """The meeting once its window is known."""
    async with asyncio.timeout(15):
        while not (meeting := await kept(settings, slack)).wish.window:  # noqa: ASYNC110  # the database tells nobody
            await asyncio.sleep(0.1)
    return meeting


@pytest.mark.parametrize(
    "text",
    [
        "sync yesterday 2pm with @dana",
        "sync tomorrow 2pm 25 hours with @dana",
        "sync tomorrow 2pm 0 min with @dana",
        "sync tomorrow 2pm with @assist",
    ],
)
async def test_what_cannot_be_is_refused_in_words_and_nothing_is_kept(acme: SlackServer, text: str) -> None:
    ws = acme.workspace
    dm = ws.dm("ana").id
    ws.command("ana", dm, "/meet", text)

    def words() -> list[str]:
        return [*answers(acme, dm), *(str(e.get("text")) for e in ws.ephemerals)]

    await until(acme, words)
    (word,) = words()
    assert "M-1" not in word
    assert "Traceback" not in word
    assert len(word) > 20


async def test_a_guest_cannot_use_meetings(acme: SlackServer) -> None:
    ws = acme.workspace
    dm = ws.dm("gus").id
    ws.say("gus", dm, f"schedule a meeting with Ana Becker {said(DAY)} 14:00")
    assert "members of this workspace" in await answer_to(acme, dm)
    assert not cards(acme, dm, "M-1")


async def test_everybody_is_reminded_before_it_starts_also_by_a_bot_that_was_started_anew(
    settings: Settings,
    slack: SlackServer,
    ai: OpenAIServer,
) -> None:
    settings = replace(settings, meetings_remind_minutes=60)
    start = (datetime.now(UTC) + timedelta(minutes=40)).replace(second=0, microsecond=0).astimezone(BERLIN)
    async with running(settings):
        await connected(slack)
        words = f"stand-up {said(start.date())} {start:%H:%M} with @dana pat@example.org"
        slack.workspace.command("ana", "general", "/meet", words)
        offered = await shows(slack, "ana", "M-1", "not known", pressable="Book")
        press(slack, "ana", offered, "Book")
        await shows(slack, "dana", "M-1", pressable="Accept")
    assert (await kept(settings, slack)).start == start
    async with running(settings):  # whose first round is at once
        for name in ("ana", "dana"):
            await told(slack, name, "stand-up")
