"""Files under fire, through the whole bot: each odd one gets its word, the rest is read, and nothing is left half-attached."""

from __future__ import annotations

import asyncio
import io
import sqlite3
import zipfile
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from pypdf import PdfWriter

from bot.settings import Settings
from playground.openai import OpenAIServer
from playground.slack import SlackServer
from playground.slack.state import File
from tests.conftest import connected, running
from tests.file_world import pdf, picture, zipped
from tests.scenarios.seen import answer_to, calls_of

TEXT = b"The hotel limit in Lisbon is 160 EUR a night."
VOICE = b"\0\0\0\x18ftypM4A " + bytes(100)


def bomb() -> bytes:
    """A DOCX of a few megabytes that unpacks to 600."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        with archive.open("word/document.xml", "w") as member:
            for _ in range(60):
                member.write(bytes(10_000_000))
    return out.getvalue()


def scan(number: int, size: int) -> bytes:
    """A PDF of pictures, and so many bytes more."""
    writer, out = PdfWriter(clone_from=io.BytesIO(pdf("", "", picture=True))), io.BytesIO()
    writer.add_attachment("more", bytes([number]) * size)
    writer.write(out)
    return out.getvalue()


def file(slack: SlackServer, name: str, content: bytes = TEXT, **more: Any) -> File:
    """A file of Ana's."""
    return slack.workspace.add_file("ana", name, content, **more)


async def ask(slack: SlackServer, *files: File, said: str = "@assist what is in these?") -> tuple[str, str]:
    """Ana shares files with a mention; the thread, and the answer."""
    ts = slack.workspace.say("ana", "general", said, files=files)
    return ts, await answer_to(slack, "general", ts, timeout=30)


def rows(settings: Settings) -> dict[str, dict[str, str]]:
    """The table of files, by name."""
    with closing(sqlite3.connect(settings.data_dir / "assist.db")) as database:
        database.row_factory = sqlite3.Row
        return {row["name"]: dict(row) for row in database.execute("SELECT * FROM files")}


def nothing_is_half_attached(settings: Settings, ai: OpenAIServer) -> None:
    """OpenAI's files, the entries of its stores, and the rows are the same."""
    ready = [row for row in rows(settings).values() if row["state"] == "ready"]
    assert set(ai.files) == {row[f] for row in ready for f in ("search_file", "given_file")} - {""}
    entries = {id_ for store in ai.vector_stores.values() for id_ in store.files}
    assert entries == {row["search_file"] for row in ready} - {""}


async def test_each_odd_file_gets_its_word_and_the_rest_is_read(
    bot: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    odd = [
        (file(slack, "empty.txt", b""), "it is empty"),
        (file(slack, "bomb.docx", bomb()), "it unpacks to 600 MB, which I do not open"),
        (file(slack, "locked.pdf", pdf("the plan", password="secret")), "it is password-protected"),
        (file(slack, "all.zip", zipped(a_txt="x")), "archives are not read; please unpack it and share the files"),
        (file(slack, "setup.exe", b"MZ\0\0"), "programs are not read"),
        (file(slack, "plan", b"", external_type="gdrive", url="https://docs.google.com/d/1"), "it lives in Google Drive; I can only read files that are uploaded to Slack"),
        (file(slack, "foreign.txt", url="https://files.example.com/a.txt"), "it is not stored at Slack, so I do not fetch it"),
        (file(slack, "long.mp3", b"ID3\x04" + bytes(25_100_000)), "it is too large to listen to (25.1 MB; I can up to 25 MB)"),
        (file(slack, "gone.txt", b"x" * 600_000), "it was deleted"),
        (file(slack, "login.txt"), "Slack does not let me download files; please tell whoever runs me"),
    ]  # fmt: skip
    hidden = file(slack, "old.txt", mode="hidden_by_limit")
    by_name = {f.name: f for f, _ in odd}
    slack.faults.add("files.download", gone=True, when=lambda args: args["file"] == by_name["gone.txt"].id)
    slack.faults.add("files.download", login=True, when=lambda args: args["file"] == by_name["login.txt"].id)
    good = [
        (file(slack, "photo.pdf", picture()), "an image"),
        (file(slack, "voice.m4a", VOICE, subtype="slack_audio", transcript="Book the Aurora"), "Book the Aurora"),
        (file(slack, "voice.mp3", b"ID3\x04" + bytes(100)), "a recording"),
        (file(slack, "Minutes", b"<h1>Minutes</h1>", mode="quip"), "file_search"),
        (file(slack, "snippet.py", b"print('kiwi')\n"), "file_search"),
        (file(slack, "policy.txt"), "file_search"),
    ]
    _, answer = await ask(slack, *(f for f, _ in odd), hidden, *(f for f, _ in good))
    (asked,) = [r.body["input"][-1]["content"] for r in ai.requests if r.path.endswith("/responses")]
    told = asked[0]["text"]
    for one, word in odd:
        assert f"Skipped {one.name}: {word}." in answer
        assert f"{one.name} — you cannot read it: {word}" in told
    assert "Skipped a file: it is older than this workspace's plan lets me read." in answer
    for one, word in good:
        assert f"Skipped {one.name}" not in answer
        assert word in told.partition(f"{one.name} — ")[2].partition("[shared a file:")[0]
    nothing_is_half_attached(bot, ai)


async def test_a_refused_file_from_another_company_is_called_by_its_name(bot: Settings, slack: SlackServer) -> None:
    slack.workspace.check_file_info = True
    _, answer = await ask(slack, file(slack, "empty.txt", b""), file(slack, "policy.txt"))
    assert answer.endswith("Skipped empty.txt: it is empty.")


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 429, "code": "rate_limit_exceeded", "headers": {"retry-after": "1"}},
        {"status": 500},
        {"refuse": True},
    ],
)
async def test_what_passes_in_a_moment_is_no_reason_to_do_without_a_file(
    bot: Settings, slack: SlackServer, ai: OpenAIServer, fault: dict[str, Any]
) -> None:
    ai.faults.add("/v1/files", when=lambda body: bool(body) and "file" in body, **fault)
    _, answer = await ask(slack, file(slack, "policy.txt"))
    assert "Skipped" not in answer
    nothing_is_half_attached(bot, ai)


async def test_asked_again_after_openai_was_away_it_reads_the_file_after_all(
    bot: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    ai.faults.add("/v1/files", status=429, code="insufficient_quota", when=lambda body: bool(body) and "file" in body)
    ts, answer = await ask(slack, file(slack, "policy.txt"))
    assert "Skipped policy.txt: The OpenAI account has no credit left." in answer
    slack.workspace.say("ana", "general", "what is the hotel limit in Lisbon?", thread_ts=ts)
    assert "160 EUR" in await answer_to(slack, "general", ts, 2)
    nothing_is_half_attached(bot, ai)


async def test_scans_are_looked_at_as_far_as_one_request_takes_them(
    bot: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    scans = [file(slack, f"scan {n}.pdf", scan(n, 25_000_000)) for n in (1, 2)]
    _, answer = await ask(slack, *scans)
    assert answer.count("Skipped") == 1
    assert answer.endswith(
        "its pages are too much to look at beside those of the other files; share it again by itself."
    )
    asked = next(r.body["input"][-1]["content"] for r in ai.requests if r.path.endswith("/responses"))
    assert [part["type"] for part in asked] == ["input_text", "input_file"]
    nothing_is_half_attached(bot, ai)


async def test_what_of_a_file_is_left_out_is_said(bot: Settings, slack: SlackServer, ai: OpenAIServer) -> None:
    _, answer = await ask(slack, file(slack, "long.csv", b"city,limit\n" + b"Lisbon,160\n" * 50_100))
    assert "Of long.csv only its first 50,0" in answer
    assert "rows can be searched; calculations use all." in answer


async def test_a_file_deleted_while_it_is_indexed_is_said_to_be_gone_and_goes_at_once(
    bot: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    ai.indexing.slow["policy.txt"] = 60
    shared = file(slack, "policy.txt")
    ts = slack.workspace.say("ana", "general", "@assist what is in this?", files=[shared])
    await slack.until(lambda: any("indexing" in c["status"] for c in calls_of(slack, "assistant.threads.setStatus")))
    async with asyncio.timeout(10):
        while not any(store.files for store in ai.vector_stores.values()):  # noqa: ASYNC110  # the server tells of no entry
            await asyncio.sleep(0.05)
    slack.workspace.delete_file(shared)
    answer = await answer_to(slack, "general", ts, timeout=20)
    assert answer.endswith("Skipped policy.txt: it was deleted, or is being forgotten.")
    async with asyncio.timeout(20):
        while rows(bot):  # noqa: ASYNC110  # another task's
            await asyncio.sleep(0.05)
    nothing_is_half_attached(bot, ai)


async def test_a_picture_that_the_model_does_not_take_does_not_cost_the_answer(
    bot: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    shown = "input[1].content[1].file_id"
    ai.faults.add("v1/responses", status=400, code="invalid_image_format", param=shown, times=1)
    _, answer = await ask(slack, file(slack, "odd.png", picture("PNG")), said="@assist say: still here")
    assert "still here" in answer
    assert "OpenAI did not accept the pictures or pages that were shared; I answer without them." in answer
    asked = [r.body["input"] for r in ai.requests if r.path == "/v1/responses"]
    assert [isinstance(items[-1]["content"], list) for items in asked] == [True, False]


async def test_a_picture_that_a_new_conversation_cannot_have_is_left_behind(
    bot: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    ts, _ = await ask(slack, file(slack, "photo.png", picture("PNG")))
    ai.conversations.clear()
    refused = {"status": 400, "code": "invalid_image", "param": "items[3].content[1].file_id"}
    ai.faults.add("v1/conversations", **refused, times=1)
    slack.workspace.say("ana", "general", "@assist say: still here", thread_ts=ts)
    assert "still here" in await answer_to(slack, "general", ts, 2, timeout=20)
    made = [r.body["items"] for r in ai.requests if r.path == "/v1/conversations" and r.body.get("items")]
    assert ["shared in this thread before: photo.png" in str(items) for items in made] == [True, False]


async def test_a_picture_whose_answer_was_stopped_is_seen_by_the_next_question(
    bot: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    ai.indexing.slow["policy.txt"] = 1.5
    shared = [file(slack, "photo.png", picture()), file(slack, "policy.txt"), file(slack, "setup.exe", b"MZ\0\0")]
    ts = slack.workspace.say("ana", "general", "@assist what are these?", files=shared)
    async with asyncio.timeout(10):
        while rows(bot).get("photo.png", {}).get("state") != "ready":  # noqa: ASYNC110  # another task's
            await asyncio.sleep(0.02)
    slack.workspace.say("ana", "general", "stop", thread_ts=ts)
    await answer_to(slack, "general", ts)
    for number in (2, 3):
        slack.workspace.say("ana", "general", "say: seen", thread_ts=ts)
        assert await answer_to(slack, "general", ts, number) == "seen"  # and nothing is said of the program anew
    first, second = [r.body["input"] for r in ai.requests if r.path == "/v1/responses"]
    (photo,) = [row["given_file"] for row in rows(bot).values() if row["name"] == "photo.png"]
    assert [part.get("file_id") for part in first[-1]["content"]] == [None, photo]
    assert "[shared in this thread before: policy.txt — file_search" in first[-1]["content"][0]["text"]
    assert photo not in str(second)


async def test_a_file_that_was_forgotten_after_its_answer_was_stopped_is_not_taken_in_again(
    bot: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    ai.indexing.slow["policy.txt"] = 60
    ts = slack.workspace.say(
        "ana",
        "general",
        "@assist what is this?",
        files=[file(slack, "policy.txt"), file(slack, "photo.png", picture())],
    )
    async with asyncio.timeout(10):
        while rows(bot).get("photo.png", {}).get("state") != "ready":  # noqa: ASYNC110  # another task's
            await asyncio.sleep(0.02)
    slack.workspace.say("ana", "general", "stop", thread_ts=ts)
    await answer_to(slack, "general", ts)
    ai.indexing.slow.clear()
    for name in ("policy.txt", "photo.png"):
        elsewhere = slack.workspace.say("ana", "general", f"@assist forget {name}")
        assert "I forget" in await answer_to(slack, "general", elsewhere)
    slack.workspace.say("ana", "general", "say: ready", thread_ts=ts)
    assert "ready" in await answer_to(slack, "general", ts, 2)
    asked = [r.body["input"] for r in ai.requests if r.path == "/v1/responses"][-1]
    assert isinstance(asked[-1]["content"], str)
    assert "shared in this thread" not in asked[-1]["content"]


async def test_without_the_operators_vector_store_questions_are_answered_all_the_same(
    settings: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    async with running(settings):
        await connected(slack)
        await ask(slack, file(slack, "policy.txt"))
    (store,) = ai.vector_stores
    async with running(replace(settings, openai_vector_store_id=store)):
        await connected(slack)
        ai.vector_stores.clear()
        _, answer = await ask(slack, said="@assist say: still here")
    assert answer.startswith("still here")
    assert answer.endswith("Please tell whoever runs me: OPENAI_VECTOR_STORE_ID names none.")
