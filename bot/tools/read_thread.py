"""A thread as the model reads it: this one, or one that a link leads to."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from bot.models import ThreadKey
from bot.reading import Post, Span
from bot.reading.links import link, moment
from bot.tools.quotes import MOST, Quoted, Where, note, quoted, refusals, settled, told, where
from bot.tools.tool import Arguments, Asking, Tool


class ReadThread(Arguments):
    """Which thread, and from where on."""

    link: Annotated[
        str | None, Field(description="Link of a message in the thread, as given to you; null for this thread.")
    ]
    after: Annotated[
        str | None,
        Field(description="To go on reading: link of the message after which to begin; null for the whole thread."),
    ]


async def _read_thread(args: ReadThread, asking: Asking) -> dict[str, Any]:
    with refusals(asking, "that place"):
        place, root = await _target(args, asking)
    said = "this thread" if root and root == asking.thread.thread_ts and place.here else f"a thread in {place.said}"
    if not root:
        said = place.said
    with refusals(asking, said if place.here else place.said):
        reading, asked = asking.sources.reading, asking.question.ts
        after = moment(args.after, asking.person.zone, await reading.identity()) if args.after else ""
        if root:
            span = await reading.thread(place.channel, root, after=after, asked=asked)
        else:
            span = await reading.channel(place.channel, oldest=after, most=MOST, asked=asked)
        posts = settled(span.posts, asking, place)
        quotes, gap = await _fitted(asking, place, posts, going_on=bool(after))
    counted = _counted(len(quotes.lines), len(posts), span, going_on=bool(after))
    note(asking, said, counted)
    return told(said, quotes, counted, " ".join(filter(None, (gap, _rest(span, quotes)))))


async def _target(args: ReadThread, asking: Asking) -> tuple[Where, str]:
    """The place and the message that names the thread there, "" for a direct message's top level."""
    thread: ThreadKey = asking.thread
    if not args.link:
        return await where(asking, None), thread.thread_ts or ""
    found = link(args.link, await asking.sources.reading.identity())
    place = await where(asking, found.channel)
    here = thread.thread_ts or "" if place.here else ""
    return place, found.thread_ts or found.ts or here


async def _fitted(asking: Asking, place: Where, posts: tuple[Post, ...], *, going_on: bool) -> tuple[Quoted, str]:
    """All that fits. Of a long thread its first message and the newest, with words on the gap; going on, what comes next."""
    if going_on:
        quotes = await quoted(asking, place, posts, newest=False)
        rest = len(posts) - len(quotes.posts)
        return quotes, f"{rest} more follow: read on after the last link." if rest else ""
    quotes = await quoted(asking, place, posts, newest=True)
    gap = len(posts) - len(quotes.posts)
    if not gap:
        return quotes, ""
    first = await quoted(asking, place, posts[:1], newest=False)
    kept = Quoted([*first.lines, *quotes.lines], (*first.posts, *quotes.posts))
    if gap == 1:
        return kept, ""
    return kept, f"{gap - 1} messages after the first: read them with `after` set to the first one's link."


def _counted(shown: int, read: int, span: Span, *, going_on: bool) -> str:
    """Such as "15 of 83 messages". Slack's own total counts system lines too, so what was read whole is counted here."""
    total = read if span.whole and not going_on else max(span.total, shown)
    if not span.whole and not span.total:
        return f"{shown} messages, there are more"
    return f"{shown} of {total} messages" if shown < total else f"{shown} message{'' if shown == 1 else 's'}"


def _rest(span: Span, quotes: Quoted) -> str:
    if span.failed:
        return "Slack did not answer when I read on: say that the rest could not be read."
    if span.whole or not quotes.lines:
        return ""
    return (
        "There are more messages than could be read at once: read on after the last link, or before with read_channel."
    )


read_thread = Tool(
    name="read_thread",
    description=(
        "Read the messages of this Slack thread, or of one given by link: who said what when, with files and reactions. "
        "Use it when a question is about what was said, decided or shared. "
        "Cite each message that you rely on, as [Ana Becker, Fri 14:03](its link)."
    ),
    arguments=ReadThread,
    run=_read_thread,
    doing="is reading the thread…",
    seconds=60.0,
)
