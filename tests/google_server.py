"""A stand-in for Google Calendar: the part of version 3 of its API that the client may use, as Google's discovery document describes it.

Sources: the discovery document (googleapis/google-api-python-client, googleapiclient/discovery_cache/documents/calendar.v3.json: methods, parameters,
schemas Event, EventAttendee, EventDateTime, ConferenceData, FreeBusyRequest); events.list with iCalUID, also in the reference of events.get; attendees'
responses: Event.attendeesOmitted ("when updating an event, this can be used to only update the participant's response"); errors:
developers.google.com/workspace/calendar/api/guides/errors; If-Match: …/guides/version-resources; 409 for the id of a deleted event and 410 for
deleting twice: googleapis/google-api-python-client issue 210; tokens: developers.google.com/identity/protocols/oauth2/service-account.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from dateutil.rrule import rrulestr  # type: ignore[import-untyped]  # it has no types

from tests.strict_server import Maybe, Refused, StrictServer, Undescribed, check, merge, parts, private_pem

ACCOUNT = "assist@project.iam.gserviceaccount.com"
SCOPE = "https://www.googleapis.com/auth/calendar"
AUDIENCE = "https://oauth2.googleapis.com/token"
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
TIME = {"dateTime": RFC3339, "date": re.compile(r"\d{4}-\d\d-\d\d"), "timeZone": re.compile(r"UTC|[A-Z]\w+/[\w/+-]+")}
ATTENDEE = {
    "email": re.compile(r"[^@\s]+@[^@\s]+"),
    "displayName": str,
    "optional": bool,
    "resource": bool,
    "responseStatus": frozenset({"needsAction", "declined", "tentative", "accepted"}),
    "comment": str,
    "additionalGuests": int,
}
EVENT = {
    "id": str,
    "iCalUID": str,
    "summary": str,
    "description": str,
    "location": str,
    "start": TIME,
    "end": TIME,
    "recurrence": Maybe([re.compile(r"(RRULE|EXRULE|RDATE|EXDATE).*")]),
    "attendees": [ATTENDEE],
    "sequence": int,
    "status": frozenset({"confirmed", "tentative", "cancelled"}),
    "transparency": frozenset({"opaque", "transparent"}),
    "extendedProperties": {"private": {...: str}, "shared": {...: str}},
    "conferenceData": Maybe(
        {"createRequest": {"requestId": str, "conferenceSolutionKey": {"type": frozenset({"hangoutsMeet", "addOn"})}}}
    ),
}
FREE_BUSY = {
    "timeMin": RFC3339,
    "timeMax": RFC3339,
    "timeZone": str,
    "groupExpansionMax": int,
    "calendarExpansionMax": int,
    "items": [{"id": str}],
}
SEND = re.compile(r"all|externalOnly|none")
WRITE = {"sendUpdates": SEND, "conferenceDataVersion": re.compile("[01]"), "maxAttendees": str}
QUERIES: Mapping[str, Mapping[str, Any]] = {
    "insert": WRITE,
    "patch": WRITE,
    "get": {"maxAttendees": str, "timeZone": str},
    "delete": {"sendUpdates": SEND},
    "instances": {"timeMin": RFC3339, "timeMax": RFC3339, "maxResults": re.compile(r"\d+"), "timeZone": str},
    "query": {},
    "list": {"iCalUID": re.compile(r"[^@\s]+@google\.com"), "maxResults": re.compile(r"\d+")},
}
RESPONSE = {
    "attendeesOmitted": bool,
    "attendees": [{name: ATTENDEE[name] for name in ("email", "responseStatus", "comment", "additionalGuests")}],
}


@cache
def account_key() -> rsa.RSAPrivateKey:
    """The account's key; to make one takes a while."""
    return rsa.generate_private_key(65537, 2048)


class GoogleServer(StrictServer):
    """One Workspace domain. `people` have calendars; `busy` is what is in them beside the events that the API has made."""

    api_headers = frozenset({"if-match"})

    def __init__(self, *people: str, key: rsa.RSAPrivateKey | None = None) -> None:
        super().__init__()
        self._key = key or account_key()
        self.people = set(people)
        self.busy: dict[str, list[tuple[str, str]]] = {}
        self.events: dict[tuple[str, str], dict[str, Any]] = {}
        self.mails: list[tuple[str, str, str]] = []  # to, what, of which event
        self.tokens: dict[str, tuple[str, float]] = {}
        self.lasts = 3600
        self.delegated = True
        self.pending = 0  # so many times a new conference is still being made
        self.delivered = True  # whether attendees have their copies
        self.responses: list[tuple[str, str]] = []

    def key(self) -> dict[str, str]:
        """The service account's file."""
        return {
            "type": "service_account",
            "private_key": private_pem(self._key).decode(),
            "private_key_id": "k1",
            "client_email": ACCOUNT,
            "token_uri": f"{self.login_url}/token",
        }

    def error(self, status: int, code: str, text: str) -> dict[str, Any]:
        one = {"domain": "global", "reason": code, "message": text}
        return {"error": {"code": status, "message": text, "errors": [one]}}

    async def login(self, request: web.Request, form: Mapping[str, str]) -> web.StreamResponse:
        if (request.method, request.path) != ("POST", "/token") or set(form) != {"grant_type", "assertion"}:
            raise Undescribed("not a request for a token")
        try:
            claims = jwt.decode(form["assertion"], self._key.public_key(), ["RS256"], audience=AUDIENCE, issuer=ACCOUNT)
        except jwt.PyJWTError as error:
            return web.json_response({"error": "invalid_grant", "error_description": str(error)}, status=400)
        assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
        assert claims["exp"] - claims["iat"] <= 3600
        if not self.delegated or claims.get("scope") != SCOPE:
            return web.json_response({"error": "unauthorized_client", "error_description": "no delegation"}, status=401)
        if claims.get("sub") not in self.people:
            said = f"Invalid email or User ID: {claims.get('sub')}"
            return web.json_response({"error": "invalid_grant", "error_description": said}, status=400)
        token = f"ya29.{secrets.token_urlsafe(12)}"
        self.tokens[token] = (claims["sub"], time.monotonic() + self.lasts)
        return web.json_response({"access_token": token, "expires_in": self.lasts, "token_type": "Bearer"})

    async def api(self, request: web.Request, body: Any) -> web.StreamResponse:
        who, until = self.tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "), ("", 0.0))
        if time.monotonic() >= until:
            raise Refused(401, "authError", "Invalid Credentials")
        path = parts(request)
        answer: Callable[[], Any]
        match request.method, path:
            case "POST", ["freeBusy"]:
                method, answer = "query", lambda: self._query(body)
            case "POST", ["calendars", "primary", "events"]:
                method, answer = "insert", lambda: self._insert(who, body, request.query)
            case "GET", ["calendars", "primary", "events"]:
                method, answer = "list", lambda: {"items": self._copies(who, request.query["iCalUID"])}
            case "GET", ["calendars", "primary", "events", ident]:
                method, answer = "get", lambda: self._get(who, ident)
            case "PATCH", ["calendars", "primary", "events", ident]:
                match_ = request.headers.get("If-Match", "")
                method, answer = "patch", lambda: self._patch(who, ident, body, request.query, match_)
            case "DELETE", ["calendars", "primary", "events", ident]:
                method, answer = "delete", lambda: self._delete(who, ident, request.query)
            case "GET", ["calendars", "primary", "events", ident, "instances"]:
                method, answer = "instances", lambda: self._instances(who, ident, request.query)
            case _:
                raise Undescribed(f"no such method: {request.method} {request.path}")
        check(QUERIES[method], dict(request.query), "query")
        if "If-Match" in request.headers and method != "patch":
            raise Undescribed("If-Match is for changes")
        got = answer()
        return web.Response(status=204) if got is None else web.json_response(got)

    # -- events -------------------------------------------------------------------------------------------------------------------

    def _insert(self, who: str, body: Any, query: Mapping[str, str]) -> dict[str, Any]:
        check(EVENT, body)
        ident = body.get("id") or secrets.token_hex(13)
        if not re.fullmatch(r"[a-v0-9]{5,1024}", ident):
            raise Refused(400, "invalid", "Invalid resource id value.")
        if "iCalUID" in body and "id" in body:
            raise Refused(400, "invalid", "only one of them should be supplied at event creation time")
        if (who, ident) in self.events:
            raise Refused(409, "duplicate", "The requested identifier already exists.")
        made = {"sequence": 0, "status": "confirmed", **body, "id": ident, "iCalUID": f"{ident}@google.com"}
        return self._keep(who, made, query, "invitation")

    def _get(self, who: str, ident: str) -> dict[str, Any]:
        if (who, ident) not in self.events:
            raise Refused(404, "notFound", "Not Found")
        event = self.events[who, ident]
        made = event.get("conferenceData", {}).get("createRequest", {}).get("status", {})
        if made.get("statusCode") == "pending":
            self.pending -= 1
            if self.pending <= 0:
                self._conference(event)
        return event

    # -- attendees' own copies ------------------------------------------------------------------------------------------------

    def _copies(self, who: str, ical_uid: str) -> list[dict[str, Any]]:
        """What is in somebody's calendar of it; a copy has a name of its own here, so that nobody relies on the organizer's."""
        return [
            event if owner == who else {**event, "id": self._copied(who, ident)}
            for (owner, ident), event in self.events.items()
            if event["iCalUID"] == ical_uid and (owner == who or self._invited(event, who))
            if event["status"] != "cancelled" and self.delivered
        ]

    @staticmethod
    def _copied(who: str, ident: str) -> str:
        return f"{ident}{who.encode().hex()}"

    @staticmethod
    def _invited(event: Mapping[str, Any], who: str) -> bool:
        return who in [a["email"] for a in event.get("attendees", ())]

    def _respond(self, event: dict[str, Any], who: str, body: Any, query: Mapping[str, str], etag: str) -> Any:
        """An attendee may change their own response, and nothing of the event itself."""
        check(RESPONSE, body)
        if not body.get("attendeesOmitted") or [a["email"] for a in body["attendees"]] != [who]:
            raise Refused(403, "forbiddenForNonOrganizer", "Shared properties can only be changed by the organizer.")
        if etag and etag != event["etag"]:
            raise Refused(412, "conditionNotMet", "Precondition Failed")
        (answer,) = body["attendees"]
        (own,) = [a for a in event["attendees"] if a["email"] == who]
        own |= answer
        event["etag"] = f'"{secrets.token_hex(8)}"'
        self.responses.append((who, answer["responseStatus"]))
        if query.get("sendUpdates", "none") != "none":
            self.mails += [(a["email"], "response", event["id"]) for a in event["attendees"] if a["email"] != who]
        return event

    def _patch(self, who: str, ident: str, body: Any, query: Mapping[str, str], etag: str) -> dict[str, Any]:
        for (owner, name), event in self.events.items():
            if owner != who and self._copied(who, name) == ident and self._invited(event, who):
                return dict(self._respond(event, who, body, query, etag))
        check(EVENT, body)
        old = self._get(who, ident)
        if etag and etag != old["etag"]:
            raise Refused(412, "conditionNotMet", "Precondition Failed")
        if body.get("sequence", old["sequence"]) < old["sequence"]:
            raise Refused(400, "invalid", "Invalid sequence value.")
        if query.get("conferenceDataVersion") != "1":
            body = {k: v for k, v in body.items() if k != "conferenceData"}
        return self._keep(who, merge(old, body), query, "update", dict(old))

    def _keep(
        self, who: str, event: dict[str, Any], query: Mapping[str, str], mail: str, old: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        start, end = (event.get(side, {}) for side in ("start", "end"))
        if not {"dateTime", "date"} & set(start) or not {"dateTime", "date"} & set(end):
            raise Refused(400, "required", "Missing end time.")
        if "dateTime" in start and _time(start["dateTime"]) >= _time(end["dateTime"]):
            raise Refused(400, "timeRangeEmpty", "The specified time range is empty.")
        if event.get("recurrence") and "timeZone" not in start:
            raise Refused(400, "required", "Missing time zone definition for start time.")
        if event.get("conferenceData", {}).get("createRequest") and query.get("conferenceDataVersion") == "1":
            if not event.get("hangoutLink"):
                event["conferenceData"]["createRequest"]["status"] = {"statusCode": "pending"}
                if not self.pending:
                    self._conference(event)
        elif old and "conferenceData" in old and "conferenceData" not in event:
            event.pop("hangoutLink", None)
        event |= {"etag": f'"{secrets.token_hex(8)}"', "htmlLink": f"https://calendar.example/event?eid={event['id']}"}
        self.events[who, event["id"]] = event
        if query.get("sendUpdates") == "all":
            self.mails += [(a["email"], mail, event["id"]) for a in event.get("attendees", []) if a["email"] != who]
        return event

    def _conference(self, event: dict[str, Any]) -> None:
        event["conferenceData"]["createRequest"]["status"] = {"statusCode": "success"}
        event["hangoutLink"] = f"https://meet.example/{event['id'][:10]}"

    def _delete(self, who: str, ident: str, query: Mapping[str, str]) -> None:
        event = self._get(who, ident)
        if event["status"] == "cancelled":
            raise Refused(410, "deleted", "Resource has been deleted")
        self._keep(who, event | {"status": "cancelled"}, query, "cancellation")

    # -- times --------------------------------------------------------------------------------------------------------------------

    def _times(self, event: Mapping[str, Any], low: datetime, high: datetime) -> list[tuple[datetime, datetime]]:
        start, end = _time(event["start"]["dateTime"]), _time(event["end"]["dateTime"])
        starts = [start]
        for rule in event.get("recurrence", ()):
            starts = rrulestr(rule, dtstart=start).between(low, high, inc=True)
        return [(s, s + (end - start)) for s in starts if s < high and s + (end - start) > low]

    def _instances(self, who: str, ident: str, query: Mapping[str, str]) -> dict[str, Any]:
        event = self._get(who, ident)
        times = self._times(event, _time(query["timeMin"]), _time(query["timeMax"]))
        return {"items": [{"start": {"dateTime": s.isoformat()}, "end": {"dateTime": e.isoformat()}} for s, e in times]}

    def _query(self, body: Any) -> dict[str, Any]:
        check(FREE_BUSY, body)
        if len(body["items"]) > 50:
            raise Refused(400, "tooManyCalendarsRequested", "too many")
        low, high = _time(body["timeMin"]), _time(body["timeMax"])
        return {"calendars": {item["id"]: self._calendar(item["id"], low, high) for item in body["items"]}}

    def _calendar(self, address: str, low: datetime, high: datetime) -> dict[str, Any]:
        if address not in self.people:
            return {"errors": [{"domain": "global", "reason": "notFound"}], "busy": []}
        spans = [(_time(s), _time(e)) for s, e in self.busy.get(address, ())]
        for event in self.events.values():
            if event["status"] != "cancelled" and address in [a["email"] for a in event.get("attendees", ())]:
                spans += self._times(event, low, high)
        merged: list[tuple[datetime, datetime]] = []
        for start, end in sorted(span for span in spans if span[0] < high and span[1] > low):
            if merged and start < merged[-1][1]:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            else:
                merged.append((start, end))
        told = [{"start": s.astimezone(UTC).isoformat(), "end": e.astimezone(UTC).isoformat()} for s, e in merged]
        return {"busy": told}


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
