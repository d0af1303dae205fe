"""What the model's code made, as files in the thread: from OpenAI's container into Slack, each exactly once.

A row of `made_files` stands before anything is fetched; it gets Slack's id of the file before Slack is told to share it. Until then nobody sees the
file, so an upload may be repeated; the sharing may not. A run that finds an id asks Slack whether that file is shared already.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import structlog
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from bot import tables
from bot.database import Database
from bot.errors import FileRefused, PlaceClosed, Retryable, SlackRefused, UserFacing
from bot.files.container import GONE, Containers
from bot.files.marks import sandbox_names
from bot.files.names import clean_name
from bot.files.upload import TRIES, pause, refusal, upload
from bot.lease import Lease
from bot.llm import Llm
from bot.models import AGAIN, Turn, utcnow
from bot.mrkdwn import escaped
from bot.responses import Made, Result
from bot.slack import WRITE_TIMEOUT, Slack

log = structlog.get_logger()

MOST_FILES = 10  # of one turn
TURN_SECONDS = 150.0  # for all files of one turn
LOOKS = 3  # whether a file is shared: Slack shares some time after it has said yes
LOOK_SECONDS = 0.7
NAMES_TOLD = 5
IMAGES = (".png", ".jpg", ".jpeg", ".gif", ".webp")

One = TypeVar("One")


@dataclass(frozen=True, slots=True)
class Computed:
    """What the model's code left behind: files that the answer cites, containers that code ran in, names that the answer links to."""

    made: tuple[Made, ...] = ()
    containers: tuple[str, ...] = ()
    named: tuple[str, ...] = ()

    @classmethod
    def of(cls, result: Result) -> Computed:
        """What one response left."""
        return cls(result.made, result.containers, sandbox_names(result.text))

    def __add__(self, other: Computed) -> Computed:
        return Computed(
            _each_once(self.made, other.made),
            _each_once(self.containers, other.containers),
            _each_once(self.named, other.named),
        )

    def to_json(self) -> str:
        """As a turn keeps it for a successor; "" for nothing."""
        return json.dumps(asdict(self)) if self != Computed() else ""

    @classmethod
    def from_json(cls, text: str) -> Computed:
        """The opposite of `to_json`."""
        raw = json.loads(text) if text else {}
        made = tuple(Made(**m) for m in raw.get("made", ()))
        return cls(made, tuple(raw.get("containers", ())), tuple(raw.get("named", ())))


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A file that Slack has and nobody sees. `doubtful`: an earlier run may have had it shared."""

    made: Made
    slack_file: str
    doubtful: bool


class MadeFiles:
    """Brings files from OpenAI's containers into Slack. `folder` is for them on their way."""

    def __init__(self, slack: Slack, llm: Llm, database: Database, folder: Path) -> None:
        self._slack, self._database, self._containers = slack, database, Containers(llm, folder)

    async def deliver(self, lease: Lease, computed: Computed, channel: str, thread_ts: str | None) -> list[str]:
        """Shares a turn's files where its answer stands; returns footnotes about those that could not be.

        For an answer that is given anew, the files of the one before are taken away. Raises LeaseLost, and Retryable when the database is away.
        """
        turn, late = lease.turn, asyncio.get_running_loop().time() + TURN_SECONDS
        troubles: dict[str, str] = {}  # names of files → why they could not be shared
        notes: list[str] = []
        uploaded: list[Uploaded] = []
        wanted = await self._wanted(turn, computed, troubles)
        if len(wanted) > MOST_FILES:
            left = [m.name for m in wanted[MOST_FILES:]]
            notes.append(f"I share at most {MOST_FILES} files at a time; left out: {_told(left)}.")
        for made in wanted[:MOST_FILES]:
            try:
                async with asyncio.timeout_at(late):
                    uploaded += await self._uploaded(turn, made)
            except FileRefused as refused:
                troubles[made.name] = str(refused)
            except TimeoutError:
                troubles[made.name] = "it took too long"
        await self._share(lease, uploaded, channel, thread_ts, troubles)
        if turn.kind == AGAIN:
            await self.take_back(turn.thread.team, turn.id, keep=[m.file for m in wanted])
        return [*notes, *_notes(troubles)]

    async def take_back(self, team: str, turn: str, keep: Collection[str] = ()) -> None:
        """Deletes a turn's files from Slack, but those to keep (OpenAI's ids): its answer is taken away, or given anew."""
        rows = tables.made_files.c
        mine = (rows.team == team) & (rows.turn == turn)
        async with self._database.read() as connection:
            found = (await connection.execute(select(rows.container_file, rows.slack_file).where(mine))).all()
        kept = {row.slack_file for row in found if row.container_file in keep}
        for row in found:
            if row.container_file in keep:
                continue
            try:
                if row.slack_file:
                    await self._take_away(row.slack_file, kept)
            except SlackRefused:
                pass  # it is gone, or was never shared
            except (Retryable, UserFacing) as error:
                log.warning("made file not deleted", turn=turn, file=row.slack_file, error=str(error))
                continue
            async with self._database.begin() as tx:
                await tx.execute(delete(tables.made_files).where(mine, rows.container_file == row.container_file))

    async def _take_away(self, slack_file: str, kept: Collection[str]) -> None:
        """Deletes a file, and first the messages that brought it: they would go on saying that a file was deleted."""
        stay = {place for file in kept for place in await self._messages(file)}
        for channel, ts in await self._messages(slack_file):
            if (channel, ts) not in stay:
                with suppress(SlackRefused):  # somebody has shared the file on: that message is theirs
                    await self._slack.delete(channel, ts)
        await self._slack.call("files.delete", {"file": slack_file})

    async def _messages(self, slack_file: str) -> list[tuple[str, str]]:
        """The messages that share a file, as channel and ts. Raises Retryable, UserFacing."""
        try:
            return messages_of((await self._slack.call("files.info", {"file": slack_file}))["file"])
        except SlackRefused:
            return []

    # -- which files -----------------------------------------------------------------------------------------------------

    async def _wanted(self, turn: Turn, computed: Computed, troubles: dict[str, str]) -> list[Made]:
        """Those that the answer cites or links to; where it does neither, the images that its code made."""
        cited = list({m.file: Made(m.container, m.file, clean_name(m.name)) for m in computed.made}.values())
        missing = {clean_name(n) for n in computed.named} - {m.name for m in cited}
        if cited and not missing:
            return cited
        listed = [m for c in computed.containers for m in await self._containers.made(c)]
        if not cited and not missing:
            images = [m for m in listed if m.name.lower().endswith(IMAGES)]
            earlier = await self._earlier(turn, [m.file for m in images])
            return [m for m in images if m.file not in earlier]
        found = {m.name: m for m in listed if m.name in missing}
        troubles |= dict.fromkeys(sorted(missing - found.keys()), GONE)
        return [*cited, *found.values()]

    async def _earlier(self, turn: Turn, files: Sequence[str]) -> set[str]:
        """Those of the files that other turns have delivered: a container outlives a turn."""
        rows = tables.made_files.c
        others = (rows.team == turn.thread.team) & (rows.turn != turn.id) & rows.container_file.in_(files)
        async with self._database.read() as connection:
            return set((await connection.execute(select(rows.container_file).where(others))).scalars())

    # -- from OpenAI to Slack --------------------------------------------------------------------------------------------

    async def _uploaded(self, turn: Turn, made: Made) -> list[Uploaded]:
        """The file as Slack has it; nothing when it is shared already. Raises FileRefused."""
        slack_file, shared = await self._noted(turn, made)
        if slack_file:
            return [] if shared else [Uploaded(made, slack_file, doubtful=True)]
        async with self._containers.fetched(made) as (path, size):
            new = await upload(self._slack, path, made.name, size)
        free = _row(turn, made) & (tables.made_files.c.slack_file == "")
        async with self._database.begin() as tx:
            await tx.execute(update(tables.made_files).where(free).values(slack_file=new))
        slack_file, shared = await self._noted(turn, made)  # another run's, if it was quicker
        return [] if shared else [Uploaded(made, slack_file, doubtful=slack_file != new)]

    async def _noted(self, turn: Turn, made: Made) -> tuple[str, bool]:
        """What the file's row says; it is written if there is none."""
        rows = tables.made_files.c
        try:
            async with self._database.begin() as tx:
                key = {"team": turn.thread.team, "turn": turn.id, "container_file": made.file}
                new = {"slack_file": "", "shared": False, "created_at": utcnow()}
                await tx.execute(insert(tables.made_files).values(key | new))
        except IntegrityError:
            pass  # an earlier run wrote it
        async with self._database.read() as connection:
            query = select(rows.slack_file, rows.shared).where(_row(turn, made))
            row = (await connection.execute(query)).one()
            return row.slack_file, row.shared

    # -- into the thread -------------------------------------------------------------------------------------------------

    async def _share(
        self,
        lease: Lease,
        files: Sequence[Uploaded],
        channel: str,
        thread_ts: str | None,
        troubles: dict[str, str],
    ) -> None:
        """Shares the files in one message; where Slack refuses one of them, each in its own."""
        groups = [list(files)] if files else []
        while groups:
            group = groups.pop(0)
            try:
                await self._complete(lease, group, channel, thread_ts)
            except (SlackRefused, Retryable, UserFacing) as error:
                if len(group) > 1 and isinstance(error, SlackRefused) and not isinstance(error, PlaceClosed):
                    groups = [[file] for file in group]
                else:
                    troubles |= dict.fromkeys((f.made.name for f in group), str(refusal(error)))
                continue
            async with self._database.begin() as tx:
                for file in group:
                    await tx.execute(update(tables.made_files).where(_row(lease.turn, file.made)).values(shared=True))

    async def _complete(self, lease: Lease, group: Sequence[Uploaded], channel: str, thread_ts: str | None) -> None:
        """Has Slack share the files, unless it has. Raises what Slack says, and Retryable when it says nothing."""
        left, attempt = list(group), 0
        while True:
            try:
                if attempt or any(f.doubtful for f in left):
                    shared = await asyncio.gather(*(is_shared(self._slack, f.slack_file, channel) for f in left))
                    left = [f for f, there in zip(left, shared, strict=True) if not there]
                if left:
                    await lease.hold(WRITE_TIMEOUT + 0.5)
                    args: dict[str, Any] = {"files": [{"id": f.slack_file, "title": f.made.name} for f in left]}
                    args |= {"channel_id": channel} | ({"thread_ts": thread_ts} if thread_ts else {})
                    await self._slack.call("files.completeUploadExternal", args)
                return
            except Retryable as error:
                log.warning("files not shared", turn=lease.turn.id, error=str(error))
                attempt += 1
                if attempt == TRIES:
                    raise
                await pause(error, attempt)


async def is_shared(slack: Slack, slack_file: str, channel: str) -> bool:
    """Whether a file stands in a channel, or will in a moment. Raises Retryable."""
    for look in range(LOOKS):
        if look:
            await asyncio.sleep(LOOK_SECONDS)
        try:
            file = (await slack.call("files.info", {"file": slack_file}))["file"]
        except SlackRefused:
            return False  # Slack may not know it before it is shared
        if channel in shared_in(file):
            return True
    return False


def shared_in(file: Mapping[str, Any]) -> set[str]:
    """The channels that Slack's file object says the file is shared in."""
    shares = file.get("shares") or {}
    listed = [c for kind in ("channels", "groups", "ims") for c in file.get(kind) or ()]
    return {*listed, *(c for kind in ("public", "private") for c in shares.get(kind) or ())}


def messages_of(file: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The messages that Slack's file object says share the file, as channel and ts."""
    shares = file.get("shares") or {}
    places = [place for kind in ("public", "private") for place in (shares.get(kind) or {}).items()]
    return [(channel, share["ts"]) for channel, told in places for share in told if share.get("ts")]


def _row(turn: Turn, made: Made) -> Any:
    rows = tables.made_files.c
    return (rows.team == turn.thread.team) & (rows.turn == turn.id) & (rows.container_file == made.file)


def _notes(troubles: Mapping[str, str]) -> list[str]:
    """A footnote for each reason; `troubles` is file name → reason."""
    return [
        f"{_told([name for name, why in troubles.items() if why == reason])} could not be shared: {escaped(reason)}."
        for reason in dict.fromkeys(troubles.values())
    ]


def _told(names: Sequence[str]) -> str:
    more = len(names) - NAMES_TOLD
    return escaped(", ".join(names[:NAMES_TOLD])) + (f" and {more} more" if more > 0 else "")


def _each_once(first: Sequence[One], second: Sequence[One]) -> tuple[One, ...]:
    return tuple(dict.fromkeys([*first, *second]))
