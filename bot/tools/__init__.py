"""What the model may call. One thin file a tool; the list below is all there is."""

from __future__ import annotations

from bot.tools import clock, notes
from bot.tools.tool import Asking, Tool

TOOLS: tuple[Tool, ...] = (clock.current_time, notes.remember, notes.recall)

__all__ = ["TOOLS", "Asking", "Tool"]
