"""The mailer against a real mail server: with TLS and without, signing in, and with everything that can go wrong."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import replace
from email.message import EmailMessage
from typing import Any
from urllib.parse import quote

import pytest

from bot.delivery.delivery import MAILS_AT_ONCE
from bot.errors import CalendarRefused, Retryable, SettingError
from bot.meetings.invitation import invitation
from bot.meetings.mail import MOST_MAILS, Mailer
from tests.meeting_mail_values import GUEST, SENDER, event
from tests.smtp_world import PASSWORD, USER, Certificates, MailServer, mail_server, make_certificates

MAIL = invitation(event(), GUEST, "REQUEST", SENDER)
TLS_HANDSHAKE = b"\x16"  # the first byte of one


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@asynccontextmanager
async def mailing(url: str, **more: Any) -> AsyncIterator[Mailer]:
    """A mailer that is closed in the end."""
    with closing(Mailer(url, SENDER, **more)) as mailer:
        yield mailer


async def send(url: str, message: EmailMessage = MAIL, **more: Any) -> None:
    """One mail of a mailer of its own."""
    async with mailing(url, **more) as mailer:
        await mailer.send(message)


async def until(true: Callable[[], bool]) -> None:
    """Waits for the server to notice."""
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110  # the server tells of no connection
            await asyncio.sleep(0.01)


def url_of(server: MailServer, scheme: str = "smtp", user: str = "", password: str = PASSWORD) -> str:
    account = f"{quote(user, safe='')}:{quote(password, safe='')}@" if user else ""
    return f"{scheme}://{account}localhost:{server.port}"


# -- how mail gets there -----------------------------------------------------------------------------------------------------


async def test_a_mail_goes_from_the_sender_to_its_one_recipient() -> None:
    async with mail_server() as server:
        await send(url_of(server))
    (envelope,) = server.sent
    assert (envelope.mail_from, envelope.rcpt_tos) == (SENDER, ["guest@else.example"])
    assert server.over_tls == [False]


async def test_tls_is_used_where_the_server_offers_it(certificates: Certificates) -> None:
    async with mail_server(starttls=certificates.server, auth=True) as server:
        async with mailing(url_of(server, user=USER), cafile=certificates.authority) as mailer:
            await mailer.send(MAIL)
            assert (server.over_tls, server.signed_in) == ([True], [USER])
            assert await mailer.check() == f"localhost:{server.port}, signed in as {USER}"
        assert len(server.sent) == 1


async def test_smtps_speaks_tls_from_the_first_byte(certificates: Certificates) -> None:
    async with mail_server(tls=certificates.server, auth=True) as server:
        await send(url_of(server, "smtps", USER), cafile=certificates.authority)
    assert (server.over_tls, server.signed_in) == ([True], [USER])


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_a_server_whose_certificate_nobody_vouches_for_is_told_nothing(
    certificates: Certificates, scheme: str
) -> None:
    context = certificates.server
    world = mail_server(starttls=context, auth=True) if scheme == "smtp" else mail_server(tls=context, auth=True)
    async with world as server:
        with pytest.raises(Retryable) as told:
            await send(url_of(server, scheme, USER))
    assert "certificate" in told.value.said
    assert not server.signed_in
    assert not server.sent


async def test_a_password_is_not_told_to_a_server_without_tls_unless_it_is_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *a, **k: asked("127.0.0.1" if host == "mail.example" else host, *a, **k)
    )
    async with mail_server(auth=True) as server:
        with pytest.raises(CalendarRefused, match="offers no TLS"):
            await send(url_of(server, user=USER).replace("localhost", "mail.example"))
        assert (server.greeted, server.signed_in) == (1, [])
        await send(url_of(server, user=USER))
        assert server.signed_in == [USER]
    async with mail_server() as server:  # who has no password has nothing to lose
        await send(url_of(server).replace("localhost", "mail.example"))
    assert len(server.sent) == 1


async def test_names_beyond_ascii_need_a_server_that_knows_them() -> None:
    to = replace(GUEST, email="jürgen@else.example")
    odd = invitation(event(), to, "REQUEST", SENDER)
    async with mail_server(utf8=True) as server:
        await send(url_of(server), odd)
        assert server.sent[0].rcpt_tos == ["jürgen@else.example"]
        assert server.sent[0].smtp_utf8
    async with mail_server(utf8=False) as server:
        with pytest.raises(CalendarRefused):
            await send(url_of(server), odd)
        await send(url_of(server), invitation(event(), replace(GUEST, email="kim@bücher.example"), "REQUEST", SENDER))
        assert server.sent[0].rcpt_tos == ["kim@xn--bcher-kva.example"]


async def test_few_mails_are_sent_at_once() -> None:
    async with mail_server() as server:
        server.delay = 0.05
        async with mailing(url_of(server)) as mailer:
            await asyncio.gather(*(mailer.send(MAIL) for _ in range(10)))
    assert len(server.sent) == 10
    assert 1 < server.most_at_once <= MAILS_AT_ONCE


# -- connections -------------------------------------------------------------------------------------------------------------


async def test_mails_of_about_the_same_time_share_connections(certificates: Certificates) -> None:
    async with mail_server(starttls=certificates.server, auth=True) as server:
        async with mailing(url_of(server, user=USER), cafile=certificates.authority) as mailer:
            await asyncio.gather(*(mailer.send(MAIL) for _ in range(12)))
            await mailer.send(MAIL)
        assert len(server.sent) == 13
        assert 1 <= len(server.signed_in) <= MAILS_AT_ONCE
        await until(lambda: server.connected == 0)


async def test_a_connection_takes_so_many_mails_and_no_more() -> None:
    async with mail_server() as server, mailing(url_of(server)) as mailer:
        for _ in range(MOST_MAILS + 1):
            await mailer.send(MAIL)
        assert (len(server.sent), server.greeted) == (MOST_MAILS + 1, 2)
        await until(lambda: server.connected == 1)


async def test_a_connection_that_nobody_needs_any_more_is_closed() -> None:
    async with mail_server() as server, mailing(url_of(server), idle=0.2) as mailer:
        await mailer.send(MAIL)
        assert server.connected == 1
        await until(lambda: server.connected == 0)
        await mailer.send(MAIL)
        assert (len(server.sent), server.greeted) == (2, 2)


@pytest.mark.parametrize("how", ["hung up", "had enough"])
async def test_a_connection_that_broke_is_replaced_and_the_mail_sent_once(how: str) -> None:
    async with mail_server() as server, mailing(url_of(server)) as mailer:
        await mailer.send(MAIL)
        if how == "hung up":
            server.hang_up()
        else:
            server.answers["NOOP"] = "421 you have been here for long"
        await mailer.send(MAIL)
        assert (len(server.sent), server.greeted) == (2, 2)


async def test_a_mail_that_is_refused_does_not_spoil_the_next() -> None:
    async with mail_server() as server, mailing(url_of(server)) as mailer:
        await mailer.send(MAIL)
        server.answers["RCPT"] = "550 no such user"
        with pytest.raises(CalendarRefused):
            await mailer.send(MAIL)
        server.answers.clear()
        await mailer.send(MAIL)
        assert len(server.sent) == 2
        await until(lambda: server.connected == 1)


# -- what goes wrong -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "answer", "word"),
    [
        ("RCPT", "450 greylisted, secret-text", "450"),
        ("RCPT", "421 too many connections", "421"),
        ("MAIL", "451 try later", "451"),
        ("DATA", "452 no room", "452"),
        ("AUTH", "454 no answer from the directory", "454"),
    ],
)
async def test_what_the_server_puts_off_is_tried_again(command: str, answer: str, word: str) -> None:
    async with mail_server() as server:
        server.answers[command] = answer
        with pytest.raises(Retryable, match=word) as told:
            await send(url_of(server, user=USER))
        assert told.value.said == "The mail server puts me off."
        assert "secret" not in str(told.value)
        server.answers.clear()
        await send(url_of(server, user=USER))
        assert len(server.sent) == 1


@pytest.mark.parametrize(
    ("command", "answer", "said", "reason"),
    [
        ("RCPT", "550 no such user, secret-text", "This address does not take mail", "SMTP 550"),
        ("MAIL", "553 not your address", "does not let me send", "SMTP 553"),
        ("DATA", "554 looks like spam", "did not take the mail", "SMTP 554"),
        ("AUTH", "535 5.7.8 secret-text", "does not let me in", "SMTP 535"),
    ],
)
async def test_what_the_server_refuses_for_good_is_said_without_its_text(
    command: str, answer: str, said: str, reason: str
) -> None:
    async with mail_server() as server:
        server.answers[command] = answer
        with pytest.raises(CalendarRefused, match=said) as told:
            await send(url_of(server, user=USER))
    assert told.value.reason == reason
    assert not any(word in str(told.value) for word in ("secret", PASSWORD, USER, "@"))
    assert not server.sent


async def test_a_wrong_password_is_the_operators_to_mend() -> None:
    async with mail_server(auth=True) as server:
        with pytest.raises(CalendarRefused, match="tell whoever runs me"):
            await send(url_of(server, user=USER, password="wrong"))
        with pytest.raises(CalendarRefused, match="letters that cannot be sent"):
            await send(url_of(server, user=USER, password="größer"))
        with pytest.raises(CalendarRefused, match="does not let me send"):  # it wants one, and none is set
            await send(url_of(server))
    assert not server.sent


async def test_a_server_that_wants_no_password_is_not_told_one() -> None:
    async with mail_server(starttls=None) as server:
        server.answers["EHLO"] = "250 HELP"
        with pytest.raises(CalendarRefused, match="cannot do what this mail needs"):
            await send(url_of(server, user=USER))
    assert not server.signed_in


async def test_a_server_that_is_down_is_tried_again_and_left_in_peace_for_a_moment(free_port: int) -> None:
    mailer = Mailer(f"smtp://localhost:{free_port}", SENDER)
    for reason in ("ConnectionRefusedError", "a moment ago"):
        with pytest.raises(Retryable, match=reason) as told:
            await mailer.send(MAIL)
        assert told.value.said == "The mail server does not answer."
    assert 0 < (told.value.after or 0) <= 5


async def test_a_server_that_says_nothing_is_waited_for_as_long_as_is_set() -> None:
    async with mail_server() as server:
        server.silent = True
        began = time.monotonic()
        with pytest.raises(Retryable) as told:
            await send(url_of(server), seconds=0.2)
        assert 0.2 <= time.monotonic() - began < 1
    assert told.value.said == "The mail server does not answer."


async def test_what_goes_wrong_after_the_mail_was_taken_does_not_send_it_twice() -> None:
    async with mail_server() as server:
        server.hangs_up = True
        await send(url_of(server))
    assert len(server.sent) == 1


async def test_a_mail_that_nobody_waits_for_any_more_is_not_sent_behind_their_back() -> None:
    async with mail_server() as server:
        server.delay, began = 3.0, time.monotonic()
        sending = asyncio.create_task(Mailer(url_of(server), SENDER).send(MAIL))
        while not server.at_once:  # noqa: ASYNC110  # the server tells nobody
            await asyncio.sleep(0.01)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await asyncio.get_running_loop().shutdown_default_executor()  # as the process's end does: it waits for threads
        assert time.monotonic() - began < 2
    assert not server.sent


async def test_nor_is_one_whose_connection_was_just_changing_to_tls(certificates: Certificates) -> None:
    reached, go_on, over = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def pass_on(source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await source.read(65_536):
                if data[:1] == TLS_HANDSHAKE and not reached.is_set():
                    reached.set()
                    await go_on.wait()
                to.write(data)
        to.close()

    async with mail_server(starttls=certificates.server) as server:

        async def between(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            there, to = await asyncio.open_connection("127.0.0.1", server.port)
            await asyncio.gather(pass_on(reader, to), pass_on(there, writer))
            over.set()

        async with await asyncio.start_server(between, "127.0.0.1", 0) as slow:
            port = slow.sockets[0].getsockname()[1]
            mailer = Mailer(f"smtp://127.0.0.1:{port}", SENDER, cafile=certificates.authority)
            sending = asyncio.create_task(mailer.send(MAIL))
            await reached.wait()
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
            go_on.set()
            await asyncio.get_running_loop().shutdown_default_executor()
            await over.wait()
    assert not server.sent


async def test_an_unknown_server_name_is_tried_again() -> None:
    with pytest.raises(Retryable):
        await send("smtp://mail.invalid", seconds=2)


@pytest.mark.parametrize("url", ["smtp://host:port", "smtp://user:hunter2@host:99999", "smtp://", "imap://host"])
def test_a_url_that_is_none_stops_the_start_without_its_password(url: str) -> None:
    with pytest.raises(SettingError, match="SMTP_URL") as told:
        Mailer(url, SENDER)
    assert "hunter2" not in str(told.value)


def test_a_sender_that_is_no_address_stops_the_start() -> None:
    with pytest.raises(SettingError, match="SMTP_FROM"):
        Mailer("smtp://localhost", f"bot@{'ü' * 70}.example")


@pytest.mark.parametrize(
    ("url", "port"), [("smtp://h", 25), ("smtp://u:p@h", 587), ("smtps://h", 465), ("smtp://u@h:2525", 2525)]
)
def test_the_port_is_the_usual_one_unless_it_is_named(url: str, port: int) -> None:
    mailer = Mailer(url.replace("h:", "localhost:").replace("@h", "@localhost").replace("//h", "//localhost"), SENDER)
    assert mailer.address == f"localhost:{port}"


async def test_a_mail_that_nobody_waits_for_any_more_leaves_the_next_ones_connection_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with mail_server() as server, mailing(url_of(server)) as mailer:
        keep, others = mailer._keep, list[asyncio.Task[None]]()

        def at_once(*args: Any) -> None:  # another mail takes the connection before the first one's sender is told
            keep(*args)
            if not others:
                others.append(asyncio.create_task(mailer.send(MAIL)))
                first.cancel()

        monkeypatch.setattr(mailer, "_keep", at_once)
        first = asyncio.create_task(mailer.send(MAIL))
        with suppress(asyncio.CancelledError):
            await first
        await others[0]
        assert (len(server.sent), server.greeted) == (2, 1)
