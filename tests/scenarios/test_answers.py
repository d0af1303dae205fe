"""A person writes; the bot answers where it should, once, and remembers."""

from __future__ import annotations

from bot.settings import Settings
from playground.openai import OpenAIServer
from playground.slack import SlackServer


async def test_a_mention_is_answered_in_its_thread(bot: Settings, slack: SlackServer, ai: OpenAIServer) -> None:
    ws = slack.workspace
    ts = ws.say("ana", "general", "@assist hello there")
    await slack.until(lambda: answered(slack, "general", ts))
    root, answer = ws.messages("general", ts)
    assert root["ts"] == ts
    assert "Ana" in ws.rendered(answer) or "ana" in ws.rendered(answer)


def answered(slack: SlackServer, channel: str, ts: str, count: int = 1) -> bool:
    own = [m for m in slack.workspace.messages(channel, ts) if m.get("bot_id") and "writing…" not in slack.workspace.rendered(m)]
    return len(own) >= count
