"""What users.profile.get tells of people beside users.info: the fields that their company has added."""

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from playground.slack import SlackServer


@pytest.fixture
def api(slack: SlackServer) -> AsyncWebClient:
    return AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)


async def test_a_profile_names_the_manager_by_id_and_label(slack: SlackServer, api: AsyncWebClient) -> None:
    ws = slack.workspace
    raj, dana = ws.person("raj").id, ws.person("dana").id
    fields = (await api.users_profile_get(user=raj, include_labels=True))["profile"]["fields"]
    assert {f["label"]: f["value"] for f in fields.values()} == {"Office": "Kolkata", "Manager": dana}
    bare = (await api.users_profile_get(user=raj))["profile"]["fields"]
    assert [set(f) for f in bare.values()] == [{"value", "alt"}] * 2
    assert bare.keys() == fields.keys()
    ws.set_manager("raj", "ana")
    changed = (await api.users_profile_get(user=raj, include_labels=True))["profile"]["fields"]
    assert ws.person("ana").id in [f["value"] for f in changed.values() if f["label"] == "Manager"]


async def test_who_has_no_manager_has_no_such_field(slack: SlackServer, api: AsyncWebClient) -> None:
    ws = slack.workspace
    ws.set_manager("raj", None)
    fields = (await api.users_profile_get(user=ws.person("raj").id, include_labels=True))["profile"]["fields"]
    assert [f["label"] for f in fields.values()] == ["Office"]
    bot = (await api.users_profile_get(user=slack.bot_user_id, include_labels=True))["profile"]
    assert bot["fields"] == []  # as Slack's server writes an empty object
    assert (await api.users_info(user=ws.person("lee").id))["user"]["profile"]["fields"] is None


async def test_profiles_need_their_scope_and_a_person(slack: SlackServer, api: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError, match="user_not_found"):
        await api.users_profile_get(user="U0NOBODY")
    slack.scopes -= {"users.profile:read"}
    with pytest.raises(SlackApiError, match="missing_scope") as refused:
        await api.users_profile_get(user=slack.workspace.person("raj").id)
    assert refused.value.response["needed"] == "users.profile:read"


async def test_managers_are_kept_from_one_start_to_the_next(slack: SlackServer) -> None:
    slack.workspace.set_manager("gus", "maria")
    again = SlackServer(state=slack.snapshot()).workspace
    assert again.person("gus").manager == slack.workspace.person("maria").id
