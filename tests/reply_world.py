"""What tests of the reply share: a question in Slack, the right to answer it, and what stands there then."""

from __future__ import annotations

from typing import Any

import pytest

from bot.lease import Lease
from bot.models import ThreadKey
from bot.queue import Queue
from playground.slack import SlackServer
from tests.queue_world import mention, take_one


@pytest.fixture
async def lease(slack: SlackServer, queue: Queue) -> Lease:
    """The right to answer a question in #general."""
    ts = slack.workspace.say("ana", "general", "@assist question")
    key = ThreadKey(slack.team_id, slack.workspace.channel("general").id, ts)
    await queue.put(mention(float(ts), key, user=slack.workspace.person("ana").id))
    return await take_one(queue)


def posted(slack: SlackServer, lease: Lease) -> list[dict[str, Any]]:
    """The messages of the answer."""
    return [m for m in slack.workspace.messages("general", lease.key.root) if m.get("bot_id")]
