"""Images and files in the input of a response: they must be there, of a kind that the model takes, and not too much."""

import base64
import binascii
import hashlib
import io
import uuid
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePath

from PIL import Image

from playground.openai.errors import ApiError, JsonObject, invalid
from playground.openai.extract import IMAGES, TABLES, look
from playground.openai.files import File, Files
from playground.openai.indexing import SUPPORTED
from playground.openai.items import parts
from playground.openai.limits import count_tokens

INPUT_LIMIT = 50 * 1024 * 1024  # bytes of all files of a request
READABLE = SUPPORTED | set(TABLES)
SEEN = ", ".join(f"'image/{kind}'" for kind in IMAGES.values())


def file_ids(items: Iterable[JsonObject]) -> Iterator[str]:
    """The files that items hold."""
    for item in items:
        for part in parts(item):
            if isinstance(part.get("file_id"), str):
                yield part["file_id"]


def part_key(part: JsonObject) -> str:
    """What names the content of a part in `View.texts`: a file's id, or a digest of what came with the request itself."""
    if part.get("file_id"):
        return str(part["file_id"])
    data = part.get("image_url") or part.get("file_data") or ""
    return f"inline-{hashlib.sha256(data.encode()).hexdigest()}"


def look_inline(items: Iterable[JsonObject], folder: Path) -> dict[str, tuple[str, str]]:
    """The pictures and files that came with the request itself, as `texts` gives those with an id. Blocking: to be run in a thread."""
    found = {}
    for part in (part for item in items for part in parts(item)):
        data = part.get("image_url") or part.get("file_data") or ""
        if part.get("file_id") or not data.startswith("data:"):
            continue
        name = str(part.get("filename") or "image")
        path = folder / uuid.uuid4().hex
        try:
            path.write_bytes(base64.b64decode(data.partition(",")[2], validate=True))
            found[part_key(part)] = (name, look(path, name).text)
        except binascii.Error:
            continue  # `check_input` says so
        finally:
            path.unlink(missing_ok=True)
    return found


def texts(files: Files, items: Iterable[JsonObject]) -> dict[str, tuple[str, str]]:
    """The files in items by id, as (name, what the model reads); of an image, what it is."""
    found = [file for id_ in file_ids(items) if (file := files.find(id_))]
    return {file.id: (file.filename, file.looked.text if file.looked else "") for file in found}


def text_tokens(files: Files, item: JsonObject) -> int:
    """Tokens of the texts of an item's files."""
    ids = [part.get("file_id") or "" for part in parts(item) if part["type"] == "input_file"]
    looks = [file.looked for id_ in ids if (file := files.find(id_))]
    return sum(count_tokens(looked.text) for looked in looks if looked)


def check_input(files: Files, items: Sequence[JsonObject]) -> None:
    """Raise 404 for a file that is not there, 400 for one that the model cannot take; the error names the part."""
    size = 0
    for n, item in enumerate(items):
        where = f"input[{n}].{'output' if item['type'] == 'function_call_output' else 'content'}"
        for k, part in enumerate(parts(item)):
            if part["type"] == "input_image":
                _check_image(files, part, f"{where}[{k}]")
            elif part["type"] == "input_file":
                size += _check_file(files, part, f"{where}[{k}]")
    if size > INPUT_LIMIT:
        message = "The total size of the input files exceeds the limit of 50 MB."
        raise invalid(message, param="input", code="file_above_max_size")


def check_earlier(files: Files, items: Iterable[JsonObject]) -> None:
    """Raise 404 for a file of an earlier item that has been deleted since."""
    for id_ in file_ids(items):
        files.get(id_)


def _file(files: Files, part: JsonObject, param: str) -> File | None:
    """The file of a part that names one by its id."""
    if part.get("file_id") is None:
        return None
    file = files.find(part["file_id"])
    if file is None:
        raise ApiError(404, f"File with id '{part['file_id']}' not found.", param=f"{param}.file_id")
    return file


def _check_image(files: Files, part: JsonObject, param: str) -> None:
    file, url = _file(files, part, param), part.get("image_url") or ""
    if file is None and not url:
        message = f"Missing required parameter: '{param}.image_url'."
        raise invalid(message, param=f"{param}.image_url", code="missing_required_parameter")
    if file is not None:
        good = bool(file.looked and file.looked.image)
    else:
        good = not url.startswith("data:") or _is_image(url)  # others are not fetched here
    if not good:
        message = "The image data you provided does not represent a valid image. Please check your input and try "
        message += f"again with one of the supported image formats: [{SEEN}]."
        name = f"{param}.{'file_id' if file else 'image_url'}"
        raise invalid(message, param=name, code="invalid_image_format")


def _is_image(url: str) -> bool:
    try:
        content = base64.b64decode(url.partition(",")[2], validate=True)
        Image.open(io.BytesIO(content), formats=list(IMAGES)).verify()
    except (binascii.Error, OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return False
    return True


def _check_file(files: Files, part: JsonObject, param: str) -> int:
    """The size in bytes of a file that the model can read."""
    file = _file(files, part, param)
    if file is None:
        if not part.get("file_data") and not part.get("file_url"):
            message = f"Missing required parameter: '{param}.file_id'."
            raise invalid(message, param=f"{param}.file_id", code="missing_required_parameter")
        return len(part.get("file_data") or "") * 3 // 4
    suffix = PurePath(file.filename).suffix.lower()
    if suffix not in READABLE:
        message = f"The file type you uploaded is not supported: '{suffix or file.filename}'."
        raise invalid(message, param=f"{param}.file_id", code="unsupported_file")
    scanned = suffix == ".pdf" and file.looked and file.looked.scanned  # the model sees its pages
    if file.size <= INPUT_LIMIT and file.looked and file.looked.fault and not scanned:
        raise invalid(file.looked.fault[1], param=f"{param}.file_id", code="invalid_file")
    return file.size
