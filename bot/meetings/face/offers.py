"""What is offered while a time is sought: which day was meant, which slots there are, what would help. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.blocks import Block, actions, button, context, section, sections, shown
from bot.meetings.face import buttons
from bot.meetings.face.buttons import carried
from bot.meetings.face.times import clock, local, local_times, moment, names
from bot.meetings.values import Attendee, Meeting, Offer, Slot

CHOICES, HINTS, SLOTS, WHY = 4, 4, 5, 6
REASON = 200  # characters of a slot's reasons


def offered(meeting: Meeting, offer: Offer) -> list[Block]:
    """The question with its choices; or times with a button each; or why there are none, and what would help."""
    value = (meeting.name, meeting.version)
    if offer.choices:
        picks = [
            button(f"{buttons.PICK}_{n}", choice.label, carried(*value, str(n)))
            for n, choice in enumerate(offer.choices[:CHOICES])
        ]
        asked = shown(offer.question, 500) or "Which did you mean?"
        meant = sections(shown(choice.window.text, 300) for choice in offer.choices[:CHOICES] if choice.window.text)
        return [section(f":question: *{asked}*"), *meant, actions(*picks)]
    blocks = sections(shown(why, 500) for why in offer.why[:WHY] if why.strip())
    for slot in offer.slots[:SLOTS]:
        label = "Move" if meeting.state == "booked" else "Book"
        press = button(buttons.BOOK, label, carried(*value, slot.start.isoformat()), style="primary")
        blocks.append(section(_slot(meeting, slot), press))
    if not offer.slots and not blocks:
        blocks.append(section("I found no time for it."))
    if offer.hints and not offer.slots:
        blocks.append(context("What would help:"))
        blocks.append(
            actions(
                *(
                    button(f"{buttons.HINT}_{n}", hint.label, carried(*value, str(n)))
                    for n, hint in enumerate(offer.hints[:HINTS])
                )
            )
        )
    return blocks


def _slot(meeting: Meeting, slot: Slot) -> str:
    """When, why it is good, everybody's local time, and what speaks against it."""
    by_id = {a.id: a for a in meeting.attendees}

    def told(ids: Sequence[str]) -> list[Attendee]:
        return [by_id[id_] for id_ in ids if id_ in by_id]

    zone = meeting.zone
    reasons = shown(", ".join(slot.reasons), REASON)
    lines = [f"*{moment(slot.start, zone)}*{f' · {reasons}' if reasons else ''}"]
    lines.append(local_times(slot.start, meeting.attendees, zone))
    if slot.outside:
        lines.append(f":alarm_clock: {_outside(slot.start, told(slot.outside), zone)}")
    if slot.missing:
        lines.append(f":x: cannot come (optional): {names(told(slot.missing))}")
    if slot.unknown:
        lines.append(f":grey_question: calendar not known: {names(told(slot.unknown))}")
    return "\n".join(line for line in lines if line)


def _outside(at: datetime, people: Sequence[Attendee], zone: str) -> str:
    """Whose hours it is outside of: "07:30 for Raj, 22:00 for Kim: outside of their hours"."""
    home = local(at, zone)
    told = [f"{clock(at, p.zone or zone, home)} for {names([p])}" for p in people[:4]]
    more = f" and {len(people) - 4} more" if len(people) > 4 else ""
    return f"{', '.join(told)}{more}: outside of their hours"
