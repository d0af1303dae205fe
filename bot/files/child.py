"""A process that opens one file and ends. A file that eats memory or time, or breaks a library, takes only this process with it.

Reads a wish as JSON from its input, writes an answer as JSON to its output. It is given no secret and talks to nobody.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path

from bot.errors import FileRefused

MEMORY = 1_536 * 1024 * 1024  # bytes of addresses
CPU_SECONDS = 50
ALARM_SECONDS = 90  # by the clock, for one whose parent was killed
MOST_WRITTEN = 64 * 1024 * 1024  # bytes a file


def limit() -> None:
    """Sets the limits of this process. Where a system does not have one of them the others stand."""
    wanted = (
        (resource.RLIMIT_AS, MEMORY, MEMORY),
        (resource.RLIMIT_CPU, CPU_SECONDS, CPU_SECONDS + 5),
        (resource.RLIMIT_FSIZE, MOST_WRITTEN, MOST_WRITTEN),
        (resource.RLIMIT_CORE, 0, 0),
    )
    for which, soft, hard in wanted:
        with suppress(ValueError, OSError):
            resource.setrlimit(which, (soft, hard))
    signal.alarm(ALARM_SECONDS)


def answer(wish: dict[str, str]) -> dict[str, str]:
    """What is to be searched and what is to be given of a file, with the formats of both. Raises FileRefused."""
    source, target, form = Path(wish["source"]), Path(wish["target"]), wish["format"]
    if wish["kind"] == "image":
        from bot.files.pictures import fit

        path, given_format, note = fit(source, form, target)
        return {"given": str(path), "given_format": given_format, "note": note}
    if wish["kind"] == "table":
        from bot.files.documents import check_office
        from bot.files.tables import render

        if form != "csv":
            check_office(source, form)
        note = render(source, form, wish["name"], target)
        return {
            "search": str(target),
            "search_format": "md",
            "given": str(source),
            "given_format": form,
            "note": note,
        }
    return _text(source, target, form)


def _text(source: Path, target: Path, form: str) -> dict[str, str]:
    from bot.files import documents

    if form == "pdf":
        if documents.has_text(source):
            return {"search": str(source), "search_format": form}
        return {"scan": "yes", "given": str(source), "given_format": form}
    if form in ("doc", "docx", "ppt", "pptx"):
        documents.check_office(source, form)
        return {"search": str(source), "search_format": form}
    converted, note = documents.to_utf8(source, target)
    if converted:
        return {"search": str(target), "search_format": "txt", "note": note}
    return {"search": str(source), "search_format": form}


def main() -> None:
    """One wish, one answer."""
    limit()
    wish = json.load(sys.stdin)
    try:
        told = answer(wish)
    except FileRefused as refusal:
        told = {"refused": str(refusal)}
    except MemoryError:
        told = {"refused": "it needs too much memory to open", "error": "MemoryError"}
    except Exception as error:  # a library that a stranger's file has broken: the parent tells people and the log
        told = {"refused": "it cannot be opened; it may be damaged", "error": type(error).__name__}
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
