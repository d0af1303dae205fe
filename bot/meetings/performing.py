"""Does what people ask for by `/meet`, and by the buttons and forms of meetings."""

from __future__ import annotations

from typing import Any

from bot.acts import Act
from bot.meetings.scheduling import Scheduling


class Performing:
    """The acts whose names begin with "meet"."""

    def __init__(self, scheduling: Scheduling, redis: Any) -> None:
        """`redis` keeps what Home tabs show."""
        self._scheduling, self._redis = scheduling, redis

    async def perform(self, act: Act) -> None:
        """Does it once, however often it is asked; says to the person what cannot be done. Raises Retryable."""
        raise NotImplementedError  # skeleton
