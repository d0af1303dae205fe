"""Google Calendar, version 3 of its API, by a service account with domain-wide delegation: it acts as the organizer.

The event's id is made of our uid, so that an event that is entered twice is one: Google answers 409 to the second. (An `iCalUID` cannot be given beside
the id when an event is made: "only one of them should be supplied", says the reference of Events; so the UID in mails is Google's.) What was last
written is marked in a private extended property: a repeated `put` changes nothing, and nobody gets a mail twice.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import google.auth.exceptions
import requests
from google.auth.transport.requests import Request
from google.oauth2.service_account import Credentials

from bot.errors import AssistError, CalendarRefused, RateLimited, Retryable, SettingError
from bot.meetings.calendars.calendar import Event, Seen, Stored
from bot.meetings.calendars.google_event import (
    TO_GOOGLE,
    adjusted,
    answers_of,
    attendees,
    busy_of,
    event_id,
    instant,
    is_pending,
    says,
    span_of,
    wanted_event,
)
from bot.meetings.calendars.http import (
    SECONDS,
    Api,
    Reply,
    address_of,
    addresses,
    asker,
    batches,
    joined,
    pieces,
    together,
    without,
)
from bot.meetings.calendars.tokens import Tokens, TokenSession
from bot.meetings.values import Attendee, Busy, Span
from bot.settings import Settings

SCOPE = "https://www.googleapis.com/auth/calendar"
CALENDARS_AT_ONCE = 50  # of one freeBusy.query
TRIES = 4  # against others who change the event at the same time
LINK_TRIES, LINK_SECONDS = 3, 1.0  # for a conference that is still being made
TOO_FAST = ("rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded")  # they come with 403, too
DELEGATION = (
    "Google Calendar does not let me act for people here. An admin has to give my service account domain-wide delegation "
    f"for {SCOPE} (admin.google.com → Security → API controls)."
)


class GoogleCalendar:
    """People's primary calendars."""

    name = "Google Calendar"
    external = True
    invites = True

    def __init__(
        self, key: Mapping[str, Any], url: str, *, session: requests.Session | None = None, seconds: float = SECONDS
    ) -> None:
        """`key` is what stands in a service account's JSON file. `session` fetches tokens. Raises ValueError for a malformed key."""
        if not str(key.get("token_uri", "")).startswith("https://"):
            raise ValueError("token_uri is not https")
        self._account: Credentials = Credentials.from_service_account_info(key, scopes=[SCOPE])  # type: ignore[no-untyped-call]  # google-auth's
        self._signs = session or TokenSession(str(key["token_uri"]))
        self._api = Api(self.name, url, Tokens(self._token), seconds=seconds)

    def _token(self, who: str) -> tuple[str, float]:
        """A token that speaks for somebody; blocks. An error's own text is not passed on: it may name them."""
        account = self._account.with_subject(who)  # type: ignore[no-untyped-call]  # google-auth's
        try:
            account.refresh(Request(self._signs))
        except google.auth.exceptions.RefreshError as error:
            raise _no_token(error) from None
        except google.auth.exceptions.GoogleAuthError as error:  # TransportError: nobody answers
            raise self._api.silent(type(error).__name__) from None
        left = account.expiry.replace(tzinfo=UTC) - datetime.now(UTC)
        return str(account.token), left.total_seconds()

    # -- busy times ---------------------------------------------------------------------------------------------------------------

    async def busy(self, team: str, people: Sequence[Attendee], span: Span, but: str = "") -> Busy:  # noqa: ARG002  # one Google Workspace serves one team
        """By freeBusy.query. It names no events: of `but` only those busy times are left out that are exactly its own."""
        who = asker(people)
        if not who:
            return {p.id: None for p in people}
        own = await self._times(who, but, span)
        batched = list(batches(addresses(people), CALENDARS_AT_ONCE))
        asked = (self._free_busy(who, batch, piece) for piece in pieces(span) for batch in batched)
        found = joined(await together(*asked))
        return {p.id: without(found.get(p.email.lower()), own) for p in people}

    async def _free_busy(self, who: str, batch: Sequence[str], span: Span) -> Mapping[str, tuple[Span, ...] | None]:
        items = [{"id": address} for address in batch]
        body = {"timeMin": instant(span.start), "timeMax": instant(span.end), "items": items}
        reply = await self._api.call(who, "POST", "freeBusy", body=body)
        if not reply.ok:
            raise _refused(reply)
        with self._api.reading():
            told = {str(k).lower(): v for k, v in reply.data.get("calendars", {}).items()}
            return {address: busy_of(told.get(address)) for address in batch}

    async def _times(self, who: str, uid: str, span: Span) -> frozenset[Span]:
        """When an event of ours is, within a time."""
        there = await self._get(who, event_id(uid)) if uid else None
        if there is None or there.get("status") == "cancelled":
            return frozenset()
        if "recurrence" not in there:
            with self._api.reading():
                own = span_of(there)
            return frozenset((own,) if own else ())
        query = {"timeMin": instant(span.start), "timeMax": instant(span.end), "maxResults": "2500"}
        reply = await self._api.call(
            who, "GET", "calendars", "primary", "events", event_id(uid), "instances", query=query
        )
        if not reply.ok:
            raise _refused(reply)
        with self._api.reading():
            return frozenset(s for item in reply.data.get("items", ()) if (s := span_of(item)))

    # -- events -------------------------------------------------------------------------------------------------------------------

    async def put(self, event: Event) -> Stored:
        """Makes the event, or changes the one that is there; a deleted one is taken back. Attendees are told of each change once."""
        who, ident = address_of(event.organizer), event_id(event.uid)
        wanted = wanted_event(event)
        look = bool(event.ref)
        for _ in range(TRIES):
            there = await self._get(who, ident) if look else None
            with self._api.reading():
                done = there is not None and says(there, wanted, event)
                change = adjusted({**wanted, **attendees(event, there)}, event, there) if there is not None else {}
            if there is None:
                body = {**wanted, **attendees(event, {}), "id": ident}
                reply = await self._write(who, "POST", (), body)
                passing, look = [409], True  # made before, by a try whose answer was lost, say
            elif done:
                return await self._stored(who, there)
            else:
                etag = {"If-Match": str(there["etag"])} if "etag" in there else {}
                reply = await self._write(who, "PATCH", (ident,), change, etag)
                passing = [404, 409, 410, 412]
            if reply.ok:
                return await self._stored(who, reply.data)
            if reply.status not in passing:
                raise _refused(reply)
        raise Retryable(f"{self.name}: {reply.told}", said="Somebody else is changing the meeting right now.")

    async def _write(
        self,
        who: str,
        method: str,
        path: tuple[str, ...],
        body: Mapping[str, Any],
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        query = {"sendUpdates": "all", "conferenceDataVersion": "1"}
        return await self._api.call(
            who, method, "calendars", "primary", "events", *path, query=query, body=body, headers=headers
        )

    async def _get(self, who: str, ident: str) -> Mapping[str, Any] | None:
        reply = await self._api.call(who, "GET", "calendars", "primary", "events", ident)
        if reply.gone:
            return None
        if not reply.ok:
            raise _refused(reply)
        return reply.data

    async def _stored(self, who: str, there: Mapping[str, Any]) -> Stored:
        """What is kept of it. A conference may take a moment to be made."""
        for _ in range(LINK_TRIES):
            if not is_pending(there):
                break
            await asyncio.sleep(LINK_SECONDS)
            there = await self._get(who, str(there.get("id", ""))) or there
        with self._api.reading():
            return Stored(str(there["id"]), str(there.get("htmlLink", "")), str(there.get("hangoutLink", "")))

    async def remove(self, event: Event) -> None:
        """Deletes it; Google tells the attendees."""
        who, ident = address_of(event.organizer), event_id(event.uid)
        query = {"sendUpdates": "all"}
        reply = await self._api.call(who, "DELETE", "calendars", "primary", "events", ident, query=query)
        if not (reply.ok or reply.gone):
            raise _refused(reply)

    async def answer(self, event: Event, attendee: Attendee) -> bool:
        """In their name, in their own calendar: an organizer may not answer for others.

        `attendeesOmitted` is there "to only update the participant's response". Nobody gets a mail: who invited sees it in Slack and in the calendar.
        """
        there = await self._get(address_of(event.organizer), event_id(event.uid))
        if there is None:
            return False
        with self._api.reading():
            uid = str(there["iCalUID"])
        own = await self._copy(attendee.email, uid)
        if own is None:
            return False
        wanted, word = attendee.email.lower(), TO_GOOGLE[attendee.answer]
        with self._api.reading():
            told = [a for a in own.get("attendees", ()) if a.get("self") or str(a.get("email", "")).lower() == wanted]
            done = any(a.get("responseStatus") == word for a in told)
            address = str(told[0]["email"]) if told else wanted
            path = ("calendars", "primary", "events", str(own["id"]))
            etag = {"If-Match": str(own["etag"])} if "etag" in own else {}
        if done:
            return True
        body = {"attendeesOmitted": True, "attendees": [{"email": address, "responseStatus": word}]}
        query = {"sendUpdates": "none"}
        reply = await self._api.call(attendee.email, "PATCH", *path, query=query, body=body, headers=etag)
        if reply.status in (409, 412):
            raise Retryable(f"{self.name}: {reply.told}", said="Somebody else is changing the meeting right now.")
        if not (reply.ok or reply.gone):
            raise _refused(reply)
        return reply.ok

    async def _copy(self, who: str, ical_uid: str) -> Mapping[str, Any] | None:
        """The event as it stands in an attendee's calendar; of a series the series itself."""
        path = ("calendars", "primary", "events")
        reply = await self._api.call(who, "GET", *path, query={"iCalUID": ical_uid})
        if reply.gone:
            return None
        if not reply.ok:
            raise _refused(reply)
        with self._api.reading():
            whole = (one for one in reply.data.get("items", ()) if "recurringEventId" not in one)
            return next((one for one in whole if one.get("status") != "cancelled"), None)

    async def look(self, event: Event) -> Seen | None:
        """As it stands in the organizer's calendar."""
        there = await self._get(address_of(event.organizer), event_id(event.uid))
        with self._api.reading():
            span = span_of(there) if there else None
            if there is None or span is None:
                return None
            return Seen(span, there.get("status") == "cancelled", answers_of(there))

    async def check(self, person: Attendee) -> str:
        """Asks for this person's busy times of today."""
        now = datetime.now(UTC)
        who = address_of(person)
        told = await self._free_busy(who, [who.lower()], Span(now, now + timedelta(days=1)))
        if told[who.lower()] is None:
            raise CalendarRefused("Google Calendar has no free/busy times of the person I tried.", "notFound")
        return "acts for people, reads free/busy times"

    async def close(self) -> None:
        """Closes its connections."""
        self._signs.close()
        await self._api.close()


def make_google(settings: Settings) -> GoogleCalendar:
    """With the service account's file that the settings name."""
    where = "Make a JSON key at console.cloud.google.com → Service Accounts → Keys, and give its path."
    if not settings.google_credentials:
        raise SettingError("GOOGLE_CREDENTIALS", "is needed for CALENDAR=google.", where)
    try:
        key = json.loads(Path(settings.google_credentials).read_text(encoding="utf-8"))
        if not isinstance(key, dict):
            raise ValueError("not an object")  # noqa: TRY004  # one error for all malformed files
        return GoogleCalendar(key, settings.google_calendar_url)
    except OSError as error:
        raise SettingError("GOOGLE_CREDENTIALS", f"cannot be read ({error.strerror}).", where) from error
    except ValueError:  # its text may quote the key
        raise SettingError("GOOGLE_CREDENTIALS", "is not a service account’s JSON key.", where) from None


def _no_token(error: google.auth.exceptions.RefreshError) -> AssistError:
    """Google's answer to a request for a token, by RFC 6749's words."""
    told = error.args[1] if len(error.args) > 1 and isinstance(error.args[1], Mapping) else {}
    word = told.get("error", "")
    word = word if isinstance(word, str) and re.fullmatch(r"\w{1,40}", word) else ""
    reason = f"token {word}".strip()
    if error.retryable or not word:
        return Retryable(f"Google Calendar: {reason}", said="Google Calendar does not answer.")
    if word == "unauthorized_client":
        return CalendarRefused(DELEGATION, reason)
    return CalendarRefused(
        "Google does not know the organizer’s address, or no longer accepts my key. An admin has to check the service account and its key.",
        reason,
    )


def _refused(reply: Reply) -> AssistError:
    """What an answer means that is none of those a caller has dealt with."""
    if reply.status == 403 and reply.code in TOO_FAST:
        return RateLimited(f"Google Calendar: {reply.told}", said="Google Calendar is busy. Please try again later.")
    if reply.status in (401, 403):
        return CalendarRefused(DELEGATION, reply.told)
    if reply.gone:
        return CalendarRefused("The organizer has no calendar at Google. An admin can give them one.", reply.told)
    return CalendarRefused("Google Calendar did not accept this. Please tell whoever runs me.", reply.told)
