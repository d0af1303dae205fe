"""The files that the assistant has: from Slack, to OpenAI, into the vector store, and what a place may search of them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import structlog
from redis.exceptions import RedisError

from bot import keys
from bot.access import Searchable
from bot.database import Database
from bot.duties import RECONCILE, Duties
from bot.errors import FilesGone, OpenAIRefused, Retryable, SourceGone
from bot.files.download import Downloads
from bot.files.locks import holding
from bot.files.rows import (
    EVERYONE,
    GOING,
    KNOWLEDGE,
    PLACE,
    READY,
    REFUSED,
    TAKING,
    WORKSPACE,
    Record,
    Rows,
    new_record,
    search_filter,
)
from bot.files.slack_file import SlackFile, look
from bot.files.store import Store
from bot.files.taking import Source, Taking, attributes_of
from bot.models import SharedFile, ThreadKey, utcnow
from bot.slack import Slack

__all__ = [
    "EVERYONE", "GOING", "KNOWLEDGE", "PLACE", "READY", "REFUSED", "TAKING", "WORKSPACE", "Library", "Record", "search_filter",
]  # fmt: skip
log = structlog.get_logger()

WAIT_SECONDS = 150.0  # for another process that takes the same file in
ERASE_SECONDS = 20.0  # likewise, before a file is erased
REFUSED_FOR = timedelta(
    minutes=10
)  # a file that is shared again later is looked at again: a scope, an invitation may have come
FOUND = 8  # passages a search
RESTORED_AT_ONCE = 8


class Library:
    """Takes files in, finds them, lets them go."""

    def __init__(
        self,
        slack: Slack,
        database: Database,
        redis: Any,
        store: Store,
        downloads: Downloads,
        *,
        most_bytes: int,
    ) -> None:
        """`most_bytes` is what a file may have."""
        self.slack, self.rows, self.store = slack, Rows(database), store
        self._redis = redis
        self._taking = Taking(slack, self.rows, redis, store, downloads, most_bytes, self.restore)

    async def take(self, shared: SharedFile, thread: ThreadKey, *, visibility: str = PLACE) -> Record:
        """Takes in a file that was shared in a thread; returns at once where that is done already.

        A file that cannot be used comes back as `refused` with a reason for people; one whose indexing takes long as `taking`.
        Raises Retryable where Slack or OpenAI is away, UserFacing where neither key nor money is left.
        """
        return await self.take_from(shared, thread, lambda: self._taking.from_slack(shared.id), visibility=visibility)

    async def take_from(
        self, shared: SharedFile, thread: ThreadKey, source: Source, *, visibility: str = PLACE
    ) -> Record:
        """The same for a file from anywhere; `source` opens it, if it is needed."""
        record = await self.rows.get(thread.team, thread.channel, shared.id)
        if not _settled(record):
            lock = keys.file_lock(thread.team, thread.channel, shared.id)
            async with holding(self._redis, lock, WAIT_SECONDS) as mine:
                record = await self.rows.get(thread.team, thread.channel, shared.id)
                if mine and not _settled(record):
                    record = await self._take(record, shared, thread, visibility, source)
        if record is None:
            raise Retryable("another process takes the file in")
        if thread.root and record.thread != thread.root:  # shared again: it belongs to where it is talked of now
            record = await self.rows.change(record, thread=thread.root)
        if record.kind == "sound" and record.state == READY and not record.words:
            record = replace(record, words=await self.text(record))
        return record

    async def _take(
        self, record: Record | None, shared: SharedFile, thread: ThreadKey, visibility: str, source: Source
    ) -> Record:
        if record and record.state == GOING:  # it was forgotten, and is shared anew
            await self._erase(record)
            record = None
        if record is None:
            record = new_record(thread.team, thread.channel, shared.id, thread.root, shared.name, visibility)
            await self.rows.add(record)
        elif record.state == REFUSED:
            record = await self.rows.change(record, state=TAKING, reason="")
        return await self._taking.take(record, source)

    async def channels(self, team: str) -> tuple[str, ...]:
        """The channels that have files, sorted; "" among them for knowledge."""
        return await self.rows.channels(team)

    async def tools(self, thread: ThreadKey, searchable: Searchable) -> list[dict[str, Any]]:
        """The hosted tools for an answer in this thread: file_search with its filter, where there is something to search, and code_interpreter."""
        tools: list[dict[str, Any]] = []
        filters = search_filter(thread.team, searchable)
        if filters and await self.rows.searchable(thread.team, searchable):
            store = await self.store.id(thread.team)
            tools.append(
                {
                    "type": "file_search",
                    "vector_store_ids": [store],
                    "filters": filters,
                    "max_num_results": FOUND,
                }
            )
        container: dict[str, Any] = {"type": "auto"}
        if searchable.channels and (given := await self.rows.tables(thread)):
            container["file_ids"] = given
        return [*tools, {"type": "code_interpreter", "container": container}]

    async def of_thread(self, thread: ThreadKey, kinds: Sequence[str] = ()) -> list[Record]:
        """The files of a thread that can be used, oldest first."""
        return await self.rows.of_thread(thread, kinds)

    async def late(self, thread: ThreadKey, unheard: Collection[str] = ()) -> list[Record]:
        """The files of a thread that did not get to their end when they were taken in, and those of `unheard` (Slack's ids), whose answer was stopped.

        `take` goes on with them. What was refused, or is to be forgotten, is not among them.
        """
        return await self.rows.late(thread, unheard)

    async def stored_as(self, team: str, openai_files: Collection[str]) -> dict[str, Record]:
        """The records behind OpenAI's file ids, as far as there are any. Only for ids that a filter has let through: they tell names."""
        found = [r for r in await self.rows.using(team, openai_files) if r.state != GOING]
        return {f: r for r in reversed(found) for f in r.openai_files if f in openai_files}

    async def find(self, team: str, wanted: str, searchable: Searchable) -> list[Record]:
        """The files that this answer may tell of and that `wanted` names: Slack's id, a link with it, or (a part of) the name. Newest first."""
        if id_ := slack_id(wanted):
            return await self.rows.listed(team, searchable, slack_file=id_)
        name = wanted.strip().casefold()
        found = await self.listed(team, searchable, wanted.strip())
        return [r for r in found if r.name.casefold() == name] or found

    async def listed(self, team: str, searchable: Searchable, name: str = "") -> list[Record]:
        """The newest files that this answer may tell of and whose names hold `name`, newest first."""
        return await self.rows.listed(team, searchable, name=name)

    async def look(self, file_id: str) -> SlackFile:
        """What Slack says of a file; for one that was not taken in yet. Raises FileRefused, Retryable."""
        return await look(self.slack, file_id)

    async def text(self, record: Record) -> str:
        """What OpenAI has read of a file; "" where it has no text (any more). Raises Retryable."""
        if not record.search_file:
            return ""
        try:
            return await self.store.text(await self.store.id(record.team), record.search_file)
        except OpenAIRefused as refused:
            log.warning("no text", team=record.team, file=record.slack_file, refusal=str(refused))
            return ""

    async def restore(self, team: str) -> None:
        """After the vector store has vanished: makes another and puts all files into it that OpenAI still has. Does nothing while it is there.

        The housekeeper compares afterwards, and puts in what was left out because somebody was killed or OpenAI was away.
        """
        gone = await self.store.id(team)
        if await self.store.there(gone):
            return
        try:
            await Duties(self._redis).add(RECONCILE)
        except RedisError as error:
            raise Retryable(f"no vector store: {type(error).__name__}") from error
        await self.store.renew(team, gone)
        put = await self.put_back(team, await self.rows.attached(team))
        log.warning("vector store restored", team=team, files=put)

    async def put_back(self, team: str, records: Sequence[Record]) -> int:
        """Puts files into the vector store that belong there, as far as OpenAI answers; how many. One that OpenAI has lost is to go."""
        store, slots, put = await self.store.id(team), asyncio.Semaphore(RESTORED_AT_ONCE), 0

        async def again(record: Record) -> None:
            nonlocal put
            async with slots:
                try:
                    await self.store.attach(store, record.search_file, attributes_of(record))
                    put += 1
                except OpenAIRefused as refused:
                    await self._not_put_back(store, record, refused)
                except Retryable as error:
                    log.warning("file not put back", team=team, file=record.slack_file, reason=str(error))

        first = {record.search_file: record for record in reversed(records)}
        await asyncio.gather(*(again(record) for record in first.values()))
        return put

    async def _not_put_back(self, store: str, record: Record, refused: OpenAIRefused) -> None:
        """The file is lost; unless it is the store that is gone, of which whoever needs it next makes another."""
        try:
            lost = refused.status == 404 and await self.store.there(store)
        except (Retryable, OpenAIRefused):
            lost = False
        log.warning(
            "file lost" if lost else "file not put back",
            team=record.team,
            file=record.slack_file,
            reason=str(refused),
        )
        if lost:
            await self.rows.change(record, state=GOING)

    async def make_good(self, team: str, gone: SourceGone) -> None:
        """After OpenAI has lost something: the store is made anew; files that are gone are forgotten, so that they are taken in anew when asked for."""
        if isinstance(gone, FilesGone):
            for record in await self.rows.using(team, gone.files):
                await self.rows.change(record, state=GOING)
            log.warning("files gone at OpenAI", team=team, files=len(gone.files))
        else:
            await self.restore(team)

    async def forget(self, team: str, channel: str, slack_file: str) -> Record | None:
        """Marks a file as going: from now on nobody finds it here. To be followed by `erase`. None where there is none."""
        record = await self.rows.get(team, channel, slack_file)
        return await self.rows.change(record, state=GOING) if record else None

    async def erase(self, record: Record) -> None:
        """Deletes a file at OpenAI: from the store, from the conversations that were told of it, then itself; its row goes last.

        May be repeated at any time. Raises Retryable: then the row stays, to be tried again.
        """
        lock = keys.file_lock(record.team, record.channel, record.slack_file)
        async with holding(self._redis, lock, ERASE_SECONDS) as mine:
            if not mine:
                raise Retryable("the file is being taken in")
            current = await self.rows.get(record.team, record.channel, record.slack_file)
            if current:
                await self._erase(await self.rows.change(current, state=GOING))

    async def _erase(self, record: Record) -> None:
        lock = keys.content_lock(record.team, record.channel, record.sha256)
        async with holding(self._redis, lock, ERASE_SECONDS) as mine:
            if not mine:
                raise Retryable("the same content is being taken in")
            deleted = await self._taking.discard(record, record.openai_files)
        told = {c for file in deleted for c in await self.rows.conversations(record.team, file)}
        for conversation in sorted(told):
            await self.store.erase_from(conversation, deleted)
        await self.rows.remove(record)
        log.info(
            "file erased", team=record.team, channel=record.channel, file=record.slack_file, conversations=len(told)
        )


def slack_id(text: str) -> str:
    """The id of a Slack file in a text that is one or links to one; "" for a name."""
    found = re.fullmatch(r"(?:.*/files/(?:[^/\s]+/)?)?(F[A-Z0-9]{5,})(?:[/?#|].*)?", text.strip("<> \t\n"), re.DOTALL)
    return found[1] if found else ""


def _settled(record: Record | None) -> bool:
    if record is None or record.state in (TAKING, GOING):
        return False
    return record.state == READY or record.checked_at > utcnow() - REFUSED_FOR
