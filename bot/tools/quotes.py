"""What the tools that read Slack share: the place, its messages as quotes, the line in the answer's footer, and words for what went wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import structlog

from bot import drawn
from bot.access import Place
from bot.errors import Retryable, SlackRefused, ToolRefused, UserFacing
from bot.models import ThreadKey
from bot.mrkdwn import escaped
from bot.reading import Post
from bot.reading.transcript import BUDGET, QUOTED, Line, fitting
from bot.tools.tool import Asking

log = structlog.get_logger()

MOST = 300  # messages that are looked at for one answer: more never fit


@dataclass(frozen=True, slots=True)
class Where:
    """A place that may be read for this answer. `here`: the answer stands in it."""

    channel: str
    said: str  # for people: "#eng"
    here: bool


@dataclass(frozen=True, slots=True)
class Quoted:
    """Messages for the model, oldest first, and the posts that they are."""

    lines: list[Line]
    posts: tuple[Post, ...]


async def where(asking: Asking, wanted: str | None) -> Where:
    """The place that the model names; without a name the one that the answer stands in. Raises ToolRefused where it may not be read."""
    if not wanted:
        return Where(asking.thread.channel, "this conversation" if asking.thread.is_dm else "this channel", here=True)
    place = await asking.sources.access.place(wanted, asking.person.id, asking.thread)
    if place.id == asking.thread.channel:
        return await where(asking, None)
    return Where(place.id, named(place), here=False)


def named(place: Place) -> str:
    """A place's name as people write it."""
    return {"im": "a direct message", "mpim": "a group message"}.get(place.kind, f"#{place.name}")


async def quoted(asking: Asking, place: Where, posts: Sequence[Post], *, newest: bool) -> Quoted:
    """As many posts as fit, from one end on; of a place elsewhere it is noted first that the conversation has drawn on it."""
    near = tuple(posts[-MOST:] if newest else posts[:MOST])
    lines = await lines_of(asking, place.channel, near)
    count = fitting(lines[::-1] if newest else lines, BUDGET)
    await draw(asking, place)
    start = len(lines) - count if newest else 0
    return Quoted(lines[start : start + count], near[start : start + count])


async def lines_of(asking: Asking, channel: str, posts: Sequence[Post]) -> list[Line]:
    """Posts as this answer may tell them."""
    unnamed = await asking.sources.access.unnamed(asking.person.id, asking.thread)
    return await asking.sources.reading.lines(channel, posts, asking.person.zone, unnamed)


async def draw(asking: Asking, place: Where) -> None:
    """To be called before the model is told what stands elsewhere."""
    if not place.here:
        await asking.sources.drawn.on(drawn.channel(place.channel))


def note(asking: Asking, said: str, counted: str) -> None:
    """The place's one line in the answer's footer."""
    lead = f"Read in {escaped(said)}:"
    asking.sources.note(f"{lead} {counted}.", lead)


def told(said: str, quotes: Quoted, counted: str, left_out: str) -> dict[str, Any]:
    """A tool's outcome."""
    made: dict[str, Any] = {"place": said, "about": QUOTED, "read": counted}
    if quotes.lines:
        made |= {"from": quotes.lines[0]["at"], "until": quotes.lines[-1]["at"]}
    return made | ({"left_out": left_out} if left_out else {}) | {"messages": quotes.lines}


def settled(posts: Sequence[Post], asking: Asking, place: Where) -> tuple[Post, ...]:
    """Posts without what this very answer says so far."""
    if not place.here:
        return tuple(posts)
    return tuple(p for p in posts if not (p.own and float(p.ts) > float(asking.question.ts)))


@contextmanager
def refusals(asking: Asking, said: str) -> Iterator[None]:
    """Turns what Slack refuses into words for the model to pass on, and into a line of the log."""
    try:
        yield
    except SlackRefused as error:
        _log(asking.thread, error)
        words = {
            "not_in_channel": f"I am not in {said}: somebody there can invite me with /invite.",
            "thread_not_found": "That message is gone, or the link is wrong.",
        }
        raise ToolRefused(words.get(error.error, f"Slack does not let me read {said}.")) from None
    except UserFacing as error:
        _log(asking.thread, error)
        raise ToolRefused(error.text) from None
    except Retryable as error:
        _log(asking.thread, error)
        raise ToolRefused(f"Slack did not answer, so I could not read {said}. Say so in your answer.") from None


def _log(thread: ThreadKey, error: Exception) -> None:
    log.warning("not read", thread=str(thread), error=str(error))
