"""Events reach a real Bolt app over Socket Mode and over HTTP, whatever happens to the connection."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType, web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from playground.slack import SlackServer


class Bot:
    """A Bolt app that notes what it hears; while `failures` is above zero its listeners raise."""

    def __init__(self, slack: SlackServer) -> None:
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
        slack.app.commands["/meet"] = False
        self.app = AsyncApp(client=client, signing_secret=slack.signing_secret, process_before_response=True)
        self.heard: list[dict[str, Any]] = []
        self.failures = 0
        self.retries: list[tuple[str | None, str | None]] = []  # x-slack-retry-num and -reason of each POST
        self.client = client
        self.app.event("app_mention")(self._hear)
        self.app.event("message")(self._hear)
        self.app.event("app_home_opened")(self._hear)
        self.app.command("/meet")(self._command)
        self.app.action("approve")(self._act)
        self.app.view("expense")(self._submit)

    async def _hear(self, body: dict[str, Any]) -> None:
        if self.failures > 0:
            self.failures -= 1
            raise RuntimeError("planted")
        self.heard.append(body)

    async def _command(self, ack: Any, command: dict[str, Any], client: AsyncWebClient) -> None:
        view = {
            "type": "modal",
            "callback_id": "expense",
            "title": {"type": "plain_text", "text": "Meet"},
            "blocks": [INPUT],
        }
        await client.views_open(
            trigger_id=command["trigger_id"], view=view | {"submit": {"type": "plain_text", "text": "Go"}}
        )
        await ack(f"planning {command['text']}")

    async def _act(self, ack: Any, body: dict[str, Any], respond: Any) -> None:
        await ack()
        self.heard.append(body)
        await respond(text="approved", replace_original=True)

    async def _submit(self, ack: Any, view: dict[str, Any]) -> None:
        value = view["state"]["values"]["amount"]["value"]["value"]
        if not value.isdigit():
            await ack(response_action="errors", errors={"amount": "a number, please"})
            return
        await ack()

    def texts(self) -> list[str]:
        return [b["event"].get("text", "") for b in self.heard if b.get("event", {}).get("type") == "message"]


INPUT = {
    "type": "input",
    "block_id": "amount",
    "label": {"type": "plain_text", "text": "Amount"},
    "element": {"type": "plain_text_input", "action_id": "value"},
}


@asynccontextmanager
async def socket_mode(slack: SlackServer, bot: Bot) -> AsyncIterator[AsyncSocketModeHandler]:
    handler = AsyncSocketModeHandler(bot.app, slack.app_token, ping_interval=0.2)
    await handler.connect_async()  # type: ignore[no-untyped-call]  # Bolt leaves it untyped
    await slack.until(lambda: slack.delivery.sockets.connections)
    try:
        yield handler
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]  # Bolt leaves it untyped


@pytest.fixture
async def slack() -> AsyncIterator[SlackServer]:
    server = SlackServer()
    server.retry_delays = (0, 0.1, 0.2)
    server.ack_timeout = 1.0
    async with server.serving():
        yield server


@pytest.fixture
async def bot(slack: SlackServer) -> AsyncIterator[Bot]:
    bot = Bot(slack)
    async with socket_mode(slack, bot):
        yield bot


async def test_a_mention_comes_as_app_mention_and_as_its_message_twin(slack: SlackServer, bot: Bot) -> None:
    ts = slack.workspace.say("ana", "general", "@assist what's <new> & good?", files=[("a.txt", b"hello")])
    await slack.until(lambda: len(bot.heard) == 2 and not slack.delivery.unacked())
    mention, message = sorted(bot.heard, key=lambda b: b["event"]["type"])
    assert mention["event_id"] != message["event_id"]
    assert mention["event"]["ts"] == message["event"]["ts"] == ts
    assert mention["event"]["text"] == f"<@{slack.bot_user_id}> what's &lt;new&gt; &amp; good?"
    assert "files" not in mention["event"]
    assert "channel_type" not in mention["event"]
    assert message["event"]["subtype"] == "file_share"
    assert message["event"]["files"][0]["name"] == "a.txt"
    assert message["event"]["channel_type"] == "channel"
    assert message["authorizations"][0]["user_id"] == slack.bot_user_id


async def test_a_direct_message_is_no_mention_and_replies_name_their_parent(slack: SlackServer, bot: Bot) -> None:
    root = slack.workspace.say("ana", slack.workspace.dm("ana"), "hi @assist")
    slack.workspace.say("ana", slack.workspace.dm("ana"), "more", thread_ts=root)
    await slack.until(lambda: len(bot.heard) == 2)
    first, second = (b["event"] for b in bot.heard)
    assert (first["type"], first["channel_type"], "thread_ts" in first) == ("message", "im", False)
    assert second["thread_ts"] == root
    assert second["parent_user_id"] == slack.workspace.person("ana").id


async def test_nothing_comes_from_channels_without_the_app(slack: SlackServer, bot: Bot) -> None:
    slack.workspace.say("ana", "payroll", "secret @assist")
    slack.workspace.remove_bot("random")
    slack.workspace.say("ana", "random", "@assist gone")
    slack.workspace.say("ana", "leads", "here")
    await slack.until(lambda: bot.texts() == ["here"])
    heard = [(e.kind, e.payload["event"]["channel"]) for e in slack.delivery.events]
    left, leads = slack.workspace.channel("random").id, slack.workspace.channel("leads").id
    assert heard == [("channel_left", left), ("message", leads)]


async def test_a_listener_that_raises_gets_the_event_again(slack: SlackServer, bot: Bot) -> None:
    bot.failures = 1
    slack.ack_timeout = 0.2
    slack.workspace.say("ana", "general", "hello")
    await slack.until(lambda: bot.texts() == ["hello"])
    await slack.until(lambda: not slack.delivery.unacked())
    assert slack.delivery.events[0].attempts == 2
    assert slack.delivery.events[0].retry_reason == "timeout"


@pytest.mark.parametrize("reason", ["refresh_requested", "warning"])
async def test_a_disconnect_loses_nothing(slack: SlackServer, bot: Bot, reason: str) -> None:
    for n in range(20):
        slack.workspace.say("ana", "general", f"m{n}")
        if n == 10:
            await slack.delivery.disconnect(reason)
    await slack.until(lambda: {f"m{n}" for n in range(20)} <= set(bot.texts()))
    await slack.until(lambda: not slack.delivery.unacked())


async def test_a_cut_connection_loses_nothing(slack: SlackServer, bot: Bot) -> None:
    slack.workspace.say("ana", "general", "before")
    slack.delivery.cut()
    slack.workspace.say("ana", "general", "after")
    await slack.until(lambda: {"before", "after"} <= set(bot.texts()))


async def test_redelivery_and_duplicates_keep_the_event_id(slack: SlackServer, bot: Bot) -> None:
    slack.delivery.duplicate = 2
    slack.workspace.say("ana", "general", "once")
    await slack.until(lambda: len(bot.heard) == 3)
    slack.delivery.redeliver(bot.heard[0]["event_id"])
    await slack.until(lambda: len(bot.heard) == 4)
    assert len({b["event_id"] for b in bot.heard}) == 1


async def test_events_wait_for_a_connection(slack: SlackServer) -> None:
    slack.workspace.say("ana", "general", "early")
    bot = Bot(slack)
    async with socket_mode(slack, bot):
        await slack.until(lambda: bot.texts() == ["early"])


async def test_an_event_that_is_never_acked_is_lost_after_its_retries(slack: SlackServer) -> None:
    slack.ack_timeout, slack.retry_delays = 0.02, (0, 0.02, 0.02)
    slack.workspace.say("ana", "general", "nobody")
    await slack.until(lambda: slack.delivery.events[0].lost)
    assert slack.delivery.events[0].attempts == 4


async def test_connections_share_the_events(slack: SlackServer) -> None:
    bots = [Bot(slack) for _ in range(2)]
    async with socket_mode(slack, bots[0]), socket_mode(slack, bots[1]):
        await slack.until(lambda: slack.delivery.sockets.connections == 2)
        for n in range(6):
            slack.workspace.say("ana", "general", f"m{n}")
        await slack.until(lambda: sum(len(b.heard) for b in bots) == 6)
        assert all(b.heard for b in bots)


async def test_edits_deletes_and_counters_are_shaped_as_slack_shapes_them(slack: SlackServer, bot: Bot) -> None:
    ws = slack.workspace
    ws.counter_events = True
    root = ws.say("ana", "general", "one")
    ws.say("raj", "general", "reply", thread_ts=root)
    ws.edit("ana", "general", root, "two")
    ws.delete("ana", "general", root)
    lone = ws.say("ana", "general", "lone")
    ws.delete("ana", "general", lone)
    await slack.until(lambda: len(bot.heard) == 7)
    events = [b["event"] for b in bot.heard]
    assert [e.get("subtype") for e in events] == [None, None, *["message_changed"] * 3, None, "message_deleted"]
    counter, edit, tombstone = events[2:5]
    assert counter["message"]["text"] == counter["previous_message"]["text"] == "one"
    assert counter["message"]["reply_count"] == 1
    assert (edit["previous_message"]["text"], edit["message"]["text"]) == ("one", "two")
    assert edit["message"]["edited"]["user"] == ws.person("ana").id
    assert edit["hidden"] is True
    assert tombstone["message"]["subtype"] == "tombstone"
    assert events[6]["deleted_ts"] == lone


async def test_the_bots_own_posts_come_back_marked(slack: SlackServer, bot: Bot) -> None:
    await bot.client.chat_postMessage(
        channel=slack.workspace.channel("general").id,
        text="mine",
        metadata={"event_type": "turn", "event_payload": {}},
    )
    await slack.until(lambda: len(slack.delivery.events) == 1 and not slack.delivery.unacked())
    event = slack.delivery.events[0].payload["event"]
    assert (event["bot_id"], event["user"], event["app_id"]) == (slack.bot_id, slack.bot_user_id, slack.app_id)
    assert "metadata" not in event
    assert bot.heard == []  # Bolt drops its own


async def test_a_command_opens_a_modal_whose_submission_is_checked(slack: SlackServer, bot: Bot) -> None:
    ws = slack.workspace
    ws.command("ana", "general", "/meet", "tomorrow")
    await slack.until(lambda: ws.ephemerals)
    assert ws.ephemerals[0]["text"] == "planning tomorrow"
    view_id = ws.modals[ws.person("ana").id][0]
    ws.submit("ana", view_id, {"amount": {"value": "much"}})
    await slack.until(lambda: ws.view_errors.get(view_id) == {"amount": "a number, please"})
    ws.submit("ana", view_id, {"amount": {"value": "12"}})
    await slack.until(lambda: ws.modals[ws.person("ana").id] == [])
    assert [c.method for c in slack.calls if c.method.startswith("ack:")] == [
        "ack:slash_commands",
        "ack:view_submission",
    ]


async def test_a_button_can_replace_its_message_by_response_url(slack: SlackServer, bot: Bot) -> None:
    ws = slack.workspace
    button = {
        "type": "button",
        "action_id": "approve",
        "value": "42",
        "text": {"type": "plain_text", "text": "Approve"},
    }
    blocks = [{"type": "actions", "elements": [button]}]
    posted = await bot.client.chat_postMessage(channel=ws.channel("general").id, text="Approve?", blocks=blocks)
    ws.press("ana", "general", posted["ts"], "approve")
    await slack.until(lambda: ws.messages("general")[-1]["text"] == "approved")
    assert bot.heard[0]["actions"][0]["value"] == "42"
    assert bot.heard[0]["user"]["id"] == ws.person("ana").id


@asynccontextmanager
async def http_mode(slack: SlackServer, bot: Bot) -> AsyncIterator[None]:
    async def receive(request: web.Request) -> web.Response:
        bot.retries.append((request.headers.get("x-slack-retry-num"), request.headers.get("x-slack-retry-reason")))
        bolt = AsyncBoltRequest(body=await request.text(), headers=dict(request.headers))
        answer = await bot.app.async_dispatch(bolt)
        kind = (answer.headers.get("content-type") or ["text/plain"])[0].split(";")[0]
        return web.Response(status=answer.status, text=answer.body, content_type=kind)

    app = web.Application()
    app.router.add_post("/slack/events", receive)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.deliver_to(f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events")
    try:
        yield
    finally:
        slack.deliver_to(None)
        await runner.cleanup()


async def test_http_delivery_is_signed_retried_and_verified(slack: SlackServer) -> None:
    bot = Bot(slack)
    bot.failures = 1
    async with http_mode(slack, bot):
        assert await slack.verify_url()
        slack.workspace.say("ana", "general", "over http")
        await slack.until(lambda: bot.texts() == ["over http"] and not slack.delivery.unacked())
        assert bot.retries[1:] == [(None, None), ("1", "http_error")]  # the first is the verification
        slack.workspace.command("ana", "general", "/meet", "soon")
        await slack.until(lambda: slack.workspace.ephemerals)
    assert slack.workspace.ephemerals[0]["text"] == "planning soon"


async def test_a_wrong_signing_secret_is_refused_by_bolt(slack: SlackServer) -> None:
    bot = Bot(slack)
    slack.app.signing_secret = "another"
    async with http_mode(slack, bot):
        assert not await slack.verify_url()


async def test_until_says_what_was_said_last(slack: SlackServer) -> None:
    slack.workspace.say("ana", "general", "the last word")
    with pytest.raises(TimeoutError, match="the last word"):
        await slack.until(lambda: False, timeout=0.05)


async def test_an_unacked_event_can_be_redelivered_and_its_ack_counts(slack: SlackServer) -> None:
    slack.ack_timeout, slack.retry_delays = 0.02, ()
    slack.workspace.say("ana", "general", "late")
    await slack.until(lambda: slack.delivery.events[0].lost)
    slack.ack_timeout = 1.0
    bot = Bot(slack)
    async with socket_mode(slack, bot):
        slack.delivery.redeliver_all()
        await slack.until(lambda: bot.texts() == ["late"] and not slack.delivery.unacked())


async def open_socket(slack: SlackServer, session: aiohttp.ClientSession) -> aiohttp.ClientWebSocketResponse:
    url = (await AsyncWebClient(base_url=slack.api_url).apps_connections_open(app_token=slack.app_token))["url"]
    return await session.ws_connect(url, autoping=False)


async def test_pings_are_answered_with_their_own_payload(slack: SlackServer) -> None:
    async with aiohttp.ClientSession() as session, await open_socket(slack, session) as socket:
        hello = await socket.receive_json()
        assert (hello["type"], hello["num_connections"]) == ("hello", 1)
        await socket.ping(b"sdk-ping-pong:123.5")
        pong = await socket.receive()
        assert (pong.type, pong.data) == (WSMsgType.PONG, b"sdk-ping-pong:123.5")


async def test_the_eleventh_connection_is_sent_away(slack: SlackServer) -> None:
    async with aiohttp.ClientSession() as session:
        sockets = [await open_socket(slack, session) for _ in range(11)]
        assert [(await s.receive_json())["type"] for s in sockets] == ["hello"] * 10 + ["disconnect"]
        for socket in sockets:
            await socket.close()


async def test_only_subscribed_events_are_sent(slack: SlackServer, bot: Bot) -> None:
    slack.subscriptions = {"message.channels", "member_joined_channel"}
    slack.workspace.say("ana", "leads", "a group's message")
    slack.workspace.open_home("ana")
    slack.workspace.join("gus", "general")
    await slack.until(lambda: len(slack.delivery.events) == 2)
    kinds = [(e.kind, e.payload["event"].get("subtype")) for e in slack.delivery.events]
    assert kinds == [("message", "channel_join"), ("member_joined_channel", None)]


async def test_the_home_tab_comes_with_its_view(slack: SlackServer, bot: Bot) -> None:
    ana = slack.workspace.person("ana").id
    slack.workspace.open_home("ana", "messages")
    await bot.client.views_publish(user_id=ana, view={"type": "home", "blocks": [{"type": "divider"}]})
    slack.workspace.open_home("ana")
    await slack.until(lambda: len(bot.heard) == 2)
    messages, home = (b["event"] for b in bot.heard)
    assert (messages["tab"], messages["channel"], "view" in messages) == (
        "messages",
        slack.workspace.dm("ana").id,
        False,
    )
    assert home["view"]["blocks"][0]["type"] == "divider"


async def test_a_watcher_sees_what_happens(slack: SlackServer) -> None:
    seen: list[dict[str, Any]] = []
    slack.on_change(seen.append)
    ts = slack.workspace.say("ana", "general", "hello")
    slack.workspace.react("raj", "general", ts, "wave")
    assert [(s["kind"], s["channel"]) for s in seen] == [
        ("message", slack.workspace.channel("general").id),
        ("reaction_added", slack.workspace.channel("general").id),
    ]


async def test_it_can_be_mounted_beside_other_routes() -> None:
    slack = SlackServer()
    app = web.Application()
    slack.mount(app)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
    client = AsyncWebClient(token=slack.bot_token, base_url=f"{origin}/api/")
    try:
        assert (await client.auth_test())["url"] == f"{origin}/"
        assert slack.origin == origin
    finally:
        await runner.cleanup()
