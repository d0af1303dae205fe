"""An independent judge of meetings: whether register, calendars, mailboxes and cards tell the same. It reads the tables, and asks no code of the bot what they mean."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import Any

import icalendar
from sqlalchemy import Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot import tables
from playground.slack import SlackServer
from tests.smtp_world import MailServer

Row = Mapping[str, Any]
LABELS = {"accepted": "Accepted", "tentative": "Maybe", "declined": "Declined", "": "No answer yet"}
ENDED = {"cancelled": "Cancelled", "failed": "Not booked", "dropped": "given up"}
LEFT = "You do not take part"
DECISIONS = (
    "drafted",
    "booked",
    "moved",
    "changed",
    "cancelled",
    "dropped",
    "answered",
)  # what one act does at most once each


@dataclass(frozen=True)
class Facts:
    """What the tables hold, and what the world outside was told."""

    meetings: Sequence[Row]
    times: Sequence[Row]
    events: Sequence[Row]
    outgoing: Sequence[Row]
    slack: SlackServer
    mails: MailServer
    calendars: Path  # a folder for each user, with a file for each event

    def people(self, meeting: Row) -> list[Row]:
        return list(json.loads(meeting["wish"])["attendees"])

    def wrong(self) -> list[str]:
        """All that does not fit together, in words."""
        found = [*self._register(), *self._taken_twice(), *self._in_calendars(), *self._mailed(), *self._in_slack()]
        return sorted(found)

    # -- the register ----------------------------------------------------------------------------------------------------------

    def _register(self) -> Iterable[str]:
        for (cause, did), count in Counter(
            (e["cause"], verb) for e in self.events if e["cause"] for verb in DECISIONS if e["action"].startswith(verb)
        ).items():
            if count > 1:
                yield f"{cause} {did} {count} times"
        kept = defaultdict(set)
        for row in self.times:
            kept[row["meeting"]].add((row["attendee"], row["start_at"], row["end_at"], row["busy"]))
        for m in self.meetings:
            told = Counter(e["action"] for e in self.events if e["meeting"] == m["number"])
            if told["drafted"] != 1 or told["booked"] > 1 or told["cancelled"] > 1:
                yield f"M-{m['number']}: {dict(told)}"
            grown = told["moved"] + told["changed"] + told["cancelled"]
            if m["state"] in ("booked", "cancelled") and m["sequence"] != grown:
                yield f"M-{m['number']}: sequence {m['sequence']} after {dict(told)}"
            if m["state"] in ("booked", "cancelled") and m["entered"] != m["sequence"]:
                yield f"M-{m['number']} {m['state']}: {m['entered']} of {m['sequence']} entered, {m['problem']!r}"
            wanted = {(a["id"], m["start_at"], m["end_at"], a["answer"] != "declined") for a in self.people(m)}
            if kept[m["number"]] != (wanted if m["state"] == "booked" else set()):
                yield f"M-{m['number']} {m['state']}: times {kept[m['number']]}, people {wanted}"

    def _taken_twice(self) -> Iterable[str]:
        """Nobody who has to be there is in two places, unless they had declined one of the two."""
        declined = {(e["meeting"], e["actor"]) for e in self.events if e["action"] == "answered declined"}
        booked = [m for m in self.meetings if m["state"] == "booked"]
        for one, two in combinations(booked, 2):
            if one["start_at"] < two["end_at"] and two["start_at"] < one["end_at"]:
                both = {a["id"] for a in self.people(one) if a["required"]} & {
                    a["id"] for a in self.people(two) if a["required"]
                }
                for who in both:
                    if not {(one["number"], who), (two["number"], who)} & declined:
                        yield f"{who} is in M-{one['number']} and M-{two['number']} at {one['start_at']}"

    # -- outside ---------------------------------------------------------------------------------------------------------------

    def _in_calendars(self) -> Iterable[str]:
        for folder in self.calendars.iterdir():
            there = {}
            for file in (folder / "calendar").glob("*.ics"):
                event = _event(icalendar.Calendar.from_ical(file.read_text()))
                there[str(event["UID"])] = (event["SEQUENCE"], event.start.astimezone(UTC))
            wanted = {
                m["uid"]: (m["sequence"], m["start_at"])
                for m in self.meetings
                if m["state"] == "booked"
                and any(a["kind"] == "member" and a["email"].startswith(f"{folder.name}@") for a in self.people(m))
            }
            if there != wanted:
                yield f"{folder.name}'s calendar: {_names(self.meetings, there)}, not {_names(self.meetings, wanted)}"

    def _mailed(self) -> Iterable[str]:
        told: dict[tuple[str, str], list[tuple[str, int, datetime]]] = defaultdict(list)
        ids: dict[Any, set[str]] = defaultdict(set)
        for mail in self.mails.mails:
            (part,) = [p for p in mail.walk() if p.get_content_type() == "text/calendar"]
            calendar = icalendar.Calendar.from_ical(part.get_content())
            event = _event(calendar)
            (to,) = mail["To"].addresses
            what = (str(calendar["METHOD"]), event["SEQUENCE"])
            told[str(event["UID"]), to.addr_spec].append((*what, event.start.astimezone(UTC)))
            ids[str(event["UID"]), to.addr_spec, *what].add(str(mail["Message-ID"]))
        yield from (f"mailed anew: {key}" for key, each in ids.items() if len(each) > 1)
        for m in self.meetings:
            invited = [a["email"] for a in self.people(m) if a["email"] and a["kind"] != "room"][1:]
            for to in {t for uid, t in told if uid == m["uid"]} | set(invited if m["state"] == "booked" else ()):
                story = told[m["uid"], to]
                method = "REQUEST" if m["state"] == "booked" and to in invited else "CANCEL"
                if to not in invited:  # they left: what it has become since they are not told
                    if story[-1][0] != "CANCEL":
                        yield f"M-{m['number']}: {to}, who left, was mailed {story}"
                    continue
                if [s[1] for s in story] != sorted(s[1] for s in story):
                    yield f"M-{m['number']}: {to} was mailed out of order: {story}"
                if not story or story[-1] != (method, m["sequence"], m["start_at"]):
                    yield f"M-{m['number']} {m['state']} {m['sequence']}: {to} was mailed {story}"

    # -- Slack -----------------------------------------------------------------------------------------------------------------

    def _in_slack(self) -> Iterable[str]:
        ws = self.slack.workspace
        names = {p.id: p.name for p in ws.people.values()}
        posted: dict[str, list[Row]] = defaultdict(list)
        for person in ws.people.values():
            for message in ws.messages(ws.dm(person)) if person.id != self.slack.bot_user_id else ():
                mark = str(((message.get("metadata") or {}).get("event_payload") or {}).get("turn", ""))
                if message.get("bot_id") and mark:
                    posted[mark].append({**message, "to": person.id})
        yield from (
            f"{mark} stands {len(all_)} times"
            for mark, all_ in posted.items()
            if len({m["ts"] for m in all_}) > 1 and mark.startswith("outgoing-")
        )
        said = [r for r in self.outgoing if r["kind"] in ("card", "word")]
        yield from (f"{m} was noted by nobody" for m in posted if m.startswith("outgoing-") and int(m[9:]) not in {r["id"] for r in said})  # fmt: skip
        cards = {(r["subject"], r["person"]): r for r in said if r["kind"] == "card"}
        for m in self.meetings:
            invited = {m["organizer"]} | {
                a["id"] for a in self.people(m) if a["kind"] == "member" and m["state"] != "draft"
            }
            if m["state"] in ("booked", "cancelled", "failed"):
                yield from (
                    f"M-{m['number']}: no card for {names[p]}" for p in invited if (f"M-{m['number']}", p) not in cards
                )
        of = {f"M-{m['number']}": m for m in self.meetings}
        for row in said:
            shown = posted.get(f"outgoing-{row['id']}")
            if not shown:
                yield f"{row['kind']} {row['id']} of {row['subject']} for {names[row['person']]} is nowhere"
            elif row["kind"] == "card":
                wrong = list(self._on_card(of[row["subject"]], row["person"], shown[0]))
                yield from (f"{row['subject']} {of[row['subject']]['state']}, card of {names[row['person']]}: {w}" for w in wrong)  # fmt: skip

    def _on_card(self, m: Row, person: str, card: Row) -> Iterable[str]:
        text, pressable = "\n".join(_texts(card["blocks"])), list(_buttons(card["blocks"]))
        if person not in {m["organizer"], *(a["id"] for a in self.people(m))}:
            if LEFT not in text or pressable:
                yield f"who left: {text!r} {pressable}"
            return
        if m["state"] in ENDED:
            if ENDED[m["state"]] not in text or pressable:
                yield f"{text!r} {pressable}"
            return
        if person == m["organizer"]:
            old = {value.split("|")[1] for _, value in pressable} - {str(m["version"])}
            if old or not pressable:
                yield f"of version {old}, not {m['version']}"
        if m["state"] == "draft":
            return
        if f"<!date^{int(m['start_at'].timestamp())}^" not in text:
            yield f"another time than {m['start_at']}: {text!r}"
        lines = text.splitlines()
        for a in (a for a in self.people(m) if a["kind"] != "room"):
            if not any(LABELS[a["answer"]] in line and a["name"] in line for line in lines):
                yield f"{a['name']} has answered {a['answer']!r}: {text!r}"
        if "being entered" in text or ":warning:" in text:
            yield f"{text!r}"


async def gathered(tx: AsyncConnection, slack: SlackServer, mails: MailServer, calendars: Path) -> Facts:
    """The facts as they are now."""

    async def rows(table: Table) -> list[Row]:
        return [dict(row) for row in (await tx.execute(select(table))).mappings()]

    return Facts(
        meetings=await rows(tables.meetings),
        times=await rows(tables.meeting_times),
        events=await rows(tables.meeting_events),
        outgoing=await rows(tables.outgoing),
        slack=slack,
        mails=mails,
        calendars=calendars,
    )


def _event(calendar: Any) -> Any:
    """The only one of a calendar, as a standard parser reads it."""
    (event,) = calendar.walk("VEVENT")
    return event


def _names(meetings: Sequence[Row], events: Mapping[str, Any]) -> dict[str, Any]:
    of = {m["uid"]: f"M-{m['number']} {m['state']}" for m in meetings}
    return {of.get(uid, uid): what for uid, what in events.items()}


def _texts(part: Any) -> Iterable[str]:
    if isinstance(part, dict):
        if isinstance(part.get("text"), str):
            yield part["text"]
        for each in part.values():
            yield from _texts(each)
    elif isinstance(part, list):
        for each in part:
            yield from _texts(each)


def _buttons(part: Any) -> Iterable[tuple[str, str]]:
    if isinstance(part, dict):
        if part.get("type") == "button" and "value" in part:
            yield part["action_id"], part["value"]
        for each in part.values():
            yield from _buttons(each)
    elif isinstance(part, list):
        for each in part:
            yield from _buttons(each)
