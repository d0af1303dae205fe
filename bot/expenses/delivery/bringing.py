"""Brings one row of `outgoing` to Slack: a card as it is true now, a word, a file. Each once, also when the bot is killed while it does.

A message carries the row's id as metadata, and `posting` is noted before it is posted: who finds that noted and no ts looks for the message first.
A file's id at Slack is noted before it is shared: who finds one asks Slack whether it is shared.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot import tables
from bot.blocks import MOST_BLOCKS, SECTION, section
from bot.errors import (
    ContentRefused,
    EditsClosed,
    ExpenseRefused,
    FileRefused,
    MessageGone,
    PlaceClosed,
    Retryable,
    SlackRefused,
)
from bot.expenses.books.books import Books, Original, Whole
from bot.expenses.delivery.claims import Claim, Claims, Outgoing
from bot.expenses.delivery.outgoing import CARD, FILE
from bot.expenses.face.cards import Card, expense_card, report_card
from bot.expenses.office import Office
from bot.expenses.papers import documents
from bot.expenses.papers.documents import Content
from bot.expenses.values import By, Expense
from bot.files.made import is_shared
from bot.files.upload import AWAY, upload
from bot.models import DM_ROOT, ThreadKey
from bot.pace import POST

log = structlog.get_logger()

EDIT = "chat.update"
PATIENCE = 10.0  # seconds for which answers go first, where Slack's limits leave room for one of the two
ROOM_SECONDS = 0.5
SLOW_CLOCK = 60.0  # seconds by which Slack's clock may be behind ours
FILES_AT_ONCE = 2  # that are made: their receipts are in memory
MOST_BYTES = 60_000_000  # of a report's receipts; what is beyond that, its PDF names
DMS_KEPT = 10_000
SHORT = 3_000  # characters of the text that notifications show


class Bringing:
    """Brings rows of one workspace."""

    def __init__(self, office: Office, claims: Claims) -> None:
        self._office, self._slack, self.claims = office, office.slack, claims
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
            else:
                await self.say(claim, claim.row.body)

    async def say(self, claim: Claim, text: str) -> None:
        """Says something, once. `text` is mrkdwn."""
        channel, ts = await self._place(claim.row)
        if not ts:
            ts = await self._post(claim, channel, words(text))
        await claim.done(channel=channel, ts=ts)

    # -- cards ------------------------------------------------------------------------------------------------------------------

    async def _card(self, claim: Claim) -> None:
        row = claim.row
        card = await self._rendered(row)
        channel, ts = await self._place(row) if card or row.ts or row.posting else ("", "")
        if card is None and not ts:  # nobody has seen it
            await claim.done()
            return
        card = card or words(f"{row.subject} is no longer with you.")
        try:
            ts = await self._show(claim, channel, ts, card)
        except ContentRefused as refused:
            log.error("card refused by Slack", outgoing=row.id, subject=row.subject, error=str(refused))
            ts = await self._show(claim, channel, ts, _plain(card))
        await claim.done(channel=channel, ts=ts)

    async def _rendered(self, row: Outgoing) -> Card | None:
        """The card as it is true now; None where its reader may not see it (any more)."""
        by, office = By(row.team, row.person), self._office
        try:
            async with office.database.read() as tx:
                if row.subject.startswith("E-"):
                    expense = await office.books.expense(tx, by, row.number)
                    inside = (await office.books.report(tx, by, expense.report)).report if expense.report else None
                    return expense_card(expense, office.policy, office.home, inside)
                whole = await office.books.report(tx, by, row.number)
        except ExpenseRefused:
            return None
        names, finance = await self._names(whole), row.person in office.finance
        return report_card(whole, office.policy, row.person, names, finance=finance)

    async def _names(self, whole: Whole) -> dict[str, str]:
        report = whole.report
        people = {report.owner, report.decided_by, *report.approvers} - {""}
        return {user: (await self._slack.person(user)).name for user in sorted(people)}

    # -- messages ---------------------------------------------------------------------------------------------------------------

    async def _place(self, row: Outgoing) -> tuple[str, str]:
        """The person's DM, and where in it the row's message stands; "" for nowhere."""
        channel = row.channel or await self._dm(row.person)
        if row.ts or not row.posting:
            return channel, row.ts
        oldest = f"{row.created_at.timestamp() - SLOW_CLOCK:.6f}"
        said = self._slack.history(ThreadKey(row.team, channel, DM_ROOT), oldest=oldest)
        posted = [message.ts async for message in said if message.own and message.turn == _mark(row)]
        return channel, posted[0] if posted else ""

    async def _dm(self, person: str) -> str:
        """The channel of somebody's direct messages, which stays the same."""
        if person not in self._dms:
            channel = await self._slack.open_dm(person)
            while len(self._dms) >= DMS_KEPT:
                del self._dms[next(iter(self._dms))]
            self._dms[person] = channel
        return self._dms[person]

    async def _show(self, claim: Claim, channel: str, ts: str, card: Card) -> str:
        """Makes the message at `ts` say so, or a new one where there is none; its ts."""
        if ts:
            try:
                await self._room(EDIT)
                await claim.hold()
                await self._slack.update(channel, ts, card.blocks, card.text)
                return ts
            except (MessageGone, EditsClosed):
                log.info("card posted anew", outgoing=claim.row.id, subject=claim.row.subject)
        return await self._post(claim, channel, card)

    async def _post(self, claim: Claim, channel: str, card: Card) -> str:
        await self._room(POST, channel)
        await claim.note(channel=channel, ts="", posting=True)
        return await self._slack.post(channel, None, card.blocks, card.text, metadata=(_mark(claim.row), 0))

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
                await claim.note(slack_file=slack_file)
        except ExpenseRefused:  # they may not see it any more
            await claim.done()
            return
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
        """Has Slack show the file below its report's card."""
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
        """Makes the file as the report is now, and gives it to Slack, where nobody sees it yet. Raises ExpenseRefused, FileRefused."""
        async with self._making:
            content = await self._content(row)
            async with _folder(self._office.folder) as folder:
                path = await documents.make(row.body, content, folder)
                size = (await asyncio.to_thread(path.stat)).st_size
                return await upload(self._slack, path, path.name, size)

    async def _content(self, row: Outgoing) -> Content:
        office, by = self._office, By(row.team, row.person)
        async with office.database.read() as tx:
            whole = await office.books.report(tx, by, row.number)
            originals = await receipts_of(office.books, tx, by, whole.expenses) if row.body == "pdf" else {}
        return Content(whole=whole, policy=office.policy, names=await self._names(whole), originals=originals)


async def receipts_of(books: Books, tx: AsyncConnection, by: By, expenses: Sequence[Expense]) -> dict[int, Original]:
    """The receipts of these expenses by their numbers, as many as fit into memory. Several expenses may share one."""
    rows = tables.receipts.c
    query = select(rows.sha256, rows.size).where(rows.team == by.team, rows.sha256.in_({e.receipt for e in expenses}))
    sizes: dict[str, int] = {row.sha256: row.size for row in await tx.execute(query)}
    left, there = MOST_BYTES, dict[str, Original]()
    for expense in expenses:
        size = sizes.get(expense.receipt, MOST_BYTES + 1)
        if expense.receipt not in there and size <= left:
            original = await books.original(tx, by, expense.number)
            if original:
                there[expense.receipt], left = original, left - size
    return {e.number: there[e.receipt] for e in expenses if e.receipt in there}


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
    """A folder of its own while a file is made."""
    await asyncio.to_thread(inside.mkdir, parents=True, exist_ok=True)
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="report-", dir=inside))
    try:
        yield folder
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
