"""Containers of the code interpreter: what was put in, what code made in them, gone a while after the last use."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from aiohttp import web

from playground.openai.errors import JsonObject, no_such
from playground.openai.exchange import Exchange, Route
from playground.openai.files import File, Files
from playground.openai.items import new_id, page

CONTAINERS_KEPT = 500


@dataclass(frozen=True)
class ContainerFile:
    """A file in a container: a copy of an uploaded one (`source` user), or one that code made (`source` assistant)."""

    id: str
    container_id: str
    filename: str
    size: int
    source: Literal["user", "assistant"]
    content: bytes | File
    created_at: int

    def shown(self) -> JsonObject:
        """The container.file object of the API."""
        return {
            "id": self.id,
            "object": "container.file",
            "created_at": self.created_at,
            "bytes": self.size,
            "container_id": self.container_id,
            "path": f"/mnt/data/{self.filename}",
            "source": self.source,
        }


@dataclass
class Container:
    """One container."""

    minutes: float
    id: str = field(default_factory=lambda: new_id("cntr"))
    created_at: int = field(default_factory=lambda: int(time.time()))
    last_active_at: float = field(default_factory=time.time)
    files: dict[str, ContainerFile] = field(default_factory=dict)

    @property
    def expired(self) -> bool:
        """Unused for too long: it is still shown, but nothing is in it."""
        return time.time() >= self.last_active_at + self.minutes * 60

    def put(self, filename: str, content: bytes | File) -> ContainerFile:
        """Add a file; one of the same name is replaced."""
        size, source = (len(content), "assistant") if isinstance(content, bytes) else (content.size, "user")
        made = ContainerFile(new_id("cfile"), self.id, filename, size, source, content, int(time.time()))  # type: ignore[arg-type]  # one of two words
        self.files = {id_: file for id_, file in self.files.items() if file.filename != filename}
        self.files[made.id] = made
        return made

    def shown(self) -> JsonObject:
        """The container object of the API."""
        return {
            "id": self.id,
            "object": "container",
            "created_at": self.created_at,
            "status": "expired" if self.expired else "running",
            "expires_after": {"anchor": "last_active_at", "minutes": int(self.minutes)},
            "last_active_at": int(self.last_active_at),
            "memory_limit": "1g",
            "name": "auto",
        }


class Containers:
    """All containers and their endpoints. They do not survive a restart."""

    def __init__(self, files: Files) -> None:
        self.all: dict[str, Container] = {}
        self.minutes = 20.0  # of a container that nobody uses
        self._files = files

    def active(self, id_: str) -> Container | None:
        """The container, unless it is gone or has expired."""
        found = self.all.get(id_)
        return found if found and not found.expired else None

    def used_by(self, items: Iterable[JsonObject]) -> Container | None:
        """The active container that the last call among these items ran in: what `auto` takes up again."""
        ids = [item["container_id"] for item in items if item["type"] == "code_interpreter_call"]
        return self.active(ids[-1]) if ids else None

    def make(self) -> Container:
        """A new one."""
        container = Container(self.minutes)
        self.all[container.id] = container
        if len(self.all) > CONTAINERS_KEPT:
            del self.all[next(iter(self.all))]
        return container

    def run(self, container: Container, given: Iterable[File], made: Mapping[str, bytes]) -> None:
        """Put in what is given and what code made; that counts as use."""
        container.last_active_at = time.time()
        there = {file.content.id for file in container.files.values() if isinstance(file.content, File)}
        for file in given:
            if file.id not in there:
                container.put(file.filename, file)
        for name, content in made.items():
            container.put(name, content)

    def routes(self) -> list[Route]:
        """Method, path below /v1, handler."""
        one = "/containers/{container}"
        return [
            ("GET", one, self._retrieve),
            ("DELETE", one, self._delete),
            ("GET", one + "/files", self._list),
            ("GET", one + "/files/{file}", self._retrieve_file),
            ("GET", one + "/files/{file}/content", self._content),
        ]

    def _get(self, exchange: Exchange) -> Container:
        if exchange["container"] not in self.all:
            raise no_such("container", exchange["container"])
        return self.all[exchange["container"]]

    def _file(self, exchange: Exchange) -> ContainerFile:
        container = self._get(exchange)
        file = container.files.get(exchange["file"])
        if container.expired or file is None:
            raise no_such("container file", exchange["file"])
        return file

    async def _retrieve(self, exchange: Exchange) -> web.Response:
        return web.json_response(self._get(exchange).shown())

    async def _delete(self, exchange: Exchange) -> web.Response:
        id_ = self._get(exchange).id
        del self.all[id_]
        return web.json_response({"id": id_, "object": "container.deleted", "deleted": True})

    async def _list(self, exchange: Exchange) -> web.Response:
        container = self._get(exchange)
        if container.expired:
            raise no_such("container", container.id)
        return web.json_response(page([file.shown() for file in container.files.values()], exchange.query))

    async def _retrieve_file(self, exchange: Exchange) -> web.Response:
        return web.json_response(self._file(exchange).shown())

    async def _content(self, exchange: Exchange) -> web.StreamResponse:
        file = self._file(exchange)
        headers = {"content-type": "application/octet-stream"}
        if isinstance(file.content, bytes):
            return web.Response(body=file.content, headers=headers)
        if self._files.find(file.content.id) is None:
            raise no_such("container file", file.id)
        return web.FileResponse(file.content.path, headers=headers)
