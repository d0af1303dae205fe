"""What a bot costs while nobody asks it anything."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from bot.redis_client import connect_redis
from bot.settings import Settings
from playground.slack import SlackServer
from tests.conftest import connected, running

SECONDS = 4.0


async def test_an_idle_bot_sends_redis_less_than_five_commands_a_second(settings: Settings, slack: SlackServer) -> None:
    async with running(replace(settings, slack_pace=True)), connect_redis(settings.redis_url) as redis:
        await connected(slack)
        await asyncio.sleep(0.5)
        before = (await redis.info("stats"))["total_commands_processed"]
        await asyncio.sleep(SECONDS)
        count = (await redis.info("stats"))["total_commands_processed"] - before
        assert 1 <= count / SECONDS < 5, "with those that its scripts run"
