"""assistant.threads.*, agents.*, reactions, pins, bookmarks: what an app does around messages."""

import re
from collections.abc import Callable

from playground.slack.arguments import SlackError
from playground.slack.lookup import found, joined, thread
from playground.slack.state import Channel, Json
from playground.slack.workspace import Workspace

_EMOJI = re.compile(r"[a-z0-9_+'\-]+(::skin-tone-[2-6])?")


def set_status(ws: Workspace, args: Json) -> Json:
    """assistant.threads.setStatus: "" clears it, a post in the thread too, and two minutes."""
    if len(args.get("loading_messages") or ()) > 10:
        raise SlackError("invalid_arguments", "[ERROR] no more than 10 items allowed [json-pointer:/loading_messages]")
    channel, root = _thread(ws, args)
    ws.set_status(channel, root, args["status"])
    return {}


def set_title(ws: Workspace, args: Json) -> Json:
    """assistant.threads.setTitle."""
    channel, root = _thread(ws, args)
    ws.titles[channel.id, root] = args["title"]
    return {}


def set_suggested_prompts(ws: Workspace, args: Json) -> Json:
    """assistant.threads.setSuggestedPrompts: in a DM without a thread they stand at the top of the Messages tab."""
    prompts = args["prompts"]
    shaped = isinstance(prompts, list) and all(
        isinstance(p, dict) and p.get("title") and p.get("message") for p in prompts
    )
    if not shaped or not 1 <= len(prompts) <= 4:
        raise SlackError("invalid_arguments", "[ERROR] 1 to 4 prompts with title and message [json-pointer:/prompts]")
    channel = joined(ws, args["channel_id"], "channel_not_found")
    root = thread(channel, args.get("thread_ts"), missing="invalid_thread_ts") or ""
    ws.prompts[channel.id, root] = prompts
    return {}


def set_session_status(ws: Workspace, args: Json) -> Json:
    """agents.sessions.setStatus: "processing" shows the stop button until the app sets another."""
    if args["status"] not in ("active", "processing", "suspended", "closed"):
        raise SlackError("invalid_arguments", "[ERROR] must be a valid enum value [json-pointer:/status]")
    channel = joined(ws, args["channel_id"], "channel_not_found")
    root = thread(channel, args.get("thread_ts"), missing="invalid_thread_ts") or ""
    ws.sessions[channel.id, root] = args["status"]
    return {}


def _thread(ws: Workspace, args: Json) -> tuple[Channel, str]:
    channel = joined(ws, args["channel_id"], "channel_not_found")
    message = channel.messages.get(args["thread_ts"])
    if message is None:
        raise SlackError("invalid_thread_ts")
    return channel, message.get("thread_ts") or args["thread_ts"]


def reactions_add(ws: Workspace, args: Json) -> Json:
    """reactions.add."""
    return _react(ws, args, added=True)


def reactions_remove(ws: Workspace, args: Json) -> Json:
    """reactions.remove."""
    if not args.get("channel") or not args.get("timestamp"):
        raise SlackError("no_item_specified")
    return _react(ws, args, added=False)


def _react(ws: Workspace, args: Json, *, added: bool) -> Json:
    channel = joined(ws, args["channel"], "no_access")
    if channel.is_archived:
        raise SlackError("is_archived")
    if not _EMOJI.fullmatch(args["name"]):
        raise SlackError("invalid_name")
    found(channel, args["timestamp"])
    try:
        ws.react(ws.app.bot_user_id, channel, args["timestamp"], args["name"], added=added)
    except ValueError as error:
        raise SlackError(str(error)) from None
    return {}


def pins_add(ws: Workspace, args: Json) -> Json:
    """pins.add."""
    channel = joined(ws, args["channel"])
    if not args.get("timestamp"):
        raise SlackError("no_item_specified")
    message = found(channel, args["timestamp"])
    if channel.id in message.get("pinned_to", ()):
        raise SlackError("already_pinned")
    channel.messages[message["ts"]] = message | {"pinned_to": [channel.id]}
    return {}


def bookmarks_add(ws: Workspace, args: Json) -> Json:
    """bookmarks.add: links only."""
    channel = joined(ws, args["channel_id"], "channel_not_found")
    if args["type"] != "link":
        raise SlackError("invalid_bookmark_type")
    if not (args.get("link") or "").startswith(("http://", "https://")):
        raise SlackError("invalid_link")
    bookmark = {
        "id": ws.next_id("Bk"),
        "channel_id": channel.id,
        "title": args["title"],
        "link": args["link"],
        "type": "link",
    }
    ws.bookmarks.setdefault(channel.id, []).append(bookmark)
    return {"bookmark": bookmark}


METHODS: dict[str, Callable[[Workspace, Json], Json]] = {
    "assistant.threads.setStatus": set_status,
    "assistant.threads.setTitle": set_title,
    "assistant.threads.setSuggestedPrompts": set_suggested_prompts,
    "agents.sessions.setStatus": set_session_status,
    "reactions.add": reactions_add,
    "reactions.remove": reactions_remove,
    "pins.add": pins_add,
    "bookmarks.add": bookmarks_add,
}
