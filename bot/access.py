"""Who may read what. The only place that decides it; every tool asks here, whatever the model was told to want.

An answer is read by everybody who reads the place it stands in, so it may draw only on what the asker AND every reader of that place may read in
Slack. The rules are pure functions over what Slack says of places and people; `Access` fetches that. What is not known is refused.

- What stands in the place of the answer itself may be read there by whoever is in it.
- People of other companies, bots, those who left and those whom Slack does not know read nothing else; nor is anything else told in a place that is
  shared with another company or workspace.
- Full members read public channels; guests those that they are in. Everybody reads only those private places that they are in.
- What is private is told only in a DM with the asker, who must be in it. What is public is told where every guest may read it too.
- The DM of one person with the bot is never read from elsewhere.

Other bots in a channel do not count as its readers: an admin let them in, and they ask for nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

from bot.errors import ToolRefused
from bot.models import ThreadKey
from bot.places import Place, Places, Reader

__all__ = ["Access", "Audience", "Place", "Reader", "Searchable", "Verdict", "may_know", "verdict"]

# The same words whether a place is private, is not there, or has not got the asker in it; whoever reads them learns nothing.
NOT_HERE = (
    "I can't read that here: either there is no such place, or it is not open to everybody who reads this answer. "
    "Whoever is in it can ask me about it in a direct message."
)
NOT_FOR_YOU = (
    "I can't read that: I find no such place that both you and I are in. "
    "If there is one and you are in it, invite me there with /invite."
)


class Verdict(Enum):
    """INVITE: everybody may read it except the bot, which is not in that public channel."""

    YES = auto()
    NO = auto()
    INVITE = auto()


@dataclass(frozen=True, slots=True)
class Audience:
    """Who reads an answer: the asker, and the readers of the place where it stands, of whom `outsiders` are no full members."""

    asker: Reader
    place: Place  # with its members
    outsiders: frozenset[Reader] = frozenset()

    @property
    def full_members(self) -> bool:
        """Whether all of them are full members of this workspace."""
        return (
            self.asker.kind == "member"
            and not self.place.external
            and not self.outsiders
            and reads(self.asker, self.place)
        )


@dataclass(frozen=True, slots=True)
class Searchable:
    """Whose files a search may see: those of `channels`, and the assistant's knowledge by visibility. `channels` is sorted."""

    channels: tuple[str, ...]
    workspace: bool  # knowledge for full members
    everyone: bool = True  # knowledge for guests and people of other companies too


def reads(reader: Reader, place: Place) -> bool:
    """Whether somebody may read a place in Slack."""
    return reader.id in place.members or (place.kind == "channel" and reader.kind == "member")


def verdict(source: Place, audience: Audience) -> Verdict:
    """Whether what stands in `source` may be told to an audience. `source` has its members, where its rule asks for them."""
    asker, here = audience.asker, audience.place
    if not reads(asker, here) or not reads(asker, source):
        return Verdict.NO
    if source.id != here.id and not _beyond(source, audience):
        return Verdict.NO
    if source.bot_in:
        return Verdict.YES
    return Verdict.INVITE if source.kind == "channel" else Verdict.NO


def _beyond(source: Place, audience: Audience) -> bool:
    """Whether a place other than that of the answer may be told there, if the asker may read it."""
    if audience.asker.kind not in ("member", "guest") or source.kind == "im":
        return False
    if audience.place.kind == "im":
        return True
    if source.kind != "channel" or audience.place.external:
        return False
    return all(o.kind == "guest" and reads(o, source) for o in audience.outsiders)


def may_know(person: str, audience: Audience) -> bool:
    """Whether an audience may be told of a person: full members of everybody, others of those who are there with them."""
    if person == audience.asker.id or audience.full_members:
        return True
    return person in audience.place.members and reads(audience.asker, audience.place)


class Access:
    """Decides, for one asker and one place where the answer stands. Raises Retryable while Slack is away: then nothing is decided."""

    def __init__(self, places: Places) -> None:
        self._places = places

    async def place(self, wanted: str, asker: str, destination: ThreadKey) -> Place:
        """The place that `wanted` names (an id, "#name", or a Slack link's channel), if its messages may be read for this answer.

        It comes with its members only where the rules needed them. Raises ToolRefused, with the same words for a private place, one that is
        not there and one that the asker is not in.
        """
        audience = await self._audience(asker, destination)
        id_ = await self._places.find(wanted)
        source = await self._source(id_, audience) if id_ and audience else None
        said = verdict(source, audience) if source and audience else Verdict.NO
        if source and said is Verdict.YES:
            return source
        if source and said is Verdict.INVITE:
            raise ToolRefused(await self._invite(source))
        raise ToolRefused(NOT_FOR_YOU if destination.is_dm else NOT_HERE)

    async def searchable(self, asker: str, destination: ThreadKey, stored: Sequence[str]) -> Searchable:
        """Which of the channels in `stored` (those that have files) a file search for this answer may see.

        In a channel its own, in a DM also those that the asker may read and the bot is in.
        """
        audience = await self._audience(asker, destination)
        if audience is None or not reads(audience.asker, audience.place):
            return Searchable((), workspace=False)
        channels = {destination.channel}
        if audience.place.kind == "im" and audience.asker.kind in ("member", "guest"):
            own = await self._places.own()
            there = [own[id_] for id_ in stored if id_ in own]
            if not all(reads(audience.asker, place) for place in there):
                mine = await self._places.of(asker)
                there = [replace(p, members=frozenset({asker})) if p.id in mine else p for p in there]
            channels |= {place.id for place in there if verdict(place, audience) is Verdict.YES}
        return Searchable(tuple(sorted(channels)), workspace=audience.full_members)

    async def may_still(self, asker: str, destination: ThreadKey, sources: Sequence[str]) -> bool:
        """Whether a conversation that has drawn on these sources (see the table `drawn`) may go on for this asker in this place now.

        Files are left to the library, which knows where they were shared.
        """
        beyond = [s for s in sources if not s.startswith("file:") and s != f"channel:{destination.channel}"]
        if not beyond:
            return True
        audience = await self._audience(asker, destination)
        if audience is None:
            return False
        for source in beyond:
            kind, _, id_ = source.partition(":")
            if kind == "channel":
                place = await self._source(id_, audience)
                allowed = place is not None and verdict(place, audience) is Verdict.YES
            else:
                allowed = source == "workspace" and audience.full_members
            if not allowed:
                return False
        return True

    async def unnamed(self, asker: str, destination: ThreadKey) -> frozenset[str]:
        """The private places that the bot is in and whose names this answer may not tell, though messages mention them."""
        private = frozenset(p.id for p in (await self._places.own()).values() if p.kind != "channel")
        known = await self._places.of(asker) if destination.is_dm and private else frozenset()
        return private - known - {destination.channel}

    async def may_know(self, person: str, asker: str, destination: ThreadKey) -> bool:
        """Whether the answer may tell of a person: their profile, their local time."""
        audience = await self._audience(asker, destination)
        return person == asker if audience is None else may_know(person, audience)

    async def members_only(self, asker: str, destination: ThreadKey) -> bool:
        """Whether all who read the answer, the asker too, are full members of this workspace."""
        audience = await self._audience(asker, destination)
        return audience is not None and audience.full_members

    async def works_here(self, person: str) -> bool:
        """Whether somebody is of this workspace, as a full member or a guest: nobody of another company, no bot, and not one who has left."""
        return (await self._places.readers([person]))[person].kind in ("member", "guest")

    async def _audience(self, asker: str, destination: ThreadKey) -> Audience | None:
        """Who reads the answer; None where Slack does not tell, so that nothing can be allowed."""
        place = await self._places.place(destination.channel)
        if place is None:
            return None
        if place.kind != "im":
            members = await self._places.members(place.id)
            if members is None:
                return None
            place = replace(place, members=members)
        person = (await self._places.readers([asker]))[asker]
        if place.kind == "im" or place.external:  # nobody else is there, or nothing else is told there anyway
            return Audience(person, place)
        people = await self._places.readers(place.members)
        return Audience(person, place, frozenset(r for r in people.values() if r.kind in ("guest", "stranger")))

    async def _source(self, id_: str, audience: Audience) -> Place | None:
        """A place as the rules need it: with its members where it is private, or not all of the audience are full members."""
        if id_ == audience.place.id:
            return audience.place
        place = await self._places.place(id_)
        if place is None or place.kind == "im" or (reads(audience.asker, place) and not audience.outsiders):
            return place
        if audience.place.kind == "im":  # the asker reads alone: one question for however many places
            asker = audience.asker.id
            return replace(place, members=frozenset({asker} if id_ in await self._places.of(asker) else ()))
        return replace(place, members=await self._places.members(id_) or frozenset())

    async def _invite(self, place: Place) -> str:
        if place.archived:
            return f"#{place.name} is archived and I am not in it, so I can't read it."
        return f"I am not in #{place.name}: invite me there with /invite @{(await self._places.me()).name}."
