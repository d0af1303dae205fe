"""A person writes; the bot answers where it should, once, and remembers."""

from __future__ import annotations

import asyncio

import pytest

from bot.settings import Settings
from playground.openai import OpenAIServer, Script, calls, text
from playground.slack import SlackServer
from tests.conftest import connected, running
from tests.scenarios.seen import answer_to, answers, calls_of, whole


async def test_a_mention_is_answered_in_its_thread(bot: Settings, slack: SlackServer) -> None:
    ts = slack.workspace.say("ana", "general", "@assist hello there")
    assert "ana" in (await answer_to(slack, "general", ts)).lower()
    assert len(slack.workspace.messages("general")) == 1, "nothing at the channel's top level but the question"


async def test_a_follow_up_in_the_thread_needs_no_mention_and_is_remembered(bot: Settings, slack: SlackServer) -> None:
    ts = slack.workspace.say("ana", "general", "@assist my favourite colour is teal")
    await answer_to(slack, "general", ts)
    slack.workspace.say("ana", "general", "what is my favourite colour?", thread_ts=ts)
    assert "teal" in await answer_to(slack, "general", ts, 2)


async def test_another_thread_knows_nothing_of_it(bot: Settings, slack: SlackServer) -> None:
    first = slack.workspace.say("ana", "general", "@assist my favourite colour is teal")
    await answer_to(slack, "general", first)
    second = slack.workspace.say("ana", "general", "@assist what is my favourite colour?")
    assert "teal" not in await answer_to(slack, "general", second)


async def test_a_dm_is_one_running_conversation_at_the_top_level(bot: Settings, slack: SlackServer) -> None:
    dm = slack.workspace.dm("raj").id
    slack.workspace.say("raj", dm, "my project is called Falcon")
    await answer_to(slack, dm)
    slack.workspace.say("raj", dm, "what is my project called?")
    assert "Falcon" in await answer_to(slack, dm, count=2)
    assert all(not m.get("thread_ts") for m in slack.workspace.messages(dm))


async def test_a_thread_in_a_dm_is_a_conversation_of_its_own(bot: Settings, slack: SlackServer) -> None:
    dm = slack.workspace.dm("raj").id
    first = slack.workspace.say("raj", dm, "my project is called Falcon")
    await answer_to(slack, dm)
    slack.workspace.say("raj", dm, "what is my project called?", thread_ts=first)
    await slack.until(lambda: whole(slack, dm, first))
    assert "Falcon" not in answers(slack, dm, first)[0]


async def test_after_a_restart_the_thread_still_remembers(settings: Settings, slack: SlackServer) -> None:
    async with running(settings):
        await connected(slack)
        ts = slack.workspace.say("ana", "general", "@assist my favourite colour is teal")
        await answer_to(slack, "general", ts)
    async with running(settings):
        await connected(slack)
        slack.workspace.say("ana", "general", "what is my favourite colour?", thread_ts=ts)
        assert "teal" in await answer_to(slack, "general", ts, 2)


async def test_the_answer_grows(bot: Settings, slack: SlackServer, ai: OpenAIServer) -> None:
    said = "One two three four five six seven eight nine ten eleven twelve. " * 4
    ai.script = Script(text(said, chunk=8, delay=0.08))
    ts = slack.workspace.say("ana", "general", "@assist count")
    assert (await answer_to(slack, "general", ts)).strip() == said.strip()
    lengths = [len(str(a["blocks"])) for a in calls_of(slack, "chat.postMessage") + calls_of(slack, "chat.update")]
    assert len(lengths) >= 3
    assert lengths[:-1] == sorted(lengths[:-1])


async def test_two_mentions_of_one_message_and_redeliveries_get_one_answer(
    bot: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    slack.delivery.duplicate = 2
    ts = slack.workspace.say("ana", "general", "@assist hello")
    await answer_to(slack, "general", ts)
    slack.delivery.redeliver_all()
    await asyncio.sleep(0.5)
    assert len(answers(slack, "general", ts)) == 1
    assert len([r for r in ai.requests if r.path == "/v1/responses"]) == 1


@pytest.mark.parametrize("text_", ["good morning everybody", "hey <@U123>", ""])
async def test_what_is_not_meant_for_the_bot_gets_no_answer(bot: Settings, slack: SlackServer, text_: str) -> None:
    ts = slack.workspace.say("kim", "general", text_ or "…")
    later = slack.workspace.say("kim", "random", "@assist hello")
    await answer_to(slack, "random", later)
    assert answers(slack, "general", ts) == []


async def test_a_stranger_in_the_thread_needs_a_mention(bot: Settings, slack: SlackServer) -> None:
    ts = slack.workspace.say("ana", "general", "@assist hello")
    await answer_to(slack, "general", ts)
    slack.workspace.say("raj", "general", "I have a question too", thread_ts=ts)
    slack.workspace.say("raj", "general", "@assist hello", thread_ts=ts)
    await answer_to(slack, "general", ts, 2)
    await asyncio.sleep(0.3)
    assert len(answers(slack, "general", ts)) == 2


async def test_a_follow_up_to_somebody_else_is_left_to_them(bot: Settings, slack: SlackServer) -> None:
    ts = slack.workspace.say("ana", "general", "@assist hello")
    await answer_to(slack, "general", ts)
    slack.workspace.say("ana", "general", "@raj what do you think?", thread_ts=ts)
    slack.workspace.say("ana", "general", "and you?", thread_ts=ts)
    await answer_to(slack, "general", ts, 2)
    await asyncio.sleep(0.3)
    assert len(answers(slack, "general", ts)) == 2


async def test_follow_ups_during_a_turn_wait_visibly_and_share_the_next_answer(
    bot: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    ai.script = Script(text("First. " * 60, chunk=7, delay=0.08), text("Second and third."))
    ts = slack.workspace.say("ana", "general", "@assist one")
    await slack.until(lambda: answers(slack, "general", ts))
    slack.workspace.say("ana", "general", "two", thread_ts=ts)
    slack.workspace.say("ana", "general", "three", thread_ts=ts)
    await slack.until(lambda: len(slack.workspace.ephemerals) == 2)
    assert ["number 1" in m["text"] for m in slack.workspace.ephemerals] == [True, False]
    assert any("2 more messages" in a["status"] for a in calls_of(slack, "assistant.threads.setStatus"))
    assert await answer_to(slack, "general", ts, 2) == "Second and third."
    asked = str(ai.requests[-1].body["input"])
    assert "two" in asked
    assert "three" in asked


async def test_an_edit_of_a_waiting_message_replaces_its_text(
    bot: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    ai.script = Script(text("First. " * 40, chunk=7, delay=0.05), text("Done."))
    ts = slack.workspace.say("ana", "general", "@assist one")
    await slack.until(lambda: answers(slack, "general", ts))
    two = slack.workspace.say("ana", "general", "a tpyo", thread_ts=ts)
    slack.workspace.edit("ana", "general", two, "a typo")
    await answer_to(slack, "general", ts, 2)
    asked = str(ai.requests[-1].body["input"])
    assert "a typo" in asked
    assert "tpyo" not in asked


async def test_a_waiting_message_that_now_speaks_to_somebody_else_is_left_to_them(
    bot: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    ai.script = Script(text("First. " * 40, chunk=7, delay=0.05))
    ts = slack.workspace.say("ana", "general", "@assist one")
    await slack.until(lambda: answers(slack, "general", ts))
    two = slack.workspace.say("ana", "general", "what do you think?", thread_ts=ts)
    slack.workspace.edit("ana", "general", two, "@raj what do you think?")
    await slack.until(lambda: whole(slack, "general", ts))
    await asyncio.sleep(0.5)
    assert len(answers(slack, "general", ts)) == 1


async def test_a_waiting_message_that_is_deleted_is_not_answered(
    bot: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    ai.script = Script(text("First. " * 40, chunk=7, delay=0.05))
    ts = slack.workspace.say("ana", "general", "@assist one")
    await slack.until(lambda: answers(slack, "general", ts))
    two = slack.workspace.say("ana", "general", "never mind", thread_ts=ts)
    slack.workspace.delete("ana", "general", two)
    await slack.until(lambda: whole(slack, "general", ts))
    await asyncio.sleep(0.5)
    assert len(answers(slack, "general", ts)) == 1


async def test_a_file_that_only_the_twin_brings_is_seen(bot: Settings, slack: SlackServer, ai: OpenAIServer) -> None:
    file = slack.workspace.add_file("ana", "plan.txt", b"the plan")
    ts = slack.workspace.say("ana", "general", "@assist what do you say to this?", files=[file])
    await answer_to(slack, "general", ts)
    assert any("plan.txt" in str(r.body["input"]) for r in ai.requests if r.path == "/v1/responses")


async def test_an_edit_without_a_change_of_text_starts_nothing(bot: Settings, slack: SlackServer) -> None:
    ts = slack.workspace.say("ana", "general", "@assist hello https://example.com")
    await answer_to(slack, "general", ts)
    slack.workspace.unfurl("general", ts)
    await asyncio.sleep(0.4)
    assert len(answers(slack, "general", ts)) == 1


async def test_an_empty_mention_gets_help(bot: Settings, slack: SlackServer, ai: OpenAIServer) -> None:
    ts = slack.workspace.say("ana", "general", "@assist")
    assert "Ask me" in await answer_to(slack, "general", ts)
    assert not [r for r in ai.requests if r.path == "/v1/responses"]


async def test_the_time_is_told_in_the_askers_zone(bot: Settings, slack: SlackServer) -> None:
    ts = slack.workspace.say("raj", "general", "@assist what time is it?")
    assert "+05:30" in await answer_to(slack, "general", ts)


async def test_a_note_is_remembered_across_conversations_but_stays_out_of_channels(
    bot: Settings, slack: SlackServer
) -> None:
    dm = slack.workspace.dm("ana").id
    slack.workspace.say("ana", dm, "remember that my badge number is 4711")
    await answer_to(slack, dm)
    slack.workspace.say("ana", dm, "what do you remember?", thread_ts=slack.workspace.messages(dm)[0]["ts"])
    root = slack.workspace.messages(dm)[0]["ts"]
    await slack.until(lambda: whole(slack, dm, root))
    assert "4711" in answers(slack, dm, root)[0]
    ts = slack.workspace.say("ana", "general", "@assist what do you remember?")
    assert "4711" not in await answer_to(slack, "general", ts)
    raj = slack.workspace.dm("raj").id
    slack.workspace.say("raj", raj, "what do you remember?")
    assert "4711" not in await answer_to(slack, raj)


async def test_parallel_calls_get_all_their_outputs_in_one_request(
    bot: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    ai.script = Script(
        calls(("remember", {"note": "tea"}), ("remember", {"note": "milk"}), ("current_time", {})), text("All done.")
    )
    ts = slack.workspace.say("ana", "general", "@assist do three things")
    assert await answer_to(slack, "general", ts) == "All done."
    outputs = [i for i in ai.requests[-1].body["input"] if i["type"] == "function_call_output"]
    assert ["tea" in outputs[0]["output"], "milk" in outputs[1]["output"], "weekday" in outputs[2]["output"]] == [
        True
    ] * 3


async def test_a_call_the_model_got_wrong_is_told_to_it(bot: Settings, slack: SlackServer, ai: OpenAIServer) -> None:
    ai.script = Script(calls(("remember", {"note": ""}), ("no_such_tool", {})), text("I could not."))
    ts = slack.workspace.say("ana", "general", "@assist remember nothing")
    assert await answer_to(slack, "general", ts) == "I could not."
    outputs = [i["output"] for i in ai.requests[-1].body["input"] if i["type"] == "function_call_output"]
    assert "note" in outputs[0]
    assert "no tool called" in outputs[1]


async def test_endless_calls_end_in_an_answer(bot: Settings, slack: SlackServer, ai: OpenAIServer) -> None:
    ai.script = Script(*(calls(("current_time", {})) for _ in range(8)), text("Enough."))
    ts = slack.workspace.say("ana", "general", "@assist loop")
    assert await answer_to(slack, "general", ts) == "Enough."
    assert ai.requests[-1].body["tool_choice"] == "none"


async def test_the_home_tab_is_shown(bot: Settings, slack: SlackServer) -> None:
    slack.workspace.open_home("ana")
    await slack.until(lambda: calls_of(slack, "views.publish"))
    assert calls_of(slack, "views.publish")[0]["view"]["type"] == "home"
