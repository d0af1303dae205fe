"""Who may read what. The only place that decides it; every tool asks here, whatever the model was told to want.

An answer is read by everybody who reads the place it stands in, so it may draw only on what the asker AND every reader of that place may read in
Slack. The rules are pure functions over what Slack says of places and people; `Access` fetches that. What is not known is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bot.models import ThreadKey


@dataclass(frozen=True, slots=True)
class Place:
    """A conversation in Slack. `kind` is "channel" (public), "group" (private), "mpim" or "im"; `members` are all user ids in it."""

    id: str
    name: str
    kind: Literal["channel", "group", "mpim", "im"]
    members: frozenset[str] = frozenset()
    external: bool = False  # shared with other companies, or about to be
    bot_in: bool = True
    archived: bool = False


@dataclass(frozen=True, slots=True)
class Searchable:
    """Whose files a search may see: those of `channels`, and the assistant's knowledge by visibility. `channels` is sorted."""

    channels: tuple[str, ...]
    workspace: bool  # knowledge for full members
    everyone: bool = True  # knowledge for guests and people of other companies too


class Access:
    """Decides, for one asker and one place where the answer stands."""

    async def place(self, wanted: str, asker: str, destination: ThreadKey) -> Place:
        """The place that `wanted` names (an id, "#name", or a Slack link's channel), if its messages may be read for this answer.

        Raises ToolRefused, with the same words for a private place, one that is not there and one that the asker is not in.
        """
        raise NotImplementedError

    async def searchable(self, asker: str, destination: ThreadKey, stored: Sequence[str]) -> Searchable:
        """Which of the channels in `stored` (those that have files) a file search for this answer may see."""
        raise NotImplementedError

    async def may_still(self, asker: str, destination: ThreadKey, sources: Sequence[str]) -> bool:
        """Whether a conversation that has drawn on these sources (see the table `drawn`) may go on for this asker in this place now."""
        raise NotImplementedError

    async def may_know(self, person: str, asker: str, destination: ThreadKey) -> bool:
        """Whether the asker may be told of a person in this place."""
        raise NotImplementedError
