"""What the tools of one turn read from, and the record of what they have read: for the conversation's sake, and for the footer of the answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.access import Access
from bot.drawn import Drawn
from bot.expenses.office import Office
from bot.files.library import Library
from bot.meetings.scheduling import Scheduling
from bot.models import Usage
from bot.reading import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """All that a turn's tools may read from. Everything that is told to the model is first noted in `drawn`."""

    access: Access
    reading: Reading
    library: Library
    drawn: Drawn
    office: Office
    scheduling: Scheduling
    spend: Callable[[Usage], None]  # tokens that a tool's own request has cost
    note: Callable[
        [str, str], None
    ]  # a line for the answer's footer, as mrkdwn, in place of an earlier one that began with the second argument
