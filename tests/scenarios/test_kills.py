"""Real processes killed at any instant, real Valkey: every answer is finished in its own message, every note made once."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

import pytest

from bot.settings import Settings
from playground.openai import OpenAIServer
from playground.openai.behaviour import Leaves
from playground.slack import SlackServer
from tests.processes import Bot, Bots, held_by
from tests.scenarios.asked import Asked, is_whole
from tests.scenarios.points import (
    POINTS,
    Point,
    call_being_written,
    conversation_being_made,
    edit_in_flight,
    first_post_done,
    first_post_in_flight,
    last_edit_done,
    last_edit_in_flight,
    model_asked,
    model_streaming,
    outputs_being_sent,
    stream_appending,
    stream_start_in_flight,
    stream_stop_in_flight,
    tool_running,
    tools_run_freely,
)
from tests.scenarios.seen import calls_of

T = TypeVar("T")
LEAVES: tuple[Leaves, ...] = ("nothing", "input", "call_without_output")


def matrix(*quick: tuple[str, str]) -> list[object]:
    """Every way to run the bot with everything that OpenAI may leave behind; all but the quick ones are slow."""
    pairs = [(how, leaves) for how in ("run", "embedded", "workers") for leaves in LEAVES]
    return [pytest.param(*p, marks=() if p in quick else pytest.mark.slow) for p in pairs]


def _nothing() -> None:
    """Nothing is planted after a kill."""


class Crew:
    """The bot, run in one of three ways: one process, the same with the embedded Valkey, or a receiver and two workers."""

    def __init__(self, start: Bots, how: str, redis_url: str, streaming: str = "edits") -> None:
        self._start, self._how, self._redis_url, self._streaming = start, how, redis_url, streaming
        self._working: list[Bot] = []

    async def begin(self) -> None:
        """Starts the bot."""
        if self._how == "workers":
            await self._start.start("web")
            await self._more()
        await self._more()

    async def kill(self, asked: Asked, then: Callable[[], T]) -> T:
        """Kills what answers the newest question, does `then`, starts another in its place, and sees that all its turns go on."""
        victim, theirs = self._working[0], [q for q in asked.all if not is_whole(q)]
        if self._how == "workers":
            holders = await held_by(self._redis_url, self._working)
            victim = holders[asked.all[-1].thread]
            theirs = [q for q in asked.all if holders.get(q.thread) is victim]
        self._working.remove(victim)
        await victim.kill()
        killed_at = time.monotonic()
        tools_run_freely(asked.database)
        planted = then()
        await self._more()
        await asked.resumed(killed_at, theirs)
        return planted

    async def end(self) -> None:
        """All end cleanly when they are asked to, and have met nothing unexpected."""
        for bot in self._start.all:
            if bot.process.returncode is None:
                bot.signal(signal.SIGTERM)
                assert await bot.ended(25) == 0, bot.said
            assert "Traceback" not in bot.said, bot.said

    async def _more(self) -> None:
        command, url = (
            ("worker", self._redis_url)
            if self._how == "workers"
            else ("run", "" if self._how == "embedded" else self._redis_url)
        )
        self._working.append(await self._start.start(command, REDIS_URL=url, STREAMING=self._streaming))


# -- one kill, many answers ---------------------------------------------------------------------------------------------------


async def hold_each_at_its_point(asked: Asked) -> None:
    """Eleven answers and more, each at another point of its life at the same time; the longest lives begin first."""
    last = [point(asked.ask()) for point in (last_edit_in_flight, last_edit_done)]
    await asked.until(*(first_post_done(q) for q in asked.all))
    await asyncio.sleep(1.5)  # they stream for another second and a half, in which the next ones begin
    early = (conversation_being_made, model_asked, outputs_being_sent, first_post_in_flight, edit_in_flight)
    held = [point(asked.ask()) for point in early]
    held.append(first_post_in_flight(asked.ask(dm=True)))
    streaming = asked.ask()
    await asked.until(*held, *last, model_streaming(streaming))
    # The tool comes last, since it keeps the database to itself.
    writing = call_being_written(asked.ask())
    tool = tool_running(asked.ask())
    await asked.until(writing)
    await asked.until(tool)


@pytest.mark.parametrize(("how", "leaves"), matrix(("workers", "call_without_output")))
async def test_one_kill_catches_answers_at_every_point(
    start: Bots, asked: Asked, ai: OpenAIServer, settings: Settings, how: str, leaves: Leaves
) -> None:
    ai.interrupted_leaves = leaves
    crew = Crew(start, how, settings.redis_url)
    await crew.begin()
    await hold_each_at_its_point(asked)
    await crew.kill(asked, _nothing)
    await asked.end_well()
    await crew.end()


@pytest.mark.slow  # tests/test_native.py has the same points without processes
@pytest.mark.parametrize("how", ["run", "embedded", "workers"])
async def test_one_kill_catches_native_streams_at_every_point(
    start: Bots, asked: Asked, settings: Settings, slack: SlackServer, how: str
) -> None:
    crew = Crew(start, how, settings.redis_url, "native")
    await crew.begin()
    ending = stream_stop_in_flight(asked.ask())
    await asked.until(lambda: bool(calls_of(slack, "chat.startStream")))
    await asyncio.sleep(2)
    held = [point(asked.ask()) for point in (stream_appending, stream_start_in_flight)]
    await asked.until(ending, *held)
    await crew.kill(asked, _nothing)
    await asked.end_well()
    assert [c.args["thread_ts"] for c in slack.calls if c.method == "chat.startStream"][:3] == [q.ts for q in asked.all]
    await crew.end()


# -- one answer, many kills -----------------------------------------------------------------------------------------------------


async def live_through(crew: Crew, asked: Asked, points: Sequence[Point]) -> None:
    """One answer whose bot is killed at each of the points, one after the other."""
    await crew.begin()
    q = asked.ask()
    held = points[0](q)
    for following in points[1:]:
        await asked.until(held)
        held = await crew.kill(asked, partial(following, q))  # planted before the next run can have passed it
    await asked.until(held)
    await crew.kill(asked, _nothing)
    await asked.end_well()
    await crew.end()


@pytest.mark.slow
async def test_an_answer_lives_through_two_kills(
    start: Bots, asked: Asked, ai: OpenAIServer, settings: Settings
) -> None:
    ai.interrupted_leaves = "input"
    crew = Crew(start, "workers", settings.redis_url)
    await live_through(crew, asked, (tool_running, first_post_in_flight))


@pytest.mark.slow
@pytest.mark.parametrize(("how", "leaves"), matrix())
async def test_an_answer_lives_through_ten_kills(
    start: Bots, asked: Asked, ai: OpenAIServer, settings: Settings, how: str, leaves: Leaves
) -> None:
    ai.interrupted_leaves = leaves
    # A cut request that leaves its call behind is not made again: the next kill finds the answer at its tool already.
    left_out = model_asked if leaves == "call_without_output" else edit_in_flight
    await live_through(Crew(start, how, settings.redis_url), asked, [p for p in POINTS if p is not left_out])


@pytest.mark.slow
@pytest.mark.parametrize("point", [stream_start_in_flight, stream_appending, stream_stop_in_flight])
@pytest.mark.parametrize("how", ["run", "embedded", "workers"])
async def test_an_answer_that_began_as_a_stream_lives_through_two_kills(
    start: Bots, asked: Asked, settings: Settings, how: str, point: Point
) -> None:
    await live_through(Crew(start, how, settings.redis_url, "native"), asked, (point, last_edit_in_flight))


@pytest.mark.slow
@pytest.mark.parametrize(("how", "leaves"), matrix())
async def test_kills_at_random_instants(
    start: Bots, asked: Asked, ai: OpenAIServer, settings: Settings, how: str, leaves: Leaves
) -> None:
    ai.interrupted_leaves = leaves
    dice = random.Random(f"{how} {leaves}")
    crew = Crew(start, how, settings.redis_url)
    await crew.begin()
    for n in range(10):
        asked.ask(dm=n == 4)
        await asyncio.sleep(dice.uniform(0, 1.2))
        if n % 3 == 2:
            await crew.kill(asked, _nothing)
    await asked.end_well()
    await crew.end()
