"""Slack's native streams: how long they live and what state a message is in."""

from playground.slack.state import Channel
from playground.slack.workspace import Workspace

STREAM_SECONDS = 300  # a stream dies about five minutes after it began
STREAM_CHARACTERS = 10_000  # the least at which one was seen to die


def is_streaming(ws: Workspace, channel: Channel, ts: str) -> bool:
    """Whether a message is a stream that neither ended nor ran out."""
    began = ws.streams.get((channel.id, ts))
    return began is not None and ws.clock() < began + STREAM_SECONDS
