"""Invitations as mailboxes get them from a real mail server: read by the standard library's parser and by icalendar."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from bot.errors import CalendarRefused
from bot.meetings.calendars.calendar import Event
from bot.meetings.invitation import MOST_NAMES, Method, icalendar, invitation
from bot.meetings.mail import Mailer
from bot.meetings.values import Attendee, Repeat
from tests.meeting_mail_values import ANA, CHANGED, GUEST, RAJ, SENDER, START, WEEKLY, event
from tests.smtp_world import mail_server


async def received(made: Event, to: Attendee, method: Method) -> EmailMessage:
    """The mail after a real server has had it."""
    async with mail_server() as server:
        with closing(Mailer(f"smtp://127.0.0.1:{server.port}", SENDER)) as mailer:
            await mailer.send(invitation(made, to, method, SENDER))
    (mail,) = server.mails
    return mail


def read(made: Event, to: Attendee = GUEST, method: Method = "REQUEST") -> EmailMessage:
    """The mail, from its bytes."""
    mail = message_from_bytes(invitation(made, to, method, SENDER).as_bytes(), policy=default)
    assert isinstance(mail, EmailMessage)
    return mail


def parts_of(mail: EmailMessage) -> tuple[str, EmailMessage, EmailMessage]:
    """Its text, its calendar's part, and what is attached."""
    alternative, attached = mail.iter_parts()
    text, calendar = alternative.iter_parts()
    assert (mail.get_content_type(), alternative.get_content_type()) == ("multipart/mixed", "multipart/alternative")
    assert text.get_content_type() == "text/plain"
    assert isinstance(calendar, EmailMessage)
    assert isinstance(attached, EmailMessage)
    return text.get_content(), calendar, attached


def vevent_of(mail: EmailMessage) -> Any:
    """What a calendar takes of it; the file that is attached is the same."""
    _, calendar, attached = parts_of(mail)
    assert attached.get_content() == calendar.get_payload(decode=True)
    told = Calendar.from_ical(attached.get_content())
    assert told["METHOD"] == calendar["Content-Type"].params["method"]
    (component,) = told.walk("VEVENT")
    return component


def attendees_of(component: Any) -> dict[str, Any]:
    found = component.get("ATTENDEE", [])
    return {str(a).removeprefix("mailto:"): a.params for a in (found if isinstance(found, list) else [found])}


# -- what a mailbox gets ---------------------------------------------------------------------------------------------------


async def test_an_invitation_says_the_same_to_people_and_to_their_calendars() -> None:
    made = event(link="https://meet.example/x1", description="Please bring numbers.\nAnd cake.")
    mail = await received(made, RAJ, "REQUEST")
    assert mail["From"].addresses[0].display_name == "Ana Lopes"
    assert mail["From"].addresses[0].addr_spec == SENDER
    assert mail["Reply-To"].addresses[0].addr_spec == "ana@corp.example"
    assert mail["To"].addresses[0].addr_spec == "raj@corp.example"
    assert mail["Date"].datetime == CHANGED
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Subject"] == "Invitation: Team sync (Tue 24 Nov 2026, 19:30 Asia/Kolkata)"
    text, calendar, attached = parts_of(mail)
    assert text.splitlines() == [
        "Ana Lopes invites you to: Team sync",
        "",
        "When: Tuesday 24 November 2026, 19:30–20:00 Asia/Kolkata (UTC+05:30)",
        "With: Ana Lopes, Raj Patel, Kim (optional)",
        "Join: https://meet.example/x1",
        "",
        "Please bring numbers.",
        "And cake.",
        "",
        "Please answer in your calendar.",
    ]
    assert dict(calendar["Content-Type"].params) == {"method": "REQUEST", "charset": "utf-8"}
    assert (attached.get_filename(), attached.get_content_disposition()) == ("invite.ics", "attachment")
    component = vevent_of(mail)
    assert (component["UID"], component["SEQUENCE"], component["SUMMARY"]) == ("5f2c@corp.example", 0, "Team sync")
    assert (component.start, component.end) == (START, START + timedelta(minutes=30))
    assert component["ORGANIZER"] == "mailto:ana@corp.example"
    assert component["ORGANIZER"].params["SENT-BY"] == f"mailto:{SENDER}"
    people = attendees_of(component)
    assert set(people) == {"ana@corp.example", "raj@corp.example", "guest@else.example"}
    assert people["raj@corp.example"]["RSVP"] == "TRUE"
    assert people["ana@corp.example"]["PARTSTAT"] == "ACCEPTED"


async def test_a_series_runs_by_the_clock_of_its_zone_through_the_end_of_summer_time() -> None:
    start = datetime(2026, 10, 20, 8, 0, tzinfo=UTC)  # 09:00 in Lisbon, in summer time
    made = event(repeat=WEEKLY, start=start, end=start + timedelta(minutes=30))
    mail = await received(made, RAJ, "REQUEST")
    text, _, attached = parts_of(mail)
    assert "Repeats: every week, 8 times, by the clock of Europe/Lisbon" in text
    told = Calendar.from_ical(attached.get_content())
    assert [zone.tz_name for zone in told.timezones] == ["Europe/Lisbon"]
    component = vevent_of(mail)
    assert (component["RRULE"]["FREQ"], component["RRULE"]["COUNT"]) == (["WEEKLY"], [8])
    assert component["DTSTART"].params["TZID"] == "Europe/Lisbon"
    assert component.start.astimezone(UTC) == start
    later = (component.start + timedelta(weeks=2)).replace(tzinfo=ZoneInfo("Europe/Lisbon"))
    assert later.astimezone(UTC).hour == 9  # one hour later in UTC, the same on their clocks


async def test_a_change_keeps_the_uid_and_raises_the_sequence() -> None:
    first, second = read(event()), await received(event(sequence=1, start=START + timedelta(days=1)), GUEST, "REQUEST")
    one, two = vevent_of(first), vevent_of(second)
    assert (one["UID"], one["SEQUENCE"], two["UID"], two["SEQUENCE"]) == (two["UID"], 0, one["UID"], 1)
    assert str(second["Subject"]).startswith("Updated invitation: Team sync")


async def test_a_cancellation_says_so_to_both() -> None:
    mail = await received(event(sequence=2), GUEST, "CANCEL")
    assert str(mail["Subject"]).startswith("Cancelled: Team sync")
    assert parts_of(mail)[0].startswith("Ana Lopes has cancelled: Team sync")
    component = vevent_of(mail)
    assert (component["STATUS"], component["SEQUENCE"], component["UID"]) == ("CANCELLED", 2, "5f2c@corp.example")
    assert Calendar.from_ical(parts_of(mail)[2].get_content())["METHOD"] == "CANCEL"


def test_who_was_removed_is_named_in_their_cancellation() -> None:
    mail = read(event(sequence=1, attendees=(ANA, RAJ)), GUEST, "CANCEL")
    assert "guest@else.example" in attendees_of(vevent_of(mail))


def test_the_same_mail_has_the_same_id_and_another_has_another() -> None:
    def id_of(made: Event, to: Attendee, method: Method) -> str:
        return str(read(made, to, method)["Message-ID"])

    usual = id_of(event(), GUEST, "REQUEST")
    assert usual == id_of(event(), GUEST, "REQUEST")
    assert usual.endswith("@corp.example>")
    others = {
        id_of(event(sequence=1), GUEST, "REQUEST"),
        id_of(event(), GUEST, "CANCEL"),
        id_of(event(), RAJ, "REQUEST"),
        id_of(event(uid="other"), GUEST, "REQUEST"),
    }
    assert len(others | {usual}) == 5


def test_who_has_answered_already_is_asked_again() -> None:
    raj = replace(RAJ, answer="accepted")
    made = event(sequence=1, attendees=(ANA, raj, GUEST))
    assert attendees_of(vevent_of(read(made, raj)))["raj@corp.example"]["RSVP"] == "TRUE"


@pytest.mark.parametrize("count", [50, 200])
async def test_many_attendees_fit(count: int) -> None:
    many = tuple(
        Attendee(id=f"g{n}@else.example", name=f"Gäst Numero {n}", email=f"g{n}@else.example", kind="guest")
        for n in range(count - 1)
    )
    mail = await received(event(attendees=(ANA, *many)), many[0], "REQUEST")
    assert len(attendees_of(vevent_of(mail))) == count
    text, _, attached = parts_of(mail)
    assert f"and {count - MOST_NAMES} more" in text
    assert max(len(line) for line in attached.get_content().splitlines()) <= 75


def test_a_meeting_over_midnight_names_both_days() -> None:
    made = event(start=datetime(2026, 12, 31, 23, 45, tzinfo=UTC), end=datetime(2027, 1, 1, 0, 15, tzinfo=UTC))
    text = parts_of(read(made))[0]
    assert "Thursday 31 December 2026, 23:45–Friday 1 January 2027, 00:15 Europe/Lisbon (UTC+00:00)" in text


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../../etc/passwd"])
def test_who_has_no_zone_reads_the_organizers(zone: str) -> None:
    assert "14:00–14:30 Europe/Lisbon" in parts_of(read(event(), replace(GUEST, zone=zone)))[0]


def test_an_organizer_without_an_address_is_spoken_for_by_the_sender() -> None:
    mail = read(event(attendees=(replace(ANA, email=""), RAJ, GUEST)))
    assert "Reply-To" not in mail
    assert vevent_of(mail)["ORGANIZER"] == f"mailto:{SENDER}"


@pytest.mark.parametrize(
    ("repeat", "words"),
    [
        (Repeat("day"), "every day,"),
        (Repeat("week", 2), "every 2 weeks,"),
        (Repeat("month", 1, 6), "every month, 6 times,"),
    ],
)
def test_series_are_told_in_words(repeat: Repeat, words: str) -> None:
    assert f"Repeats: {words}" in parts_of(read(event(repeat=repeat)))[0]


# -- what people write -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "title",
    [
        "Größenänderung: Zürich",
        "🚀 Launch 👩‍👩‍👧",
        "פגישה שבועית",
        "Sync\r\nBcc: everybody@corp.example\r\n\r\n<b>boo</b>",
        "Sync\nATTENDEE:mailto:evil@else.example\nEND:VEVENT",
        "a" * 5_000,
        'x, y; z\\n: "quoted"',
        "\u202egnp.exe",
        "\x00\x07\ud800",
        "",
    ],
)
def test_a_title_of_any_kind_stays_a_title(title: str) -> None:
    mail = read(event(title=title, description=title))
    assert {"Bcc", "Cc"}.isdisjoint(mail.keys())
    assert len(str(mail["Subject"])) <= 150
    component = vevent_of(mail)
    assert set(attendees_of(component)) == {"ana@corp.example", "raj@corp.example", "guest@else.example"}
    assert "\u202e" not in component["SUMMARY"]
    if len(title) < 100 and title.isprintable() and "\u202e" not in title:
        assert component["SUMMARY"] == title
        assert title in str(mail["Subject"])


HIDDEN = (
    "=?utf-8?q?x=0d=0aBcc:_all@corp.example=0d=0a=0d=0aboo?="  # an encoded word (RFC 2047) with ends of lines in it
)


@pytest.mark.parametrize(
    "text", [HIDDEN, f"a {HIDDEN}", f"=\x00{HIDDEN[1:]}", "=?utf-8?b?eA0KQmNjOiBhbGxAY29ycC5leGFtcGxl?="]
)
@pytest.mark.parametrize("method", ["REQUEST", "CANCEL"])
def test_an_encoded_word_that_people_wrote_brings_no_header_of_its_own(text: str, method: Method) -> None:
    people = (replace(ANA, name=text), RAJ, replace(GUEST, name=text))
    mail = read(event(title=text, attendees=people), people[2], method)
    assert {"Bcc", "Cc"}.isdisjoint(mail.keys())
    assert [a.addr_spec for a in mail["To"].addresses] == ["guest@else.example"]
    assert set(attendees_of(vevent_of(mail))) == {"ana@corp.example", "raj@corp.example", "guest@else.example"}


@pytest.mark.parametrize(
    "name", ["ceo@acme.example, " + 62 * "a", "Kim <kim@evil.example>, " + 52 * "a", f"{70 * 'a'} ; <", "\\", "a\\"]
)
def test_a_long_name_does_not_become_addresses_where_its_line_is_folded(name: str) -> None:
    mail = read(event(attendees=(replace(ANA, name=name), RAJ, replace(GUEST, name=name))))
    for header, address in {"From": SENDER, "Reply-To": "ana@corp.example", "To": "guest@else.example"}.items():
        assert [a.addr_spec for a in mail[header].addresses] == [address], mail[header]
    assert str(vevent_of(mail)["ORGANIZER"]) == "mailto:ana@corp.example"


names = st.text(max_size=120) | st.text('",<>@:;\\()[] äß🚀\r\n=?', max_size=40)


@given(title=names, name=names, to=names, description=names)
def test_nothing_that_people_write_changes_who_gets_it_or_who_is_invited(
    title: str, name: str, to: str, description: str
) -> None:
    made = event(
        title=title, description=description, attendees=(replace(ANA, name=name), RAJ, replace(GUEST, name=to))
    )
    mail = read(made)
    for header, address in {"From": SENDER, "Reply-To": "ana@corp.example", "To": "guest@else.example"}.items():
        assert [a.addr_spec for a in mail[header].addresses] == [address], mail[header]
    assert sorted(mail.keys()) == sorted(
        ["From", "Reply-To", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"]
    )
    assert set(attendees_of(vevent_of(mail))) == {"ana@corp.example", "raj@corp.example", "guest@else.example"}


@pytest.mark.parametrize(
    "address",
    [
        "",
        "kim",
        "kim@",
        "@else.example",
        "kim@else.example, all@corp.example",
        "a b@c.example",
        "a@b\r\nBcc:x@y",
        "a@" + "ü" * 70 + ".example",
        "=?utf-8?q?x=0d=0abcc=3a_all?=@else.example",
    ],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(CalendarRefused, match="not an address"):
        invitation(event(), replace(GUEST, email=address), "REQUEST", SENDER)


# -- the file that a person opens ------------------------------------------------------------------------------------------


def test_the_file_is_published_and_names_people_in_words() -> None:
    told = Calendar.from_ical(icalendar(event(description="Numbers."), "PUBLISH"))
    (component,) = told.walk("VEVENT")
    assert told["METHOD"] == "PUBLISH"
    assert "ATTENDEE" not in component
    assert component["DESCRIPTION"] == "Numbers.\n\nWith Ana Lopes, Raj Patel, Kim (optional)"
    assert (component["UID"], component["SEQUENCE"]) == ("5f2c@corp.example", 0)


def test_a_series_in_a_file_brings_its_time_zone() -> None:
    told = Calendar.from_ical(icalendar(event(repeat=WEEKLY), "PUBLISH"))
    assert [zone.tz_name for zone in told.timezones] == ["Europe/Lisbon"]


def test_all_attendees_are_there_in_what_is_cancelled() -> None:
    (component,) = Calendar.from_ical(icalendar(event(sequence=3), "CANCEL")).walk("VEVENT")
    assert component["STATUS"] == "CANCELLED"
    assert set(attendees_of(component)) == {a.email for a in (ANA, RAJ, GUEST)}
