"""What people do with meetings' cards, forms and `/meet`: heard by a web process that has no database, and noted for a worker."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from bot import keys
from bot.blocks import Card
from bot.meetings.face import buttons, forms
from bot.meetings.face.buttons import Subject
from bot.meetings.face.cards import draft_card, meeting_card
from bot.meetings.face.commands import TOO_LONG, USAGE
from bot.meetings.face.tab import Agenda, tab
from bot.meetings.values import Hint, Offer
from bot.models import ACTS_ROOT, ThreadKey
from handlers.acting import IN_DM, ODD, TRY_AGAIN
from handlers.meetings import MEMBERS_ONLY
from handlers.parse import Ignored
from handlers.parse_meetings import MeetingPressed, parse_meeting_press
from playground.slack import SlackServer
from tests.meeting_values import ANA, CHOICES, HOURS, NOW, RAJ, START, booked, draft, offer
from tests.test_expense_handlers import acts, modal, noted, put, redis, web, whispers

__all__ = ["redis", "web"]

SLOTS = draft_card(draft(offer=offer(more=True)))
WHICH = draft_card(draft(offer=Offer(question="Which?", choices=CHOICES)))
NONE = draft_card(draft(offer=Offer(why=("No.",), hints=(Hint(label="15 minutes", minutes=15),))))
MINE = meeting_card(booked(at_once=True), ANA.id, NOW)
INVITED = meeting_card(booked(), RAJ.id, NOW)
MOVING = meeting_card(booked(offer=offer(more=True)), ANA.id, NOW)
SEEN = {"number": 7, "version": 3}


# -- buttons ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("card", "person", "action", "act"),
    [
        (SLOTS, "ana", buttons.BOOK, ("meet.book", {**SEEN, "start": START.isoformat()})),
        (SLOTS, "ana", buttons.MORE, ("meet.more", SEEN)),
        (SLOTS, "ana", buttons.DISCARD, ("meet.cancel", SEEN)),
        (WHICH, "ana", f"{buttons.PICK}_1", ("meet.pick", {**SEEN, "index": 1})),
        (NONE, "ana", f"{buttons.HINT}_0", ("meet.hint", {**SEEN, "index": 0})),
        (MINE, "ana", buttons.UNDO, ("meet.cancel", SEEN)),
        (MINE, "ana", buttons.CANCEL, ("meet.cancel", SEEN)),
        (MINE, "ana", buttons.ICS, ("meet.ics", {"number": 7})),
        (MOVING, "ana", buttons.KEEP, ("meet.keep", SEEN)),
        (INVITED, "raj", f"{buttons.ANSWER}_0", ("meet.answer", {"number": 7, "answer": "accepted"})),
        (INVITED, "raj", f"{buttons.ANSWER}_2", ("meet.answer", {"number": 7, "answer": "declined"})),
    ],
)
async def test_a_press_is_noted_with_what_was_seen(
    web: SlackServer, redis: Redis, card: Card, person: str, action: str, act: Any
) -> None:
    web.workspace.press(person, web.workspace.dm(person), put(web, person, card), action)
    assert await noted(redis, web, person) == [act]
    assert web.workspace.modal(person) is None


ACK = 3.0  # seconds that Slack waits


async def acked(slack: SlackServer, since: float) -> float:
    """Waits for the ack of the last press or command; how long it took."""
    last = slack.delivery.events[-1]
    async with asyncio.timeout(10):
        while last.acked_at is None:  # noqa: ASYNC110  # the server tells of messages, not of acks
            await asyncio.sleep(0.01)
    return last.acked_at - since


@pytest.mark.parametrize("way", ["command", "press"])
async def test_it_is_acked_in_time_with_a_word_while_redis_does_not_answer(
    web: SlackServer, redis: Redis, way: str
) -> None:
    ws, dm = web.workspace, web.workspace.dm("ana")
    ts = put(web, "ana", MINE)
    await redis.client_pause(3_500)
    try:
        since = time.monotonic()
        if way == "command":
            ws.command("ana", "general", "/meet", "sync tomorrow 2pm with @dana")
        else:
            ws.press("ana", dm, ts, buttons.MOVE)
        assert await acked(web, since) < ACK
        await web.until(lambda: whispers(web) if way == "command" else TRY_AGAIN in str(ws.modal("ana")))
    finally:
        await redis.client_unpause()
    assert way == "press" or whispers(web) == [TRY_AGAIN]


async def test_what_was_noted_is_never_called_not_noted_where_both_are_slow(web: SlackServer, redis: Redis) -> None:
    web.faults.add("conversations.open", delay=3.0, times=2)
    await redis.client_pause(1_500)
    web.workspace.command("ana", web.workspace.dm("ana"), "/meet", "sync tomorrow 2pm with @dana")
    assert len(await noted(redis, web, "ana")) == 1
    await web.until(lambda: whispers(web) == [IN_DM])


@pytest.mark.parametrize("way", ["command", "press"])
async def test_it_is_acked_in_time_while_slack_does_not_answer(web: SlackServer, way: str) -> None:
    ws, dm = web.workspace, web.workspace.dm("ana")
    ts = put(web, "ana", MINE)
    web.faults.add("views.open", delay=4.0, times=2)
    since = time.monotonic()
    if way == "command":
        ws.command("ana", "general", "/meet", "")
    else:
        ws.press("ana", dm, ts, buttons.MOVE)
    assert await acked(web, since) < ACK


async def test_a_press_in_a_channels_thread_says_where_it_was(web: SlackServer, redis: Redis) -> None:
    ws = web.workspace
    channel = ws.channel("general")
    card = meeting_card(booked(), "", NOW)
    ts = ws.bot_post(channel, {"text": card.text, "blocks": list(card.blocks), "thread_ts": "1700000000.000100"})["ts"]
    ws.press("raj", channel, str(ts), buttons.CANCEL)
    where = {"channel": channel.id, "thread": "1700000000.000100"}
    assert await noted(redis, web, "raj") == [("meet.cancel", SEEN | where)]


@pytest.mark.parametrize(
    ("card", "action", "do", "title"),
    [
        (SLOTS, buttons.CHANGE, "meet.change_form", "Change M-7"),
        (MINE, buttons.CHANGE, "meet.change_form", "Change M-7"),
        (MINE, buttons.MOVE, "meet.move_form", "Reschedule M-7"),
    ],
)
async def test_a_form_opens_at_once_and_a_worker_fills_it(
    web: SlackServer, redis: Redis, card: Card, action: str, do: str, title: str
) -> None:
    web.workspace.press("ana", web.workspace.dm("ana"), put(web, "ana", card), action)
    view = await modal(web, "ana")
    assert "One moment" in str(view["blocks"])
    assert view["title"]["text"] == title
    assert await noted(redis, web, "ana") == [(do, {"number": 7, "view": view["id"]})]


@pytest.mark.parametrize(("action", "do"), [(buttons.NEW, "meet.new_form"), (buttons.HOURS, "meet.hours_form")])
async def test_the_home_tabs_buttons_open_their_forms(web: SlackServer, redis: Redis, action: str, do: str) -> None:
    home = {"type": "home", "blocks": tab(Agenda(upcoming=[], drafts=[], hours=HOURS))}
    view = web.workspace.store_view(home)
    web.workspace.press_view("ana", view["id"], action)
    opened = await modal(web, "ana")
    assert await noted(redis, web, "ana") == [(do, {"view": opened["id"]})]


async def test_a_person_of_another_company_is_told_that_they_cannot(web: SlackServer, redis: Redis) -> None:
    web.workspace.person("raj").team_id = "T2OTHER"
    web.workspace.press("raj", web.workspace.dm("raj"), put(web, "raj", INVITED), f"{buttons.ANSWER}_0")
    assert MEMBERS_ONLY in str(await modal(web, "raj"))
    assert await acts(redis, web, "raj") == []


async def test_while_the_queue_is_away_a_press_gets_a_word(web: SlackServer, redis: Redis) -> None:
    await in_the_way(redis, web)
    web.workspace.press("ana", web.workspace.dm("ana"), put(web, "ana", MINE), buttons.CANCEL)
    assert TRY_AGAIN in str(await modal(web, "ana"))


async def in_the_way(redis: Redis, web: SlackServer) -> None:
    """Nothing can be noted for Ana."""
    await redis.set(keys.messages(ThreadKey(web.team_id, web.workspace.person("ana").id, ACTS_ROOT)), "in the way")


# -- forms -----------------------------------------------------------------------------------------------------------------


async def open_form(slack: SlackServer, view: dict[str, Any]) -> dict[str, Any]:
    """A form as a worker has filled it in, before Ana's eyes."""
    slack.workspace.press("ana", slack.workspace.dm("ana"), put(slack, "ana", MINE), buttons.MOVE)
    loading = await modal(slack, "ana")
    slack.workspace.store_view(view, view_id=loading["id"])
    shown = slack.workspace.modal("ana")
    assert shown
    return shown


def submit(slack: SlackServer, view: dict[str, Any], **values: Any) -> None:
    """Ana submits a form."""
    slack.workspace.submit("ana", view["id"], {name: {name: value} for name, value in values.items()})


async def test_what_is_entered_is_noted_with_what_stood_there(web: SlackServer, redis: Redis) -> None:
    view = await open_form(web, forms.new_form(HOURS, {"Aquarium": "a@rooms.test"}))
    raj, kim = web.workspace.person("raj").id, web.workspace.person("kim").id
    submit(
        web,
        view,
        title="Plan <b> 🍝",
        people=["raj", "kim"],
        rooms=["Aquarium"],
        online=["online"],
        others="x@y.example",
    )
    (_, (do, args)) = await noted(redis, web, "ana", 2)
    assert do == "meet.new"
    assert args["values"] == {
        "title": "Plan <b> 🍝", "people": f"{raj},{kim}", "optional": "", "others": "x@y.example", "rooms": "Aquarium", "when": "", "date": "",
        "time": "", "minutes": "30", "repeat": "never", "online": "online", "description": "",
    }  # fmt: skip
    assert args["kept"] == {"zone": "Europe/Lisbon", "hours": "Mon-Fri 09:00-17:00", "date": "", "time": ""}
    await web.until(lambda: web.workspace.modal("ana") is None)


async def test_a_change_is_noted_with_the_version_that_was_seen(web: SlackServer, redis: Redis) -> None:
    view = await open_form(web, forms.change_form(draft(), HOURS, {}))
    submit(web, view, title="Another")
    (_, (do, args)) = await noted(redis, web, "ana", 2)
    assert (do, args["number"], args["version"], args["kept"]["sequence"]) == ("meet.change", 7, 3, 0)
    assert args["values"]["title"] == "Another"


async def test_the_details_of_a_booked_meeting_are_noted(web: SlackServer, redis: Redis) -> None:
    view = await open_form(web, forms.details_form(booked(), {}))
    submit(web, view, title="Another", others="x@y.example")
    (_, (do, args)) = await noted(redis, web, "ana", 2)
    assert (do, args["number"], args["kept"]) == ("meet.details", 7, {"sequence": 0})
    assert (args["values"]["title"], args["values"]["others"]) == ("Another", "x@y.example")


async def test_hours_are_noted(web: SlackServer, redis: Redis) -> None:
    view = await open_form(web, forms.hours_form(HOURS, "Europe/Lisbon"))
    submit(web, view, hours="Mon-Thu 08:00-16:00", off="2026-12-24")
    values = {"zone": forms.AS_IN_SLACK, "hours": "Mon-Thu 08:00-16:00", "off": "2026-12-24"}
    assert (await noted(redis, web, "ana", 2))[1] == ("meet.hours", {"values": values})


@pytest.mark.parametrize(
    ("view", "values", "fields"),
    [
        (forms.new_form(HOURS, {}), {"title": "X", "minutes": "0", "others": "raj"}, ["minutes", "others"]),
        (forms.new_form(HOURS, {}), {"title": "X", "minutes": "1500"}, ["minutes"]),
        (forms.move_form(booked(), HOURS), {}, ["when"]),
        (forms.details_form(booked(), {}), {"title": " ", "others": "raj"}, ["title", "others"]),
        (forms.hours_form(HOURS, "UTC"), {"hours": "always"}, ["hours"]),
    ],
)
async def test_what_is_wrong_is_told_beside_its_field_and_nothing_is_noted(
    web: SlackServer, redis: Redis, view: dict[str, Any], values: dict[str, str], fields: list[str]
) -> None:
    opened = await open_form(web, view)
    submit(web, opened, **values)
    await web.until(lambda: web.workspace.view_errors.get(opened["id"]))
    assert list(web.workspace.view_errors[opened["id"]]) == fields
    assert [do for do, _ in await acts(redis, web, "ana")] == ["meet.move_form"]
    assert web.workspace.modal("ana"), "it stays open"


@pytest.mark.parametrize(
    "carried", ["{}", '{"number": 0, "version": 1, "zone": "UTC"}', '{"zone": 5, "hours": [], "date": {}, "time": 1}']
)
async def test_a_form_of_another_version_of_the_bot_is_answered_with_a_word(
    web: SlackServer, redis: Redis, carried: str
) -> None:
    view = await open_form(web, forms.change_form(draft(), HOURS, {}) | {"private_metadata": carried})
    submit(web, view, title="X")
    await web.until(lambda: ODD in str(web.workspace.modal("ana")))
    assert [do for do, _ in await acts(redis, web, "ana")] == ["meet.move_form"]


async def test_while_the_queue_is_away_a_form_stays_open_with_what_was_entered(web: SlackServer, redis: Redis) -> None:
    view = await open_form(web, forms.hours_form(HOURS, "UTC"))
    await noted(redis, web, "ana")
    await redis.delete(keys.messages(ThreadKey(web.team_id, web.workspace.person("ana").id, ACTS_ROOT)))
    await in_the_way(redis, web)
    submit(web, view)
    await web.until(lambda: TRY_AGAIN in str(web.workspace.view_errors.get(view["id"])))


# -- the command -----------------------------------------------------------------------------------------------------------


async def test_the_list_is_noted_and_answered_where_only_they_see_it(web: SlackServer, redis: Redis) -> None:
    channel = web.workspace.channel("general").id
    web.workspace.command("ana", "general", "/meet", "list")
    assert await noted(redis, web, "ana") == [("meet.command", {"text": "list", "channel": channel})]
    await web.until(lambda: whispers(web) == [IN_DM])


async def test_in_the_direct_messages_with_the_bot_the_command_needs_no_word(web: SlackServer, redis: Redis) -> None:
    web.workspace.command("ana", web.workspace.dm("ana"), "/meet", "list")
    await noted(redis, web, "ana")
    web.workspace.command("ana", "general", "/meet", "help")
    await web.until(lambda: whispers(web) != [])
    assert whispers(web) == [USAGE]


async def test_alone_it_opens_the_form(web: SlackServer, redis: Redis) -> None:
    web.workspace.command("ana", "general", "/meet", "")
    view = await modal(web, "ana")
    assert await noted(redis, web, "ana") == [("meet.new_form", {"view": view["id"]})]


async def test_what_is_too_long_gets_a_word(web: SlackServer, redis: Redis) -> None:
    web.workspace.command("ana", "general", "/meet", "x" * 2_500)
    await web.until(lambda: whispers(web) == [TOO_LONG])
    assert await acts(redis, web, "ana") == []


async def test_what_is_to_be_arranged_is_noted_as_it_was_written(web: SlackServer, redis: Redis) -> None:
    raj = web.workspace.person("raj").id
    web.workspace.command("ana", "general", "/meet", "team sync tomorrow 2pm with @raj")
    (do, args) = (await noted(redis, web, "ana"))[0]
    assert do == "meet.command"
    assert f"<@{raj}" in args["text"]


async def test_nonsense_gets_the_usage_that_only_they_see(web: SlackServer, redis: Redis) -> None:
    web.workspace.command("ana", "general", "/meet", "🦄")
    await web.until(lambda: whispers(web) == [USAGE])
    assert await acts(redis, web, "ana") == []


# -- parsing ---------------------------------------------------------------------------------------------------------------

names = st.sampled_from(["id", "value", "team_id", "action_id", "action_ts", "type", "channel_id", "thread_ts", "x"])
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.sampled_from(["meet_book", "message", "M-7|3"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=5),
    max_leaves=12,
)


@hypothesis.settings(suppress_health_check=[hypothesis.HealthCheck.too_slow])  # of a busy machine
@given(
    st.fixed_dictionaries(
        {}, optional=dict.fromkeys(["actions", "user", "team", "trigger_id", "container"], json_values)
    )
)
def test_no_payload_makes_the_parser_raise(body: dict[str, Any]) -> None:
    assert isinstance(parse_meeting_press(body), MeetingPressed | Ignored)


def press(action: str, value: Any) -> MeetingPressed | Ignored:
    pressed = {"action_id": action, "action_ts": "1.5", "value": value}
    body = {"user": {"id": "U1", "team_id": "T1"}, "trigger_id": "1.2", "actions": [pressed]}
    return parse_meeting_press(body)


@pytest.mark.parametrize(
    ("action", "value"),
    [
        (buttons.BOOK, "M-7|3"),
        (buttons.BOOK, "M-7|3|now"),
        (f"{buttons.PICK}_0", "M-7|3|<@U1>"),
        (f"{buttons.ANSWER}_0", "M-7|3|yes"),
        (buttons.CANCEL, None),
        (buttons.CANCEL, "E-7|3"),
        ("meet_later", "M-7|3"),
    ],
)
def test_only_what_our_buttons_carry_is_taken(action: str, value: Any) -> None:
    assert isinstance(press(action, value), Ignored)


def test_a_press_is_about_what_the_button_carries() -> None:
    pressed = press(f"{buttons.HINT}_2", "M-7|3|2")
    assert isinstance(pressed, MeetingPressed)
    assert (pressed.action, pressed.about) == (buttons.HINT, Subject(7, 3, "2"))
