"""Slack's history as the model reads it: names instead of ids, times in the asker's zone, a link for each message."""

from __future__ import annotations

from bot.reading.history import Around, Reading, Span
from bot.reading.messages import Post

__all__ = ["Around", "Post", "Reading", "Span"]
