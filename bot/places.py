"""What Slack says of places and people, for the rules of bot/access.py: what kind of place it is, who is in it, who is a guest or of another company.

Answers are kept for seconds, in this process and in Redis for all of them, and a question that many turns have is asked once. What Slack refuses
to tell is not there; that Slack is away is raised on, so that nothing is ever allowed because Slack did not answer.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, TypeVar

from redis.exceptions import RedisError

from bot import keys
from bot.errors import SlackRefused, ToolRefused
from bot.reading.links import link as linked
from bot.slack import Identity, Slack

T = TypeVar("T")
PLACE_SECONDS = 60.0  # the places that the bot is in
ELSEWHERE_SECONDS = 5.0  # one that it is not in, or that is not there: somebody may be inviting it right now
DM_SECONDS = 600.0  # whose a DM is never changes
MEMBER_SECONDS = 30.0
NAMES_SECONDS = 300.0
PEOPLE_SECONDS = 600.0
MOST_ASKED = 20  # people whom the directory does not know yet
KEPT = 500  # answers
LOOK_SECONDS = 0.1  # between two looks whether another process has its answer
SHARED_TYPES = "public_channel,private_channel,mpim"  # a bot may have DMs with thousands
_REFERENCE = re.compile(r"<#([CGD][A-Z0-9]+)(?:\|[^>]*)?>")
_ID = re.compile(r"([CGD][A-Z0-9]{7,})")


@dataclass(frozen=True, slots=True)
class Place:
    """A conversation in Slack. `kind` is "channel" (public), "group" (private), "mpim" or "im".

    `members` are user ids; empty where nobody asked for them, which can only make a rule stricter.
    """

    id: str
    name: str
    kind: Literal["channel", "group", "mpim", "im"]
    members: frozenset[str] = frozenset()
    external: bool = False  # shared with other companies or workspaces, or about to be
    bot_in: bool = True
    archived: bool = False


@dataclass(frozen=True, slots=True)
class Reader:
    """A person by what they may read: "stranger" is of another company, or not known; "nobody" is a bot or left, and reads nothing."""

    id: str
    kind: Literal["member", "guest", "stranger", "nobody"]


class Places:
    """Slack's answers about one workspace.

    What a question in #general with 5,000 people costs, when an answer of the whole team is to be kept within the asker's rights: one page of
    the bot's places a minute, six of members each half minute, six of people each ten minutes, however many processes ask; with these warm
    no call at all. A place that the bot is not in costs one more, a private place or one that guests could not read its members. In a DM it is one
    call in ten minutes for the DM, and one each half minute for the places the asker is in, if files of private places are to be searched.
    """

    def __init__(self, slack: Slack, redis: Any | None = None) -> None:
        self._slack, self._redis = slack, redis
        self._kept: OrderedDict[str, tuple[float, Any]] = OrderedDict()
        self._asked: dict[str, asyncio.Task[Any]] = {}

    async def me(self) -> Identity:
        """Who the bot is."""
        return await self._slack.identity()

    async def place(self, id_: str) -> Place | None:
        """A place, without its members (but for a DM's); None where there is none that the bot can see."""
        if not id_:  # knowledge stands in no place
            return None
        is_dm = id_.startswith("D")
        if not is_dm and (own := (await self.own()).get(id_)):
            return own

        async def ask() -> Any:
            return _packed(place_of((await self._slack.call("conversations.info", {"channel": id_}))["channel"]))

        return await self._told(f"place {id_}", DM_SECONDS if is_dm else ELSEWHERE_SECONDS, ask, _unpacked)

    async def own(self) -> Mapping[str, Place]:
        """The places that the bot is in, without their members; no DMs."""

        async def ask() -> Any:
            found = await self._pages("users.conversations", "channels", place_of, types=SHARED_TYPES)
            return [_packed(replace(place, bot_in=True)) for place in found]

        def read(raw: Any) -> dict[str, Place]:
            return {place.id: place for place in map(_unpacked, raw)}

        return await self._told("own", PLACE_SECONDS, ask, read) or {}

    async def members(self, id_: str) -> frozenset[str] | None:
        """The ids of all who are in a place, bots too; None where Slack does not tell."""

        async def ask() -> Any:
            return await self._pages("conversations.members", "members", str, channel=id_)

        return await self._told(f"members {id_}", MEMBER_SECONDS, ask, frozenset)

    async def of(self, user: str) -> frozenset[str]:
        """The public channels that a person is in, and those private places where the bot is too."""

        async def ask() -> Any:
            return await self._pages("users.conversations", "channels", _id, user=user, types=SHARED_TYPES)

        return await self._told(f"of {user}", MEMBER_SECONDS, ask, frozenset) or frozenset()

    async def readers(self, users: Iterable[str]) -> dict[str, Reader]:
        """What each of these people is. Whom nobody knows is a stranger."""
        known = await self._directory()
        wanted = frozenset(users)
        new = sorted(wanted - known.keys())[:MOST_ASKED]  # they have come since the directory was read
        asked = dict(zip(new, await asyncio.gather(*map(self._kind, new)), strict=True))
        return {u: Reader(u, known.get(u) or asked.get(u) or "stranger") for u in wanted}

    async def find(self, wanted: str) -> str | None:
        """The id of the place that somebody means by an id, "#name", "<#C123|name>" or a link into this workspace; None if there is none."""
        said = wanted.strip()
        if match := _REFERENCE.fullmatch(said) or _ID.fullmatch(said):
            return match.group(1)
        link = said.strip("<>").split("|")[0]
        if "://" in link:
            with suppress(ToolRefused):
                return linked(link, await self.me()).channel
            return None
        name = said.removeprefix("#").casefold()
        own = sorted((await self.own()).values(), key=lambda place: place.archived)
        found = next((p.id for p in own if p.name.casefold() == name), None)
        return found or (await self._public()).get(name)

    async def _public(self) -> Mapping[str, str]:
        """Names and ids of the public channels."""

        async def ask() -> Any:
            found = await self._pages("conversations.list", "channels", place_of, types="public_channel")
            return {p.name.casefold(): p.id for p in sorted(found, key=lambda place: not place.archived)}

        return await self._told("public", NAMES_SECONDS, ask, dict) or {}

    async def _directory(self) -> Mapping[str, Any]:
        """Everybody in the workspace by what they are."""
        team = (await self.me()).team

        async def ask() -> Any:
            return dict(await self._pages("users.list", "members", lambda raw: (raw["id"], kind_of(raw, team))))

        return await self._told("people", PEOPLE_SECONDS, ask, dict) or {}

    async def _kind(self, user: str) -> Any:
        team = (await self.me()).team

        async def ask() -> Any:
            return kind_of((await self._slack.call("users.info", {"user": user}))["user"], team)

        return await self._told(f"person {user}", PEOPLE_SECONDS, ask, str)

    async def _pages(self, method: str, what: str, read: Callable[[Any], T], **args: str) -> list[T]:
        """All of a list, each entry made small at once."""
        return [read(raw) async for raw in self._slack.listed(method, what, **args)]

    async def _told(
        self, question: str, seconds: float, ask: Callable[[], Awaitable[Any]], read: Callable[[Any], T]
    ) -> T | None:
        """The answer to a question, kept or asked for; None where Slack refuses it. Those who have the same question wait for one answer."""
        kept = self._kept.get(question)
        if kept and kept[0] > time.monotonic():
            return kept[1]  # type: ignore[no-any-return]  # what `read` made of it
        asked = self._asked.get(question)
        if asked is None:
            asked = self._asked[question] = asyncio.create_task(self._answer(question, seconds, ask, read))
            asked.add_done_callback(lambda task: self._answered(question, task))
        return await asyncio.shield(asked)

    def _answered(self, question: str, task: asyncio.Task[Any]) -> None:
        self._asked.pop(question, None)
        if not task.cancelled():
            task.exception()  # whoever still waits has it; if nobody does it need not be logged

    async def _answer(
        self, question: str, seconds: float, ask: Callable[[], Awaitable[Any]], read: Callable[[Any], T]
    ) -> T | None:
        key = keys.told((await self.me()).team, question)
        answer: tuple[float, T | None] | None = await self._heard(key, read)
        if answer is None:
            try:
                answer = await self._ask(key, seconds, ask, read)
            finally:
                await self._over(key)
        self._keep(question, answer[1], min(seconds, answer[0] - time.time()))
        return answer[1]

    def _keep(self, question: str, value: Any, seconds: float) -> None:
        now = time.monotonic()
        for old in [q for q, (end, _) in self._kept.items() if end <= now]:
            del self._kept[old]
        self._kept[question] = (now + seconds, value)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)

    async def _ask(
        self, key: str, seconds: float, ask: Callable[[], Awaitable[Any]], read: Callable[[Any], T]
    ) -> tuple[float, T | None]:
        """Slack's answer and until when it counts: from the asking on, as it may lack what changes meanwhile."""
        began = time.time()
        try:
            raw = await ask()
        except SlackRefused:
            return began + min(seconds, ELSEWHERE_SECONDS), None
        if self._redis:
            with suppress(RedisError):
                await self._redis.set(key, json.dumps([began + seconds, raw]), px=int(seconds * 1000))
        return began + seconds, read(raw)

    async def _heard(self, key: str, read: Callable[[Any], T]) -> tuple[float, T] | None:
        """What another process was told, or is just being told; None: it is for this one to ask."""
        if not self._redis:
            return None
        mine = False
        try:
            while True:
                until, raw = json.loads(await self._redis.get(key) or "[0, null]")
                if until > time.time():
                    if mine:  # the other had its answer between the two
                        await self._over(key)
                    return float(until), read(raw)
                if mine:
                    return None
                mine = bool(await self._redis.set(keys.asking(key), 1, nx=True, ex=keys.ASKING_SECONDS))
                if not mine:
                    await asyncio.sleep(LOOK_SECONDS)
        except (RedisError, ValueError, TypeError, KeyError):  # away, or written by another version: Slack knows too
            return None

    async def _over(self, key: str) -> None:
        if self._redis:
            with suppress(RedisError):
                await self._redis.delete(keys.asking(key))


def _id(raw: Mapping[str, Any]) -> str:
    return str(raw["id"])


def place_of(raw: Mapping[str, Any]) -> Place:
    """A conversation as Slack describes it. What it does not say counts as private, and as shared."""
    if raw.get("is_im"):
        return Place(raw["id"], "", "im", frozenset(filter(None, [raw.get("user")])))
    kind: Literal["channel", "group", "mpim"] = "group" if raw.get("is_private", True) else "channel"
    if raw.get("is_mpim"):
        kind = "mpim"
    shared = ("is_shared", "is_org_shared", "is_pending_ext_shared", "pending_shared", "pending_connected_team_ids")
    external = bool(raw.get("is_ext_shared", True) or any(raw.get(flag) for flag in shared))
    bot_in = kind != "channel" or bool(raw.get("is_member"))  # Slack shows private places to those in them
    return Place(
        raw["id"],
        raw.get("name") or "",
        kind,
        external=external,
        bot_in=bot_in,
        archived=bool(raw.get("is_archived")),
    )


def _packed(place: Place) -> dict[str, Any]:
    return asdict(place) | {"members": sorted(place.members)}


def _unpacked(raw: Mapping[str, Any]) -> Place:
    return Place(**{**raw, "members": frozenset(raw["members"])})


def kind_of(raw: Mapping[str, Any], team: str) -> str:
    """What a person is, in Slack's words about them."""
    if raw.get("is_stranger") or raw.get("team_id") != team:
        return "stranger"
    if raw.get("deleted") or raw.get("is_bot") or raw["id"] == "USLACKBOT":
        return "nobody"
    return "guest" if raw.get("is_restricted") or raw.get("is_ultra_restricted") else "member"
