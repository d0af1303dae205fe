"""What a test or the demo may set on the server, and what it may read off."""

import secrets
from typing import Literal

from playground.openai.indexing import Indexing
from playground.openai.limits import MODELS, Model, RateLimits
from playground.openai.script import Script

TIMINGS_KEPT = 10_000
Leaves = Literal["nothing", "input", "call_without_output"]


class Behaviour:
    """Settings of the server; each may be changed while it runs."""

    def __init__(self, *, limits: bool = False) -> None:
        self.api_key = "sk-playground-0123456789abcdef"
        self.models: dict[str, Model] = {model.id: model for model in MODELS}
        self.tokens_per_second: float = 60  # 0: as fast as possible
        self.first_token: float = 0.2  # seconds
        self.context_window = 922_000  # tokens of input
        self.script: Script | None = None
        self.background_in_conversations = True  # undocumented: each is to be lived with
        # What a conversation holds after a response that did not end: undocumented, so each is to be lived with.
        self.interrupted_leaves: Leaves = "nothing"
        # Whether a conversation that holds a file which has been deleted since can still be answered: undocumented too.
        self.deleted_files_break_conversations = True
        self.indexing = Indexing()
        self.limits = limits
        self.rate_limit_requests = 5_000
        self.rate_limit_tokens = 2_000_000
        self.rate_limits = RateLimits(self.rate_limit_requests, self.rate_limit_tokens)
        self.credit: float | None = None  # dollars left; None: no end of them
        self.timings: dict[str, tuple[float, float]] = {}  # response id → first and last token, time.monotonic()

    def take(self, model: str, tokens: int) -> None:
        """Spend one request and its tokens from the minute's budgets; raises 429."""
        if self.limits:
            self._current_limits().take(model, tokens)

    def pay(self, dollars: float) -> None:
        """Take money off the credit."""
        if self.credit is not None:
            self.credit = max(0.0, self.credit - dollars)

    def headers(self, model: str | None) -> dict[str, str]:
        """The headers of every answer; rate limits where the request names a model."""
        headers = {
            "x-request-id": f"req_{secrets.token_hex(16)}",
            "openai-version": "2020-10-01",
            "openai-organization": "org-playground",
        }
        return headers | self._current_limits().headers(model if model in self.models else "gpt-6.2-sol")

    def token_at(self, response_id: str, at: float) -> None:
        """Note when a token of a response was sent."""
        first = self.timings.get(response_id, (at, at))[0]
        self.timings[response_id] = first, at
        if len(self.timings) > TIMINGS_KEPT:
            del self.timings[next(iter(self.timings))]

    def _current_limits(self) -> RateLimits:
        self.rate_limits.requests, self.rate_limits.tokens = self.rate_limit_requests, self.rate_limit_tokens
        return self.rate_limits
