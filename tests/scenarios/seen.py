"""What a reader of the workspace sees."""

from __future__ import annotations

from typing import Any

from playground.slack import SlackServer


def growing(message: dict[str, Any]) -> bool:
    """Whether a message says that it is not finished: a context line in italics below its text; buttons may follow. A stream says it itself."""
    if message.get("streaming_state") == "in_progress":
        return True
    lines = [b for b in message.get("blocks") or () if b.get("type") == "context"]
    return any(str(b["elements"][0].get("text", "")).endswith("…_") for b in lines)


def answers(slack: SlackServer, channel: str, thread_ts: str | None = None) -> list[str]:
    """The bot's messages in a thread (or at the top level), as they are rendered, without their buttons."""
    return [read(slack, m) for m in slack.workspace.messages(channel, thread_ts) if m.get("bot_id")]


def read(slack: SlackServer, message: dict[str, Any]) -> str:
    """A message as it is rendered, without its buttons."""
    said = [b for b in message.get("blocks") or () if b["type"] != "actions"]
    return slack.workspace.rendered(message | {"blocks": said})


def buttons(message: dict[str, Any]) -> list[str]:
    """The labels of a message's buttons."""
    rows = [b for b in message.get("blocks") or () if b["type"] == "actions"]
    return [e["text"]["text"] for row in rows for e in row["elements"]]


def whole(slack: SlackServer, channel: str, thread_ts: str | None = None, count: int = 1) -> bool:
    """Whether there are `count` answers, none of which is still growing."""
    own = [m for m in slack.workspace.messages(channel, thread_ts) if m.get("bot_id")]
    return len(own) >= count and not any(map(growing, own))


async def answer_to(
    slack: SlackServer, channel: str, thread_ts: str | None = None, count: int = 1, timeout: float = 10
) -> str:
    """Waits for the count-th answer and gives its text."""
    await slack.until(lambda: whole(slack, channel, thread_ts, count), timeout=timeout)
    return answers(slack, channel, thread_ts)[count - 1]


def calls_of(slack: SlackServer, method: str) -> list[dict[str, Any]]:
    """The arguments of the successful calls of one method, oldest first."""
    return [c.args for c in slack.calls if c.method == method and c.ok]
