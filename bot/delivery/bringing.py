"""Brings one row of `outgoing` to Slack: a card as it is true now, a word, a file. Each once, also when the bot is killed while it does.

A message carries the row's id as metadata, and `posting` is noted before it is posted: who finds that noted and no ts looks for the message first.
A file's id at Slack is noted before it is shared: who finds one asks Slack whether it is shared. What goes elsewhere is its bearer's to repeat.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import shutil
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import structlog

from bot.blocks import MOST_BLOCKS, SECTION, Card, section
from bot.delivery.claims import Claim, Claims, Outgoing
from bot.delivery.outgoing import CARD, FILE
from bot.delivery.subjects import Bearer, Subjects
from bot.errors import (
    ContentRefused,
    EditsClosed,
    FileRefused,
    MessageGone,
    PlaceClosed,
    Retryable,
    SlackRefused,
)
from bot.files.made import is_shared
from bot.files.upload import AWAY, upload
from bot.models import DM_ROOT, ThreadKey
from bot.pace import POST
from bot.slack import Slack

log = structlog.get_logger()

EDIT = "chat.update"
PATIENCE = 10.0  # seconds for which answers go first, where Slack's limits leave room for one of the two
ROOM_SECONDS = 0.5
SLOW_CLOCK = 60.0  # seconds by which Slack's clock may be behind ours
FILES_AT_ONCE = 2  # that are made: what they are made of is in memory
DMS_KEPT = 10_000
SHORT = 3_000  # characters of the text that notifications show


class Bringing:
    """Brings rows of one workspace."""

    def __init__(
        self,
        slack: Slack,
        claims: Claims,
        subjects: Mapping[str, Subjects],
        bearers: Mapping[str, Bearer],
        folder: Path,
    ) -> None:
        """`subjects` by the letter that their names begin with, `bearers` by their kinds of rows; `folder` is for files while they are made."""
        self._slack, self._subjects, self._bearers, self.claims = slack, subjects, bearers, claims
        self._inside = folder
        self._making = asyncio.Semaphore(FILES_AT_ONCE)
        self._dms: dict[
            str, str
        ] = {}  # by person: opened for each thing that is brought, they would be the limit that all wait for

    async def bring(self, claim: Claim) -> None:
        """Brings it, or finds that there is nothing to bring (any more). Raises LeaseLost, and what Slack or the database say."""
        async with claim.kept():
            if claim.row.kind == CARD:
                await self._card(claim)
            elif claim.row.kind == FILE:
                await self._file(claim)
            elif claim.row.kind in self._bearers:
                await self._bearers[claim.row.kind](claim.row)
                await claim.done()
            else:
                await self.say(claim, claim.row.body)

    async def say(self, claim: Claim, text: str) -> None:
        """Says something, once. `text` is mrkdwn."""
        place, ts = await self._place(claim.row)
        if not ts:
            ts = await self._post(claim, place, words(text))
        await claim.done(channel=place.channel, ts=ts)

    # -- cards ------------------------------------------------------------------------------------------------------------------

    async def _card(self, claim: Claim) -> None:
        row = claim.row
        card = await self._subjects[row.subject[:1]].card(row)
        if card is None and not (row.ts or row.posting):
            await claim.done()
            return
        place, ts = await self._place(row)
        if card is None and not ts:  # nobody has seen it
            await claim.done()
            return
        card = card or words(f"{row.subject} is no longer with you.")
        try:
            ts = await self._show(claim, place, ts, card)
        except PlaceClosed:
            if row.key:
                await self._subjects[row.subject[:1]].closed(row)
            raise
        except ContentRefused as refused:
            log.error("card refused by Slack", outgoing=row.id, subject=row.subject, error=str(refused))
            ts = await self._show(claim, place, ts, _plain(card))
        await claim.done(channel=place.channel, ts=ts)

    # -- messages ---------------------------------------------------------------------------------------------------------------

    async def _place(self, row: Outgoing) -> tuple[ThreadKey, str]:
        """The person's DM, or the thread, and where in it the row's message stands; "" for nowhere."""
        in_thread = bool(row.key) and row.kind == CARD
        channel = row.channel or (row.person if in_thread else await self._dm(row.person))
        place = ThreadKey(row.team, channel, row.key if in_thread else DM_ROOT)
        if row.ts or not row.posting:
            return place, row.ts
        oldest = f"{row.created_at.timestamp() - SLOW_CLOCK:.6f}"
        said = self._slack.history(place, oldest=oldest)
        posted = [message.ts async for message in said if message.own and message.turn == _mark(row)]
        return place, posted[0] if posted else ""

    async def _dm(self, person: str) -> str:
        """The channel of somebody's direct messages, which stays the same."""
        if person not in self._dms:
            channel = await self._slack.open_dm(person)
            while len(self._dms) >= DMS_KEPT:
                del self._dms[next(iter(self._dms))]
            self._dms[person] = channel
        return self._dms[person]

    async def _show(self, claim: Claim, place: ThreadKey, ts: str, card: Card) -> str:
        """Makes the message at `ts` say so, or a new one where there is none; its ts."""
        if ts:
            try:
                await self._room(EDIT)
                await claim.hold()
                await self._slack.update(place.channel, ts, card.blocks, card.text)
                return ts
            except (MessageGone, EditsClosed):
                log.info("card posted anew", outgoing=claim.row.id, subject=claim.row.subject)
        return await self._post(claim, place, card)

    async def _post(self, claim: Claim, place: ThreadKey, card: Card) -> str:
        await self._room(POST, place.channel)
        await claim.note(channel=place.channel, ts="", posting=True)
        mark = (_mark(claim.row), 0)
        return await self._slack.post(place.channel, place.thread_ts, card.blocks, card.text, metadata=mark)

    async def _room(self, method: str, channel: str = "") -> None:
        """Waits for room in Slack's limits, behind the answers that are being written; but not for ever."""
        give_up = time.monotonic() + PATIENCE
        while not await self._slack.pace.spare(method, channel):
            if time.monotonic() > give_up:
                await self._slack.pace.take(method, channel)
                return
            await asyncio.sleep(ROOM_SECONDS)

    # -- files ------------------------------------------------------------------------------------------------------------------

    async def _file(self, claim: Claim) -> None:
        row, slack_file = claim.row, claim.row.slack_file
        try:
            if not slack_file:
                slack_file = await self._uploaded(row)
                if not slack_file:
                    await claim.done()
                    return
                await claim.note(slack_file=slack_file)
        except FileRefused as refused:
            if str(refused) == AWAY:
                raise Retryable("upload") from refused
            await self.say(claim, f"I could not give you {row.subject} as {row.body.upper()}: {refused}.")
            return
        channel = row.channel or await self._dm(row.person)
        if not row.slack_file or not await is_shared(self._slack, slack_file, channel):
            await self._share(claim, slack_file, channel)
        await claim.done(channel=channel)

    async def _share(self, claim: Claim, slack_file: str, channel: str) -> None:
        """Has Slack show the file below its subject's card."""
        args: dict[str, Any] = {"files": [{"id": slack_file}], "channel_id": channel}
        card = await self.claims.card_ts(claim.row)
        await self._room(POST, channel)
        for place in ({"thread_ts": card}, {}) if card else ({},):
            await claim.hold()
            try:
                await self._slack.call("files.completeUploadExternal", {**args, **place})
                return
            except PlaceClosed:
                if not place:
                    raise  # else the card is gone: it goes where all can see it
            except SlackRefused:
                await claim.note(slack_file="")  # Slack has lost it, say: the next try gives it a new one
                raise

    async def _uploaded(self, row: Outgoing) -> str:
        """Makes the file of what is true now, and gives it to Slack, where nobody sees it yet; "" where it is not theirs to have. Raises FileRefused."""
        async with self._making, _folder(self._inside) as folder:
            path = await self._subjects[row.subject[:1]].file(row, folder)
            if path is None:
                return ""
            size = (await asyncio.to_thread(path.stat)).st_size
            return await upload(self._slack, path, path.name, size)


def words(text: str) -> Card:
    """A message of words, in mrkdwn: cut at the ends of lines where it is longer than one of Slack's sections."""
    parts = re.findall(rf"(?s).{{1,{SECTION}}}(?:\n|\Z)|.{{1,{SECTION}}}", text)
    said = [part.strip("\n") for part in parts]
    blocks = tuple(section(part) for part in said if part.strip())[:MOST_BLOCKS]
    return Card(blocks, text[:SHORT])


def _plain(card: Card) -> Card:
    """What is left of a card that Slack did not take."""
    text = card.text[:SHORT]
    return Card(({"type": "section", "text": {"type": "plain_text", "text": text}},), text)


def _mark(row: Outgoing) -> str:
    return f"outgoing-{row.id}"


@asynccontextmanager
async def _folder(inside: Path) -> AsyncIterator[Path]:
    """A folder of its own while a file is made; for nobody else's eyes."""
    folder = inside / f"made-{secrets.token_hex(8)}"
    making = asyncio.create_task(asyncio.to_thread(folder.mkdir, mode=0o700, parents=True))
    try:
        await asyncio.shield(making)
        yield folder
    finally:
        await asyncio.wait([making])  # who is cut off just then leaves none either
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
