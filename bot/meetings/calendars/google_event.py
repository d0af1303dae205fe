"""Google's events (Calendar API, version 3) as values: what is written, what is read. Pure."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from bot.meetings.calendars.calendar import Event
from bot.meetings.values import Answer, Repeat, Span

MARK = "assistState"
FREQUENCY = {"day": "DAILY", "week": "WEEKLY", "month": "MONTHLY"}
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
TO_GOOGLE: Mapping[Answer, str] = {"accepted": "accepted", "tentative": "tentative", "declined": "declined"}
FROM_GOOGLE: Mapping[str, Answer] = {word: answer for answer, word in TO_GOOGLE.items()}


def event_id(uid: str) -> str:
    """Google's id for an event with this uid: base32hex in lower case, as it demands (5 to 1024 of a-v and 0-9)."""
    digest = hashlib.sha256(uid.encode()).digest()[:20]
    return base64.b32hexencode(digest).decode().lower()


def rule(repeat: Repeat, start: datetime) -> str:
    """The RRULE of a series whose first start is `start` by the clock that it keeps to."""
    parts = [f"FREQ={FREQUENCY[repeat.unit]}", f"INTERVAL={repeat.interval}"]
    if repeat.unit == "month":
        week = (start.day - 1) // 7 + 1
        parts.append(f"BYDAY={-1 if week == 5 else week}{DAYS[start.weekday()]}")
    if repeat.count:
        parts.append(f"COUNT={repeat.count}")
    return "RRULE:" + ";".join(parts)


def wanted_event(event: Event) -> dict[str, Any]:
    """The event as Google is to have it, with its mark, without anybody's answers."""
    zone = event.zone or "UTC"
    start, end = (t.astimezone(ZoneInfo(zone)) for t in (event.start, event.end))
    body: dict[str, Any] = {
        "summary": event.title,
        "description": event.description,
        "start": {"dateTime": start.isoformat(), "timeZone": zone},
        "end": {"dateTime": end.isoformat(), "timeZone": zone},
        "sequence": event.sequence,
    }
    if event.repeat:
        body["recurrence"] = [rule(event.repeat, start)]
    if event.online:
        request = {"requestId": event_id(event.uid), "conferenceSolutionKey": {"type": "hangoutsMeet"}}
        body["conferenceData"] = {"createRequest": request}
    people = [(a.email.lower(), a.required, a.kind) for a in event.attendees if a.email]
    marked = json.dumps([body, people], sort_keys=True)
    body["extendedProperties"] = {"private": {MARK: hashlib.sha256(marked.encode()).hexdigest()[:32]}}
    return body


def adjusted(body: Mapping[str, Any], event: Event, there: Mapping[str, Any]) -> dict[str, Any]:
    """The change that makes an event what it is to be: also of a deleted one, and of a sequence that Google has raised itself."""
    change = {**body, "status": "confirmed", "sequence": max(event.sequence, int(there.get("sequence", 0)))}
    has = bool(there.get("hangoutLink") or there.get("conferenceData"))
    if event.online and has:
        del change["conferenceData"]  # it stays the one that people know
    elif has:
        change["conferenceData"] = None
    if "recurrence" in there and not event.repeat:
        change["recurrence"] = None
    return change


def attendees(event: Event, there: Mapping[str, Any]) -> dict[str, Any]:
    """The attendees. Who has answered keeps the answer that Google has, unless the time is another one now."""
    kept: dict[str, str] = {}
    if span_of(there) == Span(event.start, event.end):
        kept = {str(a.get("email", "")).lower(): str(a.get("responseStatus", "")) for a in there.get("attendees", ())}
    attendees: dict[str, dict[str, Any]] = {}
    for person in event.attendees:
        address = person.email.lower()
        if not address or address in attendees:
            continue
        answer = TO_GOOGLE.get(person.answer) or kept.get(address) or "needsAction"
        one: dict[str, Any] = {"email": address, "responseStatus": answer}
        if person.kind != "room":
            one["displayName"] = person.name
        else:
            one["resource"] = True
        if not person.required:
            one["optional"] = True
        attendees[address] = one
    attendees[event.organizer.email.lower()]["responseStatus"] = "accepted"
    return {"attendees": list(attendees.values())}


def says(there: Mapping[str, Any], wanted: Mapping[str, Any], event: Event) -> bool:
    """Whether Google has it already as it is wanted."""
    marks = there.get("extendedProperties", {}).get("private", {})
    same = marks.get(MARK) == wanted["extendedProperties"]["private"][MARK]
    return same and there.get("status") != "cancelled" and span_of(there) == Span(event.start, event.end)


def span_of(there: Mapping[str, Any]) -> Span | None:
    """An event's time; somebody may have made it last whole days. None where a deleted one has none any more."""
    times = [there.get("start"), there.get("end")]
    if not all(isinstance(t, Mapping) and ("dateTime" in t or "date" in t) for t in times):
        return None
    start, end = (_time(t) for t in times if t)
    return Span(start, end)


def _time(told: Mapping[str, Any]) -> datetime:
    if "dateTime" in told:
        return datetime.fromisoformat(told["dateTime"]).astimezone(UTC)
    return datetime.combine(date.fromisoformat(told["date"]), time(0), UTC)


def busy_of(told: Any) -> tuple[Span, ...] | None:
    """One calendar's busy times; None where Google could not tell them."""
    if not isinstance(told, Mapping) or told.get("errors"):
        return None
    return tuple(
        Span(_time({"dateTime": busy["start"]}), _time({"dateTime": busy["end"]})) for busy in told.get("busy", ())
    )


def instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def answers_of(there: Mapping[str, Any]) -> dict[str, Answer]:
    """Attendees' answers, by address in lower case."""
    told = {str(a.get("email", "")).lower(): str(a.get("responseStatus", "")) for a in there.get("attendees", ())}
    return {address: FROM_GOOGLE.get(word, "") for address, word in told.items() if address}


def is_pending(there: Mapping[str, Any]) -> bool:
    """Whether its conference is still being made."""
    data = there.get("conferenceData")
    request = data.get("createRequest") if isinstance(data, Mapping) else None
    status = request.get("status") if isinstance(request, Mapping) else None
    made = status.get("statusCode") if isinstance(status, Mapping) else ""
    return made == "pending" and not there.get("hangoutLink")
