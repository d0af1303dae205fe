"""The life of a response as server-sent events, in OpenAI's order, at a set pace."""

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from playground.openai.errors import JsonObject
from playground.openai.items import new_id, shown
from playground.openai.limits import CHARACTERS_PER_TOKEN, Usage
from playground.openai.plan import Call, Interpret, Output, Plan, Refuse, Say, Search, output_tokens

WORD_PIECE = re.compile(r"\s*\S{1,6}|\s+")
NOTICE_GONE = 0.1  # seconds between looks whether the client is still there
BREATHE = 16  # deltas between turns of the event loop when no pace is set

CUT = b""  # an event that kills the connection of whoever reads along live

Write = Callable[[bytes], Awaitable[None]]


class GoneError(Exception):
    """The client closed the connection."""


@dataclass
class Pace:
    """How fast tokens come: 0 tokens a second means as fast as possible. Called at every token with its time."""

    tokens_per_second: float
    first_token: float
    token: Callable[[float], None]
    gone: Callable[[], bool]


def event(name: str, sequence: int, fields: JsonObject) -> bytes:
    """One server-sent event."""
    data = json.dumps({"type": name, "sequence_number": sequence, **fields}, separators=(",", ":"))
    return f"event: {name}\ndata: {data}\n\n".encode()


class Stream:
    """Plays a plan: fills in the response object and writes its events."""

    def __init__(self, response: JsonObject, plan: Plan, usage: Usage, pace: Pace, include: list[str]) -> None:
        self.response = response
        self.plan = plan
        self.usage = usage
        self.output: list[JsonObject] = []  # finished items, with everything that a conversation keeps of them
        self._pace = pace
        self._include = include
        self._sequence = 0
        self._index = 0
        self._sent = 0
        self._started: float | None = None

    async def play(self, write: Write) -> None:
        """Write every event; raises `GoneError` when the client has left, or ConnectionError out of `write`."""
        self._write = write
        await self._emit("response.created", response=self.response)
        if self.response["status"] == "queued":
            await self._emit("response.queued", response=self.response)
            self.response["status"] = "in_progress"
        await self._emit("response.in_progress", response=self.response)
        await self._pause(self._pace.first_token)
        if not self.plan.outputs:
            await self._interlude()
        last = len(self.plan.outputs) - 1
        for n, output in enumerate(self.plan.outputs):
            self._index = n
            await self._play(output, finish=n < last or not self.plan.ending.breaks)
        await self._end()

    async def _play(self, output: Output, *, finish: bool) -> None:
        match output:
            case Call():
                await self._call(output)
            case Search():
                await self._search(output)
            case Interpret():
                await self._interpret(output)
            case _:
                await self._message(output, finish=finish)

    async def _message(self, output: Say | Refuse, *, finish: bool) -> None:
        kind, name = ("text", "output_text") if isinstance(output, Say) else ("refusal", "refusal")
        empty: JsonObject = {"type": name, kind: ""}
        if isinstance(output, Say):
            empty |= {"annotations": [], "logprobs": []}
        item: JsonObject = {"id": new_id("msg"), "type": "message", "role": "assistant"}
        if isinstance(output, Say) and output.phase:
            item["phase"] = output.phase
        await self._emit_item("added", item | {"status": "in_progress", "content": []})
        where = {"item_id": item["id"], "output_index": self._index, "content_index": 0}
        await self._emit("response.content_part.added", **where, part=empty)
        extra: JsonObject = {"logprobs": []} if isinstance(output, Say) else {}
        await self._deltas(f"response.{name}.delta", where | extra, output)
        annotations = list(output.annotations) if isinstance(output, Say) else []
        text = output.text
        if self._index == len(self.plan.outputs) - 1:
            await self._interlude()
        if self.plan.ending.kind == "cut" and not finish and self.response["background"]:
            await self._deltas(f"response.{name}.delta", where | extra, Say(self.plan.ending.rest))
            text, finish = text + self.plan.ending.rest, True
        if not finish:
            return
        for n, annotation in enumerate(annotations):
            await self._emit(
                "response.output_text.annotation.added", **where, annotation_index=n, annotation=annotation
            )
        await self._emit(f"response.{name}.done", **where, **extra, **{kind: text})
        part = empty | {kind: text} | ({"annotations": annotations} if isinstance(output, Say) else {})
        await self._emit("response.content_part.done", **where, part=part)
        cut_short = self.plan.ending.kind == "incomplete" and self._index == len(self.plan.outputs) - 1
        await self._done(item | {"status": "incomplete" if cut_short else "completed", "content": [part]})

    async def _interlude(self) -> None:
        """What happens between the last text and the end: a stall, or the cut that a background response outlives."""
        if self.plan.ending.kind == "stall":
            await self._pause(self.plan.ending.seconds)
        elif self.plan.ending.kind == "cut" and self.response["background"]:
            await self._write(CUT)

    async def _call(self, output: Call) -> None:
        item: JsonObject = {"id": new_id("fc"), "type": "function_call", "call_id": new_id("call"), "name": output.name}
        await self._emit_item("added", item | {"status": "in_progress", "arguments": ""})
        where = {"item_id": item["id"], "output_index": self._index}
        await self._deltas("response.function_call_arguments.delta", where, Say(output.arguments))
        await self._emit("response.function_call_arguments.done", **where, arguments=output.arguments)
        await self._done(item | {"status": "completed", "arguments": output.arguments})

    async def _search(self, output: Search) -> None:
        item: JsonObject = {"id": new_id("fs"), "type": "file_search_call", "queries": list(output.queries)}
        await self._emit_item("added", item | {"status": "in_progress", "results": None})
        for state in ("in_progress", "searching", "completed"):
            name = f"response.file_search_call.{state}"
            await self._emit(name, item_id=item["id"], output_index=self._index)
        await self._done(item | {"status": "completed", "results": [found.shown() for found in output.results or ()]})

    async def _interpret(self, output: Interpret) -> None:
        item: JsonObject = {"id": new_id("ci"), "type": "code_interpreter_call", "container_id": output.container_id}
        await self._emit_item("added", item | {"status": "in_progress", "code": "", "outputs": None})
        where = {"item_id": item["id"], "output_index": self._index}
        await self._emit("response.code_interpreter_call.in_progress", **where)
        await self._deltas("response.code_interpreter_call_code.delta", where, Say(output.code))
        await self._emit("response.code_interpreter_call_code.done", **where, code=output.code)
        for state in ("interpreting", "completed"):
            await self._emit(f"response.code_interpreter_call.{state}", **where)
        logs = [{"type": "logs", "logs": output.logs}] if output.logs else []
        await self._done(item | {"status": "completed", "code": output.code, "outputs": logs})

    async def _done(self, item: JsonObject) -> None:
        self.output.append(item)
        visible = shown([item], self._include)[0]
        self.response["output"].append(visible)
        await self._emit_item("done", visible)

    async def _emit_item(self, state: Literal["added", "done"], item: JsonObject) -> None:
        await self._emit(f"response.output_item.{state}", output_index=self._index, item=item)

    async def _emit(self, name: str, **fields: Any) -> None:
        sequence, self._sequence = self._sequence, self._sequence + 1
        await self._write(event(name, sequence, fields))

    async def _deltas(self, name: str, fields: JsonObject, output: Say | Refuse) -> None:
        """The text piece by piece. One prebuilt frame, one write a piece: many streams share a core."""
        head = json.dumps({"type": name, **fields}, separators=(",", ":"))[:-1].encode()
        frame = b"event: " + name.encode() + b"\ndata: " + head + b',"sequence_number":'
        delay = output.delay if isinstance(output, Say) else None
        for n, piece in enumerate(pieces(output)):
            await self._keep_pace(n, delay)
            self._pace.token(time.monotonic())
            quoted = json.dumps(piece).encode()
            await self._write(b'%b%d,"delta":%b}\n\n' % (frame, self._sequence, quoted))
            self._sequence += 1
            self._sent += len(piece)

    async def _keep_pace(self, n: int, delay: float | None) -> None:
        """Wait until the next piece is due; by the clock, so that lateness does not add up."""
        speed = self._pace.tokens_per_second
        if delay is not None:
            await self._pause(delay if n else 0)
        elif speed:
            now = time.monotonic()
            if self._started is None:
                self._started = now
            await self._pause(self._started + self._sent / CHARACTERS_PER_TOKEN / speed - now)
        elif n % BREATHE == 0:
            await self._pause(0)

    async def _pause(self, seconds: float) -> None:
        """Sleep, looking now and then whether the client is still there."""
        until = time.monotonic() + seconds
        while True:
            if self._pace.gone():
                raise GoneError
            left = until - time.monotonic()
            await asyncio.sleep(min(max(left, 0), NOTICE_GONE))
            if left <= NOTICE_GONE:
                return

    async def _end(self) -> None:
        ending, response = self.plan.ending, self.response
        tokens = sum(map(output_tokens, self.plan.outputs))
        self.usage = Usage(self.usage.input, self.usage.cached, tokens)
        if ending.kind == "cut" and not response["background"]:
            return
        if ending.kind in ("failed", "error"):
            response |= {"status": "failed", "error": {"code": ending.code, "message": ending.message}}
        elif ending.kind == "incomplete":
            response |= {"status": "incomplete", "incomplete_details": {"reason": ending.code}}
        else:
            response |= {"status": "completed", "completed_at": int(time.time())}
        response["usage"] = self.usage.shown()
        if ending.kind == "error":
            fields: JsonObject = {"code": ending.code, "message": ending.message, "param": None}
            await self._emit("error", **({"error": fields} if ending.nested else fields))

    async def finish(self) -> None:
        """Write the terminal event; after the outcome is stored, as the client acts on it at once."""
        if self.plan.ending.kind not in ("error", "cut") or self.response["status"] == "completed":
            await self._emit(f"response.{self.response['status']}", response=self.response)


def pieces(output: Say | Refuse) -> Iterator[str]:
    """The deltas of a text: pieces of words, or `chunk` characters."""
    if isinstance(output, Say) and output.chunk:
        for start in range(0, len(output.text), output.chunk):
            yield output.text[start : start + output.chunk]
        return
    for match in WORD_PIECE.finditer(output.text):
        yield match[0]
