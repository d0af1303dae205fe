"""Brings to people's direct messages what is noted in the table `outgoing`: cards, words, files; and reminds approvers."""

from __future__ import annotations

import asyncio

from bot.expenses.office import Office


class Delivery:
    """The deliverer of one worker; several may run, each delivery is one's at a time."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def run(self) -> None:
        """Delivers until it is cancelled; never raises."""
        await asyncio.Event().wait()
