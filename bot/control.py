"""What people want done to an answer: stop it, have it again, do without it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Literal

from redis.exceptions import RedisError

from bot import keys
from bot.models import AGAIN, GONE, Message, ThreadKey
from bot.queue import Queue

Stopped = Literal["stopped", "withdrawn", "idle", "duplicate", "not theirs"]
BLOCK_MS = 4000


class Control:
    """The receiver's and the workers' side of people's wishes; what is wished for is stored before it is acked."""

    def __init__(self, queue: Queue) -> None:
        self._queue, self._redis = queue, queue.redis

    async def stop(
        self, thread: ThreadKey, user: str, ts: str, *, event_id: str, typed: bool = False, only: str = ""
    ) -> tuple[Stopped, str]:
        """Ends the thread's running answer, or withdraws what `user` has waiting there; the outcome, and whose answer it is when it is not theirs.

        `ts` is when it was wished for: what was asked later is not meant. `typed`: as a message, which may come twice. `only`: a turn of that one message.
        """
        place = thread.team, thread.channel, ts if typed else event_id
        got: str = await self._queue.script(
            "stop",
            [
                keys.event(event_id),
                keys.said(*place),
                keys.thread(thread),
                keys.waiting(thread),
                keys.messages(thread),
                keys.turn(thread),
                keys.DELAYED,
                keys.STOPS,
            ],
            [str(thread), user, ts, keys.EVENT_SECONDS, keys.SAID_SECONDS, only, keys.STOP_ENTRIES],
        )
        word, colon, asker = got.partition(":")
        return ("not theirs", asker) if colon else (_outcome(word), "")

    async def stops(self, after: str) -> tuple[str, list[tuple[str, str]]]:
        """The (thread, user) of stops since the entry `after` ("" for none: from now on), and the last entry; waits up to BLOCK_MS for one."""
        if not after:
            newest = await self._redis.xrevrange(keys.STOPS, count=1)
            return (newest[0][0] if newest else "0-0"), []
        got = await self._redis.xread({keys.STOPS: after}, count=100, block=BLOCK_MS)
        entries = got[0][1] if got else ()
        return (entries[-1][0] if entries else after), [(f["thread"], f["user"]) for _, f in entries]

    async def asked(self, thread: ThreadKey, first: str) -> tuple[Message, ...]:
        """The messages of a turn that began, by the ts of its first; none when it is too old, or on its way again."""
        stored = await self._redis.get(keys.answered(thread.team, thread.channel, first))
        try:
            return tuple(Message.from_json(json.dumps(m)) for m in json.loads(stored or "[]"))
        except (ValueError, KeyError, TypeError):  # stored by another version
            return ()

    async def again(self, thread: ThreadKey, first: str, wish: str) -> bool:
        """Has an ended turn answered again in its own message. `wish` tells this time from others. False when it is too old, or on its way."""
        again: list[str | int | float] = []
        messages = await self.asked(thread, first)
        for message in messages:
            again += [message.ts, replace(message, replayed=True, kind=AGAIN, of=wish).to_json()]
        names = [
            keys.answered(thread.team, thread.channel, first),
            keys.thread(thread),
            keys.waiting(thread),
            keys.messages(thread),
            keys.READY,
            keys.LANES,
        ]
        return bool(messages and await self._queue.script("again", names, [str(thread), *again]))

    async def reword(self, thread: ThreadKey, first: str, ts: str, text: str) -> Message | None:
        """Gives one message of a turn that began or ended another text, for when it is answered again; None when it is too old for that."""
        if running := await self._redis.hget(keys.messages(thread), ts):
            changed = replace(Message.from_json(running), text=text)
            await self._redis.hset(keys.messages(thread), ts, changed.to_json())
        messages = await self.asked(thread, first)
        found = next((m for m in messages if m.ts == ts), None)
        if not found:
            return None
        found = replace(found, text=text)
        texts = [(found if m.ts == ts else m).to_json() for m in messages]
        name = keys.answered(thread.team, thread.channel, first)
        await self._redis.set(name, f"[{','.join(texts)}]", xx=True, keepttl=True)
        return found

    async def take_back(self, thread: ThreadKey, ts: str, user: str, *, wish: str, event_id: str) -> bool:
        """The person deleted a question whose turn has begun: ends the turn, and has its answer taken away. False when others asked with it, or it is too old."""
        stopped, _ = await self.stop(thread, user, wish, event_id=f"{event_id}-stop", only=ts)
        if stopped not in ("stopped", "duplicate") and len(await self.asked(thread, ts)) != 1:
            return False
        gone = Message(thread=thread, ts=wish, user=user, text="", event_id=event_id, kind=GONE, of=ts)
        return await self._queue.put(gone) == "stored"

    async def waiting(self, thread: ThreadKey, ts: str) -> Message | None:
        """A message that waits, or is being answered; None where it cannot be known."""
        try:
            stored = await self._redis.hget(keys.messages(thread), ts)
            return Message.from_json(stored) if stored else None
        except (RedisError, ValueError, KeyError, TypeError):
            return None


def _outcome(word: str) -> Stopped:
    match word:
        case "stopped" | "withdrawn" | "duplicate":
            return word
        case _:
            return "idle"
