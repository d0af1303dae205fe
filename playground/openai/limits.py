"""What a request may cost: the models and their prices, token counts, the minute's budgets, the money left."""

import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from playground.openai.errors import ApiError

CHARACTERS_PER_TOKEN = 4  # the one definition of a token here: good enough for budgets, the same everywhere
MESSAGE_TOKENS = 4  # what the framing of an item (role, separators) adds
IMAGE_TOKENS = 800  # an image, whatever its size
FILE_TOKENS = 50  # a file's frame; its text is counted by itself
CACHE_MINIMUM, CACHE_STEP = 1024, 128  # OpenAI caches prefixes from 1,024 tokens on, in steps of 128


@dataclass(frozen=True)
class Model:
    """A model as `GET /v1/models` shows it, with its prices in dollars for a million tokens."""

    id: str
    input: float = 0.0
    cached: float = 0.0
    output: float = 0.0
    small: bool = False
    reasoning: bool = True
    hears: bool = False
    shutdown_date: str | None = None
    created: int = 1_790_000_000

    def shown(self) -> dict[str, Any]:
        """The model object of the API."""
        shown = {"id": self.id, "object": "model", "created": self.created, "owned_by": "system"}
        return shown | {"shutdown_date": self.shutdown_date}


MODELS = (
    Model("gpt-6.2-sol", 2.0, 0.10, 10.0),
    Model("gpt-6-luna", 0.10, 0.01, 0.50, small=True),
    Model("gpt-6.2-astra", 8.0, 0.40, 40.0),
    Model("gpt-transcribe", reasoning=False, hears=True),
    Model("gpt-5", 1.25, 0.125, 10.0, shutdown_date="2026-12-11"),
    Model("gpt-4.1", 2.0, 0.50, 8.0, reasoning=False, shutdown_date="2027-01-14"),
    Model("gpt-4o", 2.5, 1.25, 10.0, reasoning=False, shutdown_date="2027-01-14"),
)


def count_tokens(text: str) -> int:
    """Tokens of a text: a quarter of its characters, rounded up."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def item_tokens(item: Mapping[str, Any]) -> int:
    """Tokens that an item takes up in the input: its texts, arguments, outputs and code, plus its framing."""
    return MESSAGE_TOKENS + sum(
        _value_tokens(item.get(name)) for name in ("content", "name", "arguments", "output", "code")
    )


def _value_tokens(value: Any) -> int:
    if isinstance(value, str):
        return count_tokens(value)
    if isinstance(value, list):
        return sum(_part_tokens(part) for part in value if isinstance(part, dict))
    return 0


def _part_tokens(part: Mapping[str, Any]) -> int:
    text = part.get("text") or part.get("refusal")
    if isinstance(text, str):
        return count_tokens(text)
    return IMAGE_TOKENS if part.get("type") == "input_image" else FILE_TOKENS


Prompt = tuple[tuple[str, int], ...]  # (what the piece is, its tokens), in the order that the model reads them


def cached_tokens(previous: Prompt, prompt: Prompt) -> int:
    """Tokens of the prefix that two prompts share, as OpenAI's prompt cache counts them."""
    shared = 0
    for before, now in zip(previous, prompt, strict=False):
        if before != now:
            break
        shared += now[1]
    return shared // CACHE_STEP * CACHE_STEP if shared >= CACHE_MINIMUM else 0


@dataclass(frozen=True)
class Usage:
    """Tokens of one response."""

    input: int
    cached: int = 0
    output: int = 0

    def shown(self) -> dict[str, Any]:
        """The `usage` object of a response."""
        return {
            "input_tokens": self.input,
            "input_tokens_details": {"cached_tokens": self.cached, "cache_write_tokens": 0},
            "output_tokens": self.output,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": self.input + self.output,
        }

    def cost(self, model: Model) -> float:
        """Dollars."""
        fresh = self.input - self.cached
        return (fresh * model.input + self.cached * model.cached + self.output * model.output) / 1_000_000


@dataclass
class Budget:
    """An allowance a minute that refills evenly, as OpenAI's does."""

    per_minute: float
    left: float = field(init=False)
    at: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.left = self.per_minute

    def refill(self) -> None:
        """Bring `left` up to now."""
        now = time.monotonic()
        self.left = min(self.per_minute, self.left + (now - self.at) * self.per_minute / 60)
        self.at = now

    def wait(self, amount: float) -> float:
        """Seconds until `amount` is there; 0 when it is."""
        self.refill()
        return max(0.0, (amount - self.left) * 60 / self.per_minute)

    def headers(self, name: str) -> dict[str, str]:
        """`x-ratelimit-*` of this allowance."""
        self.refill()
        reset = (self.per_minute - self.left) * 60 / self.per_minute
        return {
            f"x-ratelimit-limit-{name}": str(int(self.per_minute)),
            f"x-ratelimit-remaining-{name}": str(max(0, int(self.left))),
            f"x-ratelimit-reset-{name}": f"{reset:.3f}s",
        }


class RateLimits:
    """Requests and tokens a minute, for each model."""

    def __init__(self, requests: int, tokens: int) -> None:
        self.requests, self.tokens = requests, tokens
        self._budgets: dict[str, tuple[Budget, Budget]] = {}  # bounded: one entry for each model

    def of(self, model: str) -> tuple[Budget, Budget]:
        """The two budgets of a model; made anew when the limits were changed."""
        budgets = self._budgets.get(model)
        if budgets is None or (budgets[0].per_minute, budgets[1].per_minute) != (self.requests, self.tokens):
            budgets = self._budgets[model] = Budget(self.requests), Budget(self.tokens)
        return budgets

    def take(self, model: str, tokens: int) -> None:
        """Spend one request and its tokens, or raise 429 `rate_limit_exceeded` with Retry-After."""
        budgets = self.of(model)
        for budget, amount, name in zip(budgets, (1, tokens), ("requests", "tokens"), strict=True):
            wait = budget.wait(min(amount, budget.per_minute))
            if wait > 0:
                message = (
                    f"Rate limit reached for {model} in organization org-playground on {name} per min: "
                    f"Limit {int(budget.per_minute)}, Requested {amount}. Please try again in {wait:.3f}s."
                )
                headers = {"retry-after": str(math.ceil(wait)), "retry-after-ms": str(math.ceil(wait * 1000))}
                raise ApiError(429, message, code="rate_limit_exceeded", type_=name, headers=headers)
        for budget, amount in zip(budgets, (1, tokens), strict=True):
            budget.left -= amount

    def headers(self, model: str) -> dict[str, str]:
        """`x-ratelimit-*` headers for an answer."""
        requests, tokens = self.of(model)
        return requests.headers("requests") | tokens.headers("tokens")


def total(prompt: Iterable[tuple[str, int]]) -> int:
    """Tokens of a whole prompt."""
    return sum(tokens for _, tokens in prompt)


def no_credit() -> ApiError:
    """429 that no waiting cures: the account has no money left."""
    message = (
        "You exceeded your current quota, please check your plan and billing details. For more information on this "
        "error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors."
    )
    return ApiError(429, message, code="insufficient_quota", type_="insufficient_quota")
