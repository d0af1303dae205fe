"""Calendars in the cloud for tests: people and events, the servers, and real clients of them."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.meetings.calendars.calendar import Event
from bot.meetings.calendars.google import GoogleCalendar
from bot.meetings.calendars.microsoft import MicrosoftCalendar
from bot.meetings.calendars.tokens import TokenSession
from bot.meetings.values import Attendee, Span
from tests.google_server import GoogleServer
from tests.graph_server import CLIENT, SECRET, TENANT, GraphServer
from tests.strict_server import certificate

Tls = tuple[ssl.SSLContext, Path]

ANA = Attendee(id="U1", name="Ana", email="ana@example.com", zone="Europe/Lisbon")
RAJ = Attendee(id="U2", name="Raj", email="raj@example.com", zone="Asia/Kolkata")
KIM = Attendee(id="U3", name="Kim", email="kim@example.com", zone="America/New_York", required=False)
NO_MAIL = Attendee(id="U4", name="Nemo")
GUEST = Attendee(id="gus@elsewhere.example", name="Gus", email="gus@elsewhere.example", kind="guest")
ROOM = Attendee(id="room@example.com", name="Blue room", email="room@example.com", kind="room")
PEOPLE = (ANA, RAJ, KIM)
START = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = Span(datetime(2026, 11, 24, tzinfo=UTC), datetime(2026, 11, 25, tzinfo=UTC))


def at(hour: int, minute: int = 0, *, day: int = 24) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def an_event(**other: Any) -> Event:
    """A meeting of Ana's on 24 November 2026 from 14:00 to 15:00 UTC, as the register would hand it over."""
    values = {
        "uid": "m-7.0b8a@assist",
        "sequence": 0,
        "title": "Team sync",
        "description": "Numbers",
        "start": START,
        "end": START + HOUR,
        "zone": "Europe/Lisbon",
        "repeat": None,
        "attendees": PEOPLE,
        "online": False,
        "link": "",
        "ref": "",
        "changed_at": datetime(2026, 11, 22, 9, tzinfo=UTC),
    }
    return Event(**{**values, **other})


def moved(event: Event, by: timedelta, **other: Any) -> Event:
    """The same meeting at another time, with the next sequence."""
    values = {name: getattr(event, name) for name in event.__slots__}
    values |= {"start": event.start + by, "end": event.end + by, "sequence": event.sequence + 1}
    return Event(**{**values, **other})


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    """A server's certificate, and the authority that has signed it."""
    return certificate(tmp_path_factory.mktemp("tls"))


def google_client(google: GoogleServer, authority: Path, seconds: float = 5.0) -> GoogleCalendar:
    session = TokenSession(google.login_url)
    session.verify = str(authority)
    return GoogleCalendar(google.key(), google.api_url, session=session, seconds=seconds)


@pytest.fixture
async def google(tls: Tls) -> AsyncIterator[GoogleServer]:
    """Whatever a test does, nothing that is not described may have been sent."""
    server = await GoogleServer(*(p.email for p in (*PEOPLE, ROOM))).start(tls[0])
    yield server
    await server.stop()
    assert server.undescribed == []


@pytest.fixture
async def at_google(google: GoogleServer, tls: Tls) -> AsyncIterator[GoogleCalendar]:
    client = google_client(google, tls[1])
    yield client
    await client.close()


def microsoft_client(graph: GraphServer, authority: Path, **other: Any) -> MicrosoftCalendar:
    session = TokenSession(graph.login_url)
    session.verify = str(authority)
    values: dict[str, Any] = {"tenant": TENANT, "client": (CLIENT, SECRET), "session": session, "seconds": 5.0} | other
    return MicrosoftCalendar(urls=(graph.login_url, f"{graph.api_url}/v1.0"), **values)


@pytest.fixture
async def graph(tls: Tls) -> AsyncIterator[GraphServer]:
    """Whatever a test does, nothing that is not described may have been sent."""
    server = await GraphServer(*(p.email for p in (*PEOPLE, ROOM))).start(tls[0])
    yield server
    await server.stop()
    assert server.undescribed == []


@pytest.fixture
async def at_microsoft(graph: GraphServer, tls: Tls) -> AsyncIterator[MicrosoftCalendar]:
    client = microsoft_client(graph, tls[1])
    yield client
    await client.close()
