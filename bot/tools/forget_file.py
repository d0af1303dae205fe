"""Has a file forgotten that was shared with the assistant. In Slack it stays."""

from __future__ import annotations

import asyncio
from typing import Annotated

from pydantic import Field
from sqlalchemy import update

from bot import tables
from bot.admins import is_admin
from bot.errors import AssistError, ToolRefused
from bot.files.library import GOING, KNOWLEDGE, Record, slack_id
from bot.tools.tool import Arguments, Asking, Tool

NOT_HERE = (
    "There is no such file here that could be forgotten. It takes the file's whole name, its Slack id (F…) or its link."
)
SEVERAL = (
    "Several files have that name. Ask for the link of the one that is meant (in Slack: the file's menu, Copy link)."
)
NOT_THEIRS = "Only who shared the file, or an admin of this workspace, can have it forgotten."
ADMIN_SECONDS = 10.0
_files = tables.files.c


class Forget(Arguments):
    """Which file."""

    file: Annotated[
        str, Field(min_length=1, max_length=500, description="Its whole name, its Slack id (F…) or its link.")
    ]


async def _may_be_forgotten(args: Forget, asking: Asking) -> list[Record]:
    """The rows of the file, if it is the asker's to have it forgotten."""
    found = await _meant(args.file, asking)
    if not all(_theirs(record, asking) for record in found) and not await _asked_by_admin(asking):
        raise ToolRefused(NOT_THEIRS)
    return found


async def _forget(args: Forget, asking: Asking) -> dict[str, str]:
    assert asking.transaction
    for record in asking.known:
        mine = (_files.team == record.team) & (_files.channel == record.channel)
        mine &= _files.slack_file == record.slack_file
        await asking.transaction.execute(update(tables.files).where(mine).values(state=GOING))
    # Nothing but what the asker said themselves: the file may be one of another place.
    return {"forgotten": args.file, "when": "within a minute", "note": "In Slack the file is still there."}


async def _meant(wanted: str, asking: Asking) -> list[Record]:
    """The rows of the one file that is meant. Raises ToolRefused with the same words for a file that is not there and one that may not be seen."""
    thread, library = asking.thread, asking.sources.library
    stored = await library.channels(thread.team)
    searchable = await asking.sources.access.searchable(asking.person.id, thread, stored)
    name = wanted.strip().casefold()
    found = await library.find(thread.team, wanted, searchable)
    found = [r for r in found if r.name.casefold() == name or r.slack_file == slack_id(wanted)]
    found = [r for r in found if r.channel == thread.channel] or found
    if not found:
        raise ToolRefused(NOT_HERE)
    if len({r.slack_file for r in found}) > 1:
        raise ToolRefused(SEVERAL)
    return found


def _theirs(record: Record, asking: Asking) -> bool:
    """Whether the asker shared a file, or it is of their own DM."""
    in_dm = asking.thread.is_dm and record.channel == asking.thread.channel
    return record.channel != KNOWLEDGE and (in_dm or record.uploader == asking.person.id)


async def _asked_by_admin(asking: Asking) -> bool:
    try:
        async with asyncio.timeout(ADMIN_SECONDS):
            return await is_admin(asking.sources.library.slack, asking.person.id)
    except (AssistError, TimeoutError):
        raise ToolRefused(
            "Slack does not tell just now whether the asker is an admin. Ask again in a moment."
        ) from None


forget_file = Tool(
    name="forget_file",
    description=(
        "Delete what the assistant keeps of a shared file, when the asker wants it forgotten: nobody finds it through the assistant any more. "
        "The file in Slack stays."
    ),
    arguments=Forget,
    before=_may_be_forgotten,
    run=_forget,
    doing="is forgetting a file…",
    effect=True,
)
