"""Slack's history as the model reads it: names instead of ids, times in the asker's zone, a link for each message."""

from __future__ import annotations


class Reading:
    """Reads threads and channels, a page at a time. Who may read what has been decided before (bot/access.py)."""
