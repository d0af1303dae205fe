"""Access tokens for calendars: fetched from one origin only, and kept while they last."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import requests

TOKEN_SECONDS = 10.0  # for a request for a token, which is in a thread
TOKENS_KEPT = 1_000
MOST_BYTES = 1_000_000  # of an answer with a token
EARLY = 120.0  # seconds before its end from which a token is not used any more


class TokenSession(requests.Session):
    """Fetches tokens for google-auth and msal, which block: from one origin only, with a timeout, without redirects, and not more than a token can be."""

    def __init__(self, url: str, seconds: float = TOKEN_SECONDS) -> None:
        super().__init__()
        self.trust_env = False
        self.max_redirects = 0
        self._origin, self._seconds = _origin(url), seconds

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """As requests does it. Raises InvalidURL for any other origin, and RequestException for an answer that goes on and on."""
        if _origin(request.url or "") != self._origin:
            raise requests.exceptions.InvalidURL("not where tokens come from")
        answer = super().send(request, **{**kwargs, "timeout": self._seconds, "stream": True})
        data = bytearray()
        for piece in answer.iter_content(65_536):
            data += piece
            if len(data) > MOST_BYTES:
                answer.close()
                raise requests.exceptions.RequestException("far too much for a token")
        answer._content = bytes(data)  # noqa: SLF001  # where the library puts what it has read itself
        return answer


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port


class _Kept:
    """One token."""

    def __init__(self) -> None:
        self.lock, self.token, self.until = asyncio.Lock(), "", 0.0


class Tokens:
    """Access tokens by whom they speak for, fetched when they are first needed and again shortly before they expire."""

    def __init__(self, fetch: Callable[[str], tuple[str, float]], most: int = TOKENS_KEPT) -> None:
        """`fetch` blocks, gives a token and for how many seconds it is good, and raises Retryable or CalendarRefused."""
        self._fetch, self._most = fetch, most
        self._kept: dict[str, _Kept] = {}

    async def get(self, who: str) -> str:
        """A token that is good for a while."""
        kept = self._kept[who] = self._kept.pop(who) if who in self._kept else _Kept()
        while len(self._kept) > self._most:
            del self._kept[next(iter(self._kept))]
        async with kept.lock:
            if time.monotonic() >= kept.until:
                kept.token, seconds = await asyncio.to_thread(self._fetch, who)
                kept.until = time.monotonic() + seconds - EARLY
            return kept.token

    def drop(self, who: str, token: str) -> None:
        """It was not accepted."""
        kept = self._kept.get(who)
        if kept and kept.token == token:
            kept.until = 0.0
