"""Microsoft 365 by Graph, as an app with the application permission Calendars.ReadWrite.

Graph names events itself. So that an event that is entered twice is one, it carries our uid in an extended property by which it is looked up first, and
in `transactionId`, by which Graph knows a repeated creation for a while: it answers with the same event, or with ErrorDuplicateTransactionId if the
content is another one. A second extended property marks what was last written: a repeated `put` changes nothing, and nobody gets a mail twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import msal  # type: ignore[import-untyped]  # it has no types
import requests
from msal.exceptions import MsalError  # type: ignore[import-untyped]  # it has no types

from bot.errors import AssistError, CalendarRefused, Retryable, SettingError
from bot.meetings.calendars.calendar import Event, Seen, Stored
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
from bot.meetings.calendars.microsoft_event import (
    FROM_GRAPH,
    MARK_PROPERTY,
    RESPONSES,
    UID_PROPERTY,
    adjusted,
    answers_of,
    busy_of,
    mark_of,
    span_of,
    wanted_event,
)
from bot.meetings.calendars.tokens import Tokens, TokenSession
from bot.meetings.values import Attendee, Busy, Span
from bot.settings import Settings

SCHEDULES_AT_ONCE = 20  # of one getSchedule
LINK_TRIES, LINK_SECONDS = 3, 1.0  # for an online meeting that is still being made
IN_UTC = {"Prefer": 'outlook.timezone="UTC"'}
DUPLICATE = "ErrorDuplicateTransactionId"
PERMISSION = (
    "Microsoft 365 does not let me act for people here. An admin has to grant my app the application permission "
    "Calendars.ReadWrite (entra.microsoft.com → App registrations → API permissions)."
)


class MicrosoftCalendar:
    """People's default calendars."""

    name = "Microsoft 365"
    external = True
    invites = True

    def __init__(
        self,
        tenant: str,
        client: tuple[str, str],
        urls: tuple[str, str],
        *,
        session: requests.Session | None = None,
        seconds: float = SECONDS,
    ) -> None:
        """`client` is the app's id and secret, `urls` where tokens come from and Graph's base. `session` fetches tokens."""
        self._authority, self._client = f"{urls[0]}/{tenant}", client
        parts = urlsplit(urls[1])
        self._scope = f"{parts.scheme}://{parts.netloc}/.default"
        self._signs = session or TokenSession(urls[0])
        self._app: msal.ConfidentialClientApplication | None = None
        self._api = Api(self.name, urls[1], Tokens(self._token), seconds=seconds)

    def _token(self, who: str) -> tuple[str, float]:  # noqa: ARG002  # an app has one token for all
        """A token of the app; blocks. An error's own text is not passed on: it may quote what was sent."""
        try:
            if self._app is None:
                self._app = msal.ConfidentialClientApplication(
                    self._client[0],
                    client_credential=self._client[1],
                    authority=self._authority,
                    instance_discovery=False,  # it would tell another host of ours
                    http_client=self._signs,
                )
            self._app.remove_tokens_for_client()  # those that last are kept here
            told = self._app.acquire_token_for_client(scopes=[self._scope])
        except (requests.RequestException, MsalError, RuntimeError) as error:  # some of them are ValueErrors, too
            raise self._api.silent(type(error).__name__) from None
        except ValueError:  # there is no such directory
            raise _no_token("tenant") from None
        if "access_token" not in told:
            raise _no_token(str(told.get("error", "")))
        return str(told["access_token"]), float(told.get("expires_in", 0))

    # -- busy times ---------------------------------------------------------------------------------------------------------------

    async def busy(self, team: str, people: Sequence[Attendee], span: Span, but: str = "") -> Busy:  # noqa: ARG002  # one directory serves one team
        """By getSchedule. It names no events: of `but` one busy time is left out for each of its own."""
        who = asker(people)
        if not who:
            return {p.id: None for p in people}
        own = await self._times(who, but, span)
        batched = list(batches(addresses(people), SCHEDULES_AT_ONCE))
        asked = (self._schedules(who, batch, piece) for piece in pieces(span) for batch in batched)
        found = joined(await together(*asked))
        return {p.id: without(found.get(p.email.lower()), own) for p in people}

    async def _schedules(self, who: str, batch: Sequence[str], span: Span) -> Mapping[str, tuple[Span, ...] | None]:
        body = {"schedules": list(batch), "startTime": _utc(span.start), "endTime": _utc(span.end)}
        reply = await self._call(who, "POST", "calendar", "getSchedule", body=body, headers=IN_UTC)
        with self._api.reading():
            told = {str(one.get("scheduleId", "")).lower(): one for one in reply.data.get("value", ())}
            return {address: busy_of(told.get(address)) for address in batch}

    async def _times(self, who: str, uid: str, span: Span) -> frozenset[Span]:
        """When an event of ours is, within a time."""
        ident = await self._find(who, uid) if uid else ""
        there = await self._get(who, ident) if ident else None
        if there is None:
            return frozenset()
        if not there.get("recurrence"):
            with self._api.reading():
                return frozenset((span_of(there),))
        query = {
            "startDateTime": _utc(span.start)["dateTime"],
            "endDateTime": _utc(span.end)["dateTime"],
            "$top": "500",
        }
        reply = await self._call(who, "GET", "events", ident, "instances", query=query, headers=IN_UTC)
        with self._api.reading():
            return frozenset(span_of(item) for item in reply.data.get("value", ()))

    # -- events -------------------------------------------------------------------------------------------------------------------

    async def put(self, event: Event) -> Stored:
        """Makes the event, or changes the one that is there. Attendees are told of each change once."""
        who, wanted = address_of(event.organizer), wanted_event(event)
        there = await self._there(who, event)
        if there is None:
            # One that was there and is gone is not made by the number under which Graph still knows it.
            once = f"{event.uid}-{event.sequence}" if event.ref else event.uid
            reply = await self._raw(who, "POST", "events", body={**wanted, "transactionId": once})
            if reply.status != 409 and reply.code != DUPLICATE:
                return await self._stored(who, self._good(reply).data)
            there = await self._there(who, event)  # made before, by a try whose answer was lost
            if there is None:
                raise Retryable(f"{self.name}: {reply.told}", said=f"{self.name} does not answer.")
        with self._api.reading():
            done, change = _says(there, wanted, event), adjusted(wanted, event, there)
        if done:
            return await self._stored(who, there)
        reply = await self._raw(who, "PATCH", "events", str(there["id"]), body=change)
        if reply.gone or reply.status in (409, 412, 423):
            raise Retryable(f"{self.name}: {reply.told}", said="Somebody else is changing the meeting right now.")
        return await self._stored(who, self._good(reply).data)

    async def remove(self, event: Event) -> None:
        """Cancels it, or deletes it where nobody else takes part; Exchange tells the attendees."""
        who = address_of(event.organizer)
        there = await self._there(who, event)
        if there is None:
            return
        if there.get("attendees"):
            reply = await self._raw(who, "POST", "events", str(there["id"]), "cancel", body={})
        else:
            reply = await self._raw(who, "DELETE", "events", str(there["id"]))
        if not reply.gone:
            self._good(reply)

    async def answer(self, event: Event, attendee: Attendee) -> bool:
        """By their own copy of the event, which has the organizer's iCalUId. The organizer's calendar learns of it by the response that Exchange sends; without one it would not."""
        there = await self._there(address_of(event.organizer), event)
        if there is None:
            return False
        with self._api.reading():
            known = answers_of(there).get(attendee.email.lower())
            uid = str(there["iCalUId"]).replace("'", "''")
        query = {"$filter": f"iCalUId eq '{uid}'", "$select": "id,responseStatus"}
        reply = await self._raw(attendee.email, "GET", "events", query=query)
        if not reply.gone:
            self._good(reply)
        with self._api.reading():
            own = next(iter(reply.data.get("value", ())), None)
            if own is None:  # who declines has it taken out of their calendar
                return known == attendee.answer
            has = str((own.get("responseStatus") or {}).get("response", ""))
            path = ("events", str(own["id"]), RESPONSES[attendee.answer])
        if FROM_GRAPH.get(has.lower()) == attendee.answer:
            return True
        reply = await self._raw(attendee.email, "POST", *path, body={"sendResponse": True})
        if not reply.gone:
            self._good(reply)
        return reply.ok

    async def look(self, event: Event) -> Seen | None:
        """As it stands in the organizer's calendar."""
        there = await self._there(address_of(event.organizer), event)
        if there is None:
            return None
        with self._api.reading():
            return Seen(span_of(there), bool(there.get("isCancelled")), answers_of(there))

    async def check(self, person: Attendee) -> str:
        """Asks for this person's busy times of today."""
        now, who = datetime.now(UTC), address_of(person)
        told = await self._schedules(who, [who.lower()], Span(now, now + timedelta(days=1)))
        if told[who.lower()] is None:
            raise CalendarRefused("Microsoft 365 has no free/busy times of the person I tried.", "schedule")
        return "acts for people, reads free/busy times"

    async def close(self) -> None:
        """Closes its connections."""
        self._signs.close()
        await self._api.close()

    # -- requests -----------------------------------------------------------------------------------------------------------------

    async def _there(self, who: str, event: Event) -> Mapping[str, Any] | None:
        """The event as it is there: by Graph's name for it, else by ours."""
        there = await self._get(who, event.ref) if event.ref else None
        if there is None:
            ident = await self._find(who, event.uid)
            there = await self._get(who, ident) if ident else None
        return there

    async def _find(self, who: str, uid: str) -> str:
        """Graph's name for the event with our uid, "" for none."""
        name, value = (part.replace("'", "''") for part in (UID_PROPERTY, uid))
        query = {
            "$filter": f"singleValueExtendedProperties/Any(ep: ep/id eq '{name}' and ep/value eq '{value}')",
            "$select": "id",
        }
        reply = await self._call(who, "GET", "events", query=query)
        with self._api.reading():
            return next((str(one["id"]) for one in reply.data.get("value", ())), "")

    async def _get(self, who: str, ident: str) -> Mapping[str, Any] | None:
        query = {"$expand": f"singleValueExtendedProperties($filter=id eq '{MARK_PROPERTY}')"}
        reply = await self._raw(who, "GET", "events", ident, query=query, headers=IN_UTC)
        return None if reply.gone else self._good(reply).data

    async def _stored(self, who: str, there: Mapping[str, Any]) -> Stored:
        """What is kept of it. An online meeting may take a moment to be made."""
        for _ in range(LINK_TRIES):
            if not there.get("isOnlineMeeting") or there.get("onlineMeeting"):
                break
            await asyncio.sleep(LINK_SECONDS)
            there = await self._get(who, str(there.get("id", ""))) or there
        with self._api.reading():
            link = (there.get("onlineMeeting") or {}).get("joinUrl") or ""
            return Stored(str(there["id"]), str(there.get("webLink", "")), str(link))

    async def _call(self, who: str, method: str, *path: str, **more: Any) -> Reply:
        return self._good(await self._raw(who, method, *path, **more))

    async def _raw(self, who: str, method: str, *path: str, **more: Any) -> Reply:
        return await self._api.call("app", method, "users", who, *path, **more)

    def _good(self, reply: Reply) -> Reply:
        """Raises what an answer means that is none of those a caller has dealt with."""
        if not reply.ok:
            raise _refused(reply)
        return reply


def make_microsoft(settings: Settings) -> MicrosoftCalendar:
    """With the app that the settings name."""
    for name in ("MICROSOFT_TENANT", "MICROSOFT_CLIENT_ID", "MICROSOFT_CLIENT_SECRET"):
        if not getattr(settings, name.lower()):
            raise SettingError(
                name, "is needed for CALENDAR=microsoft.", "See entra.microsoft.com → App registrations."
            )
    client = (settings.microsoft_client_id, settings.microsoft_client_secret)
    return MicrosoftCalendar(
        settings.microsoft_tenant, client, (settings.microsoft_login_url, settings.microsoft_graph_url)
    )


def _says(there: Mapping[str, Any], wanted: Mapping[str, Any], event: Event) -> bool:
    """Whether Graph has it already as it is wanted."""
    same = mark_of(there) == mark_of(wanted) and not there.get("isCancelled")
    return same and span_of(there) == Span(event.start, event.end)


def _utc(at: datetime) -> dict[str, str]:
    return {"dateTime": at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds"), "timeZone": "UTC"}


def _no_token(word: str) -> AssistError:
    """Entra's answer to a request for a token, by RFC 6749's words."""
    reason = f"token {word}".strip()
    if word == "temporarily_unavailable":
        return Retryable(f"Microsoft 365: {reason}", said="Microsoft 365 does not answer.")
    return CalendarRefused(
        "Microsoft 365 does not accept my sign-in. An admin has to check MICROSOFT_TENANT, the app and its secret, which may have expired.",
        reason,
    )


def _refused(reply: Reply) -> AssistError:
    if reply.status in (401, 403):
        return CalendarRefused(PERMISSION, reply.told)
    if reply.gone:
        return CalendarRefused("The organizer has no mailbox at Microsoft 365. An admin can give them one.", reply.told)
    if reply.status in (409, 412, 423):
        return Retryable(f"Microsoft 365: {reply.told}", said="Microsoft 365 does not answer.")
    return CalendarRefused("Microsoft 365 did not accept this. Please tell whoever runs me.", reply.told)
