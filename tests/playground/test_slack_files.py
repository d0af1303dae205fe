"""Files as Slack shows, serves and takes them; and what goes wrong with them."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from playground.slack import File, SlackServer

Json = dict[str, Any]
EVENTS = {"message.channels", "message.groups", "file_deleted"}


@pytest.fixture
async def api(slack: SlackServer) -> AsyncIterator[AsyncWebClient]:
    async with aiohttp.ClientSession() as session:
        yield AsyncWebClient(token=slack.bot_token, base_url=slack.api_url, session=session)


@pytest.fixture
async def web(slack: SlackServer) -> AsyncIterator[aiohttp.ClientSession]:
    """A client that carries the bot's token."""
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {slack.bot_token}"}) as session:
        yield session


async def refused(call: Any) -> str:
    """The error of a call that must fail."""
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])


def shared(slack: SlackServer, file: File, channel: str = "general") -> Json:
    """The file object in the message that shares it."""
    slack.workspace.say("ana", channel, "here", files=[file])
    found: Json = slack.workspace.messages(channel)[-1]["files"][0]
    return found


async def test_files_go_up_and_down(slack: SlackServer, api: AsyncWebClient, web: aiohttp.ClientSession) -> None:
    ws = slack.workspace
    done = await api.files_upload_v2(
        channel=ws.channel("general").id, filename="r.csv", content="a,b", initial_comment="the report"
    )
    message = ws.messages("general")[-1]
    assert (message["text"], message["files"][0]["name"]) == ("the report", "r.csv")
    assert (message["upload"], message["user"]) == (True, slack.bot_user_id)
    url = (await api.files_info(file=done["file"]["id"]))["file"]["url_private_download"]
    async with web.get(url) as response:
        assert await response.read() == b"a,b"
    for wrong in ("Bearer xoxb-wrong", ""):
        async with web.get(url, headers={"Authorization": wrong}) as response:
            assert (response.status, response.content_type) == (200, "text/html")
    slack.scopes -= {"files:read"}
    async with web.get(url) as response:
        assert response.content_type == "text/html"
    slack.scopes |= {"files:read"}
    ws.say("ana", "guests-only", "public, though the app is not in it", files=[("p.csv", b"x")])
    assert [f["name"] for f in (await api.files_list())["files"]] == ["p.csv", "r.csv"]
    await api.files_delete(file=done["file"]["id"])
    assert await refused(api.files_info(file=done["file"]["id"])) == "file_deleted"


async def test_files_info_tells_of_the_places_that_the_app_sees(slack: SlackServer, api: AsyncWebClient) -> None:
    ws = slack.workspace
    file = ws.add_file("ana", "limits.pdf", b"%PDF")
    root = ws.say("ana", "general", "root")
    ws.say("ana", "payroll", "salaries", files=[file])
    assert await refused(api.files_info(file=file.id)) == "not_visible"
    assert await refused(api.files_info(file="F0NOTHING")) == "file_not_found"
    reply = ws.say("ana", "general", "again", thread_ts=root, files=[file])
    ws.say("ana", ws.dm("ana"), "to you", files=[file])
    leads = ws.say("ana", "leads", "and here", files=[file])
    general, private = ws.channel("general").id, ws.channel("leads").id
    got = (await api.files_info(file=file.id))["file"]
    assert (got["channels"], got["groups"], got["ims"]) == ([general], [private], [ws.dm("ana").id])
    assert [(s["ts"], s["thread_ts"]) for s in got["shares"]["public"][general]] == [(reply, root)]
    assert [s["ts"] for s in got["shares"]["private"][private]] == [leads]
    assert ws.channel("payroll").id not in str(got)
    assert not {"channels", "groups", "ims", "shares"} & set(ws.messages("leads")[-1]["files"][0])


@pytest.mark.parametrize(
    ("name", "filetype", "mimetype", "mode"),
    [
        ("plan.txt", "text", "text/plain", "snippet"),
        ("notes.MD", "markdown", "text/markdown", "snippet"),
        ("run.py", "python", "text/x-python", "snippet"),
        ("rates.csv", "csv", "text/csv", "snippet"),
        ("policy.pdf", "pdf", "application/pdf", "hosted"),
        ("photo.jpeg", "jpg", "image/jpeg", "hosted"),
        ("photo.HEIC", "heic", "image/heic", "hosted"),
        ("setup.exe", "binary", "application/octet-stream", "hosted"),
        ("noextension", "binary", "application/octet-stream", "hosted"),
    ],
)
async def test_kinds_of_files_by_their_names(
    slack: SlackServer, name: str, filetype: str, mimetype: str, mode: str
) -> None:
    got = shared(slack, slack.workspace.add_file("ana", name, b"some\ntext"))
    assert (got["filetype"], got["mimetype"], got["mode"], got["size"]) == (filetype, mimetype, mode, 9)
    assert got["name"] == name
    assert got.get("preview") == ("some\ntext" if mode == "snippet" else None)


async def test_a_canvas_comes_as_html_and_a_hostile_name_stays_out_of_the_address(
    slack: SlackServer, web: aiohttp.ClientSession
) -> None:
    canvas = shared(slack, slack.workspace.add_file("ana", "Plan", b"<h1>Plan</h1>", mode="quip"))
    assert (canvas["filetype"], canvas["pretty_type"], canvas["mimetype"]) == (
        "quip",
        "Canvas",
        "application/vnd.slack-docs",
    )
    async with web.get(canvas["url_private_download"]) as response:
        assert (response.content_type, await response.text()) == ("text/html", "<h1>Plan</h1>")
    evil = shared(slack, slack.workspace.add_file("ana", "../../etc/pass?wd#.txt", b"x"))
    assert evil["name"] == "../../etc/pass?wd#.txt"
    async with web.get(evil["url_private_download"]) as response:
        assert await response.read() == b"x"
    assert ".." not in evil["url_private"].removeprefix(slack.origin).strip("/").split("/")


async def test_files_that_slack_does_not_hold(
    slack: SlackServer, api: AsyncWebClient, web: aiohttp.ClientSession
) -> None:
    ws = slack.workspace
    there = "https://docs.example/d/1"
    sheet = ws.add_file("ana", "Budget", url=there, external_type="gdrive", filetype="gsheet")
    got = shared(slack, sheet)
    assert (got["mode"], got["is_external"], got["external_type"], got["size"]) == ("external", True, "gdrive", 0)
    assert (got["url_private"], "url_private_download" in got) == (there, False)
    old = ws.add_file("ana", "old.pdf", b"%PDF", mode="hidden_by_limit")
    assert shared(slack, old) == {"id": old.id, "mode": "hidden_by_limit"}
    assert old.id not in [f["id"] for f in (await api.files_list())["files"]]
    gone = ws.add_file("ana", "gone.pdf", b"%PDF")
    url = shared(slack, gone)["url_private_download"]
    ws.delete_file(gone)
    assert ws.messages("general")[-1]["files"] == [{"id": gone.id, "mode": "tombstone"}]
    async with web.get(url) as response:
        assert response.status == 404


async def test_a_clip_carries_its_transcript(
    slack: SlackServer, api: AsyncWebClient, web: aiohttp.ClientSession
) -> None:
    ws = slack.workspace
    words = "What is the hotel limit in Lisbon? " * 6
    clip = ws.add_file("ana", "audio_message.m4a", b"\0" * 10, subtype="slack_audio", transcript=words.strip())
    got = shared(slack, clip)
    assert (got["subtype"], got["mimetype"], got["media_display_type"]) == ("slack_audio", "audio/mp4", "audio")
    assert got["duration_ms"] > 0
    assert (got["transcription"]["status"], got["transcription"]["preview"]["has_more"]) == ("complete", True)
    async with web.get(got["vtt"]) as response:
        text = (await response.read()).decode("utf-8-sig")
        assert (response.content_type, text.startswith("WEBVTT")) == ("text/vtt", True)
    cues = [c.splitlines() for c in text.strip().split("\n\n")[1:]]
    assert all(" --> " in cue[0] for cue in cues)
    assert " ".join(cue[1] for cue in cues).removeprefix("- ") == words.strip()
    async with web.get(got["vtt"], headers={"Authorization": ""}) as response:
        assert response.content_type == "text/html"
    later = ws.add_file("ana", "clip.mp4", b"\0", subtype="slack_video", transcription="processing")
    assert shared(slack, later)["transcription"] == {"status": "processing"}
    ws.transcribe(later, "done")
    assert (await api.files_info(file=later.id))["file"]["transcription"]["preview"]["content"] == "done"


async def test_a_big_file_is_streamed_from_disk(slack: SlackServer, web: aiohttp.ClientSession, tmp_path: Path) -> None:
    big = tmp_path / "big.bin"
    with big.open("wb") as file:
        file.truncate(30_000_000)
    got = shared(slack, slack.workspace.add_file("ana", "big.bin", big))
    assert got["size"] == 30_000_000
    count, largest = 0, 0
    async with web.get(got["url_private_download"]) as response:
        assert response.content_length == 30_000_000
        async for chunk, _ in response.content.iter_chunks():
            count, largest = count + len(chunk), max(largest, len(chunk))
    assert (count, largest < 2_000_000) == (30_000_000, True)


@pytest.mark.parametrize(
    "fault", [{"cut": 0.5}, {"gone": True}, {"lost": True, "times": 2}]
)  # aiohttp tries a lost GET once more
async def test_a_download_that_breaks_off(slack: SlackServer, web: aiohttp.ClientSession, fault: Json) -> None:
    file = slack.workspace.add_file("ana", "a.pdf", b"x" * 100_000)
    url = shared(slack, file)["url_private_download"]
    slack.faults.add("files.download", **fault)
    with pytest.raises(aiohttp.ClientError):
        async with web.get(url) as response:
            await response.read()
    assert file.deleted == bool(fault.get("gone"))
    async with web.get(url) as response:
        assert response.status == (404 if file.deleted else 200)


async def test_downloads_that_lead_astray(slack: SlackServer, web: aiohttp.ClientSession) -> None:
    url = shared(slack, slack.workspace.add_file("ana", "a.pdf", b"%PDF"))["url_private_download"]
    slack.faults.add("files.download", login=True)
    async with web.get(url) as response:
        assert (response.status, response.content_type) == (200, "text/html")
    slack.faults.add("files.download", redirect="login")
    async with web.get(url) as response:
        assert (response.content_type, str(response.url).startswith(slack.origin), len(response.history)) == (
            "text/html",
            True,
            1,
        )
    slack.faults.add("files.download", redirect="https://elsewhere.example/f")
    async with web.get(url, allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (302, "https://elsewhere.example/f")
    slack.faults.add("files.download", content_type="image/png")
    async with web.get(url) as response:
        assert (response.content_type, await response.read()) == ("image/png", b"%PDF")
    slack.faults.add("files.download", spread=0.3)
    begun = time.monotonic()
    async with web.get(url) as response:
        assert await response.read() == b"%PDF"
    assert time.monotonic() - begun >= 0.3
    foreign = shared(slack, slack.workspace.add_file("ana", "a.pdf", b"%PDF", url="https://files.evil.example/a.pdf"))
    assert (foreign["mode"], foreign["url_private_download"]) == ("hosted", "https://files.evil.example/a.pdf")


async def test_a_file_that_somebody_deletes_while_it_comes(slack: SlackServer, web: aiohttp.ClientSession) -> None:
    file = slack.workspace.add_file("ana", "a.pdf", b"x" * 1_000_000)
    url = shared(slack, file)["url_private_download"]
    slack.faults.add("files.download", spread=2)
    async with web.get(url) as response:
        await response.content.readany()
        slack.workspace.delete_file(file)
        with pytest.raises(aiohttp.ClientError):
            await response.read()


async def test_the_app_hears_of_deleted_files_that_it_could_see(slack: SlackServer) -> None:
    ws = slack.workspace
    slack.subscriptions = EVENTS
    hidden, seen = ws.add_file("ana", "h.pdf", b"x"), ws.add_file("ana", "s.pdf", b"x")
    shared(slack, hidden, "payroll")
    shared(slack, seen, "leads")
    ws.remove_bot("leads")
    ws.delete_file(seen)  # it is nowhere where the app still is
    public = ws.add_file("ana", "p.pdf", b"x")
    shared(slack, public, "guests-only")
    for file in (hidden, public):
        ws.delete_file(file)
    deleted = [e.payload["event"] for e in slack.delivery.events if e.kind == "file_deleted"]
    assert [e["file_id"] for e in deleted] == [public.id]


async def test_uploads_that_slack_refuses(slack: SlackServer, api: AsyncWebClient) -> None:
    async def begin(**args: Any) -> str:
        given: Json = {"filename": "a.txt", "length": 3} | args
        return await refused(api.files_getUploadURLExternal(**given))

    assert await begin(length=0) == "missing_argument"
    assert await begin(alt_txt="x" * 1001) == "alt_txt_too_large"
    assert await begin(snippet_type="klingon") == "unknown_snippet_type"
    assert await begin(snippet_type="python", length=2_000_000) == "snippet_too_large"
    channel = slack.workspace.channel("general").id
    announced = await api.files_getUploadURLExternal(filename="a.png", length=3, alt_txt="a dot")
    files = [{"id": announced["file_id"], "title": "A"}]
    assert await refused(api.files_completeUploadExternal(files=files, channel_id=channel)) == "file_not_found"
    async with aiohttp.ClientSession() as session, session.post(announced["upload_url"], data=b"png") as response:
        assert response.status == 200
    outside = slack.workspace.channel("guests-only").id
    assert await refused(api.files_completeUploadExternal(files=files, channel_id=outside)) == "not_in_channel"
    secret = slack.workspace.channel("payroll").id
    assert await refused(api.files_completeUploadExternal(files=files, channel_id=secret)) == "channel_not_found"
    wrong = api.files_completeUploadExternal(files=files, channel_id=channel, thread_ts="1700000000.000001")
    assert await refused(wrong) == "thread_not_found"
    assert slack.workspace.messages("general") == []
    done = await api.files_completeUploadExternal(files=files, channel_id=channel)
    assert (done["files"][0]["title"], done["files"][0]["alt_txt"]) == ("A", "a dot")


async def test_a_snippet_of_the_apps_own_reaches_others_as_an_event(slack: SlackServer, api: AsyncWebClient) -> None:
    slack.subscriptions = EVENTS
    announced = await api.files_getUploadURLExternal(filename="a", length=8, snippet_type="python")
    async with aiohttp.ClientSession() as session, session.post(announced["upload_url"], data=b"print(1)"):
        pass
    channel = slack.workspace.channel("general").id
    block = {"type": "divider"}
    await api.files_completeUploadExternal(
        files=[{"id": announced["file_id"]}], channel_id=channel, initial_comment="here", blocks=json.dumps([block])
    )
    event = slack.delivery.events[-1].payload["event"]
    assert (event["subtype"], event["upload"], event["bot_id"]) == ("file_share", True, slack.bot_id)
    assert (event["files"][0]["mode"], event["files"][0]["filetype"]) == ("snippet", "python")
    assert (event["text"], "blocks" in event) == ("here", False)


async def test_fifty_files_come_in_one_message_and_at_once(slack: SlackServer, web: aiohttp.ClientSession) -> None:
    slack.workspace.say("ana", "general", "all", files=[(f"{n}.txt", str(n).encode()) for n in range(50)])

    async def body(url: str) -> bytes:
        async with web.get(url) as response:
            return await response.read()

    urls = [f["url_private_download"] for f in slack.workspace.messages("general")[-1]["files"]]
    assert await asyncio.gather(*map(body, urls)) == [str(n).encode() for n in range(50)]


async def test_files_outlive_a_restart(slack: SlackServer, tmp_path: Path) -> None:
    (tmp_path / "big.bin").write_bytes(b"big")
    clip = slack.workspace.add_file("ana", "c.m4a", b"c", subtype="slack_audio", transcript="hello")
    disk = slack.workspace.add_file("ana", "big.bin", tmp_path / "big.bin")
    again = SlackServer(state=slack.snapshot()).workspace
    assert again.files[clip.id] == clip
    assert again.files[disk.id] == disk
