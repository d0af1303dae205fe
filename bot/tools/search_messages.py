"""Messages that contain some words: by Slack's own search where the workspace has it, else by looking through what the bot can read."""

from __future__ import annotations

import asyncio
from collections.abc import Container, Iterable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Annotated, Any

import structlog
from pydantic import Field

from bot.errors import Retryable, SlackRefused, ToolRefused, UserFacing
from bot.mrkdwn import plain
from bot.reading.history import PAGE
from bot.reading.links import moment
from bot.reading.messages import Post
from bot.reading.search import Hit
from bot.reading.transcript import QUOTED, Line, fitting
from bot.tools.quotes import Where, draw, lines_of, refusals, settled, where
from bot.tools.tool import Arguments, Asking, Tool

log = structlog.get_logger()

FOUND = 20  # messages told
LOOKED = 10  # channels that are looked through when none is named
ASKED = 30  # channels of which it is asked whether they may be read
DEEP = 5  # times as many messages of the one channel that is named
SECONDS = 45.0  # for all of it
THREADS = "Replies inside threads were not looked through."


class SearchMessages(Arguments):
    """What to look for, and where."""

    words: Annotated[
        str, Field(min_length=2, max_length=200, description="Words that the message contains, as few as will do.")
    ]
    channel: Annotated[str | None, Field(description="Only in this channel: its name, id or link.")]
    from_person: Annotated[str | None, Field(description="Only what this person wrote: a name.")]
    since: Annotated[str | None, Field(description="Only since 2026-11-20, in the asker's time zone.")]


@dataclass(slots=True)
class _Findings:
    """What was found, by place and ts, and how far it was looked."""

    lines: dict[tuple[str, str], Line] = field(default_factory=dict)
    places: dict[str, Where] = field(default_factory=dict)
    looked: int = 0  # messages …
    looked_in: int = 0  # … of so many places
    searched: bool = False  # by Slack's own search
    failed: bool = False
    all: bool = True  # nothing was left that could have been looked through


async def _search_messages(args: SearchMessages, asking: Asking) -> dict[str, Any]:
    reading = asking.sources.reading
    me = await reading.identity()
    oldest = moment(args.since, asking.person.zone, me) if args.since else ""
    found = _Findings()
    if args.channel:
        with refusals(asking, "that place"):
            place = await where(asking, args.channel)
        with refusals(asking, place.said):
            await _look(args, asking, place, oldest, found, PAGE * DEEP)
    else:
        try:
            async with asyncio.timeout(SECONDS):  # what was found till then is told
                await _search(args, asking, oldest, found)
                await _look_through(args, asking, oldest, found)
        except TimeoutError:
            log.warning("search cut short", thread=str(asking.thread))
            found.failed = True
    newest = sorted(found.lines, key=lambda k: float(k[1]), reverse=True)[:FOUND]
    lines = [found.lines[k] for k in newest]
    shown = newest[: fitting(lines)] if lines else []
    for channel in dict.fromkeys(c for c, _ in shown):
        await draw(asking, found.places[channel])
    return _told(asking, found, lines[: len(shown)])


def _told(asking: Asking, found: _Findings, lines: list[Line]) -> dict[str, Any]:
    how = ["Slack's search of public channels"] if found.searched else []
    if found.looked_in:
        how.append(f"{_number(found.looked, 'message')} of {_number(found.looked_in, 'channel')}")
    looked = " and ".join(how) or "nothing"
    if how:
        asking.sources.note(f"Looked through {looked}.", "Looked through")
    made: dict[str, Any] = {"about": QUOTED, "looked_through": looked}
    rest = [] if found.searched and not found.looked_in else [THREADS]
    rest += [] if found.all else ["There was more than could be looked through: name a channel or a shorter time."]
    rest += ["Slack did not answer for a part of it: say so."] if found.failed else []
    return made | {"left_out": " ".join(rest), "messages": lines}


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


# -- Slack's own search ------------------------------------------------------------------------------------------------


async def _search(args: SearchMessages, asking: Asking, oldest: str, found: _Findings) -> None:
    """Hits of Slack's search in places that may be read here; the others are dropped without a word."""
    reading = asking.sources.reading
    refused: set[str] = set()
    try:
        async with aclosing(reading.search.hits(args.words, asking.question.action_token, oldest)) as hits:
            async for hit in hits:
                if hit.channel in refused or not hit.ts or not _by(args.from_person, hit.author, hit.user):
                    continue
                if hit.channel == asking.thread.channel and hit.ts == asking.question.ts:
                    continue  # the question has its own words in it
                try:
                    place = found.places.get(hit.channel) or await where(asking, hit.channel)
                except ToolRefused:
                    refused.add(hit.channel)
                    continue
                found.places[hit.channel] = place
                found.lines[hit.channel, hit.ts] = await _hit_line(asking, hit, place)
                if len(found.lines) >= FOUND:
                    break
        found.searched = True
    except (SlackRefused, UserFacing):
        return  # there is no search for this question: the places are looked through
    except Retryable:
        found.failed = True


async def _hit_line(asking: Asking, hit: Hit, place: Where) -> Line:
    me = await asking.sources.reading.identity()
    post = Post(ts=hit.ts, text=hit.text, user=hit.user, author=hit.author, own=hit.user == me.user)
    (line,) = await lines_of(asking, hit.channel, [post])
    return line | {"in": place.said} | ({"link": hit.link} if hit.link else {})


# -- looked through by ourselves ---------------------------------------------------------------------------------------


async def _look_through(args: SearchMessages, asking: Asking, oldest: str, found: _Findings) -> None:
    """The newest messages of this place, and of the others that may be read here; with Slack's search only of those that it does not cover."""
    searched, dm = found.searched, asking.thread.is_dm
    types = ["public_channel"] * (not searched) + ["private_channel", "mpim"] * dm
    others = await asking.sources.reading.search.places(",".join(types)) if types else ()
    channels = list(dict.fromkeys([asking.thread.channel, *others]))
    looked = 0
    for channel in channels[:ASKED]:
        if looked == LOOKED:
            break
        try:
            place = await where(asking, "" if channel == asking.thread.channel else channel)
        except ToolRefused:
            continue
        except Retryable:  # whether it may be read is not known
            found.failed = True
            continue
        looked += 1
        try:
            with refusals(asking, place.said):
                await _look(args, asking, place, oldest, found, PAGE)
        except ToolRefused:
            found.failed = True
    found.all = found.all and looked < LOOKED and len(channels) <= ASKED


async def _look(args: SearchMessages, asking: Asking, place: Where, oldest: str, found: _Findings, most: int) -> None:
    reading = asking.sources.reading
    span = await reading.channel(place.channel, oldest=oldest, most=most, asked=asking.question.ts)
    posts = [p for p in settled(span.posts, asking, place) if p.ts != asking.question.ts]
    found.places[place.channel] = place
    found.looked, found.looked_in = found.looked + len(posts), found.looked_in + 1
    found.all, found.failed = found.all and span.whole, found.failed or span.failed
    unnamed = await asking.sources.access.unnamed(asking.person.id, asking.thread)
    matches = [p for p in posts if _has(p, args.words, unnamed)]
    names = await reading.names(matches) if args.from_person else {}
    matches = [p for p in matches if _by(args.from_person, p.author or names.get(p.user, ""), p.user)][-FOUND:]
    for post, line in zip(matches, await lines_of(asking, place.channel, matches), strict=True):
        found.lines[place.channel, post.ts] = line | {"in": place.said}


def _has(post: Post, words: str, unnamed: Container[str]) -> bool:
    """Whether each of the words stands somewhere in a message or in the names of its files."""
    said = " ".join((plain(post.text, {}, unnamed=unnamed), *(f.name for f in post.files))).casefold()
    return all(word in said for word in words.casefold().split())


def _by(wanted: str | None, *names: str) -> bool:
    if not wanted:
        return True
    return all(any(word in name.casefold() for name in names) for word in _words(wanted))


def _words(name: str) -> Iterable[str]:
    return name.casefold().replace("@", " ").replace("<", " ").replace(">", " ").split()


search_messages = Tool(
    name="search_messages",
    description=(
        "Find Slack messages that contain some words, in the channels that may be read here; newest first. "
        "Say how far you looked when nothing is found. Cite each message that you rely on, as [Ana Becker, Fri 14:03](its link)."
    ),
    arguments=SearchMessages,
    run=_search_messages,
    doing="is searching Slack…",
    seconds=60.0,
)
