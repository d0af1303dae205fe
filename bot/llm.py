"""OpenAI's Responses and Conversations as the bot uses them; the only importer of openai.

The SDK's retries are off: a turn that fails is tried again as a resumed turn, which first asks what became of the response.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import json
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, Literal

import httpx2
import openai
import structlog
from openai import AsyncOpenAI

from bot.allowance import ANSWER_TOKENS, Allowance, reckon
from bot.errors import AssistError, ConversationTrouble, ModelGone, OpenAIRefused, Retryable, UserFacing
from bot.fallback import Fallback
from bot.models import Item, Usage
from bot.refusals import BROKE, NO_MONEY, failed, refused, seconds
from bot.responses import Event, Failed, Reader, Result, result

log = structlog.get_logger()

ITEMS_A_CALL = 20  # items of one conversations.create or items.create
LIST_PAGE = 100
HOSTED_CALLS = 10  # of OpenAI's own tools in one response: they cost beside the tokens
NOT_TAKEN = (400, 404, 413, 415, 422)
AWAY = "OpenAI cannot be reached."


class Llm:
    """OpenAI with this bot's models and tools."""

    def __init__(
        self,
        client: AsyncOpenAI,
        *,
        allowance: Allowance,
        fallback: Fallback,
        small_model: str,
        stall_seconds: float,
        background: bool = False,
    ) -> None:
        self.client = client
        self.allowance, self.fallback, self.small_model = allowance, fallback, small_model
        self._stall, self._background = stall_seconds, background

    def stream(
        self,
        conversation: str,
        items: Sequence[Item],
        *,
        model: str,
        who: str,
        instructions: str,
        tools: Sequence[Item],
        person: str,
        no_tools: bool = False,
    ) -> AsyncGenerator[Event | Result]:
        """Answers in a conversation: Started, Words as they come, Working where a hosted tool begins, and a Result at last. Raises bot.errors.

        `who` has a place in the model's allowance; `person` is a hash that tells people apart for OpenAI. The tool list stays the same
        within a thread, so that the prompt cache holds; `no_tools` forbids calls without changing it.
        """
        request = {
            "conversation": conversation,
            "input": list(items),
            "instructions": instructions,
            "tools": list(tools),
            "max_tool_calls": HOSTED_CALLS,
            "include": ["file_search_call.results"],
            "tool_choice": "none" if no_tools else "auto",
            "safety_identifier": person,
            "prompt_cache_key": conversation[-64:],
            "stream": True,
        }
        return self._events(self._asked(model, who, request), Reader(), model)

    def follow(self, response: str, after: int, item: int) -> AsyncGenerator[Event | Result]:
        """Goes on with a background response behind the event `after`; `item` is the output item whose text came last. Raises bot.errors."""
        opening = self.client.responses.with_streaming_response.retrieve(response, stream=True, starting_after=after)
        return self._events(opening, Reader(item), self.fallback.model)

    async def _events(
        self, opening: AbstractAsyncContextManager[Any], reader: Reader, model: str
    ) -> AsyncGenerator[Event | Result]:
        loop = asyncio.get_running_loop()
        try:
            async with AsyncExitStack() as stack:
                async with asyncio.timeout(self._stall):
                    response = await stack.enter_async_context(opening)
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
        except ValueError as error:  # a garbled event
            raise Retryable(f"stream not understood: {type(error).__name__}", said=BROKE) from error
        except Failed as failure:
            raise failed(failure.code) from None
        except (openai.OpenAIError, httpx2.HTTPError) as error:
            raise _trouble(error, model) from error

    @asynccontextmanager
    async def _asked(self, model: str, who: str, request: Mapping[str, Any]) -> AsyncIterator[Any]:
        """A response to a request. What its headers say of the limits is told to all, and what those of a refusal say."""
        async with AsyncExitStack() as stack:
            headers: Mapping[str, str] = {}
            closed = 0.0
            try:
                response = await self._create(stack, {**request, "model": model})
                headers = response.headers
            except openai.APIStatusError as error:
                headers = error.response.headers
                if error.status_code == 429 and error.code not in NO_MONEY:
                    closed = seconds(headers.get("retry-after")) or 1.0
                raise
            finally:
                await self.allowance.told(model, who, headers, closed)
            yield response

    async def _create(self, stack: AsyncExitStack, request: dict[str, Any]) -> Any:
        create = self.client.responses.with_streaming_response.create
        if self._background and request.get("stream"):
            try:
                return await stack.enter_async_context(create(**request, background=True))
            except openai.BadRequestError as error:
                if "background" not in f"{error.param} {error.message}":
                    raise
                self._background = False
                log.warning("OpenAI takes no background response in a conversation; from now on in the foreground")
        return await stack.enter_async_context(create(**request))

    async def retrieve(self, response: str) -> Result | None:
        """What became of a response; None where OpenAI does not know it."""
        try:
            return result((await self.client.responses.retrieve(response)).to_dict(mode="json"))
        except openai.NotFoundError:
            return None
        except openai.OpenAIError as error:
            raise _trouble(error, self.fallback.model) from error

    async def cancel(self, response: str) -> bool:
        """Ends a background response. False where there is none to end: one in the foreground ends when its stream is closed."""
        try:
            await self.client.responses.cancel(response)
        except (openai.BadRequestError, openai.NotFoundError, openai.ConflictError):
            return False
        except openai.OpenAIError as error:
            raise _trouble(error, self.fallback.model) from error
        return True

    async def summarise(self, instructions: str, transcript: str, person: str) -> tuple[str, Usage]:
        """The small model's summary of a text, and what it cost."""
        request = {"instructions": instructions, "input": transcript, "safety_identifier": person, "store": False}
        summary = await self._aside(self.small_model, "summary", request)
        return summary.text, summary.usage

    async def extract(
        self,
        instructions: str,
        parts: Sequence[Item],
        name: str,
        schema: Mapping[str, Any],
        *,
        person: str,
        spend: Callable[[Usage], None],
    ) -> dict[str, Any]:
        """What stands in the parts of a message (words, pictures, pages), as an object of a strict JSON schema. Nothing of it is stored.

        `spend` is told what it cost, also where the answer is of no use. Raises bot.errors: UserFacing where the model refuses.
        """
        request = {
            "instructions": instructions,
            "input": [{"type": "message", "role": "user", "content": list(parts)}],
            "text": {"format": {"type": "json_schema", "name": name, "strict": True, "schema": schema}},
            "safety_identifier": person,
            "store": False,
        }
        while True:
            model = self.fallback.now()
            try:
                got = await self._aside(model, name, request)
                break
            except ModelGone as error:
                if not self.fallback.helps(model, error, 0):
                    raise
        spend(got.usage)
        if got.refused or got.cut == "content_filter":
            raise UserFacing("extraction refused", "OpenAI's model refuses to read this.", replay=False)
        try:
            found = json.loads(got.text)
        except ValueError:
            found = None
        if got.cut or not isinstance(found, dict):
            raise Retryable(f"extraction {got.cut or 'not understood'}", said=BROKE)
        return found

    async def _aside(self, model: str, what: str, request: Mapping[str, Any]) -> Result:
        """The whole response to a request beside the conversations. The same request asked again finds its place kept."""
        asked = json.dumps(request, sort_keys=True).encode()
        who = f"{what}:{hashlib.sha256(asked).hexdigest()[:16]}"
        tokens = reckon(request["instructions"], request["input"]) + ANSWER_TOKENS
        await self.allowance.wait(model, who, tokens)
        try:
            async with self._asked(model, who, request) as response:
                raw = await response.json()
        except (openai.OpenAIError, httpx2.HTTPError) as error:
            raise _trouble(error, model) from error
        except ValueError as error:
            raise Retryable(f"response not understood: {type(error).__name__}", said=BROKE) from error
        if raw.get("status") == "failed":
            raise failed(str((raw.get("error") or {}).get("code") or ""))
        return result(raw)

    async def create_conversation(self, items: Sequence[Item], metadata: Mapping[str, str]) -> str:
        """A new conversation that holds the items; returns its id."""
        try:
            first = list(items[:ITEMS_A_CALL])
            made = await self.client.conversations.create(items=first or openai.omit, metadata=dict(metadata))
            for start in range(ITEMS_A_CALL, len(items), ITEMS_A_CALL):
                await self.client.conversations.items.create(made.id, items=list(items[start : start + ITEMS_A_CALL]))
        except openai.OpenAIError as error:
            raise _trouble(error, self.fallback.model) from error
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
            raise _trouble(error, self.fallback.model) from error
        return found[::-1]

    @asynccontextmanager
    async def asking(self, seconds: float = 60.0) -> AsyncIterator[AsyncOpenAI]:
        """The client, for requests about files, stores and items, which may take `seconds`.

        Raises bot.errors: OpenAIRefused where OpenAI has no such thing or does not take it, else as everywhere.
        """
        try:
            async with asyncio.timeout(seconds):
                yield self.client
        except openai.APIStatusError as error:
            trouble, code = _trouble(error, self.fallback.model), str(error.code or "")
            if error.status_code in NOT_TAKEN and code not in NO_MONEY and not isinstance(trouble, ConversationTrouble):
                raise OpenAIRefused(error.status_code, code, error.message) from error
            raise trouble from error
        except (openai.OpenAIError, httpx2.HTTPError, TimeoutError) as error:
            raise _trouble(error, self.fallback.model) from error

    async def models(self) -> dict[str, str | None]:
        """Every model this key may use → its shutdown date, where one is set."""
        try:
            return {m.id: getattr(m, "shutdown_date", None) async for m in self.client.models.list()}
        except openai.OpenAIError as error:
            raise _trouble(error, self.fallback.model) from error


def _trouble(error: Exception, model: str) -> AssistError:
    """The error of bot.errors that says what to do about an SDK error."""
    if isinstance(error, openai.APIStatusError):
        param = str(getattr(error, "param", None) or "")
        return refused(error.status_code, str(error.code or ""), error.message, param, error.response.headers, model)
    if isinstance(error, openai.APIError) and not isinstance(error, openai.APIConnectionError):  # inside a stream
        return failed(str(error.code or ""))
    return Retryable(type(error).__name__, said=AWAY)


@functools.cache
def _trusted() -> ssl.SSLContext:
    """The system's certificates, read once: that takes 25 ms."""
    return httpx2.create_ssl_context()


@asynccontextmanager
async def connect_openai(key: str, base_url: str, residency: str, stall_seconds: float) -> AsyncIterator[AsyncOpenAI]:
    """A client with timeouts: 5 s to connect, `stall_seconds` between two reads."""
    timeout = httpx2.Timeout(connect=5.0, read=stall_seconds + 1, write=60.0, pool=60.0)
    where: dict[str, Any] = {"data_residency": residency} if residency else {"base_url": base_url or None}
    # On aiohttp, which the bot has anyway: half the CPU time a token of the SDK's default transport (docs/performance.md).
    http = openai.DefaultAioHttpClient(timeout=timeout, verify=_trusted())
    async with AsyncOpenAI(api_key=key, max_retries=0, timeout=timeout, http_client=http, **where) as client:
        # The SDK imports these on first use, which takes a third of a second: now, not while events wait for their ack.
        _ = client.responses.with_streaming_response, client.conversations.items, client.models
        _ = client.files, client.vector_stores.files, client.audio.transcriptions
        yield client
