"""What delivery has to know of the things that it shows: how they look now, and what is given of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

from bot.blocks import Card
from bot.delivery.claims import Outgoing


class Subjects(Protocol):
    """Things of one kind, such as expenses and their reports: rows name them by a letter and a number."""

    async def card(self, row: Outgoing) -> Card | None:
        """The card as it is true now; None where its reader may not see it (any more)."""

    async def file(self, row: Outgoing, folder: Path) -> Path | None:
        """The file that `row.body` names, made in `folder`; None where they may not see it any more. Raises FileRefused."""

    async def closed(self, row: Outgoing) -> None:
        """The channel whose thread showed the card takes nothing any more: it may have to stand elsewhere."""


Bearer = Callable[[Outgoing], Awaitable[None]]  # brings a row to where Slack is not: a calendar, a mail server
Round = Callable[[str], Awaitable[None]]  # what is looked after now and then in a workspace, such as reminders
