"""What Slack tells of those whom meetings are with: everybody by id, name and address, and the user groups. Asked seldom, kept for minutes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.errors import Retryable, SlackRefused
from bot.reading.once import Once
from bot.reading.people import MOST, Profile, matching, profile
from bot.slack import Slack

KEPT_SECONDS = 600.0
NOW_SECONDS = 30.0  # of one person who is asked for by id: whether somebody may use meetings must not be old
MOST_ONES = 2_000
PATIENCE = 15.0
NOT_THERE = ("users_not_found", "user_not_found", "user_not_visible", "no_such_subteam")
NO_GROUPS = ("plan_upgrade_required", "invalid_team")


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody whom Slack knows. `here`: of this workspace, not of another company. `email` in lower case, "" where Slack does not tell it."""

    profile: Profile
    email: str
    here: bool

    @property
    def member(self) -> bool:
        """Whether they are a full member of this workspace, and there."""
        return self.here and not (self.profile.deleted or self.profile.bot or self.profile.guest)

    @property
    def zone(self) -> str:
        """Their time zone, "" where none is known that is known here too."""
        return self.profile.tz if _is_zone(self.profile.tz) else ""


@dataclass(frozen=True, slots=True)
class Group:
    """A user group. `on`: it has not been disabled."""

    id: str
    handle: str
    name: str
    on: bool


class Directory:
    """Slack's answers about one workspace. Its methods raise Retryable while Slack is away, and SlackRefused where it does not tell."""

    def __init__(self, slack: Slack) -> None:
        self._slack = slack
        self._all: Once[Mapping[str, Known]] = Once(KEPT_SECONDS, 1, PATIENCE)
        self._ones: Once[Known | None] = Once(NOW_SECONDS, MOST_ONES, PATIENCE)
        self._groups: Once[tuple[Group, ...]] = Once(KEPT_SECONDS, 1, PATIENCE)

    async def now(self, user: str) -> Known | None:
        """Somebody by id, as they are now; None for an id that is nobody's."""
        return await self._ones.get(user, lambda: self._person("users.info", {"user": user}))

    async def by_id(self, user: str) -> Known | None:
        """Somebody by id, as they were some minutes ago; who is new is asked for."""
        return (await self._all.get("all", self._everybody)).get(user) or await self.now(user)

    async def by_email(self, address: str) -> Known | None:
        """Whose address it is; None for nobody's here."""
        everybody = await self._all.get("all", self._everybody)
        known = next((k for k in everybody.values() if k.email == address and not k.profile.deleted), None)
        return known or await self._ones.get(address, lambda: self._person("users.lookupByEmail", {"email": address}))

    async def called(self, name: str) -> list[Known]:
        """Whom a name or a handle may mean: the likeliest kind of match only, without apps and those who have left unless nobody else is called so.

        A handle that is written like a first name is not likelier than the names of others: only "@" makes it a handle.
        """
        everybody = await self._all.get("all", self._everybody)
        return await asyncio.to_thread(_called, name, everybody)  # of thousands it takes a moment, for each name

    async def groups(self) -> tuple[Group, ...]:
        """The user groups, disabled ones too; none where the workspace has no such thing."""
        return await self._groups.get("groups", self._all_groups)

    async def of_group(self, group: str) -> tuple[str, ...]:
        """The ids of a group's members."""
        told = await _soon(self._slack.call("usergroups.users.list", {"usergroup": group}))
        return tuple(map(str, told["users"]))

    async def _person(self, method: str, args: Mapping[str, str]) -> Known | None:
        try:
            return _known((await self._slack.call(method, args))["user"], (await self._slack.identity()).team)
        except SlackRefused as refused:
            if refused.error in NOT_THERE:
                return None
            raise

    async def _everybody(self) -> Mapping[str, Known]:
        team = (await self._slack.identity()).team
        found: dict[str, Known] = {}
        async with aclosing(self._slack.listed("users.list", "members")) as listed:
            async for raw in listed:
                found[raw["id"]] = _known(raw, team)
                if len(found) >= MOST:
                    break
        return found

    async def _all_groups(self) -> tuple[Group, ...]:
        try:
            told = await self._slack.call("usergroups.list", {"include_disabled": True})
        except SlackRefused as refused:
            if refused.error in NO_GROUPS:
                return ()
            raise
        return tuple(
            Group(g["id"], g.get("handle") or "", g.get("name") or "", not g.get("date_delete"))
            for g in told["usergroups"]
        )


def _called(name: str, everybody: Mapping[str, Known]) -> list[Known]:
    people = [k.profile for k in everybody.values()]
    found = matching(name, people)
    if not name.startswith("@") and all(p.handle.casefold() == name.casefold() for p in found):
        found += [p for p in people if p not in found and name.casefold() in _words(p)]
    known = [everybody[p.id] for p in found]
    return [k for k in known if not (k.profile.deleted or k.profile.bot)] or known


def _words(person: Profile) -> list[str]:
    return f"{person.name} {person.real_name}".casefold().split()


@lru_cache(1_000)  # the file is looked for on disk
def _is_zone(name: str) -> bool:
    try:
        return bool(name) and bool(ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError):
        return False


async def _soon(asked: Any) -> Any:
    try:
        async with asyncio.timeout(PATIENCE):
            return await asked
    except TimeoutError:
        raise Retryable("no answer in time", said="Slack did not answer.") from None


def _known(raw: Mapping[str, Any], team: str) -> Known:
    """A user object. In an organisation of several workspaces somebody is of all that Slack names."""
    teams = {raw.get("team_id"), *((raw.get("enterprise_user") or {}).get("teams") or ())}
    email = (raw.get("profile") or {}).get("email") or ""
    return Known(profile(raw), email.strip().lower(), team in teams and not raw.get("is_stranger"))
