"""`assist knowledge add | list | remove | sync`: a line for each file, with what became of it."""

from __future__ import annotations

import argparse
import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.compose import make_downloads, make_library, open_llm, open_redis, open_settings_database
from bot.errors import AssistError, FileRefused, Retryable, SlackRefused, UserFacing
from bot.files.knowledge import CLI, Knowledge, is_local
from bot.files.library import EVERYONE, READY, WORKSPACE, Record
from bot.pace import Pace
from bot.settings import Settings
from bot.slack import connect_slack

VISIBLE = {WORKSPACE: "full members", EVERYONE: "everyone"}


async def knowledge(settings: Settings, args: argparse.Namespace) -> int:
    """Carries out one of the actions; 1 where something failed."""
    settings.require_slack_token()
    settings.require_openai()
    try:
        async with _opened(settings) as desk:
            match args.action:
                case "add":
                    return await desk.add({path: path.name for path in args.files}, args.visibility, CLI)
                case "remove":
                    return await desk.remove(args.names)
                case "sync":
                    return await desk.sync(args.folder, args.visibility)
            return await desk.show()
    except (UserFacing, Retryable, SlackRefused) as error:
        _say(f"assist: {_word(error)}")
        return 1


@dataclass(frozen=True, slots=True)
class _Desk:
    knowledge: Knowledge
    team: str

    async def add(self, files: dict[Path, str], visibility: str, source: str) -> int:
        """Adds files under their names."""
        failed = 0
        for path, name in files.items():
            before = {r.slack_file: r for r in await self.knowledge.all(self.team) if is_local(r) and r.name == name}
            try:
                record = await self.knowledge.take_local(
                    path, name, team=self.team, visibility=visibility, source=source
                )
            except FileRefused as refused:
                failed += 1
                _say(f"skipped    {name}: {refused}")
            except (UserFacing, Retryable) as error:
                failed += 1
                _say(f"failed     {name}: {_word(error)}")
            else:
                known = record.slack_file in before and before[record.slack_file].state == READY
                _say(f"{'unchanged' if known else 'replaced' if before else 'added':<10} {name}")
        return int(failed > 0)

    async def show(self) -> int:
        """Prints what there is."""
        there = await self.knowledge.all(self.team)
        for record in there:
            state = "" if record.state == READY else f"  ({record.state} {record.reason}".rstrip() + ")"
            kilobytes = max(1, round(record.size / 1000))
            who = VISIBLE.get(record.visibility, record.visibility)
            when = f"{record.created_at:%Y-%m-%d}"
            _say(f"{record.name}  {who}  {kilobytes:,} KB  {when}  {record.slack_file}{state}")
        _say(f"{len(there)} file(s)")
        return 0

    async def remove(self, names: list[str]) -> int:
        """Removes files by their names or ids."""
        failed = 0
        for name in names:
            found = [r for r in await self.knowledge.all(self.team) if name in (r.name, r.slack_file)]
            if not found:
                failed += 1
                _say(f"not there  {name}; `assist knowledge list` shows what is")
            for record in found:
                failed += not await self._removed(record)
        return int(failed > 0)

    async def sync(self, folder: Path, visibility: str) -> int:
        """Makes it what is in a folder. Only what came from there is removed, and nothing if the folder is empty: it may not be mounted."""
        files = {path: path.relative_to(folder).as_posix() for path in sorted(_files(folder))}
        if not files:
            _say(f"assist: {folder} is no folder with files in it. Nothing was changed.")
            return 1
        source = _source(folder)
        failed = await self.add(files, visibility, source)
        for record in await self.knowledge.all(self.team):
            if record.uploader == source and record.name not in files.values():
                failed |= not await self._removed(record)
        return int(failed)

    async def _removed(self, record: Record) -> bool:
        try:
            await self.knowledge.remove(record)
        except (UserFacing, Retryable) as error:
            _say(f"failed     {record.name}: {_word(error)}")
            return False
        _say(f"removed    {record.name}")
        return True


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[_Desk]:
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(open_redis(settings))
        database = await stack.enter_async_context(open_settings_database(settings))
        llm = await stack.enter_async_context(open_llm(settings))
        token, url = settings.slack_bot_token, settings.slack_api_url
        slack = await stack.enter_async_context(connect_slack(token, url, Pace(None, "")))
        _, files = make_library(settings, redis, slack, llm, database, make_downloads(settings))
        yield _Desk(files, (await slack.identity()).team)


def _files(folder: Path) -> list[Path]:
    """All files below a folder, without hidden ones and without following links to folders."""
    found = []
    for root, folders, names in os.walk(folder):
        folders[:] = [f for f in folders if not f.startswith(".")]
        found += [Path(root) / n for n in names if not n.startswith(".")]
    return found


def _source(folder: Path) -> str:
    """What marks the files of a folder as its own; a hash, because the path is nobody's business at OpenAI."""
    return "sync:" + hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]


def _say(line: str) -> None:
    print(line)  # noqa: T201  # a command line prints


def _word(error: AssistError) -> str:
    """What to tell the operator."""
    if isinstance(error, UserFacing):
        return f"{error.text} ({error})"
    return f"{error.said} ({error})" if isinstance(error, Retryable) and error.said else str(error)
