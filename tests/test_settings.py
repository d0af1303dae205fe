"""Settings: what is wrong is named before anything starts."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

import bot
import handlers
from bot.errors import SettingError
from bot.settings import Settings, read_settings


def test_without_anything_set_the_defaults_of_the_contract_hold() -> None:
    settings = read_settings({}, None)
    assert settings == Settings()
    assert (settings.slack_api_url, settings.openai_model) == ("https://slack.com/api/", "gpt-6.2-sol")
    assert (settings.openai_small_model, settings.port, settings.worker_port) == ("gpt-6-luna", 3000, 0)
    assert settings.data_dir == Path("data")


FULL = {
    "SLACK_BOT_TOKEN": ("xoxb-1", "xoxb-1"),
    "SLACK_APP_TOKEN": ("xapp-1", "xapp-1"),
    "SLACK_SIGNING_SECRET": ("s3cret", "s3cret"),
    "SLACK_API_URL": ("http://127.0.0.1:1/api", "http://127.0.0.1:1/api/"),
    "OPENAI_API_KEY": (" sk-1 ", "sk-1"),
    "OPENAI_BASE_URL": ("http://127.0.0.1:2/v1", "http://127.0.0.1:2/v1"),
    "OPENAI_MODEL": ("m", "m"),
    "OPENAI_SMALL_MODEL": ("s", "s"),
    "OPENAI_FALLBACK_MODEL": ("f", "f"),
    "OPENAI_VECTOR_STORE_ID": ("vs_1", "vs_1"),
    "OPENAI_TRANSCRIBE_MODEL": ("t", "t"),
    "OPENAI_STALL_SECONDS": ("1.5", 1.5),
    "OPENAI_BACKGROUND": ("on", True),
    "FILES_MEGABYTES": ("5", 5),
    "FILES_KEEP_DAYS": ("30", 30),
    "FILES_LEFT_HOURS": ("0", 0),
    "EXPENSES_CURRENCY": ("usd", "USD"),
    "EXPENSES_POLICY": ("policy.toml", "policy.toml"),
    "EXPENSES_RATES": ("none", "none"),
    "EXPENSES_APPROVER": ("U012AB3CD", "U012AB3CD"),
    "EXPENSES_MANAGER_FIELD": ("Boss", "Boss"),
    "EXPENSES_REMIND_DAYS": ("0", 0),
    "EXPENSES_FINANCE": ("U1, W2", "U1,W2"),
    "CALENDAR": ("CalDAV", "caldav"),
    "CALDAV_URL": ("https://dav.example.com/{user}/calendar/", "https://dav.example.com/{user}/calendar/"),
    "CALDAV_USER": ("assistant", "assistant"),
    "CALDAV_PASSWORD": ("dav-secret", "dav-secret"),
    "GOOGLE_CREDENTIALS": ("key.json", "key.json"),
    "GOOGLE_CALENDAR_URL": ("http://localhost:1/calendar/v3/", "http://localhost:1/calendar/v3"),
    "MICROSOFT_TENANT": ("contoso.example", "contoso.example"),
    "MICROSOFT_CLIENT_ID": ("app-1", "app-1"),
    "MICROSOFT_CLIENT_SECRET": ("ms-secret", "ms-secret"),
    "MICROSOFT_LOGIN_URL": ("https://login.microsoftonline.us/", "https://login.microsoftonline.us"),
    "MICROSOFT_GRAPH_URL": ("http://localhost:1/v1.0/", "http://localhost:1/v1.0"),
    "SMTP_URL": ("smtp://mail.example.com", "smtp://mail.example.com"),
    "SMTP_FROM": ("meet@example.com", "meet@example.com"),
    "MEETINGS_HOURS": ("Mon-Thu 08:00-16:00", "Mon-Thu 08:00-16:00"),
    "MEETINGS_NOTICE_MINUTES": ("30", 30),
    "MEETINGS_BUFFER_MINUTES": ("10", 10),
    "MEETINGS_REMIND_MINUTES": ("0", 0),
    "MEETINGS_ROOMS": ("Aquarium=aquarium@rooms.example.com", "Aquarium=aquarium@rooms.example.com"),
    "MEETINGS_LINK": ("https://meet.example.com/{id}", "https://meet.example.com/{id}"),
    "CONVERSATION_TOKENS": ("1000", 1000),
    "CONVERSATION_TURNS": ("5", 5),
    "REDIS_URL": ("rediss://:p@h:1/0", "rediss://:p@h:1/0"),
    "REDIS_WAIT_REPLICAS": ("2", 2),
    "DATABASE_URL": ("sqlite:///x", "sqlite:///x"),
    "DATA_DIR": ("/tmp/x", Path("/tmp/x")),
    "HOST": ("127.0.0.1", "127.0.0.1"),
    "PORT": ("0", 0),
    "WORKER_PORT": ("65535", 65535),
    "WORKER_TURNS": ("3", 3),
    "SLACK_PACE": ("OFF", False),
    "STREAMING": ("Native", "native"),
    "LOG_LEVEL": ("debug", "DEBUG"),
    "LOG_TEXT": ("on", True),
    "REDIS_TLS_VERIFY": ("off", False),
}


@pytest.mark.parametrize("name", FULL)
def test_each_setting_is_read_from_the_environment(name: str) -> None:
    raw, value = FULL[name]
    assert getattr(read_settings({name: raw}, None), name.lower()) == value


def test_a_data_residency_is_read() -> None:
    assert read_settings({"OPENAI_DATA_RESIDENCY": "eu"}, None).openai_data_residency == "eu"


def test_every_setting_is_tried_above() -> None:
    assert {f.name.upper() for f in fields(Settings)} == {*FULL, "OPENAI_DATA_RESIDENCY"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SLACK_BOT_TOKEN", "xoxp-1"),
        ("SLACK_APP_TOKEN", "xoxb-1"),
        ("SLACK_API_URL", "slack.com/api/"),
        ("OPENAI_BASE_URL", "localhost:1"),
        ("OPENAI_DATA_RESIDENCY", "mars"),
        ("OPENAI_VECTOR_STORE_ID", "store"),
        ("OPENAI_STALL_SECONDS", "soon"),
        ("OPENAI_STALL_SECONDS", "0"),
        ("CONVERSATION_TOKENS", "-1"),
        ("CONVERSATION_TURNS", "1"),
        ("REDIS_URL", "localhost:6379"),
        ("REDIS_URL", "http://localhost:6379"),
        ("PORT", "http"),
        ("PORT", "65536"),
        ("PORT", "nan"),
        ("PORT", "80.5"),
        ("WORKER_PORT", "-1"),
        ("WORKER_TURNS", "0"),
        ("SLACK_PACE", "maybe"),
        ("STREAMING", "maybe"),
        ("LOG_LEVEL", "loud"),
        ("LOG_TEXT", "yes"),
        ("CALENDAR", "outlook"),
        ("CALDAV_URL", "dav.example.com"),
        ("SMTP_URL", "mail.example.com"),
        ("SMTP_FROM", "Meetings"),
        ("MICROSOFT_LOGIN_URL", "http://login.example.com"),
        ("MEETINGS_REMIND_MINUTES", "-1"),
        ("REDIS_TLS_VERIFY", "none"),
    ],
)
def test_a_malformed_setting_is_named_with_what_to_do(name: str, value: str) -> None:
    with pytest.raises(SettingError) as error:
        read_settings({name: value}, None)
    assert error.value.name == name
    assert str(error.value).startswith(f"{name}: ")
    assert error.value.where
    if name.endswith(("TOKEN", "KEY")):
        assert value not in str(error.value), "a secret in the wrong place is still one"


def test_a_residency_excludes_a_base_url() -> None:
    with pytest.raises(SettingError, match="OPENAI_DATA_RESIDENCY"):
        read_settings({"OPENAI_DATA_RESIDENCY": "eu", "OPENAI_BASE_URL": "http://x"}, None)


def test_the_environment_wins_over_the_file_and_empty_values_are_unset(tmp_path: Path) -> None:
    env = tmp_path / ".env"
    env.write_text("# ours\nexport OPENAI_MODEL=of-the-file\nOPENAI_SMALL_MODEL='small one'\nPORT=\nOTHER=1\n")
    settings = read_settings({"OPENAI_MODEL": "of-the-environment", "DATA_DIR": "  "}, env)
    assert (settings.openai_model, settings.openai_small_model) == ("of-the-environment", "small one")
    assert (settings.port, settings.data_dir, settings.redis_url) == (3000, Path("data"), "")
    assert read_settings({}, tmp_path / "none") == Settings()


@pytest.mark.parametrize(
    "content",
    [
        b"OPENAI_MODEL=one\nREDIS_URL\n",
        b'SLACK_BOT_TOKEN="xoxb-1\nOPENAI_MODEL=one\n',
        b"no name here\n",
        b"OPENAI_MODEL=\xff\xfe\n",
    ],
)
def test_a_file_that_cannot_be_read_stops_the_start_with_its_name(tmp_path: Path, content: bytes) -> None:
    env = tmp_path / ".env"
    env.write_bytes(content)
    with pytest.raises(SettingError) as error:
        read_settings({}, env)
    assert error.value.name == str(env)


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        (Settings(slack_app_token="xapp-1"), "SLACK_BOT_TOKEN"),
        (Settings(slack_bot_token="xoxb-1"), "SLACK_APP_TOKEN"),
    ],
)
def test_what_slack_needs_is_named(settings: Settings, name: str) -> None:
    with pytest.raises(SettingError) as error:
        settings.require_slack()
    assert error.value.name == name
    assert "api.slack.com/apps" in str(error.value)


@pytest.mark.parametrize("way", [{"slack_app_token": "xapp-1"}, {"slack_signing_secret": "s"}])
def test_either_way_of_receiving_will_do(way: dict[str, str]) -> None:
    Settings(slack_bot_token="xoxb-1", **way).require_slack()  # type: ignore[arg-type]  # strings, both


def test_what_openai_needs_is_named() -> None:
    Settings(openai_api_key="sk-1").require_openai()
    with pytest.raises(SettingError, match=r"OPENAI_API_KEY: .*platform\.openai\.com"):
        Settings().require_openai()


def test_nothing_else_reads_the_environment() -> None:
    folders = [Path(str(package.__file__)).parent for package in (bot, handlers)]
    readers = [
        path.name
        for folder in folders
        for path in folder.rglob("*.py")
        if re.search(r"\benviron\b|\bgetenv\b|\bload_dotenv\b|\bdotenv_values\b", path.read_text())
    ]
    assert readers == ["settings.py"]
