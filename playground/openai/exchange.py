"""One HTTP exchange: the request as handlers see it, and checks that several of them share."""

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aiohttp import BodyPartReader, MultipartReader, web

from playground.openai.errors import ApiError, JsonObject, invalid
from playground.openai.items import json_type

BODY_LIMIT = 600 * 1024 * 1024  # a little over the 512 MB that a file may have
CHUNK = 1024 * 1024  # bytes that are written at once
PAIRS, KEY_LIMIT, VALUE_LIMIT = 16, 64, 512  # metadata and attributes


@dataclass(frozen=True)
class Upload:
    """A file in a multipart body, on the disk. Who keeps it moves it away; else it goes with the request."""

    filename: str
    path: Path
    size: int


@dataclass(frozen=True)
class Exchange:
    """A request, read and authenticated: `body` is its JSON object, or the fields of a multipart form."""

    request: web.Request
    body: JsonObject

    def __getitem__(self, name: str) -> str:
        """A variable of the path."""
        return self.request.match_info[name]

    @property
    def query(self) -> Mapping[str, str]:
        """The query string; of a repeated name the first value."""
        return self.request.query

    @property
    def include(self) -> list[str]:
        """`include`, which the SDK sends as `include[]`."""
        return [*self.request.query.getall("include[]", []), *self.request.query.getall("include", [])]


Handler = Callable[[Exchange], Awaitable[web.StreamResponse]]
Route = tuple[str, str, Handler]


async def read_body(request: web.Request, folder: Callable[[], Path]) -> JsonObject:
    """The body as a dict; `{}` when there is none. Files are written to `folder()` as they come."""
    if (request.content_length or 0) > BODY_LIMIT:
        raise ApiError(413, "Maximum content size limit exceeded.")
    if request.content_type == "multipart/form-data":
        return await _read_form(request, folder())
    raw = await request.content.read()  # not `request.read`: bound by the host application's size limit
    if not raw:
        return {}
    try:
        body = json.loads(raw)
    except ValueError:
        raise invalid("We could not parse the JSON body of your request.") from None
    if not isinstance(body, dict):
        raise invalid(f"Invalid body: expected an object, but got {json_type(body)} instead.")
    return body


async def _read_form(request: web.Request, folder: Path) -> JsonObject:
    fields: JsonObject = {}
    try:
        # Not by `request.multipart`, which is bound by the host application's size limit.
        async for part in MultipartReader(request.headers, request.content):
            if not isinstance(part, BodyPartReader) or part.name is None:
                continue  # a nested multipart: nothing that the API takes
            if part.filename is None:
                fields[part.name] = bytes(await part.read()).decode()
            else:
                upload = fields[part.name] = Upload(part.filename, folder / f"upload-{uuid.uuid4().hex}", 0)
                fields[part.name] = replace(upload, size=await _written(part, upload.path))
    except BaseException:
        discard(fields)
        raise
    return fields


async def _written(part: BodyPartReader, path: Path) -> int:
    """Write a part to a file, piece by piece; its size."""
    size = 0
    file = await asyncio.to_thread(path.open, "wb")
    try:
        held = bytearray()
        while not part.at_eof():
            held += await part.read_chunk(CHUNK)
            if len(held) >= CHUNK or part.at_eof():
                size += await asyncio.to_thread(file.write, held)
                held = bytearray()
        return size
    finally:
        file.close()


def discard(body: JsonObject) -> None:
    """Delete the files of a request that nobody has kept."""
    for value in body.values():
        if isinstance(value, Upload):
            value.path.unlink(missing_ok=True)


def recorded(body: JsonObject) -> JsonObject:
    """The body as a log may keep it: files by name alone."""
    return {name: value.filename if isinstance(value, Upload) else value for name, value in body.items()}


def known_only(body: JsonObject, names: frozenset[str]) -> None:
    """Raise 400 `unknown_parameter` for an argument that the endpoint does not have."""
    for name in body:
        if name not in names:
            raise invalid(f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")


def checked_pairs(value: Any, param: str, kinds: tuple[type, ...] = (str,)) -> dict[str, Any]:
    """Metadata or attributes within OpenAI's limits; `{}` for none."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        message = f"Invalid type for '{param}': expected an object, but got {json_type(value)} instead."
        raise invalid(message, param=param, code="invalid_type")
    if len(value) > PAIRS:
        message = f"Invalid '{param}': too many properties. Expected an object with at most {PAIRS} properties, "
        raise invalid(
            message + f"but got an object with {len(value)} properties instead.",
            param=param,
            code="object_above_max_properties",
        )
    for key, held in value.items():
        if not isinstance(held, kinds):
            message = f"Invalid type for '{param}.{key}': got {json_type(held)}."
            raise invalid(message, param=f"{param}.{key}", code="invalid_type")
        for text, limit in ((key, KEY_LIMIT), (held, VALUE_LIMIT)):
            if isinstance(text, str) and len(text) > limit:
                message = f"Invalid '{param}': string too long. Expected a string with maximum length {limit}, "
                message += f"but got a string with length {len(text)} instead."
                raise invalid(message, param=param, code="string_above_max_length")
    return dict(value)


def checked_length(items: list[Any], limit: int, param: str) -> None:
    """Raise 400 `array_above_max_length` for a list that is too long."""
    if len(items) > limit:
        message = f"Invalid '{param}': array too long. Expected an array with maximum length {limit}, "
        message += f"but got an array with length {len(items)} instead."
        raise invalid(message, param=param, code="array_above_max_length")
