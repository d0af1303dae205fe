"""What the scenarios with real processes ask for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.settings import Settings
from playground.openai import OpenAIServer
from playground.slack import SlackServer
from tests.processes import Bots, bots
from tests.scenarios.asked import Asked


@pytest.fixture
async def start(settings: Settings, tmp_path: Path, slack: SlackServer) -> AsyncIterator[Bots]:
    """Starts bots that wait long enough for a held call; Slack's redeliveries come quickly."""
    slack.retry_delays, slack.ack_timeout = (0.3,) * 60, 1.0
    async with bots(replace(settings, openai_stall_seconds=20.0), tmp_path) as started:
        yield started


@pytest.fixture
def asked(slack: SlackServer, ai: OpenAIServer, settings: Settings, start: Bots) -> Asked:
    """Nothing has been asked yet."""
    return Asked(slack, ai, settings, start)
