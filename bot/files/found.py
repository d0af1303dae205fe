"""What OpenAI's own file search has found for one turn: noted as what the conversation knows, and named in the answer's footer."""

from __future__ import annotations

from bot import drawn
from bot.drawn import Drawn
from bot.files.citations import sources
from bot.files.library import PLACE, WORKSPACE, Library
from bot.models import ThreadKey
from bot.responses import Citation, Result

SOURCES = "Sources:"  # how the footer's line begins


class Found:
    """The findings of all rounds of one turn."""

    def __init__(self, library: Library, thread: ThreadKey, known: Drawn) -> None:
        self._library, self._thread, self._drawn = library, thread, known
        self._cited: dict[Citation, None] = {}

    async def took(self, result: Result) -> str:
        """Notes what a response has found, and gives the line for the footer; "" where nothing is cited yet."""
        self._cited |= dict.fromkeys(result.citations)
        files = {p.file for p in result.searched} | {c.file for c in self._cited}
        if not files:
            return ""
        records = await self._library.stored_as(self._thread.team, files)
        known = {drawn.file(f) for f in files}
        for record in records.values():
            if record.visibility == WORKSPACE:
                known.add(drawn.WORKSPACE)
            elif record.visibility == PLACE and record.channel != self._thread.channel:
                known.add(drawn.channel(record.channel))
        await self._drawn.on(*sorted(known))
        return sources(self._cited, records)
