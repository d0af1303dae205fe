"""Hosted tools, as people see them at work."""

from __future__ import annotations

from bot.settings import Settings
from playground.openai import OpenAIServer, Plan, Say, Script, Search, Step
from playground.slack import SlackServer
from tests.scenarios.seen import answer_to, calls_of


async def test_people_see_that_files_are_searched(bot: Settings, slack: SlackServer, ai: OpenAIServer) -> None:
    ai.script = Script(Step(Plan((Search(("hotel limit",), ()), Say("180 euros.")))))
    ts = slack.workspace.say("ana", "general", "@assist what is the hotel limit?")
    assert (await answer_to(slack, "general", ts)).startswith("180 euros.")
    assert "is searching files…" in [c["status"] for c in calls_of(slack, "assistant.threads.setStatus")]
