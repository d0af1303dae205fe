"""The bot on a Redis Cluster, and what it does when a primary dies."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from redis.exceptions import RedisError

from bot.errors import Retryable
from bot.queue import Queue
from bot.redis_client import Cluster, connect
from bot.settings import Settings
from playground.openai import OpenAIServer, Script, text
from playground.slack import SlackServer
from tests.conftest import connected, running
from tests.queue_world import mention, silence, take_one, texts
from tests.scenarios.seen import answer_to, answers
from tests.valkey_cluster import Node, cluster


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Node]]:
    """A cluster whose first node has the queue; the fourth is its replica."""
    with cluster(tmp_path_factory.mktemp("cluster")) as nodes:
        yield nodes


def url(node: Node) -> str:
    """As in REDIS_URL."""
    return f"redis://127.0.0.1:{node.port}/0"


async def test_any_node_leads_to_the_whole_cluster(nodes: list[Node]) -> None:
    redis = await connect(url(nodes[1]))
    async with redis:
        assert isinstance(redis, Cluster)
        queue = Queue(redis, "one")
        await queue.open()
        await queue.put(mention(1))
        lease = await take_one(queue)
        await queue.put(mention(2))
        await lease.retry(0)
        assert (await queue.tick(0)).promoted == 1
        await take_one(queue)
        assert len(await queue.line(0)) == 0
        await silence(queue)
        (taken_over,) = (await queue.tick(10)).ready
        lease_again = await queue.lease(taken_over)
        assert lease_again
        await lease_again.done()
        lease = await take_one(queue)
        assert texts(lease) == ["said at 2.000000"]
        await lease.bury("why", "ref")
        (dead,) = await queue.dead()
        assert await queue.replay(dead.id)
        await (await take_one(queue)).done()
        depth = await queue.depth()
        assert (depth.ready, depth.running, depth.delayed, depth.dead) == (0, 0, 0, 0)


async def test_a_message_that_no_replica_has_is_not_acked(nodes: list[Node]) -> None:
    said = mention(100)
    redis = await connect(url(nodes[1]))
    async with redis:
        queue = Queue(redis, "one", wait_replicas=1)
        await queue.open()
        await queue.redis.eval("return 1", 1, "{q}:x")  # connected
        nodes[3].freeze()
        started = time.monotonic()
        with pytest.raises(Retryable, match="0 of 1 replicas"):
            await queue.put(said)
        assert time.monotonic() - started < 2.5, "Slack waits three seconds for its ack"
        redelivered = asyncio.create_task(queue.put(said))
        await asyncio.sleep(0.3)
        assert not redelivered.done(), "what is stored already must be safe as well"
        nodes[3].thaw()
        assert await redelivered == "duplicate"
        await (await take_one(queue)).done()


async def test_a_failover_in_the_middle_of_a_turn_costs_no_word(
    settings: Settings, slack: SlackServer, ai: OpenAIServer, nodes: list[Node]
) -> None:
    slack.retry_delays = (0.5, 1, 1)
    said = "One two three four five. " * 12
    ai.script = Script(text("First."), text(said, chunk=12, delay=0.05), text("Third."))
    async with running(replace(settings, redis_url=url(nodes[1]), redis_wait_replicas=1, slack_pace=True)):
        await connected(slack)
        first = slack.workspace.say("ana", "general", "@assist hello")
        assert await answer_to(slack, "general", first, timeout=20) == "First."
        ts = slack.workspace.say("ana", "general", "@assist question")
        await slack.until(lambda: answers(slack, "general", ts), timeout=20)
        await asyncio.to_thread(nodes[0].kill)
        assert (await answer_to(slack, "general", ts, timeout=40)).split() == said.split()
        assert await asyncio.to_thread(lambda: nodes[3].role) == "master"
        await asyncio.to_thread(nodes[0].start)  # as its successor's replica
        last = slack.workspace.say("ana", "general", "another", thread_ts=ts)
        assert last
        assert await answer_to(slack, "general", ts, 2, timeout=40) == "Third."


async def test_a_cluster_that_is_away_is_waited_for_and_then_an_error_that_callers_know(nodes: list[Node]) -> None:
    redis = await connect(url(nodes[1]))
    async with redis:
        queue = Queue(redis, "one")
        await queue.open()
        for node in nodes:
            node.kill()
        started = time.monotonic()
        with pytest.raises(RedisError):
            await queue.put(mention(200))
        assert 1 < time.monotonic() - started < 6, "about two seconds: Slack waits three"
        with pytest.raises(RedisError):
            await queue.depth()
