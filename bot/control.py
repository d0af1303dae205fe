"""What people want done to an answer: stop it, have it again, do without it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Literal

from redis.exceptions import RedisError

from bot import keys
from bot.models import AGAIN, GONE, Message, ThreadKey
from bot.queue import Queue

Said = Literal["", "mention", "follow-up"]
Stopped = Literal["stopped", "withdrawn", "idle", "duplicate", "not theirs"]
BLOCK_MS = 4000


@dataclass(frozen=True, slots=True)
class Stop:
    """The turn of `thread` that begins with the message `first` is to end; `user` wants it."""

    thread: str
    first: str
    user: str


class Control:
    """The receiver's and the workers' side of people's wishes; what is wished for is stored before it is acked."""

    def __init__(self, queue: Queue) -> None:
        self._queue, self._redis = queue, queue.redis

    async def stop(
        self,
        thread: ThreadKey,
        user: str,
        ts: str,
        *,
        event_id: str,
        first: str = "",
        alone: bool = False,
        said: Said = "",
    ) -> tuple[Stopped, str]:
        """Ends the thread's running answer, or withdraws what `user` has waiting there; the outcome, and whose answer it is when it is not theirs.

        `ts` is when it was wished for: what was asked later is not meant. `first`: only the turn that begins with that message; `alone`: if it has
        no other. `said`: it is a message, which comes as twins; "follow-up" may not be for the bot at all.
        """
        place = thread.team, thread.channel, ts if said else event_id
        final = {"": "all", "mention": "theirs", "follow-up": "none"}[said]
        got: str = await self._queue.durable_script(
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
            [
                str(thread),
                user,
                ts,
                keys.EVENT_SECONDS,
                keys.SAID_SECONDS,
                first,
                int(alone),
                final,
                keys.STOP_ENTRIES,
            ],
        )
        word, colon, asker = got.partition(":")
        return ("not theirs", asker) if colon else (_outcome(word), "")

    async def stops(self, after: str) -> tuple[str, list[Stop]]:
        """The stops since the entry `after` ("" for none: from now on), and the last entry; waits up to BLOCK_MS for one."""
        if not after:
            newest = await self._redis.xrevrange(keys.STOPS, count=1)
            return (newest[0][0] if newest else "0-0"), []
        got = await self._redis.xread({keys.STOPS: after}, count=100, block=BLOCK_MS)
        entries = got[0][1] if got else ()
        stops = [Stop(f["thread"], f["first"], f["user"]) for _, f in entries]
        return (entries[-1][0] if entries else after), stops

    async def asked(self, thread: ThreadKey, first: str) -> tuple[Message, ...]:
        """The messages of a turn that began, by the ts of its first; none when it is too old, or on its way again."""
        stored = await self._redis.get(keys.answered(thread.team, thread.channel, first))
        try:
            return tuple(Message.from_json(json.dumps(m)) for m in json.loads(stored or "[]"))
        except (ValueError, KeyError, TypeError):  # stored by another version
            return ()

    async def again(self, thread: ThreadKey, first: str, wish: str) -> bool:
        """Has a turn answered again in its own message. `wish` is when it was wished for. False when it is too old, or on its way."""
        again: list[str | int | float] = []
        messages = await self.asked(thread, first)
        for message in messages:
            again += [message.ts, replace(message, replayed=True, kind=AGAIN, of=wish).to_json()]
        names = [
            keys.answered(thread.team, thread.channel, first),
            keys.thread(thread),
            keys.waiting(thread),
            keys.messages(thread),
            keys.turn(thread),
            keys.READY,
            keys.LANES,
        ]
        return bool(messages and await self._queue.durable_script("again", names, [str(thread), *again]))

    async def reword(self, thread: ThreadKey, first: str, ts: str, text: str) -> str:
        """Gives one message of a turn that began or ended another text, for when it is answered again; its author, or "" when it is too old for that."""
        names = [keys.messages(thread), keys.answered(thread.team, thread.channel, first)]
        return str(await self._queue.script("reword", names, [ts, text]))

    async def take_back(self, thread: ThreadKey, ts: str, user: str, *, wish: str, event_id: str) -> bool:
        """The person deleted a question whose turn has begun: ends the turn, and has its answer taken away. False when others asked with it, or it is too old."""
        await self.stop(thread, user, wish, event_id=f"{event_id}-stop", first=ts, alone=True)
        if len(await self.asked(thread, ts)) != 1:
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
