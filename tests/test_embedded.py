"""The embedded Valkey under what happens to processes: kills, clean stops, starts at the same instant, stale files."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import stat
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest
import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from bot.embedded import embedded_valkey
from bot.errors import SettingError

BOT = """
import asyncio, sys
from pathlib import Path
from bot.embedded import embedded_valkey

async def main():
    async with embedded_valkey(Path(sys.argv[1])) as url:
        print(url, flush=True)
        await asyncio.to_thread(sys.stdin.readline)

asyncio.run(main())
"""


class Bot:
    """A process of its own that holds the embedded server until told to leave."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def url(self) -> str:
        assert self.process.stdout
        async with asyncio.timeout(10):
            return (await self.process.stdout.readline()).decode().strip()

    async def leave(self) -> None:
        async with asyncio.timeout(10):
            await self.process.communicate(b"\n")
        assert self.process.returncode == 0

    async def kill(self) -> None:
        self.process.kill()
        await self.process.communicate()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "the data"  # a space, for quoting's sake


@pytest.fixture
async def start(folder: Path) -> AsyncIterator[Callable[[], Awaitable[Bot]]]:
    bots: list[Bot] = []

    async def start() -> Bot:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", BOT, str(folder), stdin=pipe, stdout=pipe)
        bots.append(Bot(process))
        return bots[-1]

    yield start
    for bot in bots:
        if bot.process.returncode is None:
            await bot.kill()
    with suppress(FileNotFoundError, ProcessLookupError, ValueError):
        os.kill(int((folder / "valkey" / "valkey.pid").read_text()), signal.SIGKILL)


async def ask(url: str, *command: str) -> object:
    async with redis.asyncio.from_url(url, decode_responses=True, retry=Retry(NoBackoff(), 0)) as client:
        return await client.execute_command(*command)  # type: ignore[no-untyped-call]  # redis leaves it untyped


async def pid_of(url: str) -> int:
    async with redis.asyncio.from_url(url, decode_responses=True) as client:
        return int((await client.info("server"))["process_id"])


async def is_gone(url: str) -> bool:
    with suppress(redis.asyncio.ConnectionError):
        await ask(url, "PING")
        return False
    return True


async def until_it_answers(url: str, seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while await is_gone(url):  # noqa: ASYNC110  # another process is waited for
            await asyncio.sleep(0.02)


async def test_a_clean_stop_ends_the_server_and_the_next_start_has_the_data(folder: Path) -> None:
    async with embedded_valkey(folder) as first:
        await ask(first, "SET", "thread", "T1")
    assert await is_gone(first)
    async with embedded_valkey(folder) as second:
        assert await ask(second, "GET", "thread") == "T1"
    assert second == first  # the same port and password


async def test_a_killed_bot_leaves_a_server_that_the_next_one_takes_over(start: Callable[[], Awaitable[Bot]]) -> None:
    bot = await start()
    url = await bot.url()
    await ask(url, "SET", "thread", "T1")
    pid = await pid_of(url)
    await bot.kill()
    assert await pid_of(url) == pid

    successor = await start()
    assert await successor.url() == url
    assert await pid_of(url) == pid
    await successor.leave()
    assert await is_gone(url)


async def test_bots_that_start_at_the_same_instant_share_one_server(start: Callable[[], Awaitable[Bot]]) -> None:
    bots = await asyncio.gather(*(start() for _ in range(3)))
    urls = [await bot.url() for bot in bots]
    assert len(set(urls)) == 1
    for bot in bots[:-1]:
        await bot.leave()
        assert await ask(urls[0], "PING") is True  # one still uses it
    await bots[-1].leave()
    assert await is_gone(urls[0])


async def test_whoever_started_it_may_leave_first(folder: Path) -> None:
    async with AsyncExitStack() as second:
        async with embedded_valkey(folder) as url:
            assert await second.enter_async_context(embedded_valkey(folder)) == url
        assert await ask(url, "PING") is True
    assert await is_gone(url)


async def test_one_may_stop_while_another_starts(folder: Path) -> None:
    async def use(name: int) -> None:
        for _ in range(5):
            async with embedded_valkey(folder) as url:
                await ask(url, "INCR", "uses")
            await asyncio.sleep(0.005 * name)

    await asyncio.gather(*(use(name) for name in range(4)))
    async with embedded_valkey(folder) as url:
        assert await ask(url, "GET", "uses") == "20"
    assert await is_gone(url)


async def test_a_server_that_dies_comes_back_at_the_same_url_with_every_answered_write(folder: Path) -> None:
    async with embedded_valkey(folder) as url:
        for n in range(50):
            await ask(url, "RPUSH", "queue", str(n))
        os.kill(await pid_of(url), signal.SIGKILL)
        await until_it_answers(url, 2)
        assert await ask(url, "LLEN", "queue") == 50
    assert await is_gone(url)


async def test_a_server_told_to_stop_by_a_signal_to_the_whole_group_comes_back(folder: Path) -> None:
    async with embedded_valkey(folder) as url:
        os.kill(await pid_of(url), signal.SIGTERM)  # as Heroku and systemd send it to every process
        await asyncio.sleep(0.1)
        await until_it_answers(url, 2)


async def test_ctrl_c_in_the_terminal_does_not_reach_the_server(folder: Path) -> None:
    async with embedded_valkey(folder) as url:
        pid = await pid_of(url)
        assert os.getsid(pid) != os.getsid(0)


async def test_bot_and_server_killed_together_lose_nothing(start: Callable[[], Awaitable[Bot]], folder: Path) -> None:
    bot = await start()
    url = await bot.url()
    await ask(url, "SET", "thread", "T1")
    pid = await pid_of(url)
    await bot.kill()
    os.kill(pid, signal.SIGKILL)
    async with embedded_valkey(folder) as again:
        assert await ask(again, "GET", "thread") == "T1"


async def test_a_write_cut_short_by_a_power_failure_does_not_stop_the_start(folder: Path) -> None:
    async with embedded_valkey(folder) as url:
        await ask(url, "SET", "thread", "T1")
    (log,) = (folder / "valkey" / "appendonlydir").glob("*.incr.aof")
    with log.open("ab") as file:
        file.write(b"*3\r\n$3\r\nSET\r\n$6\r\nthr")
    async with embedded_valkey(folder) as url:
        assert await ask(url, "GET", "thread") == "T1"


async def test_stale_files_that_name_another_live_process_and_server_fool_nobody(folder: Path, tmp_path: Path) -> None:
    async with embedded_valkey(folder) as url:
        await ask(url, "SET", "thread", "T1")
    async with embedded_valkey(tmp_path / "other") as other:
        for name in ("port", "password", "valkey.pid"):  # even its password
            (folder / "valkey" / name).write_text((tmp_path / "other" / "valkey" / name).read_text())
        async with embedded_valkey(folder) as url:
            assert url != other
            assert await ask(url, "GET", "thread") == "T1"
        assert await ask(other, "GET", "thread") is None


async def test_a_damaged_port_file_is_written_anew(folder: Path) -> None:
    (folder / "valkey").mkdir(parents=True)
    (folder / "valkey" / "port").write_text("99999999")
    async with embedded_valkey(folder) as url:
        assert await ask(url, "PING") is True


async def test_a_port_taken_meanwhile_is_given_up(folder: Path) -> None:
    async with embedded_valkey(folder) as url:
        pass
    port = int((folder / "valkey" / "port").read_text())
    with socket.create_server(("127.0.0.1", port)):
        async with embedded_valkey(folder) as url:
            assert f":{port}/" not in url
            assert await ask(url, "PING") is True


async def test_others_on_the_machine_can_read_neither_password_nor_data(folder: Path) -> None:
    async with embedded_valkey(folder) as url:
        assert stat.S_IMODE((folder / "valkey").stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / "valkey" / "password").stat().st_mode) == 0o600
        with pytest.raises(redis.asyncio.AuthenticationError):
            await ask(url.replace(url.split("@", maxsplit=1)[0], "redis://:guess"), "PING")
        with pytest.raises(redis.asyncio.AuthenticationError):
            await ask(f"redis://{url.split('@')[1]}", "GET", "thread")


async def test_a_write_is_on_disk_before_it_is_answered_and_nothing_is_evicted(folder: Path) -> None:
    async with embedded_valkey(folder) as url:
        for name, value in {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}.items():
            got = await ask(url, "CONFIG", "GET", name)
            assert got == {name: value}


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingError, match="DATA_DIR"):
        async with embedded_valkey(tmp_path / "file"):
            pass


async def test_data_that_cannot_be_read_is_reported_in_valkeys_own_words(folder: Path) -> None:
    async with embedded_valkey(folder) as url:
        await ask(url, "SET", "thread", "T1")
    (folder / "valkey" / "appendonlydir" / "appendonly.aof.manifest").write_text("nonsense\n")
    with pytest.raises(SettingError, match=r"DATA_DIR.*manifest"):
        async with embedded_valkey(folder):
            pass


async def test_a_start_that_is_cancelled_leaves_no_server_behind(folder: Path) -> None:
    async def use() -> None:
        async with embedded_valkey(folder):
            await asyncio.sleep(60)

    for delay in (0.0, 0.01, 0.05, 0.2):
        task = asyncio.create_task(use())
        await asyncio.sleep(delay)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not (folder / "valkey" / "valkey.pid").exists()
