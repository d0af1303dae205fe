"""Sends mail over SMTP (RFC 5321): one connection for each mail, in a thread, with timeouts."""

from __future__ import annotations

import asyncio
import ipaddress
import smtplib
import socket
import ssl
import time
from contextlib import suppress
from email.message import EmailMessage
from functools import cache
from urllib.parse import unquote, urlsplit

from bot.delivery.delivery import MAILS_AT_ONCE
from bot.errors import CalendarRefused, Retryable, SettingError

SECONDS = 10.0  # for each word of the server
AWAY_SECONDS = (
    5.0  # for which a server that did not answer is not asked again: 200 attendees would each wait for the same silence
)
PORTS = {"smtp": 25, "smtps": 465}
SUBMISSION = 587  # where somebody signs in
AWAY = "The mail server does not answer."
OPERATOR = "Please tell whoever runs me."


class Mailer:
    """A mail server. `url` is smtp:// (STARTTLS where the server offers it) or smtps://, with user and password where it wants them."""

    def __init__(self, url: str, sender: str, *, cafile: str = "", seconds: float = SECONDS) -> None:
        """`cafile`: certificates of authorities beside the system's. Raises SettingError for a URL or an address that is none."""
        try:
            self.sender = ascii_domain(sender)
        except CalendarRefused as error:
            raise SettingError("SMTP_FROM", "must be an e-mail address.", "See docs/settings.md.") from error
        self._cafile, self._seconds = cafile, seconds
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
                await self._talk(message)
            except Retryable as error:
                if error.said == AWAY:
                    self._away_until = time.monotonic() + AWAY_SECONDS
                raise

    async def check(self) -> str:
        """A word for `assist check`: connects and signs in. Raises like `send`."""
        await self._talk(None)
        return f"{self.address}, " + (f"signed in as {self._user}" if self._user else "without signing in")

    async def _talk(self, message: EmailMessage | None) -> None:
        line = _Line()
        # smtplib's timeout is for each word; the whole has one too, for a server that speaks slowly and for the name server.
        try:
            async with asyncio.timeout(4 * self._seconds):
                await asyncio.to_thread(self._converse, message, line)
        except TimeoutError as error:
            raise Retryable("mail server: timeout", said=AWAY) from error
        finally:
            line.cut()

    def _converse(self, message: EmailMessage | None, line: _Line) -> None:
        try:
            smtp = self._connected(line)
            try:
                self._sign_in(smtp)
                if message:
                    to = [address.addr_spec for address in message["To"].addresses]
                    smtp.send_message(message, self.sender, to)
                # The mail is the server's: what goes wrong after that would only send it twice.
                with suppress(smtplib.SMTPException, OSError):
                    smtp.quit()
            finally:
                smtp.close()
        except (smtplib.SMTPException, OSError) as error:
            raise _word(error) from error

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
        self._is_cut = False

    def to(self, smtp: smtplib.SMTP) -> smtplib.SMTP:
        """Has what was connected cut in time, or at once."""
        self._smtp = smtp
        if self._is_cut:
            self.cut()
        return smtp

    def cut(self) -> None:
        """Wakes up the thread, if it still talks: the server is gone for it."""
        self._is_cut = True
        if self._smtp and (sock := self._smtp.sock):
            with suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)  # TLS's own would let words out that are not encrypted


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
