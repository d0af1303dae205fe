"""Real bot processes, started as an operator starts them and ended as an operator, or the kernel, ends them."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

import bot
from bot import keys
from bot.settings import Settings

START_SECONDS = 30  # generous: the machine may be busy


@dataclass(frozen=True, slots=True)
class Bot:
    """One process of the bot; `log` is the file that holds what it printed."""

    process: asyncio.subprocess.Process
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def said(self) -> str:
        """All that it has logged or printed."""
        return self.log.read_text()

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal; SIGSTOP freezes it, SIGCONT lets it go on."""
        self.process.send_signal(number)

    async def kill(self) -> None:
        """SIGKILL: no code of the bot runs after it."""
        self.process.kill()
        await self.process.wait()

    async def ended(self, seconds: float) -> int:
        """Waits for its end; the exit code."""
        return await asyncio.wait_for(self.process.wait(), seconds)


class Bots:
    """Starts bots with the same settings."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self._environment = environment(settings)
        self._folder = folder
        self.all: list[Bot] = []

    async def start(self, command: str, **changes: str) -> Bot:
        """`assist run`, `web` or `worker`, ready for work. `changes` are settings by name; an empty one is unset."""
        new = await self._spawn([command], changes)
        async with asyncio.timeout(START_SECONDS):
            while '"ready"' not in new.said:
                assert new.process.returncode is None, new.said
                await asyncio.sleep(0.02)
        return new

    async def command(self, *arguments: str) -> tuple[int, str]:
        """Any other command, e.g. `dead`: its exit code and what it printed."""
        new = await self._spawn(list(arguments), {})
        return await new.ended(START_SECONDS), new.said

    async def _spawn(self, arguments: list[str], changes: Mapping[str, str]) -> Bot:
        log = self._folder / f"{len(self.all)}-{arguments[0]}.log"
        with log.open("wb") as out:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "bot", *arguments),
                cwd=self._folder,  # without a .env
                env={k: v for k, v in {**self._environment, **changes}.items() if v},
                stdout=out,
                stderr=asyncio.subprocess.STDOUT,
            )
        self.all.append(Bot(process, log))
        return self.all[-1]


@asynccontextmanager
async def bots(settings: Settings, folder: Path) -> AsyncIterator[Bots]:
    """A starter of bots. Whatever still runs at the end is killed, also an embedded Valkey that nobody stopped."""
    started = Bots(settings, folder)
    try:
        yield started
    finally:
        for one in started.all:
            if one.process.returncode is None:
                await one.kill()
        with suppress(FileNotFoundError, ProcessLookupError):
            os.kill(int((settings.data_dir / "valkey" / "valkey.pid").read_text()), signal.SIGKILL)


def environment(settings: Settings) -> dict[str, str]:
    """The variables that give a process these settings."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(Path(bot.__file__).parents[1]),  # the code that this test imports, wherever it starts from
        "SLACK_BOT_TOKEN": settings.slack_bot_token,
        "SLACK_APP_TOKEN": settings.slack_app_token,
        "SLACK_SIGNING_SECRET": settings.slack_signing_secret,
        "SLACK_API_URL": settings.slack_api_url,
        "SLACK_PACE": "on" if settings.slack_pace else "off",
        "STREAMING": settings.streaming,
        "OPENAI_API_KEY": settings.openai_api_key,
        "OPENAI_BASE_URL": settings.openai_base_url,
        "OPENAI_FALLBACK_MODEL": settings.openai_fallback_model,
        "OPENAI_BACKGROUND": "on" if settings.openai_background else "off",
        "OPENAI_STALL_SECONDS": str(settings.openai_stall_seconds),
        "REDIS_URL": settings.redis_url,
        "DATA_DIR": str(settings.data_dir),
        "PORT": str(settings.port),
        "LOG_LEVEL": settings.log_level,
    }


async def held_by(url: str, workers: Sequence[Bot]) -> dict[str, Bot]:
    """Thread → the worker that has its turn."""
    redis: Any  # its types describe the answers of every protocol at once
    async with Redis.from_url(url, decode_responses=True) as redis:
        leased = await redis.xpending_range(keys.READY, keys.GROUP, "-", "+", 100)
        threads = {entry: fields["thread"] for entry, fields in await redis.xrange(keys.READY)}
    held = {threads[e["message_id"]]: e["consumer"] for e in leased if e["message_id"] in threads}
    return {thread: one for thread, name in held.items() for one in workers if f"-{one.pid}-" in name}
