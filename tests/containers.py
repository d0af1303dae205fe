"""OpenAI's container endpoints, as much of them as fetching files needs. Shapes: openai.types.containers."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

PIECE = b"x" * (1024 * 1024)


class Containers:
    """Files by (container, id): name, content or a number of megabytes, source. An expired container answers 404."""

    def __init__(self) -> None:
        self.files: dict[tuple[str, str], tuple[str, bytes | int, str]] = {}
        self.expired: set[str] = set()
        self.faults: list[int] = []  # statuses of the next answers; 0 breaks one off in the middle
        self.asked: Counter[str] = Counter()
        self.hangs = asyncio.Event()
        self.hangs.set()  # cleared: contents are not given before it is set
        self.base_url = ""

    def add(
        self,
        file: str,
        name: str,
        content: bytes | int = b"\x89PNG",
        container: str = "cntr_1",
        source: str = "assistant",
    ) -> None:
        """Puts a file into a container."""
        self.files[container, file] = (name, content, source)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Containers]:
        """Serves on 127.0.0.1."""
        app = web.Application()
        app.router.add_get("/v1/containers/{container}/files", self._list)
        app.router.add_get("/v1/containers/{container}/files/{file}/content", self._content)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _list(self, request: web.Request) -> web.StreamResponse:
        self.asked["list"] += 1
        container = request.match_info["container"]
        if container in self.expired:
            return _no_such(container)
        data = [
            {
                "id": id_,
                "object": "container.file",
                "container_id": c,
                "created_at": 1,
                "bytes": 1,
                "path": f"/mnt/data/{name}",
                "source": source,
            }
            for (c, id_), (name, _, source) in self.files.items()
            if c == container
        ]
        at = next((n + 1 for n, d in enumerate(data) if d["id"] == request.query.get("after")), 0)
        page = data[at : at + 2]  # small, so that there is always a next one
        first, last = (page[0]["id"], page[-1]["id"]) if page else (None, None)
        more = at + 2 < len(data)
        return web.json_response({"object": "list", "data": page, "first_id": first, "last_id": last, "has_more": more})

    async def _content(self, request: web.Request) -> web.StreamResponse:
        self.asked["content"] += 1
        key = request.match_info["container"], request.match_info["file"]
        await self.hangs.wait()
        if key[0] in self.expired or key not in self.files:
            return _no_such(key[1])
        status = self.faults.pop(0) if self.faults else 200
        if status >= 400:
            return web.json_response({"error": {"message": "broken", "code": None}}, status=status)
        content = self.files[key][1]
        if isinstance(content, bytes) and status:
            return web.Response(body=content, content_type="application/octet-stream")
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(content if isinstance(content, int) else 1):
            await response.write(PIECE)
        if not status and request.transport:
            request.transport.abort()
        return response


def _no_such(what: str) -> web.Response:
    return web.json_response({"error": {"message": f"No such: {what}", "type": "invalid_request_error"}}, status=404)
