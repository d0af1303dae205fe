"""Calendars on a CalDAV server (RFC 4791): one collection for each person, at an address that follows from theirs.

An event is `<uid>.ics` in the organizer's collection, and in that of each attendee who has one there; where the server schedules by itself (RFC 6638), only
in the organizer's. The first write says `If-None-Match: *`, each later one `If-Match`: whatever was repeated, killed or done by two at once, one event is there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlsplit

import structlog
from caldav.aio import DAVResponse

from bot.errors import CalendarRefused, Retryable, SettingError
from bot.meetings.calendars import ical
from bot.meetings.calendars.calendar import Event, Seen, Stored
from bot.meetings.calendars.copies import NOT_TAKEN, WHO, Copies, NotThere
from bot.meetings.calendars.dav import DavWire, texts_of
from bot.meetings.values import Answer, Attendee, Busy, Span
from bot.settings import Settings

SECONDS = 5  # for a server to connect, and to answer
PATIENCE = 3  # times as long for all of busy(): who has not been heard of by then is unknown
NO_ADDRESS = "Slack tells no e-mail address of the organizer, so it is not known which calendar is theirs. Add one to the Slack profile."
_QUERY = (
    '<C:calendar-query xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"><D:prop><C:calendar-data/></D:prop><C:filter>'
    '<C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:time-range start="{}" end="{}"/></C:comp-filter></C:comp-filter>'
    "</C:filter></C:calendar-query>"
)
_FREE_BUSY = (
    '<C:free-busy-query xmlns:C="urn:ietf:params:xml:ns:caldav"><C:time-range start="{}" end="{}"/></C:free-busy-query>'
)

log = structlog.get_logger()


class CalDavCalendar:
    """A CalDAV server that lets one account read and write everybody's calendar. Guests have none there: an address of theirs may be like a colleague's."""

    name = "the CalDAV server"
    external = True
    invites = False

    def __init__(self, url: str, user: str, password: str, seconds: int = SECONDS) -> None:
        """`url` holds {email} or {user}; `seconds` is how long the server may take. Nothing is asked yet."""
        self._template = url.rstrip("/") + "/"
        self._wire = DavWire(url, user, password, seconds)
        self._copies = Copies(self._wire)
        self._reading = asyncio.Semaphore(1)
        self._schedules: bool | None = None  # whether the server writes attendees' copies itself; asked once

    # -- the port --------------------------------------------------------------------------------------------------------

    async def busy(self, team: str, people: Sequence[Attendee], span: Span, but: str = "") -> Busy:  # noqa: ARG002  # one server is one workspace's
        """Asks side by side. Somebody whose calendar fails is unknown; where all fail, it is the server that does."""
        asked = [p for p in people if self._collection(p)]
        until = asyncio.get_running_loop().time() + PATIENCE * self._wire.seconds
        ends = await asyncio.gather(*(self._busy(p, span, but, until) for p in asked), return_exceptions=True)
        told = {p.id: end for p, end in zip(asked, ends, strict=True) if not isinstance(end, BaseException)}
        failed = [end for end in ends if isinstance(end, BaseException)]
        for end in failed:
            if not told or not isinstance(end, Retryable | CalendarRefused):
                raise end
        if failed:
            log.warning("calendars unknown", calendar="caldav", people=len(failed), of=len(people))
        return {p.id: told.get(p.id) for p in people}

    async def put(self, event: Event) -> Stored:
        """The organizer's copy first: if that is refused, nobody has one. Attendees without a calendar there are passed over."""
        home = self._home(event)
        alone = await self._alone(home)
        if (event.ref or event.sequence) and not alone:  # without a ref: the first try may have been killed half done
            await self._remove_dropped(home, event)
        await self._copies.write(_url(home, event.uid), event)
        if not alone:
            await self._all(self._copies.write(_url(each, event.uid), event) for each in self._others(event))
        return Stored(ref=_url(home, event.uid))

    async def remove(self, event: Event) -> None:
        """Deletes every copy; the organizer's last, since where it is missing all is done."""
        home = self._home(event)
        if not await self._alone(home):
            await self._all(self._copies.delete(_url(each, event.uid)) for each in self._others(event))
        await self._copies.delete(_url(home, event.uid))

    async def answer(self, event: Event, attendee: Attendee) -> bool:
        """In their own copy, and in the organizer's, from which `look` reads the answers of those who have none. A server that schedules takes it there itself."""
        home, own = self._home(event), self._collection(attendee)
        if await self._alone(home):
            copy = await self._copies.find(own, event.uid) if own else ""
            return bool(copy) and await self._copies.answer(copy, event.uid, attendee)
        if own not in ("", home) and await self._copies.is_open(_url(own, event.uid)):
            await self._all([self._copies.answer(_url(own, event.uid), event.uid, attendee)])
        return await self._copies.answer(_url(home, event.uid), event.uid, attendee)

    async def look(self, event: Event) -> Seen | None:
        """The organizer's copy; an attendee's own copy tells their answer where the server does not carry it over."""
        home = self._home(event)
        held = await self._copies.read(_url(home, event.uid), event.uid)
        if held is None:
            folder = await self._wire.ask("PROPFIND", home, "", {"Depth": "0"})
            if folder.status != 207:  # the whole calendar is missing, or the setting is wrong: no word about the event
                raise NotThere("PROPFIND", folder.status)
            return None
        if held.event is None:
            raise CalendarRefused(NOT_TAKEN, "unreadable event")
        answers = ical.answers_of(held.event)
        if not await self._alone(home):
            people = [p for p in event.attendees[1:] if self._collection(p) not in ("", home)]
            for own in await asyncio.gather(*(self._own_answer(p, event.uid) for p in people)):
                answers.update(own)
        cancelled = str(held.event.get("STATUS", "")).upper() == "CANCELLED"
        return Seen(ical.span_of(held.event, event.zone), cancelled, answers)

    async def check(self, person: Attendee) -> str:
        """Reads what the person has within a day from now."""
        now = datetime.now(UTC)
        times = (await self.busy("", [person], Span(now, now + timedelta(days=1))))[person.id]
        if times is None:
            raise CalendarRefused(f"No calendar could be read for this person. {WHO}: CALDAV_URL.", "nobody's")
        return f"{urlsplit(self._template).hostname}, {len(times)} busy times within a day"

    async def close(self) -> None:
        """Closes its connections."""
        await self._wire.close()

    # -- whose calendar is where --------------------------------------------------------------------------------------------

    def _collection(self, person: Attendee) -> str:
        """The address of their calendar, "" for none."""
        user = person.email.partition("@")[0]
        if person.kind == "guest" or user in ("", ".", ".."):
            return ""
        return self._template.replace("{email}", quote(person.email, safe="@")).replace("{user}", quote(user, safe=""))

    def _home(self, event: Event) -> str:
        if not (home := self._collection(event.organizer)):
            raise CalendarRefused(NO_ADDRESS, "no address")
        return home

    def _others(self, event: Event) -> list[str]:
        """Attendees' calendars, each once."""
        homes = dict.fromkeys(self._collection(a) for a in event.attendees)
        return [h for h in homes if h not in ("", self._collection(event.organizer))]

    async def _alone(self, home: str) -> bool:
        """Whether the server takes an event to attendees by itself."""
        if self._schedules is None:
            told = (await self._wire.ask("OPTIONS", home)).headers.get("DAV", "")
            self._schedules = "calendar-auto-schedule" in [word.strip() for word in told.split(",")]
        return self._schedules

    # -- one person's ------------------------------------------------------------------------------------------------------

    async def _busy(self, person: Attendee, span: Span, but: str, until: float) -> tuple[Span, ...] | None:
        """Events tell more than free-busy times do (whole days by the person's clock, who has declined, which event it is); those are asked for where events may not be read."""
        day = timedelta(days=1)  # around: whole days are somewhere else by UTC
        query = _QUERY.format(_stamp(span.start - day), _stamp(span.end + day))
        try:
            answer = await self._report(person, query, until)
            if answer.status in (200, 207):
                return await self._aside(until, _times_of, answer, span, person, but)
            if answer.status != 404:
                answer = await self._report(person, _FREE_BUSY.format(_stamp(span.start), _stamp(span.end)), until)
                if answer.status == 200:
                    return await self._aside(until, ical.free_busy_times, answer.raw, span)
            log.warning("calendar unknown", calendar="caldav", person=person.id, status=answer.status)
        except (Retryable, CalendarRefused):
            raise
        except Exception as error:  # whatever a parser makes of others' iCalendar: not known, and so not free
            log.warning("calendar unreadable", calendar="caldav", person=person.id, error=type(error).__name__)
        return None

    async def _aside(self, until: float, read: Callable[..., tuple[Span, ...]], *args: object) -> tuple[Span, ...]:
        """Reads in a thread, one answer after the other: a calendar of thousands of events takes seconds, and several at once would leave the loop no time."""
        async with asyncio.timeout_at(until), self._reading:
            return await asyncio.to_thread(read, *args)

    async def _report(self, person: Attendee, body: str, until: float) -> DAVResponse:
        headers = {"Depth": "1", "Content-Type": "application/xml; charset=utf-8"}
        return await self._wire.ask("REPORT", self._collection(person), body, headers, until)

    async def _own_answer(self, person: Attendee, uid: str) -> dict[str, Answer]:
        """What their own copy says of them; nothing where there is none, or it cannot be read now."""
        try:
            held = await self._copies.read(_url(self._collection(person), uid), uid)
        except (CalendarRefused, Retryable):
            return {}
        answers = ical.answers_of(held.event) if held and held.event else {}
        return {a: answer for a, answer in answers.items() if a == person.email.lower()}

    async def _remove_dropped(self, home: str, event: Event) -> None:
        """Takes the event from the calendars of those whom the organizer's copy names and the event no longer does."""
        held = await self._copies.read(_url(home, event.uid), event.uid)
        if held and held.event is not None and ical.written_of(held.event) < event.sequence:
            gone = ical.addresses_of(held.event) - {a.email.lower() for a in event.attendees}
            homes = {self._collection(Attendee(id=address, name="", email=address)) for address in gone}
            await self._all(
                self._copies.delete(_url(each, event.uid)) for each in homes - {"", home, *self._others(event)}
            )

    async def _all(self, work: Iterable[Coroutine[None, None, object]]) -> None:
        """Side by side, to the end of each. Who has no calendar there, or none for us, is passed over; a server that fails is raised."""
        for end in await asyncio.gather(*work, return_exceptions=True):
            if isinstance(end, CalendarRefused):
                log.info("attendee without a calendar", calendar="caldav", reason=end.reason)
            elif isinstance(end, BaseException):
                raise end


def caldav_calendar(settings: Settings) -> CalDavCalendar:
    """Raises SettingError for what is missing or would mislead."""
    where = "See docs/settings.md."
    for name, value in (("CALDAV_USER", settings.caldav_user), ("CALDAV_PASSWORD", settings.caldav_password)):
        if not value:
            raise SettingError(name, "is missing: CALENDAR=caldav signs in with it.", "Your CalDAV server gives it.")
    parts = urlsplit(settings.caldav_url)
    if not parts.hostname or not any(field in parts.path for field in ("{email}", "{user}")):
        example = "https://dav.example.com/{user}/calendar/"
        raise SettingError("CALDAV_URL", f"must be like {example}, with {{email}} or {{user}} in its path.", where)
    if "@" in parts.netloc or "{" in parts.netloc:
        raise SettingError("CALDAV_URL", "must not name an account or a person before its path.", where)
    return CalDavCalendar(settings.caldav_url, settings.caldav_user, settings.caldav_password)


def _times_of(answer: DAVResponse, span: Span, person: Attendee, but: str) -> tuple[Span, ...]:
    return ical.busy_times(texts_of(answer), span, zone=person.zone, email=person.email, but=but)


def _url(collection: str, uid: str) -> str:
    return f"{collection}{quote(uid, safe='@')}.ics"


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
