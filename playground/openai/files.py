"""Files: upload, list, retrieve, content, delete."""

import base64
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from playground.openai.errors import ApiError, JsonObject, invalid, no_such
from playground.openai.exchange import Exchange, Route, Upload
from playground.openai.items import new_id, page

PURPOSES = ("assistants", "batch", "fine-tune", "vision", "user_data", "evals")
SHORTEST, LONGEST = 3600, 30 * 24 * 3600  # seconds that expires_after may say
FILE_LIMIT = 512 * 1024 * 1024


@dataclass
class File:
    """An uploaded file."""

    filename: str
    content: bytes
    purpose: str
    expires_at: int | None = None
    id: str = field(default_factory=lambda: new_id("file").replace("_", "-"))
    created_at: int = field(default_factory=lambda: int(time.time()))

    def text(self) -> str:
        """The content as text, empty where it is none."""
        try:
            return self.content.decode()
        except UnicodeDecodeError:
            return ""

    def shown(self) -> JsonObject:
        """The file object of the API."""
        return {
            "id": self.id,
            "object": "file",
            "bytes": len(self.content),
            "created_at": self.created_at,
            "expires_at": self.expires_at,
            "filename": self.filename,
            "purpose": self.purpose,
            "status": "processed",
            "status_details": None,
        }

    def snapshot(self) -> JsonObject:
        """What a restart needs."""
        return self.shown() | {"content": base64.b64encode(self.content).decode()}


class Files:
    """All files and their endpoints; `deleted` is told the id of each file that goes."""

    def __init__(self) -> None:
        self.all: dict[str, File] = {}
        self.deleted: Callable[[str], None] = lambda _id: None

    def get(self, id_: str) -> File:
        """The file, or 404; an expired one is gone."""
        file = self.all.get(id_)
        if file is not None and file.expires_at is not None and file.expires_at <= time.time():
            self._drop(id_)
            file = None
        if file is None:
            raise no_such("File", id_)
        return file

    def restore(self, saved: list[JsonObject]) -> None:
        """Take up files from a snapshot."""
        for kept in saved:
            content = base64.b64decode(kept["content"])
            file = File(kept["filename"], content, kept["purpose"], kept["expires_at"], kept["id"], kept["created_at"])
            self.all[file.id] = file

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
        if len(upload.content) > FILE_LIMIT:
            raise ApiError(413, "The file exceeds the maximum size of 512 MB.", param="file")
        if not upload.content:
            raise invalid("File is empty.", param="file")
        file = File(upload.filename, upload.content, purpose, _expiry(exchange.body))
        self.all[file.id] = file
        return web.json_response(file.shown())

    async def _list(self, exchange: Exchange) -> web.Response:
        purpose = exchange.query.get("purpose")
        rows = [file.shown() for file in self.all.values() if purpose in (None, file.purpose)]
        return web.json_response(page(rows, exchange.query))

    async def _retrieve(self, exchange: Exchange) -> web.Response:
        return web.json_response(self.get(exchange["file"]).shown())

    async def _content(self, exchange: Exchange) -> web.Response:
        file = self.get(exchange["file"])
        if file.purpose == "assistants":
            raise invalid("Not allowed to download files of purpose: assistants")
        return web.Response(body=file.content, content_type="application/octet-stream")

    async def _delete(self, exchange: Exchange) -> web.Response:
        id_ = self.get(exchange["file"]).id
        self._drop(id_)
        return web.json_response({"id": id_, "object": "file", "deleted": True})

    def _drop(self, id_: str) -> None:
        del self.all[id_]
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
