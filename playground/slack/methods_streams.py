"""chat.startStream, appendStream, stopStream."""

from collections.abc import Callable
from typing import Any

from playground.slack.arguments import SlackError
from playground.slack.blocks import MAX_BLOCKS, MAX_MARKDOWN, check_blocks, check_metadata, expanded
from playground.slack.lookup import addressed, found, known, thread
from playground.slack.state import Channel, Json
from playground.slack.streams import STREAM_CHARACTERS, is_streaming
from playground.slack.workspace import Workspace

_CHUNKS = ("markdown_text", "task_update", "plan_update", "blocks")


def start_stream(ws: Workspace, args: Json) -> Json:
    """chat.startStream: outside a DM it wants to know whose question it answers."""
    channel = addressed(ws, args["channel"])
    if channel.kind != "im":
        for name in ("recipient_team_id", "recipient_user_id"):
            if not args.get(name):
                raise SlackError(f"missing_{name}")
        known(ws, args["recipient_user_id"])
    root = thread(channel, args["thread_ts"])
    text, blocks = _added(args)
    if len(text) > STREAM_CHARACTERS:
        raise SlackError("msg_too_long")
    posted = ws.bot_post(
        channel, {"text": text, "blocks": _shown(text, blocks), "streaming_state": "in_progress"}, thread_ts=root
    )
    ws.streams[channel.id, posted["ts"]] = ws.clock()
    return {"channel": channel.id, "ts": posted["ts"]}


def append_stream(ws: Workspace, args: Json) -> Json:
    """chat.appendStream."""
    channel, message = _streaming(ws, args)
    if (channel.id, args["ts"]) in ws.stopped_streams:
        raise SlackError("stopped_by_user")
    text, blocks = _added(args)
    if not text and not blocks:
        raise SlackError("no_text")
    _grow(ws, channel, message, text, blocks)
    return {"channel": channel.id, "ts": args["ts"]}


def stop_stream(ws: Workspace, args: Json) -> Json:
    """chat.stopStream: its blocks stand below everything else."""
    channel, message = _streaming(ws, args)
    text, blocks = _added(args)
    last: list[Json] = args.get("blocks") or []
    check_blocks(last)
    check_metadata(args.get("metadata"))
    ending = {"streaming_state": "completed"} | ({"metadata": args["metadata"]} if args.get("metadata") else {})
    message = _grow(ws, channel, message | ending, text, [*blocks, *last])
    del ws.streams[channel.id, args["ts"]]
    return {"channel": channel.id, "ts": args["ts"], "message": message}


def _streaming(ws: Workspace, args: Json) -> tuple[Channel, Json]:
    channel = addressed(ws, args["channel"])
    message = found(channel, args["ts"])
    if message.get("bot_id") != ws.app.bot_id:
        raise SlackError("message_not_owned_by_app")
    if not is_streaming(ws, channel, args["ts"]):
        raise SlackError("message_not_in_streaming_state")
    return channel, message


def _grow(ws: Workspace, channel: Channel, message: Json, text: str, blocks: list[Json]) -> Json:
    whole = message["text"] + text
    if len(whole) > STREAM_CHARACTERS:
        raise SlackError("msg_too_long")
    if expanded(whole) > MAX_BLOCKS:
        raise SlackError("msg_blocks_too_many")
    kept = [b for b in message["blocks"] if b["type"] != "markdown"]
    grown = ws.replace(channel, message | {"text": whole, "blocks": _shown(whole, [*kept, *blocks])})
    ws.notify(channel, grown)
    return grown


def _shown(text: str, blocks: list[Json]) -> list[Json]:
    return ([{"type": "markdown", "text": text}] if text else []) + blocks


def _added(args: Json) -> tuple[str, list[Json]]:
    """The text and the blocks that a call adds; SlackError for chunks of a wrong shape."""
    text = args.get("markdown_text") or ""
    if len(text) > MAX_MARKDOWN:
        raise SlackError("msg_too_long")
    blocks: list[Json] = []
    chunks: Any = args.get("chunks") or []
    if not isinstance(chunks, list) or not all(isinstance(c, dict) and c.get("type") in _CHUNKS for c in chunks):
        raise SlackError("invalid_chunks")
    for chunk in chunks:
        match chunk["type"]:
            case "markdown_text":
                text += chunk.get("text", "")
            case "blocks":
                check_blocks(chunk.get("blocks"))
                blocks += chunk["blocks"]
            case "task_update":
                if not chunk.get("id") or not chunk.get("title"):
                    raise SlackError("invalid_chunks")
                blocks.append(
                    {
                        "type": "task_card",
                        "task_id": chunk["id"],
                        "title": chunk["title"],
                        "status": chunk.get("status", ""),
                    }
                )
            case _:
                blocks.append({"type": "plan", "title": chunk.get("title", "")})
    return text, blocks


METHODS: dict[str, Callable[[Workspace, Json], Json]] = {
    "chat.startStream": start_stream,
    "chat.appendStream": append_stream,
    "chat.stopStream": stop_stream,
}
