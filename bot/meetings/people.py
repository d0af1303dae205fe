"""From what people are called to attendees: members, user groups, addresses, guests, rooms; with their zones and addresses from Slack, their hours from here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from bot.database import Database
from bot.errors import MeetingRefused, SettingError, SlackRefused, UserFacing
from bot.meetings.directory import Directory, Group, Known
from bot.meetings.hours import told_hours
from bot.meetings.values import MOST_ATTENDEES, Attendee, Hours
from bot.meetings.when.request import Called
from bot.mrkdwn import escaped
from bot.slack import Slack

MEMBERS_ONLY = "Meetings are for members of this workspace."
NO_PEOPLE = "Slack does not let me see who is in this workspace. Please ask whoever runs me to run “assist check”."
EVERYBODY = "I can't invite all of a channel. Name people one by one, or a user group."
TOO_MANY = f"That would be more than {MOST_ATTENDEES} people, the most that a meeting of mine can have."
CHOICES = 6
LONGEST_NAME, LONGEST_ADDRESS = 100, 254
MYSELF = ("me", "myself", "i", "mich", "ich")
_USER = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>")
_BARE_ID = re.compile(r"@?([UW](?=[A-Z]*\d)[A-Z0-9]{6,})")  # with a digit: in capitals it might be a name
_GROUP = re.compile(r"<!subteam\^(S[A-Z0-9]+)(?:\|[^>]*)?>")
_ADDRESS = re.compile(r"[^\s@<>(),;:|\"\[\]]+@[^\s@<>(),;:|\"\[\]]+\.[^\s@<>(),;:|\"\[\].]{2,}")
_WITH_ADDRESS = re.compile(
    rf"(?:[^<>\[\]]{{0,100}}<)?(?:mailto:)?({_ADDRESS.pattern})(?:\|[^<>]*)?>?"  # Slack's, and "Kim <kim@example.com>"
)
_LINK = re.compile(r"\[[^\[\]]*\]\(mailto:([^()\s]+)\)")  # as the model sees an address
_ROOM = re.compile(r"(?:the )?(?:meeting )?room\s*:?\s+(.+)", re.IGNORECASE)


def read_rooms(text: str) -> dict[str, str]:
    """Rooms by name, from "Aquarium=aquarium@rooms.example.com, Attic=…". Raises SettingError."""
    rooms: dict[str, str] = {}
    for part in filter(None, (p.strip() for p in text.split(","))):
        name, _, address = (p.strip() for p in part.partition("="))
        if not name or not re.fullmatch(r"[^\s@<>]+@[^\s@<>]+", address):
            raise SettingError("MEETINGS_ROOMS", f"“{part}” is not name=address.", "See docs/settings.md.")
        rooms[name] = address.lower()
    return rooms


class People:
    """Whom meetings are with."""

    def __init__(self, slack: Slack, database: Database, rooms: Mapping[str, str], usual: Hours) -> None:
        """`rooms` by name; `usual` are the hours of who told none."""
        self._slack, self._database, self._usual = slack, database, usual
        self._directory = Directory(slack)
        self._rooms = {name.casefold(): _room(name, address) for name, address in rooms.items()}
        self._room_addresses = {room.id: room for room in self._rooms.values()}

    async def organizer(self, person: str) -> Attendee:
        """The person who asks. Raises MeetingRefused for guests and people of other companies, Retryable."""
        with _told():
            known = await self._directory.now(person)
        if known is None or not known.member:
            raise MeetingRefused(MEMBERS_ONLY)
        return replace(_attendee(known), answer="accepted")

    async def attendees(self, organizer: Attendee, called: Sequence[Called]) -> tuple[Attendee, ...]:
        """The organizer first, then everybody who was named, once each; required where named so once. An address of a member is that member.

        Raises MeetingRefused: nobody is called so, several are (names them), who has left, bots, more than MOST_ATTENDEES; and Retryable.
        """
        found = {organizer.id: organizer}
        for one in called:
            with _told():
                meant = await self._meant(_LINK.sub(r"\1", one.said.strip()), organizer)
            for attendee in meant:
                before = found.get(attendee.id)
                required = one.required or (before is not None and before.required)
                found[attendee.id] = replace(before or attendee, required=required)
            if len(found) > MOST_ATTENDEES:
                raise MeetingRefused(TOO_MANY)
        return tuple(found.values())

    async def hours(self, team: str, attendees: Sequence[Attendee]) -> dict[str, Hours | None]:
        """When they work, by their ids: as they told, else the usual hours in their zone; None for rooms, and for those whose zone is not known."""
        told = await told_hours(self._database, team, [a.id for a in attendees if a.kind == "member"])
        return {a.id: told.get(a.id) or self._usual_of(a) for a in attendees}

    async def outside(self, attendees: Sequence[Attendee]) -> tuple[Attendee, ...]:
        """Those who are no full members: people of elsewhere, and guests of this workspace."""
        with _told():
            known = {a.id: await self._directory.by_id(a.id) for a in attendees if a.kind == "member"}
        return tuple(a for a in attendees if a.kind == "guest" or ((k := known.get(a.id)) and k.profile.guest))

    async def addresses(self, users: Iterable[str]) -> tuple[str, ...]:
        """What e-mail addresses these ids have, as far as Slack tells."""
        with _told():
            known = [await self._directory.by_id(user) for user in users]
        return tuple(k.email for k in known if k and k.email)

    def _usual_of(self, attendee: Attendee) -> Hours | None:
        return replace(self._usual, zone=attendee.zone) if attendee.zone and attendee.kind != "room" else None

    async def _meant(self, said: str, organizer: Attendee) -> Sequence[Attendee]:
        """All whom one name means: several for a user group."""
        if found := _USER.fullmatch(said):
            return [await self._member(found[1])]
        if (found := _BARE_ID.fullmatch(said)) and await self._directory.by_id(found[1]):
            return [await self._member(found[1])]
        if found := _GROUP.fullmatch(said):
            return await self._group(found[1], await self._directory.groups())
        if re.match(r"<!|@?(?:here|channel|everyone)$", said):
            raise MeetingRefused(EVERYBODY)
        if found := _WITH_ADDRESS.fullmatch(said):
            return [await self._addressed(found[1].lower())]
        if said.casefold() in MYSELF:
            return [organizer]
        if room := self._room_called(said):
            return [room]
        return await self._named(said)

    async def _member(self, user: str) -> Attendee:
        known = await self._directory.by_id(user)
        if known is None:
            raise MeetingRefused("I know nobody by one of these mentions. Please mention them again.")
        return await self._taken(known)

    async def _taken(self, known: Known) -> Attendee:
        """Somebody whom Slack knows, if they can take part."""
        name = escaped(known.profile.name)
        if known.profile.id == (await self._slack.identity()).user:
            raise MeetingRefused("I arrange meetings, I don't take part in them. Leave me out of the people.")
        if known.profile.bot:
            raise MeetingRefused(f"{name} is an app: it takes part in no meetings.")
        if known.profile.deleted:
            raise MeetingRefused(f"{name} has left: their account is deactivated.")
        if not known.here and not known.email:
            raise MeetingRefused(
                f"{name} is of another company, and Slack does not tell me their address. Name them by their e-mail address."
            )
        return _attendee(known)

    async def _addressed(self, address: str) -> Attendee:
        """Whose address it is: a room's, a member's, else a guest's outside."""
        if len(address) > LONGEST_ADDRESS:
            raise MeetingRefused("One of these e-mail addresses is too long to be one.")
        if room := self._room_addresses.get(address):
            return room
        known = await self._directory.by_email(address)
        if known:
            return await self._taken(known)
        return Attendee(id=address, name=address, email=address, kind="guest")

    def _room_called(self, said: str) -> Attendee | None:
        found = _ROOM.fullmatch(said)
        room = self._rooms.get(said.casefold()) or (self._rooms.get(found[1].strip().casefold()) if found else None)
        if found and not room:
            known = ", ".join(escaped(r.name) for r in self._rooms.values())
            there = f"There are: {known}." if known else "No rooms can be booked here."
            raise MeetingRefused(f"There is no room “{_short(found[1])}”. {there}")
        return room

    async def _named(self, said: str) -> Sequence[Attendee]:
        """By name or handle. A user group's handle is nobody else's; its name counts where nobody is called so."""
        groups, wanted = await self._directory.groups(), said.removeprefix("@").casefold()
        people: list[Known] = []
        handled = next((g for g in groups if wanted and g.handle.casefold() == wanted), None)
        if not handled:
            people = await self._directory.called(said)
            handled = None if people else next((g for g in groups if wanted and g.name.casefold() == wanted), None)
        if handled:
            return await self._group(handled.id, groups)
        if not people:
            raise MeetingRefused(
                f"I know nobody called “{_short(said)}”. Mention them with @, or give their e-mail address."
            )
        if len(people) > 1:
            raise MeetingRefused(f"“{_short(said)}” may be {_choices(people)}. Mention whom you mean with @.")
        return [await self._taken(people[0])]

    async def _group(self, id_: str, groups: Iterable[Group]) -> Sequence[Attendee]:
        """Those of a user group who can take part; apps, and those who have left, are not counted."""
        group = next((g for g in groups if g.id == id_), None)
        said = f"@{escaped(group.handle)}" if group else "that user group"
        if group and not group.on:
            raise MeetingRefused(f"The user group {said} is disabled. Name people one by one.")
        try:
            members = await self._directory.of_group(id_)
        except SlackRefused:
            raise MeetingRefused(f"Slack does not tell me who is in {said}. Name people one by one.") from None
        if len(members) > MOST_ATTENDEES:
            raise MeetingRefused(TOO_MANY)
        known = [await self._directory.by_id(user) for user in members]
        there = [k for k in known if k and not (k.profile.deleted or k.profile.bot) and (k.here or k.email)]
        if not there:
            raise MeetingRefused(f"Nobody is in {said} (any more). Name people one by one.")
        return [_attendee(k) for k in there]


@contextmanager
def _told() -> Iterator[None]:
    """What Slack does not tell is a word for the person: they can do nothing, whoever runs the assistant can."""
    try:
        yield
    except SlackRefused:
        raise MeetingRefused(NO_PEOPLE) from None
    except UserFacing as refused:
        raise MeetingRefused(refused.text) from None


def _attendee(known: Known) -> Attendee:
    """A member is known by Slack's id, also a guest of this workspace; people of other companies by their address."""
    if not known.here:
        return Attendee(id=known.email, name=known.profile.name, email=known.email, zone=known.zone, kind="guest")
    return Attendee(id=known.profile.id, name=known.profile.name, email=known.email, zone=known.zone)


def _room(name: str, address: str) -> Attendee:
    return Attendee(id=address, name=name, email=address, kind="room")


def _choices(people: Sequence[Known]) -> str:
    shown = [f"{escaped(k.profile.name)} (@{escaped(k.profile.handle)})" for k in people[:CHOICES]]
    more = len(people) - len(shown)
    last = f"{more} more" if more else shown.pop()
    return f"{', '.join(shown)} or {last}"


def _short(said: str) -> str:
    cut = said if len(said) <= LONGEST_NAME else said[:LONGEST_NAME] + "…"
    return escaped(cut)
