"""From Slack to the disk."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from bot.errors import FileRefused, Retryable


@dataclass(frozen=True, slots=True)
class Download:
    """A file on the disk."""

    path: Path
    size: int
    sha256: str
    head: bytes
    mimetype: str


class Downloads:
    """Fetches files."""

    def __init__(self, token: str, api_url: str, folder: Path, most_bytes: int) -> None:  # noqa: ARG002  # a stand-in
        self._token, self._folder, self.most_bytes = token, folder, most_bytes

    @asynccontextmanager
    async def fetch(self, url: str, *, expected_size: int) -> AsyncIterator[Download]:  # noqa: ARG002  # a stand-in
        """The file, until the end of the block."""
        self._folder.mkdir(parents=True, exist_ok=True)
        headers = {"Authorization": f"Bearer {self._token}"}
        async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as got:
            if got.status >= 500:
                raise Retryable(f"download: {got.status}")
            if got.status != 200:
                raise FileRefused("was deleted")
            content, mimetype = await got.read(), got.content_type
        path = self._folder / secrets.token_hex(8)
        path.write_bytes(content)
        try:
            yield Download(path, len(content), hashlib.sha256(content).hexdigest(), content[:4096], mimetype)
        finally:
            path.unlink(missing_ok=True)
