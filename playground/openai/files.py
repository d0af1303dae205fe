"""Files: upload, list, retrieve, content, delete. Their content lies on the disk, never in memory."""

import asyncio
import base64
import shutil
import tempfile
import time
import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from playground.openai.errors import ApiError, JsonObject, invalid, no_such
from playground.openai.exchange import Exchange, Route, Upload
from playground.openai.extract import Look, look
from playground.openai.items import new_id, page

PURPOSES = ("assistants", "batch", "fine-tune", "vision", "user_data", "evals")
SHORTEST, LONGEST = 3600, 30 * 24 * 3600  # seconds that expires_after may say
FILE_LIMIT = 512 * 1024 * 1024
LIST_LIMIT = 10_000


@dataclass
class File:
    """An uploaded file; `looked` is what it says, once somebody has wanted to know."""

    filename: str
    path: Path
    purpose: str
    expires_at: int | None = None
    id: str = field(default_factory=lambda: new_id("file").replace("_", "-"))
    created_at: int = field(default_factory=lambda: int(time.time()))
    size: int = 0
    looked: Look | None = None

    def shown(self) -> JsonObject:
        """The file object of the API."""
        return {
            "id": self.id,
            "object": "file",
            "bytes": self.size,
            "created_at": self.created_at,
            "expires_at": self.expires_at,
            "filename": self.filename,
            "purpose": self.purpose,
            "status": "processed",
            "status_details": None,
        }


class Files:
    """All files and their endpoints; `deleted` is told the id of each file that goes.

    They lie in `folder`, where a restart finds them again; without one in a temporary folder, and in the snapshot.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.all: dict[str, File] = {}
        self.deleted: Callable[[str], None] = lambda _id: None
        self._lasting = folder is not None
        self._folder = folder

    @property
    def folder(self) -> Path:
        """Where the contents lie; made when the first one comes."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="playground-openai-"))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder

    def get(self, id_: str) -> File:
        """The file, or 404; an expired one is gone."""
        file = self.find(id_)
        if file is None:
            raise no_such("File", id_)
        return file

    def find(self, id_: str) -> File | None:
        """The file, or None."""
        file = self.all.get(id_)
        if file is not None and file.expires_at is not None and file.expires_at <= time.time():
            self._drop(id_)
            return None
        return file

    async def look(self, ids: Iterable[str]) -> None:
        """See to it that these files, as far as they are there, have been looked at."""
        for file in [found for id_ in dict.fromkeys(ids) if (found := self.find(id_)) and found.looked is None]:
            try:
                file.looked = await asyncio.to_thread(look, file.path, file.filename)
            except FileNotFoundError:
                continue  # deleted meanwhile

    def snapshot(self) -> list[JsonObject]:
        """What a restart needs."""
        if self._lasting:
            return [file.shown() for file in self.all.values()]
        rows = self.all.values()
        return [file.shown() | {"content": base64.b64encode(file.path.read_bytes()).decode()} for file in rows]

    def restore(self, saved: list[JsonObject]) -> None:
        """Take up files from a snapshot; those whose content is gone are gone, and so is what no file needs."""
        for kept in saved:
            path = self.folder / kept["id"]
            if "content" in kept:
                path.write_bytes(base64.b64decode(kept["content"]))
            if path.is_file():
                head = kept["filename"], path, kept["purpose"], kept["expires_at"]
                self.all[kept["id"]] = File(*head, kept["id"], kept["created_at"], path.stat().st_size)
        for path in self.folder.iterdir():
            if path.name not in self.all:
                path.unlink()  # of an upload that was cut off with the server

    def routes(self) -> list[Route]:
        """Method, path below /v1, handler."""
        return [
            ("POST", "/files", self._upload),
            ("GET", "/files", self._list),
            ("GET", "/files/{file}", self._retrieve),
            ("DELETE", "/files/{file}", self._delete),
            ("GET", "/files/{file}/content", self._content),
        ]

    async def _upload(self, exchange: Exchange) -> web.Response:
        upload, purpose = exchange.body.get("file"), exchange.body.get("purpose")
        if not isinstance(upload, Upload):
            raise invalid("'file' is a required property", param="file")
        if purpose not in PURPOSES:
            message = f"'{purpose}' is not one of {list(PURPOSES)} - 'purpose'"
            raise invalid(message, param="purpose")
        if upload.size > FILE_LIMIT:
            raise ApiError(413, "The file exceeds the maximum size of 512 MB.", param="file")
        if not upload.size:
            raise invalid("File is empty.", param="file")
        file = File(upload.filename, upload.path, purpose, _expiry(exchange.body), size=upload.size)
        file.path = upload.path.replace(self.folder / file.id)
        self.all[file.id] = file
        return web.json_response(file.shown())

    async def _list(self, exchange: Exchange) -> web.Response:
        purpose = exchange.query.get("purpose")
        there = [file for id_ in list(self.all) if (file := self.find(id_))]
        rows = [file.shown() for file in there if purpose in (None, file.purpose)]
        return web.json_response(page(rows, exchange.query, usual=LIST_LIMIT, most=LIST_LIMIT))

    async def _retrieve(self, exchange: Exchange) -> web.Response:
        return web.json_response(self.get(exchange["file"]).shown())

    async def _content(self, exchange: Exchange) -> web.StreamResponse:
        file = self.get(exchange["file"])
        if file.purpose == "assistants":
            raise invalid("Not allowed to download files of purpose: assistants")
        return web.FileResponse(file.path, headers={"content-type": "application/octet-stream"})

    async def _delete(self, exchange: Exchange) -> web.Response:
        id_ = self.get(exchange["file"]).id
        self._drop(id_)
        return web.json_response({"id": id_, "object": "file", "deleted": True})

    def _drop(self, id_: str) -> None:
        self.all.pop(id_).path.unlink(missing_ok=True)
        self.deleted(id_)


def _expiry(body: dict[str, Any]) -> int | None:
    """`expires_after[seconds]` of the form as a time."""
    text = body.get("expires_after[seconds]")
    if text is None:
        return None
    if body.get("expires_after[anchor]") != "created_at" or not text.isdigit():
        raise invalid("Invalid 'expires_after': expected anchor 'created_at' and seconds.", param="expires_after")
    if not SHORTEST <= int(text) <= LONGEST:
        message = f"Invalid 'expires_after.seconds': expected a value between {SHORTEST} and {LONGEST}."
        raise invalid(message, param="expires_after")
    return int(time.time()) + int(text)
