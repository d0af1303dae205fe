"""Reads threads and channels of Slack, page by page. Who may read what has been decided before (bot/access.py)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import tzinfo
from functools import partial
from typing import Any

import structlog

from bot.errors import Retryable, SlackRefused, UserFacing
from bot.models import ThreadKey
from bot.reading import transcript
from bot.reading.links import permalink
from bot.reading.messages import Post, post
from bot.reading.once import Once
from bot.reading.people import People
from bot.reading.search import Search
from bot.slack import Identity, Slack

log = structlog.get_logger()

PAGE = 200  # messages; Slack asks for no more at once
PAGES = 10  # for one reading
PAGE_SECONDS = 15.0  # that a page may take, its place in the line for Slack's limits included
READ_SECONDS = 30.0  # after which no further page is begun
KEPT_SECONDS, KEPT_PAGES = 15.0, 100
ASKED_ONE_BY_ONE = 20  # people; more of them are looked up in the directory
SHOWN_PEOPLE, SHOWN_FILES = 6, 5
REPLIES, HISTORY = "conversations.replies", "conversations.history"


@dataclass(frozen=True, slots=True)
class Span:
    """What was read, oldest first. `whole`: there is no more of it. `failed`: Slack did not answer when the rest was asked for.

    `total` counts the whole thread as Slack does; 0 where Slack does not tell.
    """

    posts: tuple[Post, ...]
    whole: bool
    failed: bool = False
    total: int = 0


@dataclass(frozen=True, slots=True)
class Around:
    """The thread around a question to a bot that has said nothing in it yet. Names are other people's words: to be quoted, not obeyed."""

    messages: int  # before the question
    people: tuple[str, ...]  # a few of those who wrote them
    more_people: int
    link: str  # of the first message
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Page:
    posts: tuple[Post, ...]
    cursor: str
    first: str  # ts of its first message, whatever that is
    root: str  # the thread that message is in
    replies: int  # that the root has


class Reading:
    """Reads with the bot's own eyes; one for a process, so that a page read once is not asked for again within seconds."""

    def __init__(self, slack: Slack, *, page: int = PAGE) -> None:
        self.people, self.search = People(slack), Search(slack)
        self._slack, self._size = slack, page
        self._pages: Once[_Page] = Once(KEPT_SECONDS, KEPT_PAGES, PAGE_SECONDS)

    async def identity(self) -> Identity:
        """Who the bot is, and its workspace's address."""
        return await self._slack.identity()

    async def thread(self, channel: str, ts: str, *, after: str = "", asked: str = "0") -> Span:
        """The thread of a message, from its root or from what follows `after`. `asked`: the ts that it must not be older than.

        Raises SlackRefused("thread_not_found") among others, and Retryable where Slack does not answer at all.
        """
        args = {"channel": channel, "ts": ts} | ({"oldest": after} if after else {})
        first = await self._page(REPLIES, args, asked)
        if first.first == ts and first.root not in ("", ts):  # of a reply Slack gives the reply alone
            return await self.thread(channel, first.root, after=after, asked=asked)
        span = await self._read(REPLIES, args, asked, lambda _: False)
        posts = tuple(p for p in span.posts if not after or float(p.ts) > float(after))
        return Span(posts, span.whole, span.failed, first.replies + 1 if first.root in ("", first.first) else 0)

    async def channel(
        self, channel: str, *, oldest: str = "", latest: str = "", most: int = PAGE * PAGES, asked: str = "0"
    ) -> Span:
        """A channel's top level between two moments, neither included. Stops when there are `most` messages: the newest are read first."""
        # With `oldest` alone Slack would begin at that end; the day makes the page's name the same within a turn.
        if oldest and not latest:
            latest = f"{(int(time.time()) // 86400 + 2) * 86400}.000000"
        args = {k: v for k, v in {"channel": channel, "oldest": oldest, "latest": latest}.items() if v}
        return await self._read(HISTORY, args, asked, lambda count: count >= most)

    async def about(self, thread: ThreadKey, before: str) -> Around | None:
        """What there is in a thread before a question, where the bot has said nothing yet; None where there is nothing, or Slack does not tell."""
        root = thread.thread_ts
        if root is None or float(root) >= float(before):
            return None
        try:
            page = await self._page(REPLIES, {"channel": thread.channel, "ts": root}, before)
        except (SlackRefused, Retryable, UserFacing) as error:
            log.info("thread around a question not read", thread=str(thread), error=str(error))
            return None
        earlier = [p for p in page.posts if float(p.ts) < float(before)]
        if not earlier or any(p.own for p in earlier):
            return None
        names = await self.names(earlier[:ASKED_ONE_BY_ONE])
        people = list(dict.fromkeys(transcript.author(p, names) for p in earlier))
        url = (await self.identity()).url
        return Around(
            messages=page.replies if page.cursor else len(earlier),
            people=tuple(people[:SHOWN_PEOPLE]),
            more_people=len(people[SHOWN_PEOPLE:]),
            link=permalink(url, thread.channel, root),
            files=tuple(f.name for p in earlier for f in p.files)[:SHOWN_FILES],
        )

    async def lines(
        self, channel: str, posts: Sequence[Post], zone: tzinfo, unnamed: Container[str] = ()
    ) -> list[transcript.Line]:
        """Posts as the model reads them: names for ids (but for the channels in `unnamed`), times in a zone, links."""
        names, url = await self.names(posts), (await self.identity()).url
        return [transcript.line(p, channel, names, zone, url, unnamed) for p in posts]

    async def names(self, posts: Sequence[Post]) -> dict[str, str]:
        """The names of those whom posts show; an id stays where Slack does not tell in time."""
        return await self.called(transcript.people(posts))

    async def called(self, users: Iterable[str]) -> dict[str, str]:
        """Names by user id. Few people are asked for one by one, and kept; more are looked up in the directory first."""
        wanted, known = list(users), dict[str, str]()
        if len(wanted) > ASKED_ONE_BY_ONE:
            with suppress(SlackRefused, Retryable, UserFacing):
                everybody = await self.people.all()
                known = {u: everybody[u].name for u in wanted if u in everybody}
        others = [u for u in wanted if u not in known][:ASKED_ONE_BY_ONE]
        found = await asyncio.gather(*map(self._slack.person, others))
        return known | {p.id: p.name for p in found}

    async def _read(self, method: str, args: Mapping[str, str], asked: str, enough: Callable[[int], bool]) -> Span:
        """Pages until there are no more, it is enough, or it takes too long."""
        posts: dict[str, Post] = {}
        began, cursor, failed = time.monotonic(), "", False
        for number in range(PAGES):
            try:
                page = await self._page(method, args, asked, cursor)
            except Retryable as error:
                if not number:
                    raise
                log.warning("reading cut short", channel=args["channel"], pages=number, error=str(error))
                failed = True
                break
            posts |= {p.ts: p for p in page.posts}
            cursor = page.cursor
            if not cursor or enough(len(posts)) or time.monotonic() - began > READ_SECONDS:
                break
        ordered = tuple(sorted(posts.values(), key=lambda p: float(p.ts)))
        return Span(ordered, whole=not cursor and not failed, failed=failed)

    async def _page(self, method: str, args: Mapping[str, str], asked: str, cursor: str = "") -> _Page:
        full: dict[str, Any] = {**args, "limit": self._size} | ({"cursor": cursor} if cursor else {})
        return await self._pages.get((method, *sorted(full.items())), partial(self._ask, method, full), float(asked))

    async def _ask(self, method: str, args: Mapping[str, Any]) -> _Page:
        me = await self.identity()
        got = await self._slack.call(method, args)
        raws = got["messages"]
        posts = tuple(p for p in (post(raw, me) for raw in raws) if p)
        cursor = (got.get("response_metadata") or {}).get("next_cursor") or ""
        first = raws[0] if raws else {}
        root = first.get("thread_ts") or ""
        return _Page(posts, cursor, first.get("ts") or "", root, int(first.get("reply_count") or 0))
