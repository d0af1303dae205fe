"""Clients of Redis: one server, or a cluster. Both wait for a server that is away about as long as Slack waits for its ack, then raise."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ClusterDownError, ReadOnlyError, RedisClusterException, RedisError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

SOCKET_SECONDS = 5.0  # no command may block for longer
CONNECTIONS = 256


def connect_redis(url: str) -> Redis:
    """A client that waits for a free connection, times out, and tries again for about two seconds while the server is away."""
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=CONNECTIONS,
        timeout=5,
        retry=_retry(),
        # A primary that became a replica behind one address goes on answering: only a new connection finds its successor.
        retry_on_error=[RedisConnectionError, RedisTimeoutError, ReadOnlyError],
        **_options(),
    )
    return Redis.from_pool(pool)  # which then closes the pool with the client


class Cluster(RedisCluster):
    """As patient as the other client. redis-py's own gives up at once when no node answers, with errors that are no RedisErrors."""

    async def initialize(self, *args: Any, **kwargs: Any) -> RedisCluster:
        """Finds the nodes. Raises RedisError."""
        with _as_redis_errors():
            return await super().initialize(*args, **kwargs)

    async def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        """Runs one command on the node that has its key. Raises RedisError."""

        async def run() -> Any:
            with _as_redis_errors():
                return await super(Cluster, self).execute_command(*args, **kwargs)

        return await _retry(RedisConnectionError, ClusterDownError).call_with_retry(run, _nothing)

    async def node_of(self, key: str) -> ClusterNode:
        """The primary that has a key. Raises RedisError."""
        await _retry(RedisConnectionError).call_with_retry(self.initialize, _nothing)
        with _as_redis_errors():
            node = self.get_node_from_key(key)
        assert node  # or it has raised
        return node


def connect_cluster(url: str) -> Cluster:
    """A client of the whole cluster to which the server at `url` belongs. It learns of failovers by itself."""
    # A node's pool does not wait for a free connection as the other does, so it is larger. Of its own retries few: ours have the pauses.
    few = Retry(ExponentialBackoff(cap=0.6, base=0.05), 2)
    cluster = Cluster.from_url(url, max_connections=4 * CONNECTIONS, retry=few, **_options())
    assert isinstance(cluster, Cluster)
    return cluster


async def connect(url: str) -> Redis | Cluster:
    """The client that the server at `url` needs. Raises RedisError when it cannot be asked."""
    redis: Any = connect_redis(url)  # its types describe the answers of every protocol at once
    try:
        in_cluster = bool((await redis.info("cluster")).get("cluster_enabled"))
    except ResponseError:  # it may not be asked: taken for one server
        in_cluster = False
    except BaseException:
        await redis.aclose()
        raise
    if not in_cluster:
        return redis  # type: ignore[no-any-return]  # likewise
    await redis.aclose()
    return connect_cluster(url)


def _retry(*errors: type[RedisError]) -> Retry:
    backoff = ExponentialBackoff(cap=0.6, base=0.05)
    return Retry(backoff, 6, supported_errors=errors) if errors else Retry(backoff, 6)


async def _nothing(_: Exception) -> None:
    """After a failure there is nothing to do but to try again."""


@contextmanager
def _as_redis_errors() -> Iterator[None]:
    try:
        yield
    except RedisClusterException as error:
        raise RedisConnectionError(str(error)) from error


def _options() -> dict[str, Any]:
    return {
        "socket_timeout": SOCKET_SECONDS,
        "socket_connect_timeout": 2,
        "decode_responses": True,
        "protocol": 2,
        "health_check_interval": 30,
    }
