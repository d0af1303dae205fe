"""A file as Slack describes it. The only code that reads Slack's file objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from bot.errors import FileRefused, SlackRefused, UserFacing
from bot.files.names import clean_name
from bot.slack import Slack

log = structlog.get_logger()
PAGES = frozenset({"canvas", "docs", "post", "quip", "space"})  # modes of what people write in Slack itself
HIDDEN = {
    "tombstone": "it was deleted",
    "hidden_by_limit": "it is older than this workspace's plan lets me read",
}


@dataclass(frozen=True, slots=True)
class SlackFile:
    """What Slack says of a file. `name` is fit to be shown, never to be a path; `size` is 0 where Slack does not know it, as of a canvas."""

    id: str
    name: str
    title: str
    mimetype: str
    filetype: str
    mode: str  # hosted, snippet, external, canvas, …
    size: int  # bytes
    url: str  # "" where there is nothing to download
    permalink: str
    uploader: str
    channels: tuple[str, ...]  # all that it is shared in, DMs too; sorted
    transcript: str  # Slack's own, where it is whole
    vtt: str  # where Slack's own subtitles are; ""
    external: bool  # it lives somewhere else; Slack only links it


async def look(slack: Slack, file_id: str) -> SlackFile:
    """Asks Slack what a file is. Raises FileRefused where the bot may not see it or it is gone, and Retryable."""
    try:
        return parse_file((await slack.call("files.info", {"file": file_id}))["file"])
    except UserFacing as error:
        log.warning("file not read: does the app have the scope files:read?", file=file_id, error=str(error))
        raise FileRefused("I am not allowed to read files here; please tell whoever runs me") from error
    except SlackRefused as error:
        raise FileRefused(_word(error.error)) from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        log.warning("file object not understood", file=file_id, error=type(error).__name__)
        raise FileRefused("Slack describes it in a way that I do not understand") from error


def parse_file(raw: Mapping[str, Any]) -> SlackFile:
    """Slack's file object. Raises FileRefused for one whose content Slack keeps back, KeyError and the like for one that is malformed."""
    mode = str(raw.get("mode") or "")
    if mode in HIDDEN:
        raise FileRefused(HIDDEN[mode])
    if raw.get("file_access") in ("access_denied", "file_not_found"):
        raise FileRefused(_word("not_visible"))
    told = raw.get("transcription") or {}
    preview = told.get("preview") or {}
    whole = told.get("status") == "complete" and not preview.get("has_more")
    return SlackFile(
        id=str(raw["id"]),
        name=clean_name(str(raw.get("name") or raw.get("title") or "")),
        title=clean_name(str(raw.get("title") or raw.get("name") or "")),
        mimetype=str(raw.get("mimetype") or "").lower(),
        filetype=str(raw.get("filetype") or "").lower(),
        mode=mode,
        size=0 if mode in PAGES else int(raw.get("size") or 0),  # of a page it is not that of what is downloaded
        url=str(raw.get("url_private_download") or raw.get("url_private") or ""),
        permalink=str(raw.get("permalink") or ""),
        uploader=str(raw.get("user") or ""),
        channels=_channels(raw),
        transcript=str(preview.get("content") or "") if whole else "",
        vtt=str(raw.get("vtt") or ""),
        external=bool(raw.get("is_external")) or mode == "external",
    )


def _channels(raw: Mapping[str, Any]) -> tuple[str, ...]:
    listed = [*(raw.get("channels") or ()), *(raw.get("groups") or ()), *(raw.get("ims") or ())]
    shares = raw.get("shares") or {}
    return tuple(sorted({str(c) for c in (*listed, *(shares.get("public") or ()), *(shares.get("private") or ()))}))


def _word(error: str) -> str:
    """What a refusal by files.info means to a person."""
    if error == "file_deleted":
        return "it was deleted"
    if error in ("file_not_found", "not_visible", "template_not_visible"):
        return "it is gone, or it is in a place that I am not in"
    return "Slack does not let me read it"
