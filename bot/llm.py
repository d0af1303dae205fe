"""OpenAI's Responses and Conversations as the bot uses them; the only importer of openai.

The SDK's retries are off: a turn that fails is tried again as a resumed turn, which first asks what became of the response.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import openai
from openai import AsyncOpenAI

from bot.errors import (
    AssistError,
    CallUnanswered,
    CallUnknown,
    ContextFull,
    ConversationGone,
    ConversationLocked,
    RateLimited,
    Retryable,
    UserFacing,
)
from bot.models import Call, Usage

Item = Any  # a plain dict in the shape of one of the SDK's TypedDicts
ITEMS_A_CALL = 20  # items of one conversations.create or items.create
LIST_PAGE = 100
BROKE = "OpenAI broke off while it was answering."
AWAY = "OpenAI cannot be reached."


@dataclass(frozen=True, slots=True)
class Started:
    """OpenAI has taken the request; `response` is asked about after a crash."""

    response: str


@dataclass(frozen=True, slots=True)
class Words:
    """More text. Commentary is progress, not part of the answer."""

    text: str
    commentary: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """What a response came to. `cut` is why it is incomplete, `calls` are the functions it wants called."""

    response: str
    status: str
    model: str = ""
    text: str = ""
    calls: tuple[Call, ...] = ()
    usage: Usage = field(default_factory=Usage)
    refused: bool = False
    cut: str = ""


class Llm:
    """OpenAI with this bot's models and tools."""

    def __init__(self, client: AsyncOpenAI, *, model: str, small_model: str, stall_seconds: float) -> None:
        self.client = client
        self.model, self.small_model = model, small_model
        self._stall = stall_seconds

    async def stream(
        self,
        conversation: str,
        items: Sequence[Item],
        *,
        instructions: str,
        tools: Sequence[Item],
        person: str,
        no_tools: bool = False,
    ) -> AsyncIterator[Started | Words | Result]:
        """Answers in a conversation: Started, Words as they come, and a Result at last. Raises bot.errors.

        `person` is a hash that tells people apart for OpenAI. The tool list stays the same within a thread, so that the prompt cache holds;
        `no_tools` forbids calls without changing it.
        """
        events = None
        try:
            async with asyncio.timeout(self._stall):
                events = await self.client.responses.create(
                    model=self.model,
                    conversation=conversation,
                    input=list(items),
                    instructions=instructions,
                    tools=list(tools),
                    tool_choice="none" if no_tools else "auto",
                    safety_identifier=person,
                    prompt_cache_key=conversation[-64:],
                    stream=True,
                )
            reader = _Reader()
            source = aiter(events)
            while reader.result is None:
                async with asyncio.timeout(self._stall):
                    event = await anext(source)
                for out in reader.read(event):
                    yield out
            yield reader.result
        except StopAsyncIteration:
            raise Retryable("stream ended early", said=BROKE) from None
        except TimeoutError:
            raise Retryable(
                f"nothing for {self._stall:g} s", said="OpenAI stopped in the middle of the answer."
            ) from None
        except (openai.OpenAIError, httpx2.HTTPError) as error:
            raise _trouble(error, self.model) from error
        finally:
            if events is not None:
                await events.close()

    async def retrieve(self, response: str) -> Result | None:
        """What became of a response; None where OpenAI does not know it."""
        try:
            return _result(await self.client.responses.retrieve(response))
        except openai.NotFoundError:
            return None
        except openai.OpenAIError as error:
            raise _trouble(error, self.model) from error

    async def summarise(self, instructions: str, transcript: str, person: str) -> tuple[str, Usage]:
        """The small model's summary of a text, and what it cost."""
        try:
            got = await self.client.responses.create(
                model=self.small_model,
                instructions=instructions,
                input=transcript,
                safety_identifier=person,
                store=False,
            )
        except openai.OpenAIError as error:
            raise _trouble(error, self.small_model) from error
        result = _result(got)
        return result.text, result.usage

    async def create_conversation(self, items: Sequence[Item], metadata: Mapping[str, str]) -> str:
        """A new conversation that holds the items; returns its id."""
        try:
            first = list(items[:ITEMS_A_CALL])
            made = await self.client.conversations.create(items=first, metadata=dict(metadata))
            for start in range(ITEMS_A_CALL, len(items), ITEMS_A_CALL):
                await self.client.conversations.items.create(made.id, items=list(items[start : start + ITEMS_A_CALL]))
        except openai.OpenAIError as error:
            raise _trouble(error, self.model) from error
        return made.id

    async def items(self, conversation: str, most: int) -> list[dict[str, Any]]:
        """The newest `most` items of a conversation, oldest first."""
        found: list[dict[str, Any]] = []
        try:
            async for item in self.client.conversations.items.list(
                conversation, order="desc", limit=min(most, LIST_PAGE)
            ):
                found.append(item.to_dict(mode="json"))
                if len(found) >= most:
                    break
        except openai.OpenAIError as error:
            raise _trouble(error, self.model) from error
        return found[::-1]

    async def models(self) -> dict[str, str | None]:
        """Every model this key may use → its shutdown date, where one is set."""
        try:
            return {m.id: getattr(m, "shutdown_date", None) async for m in self.client.models.list()}
        except openai.OpenAIError as error:
            raise _trouble(error, self.model) from error


class _Reader:
    """Turns the SDK's events into ours; unknown types are passed over."""

    def __init__(self) -> None:
        self.result: Result | None = None
        self._commentary: set[int] = set()
        self._spoke = -1  # the output item whose text came last

    def read(self, event: Any) -> list[Started | Words]:
        match event.type:
            case "response.output_text.delta" | "response.refusal.delta":
                aside = event.output_index in self._commentary
                gap = "\n\n" if not aside and self._spoke not in (-1, event.output_index) else ""
                if not aside:
                    self._spoke = event.output_index
                return [Words(gap + event.delta, aside)]
            case "response.created":
                return [Started(event.response.id)]
            case "response.output_item.added":
                if getattr(event.item, "phase", None) == "commentary":
                    self._commentary.add(event.output_index)
            case "response.completed" | "response.incomplete":
                self.result = _result(event.response)
            case "response.failed":
                failure = event.response.error
                raise _failed(getattr(failure, "code", "") or "", getattr(failure, "message", "") or "")
            case "error":
                raise _failed(event.code or "", event.message or "")
        return []


def _result(response: Any) -> Result:
    texts, calls, refused = [], [], False
    for item in response.output:
        if item.type == "function_call":
            calls.append(Call(item.call_id, item.name, item.arguments))
        elif item.type == "message" and getattr(item, "phase", None) != "commentary":
            for part in item.content:
                refused = refused or part.type == "refusal"
            texts.append("".join(p.refusal if p.type == "refusal" else getattr(p, "text", "") for p in item.content))
    details = response.incomplete_details
    return Result(
        response=response.id,
        status=response.status or "completed",
        model=str(response.model),
        text="\n\n".join(t for t in texts if t),
        calls=tuple(calls),
        usage=_usage(response.usage),
        refused=refused,
        cut=(details.reason or "unknown") if response.status == "incomplete" and details else "",
    )


def _usage(usage: Any) -> Usage:
    if usage is None:
        return Usage()
    cached = getattr(usage.input_tokens_details, "cached_tokens", 0) or 0
    reasoning = getattr(usage.output_tokens_details, "reasoning_tokens", 0) or 0
    return Usage(usage.input_tokens, cached, usage.output_tokens, reasoning)


def _failed(code: str, message: str) -> AssistError:
    """What a `response.failed` or `error` event means."""
    if code == "context_length_exceeded":
        return ContextFull(message)
    if code in ("insufficient_quota", "credit_balance_exhausted"):
        return _no_money(code)
    if code == "rate_limit_exceeded":
        return RateLimited(code, said="OpenAI is busy.")
    return Retryable(f"response failed: {code}", said=BROKE)


def _no_money(code: str) -> UserFacing:
    return UserFacing(code, "The OpenAI account has no credit left. Please tell whoever runs me: it needs topping up.")


def _trouble(error: Exception, model: str) -> AssistError:
    """The error of bot.errors that says what to do about an SDK error."""
    if not isinstance(error, openai.APIStatusError):
        if isinstance(error, openai.APIConnectionError | httpx2.HTTPError):
            return Retryable(type(error).__name__, said=AWAY)
        if isinstance(error, openai.APIError):  # an error inside a stream
            return _failed(str(error.code or ""), error.message)
        return Retryable(type(error).__name__, said=AWAY)
    code, text = str(error.code or ""), error.message
    status = error.status_code
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
    if status == 404:
        return UserFacing(
            f"404 {code}",
            f"OpenAI does not offer the model `{model}` (any more). Please tell whoever runs me: OPENAI_MODEL has to change.",
        )
    if code in ("insufficient_quota", "credit_balance_exhausted"):
        return _no_money(code)
    if status == 429:
        return RateLimited(
            f"429 {code}", after=_seconds(error.response.headers.get("retry-after")), said="OpenAI is busy."
        )
    if status in (401, 403):
        return UserFacing(
            f"{status} {code}", "OpenAI refused my key. Please tell whoever runs me: OPENAI_API_KEY has to be renewed."
        )
    if status >= 500 or status in (408, 409):
        return Retryable(
            f"HTTP {status}", after=_seconds(error.response.headers.get("retry-after")), said="OpenAI has a problem."
        )
    return UserFacing(
        f"{status} {code}: {text[:200]}",
        "OpenAI did not accept this request. Try to put it differently; if that does not help, tell whoever runs me.",
    )


def _seconds(value: str | None) -> float | None:
    try:
        return min(120.0, max(0.0, float(value))) if value else None
    except ValueError:
        return None


@asynccontextmanager
async def connect_openai(key: str, base_url: str, residency: str, stall_seconds: float) -> AsyncIterator[AsyncOpenAI]:
    """A client with timeouts: 5 s to connect, `stall_seconds` between two reads."""
    timeout = httpx2.Timeout(connect=5.0, read=stall_seconds + 1, write=60.0, pool=60.0)
    where: dict[str, Any] = {"data_residency": residency} if residency else {"base_url": base_url or None}
    async with AsyncOpenAI(api_key=key, max_retries=0, timeout=timeout, **where) as client:
        yield client
