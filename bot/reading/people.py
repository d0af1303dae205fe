"""Who is in the workspace, by what people call each other."""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections.abc import Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from bot.errors import Retryable
from bot.models import Person
from bot.reading.once import Once
from bot.slack import Slack

KEPT_SECONDS = 600.0
PATIENCE = 15.0
MOST = 10_000  # people
_ID = re.compile(r"<?@?([UW][A-Z0-9]{6,})(?:\|[^>]*)?>?")


@dataclass(frozen=True, slots=True)
class Profile:
    """What every full member sees of a person; neither address nor telephone."""

    id: str
    name: str  # the one that is shown
    handle: str = ""
    real_name: str = ""
    title: str = ""
    tz: str = ""
    status: str = ""
    deleted: bool = False
    bot: bool = False
    guest: bool = False
    team: str = ""  # another one's than the bot's: of another company

    @property
    def person(self) -> Person:
        """The person behind it."""
        return Person(self.id, self.name, self.tz)


class People:
    """The workspace's directory, asked once in ten minutes, at most 10,000 people of it."""

    def __init__(self, slack: Slack) -> None:
        self._slack = slack
        self._all: Once[dict[str, Profile]] = Once(KEPT_SECONDS, 1, PATIENCE)

    async def all(self) -> dict[str, Profile]:
        """Everybody whom users.list names, by id."""
        return await self._all.get("all", self._ask)

    async def one(self, user: str) -> Profile:
        """A person by id, as users.info tells now. Raises SlackRefused("user_not_found")."""
        try:
            async with asyncio.timeout(PATIENCE):
                return profile((await self._slack.call("users.info", {"user": user}))["user"])
        except TimeoutError:
            raise Retryable("no answer in time", said="Slack did not answer.") from None

    async def called(self, said: str) -> list[Profile]:
        """Whom a name, a handle or an id may mean; the likeliest kind of match only. Those who have left come last."""
        found = _ID.fullmatch(said.strip())
        everybody = await self.all()
        if found:
            known = everybody.get(found[1])
            return [known or Profile(found[1], found[1])]
        return matching(said, everybody.values())

    async def _ask(self) -> dict[str, Profile]:
        found: dict[str, Profile] = {}
        async with aclosing(self._slack.listed("users.list", "members")) as listed:
            async for raw in listed:
                found[raw["id"]] = profile(raw)
                if len(found) >= MOST:
                    break
        return found


def matching(said: str, everybody: Iterable[Profile]) -> list[Profile]:
    """Those whose handle or whole name it is; else those each of its words begins a name of. Accents do not count."""
    wanted = _folded(said.strip().removeprefix("@"))
    if not wanted:
        return []
    people = sorted(everybody, key=lambda p: (p.deleted, p.name, p.id))
    exact = [p for p in people if wanted in (_folded(p.handle), _folded(p.name), _folded(p.real_name))]
    return exact or [p for p in people if all(_begins(w, f"{p.name} {p.real_name} {p.handle}") for w in wanted.split())]


def profile(raw: Mapping[str, Any]) -> Profile:
    """A user object of users.info or users.list."""
    shown = raw.get("profile") or {}
    real_name = raw.get("real_name") or shown.get("real_name") or ""
    status = " ".join(filter(None, (shown.get("status_emoji"), shown.get("status_text"))))
    return Profile(
        id=raw["id"],
        name=shown.get("display_name") or real_name or raw.get("name") or raw["id"],
        handle=raw.get("name") or "",
        real_name=real_name,
        title=shown.get("title") or "",
        tz=raw.get("tz") or "",
        status=status,
        deleted=bool(raw.get("deleted")),
        bot=bool(raw.get("is_bot")) or raw["id"] == "USLACKBOT",
        guest=bool(raw.get("is_restricted") or raw.get("is_ultra_restricted")),
        team=raw.get("team_id") or shown.get("team") or "",
    )


def _begins(word: str, names: str) -> bool:
    return any(name.startswith(word) for name in re.split(r"[\s._-]+", _folded(names)))


def _folded(text: str) -> str:
    bare = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in bare if not unicodedata.combining(c)).strip()
