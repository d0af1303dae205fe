"""Messages that wait: first there is no worker, then there is one. What Redis needs for them, and how long they take to drain.

Each message begins a thread of its own, so that each makes a turn. Slack's limits are off.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from dataclasses import dataclass
from typing import Any

from bench.questions import AT_A_TIME, Questions
from bench.stage import Stage, stage
from bench.store import memory
from bot.keys import THREAD

FEW = 500  # of one sample: follow-ups, deletions


@dataclass(frozen=True, slots=True)
class Figures:
    """What came out. Bytes of Redis' memory, each for one message or one thread."""

    messages: int
    stored_a_second: float
    redis_mb: float
    first_message: float
    further_message: float
    answered_thread: float
    idle_thread: float
    drained_seconds: float
    left_over: int
    wrong: int

    HEAD = (
        "| waiting | stored a second | Redis MB | bytes a message in a new thread | a further message in it | an answered thread | an idle thread "
        "| drained in s | turns a second | still in the queue | lost or wrong |\n|---|---|---|---|---|---|---|---|---|---|---|"
    )

    def row(self) -> str:
        """The line as Markdown."""
        return (
            f"| {self.messages} | {self.stored_a_second:.0f} | {self.redis_mb:.1f} | {self.first_message:.0f} | {self.further_message:.0f} "
            f"| {self.answered_thread:.0f} | {self.idle_thread:.0f} | {self.drained_seconds:.1f} | {self.messages / self.drained_seconds:.1f} "
            f"| {self.left_over} | {self.wrong} |"
        )


@dataclass(frozen=True, slots=True)
class Stored:
    """Messages that wait. Bytes of Redis before them, with them, and with the further ones."""

    seconds: float
    empty: int
    full: int
    fuller: int
    further: int
    at: float  # when the last one was there, monotonic


async def store(stage: Stage, questions: Questions, messages: int) -> Stored:
    """Asks so many questions while there is a receiver and no worker, then a few follow-ups in the first threads."""
    empty, began = await memory(stage.redis), time.monotonic()
    await questions.ask_many(messages)
    seconds, full = time.monotonic() - began, await memory(stage.redis)
    further = min(messages, FEW)
    for n in range(further):
        questions.follow_up(n)
        if n % AT_A_TIME == AT_A_TIME - 1 or n == further - 1:
            await questions.acked(n % AT_A_TIME + 1)
    return Stored(seconds, empty, full, await memory(stage.redis), further, time.monotonic())


async def drain(stage: Stage, questions: Questions, stored: Stored) -> Figures:
    """Waits until a worker that has just been started has answered all of them."""
    messages = len(questions.answers)
    await questions.answered(60 + messages)
    drained = time.monotonic() - stored.at
    await stage.finished(60)
    answered, left_over = await memory(stage.redis), await stage.turns_left()
    await _forget(stage.redis)
    return Figures(
        messages=messages,
        stored_a_second=messages / stored.seconds,
        redis_mb=stored.full / 1e6,
        first_message=(stored.full - stored.empty) / messages,
        further_message=(stored.fuller - stored.full) / stored.further,
        answered_thread=(answered - stored.empty) / messages,
        idle_thread=(await memory(stage.redis) - stored.empty) / messages,
        drained_seconds=drained,
        left_over=left_over,
        wrong=sum(not a.is_right() for a in questions.answers.values()),
    )


async def _forget(redis: Any) -> None:
    """What time does: the marks of events and messages lapse, and what is known of the threads stays."""
    names = [name async for name in redis.scan_iter(count=1000) if not name.startswith(THREAD)]
    lapsing = [name for name in names if await redis.ttl(name) > 0]
    for start in range(0, len(lapsing), FEW):
        await redis.delete(*lapsing[start : start + FEW])


async def main(chosen: argparse.Namespace) -> int:
    """Prints the table; returns 1 when an answer was lost or wrong."""
    async with stage() as the_stage, the_stage.bot("web"):
        the_stage.ai.tokens_per_second, the_stage.ai.first_token = chosen.rate, 0
        speed = f"{chosen.rate:g} a second" if chosen.rate else "as fast as the local OpenAI can"
        print(
            f"{chosen.tokens} tokens an answer, {speed}; the time to drain includes the worker's start\n\n{Figures.HEAD}",
            flush=True,
        )
        questions = Questions(the_stage, chosen.tokens)
        stored = await store(the_stage, questions, chosen.messages)
        async with the_stage.bot("worker"):
            figures = await drain(the_stage, questions, stored)
    print(figures.row())
    return int(figures.wrong > 0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--tokens", type=int, default=50, help="of each answer")
    parser.add_argument("--rate", type=float, default=0, help="tokens a second; 0: as fast as possible")
    sys.exit(asyncio.run(main(parser.parse_args())))
