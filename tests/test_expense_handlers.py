"""What people do with cards, forms and `/expenses`: heard by a web process that has no database, and noted for a worker."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from bot import keys
from bot.blocks import Card
from bot.expenses.face import buttons, forms
from bot.expenses.face.buttons import Subject
from bot.expenses.face.cards import expense_card, report_card
from bot.expenses.face.commands import USAGE
from bot.home import Tab
from bot.models import ACTS_ROOT, Message, ThreadKey
from bot.pace import Pace
from bot.redis_client import connect_redis
from bot.settings import Settings
from bot.slack import connect_slack
from handlers.acting import IN_DM, ODD, TRY_AGAIN
from handlers.expenses import MEMBERS_ONLY, NO_REASON, NOT_BOTH
from handlers.parse import Ignored
from handlers.parse_acts import Commanded, Submitted, Who, parse_command, parse_form
from handlers.parse_expenses import ExpensePressed, parse_expense_press
from playground.slack import SlackServer
from tests.conftest import connected, running
from tests.expense_values import ANA, DANA, POLICY, expense, whole

FILLED = {"merchant": "Lidl", "spent_on": "2026-11-20", "currency": "EUR", "category": "meals", "payment": "own"}


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[Redis]:
    """What the web process writes to."""
    async with connect_redis(settings.redis_url) as connection:
        yield connection


@pytest.fixture
async def web(settings: Settings, slack: SlackServer) -> AsyncIterator[SlackServer]:
    """A web process alone, over the playground's Slack."""
    slack.subscriptions = slack.subscriptions | {"app_home_opened"}
    async with running(settings, work=False):
        await connected(slack)
        yield slack


async def acts(redis: Redis, slack: SlackServer, person: str) -> list[tuple[str, dict[str, Any]]]:
    """What is noted for a worker: names and arguments, in their order."""
    who = slack.workspace.person(person).id
    kept = await redis.hgetall(keys.messages(ThreadKey(slack.team_id, who, ACTS_ROOT)))
    messages = sorted(map(Message.from_json, kept.values()), key=lambda m: float(m.ts))
    return [(m.of, json.loads(m.text)) for m in messages]


async def noted(redis: Redis, slack: SlackServer, person: str, count: int = 1) -> list[tuple[str, dict[str, Any]]]:
    """Waits for so many acts."""
    async with asyncio.timeout(5):
        while len(found := await acts(redis, slack, person)) < count:  # noqa: ASYNC110  # Redis tells nobody
            await asyncio.sleep(0.01)
    return found


def put(slack: SlackServer, person: str, card: Card) -> str:
    """A card in somebody's direct messages; its ts."""
    message = {"text": card.text, "blocks": list(card.blocks)}
    return str(slack.workspace.bot_post(slack.workspace.dm(person), message)["ts"])


async def modal(slack: SlackServer, person: str) -> dict[str, Any]:
    """Waits for the form that somebody sees."""
    await slack.until(lambda: slack.workspace.modal(person) is not None)
    found = slack.workspace.modal(person)
    assert found
    return found


def fill(slack: SlackServer, person: str, view: dict[str, Any], **values: str) -> None:
    """Somebody submits a form."""
    slack.workspace.submit(person, view["id"], {name: {name: value} for name, value in values.items()})


def whispers(slack: SlackServer) -> list[str]:
    """What single persons were shown."""
    return [str(m.get("text")) for m in slack.workspace.ephemerals]


MINE = expense_card(expense(state="duplicate_hold"), POLICY, "EUR")
DRAFT = report_card(whole(expense()), POLICY, ANA, {})
SENT = whole(expense(), state="submitted")


# -- buttons -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("card", "person", "action", "act"),
    [
        (MINE, "ana", buttons.REMOVE, ("expense.remove", {"number": 12, "version": 3})),
        (MINE, "ana", buttons.KEEP_BOTH, ("expense.keep_both", {"number": 12, "version": 3})),
        (DRAFT, "ana", buttons.SUBMIT, ("expense.submit", {"report": 3, "version": 7})),
        (
            report_card(SENT, POLICY, ANA, {}),
            "ana",
            buttons.WITHDRAW,
            ("expense.withdraw", {"report": 3, "version": 7}),
        ),
        (report_card(SENT, POLICY, DANA, {}), "raj", buttons.APPROVE, ("expense.approve", {"report": 3, "version": 7})),
    ],
)
async def test_a_press_is_noted_with_what_was_seen(
    web: SlackServer, redis: Redis, card: Card, person: str, action: str, act: Any
) -> None:
    web.workspace.press(person, web.workspace.dm(person), put(web, person, card), action)
    assert await noted(redis, web, person) == [act]
    assert web.workspace.modal(person) is None


async def test_taking_an_expense_out_is_chosen_from_a_menu(web: SlackServer, redis: Redis) -> None:
    ts = put(web, "ana", DRAFT)
    web.workspace.press("ana", web.workspace.dm("ana"), ts, buttons.TAKE_OUT, "R-3|7|E-12")
    assert await noted(redis, web, "ana") == [("expense.take_out", {"report": 3, "version": 7, "number": 12})]


async def test_presses_are_noted_in_the_order_in_which_they_were_made(web: SlackServer, redis: Redis) -> None:
    ts = put(web, "ana", MINE)
    for action in (buttons.KEEP_BOTH, buttons.REMOVE, buttons.KEEP_BOTH):
        web.workspace.press("ana", web.workspace.dm("ana"), ts, action)
    names = [do for do, _ in await noted(redis, web, "ana", 3)]
    assert names == ["expense.keep_both", "expense.remove", "expense.keep_both"]


async def test_edit_opens_a_form_at_once_and_has_a_worker_fill_it(web: SlackServer, redis: Redis) -> None:
    web.workspace.press("ana", web.workspace.dm("ana"), put(web, "ana", MINE), buttons.EDIT)
    view = await modal(web, "ana")
    assert "One moment" in str(view["blocks"])
    wanted = {"number": 12, "view": view["id"]}
    assert await noted(redis, web, "ana") == [("expense.edit_form", wanted)]


async def test_a_person_of_another_company_is_told_that_they_cannot(web: SlackServer, redis: Redis) -> None:
    web.workspace.person("raj").team_id = "T2OTHER"
    web.workspace.press("raj", web.workspace.dm("raj"), put(web, "raj", MINE), buttons.REMOVE)
    assert MEMBERS_ONLY in str(await modal(web, "raj"))
    assert await acts(redis, web, "raj") == []


async def test_while_the_queue_is_away_a_press_gets_a_word(web: SlackServer, redis: Redis) -> None:
    await redis.set(keys.messages(ThreadKey(web.team_id, web.workspace.person("ana").id, ACTS_ROOT)), "in the way")
    web.workspace.press("ana", web.workspace.dm("ana"), put(web, "ana", MINE), buttons.REMOVE)
    assert TRY_AGAIN in str(await modal(web, "ana"))


async def test_while_the_queue_is_away_a_form_that_waits_to_be_filled_says_so(web: SlackServer, redis: Redis) -> None:
    await redis.set(keys.messages(ThreadKey(web.team_id, web.workspace.person("ana").id, ACTS_ROOT)), "in the way")
    web.workspace.press("ana", web.workspace.dm("ana"), put(web, "ana", MINE), buttons.EDIT)
    await web.until(lambda: TRY_AGAIN in str(web.workspace.modal("ana")))


# -- forms ---------------------------------------------------------------------------------------------------------------------------


async def open_form(slack: SlackServer, person: str, view: dict[str, Any]) -> dict[str, Any]:
    """A form as a worker has filled it in, before somebody's eyes."""
    slack.workspace.press(person, slack.workspace.dm(person), put(slack, person, MINE), buttons.EDIT)
    loading = await modal(slack, person)
    slack.workspace.store_view(view, view_id=loading["id"])
    shown = slack.workspace.modal(person)
    assert shown
    return shown


async def test_what_is_saved_is_noted_as_it_was_entered(web: SlackServer, redis: Redis) -> None:
    view = await open_form(web, "ana", forms.expense_form(expense(), POLICY, "EUR"))
    fill(web, "ana", view, purpose="Client <b>dinner</b> 🍝")
    (_, (do, args)) = await noted(redis, web, "ana", 2)
    assert do == "expense.edit"
    assert (args["number"], args["version"]) == (12, 3)
    merchant, purpose = "Café Ümlaut & Söhne", "Client <b>dinner</b> 🍝"
    empty = dict.fromkeys(["tip_minor", "city", "attendees", "justification"], "")
    assert args["values"] == FILLED | empty | {"minor": "18.40", "merchant": merchant, "purpose": purpose}
    await web.until(lambda: web.workspace.modal("ana") is None)


async def test_what_is_wrong_is_told_beside_its_field_and_nothing_is_noted(web: SlackServer, redis: Redis) -> None:
    view = await open_form(web, "ana", forms.expense_form(expense(), POLICY, "EUR"))
    fill(web, "ana", view, minor="a lot")
    await web.until(lambda: web.workspace.view_errors.get(view["id"]))
    assert list(web.workspace.view_errors[view["id"]]) == ["minor"]
    assert [do for do, _ in await acts(redis, web, "ana")] == ["expense.edit_form"]


async def test_a_new_expense_is_noted(web: SlackServer, redis: Redis) -> None:
    view = await open_form(
        web, "ana", forms.new_form(POLICY, "EUR", expense().details.spent_on or expense().created_at)
    )
    fill(web, "ana", view, minor="18.40", merchant="Lidl", category="meals")
    (_, (do, args)) = await noted(redis, web, "ana", 2)
    assert do == "expense.new"
    assert args["values"] == args["values"] | FILLED | {"minor": "18.40"}


@pytest.mark.parametrize(
    ("action", "do"), [(buttons.SEND_BACK, "expense.send_back"), (buttons.REJECT, "expense.reject")]
)
async def test_a_decision_against_a_report_wants_a_reason(web: SlackServer, redis: Redis, action: str, do: str) -> None:
    ts = put(web, "raj", report_card(SENT, POLICY, DANA, {}))
    web.workspace.press("raj", web.workspace.dm("raj"), ts, action)
    view = await modal(web, "raj")
    fill(web, "raj", view, reason="   ")
    await web.until(lambda: web.workspace.view_errors.get(view["id"]) == {forms.REASON: NO_REASON})
    fill(web, "raj", view, reason=" The hotel bill is missing. ")
    wanted = {"report": 3, "version": 7, "reason": "The hotel bill is missing."}
    assert await noted(redis, web, "raj") == [(do, wanted)]


async def test_a_report_is_handed_over_to_somebody_else(web: SlackServer, redis: Redis) -> None:
    ts = put(web, "raj", report_card(SENT, POLICY, DANA, {}))
    web.workspace.press("raj", web.workspace.dm("raj"), ts, buttons.HAND_OVER)
    view = await modal(web, "raj")
    for nobody in (web.workspace.person("raj").id, web.workspace.app.bot_user_id):
        fill(web, "raj", view, to=nobody)
        await web.until(lambda: web.workspace.view_errors.get(view["id"]) == {forms.TO: NOT_BOTH})
    fill(web, "raj", view, to=ANA)
    assert await noted(redis, web, "raj") == [("expense.hand_over", {"report": 3, "version": 7, "to": ANA})]


async def test_a_form_that_is_submitted_twice_is_noted_once(web: SlackServer, redis: Redis) -> None:
    view = await open_form(web, "ana", forms.expense_form(expense(), POLICY, "EUR"))
    for _ in range(2):
        fill(web, "ana", view, purpose="Dinner")
    await web.until(lambda: web.workspace.modal("ana") is None)
    web.workspace.press("ana", web.workspace.dm("ana"), put(web, "ana", MINE), buttons.REMOVE)
    names = [do for do, _ in await noted(redis, web, "ana", 3)]
    assert names == ["expense.edit_form", "expense.edit", "expense.remove"]


async def test_while_the_queue_is_away_a_form_stays_open_with_what_was_entered(web: SlackServer, redis: Redis) -> None:
    ts = put(web, "raj", report_card(SENT, POLICY, DANA, {}))
    web.workspace.press("raj", web.workspace.dm("raj"), ts, buttons.REJECT)
    view = await modal(web, "raj")
    await redis.set(keys.messages(ThreadKey(web.team_id, web.workspace.person("raj").id, ACTS_ROOT)), "in the way")
    fill(web, "raj", view, reason="No.")
    await web.until(lambda: web.workspace.view_errors.get(view["id"]) == {forms.REASON: TRY_AGAIN})


async def test_a_form_of_another_version_of_the_bot_is_answered_with_a_word(web: SlackServer, redis: Redis) -> None:
    old = forms.expense_form(expense(), POLICY, "EUR") | {"private_metadata": '{"expense": 12}'}
    view = await open_form(web, "ana", old)
    fill(web, "ana", view)
    await web.until(lambda: ODD in str(web.workspace.modal("ana")))


# -- the command ---------------------------------------------------------------------------------------------------------------------


async def test_the_command_is_noted_and_answered_where_only_they_see_it(web: SlackServer, redis: Redis) -> None:
    web.workspace.command("ana", "general", "/expenses", "list november")
    wanted = {"text": "list november"}
    assert await noted(redis, web, "ana") == [("expense.command", wanted)]
    await web.until(lambda: whispers(web) == [IN_DM])


async def test_in_the_direct_messages_with_the_bot_the_command_needs_no_word(web: SlackServer, redis: Redis) -> None:
    web.workspace.command("ana", web.workspace.dm("ana"), "/expenses", "report R-3")
    await noted(redis, web, "ana")
    web.workspace.command("ana", "general", "/expenses", "what?")
    await web.until(lambda: whispers(web) != [])
    assert whispers(web) == [USAGE]
    assert len(await acts(redis, web, "ana")) == 1


async def test_new_opens_the_form(web: SlackServer, redis: Redis) -> None:
    web.workspace.command("ana", "general", "/expenses", "new")
    view = await modal(web, "ana")
    assert await noted(redis, web, "ana") == [("expense.new_form", {"view": view["id"]})]


# -- the Home tab --------------------------------------------------------------------------------------------------------------------


async def test_the_home_tab_shows_what_was_last_known_and_has_a_worker_look(
    web: SlackServer, redis: Redis, settings: Settings
) -> None:
    async with connect_slack(settings.slack_bot_token, settings.slack_api_url, Pace(None, "")) as slack:
        blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "R-3 waits"}}]
        await Tab(slack, redis).put(web.workspace.person("ana").id, "expenses", blocks)
    for person in ("ana", "raj"):
        web.workspace.open_home(person)
        assert await noted(redis, web, person, 2) == [("meet.home", {}), ("expense.home", {})]
    homes = {p: str(web.workspace.views[web.workspace.homes[web.workspace.person(p).id]]) for p in ("ana", "raj")}
    assert ("R-3 waits" in homes["ana"], "R-3 waits" in homes["raj"]) == (True, False)


# -- parsing -------------------------------------------------------------------------------------------------------------------------

names = st.sampled_from(["id", "value", "team_id", "action_id", "action_ts", "state", "values", "hash", "x"])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=10,
)
parts = ["actions", "user", "team", "trigger_id", "view", "user_id", "team_id", "channel_id", "text"]


@hypothesis.settings(suppress_health_check=[hypothesis.HealthCheck.too_slow])  # of a busy machine
@given(st.fixed_dictionaries({}, optional=dict.fromkeys(parts, json_values)))
def test_no_payload_makes_the_parsers_raise(body: dict[str, Any]) -> None:
    assert isinstance(parse_expense_press(body), ExpensePressed | Ignored)
    assert isinstance(parse_form(body), Submitted | Ignored)
    assert isinstance(parse_command(body), Commanded | Ignored)


@pytest.mark.parametrize("value", ["R-3", "R-3|7|12", "X-3|7", "R-03|7", "R-3|seven", "", None, 5, "R-9999999999|1"])
def test_only_what_our_buttons_carry_is_taken(value: Any) -> None:
    action = {"action_id": buttons.SUBMIT, "action_ts": "1.5", "value": value}
    body = {"user": {"id": "U1", "team_id": "T1"}, "trigger_id": "1.2", "actions": [action]}
    parsed = parse_expense_press(body)
    if value == "R-3":  # the Home tab's "Open"
        assert isinstance(parsed, ExpensePressed)
        assert parsed.about == Subject("R", 3)
    else:
        assert isinstance(parsed, Ignored)


@pytest.mark.parametrize(
    ("action", "value"),
    [
        (buttons.APPROVE, "E-1|1"),
        (buttons.REJECT, "E-1|1"),
        (buttons.REMOVE, "R-1|1"),
        (buttons.EDIT, "R-1|1"),
        ("x", "R-1|1"),
    ],
)
def test_a_button_is_about_what_it_is_for(action: str, value: str) -> None:
    pressed = {"action_id": action, "action_ts": "1.5", "value": value}
    body = {"user": {"id": "U1", "team_id": "T1"}, "trigger_id": "1.2", "actions": [pressed]}
    assert isinstance(parse_expense_press(body), Ignored)


@pytest.mark.parametrize("number", [0, -1, 10**30, "x", None])
def test_a_form_is_about_a_number_that_there_can_be(number: Any) -> None:
    form = Submitted(Who("U1", "T1", "1.2"), buttons.REASON_FORM, "V1-1", {"number": number}, {})
    with pytest.raises((ValueError, TypeError)):
        form.number("number")


async def test_a_report_is_handed_over_to_an_id_only(web: SlackServer, redis: Redis) -> None:
    view = forms.hand_over_form("R-3", 3, 7)
    text = {"type": "plain_text_input", "action_id": forms.TO}  # what no user's select gives
    view["blocks"] = [{**view["blocks"][0], "element": text}]
    shown = await open_form(web, "raj", view)
    fill(web, "raj", shown, to="U1> <!channel")
    await web.until(lambda: ODD in str(web.workspace.modal("raj")))
    assert [do for do, _ in await acts(redis, web, "raj")] == ["expense.edit_form"]
