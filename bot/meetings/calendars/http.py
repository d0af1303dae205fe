"""What calendars over HTTP have in common: one careful client, and how busy times are asked for.

A token goes to the one address that is configured, in a header, and nowhere else: no redirect is followed, no proxy or cookie of the environment is
used. Errors that name an address (aiohttp's do) are not chained: people's addresses are part of it.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import aiohttp
from yarl import URL

from bot.errors import CalendarRefused, RateLimited, Retryable
from bot.meetings.calendars.tokens import Tokens
from bot.meetings.values import Attendee, Span

SECONDS = 20.0  # for one request
AT_ONCE = 20
MOST_BYTES = 8_000_000
LONGEST_WAIT = 3600.0
PIECE = timedelta(
    days=40
)  # free/busy times are asked for in pieces: Exchange allows less than 42 days, or 62, by its version

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Reply:
    """What the calendar answered. `data` is its JSON object, empty where there is none; `code` its own word for an error."""

    status: int
    data: Mapping[str, Any]

    @property
    def ok(self) -> bool:
        """Whether it did as asked."""
        return 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        """Whether there is no such thing."""
        return self.status in (404, 410)

    @property
    def code(self) -> str:
        """Google's reason or Graph's code, "" for none; never a text, which may quote what was sent."""
        error = self.data.get("error")
        if not isinstance(error, Mapping):
            return ""
        several = error.get("errors")
        first = several[0] if isinstance(several, list) and several and isinstance(several[0], Mapping) else {}
        word = first.get("reason") or error.get("code")
        return word if isinstance(word, str) and re.fullmatch(r"[\w.]{1,80}", word) else ""

    @property
    def told(self) -> str:
        """Status and code, for the log."""
        return f"{self.status} {self.code}".strip()


class Api:
    """An HTTP API below one address."""

    def __init__(self, name: str, url: str, tokens: Tokens, *, seconds: float = SECONDS) -> None:
        self.name, self._url, self._tokens = name, url, tokens
        self._timeout = aiohttp.ClientTimeout(total=seconds, connect=5, sock_connect=5)
        self._open: aiohttp.ClientSession | None = None

    async def call(
        self,
        who: str,
        method: str,
        *path: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Asks as `who`; of each part of the path every character is taken as it is. Raises Retryable for 408, 429, 5xx and silence, CalendarRefused where no token is to be had."""
        url = "/".join((self._url, *(quote(part, safe="") for part in path)))
        if query:
            url += "?" + urlencode(query, quote_via=quote)
        for last in (False, True):
            token = await self._tokens.get(who)
            reply = await self._once(method, url, body, {**(headers or {}), "Authorization": f"Bearer {token}"})
            if reply.status != 401 or last:
                break
            self._tokens.drop(who, token)  # it may have been withdrawn before its time
        return reply

    async def _once(self, method: str, url: str, body: Mapping[str, Any] | None, headers: dict[str, str]) -> Reply:
        data = None if body is None else json.dumps(body).encode()
        if data is not None:
            headers["Content-Type"] = "application/json"
        address = URL(url, encoded=True)
        try:
            async with self._session().request(
                method, address, data=data, headers=headers, allow_redirects=False
            ) as got:
                self._judge(got.status, got.headers.get("Retry-After", ""))
                return Reply(got.status, _object(await _whole(got)))
        except (TimeoutError, aiohttp.ClientError, ValueError) as error:  # ValueError: not JSON, or far too much of it
            raise self.silent(type(error).__name__) from None

    def _judge(self, status: int, after: str) -> None:
        wait = min(float(after), LONGEST_WAIT) if after.isdecimal() else None
        if status == 429:
            raise RateLimited(f"{self.name}: 429", after=wait, said=f"{self.name} is busy. Please try again later.")
        if status >= 500 or status == 408:
            raise Retryable(f"{self.name}: {status}", after=wait, said=f"{self.name} does not answer.")

    def silent(self, why: str) -> Retryable:
        """The error for no answer that can be used. `why` is for the log."""
        return Retryable(f"{self.name}: {why}", said=f"{self.name} does not answer.")

    @contextmanager
    def reading(self) -> Iterator[None]:
        """While an answer is read that has not the form it was promised to have: that is no answer."""
        try:
            yield
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise self.silent(f"unreadable, {type(error).__name__}") from None

    def _session(self) -> aiohttp.ClientSession:
        if self._open is None:
            connector, jar = aiohttp.TCPConnector(limit=AT_ONCE), aiohttp.DummyCookieJar()
            self._open = aiohttp.ClientSession(connector=connector, timeout=self._timeout, cookie_jar=jar)
        return self._open

    async def close(self) -> None:
        """Closes its connections."""
        if self._open:
            await self._open.close()


async def _whole(response: aiohttp.ClientResponse) -> bytes:
    data = b""
    async for piece in response.content.iter_chunked(65_536):
        data += piece
        if len(data) > MOST_BYTES:
            raise ValueError("too large")
    return data


def _object(data: bytes) -> Mapping[str, Any]:
    """The JSON object, or nothing. Raises ValueError for anything else, such as a proxy's page."""
    found = json.loads(data) if data.strip() else {}
    if not isinstance(found, dict):
        raise ValueError("not an object")  # noqa: TRY004  # one error for all that is not what was promised
    return found


async def together(*asked: Coroutine[Any, Any, Found]) -> list[Found]:
    """All answers; the first error ends the others."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in asked]
    except ExceptionGroup as several:
        raise several.exceptions[0] from None
    return [task.result() for task in tasks]


# -- what is asked for ----------------------------------------------------------------------------------------------------------


def address_of(person: Attendee) -> str:
    """The address that a calendar knows somebody by. Raises CalendarRefused where there is none."""
    if not person.email:
        raise CalendarRefused("I do not know the organizer’s e-mail address, so I cannot find their calendar.")
    return person.email


def asker(people: Sequence[Attendee]) -> str:
    """In whose name free/busy times are asked for: the first who has a calendar here, which is the organizer's where they take part."""
    return next((p.email for p in people if p.email and p.kind == "member"), "")


def addresses(people: Sequence[Attendee]) -> tuple[str, ...]:
    """Their addresses in lower case, each once."""
    return tuple(dict.fromkeys(p.email.lower() for p in people if p.email))


def batches(values: Sequence[str], most: int) -> Iterator[Sequence[str]]:
    """So many of them at a time."""
    for at in range(0, len(values), most):
        yield values[at : at + most]


def pieces(span: Span) -> Iterator[Span]:
    """A long time in pieces that one question may be about."""
    start = span.start
    while start < span.end:
        end = min(start + PIECE, span.end)
        yield Span(start, end)
        start = end


def joined(parts: Iterable[Mapping[str, tuple[Span, ...] | None]]) -> dict[str, tuple[Span, ...] | None]:
    """Answers about several batches and pieces as one; who is unknown in one of them is unknown."""
    found: dict[str, tuple[Span, ...] | None] = {}
    for part in parts:
        for address, spans in part.items():
            before = found.get(address, ())
            found[address] = None if spans is None or before is None else (*before, *spans)
    return found


def without(spans: tuple[Span, ...] | None, own: frozenset[Span]) -> tuple[Span, ...] | None:
    """Busy times but one of each of an event's own; a second meeting at just that time stays."""
    if spans is None:
        return None
    left, kept = set(own), []
    for span in spans:
        if span in left:
            left.remove(span)
        else:
            kept.append(span)
    return tuple(kept)
