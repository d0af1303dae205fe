"""Does what people ask for by the buttons, forms and commands of expenses."""

from __future__ import annotations

from bot.acts import Act
from bot.expenses.office import Office


class Performing:
    """The acts whose names begin with "expense"."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def perform(self, act: Act) -> None:
        """Does it once, however often it is asked; says to the person what cannot be done. Raises Retryable."""
        raise NotImplementedError(act.do)
