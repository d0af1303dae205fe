"""The database: SQLite beside the bot, or PostgreSQL where there is more than one machine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.errors import Retryable, SettingError

MIGRATIONS = Path(__file__).parent / "migrations"
LOCKED_SECONDS = 30.0  # how long a start waits for SQLite
MIGRATION_LOCK = 0x0A55_1575  # names our advisory lock on PostgreSQL; any number that nothing else there uses
DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+psycopg",  # what hosting providers hand out
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
WHERE = "Use postgresql://user:password@host/name or sqlite:///path, or leave it unset for SQLite under DATA_DIR."


@dataclass(frozen=True)
class Database:
    """An open database with its tables in place. One that is away, or has just moved to another machine, is Retryable, like Slack and OpenAI."""

    engine: AsyncEngine

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that may write; committed at the end, rolled back at an error. On SQLite one at a time: keep it short."""
        with _retryable():
            async with self.engine.begin() as connection:
                yield connection

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that only reads: on SQLite it waits for no writer."""
        with _retryable():
            async with self.engine.connect() as connection:
                yield await connection.execution_options(only_reads=True)


@contextmanager
def _retryable() -> Iterator[None]:
    try:
        yield
    except (
        OperationalError,
        PoolTimeout,
    ) as error:  # the second: whoever has the connections waits for a database that is locked
        raise Retryable("database away", said="My database did not answer.") from error


def default_url(data_dir: Path) -> str:
    """The URL used when DATABASE_URL is unset."""
    return URL.create("sqlite+aiosqlite", database=str(data_dir / "assist.db")).render_as_string()


@asynccontextmanager
async def open_database(url: str) -> AsyncIterator[Database]:
    """Opens the database and brings its tables up to date. Raises SettingError when the URL is wrong or nothing answers there."""
    engine = make_engine(url)
    try:
        try:
            await _patiently(engine)
        except DBAPIError as error:
            shown = engine.url.render_as_string(hide_password=True)
            raise SettingError(
                "DATABASE_URL", f"cannot be used ({shown}): {str(error.orig).splitlines()[0].rstrip('.?')}.", WHERE
            ) from error
        yield Database(engine)
    finally:
        await engine.dispose()


def make_engine(url: str) -> AsyncEngine:
    """An engine that has not connected yet. Raises SettingError for a URL that is not SQLite's or PostgreSQL's."""
    try:
        parsed = make_url(url)
        parsed = parsed.set(drivername=DRIVERS[parsed.drivername])
    except (ArgumentError, KeyError, ValueError) as error:
        # The error is not quoted: it may hold the password.
        raise SettingError("DATABASE_URL", "is not a URL of SQLite or PostgreSQL.", WHERE) from error
    # Errors go to the log, where no note or argument belongs: their parameters are hidden.
    pool = {"pool_pre_ping": True, "pool_size": 10, "max_overflow": 0, "pool_timeout": 30, "hide_parameters": True}
    if parsed.get_backend_name() == "postgresql":
        return create_async_engine(parsed, connect_args=_postgresql_limits(parsed), **pool)
    if parsed.database in (None, "", ":memory:"):
        raise SettingError("DATABASE_URL", "must name a file: the journal has to outlive the process.", WHERE)
    try:
        Path(str(parsed.database)).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingError("DATABASE_URL", f"names a folder that cannot be made: {error}.", WHERE) from error
    engine = create_async_engine(parsed, **pool)
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _postgresql_limits(url: URL) -> dict[str, Any]:
    """No wait without an end: connecting, a dead network, a statement. What the URL itself says goes first."""
    limits = {"connect_timeout": 5, "tcp_user_timeout": 15_000, "options": "-c statement_timeout=15000"}
    return {name: limit for name, limit in limits.items() if name not in url.query}


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver's own BEGIN comes late and deferred; _begin_sqlite's comes first
    cursor = connection.cursor()
    # The time-out comes first: the switch to WAL waits too. FULL: what the journal holds survives a power cut.
    for pragma in ("busy_timeout=10000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes then would fail at once, whatever the time-out, if another wrote in between.
    only_reads = connection.get_execution_options().get("only_reads")
    connection.exec_driver_sql("BEGIN" if only_reads else "BEGIN IMMEDIATE")


async def _patiently(engine: AsyncEngine) -> None:
    """SQLite answers "locked" at once, whatever the time-out, while another process recovers what a killed one left."""
    give_up = time.monotonic() + LOCKED_SECONDS
    while True:
        try:
            return await migrate(engine)
        except OperationalError as error:
            if "database is locked" not in str(error.orig) or time.monotonic() > give_up:
                raise
            await asyncio.sleep(0.5)


async def migrate(engine: AsyncEngine) -> None:
    """Brings the tables up to date, all or nothing. Processes that start together wait for the first one, then find nothing to do."""
    async with engine.begin() as connection:  # SQLite: BEGIN IMMEDIATE is the lock
        if engine.dialect.name == "postgresql":
            await connection.execute(text("SET LOCAL statement_timeout = '10min'"))
            await connection.execute(text(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
        await connection.run_sync(_upgrade)


def _upgrade(connection: Connection) -> None:
    if _is_up_to_date(connection):
        return
    from alembic import command  # only now: it takes a tenth of a start's time
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise SettingError(
            "DATABASE_URL", f"names a database that a newer version has changed ({error}).", "Run that version."
        ) from error


def _is_up_to_date(connection: Connection) -> bool:
    """Files of migrations begin with their numbers, which are their names in the database."""
    if not inspect(connection).has_table("alembic_version"):
        return False
    newest = max(path.name for path in (MIGRATIONS / "versions").glob("*.py")).partition("_")[0]
    return connection.scalars(text("SELECT version_num FROM alembic_version")).all() == [newest]
