"""A workspace with every kind of place and every kind of person, for the tests of who may read what."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.access import Access
from bot.models import ThreadKey
from bot.pace import Pace
from bot.places import Places
from bot.slack import connect_slack
from playground.slack import SlackServer
from playground.slack.state import Channel, Person, make_id

INSIDERS = ("ana", "gus", "dee")  # a full member, a guest, and one who left since: they are in all that is read
PEOPLE = {  # asker → what makes them what they are
    "ana": {},
    "raj": {},  # a full member who is in nothing that is read
    "gus": {"is_restricted": True},
    "gil": {"is_ultra_restricted": True},  # a guest who is in nothing that is read
    "sam": {"team_id": "T0OTHERCOM"},  # of another company, in what is shared with it
    "sue": {"team_id": "T0OTHERCOM"},  # likewise, and in none of that
    "dee": {"deleted": True},
}
SOURCES = {  # place → kind, members besides the insiders, whether the bot is in it
    "open": ("channel", ("bot",)),
    "attic": ("channel", ("bot",)),  # archived
    "shared": ("channel", ("sam", "bot")),  # with another company
    "unjoined": ("channel", ()),
    "secret": ("group", ("bot",)),
    "joint": ("group", ("sam", "bot")),  # with another company
    "group": ("mpim", ("bot",)),
    "hidden": ("group", ()),
}
DESTINATIONS = {  # where answers stand → kind, members
    "town": ("channel", ("ana", "raj", "dee", "bot")),
    "lobby": ("channel", ("ana", "raj", "gus", "bot")),
    "annex": ("channel", ("ana", "raj", "gus", "gil", "bot")),
    "den": ("group", ("ana", "raj", "bot")),
    "lair": ("group", ("ana", "raj", "gus", "bot")),
    "fair": ("channel", (*PEOPLE, "bot")),  # shared with another company
    "trio": ("mpim", ("ana", "raj", "bot")),
}
SHARED = ("shared", "joint", "fair")
WANTED = (*SOURCES, "nowhere", "own dm", "kim's dm")
WHERE = ("same place", "dm", *DESTINATIONS)


def populate(slack: SlackServer) -> None:
    """Puts them all into the playground's workspace."""
    workspace, bot = slack.workspace, slack.workspace.app.bot_user_id
    for name, marks in PEOPLE.items():
        person = Person(make_id("U", name), name, name.capitalize(), f"{name}@acme.example", "Europe/Berlin", **marks)  # type: ignore[arg-type]  # each mark is a field
        workspace.add_person(person)
    sources = {name: (kind, (*INSIDERS, *members)) for name, (kind, members) in SOURCES.items()}
    for name, (kind, members) in (sources | DESTINATIONS).items():
        place = workspace.add_channel(name, [bot if m == "bot" else m for m in members], kind=kind)
        place.is_ext_shared, place.is_archived = name in SHARED, name == "attic"
    for name in (*PEOPLE, "kim"):
        workspace.dm(name)


def place_id(slack: SlackServer, name: str, asker: str) -> str:
    """The id of a place as the table names it."""
    if name == "nowhere":
        return "C0NOWHERE9"
    place: Channel
    if name.endswith("dm"):
        place = slack.workspace.dm("kim" if name == "kim's dm" else asker)
    else:
        place = slack.workspace.channel(name)
    return place.id


def thread_in(slack: SlackServer, where: str, wanted: str, asker: str) -> ThreadKey:
    """A thread in the place where an answer stands."""
    name = {"same place": wanted, "dm": "own dm"}.get(where, where)
    return ThreadKey(slack.workspace.app.team_id, place_id(slack, name, asker), "1.000001")


@asynccontextmanager
async def asking(slack: SlackServer) -> AsyncIterator[tuple[Access, Places]]:
    """The real thing, connected to the playground."""
    async with connect_slack(slack.bot_token, slack.api_url, Pace(None, "")) as client:
        places = Places(client)
        yield Access(places), places
