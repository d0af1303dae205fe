"""Clients of Redis: one server, or a cluster. Both wait for a server that is away about as long as Slack waits for its ack, then raise."""

from __future__ import annotations

from typing import Any

import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.cluster import RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ReadOnlyError
from redis.exceptions import TimeoutError as RedisTimeoutError

SOCKET_SECONDS = 5.0  # no command may block for longer
CONNECTIONS = 256
log = structlog.get_logger()


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


def connect_cluster(url: str) -> RedisCluster:
    """A client of the whole cluster to which the server at `url` belongs. It learns of failovers by itself."""
    # A node's pool does not wait for a free connection as the other does, so it is larger.
    return RedisCluster.from_url(url, max_connections=4 * CONNECTIONS, retry=_retry(), **_options())


async def connect(url: str) -> Redis | RedisCluster:
    """The client that the server at `url` needs. Raises RedisError when it cannot be asked."""
    redis: Any = connect_redis(url)  # its types describe the answers of every protocol at once
    try:
        if not (await redis.info("cluster")).get("cluster_enabled"):
            return redis  # type: ignore[no-any-return]  # likewise
    except BaseException:
        await redis.aclose()
        raise
    await redis.aclose()
    log.info("a Redis Cluster")
    return connect_cluster(url)


def _retry() -> Retry:
    return Retry(ExponentialBackoff(cap=0.6, base=0.05), 6)


def _options() -> dict[str, Any]:
    return {
        "socket_timeout": SOCKET_SECONDS,
        "socket_connect_timeout": 2,
        "decode_responses": True,
        "protocol": 2,
        "health_check_interval": 30,
    }
