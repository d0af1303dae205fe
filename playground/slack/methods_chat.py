"""chat.postMessage and its kin."""

from collections.abc import Callable

from playground.slack import text as slack_text
from playground.slack.arguments import SlackError
from playground.slack.blocks import MAX_POST_TEXT, MAX_UPDATE_TEXT, check_message
from playground.slack.lookup import addressed, found, joined, known, seen, thread
from playground.slack.state import Channel, Json
from playground.slack.streams import is_streaming
from playground.slack.workspace import Workspace


def content(args: Json) -> Json:
    """The part of a message that its arguments make. Slack gives each block a block_id."""
    if args.get("markdown_text") is not None:
        blocks = [{"type": "markdown", "text": args["markdown_text"]}]
        made: Json = {"text": args["markdown_text"], "blocks": _named(blocks)}
    else:
        made = {"text": args.get("text", "")[:MAX_POST_TEXT]}
        if args.get("blocks"):
            made["blocks"] = _named(args["blocks"])
    if args.get("attachments"):
        made["attachments"] = [{"id": i} | a for i, a in enumerate(args["attachments"], 1)]
    if args.get("metadata"):
        made["metadata"] = args["metadata"]
    return made


def _named(blocks: list[Json]) -> list[Json]:
    return [b if b.get("block_id") else b | {"block_id": f"b{i}"} for i, b in enumerate(blocks)]


def post_message(ws: Workspace, args: Json) -> Json:
    """chat.postMessage."""
    channel = addressed(ws, args["channel"])
    root = thread(channel, args.get("thread_ts"))
    check_message(args)
    message = content(args)
    if args.get("link_names") or args.get("parse") == "full":
        message["text"] = slack_text.linked(ws, message["text"])
    if args.get("username"):
        message |= {"username": args["username"], "subtype": "bot_message"}
    posted = ws.bot_post(channel, message, thread_ts=root, broadcast=bool(root and args.get("reply_broadcast")))
    return {"channel": channel.id, "ts": posted["ts"], "message": posted}


def update(ws: Workspace, args: Json) -> Json:
    """chat.update: text without blocks takes the blocks away and marks the message edited; blocks leave no mark."""
    channel = joined(ws, args["channel"], "channel_not_found")
    old = found(channel, args["ts"])
    if old.get("bot_id") != ws.app.bot_id:
        raise SlackError("cant_update_message")
    if channel.is_archived:
        raise SlackError("is_inactive")
    if is_streaming(ws, channel, args["ts"]):
        raise SlackError("streaming_state_conflict")
    if len(args.get("text", "")) > MAX_UPDATE_TEXT and not args.get("blocks"):
        raise SlackError("msg_too_long")
    if not (set(args) <= {"channel", "ts", "metadata"} and args.get("metadata")):
        check_message(args)
    message = _updated(ws, old, args)
    ws.replace(channel, message)
    return {"channel": channel.id, "ts": args["ts"], "text": message["text"], "message": message}


def _updated(ws: Workspace, old: Json, args: Json) -> Json:
    message = dict(old)
    if "streaming_state" in message:  # it has run out
        message["streaming_state"] = "completed"
    shown = content(args)
    if "metadata" in args and not args["metadata"]:  # an empty object takes it away; absent keeps it
        message.pop("metadata", None)
    if args.get("text") is None and args.get("markdown_text") is None:
        shown.pop("text")  # blocks, attachments or metadata alone leave the text
    elif "blocks" not in shown:
        message.pop("blocks", None)
    message |= shown
    if "blocks" not in args and ("text" in args or "markdown_text" in args):
        message["edited"] = {"user": ws.app.bot_user_id, "ts": f"{int(ws.clock())}.000000"}
    return message


def delete(ws: Workspace, args: Json) -> Json:
    """chat.delete."""
    channel = joined(ws, args["channel"], "channel_not_found")
    if found(channel, args["ts"]).get("bot_id") != ws.app.bot_id:
        raise SlackError("cant_delete_message")
    ws.streams.pop((channel.id, args["ts"]), None)
    ws.remove(channel, args["ts"])
    return {"channel": channel.id, "ts": args["ts"]}


def post_ephemeral(ws: Workspace, args: Json) -> Json:
    """chat.postEphemeral."""
    channel = addressed(ws, args["channel"])
    user = known(ws, args["user"])
    if user.id not in channel.members:
        raise SlackError("user_not_in_channel")
    root = thread(channel, args.get("thread_ts"))
    check_message(args)
    message = ws.signed({"type": "message"} | content(args)) | ({"thread_ts": root} if root else {})
    return {"message_ts": ws.whisper(channel, user.id, message)}


def get_permalink(ws: Workspace, args: Json) -> Json:
    """chat.getPermalink."""
    channel = seen(ws, args["channel"])
    message = found(channel, args["message_ts"])
    return {"channel": channel.id, "permalink": permalink(ws, channel, message)}


def permalink(ws: Workspace, channel: Channel, message: Json) -> str:
    """A message's address."""
    link = f"{ws.app.origin}/archives/{channel.id}/p{message['ts'].replace('.', '')}"
    root = message.get("thread_ts", message["ts"])
    return link if root == message["ts"] else f"{link}?thread_ts={root}&cid={channel.id}"


METHODS: dict[str, Callable[[Workspace, Json], Json]] = {
    "chat.postMessage": post_message,
    "chat.update": update,
    "chat.delete": delete,
    "chat.postEphemeral": post_ephemeral,
    "chat.getPermalink": get_permalink,
}
