"""What a turn works with, and what it comes to."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.access import Access
from bot.acts import Performer
from bot.conversations import Conversations
from bot.database import Database
from bot.expenses.office import Office
from bot.files.library import Library
from bot.files.made import Computed, MadeFiles
from bot.llm import Llm
from bot.meetings.scheduling import Scheduling
from bot.models import Usage
from bot.reading import Reading
from bot.responses import Hosted
from bot.slack import Slack
from bot.tools import Tool


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """All that a turn works with."""

    slack: Slack
    llm: Llm
    conversations: Conversations
    database: Database
    access: Access
    reading: Reading
    library: Library
    made: MadeFiles
    tools: Sequence[Tool]
    office: Office
    scheduling: Scheduling
    perform: Performer  # what people do by buttons, forms and commands


@dataclass(slots=True)
class Tally:
    """What a turn has come to so far, for the log, the metrics and the ledger."""

    started: float = field(default_factory=time.monotonic)
    model: str = ""
    usage: Usage = field(default_factory=Usage)
    rounds: int = 0
    tool_calls: int = 0
    edits: int = 0
    first_token: float | None = None  # monotonic
    last_token: float | None = None
    first_text: float | None = None  # in Slack
    refused: bool = False
    hosted: Hosted = field(default_factory=Hosted)
    heard: float = 0.0  # seconds of sound that were transcribed
    computed: Computed = field(default_factory=Computed)
    footnotes: list[str] = field(default_factory=list)  # mrkdwn, shown below the answer

    def spend(self, usage: Usage) -> None:
        """Counts the tokens of a request beside the conversation's own."""
        self.usage += usage

    def note(self, text: str, instead_of: str = "") -> None:
        """Adds a footnote; with `instead_of`, in the place of one that begins with that."""
        at = next(
            (n for n, t in enumerate(self.footnotes) if t == text or (instead_of and t.startswith(instead_of))), -1
        )
        if at < 0:
            self.footnotes.append(text)
        else:
            self.footnotes[at] = text
