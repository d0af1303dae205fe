"""The files of one turn: taken in side by side before the model is asked, each put to it in its own way, each failure said in words."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable

import structlog

from bot.drawn import Drawn, file
from bot.errors import AssistError, Retryable, UserFacing
from bot.files.library import GOING, READY, REFUSED, Library, Record
from bot.items import Attached, image
from bot.models import Item, SharedFile, ThreadKey
from bot.mrkdwn import escaped

log = structlog.get_logger()

TAKE_SECONDS = 150.0  # for all files of a turn; what is not ready then is for a later one
LATE_SECONDS = 20.0  # for those that were waited for in an earlier turn
WORDS = 20_000  # characters of a transcript in the question; the rest can be read with read_file
NAME = 60  # characters of a name in a footer
LATE = "is still being indexed; ask again in a moment"
FORGOTTEN = "it was deleted, or is being forgotten"
PAGES_BYTES = 48_000_000  # of all files whose pages the model looks at; OpenAI takes 50 MB a request
TOO_MANY_PAGES = "its pages are too much to look at beside those of the other files; share it again by itself"
PAUSES = 1.0, 3.0  # seconds before a file is tried again, unless the other side names a time
LONGEST_PAUSE = 30.0


class Attachments:
    """Takes a turn's files in, and tells of them: to people by `status` and `note`, to the model by what `take` returns."""

    def __init__(
        self,
        library: Library,
        thread: ThreadKey,
        status: Callable[[str], Awaitable[None]],
        note: Callable[[str, str], None],
    ) -> None:
        self.heard = 0.0  # seconds of sound that OpenAI was paid for
        self._library, self._thread, self._status, self._note = library, thread, status, note

    async def take(self, shared: Iterable[SharedFile], late: Iterable[SharedFile], drawn: Drawn) -> dict[str, Attached]:
        """How each file is put to the model, by Slack's id. Never fails because of one file. `late` are those of earlier turns that were not indexed in time, or whose answer was stopped."""
        new = {f.id: f for f in shared}
        wanted = {f.id: f for f in late} | new
        if not wanted:
            return {}
        names = [f.name for f in new.values()]
        if names:
            await self._status(f"is indexing {names[0]}…" if len(names) == 1 else f"is indexing {len(names)} files…")
        taking = (self._one(f, TAKE_SECONDS if f.id in new else LATE_SECONDS) for f in wanted.values())
        records = dict(zip(wanted, await asyncio.gather(*taking), strict=True))
        self.heard = sum(r.heard for r in records.values() if isinstance(r, Record))
        known = {id_ for r in records.values() if isinstance(r, Record) for id_ in (r.search_file, r.given_file) if id_}
        await drawn.on(*(file(id_) for id_ in sorted(known)))
        attached, shown = dict[str, Attached](), 0
        for id_, record in records.items():
            shown += record.size if isinstance(record, Record) and _is_shown_whole(record) else 0
            fits = shown <= PAGES_BYTES or not isinstance(record, Record) or not _is_shown_whole(record)
            attached[id_] = self._attached(wanted[id_], record if fits else TOO_MANY_PAGES)
        return attached

    async def _one(self, shared: SharedFile, seconds: float) -> Record | str:
        """The file as the library has it, or why it has it not."""
        try:
            async with asyncio.timeout(seconds):
                return await self._patiently(shared)
        except TimeoutError:
            return LATE
        except UserFacing as error:
            return error.text
        except Retryable as error:
            log.warning("file not taken", file=shared.id, thread=str(self._thread), reason=str(error))
            return f"{error.said or 'Something that I need did not answer.'} Share it again, or ask again later"
        except AssistError as error:
            log.warning("file not taken", file=shared.id, thread=str(self._thread), reason=type(error).__name__)
            return "could not be read"
        except OSError as error:
            log.warning("file not taken", file=shared.id, thread=str(self._thread), reason=error.strerror)
            return "I have no room to store files. Ask again later"

    async def _patiently(self, shared: SharedFile) -> Record:
        """What passes in a moment, such as a limit that many files reach together, is no reason to do without a file."""
        for pause in PAUSES:
            try:
                return await self._library.take(shared, self._thread)
            except Retryable as error:
                if (error.after or 0) > LONGEST_PAUSE:
                    raise
                log.info("file tried again", file=shared.id, thread=str(self._thread), reason=str(error))
                await asyncio.sleep(max(pause, error.after or 0) * random.uniform(1, 1.5))  # noqa: S311  # spreads retries; guards nothing
        return await self._library.take(shared, self._thread)

    def _attached(self, shared: SharedFile, record: Record | str) -> Attached:
        if isinstance(record, str) or record.state != READY:
            name = shared.name if isinstance(record, str) else record.name
            name = "a file" if name == shared.id else name  # Slack told no name
            why = record if isinstance(record, str) else _why(record)
            skipped = f"Skipped {escaped(name[:NAME])}:"
            self._note(f"{skipped} {why.rstrip('.')}.", skipped)
            return Attached(f"{name} — you cannot read it: {why}")
        if record.note:
            partly = f"Of {escaped(record.name[:NAME])}"
            self._note(f"{partly} {record.note}.", partly)
        note = f" ({record.note})" if record.note else ""
        return Attached(f"{record.name} — {_how(record)}{note}", _part(record))


def _is_shown_whole(record: Record) -> bool:
    return record.kind == "scan" and record.state == READY


def _why(record: Record) -> str:
    """Why a file that was looked at cannot be used (yet)."""
    if record.state == REFUSED:
        return record.reason
    return FORGOTTEN if record.state == GOING else LATE


def _how(record: Record) -> str:
    match record.kind:
        case "image":
            return "an image, shown here"
        case "scan":
            return "a PDF without text; its pages are shown here"
        case "table":
            return "a table: file_search finds its rows, and your Python has it in /mnt/data for sums and charts"
        case "sound" if len(record.words) <= WORDS:
            return f"a recording; what is said in it:\n{record.words}"
        case "sound":
            return f"a recording; what is said in it begins:\n{record.words[:WORDS]}\nread_file has the rest"
    return "file_search finds passages in it, read_file reads it whole"


def _part(record: Record) -> Item | None:
    match record.kind:
        case "image":
            return image(record.given_file)
        case "scan":
            return {"type": "input_file", "file_id": record.given_file}
    return None
