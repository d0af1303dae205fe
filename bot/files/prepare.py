"""What OpenAI takes of a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bot.files.download import Download
from bot.files.kinds import Kind
from bot.files.slack_file import SlackFile


@dataclass(frozen=True, slots=True)
class Prepared:
    """What goes to OpenAI."""

    kind: Kind
    search: Path | None
    search_name: str
    given: Path | None
    given_name: str
    note: str


async def prepare(download: Download, file: SlackFile, kind: Kind, folder: Path) -> Prepared:  # noqa: ARG001  # a stand-in
    """Makes it ready. Raises FileRefused."""
    if kind == "text":
        return Prepared(kind, download.path, file.name, None, "", "")
    if kind == "table":
        return Prepared(kind, download.path, f"{file.name}.md", download.path, file.name, "")
    return Prepared(kind, None, "", download.path, file.name, "")
