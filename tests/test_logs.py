"""What a bot's process prints: one line a turn that says all but what was said; no secret, ever."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import structlog
from caldav.aio import DAVResponse

from bot.logs import set_up_logs
from bot.settings import Settings
from playground.openai import OpenAIServer, Script, calls, http_error, text
from playground.slack import SlackServer
from tests.conftest import connected
from tests.processes import bots
from tests.scenarios.seen import answer_to

QUESTION, NOTE, ANSWER = "where is the zebra kept", "giraffes eat acacia", "The zebra sleeps in the pantry."
FIELDS = {
    "turn", "team", "channel", "thread", "person", "model", "tokens_in", "tokens_cached", "tokens_out",
    "first_token", "first_text", "seconds", "edits", "tools", "rounds", "outcome", "messages", "attempt", "resumed",
}  # fmt: skip


async def conversation(slack: SlackServer, ai: OpenAIServer) -> str:
    """An answer with an effect, a turn that fails, and events of every kind; the thread's ts."""
    ai.script = Script(
        calls(("remember", {"note": NOTE})),
        text(ANSWER),
        http_error(400, "invalid_value", "no such thing"),
        text("Fine."),
    )
    ts = slack.workspace.say("ana", "general", f"@assist {QUESTION}?")
    await answer_to(slack, "general", ts, timeout=30)
    slack.workspace.say("ana", "general", f"{QUESTION} now?", thread_ts=ts)
    await answer_to(slack, "general", ts, 2, timeout=30)
    slack.workspace.edit("ana", "general", ts, f"@assist {QUESTION}, please?")
    slack.workspace.open_home("ana")
    slack.send_event({"type": "team_rename", "name": QUESTION})
    slack.send_event(
        {"type": "message", "channel_type": "im", "channel": "D1", "text": QUESTION, "user": "U1", "ts": "x"}
    )
    slack.workspace.say("raj", slack.workspace.dm("raj").id, QUESTION)
    await answer_to(slack, slack.workspace.dm("raj").id, timeout=30)
    await slack.until(lambda: not slack.delivery.unacked(), timeout=10)
    return ts


def lines(printed: str) -> list[dict[str, Any]]:
    """Each line of a log is one JSON object."""
    return [json.loads(line) for line in printed.splitlines()]


async def test_a_turn_is_one_line_without_a_word_of_what_was_said(
    settings: Settings, slack: SlackServer, ai: OpenAIServer, tmp_path: Path
) -> None:
    settings = replace(settings, log_level="DEBUG")
    async with bots(settings, tmp_path) as started:
        bot = await started.start("run")
        await connected(slack)
        ts = await conversation(slack, ai)
        bot.process.terminate()
        assert await bot.ended(30) == 0
    for secret in (settings.slack_bot_token, settings.slack_app_token, settings.openai_api_key, slack.signing_secret):
        assert secret not in bot.said
    for said in (QUESTION, NOTE, ANSWER, "zebra", "giraffes", "pantry"):
        assert said not in bot.said
    turns = [line for line in lines(bot.said) if line["event"] == "turn"]
    assert [t["outcome"] for t in turns] == ["answered", "failed", "answered"]
    first = turns[0]
    assert first.keys() >= FIELDS
    assert first["person"] == slack.workspace.person("ana").id
    assert (first["channel"], first["thread"]) == (slack.workspace.channel("general").id, ts)
    assert (first["model"], first["tools"], first["rounds"]) == ("gpt-6.2-sol", 1, 2)
    assert first["tokens_in"] > first["tokens_out"] > 0
    assert 0 <= first["first_token"] <= first["first_text"] <= first["seconds"]
    assert any(line["event"] == "event not understood" for line in lines(bot.said))


async def test_with_log_text_the_words_are_there(
    settings: Settings, slack: SlackServer, ai: OpenAIServer, tmp_path: Path
) -> None:
    async with bots(settings, tmp_path) as started:
        bot = await started.start("run", LOG_TEXT="on")
        await connected(slack)
        await conversation(slack, ai)
        bot.process.terminate()
        assert await bot.ended(30) == 0
    answered, failed, _ = [line for line in lines(bot.said) if line["event"] == "turn"]
    assert QUESTION in answered["text"]
    assert failed["text"] == f"{QUESTION} now?"
    assert settings.openai_api_key not in bot.said


@contextmanager
def our_logs() -> Iterator[io.StringIO]:
    """Logs set up as a process sets them up; what they print."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    with redirect_stdout(io.StringIO()) as printed:
        set_up_logs("INFO")
        yield printed
    structlog.reset_defaults()
    root.handlers[:], root.level = before, level


@pytest.mark.parametrize(
    "secret", ["xoxb-123-abc", "xoxp-1", "xapp-1-A0-9", "sk-proj-abc_DEF-1", "xoxe.xoxp-1-Mi0yLTEw"]
)
def test_tokens_are_blanked_wherever_they_turn_up(secret: str) -> None:
    with our_logs() as out:
        structlog.get_logger("bot.x").info("ours", error=f"token {secret} refused")
        logging.getLogger("theirs").warning("Bearer %s", secret)
        try:
            raise ValueError(secret)
        except ValueError:
            logging.getLogger("theirs").exception("failed")
            structlog.get_logger("bot.x").exception("failed")
    assert len(lines(out.getvalue())) == 4
    assert secret not in out.getvalue()
    assert all("•••" in str(line) for line in lines(out.getvalue()))


@pytest.mark.parametrize(
    "url", ["redis://user:hunter2@host:1/0", "rediss://:hunter2@h/0", "postgresql://bot:hunter2@db/x"]
)
def test_passwords_in_urls_are_blanked(url: str) -> None:
    with our_logs() as out:
        logging.getLogger("theirs").error("no answer from %s", url)
        structlog.get_logger("bot.x").error("no answer", url=url)
    assert len(lines(out.getvalue())) == 2
    assert "hunter2" not in out.getvalue()


def test_libraries_are_heard_from_warnings_on() -> None:
    with our_logs() as out:
        logging.getLogger("slack_sdk.web").setLevel(logging.DEBUG)
        logging.getLogger("slack_sdk.web").info("payload: zebra")
        logging.getLogger("slack_sdk.web").warning("trouble")
        structlog.get_logger("handlers.x").info("ours")
        structlog.get_logger("handlers.x").debug("too fine")
    assert [line["event"] for line in lines(out.getvalue())] == ["trouble", "ours"]


def test_a_library_that_quotes_what_calendars_hold_is_not_heard() -> None:
    raw = b"""<D:multistatus xmlns:D="DAV:"><D:response><D:href>/ana/1.ics</D:href><D:odd>SUMMARY:zebra</D:odd>
        <D:status>HTTP/1.1 200 OK</D:status></D:response></D:multistatus>"""
    with our_logs() as out:
        DAVResponse.from_bytes(raw, 207).parse_calendar_query()
    assert "zebra" not in out.getvalue()
