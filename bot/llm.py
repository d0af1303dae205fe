"""OpenAI's Responses and Conversations as the bot uses them; the only importer of openai.

The SDK's retries are off: a turn that fails is tried again as a resumed turn, which first asks what became of the response.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Literal

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
from bot.models import Usage
from bot.responses import Failed, Reader, Result, Started, Words, result

Item = Any  # a plain dict in the shape of one of the SDK's TypedDicts
ITEMS_A_CALL = 20  # items of one conversations.create or items.create
LIST_PAGE = 100
BROKE = "OpenAI broke off while it was answering."
AWAY = "OpenAI cannot be reached."


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
    ) -> AsyncGenerator[Started | Words | Result]:
        """Answers in a conversation: Started, Words as they come, and a Result at last. Raises bot.errors.

        `person` is a hash that tells people apart for OpenAI. The tool list stays the same within a thread, so that the prompt cache holds;
        `no_tools` forbids calls without changing it.
        """
        reader = Reader()
        loop = asyncio.get_running_loop()
        try:
            async with AsyncExitStack() as stack:
                async with asyncio.timeout(self._stall):
                    response = await stack.enter_async_context(
                        self.client.responses.with_streaming_response.create(
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
                    )
                chunks = response.iter_bytes()
                patience, seen = loop.time() + self._stall, 0
                while reader.result is None:
                    async with asyncio.timeout_at(patience):
                        chunk = await anext(chunks, None)
                    if chunk is None:
                        raise Retryable("stream ended early", said=BROKE)
                    for out in reader.read(chunk):
                        yield out
                    if reader.events > seen:  # a keep-alive is no sign of progress
                        patience, seen = loop.time() + self._stall, reader.events
                yield reader.result
        except TimeoutError:
            raise Retryable(
                f"nothing for {self._stall:g} s", said="OpenAI stopped in the middle of the answer."
            ) from None
        except Failed as failure:
            raise _failed(failure.code) from None
        except (openai.OpenAIError, httpx2.HTTPError) as error:
            raise _trouble(error, self.model) from error

    async def retrieve(self, response: str) -> Result | None:
        """What became of a response; None where OpenAI does not know it."""
        try:
            return result((await self.client.responses.retrieve(response)).to_dict(mode="json"))
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
        summary = result(got.to_dict(mode="json"))
        return summary.text, summary.usage

    async def create_conversation(self, items: Sequence[Item], metadata: Mapping[str, str]) -> str:
        """A new conversation that holds the items; returns its id."""
        try:
            first = list(items[:ITEMS_A_CALL])
            made = await self.client.conversations.create(items=first or openai.omit, metadata=dict(metadata))
            for start in range(ITEMS_A_CALL, len(items), ITEMS_A_CALL):
                await self.client.conversations.items.create(made.id, items=list(items[start : start + ITEMS_A_CALL]))
        except openai.OpenAIError as error:
            raise _trouble(error, self.model) from error
        return made.id

    async def items(self, conversation: str, most: int, order: Literal["asc", "desc"] = "desc") -> list[dict[str, Any]]:
        """The newest (or, ascending, the first) `most` items of a conversation, oldest first."""
        found: list[dict[str, Any]] = []
        try:
            async for item in self.client.conversations.items.list(
                conversation, order=order, limit=min(most, LIST_PAGE)
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


def _failed(code: str) -> AssistError:
    """What a `response.failed` or `error` event means."""
    if code == "context_length_exceeded":
        return ContextFull(code)
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
            return _failed(str(error.code or ""))
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
        f"{status} {code} {getattr(error, 'param', None) or ''}".strip(),  # never its text, which may quote the person
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
    # On aiohttp, which the bot has anyway: half the CPU time a token of the SDK's default transport (docs/performance.md).
    http = openai.DefaultAioHttpClient(timeout=timeout)
    async with AsyncOpenAI(api_key=key, max_retries=0, timeout=timeout, http_client=http, **where) as client:
        # The SDK imports these on first use, which takes a third of a second: now, not while events wait for their ack.
        _ = client.responses.with_streaming_response, client.conversations.items, client.models
        yield client
