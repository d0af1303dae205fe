"""The wire to a CalDAV server: signed requests of one account, a few at once, none of which is sent on to another address."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from math import inf
from urllib.parse import urlsplit

from caldav.aio import AsyncDAVClient, DAVResponse
from caldav.lib.error import AuthorizationError, RateLimitError
from niquests import AsyncResponse
from niquests.exceptions import TooManyRedirects

from bot.errors import CalendarRefused, Retryable

SIDE_BY_SIDE = 8
MOST_BYTES = 20_000_000  # of an answer: a calendar of ten thousand events has less
_PIECE = 65_536
AWAY = "The calendar does not answer."
SIGN_IN = (
    "The calendar server refuses the assistant's sign-in. "
    "Whoever runs the assistant can mend that: CALDAV_USER and CALDAV_PASSWORD."
)
MOVED = (
    "The calendar server sends the assistant to another address. "
    "Whoever runs the assistant can mend that: CALDAV_URL must be the address itself."
)


class DavWire:
    """Raises Retryable where the server is down, slow, overburdened or says nothing sensible, or far too much; CalendarRefused where it refuses the sign-in or sends us elsewhere."""

    def __init__(self, url: str, user: str, password: str, seconds: int) -> None:
        """`seconds` is how long the server may take to connect, and to answer. Nothing is asked yet."""
        self.seconds = seconds
        parts = urlsplit(url)
        # Basic, and without multiplexing, both set and not guessed: where eight requests at once learn how to sign in, the library refuses seven of
        # them; and at a 401 it would open another session, without our limit of redirects.
        self._client = AsyncDAVClient(
            url=f"{parts.scheme}://{parts.netloc}/",
            username=user,
            password=password,
            auth_type="basic",
            timeout=seconds,
            enable_rfc6764=False,
            rate_limit_handle=False,
            features={"http.multiplexing": False},
        )
        self._client.session.max_redirects = 0  # the password goes nowhere else, and a PUT must not become a GET
        self._client.session.hooks["response"] = [_whole]
        self._room = asyncio.Semaphore(SIDE_BY_SIDE)

    async def ask(
        self, method: str, url: str, body: str = "", headers: Mapping[str, str] | None = None, until: float = inf
    ) -> DAVResponse:
        """One request, unless it would begin after `until` (the loop's time). The answer may be any below 500 but 401."""
        async with self._room:
            if asyncio.get_running_loop().time() > until:
                raise Retryable(f"caldav {method}: no time left", said=AWAY)
            answer = await self._answer(method, url, body, headers)
        if answer.status >= 500 or answer.status in (408, 423, 425):
            raise Retryable(f"caldav {method}: {answer.status}", said=AWAY)
        return answer

    async def _answer(self, method: str, url: str, body: str, headers: Mapping[str, str] | None) -> DAVResponse:
        try:
            # The client's own timeout comes first and closes the connection; this one is for a server that trickles.
            async with asyncio.timeout(2 * self.seconds):
                return await self._client.request(url, method, body, headers)
        except RateLimitError as error:
            raise Retryable("caldav 429", after=error.retry_after_seconds, said=AWAY) from None
        except AuthorizationError as error:
            if error.status == 403:
                return DAVResponse.from_bytes(b"", 403)
            raise CalendarRefused(SIGN_IN, f"{method} {error.status}") from None
        except TooManyRedirects:
            raise CalendarRefused(MOVED, f"{method} redirected") from None
        except Exception as error:  # refused, cut, late, not HTTP, not XML
            # Its text may hold the address, its kind does not.
            raise Retryable(f"caldav {method}: {type(error).__name__}", said=AWAY) from None

    async def close(self) -> None:
        """Closes its connections."""
        await self._client.close()


class TooMuch(Exception):
    """An answer that goes on and on."""


async def _whole(response: AsyncResponse, **_: object) -> None:
    """Reads an answer as far as is sensible, unpacked: whoever stands in the server's place must not fill the memory."""
    data = bytearray()
    async for piece in await response.iter_content(_PIECE):
        data += piece
        if len(data) > MOST_BYTES:
            await response.close()
            raise TooMuch
    response._content = bytes(data)  # noqa: SLF001  # where the library puts what it has read itself


def texts_of(answer: DAVResponse) -> list[str]:
    """The events of an answer to a calendar query. ValueError for a page that only looks like one, and where an event is missing: that says nothing about who is free."""
    if answer.tree is None or answer.tree.tag != "{DAV:}multistatus":
        raise ValueError("no multistatus")
    found = answer.parse_calendar_query()
    texts = [each.calendar_data for each in found if each.calendar_data]
    if len(texts) < len(found):
        raise ValueError("an event without its text")
    return texts
