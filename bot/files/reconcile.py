"""Compares the files that the assistant has with what Slack and OpenAI have: finds what nobody has told it, as when it was down.

Nothing is forgotten because an answer is missing: Slack must say that a file is gone, or that the bot is not in a channel (any more).
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog

from bot import tables
from bot.duties import Duties
from bot.errors import OpenAIRefused, SlackRefused
from bot.files.knowledge import is_local
from bot.files.library import GOING, KNOWLEDGE, TAKING, Library, Record
from bot.llm import Llm
from bot.models import utcnow
from bot.slack import Slack

log = structlog.get_logger()

LISTED_AT_ONCE = 200
PAGES = 100  # of Slack's list of files; a file beyond them is asked for by itself
KINDS = "public_channel,private_channel,mpim"
HOUR = 3600
NIGHT = 3 * HOUR  # UTC
_files = tables.files.c


def is_due(last: float, now: float, offset: float = 0) -> bool:
    """Whether a night has begun since `last`: it does at 03:00 UTC, and `offset` seconds later. Times are in Unix seconds."""
    day = 24 * HOUR
    begun = (now - NIGHT - offset) // day * day + NIGHT + offset
    return last < begun


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """One comparison. What is to go is marked so; who called erases it."""

    slack: Slack
    llm: Llm
    library: Library
    duties: Duties
    keep_days: int
    left_hours: int

    async def run(self) -> None:
        """Compares everything. Raises where Slack or OpenAI is away: what was found until then stands, and the rest is for the next time."""
        team, began = (await self.slack.identity()).team, time.monotonic()
        old = await self._expired(team)
        places = await self._places()
        left = await self._left(team, places)
        deleted = await self._deleted(team, places)
        strays, missing = await self._strays(team)
        seconds = round(time.monotonic() - began, 1)
        log.info("files compared", old=old, left=left, deleted=deleted, strays=strays, missing=missing, seconds=seconds)

    async def _expired(self, team: str) -> int:
        """Forgets what was shared too long ago; what an admin gave stays until it is removed."""
        if not self.keep_days:
            return 0
        before = utcnow() - timedelta(days=self.keep_days)
        return await self._forget(
            await self.library.rows.where(
                _files.team == team,
                _files.channel != KNOWLEDGE,
                _files.state.not_in((GOING, TAKING)),
                _files.created_at < before,
            )
        )

    async def _places(self) -> set[str]:
        """The channels and groups that the bot is in."""
        return {c["id"] async for c in self.slack.listed("users.conversations", "channels", types=KINDS)}

    async def _left(self, team: str, places: Collection[str]) -> int:
        """Notes the channels that the bot seems to have left; when that is due, Slack is asked about each."""
        channels = {c for c in await self.library.channels(team) if _outside(c, places)}
        return sum([await self.duties.add_new(f"left:{c}", self.left_hours * HOUR) for c in sorted(channels)])

    async def _deleted(self, team: str, places: Collection[str]) -> int:
        """Forgets files that are no more in Slack. Of places that the bot has left it cannot know: their files have a time of their own."""
        rows = await self.library.rows.where(_files.team == team, _files.state.not_in((GOING, TAKING)))
        rows = [r for r in rows if not is_local(r) and not _outside(r.channel, places)]
        if not rows:
            return 0
        listed = await self._listed()
        gone = [f for f in sorted({r.slack_file for r in rows} - listed) if await self.is_gone(f)]
        return await self._forget([r for r in rows if r.slack_file in gone])

    async def _listed(self) -> set[str]:
        """The files that Slack lists for the bot, the newest pages of them."""
        found: set[str] = set()
        for page in range(1, PAGES + 1):
            got = await self.slack.call("files.list", {"count": LISTED_AT_ONCE, "page": page})
            found |= {f["id"] for f in got["files"] if not _is_tombstone(f)}
            if page >= int((got.get("paging") or {}).get("pages", 0)):
                break
        return found

    async def is_gone(self, file: str) -> bool:
        """Whether Slack says that a file was deleted. What it only does not show is not gone."""
        try:
            return _is_tombstone((await self.slack.call("files.info", {"file": file}))["file"])
        except SlackRefused as refusal:
            log.info("file not shown", file=file, error=refusal.error)
            return refusal.error in ("file_deleted", "file_not_found")

    async def _strays(self, team: str) -> tuple[int, int]:
        """Deletes what stands in the vector store for this workspace and in no row, and puts in what is missing there; how many of each.

        A row is there before its entry, so the store is read before the rows; and a row is ready after its entry, so the ready ones are read first.
        """
        store, ready = await self.library.store.known(team), await self.library.rows.attached(team)
        if not store:
            return 0, 0
        try:
            async with self.llm.asking(HOUR) as client:
                listed = client.vector_stores.files.list(store, limit=100)
                ours = [e.id async for e in listed if (e.attributes or {}).get("team") == team]
        except OpenAIRefused as refusal:  # the store is gone: whoever needs it next makes it anew
            log.warning("vector store not read", error=str(refusal))
            return 0, 0
        known = await self.library.rows.known(ours)
        strays, there = [id_ for id_ in ours if id_ not in known], set(ours)
        for id_ in strays:
            await self.library.store.delete(id_)
        return len(strays), await self.library.put_back(team, [r for r in ready if r.search_file not in there])

    async def _forget(self, records: Collection[Record]) -> int:
        for record in records:
            await self.library.forget(record.team, record.channel, record.slack_file)
        return len(records)

    async def has_left(self, channel: str) -> bool:
        """Whether Slack says that the bot is not in a channel."""
        try:
            told: Mapping[str, Any] = (await self.slack.call("conversations.info", {"channel": channel}))["channel"]
        except SlackRefused as refusal:
            if refusal.error == "channel_not_found":  # private, or deleted
                return True
            raise
        return told.get("is_member") is False


def _outside(channel: str, places: Collection[str]) -> bool:
    """Whether the bot is not in a channel; a direct message it cannot leave."""
    return channel != KNOWLEDGE and not channel.startswith("D") and channel not in places


def _is_tombstone(file: Mapping[str, Any]) -> bool:
    return file.get("mode") == "tombstone"
