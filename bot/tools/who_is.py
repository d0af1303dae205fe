"""Who somebody is: what every colleague sees in Slack, and what time it is there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from bot import drawn
from bot.errors import SlackRefused, ToolRefused
from bot.models import utcnow
from bot.reading.people import Profile
from bot.tools.quotes import refusals
from bot.tools.tool import Arguments, Asking, Tool

CHECKED, CHOICES = 40, 8
NOBODY = "I know nobody of that name whom I can tell about here."


class WhoIs(Arguments):
    """Whom to look up."""

    person: Annotated[str | None, Field(description="A name, an @handle or a Slack user id; null for the asker.")]


async def _who_is(args: WhoIs, asking: Asking) -> dict[str, Any]:
    people = asking.sources.reading.people
    with refusals(asking, "who is who"):
        if not args.person:
            return _told(await people.one(asking.person.id), asking)
        asker, thread, access = asking.person.id, asking.thread, asking.sources.access
        found = (await people.called(args.person))[:CHECKED]
        known = [p for p in found if p.id == asker or await access.may_know(p.id, asker, thread)]
        known = [p for p in known if not p.deleted] or known
        if len(known) > 1:
            await _draw(known[:CHOICES], asking)
            names = "; ".join(_choice(p) for p in known[:CHOICES])
            raise ToolRefused(f"Several people may be meant, ask which one, or ask me by handle: {names}.")
        if not known:
            raise ToolRefused(NOBODY)
        try:
            shown = await people.one(known[0].id)
        except SlackRefused:  # an id that is nobody's
            raise ToolRefused(NOBODY) from None
        await _draw([shown], asking)
        return _told(shown, asking)


async def _draw(shown: Sequence[Profile], asking: Asking) -> None:
    """To be called before the model is told of people who are not here."""
    if not {p.id for p in shown} <= await _here(asking):
        await asking.sources.drawn.on(drawn.WORKSPACE)


async def _here(asking: Asking) -> frozenset[str]:
    """Those who read the place where the answer stands, and know each other."""
    me = {asking.person.id}
    try:
        place = await asking.sources.access.place(asking.thread.channel, asking.person.id, asking.thread)
    except ToolRefused:
        return frozenset(me)
    return place.members | me


def _choice(person: Profile) -> str:
    return f"{person.name} (@{person.handle}{f', {person.title}' if person.title else ''})"


def _told(person: Profile, asking: Asking) -> dict[str, Any]:
    now = utcnow().astimezone(person.person.zone)
    more = {
        "title": person.title,
        "status": person.status,
        "time_zone": person.tz,
        "local_time": f"{now:%a %Y-%m-%d %H:%M}" if person.tz else "",
        "guest": person.guest,
        "of_another_company": person.team not in ("", asking.thread.team),
        "is_an_app": person.bot,
        "account_deactivated": person.deleted,
    }
    return {"name": person.name, "handle": f"@{person.handle}"} | {k: v for k, v in more.items() if v}


who_is = Tool(
    name="who_is",
    description="Look up a person in Slack: name, title, status, time zone and local time. What they wrote about themselves are quotes.",
    arguments=WhoIs,
    run=_who_is,
    doing="is looking somebody up…",
    seconds=60.0,
)
