"""Changes of the workspace as the events that Slack sends for them."""

from collections.abc import Iterator

from playground.slack.files import file_seen
from playground.slack.installation import Installation
from playground.slack.search import action_token
from playground.slack.state import Change, Channel, Json, State

CHANNEL_TYPES = {"channel": "channel", "group": "group", "im": "im", "mpim": "mpim"}
_SUBSCRIPTION = {"channel": "message.channels", "group": "message.groups", "im": "message.im", "mpim": "message.mpim"}
_INTERNAL = ("metadata", "streaming_state")


def events_of(state: State, change: Change) -> Iterator[tuple[str, Json]]:
    """(subscription, event) of each event that the app may get for a change; none of places where it is not a member."""
    channel = change.channel
    if change.kind in (
        "app_home_opened",
        "agent_session_stopped",
        "channel_left",
        "group_left",
        "app_context_changed",
    ):
        yield change.kind, {"type": change.kind, **change.extra, "event_ts": state.next_ts()}
        return
    if change.kind in ("file_deleted", "file_change"):
        if file_seen(state, state.files[change.extra["file_id"]]):
            yield change.kind, {"type": change.kind, **change.extra, "event_ts": state.next_ts()}
        return
    if channel is None or state.app.bot_user_id not in channel.members:
        return
    match change.kind:
        case "message":
            yield from _posted(state, channel, change.message)
        case "message_changed":
            body = {"message": _bare(change.message), "previous_message": _bare(change.previous)}
            yield _subtyped(state, channel, "message_changed", body)
        case "message_deleted":
            body = {"deleted_ts": change.previous["ts"], "previous_message": _bare(change.previous)}
            yield _subtyped(state, channel, "message_deleted", body)
        case "member_joined_channel" | "member_left_channel":
            letter = "C" if channel.kind == "channel" else "G"
            event: Json = {
                "type": change.kind,
                "user": change.user,
                "channel": channel.id,
                "channel_type": letter,
                "team": state.app.team_id,
            }
            yield change.kind, event | change.extra | {"event_ts": state.next_ts()}
        case "channel_archive" | "channel_unarchive":
            yield (
                change.kind,
                {"type": change.kind, "channel": channel.id, "user": change.user, "event_ts": state.next_ts()},
            )
        case "reaction_added" | "reaction_removed":
            item = {"type": "message", "channel": channel.id, "ts": change.message["ts"]}
            event = {
                "type": change.kind,
                "user": change.user,
                "item": item,
                "item_user": change.message.get("user", ""),
            }
            yield change.kind, event | change.extra | {"event_ts": state.next_ts()}


def _posted(state: State, channel: Channel, message: Json) -> Iterator[tuple[str, Json]]:
    app = state.app
    where = {"channel": channel.id, "event_ts": message["ts"]}
    body = _bare(message)
    if "bot_id" not in message and message.get("user") in state.people:
        where["action_token"] = action_token(app, state.clock(), message["user"])
    if message.get("subtype") == "thread_broadcast":
        body["root"] = _bare(channel.messages[message["thread_ts"]])
    # Only what somebody else wrote can mention the app, and a DM is not a mention.
    if (
        channel.kind != "im"
        and f"<@{app.bot_user_id}" in message.get("text", "")
        and message.get("user") != app.bot_user_id
    ):
        mention = {k: v for k, v in body.items() if k not in ("files", "upload", "display_as_bot", "subtype")}
        yield "app_mention", mention | {"type": "app_mention"} | where
    yield _SUBSCRIPTION[channel.kind], body | where | {"channel_type": CHANNEL_TYPES[channel.kind]}


def _subtyped(state: State, channel: Channel, subtype: str, body: Json) -> tuple[str, Json]:
    ts = state.next_ts()
    event = {
        "type": "message",
        "subtype": subtype,
        **body,
        "channel": channel.id,
        "hidden": True,
        "ts": ts,
        "event_ts": ts,
    }
    return _SUBSCRIPTION[channel.kind], event | {"channel_type": CHANNEL_TYPES[channel.kind]}


def _bare(message: Json) -> Json:
    """A message as events carry it: metadata travels only in reads that ask for it."""
    return {k: v for k, v in message.items() if k not in _INTERNAL}


def callback(app: Installation, event: Json, event_id: str, event_time: int, *, is_ext_shared: bool = False) -> Json:
    """The event_callback around an event."""
    return {
        "token": app.verification_token,
        "team_id": app.team_id,
        "context_team_id": app.team_id,
        "context_enterprise_id": None,
        "api_app_id": app.app_id,
        "event": event,
        "type": "event_callback",
        "event_id": event_id,
        "event_time": event_time,
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": app.team_id,
                "user_id": app.bot_user_id,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": is_ext_shared,
        "event_context": f"4-{event_id}",
    }
