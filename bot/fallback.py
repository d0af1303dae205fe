"""Which model answers: the first one, or the fallback while the first rests. Pure but for the clock, and this process' own.

A model that is overloaded rests for a minute, one that OpenAI no longer offers for an hour; so not every turn tries it first.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from bot.errors import ModelGone, Overloaded, RateLimited

OVERLOADED_SECONDS = 60.0
GONE_SECONDS = 3600.0
PATIENT_TRIES = 1  # an overload may pass: only a turn that has met one before goes to the fallback


class Fallback:
    """The models that answer, in the order in which they are asked. A fallback that equals the first model is none."""

    def __init__(self, model: str, fallback: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.model, self.fallback = model, fallback
        self._clock = clock
        self._rests: dict[str, tuple[float, str]] = {}  # model → until when, and why; at most two

    def now(self) -> str:
        """The model to ask. When both rest it is the one that will be back first."""
        if not self._resting(self.model):
            return self.model
        return min(self.model, self.fallback, key=self._until)

    def helps(self, asked: str, error: ModelGone | Overloaded | RateLimited, tries: int) -> bool:
        """Notes that a model did not answer a turn that has been tried `tries` times before. True: another one is to be asked now."""
        if isinstance(error, ModelGone):
            self._rests[asked] = self._clock() + GONE_SECONDS, "is not offered (any more)"
        elif tries >= PATIENT_TRIES:
            self._rests[asked] = self._clock() + OVERLOADED_SECONDS, "is overloaded"
        else:
            return False
        other = self.now()
        return other != asked and not self._resting(other)

    def footnote(self, answered: str) -> str:
        """What people are told of an answer by a model that is not the first; empty for the first. OpenAI may put a date behind a model's name."""
        names = sorted((self.model, self.fallback), key=len, reverse=True)
        if next((n for n in names if answered.startswith(n)), self.model) == self.model:
            return ""
        _, why = self._rests.get(self.model, (0.0, "did not answer"))
        return f"Answered by {self.fallback}: {self.model} {why}."

    def _resting(self, model: str) -> bool:
        return self._until(model) > self._clock()

    def _until(self, model: str) -> float:
        return self._rests.get(model, (0.0, ""))[0]
