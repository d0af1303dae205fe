"""A stand-in for Microsoft Graph and Entra's tokens: the part of Graph's calendar API, v1.0, that the client may use, as Microsoft describes it.

Sources (microsoftgraph/microsoft-graph-docs-contrib, api-reference/v1.0): resources event, attendee, recurrencepattern, recurrencerange,
datetimetimezone; api user-post-events, event-get, event-update, event-delete, event-cancel, event-accept, event-tentativelyaccept,
event-decline (sendResponse: "true if a response is to be sent to the organizer"), user-list-events, event-list-instances, calendar-getschedule,
singlevaluelegacyextendedproperty-get; concepts/outlook-get-free-busy-schedule (20 schedules, less than 62 days). A repeated transactionId: the same
event with the same content (blog.rykoma.net/2020/10/05/1559), else ErrorDuplicateTransactionId (alcionai/corso issue 2490). Tokens:
learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web
from babel.core import get_global
from dateutil.rrule import DAILY, MONTHLY, WEEKLY, rrule, weekday  # type: ignore[import-untyped]  # it has no types

from tests.strict_server import Maybe, Refused, StrictServer, Undescribed, check, parts

TENANT, CLIENT, SECRET = "11111111-2222-3333-4444-555555555555", "app-1", "s3cret~/+&="
ZONES: Mapping[str, str] = {**get_global("windows_zone_mapping"), "UTC": "UTC"}
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?")
TIME = {"dateTime": DATE_TIME, "timeZone": frozenset(ZONES)}
ATTENDEE = {
    "emailAddress": {"address": re.compile(r"[^@\s]+@[^@\s]+"), "name": str},
    "type": frozenset({"required", "optional", "resource"}),
}
PATTERNS = {
    "daily": {"type", "interval"},
    "weekly": {"type", "interval", "daysOfWeek", "firstDayOfWeek"},
    "relativeMonthly": {"type", "interval", "daysOfWeek", "index"},
}
RECURRENCE = {
    "pattern": {
        "type": frozenset(PATTERNS),
        "interval": int,
        "daysOfWeek": [frozenset(DAYS)],
        "firstDayOfWeek": frozenset(DAYS),
        "index": frozenset({"first", "second", "third", "fourth", "last"}),
    },
    "range": {
        "type": frozenset({"endDate", "noEnd", "numbered"}),
        "startDate": re.compile(r"\d{4}-\d\d-\d\d"),
        "numberOfOccurrences": int,
        "recurrenceTimeZone": frozenset(ZONES),
    },
}
CHANGE = {
    "subject": str,
    "body": {"contentType": frozenset({"text", "html"}), "content": str},
    "start": TIME,
    "end": TIME,
    "attendees": [ATTENDEE],
    "recurrence": Maybe(RECURRENCE),
    "isOnlineMeeting": bool,
    "onlineMeetingProvider": frozenset({"teamsForBusiness", "skypeForBusiness", "skypeForConsumer"}),
    "singleValueExtendedProperties": [
        {"id": re.compile(r"String \{[0-9a-f-]{36}\} Name \w+"), "value": str},
    ],
}
EVENT = {**CHANGE, "transactionId": str}
SCHEDULE = {"schedules": [str], "startTime": TIME, "endTime": TIME, "availabilityViewInterval": int}
PROPERTY = r"String \{[0-9a-f-]{36}\} Name \w+"
FILTER = re.compile(
    rf"singleValueExtendedProperties/Any\(ep: ep/id eq '({PROPERTY})' and ep/value eq '((?:[^']|'')*)'\)"
)
EXPAND = re.compile(rf"singleValueExtendedProperties\(\$filter=id eq '({PROPERTY})'\)")
BY_UID = re.compile(r"iCalUId eq '((?:[^']|'')*)'")
RESPONSES = {"accept": "accepted", "tentativelyAccept": "tentativelyAccepted", "decline": "declined"}
RESPONSE = {"comment": str, "sendResponse": bool}
UTC_ONLY = 'outlook.timezone="UTC"'


class GraphServer(StrictServer):
    """One directory. `people` have mailboxes; `busy` is what is in them beside the events that the API has made: start, end, status."""

    api_headers = frozenset({"prefer"})

    def __init__(self, *people: str) -> None:
        super().__init__()
        self.people = set(people)
        self.busy: dict[str, list[tuple[str, str, str]]] = {}
        self.events: dict[tuple[str, str], dict[str, Any]] = {}
        self.mails: list[tuple[str, str, str]] = []
        self.tokens: dict[str, float] = {}
        self.transactions: dict[str, tuple[str, str]] = {}  # id: content, event
        self.lasts = 3600
        self.pending = 0  # so many times a new online meeting is still being made
        self.delivered = True  # whether attendees have their copies
        self.own: dict[str, str] = {}  # what attendees have answered, by the names of their copies
        self.taken_out: set[str] = set()  # those of them that are not in the calendar any more
        self.responses: list[tuple[str, str]] = []
        self.elsewhere = ""  # where the directory says that tokens are

    def error(self, status: int, code: str, text: str) -> dict[str, Any]:  # noqa: ARG002  # as Google's has it
        return {"error": {"code": code, "message": text}}

    async def login(self, request: web.Request, form: Mapping[str, str]) -> web.StreamResponse:
        match request.method, parts(request):
            case "GET", [tenant, "v2.0", ".well-known", "openid-configuration"]:
                if tenant != TENANT:
                    return web.json_response({"error": "invalid_tenant"}, status=400)
                where = self.elsewhere or f"{self.login_url}/{TENANT}/oauth2/v2.0"
                told = {"authorization_endpoint": f"{where}/authorize", "token_endpoint": f"{where}/token"}
                return web.json_response(told | {"issuer": f"{self.login_url}/{TENANT}/v2.0"})
            case "POST", [tenant, "oauth2", "v2.0", "token"] if tenant == TENANT:
                return self._token(form)
            case _:
                raise Undescribed(f"{request.method} {request.path}")

    def _token(self, form: Mapping[str, str]) -> web.StreamResponse:
        if form.get("grant_type") != "client_credentials" or form.get("scope") != f"{self.api_url}/.default":
            return web.json_response({"error": "invalid_scope"}, status=400)
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT, SECRET):
            said = "AADSTS7000215: Invalid client secret provided."
            return web.json_response({"error": "invalid_client", "error_description": said}, status=401)
        token = f"eyJ0.{secrets.token_urlsafe(12)}"
        self.tokens[token] = time.monotonic() + self.lasts
        return web.json_response({"access_token": token, "expires_in": self.lasts, "token_type": "Bearer"})

    async def api(self, request: web.Request, body: Any) -> web.StreamResponse:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if time.monotonic() >= self.tokens.get(token, 0.0):
            raise Refused(401, "InvalidAuthenticationToken")
        path, query = parts(request), dict(request.query)
        if path[:2] != ["v1.0", "users"] or len(path) < 4:
            raise Undescribed(f"{request.method} {request.path}")
        who = path[2]
        if who not in self.people:
            raise Refused(404, "ErrorInvalidUser", f"The requested user '{who}' is invalid.")
        if request.headers.get("Prefer", UTC_ONLY) != UTC_ONLY:
            raise Undescribed("Prefer")
        match request.method, path[3:]:
            case "POST", ["calendar", "getSchedule"]:
                check({}, query, "query")
                return web.json_response(self._schedules(body))
            case "POST", ["events"]:
                check({}, query, "query")
                return web.json_response(self._create(who, body), status=201)
            case "GET", ["events"] if BY_UID.fullmatch(query.get("$filter", "")):
                check({"$filter": BY_UID, "$select": re.compile("id,responseStatus")}, query, "query")
                return web.json_response({"value": self._copies(who, query["$filter"])})
            case "POST", ["events", ident, action] if action in RESPONSES:
                check({}, query, "query")
                check(RESPONSE, body)
                self._respond(who, ident, RESPONSES[action], sends=body.get("sendResponse", True))
                return web.Response(status=202)
            case "GET", ["events"]:
                check({"$filter": FILTER, "$select": re.compile("id")}, query, "query")
                return web.json_response({"value": self._find(who, query["$filter"])})
            case "GET", ["events", ident]:
                check({"$expand": EXPAND}, query, "query")
                return web.json_response(self._told(self._get(who, ident), query.get("$expand", "")))
            case "PATCH", ["events", ident]:
                check({}, query, "query")
                return web.json_response(self._told(self._change(who, ident, body)))
            case "DELETE", ["events", ident]:
                check({}, query, "query")
                self._end(who, ident)
                return web.Response(status=204)
            case "POST", ["events", ident, "cancel"]:
                check({"comment": str, "Comment": str}, body)
                if not self._get(who, ident)["attendees"]:
                    raise Refused(400, "ErrorInvalidRequest", "You can't cancel an event that is no meeting.")
                self._end(who, ident)
                return web.Response(status=202)
            case "GET", ["events", ident, "instances"]:
                check(
                    {"startDateTime": DATE_TIME, "endDateTime": DATE_TIME, "$top": re.compile(r"\d+")}, query, "query"
                )
                return web.json_response(self._instances(who, ident, query))
            case _:
                raise Undescribed(f"{request.method} {request.path}")

    # -- events -------------------------------------------------------------------------------------------------------------------

    def _create(self, who: str, body: Any) -> dict[str, Any]:
        check(EVENT, body)
        once = body.pop("transactionId", "")
        content = json.dumps(body, sort_keys=True)
        if once in self.transactions:
            before, ident = self.transactions[once]
            if before != content or (who, ident) not in self.events:
                raise Refused(409, "ErrorDuplicateTransactionId", "has already been used to create a different event")
            return self._told(self.events[who, ident])
        ident = f"AAMk{secrets.token_urlsafe(9)}+/="
        self.transactions[once or ident] = content, ident
        event = {
            "id": ident,
            "iCalUId": f"04000000{secrets.token_hex(8)}'",
            "isCancelled": False,
            "attendees": [],
            "recurrence": None,
            "isOnlineMeeting": False,
        }
        return self._told(self._keep(who, event | {"type": "singleInstance"}, body, "invitation"))

    def _change(self, who: str, ident: str, body: Any) -> dict[str, Any]:
        check(CHANGE, body)
        event = self._get(who, ident)
        if event["isOnlineMeeting"] and "body" in body:
            raise Refused(400, "TheBlobOfTeamsIsLost", "Removing the meeting blob would disable the online meeting.")
        return self._keep(who, dict(event), body, "update")

    def _keep(self, who: str, event: dict[str, Any], body: dict[str, Any], mail: str) -> dict[str, Any]:
        marks = {p["id"]: p for p in event.get("singleValueExtendedProperties", [])}
        marks |= {p["id"]: p for p in body.get("singleValueExtendedProperties", [])}
        had = {a["emailAddress"]["address"]: a["status"] for a in event["attendees"]}
        event |= body | {"singleValueExtendedProperties": list(marks.values())}
        none = {"response": "none", "time": "0001-01-01T00:00:00Z"}
        event["attendees"] = [a | {"status": had.get(a["emailAddress"]["address"], none)} for a in event["attendees"]]
        if _time(event["start"]) >= _time(event["end"]):
            raise Refused(400, "ErrorCalendarEndDateIsEarlierThanStartDate")
        if recurrence := event["recurrence"]:
            self._check_recurrence(event, recurrence)
        if event["isOnlineMeeting"] and not event.get("onlineMeeting") and not self.pending:
            event["onlineMeeting"] = {"joinUrl": f"https://teams.example/{secrets.token_hex(4)}"}
        event["webLink"] = f"https://outlook.example/?itemid={event['id']}"
        self.events[who, event["id"]] = event
        self.mails += [(a["emailAddress"]["address"], mail, event["id"]) for a in event["attendees"]]
        return event

    def _check_recurrence(self, event: Mapping[str, Any], recurrence: Mapping[str, Any]) -> None:
        pattern, lasts = recurrence["pattern"], recurrence["range"]
        if set(pattern) != PATTERNS[pattern["type"]]:
            raise Undescribed(f"{pattern['type']} takes {PATTERNS[pattern['type']]}")
        if ("numberOfOccurrences" in lasts) != (lasts["type"] == "numbered"):
            raise Undescribed("numberOfOccurrences is for numbered")
        if lasts["startDate"] != event["start"]["dateTime"][:10]:
            raise Refused(400, "ErrorPropertyValidationFailure", "the first occurrence is not on the start date")

    def _get(self, who: str, ident: str) -> dict[str, Any]:
        if (who, ident) not in self.events:
            raise Refused(404, "ErrorItemNotFound", "The specified object was not found in the store.")
        event = self.events[who, ident]
        if event["isOnlineMeeting"] and not event.get("onlineMeeting"):
            self.pending -= 1
            if self.pending <= 0:
                event["onlineMeeting"] = {"joinUrl": f"https://teams.example/{secrets.token_hex(4)}"}
        return event

    def _told(self, event: Mapping[str, Any], expand: str = "") -> dict[str, Any]:
        """As Graph tells an event: times in UTC, extended properties only where they are asked for."""
        told = {k: v for k, v in event.items() if k != "singleValueExtendedProperties"}
        told |= {side: _in_utc(_time(event[side])) for side in ("start", "end")}
        if found := EXPAND.fullmatch(expand):
            told["singleValueExtendedProperties"] = [
                p for p in event["singleValueExtendedProperties"] if p["id"] == found.group(1)
            ]
        return told

    def _find(self, who: str, filter_: str) -> list[dict[str, str]]:
        found = FILTER.fullmatch(filter_)
        assert found
        name, value = found.group(1), found.group(2).replace("''", "'")
        return [
            {"id": ident}
            for (owner, ident), event in self.events.items()
            if owner == who and {"id": name, "value": value} in event["singleValueExtendedProperties"]
        ]

    def _end(self, who: str, ident: str) -> None:
        """Into the Deleted Items, where the API does not find it any more."""
        event = self._get(who, ident)
        self.mails += [(a["emailAddress"]["address"], "cancellation", ident) for a in event["attendees"]]
        del self.events[who, ident]

    # -- attendees' own copies ------------------------------------------------------------------------------------------------

    def _own(self, who: str) -> dict[str, dict[str, Any]]:
        """The events in somebody's calendar to which others have invited them, by the names that these have there."""
        invited = {
            ident: event
            for (owner, ident), event in self.events.items()
            if owner != who and who in [a["emailAddress"]["address"] for a in event["attendees"]]
        }
        names = {f"{ident}{who.encode().hex()}": event for ident, event in invited.items()}
        return {name: event for name, event in names.items() if name not in self.taken_out} if self.delivered else {}

    def _copies(self, who: str, filter_: str) -> list[dict[str, Any]]:
        found = BY_UID.fullmatch(filter_)
        assert found
        uid = found.group(1).replace("''", "'")
        return [
            {"id": name, "responseStatus": {"response": self.own.get(name, "notResponded")}}
            for name, event in self._own(who).items()
            if event["iCalUId"] == uid
        ]

    def _respond(self, who: str, name: str, response: str, *, sends: bool) -> None:
        """The organizer's copy learns of it by the response alone. Who declines has the event taken out of their calendar."""
        event = self._own(who).get(name)
        if event is None:
            raise Refused(404, "ErrorItemNotFound", "The specified object was not found in the store.")
        self.own[name] = response
        self.responses.append((who, response))
        if response == "declined":
            self.taken_out.add(name)
        if sends:
            for attendee in event["attendees"]:
                if attendee["emailAddress"]["address"] == who:
                    attendee["status"] = {"response": response, "time": "2026-11-22T09:00:00Z"}

    # -- times --------------------------------------------------------------------------------------------------------------------

    def _times(self, event: Mapping[str, Any], low: datetime, high: datetime) -> list[tuple[datetime, datetime]]:
        start, length = _time(event["start"]), _time(event["end"]) - _time(event["start"])
        starts = [start]
        if recurrence := event["recurrence"]:
            clock = ZoneInfo(ZONES[recurrence["range"]["recurrenceTimeZone"]])
            starts = [
                s.astimezone(UTC) for s in _rule(recurrence, start.astimezone(clock)).between(low, high, inc=True)
            ]
        return [(s, s + length) for s in starts if s < high and s + length > low]

    def _instances(self, who: str, ident: str, query: Mapping[str, str]) -> dict[str, Any]:
        low, high = (datetime.fromisoformat(query[n]).replace(tzinfo=UTC) for n in ("startDateTime", "endDateTime"))
        times = self._times(self._get(who, ident), low, high)[: int(query.get("$top", 10))]
        return {"value": [{"start": _in_utc(s), "end": _in_utc(e)} for s, e in times]}

    def _schedules(self, body: Any) -> dict[str, Any]:
        check(SCHEDULE, body)
        low, high = _time(body["startTime"]), _time(body["endTime"])
        if len(body["schedules"]) > 20 or high - low >= timedelta(days=62):
            raise Refused(400, "ErrorInvalidParameter", "too much at once")
        return {"value": [self._schedule(address, low, high) for address in body["schedules"]]}

    def _schedule(self, address: str, low: datetime, high: datetime) -> dict[str, Any]:
        if address.lower() not in self.people:
            why = {"message": "Unable to resolve e-mail address", "responseCode": "ErrorMailRecipientNotFound"}
            return {"scheduleId": address, "availabilityView": "", "scheduleItems": [], "error": why}
        spans = [(_utc(s), _utc(e), status) for s, e, status in self.busy.get(address.lower(), ())]
        for (owner, _), event in self.events.items():
            if address.lower() in {owner, *(a["emailAddress"]["address"] for a in event["attendees"])}:
                spans += [(s, e, "Busy") for s, e in self._times(event, low, high)]
        items = [
            {"status": status, "subject": "secret", "start": _in_utc(s), "end": _in_utc(e)}
            for s, e, status in sorted(spans)
            if s < high and e > low
        ]
        return {"scheduleId": address, "availabilityView": "", "scheduleItems": items}


def _rule(recurrence: Mapping[str, Any], start: datetime) -> Any:
    pattern, lasts = recurrence["pattern"], recurrence["range"]
    more: dict[str, Any] = {
        "interval": pattern["interval"],
        "count": lasts.get("numberOfOccurrences"),
        "dtstart": start,
    }
    days = [DAYS.index(d) for d in pattern.get("daysOfWeek", ())]
    match pattern["type"]:
        case "daily":
            return rrule(DAILY, **more)
        case "weekly":
            return rrule(WEEKLY, byweekday=days, **more)
        case _:
            at = ["first", "second", "third", "fourth", "last"].index(pattern["index"])
            return rrule(MONTHLY, byweekday=[weekday(days[0])(-1 if at == 4 else at + 1)], **more)


def _time(told: Mapping[str, str]) -> datetime:
    return datetime.fromisoformat(told["dateTime"]).replace(tzinfo=ZoneInfo(ZONES[told["timeZone"]])).astimezone(UTC)


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _in_utc(at: datetime) -> dict[str, str]:
    return {"dateTime": f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.0000000", "timeZone": "UTC"}
