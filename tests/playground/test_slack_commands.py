"""Slash commands: what the app gets, what the person sees, over both transports, with a real Bolt app."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from playground.slack import SlackServer

Json = dict[str, Any]


class App:
    """Answers /expenses with `says`, in the ack."""

    def __init__(self, slack: SlackServer) -> None:
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
        self.bolt = AsyncApp(client=client, signing_secret=slack.signing_secret, process_before_response=True)
        self.heard: list[Json] = []
        self.says: Json = {"text": "Here they are."}
        self.bolt.command("/expenses")(self._command)

    async def _command(self, ack: Any, body: Json) -> None:
        self.heard.append(body)
        await ack(**self.says)


@asynccontextmanager
async def by_socket(slack: SlackServer, app: App) -> AsyncIterator[None]:
    handler = AsyncSocketModeHandler(app.bolt, slack.app_token)
    await handler.connect_async()  # type: ignore[no-untyped-call]  # Bolt leaves it untyped
    await slack.until(lambda: slack.delivery.sockets.connections)
    yield
    await handler.close_async()  # type: ignore[no-untyped-call]  # Bolt leaves it untyped


@asynccontextmanager
async def by_http(slack: SlackServer, app: App) -> AsyncIterator[None]:
    async def receive(request: web.Request) -> web.Response:
        assert request.content_type == "application/x-www-form-urlencoded"
        answer = await app.bolt.async_dispatch(
            AsyncBoltRequest(body=await request.text(), headers=dict(request.headers))
        )
        kind = (answer.headers.get("content-type") or ["text/plain"])[0].split(";")[0]
        return web.Response(status=answer.status, text=answer.body, content_type=kind)

    served = web.Application()
    served.router.add_post("/slack/events", receive)
    runner = web.AppRunner(served, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.deliver_to(f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events")
    try:
        yield
    finally:
        slack.deliver_to(None)
        await runner.cleanup()


@pytest.mark.parametrize("transport", [by_socket, by_http])
async def test_a_command_comes_with_slacks_fields_and_its_ack_is_seen(slack: SlackServer, transport: Any) -> None:
    ws, app = slack.workspace, App(slack)
    ana, dm = ws.person("ana"), ws.dm("ana")
    async with transport(slack, app):
        ws.command("ana", dm, "/expenses", "list <all> of @raj in #general")
        await slack.until(lambda: ws.ephemerals)
    (heard,) = app.heard
    raj, general = ws.person("raj").id, ws.channel("general").id
    assert heard["text"] == f"list &lt;all&gt; of <@{raj}|raj> in <#{general}|general>"
    expected = {
        "command": "/expenses", "user_id": ana.id, "user_name": "ana", "channel_id": dm.id, "channel_name": "directmessage",
        "team_id": slack.team_id, "team_domain": "acme", "api_app_id": slack.app_id, "is_enterprise_install": "false",
    }  # fmt: skip
    assert {k: heard[k] for k in expected} == expected
    assert heard["trigger_id"] in ws.triggers
    (seen,) = ws.ephemerals
    assert (seen["text"], seen["to"], seen["channel"]) == ("Here they are.", ana.id, dm.id)
    async with aiohttp.ClientSession() as session, session.post(heard["response_url"], json={"text": "later"}) as said:
        assert said.status == 200
    assert [m["text"] for m in ws.ephemerals] == ["Here they are.", "later"]


async def test_a_command_that_does_not_escape_comes_as_typed(slack: SlackServer) -> None:
    app = App(slack)
    slack.app.commands["/expenses"] = False
    async with by_socket(slack, app):
        slack.workspace.command("ana", "general", "/expenses", "report of @raj")
        await slack.until(lambda: app.heard)
    assert app.heard[0]["text"] == "report of @raj"


async def test_an_empty_ack_shows_nothing(slack: SlackServer) -> None:
    app = App(slack)
    app.says = {}
    async with by_socket(slack, app):
        slack.workspace.command("ana", "general", "/expenses", "new")
        await slack.until(lambda: slack.delivery.events[-1].acked_at)
    assert slack.workspace.ephemerals == []


async def test_what_slacks_client_does_not_send(slack: SlackServer) -> None:
    ws = slack.workspace
    root = ws.say("ana", "general", "root")
    for args, more, why in (
        (("ana", "general", "/nothing"), {}, "/nothing is not a valid command."),
        (("ana", "general", "/expenses"), {"thread_ts": root}, "/expenses is not supported in threads. Sorry!"),
        (("raj", "payroll", "/expenses"), {}, "raj is not in payroll"),
    ):
        with pytest.raises(ValueError, match=why):
            ws.command(*args, **more)
    assert all(e.type != "slash_commands" for e in slack.delivery.events)


async def test_a_command_without_an_ack_fails_visibly_and_is_not_sent_again(slack: SlackServer) -> None:
    ws, slack.ack_timeout = slack.workspace, 0.1
    ws.command("ana", "general", "/expenses")
    await slack.until(lambda: ws.ephemerals)  # nobody is connected
    assert ws.ephemerals[0]["text"] == '/expenses failed with the error "dispatch_failed"'
    ticket = slack.delivery.sockets.ticket()
    async with aiohttp.ClientSession() as session, session.ws_connect(ticket) as silent:
        await silent.receive_json()
        ws.command("ana", "general", "/expenses")
        await slack.until(lambda: len(ws.ephemerals) == 2)
        assert (await silent.receive_json())["type"] == "slash_commands"
    assert ws.ephemerals[1]["text"] == '/expenses failed with the error "operation_timeout"'
    assert (ws.ephemerals[1]["user"], ws.ephemerals[1]["to"]) == ("USLACKBOT", ws.person("ana").id)
    assert [e.attempts for e in slack.delivery.events if e.type == "slash_commands"] == [1, 1]
