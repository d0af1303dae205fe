"""Responses: their endpoints and their life, from the first check to what they leave behind."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from aiohttp import web

from playground.openai.asked import Asked, Asking
from playground.openai.behaviour import Behaviour
from playground.openai.containers import Containers
from playground.openai.conversations import Conversations
from playground.openai.errors import JsonObject, invalid, not_found
from playground.openai.exchange import Exchange, Route, known_only
from playground.openai.items import page, shown
from playground.openai.jobs import EventLog, Job, planned_calls, response_object
from playground.openai.limits import total
from playground.openai.stream import CUT, GoneError, Pace, Stream
from playground.openai.validation import COUNTED, check_arguments, check_foreground, check_model, check_tools
from playground.openai.vector_stores import VectorStores

RESPONSES_KEPT = 500
SSE = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}
OVER = ("completed", "failed", "cancelled", "incomplete")


class Responses:
    """All responses and their endpoints."""

    def __init__(
        self, behaviour: Behaviour, conversations: Conversations, stores: VectorStores, containers: Containers
    ) -> None:
        self.jobs: dict[str, Job] = {}
        self._behaviour = behaviour
        self._asking = Asking(behaviour, conversations, stores, containers, self._items_until)

    def routes(self) -> list[Route]:
        """Method, path below /v1, handler."""
        one = "/responses/{response}"
        return [
            ("POST", "/responses", self._create),
            ("POST", "/responses/input_tokens", self._count),
            ("GET", one, self._retrieve),
            ("DELETE", one, self._delete),
            ("POST", one + "/cancel", self._cancel),
            ("GET", one + "/input_items", self._input_items),
        ]

    async def close(self) -> None:
        """Cancel what runs in the background."""
        tasks = [job.task for job in self.jobs.values() if job.task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _create(self, exchange: Exchange) -> web.StreamResponse:
        model = check_arguments(exchange.body, self._behaviour.models)
        if exchange.body.get("conversation") and not self._behaviour.background_in_conversations:
            check_foreground(exchange.body)
        inline = await self._asking.look(exchange.body)
        asked = self._asking.ask(exchange.body, model, inline)
        request = exchange.request
        background = bool(exchange.body.get("background"))
        job = self._begin(
            asked, lambda: not background and (request.transport is None or request.transport.is_closing())
        )
        if job.log is not None:
            job.task = asyncio.get_running_loop().create_task(self._run(job, job.log.append))
            if exchange.body.get("stream"):
                return await self._follow(exchange, job, 0, live=True)
            return web.json_response(job.data)
        if exchange.body.get("stream"):
            return await self._stream(exchange, job)
        whole = await self._run(job, _nowhere)
        if not whole:
            raise ConnectionResetError  # nobody is there to be answered
        return web.json_response(job.data)

    def _begin(self, asked: Asked, gone: Callable[[], bool]) -> Job:
        data = response_object(asked)
        behaviour, id_ = self._behaviour, data["id"]
        pace = Pace(behaviour.tokens_per_second, behaviour.first_token, lambda at: behaviour.token_at(id_, at), gone)
        stream = Stream(data, asked.plan, asked.usage, pace, asked.body.get("include") or [])
        job = Job(data, asked, stream, EventLog() if data["background"] else None)
        if asked.context.conversation:
            asked.context.conversation.running = id_
        if asked.body.get("store") is not False:
            self.jobs[id_] = job
            self._forget_oldest()
        return job

    def _forget_oldest(self) -> None:
        if len(self.jobs) > RESPONSES_KEPT:
            oldest = next((id_ for id_, job in self.jobs.items() if job.data["status"] in OVER), None)
            if oldest:
                del self.jobs[oldest]

    async def _run(self, job: Job, write: Callable[[bytes], Awaitable[None]]) -> bool:
        """Play a response to its end; False when it was cut off before."""
        try:
            await job.stream.play(write)
        except (GoneError, ConnectionError):
            self._interrupt(job)
            return False
        except BaseException:  # cancelled by `cancel`, or with the server: the conversation must not stay locked
            self._interrupt(job)
            raise
        if job.data["status"] == "in_progress":
            self._interrupt(job)  # a scripted cut
            return False
        self._settle(job)
        with contextlib.suppress(ConnectionError):
            await job.stream.finish()
        if job.log:
            job.log.close()
        return True

    async def _stream(self, exchange: Exchange, job: Job) -> web.StreamResponse:
        request = exchange.request
        response = web.StreamResponse(headers=SSE | self._behaviour.headers(job.data["model"]))

        async def write(event: bytes) -> None:
            if not response.prepared:
                await response.prepare(request)
            await response.write(event)

        whole = await self._run(job, write)
        if not whole and not job.asked.plan.ending.clean and request.transport:
            request.transport.abort()
        return response

    async def _follow(self, exchange: Exchange, job: Job, start: int, *, live: bool) -> web.StreamResponse:
        """Stream a background response from its log."""
        request = exchange.request
        response = web.StreamResponse(headers=SSE | self._behaviour.headers(job.data["model"]))
        await response.prepare(request)
        assert job.log is not None
        with contextlib.suppress(ConnectionError):
            async for event in job.log.read(start, live=live):
                if event == CUT:
                    if request.transport:
                        request.transport.abort()
                    break
                await response.write(event)
        return response

    def _settle(self, job: Job) -> None:
        """Keep what a finished response has produced, and let the next one begin."""
        asked, conversation = job.asked, job.asked.context.conversation
        job.output = job.stream.output
        self._behaviour.pay(job.stream.usage.cost(asked.model))
        if job.data["status"] == "failed":
            self._leave(job)
            return
        if conversation:
            # A call of an incomplete response is not kept: nobody could answer it.
            whole = job.data["status"] == "completed"
            kept = [item for item in job.output if whole or item["type"] != "function_call"]
            conversation.add([*asked.context.input, *kept])
            conversation.prompt = asked.context.prompt
            conversation.running = None

    def _interrupt(self, job: Job) -> None:
        job.data["status"] = "cancelled"
        self._leave(job)
        if job.log:
            job.log.close()

    def _leave(self, job: Job) -> None:
        """What a response without an end leaves in its conversation, as `interrupted_leaves` says."""
        conversation, leaves = job.asked.context.conversation, self._behaviour.interrupted_leaves
        if conversation is None or conversation.running != job.data["id"]:
            return
        conversation.running = None
        if leaves == "nothing":
            return
        conversation.add(list(job.asked.context.input))
        if leaves == "call_without_output":
            done = [item for item in job.stream.output if item["type"] == "function_call"]
            conversation.add(done or planned_calls(job.asked))

    def _job(self, id_: str) -> Job:
        if id_ not in self.jobs:
            raise not_found("Response", id_)
        return self.jobs[id_]

    def _items_until(self, id_: str) -> list[JsonObject]:
        if id_ not in self.jobs:
            message = f"Previous response with id '{id_}' not found."
            raise invalid(message, param="previous_response_id", code="previous_response_not_found")
        job = self.jobs[id_]
        return [*job.asked.context.items, *job.output]

    async def _count(self, exchange: Exchange) -> web.Response:
        known_only(exchange.body, COUNTED)
        check_model(exchange.body, self._behaviour.models)
        check_tools(exchange.body)
        await self._asking.look(exchange.body)
        tokens = total(self._asking.context(exchange.body).prompt)
        return web.json_response({"object": "response.input_tokens", "input_tokens": tokens})

    async def _retrieve(self, exchange: Exchange) -> web.StreamResponse:
        job = self._job(exchange["response"])
        if exchange.query.get("stream") != "true":
            return web.json_response(job.data)
        if job.log is None:
            message = "This response cannot be streamed because it was not created with background=true."
            raise invalid(message, param="stream", code="invalid_request_error")
        after = exchange.query.get("starting_after")
        if after is not None and not after.isdigit():
            raise invalid("Invalid 'starting_after': expected an integer.", param="starting_after", code="invalid_type")
        return await self._follow(exchange, job, 0 if after is None else int(after) + 1, live=False)

    async def _cancel(self, exchange: Exchange) -> web.Response:
        job = self._job(exchange["response"])
        if job.task is None:
            raise invalid("Cannot cancel a synchronous response.")
        job.task.cancel()
        await asyncio.gather(job.task, return_exceptions=True)
        return web.json_response(job.data)

    async def _delete(self, exchange: Exchange) -> web.Response:
        job = self._job(exchange["response"])
        if job.task:
            job.task.cancel()
        del self.jobs[job.data["id"]]
        return web.json_response({"id": job.data["id"], "object": "response", "deleted": True})

    async def _input_items(self, exchange: Exchange) -> web.Response:
        job = self._job(exchange["response"])
        return web.json_response(page(shown(job.asked.context.input, exchange.include), exchange.query))


async def _nowhere(_event: bytes) -> None:
    """For a response that nobody follows."""
