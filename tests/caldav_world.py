"""A real Radicale in its own process, people with calendars on it, and a front before it that is slow, cut or refuses where a test says so."""

from __future__ import annotations

import asyncio
import base64
import re
import shutil
import socket
import subprocess
import sys
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import quote

import aiohttp
import pytest
from aiohttp import web

from bot.meetings.calendars.caldav import CalDavCalendar

ASSISTANT, PASSWORD = "assistant", "pass-ward-of-ours"
RIGHTS = f"""
[assistant]
user: {ASSISTANT}
collection: .*
permissions: RrWw

[own]
user: .+
collection: {{user}}(/.*)?
permissions: RrWw
"""
KEPT = ("content-type", "etag", "dav", "www-authenticate")  # of an answer's headers


@dataclass(frozen=True, slots=True)
class Radicale:
    """One server for a test process; each test empties it."""

    url: str  # without a slash at the end
    storage: Path
    log: Path

    def empty(self) -> None:
        """Nobody has a calendar."""
        shutil.rmtree(self.storage / "collection-root", ignore_errors=True)


@contextmanager
def radicale(folder: Path) -> Iterator[Radicale]:
    """Starts it with a password file: the assistant has its password, everybody else their own name."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    users = [
        "ana",
        "raj",
        "kim",
        "dana",
        "zoë",
        *(f"p{n}" for n in range(50)),
        *(f"p{n}@example.com" for n in range(3)),
    ]
    folder.joinpath("users").write_text(f"{ASSISTANT}:{PASSWORD}\n" + "".join(f"{u}:{u}\n" for u in users))
    folder.joinpath("rights").write_text(RIGHTS)
    folder.joinpath("config").write_text(
        f"[server]\nhosts = 127.0.0.1:{port}\n[auth]\ntype = htpasswd\nhtpasswd_filename = {folder}/users\n"
        f"htpasswd_encryption = plain\ndelay = 0\n[rights]\ntype = from_file\nfile = {folder}/rights\n"
        f"[storage]\nfilesystem_folder = {folder}/storage\n[web]\ntype = none\n"
    )
    with (folder / "log").open("wb") as log:
        command = [sys.executable, "-m", "radicale", "--config", str(folder / "config")]
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            _await_port(port, process)
            yield Radicale(f"http://127.0.0.1:{port}", folder / "storage", folder / "log")
        finally:
            process.terminate()
            process.wait(10)


def _await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("Radicale did not start")


@dataclass(slots=True)
class Fault:
    """What happens to the next `times` requests of a method whose path holds `path`.

    "endless": an answer that goes on for as long as it is read; "packed": a hundred megabytes that come as a hundred kilobytes.

    `how`: a status; "cut": the server never gets it; "drop": it does, but its answer is lost; "slow": as late as `seconds`; "meanwhile":
    `meanwhile` is done before its answer comes; or an answer's text.
    """

    method: str
    path: str
    how: int | str
    times: int = 1_000
    seconds: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)
    meanwhile: Callable[[], Awaitable[None]] | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What came to the front."""

    method: str
    path: str
    headers: dict[str, str]
    body: str


class Front:
    """A reverse proxy before Radicale."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self.faults: list[Fault] = []
        self.seen: list[Request] = []
        self.add: dict[str, str] = {}  # headers that each answer gets, instead of Radicale's
        self.url = ""
        self.sent, self.hung_up = 0, asyncio.Event()  # bytes of what never ends, until its reader had enough

    def asked(self, method: str) -> list[Request]:
        """Requests of a method."""
        return [r for r in self.seen if r.method == method]

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Front]:
        """Until the end of the block."""
        app = web.Application(client_max_size=10_000_000)
        app.router.add_route("*", "/{rest:.*}", self._pass)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with aiohttp.ClientSession() as self._session:
            yield self
            await runner.cleanup()

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.seen.append(Request(request.method, request.path, dict(request.headers), body.decode()))
        fault = next((f for f in self.faults if f.times and self._fits(f, request)), None)
        if fault:
            fault.times -= 1
            if isinstance(fault.how, int):
                return web.Response(status=fault.how, headers=fault.headers, text="a secret of the server")
            if fault.how == "slow":
                await asyncio.sleep(fault.seconds)
            elif fault.how == "cut":
                _cut(request)
            elif fault.how == "endless":
                return await self._endless(request)
            elif fault.how == "packed":
                return web.Response(status=207, body=_packed(), headers={"Content-Encoding": "gzip"})
            elif fault.how not in ("drop", "meanwhile"):
                return web.Response(status=207, text=fault.how, content_type="application/xml")
        headers = {k: v for k, v in request.headers.items() if k not in ("Host", "Content-Length", "Accept-Encoding")}
        url = self._upstream + request.raw_path
        async with self._session.request(request.method, url, data=body, headers=headers) as answer:
            data = await answer.read()
            if fault and fault.how == "drop":
                _cut(request)
            if fault and fault.meanwhile:
                await fault.meanwhile()
            given = {name.lower() for name in self.add}
            kept = {k: v for k, v in answer.headers.items() if k.lower() in KEPT and k.lower() not in given}
            return web.Response(status=answer.status, body=data, headers={**kept, **self.add})

    async def _endless(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=207, headers={"Content-Type": "application/xml"})
        await response.prepare(request)
        with suppress(ConnectionError):
            while True:
                await response.write(b" " * 65_536)
                self.sent += 65_536
                await asyncio.sleep(0)  # so that it is noticed that nobody reads any more
        self.hung_up.set()
        return response

    @staticmethod
    def _fits(fault: Fault, request: web.Request) -> bool:
        return request.method == fault.method and fault.path in request.path


@cache
def _packed() -> bytes:
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(squeeze.compress(bytes(1_000_000)) for _ in range(100)) + squeeze.flush()


def _cut(request: web.Request) -> None:
    assert request.transport
    request.transport.abort()
    raise web.HTTPBadGateway


def signed(user: str) -> dict[str, str]:
    """Everybody's password is their name."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{user}".encode()).decode()}


class People:
    """The people at Radicale, each with their own password, as their calendar apps do it."""

    def __init__(self, server: Radicale) -> None:
        self._server = server

    async def open(self, *users: str) -> None:
        """Each has a calendar named `calendar`."""
        for user in users:
            assert await self._ask(user, "MKCALENDAR", "") == 201

    async def put(self, user: str, uid: str, text: str) -> None:
        """Their app stores an event: lines within VCALENDAR."""
        whole = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//an app\n{text.strip()}\nEND:VCALENDAR\n".replace("\n", "\r\n")
        assert await self._ask(user, "PUT", f"{uid}.ics", whole) in (201, 204)

    async def add(self, user: str, uid: str, lines: str) -> None:
        """One event with these lines."""
        stamp = "DTSTAMP:20260101T000000Z"
        await self.put(user, uid, f"BEGIN:VEVENT\nUID:{uid}\n{stamp}\n{lines.strip()}\nEND:VEVENT")

    async def has(self, user: str, uid: str) -> str | None:
        """The text of an event, with its lines unfolded; None for none."""
        url, headers = self._url(user, f"{uid}.ics"), signed(user)
        async with aiohttp.ClientSession(headers=headers) as session, session.get(url) as answer:
            return re.sub(r"\r\n[ \t]", "", await answer.text()) if answer.status == 200 else None

    async def delete(self, user: str, uid: str) -> None:
        """Their app deletes it."""
        assert await self._ask(user, "DELETE", f"{uid}.ics") == 200

    async def change(self, user: str, uid: str, old: str, new: str) -> None:
        """Their app changes a part of the text."""
        text = await self.has(user, uid)
        assert text
        assert old in text
        assert await self._ask(user, "PUT", f"{uid}.ics", text.replace(old, new)) in (201, 204)

    def count(self, user: str) -> int:
        """How many events their calendar holds."""
        return len(list((self._server.storage / "collection-root" / user / "calendar").glob("*.ics")))

    def _url(self, user: str, name: str) -> str:
        return f"{self._server.url}/{quote(user)}/calendar/{quote(name)}"

    async def _ask(self, user: str, method: str, name: str, body: str = "") -> int:
        url, data, headers = self._url(user, name), body.encode(), signed(user)
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.request(method, url, data=data) as answer,
        ):
            return answer.status


@pytest.fixture(scope="session")
def radicale_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Radicale]:
    """One Radicale a test process."""
    with radicale(tmp_path_factory.mktemp("radicale")) as server:
        yield server


@pytest.fixture
def people(radicale_server: Radicale) -> People:
    """Nobody has a calendar yet."""
    radicale_server.empty()
    return People(radicale_server)


@pytest.fixture
async def front(radicale_server: Radicale) -> AsyncIterator[Front]:
    """Before Radicale."""
    async with Front(radicale_server.url).serving() as front:
        yield front


@pytest.fixture
async def calendar(front: Front) -> AsyncIterator[CalDavCalendar]:
    """With patience: the machine may be busy."""
    calendar = CalDavCalendar(f"{front.url}/{{user}}/calendar/", ASSISTANT, PASSWORD, seconds=30)
    yield calendar
    await calendar.close()


@pytest.fixture
async def hasty(front: Front) -> AsyncIterator[CalDavCalendar]:
    """With less, for servers that are slow."""
    calendar = CalDavCalendar(f"{front.url}/{{user}}/calendar/", ASSISTANT, PASSWORD, seconds=1)
    yield calendar
    await calendar.close()
