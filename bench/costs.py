"""What one turn costs, for plain answers and for those that call a tool: Redis commands, CPU, memory, disk. One `assist web`, one `assist worker`.

Slack's limits are on. What an idle bot sends to Redis meanwhile is taken off.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from bench.answers import REST_SECONDS
from bench.questions import Questions
from bench.stage import Process, Stage, stage
from bench.store import Commands, commands, database_bytes, log_bytes

IDLE_SECONDS = 5.0
WARM_UP = 5
TOOL = ("remember", {"note": "The bench was here."})  # it has an effect, so its calls are journaled


@dataclass(frozen=True, slots=True)
class Figures:
    """One line of the table; all for one turn, memory as MB."""

    kind: str
    at_once: int
    sent: float
    kinds: str
    run: float
    cpu_web: float
    cpu_worker: float
    memory_mb: float
    log_bytes: float
    database_bytes: float
    wrong: int

    HEAD = (
        "| answer | at once | Redis commands | by kind | run, inside of scripts too | CPU ms web | CPU ms worker | worker's memory MB | append-only file bytes "
        "| database bytes | lost or wrong |\n|---|---|---|---|---|---|---|---|---|---|---|"
    )

    def row(self) -> str:
        """The line as Markdown."""
        return (
            f"| {self.kind} | {self.at_once} | {self.sent:.1f} | {self.kinds} | {self.run:.1f} | {self.cpu_web * 1000:.0f} | {self.cpu_worker * 1000:.0f} "
            f"| {self.memory_mb:.2f} | {self.log_bytes:.0f} | {self.database_bytes:.0f} | {self.wrong} |"
        )


async def idle(stage: Stage, seconds: float) -> Commands:
    """The commands of a bot that has nothing to do, a second."""
    began = time.monotonic()
    async with commands(stage.redis) as counted:
        await asyncio.sleep(seconds)
    return _scaled(counted, 1 / (time.monotonic() - began))


async def measure(
    stage: Stage,
    web: Process,
    worker: Process,
    at_once: int,
    tokens: int,
    idle: Commands,
    tool: tuple[str, dict[str, Any]] | None = None,
) -> Figures:
    """Asks so many questions at the same time and looks at what they cost; `idle` is what an idle bot sends a second."""
    questions = Questions(stage, tokens, tool)
    log, database = await log_bytes(stage.redis), database_bytes(stage.folder)
    memory, cpu = [worker.memory_mb()], (web.cpu_seconds(), worker.cpu_seconds())
    began = time.monotonic()
    async with commands(stage.redis) as counted:
        for _ in range(at_once):
            questions.ask()
        waiting = asyncio.create_task(questions.answered(60 + at_once))
        while not waiting.done():
            memory.append(worker.memory_mb())
            await asyncio.wait([waiting], timeout=0.25)
        await stage.finished(60)
    resting = _scaled(idle, time.monotonic() - began)
    sent, run = Counter(counted.sent), Counter(counted.run)
    sent.subtract(resting.sent)
    run.subtract(resting.run)
    turn = _scaled(Commands(sent, run), 1 / at_once)
    return Figures(
        kind=f"calls {tool[0]}" if tool else "plain",
        at_once=at_once,
        sent=sum(turn.sent.values()),
        kinds=turn.kinds(1),
        run=sum(turn.run.values()),
        cpu_web=(web.cpu_seconds() - cpu[0]) / at_once,
        cpu_worker=(worker.cpu_seconds() - cpu[1]) / at_once,
        memory_mb=(max(memory) - memory[0]) / at_once,
        log_bytes=(await log_bytes(stage.redis) - log) / at_once,
        database_bytes=(database_bytes(stage.folder) - database) / at_once,
        wrong=sum(not a.is_right() for a in questions.answers.values()),
    )


def _scaled(counted: Commands, factor: float) -> Commands:
    return Commands(*(Counter({k: v * factor for k, v in c.items()}) for c in (counted.sent, counted.run)))


async def _warm_up(stage: Stage, tokens: int) -> None:
    """The first turns load Redis' scripts and open connections."""
    questions = Questions(stage, tokens, TOOL)
    await questions.ask_many(WARM_UP)
    await questions.answered(60)
    await stage.finished(60)


async def main(chosen: argparse.Namespace) -> int:
    """Prints the table; returns 1 when an answer was lost or wrong."""
    async with stage(limits=True) as the_stage:
        the_stage.ai.tokens_per_second, the_stage.ai.first_token = chosen.rate, 0.5
        print(
            f"{chosen.tokens} tokens an answer, {chosen.rate:g} a second, Slack's limits on\n\n{Figures.HEAD}",
            flush=True,
        )
        wrong = 0
        async with the_stage.bot("web") as web, the_stage.bot("worker") as worker:
            await _warm_up(the_stage, chosen.tokens)
            resting = await idle(the_stage, IDLE_SECONDS)
            for tool in (None, TOOL):
                for at_once in chosen.at_once:
                    figures = await measure(the_stage, web, worker, at_once, chosen.tokens, resting, tool)
                    print(figures.row(), flush=True)
                    wrong += figures.wrong
                    await asyncio.sleep(chosen.rest)
    return int(wrong > 0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--at-once", type=int, nargs="+", default=[1, 10, 100])
    parser.add_argument("--tokens", type=int, default=200, help="of each answer")
    parser.add_argument("--rate", type=float, default=20, help="tokens a second")
    parser.add_argument(
        "--rest", type=float, default=REST_SECONDS, help="seconds between two lines: Slack's buckets fill"
    )
    sys.exit(asyncio.run(main(parser.parse_args())))
