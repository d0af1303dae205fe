"""The databases that tests run on: SQLite, and PostgreSQL where a server is at hand. Fixtures, which conftest.py offers to every test."""

from __future__ import annotations

import asyncio
import functools
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bot.database import default_url, open_database


def with_tables(folder: Path) -> str:
    """An SQLite database under a folder. Its tables are there already: a copy takes a tenth of the time that the migrations take."""
    folder.mkdir(exist_ok=True)
    (folder / "assist.db").write_bytes(_tables())
    return default_url(folder)


@functools.cache
def _tables() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        _migrate(default_url(Path(folder)))
        return Path(folder, "assist.db").read_bytes()


def _migrate(url: str) -> None:
    """In a thread, for the test that asks first may have a loop running."""

    async def opened() -> None:
        async with open_database(url):
            pass

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, opened()).result()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return with_tables(tmp_path / "sqlite")


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """TEST_DATABASE_URL, else a server of our own where PostgreSQL is installed."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield given
        return
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))  # Debian's are not on the PATH
    bins = [Path(path).parent for path in (*installed, shutil.which("initdb")) if path]
    if not bins:
        pytest.skip("no PostgreSQL: set TEST_DATABASE_URL or install one")
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        owner: dict[str, Any] = {}
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            owner = {"user": "postgres", "cwd": folder}
            shutil.chown(folder, "postgres")
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        data, initdb, postgres = f"{folder}/data", str(bins[-1] / "initdb"), str(bins[-1] / "postgres")
        quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run([initdb, "-N", "-A", "trust", "-U", "assist", "-D", data], check=True, **quiet, **owner)
        options = ["-p", str(port), "-h", "127.0.0.1", "-k", folder, "-c", "fsync=off"]
        with subprocess.Popen([postgres, "-D", data, *options], **quiet, **owner) as server:
            url = f"postgresql://assist@127.0.0.1:{port}/postgres"
            for _ in range(100):
                try:
                    psycopg.connect(url).close()
                    break
                except psycopg.OperationalError:
                    time.sleep(0.1)
            yield url
            server.terminate()


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: str) -> Iterator[str]:
    """The name of a database whose tables are in place."""
    with _postgresql_database(postgresql_server, "template1") as url:
        _migrate(url)
        yield url.rsplit("/", 1)[1]


@pytest.fixture
def postgresql_url(postgresql_server: str, postgresql_template: str) -> Iterator[str]:
    with _postgresql_database(postgresql_server, postgresql_template) as url:
        yield url


@contextmanager
def _postgresql_database(server: str, template: str) -> Iterator[str]:
    name = f"assist_test_{secrets.token_hex(4)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        yield f"{server.rsplit('/', 1)[0]}/{name}"
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture(params=["sqlite_url", "postgresql_url"])
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))
