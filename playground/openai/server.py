"""The server: routes, keys, error bodies, the log of requests, what survives a restart."""

import logging
import math
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from playground.openai.audio import Audio
from playground.openai.behaviour import Behaviour
from playground.openai.containers import Containers
from playground.openai.conversations import Conversation, Conversations
from playground.openai.errors import ApiError, JsonObject
from playground.openai.exchange import Exchange, Handler, Route, discard, read_body, recorded
from playground.openai.faults import Faults
from playground.openai.files import File, Files
from playground.openai.responses import Responses
from playground.openai.store_routes import VectorStoreRoutes
from playground.openai.validation import check_model
from playground.openai.vector_stores import VectorStore, VectorStores

REQUESTS_KEPT = 2_000
log = logging.getLogger(__name__)


@dataclass
class RequestRecord:
    """A request as it came; `status` is 0 until it is answered (a stream: until it has ended)."""

    path: str
    body: JsonObject
    method: str = "POST"
    at: float = field(default_factory=time.monotonic)
    status: int = 0
    query: str = ""


class OpenAIServer(Behaviour):
    """An OpenAI API on localhost.

    `record` is told each request as `{"http", "path", "body"}`; `state` is an earlier `snapshot()`.
    Uploads lie in `folder`, and stay there; without one they are part of the snapshot.
    """

    def __init__(
        self,
        *,
        limits: bool = False,
        record: Callable[[JsonObject], None] | None = None,
        state: JsonObject | None = None,
        folder: Path | None = None,
    ) -> None:
        super().__init__(limits=limits)
        self.faults = Faults()
        self.requests: deque[RequestRecord] = deque(maxlen=REQUESTS_KEPT)
        self.base_url = ""
        self._record = record
        self._conversations = Conversations()
        self._files = Files(folder)
        self._stores = VectorStores(self._files, self.indexing)
        self._audio = Audio(self.models)
        self._containers = Containers(self._files)
        self._responses = Responses(self, self._conversations, self._stores, self._containers)
        if state:
            self._conversations.restore(state["conversations"])
            self._files.restore(state["files"])
            self._stores.restore(state["vector_stores"])

    @property
    def conversations(self) -> dict[str, Conversation]:
        """All conversations by id."""
        return self._conversations.all

    def delete_conversation(self, id_: str) -> None:
        """Make a conversation vanish, as when somebody deleted it at OpenAI."""
        del self._conversations.all[id_]

    @property
    def files(self) -> dict[str, File]:
        """All files by id."""
        return self._files.all

    @property
    def vector_stores(self) -> dict[str, VectorStore]:
        """All vector stores by id; take one out to make it vanish."""
        return self._stores.all

    @property
    def containers(self) -> Containers:
        """The code interpreter's containers; `minutes` is how long a new one lives unused."""
        return self._containers

    @property
    def transcripts(self) -> dict[str, str]:
        """What is heard in uploads, by name or by SHA-256."""
        return self._audio.transcripts

    def snapshot(self) -> JsonObject:
        """Everything that a restarted server needs, as JSON values."""
        return {
            "conversations": [conversation.snapshot() for conversation in self._conversations.all.values()],
            "files": self._files.snapshot(),
            "vector_stores": self._stores.snapshot(),
        }

    def mount(self, app: web.Application) -> None:
        """Put the API under /v1 of an application, whose shutdown ends it; the host knows and may set `base_url`."""
        app.on_shutdown.append(self._stop)
        stores = VectorStoreRoutes(self._stores)
        owners = (self._conversations, self._responses, self._files, stores, self._audio, self._containers, self)
        for method, path, handler in (route for owner in owners for route in owner.routes()):
            app.router.add_route(method, "/v1" + path, self._served(handler))
        app.router.add_route("*", "/v1/{rest:.*}", self._served(_nothing_here))

    def routes(self) -> list[Route]:
        """The endpoints that keep no state."""
        return [
            ("GET", "/models", self._list_models),
            ("GET", "/models/{model}", self._retrieve_model),
        ]

    @asynccontextmanager
    async def serving(self, port: int = 0) -> AsyncIterator["OpenAIServer"]:
        """Serve alone on 127.0.0.1; sets `base_url`."""
        app = web.Application()
        self.mount(app)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        address: tuple[str, int] = runner.addresses[0]
        self.base_url = f"http://127.0.0.1:{address[1]}/v1"
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _stop(self, _app: web.Application) -> None:
        """End what runs in the background, so that nobody who follows it keeps the server up."""
        await self._responses.close()
        await self._stores.close()

    def _served(self, handler: Handler) -> Callable[[web.Request], Any]:
        async def serve(request: web.Request) -> web.StreamResponse:
            seen = RequestRecord(request.path, {}, request.method, query=request.query_string)
            self.requests.append(seen)
            try:
                response = await self._answer(request, handler, seen)
            except ConnectionError:
                if request.transport:
                    request.transport.abort()
                return web.Response()
            seen.status = response.status
            return response

        return serve

    async def _answer(self, request: web.Request, handler: Handler, seen: RequestRecord) -> web.StreamResponse:
        started = time.monotonic()
        body: JsonObject = {}
        try:
            body = await read_body(request, lambda: self._files.folder)
            seen.body = recorded(body)
            if self._record:
                self._record({"http": request.method, "path": request.path, "body": seen.body})
            self._check_key(request)
            await self.faults.meet(request.path, body)
            response = await handler(Exchange(request, body))
        except ApiError as error:
            response = web.json_response(error.body, status=error.status, headers=error.headers)
        except ConnectionError:
            raise
        except Exception:
            # The edge of the server: a client must get an error body whatever went wrong in here.
            log.exception("%s %s failed", request.method, request.path)
            mishap = ApiError(500, "The server had an error while processing your request.", code="internal_error")
            response = web.json_response(mishap.body, status=500)
        finally:
            discard(body)
        if not response.prepared:
            for name, value in self.headers(seen.body.get("model")).items():
                response.headers.setdefault(name, value)
            response.headers["openai-processing-ms"] = str(math.ceil((time.monotonic() - started) * 1000))
        return response

    def _check_key(self, request: web.Request) -> None:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key:
            message = "You didn't provide an API key. You need to provide your API key in an Authorization header."
            raise ApiError(401, message)
        if key != self.api_key:
            hidden = f"{key[:8]}{'*' * 8}{key[-4:]}" if len(key) > 12 else "*" * len(key)
            message = f"Incorrect API key provided: {hidden}. You can find your API key at "
            message += "https://platform.openai.com/account/api-keys."
            raise ApiError(401, message, code="invalid_api_key")

    async def _list_models(self, _exchange: Exchange) -> web.Response:
        return web.json_response({"object": "list", "data": [model.shown() for model in self.models.values()]})

    async def _retrieve_model(self, exchange: Exchange) -> web.Response:
        return web.json_response(check_model({"model": exchange["model"]}, self.models).shown())


async def _nothing_here(exchange: Exchange) -> web.Response:
    message = f"Invalid URL ({exchange.request.method} {exchange.request.path})"
    raise ApiError(404, message)
