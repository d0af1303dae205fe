"""What kind of file it is."""

from __future__ import annotations

from typing import Literal

from bot.errors import FileRefused
from bot.files.slack_file import SlackFile

Kind = Literal["text", "table", "image", "scan", "sound"]


def refusal(file: SlackFile, most_bytes: int) -> str:
    """Why a file will not even be downloaded, or ""."""
    if not file.size:
        return "is empty"
    return "is too large" if file.size > most_bytes else ""


def kind_of(name: str, mimetype: str, head: bytes) -> Kind:
    """By content, then by name. Raises FileRefused."""
    if head.startswith(b"\x89PNG"):
        return "image"
    if head.startswith(b"PK"):
        raise FileRefused("is an archive: unpack it and share the files")
    if mimetype.startswith(("audio/", "video/")):
        return "sound"
    return "table" if name.endswith(".csv") else "text"
