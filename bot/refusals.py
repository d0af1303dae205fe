"""What OpenAI's refusals mean: from status, code and words to the error that says what to do. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bot.errors import (
    AssistError,
    CallUnanswered,
    CallUnknown,
    ContextFull,
    ConversationGone,
    ConversationLocked,
    FilesGone,
    ModelGone,
    Overloaded,
    PartRefused,
    RateLimited,
    Retryable,
    StoreGone,
    UserFacing,
)

BROKE = "OpenAI broke off while it was answering."
FILE = re.compile(r"\bfile-[A-Za-z0-9_-]+")
MISSING = re.compile(r"no such|not found|does not exist|not exist|deleted", re.IGNORECASE)
PART = re.compile(r"^input\[\d+\]\.content\[\d+\]")  # names what a question shows beside its words
NO_MONEY = ("insufficient_quota", "credit_balance_exhausted")
TOO_FAST = ("rate_limit_exceeded", "slow_down")  # with 429
BROKEN = ("server_error", "server_is_overloaded")  # OpenAI says either when a model has no room


def failed(code: str) -> AssistError:
    """What a `response.failed` or `error` event means."""
    if code == "context_length_exceeded":
        return ContextFull(code)
    if code in NO_MONEY:
        return _no_money(code)
    if code in TOO_FAST:
        return RateLimited(code, said="OpenAI is busy.")
    if code in BROKEN:
        return Overloaded(f"response failed: {code}", said=BROKE)
    return Retryable(f"response failed: {code}", said=BROKE)


def refused(status: int, code: str, text: str, param: str, headers: Mapping[str, str], model: str) -> AssistError:
    """What an HTTP error means. `text` never gets into what is said or logged where it may quote the person."""
    after = seconds(headers.get("retry-after"))
    if code == "conversation_locked":
        return ConversationLocked(code)
    if "No tool output found for function call" in text:
        return CallUnanswered(text)
    if "No tool call found for function call output" in text:
        return CallUnknown(text)
    if code == "context_length_exceeded":
        return ContextFull(code)
    if status == 404 and code != "model_not_found" and "onversation" in text:
        return ConversationGone(text)
    if status in (400, 404) and "ector store" in text:
        return StoreGone(f"{status} {code}".strip())
    if status in (400, 404) and MISSING.search(text) and (files := frozenset(FILE.findall(text))):
        return FilesGone(files)
    if status == 404:
        return ModelGone(
            f"404 {code}",
            f"OpenAI does not offer the model `{model}` (any more). Please tell whoever runs me: OPENAI_MODEL has to change.",
        )
    if code in NO_MONEY:
        return _no_money(code)
    if status == 429:
        return RateLimited(f"429 {code}", after=after, said="OpenAI is busy.")
    if status in (401, 403):
        return UserFacing(
            f"{status} {code}", "OpenAI refused my key. Please tell whoever runs me: OPENAI_API_KEY has to be renewed."
        )
    if status >= 500:
        return Overloaded(f"HTTP {status} {code}".strip(), after=after, said="OpenAI has a problem.")
    if status in (408, 409):
        return Retryable(f"HTTP {status}", after=after, said="OpenAI has a problem.")
    kind = PartRefused if PART.search(param) else UserFacing
    return kind(
        f"{status} {code} {param}".strip(),
        "OpenAI did not accept this request. Try to put it differently; if that does not help, tell whoever runs me.",
    )


def seconds(value: str | None) -> float | None:
    """A Retry-After in seconds, at most two minutes; None where there is none."""
    try:
        return min(120.0, max(0.0, float(value))) if value else None
    except ValueError:
        return None


def _no_money(code: str) -> UserFacing:
    return UserFacing(code, "The OpenAI account has no credit left. Please tell whoever runs me: it needs topping up.")
