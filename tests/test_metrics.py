"""What is counted is counted once."""

from __future__ import annotations

from sqlalchemy import select

from bot import metrics
from bot.compose import open_settings_database
from bot.settings import Settings
from bot.tables import turns
from playground.openai import OpenAIServer, Script, calls, count_tokens, cut, http_error, text
from playground.slack import SlackServer
from tests.conftest import connected, running
from tests.scenarios.seen import answer_to


def counted(kind: str) -> float:
    """So many tokens of a kind this process has counted."""
    return metrics.registry.get_sample_value("assist_tokens_total", {"kind": kind, "model": "gpt-6.2-sol"}) or 0


async def test_the_tokens_of_a_turn_that_is_tried_again_are_counted_once(
    settings: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    before = {kind: counted(kind) for kind in ("input", "output")}
    ai.script = Script(calls(("current_time", {})), cut("It is"), text("It is late."))
    async with running(settings):
        await connected(slack)
        ts = slack.workspace.say("ana", "general", "@assist what time is it?")
        assert (await answer_to(slack, "general", ts, timeout=30)).endswith("It is late.")
    async with open_settings_database(settings) as database, database.read() as connection:
        row = (await connection.execute(select(turns))).one()
    assert row.attempts == 2
    assert counted("input") - before["input"] == row.input_tokens
    assert counted("output") - before["output"] == row.output_tokens


async def test_the_tokens_of_a_response_that_a_second_try_reads_again_are_counted_once(
    settings: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    before = counted("output")
    ai.script = Script(calls(("remember", {"note": "tea"})), http_error(500, None, "boom"), text("Noted."))
    async with running(settings):
        await connected(slack)
        ts = slack.workspace.say("ana", "general", "@assist I like tea")
        assert await answer_to(slack, "general", ts, timeout=30) == "Noted."
    async with open_settings_database(settings) as database, database.read() as connection:
        row = (await connection.execute(select(turns))).one()
    wrote = ("remember", '{"note": "tea"}', "Noted.")
    assert (row.attempts, row.output_tokens) == (2, sum(map(count_tokens, wrote)))
    assert counted("output") - before == row.output_tokens
