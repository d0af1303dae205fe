"""Meetings for tests: plain ones, and any that there could be."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from hypothesis import strategies as st

from bot.meetings.values import (
    Attendee,
    Choice,
    Hint,
    Hours,
    Meeting,
    Offer,
    Place,
    Repeat,
    Slot,
    Span,
    Window,
    Wish,
)

TEAM = "T0PLAYGRND"
NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
START = datetime(2026, 11, 24, 14, tzinfo=UTC)
HALF = timedelta(minutes=30)
WEEK = (((time(9), time(17)),),) * 5 + ((), ())
HOURS = Hours(zone="Europe/Lisbon", week=WEEK)
ANA = Attendee(id="U000000ANA", name="Ana Becker", email="ana@acme.test", zone="Europe/Lisbon", answer="accepted")
RAJ = Attendee(id="U000000RAJ", name="Raj Patel", email="raj@acme.test", zone="Asia/Kolkata")
KIM = Attendee(id="U000000KIM", name="Kim <Novak>", zone="America/New_York", required=False)
GUEST = Attendee(id="pat@example.com", name="pat@example.com", email="pat@example.com", kind="guest")
ROOM = Attendee(
    id="aquarium@rooms.test", name="Aquarium", email="aquarium@rooms.test", kind="room", zone="Europe/Lisbon"
)
WINDOW = Window(
    span=Span(START - timedelta(hours=5), START + timedelta(hours=3)),
    zone="Europe/Lisbon",
    text="Tue 24 Nov 2026 Europe/Lisbon",
)
SLOT = Slot(start=START, end=START + HALF, score=1.0, reasons=("everyone is free",))
CHOICES = (Choice("Wed 25 Nov", WINDOW), Choice("Wed 2 Dec", WINDOW))


def wish(**given: Any) -> Wish:
    """A team sync of three."""
    plain: dict[str, Any] = {"title": "Team sync", "attendees": (ANA, RAJ, KIM), "minutes": 30, "window": WINDOW}
    return Wish(**(plain | given))


def offer(**given: Any) -> Offer:
    """Three slots."""
    slots = tuple(Slot(start=START + n * HALF, end=START + (n + 1) * HALF, reasons=("early",)) for n in range(3))
    return Offer(**({"slots": slots} | given))


def draft(**given: Any) -> Meeting:
    """A draft of Ana's with three slots."""
    plain: dict[str, Any] = {
        "team": TEAM, "number": 7, "uid": "u7@acme", "organizer": ANA.id, "state": "draft", "version": 3, "sequence": 0, "wish": wish(),
        "offer": offer(), "start": None, "end": None, "zone": "Europe/Lisbon", "place": Place(), "entered": -1, "ref": "", "page": "", "link": "",
        "problem": "", "at_once": False, "reminded_at": None, "created_at": NOW, "changed_at": NOW,
    }  # fmt: skip
    return Meeting(**(plain | given))


def booked(**given: Any) -> Meeting:
    """One that is booked and entered."""
    plain: dict[str, Any] = {"state": "booked", "offer": None, "start": START, "end": START + HALF, "entered": 0}
    return draft(**(plain | given))


texts = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["<@U1>", "<!channel>", "&" * 3_000, "x" * 5_000, "日本" * 900, "👩‍👩‍👧‍👦" * 200, " \n\t", "*_~`", ""]
    ),
)
zones = st.sampled_from(
    [
        "Europe/Lisbon",
        "America/New_York",
        "Asia/Kathmandu",
        "Pacific/Kiritimati",
        "Australia/Lord_Howe",
        "",
        "Mars/Base",
        "Europe",
    ]
)
moments = st.integers(1_577_836_800, 2_051_222_400).map(lambda at: datetime.fromtimestamp(at, UTC))  # 2020 to 2034
spans = st.builds(lambda start, length: Span(start, start + timedelta(minutes=length)), moments, st.integers(5, 1440))
attendees = st.builds(
    Attendee, id=st.sampled_from(["U1", "U2", "W3", "a@b.example", "room@b.example"]), name=texts, email=st.just(""), zone=zones,
    required=st.booleans(), kind=st.sampled_from(["member", "guest", "room"]), answer=st.sampled_from(["", "accepted", "tentative", "declined"]),
)  # fmt: skip
windows = st.builds(Window, span=spans, zone=zones, exact=st.none() | moments, text=texts)
wishes = st.builds(
    Wish,
    title=texts,
    attendees=st.lists(attendees, min_size=1, max_size=12).map(tuple),
    minutes=st.integers(5, 1440),
    window=st.none() | windows,
    repeat=st.none()
    | st.builds(Repeat, st.sampled_from(["day", "week", "month"]), st.integers(1, 60), st.none() | st.integers(1, 99)),
    online=st.booleans(),
    description=texts,
)
ids = st.lists(st.sampled_from(["U1", "U2", "W3", "gone"]), max_size=4).map(tuple)
slots = st.builds(
    lambda span, **more: Slot(start=span.start, end=span.end, **more), spans, reasons=st.lists(texts, max_size=3).map(tuple),
    missing=ids, unknown=ids, outside=ids,
)  # fmt: skip
offers = st.builds(
    Offer,
    question=texts,
    choices=st.lists(st.builds(Choice, texts, windows), max_size=6).map(tuple),
    slots=st.lists(slots, max_size=9).map(tuple),
    why=st.lists(texts, max_size=9).map(tuple),
    hints=st.lists(st.builds(Hint, label=texts), max_size=9).map(tuple),
    more=st.booleans(),
)


def _meeting(wish_: Wish, span: Span | None, state: str, **more: Any) -> Meeting:
    timed = {"start": span.start, "end": span.end} if span else {"start": None, "end": None}
    return draft(wish=wish_, organizer=wish_.attendees[0].id, state=state, **timed, **more)


meetings = st.builds(
    _meeting, wishes, st.none() | spans, st.sampled_from(["draft", "booked", "cancelled", "dropped", "failed"]), offer=st.none() | offers,
    sequence=st.integers(0, 5), entered=st.integers(-1, 5), zone=zones, link=texts, page=texts, problem=texts, at_once=st.booleans(),
    place=st.sampled_from([Place(), Place("C1", "1.5")]),
)  # fmt: skip


def crowd(count: int) -> tuple[Attendee, ...]:
    """Ana and so many more, in three zones; every third one is optional."""
    where = ("Europe/Lisbon", "Asia/Kolkata", "America/New_York")
    return (
        ANA,
        *(
            Attendee(id=f"U{n:09}", name=f"Person {n} & co", zone=where[n % 3], required=n % 3 != 0)
            for n in range(1, count)
        ),
    )


DAYS_OFF = frozenset({date(2026, 12, 24), date(2026, 12, 25), date(2027, 5, 14)})
