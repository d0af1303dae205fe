"""Who is in the workspace, who is in which place, and what the app hears when that changes."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from playground.slack import Person, SlackServer

Json = dict[str, Any]


@pytest.fixture
async def api(slack: SlackServer) -> AsyncIterator[AsyncWebClient]:
    async with aiohttp.ClientSession() as session:
        yield AsyncWebClient(token=slack.bot_token, base_url=slack.api_url, session=session)


async def user(api: AsyncWebClient, person: Person) -> Json:
    found: Json = (await api.users_info(user=person.id))["user"]
    return found


async def test_guests_members_bots_and_who_has_left(slack: SlackServer, api: AsyncWebClient) -> None:
    ws = slack.workspace
    gus = await user(api, ws.person("gus"))
    assert (gus["is_restricted"], gus["is_ultra_restricted"], gus["is_stranger"]) == (True, True, False)
    assert (await user(api, ws.person("raj")))["is_restricted"] is False
    assert (await user(api, ws.person(slack.bot_user_id)))["is_bot"] is True
    ws.deactivate("lee")
    lee = await user(api, ws.person("lee"))
    assert (lee["deleted"], "tz" in lee, "is_restricted" in lee) == (True, False, False)
    members = (await api.conversations_members(channel=ws.channel("general").id))["members"]
    assert ws.person("lee").id not in members
    assert ws.person("lee").id in [m["id"] for m in (await api.users_list())["members"]]


async def test_people_of_other_companies(slack: SlackServer, api: AsyncWebClient) -> None:
    """Slack calls strangers only those with whom the app shares no channel; the company shows in team_id."""
    ws = slack.workspace
    zoe = ws.add_stranger("zoe", "Zoe Far", channel="random")
    met = await user(api, zoe)
    assert (met["team_id"], met["is_stranger"]) == ("T0ELSEWHER", False)
    shared = (await api.conversations_info(channel=ws.channel("random").id))["channel"]
    assert (shared["is_ext_shared"], shared["is_pending_ext_shared"]) == (True, False)
    event = slack.delivery.events[-1].payload
    assert (event["event"]["type"], event["is_ext_shared_channel"]) == ("member_joined_channel", True)
    ws.say("zoe", "random", "hello from afar")
    assert slack.delivery.events[-1].payload["event"]["user_team"] == "T0ELSEWHER"
    ws.leave("zoe", "random")
    assert (await user(api, zoe))["is_stranger"] is True
    assert zoe.id not in [m["id"] for m in (await api.users_list())["members"]]
    ws.channel("engineering").is_pending_ext_shared = True
    invited = (await api.conversations_info(channel=ws.channel("engineering").id))["channel"]
    assert (invited["is_ext_shared"], invited["is_pending_ext_shared"]) == (False, True)


async def test_members_of_a_big_channel_come_in_pages(slack: SlackServer, api: AsyncWebClient) -> None:
    ws = slack.workspace
    people = [ws.add_person(Person(f"U{n:09d}", f"p{n}", f"P {n}", "", "UTC")).id for n in range(250)]
    big = ws.add_channel("big", [*people, slack.bot_user_id])
    first = await api.conversations_members(channel=big.id)
    assert len(first["members"]) == 100
    seen: list[str] = []
    async for part in await api.conversations_members(channel=big.id, limit=100):
        seen += part["members"]
    assert sorted(seen) == sorted([*people, slack.bot_user_id])
    with pytest.raises(SlackApiError, match="invalid_limit"):
        await api.conversations_members(channel=big.id, limit=1001)


async def test_where_a_person_is_as_far_as_the_app_sees(slack: SlackServer, api: AsyncWebClient) -> None:
    ws = slack.workspace
    ws.add_channel("a group", ["ana", "raj", slack.bot_user_id], kind="mpim")
    ws.dm("ana")
    own = await api.users_conversations(user=ws.person("ana").id, types="public_channel,private_channel,mpim,im")
    names = {c.get("name", "dm") for c in own["channels"]}
    assert names == {"general", "random", "engineering", "guests-only", "leads", "a group", "dm"}
    guest = await api.users_conversations(user=ws.person("gus").id)
    assert [c["name"] for c in guest["channels"]] == ["guests-only"]
    leads = (await api.conversations_info(channel=ws.channel("leads").id))["channel"]
    assert (leads["is_private"], leads["is_member"]) == (True, True)


async def test_what_the_app_hears_when_people_come_and_go(slack: SlackServer) -> None:
    ws = slack.workspace
    ws.join("gus", "random", inviter=ws.person("ana").id)
    ws.leave("gus", "random")
    ws.add_bot("payroll")
    ws.remove_bot("payroll")
    ws.remove_bot("random")
    ws.join("gus", "random")  # where the app no longer is
    heard = [e.payload["event"] for e in slack.delivery.events if e.kind != "message"]
    payroll, random = ws.channel("payroll").id, ws.channel("random").id
    assert [(e["type"], e["channel"]) for e in heard] == [
        ("member_joined_channel", random),
        ("member_left_channel", random),
        ("member_joined_channel", payroll),
        ("group_left", payroll),
        ("channel_left", random),
    ]
    assert [e.get("user") for e in heard[:3]] == [ws.person("gus").id, ws.person("gus").id, slack.bot_user_id]
    assert heard[0]["inviter"] == ws.person("ana").id
