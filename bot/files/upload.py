"""A file of ours into Slack: an address for it, its bytes to that address. Nobody sees it before it is shared (bot/files/made.py)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import structlog

from bot.errors import AssistError, FileRefused, PlaceClosed, Retryable, SlackRefused
from bot.slack import Slack

log = structlog.get_logger()

SECONDS = 60.0  # for a file's bytes
TRIES = 3
LONGEST_PAUSE = 10.0
AWAY = "Slack did not answer"
NOT_TAKEN = "Slack did not take it"
WORDS = {
    "file_not_found": "Slack has lost it",
    "file_type_not_allowed": "the workspace takes no files of this type",
    "file_upload_size_restricted": "the workspace takes no files of this size",
    "file_uploads_disabled": "the workspace takes no files",
    "file_uploads_except_images_disabled": "the workspace takes no files but images",
    "posting_to_channel_denied": "I may not post here",
    "invalid_channel": "I may not post here",
    "storage_limit_reached": "the workspace has no room for files",
}


async def upload(slack: Slack, path: Path, name: str, size: int) -> str:
    """Gives Slack a file's bytes; returns the file's id, for files.completeUploadExternal. Raises FileRefused with a word for people.

    An upload whose end is unknown is begun anew: what is never shared is seen by nobody.
    """
    for attempt in range(TRIES):
        try:
            got = await slack.call("files.getUploadURLExternal", {"filename": name, "length": size})
            await _send(str(got["upload_url"]), path, slack.client.base_url)
            return str(got["file_id"])
        except Retryable as error:
            log.warning("upload failed", error=str(error))
            await pause(error, attempt)
        except AssistError as error:
            raise refusal(error) from error
    raise FileRefused(AWAY)


def refusal(error: AssistError) -> FileRefused:
    """The word for people when Slack does not take a file."""
    log.warning("file refused by Slack", error=str(error))
    match error:
        case FileRefused():
            return error
        case PlaceClosed():
            return FileRefused("I cannot write here (any more)")
        case SlackRefused():
            return FileRefused(WORDS.get(error.error, NOT_TAKEN))
        case Retryable():
            return FileRefused(AWAY)
    return FileRefused("I am not allowed to share files in Slack, please tell whoever runs me")


async def pause(error: Retryable, attempt: int) -> None:
    """Waits before another try."""
    await asyncio.sleep(min(LONGEST_PAUSE, error.after or 0.3 * 2**attempt))


async def _send(url: str, path: Path, api_url: str) -> None:
    """Streams the file. The address is its own permission: the token is not sent, and nothing goes to a host that is not Slack's."""
    if not _is_slacks(url, api_url):
        raise FileRefused(NOT_TAKEN)
    content = await asyncio.to_thread(path.open, "rb")
    try:
        timeout = aiohttp.ClientTimeout(total=SECONDS, connect=5)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(
                url, data=content, headers={"Content-Type": "application/octet-stream"}, allow_redirects=False
            ) as response,
        ):
            status = response.status
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise Retryable(f"upload: {type(error).__name__}") from error
    finally:
        await asyncio.to_thread(content.close)
    if status >= 500 or status == 429:
        raise Retryable(f"upload: HTTP {status}")
    if status != 200:
        raise SlackRefused("upload", f"HTTP {status}")


def _is_slacks(url: str, api_url: str) -> bool:
    to, api = urlsplit(url), urlsplit(api_url)
    if (to.scheme, to.netloc) == (api.scheme, api.netloc):
        return True
    host = to.hostname or ""
    return to.scheme == "https" and not to.username and host.endswith((".slack.com", ".slack-gov.com"))
