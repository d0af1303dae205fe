"""Invitations by mail: everybody with an address is told of each change once, and who is not reached is told of to the organizer."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from bot.delivery import outgoing
from bot.delivery.outgoing import MAIL
from bot.jobs import make_delivery
from bot.meetings.mail import Mailer
from bot.meetings.showing import Told
from bot.meetings.values import Attendee, Span
from tests.bearing_world import EVENT_ROW, GUEST_ROW, World, world
from tests.housekeeping_world import TEAM
from tests.meeting_mail_values import SENDER, START

__all__ = ["world"]


async def test_an_attendee_is_invited_once_again_with_each_sequence_and_at_last_uninvited(world: World) -> None:
    await world.has(GUEST_ROW)
    await world.deliver()
    await world.has(problem="no news for attendees")
    await world.deliver()
    await world.has(sequence=1, start=START + timedelta(days=1), end=START + timedelta(days=1, minutes=30))
    await world.deliver()
    await world.has(sequence=2, state="cancelled")
    await world.deliver()
    await world.has()
    await world.deliver()
    told = [mail["Subject"].partition(" (")[0] for mail in world.mails.mails]
    assert told == ["Invitation: Team sync", "Updated invitation: Team sync", "Cancelled: Team sync"]
    assert [e.rcpt_tos for e in world.mails.sent] == [["guest@else.example"]] * 3


async def test_who_was_never_told_is_not_told_of_its_end(world: World) -> None:
    await world.has(GUEST_ROW, state="cancelled", made=world.fresh())
    await world.deliver()
    assert world.mails.sent == []


async def test_who_is_removed_is_told_so_once(world: World) -> None:
    await world.has(GUEST_ROW)
    await world.deliver()
    wish = world.now.wish
    await world.has(sequence=1, wish=replace(wish, attendees=wish.attendees[:2]))
    await world.deliver()
    await world.has(sequence=2)
    await world.deliver()
    assert [str(m["Subject"]).partition(":")[0] for m in world.mails.mails] == ["Invitation", "Cancelled"]
    await world.has(sequence=3, wish=wish)
    await world.deliver()
    assert str(world.mails.mails[-1]["Subject"]).startswith("Updated invitation")


async def test_who_was_removed_does_not_learn_when_it_is_since(world: World) -> None:
    await world.has(GUEST_ROW, wish=replace(world.fresh().wish, online=True))
    await world.deliver()
    people = world.now.wish.attendees[:2]
    start, end = (moment + timedelta(days=1) for moment in (START, START + timedelta(minutes=30)))
    wish = replace(world.now.wish, title="Layoffs", attendees=people)
    await world.has(sequence=2, wish=wish, start=start, end=end)
    await world.deliver()
    invited, removed = (
        next(part for part in mail.walk() if part.get_content_type() == "text/calendar").get_content().splitlines()
        for mail in world.mails.mails
    )
    assert {"STATUS:CANCELLED", "SUMMARY:Team sync", "SEQUENCE:2"} <= set(removed)
    times = [[line for line in lines if line.startswith(("DTSTART", "DTEND"))] for lines in (invited, removed)]
    assert times[0] == times[1]
    assert len(times[0]) == 2


async def test_one_that_failed_is_cancelled_for_who_was_invited(world: World) -> None:
    await world.has(GUEST_ROW)
    await world.deliver()
    await world.has(state="failed", sequence=1)
    await world.deliver()
    assert str(world.mails.mails[-1]["Subject"]).startswith("Cancelled")


async def killed_when_it_was_taken(world: World) -> None:
    """The server has the guest's invitation, and nobody has noted it."""
    world.mails.late = 5.0
    await world.has(GUEST_ROW)
    async with world.delivering():
        await world.server.until(lambda: world.mails.sent, timeout=5)
    world.mails.late = 0
    await world.hurry()


async def test_who_may_have_been_invited_just_before_a_kill_is_told_of_its_end(world: World) -> None:
    await killed_when_it_was_taken(world)
    await world.has(sequence=1, state="cancelled")
    await world.deliver()
    assert [str(m["Subject"]).partition(":")[0] for m in world.mails.mails] == ["Invitation", "Cancelled"]


async def test_a_kill_after_the_mail_was_taken_repeats_the_same_mail(world: World) -> None:
    await killed_when_it_was_taken(world)
    await world.deliver()
    first, second = world.mails.mails
    assert first["Message-ID"] == second["Message-ID"]
    bodies = [list(m.walk())[-1].get_content() for m in (first, second)]
    assert bodies[0] == bodies[1]


async def test_a_mail_server_that_puts_it_off_gets_it_later(world: World) -> None:
    world.mails.answers["RCPT"] = "450 greylisted"
    await world.has(GUEST_ROW)
    with capture_logs() as logs:
        async with world.delivering():
            await world.server.until(lambda: any(e["event"] == "delivery failed" for e in logs), timeout=5)
    assert "mail server: 450" in {entry.get("error") for entry in logs}
    world.mails.answers.clear()
    await world.hurry()
    await world.deliver()
    assert len(world.mails.sent) == 1


@pytest.mark.parametrize(
    ("command", "answer", "said"),
    [("RCPT", "550 no such user", "does not take mail"), ("MAIL", "530 sign in first", "tell whoever runs me")],
)
async def test_an_address_that_takes_no_mail_is_told_to_the_organizer_once(
    world: World, command: str, answer: str, said: str
) -> None:
    world.mails.answers[command] = answer
    await world.has(GUEST_ROW)
    with capture_logs() as logs:
        await world.deliver()
        await world.has(sequence=1)
        await world.deliver()
        await world.has(sequence=2, state="cancelled")
        await world.deliver()
    (text,) = world.texts("ana")
    assert text.startswith("I could not mail guest@else.example about M-7 “Team sync”: ")
    assert said in text
    assert world.texts("raj") == []
    refused = [entry for entry in logs if entry["event"] == "mail refused"]
    assert [entry["meeting"] for entry in refused] == ["M-7", "M-7"]
    assert "guest@" not in str(refused)


async def test_an_invitation_is_tried_anew_after_a_change_and_its_end_told_to_who_had_one(world: World) -> None:
    await world.has(GUEST_ROW)
    await world.deliver()
    world.mails.answers["DATA"] = "554 looks like spam"
    await world.has(sequence=1)
    await world.deliver()
    world.mails.answers.clear()
    await world.has(sequence=2, state="cancelled")
    await world.deliver()
    assert [str(m["Subject"]).partition(":")[0] for m in world.mails.mails] == ["Invitation", "Cancelled"]


async def invite(world: World, guests: int) -> None:
    """So many are invited by mail."""
    addresses = [f"g{n}@else.example" for n in range(guests)]
    made = world.fresh()
    more = [Attendee(id=a, name=a, email=a, kind="guest") for a in addresses]
    wish = replace(made.wish, attendees=(*made.attendees, *more))
    await world.has(*((MAIL, a) for a in addresses), made=replace(made, wish=wish))


async def test_fifty_guests_of_a_mail_server_that_is_down_hold_up_no_words(world: World, free_port: int) -> None:
    mailer = Mailer(f"smtp://127.0.0.1:{free_port}", SENDER, seconds=1)
    world.scheduling = replace(world.scheduling, mailer=mailer)
    await invite(world, 50)
    async with world.delivering():
        await asyncio.sleep(0.3)
        async with world.database.begin() as tx:
            await outgoing.say(tx, TEAM, world.person("raj"), "", "hello", "hello")
        await world.server.until(lambda: world.texts("raj") == ["hello"], timeout=3)


@pytest.mark.parametrize("guests", [30, 110])
async def test_many_guests_of_a_slow_mail_server_hold_up_neither_words_nor_the_calendar(
    world: World, guests: int
) -> None:
    world.mails.delay = 1.5
    await invite(world, guests)
    async with world.delivering():
        await world.server.until(lambda: world.mails.at_once == 3, timeout=5)
        await world.has(EVENT_ROW)
        async with world.database.begin() as tx:
            await outgoing.say(tx, TEAM, world.person("raj"), "", "hello", "hello")
        await world.server.until(lambda: world.texts("raj") == ["hello"] and world.calendar.puts == 1, timeout=3)


async def test_no_mail_is_begun_once_the_process_is_told_to_stop(world: World) -> None:
    world.mails.delay = 0.5
    await invite(world, 12)
    delivery = make_delivery(world.office, world.scheduling)
    running = asyncio.create_task(delivery.run())
    await world.server.until(lambda: world.mails.at_once == 3, timeout=5)
    await asyncio.sleep(0.3)  # in which others could be claimed
    begun = world.mails.at_once + len(world.mails.sent)
    await delivery.drain()
    running.cancel()
    await asyncio.wait([running])
    assert len(world.mails.sent) == begun
    assert await world.waiting() == 12 - begun


@pytest.mark.parametrize(
    "told",
    [
        Told(),
        Told(method="REQUEST", sequence=3, title="invited 1-2 lunch", span=Span(START, START + timedelta(minutes=30))),
        Told(method="CANCEL", sequence=0),
    ],
)
def test_what_an_address_was_told_is_read_as_it_was_noted(told: Told) -> None:
    assert Told.read(told.text if told.method else "") == told
