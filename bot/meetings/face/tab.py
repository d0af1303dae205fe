"""One's meetings in the Home tab. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.blocks import Block, actions, button, context, header, section, sections, shown
from bot.meetings.face import buttons
from bot.meetings.face.buttons import carried
from bot.meetings.face.listing import draft_line, line
from bot.meetings.hours import hours_text
from bot.meetings.values import Hours, Meeting, Span

ROWS, DRAFTS = 5, 3
DAYS = 60  # that it looks ahead
HINT = "Write `/meet team sync next Tuesday 2pm with @ana`, or ask me in a message."


@dataclass(frozen=True, slots=True, kw_only=True)
class Agenda:
    """What somebody's Home tab shows of meetings."""

    upcoming: Sequence[tuple[Span, Meeting]]
    drafts: Sequence[Meeting]
    hours: Hours


def tab(agenda: Agenda) -> list[Block]:
    """The section about meetings: at most a dozen blocks, as expenses and knowledge need theirs."""
    blocks: list[Block] = [{"type": "divider"}, header("Meetings")]
    blocks += sections(map(line, agenda.upcoming[:ROWS])) or [section("No meetings are coming.")]
    for draft in agenda.drafts[:DRAFTS]:
        change = button(buttons.CHANGE, "Change", carried(draft.name, draft.version))
        blocks.append(section(f"{draft_line(draft)}\n_being arranged_", change))
    if (more := len(agenda.drafts) - DRAFTS) > 0:
        blocks.append(context(f"… and {more} more being arranged. `/meet list` shows them."))
    off = f"; {len(agenda.hours.off)} days off" if agenda.hours.off else ""
    blocks.append(context(f"You work {hours_text(agenda.hours)} ({shown(agenda.hours.zone, 40)}){off}. {HINT}"))
    return [*blocks, actions(button(buttons.NEW, "New meeting"), button(buttons.HOURS, "My working hours"))]
