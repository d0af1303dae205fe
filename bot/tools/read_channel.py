"""What was written in a channel in a span of time."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from bot.reading import Span
from bot.reading.history import PAGE, PAGES
from bot.reading.links import moment
from bot.tools.quotes import MOST, Quoted, note, quoted, refusals, settled, told, where
from bot.tools.tool import Arguments, Asking, Tool


class ReadChannel(Arguments):
    """Which channel, and which span of time."""

    channel: Annotated[
        str | None, Field(description="The channel's name, id or link; null for the one where you are asked.")
    ]
    since: Annotated[
        str | None,
        Field(
            description="Where to begin: 2026-11-20 or 2026-11-20T14:00 in the asker's time zone, or a message's link (not included)."
        ),
    ]
    until: Annotated[str | None, Field(description="Where to end, likewise; null for now.")]
    newest_first: Annotated[
        bool, Field(description="When not all fit: true keeps the newest messages, false the oldest of the span.")
    ]


async def _read_channel(args: ReadChannel, asking: Asking) -> dict[str, Any]:
    with refusals(asking, "that place"):
        place = await where(asking, args.channel)
    with refusals(asking, place.said):
        reading, zone = asking.sources.reading, asking.person.zone
        me = await reading.identity()
        oldest = moment(args.since, zone, me) if args.since else ""
        latest = moment(args.until, zone, me, end=True) if args.until else ""
        most = MOST if args.newest_first else PAGE * PAGES
        span = await reading.channel(place.channel, oldest=oldest, latest=latest, most=most, asked=asking.question.ts)
        posts = settled(span.posts, asking, place)
        quotes = await quoted(asking, place, posts, newest=args.newest_first)
    more = not span.whole or len(quotes.lines) < len(posts)
    shown = len(quotes.lines)
    counted = f"{shown} message{'' if shown == 1 else 's'}" + (", there are more" if more else "")
    note(asking, place.said, counted)
    return told(place.said, quotes, counted, _left_out(args, span, quotes, more=more))


def _left_out(args: ReadChannel, span: Span, quotes: Quoted, *, more: bool) -> str:
    if span.failed:
        return "Slack did not answer when I read on: say that the older messages could not be read."
    if not more or not quotes.lines:
        return ""
    if args.newest_first:
        return "There are older messages: read on with `until` set to the first link."
    beyond = "" if span.whole else " The beginning of the span was out of reach: choose a shorter one."
    return f"There are newer messages: read on with `since` set to the last link.{beyond}"


read_channel = Tool(
    name="read_channel",
    description=(
        "Read a Slack channel's messages in a span of time; a message with `replies` begins a thread, which read_thread reads by its link. "
        "Cite each message that you rely on, as [Ana Becker, Fri 14:03](its link)."
    ),
    arguments=ReadChannel,
    run=_read_channel,
    doing="is reading the channel…",
    seconds=60.0,
)
