"""Slack's own search on the asker's behalf (Real-time Search API), where the workspace has it; and the places that can be looked through where not."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import structlog

from bot.errors import Retryable, SlackRefused, UserFacing
from bot.reading.once import Once
from bot.slack import Slack

log = structlog.get_logger()

AWAY_SECONDS = 600.0  # how long it is remembered that there is no search
PAGES, PAGE = 3, 20
PLACES_SECONDS, PATIENCE = 60.0, 15.0
THIS_TIME = frozenset(("context_channel_not_found", "invalid_action_token", "invalid_cursor", "query_too_long"))


@dataclass(frozen=True, slots=True)
class Hit:
    """A message that Slack's search has found; `text` is Slack's mrkdwn, `author` the name that Slack gives."""

    channel: str
    ts: str
    user: str
    author: str
    text: str
    link: str


class Search:
    """Slack's search. It is not asked whether it is there: it says so itself when it is used, which is then remembered for a while."""

    def __init__(self, slack: Slack) -> None:
        self._slack, self._away_until = slack, 0.0
        self._places: Once[tuple[str, ...]] = Once(PLACES_SECONDS, 8, PATIENCE)

    async def hits(self, words: str, token: str, since: str = "") -> AsyncGenerator[Hit, None]:
        """What public channels say about the words, best first, at most 60. `token`: the action_token of the asker's message.

        Raises SlackRefused, UserFacing or Retryable where there is no search for this question; ask elsewhere then.
        """
        if not token or time.monotonic() < self._away_until:
            raise SlackRefused("assistant.search.context", "feature_not_enabled")
        args: dict[str, Any] = {"query": words, "action_token": token, "limit": PAGE, "content_types": "messages"}
        args |= {"channel_types": "public_channel"} | ({"after": int(float(since))} if since else {})
        for _ in range(PAGES):
            try:
                got = await self._slack.call("assistant.search.context", args)
            except (SlackRefused, UserFacing) as error:
                if not (isinstance(error, SlackRefused) and error.error in THIS_TIME):
                    self._away_until = time.monotonic() + AWAY_SECONDS
                log.info("no search", error=str(error))
                raise
            for raw in (got.get("results") or {}).get("messages") or ():
                yield _hit(raw)
            cursor = (got.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return
            args["cursor"] = cursor

    async def places(self, types: str) -> tuple[str, ...]:
        """The conversations of some types that the bot is in; none where Slack does not tell."""

        async def ask() -> tuple[str, ...]:
            listed = self._slack.listed("users.conversations", "channels", types=types, exclude_archived="true")
            return tuple([c["id"] async for c in listed])

        try:
            return await self._places.get(types, ask)
        except (SlackRefused, UserFacing, Retryable) as error:
            log.warning("own channels not listed", error=str(error))
            return ()


def _hit(raw: dict[str, Any]) -> Hit:
    return Hit(
        channel=raw.get("channel_id") or "",
        ts=raw.get("message_ts") or "",
        user=raw.get("author_user_id") or "",
        author=raw.get("author_name") or "",
        text=raw.get("content") or "",
        link=raw.get("permalink") or "",
    )
