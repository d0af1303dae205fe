"""Slack's history as the model reads it: names instead of ids, times in the asker's zone, a link for each message."""

from __future__ import annotations

from dataclasses import dataclass

from bot.models import ThreadKey


@dataclass(frozen=True, slots=True)
class Around:
    """What a thread held before the bot was asked something in it: how many messages, and who wrote them."""

    messages: int
    people: tuple[str, ...]


class Reading:
    """Reads threads and channels, a page at a time. Who may read what has been decided before (bot/access.py)."""

    async def about(self, thread: ThreadKey, before: str) -> Around | None:
        """What stands in a thread before the message with the ts `before`; None for nothing."""
        raise NotImplementedError
