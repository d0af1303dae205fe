"""The assistant's knowledge: files that an admin gave it, which it answers from everywhere, as far as their visibility goes.

They are rows of the channel "". One from the command line has an id that its name, visibility and content make, so that the same is stored once,
and for an uploader where it came from: `cli`, or `sync:` and a folder's hash.
"""

from __future__ import annotations

import asyncio
import hashlib
import mimetypes
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from bot import tables
from bot.errors import FileRefused, Retryable
from bot.files import shelf
from bot.files.download import Download
from bot.files.kinds import refusal
from bot.files.library import GOING, KNOWLEDGE, READY, REFUSED, Library, Record
from bot.files.shelf import Shelved
from bot.files.slack_file import SlackFile
from bot.models import SharedFile, ThreadKey

CLI = "cli"
LOCAL = "K"  # how the ids of local files begin; Slack's begin with F
HEAD = 8192  # bytes that tell what kind of file it is
NO_TEXT = "it holds no text that could be searched"
_files = tables.files.c


class Knowledge:
    """Adds to it, lists it, removes from it."""

    def __init__(self, library: Library, redis: Any, folder: Path, most_bytes: int) -> None:
        """`folder` is for temporary files."""
        self._library, self._redis = library, redis
        self._folder, self._most_bytes = folder, most_bytes

    async def all(self, team: str) -> list[Record]:
        """All of it, by name; without what is about to go."""
        knowledge = (_files.team == team, _files.channel == KNOWLEDGE, _files.state != GOING)
        return sorted(await self._library.rows.where(*knowledge), key=lambda r: (r.name.casefold(), r.slack_file))

    async def show(self, team: str) -> None:
        """Notes for the Home tab what there is."""
        there = [Shelved(r.slack_file, r.name, r.visibility) for r in await self.all(team) if r.state == READY]
        await shelf.put(self._redis, team, there)

    async def remove(self, record: Record) -> None:
        """Removes a file, from OpenAI too. Raises Retryable where that is away: then nobody finds it any more, and a worker goes on."""
        await self._library.forget(record.team, KNOWLEDGE, record.slack_file)
        await self.show(record.team)
        await self._library.erase(record)

    async def take_local(self, path: Path, name: str, *, team: str, visibility: str, source: str = CLI) -> Record:
        """Takes in a file from this machine under a name. The same again costs nothing; another content or visibility replaces what had the name,
        which is found until the new one is.

        Raises FileRefused with what is wrong with it; Retryable where OpenAI is away, or still indexes it.
        """
        content = await asyncio.to_thread(_content, path, self._most_bytes)

        @asynccontextmanager
        async def opened() -> AsyncIterator[tuple[SlackFile, Download]]:
            folder = self._folder / uuid4().hex  # what is made of a file lies beside it, and goes with it
            try:
                copy = await asyncio.to_thread(_copied, content, folder)
                yield _described(content, source), copy
            finally:
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

        id_ = _local_id(name, visibility, content.sha256)
        record = await self._library.take_from(
            SharedFile(id_, name), ThreadKey(team, KNOWLEDGE, ""), opened, visibility=visibility
        )
        if record.state == READY and record.search_file:
            record = await self._library.rows.change(record, name=name, uploader=source)
            for other in await self.all(team):
                if is_local(other) and other.name == name and other.slack_file != id_:
                    await self.remove(other)
            await self.show(team)
            return record
        if record.state in (READY, REFUSED):  # an image, say: nothing that a search could find
            await self.remove(record)
            raise FileRefused(record.reason or NO_TEXT)
        raise Retryable("not indexed in time", said="OpenAI is still indexing it. Add it again in a minute.")


def is_local(record: Record) -> bool:
    """Whether a file came from the command line: Slack knows nothing of it."""
    return record.slack_file.startswith(LOCAL)


def _local_id(name: str, visibility: str, sha256: str) -> str:
    return LOCAL + hashlib.sha256(f"{name}\0{visibility}\0{sha256}".encode()).hexdigest()[:24]


def _content(path: Path, most_bytes: int) -> Download:
    """A local file as if it had been downloaded. Raises FileRefused."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
            file.seek(0)
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        size = path.stat().st_size
    except OSError as error:
        raise FileRefused(f"it cannot be read ({error.strerror})") from error
    content = Download(path, size, sha256, head, mimetypes.guess_type(path.name)[0] or "")
    if why := refusal(_described(content, CLI), most_bytes):
        raise FileRefused(why)
    return content


def _copied(content: Download, folder: Path) -> Download:
    """The same in a folder of its own. Raises FileRefused."""
    try:
        folder.mkdir(mode=0o700, parents=True)
        return replace(content, path=Path(shutil.copyfile(content.path, folder / "content")))
    except OSError as error:
        raise FileRefused(f"it cannot be copied ({error.strerror})") from error


def _described(content: Download, source: str) -> SlackFile:
    """A local file in the words that files from Slack have."""
    name = content.path.name
    return SlackFile(
        id=name,
        name=name,
        title=name,
        mimetype=content.mimetype,
        filetype=content.path.suffix.lstrip(".").lower(),
        mode="hosted",
        size=content.size,
        url="file:",  # there is something to read
        permalink="",
        uploader=source,
        channels=(),
        transcript="",
        vtt="",
        external=False,
    )
