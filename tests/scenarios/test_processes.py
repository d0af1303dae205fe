"""The commands as an operator runs them: separate processes, lost sockets, clean ends, starts that cannot be."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from bot.settings import Settings
from playground.openai import OpenAIServer, Script, text
from playground.slack import SlackServer
from tests.conftest import connected
from tests.processes import Bots, bots
from tests.scenarios.seen import answer_to, answers, whole

PEOPLE = ("ana", "raj", "kim", "maria")


@pytest.fixture
async def start(settings: Settings, tmp_path: Path) -> AsyncIterator[Bots]:
    """Starts bots with the local servers' settings."""
    async with bots(settings, tmp_path) as started:
        yield started


def turns(*logs: str) -> list[str]:
    """The turns that processes say they answered."""
    lines = [json.loads(line) for log in logs for line in log.splitlines() if line.startswith("{")]
    return [line["turn"] for line in lines if line["event"] == "turn" and line["outcome"] == "answered"]


async def test_a_receiver_and_two_workers_share_the_work(start: Bots, slack: SlackServer, ai: OpenAIServer) -> None:
    ai.script = Script()
    ai.script.forever(text("Here it is, all of it. " * 4, chunk=12, delay=0.05))
    web, *workers = [await start.start(command) for command in ("web", "worker", "worker")]
    await connected(slack)
    threads = [slack.workspace.say(who, "general", f"@assist question {n}") for n in range(3) for who in PEOPLE]
    for ts in threads:
        await answer_to(slack, "general", ts, timeout=30)
    await asyncio.sleep(0.3)
    assert all(len(answers(slack, "general", ts)) == 1 for ts in threads)
    for process in (web, *workers):
        process.signal(signal.SIGTERM)
        assert await process.ended(30) == 0
    done = [turns(w.said) for w in workers]
    assert sorted(done[0] + done[1]) == sorted(f"{slack.workspace.channel('general').id}-{ts}" for ts in threads)
    assert turns(web.said) == []


async def test_messages_wait_for_a_worker_that_is_not_there_yet(start: Bots, slack: SlackServer) -> None:
    await start.start("web")
    await connected(slack)
    ts = slack.workspace.say("ana", "general", "@assist hello")
    await slack.until(lambda: not slack.delivery.unacked(), timeout=10)
    assert answers(slack, "general", ts) == []
    await start.start("worker")
    await answer_to(slack, "general", ts, timeout=15)


@pytest.mark.parametrize("how", ["refresh_requested", pytest.param("warning", marks=pytest.mark.slow), "cut"])
async def test_messages_sent_while_the_socket_is_lost_are_answered(start: Bots, slack: SlackServer, how: str) -> None:
    slack.retry_delays, slack.ack_timeout = (0.3,) * 60, 1.0
    await start.start("run")
    await connected(slack)
    threads = []
    for n, who in enumerate(PEOPLE):
        threads.append(slack.workspace.say(who, "general", f"@assist hello {n}"))
        if n == 1:
            slack.delivery.cut() if how == "cut" else await slack.delivery.disconnect(how)
    for ts in threads:
        await answer_to(slack, "general", ts, timeout=40)
    await slack.until(lambda: not slack.delivery.unacked(), timeout=20)
    assert all(len(answers(slack, "general", ts)) == 1 for ts in threads)
    await connected(slack)


async def test_a_worker_alone_serves_its_own_port(start: Bots, slack: SlackServer, free_port: int) -> None:
    await start.start("worker", WORKER_PORT=str(free_port))
    async with aiohttp.ClientSession() as session:
        for path in ("health", "ready", "metrics"):
            async with session.get(f"http://127.0.0.1:{free_port}/{path}") as got:
                assert got.status == 200
        async with session.post(f"http://127.0.0.1:{free_port}/slack/events") as got:
            assert got.status == 404


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
async def test_told_to_stop_it_finishes_what_runs_and_ends_well(
    start: Bots, slack: SlackServer, ai: OpenAIServer, number: signal.Signals
) -> None:
    ai.script = Script(text("One two three four five. " * 8, chunk=10, delay=0.08))
    bot = await start.start("run")
    await connected(slack)
    ts = slack.workspace.say("ana", "general", "@assist count")
    await slack.until(lambda: answers(slack, "general", ts), timeout=10)
    assert not whole(slack, "general", ts)
    bot.signal(number)
    assert await bot.ended(30) == 0
    assert answers(slack, "general", ts)[0].split() == ("One two three four five. " * 8).split()
    assert "Traceback" not in bot.said


@pytest.mark.parametrize(
    ("command", "changes", "name"),
    [
        ("run", {"SLACK_BOT_TOKEN": "xoxb-wrong"}, "SLACK_BOT_TOKEN"),
        pytest.param("run", {"SLACK_BOT_TOKEN": "nonsense"}, "SLACK_BOT_TOKEN", marks=pytest.mark.slow),
        pytest.param("web", {"SLACK_BOT_TOKEN": ""}, "SLACK_BOT_TOKEN", marks=pytest.mark.slow),
        pytest.param("web", {"SLACK_APP_TOKEN": ""}, "SLACK_APP_TOKEN", marks=pytest.mark.slow),
        ("web", {"SLACK_APP_TOKEN": "xapp-wrong"}, "SLACK_APP_TOKEN"),
        ("worker", {"OPENAI_API_KEY": ""}, "OPENAI_API_KEY"),
        pytest.param("worker", {"REDIS_URL": "localhost"}, "REDIS_URL", marks=pytest.mark.slow),
        pytest.param("worker", {"DATABASE_URL": "mysql://x"}, "DATABASE_URL", marks=pytest.mark.slow),
        ("run", {"PORT": "taken"}, "PORT"),
        pytest.param("worker", {"WORKER_PORT": "taken"}, "WORKER_PORT", marks=pytest.mark.slow),
    ],
)
async def test_a_start_that_cannot_be_names_the_setting(
    settings: Settings, slack: SlackServer, tmp_path: Path, command: str, changes: dict[str, str], name: str
) -> None:
    taken = slack.origin.rsplit(":", 1)[1]
    changes = {k: taken if v == "taken" else v for k, v in changes.items()}
    async with bots(replace(settings, openai_stall_seconds=2.0), tmp_path) as started:
        bot = await started._spawn([command], changes)
        assert await bot.ended(30) == 2, bot.said
    (line,) = [line for line in bot.said.splitlines() if not line.startswith("{")]
    assert line.startswith(f"assist: {name}: ")
    assert all(secret not in bot.said for secret in ("xoxb-wrong", "xapp-wrong", settings.openai_api_key))


async def test_a_slack_that_is_away_at_the_start_is_waited_for(
    settings: Settings, slack: SlackServer, tmp_path: Path
) -> None:
    slack.faults.add("auth.test", status=500, times=1)
    async with bots(settings, tmp_path) as started:
        bot = await started.start("run")
        assert '"Slack cannot be reached"' in bot.said
        await connected(slack)
        await answer_to(slack, "general", slack.workspace.say("ana", "general", "@assist hello"), timeout=15)


async def test_told_to_stop_while_slack_is_away_it_ends_well(settings: Settings, tmp_path: Path) -> None:
    async with bots(replace(settings, slack_api_url="http://127.0.0.1:9/api/"), tmp_path) as started:
        bot = await started._spawn(["run"], {})
        async with asyncio.timeout(30):
            while "Slack cannot be reached" not in bot.said:  # noqa: ASYNC110  # it is another process's file
                await asyncio.sleep(0.05)
        bot.signal(signal.SIGTERM)
        assert await bot.ended(20) == 0, bot.said


async def test_the_dead_are_listed_without_their_words_and_replayed(
    start: Bots, slack: SlackServer, ai: OpenAIServer
) -> None:
    bot = await start.start("run", OPENAI_API_KEY="sk-wrong")
    await connected(slack)
    ts = slack.workspace.say("ana", "general", "@assist hello zebra")
    assert "OPENAI_API_KEY" in await answer_to(slack, "general", ts, timeout=15)
    bot.signal(signal.SIGTERM)
    assert await bot.ended(30) == 0
    code, listed = await start.command("dead")
    assert code == 0
    assert "1 message(s)" in listed
    assert "zebra" not in listed
    assert await start.command("replay", "0-1") == (1, "There is no dead turn 0-1; `assist dead` lists them.\n")
    dead_id = listed.split()[0]
    assert await start.command("replay", dead_id) == (0, f"{dead_id} is back in the queue.\n")
    await start.start("run")
    await slack.until(lambda: "ana" in answers(slack, "general", ts)[0].lower(), timeout=15)
    assert len(answers(slack, "general", ts)) == 1
