"""A real mail server (aiosmtpd) on the test's own loop, with certificates of a throwaway authority, and faults on demand."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from ipaddress import ip_address
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "bot@corp.example", "p@ss:w/rd"


@dataclass
class MailServer:
    """What it was sent, and what it answers instead of taking it: by the SMTP command, an answer such as "550 no such user"."""

    port: int = 0
    sent: list[Envelope] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    silent: bool = False  # says nothing at all
    hangs_up: bool = False  # when it is told goodbye
    signed_in: list[str] = field(default_factory=list)
    over_tls: list[bool] = field(default_factory=list)
    greeted: int = 0
    most_at_once: int = 0
    at_once: int = 0
    delay: float = 0.0
    late: float = 0.0  # seconds after which it says that it has taken a mail

    open: set[SMTP] = field(default_factory=set)

    @property
    def connected(self) -> int:
        """How many connections it has just now."""
        return len([each for each in self.open if each.transport and not each.transport.is_closing()])

    def hang_up(self) -> None:
        """On everybody, without a word."""
        for each in self.open:
            if isinstance(each.transport, asyncio.Transport):
                each.transport.abort()

    @property
    def mails(self) -> list[EmailMessage]:
        """As the standard library reads them."""
        return [message_from_bytes(e.original_content or b"", policy=default) for e in self.sent]

    # -- aiosmtpd's hooks ---------------------------------------------------------------------------------------------------

    async def handle_EHLO(  # noqa: N802  # aiosmtpd's names
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.greeted += 1
        session.host_name = hostname
        return [self.answers["EHLO"]] if "EHLO" in self.answers else responses

    async def handle_MAIL(  # noqa: N802  # likewise
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if "MAIL" in self.answers:
            return self.answers["MAIL"]
        envelope.mail_from, envelope.mail_options = address, options
        return "250 OK"

    async def handle_RCPT(  # noqa: N802  # likewise
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        refused = self.answers.get(f"RCPT {address}", self.answers.get("RCPT"))
        if refused:
            return refused
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  # likewise
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(self.delay)
        self.at_once -= 1
        if "DATA" in self.answers:
            return self.answers["DATA"]
        self.sent.append(envelope)
        assert server.transport
        self.over_tls.append(bool(session.ssl or server.transport.get_extra_info("sslcontext")))
        await asyncio.sleep(self.late)
        return "250 OK"

    async def handle_NOOP(self, _server: SMTP, _session: Session, _envelope: Envelope, _arg: str) -> str:  # noqa: N802  # likewise
        return self.answers.get("NOOP", "250 OK")

    async def handle_QUIT(self, server: SMTP, _session: Session, _envelope: Envelope) -> str:  # noqa: N802  # likewise
        if self.hangs_up:
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return "221 Bye"

    def sign_in(self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any) -> AuthResult:
        if "AUTH" in self.answers:
            return AuthResult(success=False, handled=False, message=self.answers["AUTH"])
        assert isinstance(data, LoginPassword)
        self.signed_in.append(data.login.decode())
        return AuthResult(success=(data.login.decode(), data.password.decode()) == (USER, PASSWORD), handled=False)


@dataclass(frozen=True)
class Certificates:
    """An authority that nobody knows, and what it gave to localhost."""

    authority: str  # a file
    server: ssl.SSLContext


def make_certificates(folder: Path) -> Certificates:
    """New ones, for an hour."""
    now, key = datetime.now(UTC), ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Throwaway authority")])

    def signed(subject: x509.Name, of: ec.EllipticCurvePrivateKey, *, authority: bool) -> x509.Certificate:
        made = x509.CertificateBuilder(
            issuer_name=name,
            subject_name=subject,
            public_key=of.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=now - timedelta(hours=1),
            not_valid_after=now + timedelta(hours=1),
        ).add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        if not authority:
            names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
            made = made.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return made.sign(key, hashes.SHA256())

    def pem(certificate: x509.Certificate) -> bytes:
        return certificate.public_bytes(serialization.Encoding.PEM)

    servers_key = ec.generate_private_key(ec.SECP256R1())
    authority, server = folder / "authority.pem", folder / "server.pem"
    authority.write_bytes(pem(signed(name, key, authority=True)))
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    server.write_bytes(pem(signed(subject, servers_key, authority=False)) + servers_key.private_bytes(*form))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server)
    return Certificates(str(authority), context)


@asynccontextmanager
async def mail_server(
    starttls: ssl.SSLContext | None = None, tls: ssl.SSLContext | None = None, *, auth: bool = False, utf8: bool = True
) -> AsyncIterator[MailServer]:
    """A server that runs. `starttls`: offers it; `tls`: speaks nothing else; `auth`: takes mail only of who has signed in."""
    mails, loop = MailServer(), asyncio.get_running_loop()
    # The hooks alone: aiosmtpd looks at everything in what it is given, for each connection, and would read all mails anew.
    hooks = SimpleNamespace(**{name: getattr(mails, name) for name in dir(MailServer) if name.startswith("handle_")})

    def serve() -> asyncio.Protocol:
        if mails.silent:
            return asyncio.Protocol()
        with warnings.catch_warnings(action="ignore"):  # it warns of passwords without TLS, which are to be tried here
            made = SMTP(
                hooks, loop=loop, hostname="mail.test", tls_context=starttls, enable_SMTPUTF8=utf8,
                auth_required=auth, auth_require_tls=False, authenticator=mails.sign_in,
            )  # fmt: skip
        mails.open.add(made)
        return made

    server = await loop.create_server(serve, "127.0.0.1", 0, ssl=tls)
    mails.port = server.sockets[0].getsockname()[1]
    try:
        yield mails
    finally:
        server.close()
        await asyncio.sleep(0)
