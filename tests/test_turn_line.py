"""What an operator reads in the log: one line per turn, and what people wrote only when LOG_TEXT says so."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.settings import Settings
from playground.openai import OpenAIServer
from playground.slack import SlackServer
from tests.conftest import connected
from tests.scenarios.seen import answer_to

SECRET = "sk-proj-abcdef123456"
SAID = f"@assist the launch is called Bluebird and the key is {SECRET}"


@asynccontextmanager
async def process(settings: Settings, log: Path, **extra: str) -> AsyncIterator[None]:
    """The bot as a process of its own, stopped by SIGTERM."""
    env = os.environ | {
        "SLACK_BOT_TOKEN": settings.slack_bot_token,
        "SLACK_APP_TOKEN": settings.slack_app_token,
        "SLACK_API_URL": settings.slack_api_url,
        "OPENAI_API_KEY": settings.openai_api_key,
        "OPENAI_BASE_URL": settings.openai_base_url,
        "REDIS_URL": settings.redis_url,
        "DATA_DIR": str(settings.data_dir),
        "PORT": "0",
    }
    with log.open("wb") as out:
        bot = await asyncio.create_subprocess_exec(sys.executable, "-m", "bot", "run", env=env | extra, stdout=out)
    try:
        yield
    finally:
        bot.terminate()
        await asyncio.wait_for(bot.wait(), 60)


@pytest.mark.parametrize("log_text", ["on", "off"])
async def test_a_turn_is_one_line_with_the_text_only_when_asked_for(
    settings: Settings, slack: SlackServer, ai: OpenAIServer, tmp_path: Path, log_text: str
) -> None:
    log = tmp_path / "log"
    async with process(settings, log, LOG_TEXT=log_text, LOG_LEVEL="DEBUG"):
        await connected(slack)
        ts = slack.workspace.say("ana", "general", SAID)
        await answer_to(slack, "general", ts, timeout=30)
    lines: list[dict[str, Any]] = [json.loads(line) for line in log.read_text().splitlines()]
    (turn,) = [line for line in lines if line["event"] == "turn"]
    assert turn["turn"] == f"{slack.workspace.channel('general').id}-{ts}"
    assert turn["person"] == slack.workspace.person("ana").id
    assert turn["outcome"] == "answered"
    assert turn["tokens_in"] > 0
    assert ("Bluebird" in turn.get("text", "")) == (log_text == "on")
    assert ("Bluebird" in log.read_text()) == (log_text == "on")
    for secret in (SECRET, settings.slack_bot_token, settings.slack_app_token, settings.openai_api_key):
        assert secret not in log.read_text()
