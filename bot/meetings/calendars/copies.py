"""One event in one collection of a CalDAV server: written, read, answered, deleted, each such that a repeat changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urljoin, urlsplit
from xml.sax.saxutils import escape

import icalendar
import structlog
from caldav.aio import DAVResponse

from bot.errors import CalendarRefused, Retryable
from bot.meetings.calendars import ical
from bot.meetings.calendars.calendar import Event
from bot.meetings.calendars.dav import AWAY, DavWire
from bot.meetings.values import Attendee
from bot.meetings.vevent import calendar_of, vevent

TRIES = 4  # of a write while others write the same event
WHO = "Whoever runs the assistant can mend that"
CLOSED = "The assistant may not use the organizer's calendar. Whoever runs the calendar server can allow it."
MISSING = f"The calendar server has no calendar for the organizer. {WHO}, or whoever runs the calendar server: CALDAV_URL must lead to a calendar."
NOT_TAKEN = "The calendar server did not accept the meeting. Whoever runs the calendar server can say why."
_BY_UID = (
    '<C:calendar-query xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"><D:prop><D:getetag/></D:prop><C:filter>'
    '<C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:prop-filter name="UID">'
    '<C:text-match collation="i;octet">{}</C:text-match></C:prop-filter></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>'
)

log = structlog.get_logger()


class NotThere(CalendarRefused):
    """One collection refused: no access, not there, not taken. For an attendee's that is no error."""

    def __init__(self, method: str, status: int) -> None:
        words = {403: CLOSED, 404: MISSING, 405: MISSING, 409: MISSING, 410: MISSING}
        super().__init__(words.get(status, NOT_TAKEN), f"{method} {status}")


@dataclass(frozen=True, slots=True)
class Held:
    """What the server has; `event` is None where it cannot be read."""

    etag: str
    event: icalendar.Event | None


class Copies:
    """Copies by their addresses. Raises NotThere, CalendarRefused and Retryable."""

    def __init__(self, wire: DavWire) -> None:
        self._wire = wire

    async def write(self, url: str, event: Event) -> None:
        """Makes the copy what the event is, unless it is as new already."""
        for _ in range(TRIES):
            if await self._store(url, ical.marked(vevent(event)), {"If-None-Match": "*"}):
                return
            held = await self.read(url, event.uid)
            if held is None:
                continue  # deleted meanwhile
            if held.event is not None and ical.written_of(held.event) >= event.sequence:
                return
            new = ical.marked(vevent(event))
            if held.event is not None:
                new = ical.carried_over(new, held.event)
            if await self._store(url, new, _if_same(held.etag)):
                return
        raise Retryable("caldav: others write the same event", said=AWAY)

    async def read(self, url: str, uid: str) -> Held | None:
        """As it is there; None for nowhere."""
        answer = await self._get(url)
        if answer is None:
            return None
        try:
            event = ical.master_of(answer.raw, uid)
        except Exception as error:  # whatever a parser makes of others' iCalendar
            log.warning("event unreadable", calendar="caldav", uid=uid, error=type(error).__name__)
            event = None
        return Held(answer.headers.get("ETag", ""), event)

    async def answer(self, url: str, uid: str, attendee: Attendee) -> bool:
        """Changes their answer in it, and nothing else; False where there is no copy."""
        for _ in range(TRIES):
            held = await self._get(url)
            if held is None:
                return False
            try:
                new = ical.with_answer(held.raw, uid, attendee.email.lower(), attendee.answer)
            except Exception as error:  # as in `read`
                raise CalendarRefused(NOT_TAKEN, f"unreadable event, {type(error).__name__}") from None
            if new is None or await self._put(url, new, _if_same(held.headers.get("ETag", ""))):
                return True
        raise Retryable("caldav: others write the same event", said=AWAY)

    async def is_open(self, url: str) -> bool:
        """Whether there is one that may be read."""
        try:
            return await self._get(url) is not None
        except NotThere:
            return False

    async def find(self, collection: str, uid: str) -> str:
        """The address that a server which schedules by itself has given to a copy in this collection; "" for none."""
        headers = {"Depth": "1", "Content-Type": "application/xml; charset=utf-8"}
        answer = await self._wire.ask("REPORT", collection, _BY_UID.format(escape(uid)), headers)
        if answer.status not in (200, 207):
            return ""
        hrefs = answer.tree.iter("{DAV:}href") if answer.tree is not None else ()
        found = (urljoin(collection, href.text) for href in hrefs if href.text)
        return next((url for url in found if _is_within(url, collection)), "")  # the password goes nowhere else

    async def delete(self, url: str) -> None:
        """Takes it away; one that is not there is no error."""
        answer = await self._wire.ask("DELETE", url)
        if answer.status not in (200, 204, 404, 410):
            raise NotThere("DELETE", answer.status)

    async def _get(self, url: str) -> DAVResponse | None:
        answer = await self._wire.ask("GET", url)
        if answer.status in (404, 410):
            return None
        if answer.status != 200:
            raise NotThere("GET", answer.status)
        return answer

    async def _store(self, url: str, new: icalendar.Event, condition: Mapping[str, str]) -> bool:
        return await self._put(url, calendar_of([new], None).decode(), condition)

    async def _put(self, url: str, text: str, condition: Mapping[str, str]) -> bool:
        """False where the condition does not hold."""
        answer = await self._wire.ask("PUT", url, text, {"Content-Type": "text/calendar; charset=utf-8", **condition})
        if answer.status not in (200, 201, 204, 412):
            raise NotThere("PUT", answer.status)
        return answer.status != 412


def _is_within(url: str, collection: str) -> bool:
    """However the server writes the path: many have %40 for @."""
    there, here = urlsplit(url), urlsplit(collection)
    same = (there.scheme, there.netloc) == (here.scheme, here.netloc)
    return same and unquote(there.path).startswith(unquote(here.path))


def _if_same(etag: str) -> dict[str, str]:
    """A weak tag, such as of a proxy that compresses, never matches (RFC 9110, 13.1.1)."""
    strong = etag and not etag.startswith("W/")
    return {"If-Match": etag if strong else "*"}
