"""The files that the assistant has: from Slack, to OpenAI, into the vector store, and what a place may search of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from bot.access import Searchable
from bot.models import SharedFile, ThreadKey

PLACE, WORKSPACE, EVERYONE = "place", "workspace", "everyone"  # visibilities
KNOWLEDGE = ""  # the channel of files that no channel shared
TAKING, READY, REFUSED, GOING = "taking", "ready", "refused", "going"  # states


@dataclass(frozen=True, slots=True)
class Record:
    """A file as the assistant has it: a row of the table `files`, and what was understood of it."""

    team: str
    channel: str
    slack_file: str
    thread: str
    uploader: str
    name: str
    permalink: str
    visibility: str
    kind: str
    state: str
    reason: str
    search_file: str
    given_file: str
    words: str = ""  # a transcript, right after it was taken in


class Library:
    """Takes files in, finds them, lets them go."""

    async def take(self, shared: SharedFile, thread: ThreadKey, *, visibility: str = PLACE) -> Record:
        """Takes in a file that was shared in a thread; returns at once where that is done already.

        A file that cannot be used comes back as `refused` with a reason for people. Raises Retryable where Slack or OpenAI is away.
        """
        raise NotImplementedError

    async def channels(self, team: str) -> tuple[str, ...]:
        """The channels that have files, sorted; "" among them for knowledge."""
        raise NotImplementedError

    async def tools(self, thread: ThreadKey, searchable: Searchable) -> list[dict[str, Any]]:
        """The hosted tools for an answer in this thread: file_search with its filter, where there is something to search, and code_interpreter."""
        raise NotImplementedError

    async def of_thread(self, thread: ThreadKey, kinds: Sequence[str] = ()) -> list[Record]:
        """The files of a thread that can be used, oldest first."""
        raise NotImplementedError

    async def stored_as(self, team: str, openai_files: Collection[str]) -> dict[str, Record]:
        """The records behind OpenAI's file ids, as far as there are any."""
        raise NotImplementedError
