"""Overload, withdrawal, limits: who answers, and when."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from sqlalchemy import select

from bot.compose import open_settings_database
from bot.settings import Settings
from bot.tables import turns
from playground.openai import OpenAIServer, Script, Step, calls, failed, http_error, text
from playground.slack import SlackServer
from tests.conftest import connected, running
from tests.processes import Bots
from tests.scenarios.seen import answer_to, answers

SOL, LUNA = "gpt-6.2-sol", "gpt-6-luna"
FULL = http_error(503, "server_is_overloaded", "Our servers are currently overloaded. Please try again later.")
GONE = http_error(404, "model_not_found", "The model does not exist or you do not have access to it.")
GOOD = text("Here it is.")


@pytest.fixture
async def bot(settings: Settings, slack: SlackServer) -> AsyncIterator[Settings]:
    """The bot with a fallback."""
    settings = replace(settings, openai_fallback_model=LUNA)
    async with running(settings):
        await connected(slack)
        yield settings


def asked(ai: OpenAIServer) -> list[str]:
    """The models that were asked for answers, in order."""
    return [r.body["model"] for r in ai.requests if r.path == "/v1/responses"]


async def ask(slack: SlackServer) -> tuple[str, str]:
    ts = slack.workspace.say("ana", "general", "@assist question")
    return ts, await answer_to(slack, "general", ts, timeout=30)


@pytest.mark.parametrize(
    "trouble",
    [
        FULL,
        pytest.param(
            http_error(429, "slow_down", "Slow down.", headers={"retry-after": "0"}), marks=pytest.mark.slow, id="429"
        ),
        pytest.param(http_error(500), marks=pytest.mark.slow, id="500"),
    ],
)
async def test_an_overload_that_stays_is_answered_by_the_fallback_and_the_next_turn_too(
    bot: Settings, slack: SlackServer, ai: OpenAIServer, trouble: Step
) -> None:
    ai.script = Script(trouble, trouble, GOOD, GOOD)
    ts, answer = await ask(slack)
    assert answer.startswith("Here it is.")
    assert len(answers(slack, "general", ts)) == 1
    await ask(slack)
    assert asked(ai) == [SOL, SOL, LUNA, LUNA]


async def test_a_model_that_was_withdrawn_is_answered_for_at_once(
    bot: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    ai.script = Script(GONE, GOOD, GOOD)
    assert (await ask(slack))[1].startswith("Here it is.")
    await ask(slack)
    assert asked(ai) == [SOL, LUNA, LUNA]


async def test_half_an_answer_of_the_first_model_leaves_no_trace(
    bot: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    half = failed("The first model began to say something quite long", "server_is_overloaded")
    ai.script = Script(calls(("current_time", {})), half, half, text("It is late."))
    ts, answer = await ask(slack)
    assert "It is late." in answer
    assert "began" not in answer
    assert len(answers(slack, "general", ts)) == 1
    assert asked(ai)[-1] == LUNA


async def test_the_fallbacks_tokens_are_recorded_as_its_own(
    settings: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    ai.script = Script(GONE, GOOD)
    async with running(replace(settings, openai_fallback_model=LUNA)):
        await connected(slack)
        await ask(slack)
    async with open_settings_database(settings) as database, database.read() as connection:
        assert (await connection.execute(select(turns))).one().model == LUNA


async def test_when_no_model_is_left_that_is_said(bot: Settings, slack: SlackServer, ai: OpenAIServer) -> None:
    ai.script = Script(GONE, GONE)
    _, answer = await ask(slack)
    assert "OPENAI_MODEL" in answer


@pytest.mark.slow
async def test_turns_beyond_the_limits_wait_in_the_queue_for_their_place(
    start: Bots, settings: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    ai.limits, ai.rate_limit_requests = True, 30  # one in two seconds
    await start.start("web")
    workers = [await start.start("worker") for _ in range(3)]
    await ask(slack)  # its answer tells of the limits
    ai.rate_limits.of(SOL)[0].left = 2
    await ask(slack)
    threads = [slack.workspace.say("ana", "general", f"@assist hello {n}") for n in range(18)]
    for ts in threads:
        assert "ana" in (await answer_to(slack, "general", ts, timeout=60)).lower()
    assert not [r for r in ai.requests if r.status == 429]
    for worker in workers:
        worker.signal(signal.SIGTERM)
        assert await worker.ended(25) == 0
    said = "".join(w.said for w in workers)
    assert "turn put back" in said
    assert '"attempt": 2' not in said, "whoever came back found its place kept"
