"""Buttons of meetings: a raw payload in, a frozen value out. Like parse.py, and as little as that does it raise."""

from __future__ import annotations

from dataclasses import dataclass

from bot.meetings.face import buttons
from bot.meetings.face.buttons import Subject, subject
from handlers.parse import MALFORMED, Ignored, Raw, as_id, as_text, as_ts
from handlers.parse_acts import BROKEN, Who, who


@dataclass(frozen=True, slots=True)
class MeetingPressed:
    """Somebody pressed a button of a meeting; of "New meeting" and of one's hours there is no subject. `ts` is when.

    `channel` and `thread` tell where, for a button in a channel's thread; else they are "".
    """

    who: Who
    action: str
    about: Subject | None
    ts: str
    channel: str = ""
    thread: str = ""


def parse_meeting_press(body: Raw) -> MeetingPressed | Ignored:
    """A press of a button of meetings."""
    try:
        action = body["actions"][0]
        name = buttons.name_of(as_text(action["action_id"]))
        if name not in buttons.DONE_AT_ONCE and name not in buttons.FORMS:
            return Ignored("another version's button")
        about = None if name in buttons.WITHOUT else subject(as_text(action.get("value")))
        if about and name in buttons.DONE_AT_ONCE:
            buttons.arguments(name, about)
        at = ("", "")
        container = body.get("container") or {}
        if container.get("type") == "message":
            channel, thread = as_id(container["channel_id"]), container.get("thread_ts")
            if thread and not channel.startswith("D"):
                at = (channel, as_ts(thread))
        return MeetingPressed(who(body), name, about, as_ts(action["action_ts"]), *at)
    except BROKEN:
        return Ignored(MALFORMED)
