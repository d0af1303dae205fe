"""The one parser of Slack's file objects."""

from __future__ import annotations

from dataclasses import dataclass

from bot.errors import FileRefused, SlackRefused
from bot.slack import Slack


@dataclass(frozen=True, slots=True)
class SlackFile:
    """A file as Slack describes it."""

    id: str
    name: str
    title: str
    mimetype: str
    filetype: str
    mode: str
    size: int
    url: str
    permalink: str
    uploader: str
    channels: tuple[str, ...]
    transcript: str
    vtt: str
    external: bool


async def look(slack: Slack, file_id: str) -> SlackFile:
    """What Slack says of a file. Raises FileRefused, Retryable."""
    try:
        raw = (await slack.call("files.info", {"file": file_id}))["file"]
    except SlackRefused as refusal:
        raise FileRefused("was deleted" if refusal.error == "file_deleted" else "is not visible to me") from None
    places = tuple(c for kind in ("channels", "groups", "ims") for c in raw.get(kind) or ())
    return SlackFile(
        raw["id"],
        raw["name"],
        raw["title"],
        raw["mimetype"],
        raw["filetype"],
        raw["mode"],
        raw["size"],
        raw["url_private_download"],
        raw["permalink"],
        raw["user"],
        places,
        (raw.get("transcription") or {}).get("preview", {}).get("content", ""),
        raw.get("vtt") or "",
        bool(raw["is_external"]),
    )
