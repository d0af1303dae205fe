"""What people share is read and answered from, where it may be; what code makes comes back into the thread. The model is the rule-based one."""

from __future__ import annotations

import io
import json
import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image

from bot.settings import Settings
from playground.openai import OpenAIServer
from playground.slack import SlackServer
from playground.slack.methods_chat import permalink
from tests.conftest import connected, running
from tests.playground.documents import image, pdf
from tests.scenarios.seen import answer_to, answers, calls_of, read

CITIES = ["Boston,Massachusetts,301,92", "Denver,Colorado,215,91", "Austin,Texas,187,80"]
PER_DIEM = "\n".join(
    ("City,State,Lodging,Meals", *CITIES, *(f"Town {n},Ohio,{n},60" for n in range(100, 180)))
).encode()
SALES = b"region,quarter,sales\nNorth,Q1,1200.50\nSouth,Q1,800\nNorth,Q2,1300\nSouth,Q2,950\n"
POLICY = ("policy.pdf", pdf("Hotels may cost as much as the lodging rate of the city."))
LIMIT = "what is the hotel limit in Denver?"
CHART = "@assist show sales by region as a chart"


async def share(slack: SlackServer, text: str, *files: Any, person: str = "ana", channel: str = "general") -> str:
    """Somebody shares files with a question, and the bot answers; the thread's ts."""
    ts = slack.workspace.say(person, channel, text, files=files)
    await answer_to(slack, channel, ts, timeout=20)
    return ts


async def ask(slack: SlackServer, person: str, channel: str, text: str, thread_ts: str | None = None) -> str:
    """Asks, and gives the answer."""
    before = len(answers(slack, channel, thread_ts))
    dm = thread_ts is None and slack.workspace.channel(channel).kind == "im"
    ts = slack.workspace.say(person, channel, text, thread_ts=thread_ts)
    return await answer_to(slack, channel, thread_ts if thread_ts or dm else ts, before + 1)


def made(slack: SlackServer, channel: str, thread_ts: str | None = None) -> list[dict[str, Any]]:
    """The bot's messages in a thread that carry files."""
    return [m for m in slack.workspace.messages(channel, thread_ts) if m.get("bot_id") and m.get("files")]


def names(message: dict[str, Any]) -> list[str]:
    """The files of a message."""
    return [f["name"] for f in message["files"]]


async def test_a_number_from_a_shared_table_with_its_source_and_in_another_channel_nothing(
    bot: Settings, slack: SlackServer
) -> None:
    ts = await share(slack, "@assist our rates and rules", ("per_diem.csv", PER_DIEM), POLICY)
    assert "is indexing 2 files…" in [c["status"] for c in calls_of(slack, "assistant.threads.setStatus")]
    (file,) = (f for f in slack.workspace.files.values() if f.name == "per_diem.csv")
    source = rf"Sources: .*/{file.id}/per_diem\.csv"
    for person, thread_ts in (("ana", ts), ("raj", None)):
        said = await ask(slack, person, "general", f"@assist {LIMIT}", thread_ts)
        assert re.search(r"City: Denver, Lodging: 215\b", said)
        assert not re.search(r"Boston|\b301\b|\b91\b", said)
        assert re.search(source, said)
    for person, place in (("raj", "random"), ("gus", slack.workspace.dm("gus").id)):
        said = await ask(slack, person, place, f"{'@assist ' * (person == 'raj')}{LIMIT}")
        assert "I don't know" in said
        assert "215" not in said
        assert "per_diem" not in said
    assert "Lodging: 215" in await ask(slack, "raj", slack.workspace.dm("raj").id, LIMIT)


async def test_what_somebody_else_shares_in_the_thread_meanwhile_is_known(bot: Settings, slack: SlackServer) -> None:
    ts = await share(slack, "@assist hello")
    slack.workspace.say("lee", "general", "our rates", thread_ts=ts, files=[("per_diem.csv", PER_DIEM)])
    assert re.search(r"City: Denver, Lodging: 215\b", await ask(slack, "ana", "general", LIMIT, ts))


async def test_a_decision_in_a_long_thread_with_a_link_that_leads_to_it(bot: Settings, slack: SlackServer) -> None:
    ws = slack.workspace
    root = ws.say("kim", "general", "Where do we meet?")
    for n in range(30):
        ws.say(("raj", "lee")[n % 2], "general", f"Idea {n}: place {n}", thread_ts=root)
    decided = ws.say("ana", "general", "We decided to go with the lake house.", thread_ts=root)
    said = await ask(slack, "raj", "general", "@assist what did Ana decide in this thread?", root)
    assert "Ana Becker decided: “We decided to go with the lake house.”" in said
    assert "Read in this thread: 33 messages." in said
    place = ws.channel("general")
    assert f"({permalink(ws, place, place.messages[decided])})" in said


async def test_in_the_middle_of_a_thread_the_model_is_told_what_there_is_and_later_what_came_in_between(
    bot: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    ws = slack.workspace
    root = ws.say("kim", "general", "Where do we meet?")
    ws.say("lee", "general", "At the lake.", thread_ts=root)
    await ask(slack, "raj", "general", "@assist hello", root)
    assert re.search(r'this thread held \{\\"messages\\": 2, .*Kim Novak', asked(ai))
    for n in range(2):
        ws.say("lee", "general", f"No: {n}", thread_ts=root)
    await ask(slack, "raj", "general", "@assist hello again", root)
    assert "2 messages were written in this thread by others since your last answer" in asked(ai)


def asked(ai: OpenAIServer) -> str:
    """The input of the last question."""
    bodies = [r.body for r in ai.requests if r.path == "/v1/responses" and r.body.get("conversation")]
    return json.dumps(bodies[-1]["input"], ensure_ascii=False)


@pytest.mark.parametrize("streaming", ["edits", "native"])
async def test_a_chart_follows_its_answer_into_the_thread_and_is_replaced_when_it_is_given_anew(
    settings: Settings, slack: SlackServer, streaming: str
) -> None:
    async with running(replace(settings, streaming=streaming)):
        await connected(slack)
        ts = await share(slack, CHART, ("sales.csv", SALES))
        await slack.until(lambda: len(made(slack, "general", ts)) == 1)
        said, files = (m for m in slack.workspace.messages("general", ts) if m.get("bot_id"))
        text = read(slack, said)
        assert "North: 2,500.50" in text
        assert "South: 1,750" in text
        assert "sandbox" not in text
        assert bool(calls_of(slack, "chat.startStream")) == (streaming == "native")
        assert names(files) == ["sales_by_region.png", "sales_by_region.csv"]
        png, data = (slack.workspace.files[f["id"]].content for f in files["files"])
        assert isinstance(png, bytes)
        assert png.startswith(b"\x89PNG")
        assert data == b"region,sales\r\nNorth,2500.5\r\nSouth,1750\r\n"
        assert not [m for m in slack.workspace.messages("general") if m.get("bot_id")], "nothing beside the thread"

        slack.workspace.press("ana", "general", said["ts"], "answer_again")
        gone = {f["id"] for f in files["files"]}
        await slack.until(lambda: all(slack.workspace.files[f].deleted for f in gone), timeout=20)
        (anew,) = made(slack, "general", ts)
        assert names(anew) == ["sales_by_region.png", "sales_by_region.csv"]
        assert len([a for a in answers(slack, "general", ts) if "2,500.50" in a]) == 1


async def test_an_image_is_seen_and_still_seen_after_the_conversation_was_carried_on(
    settings: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    async with running(replace(settings, conversation_turns=2)):
        await connected(slack)
        ts = await share(slack, "@assist look", ("shelf.png", image(width=20, height=10)))
        assert "PNG image of 20 × 10 pixels" in answers(slack, "general", ts)[0]
        await ask(slack, "ana", "general", "@assist hello", ts)
        await ask(slack, "ana", "general", "@assist hello", ts)
        first, *_, last = [
            r.body["conversation"] for r in ai.requests if r.path == "/v1/responses" and "tools" in r.body
        ]
        assert first != last, "it was carried on"
        said = await ask(slack, "ana", "general", "@assist what is in the picture?", ts)
        assert "PNG image of 20 × 10 pixels" in said


async def test_a_voice_message_is_answered(bot: Settings, slack: SlackServer) -> None:
    ws, dm = slack.workspace, slack.workspace.dm("ana").id
    clip = ws.add_file(
        "ana", "audio.m4a", b"\0\0\0\x20ftypM4A " + bytes(64), subtype="slack_audio", transcript="What time is it?"
    )
    ws.say("ana", dm, "", files=[clip])
    assert "Europe/Berlin" in await answer_to(slack, dm, timeout=20)


async def test_a_canvas_is_read(bot: Settings, slack: SlackServer) -> None:
    page = b"<html><body><h1>Garage</h1><p>The gate code of the garage is 7788.</p></body></html>"
    canvas = slack.workspace.add_file("ana", "Garage", page, mode="quip")
    await share(slack, "@assist here", canvas)
    assert "7788" in await ask(slack, "ana", "general", "@assist what does the document say of the gate code?")


async def test_each_file_that_is_not_read_has_its_word_below_the_answer(bot: Settings, slack: SlackServer) -> None:
    files = (("a.zip", b"PK\3\4" + bytes(30)), ("empty.txt", b""), ("locked.pdf", pdf("x", password="y")))
    ts = await share(slack, "@assist here", *files, ("note.txt", b"The gate code is 7788."))
    said = answers(slack, "general", ts)[0]
    assert "Skipped a.zip: archives are not read" in said
    assert "Skipped empty.txt: it is empty." in said
    assert "Skipped locked.pdf: it is password-protected." in said
    assert not re.search(r"\.\.|F[0-9A-Z]{8}|file_search|read_file", said)
    assert "7788" in await ask(slack, "ana", "general", "@assist what is the gate code?")


async def test_what_of_a_file_is_left_out_is_said(bot: Settings, slack: SlackServer) -> None:
    out = io.BytesIO()
    frames = [Image.new("RGB", (4, 3), colour) for colour in ("red", "navy")]
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    ts = await share(slack, "@assist look", ("moves.gif", out.getvalue()))
    assert "Of moves.gif only the first picture of the animation is seen." in answers(slack, "general", ts)[0]


async def test_what_is_private_is_told_there_and_in_a_dm_and_elsewhere_nobody_learns_that_it_exists(
    bot: Settings, slack: SlackServer
) -> None:
    ws = slack.workspace
    ws.say("ana", "leads", "We decided to hire two people for Falcon.")
    assert "hire two people" in await ask(slack, "raj", "leads", "@assist what was said in #leads?")
    assert "hire two people" in await ask(slack, "raj", ws.dm("raj").id, "what was said in #leads?")
    refused = await ask(slack, "raj", "general", "@assist what was said in #leads?")
    assert "Falcon" not in refused
    assert "direct message" in refused
    assert refused == await ask(slack, "lee", "general", "@assist what was said in #nosuch?")
    outside = await ask(slack, "lee", ws.dm("lee").id, "what was said in #leads?")
    assert "Falcon" not in outside
    assert outside == (await ask(slack, "gus", ws.dm("gus").id, "what was said in #general?"))
    found = await ask(slack, "raj", "general", "@assist search for Falcon")
    assert "hire" not in found


async def test_a_file_that_its_owner_has_forgotten_is_not_answered_from_at_once(
    bot: Settings, slack: SlackServer
) -> None:
    await share(slack, "@assist here", ("per_diem.csv", PER_DIEM))
    assert "215" in await ask(slack, "ana", "general", f"@assist {LIMIT}")
    assert "Only who shared the file" in await ask(slack, "raj", "general", "@assist forget per_diem.csv")
    assert "In Slack the file is still there." in await ask(slack, "ana", "general", "@assist forget per_diem.csv")
    assert "215" not in await ask(slack, "ana", "general", f"@assist {LIMIT}")


async def test_a_database_that_is_away_for_a_moment_costs_a_try_and_not_the_answer(
    bot: Settings, slack: SlackServer
) -> None:
    with closing(sqlite3.connect(bot.data_dir / "assist.db", timeout=10, isolation_level=None)) as database:
        database.execute("ALTER TABLE files RENAME TO away")
        ts = slack.workspace.say("ana", "general", "@assist hello")
        await slack.until(lambda: any("Trying again" in str(c.args) for c in slack.calls))
        database.execute("ALTER TABLE away RENAME TO files")
    assert "hello" in (await answer_to(slack, "general", ts, timeout=20)).lower()
