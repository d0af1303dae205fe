"""What tests/test_register_machine.py works out anew of a meeting."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.meetings.values import Span


@dataclass
class Model:
    """A meeting as it has to be."""

    organizer: str
    needed: dict[str, bool]  # who takes part, and who of them is required
    minutes: int
    thread: bool
    state: str = "draft"
    version: int = 1
    sequence: int = 0
    entered: int = -1
    span: Span | None = None
    answers: dict[str, str] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)
    untold: set[str] = field(default_factory=set)
    sought: tuple[int, frozenset[str]] | None = None
    title: str = "Team sync"
    left: set[str] = field(default_factory=set)  # who took part once, and was told

    def keeps_busy(self, person: str, span: Span) -> bool:
        mine = self.state == "booked" and self.answers.get(person) != "declined"
        return mine and person in self.needed and self.span is not None and self.span.overlaps(span)
