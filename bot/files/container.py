"""Files in the containers of OpenAI's code interpreter. A container lives for twenty minutes after its last use."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from bot.errors import FileRefused, OpenAIRefused, Retryable, UserFacing
from bot.files.names import clean_name
from bot.files.upload import TRIES, pause
from bot.llm import Llm
from bot.responses import Made

log = structlog.get_logger()

MOST_MEGABYTES = 50  # of one file
LISTED = 200  # files of a container that are looked at
SECONDS = 60.0  # for a file, or a list
CHUNK = 256 * 1024
GONE = "OpenAI no longer has it. Ask me to make it again"


class Containers:
    """Reads containers. `folder` is for files on their way."""

    def __init__(self, llm: Llm, folder: Path) -> None:
        self._llm, self._folder = llm, folder

    async def made(self, container: str) -> list[Made]:
        """What code has made in a container, oldest first; nothing where OpenAI does not tell."""
        found: list[Made] = []
        try:
            async with self._llm.asking(SECONDS) as client:
                async for file in client.containers.files.list(container, order="asc", limit=100):
                    if file.source == "assistant":
                        found.append(Made(container, file.id, clean_name(file.path)))
                    if len(found) >= LISTED:
                        break
        except (Retryable, UserFacing, OpenAIRefused) as error:
            log.warning("container not listed", container=container, error=str(error))
        return found

    @asynccontextmanager
    async def fetched(self, made: Made) -> AsyncIterator[tuple[Path, int]]:
        """A file's content on disk for a while, and its size in bytes. Raises FileRefused with a word for people."""
        path = self._folder / f"made-{uuid.uuid4().hex}"
        try:
            yield path, await self._fetch(made, path)
        finally:
            await asyncio.to_thread(path.unlink, missing_ok=True)

    async def _fetch(self, made: Made, path: Path) -> int:
        for attempt in range(TRIES):
            try:
                size = await self._download(made, path)
            except Retryable as error:
                log.warning("made file not fetched", file=made.file, error=str(error))
                await pause(error, attempt)
            except (UserFacing, OpenAIRefused) as error:
                log.warning("made file gone", file=made.file, error=str(error))
                raise FileRefused(GONE) from error
            except OSError as error:
                log.error("made file not stored", folder=str(self._folder), error=type(error).__name__)
                raise FileRefused("my own disk did not take it, please tell whoever runs me") from error
            else:
                if not size:
                    raise FileRefused("it is empty")
                return size
        raise FileRefused("OpenAI did not answer")

    async def _download(self, made: Made, path: Path) -> int:
        """Streams the content to disk, so that memory stays flat."""
        content, size = self._llm.client.containers.files.content.with_streaming_response, 0
        await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
        file = await asyncio.to_thread(path.open, "wb")
        try:
            async with (
                self._llm.asking(SECONDS),
                content.retrieve(made.file, container_id=made.container) as response,
            ):
                async for chunk in response.iter_bytes(CHUNK):
                    size += len(chunk)
                    if size > MOST_MEGABYTES * 1024 * 1024:
                        raise FileRefused(f"it is larger than {MOST_MEGABYTES} MB")
                    await asyncio.to_thread(file.write, chunk)
        finally:
            await asyncio.to_thread(file.close)
        return size
