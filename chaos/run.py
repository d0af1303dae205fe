"""`make chaos`: people write, the storm blows, everything gets time to finish, and the judge reads what Slack shows.

This process is Slack, OpenAI, the people and the storm; the bot runs as its operators run it, two receivers and four workers with a Valkey.
Everything random comes from one seed. The exit code is 1 when anything at all is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

from sqlalchemy import create_engine, make_url, text

from chaos.checker import Note, Transcript, Verdict, judge
from chaos.faults import LimitedOpenAI, OpenAIFaults, SlackFaults
from chaos.model import Model
from chaos.people import People, plan
from chaos.processes import Place, Valkey, environment
from chaos.storm import Storm
from playground.slack import SlackServer

REDELIVERIES = (0.0, 5.0, 30.0)  # Slack's own come at once, after a minute and after five
TELL_EVERY = 10.0  # seconds


@dataclass(frozen=True, slots=True)
class Size:
    """How large the storm is. `spread` is seconds over which talks begin, `every` seconds between kills, `faults` a share of all calls."""

    talks: int = 200
    lines: int = 5
    channels: int = 12
    workers: int = 4
    spread: float = 240.0
    every: float = 1.0
    faults: float = 0.05
    stall: float = 10.0  # seconds that the bot waits for the model's next word
    patience: float = 120.0  # seconds without any news, after which what is missing will not come
    quiet: float = 10.0  # seconds that all must stay good; longer than a lease, so that a double would have come


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a storm."""

    seed: int
    verdict: Verdict
    summary: dict[str, str]
    folder: Path

    @property
    def is_good(self) -> bool:
        """Whether the bot came through."""
        return not self.verdict.violations


class World:
    """Everything that takes part in one storm."""

    def __init__(self, seed: int, size: Size, folder: Path, database_url: str) -> None:
        self.seed, self.size, self.folder, self.database_url = seed, size, folder, database_url
        self.slack, self.ai = SlackServer(limits=True), LimitedOpenAI()
        self.slack.retry_delays = REDELIVERIES
        self.model = self.ai.script = Model(self.random("model"), size.faults / 2)
        self.ai_faults = self.ai.faults = OpenAIFaults(self.random("openai"), size.faults / 2)
        self.people = People(self.slack)
        self.valkey = Valkey(folder / "valkey", self.random("port"))
        self.workers: list[Place] = []
        self.webs: list[Place] = []

    def random(self, what: str) -> Random:
        """A source of its own for each part, so that one does not shift the others'."""
        return Random(f"{self.seed} {what}")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Servers, Valkey and bots, from the first to the last."""
        async with self.slack.serving(), self.ai.serving():
            await self.valkey.start()
            settings = environment(self._settings())
            self.workers = [Place("worker", f"worker-{n}", settings, self.folder) for n in range(self.size.workers)]
            self.webs = [Place("web", f"web-{n}", settings, self.folder) for n in range(2)]
            places = (*self.workers, *self.webs)
            try:
                await asyncio.gather(*(p.fill() for p in places))
                yield
            finally:
                await asyncio.gather(*(p.kill() for p in places))
                await self.valkey.end()

    def transcript(self) -> Transcript:
        """What Slack shows now."""
        channels = self.slack.workspace.channels.values()
        messages = [{**m, "channel": c.id} for c in channels for m in c.messages.values()]
        threads = {(a.channel, a.thread) for a in self.people.asked.values()}
        return Transcript(messages, {(c, t): self.slack.workspace.status(c, t) for c, t in threads if t})

    def notes(self) -> list[Note]:
        """The effects, as the database holds them."""
        engine = create_engine(make_url(self.database_url))
        with engine.connect() as connection:
            rows = connection.execute(text("SELECT person, channel, text FROM notes")).all()
        engine.dispose()
        return [Note(*row) for row in rows]

    def _settings(self) -> dict[str, str]:
        return {
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_APP_TOKEN": self.slack.app_token,
            "SLACK_API_URL": self.slack.api_url,
            "OPENAI_API_KEY": self.ai.api_key,
            "OPENAI_BASE_URL": self.ai.base_url,
            "OPENAI_STALL_SECONDS": str(self.size.stall),
            "REDIS_URL": self.valkey.url,
            "DATABASE_URL": self.database_url,
            "DATA_DIR": str(self.folder),
            "HOST": "127.0.0.1",
            "PORT": "0",
        }


async def chaos(seed: int, size: Size, folder: Path, database_url: str = "") -> Outcome:
    """One storm. Its transcript, its story and the logs of all processes are in `folder` afterwards."""
    world = World(seed, size, folder, database_url or f"sqlite:///{folder / 'assist.db'}")
    channels = world.people.add_channels(size.channels)
    talks = plan(world.random("people"), talks=size.talks, lines=size.lines, channels=channels, spread=size.spread)
    total = size.talks * size.lines
    async with world.running():
        began = time.monotonic()
        storm = Storm(
            world.workers, world.webs, world.valkey, world.slack, world.random("storm"),
            every=size.every, said=lambda: len(world.people.asked) / total,
        )  # fmt: skip
        slack_faults = SlackFaults(world.slack, world.random("slack"), size.faults)
        telling = asyncio.create_task(_tell(world, storm, total, began))
        storm.blow()
        await world.people.talk(talks)
        await storm.calm()
        slack_faults.stop()
        world.model.share = world.ai_faults.share = 0.0
        verdict = await _settled(world)
        telling.cancel()
        lasted = time.monotonic() - began
    summary = _summary(world, storm, slack_faults, verdict, lasted)
    outcome = Outcome(seed, verdict, summary, folder)
    _write(outcome, world, storm)
    return outcome


async def _settled(world: World) -> Verdict:
    """The verdict, once nothing is wrong and stays so for `quiet` seconds, or once nothing has changed for `patience`."""
    good_since = news_at = told_at = time.monotonic()
    before = None
    while True:
        verdict = await asyncio.to_thread(_judged, world)
        now = time.monotonic()
        seen = (len(world.slack.calls), len(world.ai.requests), len(verdict.violations))
        calls = world.slack.calls[-1].at if world.slack.calls else 0.0
        if (seen, calls) != before:
            before, news_at = (seen, calls), now
        if verdict.violations:
            good_since = now
        if verdict.violations and now - told_at > TELL_EVERY:
            told_at = now
            print(f"not good yet: {_counted(Counter(v.kind for v in verdict.violations))}", flush=True)
        if now - good_since > world.size.quiet or now - news_at > world.size.patience:
            return verdict
        await asyncio.sleep(1)


def _judged(world: World) -> Verdict:
    return judge(world.people.asked.values(), world.transcript(), world.notes())


async def _tell(world: World, storm: Storm, total: int, began: float) -> None:
    while True:
        await asyncio.sleep(TELL_EVERY)
        people = world.people
        print(
            f"{time.monotonic() - began:5.0f} s: {len(people.asked)} of {total} said, {len(people.whole)} answered, "
            f"{storm.done['workers killed']} workers killed, {sum(p.works for p in world.workers)} at work",
            flush=True,
        )


def _summary(world: World, storm: Storm, slack: SlackFaults, verdict: Verdict, lasted: float) -> dict[str, str]:
    people = world.people
    waits = sorted(people.whole[w] - people.said_at[w] for w in people.whole)
    middle = f", half of them within {waits[len(waits) // 2]:.1f} s" if waits else ""
    ended: Counter[int] = sum((p.ended for p in (*world.workers, *world.webs)), Counter())
    return {
        "seed": str(world.seed),
        "messages": str(len(people.asked)),
        "answers": str(verdict.answers),
        "done to the processes": _counted(storm.done),
        "faults of Slack": _counted(slack.struck()),
        "faults of OpenAI": _counted(world.ai_faults.struck + Counter(world.model.broken)),
        "429s beyond those": f"Slack {_counted(world.slack.refused)}; OpenAI {world.ai.refused}",
        "processes that ended by themselves": _counted(ended),
        "events that Slack gave up delivering": str(people.undelivered),
        "small print": _counted(verdict.footers),
        "statuses left to lapse": str(len(verdict.lingering)),
        "longest wait for a whole answer": f"{max(waits, default=0):.1f} s{middle}",
        "lasted": f"{lasted:.0f} s",
        "verdict": f"{len(verdict.violations)} VIOLATIONS" if verdict.violations else "good",
    }


def _counted(counts: Counter[str] | Counter[int]) -> str:
    return ", ".join(f"{count} × {what}" for what, count in sorted(counts.items(), key=str) if count) or "none"


def _write(outcome: Outcome, world: World, storm: Storm) -> None:
    transcript = world.transcript()
    whole = {
        "summary": outcome.summary,
        "violations": [asdict(v) for v in outcome.verdict.violations],
        "asked": [asdict(a) for a in world.people.asked.values()],
        "notes": [asdict(n) for n in world.notes()],
        "story": storm.story,
        "statuses": [[*place, said] for place, said in transcript.statuses.items() if said],
        "messages": transcript.messages,
    }
    (outcome.folder / "transcript.json").write_text(json.dumps(whole, indent=1, ensure_ascii=False), encoding="utf-8")


def _arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    default = Size()
    parser.add_argument("--seed", type=int, help="that of an earlier storm; a new one if it is not given")
    parser.add_argument("--threads", type=int, default=default.talks)
    parser.add_argument("--messages", type=int, default=default.lines, help="in each thread")
    parser.add_argument("--channels", type=int, default=default.channels)
    parser.add_argument("--workers", type=int, default=default.workers)
    parser.add_argument("--spread", type=float, default=default.spread, help="seconds within which the threads begin")
    parser.add_argument("--every", type=float, default=default.every, help="seconds between two kills of workers")
    parser.add_argument("--faults", type=float, default=default.faults, help="the share of calls that fail")
    parser.add_argument("--database", default="", help="URL of an empty database; SQLite in the folder if not given")
    parser.add_argument(
        "--folder", type=Path, help="for transcript, logs and data; empty, or a temporary one if not given"
    )
    return parser.parse_args(given)


async def _stoppable(storm: Coroutine[Any, Any, Outcome]) -> Outcome:
    """SIGTERM ends it as Ctrl-C does, so that no process of ours outlives it."""
    task = asyncio.create_task(storm)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task


def main() -> int:
    """Runs a storm as the command line says, and prints what came of it."""
    said = _arguments()
    seed = SystemRandom().randrange(1_000_000) if said.seed is None else said.seed
    folder = said.folder or Path(tempfile.mkdtemp(prefix="chaos-"))
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        sys.exit(f"{folder} is not empty: what an earlier storm left there would be taken for this one's")
    size = Size(
        said.threads,
        said.messages,
        said.channels,
        said.workers,
        spread=said.spread,
        every=said.every,
        faults=said.faults,
    )
    print(
        f"seed {seed}: {size.talks} threads × {size.lines} messages, {size.workers} workers; all is kept in {folder}",
        flush=True,
    )
    outcome = asyncio.run(_stoppable(chaos(seed, size, folder.resolve(), said.database)))
    for name, value in outcome.summary.items():
        print(f"{name + ':':<38} {value}")
    for violation in outcome.verdict.violations:
        print(violation)
    if not outcome.is_good:
        print(f"seed {seed}; the transcript is {folder / 'transcript.json'}, the logs are beside it")
    return int(not outcome.is_good)


if __name__ == "__main__":
    sys.exit(main())
