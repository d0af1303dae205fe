"""Slack's Web API as the bot uses it; the only importer of slack_sdk. Every call has a timeout, none is retried here: the caller knows what a repeat would do."""

from __future__ import annotations

import asyncio
import json
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import aiohttp
from redis.exceptions import RedisError
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot import keys
from bot.errors import AssistError, MessageGone, RateLimited, Retryable, SlackRefused, UserFacing
from bot.models import Person, ThreadKey
from bot.pace import Pace
from bot.slack_refusals import slack_refusal

WRITE_TIMEOUT = 5  # seconds; shorter than a lease, so that a write cannot outlive it
ANSWER_EVENT = "assist_answer"  # metadata.event_type of the messages that hold an answer
PERSON_SECONDS = 3.0  # how long a turn waits for a name
PEOPLE_SECONDS = 600.0
PEOPLE_KEPT = 10_000
PACED_HERE = frozenset(  # the others are paced by the reply, which knows what may wait
    (
        "chat.delete",
        "assistant.search.context",
        "assistant.search.info",
        "conversations.history",
        "conversations.info",
        "conversations.list",
        "conversations.members",
        "conversations.open",
        "conversations.replies",
        "files.completeUploadExternal",
        "files.getUploadURLExternal",
        "files.info",
        "files.list",
        "usergroups.list",
        "usergroups.users.list",
        "users.conversations",
        "users.info",
        "users.list",
        "users.lookupByEmail",
        "users.profile.get",
        "views.open",
        "views.publish",
        "views.update",
    )
)
READS = (  # how the methods end that take their arguments from the address: most of them read no JSON
    ".context",
    ".conversations",
    ".get",
    ".getUploadURLExternal",
    ".history",
    ".info",
    ".list",
    ".lookupByEmail",
    ".members",
    ".replies",
)
LIST_PAGES, LIST_PAGE = 200, 999  # of a list; Slack gives no more at once
PAGES = 10  # of 200 messages: as far back as an answer is looked for


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the bot is in its workspace; `scopes` is empty where the server does not tell. `url` is the workspace's address, with a slash at its end."""

    team: str
    user: str
    bot: str
    name: str
    scopes: frozenset[str] = frozenset()
    url: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """A message as Slack's history has it. `turn` and `part` are set on the bot's own answers."""

    ts: str
    user: str
    text: str
    own: bool
    turn: str = ""
    part: int = 0
    shares: bool = False  # it brings files


class Slack:
    """One workspace's Web API. With `redis` all processes ask for a person once: new ones that each asked anew would use up the limit."""

    def __init__(
        self, client: AsyncWebClient, pace: Pace, redis: Any | None = None, *, streaming: str = "auto"
    ) -> None:
        """`streaming`: how answers grow: "edits", "native" or "auto"."""
        self.client, self.pace, self._redis, self.streaming = client, pace, redis, streaming
        self._people: OrderedDict[str, tuple[float, Person]] = OrderedDict()
        self._asked: dict[str, asyncio.Task[Person]] = {}
        self._identity: Identity | None = None

    async def identity(self, *, fresh: bool = False) -> Identity:
        """Who the bot is, asked once (or anew, to see whether Slack is reachable)."""
        if self._identity is None or fresh:
            got = await self.call("auth.test")
            scopes = frozenset(s.strip() for s in got.headers.get("x-oauth-scopes", "").split(",") if s.strip())
            name = got.get("user") or ""
            self._identity = Identity(
                got["team_id"], got["user_id"], got.get("bot_id") or "", name, scopes, got.get("url") or ""
            )
        return self._identity

    async def post(
        self,
        channel: str,
        thread_ts: str | None,
        blocks: Sequence[Mapping[str, Any]],
        text: str,
        metadata: tuple[str, int] | None = None,
    ) -> str:
        """Posts a message without unfurling its links; returns its ts. `metadata` is turn id and part number."""
        args: dict[str, Any] = {
            "channel": channel,
            "blocks": blocks,
            "text": text,
            "unfurl_links": False,
            "unfurl_media": False,
        }
        if thread_ts:
            args["thread_ts"] = thread_ts
        if metadata:
            args["metadata"] = _metadata(*metadata)
        return str((await self.call("chat.postMessage", args))["ts"])

    async def update(self, channel: str, ts: str, blocks: Sequence[Mapping[str, Any]], text: str) -> None:
        """Replaces a message's content; with blocks Slack shows no "edited" mark."""
        await self.call("chat.update", {"channel": channel, "ts": ts, "blocks": blocks, "text": text})

    async def start_stream(self, channel: str, thread_ts: str, text: str, recipient: tuple[str, str]) -> str:
        """Begins a native stream with some Markdown; returns its ts. `recipient`: team and user whose question it answers."""
        args = {"channel": channel, "thread_ts": thread_ts, "markdown_text": text}
        args |= {"recipient_team_id": recipient[0], "recipient_user_id": recipient[1]}
        return str((await self.call("chat.startStream", args))["ts"])

    async def append_stream(self, channel: str, ts: str, text: str) -> None:
        """Appends Markdown to a native stream."""
        await self.call("chat.appendStream", {"channel": channel, "ts": ts, "markdown_text": text})

    async def stop_stream(
        self,
        channel: str,
        ts: str,
        text: str = "",
        blocks: Sequence[Mapping[str, Any]] = (),
        metadata: tuple[str, int] | None = None,
    ) -> None:
        """Ends a native stream with the last of its text and blocks below; from then on the message may be edited."""
        args: dict[str, Any] = {"channel": channel, "ts": ts}
        args |= {k: v for k, v in {"markdown_text": text, "blocks": list(blocks)}.items() if v}
        if metadata:
            args["metadata"] = _metadata(*metadata)
        await self.call("chat.stopStream", args)

    async def delete(self, channel: str, ts: str) -> None:
        """Deletes one of the bot's own messages; one that is gone already is fine."""
        try:
            await self.call("chat.delete", {"channel": channel, "ts": ts})
        except MessageGone:
            return

    async def status(self, channel: str, thread_ts: str, text: str) -> None:
        """Shows "CorporateAssist <text>" below the thread until the bot posts there, at most two minutes."""
        await self.call("assistant.threads.setStatus", {"channel_id": channel, "thread_ts": thread_ts, "status": text})

    async def whisper(
        self, channel: str, user: str, thread_ts: str | None, text: str, blocks: Sequence[Mapping[str, Any]] = ()
    ) -> bool:
        """Shows a message to one person only, until they reload Slack as a rule; False where Slack's limits leave no room for it."""
        if not await self.pace.spare("chat.postEphemeral"):
            return False
        args: dict[str, Any] = {"channel": channel, "user": user, "text": text}
        if blocks:
            args["blocks"] = blocks
        if thread_ts:
            args["thread_ts"] = thread_ts
        await self.call("chat.postEphemeral", args)
        return True

    async def session(self, channel: str, thread_ts: str, status: str, user: str) -> None:
        """Tells Slack whether the bot works in a thread: "processing" shows Slack's own stop button to the person, "active" ends that."""
        if not await self.pace.spare("agents.sessions.setStatus"):
            return
        args = {"channel_id": channel, "thread_ts": thread_ts, "status": status, "initiator_user_id": user}
        await self.call("agents.sessions.setStatus", args)

    async def open_dm(self, user: str) -> str:
        """The channel id of the bot's DM with a person."""
        return str((await self.call("conversations.open", {"users": user}))["channel"]["id"])

    async def socket_url(self, app_token: str) -> str:
        """An address for one Socket Mode connection."""
        return str((await self.call("apps.connections.open", {"token": app_token}))["url"])

    async def publish_home(self, user: str, view: Mapping[str, Any]) -> None:
        """Shows a Home tab to one person."""
        await self.call("views.publish", {"user_id": user, "view": view})

    async def person(self, user: str) -> Person:
        """A person's name and time zone, kept for ten minutes; the bare id where Slack does not tell."""
        kept = self._people.get(user)
        if kept and kept[0] > time.monotonic():
            return kept[1]
        asked = self._asked.get(user)
        if asked is None:  # many turns of one person ask once
            asked = self._asked[user] = asyncio.create_task(
                self._ask_person(user, kept[1] if kept else Person(user, user))
            )
            asked.add_done_callback(lambda _: self._asked.pop(user, None))
        try:
            async with asyncio.timeout(PERSON_SECONDS):  # a name is not worth a long wait; it is known the next time
                return await asyncio.shield(asked)
        except TimeoutError:
            return kept[1] if kept else Person(user, user)

    async def _ask_person(self, user: str, otherwise: Person) -> Person:
        key = keys.person((await self.identity()).team, user)
        person = await self._shared_person(key) or await self._slacks_person(key, user)
        if person is None:
            return otherwise
        self._people[user] = (time.monotonic() + PEOPLE_SECONDS, person)
        while len(self._people) > PEOPLE_KEPT:
            self._people.popitem(last=False)
        return person

    async def _shared_person(self, key: str) -> Person | None:
        """What another process has asked Slack a while ago."""
        try:
            kept = await self._redis.get(key) if self._redis else None
            return Person(*json.loads(kept)) if kept else None
        except (RedisError, ValueError, TypeError):  # away, or written by another version: Slack knows too
            return None

    async def _slacks_person(self, key: str, user: str) -> Person | None:
        try:
            raw = (await self.call("users.info", {"user": user}))["user"]
        except (SlackRefused, Retryable, UserFacing):
            return None
        profile = raw.get("profile") or {}
        name = (
            profile.get("display_name") or raw.get("real_name") or profile.get("real_name") or raw.get("name") or user
        )
        if self._redis:
            with suppress(RedisError):
                await self._redis.set(key, json.dumps([user, name, raw.get("tz") or ""]), ex=int(PEOPLE_SECONDS))
        return Person(user, name, raw.get("tz") or "")

    async def history(self, thread: ThreadKey, oldest: str = "", latest: str = "") -> AsyncIterator[Said]:
        """A thread's messages (of a DM's top level: newest first, else oldest first), within PAGES pages."""
        args: dict[str, Any] = {
            "channel": thread.channel,
            "limit": 200,
            "include_all_metadata": True,
            "inclusive": True,
        }
        args |= {k: v for k, v in {"oldest": oldest, "latest": latest, "ts": thread.thread_ts}.items() if v}
        method = "conversations.replies" if thread.thread_ts else "conversations.history"
        me = await self.identity()
        for _ in range(PAGES):
            got = await self.call(method, args)
            for raw in got["messages"]:
                yield _said(raw, me)
            cursor = (got.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return
            args["cursor"] = cursor

    async def answer_parts(self, thread: ThreadKey, turn: str, oldest: str, *, streamed: bool) -> list[Said]:
        """The messages that hold a turn's answer, oldest first. `oldest` is the turn's first question.

        `streamed`: it may have begun as a native stream, which names no turn before its end; only one turn runs in a thread, so each of the bot's
        messages without one is taken for it, unless it brings files: those are what the model's code made.
        """
        turns = (turn, "") if streamed else (turn,)
        found = [
            s
            async for s in self.history(thread, oldest=oldest)
            if s.own and s.turn in turns and (s.turn or not s.shares)
        ]
        return sorted(found, key=lambda said: float(said.ts))

    async def answer_text(self, thread: ThreadKey, parts: Sequence[str]) -> str:
        """What the messages of an answer show, without what stands below it."""
        found = {s.ts: s.text async for s in self.history(thread, oldest=min(parts, key=float)) if s.ts in parts}
        return "\n\n".join(found[ts] for ts in parts if ts in found)

    async def listed(self, method: str, what: str, **args: Any) -> AsyncGenerator[Any]:
        """The entries of one of Slack's lists, page by page. Raises SlackRefused("too_many_pages") for a list without end: a part of it would mislead."""
        cursor: dict[str, str] = {}
        for _ in range(LIST_PAGES):
            got = await self.call(method, {**args, "limit": LIST_PAGE, **cursor})
            for entry in got[what]:
                yield entry
            after = (got.get("response_metadata") or {}).get("next_cursor")
            if not after:
                return
            cursor = {"cursor": after}
        raise SlackRefused(method, "too_many_pages")

    async def call(self, method: str, args: Mapping[str, Any] | None = None) -> Any:
        """Calls a method; raises the errors of bot.errors that say what to do next. The answer is as Slack gives it: one module reads it, in one place."""
        if method in PACED_HERE:
            # Who reads the same again is a successor; people are asked for by many at once.
            who = " ".join(map(str, (args or {}).values())) if method.startswith("conversations.") else ""
            await self.pace.take(method, who=who)
        try:
            read = method.endswith(READS)
            how = {"params": args} if read else {"json": args or {}}
            return await self.client.api_call(method, http_verb="GET" if read else "POST", **how)
        except SlackApiError as error:
            refusal = _refusal(method, error)
            if isinstance(refusal, RateLimited) and self.pace.counts(method):
                await self.pace.refused(method, str((args or {}).get("channel", "")), refusal.after or 1)
            raise refusal from None
        except (TimeoutError, aiohttp.ClientError, SlackClientError, OSError, json.JSONDecodeError) as error:
            raise Retryable(f"{method}: {type(error).__name__}", said="Slack did not answer.") from error


def _refusal(method: str, error: SlackApiError) -> AssistError:
    response = error.response
    status: int = getattr(response, "status_code", 0) or getattr(response, "status", 0)
    data = getattr(response, "data", None)
    word = str(data.get("error", "")) if isinstance(data, dict) else ""
    after = (getattr(response, "headers", None) or {}).get("Retry-After", "1")
    return slack_refusal(method, status, word, after)


def _metadata(turn: str, part: int) -> dict[str, Any]:
    return {"event_type": ANSWER_EVENT, "event_payload": {"turn": turn, "part": part}}


def _said(raw: Mapping[str, Any], me: Identity) -> Said:
    metadata = raw.get("metadata") or {}
    payload = (metadata.get("event_payload") or {}) if metadata.get("event_type") == ANSWER_EVENT else {}
    own = raw.get("user") == me.user or (bool(me.bot) and raw.get("bot_id") == me.bot)
    text = raw.get("text") or ""
    if own:  # the fallback text is shortened; the blocks hold the whole
        text = "\n\n".join(b["text"] for b in raw.get("blocks") or () if b.get("type") == "markdown") or text
    turn, part = str(payload.get("turn", "")), int(payload.get("part", 0))
    return Said(raw["ts"], raw.get("user") or "", text, own, turn, part, bool(raw.get("files")))


@asynccontextmanager
async def connect_slack(
    token: str, url: str, pace: Pace, redis: Any | None = None, *, streaming: str = "auto"
) -> AsyncIterator[Slack]:
    """A client on one kept-alive session. The SDK's own retries are off: they would post twice and hide limits from `pace`."""
    timeout = aiohttp.ClientTimeout(total=WRITE_TIMEOUT, connect=2)
    async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=200)) as session:
        client = AsyncWebClient(token=token, base_url=url, timeout=WRITE_TIMEOUT, session=session, retry_handlers=[])
        yield Slack(client, pace, redis, streaming=streaming)
