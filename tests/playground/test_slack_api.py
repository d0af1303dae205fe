"""The Web API answers the real slack-sdk client as Slack does."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from playground.slack import SlackServer
from playground.slack.blocks import expanded

Json = dict[str, Any]


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def slack(clock: Clock) -> AsyncIterator[SlackServer]:
    async with SlackServer(clock=clock).serving() as server:
        yield server


@pytest.fixture
async def api(slack: SlackServer) -> AsyncIterator[AsyncWebClient]:
    async with aiohttp.ClientSession() as session:
        yield AsyncWebClient(token=slack.bot_token, base_url=slack.api_url, session=session)


@pytest.fixture
def general(slack: SlackServer) -> str:
    return slack.workspace.channel("general").id


async def refused(call: Any) -> str:
    """The error of a call that must fail."""
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])


def paragraphs(n: int) -> Json:
    return {"type": "markdown", "text": "\n\n".join(f"p{i}" for i in range(n))}


async def test_tokens_and_scopes_are_checked(slack: SlackServer, api: AsyncWebClient) -> None:
    assert (await api.auth_test())["user_id"] == slack.bot_user_id
    assert await refused(AsyncWebClient(base_url=slack.api_url).auth_test()) == "not_authed"
    assert await refused(AsyncWebClient(token="xoxb-no", base_url=slack.api_url).auth_test()) == "invalid_auth"
    assert await refused(api.apps_connections_open(app_token=slack.bot_token)) == "not_allowed_token_type"
    assert await refused(api.api_call("chat.nothing")) == "unknown_method"
    slack.scopes = slack.scopes - {"groups:history", "users:read.email"}
    assert await refused(api.conversations_history(channel=slack.workspace.channel("leads").id)) == "missing_scope"
    answer = await api.users_info(user=slack.workspace.person("ana").id)
    assert "email" not in answer["user"]["profile"]
    assert "chat:write" in answer.headers["x-oauth-scopes"]


async def test_a_missing_argument_is_named(api: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError) as caught:
        await api.api_call("chat.update", json={"text": "x"})
    assert caught.value.response["error"] == "invalid_arguments"
    assert caught.value.response["response_metadata"]["messages"] == [
        "[ERROR] missing required field: channel",
        "[ERROR] missing required field: ts",
    ]


async def test_form_json_and_query_say_the_same(slack: SlackServer, general: str) -> None:
    blocks = [{"type": "divider"}]
    ways: list[Json] = [
        {"json": {"channel": general, "text": "x", "blocks": blocks}},
        {"data": {"channel": general, "text": "x", "blocks": json.dumps(blocks)}},
        {"params": {"channel": general, "text": "x", "blocks": json.dumps(blocks)}},
    ]
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {slack.bot_token}"}) as session:
        for way in ways:
            async with session.post(slack.api_url + "chat.postMessage", **way) as response:
                assert (await response.json())["ok"]
    assert [c.args["blocks"] for c in slack.calls] == [blocks] * 3


async def test_who_may_post_where(slack: SlackServer, api: AsyncWebClient, general: str) -> None:
    ws = slack.workspace
    assert await refused(api.chat_postMessage(channel="C0NOWHERE0", text="x")) == "channel_not_found"
    assert await refused(api.chat_postMessage(channel=ws.channel("payroll").id, text="x")) == "channel_not_found"
    assert await refused(api.chat_postMessage(channel=ws.channel("guests-only").id, text="x")) == "not_in_channel"
    ws.archive("random")
    assert await refused(api.chat_postMessage(channel=ws.channel("random").id, text="x")) == "is_archived"
    assert await refused(api.chat_postMessage(channel=general, text="x", thread_ts="1")) == "invalid_thread_ts"
    gone = api.chat_postMessage(channel=general, text="x", thread_ts="1700000000.000001")
    assert await refused(gone) == "thread_not_found"
    by_user = await api.chat_postMessage(channel=ws.person("ana").id, text="hi")
    assert by_user["channel"] == ws.dm("ana").id


async def test_messages_too_long_or_malformed_are_refused(api: AsyncWebClient, general: str) -> None:
    async def post(**args: Any) -> str:
        return await refused(api.api_call("chat.postMessage", json={"channel": general, **args}))

    assert await post(text=" ") == "no_text"
    assert await post(markdown_text="m", text="t") == "markdown_text_conflict"
    assert await post(markdown_text="m" * 12_001) == "msg_too_long"
    assert await post(text="t", blocks=[{"type": "markdown", "text": "m" * 6_001}] * 2) == "msg_too_long"
    assert await post(text="t" * 4_001, blocks=[{"type": "divider"}]) == "msg_too_long"
    assert await post(text="t", blocks=[{"type": "divider"}] * 51) == "invalid_blocks"
    assert await post(text="t", blocks=[paragraphs(51)]) == "invalid_blocks"
    assert await post(text="t", blocks=[{"type": "nonsense"}]) == "invalid_blocks"
    assert await post(text="t", blocks="[{") == "invalid_blocks_format"
    assert await post(text="t", metadata={"event_type": "x"}) == "invalid_metadata_format"
    long = await api.chat_postMessage(channel=general, text="t" * 40_001, blocks=None)
    assert len(long["message"]["text"]) == 40_000
    await api.chat_postMessage(channel=general, text="t", blocks=[paragraphs(50)])


@pytest.mark.parametrize(
    ("block", "pointer"),
    [
        ({"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}, "/blocks/0/text/text"),
        ({"type": "section", "text": {"type": "mrkdwn", "text": ""}}, "/blocks/0/text/text"),
        ({"type": "header", "text": {"type": "mrkdwn", "text": "x"}}, "/blocks/0/text"),
        ({"type": "image", "image_url": "https://x.example/i.png"}, "/blocks/0"),
        ({"type": "actions", "elements": [{"type": "button", "action_id": "a"}]}, "/blocks/0/elements/0/text"),
        ({"type": "table", "rows": [[{"type": "raw_text", "text": "x"}] * 21]}, "/blocks/0/rows/0"),
        ({"type": "markdown", "text": ""}, "/blocks/0"),
    ],
)
async def test_a_wrong_block_is_pointed_at(api: AsyncWebClient, general: str, block: Json, pointer: str) -> None:
    with pytest.raises(SlackApiError) as caught:
        await api.chat_postMessage(channel=general, text="t", blocks=[block])
    assert caught.value.response["error"] == "invalid_blocks"
    assert f"[json-pointer:{pointer}]" in caught.value.response["response_metadata"]["messages"][0]


async def test_update_with_text_alone_drops_blocks_and_marks_edited(
    slack: SlackServer, api: AsyncWebClient, general: str
) -> None:
    metadata = {"event_type": "turn", "event_payload": {"part": 1}}
    ts = (await api.chat_postMessage(channel=general, text="a", blocks=[paragraphs(1)], metadata=metadata))["ts"]
    await api.chat_update(channel=general, ts=ts, text="b", blocks=[paragraphs(2)])
    message = slack.workspace.messages("general")[-1]
    assert "edited" not in message
    assert slack.workspace.rendered(message) == "p0\n\np1"
    await api.chat_update(channel=general, ts=ts, text="c")
    message = slack.workspace.messages("general")[-1]
    assert "blocks" not in message
    assert message["edited"]["user"] == slack.bot_user_id
    assert message["metadata"] == metadata
    await api.chat_update(channel=general, ts=ts, text="d", metadata={})
    assert "metadata" not in slack.workspace.messages("general")[-1]
    assert await refused(api.chat_update(channel=general, ts=ts, text="x" * 4_001)) == "msg_too_long"


async def test_only_its_own_messages_can_be_changed(slack: SlackServer, api: AsyncWebClient, general: str) -> None:
    ts = slack.workspace.say("ana", "general", "mine")
    assert await refused(api.chat_update(channel=general, ts=ts, text="x")) == "cant_update_message"
    assert await refused(api.chat_delete(channel=general, ts=ts)) == "cant_delete_message"
    assert await refused(api.chat_update(channel=general, ts="1700000000.000001", text="x")) == "message_not_found"
    own = (await api.chat_postMessage(channel=general, text="own"))["ts"]
    await api.chat_delete(channel=general, ts=own)
    assert [m["text"] for m in slack.workspace.messages("general")] == ["mine"]


async def test_history_pages_from_new_to_old(slack: SlackServer, api: AsyncWebClient, general: str) -> None:
    sent = [slack.workspace.say("ana", "general", f"m{n}") for n in range(7)]
    slack.workspace.say("raj", "general", "a reply", thread_ts=sent[0])
    texts: list[str] = []
    async for answer in await api.conversations_history(channel=general, limit=3):
        texts += [m["text"] for m in answer["messages"]]
    assert texts == [f"m{n}" for n in reversed(range(7))]
    between = await api.conversations_history(channel=general, oldest=sent[2], latest=sent[4])
    assert [m["ts"] for m in between["messages"]] == [sent[3]]
    inclusive = await api.conversations_history(channel=general, oldest=sent[2], latest=sent[4], inclusive=True)
    assert [m["ts"] for m in inclusive["messages"]] == sent[4:1:-1]
    assert await refused(api.conversations_history(channel=general, cursor="nonsense")) == "invalid_cursor"
    assert await refused(api.conversations_history(channel=general, oldest="yesterday")) == "invalid_ts_oldest"
    outside = api.conversations_history(channel=slack.workspace.channel("guests-only").id)
    assert await refused(outside) == "not_in_channel"


async def test_every_page_of_replies_begins_with_the_root(
    slack: SlackServer, api: AsyncWebClient, general: str
) -> None:
    root = slack.workspace.say("ana", "general", "root")
    for n in range(5):
        slack.workspace.say("raj", "general", f"r{n}", thread_ts=root)
    pages = []
    async for answer in await api.conversations_replies(channel=general, ts=root, limit=3):
        pages.append([m["text"] for m in answer["messages"]])
    assert pages == [["root", "r0", "r1"], ["root", "r2", "r3", "r4"]]
    assert answer["messages"][0]["reply_count"] == 5
    assert await refused(api.conversations_replies(channel=general, ts="1700000000.000001")) == "thread_not_found"


async def test_metadata_is_read_only_when_asked_for(api: AsyncWebClient, general: str) -> None:
    metadata = {"event_type": "turn", "event_payload": {"id": "t1"}}
    await api.chat_postMessage(channel=general, text="x", metadata=metadata)
    assert "metadata" not in (await api.conversations_history(channel=general))["messages"][0]
    asked = await api.conversations_history(channel=general, include_all_metadata=True)
    assert asked["messages"][0]["metadata"] == metadata


async def test_lists_page_and_hide_what_the_app_may_not_see(slack: SlackServer, api: AsyncWebClient) -> None:
    names = []
    async for answer in await api.conversations_list(types="public_channel,private_channel", limit=2):
        names += [c["name"] for c in answer["channels"]]
    assert names == ["general", "random", "engineering", "guests-only", "leads"]
    members = await api.conversations_members(channel=slack.workspace.channel("leads").id)
    assert set(members["members"]) == slack.workspace.channel("leads").members
    payroll = api.conversations_members(channel=slack.workspace.channel("payroll").id)
    assert await refused(payroll) == "channel_not_found"
    assert await refused(api.conversations_list(limit=1001)) == "invalid_limit"
    users = [u["name"] async for page in await api.users_list(limit=3) for u in page["members"]]
    assert set(users) == {p.name for p in slack.workspace.people.values()}
    gus = (await api.users_info(user=slack.workspace.person("gus").id))["user"]
    assert gus["is_ultra_restricted"]
    raj = (await api.users_lookupByEmail(email="raj@acme.example"))["user"]
    assert (raj["tz"], raj["tz_offset"]) == ("Asia/Kolkata", 19800)
    assert await refused(api.users_info(user="U0NOBODY00")) == "user_not_found"


async def test_reactions(slack: SlackServer, api: AsyncWebClient, general: str) -> None:
    ts = slack.workspace.say("ana", "general", "x")
    await api.reactions_add(channel=general, timestamp=ts, name="eyes")
    assert slack.workspace.messages("general")[0]["reactions"][0]["users"] == [slack.bot_user_id]
    assert await refused(api.reactions_add(channel=general, timestamp=ts, name="eyes")) == "already_reacted"
    await api.reactions_remove(channel=general, timestamp=ts, name="eyes")
    assert await refused(api.reactions_remove(channel=general, timestamp=ts, name="eyes")) == "no_reaction"
    assert await refused(api.reactions_add(channel=general, timestamp=ts, name=":eyes:")) == "invalid_name"


async def test_a_status_goes_with_a_post_and_after_two_minutes(
    slack: SlackServer, api: AsyncWebClient, general: str, clock: Clock
) -> None:
    ws = slack.workspace
    ts = ws.say("ana", "general", "x")
    await api.assistant_threads_setStatus(channel_id=general, thread_ts=ts, status="is thinking…")
    assert ws.status("general", ts) == "is thinking…"
    await api.chat_postMessage(channel=general, thread_ts=ts, text="done")
    assert ws.status("general", ts) == ""
    await api.assistant_threads_setStatus(channel_id=general, thread_ts=ts, status="again")
    clock.now += 121
    assert ws.status("general", ts) == ""
    bad = api.assistant_threads_setStatus(channel_id=general, thread_ts="1700000000.000001", status="x")
    assert await refused(bad) == "invalid_thread_ts"


async def test_a_stream_lives_five_minutes_and_blocks_updates(
    slack: SlackServer, api: AsyncWebClient, general: str, clock: Clock
) -> None:
    ws = slack.workspace
    root = ws.say("ana", "general", "q")
    assert await refused(api.chat_startStream(channel=general, thread_ts=root)) == "missing_recipient_team_id"
    to: Json = {"recipient_team_id": slack.team_id, "recipient_user_id": ws.person("ana").id}
    ts = (await api.chat_startStream(channel=general, thread_ts=root, **to))["ts"]
    await api.chat_appendStream(channel=general, ts=ts, markdown_text="Hello ")
    assert await refused(api.chat_update(channel=general, ts=ts, text="x")) == "streaming_state_conflict"
    too_much = api.chat_appendStream(channel=general, ts=ts, markdown_text="x" * 11_999)
    assert await refused(too_much) == "msg_too_long"
    too_many = api.chat_appendStream(channel=general, ts=ts, markdown_text="\n\n".join("x" * 51))
    assert await refused(too_many) == "msg_blocks_too_many"
    odd = api.chat_stopStream(channel=general, ts=ts, metadata={"event_type": "x"})
    assert await refused(odd) == "invalid_metadata_format"
    ws.stop("ana", "general", root)
    assert await refused(api.chat_appendStream(channel=general, ts=ts, markdown_text="x")) == "stopped_by_user"
    await api.chat_stopStream(channel=general, ts=ts, markdown_text="world", blocks=[{"type": "divider"}])
    assert ws.rendered(ws.messages("general", root)[-1]) == "Hello world"
    late = api.chat_appendStream(channel=general, ts=ts, markdown_text="x")
    assert await refused(late) == "message_not_in_streaming_state"
    other = (await api.chat_startStream(channel=general, thread_ts=root, markdown_text="a", **to))["ts"]
    clock.now += 301
    expired = api.chat_appendStream(channel=general, ts=other, markdown_text="x")
    assert await refused(expired) == "message_not_in_streaming_state"
    await api.chat_update(channel=general, ts=other, text="whole")


async def test_a_home_is_published_under_its_hash(slack: SlackServer, api: AsyncWebClient) -> None:
    ana = slack.workspace.person("ana").id
    view = {"type": "home", "blocks": [{"type": "divider"}]}
    first = (await api.views_publish(user_id=ana, view=view))["view"]
    await api.views_publish(user_id=ana, view=view | {"private_metadata": "2"}, hash=first["hash"])
    slack.workspace.open_home("ana")
    stale = api.views_publish(user_id=ana, view=view, hash="0.stale")
    assert await refused(stale) == "hash_conflict"
    modal = {"type": "modal", "title": {"type": "plain_text", "text": "x" * 25}, "blocks": []}
    assert await refused(api.views_open(trigger_id="1", view=modal)) == "invalid_arguments"


async def test_a_trigger_lives_three_seconds_and_opens_once(
    slack: SlackServer, api: AsyncWebClient, clock: Clock
) -> None:
    ws = slack.workspace
    modal = {"type": "modal", "title": {"type": "plain_text", "text": "x"}, "blocks": []}
    trigger = ws.trigger(ws.person("ana"))
    await api.views_open(trigger_id=trigger, view=modal)
    assert await refused(api.views_open(trigger_id=trigger, view=modal)) == "exchanged_trigger_id"
    late = ws.trigger(ws.person("ana"))
    clock.now += 3.5
    assert await refused(api.views_open(trigger_id=late, view=modal)) == "expired_trigger_id"


async def test_who_is_notified(slack: SlackServer, api: AsyncWebClient, general: str) -> None:
    ws = slack.workspace
    ana = ws.person("ana").id
    block = {"type": "markdown", "text": f"`<@{ana}>` and <!subteam^S0ENGINEERS>"}
    ts = (await api.chat_postMessage(channel=general, text="<!here> &lt;!channel&gt;", blocks=[block]))["ts"]
    assert {n[0] for n in ws.notifications} == {"here", ana, "S0ENGINEERS"}
    await api.chat_update(channel=general, ts=ts, text="<!channel>")
    assert len(ws.notifications) == 3


async def test_limits_answer_429_with_whole_seconds(general: str) -> None:
    async with SlackServer(limits=True).serving() as slack:
        api = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
        for _ in range(5):
            await api.chat_postMessage(channel=general, text="x")
        with pytest.raises(SlackApiError) as caught:
            await api.chat_postMessage(channel=general, text="x")
        assert caught.value.response.status_code == 429
        assert caught.value.response.headers["Retry-After"] == "1"
        assert caught.value.response["error"] == "ratelimited"
        await api.chat_postMessage(channel=slack.workspace.channel("random").id, text="another channel")
        for _ in range(20):
            await api.conversations_info(channel=general)
        assert await refused(api.conversations_info(channel=general)) == "ratelimited"
        assert slack.refused == {"chat.postMessage": 1, "conversations.info": 1}


async def test_planted_faults(slack: SlackServer, api: AsyncWebClient, general: str) -> None:
    said = slack.workspace.messages
    slack.faults.add("chat.postMessage", status=500)
    with pytest.raises(SlackApiError):
        await api.chat_postMessage(channel=general, text="x")
    assert said("general") == []
    slack.faults.add("chat.postMessage", error="ratelimited", retry_after=7, when=lambda args: args["text"] == "y")
    with pytest.raises(SlackApiError) as caught:
        await api.chat_postMessage(channel=general, text="y")
    assert caught.value.response.headers["Retry-After"] == "7"
    lone = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url, retry_handlers=[])
    slack.faults.add("chat.postMessage", lost=True)
    with pytest.raises(aiohttp.ClientError):
        await lone.chat_postMessage(channel=general, text="done all the same")
    slack.faults.add("chat.*", after=1, times=None, error="fatal_error")
    await api.chat_postMessage(channel=general, text="well")
    assert await refused(api.chat_postMessage(channel=general, text="z")) == "fatal_error"
    assert [m["text"] for m in said("general")] == ["done all the same", "well"]


async def test_a_snapshot_goes_on_where_it_stopped(slack: SlackServer) -> None:
    ws = slack.workspace
    root = ws.say("ana", "general", "root", files=[("a.bin", b"\x00\xff")])
    reply = ws.say("raj", "general", "reply", thread_ts=root)
    again = SlackServer(state=json.loads(json.dumps(slack.snapshot()))).workspace
    assert [m["ts"] for m in again.messages("general", root)] == [root, reply]
    assert [m["ts"] for m in again.messages("general")] == [root]
    assert next(iter(again.files.values())).content == b"\x00\xff"
    assert again.say("ana", "general", "later") > reply


async def test_what_people_type_becomes_slacks_text(slack: SlackServer) -> None:
    ws = slack.workspace
    ws.say("ana", "general", "@raj. see #random, https://a.example/x?a=1&b=2 or a@b.example @here @nobody")
    assert ws.messages("general")[0]["text"] == (
        f"<@{ws.person('raj').id}>. see <#{ws.channel('random').id}|random>, <https://a.example/x?a=1&amp;b=2> "
        "or <mailto:a@b.example|a@b.example> <!here> @nobody"
    )


async def test_calls_are_recorded_without_the_token() -> None:
    recorded: list[Json] = []
    async with SlackServer(record=recorded.append).serving() as slack:
        api = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
        await api.auth_test()
        await api.chat_postMessage(channel=slack.workspace.channel("general").id, text="x", unfurl_links=False)
    assert recorded == [
        {"method": "auth.test", "args": {}},
        {
            "method": "chat.postMessage",
            "args": {"channel": slack.workspace.channel("general").id, "text": "x", "unfurl_links": False},
        },
    ]


async def test_link_names_turns_handles_into_mentions(slack: SlackServer, api: AsyncWebClient, general: str) -> None:
    ana, raj = slack.workspace.person("ana").id, slack.workspace.person("raj").id
    posted = await api.chat_postMessage(channel=general, text=f"@ana and <@{raj}>", link_names=True)
    assert posted["message"]["text"] == f"<@{ana}> and <@{raj}>"
    plain = await api.chat_postMessage(channel=general, text="@ana")
    assert plain["message"]["text"] == "@ana"


async def test_a_broadcast_reply_shows_in_the_channel(slack: SlackServer, api: AsyncWebClient, general: str) -> None:
    root = slack.workspace.say("ana", "general", "root")
    await api.chat_postMessage(channel=general, thread_ts=root, text="quiet")
    await api.chat_postMessage(channel=general, thread_ts=root, text="loud", reply_broadcast=True)
    assert [m["text"] for m in slack.workspace.messages("general")] == ["root", "loud"]
    assert [m["text"] for m in slack.workspace.messages("general", root)] == ["root", "quiet", "loud"]
    assert await refused(api.chat_postMessage(channel=general, thread_ts=slack.calls[-1].ts, text="x")) == (
        "cannot_reply_to_message"
    )


@pytest.mark.parametrize(
    ("markdown", "blocks"),
    [
        ("one\ntwo", 1),
        ("# a\n# b", 2),
        ("- a\n- b\n\ntext", 2),
        ("```py\na\n\nb\n```\n```\nc\n```", 2),
        ("| a |\n|---|\n| b |\nafter", 2),
        ("> q\nlazy\n\n---", 2),
    ],
)
def test_how_many_blocks_slack_makes_of_markdown(markdown: str, blocks: int) -> None:
    assert expanded(markdown) == blocks
