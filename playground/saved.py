"""What a playground keeps from one start to the next: one JSON file, in a folder that one playground at a time may use."""

from __future__ import annotations

import asyncio
import fcntl
import json
import logging
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from bot.errors import SettingError
from playground.openai import OpenAIServer
from playground.slack import SlackServer

PAUSE_SECONDS = 1.5  # between two saves: an answer that grows changes the state many times a second
log = logging.getLogger(__name__)


@contextmanager
def claim(folder: Path) -> Iterator[None]:
    """Makes the folder and holds it; the kernel lets go of it when the process dies. Raises SettingError when it is taken.

    Two playgrounds in one folder would share a queue: the bot of one would answer what was asked in the other.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (folder / "lock").open("w")
    except OSError as error:
        raise SettingError(
            "DATA_DIR", f"{folder} cannot be used: {error.strerror}.", "Set it to a folder that can be written."
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SettingError(
                "DATA_DIR", f"{folder} is in use by another playground.", "Stop that one, or set another folder."
            ) from error
        yield


class Saved:
    """The state of both servers in `folder`/state.json."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "state.json"
        self._changed = asyncio.Event()

    def read(self) -> dict[str, Any]:
        """{"slack": …, "openai": …} as they were saved; empty at the first start. A file that cannot be read is put aside."""
        try:
            state: dict[str, Any] = json.loads(self._file.read_bytes())
            SlackServer(state=state["slack"])  # servers of another version may not understand it
            OpenAIServer(state=state["openai"])
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            aside = self._file.with_suffix(".unreadable.json")
            self._file.replace(aside)
            log.warning(
                "The saved state cannot be read (%r); it lies in %s now, and a new workspace begins.", error, aside
            )
            return {}
        return state

    @asynccontextmanager
    async def kept(self, slack: SlackServer, ai: OpenAIServer) -> AsyncIterator[None]:
        """Saves soon after each change, and at the end."""

        async def save() -> None:
            # Messages are replaced, never changed in place, so a thread may write what the loop goes on to change.
            state = {"slack": slack.snapshot(), "openai": ai.snapshot()}
            await asyncio.to_thread(self._write, state)

        async def keep_saving() -> None:
            while True:
                await self._changed.wait()
                await asyncio.sleep(PAUSE_SECONDS)
                self._changed.clear()
                await self._tolerate(save())

        slack.on_change(lambda _: self._changed.set())
        saving = asyncio.create_task(keep_saving())
        try:
            yield
        finally:
            saving.cancel()
            await asyncio.wait([saving])
            await self._tolerate(save())

    async def _tolerate(self, saving: Any) -> None:
        """A full disk is no reason to end the playground: the next save may do."""
        try:
            await saving
        except OSError as error:
            log.warning("The state is not saved: %s", error)

    def _write(self, state: dict[str, Any]) -> None:
        part = self._file.with_suffix(".part")
        with part.open("w", encoding="utf-8") as file:
            json.dump(state, file, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._file)
