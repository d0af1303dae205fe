"""Slack's own search, and who may use it for whom."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from playground.slack import SlackServer

Json = dict[str, Any]


class Clock:
    """Time that a test moves."""

    now = 1_790_000_000.0

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


def token(slack: SlackServer, person: str = "ana", channel: str = "general") -> str:
    """The action token of that person's newest words to the app."""
    slack.workspace.say(person, channel, "@assist hm")
    return str(slack.delivery.events[-1].payload["event"]["action_token"])


async def search(api: AsyncWebClient, query: str, token: str, **more: Any) -> Json:
    answer = await api.api_call("assistant.search.context", json={"query": query, "action_token": token, **more})
    return dict(answer.data)  # type: ignore[arg-type]  # JSON objects only


async def found(api: AsyncWebClient, query: str, token: str, **more: Any) -> list[str]:
    return [m["content"] for m in (await search(api, query, token, **more))["results"]["messages"]]


async def refused(call: Any) -> str:
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])


async def test_every_message_of_a_person_brings_a_token_of_its_own(slack: SlackServer, api: AsyncWebClient) -> None:
    slack.workspace.say("ana", "general", "@assist hello")
    slack.workspace.say("ana", slack.workspace.dm("ana"), "hello")
    await api.chat_postMessage(channel=slack.workspace.channel("general").id, text="of the app")
    tokens = [(e.kind, e.payload["event"].get("action_token")) for e in slack.delivery.events]
    assert [kind for kind, _ in tokens] == ["app_mention", "message", "message", "message"]
    assert [bool(token) for _, token in tokens] == [True, True, True, False]


async def test_a_search_needs_a_fresh_token_of_slacks(slack: SlackServer, api: AsyncWebClient, clock: Clock) -> None:
    right = token(slack)
    assert await found(api, "hm", right) == [f"<@{slack.bot_user_id}> hm"]
    for wrong in ("", "1.2.3", right + "0", right.replace("ANA", "RAJ")):
        assert await refused(search(api, "hm", wrong)) == "invalid_action_token"
    clock.now += 301
    assert await refused(search(api, "hm", right)) == "invalid_action_token"


async def test_a_workspace_without_search(slack: SlackServer, api: AsyncWebClient) -> None:
    assert (await api.api_call("assistant.search.info"))["is_ai_search_enabled"] is True
    slack.workspace.search_enabled = False
    assert (await api.api_call("assistant.search.info"))["is_ai_search_enabled"] is False
    assert await refused(search(api, "hm", token(slack))) == "feature_not_enabled"
    slack.workspace.search_enabled = True
    slack.scopes -= {"search:read.public"}
    assert await refused(search(api, "hm", token(slack))) == "missing_scope"


async def test_only_what_the_asker_sees_is_found(slack: SlackServer, api: AsyncWebClient) -> None:
    ws = slack.workspace
    for channel in ("engineering", "guests-only", "leads", "payroll"):
        ws.say("ana", channel, f"budget in {channel}")
    ws.join("gus", "random")
    ws.add_stranger("zoe", "Zoe Far", channel="random")
    ws.say("ana", "random", "budget in random")
    everywhere = {"budget in engineering", "budget in guests-only", "budget in random"}
    assert set(await found(api, "budget", token(slack, "raj"))) == everywhere
    assert set(await found(api, "budget", token(slack, "gus", "random"))) == {
        "budget in guests-only",
        "budget in random",
    }
    assert await found(api, "budget", token(slack, "zoe", "random")) == ["budget in random"]
    assert await refused(search(api, "budget", token(slack), channel_types="private_channel")) == "missing_scope"
    slack.scopes |= {"search:read.private"}
    private: Json = {"channel_types": "private_channel"}
    assert await found(api, "budget", token(slack, "raj"), **private) == ["budget in leads"]
    assert await found(api, "budget", token(slack, "ana"), **private) == ["budget in payroll", "budget in leads"]
    assert await found(api, "budget", token(slack, "kim"), channel_types=["public_channel", "private_channel"]) != []
    away: Json = {"context_channel_id": ws.channel("payroll").id}
    assert await refused(search(api, "budget", token(slack, "raj"), **away)) == "context_channel_not_found"


async def test_a_hit_tells_where_it_is_and_what_stands_around_it(slack: SlackServer, api: AsyncWebClient) -> None:
    ws = slack.workspace
    root = ws.say("raj", "engineering", "which date?")
    ts = ws.say("ana", "engineering", "the deadline is 14 May", thread_ts=root)
    ws.say("raj", "engineering", "fine", thread_ts=root)
    answer = await search(api, "deadline", token(slack), include_context_messages=True)
    hit = answer["results"]["messages"][0]
    channel = ws.channel("engineering").id
    link = await api.chat_getPermalink(channel=channel, message_ts=ts)
    assert (hit["author_user_id"], hit["author_name"]) == (ws.person("ana").id, "Ana Becker")
    assert (hit["channel_id"], hit["channel_name"], hit["message_ts"]) == (channel, "engineering", ts)
    assert (hit["permalink"], hit["thread_ts"], hit["is_author_bot"]) == (link["permalink"], root, False)
    around = hit["context_messages"]
    assert ([m["text"] for m in around["before"]], [m["text"] for m in around["after"]]) == (["which date?"], ["fine"])


async def test_hits_are_sorted_bounded_and_paged(slack: SlackServer, api: AsyncWebClient, clock: Clock) -> None:
    ws = slack.workspace
    ws.say("ana", "general", "hotel limit in Lisbon")
    for n in range(24):
        clock.now += 1
        ws.say("ana", "general", f"hotel {n}")
    mine = token(slack)
    first = await search(api, "what is the hotel limit?", mine, limit=50)
    texts = [m["content"] for m in first["results"]["messages"]]
    assert (len(texts), texts[:2]) == (20, ["hotel limit in Lisbon", "hotel 23"])
    rest = await search(api, "what is the hotel limit?", mine, cursor=first["response_metadata"]["next_cursor"])
    assert (len(rest["results"]["messages"]), rest["response_metadata"]["next_cursor"]) == (5, "")
    assert await found(api, "what is the hotel limit?", mine, disable_semantic_search=True) == ["hotel limit in Lisbon"]
    span: Json = {"after": int(clock.now) - 2, "before": int(clock.now), "sort": "timestamp", "sort_dir": "asc"}
    assert await found(api, "hotel", mine, **span) == ["hotel 21", "hotel 22"]
    await api.chat_postMessage(channel=ws.channel("general").id, text="hotel of the app")
    assert (await found(api, "hotel", mine, sort="timestamp"))[0] == "hotel of the app"
    assert "hotel of the app" not in await found(api, "hotel", mine, include_bots=False)


async def test_files_are_found_by_name(slack: SlackServer, api: AsyncWebClient) -> None:
    slack.workspace.say("ana", "general", "here", files=[("travel policy.pdf", b"%PDF")])
    slack.workspace.say("ana", "payroll", "here", files=[("secret policy.pdf", b"%PDF")])
    answer = await search(api, "policy", token(slack), content_types="files")
    assert [f["title"] for f in answer["results"]["files"]] == ["travel policy.pdf"]
    assert answer["results"]["messages"] == []
