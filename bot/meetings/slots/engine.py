"""Finds slots: busy times in UTC against working hours in each person's zone, on a grid of 15 minutes, ranked and diverse."""

from __future__ import annotations

from bot.meetings.slots.explaining import explain
from bot.meetings.slots.finding import check, find, is_busy, starts
from bot.meetings.slots.recurring import occurrences
from bot.meetings.slots.search import Diary, Found, Search

__all__ = ["Diary", "Found", "Search", "check", "explain", "find", "is_busy", "occurrences", "starts"]
