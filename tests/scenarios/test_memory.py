"""A thread's conversation stays usable: repaired, waited for, replaced, carried on."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial

import pytest
from openai import AsyncOpenAI

from bot.settings import Settings
from playground.openai import OpenAIServer, Script, calls, cut, text
from playground.slack import SlackServer
from tests.conftest import connected, running
from tests.scenarios.seen import answer_to, answers


def answered(slack: SlackServer, channel: str, count: int) -> bool:
    """Whether there are `count` answers, growing or not."""
    return len(answers(slack, channel)) == count


def conversation_of(ai: OpenAIServer) -> str:
    """The conversation of the last request."""
    return str(next(r.body["conversation"] for r in reversed(ai.requests) if r.path == "/v1/responses"))


async def test_a_call_left_without_its_output_is_repaired(bot: Settings, slack: SlackServer, ai: OpenAIServer) -> None:
    ts = slack.workspace.say("ana", "general", "@assist my favourite colour is teal")
    await answer_to(slack, "general", ts)
    client = AsyncOpenAI(api_key=ai.api_key, base_url=ai.base_url)
    call = {"type": "function_call", "call_id": "call_left", "name": "current_time", "arguments": "{}"}
    await client.conversations.items.create(conversation_of(ai), items=[call])  # type: ignore[list-item] # a plain dict
    await client.close()
    slack.workspace.say("ana", "general", "what is my favourite colour?", thread_ts=ts)
    assert "teal" in await answer_to(slack, "general", ts, 2)


@pytest.mark.parametrize("leaves", ["nothing", "input", "call_without_output"])
async def test_a_response_cut_while_it_asks_for_a_call_is_made_good(
    bot: Settings, slack: SlackServer, ai: OpenAIServer, leaves: str
) -> None:
    ai.interrupted_leaves = leaves  # type: ignore[assignment] # one of its three words
    dm = slack.workspace.dm("ana").id
    ai.script = Script(cut("Let me"), calls(("remember", {"note": "likes tea"})), text("Noted."))
    slack.workspace.say("ana", dm, "remember that I like tea")
    assert await answer_to(slack, dm, timeout=20) == "Noted."
    ai.script.add(text("Fine."))
    slack.workspace.say("ana", dm, "and now?")
    assert await answer_to(slack, dm, count=2) == "Fine."


async def test_a_locked_conversation_is_waited_for(bot: Settings, slack: SlackServer, ai: OpenAIServer) -> None:
    ts = slack.workspace.say("ana", "general", "@assist my favourite colour is teal")
    await answer_to(slack, "general", ts)
    ai.script = Script(text("busy " * 40, delay=0.05, match="hold it"))
    ai.script.forever(text("At last."))
    async with AsyncOpenAI(api_key=ai.api_key, base_url=ai.base_url) as client:
        other = asyncio.create_task(
            client.responses.create(model="gpt-6.2-sol", conversation=conversation_of(ai), input="hold it")
        )
        await asyncio.sleep(0.3)
        slack.workspace.say("ana", "general", "what is my favourite colour?", thread_ts=ts)
        assert await answer_to(slack, "general", ts, 2, timeout=20) == "At last."
        await other


async def test_a_deleted_conversation_is_replaced_from_the_slack_thread(
    bot: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    ts = slack.workspace.say("ana", "general", "@assist my favourite colour is teal")
    await answer_to(slack, "general", ts)
    lost = conversation_of(ai)
    ai.delete_conversation(lost)
    slack.workspace.say("ana", "general", "what is my favourite colour?", thread_ts=ts)
    assert "teal" in await answer_to(slack, "general", ts, 2)
    assert conversation_of(ai) != lost
    assert len(answers(slack, "general", ts)) == 2


async def test_a_deleted_dm_conversation_is_replaced_from_the_dm(
    bot: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    dm = slack.workspace.dm("ana").id
    slack.workspace.say("ana", dm, "my favourite colour is teal")
    await answer_to(slack, dm)
    ai.delete_conversation(conversation_of(ai))
    slack.workspace.say("ana", dm, "what is my favourite colour?")
    assert "teal" in await answer_to(slack, dm, count=2)


async def test_a_history_that_cannot_be_read_costs_the_memory_but_not_the_answer(
    bot: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    ts = slack.workspace.say("ana", "general", "@assist my favourite colour is teal")
    await answer_to(slack, "general", ts)
    slack.faults.add("conversations.replies", error="missing_scope", times=None)
    ai.delete_conversation(conversation_of(ai))
    slack.workspace.say("ana", "general", "what is my favourite colour?", thread_ts=ts)
    assert "teal" not in await answer_to(slack, "general", ts, 2)


async def test_more_text_than_the_model_can_read_is_said_so(
    bot: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    ai.context_window = 12_000  # the tools alone take most of it
    ts = slack.workspace.say("ana", "general", "@assist " + "many words " * 3_000)
    assert "shorter" in await answer_to(slack, "general", ts)
    slack.workspace.say("ana", "general", "hello?", thread_ts=ts)
    assert "shorter" not in await answer_to(slack, "general", ts, 2)


async def test_a_long_dm_stays_bounded_and_still_knows_what_was_agreed(
    settings: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    """60 turns at a limit of 10: the same as 1,000 at 100, which `make slow` runs."""
    await long_dm(replace(settings, conversation_turns=10), slack, ai, turns=60)


@pytest.mark.slow
async def test_a_dm_of_1000_turns_stays_bounded(settings: Settings, slack: SlackServer, ai: OpenAIServer) -> None:
    """With the settings as they are by default."""
    await long_dm(settings, slack, ai, turns=1_000)


async def long_dm(settings: Settings, slack: SlackServer, ai: OpenAIServer, turns: int) -> None:
    """Agrees on something, talks of other things for long, and asks."""
    dm = slack.workspace.dm("ana").id
    async with running(settings):
        await connected(slack)
        slack.workspace.say("ana", dm, "We agreed that the launch is on 14 May.")
        await answer_to(slack, dm)
        for n in range(turns):
            slack.workspace.say("ana", dm, f"say: item {n} is in the box with the others")
            await slack.until(partial(answered, slack, dm, n + 2), timeout=20)
        slack.workspace.say("ana", dm, "what did we agree?")
        assert "14 May" in await answer_to(slack, dm, count=turns + 2, timeout=20)
    sizes = [len(c.items) for c in ai.conversations.values()]
    assert max(sizes) <= settings.conversation_turns * 4 + 20
    assert len(sizes) > turns // settings.conversation_turns
