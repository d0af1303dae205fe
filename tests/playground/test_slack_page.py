"""What the playground's page asks for: files shared and deleted, forms filled in, permalinks followed; each as one person may."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient

from playground.browser import Browser
from playground.feed import Feed
from playground.guard import own_pages_only
from playground.openai.extract import SHOWS, look
from playground.sample_receipts import SAMPLES
from playground.slack import SlackServer

Json = dict[str, Any]
INPUTS = [
    {
        "type": "input",
        "block_id": "name",
        "label": {"type": "plain_text", "text": "Name"},
        "element": {"type": "plain_text_input", "action_id": "v"},
    },
    {
        "type": "input",
        "block_id": "files",
        "label": {"type": "plain_text", "text": "Files"},
        "element": {"type": "file_input", "action_id": "v"},
    },
]
FORM = {
    "type": "modal",
    "title": {"type": "plain_text", "text": "Add"},
    "submit": {"type": "plain_text", "text": "Add"},
    "blocks": INPUTS,
}


@pytest.fixture
async def page(slack: SlackServer) -> AsyncIterator[aiohttp.ClientSession]:
    """A browser at the page, without a bot behind it."""
    app = web.Application(middlewares=[own_pages_only])
    feed = Feed(slack.workspace)
    slack.on_change(feed.changed)
    Browser(slack, feed, {"bot": "connected"}).mount(app)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}") as session:
        yield session
    await runner.cleanup()


async def post(page: aiohttp.ClientSession, name: str, /, **body: Any) -> tuple[int, Json]:
    async with page.post(f"/playground/{name}", json=body) as answer:
        return answer.status, await answer.json()


async def state(page: aiohttp.ClientSession, person: str) -> Json:
    async with page.get("/playground/state", params={"person": person}) as answer:
        found: Json = await answer.json()
        return found


async def opened(slack: SlackServer, person: str = "ana") -> str:
    """The id of a form that the app opens for a person."""
    api = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
    trigger = slack.workspace.trigger(slack.workspace.person(person))
    return str((await api.views_open(trigger_id=trigger, view=FORM))["view"]["id"])


async def test_a_script_shares_files_and_sees_them_in_the_state(
    page: aiohttp.ClientSession, slack: SlackServer
) -> None:
    files = [{"name": f"{n}.txt", "content": base64.b64encode(b"hello").decode()} for n in range(2)]
    status, said = await post(page, "say", person="ana", channel="payroll", text="", files=files)
    assert status == 200
    (message,) = slack.workspace.messages("payroll")
    assert (message["ts"], [f["name"] for f in message["files"]]) == (said["ts"], ["0.txt", "1.txt"])
    listed = (await state(page, "maria"))["files"]
    assert [(f["name"], f["size"], f["channels"]) for f in listed] == [
        (f"{n}.txt", 5, [slack.workspace.channel("payroll").id]) for n in range(2)
    ]
    assert (await state(page, "raj"))["files"] == []
    status, said = await post(page, "say", person="ana", channel="general", files=[{"name": "x", "content": "%"}])
    assert (status, "There is no such thing" in said["error"]) == (400, True)


async def test_pictures_are_shown_and_nothing_else_is(
    page: aiohttp.ClientSession, slack: SlackServer, tmp_path: Path
) -> None:
    (tmp_path / "big.png").write_bytes(b"on disk")
    ws = slack.workspace
    kinds = {"a.png": "image/png", "a.svg": "", "a.html": "", "big.png": "image/png"}
    for name, shown in kinds.items():
        content = tmp_path / name if name == "big.png" else b"<script>"
        file = ws.add_file("ana", name, content)
        ws.say("ana", "general", "see", files=[file])
        async with page.get(f"/playground/files/{file.id}?person=raj&inline") as answer:
            assert answer.content_type == (shown or "application/octet-stream")
            assert answer.headers["Content-Disposition"].startswith("inline" if shown else "attachment")
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert await answer.read() == (b"on disk" if name == "big.png" else b"<script>")


async def test_files_are_deleted_by_their_owner_or_an_admin(page: aiohttp.ClientSession, slack: SlackServer) -> None:
    ws = slack.workspace
    one, two, hidden = (ws.add_file("raj", f"{n}.txt", b"x") for n in range(3))
    ws.say("raj", "general", "two", files=[one, two])
    ws.say("raj", "leads", "secret", files=[hidden])
    status, said = await post(page, "delete_file", person="kim", file=one.id)
    assert (status, said["error"]) == (400, "Only its owner and admins can delete a file.")
    assert (await post(page, "delete_file", person="maria", file=hidden.id))[0] == 400
    assert (await post(page, "delete_file", person="raj", file=one.id))[0] == 200
    assert (await post(page, "delete_file", person="ana", file=two.id))[0] == 200
    assert [f["mode"] for f in ws.messages("general")[0]["files"]] == ["tombstone"] * 2
    assert (await post(page, "delete_file", person="raj", file=one.id))[0] == 400
    assert hidden.deleted is False


async def test_a_form_comes_to_its_person_and_goes_back_with_files(
    page: aiohttp.ClientSession, slack: SlackServer
) -> None:
    async with (
        page.ws_connect("/playground/live?person=ana") as live,
        page.ws_connect("/playground/live?person=raj") as raj,
    ):
        view = await opened(slack)
        news = await live.receive_json(timeout=5)
        assert (news["modal"]["id"], news["errors"]) == (view, {})
        assert (await state(page, "ana"))["modal"]["id"] == view
        assert (await state(page, "raj"))["modal"] is None
        status, said = await post(page, "submit", person="ana", view_id=view, values={})
        assert (status, said["error"]) == (400, "Please fill in “Name”.")
        assert (await post(page, "submit", person="raj", view_id=view, values={}))[0] == 400
        form = aiohttp.FormData({"person": "ana", "view_id": view, "values": json.dumps({"name": {"v": "policy"}})})
        for name in ("a.pdf", "b.pdf"):
            form.add_field("file files v", b"%PDF", filename=name)
        async with page.post("/playground/submit", data=form) as answer:
            assert answer.status == 200
        sent = slack.delivery.events[-1].payload
        assert sent["type"] == "view_submission"
        values = sent["view"]["state"]["values"]
        assert (values["name"]["v"]["value"], [f["name"] for f in values["files"]["v"]["files"]]) == (
            "policy",
            ["a.pdf", "b.pdf"],
        )
        slack.workspace.submitted(sent["user"]["id"], view, {"response_action": "errors", "errors": {"name": "Taken."}})
        assert (await live.receive_json(timeout=5))["errors"] == {"name": "Taken."}
        assert (await post(page, "close", person="ana", view_id=view))[0] == 200
        assert (await live.receive_json(timeout=5))["modal"] is None
        with pytest.raises(asyncio.TimeoutError):
            await raj.receive_json(timeout=0.1)


async def test_a_button_that_is_gone_is_told_of(page: aiohttp.ClientSession, slack: SlackServer) -> None:
    dm = slack.workspace.dm("raj")
    ts = slack.workspace.bot_post(dm, {"text": "decided", "blocks": []})["ts"]
    status, said = await post(page, "press", person="raj", channel=dm.id, ts=ts, action_id="approve")
    assert (status, said["error"]) == (400, "This button is not there any more.")


async def test_a_permalink_opens_the_page_at_what_it_names(page: aiohttp.ClientSession, slack: SlackServer) -> None:
    root = slack.workspace.say("ana", "general", "root")
    ts = slack.workspace.say("ana", "general", "reply", thread_ts=root, files=[("a.pdf", b"%PDF")])
    api = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
    link = await api.chat_getPermalink(channel=slack.workspace.channel("general").id, message_ts=ts)
    file = slack.workspace.messages("general", root)[-1]["files"][0]
    for address in (str(link["permalink"]), file["permalink"]):
        path = address.removeprefix(slack.origin)
        async with page.get(path, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (302, f"/#{path}")


async def test_a_command_is_sent_by_typing_it_or_by_a_script(page: aiohttp.ClientSession, slack: SlackServer) -> None:
    assert (await state(page, "ana"))["commands"] == ["/expenses", "/meet"]
    dm = slack.workspace.dm("ana").id
    assert await post(page, "say", person="ana", channel=dm, text="/expenses list") == (200, {})
    assert await post(page, "command", person="ana", channel=dm, command="/expenses", text=" new ") == (200, {})
    sent = [e.payload for e in slack.delivery.events if e.type == "slash_commands"]
    assert [(c["command"], c["text"], c["user_id"]) for c in sent] == [
        ("/expenses", text, slack.workspace.person("ana").id) for text in ("list", "new")
    ]
    status, said = await post(page, "say", person="ana", channel=dm, text="/nothing here")
    assert (status, said["error"]) == (400, "/nothing is not a valid command.")
    root = slack.workspace.say("ana", dm, "root")
    status, said = await post(page, "say", person="ana", channel=dm, text="/expenses list", thread_ts=root)
    assert (status, said["error"]) == (400, "/expenses is not supported in threads. Sorry!")
    assert [m["text"] for m in slack.workspace.messages(dm)] == ["root"], "a command is no message"


async def test_sample_receipts_are_shared_by_one_click_and_say_what_they_show(
    page: aiohttp.ClientSession, slack: SlackServer, tmp_path: Path
) -> None:
    ws = slack.workspace
    ws.clock = lambda: 1_795_348_800.0  # Sunday 2026-11-22
    dm = ws.dm("raj").id
    offered = [s["name"] for s in (await state(page, "raj"))["samples"]]
    assert offered == list(SAMPLES)
    for name in (*offered, offered[0]):
        assert (await post(page, "sample", person="raj", channel=dm, name=name))[0] == 200
    files = list(ws.files.values())
    assert files[0].content == files[3].content, "the same one again is a duplicate"
    told = {}
    for file in files[:3]:
        assert isinstance(file.content, bytes)
        (tmp_path / file.name).write_bytes(file.content)
        told[file.name] = look(tmp_path / file.name, file.name).text.rpartition(SHOWS)[2]
    assert "Total EUR 189.00" in told["hotel-invoice.pdf"]
    assert "Date: 21.11.2026" in told["taxi-receipt.jpg"]
    assert "ラーメン一番 🍜" in told["ramen-receipt.png"]
    assert (await post(page, "sample", person="raj", channel=dm, name="boat.pdf"))[0] == 400
