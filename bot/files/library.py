"""The files that the assistant has: from Slack, to OpenAI, into the vector store, and what a place may search of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from sqlalchemy import delete, insert, select, update

from bot import tables
from bot.access import Searchable
from bot.database import Database
from bot.errors import FileRefused
from bot.files.download import Downloads
from bot.files.kinds import kind_of
from bot.files.prepare import prepare
from bot.files.slack_file import look
from bot.files.store import Store
from bot.llm import Llm
from bot.models import SharedFile, ThreadKey, utcnow
from bot.slack import Slack

PLACE, WORKSPACE, EVERYONE = "place", "workspace", "everyone"  # visibilities
KNOWLEDGE = ""  # the channel of files that no channel shared
TAKING, READY, REFUSED, GOING = "taking", "ready", "refused", "going"  # states


@dataclass(frozen=True, slots=True)
class Record:
    """A file as the assistant has it: a row of the table `files`, and what was understood of it."""

    team: str
    channel: str
    slack_file: str
    thread: str
    uploader: str
    name: str
    permalink: str
    visibility: str
    kind: str
    state: str
    reason: str
    search_file: str
    given_file: str
    words: str = ""  # a transcript, right after it was taken in


COLUMNS = [tables.files.c[f.name] for f in fields(Record) if f.name != "words"]


class Library:
    """A stand-in until the real one is merged."""

    def __init__(
        self, slack: Slack, llm: Llm, database: Database, redis: Any, store: Store, downloads: Downloads, folder: Path
    ) -> None:
        self._slack, self._llm, self._database, self._redis = slack, llm, database, redis
        self.store, self._downloads, self._folder = store, downloads, folder

    async def take(self, shared: SharedFile, thread: ThreadKey, *, visibility: str = PLACE) -> Record:
        """Takes in a file that was shared in a thread; returns at once where that is done already."""
        files = tables.files
        mine = _of(thread.team, thread.channel, shared.id)
        async with self._database.read() as connection:
            known = (await connection.execute(select(*COLUMNS).where(mine))).one_or_none()
        if known:
            return Record(*known)
        values: dict[str, Any] = dict.fromkeys((c.name for c in COLUMNS), "") | {
            "team": thread.team, "channel": thread.channel, "slack_file": shared.id, "thread": thread.root, "state": TAKING,
            "name": shared.name, "visibility": visibility, "sha256": "", "size": 0, "created_at": utcnow(), "checked_at": utcnow(),
        }  # fmt: skip
        async with self._database.begin() as tx:
            await tx.execute(insert(files).values(values))
        change: dict[str, str] = {}
        try:
            file = await look(self._slack, shared.id)
            change = {"uploader": file.uploader, "permalink": file.permalink, "name": file.name}
            async with self._downloads.fetch(file.url, expected_size=file.size) as download:
                kind = kind_of(file.name, file.mimetype, download.head)
                ready = await prepare(download, file, kind, self._folder)
                stored = await self.store.upload(ready.search or download.path, ready.search_name or file.name)
            await self.store.attach(
                stored, {k: str(values[k]) for k in ("team", "channel", "thread", "visibility", "slack_file")}
            )
            change |= {"state": READY, "search_file": stored, "kind": kind}
        except FileRefused as refused:
            change |= {"state": REFUSED, "reason": str(refused)}
        async with self._database.begin() as tx:
            await tx.execute(update(files).where(mine).values(change))
        return await self.take(shared, thread)

    async def forget(self, team: str, channel: str, slack_file: str) -> None:
        """Marks a file as going: from now on it is found no more, and `erase` may be called again and again."""
        async with self._database.begin() as tx:
            await tx.execute(update(tables.files).where(_of(team, channel, slack_file)).values(state=GOING))

    async def erase(self, record: Record) -> None:
        """Deletes what OpenAI has of a file that is going, then its row."""
        for stored in filter(None, (record.search_file, record.given_file)):
            await self.store.delete(stored)
        async with self._database.begin() as tx:
            await tx.execute(delete(tables.files).where(_of(record.team, record.channel, record.slack_file)))

    async def channels(self, team: str) -> tuple[str, ...]:
        """The channels that have files, sorted; "" among them for knowledge."""
        async with self._database.read() as connection:
            found = select(tables.files.c.channel).where(tables.files.c.team == team).distinct()
            return tuple(sorted((await connection.execute(found)).scalars()))

    async def tools(self, thread: ThreadKey, searchable: Searchable) -> list[dict[str, Any]]:
        """The hosted tools for an answer in this thread: file_search with its filter, where there is something to search, and code_interpreter."""
        raise NotImplementedError

    async def of_thread(self, thread: ThreadKey, kinds: Sequence[str] = ()) -> list[Record]:
        """The files of a thread that can be used, oldest first."""
        raise NotImplementedError

    async def stored_as(self, team: str, openai_files: Collection[str]) -> dict[str, Record]:
        """The records behind OpenAI's file ids, as far as there are any."""
        raise NotImplementedError


def _of(team: str, channel: str, slack_file: str) -> Any:
    files = tables.files.c
    return (files.team == team) & (files.channel == channel) & (files.slack_file == slack_file)
