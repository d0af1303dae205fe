"""The bot as a process of its own, exactly as it runs in production; started again when it dies."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

FIRST_PAUSE, MOST_PAUSE = 1.0, 30.0  # seconds before a start after a death; doubled each time
STEADY_SECONDS = 30.0  # a bot that lived so long begins again with the first pause
STOP_SECONDS = 35.0  # the bot gives its running turns 20, its Valkey 10
LOG_TAIL = 600  # characters


class Child:
    """`python -m bot run` in the environment that `environment()` gives at each start.

    Its output goes to `folder`/bot.log. `told` hears "starting", and "died …" with what follows.
    """

    def __init__(self, folder: Path, environment: Callable[[], Mapping[str, str]], told: Callable[[str], None]) -> None:
        self.log = folder / "bot.log"
        self.failures = 0  # deaths in a row
        self._hold = folder / "bot.lock"
        self._environment, self._told = environment, told
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.returncode is None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Runs it as long as the context; at the end it has the time to finish its turns."""
        await asyncio.to_thread(self._clear_up)
        keeping = asyncio.create_task(self._keep_running())
        try:
            yield
        finally:
            self._stopping.set()
            await self._end()
            keeping.cancel()
            await asyncio.wait([keeping])

    def last_words(self) -> str:
        """The end of its log."""
        with suppress(OSError):
            lines = self.log.read_text(errors="replace")[-LOG_TAIL:].splitlines()
            return " ".join(lines[-2:])
        return ""

    async def _keep_running(self) -> None:
        while not self._stopping.is_set():
            self._told("starting")
            started = time.monotonic()
            try:
                self._process = await self._start()
                ended = f"exit code {await self._process.wait()}"
            except OSError as error:  # no memory, no disk, a lock that is still held
                ended = str(error)
            if self._stopping.is_set():
                return
            self.failures = 1 if time.monotonic() - started > STEADY_SECONDS else self.failures + 1
            pause = min(FIRST_PAUSE * 2 ** (self.failures - 1), MOST_PAUSE)
            self._told(f"died ({ended}); it starts again in {pause:.0f} s. Its log: {self.log}")
            await asyncio.sleep(pause)

    async def _start(self) -> asyncio.subprocess.Process:
        # In a session of its own: Ctrl-C is for us, and we tell it. It inherits the lock, which so lives as long as it does.
        with self.log.open("ab") as log, self._hold.open("a") as hold:
            fcntl.flock(hold, fcntl.LOCK_EX | fcntl.LOCK_NB)
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "bot",
                "run",
                env=self._environment(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=[hold.fileno()],
            )
            hold.truncate(0)
            hold.write(str(process.pid))
        return process

    async def _end(self) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    def _clear_up(self) -> None:
        """Ends a bot whose playground was killed: it would take questions from the queue and answer nowhere. Turns the log over."""
        with self._hold.open("a+") as hold:
            for number in (signal.SIGTERM, signal.SIGKILL):
                if _is_free(hold):
                    break
                hold.seek(0)
                with suppress(ProcessLookupError, ValueError):
                    os.kill(int(hold.read()), number)
                deadline = time.monotonic() + STOP_SECONDS
                while not _is_free(hold) and time.monotonic() < deadline:
                    time.sleep(0.1)
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".log.1"))
        self.log.touch()


def _is_free(hold: object) -> bool:
    """Whether no process has the lock; it is not kept."""
    try:
        fcntl.flock(hold, fcntl.LOCK_EX | fcntl.LOCK_NB)  # type: ignore[arg-type] # any open file
        fcntl.flock(hold, fcntl.LOCK_UN)  # type: ignore[arg-type] # any open file
    except BlockingIOError:
        return False
    return True
