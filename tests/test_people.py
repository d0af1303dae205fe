"""Whose names and time zones the bot knows, and how often it asks Slack for them."""

from __future__ import annotations

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from bot.pace import Pace
from bot.redis_client import connect_redis
from bot.slack import connect_slack
from playground.slack import SlackServer


async def test_what_one_process_has_asked_about_a_person_the_next_one_knows(slack: SlackServer, redis_url: str) -> None:
    raj = slack.workspace.person("raj")
    found = []
    async with connect_redis(redis_url) as redis:
        for _ in range(2):  # a process, and the one that takes its place
            async with connect_slack(slack.bot_token, slack.api_url, Pace(redis, slack.bot_token), redis) as client:
                found.append(await client.person(raj.id))
    assert [(p.name, p.tz) for p in found] == [("Raj Patel", "Asia/Kolkata")] * 2
    assert [c.method for c in slack.calls].count("users.info") == 1


async def test_without_redis_a_person_is_known_all_the_same(slack: SlackServer, free_port: int) -> None:
    async with Redis.from_url(f"redis://127.0.0.1:{free_port}/0", retry=Retry(NoBackoff(), 0)) as away:
        for redis in (away, None):
            async with connect_slack(slack.bot_token, slack.api_url, Pace(None, ""), redis) as client:
                assert (await client.person(slack.workspace.person("ana").id)).name == "Ana Becker"
