"""The app's manifest asks for what the code uses, and for nothing else."""

from __future__ import annotations

import ast
import re
from functools import cache
from typing import Any

import yaml

from bot.check import SCOPES
from bot.expenses.face import buttons as expense
from bot.meetings.face import buttons as meet
from playground.slack.arguments import METHODS
from tests.test_conventions import read, tree

# Which scope lets Slack send an event, and which one a feature wants. Method scopes come from the playground's table.
EVENT_SCOPES = {
    "app_mention": "app_mentions:read",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "message.mpim": "mpim:history",
    "app_home_opened": "",
    "agent_session_stopped": "",
    "channel_left": "channels:read",
    "file_deleted": "files:read",
    "group_left": "groups:read",
    "member_joined_channel": "channels:read",
}
FEATURE_SCOPES = {"agent_view": "assistant:write", "slash_commands": "commands"}
PROFILES = "users.profile:read"  # users.profile.get names somebody's manager (bot/expenses/approvers.py)
OPENS_DMS = "im:write"  # of the scopes that conversations.open accepts, the one for DMs


@cache
def manifest() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(read("manifest.yaml"))
    return found


def methods_called() -> set[str]:
    constants = [n.value for n in ast.walk(tree("bot/slack.py")) if isinstance(n, ast.Constant)]
    return {c for c in constants if isinstance(c, str) and c in METHODS}


def test_every_event_of_the_manifest_has_a_listener_and_every_listener_an_event() -> None:
    events = manifest()["settings"]["event_subscriptions"]["bot_events"]
    listeners = set(re.findall(r'app\.event\("(\w+)"\)', read("handlers/app.py")))
    assert {e.split(".")[0] for e in events} == listeners
    assert set(events) == set(EVENT_SCOPES)


def test_the_manifest_asks_for_the_scopes_that_assist_check_wants() -> None:
    asked = manifest()["oauth_config"]["scopes"]["bot"]
    assert sorted(asked) == sorted(SCOPES)
    assert asked == sorted(asked)


def test_every_scope_is_needed_and_every_need_has_its_scope() -> None:
    needed = {EVENT_SCOPES[e] for e in manifest()["settings"]["event_subscriptions"]["bot_events"]} - {""}
    needed |= {scope for feature, scope in FEATURE_SCOPES.items() if feature in manifest()["features"]} | {PROFILES}
    for method in methods_called():
        accepted = METHODS[method].scopes
        if accepted == (":history",):  # of the kinds of conversation whose messages we get
            continue
        if accepted == (":read",):  # the bot looks at conversations of every kind
            needed |= {f"{kind}:read" for kind in ("channels", "groups", "im", "mpim")}
            continue
        needed |= {OPENS_DMS} if OPENS_DMS in accepted else set(accepted[:1])
    assert needed == SCOPES
    assert len(methods_called()) >= 10


def test_every_command_of_the_manifest_has_a_listener_and_every_listener_a_command() -> None:
    commands = manifest()["features"]["slash_commands"]
    assert [c["command"] for c in commands] == [expense.COMMAND, meet.COMMAND]
    assert re.findall(r"app\.command\((.+?)\)", read("handlers/app.py")) == ["expense.COMMAND", "meet.COMMAND"]
    assert all(c["should_escape"] for c in commands), "people's names in it come as ids"


def test_the_manifest_turns_on_what_the_bot_answers_to() -> None:
    features, settings = manifest()["features"], manifest()["settings"]
    home = {"home_tab_enabled": True, "messages_tab_enabled": True, "messages_tab_read_only_enabled": False}
    assert features["app_home"] == home
    assert settings["socket_mode_enabled"] is True
    assert len(features["agent_view"]["agent_description"]) <= 300
    assert len(features["agent_view"]["suggested_prompts"]) <= 4
    listens = any(f"app.{kind}(" in read("handlers/app.py") for kind in ("action", "view", "command", "shortcut"))
    assert bool(settings["interactivity"]["is_enabled"]) == listens
