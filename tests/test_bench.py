"""The benchmarks, at a small size: that they still run, and that their figures are what they say."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bench import answers, costs, events, files, idle, waiting, workers
from bench.figures import at, lag, left, under_load, used
from bench.questions import Questions, text
from bench.stage import stage

A_MINUTE, BURST = 60.0, 3.0  # one token a second, three at once


async def test_each_benchmark_runs_and_finds_every_answer_right() -> None:
    async with stage(limits=True) as the_stage, the_stage.bot("web") as web:
        the_stage.ai.tokens_per_second, the_stage.ai.first_token = 400, 0.05
        questions = Questions(the_stage, 10)
        # Few: with more, Slack's budget would be what takes the time.
        stored = await waiting.store(the_stage, questions, 5)
        async with the_stage.bot("worker") as worker:
            drained = await waiting.drain(the_stage, questions, stored)
            assert (drained.wrong, drained.left_over) == (0, 0)
            burst = await answers.measure(the_stage, worker, 3, 60)
            assert (burst.answers, burst.wrong, burst.refused.total()) == (3, 0, 0)
            assert "chat.update" in burst.budget
            assert 0 <= burst.lag <= len(text(0, 60))
            steady = await answers.measure(the_stage, worker, 2, 20, seconds=0.3)
            assert steady.answers >= 2
            assert steady.wrong == 0
            resting = await costs.idle(the_stage, 0.3)
            cost = await costs.measure(the_stage, web, worker, 2, 20, resting, costs.TOOL)
            assert cost.wrong == 0
            assert re.search(r"put\.lua \d", cost.kinds)
            scaled = await workers.measure(the_stage, web, [worker], 3, 10)
            assert scaled.wrong == 0
            quiet = await idle.measure(the_stage, worker, 0.3)
            busy = await events.measure(the_stage, web, 100, 0.3)
            assert busy.again == 0
    for head, row in (
        (answers.Figures.HEAD, burst.row()),
        (costs.Figures.HEAD, cost.row()),
        (events.Figures.HEAD, busy.row()),
        (idle.Figures.HEAD, quiet.row()),
        (waiting.Figures.HEAD, drained.row()),
        (workers.Figures.HEAD, scaled.row(scaled)),
    ):
        assert row.count("|") == head.splitlines()[0].count("|"), "as many cells as the table has columns"
        assert "nan" not in row


@pytest.mark.slow
async def test_a_large_file_passes_through_a_bot_that_stays_small_and_awake(tmp_path: Path) -> None:
    size = 30 * files.MEGABYTE
    async with stage() as the_stage, the_stage.bot(OPENAI_STALL_SECONDS="60") as bot:
        the_stage.ai.tokens_per_second = the_stage.ai.first_token = 0
        await files.measure(the_stage, bot, "warm", [("warm.txt", b"Warm up.")])
        table = files.written(tmp_path, "large.csv", b"Lisbon,160,EUR\n", size)
        figures = await files.measure(the_stage, bot, "large", [("large.pdf", files.pdf(size)), ("large.csv", table)])
    assert figures.stored == 3
    assert figures.stored_mb > 60
    assert figures.growth_mb < 25
    assert figures.stall < 2
    assert figures.row().count("|") == files.Figures.HEAD.splitlines()[0].count("|")


async def test_an_answer_counts_only_if_it_stands_once_and_word_for_word() -> None:
    async with stage() as the_stage:
        questions = Questions(the_stage, 10)
        answer, (channel, root) = questions.ask(), questions.place(0)
        whole = len(answer.said)
        place = the_stage.slack.workspace.channel(channel)

        def say(words: str, *more: dict[str, str]) -> str:
            blocks = [{"type": "markdown", "text": words}, *more]
            return str(the_stage.slack.workspace.bot_post(place, {"text": "", "blocks": blocks}, thread_ts=root)["ts"])

        half = say(answer.said[:20])
        assert not answer.is_right(), "half of it"
        the_stage.slack.workspace.remove(place, half)
        say(answer.said, {"type": "actions"}, {"type": "context"})
        assert answer.is_right(), "buttons below it are no text"
        again = say(answer.said)
        assert not answer.is_right(), "twice"
        the_stage.slack.workspace.remove(place, again)
        assert answer.is_right()
        assert [count for _, count in answer.steps] == [20, 0, whole, 2 * whole, whole]


async def test_a_stream_counts_as_it_is_seen() -> None:
    async with stage(limits=True) as the_stage:
        questions = Questions(the_stage, 10)
        answer, (channel, root) = questions.ask(), questions.place(0)
        client = AsyncWebClient(the_stage.slack.bot_token, the_stage.slack.api_url)
        team, ana = the_stage.slack.team_id, the_stage.slack.workspace.person("ana").id
        began = time.monotonic()
        begin = {"channel": channel, "thread_ts": root, "recipient_team_id": team, "recipient_user_id": ana}
        ts = (await client.api_call("chat.startStream", params=begin | {"markdown_text": answer.said[:10]}))["ts"]
        await client.chat_appendStream(channel=channel, ts=ts, markdown_text=answer.said[10:30])
        assert not answer.is_right()
        buttons = [{"type": "context", "elements": [{"type": "mrkdwn", "text": "stopped"}]}]
        await client.chat_stopStream(channel=channel, ts=ts, markdown_text=answer.said[30:], blocks=buttons)
        assert answer.is_right()
        assert [count for _, count in answer.steps] == [10, 30, len(answer.said)]
        shares = answers.budget(the_stage, [(began, time.monotonic())])
        assert "chat.startStream – (5%), chat.appendStream – (2%), chat.stopStream – (5%)" in shares


def test_the_lag_is_the_mean_of_what_the_model_had_told_and_slack_did_not_show() -> None:
    assert lag([], 0, 10, 100) == 50, "nothing was shown while it was told"
    assert lag([(11, 100)], 0, 10, 100) == 50, "shown when it was over"
    assert lag([(5, 50)], 0, 10, 100) == 25
    assert lag([(0, 0), (2.5, 25), (5, 50), (7.5, 75), (11, 100)], 0, 10, 100) == 12.5


def test_the_budget_is_what_slacks_bucket_held_and_what_came_in() -> None:
    rate = A_MINUTE / 60
    assert left([], rate, BURST, 5) == 3
    assert left([0, 0, 0], rate, BURST, 0.5) == 0.5
    assert left([0, 0, 0], rate, BURST, 100) == 3
    assert used([0, 0, 0, 1, 2], rate, BURST, 0, 2) == 1, "all of the burst, and each one that came in"
    assert used([0, 1], rate, BURST, 0, 7) == 0.2
    assert used([0, 0, 0, 5], rate, BURST, 1, 7) == 1 / 7, "what was spent before is not there any more"


def test_load_lasts_while_more_answers_grow_than_edits_are_left() -> None:
    assert under_load([(0, 9)] * 3, [], 1, BURST) is None
    assert under_load([(0, 9)] * 4, [], 1, BURST) == (0, 9)
    assert under_load([(0, 9)] * 2, [1, 1, 1.5], 0.01, BURST) == (1, 9), "once two have had their edits"
    assert under_load([(0, 5), (0, 9)], [1, 1], 0.01, BURST) == (1, 5), "until one of the two has ended"


@pytest.mark.parametrize(("percent", "value"), [(0, 1), (50, 51), (95, 96), (100, 100)])
def test_percentiles(percent: int, value: float) -> None:
    assert at(range(100, 0, -1), percent) == value
