"""How many events one `assist web` stores and acks a second: they come at a set rate, whether or not the earlier ones are acked.

Each message is a mention in a new thread, which Slack tells as two events. The times include what the local Slack, on the same machine, takes.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from dataclasses import dataclass

from bench.figures import at
from bench.questions import Questions
from bench.stage import Process, Stage, stage

TICK = 0.01
PATIENCE_SECONDS = 30.0
BOUND = 1.0  # seconds at p99; Slack gives three


@dataclass(frozen=True, slots=True)
class Figures:
    """One line of the table. `offered` and `acked` a second, the ack's times in seconds."""

    offered: float
    acked: float
    p50: float
    p99: float
    again: int
    cpu_web: float
    cpu_valkey: float
    cpu_servers: float

    HEAD = (
        "| events offered a second | acked a second | ack p50 / p99 ms | delivered again | CPU of web | of Valkey | of the local Slack |\n"
        "|---|---|---|---|---|---|---|"
    )

    def row(self) -> str:
        """The line as Markdown."""
        return (
            f"| {self.offered:.0f} | {self.acked:.0f} | {self.p50 * 1000:.0f} / {self.p99 * 1000:.0f} | {self.again} | {self.cpu_web:.0%} "
            f"| {self.cpu_valkey:.0%} | {self.cpu_servers:.0%} |"
        )


async def measure(stage: Stage, web: Process, rate: float, seconds: float) -> Figures:
    """Lets `rate` events a second come for so long, then waits for the acks that are missing."""
    questions = Questions(stage, tokens=1)
    processes = (web, stage.valkey, stage.servers)
    before, began, asked = [p.cpu_seconds() for p in processes], time.monotonic(), 0
    while (now := time.monotonic() - began) < seconds:
        while asked < now * rate / 2:
            questions.ask()
            asked += 1
        await asyncio.sleep(TICK)
    offered = 2 * asked / (time.monotonic() - began)
    events = [e for e in stage.slack.delivery.events if not e.sent_at or e.sent_at >= began]
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and not all(e.acked_at for e in events):  # noqa: ASYNC110  # acks come by the thousand
        await asyncio.sleep(TICK)
    lasted = time.monotonic() - began
    spent = [(p.cpu_seconds() - was) / lasted for p, was in zip(processes, before, strict=True)]
    waited = [e.acked_at - e.sent_at if e.acked_at and e.attempts == 1 else PATIENCE_SECONDS for e in events]
    again = sum(e.attempts > 1 for e in events)
    return Figures(offered, len(events) / lasted, at(waited, 50), at(waited, 99), again, *spent)


async def main(chosen: argparse.Namespace) -> int:
    """Prints the table, up to the first rate at which p99 passes a second."""
    async with stage() as the_stage, the_stage.bot("web") as web:
        print(
            f"{chosen.seconds:g} s at each rate, Socket Mode, every event on disk before its ack\n\n{Figures.HEAD}",
            flush=True,
        )
        for rate in chosen.rates:
            figures = await measure(the_stage, web, rate, chosen.seconds)
            print(figures.row(), flush=True)
            if figures.p99 > BOUND:
                break
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--rates", type=float, nargs="+", default=[100, 200, 400, 600, 800, 1000, 1200, 1600], help="events a second"
    )
    parser.add_argument("--seconds", type=float, default=5)
    sys.exit(asyncio.run(main(parser.parse_args())))
