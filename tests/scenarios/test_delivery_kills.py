"""A real process killed while it brings words to somebody: another one brings them, and none comes twice."""

from __future__ import annotations

import pytest

from bot.compose import open_settings_database
from bot.delivery import outgoing
from bot.settings import Settings
from playground.slack import SlackServer
from tests.processes import Bots
from tests.scenarios.points import HELD


@pytest.mark.slow
@pytest.mark.parametrize("method", ["conversations.open", "chat.postMessage"])
@pytest.mark.parametrize("others", [0, 1])
async def test_words_come_once_each_though_their_worker_is_killed(
    settings: Settings, start: Bots, slack: SlackServer, method: str, others: int
) -> None:
    workspace = slack.workspace
    ana = workspace.person("ana")
    async with open_settings_database(settings) as database, database.begin() as tx:
        for text in ("one", "two"):
            await outgoing.say(tx, slack.team_id, ana.id, "", text, text)
    held = slack.faults.add(method, delay=HELD)
    victim = await start.start("worker", REDIS_URL=settings.redis_url)
    await slack.until(lambda: held.hits, timeout=10)
    for _ in range(others):
        await start.start("worker", REDIS_URL=settings.redis_url)
    await victim.kill()
    if not others:
        await start.start("worker", REDIS_URL=settings.redis_url)

    def texts() -> list[str]:
        return [m["text"] for m in workspace.messages(workspace.dm(ana)) if m.get("bot_id")]

    await slack.until(lambda: len(texts()) >= 2, timeout=40)
    assert texts() == ["one", "two"]
