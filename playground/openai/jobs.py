"""A response in the making: its object, its events where they are kept, what it leaves."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from playground.openai.asked import Asked
from playground.openai.errors import JsonObject
from playground.openai.items import new_id
from playground.openai.plan import Call
from playground.openai.stream import CUT, Stream


class EventLog:
    """The events of a background response: written once, read by any number, from any point."""

    def __init__(self) -> None:
        self.events: list[bytes] = []
        self.cut_at: int | None = None  # where whoever reads along live loses the connection
        self.closed = False
        self._grown = asyncio.Event()

    async def append(self, event: bytes) -> None:
        """Add an event; its index is its sequence number."""
        if event == CUT:
            self.cut_at = len(self.events)
        else:
            self.events.append(event)
        self._wake()

    def close(self) -> None:
        """Nothing more will come."""
        self.closed = True
        self._wake()

    async def read(self, start: int, *, live: bool) -> AsyncIterator[bytes]:
        """Events from `start` on until the log closes; a live reader gets `CUT` where the stream shall die."""
        at = start
        while True:
            while at < len(self.events):
                if live and at == self.cut_at:
                    break
                yield self.events[at]
                at += 1
            if live and at == self.cut_at:
                yield CUT
            if self.closed:
                return
            await self._grown.wait()

    def _wake(self) -> None:
        self._grown.set()
        self._grown = asyncio.Event()


@dataclass
class Job:
    """A response in the making, and afterwards."""

    data: JsonObject
    asked: Asked
    stream: Stream
    log: EventLog | None = None
    task: asyncio.Task[bool] | None = None
    output: list[JsonObject] = field(default_factory=list)


def planned_calls(asked: Asked) -> list[JsonObject]:
    """The calls that the model was about to make, as items."""
    return [
        {
            "id": new_id("fc"),
            "type": "function_call",
            "status": "completed",
            "call_id": new_id("call"),
            "name": output.name,
            "arguments": output.arguments,
        }
        for output in asked.plan.outputs
        if isinstance(output, Call)
    ]


def response_object(asked: Asked) -> JsonObject:
    """The response object of the API at its start."""
    body, conversation = asked.body, asked.context.conversation
    background = bool(body.get("background"))
    text = body.get("text") or {}
    echoed = {
        name: body.get(name)
        for name in [
            "instructions",
            "max_output_tokens",
            "max_tool_calls",
            "previous_response_id",
            "prompt_cache_key",
            "safety_identifier",
            "user",
        ]
    }
    return {
        "id": new_id("resp"),
        "object": "response",
        "created_at": int(time.time()),
        "status": "queued" if background else "in_progress",
        "background": background,
        "completed_at": None,
        "conversation": {"id": conversation.id} if conversation else None,
        "error": None,
        "incomplete_details": None,
        **echoed,
        "metadata": body.get("metadata") or {},
        "model": asked.model.id,
        "output": [],
        "parallel_tool_calls": body.get("parallel_tool_calls", True),
        "reasoning": {"effort": "medium", "summary": None} | (body.get("reasoning") or {}),
        "service_tier": "default",
        "store": body.get("store") is not False,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}, "verbosity": "medium"} | text,
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": body.get("tools") or [],
        "top_logprobs": 0,
        "top_p": 1.0,
        "truncation": body.get("truncation") or "disabled",
        "usage": None,
    }
