"""Makes of a file what OpenAI takes. Whatever opens a stranger's file does so in a child process with limits (bot/files/child.py)."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4
from weakref import WeakKeyDictionary

import structlog

from bot.errors import FileRefused, Retryable
from bot.files.download import Download
from bot.files.kinds import Kind, format_of, megabytes, named
from bot.files.slack_file import SlackFile

log = structlog.get_logger()
SECONDS = 60.0  # that a child may take, by the clock
AT_ONCE = 2  # children
MOST_SOUND = 25_000_000  # bytes; what OpenAI transcribes
SLOW = "it takes too long to open"
BROKEN = "it cannot be opened; it may be damaged"
_places: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Prepared:
    """What OpenAI is given of a file. The paths are the download's own, or new ones in the folder that was named."""

    kind: Kind
    search: Path | None  # for the vector store
    search_name: str  # with the suffix that tells what it is
    given: Path | None  # an image, the pages of a scan, a recording, or a table for the code interpreter
    given_name: str
    note: str  # what of it is left out, as "only its first 50,000 rows can be searched"; ""


async def prepare(
    download: Download, file: SlackFile, kind: Kind, folder: Path, *, seconds: float = SECONDS
) -> Prepared:
    """Checks and converts a file; what is made lies in `folder`, best the download's own, `download.path.parent`.

    `seconds` is how long it may take once it has begun. Raises FileRefused with a word: locked, damaged, too much to be opened; and Retryable.
    """
    form = format_of(file.name, file.mimetype, download.head)
    if kind == "sound":
        if download.size > MOST_SOUND and not (file.transcript or file.vtt):
            most = megabytes(MOST_SOUND)
            raise FileRefused(f"it is too large to listen to ({megabytes(download.size)}; I can up to {most})")
        return Prepared(kind, None, "", download.path, named(file.name, form), "")
    target = folder / uuid4().hex
    wish = {"kind": kind, "format": form, "source": str(download.path), "target": str(target), "name": file.name}
    places = _places.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(AT_ONCE))
    async with places:
        got = await _child(file.id, wish, seconds)
    if "refused" in got:
        if got.get("error"):
            log.warning("file not prepared", file=file.id, format=form, error=got["error"])
        raise FileRefused(got["refused"])
    search, given = got.get("search"), got.get("given")
    return Prepared(
        kind="scan" if got.get("scan") else kind,
        search=Path(search) if search else None,
        search_name=named(file.name, got["search_format"]) if search else "",
        given=Path(given) if given else None,
        given_name=named(file.name, got["given_format"]) if given else "",
        note=got.get("note", ""),
    )


async def _child(file_id: str, wish: Mapping[str, str], seconds: float) -> dict[str, str]:
    """The child's answer. Raises FileRefused where it did not live to give one."""
    process = await _start()
    try:
        async with asyncio.timeout(seconds):
            answer, _ = await process.communicate(json.dumps(wish).encode())
    except TimeoutError:
        log.warning("file not prepared", file=file_id, format=wish["format"], error="timeout")
        raise FileRefused(SLOW) from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    try:
        if process.returncode == 0:
            return dict(json.loads(answer))
    except ValueError:
        answer = b""
    log.warning("file not prepared", file=file_id, format=wish["format"], exit_code=process.returncode)
    # A negative code is a signal: -24 and -9 come from the limit of time, -6 is a library that got no more memory.
    raise FileRefused(
        {-24: SLOW, -9: SLOW, -6: "it needs too much memory to open"}.get(process.returncode or 0, BROKEN)
    )


async def _start() -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-X", "utf8", "-m", "bot.files.child"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=Path(__file__).parents[2],
            env={},  # no secrets
        )
    except OSError as error:  # no memory, or too many processes
        raise Retryable(f"no child process: {error.strerror}", said="I have no room to open files.") from error
