"""Background mode: an answer that was cut goes on where it was, and no request is made twice."""

from __future__ import annotations

import asyncio
import re
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from sqlalchemy import select

from bot.compose import open_llm, open_settings_database
from bot.responses import Result, Started
from bot.settings import Settings
from bot.tables import turns
from playground.openai import OpenAIServer, Script, calls, cut, stall, text
from playground.slack import SlackServer
from tests.conftest import connected, running
from tests.processes import Bots
from tests.scenarios.asked import Asked
from tests.scenarios.points import model_streaming
from tests.scenarios.seen import answer_to, answers

LONG = " ".join(f"word-{n}" for n in range(40))


@pytest.fixture
async def bot(settings: Settings, slack: SlackServer) -> AsyncIterator[Settings]:
    """The bot in background mode."""
    settings = replace(settings, openai_background=True)
    async with running(settings):
        await connected(slack)
        yield settings


def created(ai: OpenAIServer) -> int:
    """How many responses were asked for, and so are paid."""
    return sum(r.path == "/v1/responses" for r in ai.requests)


def followed(ai: OpenAIServer) -> list[int]:
    """The events behind which responses were followed."""
    return [int(m.group(1)) for r in ai.requests if (m := re.search(r"starting_after=(\d+)", r.query))]


async def ask(slack: SlackServer) -> str:
    ts = slack.workspace.say("ana", "general", "@assist question")
    return await answer_to(slack, "general", ts, timeout=30)


async def test_a_broken_stream_goes_on_where_it_was(settings: Settings, slack: SlackServer, ai: OpenAIServer) -> None:
    ai.tokens_per_second = 40  # what is left takes longer than the bot takes to come back
    ai.script = Script(cut("It begins here. ", rest=LONG))
    async with running(replace(settings, openai_background=True)):
        await connected(slack)
        assert await ask(slack) == f"It begins here. {LONG}"
    assert created(ai) == 1
    assert followed(ai)
    async with open_settings_database(settings) as database, database.read() as connection:
        row = (await connection.execute(select(turns))).one()
    (response,) = ai.timings
    async with open_llm(settings) as llm:
        became = await llm.retrieve(response)
    assert became
    assert (row.attempts, row.output_tokens) == (2, became.usage.output_tokens)


async def test_a_stalled_stream_goes_on_where_it_was(bot: Settings, slack: SlackServer, ai: OpenAIServer) -> None:
    ai.script = Script(calls(("current_time", {})), stall("It is late.", seconds=2.5))
    assert await ask(slack) == "It is late."
    assert created(ai) == 2, "one for the call, one for the answer"


@pytest.mark.slow
async def test_a_response_that_hangs_is_given_up_and_asked_for_again(
    settings: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    ai.script = Script(stall("It hangs.", seconds=60), text("It is late."))
    async with running(replace(settings, openai_background=True, openai_stall_seconds=1.0)):
        await connected(slack)
        assert await ask(slack) == "It is late."
    assert created(ai) == 2


async def test_an_openai_that_refuses_it_in_conversations_is_asked_in_the_foreground(
    bot: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    ai.background_in_conversations = False
    ai.script = Script(text("Here it is."), text("And again."))
    assert await ask(slack) == "Here it is."
    assert await ask(slack) == "And again."
    tried = [bool(r.body.get("background")) for r in ai.requests if r.path == "/v1/responses"]
    assert tried == [True, False, False], "once for the life of the process"


async def test_a_background_response_can_be_cancelled(settings: Settings, ai: OpenAIServer) -> None:
    ai.tokens_per_second = 20
    ai.script = Script(text(LONG), text(LONG))
    for background in (True, False):
        async with open_llm(replace(settings, openai_background=background)) as llm:
            conversation = await llm.create_conversation([], {})
            stream = llm.stream(
                conversation,
                [{"type": "message", "role": "user", "content": "x"}],
                model=settings.openai_model,
                who="x",
                instructions="",
                tools=[],
                person="p",
            )
            started = await anext(stream)
            assert isinstance(started, Started)
            assert await llm.cancel(started.response) == background
            await stream.aclose()
            became = await llm.retrieve(started.response)
            assert isinstance(became, Result)
            assert (became.status == "cancelled") or not background


@pytest.mark.parametrize("delay", [0.1, pytest.param(0.3, marks=pytest.mark.slow)])
async def test_an_answer_killed_in_the_middle_goes_on_without_a_second_request(
    start: Bots, asked: Asked, ai: OpenAIServer, delay: float
) -> None:
    said = f"{LONG} {LONG}"
    ai.script = Script(text(said, chunk=9, delay=delay))
    bot = await start.start("run", OPENAI_BACKGROUND="on")
    q = asked.ask()
    await asked.until(model_streaming(q))
    if delay > 0.2:  # how far it has come is noted each second
        await asyncio.sleep(2)
    await bot.kill()
    killed_at = time.monotonic()
    second = await start.start("run", OPENAI_BACKGROUND="on")
    await asked.resumed(killed_at, [q])
    assert await answer_to(asked.slack, q.channel, q.thread_ts, timeout=30) == said
    assert answers(asked.slack, q.channel, q.thread_ts) == [said]
    assert created(ai) == 1
    if delay > 0.2:  # else it may have ended by then, and its result is taken
        assert followed(ai)[0] > 5
    second.signal(signal.SIGTERM)
    assert await second.ended(25) == 0, second.said
    assert "Traceback" not in second.said
