"""The files that can be searched from here."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from bot import drawn
from bot.files.library import KNOWLEDGE, READY, REFUSED, WORKSPACE, Record
from bot.tools.tool import Arguments, Asking, Tool

MOST = 30


class ListFiles(Arguments):
    """Which ones."""

    name: Annotated[str | None, Field(description="A part of the name; null for all files.")]


async def _list_files(args: ListFiles, asking: Asking) -> dict[str, Any]:
    thread, library = asking.thread, asking.sources.library
    there = await library.channels(thread.team)
    searchable = await asking.sources.access.searchable(asking.person.id, thread, there)
    found = await library.listed(thread.team, searchable, (args.name or "").strip())
    shown = found[:MOST]
    await asking.sources.drawn.on(*sorted({s for r in shown for s in places(r, asking)}))
    return {"files": [await _told(r, asking) for r in shown], "more": len(found) - len(shown)}


def places(record: Record, asking: Asking) -> list[str]:
    """The source that a file's place is for a conversation that stands elsewhere."""
    if record.channel == asking.thread.channel:
        return []
    if record.channel != KNOWLEDGE:
        return [drawn.channel(record.channel)]
    return [drawn.WORKSPACE] if record.visibility == WORKSPACE else []


async def _told(record: Record, asking: Asking) -> dict[str, str]:
    told = {"name": record.name, "id": record.slack_file, "kind": record.kind, "link": record.link}
    told["shared"] = record.created_at.astimezone(asking.person.zone).strftime("%Y-%m-%d %H:%M")
    if record.channel == KNOWLEDGE:
        told["by"] = "given to the assistant by an admin"
    elif record.uploader:
        told["by"] = (await asking.sources.library.slack.person(record.uploader)).name
    if record.state == REFUSED:
        told["cannot be read"] = record.reason
    elif record.state != READY:
        told["state"] = "is still being indexed"
    return {k: v for k, v in told.items() if v}


list_files = Tool(
    name="list_files",
    description="The files that can be searched and read from here: name, kind, when and by whom shared, link. Newest first.",
    arguments=ListFiles,
    run=_list_files,
    doing="is looking through the files…",
)
