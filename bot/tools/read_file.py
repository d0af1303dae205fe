"""The text of one file, page by page. What may be read is decided in code, whatever the model was told to want."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from bot import drawn
from bot.errors import FileRefused, ToolRefused
from bot.files.library import READY, REFUSED, Record, slack_id
from bot.models import SharedFile, ThreadKey
from bot.mrkdwn import escaped
from bot.tools.list_files import places
from bot.tools.tool import Arguments, Asking, Tool

PAGE = 12_000  # characters
OTHERS = 6  # files of that name that are told of
# The same for a file that is not there and one that the asker, or somebody who reads along, may not see.
NO_FILE = "There is no such file that can be read here. list_files tells which there are; a file can also be shared here again."


class ReadFile(Arguments):
    """Which file, and from where on."""

    file: Annotated[str, Field(min_length=1, max_length=500, description="Its name, its Slack id (F…) or its link.")]
    from_character: Annotated[
        int | None, Field(ge=0, description="Where to go on, from `next`; null for the beginning.")
    ]


async def _read_file(args: ReadFile, asking: Asking) -> dict[str, Any]:
    library = asking.sources.library
    found = await _found(args.file, asking)
    record, others = found[0], found[1:OTHERS]
    # Before anything is told, also a name or a reason.
    sources = {s for r in (record, *others) for s in places(r, asking)} | {drawn.file(f) for f in record.openai_files}
    await asking.sources.drawn.on(*sorted(sources))
    if record.state == REFUSED:
        raise ToolRefused(f"{record.name} cannot be read: {record.reason}.")
    if record.state != READY:
        raise ToolRefused(f"{record.name} is still being indexed; it can be read in a moment.")
    if not record.search_file:
        raise ToolRefused(
            f"{record.name} has no text ({record.kind}): it is seen only in the thread where it was shared."
        )
    text = await library.text(record)
    if not text:
        raise ToolRefused(f"The text of {record.name} cannot be had right now; file_search may still find in it.")
    start = args.from_character or 0
    end = min(len(text), start + PAGE)
    if start >= len(text):
        raise ToolRefused(f"{record.name} has only {len(text)} characters.")
    name = escaped(record.name)
    so_far = "" if end == len(text) else f" up to character {end:,} of {len(text):,}"
    asking.sources.note(f"Read {name}{so_far}.", f"Read {name}")
    told: dict[str, Any] = {"file": record.name, "link": record.link, "characters": len(text)}
    told |= {"from_character": start, "next": end if end < len(text) else None, "text": text[start:end]}
    if others:
        ids = ", ".join(r.slack_file for r in others)
        told["hint"] = f"{len(found)} files fit; this is the newest. Ids of others: {ids}"
    return told


async def _found(wanted: str, asking: Asking) -> list[Record]:
    """The files that are meant, the newest first. Raises ToolRefused."""
    thread, library, access = asking.thread, asking.sources.library, asking.sources.access
    searchable = await access.searchable(asking.person.id, thread, await library.channels(thread.team))
    found = await library.find(thread.team, wanted, searchable)
    if found:
        return found
    if not (id_ := slack_id(wanted)):
        raise ToolRefused(NO_FILE)
    try:
        file = await library.look(id_)
    except FileRefused:
        raise ToolRefused(NO_FILE) from None
    for channel in file.channels:
        try:
            place = await access.place(channel, asking.person.id, thread)
        except ToolRefused:
            continue
        root = thread.root if place.id == thread.channel else ""
        return [await library.take(SharedFile(file.id, file.name), ThreadKey(thread.team, place.id, root))]
    raise ToolRefused(NO_FILE)


read_file = Tool(
    name="read_file",
    description=(
        "Reads a file's text from the beginning, or from `from_character` on. For a question about a detail file_search is quicker."
    ),
    arguments=ReadFile,
    run=_read_file,
    doing="is reading a file…",
    seconds=120.0,
)
