"""Buttons, forms and the command of meetings: noted as acts, which a worker does. A form is opened here, and filled there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bot.meetings.face import buttons, entered
from bot.meetings.face.commands import read_command
from handlers.acting import Acting, Asked
from handlers.parse import Ignored
from handlers.parse_acts import Commanded, Submitted
from handlers.parse_meetings import MeetingPressed, parse_meeting_press

MEMBERS_ONLY = (
    "Meetings are arranged by people of this workspace. Please ask one of them, or answer in your own calendar."
)
TITLES = {
    buttons.NEW: "New meeting",
    buttons.CHANGE: "Change",
    buttons.MOVE: "Reschedule",
    buttons.HOURS: "My working hours",
}


class Meetings(Acting[MeetingPressed]):
    """Listeners of what people do with meetings."""

    about, members_only = "Meeting", MEMBERS_ONLY

    def parse(self, body: Mapping[str, Any]) -> MeetingPressed | Ignored:
        """A press."""
        return parse_meeting_press(body)

    async def do(self, press: MeetingPressed) -> None:
        """Notes what a press asks for, or opens its form."""
        who, about = press.who, press.about
        if press.action in buttons.FORMS:
            args: dict[str, Any] = {"number": about.number} if about else {}
            title = " ".join(filter(None, [TITLES[press.action], about.name if about else ""]))
            await self.fill(buttons.FORMS[press.action], args, who, press.ts, title=title)
        elif about:
            args = dict(buttons.arguments(press.action, about))
            if press.channel:  # a refusal is said there, to them alone
                args |= {"channel": press.channel, "thread": press.thread}
            await self.note(who, buttons.DONE_AT_ONCE[press.action], args, press.ts)

    async def asked(self, form: Submitted) -> Asked:
        """What a form asks for."""
        values, now = dict(form.values), datetime.now(UTC)
        if form.form == buttons.HOURS_FORM:
            return "meet.hours", {"values": values}, entered.read_hours_form(values)[1]
        if form.form == buttons.DETAILS_FORM:
            kept = {"sequence": int(form.carried["sequence"])}
            about = {"number": form.number("number")}
            return "meet.details", {**about, "values": values, "kept": kept}, entered.read_details(values)[1]
        kept = {name: form.carried[name] for name in ("zone", "hours", "date", "time")}
        if form.form == buttons.NEW_FORM:
            return "meet.new", {"values": values, "kept": kept}, entered.read_form(values, kept, now)[1]
        about = {"number": form.number("number"), "version": form.number("version")}
        kept["sequence"] = int(form.carried["sequence"])
        move = form.form == buttons.MOVE_FORM
        if move:
            kept["minutes"] = form.carried["minutes"]
        wrong = entered.read_form(values, kept, now, move=move)[1]
        return "meet.change", {**about, "values": values, "kept": kept}, wrong

    async def answer(self, command: Commanded) -> str:
        """Does what `/meet …` asks for, and gives the word that only they see."""
        who = command.who
        wanted = read_command(command.text)
        if wanted.do == "say":
            return wanted.say
        if wanted.do == "form":
            await self.fill("meet.new_form", {}, who, title=TITLES[buttons.NEW])
            return ""
        args = {"text": command.text, "channel": command.channel}
        where = await self.where(command)  # first: what is noted must not be called not noted
        await self.note(who, "meet.command", args, event_id=who.trigger)
        return where
