"""What the bot's Redis and database say about themselves."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from bot.queue import LANE_TURNS, WINDOW, script_texts

# What a benchmark asks by itself. Bots do not, but while they start.
OURS = ("info", "monitor", "auth", "hello", "client", "client|setinfo", "xinfo", "xinfo|stream", "zrandmember")


@dataclass(frozen=True, slots=True)
class Commands:
    """Redis commands by kind: those that the bot sent, each a round trip, and those that ran, inside of scripts too."""

    sent: Counter[str]
    run: Counter[str]

    def kinds(self, divisor: float) -> str:
        """Those that were sent, the most frequent first, divided by turns or by seconds. Scripts go by their names."""
        each = ((name, count / divisor) for name, count in self.sent.most_common())
        return ", ".join(f"{name} {count:.1f}" for name, count in each if count >= 0.05)


@asynccontextmanager
async def commands(redis: Any) -> AsyncIterator[Commands]:
    """Counts the commands until the context ends. Redis' own counters do not tell the bot's commands from those of its scripts, MONITOR does."""
    counted = Commands(Counter(), Counter())
    before = await _run(redis)
    async with redis.monitor() as monitor:
        listening = asyncio.create_task(_listen(monitor, counted.sent))
        try:
            yield counted
        finally:
            listening.cancel()
            await asyncio.wait([listening])
    counted.run.update(await _run(redis) - before)


async def _listen(monitor: Any, sent: Counter[str]) -> None:
    texts = {f.name: f.read_bytes() for f in (files("bot") / "lua").iterdir()}
    scripts = {hashlib.sha1(text).hexdigest(): name for name, text in texts.items()}  # noqa: S324  # Redis' name for a script
    scripts |= {
        sha: f"{name}.lua" for name, (_, sha) in script_texts(WINDOW, LANE_TURNS).items()
    }  # with what stands before them
    async for said in monitor.listen():
        name, *rest = said["command"].split(" ", 2)
        if said["client_type"] != "lua" and name.lower() not in OURS:
            sent[scripts.get(rest[0], "a script") if name.lower() == "evalsha" else name.lower()] += 1


async def _run(redis: Any) -> Counter[str]:
    rows = await redis.info("commandstats")
    names = ((name.removeprefix("cmdstat_"), row["calls"]) for name, row in rows.items())
    return Counter({name: calls for name, calls in names if name not in OURS})


async def memory(redis: Any) -> int:
    """Bytes that Redis holds, without what its connections take: they come and go with the bots."""
    said = await redis.info("memory")
    return int(said["used_memory"]) - int(said["mem_clients_normal"]) - int(said["mem_aof_buffer"])


async def log_bytes(redis: Any) -> int:
    """Bytes of the append-only file."""
    return int((await redis.info("persistence"))["aof_current_size"])


def database_bytes(folder: Path) -> int:
    """Bytes of the SQLite database in a data folder, with what its write-ahead log has yet to bring into it."""
    with closing(sqlite3.connect(f"file:{folder / 'assist.db'}?mode=ro", uri=True)) as database:
        pages, size = (database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    return int(pages * size)
