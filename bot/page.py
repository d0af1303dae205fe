"""A growing text as a list of Slack messages; what is finished is rendered once and kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bot import markdown

NOTHING = "…"  # stands where there is nothing to show yet
Content = tuple[list[dict[str, Any]], str]  # blocks, and the words beside them


class Page:
    """The messages of one answer. `names` maps user ids to the names that stand in for mentions."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names
        self._level = markdown.FULL
        self._fed = self._tail = ""  # the text so far; what of it is in no finished message
        self._finished: list[Content] = []

    def render(
        self, text: str, level: markdown.Limits, *, final: bool, settle: Callable[[str], str] = markdown.settle
    ) -> list[Content]:
        """The messages that show the whole text so far. Only what follows the last finished message is looked at again.

        `settle` holds back what is not finished; `final` text is shown to its end.
        """
        if level is not self._level or not text.startswith(self._fed):
            self._level, self._fed, self._tail, self._finished = level, "", "", []
        self._tail += text[len(self._fed) :]
        self._fed = text
        while peeled := markdown.peel(self._tail, level):
            finished, self._tail = peeled
            self._finished.append(self._content(finished))
        tail = self._tail if final else settle(self._tail)
        if tail.strip():
            return [*self._finished, self._content(tail)]
        return list(self._finished) or [self._content(NOTHING)]

    def _content(self, text: str) -> Content:
        safe = markdown.disarm(text, self._names)
        return markdown.blocks(safe, self._level), markdown.fallback(safe)
