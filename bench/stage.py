"""What every benchmark stands on: a local Slack, OpenAI and Valkey, and the bot as processes of its own, watched from outside."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from redis.asyncio import Redis

import bot
from bot import keys
from bot.embedded import embedded_valkey
from playground.openai import OpenAIServer
from playground.slack import SlackServer

CHANNELS = 10
START_SECONDS = 60
STOP_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Process:
    """A process, as /proc shows it, and the port that it serves, if it is a bot."""

    pid: int
    port: str = ""

    def cpu_seconds(self) -> float:
        """User and system time so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self) -> float:
        """The resident set."""
        return self._megabytes("VmRSS")

    def peak_mb(self) -> float:
        """The largest that it has been since `forget_peak`."""
        return self._megabytes("VmHWM")

    def forget_peak(self) -> None:
        """From now on the peak is counted anew."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def _megabytes(self, what: str) -> float:
        rows = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return int(next(row for row in rows if row.startswith(what)).split()[1]) / 1024


@dataclass(frozen=True)
class Stage:
    """The local servers and their data folder. `settings` go to every bot process that is started."""

    slack: SlackServer
    ai: OpenAIServer
    redis: Any  # its types describe the answers of every protocol at once
    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def servers(self) -> Process:
        """The process we are in: Slack, OpenAI and the clock."""
        return Process(os.getpid())

    @property
    def valkey(self) -> Process:
        """The embedded Valkey."""
        return Process(int((self.folder / "valkey" / "valkey.pid").read_text()))

    @asynccontextmanager
    async def bot(self, command: str = "run", **changes: str) -> AsyncIterator[Process]:
        """`assist run`, `web` or `worker`, up and connected. `changes` are settings by name."""
        port = str(free_port())
        sockets = self.slack.delivery.sockets.connections
        with tempfile.NamedTemporaryFile(dir=self.folder, prefix=f"{command}-", suffix=".log", delete=False) as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "bot", command),
                cwd=self.folder,  # without a .env
                env=self._environment() | {"PORT": port, "WORKER_PORT": port} | {**self.settings, **changes},
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
            )
        try:
            async with asyncio.timeout(START_SECONDS):
                await _healthy(port, process, Path(log.name))
                while command != "worker" and self.slack.delivery.sockets.connections <= sockets:  # noqa: ASYNC110  # the server tells of messages, not of sockets
                    await asyncio.sleep(0.02)
            yield Process(process.pid, port)
        finally:
            if process.returncode is None:
                process.terminate()
            try:
                await asyncio.wait_for(process.wait(), STOP_SECONDS)
            except TimeoutError:
                process.kill()
                await process.wait()

    async def finished(self, seconds: float) -> None:
        """Waits until every turn has ended, for so many seconds at most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while await self.turns_left():  # noqa: ASYNC110  # Redis tells of no end of a turn
                    await asyncio.sleep(0.1)

    async def turns_left(self) -> int:
        """Turns that wait or run, or have been put back; asked by commands that no bot sends, for those are counted."""
        stream = await self.redis.xinfo_stream(keys.READY)
        return int(stream["length"]) + len(await self.redis.zrandmember(keys.DELAYED, 100_000))

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path(bot.__file__).parents[1]),
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_APP_TOKEN": self.slack.app_token,
            "SLACK_API_URL": self.slack.api_url,
            "SLACK_PACE": "on" if self.slack.limits.on else "off",
            "OPENAI_API_KEY": self.ai.api_key,
            "OPENAI_BASE_URL": self.ai.base_url,
            "DATA_DIR": str(self.folder),
            "HOST": "127.0.0.1",
            "LOG_LEVEL": "WARNING",
        }


@asynccontextmanager
async def stage(*, limits: bool = False, settings: Mapping[str, str] | None = None) -> AsyncIterator[Stage]:
    """Empty servers, with CHANNELS channels that ana and the bot are in. One folder and one Slack for all bots that follow
    each other on it: what is left of Slack's budget is remembered on both sides, as it is in the field.
    """
    slack, ai = SlackServer(limits=limits), OpenAIServer()
    for n in range(CHANNELS):
        slack.workspace.add_channel(f"bench-{n}", members=["ana", "assist"])
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        async with (
            slack.serving(),
            ai.serving(),
            embedded_valkey(Path(name)) as url,
            Redis.from_url(url, decode_responses=True) as redis,
        ):
            yield Stage(slack, ai, redis, Path(name), settings or {})


async def _healthy(port: str, process: asyncio.subprocess.Process, log: Path) -> None:
    async with aiohttp.ClientSession() as client:
        while True:
            if process.returncode is not None:
                raise RuntimeError(f"the bot ended with {process.returncode}: {log.read_text()[-2000:]}")  # noqa: ASYNC240  # nothing else runs any more
            try:
                async with client.get(f"http://127.0.0.1:{port}/health") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                await asyncio.sleep(0.05)


def free_port() -> int:
    """A port that nobody serves."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
