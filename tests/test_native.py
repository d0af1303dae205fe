"""Answers that grow as Slack's native streams, and go on by edits where those end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.lease import Lease
from bot.markdown import disarm, steady
from bot.pace import METHODS, Pace
from bot.queue import Queue
from bot.reply import Reply
from bot.slack import Slack, connect_slack
from playground.slack import SlackServer
from tests.queue_world import reclaim, silence
from tests.reply_world import lease, posted
from tests.scenarios.seen import calls_of, growing

__all__ = ["lease"]

START, APPEND, STOP = "chat.startStream", "chat.appendStream", "chat.stopStream"
FOOTER: dict[str, Any] = {"type": "context", "elements": [{"type": "mrkdwn", "text": "12 s"}]}
TEXT = "Some **bold words**, then <@U0RAJ> and @channel, and a [link](https://example.com/a) in the end. " * 3
CODE = f"{TEXT}\n\n```py\nfor n in range(3):\n    print(n)\n\nprint('done')\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- one\n- two *three*\n"


@pytest.fixture
async def client(slack: SlackServer) -> AsyncIterator[Slack]:
    async with connect_slack(slack.bot_token, slack.api_url, Pace(None, ""), streaming="native") as client:
        yield client


async def tell(reply: Reply, text: str, seconds: float = 0.7) -> None:
    """The model says the text, piece by piece."""
    pieces = 14
    for n in range(1, pieces + 1):
        reply.show(text[: len(text) * n // pieces])
        await asyncio.sleep(seconds / pieces)


def shown(message: dict[str, Any]) -> str:
    """The text of a message, without what stands below it."""
    return "".join(b["text"] for b in message["blocks"] if b["type"] == "markdown")


def streamed(slack: SlackServer) -> str:
    """All that was ever sent into streams."""
    calls = [c for c in slack.calls if c.method in (START, APPEND, STOP) and c.ok]
    return "".join(c.args.get("markdown_text", "") for c in calls)


def sizes(slack: SlackServer) -> list[int]:
    """How long the shown text was after each write."""
    at, sizes = 0, []
    for call in slack.calls:
        if call.ok and call.method in (START, APPEND, STOP):
            at += len(call.args.get("markdown_text", ""))
            sizes.append(at)
        elif call.ok and call.method == "chat.update":
            at = len(shown(call.args))
            sizes.append(at)
    return sizes


async def test_an_answer_grows_natively_and_ends_whole(slack: SlackServer, client: Slack, lease: Lease) -> None:
    reply = Reply(client, lease, {"U0RAJ": "Raj"})
    await reply.open()
    await tell(reply, TEXT)
    (message,) = posted(slack, lease)
    assert message["streaming_state"] == "in_progress"
    await reply.finish(TEXT, [FOOTER])
    (message,) = posted(slack, lease)
    assert shown(message) == disarm(TEXT, {"U0RAJ": "Raj"}) == streamed(slack)
    assert "<@" not in streamed(slack)
    assert message["blocks"][-1]["elements"] == FOOTER["elements"]
    assert message["metadata"]["event_payload"] == {"turn": lease.turn.id, "part": 0}
    assert message["streaming_state"] == "completed"
    assert calls_of(slack, APPEND)
    assert not calls_of(slack, "chat.update")
    assert not calls_of(slack, "chat.postMessage")


@pytest.mark.parametrize(
    ("method", "fault"),
    [
        pytest.param(APPEND, {"error": "message_not_in_streaming_state"}, id="expired"),
        pytest.param(APPEND, {"error": "some_new_word"}, id="refused by a word that nobody knows"),
        pytest.param(APPEND, {"error": "ratelimited"}, id="429"),
        pytest.param(APPEND, {"status": 500}, id="500"),
        pytest.param(APPEND, {"lost": True}, id="appended, the answer lost"),
        pytest.param(START, {"error": "channel_type_not_supported"}, id="no streams here"),
        pytest.param(START, {"status": 500}, id="start 500"),
        pytest.param(START, {"lost": True}, id="started, the answer lost"),
        pytest.param(STOP, {"error": "msg_blocks_too_many"}, id="stop refused"),
        pytest.param(STOP, {"lost": True}, id="stopped, the answer lost"),
        pytest.param(STOP, {"status": 503}, id="stop 503"),
    ],
)
async def test_whatever_goes_wrong_the_answer_stands_once_and_whole(
    slack: SlackServer, client: Slack, lease: Lease, method: str, fault: dict[str, Any]
) -> None:
    struck = slack.faults.add(method, **fault)
    reply = Reply(client, lease, {})
    await reply.open()
    await tell(reply, TEXT, 0.7 if method == APPEND else 0.2)
    await reply.finish(TEXT)
    (message,) = posted(slack, lease)
    assert struck.hits == 1
    assert shown(message) == disarm(TEXT)
    assert len(message["blocks"]) == 1
    assert message.get("streaming_state") != "in_progress"
    assert sizes(slack) == sorted(sizes(slack)), "it never shrinks"


async def test_a_stream_that_breaks_off_says_that_it_is_not_the_whole(
    slack: SlackServer, client: Slack, lease: Lease
) -> None:
    slack.faults.add(APPEND, error="msg_too_long")
    reply = Reply(client, lease, {})
    await reply.open()
    await tell(reply, TEXT)
    await slack.until(lambda: bool(calls_of(slack, STOP)), timeout=10)
    (message,) = posted(slack, lease)
    assert message["blocks"][-1]["type"] == "context"
    assert growing(message)
    await tell(reply, TEXT + TEXT, 1.1)
    assert calls_of(slack, "chat.update"), "it goes on by edits"
    assert growing(posted(slack, lease)[0])
    await reply.finish(TEXT + TEXT)
    assert [shown(m) for m in posted(slack, lease)] == [disarm(TEXT + TEXT)]


async def test_a_stream_that_ran_out_unnoticed_goes_on_by_edits(
    slack: SlackServer, client: Slack, lease: Lease
) -> None:
    reply = Reply(client, lease, {})
    await reply.open()
    await tell(reply, TEXT, 0.2)
    slack.workspace.streams = dict.fromkeys(slack.workspace.streams, 0.0)
    await tell(reply, TEXT, 0.5)
    await reply.finish(TEXT)
    (message,) = posted(slack, lease)
    assert shown(message) == disarm(TEXT)
    assert not growing(message)


async def test_a_stream_is_left_before_it_is_too_long(slack: SlackServer, client: Slack, lease: Lease) -> None:
    reply = Reply(client, lease, {})
    await reply.open()
    text = "".join(f"Sentence {n} says something. " for n in range(1000))
    await tell(reply, text[:8_000], 0.6)
    await tell(reply, text, 1.0)
    await reply.finish(text)
    assert len(streamed(slack).encode()) <= 9_000
    parts = [shown(m) for m in posted(slack, lease)]
    assert " ".join(parts).split() == text.split()
    assert len(parts) == 3
    assert [m["metadata"]["event_payload"]["part"] for m in posted(slack, lease)] == [0, 1, 2]


async def test_a_text_that_changes_behind_the_stream_is_edited(slack: SlackServer, client: Slack, lease: Lease) -> None:
    reply = Reply(client, lease, {})
    await reply.open()
    await tell(reply, TEXT, 0.3)
    await reply.finish("Something went wrong.")
    assert [shown(m) for m in posted(slack, lease)] == ["Something went wrong."]


async def killed(reply: Reply, lease: Lease, point: str) -> None:
    """Ends a run of the answer as a kill at a point of its life would: nothing more is written or noted."""
    if point == "stream_stop_in_flight":
        ending = asyncio.create_task(reply.finish(TEXT))
        await asyncio.sleep(0.3)
        ending.cancel()
        await asyncio.gather(ending, return_exceptions=True)
    await reply.close()
    if point == "stream_start_in_flight":  # its ts was not noted
        await lease.save(parts="", posting=1)


@pytest.mark.parametrize("point", ["stream_start_in_flight", "stream_appending", "stream_stop_in_flight"])
async def test_a_successor_goes_on_in_the_same_message(
    slack: SlackServer, client: Slack, queue: Queue, second: Queue, lease: Lease, point: str
) -> None:
    slack.faults.add(STOP, delay=0.8)
    first = Reply(client, lease, {})
    await first.open()
    await tell(first, TEXT, 0.3)
    (message,) = posted(slack, lease)
    await killed(first, lease, point)
    await silence(queue)
    (taken,) = await reclaim(second)
    reply = Reply(client, taken, {})
    await reply.open()
    await tell(reply, TEXT, 0.3)
    await reply.finish(TEXT)
    (after,) = posted(slack, lease)
    assert after["ts"] == message["ts"]
    assert shown(after) == disarm(TEXT)
    assert after["streaming_state"] == "completed"
    assert len(calls_of(slack, START)) == 1
    assert sizes(slack) == sorted(sizes(slack)), "it never shrinks"


async def test_with_many_answers_some_grow_as_streams_and_none_is_refused(
    slack: SlackServer, queue: Queue, lease: Lease
) -> None:
    slack.limits.on = True
    async with connect_slack(slack.bot_token, slack.api_url, Pace(queue.redis, "xoxb"), streaming="auto") as client:
        for n in range(8):
            await client.pace.promise("chat.update", f"turn {n}")
        reply = Reply(client, lease, {})
        await reply.open()
        await tell(reply, TEXT, 0.5)
        await reply.finish(TEXT)
        assert len(calls_of(slack, START)) == len(calls_of(slack, STOP)) == 1
        assert [shown(m) for m in posted(slack, lease)] == [disarm(TEXT)]
        left = 0
        while await client.pace.spare(STOP):
            left += 1
        assert left == METHODS[STOP][1] - 1, "what was promised is given back"


async def test_with_few_answers_none_does(slack: SlackServer, queue: Queue, lease: Lease) -> None:
    async with connect_slack(slack.bot_token, slack.api_url, Pace(queue.redis, "xoxb"), streaming="auto") as client:
        reply = Reply(client, lease, {})
        await reply.open()
        await tell(reply, TEXT, 0.5)
        await reply.finish(TEXT)
    assert not calls_of(slack, START)


def beginnings(text: str) -> Sequence[str]:
    return [steady(text[:n]) for n in range(len(text) + 1)]


@pytest.mark.parametrize(
    "text", [TEXT, CODE, "A list:\n\n1. **one** two\n2. `code` and *more*\n\n> quote\n> goes on\n\n# End\n"]
)
def test_what_is_steady_is_the_beginning_of_all_that_follows(text: str) -> None:
    for earlier, later in zip(beginnings(text), [*beginnings(text)[1:], text], strict=True):
        assert later.startswith(earlier)
        assert text.startswith(earlier)
    assert len(steady(text)) > len(text) - 40


FRAGMENTS = [
    "word",
    "**",
    "*",
    "`",
    "```",
    "```py",
    "[",
    "](",
    ")",
    "<@U1>",
    "<",
    "| a | b |",
    "|---|---|",
    "- ",
    "1. ",
    "> ",
    "# ",
    "~~",
    "_",
    " ",
    "  ",
    "\n",
    "\n\n",
    "https://a.b/c",
]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=30))
def test_no_text_makes_the_steady_part_take_anything_back(fragments: list[str]) -> None:
    text = "".join(fragments)
    so_far = ""
    for part in beginnings(text):
        assert part.startswith(so_far) or so_far.startswith(part)
        so_far = max(so_far, part, key=len)
    assert text.startswith(so_far)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Half a wo", "Half a"),
        ("Some **bold words", "Some"),
        ("See [the page](https://exam", "See"),
        ("Hello <@U0R", "Hello"),
        ("Code:\n\n```py\n", "Code:"),
        ("Code:\n\n```py\na = 1\nb =", "Code:\n\n```py\na = 1"),
        ("Code:\n\n```py\na = 1\n```\n\nso", "Code:\n\n```py\na = 1\n```"),
        ("Table:\n\n| a | b |\n|--", "Table:"),
        ("word", ""),
    ],
)
def test_what_is_open_is_held_back(text: str, kept: str) -> None:
    assert steady(text) == kept
