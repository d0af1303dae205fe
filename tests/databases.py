"""The databases that tests run on: SQLite, and PostgreSQL where a server is at hand. Fixtures, which conftest.py offers to every test."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bot.database import default_url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return default_url(tmp_path / "made on demand")


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


@pytest.fixture
def postgresql_url(postgresql_server: str) -> Iterator[str]:
    name = f"assist_test_{secrets.token_hex(4)}"
    with psycopg.connect(postgresql_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        yield f"{postgresql_server.rsplit('/', 1)[0]}/{name}"
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture(params=["sqlite_url", "postgresql_url"])
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))
