"""The table `files`: a row for each file that the assistant was given, in each place."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from bot import tables
from bot.access import Searchable
from bot.database import Database
from bot.models import ThreadKey, utcnow

PLACE, WORKSPACE, EVERYONE = "place", "workspace", "everyone"  # visibilities
KNOWLEDGE = ""  # the channel of files that no channel shared
TAKING, READY, REFUSED, GOING = "taking", "ready", "refused", "going"  # states
TABLES_GIVEN = 10  # tables of a thread that its code is given: the newest
LONG_AGO = datetime.fromtimestamp(0, UTC)
LISTED = 200  # files that are told of, or looked through, at most
ASKED_AT_ONCE = 5_000  # ids in one statement; SQLite takes 32,766 values


@dataclass(frozen=True, slots=True)
class Record:
    """A file as the assistant has it: a row of the table `files`, and what was understood of it.

    `words` (a transcript), `note` (what was left out) and `heard` (for how many seconds of sound OpenAI was paid) are known right after it was taken in.
    """

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
    words: str = ""
    note: str = ""
    heard: float = 0.0
    sha256: str = ""
    size: int = 0
    created_at: datetime = LONG_AGO
    checked_at: datetime = LONG_AGO

    @property
    def openai_files(self) -> tuple[str, ...]:
        """Its files at OpenAI, none to two."""
        return tuple(dict.fromkeys(f for f in (self.search_file, self.given_file) if f))

    @property
    def link(self) -> str:
        """Its address for people; none for knowledge, which Slack shows to nobody but the admin who gave it."""
        return self.permalink if self.channel != KNOWLEDGE else ""


_files = tables.files.c
_KEPT = tuple(f.name for f in fields(Record) if f.name in _files)


def new_record(team: str, channel: str, slack_file: str, thread: str, name: str, visibility: str) -> Record:
    """A file of which nothing is known yet."""
    now = utcnow()
    return Record(
        team,
        channel,
        slack_file,
        thread,
        "",
        name,
        "",
        visibility,
        "",
        TAKING,
        "",
        "",
        "",
        created_at=now,
        checked_at=now,
    )


class Rows:
    """Reads and writes them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, team: str, channel: str, slack_file: str) -> Record | None:
        """A row."""
        return next(iter(await self.where(_is(team, channel, slack_file))), None)

    async def add(self, record: Record) -> None:
        """A new row; one that is there already stays."""
        try:
            async with self._database.begin() as tx:
                await tx.execute(insert(tables.files).values(**{name: getattr(record, name) for name in _KEPT}))
        except IntegrityError:
            return

    async def change(self, record: Record, **values: Any) -> Record:
        """Writes values into a row and gives back what it is now. A row that is going stays so."""
        mine = _is(record.team, record.channel, record.slack_file)
        async with self._database.begin() as tx:
            state = values.pop("state", None)
            if values:
                await tx.execute(update(tables.files).where(mine).values(**values))
            if state:
                await tx.execute(update(tables.files).where(mine, _files.state != GOING).values(state=state))
            now = await tx.scalar(select(_files.state).where(mine))
        return replace(record, **values, state=now or GOING)

    async def remove(self, record: Record) -> None:
        """A row goes, last of all."""
        async with self._database.begin() as tx:
            await tx.execute(delete(tables.files).where(_is(record.team, record.channel, record.slack_file)))

    async def twin(self, record: Record, sha256: str) -> Record | None:
        """Another row of the same place whose content, the same, is stored at OpenAI or on its way into the store."""
        stored = or_(_files.state == READY, and_(_files.state == TAKING, _files.search_file != ""))
        found = await self.where(
            _files.team == record.team,
            _files.channel == record.channel,
            _files.sha256 == sha256,
            _files.visibility == record.visibility,
            _files.slack_file != record.slack_file,
            stored,
        )
        return found[0] if found else None

    async def using(self, team: str, openai_files: Collection[str]) -> list[Record]:
        """The rows that hold any of these files of OpenAI's, oldest first."""
        ids = list(openai_files)
        found = await self.where(or_(_files.search_file.in_(ids), _files.given_file.in_(ids)))
        return [r for r in found if r.team == team]  # with it in the query SQLite goes through all of the workspace's

    async def being_taken(self, name: str) -> list[Record]:
        """The rows of that name that are on their way, of all workspaces."""
        return await self.where(_files.name == name, _files.state == TAKING)

    async def known(self, openai_files: Collection[str]) -> set[str]:
        """Those of OpenAI's files that any row holds, of all workspaces."""
        ids, known = list(openai_files), set[str]()
        for some in (ids[n : n + ASKED_AT_ONCE] for n in range(0, len(ids), ASKED_AT_ONCE)):
            found = await self.where(or_(_files.search_file.in_(some), _files.given_file.in_(some)))
            known |= {id_ for record in found for id_ in record.openai_files}
        return known

    async def searchable(self, team: str, searchable: Searchable) -> bool:
        """Whether a search for this answer could find anything."""
        wanted = and_(_files.team == team, _files.state == READY, _files.search_file != "", visible(searchable))
        async with self._database.read() as connection:
            return (await connection.execute(select(_files.slack_file).where(wanted).limit(1))).first() is not None

    async def listed(self, team: str, searchable: Searchable, *, name: str = "", slack_file: str = "") -> list[Record]:
        """The newest files that this answer may tell of, newest first: also those that were refused or are being taken in.

        With `name` those that have it in their names, with `slack_file` that one, however old they are.
        """
        wanted = [_files.team == team, _files.state != GOING, visible(searchable)]
        if slack_file:
            wanted.append(_files.slack_file == slack_file)
        found = await self.where(*wanted, *_named(name), newest_first=True, limit=LISTED)
        if found or not name:
            return found
        # SQLite knows capitals of English only. Where its comparison finds nothing, ours looks through the newest.
        newest = await self.where(*wanted, newest_first=True, limit=LISTED)
        return [record for record in newest if name.casefold() in record.name.casefold()]

    async def of_thread(self, thread: ThreadKey, kinds: Sequence[str] = ()) -> list[Record]:
        """The files of a thread that can be used, oldest first."""
        wanted = [_files.team == thread.team, _files.channel == thread.channel, _files.thread == thread.root]
        wanted += [_files.kind.in_(list(kinds))] if kinds else []
        return await self.where(*wanted, _files.state == READY)

    async def late(self, thread: ThreadKey, unheard: Collection[str] = ()) -> list[Record]:
        """The files of a thread that were on their way when somebody last looked, and those of `unheard` that are ready, oldest first."""
        mine = [_files.team == thread.team, _files.channel == thread.channel, _files.thread == thread.root]
        ready = and_(_files.state == READY, _files.slack_file.in_(list(unheard)))
        return await self.where(*mine, or_(_files.state == TAKING, ready))

    async def tables(self, thread: ThreadKey) -> list[str]:
        """OpenAI's ids of the thread's newest tables, sorted."""
        wanted = [_files.team == thread.team, _files.channel == thread.channel, _files.thread == thread.root]
        wanted += [_files.kind == "table", _files.state == READY, _files.given_file != ""]
        found = await self.where(*wanted, newest_first=True, limit=TABLES_GIVEN)
        return sorted({record.given_file for record in found})

    async def channels(self, team: str) -> tuple[str, ...]:
        """The channels that have files, sorted; "" among them for knowledge."""
        there = select(_files.channel).where(_files.team == team, _files.state != GOING).distinct()
        async with self._database.read() as connection:
            return tuple(sorted((await connection.execute(there)).scalars()))

    async def attached(self, team: str) -> list[Record]:
        """The rows whose search file belongs into the vector store."""
        return await self.where(_files.team == team, _files.state == READY, _files.search_file != "")

    async def conversations(self, team: str, openai_file: str) -> list[str]:
        """The conversations that were told of a file."""
        told = tables.drawn.c
        wanted = (told.team == team) & (told.source == f"file:{openai_file}")
        async with self._database.read() as connection:
            return sorted((await connection.execute(select(told.conversation).where(wanted))).scalars())

    async def where(
        self, *wanted: ColumnElement[bool], newest_first: bool = False, limit: int | None = None
    ) -> list[Record]:
        """The rows that fit, oldest first unless told otherwise."""
        order = [_files.created_at, _files.channel, _files.slack_file]
        query = select(tables.files).where(*wanted).limit(limit)
        query = query.order_by(*((column.desc() for column in order) if newest_first else order))
        async with self._database.read() as connection:
            return [_record(row) for row in (await connection.execute(query)).all()]


def visible(searchable: Searchable) -> ColumnElement[bool]:
    """The filter of a search (see `search_filter`), for the rows."""
    channels = [c for c in searchable.channels if c != KNOWLEDGE]
    return or_(_files.channel.in_(channels), _files.visibility.in_(visibilities(searchable)))


def visibilities(searchable: Searchable) -> list[str]:
    """The visibilities that a search may see wherever the file was shared."""
    seen = {EVERYONE: searchable.everyone, WORKSPACE: searchable.workspace}
    return [visibility for visibility, may in seen.items() if may]


def search_filter(team: str, searchable: Searchable) -> dict[str, Any] | None:
    """The filter over the attributes of stored files; None where nothing may be searched."""
    channels = sorted({c for c in searchable.channels if c != KNOWLEDGE})
    either: list[dict[str, Any]] = [{"type": "in", "key": "channel", "value": channels}] if channels else []
    either += [{"type": "eq", "key": "visibility", "value": v} for v in visibilities(searchable)]
    if not either:
        return None
    seen = either[0] if len(either) == 1 else {"type": "or", "filters": either}
    return {"type": "and", "filters": [{"type": "eq", "key": "team", "value": team}, seen]}


def _named(name: str) -> list[ColumnElement[bool]]:
    return [_files.name.icontains(name, autoescape=True)] if name else []


def _is(team: str, channel: str, slack_file: str) -> ColumnElement[bool]:
    return and_(_files.team == team, _files.channel == channel, _files.slack_file == slack_file)


def _record(row: Row[Any]) -> Record:
    return Record(**{name: getattr(row, name) for name in _KEPT})
