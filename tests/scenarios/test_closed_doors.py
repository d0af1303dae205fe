"""Where nothing can be written any more, the asker has the answer all the same."""

from __future__ import annotations

import pytest

from bot.settings import Settings
from playground.openai import OpenAIServer, Script, text
from playground.slack import SlackServer
from tests.scenarios.seen import answer_to, answers


@pytest.mark.parametrize("close", ["archive", "remove_bot"])
async def test_an_answer_for_a_closed_channel_reaches_the_asker(
    bot: Settings, slack: SlackServer, ai: OpenAIServer, close: str
) -> None:
    said = "One two three four five. " * 12
    ai.script = Script(text(said, chunk=20, delay=0.1))
    ts = slack.workspace.say("ana", "general", "@assist question")
    await slack.until(lambda: answers(slack, "general", ts))
    getattr(slack.workspace, close)("general")
    dm = slack.workspace.dm("ana").id
    answer = await answer_to(slack, dm, timeout=20)
    assert "can't write in the channel" in answer
    assert said.strip() in answer


async def test_a_closed_channel_and_a_hiccup_leave_nobody_without_a_word(
    bot: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    slack.faults.add("chat.postMessage", error="is_archived", times=None, when=lambda a: a["channel"].startswith("C"))
    slack.faults.add("conversations.open", status=503)
    ai.script = Script(text("Here it is."))
    slack.workspace.say("ana", "general", "@assist question")
    assert "Here it is." in await answer_to(slack, slack.workspace.dm("ana").id, timeout=15)
