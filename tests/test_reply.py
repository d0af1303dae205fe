"""The message that grows, as Slack's readers see it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.lease import Lease
from bot.pace import Pace
from bot.reply import Reply
from bot.slack import Slack, connect_slack
from playground.slack import SlackServer
from tests.reply_world import lease, posted
from tests.scenarios.seen import calls_of, growing

__all__ = ["lease"]

STOP: dict[str, Any] = {
    "type": "actions",
    "elements": [{"type": "button", "action_id": "stop", "text": {"type": "plain_text", "text": "Stop"}}],
}
FOOTER: dict[str, Any] = {"type": "context", "elements": [{"type": "mrkdwn", "text": "12 s"}]}


@pytest.fixture
async def client(slack: SlackServer) -> AsyncIterator[Slack]:
    async with connect_slack(slack.bot_token, slack.api_url, Pace(None, "")) as client:
        yield client


def kinds(message: dict[str, Any]) -> list[str]:
    return [b["type"] for b in message["blocks"]]


async def test_buttons_stand_below_what_grows_and_others_below_what_is_whole(
    slack: SlackServer, client: Slack, lease: Lease
) -> None:
    reply = Reply(client, lease, {}, [STOP])
    await reply.open()
    reply.show("Some words and ")
    await slack.until(lambda: bool(posted(slack, lease)))
    assert kinds(posted(slack, lease)[0]) == ["markdown", "context", "actions"]
    assert growing(posted(slack, lease)[0])
    await reply.finish("Some words and more.", [FOOTER, STOP | {"block_id": "again"}])
    (message,) = posted(slack, lease)
    assert kinds(message) == ["markdown", "context", "actions"]
    assert message["blocks"][1]["elements"] == FOOTER["elements"]
    assert not growing(message)


async def test_blocks_stand_below_the_last_message_of_a_long_answer_only(
    slack: SlackServer, client: Slack, lease: Lease
) -> None:
    reply = Reply(client, lease, {})
    await reply.open()
    await reply.finish("\n\n".join(f"Paragraph {n}. {'word ' * 400}" for n in range(10)), [FOOTER])
    assert [kinds(m) for m in posted(slack, lease)] == [["markdown"], ["markdown", "context"]]


async def test_blocks_that_slack_refuses_are_left_out_and_the_answer_stands(
    slack: SlackServer, client: Slack, lease: Lease
) -> None:
    slack.faults.add("chat.*", error="invalid_blocks", times=None, when=lambda args: STOP in args.get("blocks", ()))
    reply = Reply(client, lease, {}, [STOP])
    await reply.open()
    reply.show("**Some** words and ")
    await slack.until(lambda: bool(posted(slack, lease)))
    await reply.finish("**Some** words.", [STOP])
    (message,) = posted(slack, lease)
    assert message["blocks"][0]["text"] == "**Some** words."
    assert len(message["blocks"]) == 1


async def test_a_channel_that_takes_no_edits_gets_the_whole_answer_once(
    slack: SlackServer, client: Slack, lease: Lease
) -> None:
    fault = slack.faults.add("chat.update", error="edit_window_closed", times=9)
    reply = Reply(client, lease, {})
    await reply.open()
    for n in range(1, 30):
        reply.show("word " * n)
        await asyncio.sleep(0.05)
    await reply.finish("The whole answer.")
    assert [m["blocks"][0]["text"] for m in posted(slack, lease)] == ["The whole answer."]
    assert len(calls_of(slack, "chat.postMessage")) == 2
    assert fault.hits == 2, "the first edit, and the last"
