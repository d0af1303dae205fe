"""One, two, four worker processes beside one `assist web`: answers a second, and who has the machine's cores meanwhile.

Slack's limits are off, so that the bot is measured and not Slack. The local Slack and OpenAI run on the same machine and take their share
of it; with `--turns` each worker runs only so many turns at once, so that it is turns that are short and not cores.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from bench.questions import Questions
from bench.stage import Process, Stage, stage

PATIENCE_SECONDS = 1800


@dataclass(frozen=True, slots=True)
class Figures:
    """One line of the table. CPU in shares of one core."""

    workers: int
    answers: int
    seconds: float
    cpu: tuple[float, ...]  # workers, web, Valkey, the local Slack and OpenAI
    wrong: int

    HEAD = (
        "| workers | answers | seconds | answers a second | times that of the first line | CPU of workers | of web | of Valkey | of the local Slack and OpenAI "
        "| lost or wrong |\n|---|---|---|---|---|---|---|---|---|---|"
    )

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.answers / self.seconds

    def row(self, first: Figures) -> str:
        """The line as Markdown."""
        cpu = " | ".join(f"{share:.0%}" for share in self.cpu)
        return (
            f"| {self.workers} | {self.answers} | {self.seconds:.1f} | {self.rate:.1f} | {self.rate / first.rate:.2f} "
            f"| {cpu} | {self.wrong} |"
        )


async def measure(stage: Stage, web: Process, workers: Sequence[Process], answers: int, tokens: int) -> Figures:
    """Asks so many questions as fast as they are acked; the clock runs from the first question to the last whole answer."""
    questions = Questions(stage, tokens)

    def spent() -> list[float]:
        return [sum(w.cpu_seconds() for w in workers), *(p.cpu_seconds() for p in (web, stage.valkey, stage.servers))]

    before, began = spent(), time.monotonic()
    await questions.ask_many(answers)
    await questions.answered(PATIENCE_SECONDS)
    lasted = time.monotonic() - began
    shares = [(after - was) / lasted for after, was in zip(spent(), before, strict=True)]
    await stage.finished(60)
    wrong = sum(not a.is_right() for a in questions.answers.values())
    return Figures(len(workers), answers, lasted, tuple(shares), wrong)


async def main(chosen: argparse.Namespace) -> int:
    """Prints the table; returns 1 when an answer was lost or wrong."""
    settings = {"WORKER_TURNS": str(chosen.turns)} if chosen.turns else {}
    speed = f"{chosen.rate:g} a second" if chosen.rate else "as fast as the local OpenAI can"
    print(
        f"{chosen.tokens} tokens an answer, {speed}, {chosen.turns or 256} turns at once in each worker, "
        f"{os.cpu_count()} cores, Slack's limits off\n\n{Figures.HEAD}",
        flush=True,
    )
    rows: list[Figures] = []
    for count in chosen.workers:
        async with stage(settings=settings) as the_stage, AsyncExitStack() as stack:
            the_stage.ai.tokens_per_second, the_stage.ai.first_token = chosen.rate, 0
            web = await stack.enter_async_context(the_stage.bot("web"))
            workers = [await stack.enter_async_context(the_stage.bot("worker")) for _ in range(count)]
            rows.append(await measure(the_stage, web, workers, chosen.answers, chosen.tokens))
        print(rows[-1].row(rows[0]), flush=True)
    return int(any(row.wrong for row in rows))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--answers", type=int, default=500)
    parser.add_argument("--tokens", type=int, default=200, help="of each answer")
    parser.add_argument("--rate", type=float, default=0, help="tokens a second; 0: as fast as possible")
    parser.add_argument("--turns", type=int, default=0, help="at once in each worker (WORKER_TURNS)")
    sys.exit(asyncio.run(main(parser.parse_args())))
