"""Sends mail over SMTP (RFC 5321): in a thread, with timeouts. Mails that are sent at about the same time share connections, since to sign in takes longer than to send."""

from __future__ import annotations

import asyncio
import ipaddress
import smtplib
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from functools import cache, partial
from urllib.parse import unquote, urlsplit

from bot.delivery.delivery import MAILS_AT_ONCE
from bot.errors import CalendarRefused, Retryable, SettingError

SECONDS = 10.0  # for each word of the server
# For which a server that did not answer is not asked again: 200 attendees would each wait for the same silence.
AWAY_SECONDS = 5.0
IDLE_SECONDS = 5.0  # for which a connection is kept for the next mail
MOST_MAILS = 50  # over one connection: servers count
PORTS = {"smtp": 25, "smtps": 465}
SUBMISSION = 587  # where somebody signs in
AWAY = "The mail server does not answer."
OPERATOR = "Please tell whoever runs me."


class Mailer:
    """A mail server. `url` is smtp:// (STARTTLS where the server offers it) or smtps://, with user and password where it wants them."""

    def __init__(
        self, url: str, sender: str, *, cafile: str = "", seconds: float = SECONDS, idle: float = IDLE_SECONDS
    ) -> None:
        """`cafile`: certificates of authorities beside the system's. Raises SettingError for a URL or an address that is none."""
        try:
            self.sender = ascii_domain(sender)
        except CalendarRefused as error:
            raise SettingError("SMTP_FROM", "must be an e-mail address.", "See docs/settings.md.") from error
        self._cafile, self._seconds, self._kept_for = cafile, seconds, idle
        try:
            parsed = urlsplit(url)
            self._tls, self._host = parsed.scheme == "smtps", parsed.hostname or ""
            self._user, self._password = unquote(parsed.username or ""), unquote(parsed.password or "")
            usual = SUBMISSION if self._user and not self._tls else PORTS[parsed.scheme]
            self._port = parsed.port or usual
        except (ValueError, KeyError) as error:  # not quoted: it may hold the password
            raise SettingError(
                "SMTP_URL", "is not like smtp://user:password@host:587.", "See docs/settings.md."
            ) from error
        if not self._host:
            raise SettingError("SMTP_URL", "names no mail server.", "See docs/settings.md.")
        self._room = asyncio.Semaphore(MAILS_AT_ONCE)
        self._away_until = 0.0
        self._idle: list[_Connection] = []

    @property
    def address(self) -> str:
        """Where the server is."""
        return f"{self._host}:{self._port}"

    async def send(self, message: EmailMessage) -> None:
        """Hands a mail to the server. Raises Retryable (down, slow, 4xx) and CalendarRefused (5xx: the address does not exist, say)."""
        async with self._room:
            left = self._away_until - time.monotonic()
            if left > 0:
                raise Retryable("mail server was away a moment ago", after=left, said=AWAY)
            try:
                await self._send(message)
            except Retryable as error:
                if error.said == AWAY:
                    self._away_until = time.monotonic() + AWAY_SECONDS
                raise

    async def check(self) -> str:
        """A word for `assist check`: connects and signs in. Raises like `send`."""
        line = _Line()
        await self._aside(line, partial(self._check, line))
        return f"{self.address}, " + (f"signed in as {self._user}" if self._user else "without signing in")

    def close(self) -> None:
        """Closes the connections that wait for a mail."""
        self._close_idle(*self._idle)

    async def _send(self, message: EmailMessage) -> None:
        used, line = self._idle.pop() if self._idle else None, _Line()
        await self._aside(line, partial(self._converse, asyncio.get_running_loop(), line, used, message))

    async def _aside(self, line: _Line, talk: Callable[[], None]) -> None:
        # smtplib's timeout is for each word; the whole has one too, for a server that speaks slowly and for the name server.
        try:
            async with asyncio.timeout(4 * self._seconds):
                await asyncio.to_thread(talk)
        except TimeoutError as error:
            line.cut()
            raise Retryable("mail server: timeout", said=AWAY) from error
        except BaseException:
            line.cut()
            raise

    def _keep(self, line: _Line, connection: _Connection) -> None:
        """For the next mail, if it comes soon. No more are kept than are used at once."""
        if line.is_cut:  # in the very moment in which the mail was sent
            connection.smtp.close()
            return
        line.let_go()
        self._idle.append(connection)
        asyncio.get_running_loop().call_later(self._kept_for, self._close_idle, connection)

    def _close_idle(self, *connections: _Connection) -> None:
        for connection in connections:
            if connection in self._idle:  # it has had no other mail since
                self._idle.remove(connection)
                _leave(connection.smtp)

    # -- in a thread ---------------------------------------------------------------------------------------------------------

    def _converse(
        self, loop: asyncio.AbstractEventLoop, line: _Line, used: _Connection | None, message: EmailMessage
    ) -> None:
        """Sends over a connection that is still open, else over a new one. It is asked for first: a mail that goes wrong half-way may have been taken."""
        with _said():
            goes_on = used and _is_open(line.to(used.smtp))
            smtp, mails = (used.smtp, used.mails) if used and goes_on else (self._signed_in(line), 0)
            try:
                smtp.send_message(message, self.sender, [address.addr_spec for address in message["To"].addresses])
            except BaseException:
                _leave(smtp)
                raise
        if mails + 1 < MOST_MAILS:
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(self._keep, line, _Connection(smtp, mails + 1))
                return
        _leave(smtp)

    def _check(self, line: _Line) -> None:
        with _said():
            _leave(self._signed_in(line))

    def _signed_in(self, line: _Line) -> smtplib.SMTP:
        smtp = self._connected(line)
        try:
            self._sign_in(smtp)
        except BaseException:
            smtp.close()
            raise
        return smtp

    @cache  # noqa: B019  # there is one mail server; to read all authorities anew takes 20 ms
    def _trusted(self) -> ssl.SSLContext:
        """Whom to believe that they are the mail server."""
        tls = ssl.create_default_context()
        if self._cafile:
            tls.load_verify_locations(self._cafile)
        return tls

    def _connected(self, line: _Line) -> smtplib.SMTP:
        """A connection, with TLS where there is any. The name we greet with is the sender's: to ask for our own may take long."""
        name, tls = self.sender.rpartition("@")[2], self._trusted()
        if self._tls:
            return line.to(smtplib.SMTP_SSL(self._host, self._port, name, timeout=self._seconds, context=tls))
        smtp = line.to(smtplib.SMTP(self._host, self._port, name, timeout=self._seconds))
        try:
            smtp.ehlo_or_helo_if_needed()
            if smtp.has_extn("starttls"):
                smtp.starttls(context=tls)
                line.to(smtp)  # it is another one now; who cut meanwhile had neither
                smtp.ehlo_or_helo_if_needed()
            elif self._user and not _is_local(self._host):
                raise CalendarRefused(
                    f"The mail server offers no TLS, so I do not tell it my password. {OPERATOR}", "no TLS"
                )
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _sign_in(self, smtp: smtplib.SMTP) -> None:
        if not self._user:
            return
        try:
            smtp.login(self._user, self._password)
        except UnicodeError as error:  # smtplib takes ASCII alone
            raise CalendarRefused(
                f"My password for the mail server has letters that cannot be sent. {OPERATOR}", "password"
            ) from error


class _Line:
    """A connection that is cut when nobody waits for its end any more. Else the thread that talks would go on without us, hold up the process's end, and
    send what somebody else sends again.
    """

    def __init__(self) -> None:
        self._smtp: smtplib.SMTP | None = None
        self.is_cut = False

    def to(self, smtp: smtplib.SMTP) -> smtplib.SMTP:
        """Has what was connected cut in time, or at once."""
        self._smtp = smtp
        if self.is_cut:
            self.cut()
        return smtp

    def let_go(self) -> None:
        """Has nothing to cut any more: what was connected is another's from now on."""
        self._smtp = None

    def cut(self) -> None:
        """Wakes up the thread, if it still talks: the server is gone for it."""
        self.is_cut = True
        if self._smtp and (sock := self._smtp.sock):
            with suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)  # TLS's own would let words out that are not encrypted


@dataclass(frozen=True, slots=True, eq=False)
class _Connection:
    """One that is signed in, after so many mails."""

    smtp: smtplib.SMTP
    mails: int


def _is_open(smtp: smtplib.SMTP) -> bool:
    with suppress(smtplib.SMTPException, OSError):
        if smtp.noop()[0] == 250:
            return True
    smtp.close()
    return False


def _leave(smtp: smtplib.SMTP) -> None:
    """Says goodbye, and does not wait to hear it: the mails are the server's, and what goes wrong now would only send them twice."""
    with suppress(smtplib.SMTPException, OSError):
        smtp.putcmd("QUIT")
    smtp.close()


@contextmanager
def _said() -> Iterator[None]:
    """While the server is talked to: what went wrong, in words for people."""
    try:
        yield
    except (smtplib.SMTPException, OSError) as error:
        raise _word(error) from error


def ascii_domain(address: str) -> str:
    """An address as mail servers take it: the domain as IDNA. Raises CalendarRefused for what is no address. Pure."""
    name, _, domain = address.strip().rpartition("@")
    try:
        there = domain if domain.isascii() else domain.encode("idna").decode()
    except UnicodeError:
        there = ""
    encoded = (
        "=?" in address
    )  # the beginning of an encoded word (RFC 2047), which `email` would decode: line ends and all
    if (
        not name
        or not there
        or encoded
        or any(c.isspace() or not c.isprintable() or c in '<>,;:"()[]\\' for c in name + there)
    ):
        raise CalendarRefused("This is not an address that mail can be sent to. Please correct it.", "address")
    return f"{name}@{there}"


def _is_local(host: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def _word(error: smtplib.SMTPException | OSError) -> Exception:
    """What people and the log are told: the server's code, never its text, which may quote anything."""
    match error:
        case smtplib.SMTPRecipientsRefused():
            code = max(code for code, _ in error.recipients.values())
            text = "This address does not take mail. Please check it."
        case smtplib.SMTPAuthenticationError():
            code, text = error.smtp_code, f"The mail server does not let me in. {OPERATOR}"
        case smtplib.SMTPSenderRefused():
            code, text = error.smtp_code, f"The mail server does not let me send. {OPERATOR}"
        case smtplib.SMTPDataError():
            code, text = error.smtp_code, "The mail server did not take the mail."
        case smtplib.SMTPNotSupportedError():
            return CalendarRefused(f"The mail server cannot do what this mail needs. {OPERATOR}", "not supported")
        case ssl.SSLCertVerificationError():
            return Retryable(
                "mail server: certificate not trusted", said="The mail server's certificate is not trusted."
            )
        case _:  # down, slow, cut off, or not in the mood at the very beginning
            return Retryable(f"mail server: {type(error).__name__}", said=AWAY)
    if 400 <= code < 500:
        return Retryable(f"mail server: {code}", said="The mail server puts me off.")
    return CalendarRefused(text, f"SMTP {code}")
