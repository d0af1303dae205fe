"""What the stand-ins for calendars in the cloud share: they refuse whatever their published description lacks, and fail on demand.

The API is served over http, tokens over https with a certificate of a throwaway authority, each from its own port.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import json
import re
import ssl
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

ORDINARY = frozenset({"host", "user-agent", "accept", "accept-encoding", "connection", "content-length"})


@dataclass(frozen=True)
class Maybe:
    """A shape, or null."""

    shape: Any


class Refused(Exception):
    """What the description lacks, or what the server says no to."""

    def __init__(self, status: int, code: str, text: str = "") -> None:
        super().__init__(f"{status} {code} {text}")
        self.status, self.code, self.text = status, code, text


class Undescribed(Refused):
    """The client sent what no description has: a mistake, whatever the client makes of the answer."""

    def __init__(self, text: str) -> None:
        super().__init__(400, "undescribed", text)


@dataclass
class Fault:
    """The next request that `on` matches ("POST /freeBusy") fails: with a status, or after `wait` seconds, or it is done and its answer lost, or never ends."""

    on: str
    status: int = 0
    code: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    wait: float = 0.0
    lost: bool = False
    page: str = ""
    endless: bool = False
    times: int = 1


def check(shape: Any, value: Any, where: str = "body") -> None:
    """Holds a value against a shape: a type, a pattern, a set of words, [each], {name: shape}, {...: shape of any name}."""
    if isinstance(shape, Maybe):
        if value is not None:
            check(shape.shape, value, where)
    elif isinstance(shape, dict):
        if not isinstance(value, dict):
            raise Undescribed(f"{where} is no object")
        for name, inner in value.items():
            if name not in shape and ... not in shape:
                raise Undescribed(f"{where}.{name} is not described")
            check(shape.get(name, shape.get(...)), inner, f"{where}.{name}")
    elif isinstance(shape, list):
        if not isinstance(value, list):
            raise Undescribed(f"{where} is no array")
        for at, inner in enumerate(value):
            check(shape[0], inner, f"{where}[{at}]")
    elif isinstance(shape, re.Pattern):
        if not isinstance(value, str) or not shape.fullmatch(value):
            raise Undescribed(f"{where} has the wrong form")
    elif isinstance(shape, frozenset):
        if value not in shape:
            raise Undescribed(f"{where} is none of {sorted(shape)}")
    elif type(value) is not shape:
        raise Undescribed(f"{where} is no {shape.__name__}")


def parts(request: web.Request) -> list[str]:
    """The parts of a path, each decoded by itself: an id may have a slash in it."""
    return [unquote(part) for part in request.rel_url.raw_path.split("/")[1:]]


def merge(old: dict[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """PATCH: objects are merged, arrays replaced, null takes away."""
    new = dict(old)
    for name, value in change.items():
        if value is None:
            new.pop(name, None)
        elif isinstance(value, dict) and isinstance(new.get(name), dict):
            new[name] = merge(new[name], value)
        else:
            new[name] = value
    return new


class StrictServer:
    """A server of which a subclass handles `api` and `login` requests."""

    api_headers: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self.asked: list[str] = []  # "POST /freeBusy", of the API
        self.tokens_asked = 0
        self.sent = 0  # bytes of an answer that never ends
        self.undescribed: list[str] = []
        self.faults: list[Fault] = []
        self.api_url = self.login_url = ""
        self._stack = AsyncExitStack()

    async def api(self, request: web.Request, body: Any) -> web.StreamResponse:
        raise NotImplementedError

    async def login(self, request: web.Request, form: Mapping[str, str]) -> web.StreamResponse:
        raise NotImplementedError

    def error(self, status: int, code: str, text: str) -> dict[str, Any]:
        raise NotImplementedError

    def fail(self, on: str, **how: Any) -> None:
        self.faults.append(Fault(on, **how))

    async def start(self, tls: ssl.SSLContext) -> Self:
        self.api_url = f"http://127.0.0.1:{await self._serve(self._api)}"
        self.login_url = f"https://127.0.0.1:{await self._serve(self._login, tls)}"
        return self

    async def _serve(self, handler: Any, tls: ssl.SSLContext | None = None) -> int:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handler)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        return int(runner.addresses[0][1])

    async def stop(self) -> None:
        await self._stack.aclose()

    async def _api(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(f"{request.method} {request.path}")
        return await self._faulty(request, self._described)

    async def _login(self, request: web.Request) -> web.StreamResponse:
        form = {k: str(v) for k, v in (await request.post()).items()}
        self.tokens_asked += request.method == "POST"

        async def answer(request: web.Request) -> web.StreamResponse:
            return await self.login(request, form)

        return await self._faulty(request, answer)

    async def _faulty(self, request: web.Request, answer: Any) -> web.StreamResponse:
        name = f"{request.method} {request.path}"
        fault = next((f for f in self.faults if re.search(f.on, name)), None)
        if fault:
            fault.times -= 1
            if not fault.times:
                self.faults.remove(fault)
            await asyncio.sleep(fault.wait)
            if fault.endless:
                return await self._endless(request)
            if fault.status:
                text = fault.page or json.dumps(self.error(fault.status, fault.code, "said so"))
                return web.Response(status=fault.status, headers=fault.headers, text=text)
        try:
            got: web.StreamResponse = await answer(request)
        except Refused as refused:
            if isinstance(refused, Undescribed):
                self.undescribed.append(f"{name}: {refused.text}")
            got = web.json_response(self.error(refused.status, refused.code, refused.text), status=refused.status)
        if fault and fault.lost and request.transport:
            request.transport.close()
        return got

    async def _endless(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        with suppress(ConnectionError):
            while True:
                await response.write(b" " * 65_536)
                self.sent += 65_536
                await asyncio.sleep(0)  # so that it is noticed that nobody reads any more
        return response

    async def _described(self, request: web.Request) -> web.StreamResponse:
        sent = {name.lower() for name in request.headers} - ORDINARY
        if odd := sent - self.api_headers - {"authorization", "content-type"}:
            raise Undescribed(f"header {sorted(odd)}")
        body = None
        if request.method in ("POST", "PATCH", "PUT"):
            if request.content_type != "application/json":
                raise Undescribed("a body is application/json")
            body = await request.json()
        elif await request.read():
            raise Undescribed("no body is described")
        return await self.api(request, body)


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's TLS for 127.0.0.1, and the file of the authority that has signed it."""
    now = dt.datetime.now(dt.UTC)
    authority_key, key = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Throwaway CA")])

    def built(subject: x509.Name, public: rsa.RSAPublicKey, *, ca: bool) -> x509.Certificate:
        builder = x509.CertificateBuilder(issuer, subject, public, x509.random_serial_number())
        builder = builder.not_valid_before(now - dt.timedelta(hours=1)).not_valid_after(now + dt.timedelta(days=1))
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        name = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        who = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        builder = builder.add_extension(who, critical=False)
        if not ca:
            builder = builder.add_extension(name, critical=False)
        return builder.sign(authority_key, hashes.SHA256())

    authority = built(issuer, authority_key.public_key(), ca=True)
    own = built(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")]), key.public_key(), ca=False)
    pem = serialization.Encoding.PEM
    (folder / "ca.pem").write_bytes(authority.public_bytes(pem))
    (folder / "server.pem").write_bytes(own.public_bytes(pem) + private_pem(key))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder / "server.pem")
    return tls, folder / "ca.pem"


def private_pem(key: rsa.RSAPrivateKey) -> bytes:
    """A private key as PEM, without a password."""
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
