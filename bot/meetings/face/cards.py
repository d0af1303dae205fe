"""The cards of meetings. Pure. Times are Slack's dates: each reader sees them in their own zone.

A card is always made from the present state, so its buttons carry the present version; what was pressed on an older one is refused by the register.
"""

from __future__ import annotations

from datetime import datetime

from bot.blocks import MOST_BLOCKS, Block, Card, actions, button, confirm, context, section, sections, shown
from bot.meetings.face import buttons
from bot.meetings.face.buttons import carried
from bot.meetings.face.offers import offered
from bot.meetings.face.times import in_zone, is_over, length, local, local_times, moment, names, recurrence
from bot.meetings.values import ANSWERS, Answer, Meeting, Offer
from bot.models import utcnow

TITLE, DESCRIPTION = 200, 1_000
ADDRESS, OUTSIDE = 254, 10  # characters of an address, and addresses of people from outside that a draft shows
LINE = 500  # characters: in Slack's markup they may be five times as many
GUESTLIST = 30  # names of those who gave the same answer
WORDS: dict[Answer, str] = {
    "accepted": ":white_check_mark: Accepted",
    "tentative": ":grey_question: Maybe",
    "declined": ":x: Declined",
    "": "No answer yet",
}
LABELS: dict[Answer, str] = {"accepted": "Accept", "tentative": "Maybe", "declined": "Decline"}
MARKS = {"cancelled": "Cancelled", "failed": "Not booked", "dropped": "Given up"}
NO_TIME = "It has no time yet: press *Change* and say when."
AT_ONCE = "Booked at once, as everybody is free then. *Undo* takes it back."
THREAD = "Only {organizer}, who organizes it, can change, move or cancel it."
LEFT = "You do not take part in *{name}* any more."


def draft_card(meeting: Meeting) -> Card:
    """For its organizer, or for a thread: the question, the slots with everybody's local time, or why there is none and what would help.

    A booked meeting that is to be moved shows the times below its own.
    """
    if meeting.state != "draft":
        return meeting_card(meeting, meeting.organizer)
    wish, offer = meeting.wish, meeting.offer
    blocks = [section(f"{_title(meeting)}\n_Being arranged: nobody has been invited yet._"), section(_wanted(meeting))]
    if wish.description.strip():
        blocks += _whole(wish.description)
    blocks += offered(meeting, offer) if offer else [section(NO_TIME)]
    value = carried(meeting.name, meeting.version)
    row = [button(buttons.CHANGE, "Change", value), button(buttons.DISCARD, "Discard", value)]
    if offer and offer.slots and offer.more:
        row.insert(0, button(buttons.MORE, "More times", value))
    return Card((*blocks[: MOST_BLOCKS - 1], actions(*row)), f"{_plain_title(meeting)}: {_asked(offer)}")


def meeting_card(meeting: Meeting, viewer: str, now: datetime | None = None) -> Card:
    """A booked, cancelled or failed meeting as one of its people sees it; `viewer` "" for a thread. Only the organizer's has Reschedule, Change and Cancel; in a
    thread they are there, and refused to others. `now` tells what is over: what is has no buttons.
    """
    now = now or utcnow()
    if meeting.state == "draft":
        return draft_card(meeting)
    if meeting.state == "dropped":
        return Card((section(f"{_title(meeting)} — given up."),), f"{_plain_title(meeting)} was given up.")
    over = meeting.state != "booked" or is_over(meeting, now)
    blocks = [section(f"{_title(meeting)}\n_{_state(meeting, viewer, now)}_")]
    if meeting.problem:
        blocks.append(section(f":warning: {shown(meeting.problem, 500)}"))
    blocks += [section(_when(meeting)), *sections(_people(meeting))]
    blocks += _more(meeting, over=over)
    mine = viewer in ("", meeting.organizer)
    if mine and not over and meeting.offer:
        blocks += [{"type": "divider"}, section("*Move it to another time?*"), *offered(meeting, meeting.offer)]
    if mine and undoable(meeting, now):
        blocks.append(context(f"{AT_ONCE}{_elsewhere(meeting)}"))
    row = [] if over else _buttons(meeting, viewer, now, mine=mine)
    if viewer == "" and not over:
        blocks.append(context(THREAD.format(organizer=names(meeting.attendees[:1]))))
    text = f"{_plain_title(meeting)}: {_state(meeting, viewer, now)}. {_said(meeting)}"
    return Card((*blocks[: MOST_BLOCKS - 1], *([actions(*row)] if row else [])), text.strip())


def left_card(name: str) -> Card:
    """What is left of the card of somebody who was taken out: what the meeting is by now is not theirs to see."""
    text = LEFT.format(name=name)
    return Card((section(text),), text.replace("*", ""))


# -- a draft -------------------------------------------------------------------------------------------------------------


def _wanted(meeting: Meeting) -> str:
    """Who, how long, when it was asked for."""
    wish = meeting.wish
    others = wish.attendees[1:]
    required = [a for a in others if a.required and a.kind != "room"]
    optional = [a for a in others if not a.required and a.kind != "room"]
    rooms = [a for a in others if a.kind == "room"]
    with_ = [f"*With* {names(required)}"] if required else []
    with_ += [f"*Optional* {names(optional)}"] if optional else []
    with_ += [f"*Room* {names(rooms)}"] if rooms else []
    lines = [" · ".join(with_) or "*With* nobody else", " · ".join(_how(meeting))]
    if outside := [shown(a.email, ADDRESS) for a in others if a.kind == "guest"]:
        more = f" and {len(outside) - OUTSIDE} more" if len(outside) > OUTSIDE else ""
        lines.insert(1, f"*From outside* {', '.join(outside[:OUTSIDE])}{more}")
    if wish.window and wish.window.text:
        lines.append(f"*When* {shown(wish.window.text, 300)}")
    return "\n".join(lines)


def _elsewhere(meeting: Meeting) -> str:
    """The time as it was named, where that was by the clock of another zone than the organizer's."""
    window = meeting.wish.window
    elsewhere = window and window.exact and window.zone != meeting.attendees[0].zone
    return f" You named {shown(window.text)}." if window and elsewhere else ""


def _whole(description: str) -> list[Block]:
    """All of it: who presses Book sends it, and it may be a model's."""
    lines = description.strip().splitlines()
    return sections(shown(line[n : n + LINE], LINE) for line in lines for n in range(0, len(line) or 1, LINE))


def _how(meeting: Meeting) -> list[str]:
    wish = meeting.wish
    first = local(meeting.start, meeting.zone) if meeting.start else None
    said = [length(wish.minutes) if first is None else length(lasts(meeting))]
    return said + ([recurrence(wish.repeat, first)] if wish.repeat else []) + (["online"] if wish.online else [])


def lasts(meeting: Meeting) -> int:
    """Of the time that it has; while it is to be moved its wish may want another length."""
    span = meeting.span
    return int((span.end - span.start).total_seconds() // 60) if span else meeting.wish.minutes


def _asked(offer: Offer | None) -> str:
    """What a notification says of an offer."""
    if offer and offer.choices:
        return shown(offer.question, 300) or "which did you mean?"
    if offer and offer.slots:
        return "which of these times?"
    return shown(offer.why[0], 300) if offer and offer.why else "no time yet."


# -- what is booked ------------------------------------------------------------------------------------------------------


def _state(meeting: Meeting, viewer: str, now: datetime) -> str:
    if meeting.state != "booked":
        return MARKS[meeting.state]
    if is_over(meeting, now):
        return "It is over"
    if meeting.entered < meeting.sequence and not meeting.problem:
        return "Booked; it is being entered in the calendar"
    if viewer in ("", meeting.organizer):
        return "Booked"
    return f"Invitation from {names(meeting.attendees[:1])}"


def _when(meeting: Meeting) -> str:
    if not meeting.start or not meeting.end:
        return "It had no time."
    first = moment(meeting.start, meeting.zone, "{date_long_pretty}, {time}")
    there = in_zone(meeting.start, meeting.end, meeting.zone)
    local = local_times(meeting.start, meeting.attendees, meeting.zone)
    return "\n".join(filter(None, [f"*{first}*", f"{there} · {' · '.join(_how(meeting))}", local]))


def _said(meeting: Meeting) -> str:
    return in_zone(meeting.start, meeting.end, meeting.zone) if meeting.start and meeting.end else ""


def _people(meeting: Meeting) -> list[str]:
    """A line for each answer, the rooms last."""
    people = [a for a in meeting.attendees if a.kind != "room"]
    lines = []
    for answer in (*ANSWERS, ""):
        same = [a for a in people if a.answer == answer]
        for required in (True, False):
            if those := [a for a in same if a.required == required]:
                optional = "" if required else " (optional)"
                lines.append(f"{WORDS[answer]}{optional}: {names(those, GUESTLIST)}")
    rooms = [a for a in meeting.attendees if a.kind == "room"]
    return [*lines, *([f"Room: {names(rooms)}"] if rooms else [])]


def _more(meeting: Meeting, *, over: bool) -> list[Block]:
    """The description, and where it is held and kept."""
    blocks = [section(shown(meeting.wish.description, DESCRIPTION))] if meeting.wish.description.strip() else []
    links = [] if over else [link(meeting.link, "Join online"), link(meeting.page, "Open in the calendar")]
    if there := [part for part in links if part]:
        blocks.append(section(" · ".join(there)))
    return blocks


def link(url: str, label: str) -> str:
    """A link in mrkdwn; "" for what is none."""
    whole = url.startswith(("https://", "http://")) and not set(url) & set("<>|\n ") and len(url) <= 2_000
    return f"<{url.replace('&', '&amp;')}|{label}>" if whole else ""


def _buttons(meeting: Meeting, viewer: str, now: datetime, *, mine: bool) -> list[Block]:
    value = carried(meeting.name, meeting.version)
    ics = button(buttons.ICS, "Add to calendar (.ics)", value)
    if not mine:
        own: Answer = next((a.answer for a in meeting.attendees if a.id == viewer), "")
        return [*(_answer(n, meeting, answer, own) for n, answer in enumerate(ANSWERS)), ics]
    change = [] if meeting.offer else [button(buttons.CHANGE, "Change", value)]  # a row of seven is not read any more
    row = [button(buttons.MOVE, "Reschedule", value), *change, _cancel(meeting, value), ics]
    if meeting.offer:
        more = meeting.offer.slots and meeting.offer.more
        row = [
            *([button(buttons.MORE, "More times", value)] if more else []),
            button(buttons.KEEP, "Leave it as it is", value),
            *row,
        ]
    if undoable(meeting, now):
        row.insert(0, button(buttons.UNDO, "Undo", value))
    return row


def undoable(meeting: Meeting, now: datetime) -> bool:
    """Whether it was booked without a press, and nothing has come of it since: beside times to which it may be moved, Undo would look as if it undid that."""
    begun = meeting.start is None or meeting.start <= now
    answered = any(a.answer and a.id != meeting.organizer for a in meeting.attendees)
    return (
        meeting.state == "booked" and meeting.at_once and not (meeting.sequence or meeting.offer or begun or answered)
    )


def _answer(index: int, meeting: Meeting, answer: Answer, own: Answer) -> Block:
    """The one that was given stands out; while none is, to accept does."""
    style = "primary" if answer == (own or "accepted") else ""
    value = carried(meeting.name, meeting.version, answer)
    return button(f"{buttons.ANSWER}_{index}", LABELS[answer], value, style=style)


def _cancel(meeting: Meeting, value: str) -> Block:
    series = "The whole series is cancelled. " if meeting.wish.repeat else ""
    sure = confirm(f"Cancel {meeting.name}?", f"{series}Everybody who was invited is told.", "Cancel it", "Keep it")
    return button(buttons.CANCEL, "Cancel", value, style="danger", confirm=sure)


# -- words ---------------------------------------------------------------------------------------------------------------


def _title(meeting: Meeting) -> str:
    return f"*{meeting.name}* · *{shown(meeting.wish.title, TITLE) or 'Meeting'}*"


def _plain_title(meeting: Meeting) -> str:
    return f"{meeting.name} {shown(meeting.wish.title, TITLE) or 'Meeting'}"
