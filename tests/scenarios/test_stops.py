"""Real processes that are told to stop, frozen, killed before their ack, or out of luck: nothing is lost, nothing said or done twice."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from bot.settings import Settings
from playground.openai import OpenAIServer, View, text
from playground.slack import SlackServer
from tests.processes import Bot, Bots, held_by
from tests.scenarios.asked import Asked, is_whole
from tests.scenarios.points import (
    Point,
    brings_outputs,
    call_being_written,
    edit_in_flight,
    first_post_in_flight,
    last_edit_done,
    last_edit_in_flight,
    model_asked,
    model_streaming,
    outputs_being_sent,
    said,
)
from tests.scenarios.seen import answer_to, answers

DRAINED_SECONDS = 25


async def ends_cleanly(bot: Bot) -> None:
    """Told to stop, it does, in time and without a fault."""
    bot.signal(signal.SIGTERM)
    assert await bot.ended(DRAINED_SECONDS) == 0, bot.said
    assert "Traceback" not in bot.said, bot.said


# -- told to stop -----------------------------------------------------------------------------------------------------------


async def test_a_bot_that_is_told_to_stop_finishes_its_answer_first(start: Bots, asked: Asked) -> None:
    bot = await start.start("run")
    q = asked.ask()
    await asked.until(model_streaming(q))
    await ends_cleanly(bot)
    assert is_whole(q)
    await start.start("run")
    await asked.end_well()


async def test_a_long_answer_is_handed_on_to_another_worker_at_once(
    start: Bots, asked: Asked, ai: OpenAIServer, settings: Settings
) -> None:
    q = asked.ask()
    assert ai.script

    def is_answered(view: View) -> bool:
        return brings_outputs(view.body)

    ai.script.add(text(said(q.word), chunk=4, delay=0.8, match=is_answered))  # for minutes; the next try takes seconds
    await start.start("web")
    workers = [await start.start("worker"), await start.start("worker")]
    await asked.until(model_streaming(q))
    first = (await held_by(settings.redis_url, workers))[q.thread]
    told_at = time.monotonic()
    await ends_cleanly(first)
    stopped_at = time.monotonic()
    await asked.until(lambda: asked.resumes(q, told_at))
    assert asked.resumes(q, told_at)[0] - stopped_at < 2, "the lease was given up, not left to run out"
    await asked.end_well()
    for bot in start.all:
        if bot is not first:
            await ends_cleanly(bot)


# -- frozen -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "point",
    [
        model_streaming,
        *(
            pytest.param(p, marks=pytest.mark.slow)
            for p in (
                model_asked,
                call_being_written,
                outputs_being_sent,
                first_post_in_flight,
                edit_in_flight,
                last_edit_in_flight,
                last_edit_done,
            )
        ),
    ],
)
async def test_a_worker_that_was_frozen_writes_nothing_that_stands(
    start: Bots, asked: Asked, settings: Settings, point: Point
) -> None:
    await start.start("web")
    workers = [await start.start("worker"), await start.start("worker")]
    q = asked.ask()
    await asked.until(point(q))
    frozen = (await held_by(settings.redis_url, workers))[q.thread]
    frozen.signal(signal.SIGSTOP)
    await asked.resumed(time.monotonic(), [q])
    await asked.until(lambda: is_whole(q))
    frozen.signal(signal.SIGCONT)
    await asyncio.sleep(3)  # in which it might do harm
    await asked.end_well()
    assert '"outcome": "lost"' in frozen.said
    for bot in start.all:
        await ends_cleanly(bot)


# -- the receiver --------------------------------------------------------------------------------------------------------------


async def test_what_a_killed_receiver_had_not_stored_comes_again(start: Bots, asked: Asked, slack: SlackServer) -> None:
    await start.start("worker")
    receiver = await start.start("web")
    receiver.signal(signal.SIGSTOP)  # the event reaches its socket and no further
    asked.ask()
    await asked.until(lambda: any(e.attempts >= 2 for e in slack.delivery.events))
    await receiver.kill()
    await start.start("web")
    await asked.end_well()
    await asked.until(lambda: not slack.delivery.unacked())


@asynccontextmanager
async def killed_before_its_ack(receiver: Bot, port: int) -> AsyncIterator[str]:
    """A URL for events that passes the first one on, and kills the receiver when it has answered: Slack never hears that answer."""

    async def pass_on(request: web.Request) -> web.StreamResponse:
        if receiver.process.returncode is not None:
            return web.Response(status=503)
        headers = {k: v for k, v in request.headers.items() if k.lower().startswith(("x-slack", "content-type"))}
        url = f"http://127.0.0.1:{port}/slack/events"
        body = await request.read()
        async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as answer:
            assert answer.status == 200
        await receiver.kill()
        assert request.transport
        request.transport.abort()
        return web.Response()

    app = web.Application()
    app.router.add_post("/slack/events", pass_on)
    runner = web.AppRunner(app, shutdown_timeout=0.2)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    finally:
        await runner.cleanup()


async def test_what_a_killed_receiver_had_stored_but_not_acked_is_answered_once(
    start: Bots, asked: Asked, slack: SlackServer, free_port: int
) -> None:
    http = {"SLACK_APP_TOKEN": "", "SLACK_SIGNING_SECRET": slack.signing_secret, "PORT": str(free_port)}
    await start.start("worker")
    receiver = await start.start("web", **http)
    slack.delivery.twins = False  # the event that was stored is the only one that tells of the question
    async with killed_before_its_ack(receiver, free_port) as url:
        slack.deliver_to(url)
        q = asked.ask()
        await asked.until(lambda: receiver.process.returncode is not None, lambda: is_whole(q))
        assert slack.delivery.unacked()
        slack.deliver_to(f"http://127.0.0.1:{free_port}/slack/events")
        await start.start("web", **http)
        await asked.until(lambda: not slack.delivery.unacked())
        await asked.end_well()
    slack.deliver_to(None)


# -- out of luck ------------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
async def test_a_dead_turn_is_listed_and_replayed_by_command(start: Bots, slack: SlackServer) -> None:
    bot = await start.start("run", OPENAI_API_KEY="sk-wrong")
    ts = slack.workspace.say("ana", "general", "@assist hello")
    assert "OPENAI_API_KEY" in await answer_to(slack, "general", ts, timeout=20)
    await ends_cleanly(bot)
    code, listed = await start.command("dead")
    assert code == 0
    assert ts in listed
    dead = listed.split()[0]
    assert (await start.command("replay", dead))[0] == 0
    await start.start("run")
    await slack.until(lambda: "OPENAI_API_KEY" not in answers(slack, "general", ts)[0], timeout=20)
    assert "ana" in (await answer_to(slack, "general", ts)).lower()
    assert len(answers(slack, "general", ts)) == 1, "the answer takes the apology's place"
    code, told = await start.command("replay", dead)
    assert code == 1
    assert "There is no dead turn" in told
    assert "0 dead turn(s)" in (await start.command("dead"))[1]
