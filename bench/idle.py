"""What an idle bot costs: `assist run` with Socket Mode open and nothing to do."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from dataclasses import dataclass

from bench.stage import Process, Stage, stage
from bench.store import commands

SETTLE_SECONDS = 5.0  # its start is over


@dataclass(frozen=True, slots=True)
class Figures:
    """One line of the table. `sent`: commands that the bot sent to Redis; `run`: those that ran, also inside of scripts; both a second."""

    seconds: float
    sent: float
    run: float
    kinds: str
    cpu_share: float
    valkey_cpu_share: float
    memory_mb: float

    HEAD = "| seconds | Redis commands a second | by kind | run a second, inside of scripts too | CPU of one core | Valkey's CPU | memory MB |\n|---|---|---|---|---|---|---|"

    def row(self) -> str:
        """The line as Markdown."""
        return (
            f"| {self.seconds:.0f} | {self.sent:.1f} | {self.kinds} | {self.run:.1f} | {self.cpu_share:.2%} | {self.valkey_cpu_share:.2%} "
            f"| {self.memory_mb:.0f} |"
        )


async def measure(stage: Stage, bot: Process, seconds: float) -> Figures:
    """Looks at an idle bot for so long."""
    async with commands(stage.redis) as counted:
        cpu, valkey, began = bot.cpu_seconds(), stage.valkey.cpu_seconds(), time.monotonic()
        await asyncio.sleep(seconds)
        lasted = time.monotonic() - began
    return Figures(
        seconds=lasted,
        sent=counted.sent.total() / lasted,
        run=counted.run.total() / lasted,
        kinds=counted.kinds(lasted),
        cpu_share=(bot.cpu_seconds() - cpu) / lasted,
        valkey_cpu_share=(stage.valkey.cpu_seconds() - valkey) / lasted,
        memory_mb=bot.memory_mb(),
    )


async def main(seconds: float) -> int:
    """Prints the table."""
    async with stage() as the_stage, the_stage.bot() as bot:
        print(f"`assist run`, two Socket Mode connections open, nothing asked\n\n{Figures.HEAD}", flush=True)
        await asyncio.sleep(SETTLE_SECONDS)
        print((await measure(the_stage, bot, seconds)).row())
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30)
    sys.exit(asyncio.run(main(parser.parse_args().seconds)))
