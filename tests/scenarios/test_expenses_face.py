"""Expenses by buttons, forms and `/expenses`, with the whole bot: what people press is done once, and what is refused gets a word."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from bot.expenses.face import buttons
from bot.settings import Settings
from playground.openai import OpenAIServer
from playground.slack import SlackServer
from tests.conftest import connected, running
from tests.scenarios.expense_seen import add, card, fill, form, labels, messages, press, shows, told
from tests.scenarios.seen import answers


@pytest.fixture
async def acme(settings: Settings, slack: SlackServer, ai: OpenAIServer) -> AsyncIterator[SlackServer]:
    """The whole bot; Dana approves."""
    slack.subscriptions = slack.subscriptions | {"app_home_opened"}
    dana = slack.workspace.person("dana").id
    for person in ("ana", "raj"):
        slack.workspace.set_manager(person, "dana")
    async with running(replace(settings, expenses_approver=dana)):
        await connected(slack)
        yield slack


async def submitted(slack: SlackServer) -> dict[str, Any]:
    """Ana's report R-1 waits for Dana; Dana's card."""
    await add(slack, "ana", "E-1")
    slack.workspace.command("ana", "general", "/expenses", "report")
    press(slack, "ana", await shows(slack, "ana", "R-1", pressable="Submit"), buttons.SUBMIT)
    return await shows(slack, "dana", "R-1", pressable="Approve")


# -- an expense ----------------------------------------------------------------------------------------------------------------------


async def test_an_expense_is_entered_edited_and_removed(acme: SlackServer) -> None:
    first = await add(acme, "ana", "E-1")
    assert "Lidl" in str(first)
    press(acme, "ana", first, buttons.EDIT)
    view = await form(acme, "ana", "Paid with")
    assert "Edit E-1" in str(view["title"])
    fill(acme, "ana", view, merchant="Aldi <3", minor="21.00")
    second = await shows(acme, "ana", "E-1", "Aldi &lt;3", "21.00")
    assert second["ts"] == first["ts"], "the same card"
    press(acme, "ana", second, buttons.REMOVE)
    gone = await shows(acme, "ana", "E-1", "removed")
    assert labels(gone) == []
    assert len([m for m in messages(acme, "ana") if "E-1" in str(m)]) == 1


async def test_a_stale_press_changes_nothing_and_says_so(acme: SlackServer) -> None:
    old = dict(await add(acme, "ana", "E-1"))
    press(acme, "ana", old, buttons.EDIT)
    fill(acme, "ana", await form(acme, "ana", "Paid with"), merchant="Aldi")
    new = await shows(acme, "ana", "E-1", "Aldi")
    stale = next(
        e for b in old["blocks"] if b["type"] == "actions" for e in b["elements"] if e["action_id"] == buttons.REMOVE
    )
    place = acme.workspace.channel(acme.workspace.dm("ana")).messages[new["ts"]]
    place["blocks"] = [*place["blocks"][:-1], {"type": "actions", "elements": [stale]}]
    press(acme, "ana", new, buttons.REMOVE)
    await told(acme, "ana", "changed since you saw it")


async def test_somebody_elses_expense_is_not_found(acme: SlackServer) -> None:
    mine = await add(acme, "ana", "E-1")
    stolen = {"text": "E-1", "blocks": [b for b in mine["blocks"] if b["type"] == "actions"]}
    ts = acme.workspace.bot_post(acme.workspace.dm("raj"), stolen)["ts"]
    acme.workspace.press("raj", acme.workspace.dm("raj"), ts, buttons.REMOVE)
    await acme.until(lambda: len(messages(acme, "raj")) > 1, timeout=10)
    acme.workspace.press("raj", acme.workspace.dm("raj"), ts, buttons.EDIT)
    view = await form(acme, "raj", "E-1")
    await acme.until(
        lambda: (
            not (acme.workspace.modal("raj") or {}).get("submit")
            and "One moment" not in str(acme.workspace.modal("raj"))
        )
    )
    assert "Lidl" not in str(acme.workspace.modal("raj")) + str(view)
    assert "Lidl" not in str(messages(acme, "raj")[1:])
    await shows(acme, "ana", "E-1", pressable="Remove")


async def test_a_form_that_was_closed_before_it_was_filled_does_no_harm(acme: SlackServer) -> None:
    shown = await add(acme, "ana", "E-1")
    press(acme, "ana", shown, buttons.EDIT)
    view = await form(acme, "ana", "E-1")
    acme.workspace.close_view("ana", view["id"])
    await add(acme, "ana", "E-2", merchant="Metro", minor="5")


# -- a report ------------------------------------------------------------------------------------------------------------------------


async def test_a_report_is_made_submitted_and_approved(acme: SlackServer) -> None:
    theirs = await submitted(acme)
    mine = await shows(acme, "ana", "R-1", "Waits for", pressable="Withdraw")
    press(acme, "dana", theirs, buttons.APPROVE)
    await shows(acme, "ana", "R-1", "Approved by")
    decided = await shows(acme, "dana", "R-1", "Approved by")
    assert labels(decided) == []
    assert card(acme, "ana", "R-1")["ts"] == mine["ts"]  # type: ignore[index]  # it is there


@pytest.mark.parametrize(
    ("action", "said", "then"),
    [(buttons.SEND_BACK, "Sent back by", ["Submit", "Take an expense out"]), (buttons.REJECT, "Rejected by", [])],
)
async def test_a_decision_against_it_comes_with_its_reason(
    acme: SlackServer, action: str, said: str, then: list[str]
) -> None:
    press(acme, "dana", await submitted(acme), action)
    fill(acme, "dana", await form(acme, "dana", "R-1"), reason="Who was <there>?")
    mine = await shows(acme, "ana", "R-1", said, "Who was &lt;there&gt;?")
    assert labels(mine) == then


async def test_a_report_is_handed_over_but_not_to_its_owner(acme: SlackServer) -> None:
    theirs = await submitted(acme)
    press(acme, "dana", theirs, buttons.HAND_OVER)
    fill(acme, "dana", await form(acme, "dana", "R-1"), to=acme.workspace.person("ana").id)
    await acme.until(lambda: any("own" in said for said in answers(acme, acme.workspace.dm("dana").id)), timeout=10)
    press(acme, "dana", theirs, buttons.HAND_OVER)
    fill(acme, "dana", await form(acme, "dana", "R-1"), to=acme.workspace.person("kim").id)
    await shows(acme, "kim", "R-1", pressable="Approve")
    await told(acme, "dana", "R-1 is no longer with you")


async def test_an_expense_is_taken_out_of_a_draft(acme: SlackServer) -> None:
    await add(acme, "ana", "E-1")
    await add(acme, "ana", "E-2", merchant="Metro", minor="5")
    acme.workspace.command("ana", "general", "/expenses", "report")
    draft = await shows(acme, "ana", "R-1", "E-2", "23.40")
    menu = next(
        e
        for b in draft["blocks"]
        if b["type"] == "actions"
        for e in b["elements"]
        if e["action_id"] == buttons.TAKE_OUT
    )
    press(acme, "ana", draft, buttons.TAKE_OUT, menu["options"][0]["value"])
    await shows(acme, "ana", "R-1", "5.00")
    await shows(acme, "ana", "E-1", "Ready")


# -- what is shown -------------------------------------------------------------------------------------------------------------------


async def test_the_list_has_expenses_totals_and_reports(acme: SlackServer) -> None:
    await add(acme, "ana", "E-1")
    await add(acme, "ana", "E-2", merchant="<!channel>", minor="5", category="taxi")
    acme.workspace.command("ana", "general", "/expenses", "list")
    await told(acme, "ana", "2 expenses")
    said = next(s for s in answers(acme, acme.workspace.dm("ana").id) if "2 expenses" in s)
    assert all(word in said for word in ("E-1", "E-2", "18.40", "5.00"))
    acme.workspace.command("raj", "general", "/expenses", "list")
    await told(acme, "raj", "No expenses")


async def home_shows(slack: SlackServer, person: str, words: str) -> None:
    """Somebody opens their Home tab, which comes to say that."""
    who, views = slack.workspace.person(person).id, slack.workspace.views
    slack.workspace.open_home(person)
    await slack.until(lambda: words in str(views.get(slack.workspace.homes.get(who, ""))), timeout=10)


async def test_the_home_tab_shows_what_is_to_be_done_and_opens_its_card(acme: SlackServer) -> None:
    await submitted(acme)
    await home_shows(acme, "ana", "Waiting for approval")
    await home_shows(acme, "dana", "For you to decide")
    home = acme.workspace.homes[acme.workspace.person("dana").id]
    acme.workspace.press_view("dana", home, buttons.SHOW)
    await told(acme, "dana", "R-1 is here")
    before = sum(c.method == "views.publish" for c in acme.calls)
    acme.workspace.open_home("dana")
    await told(acme, "dana", "R-1 is here")
    assert sum(c.method == "views.publish" for c in acme.calls) <= before + 1, "nothing has changed: shown once"
