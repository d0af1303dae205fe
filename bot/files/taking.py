"""A file's way in: looked at, downloaded, prepared, uploaded, put into the vector store, indexed.

Each step is noted in the file's row before the next, so that whoever goes on after a crash repeats none: at any instant the row says what OpenAI
holds of it, but for an upload whose answer was lost, which is looked for.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import structlog

from bot import keys
from bot.errors import FileRefused, OpenAIRefused, Retryable
from bot.files.download import Download, Downloads
from bot.files.kinds import Kind, kind_of, refusal
from bot.files.locks import holding
from bot.files.prepare import Prepared, prepare
from bot.files.rows import GOING, READY, REFUSED, TAKING, Record, Rows
from bot.files.slack_file import SlackFile, look
from bot.files.sound import as_text, heard_in
from bot.files.store import Purpose, Store
from bot.models import utcnow
from bot.slack import Slack

log = structlog.get_logger()

Source = Callable[[], AbstractAsyncContextManager[tuple[SlackFile, Download]]]

AT_ONCE = 4  # files a process
INDEX_SECONDS = 120.0
LOOKS = 0.05, 2.0  # seconds between two looks at the index, at first and at most
TRIES = 2
TEXTS = (
    ".txt",
    ".md",
    ".html",
    ".json",
    ".css",
    ".tex",
    ".c",
    ".cpp",
    ".cs",
    ".go",
    ".java",
    ".js",
    ".php",
    ".py",
    ".rb",
    ".sh",
    ".ts",
)
NOT_TAKEN = "OpenAI did not take it"
PURPOSES: dict[str, Purpose] = {"image": "vision"}  # of what is given; else "user_data"


class _AnewError(Exception):
    """What is stored is of no use: upload again. `odd`: OpenAI failed for no good reason, so send it a little differently."""

    def __init__(self, *, odd: bool) -> None:
        super().__init__()
        self.odd = odd


class Taking:
    """Takes files in. The caller holds the file's lock."""

    def __init__(
        self,
        slack: Slack,
        rows: Rows,
        redis: Any,
        store: Store,
        downloads: Downloads,
        most_bytes: int,
        restore: Callable[[str], Any],
    ) -> None:
        self._slack, self._rows, self._redis, self._store = slack, rows, redis, store
        self._downloads, self._most, self._restore = downloads, most_bytes, restore
        self._slots = asyncio.Semaphore(AT_ONCE)

    @asynccontextmanager
    async def from_slack(self, file_id: str) -> AsyncIterator[tuple[SlackFile, Download]]:
        """A file of Slack's, on the disk for the block. Raises FileRefused, Retryable."""
        file = await look(self._slack, file_id)
        if why := refusal(file, self._most):
            raise FileRefused(why, name=file.name)
        async with self._downloads.fetch(file.url, expected_size=file.size) as download:
            yield file, download

    async def take(self, record: Record, source: Source) -> Record:
        """Takes a file in as far as it goes now; `record` is its row, state `taking`. Raises Retryable, UserFacing."""
        started = time.monotonic()
        try:
            record = await self._through(record, source)
        except FileRefused as refused:
            record = await self._refuse(replace(record, name=refused.name or record.name), str(refused))
            log.info("file refused", **_ids(record), reason=record.reason)
            return record
        if record.state == READY:
            took = round(time.monotonic() - started, 2)
            log.info("file taken", **_ids(record), kind=record.kind, bytes=record.size, seconds=took)
        elif record.state == TAKING:
            log.warning("file not indexed in time", **_ids(record))
        return record

    async def _through(self, record: Record, source: Source) -> Record:
        odd = False
        for _ in range(TRIES):
            try:
                if not record.search_file:
                    record = await self._bring(record, source, odd=odd)
                return record if record.state != TAKING else await self._index(record)
            except _AnewError as anew:
                odd = anew.odd
                await self.discard(record, (record.search_file,))
                record = await self._rows.change(record, search_file="")
        raise FileRefused("it could not be indexed")

    async def _bring(self, record: Record, source: Source, *, odd: bool) -> Record:
        """From the source to OpenAI, and into the store."""
        async with self._slots, source() as (file, download):
            begun = bool(record.sha256)  # by somebody who may have been cut at any step
            kind = kind_of(file.name, file.mimetype or download.mimetype, download.head)
            told = {"name": file.name, "permalink": file.permalink, "uploader": file.uploader, "kind": kind}
            told |= {"sha256": download.sha256}
            record = await self._rows.change(record, **told, size=download.size, checked_at=utcnow())
            lock = keys.content_lock(record.team, record.channel, download.sha256)
            async with holding(self._redis, lock, INDEX_SECONDS) as mine:
                if not mine:
                    raise Retryable("the same content is on its way")
                if twin := await self._rows.twin(record, download.sha256):
                    same = {"search_file": twin.search_file, "given_file": twin.given_file, "kind": twin.kind}
                    return await self._rows.change(record, **same, state=twin.state)
                prepared, words, heard = await self._ready(file, download, kind, odd=odd)
                record = await self._stored(record, prepared, begun=begun)
                return replace(record, words=words, heard=heard, note=prepared.note)

    async def _ready(
        self, file: SlackFile, download: Download, kind: Kind, *, odd: bool
    ) -> tuple[Prepared, str, float]:
        """What is to be uploaded; of a recording its words, and the seconds that were paid for. What is made goes with the download's folder."""
        prepared, words, heard = await prepare(download, file, kind, download.path.parent), "", 0.0
        if prepared.kind == "sound":
            words, heard = await heard_in(self._store, self._downloads, file, download, prepared)
            prepared = await asyncio.to_thread(as_text, words, file.name, prepared, download.path.parent)
        if odd:
            prepared = await asyncio.to_thread(_slightly_different, prepared)
        return prepared, words, heard

    async def _stored(self, record: Record, prepared: Prepared, *, begun: bool) -> Record:
        if prepared.given and not record.given_file:
            purpose = PURPOSES.get(prepared.kind, "user_data")
            id_ = await self._upload(record, prepared.given, prepared.given_name, purpose, begun=begun)
            record = await self._rows.change(record, given_file=id_, kind=prepared.kind)
        if not prepared.search:
            return await self._rows.change(record, kind=prepared.kind, state=READY)
        id_ = await self._upload(record, prepared.search, prepared.search_name, "assistants", begun=begun)
        record = await self._rows.change(record, search_file=id_, kind=prepared.kind)
        await self._attach(record)
        return record

    async def _upload(self, record: Record, path: Path, name: str, purpose: Purpose, *, begun: bool) -> str:
        """Uploads; or finds the upload of a predecessor who was killed before it was noted, where that can only be this file."""
        size = (await asyncio.to_thread(path.stat)).st_size
        if not size:
            raise FileRefused("there is no text in it")
        if begun and len(await self._rows.being_taken(record.name)) == 1:
            found = await self._store.uploaded(name, size, purpose, record.created_at)
            lost = sorted(set(found) - await self._rows.known(found)) if found else []
            if len(lost) == 1:
                log.info("upload found again", **_ids(record), openai_file=lost[0])
                return lost[0]
        try:
            return await self._store.upload(path, name, purpose)
        except OpenAIRefused as refused:
            log.warning("upload refused", **_ids(record), refusal=str(refused))
            too_large = ": it is too large" if refused.status == 413 else ": this type of file is not supported"
            raise FileRefused(NOT_TAKEN + too_large) from refused

    async def _attach(self, record: Record) -> None:
        """Into the vector store; into a new one, with all that was in it, where that is gone. Raises _AnewError where the file is gone."""
        attributes = attributes_of(record)
        for again in (False, True):
            store = await self._store.id(record.team)
            try:
                return await self._store.attach(store, record.search_file, attributes)
            except OpenAIRefused as refused:
                if await self._store.there(store):
                    if refused.status == 404:
                        raise _AnewError(odd=False) from refused
                    log.warning("not attached", **_ids(record), refusal=str(refused))
                    raise FileRefused(NOT_TAKEN) from refused
                if again:
                    raise Retryable("vector store gone") from refused
                await self._restore(record.team)
        return None

    async def _index(self, record: Record) -> Record:
        """Waits for the index, at most INDEX_SECONDS. A file that is not ready by then stays `taking`."""
        loop = asyncio.get_running_loop()
        late, pause = loop.time() + INDEX_SECONDS, LOOKS[0]
        while True:
            got = await self._store.indexed(await self._store.id(record.team), record.search_file)
            if got is None:
                await self._attach(record)
            elif got.status == "completed":
                return await self._rows.change(record, state=READY)
            elif got.status in ("failed", "cancelled"):
                raise index_failure(record, got.code, got.said)
            row = await self._rows.get(record.team, record.channel, record.slack_file)
            if row is None or row.state == GOING:  # whoever erases it waits
                return replace(record, state=GOING)
            if loop.time() > late:
                return record
            await asyncio.sleep(pause)
            pause = min(LOOKS[1], pause * 1.5)

    async def _refuse(self, record: Record, reason: str) -> Record:
        name = record.name
        record = await self._rows.get(record.team, record.channel, record.slack_file) or record
        record = await self._rows.change(record, name=name, state=REFUSED, reason=reason, checked_at=utcnow())
        try:
            await self.discard(record, record.openai_files)
        except Retryable as error:  # it finds nothing there that was not indexed; the row keeps the ids
            log.warning("refused file not deleted", **_ids(record), error=str(error))
            return record
        return await self._rows.change(record, search_file="", given_file="")

    async def discard(self, record: Record, openai_files: tuple[str, ...]) -> list[str]:
        """Deletes files at OpenAI that no other row holds; returns those. Raises Retryable."""
        others = await self._rows.using(record.team, openai_files)
        held = {
            f
            for r in others
            if r.slack_file != record.slack_file or r.channel != record.channel
            for f in r.openai_files
        }
        going = [f for f in openai_files if f and f not in held]
        for file in going:
            await self._store.delete(file)
        return going


def attributes_of(record: Record) -> dict[str, str]:
    """What a search filters by."""
    names = ("team", "channel", "thread", "uploader", "slack_file", "visibility")
    return {name: getattr(record, name) for name in names}


def index_failure(record: Record, code: str, said: str) -> Exception:
    """A failure of the index in words; or that it is to be tried again: now and then it fails for no reason."""
    said = said.lower()
    if "password" in said or "encrypt" in said:
        return FileRefused("it is password-protected")
    if "too large" in said or "too many tokens" in said:
        return FileRefused("it is too large to be searched")
    if "empty" in said or "no text" in said:
        return FileRefused("there is no text in it")
    log.warning("index failed", **_ids(record), code=code)
    return _AnewError(odd=True)


def _slightly_different(prepared: Prepared) -> Prepared:
    """The same text as another kind of file, which is taken when the first failed oddly; what is no text stays as it is.

    https://github.com/openai/openai-python/issues/2439: one character decides.
    """
    path, name = prepared.search, prepared.search_name
    if not path or not name.lower().endswith(TEXTS):
        return prepared
    new = path.with_name(f"{path.name}.again")
    with path.open("rb") as old, new.open("wb") as out:
        out.write(f"{name}\n\n".encode())
        shutil.copyfileobj(old, out)
    return replace(prepared, search=new, search_name=f"{name}.txt")


def _ids(record: Record) -> dict[str, str]:
    return {"team": record.team, "channel": record.channel, "file": record.slack_file}
