"""What people want done to an answer: stopped, had again, taken back. Pressed, typed, edited and deleted as Slack tells of it."""

from __future__ import annotations

import asyncio
import signal
import time
from dataclasses import replace
from typing import Any

from bot.settings import Settings
from playground.openai import Call, OpenAIServer, Plan, Script, Step, text
from playground.slack import SlackServer
from tests.conftest import connected, running
from tests.processes import Bots
from tests.scenarios.seen import answer_to, answers, buttons, read, whole

LONG = "One two three four five six seven eight nine ten eleven twelve. " * 20


def slowly(said: str = LONG, match: str = "") -> Step:
    """A model that takes some ten seconds."""
    return text(said, chunk=8, delay=0.06, match=match) if match else text(said, chunk=8, delay=0.06)


def own(slack: SlackServer, channel: str, thread_ts: str | None = None) -> list[dict[str, Any]]:
    """The bot's messages."""
    return [m for m in slack.workspace.messages(channel, thread_ts) if m.get("bot_id")]


def notes_to(slack: SlackServer, person: str) -> list[dict[str, Any]]:
    """What only that person sees."""
    id_ = slack.workspace.person(person).id
    return [m for m in slack.workspace.ephemerals if m["to"] == id_]


async def ask_and_see_it_grow(slack: SlackServer, words: str = "@assist count", channel: str = "general") -> str:
    """Asks, and waits until the answer shows some words; the question's ts."""
    ts = slack.workspace.say("ana", channel, words)
    await slack.until(lambda: any("One two" in a for a in answers(slack, channel, ts)))
    return ts


async def stopped_answer(slack: SlackServer, ts: str, since: float, channel: str = "general") -> str:
    """Waits until the answer says that it was stopped, within a second of `since`."""
    await slack.until(lambda: "Stopped by" in "".join(answers(slack, channel, ts)), timeout=5)
    assert time.monotonic() - since < 1.0
    (answer,) = answers(slack, channel, ts)
    assert answer.startswith("One two")
    assert len(answer) < len(LONG)
    assert whole(slack, channel, ts)
    return answer


# -- stop ---------------------------------------------------------------------------------------------------------------------


async def test_the_stop_button_ends_an_answer_within_a_second_and_keeps_what_was_written(
    bot: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    ai.script = Script(slowly(), text("Thirteen.", match="go on"))
    ts = await ask_and_see_it_grow(slack)
    (message,) = own(slack, "general", ts)
    assert buttons(message) == ["Stop"]
    shown = len(answers(slack, "general", ts)[0].split("writing…")[0].strip(" _\n"))
    since = time.monotonic()
    slack.workspace.press("ana", "general", message["ts"], "stop_answer")
    answer = await stopped_answer(slack, ts, since)
    assert "Stopped by Ana" in answer
    assert len(answer) >= shown
    assert [m["ts"] for m in own(slack, "general", ts)] == [message["ts"]]
    slack.workspace.say("ana", "general", "go on", thread_ts=ts)
    assert await answer_to(slack, "general", ts, 2) == "Thirteen."
    asked = str(next(r.body["input"] for r in reversed(ai.requests) if r.path == "/v1/responses"))
    assert "count" in asked, "the conversation may have lost the question that was stopped"
    assert "stopped your answer" in asked
    assert "One two" in asked


async def test_stop_typed_in_the_thread_ends_the_answer(bot: Settings, slack: SlackServer, ai: OpenAIServer) -> None:
    ai.script = Script(slowly())
    ts = await ask_and_see_it_grow(slack)
    since = time.monotonic()
    slack.workspace.say("ana", "general", "Stop!", thread_ts=ts)
    await stopped_answer(slack, ts, since)
    slack.delivery.redeliver_all()
    await asyncio.sleep(0.5)
    assert len(own(slack, "general", ts)) == 1, "the word is no question"


async def test_slacks_own_stop_button_is_shown_while_it_answers_and_ends_it(
    bot: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    ai.script = Script(slowly())
    ts = await ask_and_see_it_grow(slack)
    place = slack.workspace.channel("general").id, ts
    assert slack.workspace.sessions[place] == "processing"
    since = time.monotonic()
    slack.workspace.stop("ana", "general", ts)
    await stopped_answer(slack, ts, since)
    await slack.until(lambda: slack.workspace.sessions[place] == "active")


async def test_a_stop_in_a_dm(bot: Settings, slack: SlackServer, ai: OpenAIServer) -> None:
    ai.script = Script(slowly())
    dm = slack.workspace.dm("ana").id
    slack.workspace.say("ana", dm, "count")
    await slack.until(lambda: "One two" in "".join(answers(slack, dm)))
    since = time.monotonic()
    slack.workspace.say("ana", dm, "stop")
    await slack.until(lambda: "Stopped by" in answers(slack, dm)[0])
    assert time.monotonic() - since < 1.0


async def test_nobody_else_stops_it(bot: Settings, slack: SlackServer, ai: OpenAIServer) -> None:
    said = "One two three four. " * 12
    ai.script = Script(slowly(said))
    ts = await ask_and_see_it_grow(slack)
    (message,) = own(slack, "general", ts)
    slack.workspace.press("raj", "general", message["ts"], "stop_answer")
    slack.workspace.say("kim", "general", "@assist stop", thread_ts=ts)
    await slack.until(lambda: bool(notes_to(slack, "raj") and notes_to(slack, "kim")))
    assert "can stop that answer" in notes_to(slack, "raj")[0]["text"]
    assert (await answer_to(slack, "general", ts)).strip() == said.strip()
    assert len(own(slack, "general", ts)) == 1


async def test_a_stop_that_comes_late_or_twice_does_not_end_the_next_answer(
    bot: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    said = "One two three four. " * 12
    ai.script = Script(slowly(), slowly(said, match="again"))
    ts = await ask_and_see_it_grow(slack)
    slack.workspace.say("ana", "general", "stop", thread_ts=ts)
    await answer_to(slack, "general", ts)
    slack.workspace.say("ana", "general", "count again", thread_ts=ts)
    await slack.until(lambda: len(own(slack, "general", ts)) == 2)
    slack.delivery.redeliver_all()
    assert (await answer_to(slack, "general", ts, 2)).strip() == said.strip()


async def test_stop_where_nothing_runs_is_a_message_like_others(
    bot: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    ai.script = Script(text("Stop what?", match="stop"))
    ts = slack.workspace.say("ana", "general", "@assist stop")
    assert await answer_to(slack, "general", ts) == "Stop what?"


async def test_what_has_not_begun_is_withdrawn_by_stop(
    settings: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    async with running(settings, work=False):
        await connected(slack)
        ts = slack.workspace.say("ana", "general", "@assist count")
        await slack.until(lambda: not slack.delivery.unacked())
        slack.workspace.say("ana", "general", "stop", thread_ts=ts)
        await slack.until(lambda: bool(notes_to(slack, "ana")))
        assert "withdrawn" in notes_to(slack, "ana")[0]["text"]
    async with running(settings):
        await connected(slack)
        other = slack.workspace.say("ana", "random", "@assist hello")
        await answer_to(slack, "random", other)
        assert not own(slack, "general", ts)


async def test_an_answer_that_waits_for_a_retry_is_stopped(bot: Settings, slack: SlackServer, ai: OpenAIServer) -> None:
    ai.faults.add("/responses", status=429, headers={"retry-after": "30"}, times=99)
    ts = slack.workspace.say("ana", "general", "@assist count")
    await slack.until(lambda: "Trying again" in slack.workspace.status("general", ts))
    since = time.monotonic()
    slack.workspace.say("ana", "general", "stop", thread_ts=ts)
    await slack.until(lambda: "Stopped by Ana" in "".join(answers(slack, "general", ts)))
    assert time.monotonic() - since < 3, "not after the half minute that OpenAI wanted"


async def test_a_stop_needs_no_openai(bot: Settings, slack: SlackServer, ai: OpenAIServer) -> None:
    ai.faults.add("/conversations", status=500, times=99)
    ts = slack.workspace.say("ana", "general", "@assist count")
    await slack.until(lambda: "Trying again" in slack.workspace.status("general", ts), timeout=10)
    slack.workspace.say("ana", "general", "stop", thread_ts=ts)
    await slack.until(lambda: "Stopped by Ana" in "".join(answers(slack, "general", ts)))


# -- again --------------------------------------------------------------------------------------------------------------------


async def test_regenerate_runs_it_again_in_the_same_message(
    bot: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    ai.script = Script(text("First answer."), text("Second answer."))
    ts = slack.workspace.say("ana", "general", "@assist count")
    assert await answer_to(slack, "general", ts) == "First answer."
    (message,) = own(slack, "general", ts)
    assert buttons(message) == ["Regenerate"]
    for _ in range(2):  # a double press is one
        slack.workspace.press("ana", "general", message["ts"], "answer_again")
    await slack.until(lambda: answers(slack, "general", ts) == ["Second answer."])
    await slack.until(lambda: buttons(own(slack, "general", ts)[0]) == ["Regenerate"])
    assert [m["ts"] for m in own(slack, "general", ts)] == [message["ts"]]
    assert "answered anew" in str(ai.requests[-1].body["input"])


async def test_only_who_asked_has_it_answered_again(bot: Settings, slack: SlackServer, ai: OpenAIServer) -> None:
    ts = slack.workspace.say("ana", "general", "@assist hello")
    await answer_to(slack, "general", ts)
    (message,) = own(slack, "general", ts)
    slack.workspace.press("raj", "general", message["ts"], "answer_again")
    await slack.until(lambda: bool(notes_to(slack, "raj")))
    assert "Only who asked" in notes_to(slack, "raj")[0]["text"]
    assert len([r for r in ai.requests if r.path == "/v1/responses"]) == 1


async def test_what_was_done_once_is_not_done_again(bot: Settings, slack: SlackServer, ai: OpenAIServer) -> None:
    noting = Step(Plan((Call("remember", '{"note": "mornings"}'),)))
    ai.script = Script(noting, text("Noted."), noting, text("Noted, again."))
    dm = slack.workspace.dm("ana").id
    slack.workspace.say("ana", dm, "remember that I like mornings")
    assert await answer_to(slack, dm) == "Noted."
    slack.workspace.press("ana", dm, own(slack, dm)[0]["ts"], "answer_again")
    await slack.until(lambda: answers(slack, dm) == ["Noted, again."])
    outputs = [i for r in ai.requests if r.path == "/v1/responses" for i in r.body["input"] if "output" in i]
    assert len(outputs) == 2
    assert outputs[0]["output"] == outputs[1]["output"], "the note that was made, not a second one"


async def test_an_edited_question_that_was_answered_offers_to_answer_again(
    bot: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    ai.script = Script(text("Three.", match="1 + 2"), text("Five.", match="2 + 3"))
    ts = slack.workspace.say("ana", "general", "@assist 1 + 2")
    await answer_to(slack, "general", ts)
    slack.workspace.edit("ana", "general", ts, "@assist 2 + 3")
    await slack.until(lambda: bool(notes_to(slack, "ana")))
    (note,) = notes_to(slack, "ana")
    assert buttons(note) == ["Answer again"]
    assert answers(slack, "general", ts) == ["Three."], "nothing happens unasked"
    slack.workspace.press("ana", "general", note["ts"], "answer_again")
    await slack.until(lambda: answers(slack, "general", ts) == ["Five."])
    assert "again" in notes_to(slack, "ana")[0]["text"]
    assert buttons(notes_to(slack, "ana")[0]) == []


# -- taken back ------------------------------------------------------------------------------------------------------------------


async def test_a_deleted_question_takes_its_answer_with_it(bot: Settings, slack: SlackServer, ai: OpenAIServer) -> None:
    dm = slack.workspace.dm("ana").id
    first = slack.workspace.say("ana", dm, "hello")
    await answer_to(slack, dm)
    slack.workspace.say("ana", dm, "hello again")
    await answer_to(slack, dm, count=2)
    slack.workspace.delete("ana", dm, first)
    await slack.until(lambda: len(own(slack, dm)) == 1)
    slack.workspace.say("ana", dm, "what did I say?")
    await answer_to(slack, dm, count=2)
    assert "were deleted" in str(ai.requests[-1].body["input"])


async def test_an_answer_that_somebody_else_has_replied_to_stays(bot: Settings, slack: SlackServer) -> None:
    ts = slack.workspace.say("ana", "general", "@assist hello")
    await answer_to(slack, "general", ts)
    slack.workspace.say("raj", "general", "thanks, that helps me too", thread_ts=ts)
    slack.workspace.delete("ana", "general", ts)
    other = slack.workspace.say("ana", "random", "@assist hello")
    await answer_to(slack, "random", other)
    await slack.until(lambda: not slack.delivery.unacked())
    await asyncio.sleep(0.5)
    assert len(own(slack, "general", ts)) == 1


async def test_a_question_deleted_while_it_is_answered_leaves_nothing(
    bot: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    ai.script = Script(slowly())
    ts = await ask_and_see_it_grow(slack)
    slack.workspace.delete("ana", "general", ts)
    await slack.until(lambda: not own(slack, "general", ts), timeout=5)


# -- in line -----------------------------------------------------------------------------------------------------------------------


async def test_who_waits_sees_their_place_and_may_cancel(bot: Settings, slack: SlackServer, ai: OpenAIServer) -> None:
    said = "One two three four. " * 20
    ai.script = Script(slowly(said))
    ts = await ask_and_see_it_grow(slack)
    slack.workspace.say("ana", "general", "and now backwards", thread_ts=ts)
    await slack.until(lambda: bool(notes_to(slack, "ana")), timeout=6)
    (note,) = notes_to(slack, "ana")
    assert "number 1 in line" in note["text"]
    slack.workspace.press("ana", "general", note["ts"], "cancel_message")
    await slack.until(lambda: "Cancelled" in notes_to(slack, "ana")[0]["text"])
    assert (await answer_to(slack, "general", ts)).strip() == said.strip()
    await asyncio.sleep(0.5)
    assert len(own(slack, "general", ts)) == 1


async def test_who_waits_for_a_worker_sees_their_place_and_may_cancel(
    settings: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    said = "One two three four. " * 40
    ai.script = Script(slowly(said, match="count"), text("Hello.", match="hello"))
    async with running(replace(settings, worker_turns=1)):
        await connected(slack)
        ts = await ask_and_see_it_grow(slack)
        second = slack.workspace.say("raj", "random", "@assist hello")
        third = slack.workspace.say("kim", "random", "@assist hello, please")
        await slack.until(lambda: bool(notes_to(slack, "raj") and notes_to(slack, "kim")), timeout=9)
        assert "number 1 in line" in notes_to(slack, "raj")[0]["text"]
        (note,) = notes_to(slack, "kim")
        assert "number 2 in line" in note["text"]
        slack.workspace.press("kim", "random", note["ts"], "cancel_message")
        await answer_to(slack, "general", ts, timeout=20)
        assert await answer_to(slack, "random", second) == "Hello."
        await asyncio.sleep(0.3)
        assert not own(slack, "random", third)


async def test_a_stop_while_its_worker_is_dead_is_kept_by_the_next(
    start: Bots, slack: SlackServer, ai: OpenAIServer
) -> None:
    ai.script = Script()
    ai.script.forever(slowly())
    await start.start("web")
    worker = await start.start("worker")
    ts = slack.workspace.say("ana", "general", "@assist count")
    await slack.until(lambda: len("".join(answers(slack, "general", ts))) > 120)
    await worker.kill()
    shown = read(slack, own(slack, "general", ts)[0]).split("writing…")[0].strip(" _\n")
    slack.workspace.press("ana", "general", own(slack, "general", ts)[0]["ts"], "stop_answer")
    await start.start("worker")
    await slack.until(lambda: "Stopped by Ana" in "".join(answers(slack, "general", ts)), timeout=20)
    (answer,) = answers(slack, "general", ts)
    assert answer.startswith(shown), "what was written stays"


async def test_a_worker_that_is_told_to_stop_still_hears_who_wants_no_more(
    start: Bots, slack: SlackServer, ai: OpenAIServer
) -> None:
    ai.script = Script(slowly())
    await start.start("web")
    worker = await start.start("worker")
    ts = await ask_and_see_it_grow(slack)
    worker.signal(signal.SIGTERM)
    await asyncio.sleep(0.3)
    since = time.monotonic()
    slack.workspace.press("ana", "general", own(slack, "general", ts)[0]["ts"], "stop_answer")
    await stopped_answer(slack, ts, since)
    assert await worker.ended(10) == 0


async def test_an_answer_that_is_had_again_and_stopped_at_once_stays_as_it_was(
    bot: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    ai.script = Script(text("First answer."))
    ts = slack.workspace.say("ana", "general", "@assist count")
    await answer_to(slack, "general", ts)
    (message,) = own(slack, "general", ts)
    ai.faults.add("/responses", status=0, delay=3)
    slack.workspace.press("ana", "general", message["ts"], "answer_again")
    asked = [r for r in ai.requests if r.path == "/v1/responses"]
    await slack.until(lambda: len([r for r in ai.requests if r.path == "/v1/responses"]) > len(asked))
    slack.workspace.say("ana", "general", "stop", thread_ts=ts)
    await slack.until(lambda: "Stopped by" in answers(slack, "general", ts)[0])
    assert answers(slack, "general", ts)[0].startswith("First answer.")
    ai.script = None


async def test_slow_notes_to_those_who_wait_cost_no_lease(bot: Settings, slack: SlackServer, ai: OpenAIServer) -> None:
    said = "One two three four. "
    ai.script = Script(text(said * 5, chunk=4, delay=0.45), text("Later.", match="later"))
    slack.faults.add("chat.postEphemeral", delay=4, times=3)
    ts = slack.workspace.say("ana", "general", "@assist count")
    await slack.until(lambda: bool(answers(slack, "general", ts)))
    for n in range(3):
        slack.workspace.say("ana", "general", f"later {n}", thread_ts=ts)
    assert (await answer_to(slack, "general", ts, 2, timeout=25)) == "Later."
    assert len([r for r in ai.requests if r.path == "/v1/responses"]) == 2, "each was asked once"
