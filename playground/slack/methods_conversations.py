"""conversations.* and users.conversations."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable

from playground.slack.arguments import SlackError
from playground.slack.lookup import cursor_at, cursor_place, joined, kind_scope, known, page, seen
from playground.slack.state import Channel, Json
from playground.slack.workspace import Workspace

_TYPES = {"public_channel": "channel", "private_channel": "group", "im": "im", "mpim": "mpim"}
_NUMBER = re.compile(r"\d+(\.\d+)?")


def channel_object(ws: Workspace, channel: Channel, *, num_members: bool = False) -> Json:
    """A conversation as the API shows it."""
    shown: Json = {
        "id": channel.id, "created": channel.created, "is_archived": channel.is_archived, "is_im": channel.kind == "im",
        "is_channel": channel.kind == "channel", "is_group": channel.kind == "group", "is_mpim": channel.kind == "mpim",
        "is_private": channel.is_private, "is_org_shared": False, "is_ext_shared": channel.is_ext_shared,
        "is_shared": channel.is_ext_shared, "is_pending_ext_shared": channel.is_pending_ext_shared, "context_team_id": ws.app.team_id, "updated": channel.created * 1000,
    }  # fmt: skip
    if channel.kind == "im":
        shown["user"] = next(iter(channel.members - {ws.app.bot_user_id}), ws.app.bot_user_id)
    else:
        shown |= {
            "name": channel.name,
            "name_normalized": channel.name,
            "is_member": ws.app.bot_user_id in channel.members,
        }
        shown |= {"is_general": channel.name == "general", "topic": {"value": "", "creator": "", "last_set": 0}}
        shown |= {"purpose": {"value": "", "creator": "", "last_set": 0}, "creator": "", "previous_names": []}
    return shown | ({"num_members": len(channel.members)} if num_members else {})


def info(ws: Workspace, args: Json) -> Json:
    """conversations.info."""
    channel = seen(ws, args["channel"])
    kind_scope(ws, channel, "read")
    return {"channel": channel_object(ws, channel, num_members=bool(args.get("include_num_members")))}


def list_conversations(ws: Workspace, args: Json) -> Json:
    """conversations.list: private ones only where the app is a member."""
    shown = [c for c in _of_types(ws, args) if not c.is_private or ws.app.bot_user_id in c.members]
    part, metadata = page(shown, args)
    return {"channels": [channel_object(ws, c, num_members=True) for c in part]} | metadata


def users_conversations(ws: Workspace, args: Json) -> Json:
    """users.conversations: those of a person that the app can see too; without `user` its own."""
    user = known(ws, args["user"]).id if args.get("user") else ws.app.bot_user_id
    own = [
        c for c in _of_types(ws, args) if user in c.members and (not c.is_private or ws.app.bot_user_id in c.members)
    ]
    part, metadata = page(own, args)
    return {"channels": [channel_object(ws, c) for c in part]} | metadata


def _of_types(ws: Workspace, args: Json) -> list[Channel]:
    names = [t.strip() for t in (args.get("types") or "public_channel").split(",")]
    if any(n not in _TYPES for n in names):
        raise SlackError("invalid_types")
    kinds = {_TYPES[n] for n in names}
    return [c for c in ws.channels.values() if c.kind in kinds and not (args.get("exclude_archived") and c.is_archived)]


def members(ws: Workspace, args: Json) -> Json:
    """conversations.members."""
    channel = seen(ws, args["channel"])
    kind_scope(ws, channel, "read")
    part, metadata = page(sorted(channel.members), args)
    return {"members": part} | metadata


def open_conversation(ws: Workspace, args: Json) -> Json:
    """conversations.open: the DM with one person, or a group DM."""
    if args.get("channel"):
        channel = joined(ws, args["channel"])
    else:
        users = args.get("users") or []
        if not users:
            raise SlackError("users_list_not_supplied")
        people = [known(ws, u) for u in users]
        if any(p.deleted for p in people):
            raise SlackError("user_disabled")
        if len(people) == 1:
            channel = ws.dm(people[0])
        else:
            everyone = {p.id for p in people} | {ws.app.bot_user_id}
            same = (c for c in ws.channels.values() if c.kind == "mpim" and c.members == everyone)
            name = "mpdm-" + "--".join(sorted(p.name for p in people))
            channel = next(same, None) or ws.add_channel(name, everyone, kind="mpim")
    return {"channel": channel_object(ws, channel) if args.get("return_im") else {"id": channel.id}}


def join(ws: Workspace, args: Json) -> Json:
    """conversations.join: public channels only."""
    channel = seen(ws, args["channel"])
    if channel.kind != "channel":
        raise SlackError("method_not_supported_for_channel_type")
    if channel.is_archived:
        raise SlackError("is_archived")
    if ws.app.bot_user_id not in channel.members:
        ws.add_bot(channel)
    return {"channel": channel_object(ws, channel)}


def history(ws: Workspace, args: Json) -> Json:
    """conversations.history: the top level, newest first."""
    channel = joined(ws, args["channel"])
    kind_scope(ws, channel, "history")
    times = _between(channel.top, args)
    if args.get("cursor"):
        times = times[: bisect_right(times, cursor_place(args["cursor"]))]
    limit = max(1, min(args.get("limit") or 100, 999))
    part, more = times[-limit:][::-1], len(times) > limit
    answer: Json = {"messages": [_message(channel, ts, args) for ts in part], "has_more": more, "pin_count": 0}
    return answer | ({"response_metadata": {"next_cursor": cursor_at(times[-limit - 1])}} if more else {})


def replies(ws: Workspace, args: Json) -> Json:
    """conversations.replies: oldest first. The root heads every page, whatever oldest, latest and cursor say."""
    channel = joined(ws, args["channel"])
    kind_scope(ws, channel, "history")
    if args["ts"] not in channel.messages:
        raise SlackError("thread_not_found")
    root = channel.messages[args["ts"]].get("thread_ts") or args["ts"]
    times = _between(channel.threads.get(root, []), args)
    limit = max(1, min(args.get("limit") or 1000, 1000))
    if args.get("cursor"):
        times = times[bisect_left(times, cursor_place(args["cursor"])) :]
    else:
        limit -= 1  # on the first page the root is one of them
    part, more = times[:limit], len(times) > limit
    answer: Json = {
        "messages": [_message(channel, ts, args) for ts in [root, *part] if ts in channel.messages],
        "has_more": more,
    }
    return answer | ({"response_metadata": {"next_cursor": cursor_at(times[limit])}} if more else {})


def _between(times: list[str], args: Json) -> list[str]:
    """The timestamps that `oldest`, `latest` and `inclusive` let through. All are ten digits wide, so strings sort."""
    for name in ("oldest", "latest"):
        if args.get(name) and not _NUMBER.fullmatch(args[name]):
            raise SlackError(f"invalid_ts_{name}")
    start, end = 0, len(times)
    inclusive = args.get("inclusive")
    if (oldest := args.get("oldest")) and float(oldest) > 0:
        start = (bisect_left if inclusive else bisect_right)(times, _wide(oldest))
    if latest := args.get("latest"):
        end = (bisect_right if inclusive else bisect_left)(times, _wide(latest))
    return times[start:end]


def _wide(ts: str) -> str:
    seconds, _, micros = ts.partition(".")
    return f"{int(seconds):010d}.{micros:0<6}"


def _message(channel: Channel, ts: str, args: Json) -> Json:
    message = channel.messages[ts]
    if "metadata" in message and not args.get("include_all_metadata"):
        return {k: v for k, v in message.items() if k != "metadata"}
    return message


METHODS: dict[str, Callable[[Workspace, Json], Json]] = {
    "conversations.info": info,
    "conversations.list": list_conversations,
    "conversations.members": members,
    "conversations.open": open_conversation,
    "conversations.join": join,
    "conversations.history": history,
    "conversations.replies": replies,
    "users.conversations": users_conversations,
}
