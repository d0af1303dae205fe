"""`make bench`: answers at once. The bot runs as its own process; this process is Slack, OpenAI and the clock.

For each number of answers at once: how long from the model's first token to the first words in Slack, from its last token to the whole text,
how many edits an answer took, what the bot spent in CPU seconds for 1,000 streamed tokens and in memory, and how fast it acked events.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openai import AsyncOpenAI

from playground.openai import OpenAIServer, Script, Step, text
from playground.slack import SlackServer

CHANNELS = 10
CHARACTERS_A_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Figures:
    """One line of the table. Times in milliseconds."""

    at_once: int
    first_p50: float
    first_p95: float
    whole_p50: float
    whole_p95: float
    edits: float
    cpu_per_1000_tokens: float
    cpu_share: float
    memory_mb: float
    ack_p50: float
    ack_p99: float
    refused: int
    wrong: int

    HEAD = (
        "| answers at once | first text p50 / p95 ms | whole text p50 / p95 ms | edits an answer | CPU s / 1,000 tokens | CPU of one core | memory MB "
        "| ack p50 / p99 ms | 429s | lost or wrong |\n|---|---|---|---|---|---|---|---|---|---|"
    )

    def row(self) -> str:
        """The line as Markdown."""
        return (
            f"| {self.at_once} | {self.first_p50:.0f} / {self.first_p95:.0f} | {self.whole_p50:.0f} / {self.whole_p95:.0f} | {self.edits:.1f} "
            f"| {self.cpu_per_1000_tokens:.2f} | {self.cpu_share:.0%} | {self.memory_mb:.0f} | {self.ack_p50:.0f} / {self.ack_p99:.0f} "
            f"| {self.refused} | {self.wrong} |"
        )


class Process:
    """The bot's process, as /proc shows it."""

    def __init__(self, pid: int) -> None:
        self._stat, self._status = Path(f"/proc/{pid}/stat"), Path(f"/proc/{pid}/status")

    def cpu_seconds(self) -> float:
        """User and system time so far."""
        fields = self._stat.read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self) -> float:
        """The resident set."""
        line = next(row for row in self._status.read_text().splitlines() if row.startswith("VmRSS"))
        return int(line.split()[1]) / 1024


@asynccontextmanager
async def bot_process(slack: SlackServer, ai: OpenAIServer, folder: str, *, pace: bool) -> AsyncIterator[int]:
    """`assist run` against the local servers, with the embedded Valkey; yields its pid."""
    env = {
        "PATH": os.environ["PATH"],
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "SLACK_API_URL": slack.api_url,
        "OPENAI_API_KEY": ai.api_key,
        "OPENAI_BASE_URL": ai.base_url,
        "DATA_DIR": folder,
        "PORT": "0",
        "SLACK_PACE": "on" if pace else "off",
        "LOG_LEVEL": "WARNING",
    }
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "bot", "run", env=env)
    try:
        async with asyncio.timeout(20):
            while not slack.delivery.sockets.connections:  # noqa: ASYNC110  # the server tells of messages, not of sockets
                await asyncio.sleep(0.05)
        yield process.pid
    finally:
        process.terminate()
        await process.wait()


def answer_text(n: int, tokens: int) -> str:
    """A text of about `tokens` tokens that says which answer it is."""
    words = f"Answer {n:04} begins here and goes on with plain words, some of them **bold**, until it has been long enough. "
    return (words * (tokens * CHARACTERS_A_TOKEN // len(words) + 1))[: tokens * CHARACTERS_A_TOKEN].strip()


async def measure(slack: SlackServer, ai: OpenAIServer, pid: int, at_once: int, tokens: int) -> Figures:
    """Asks `at_once` questions at the same time and waits for all answers."""
    texts = {n: answer_text(n, tokens) for n in range(at_once)}
    steps: list[Step] = [text(said, match=f"question {n:04}.") for n, said in texts.items()]
    ai.script = Script(*steps)
    ai.timings.clear()
    slack.calls.clear()
    slack.delivery.events.clear()
    refused_before = sum(slack.refused.values())
    process = Process(pid)
    cpu, began = process.cpu_seconds(), time.monotonic()
    channels = [c for c in slack.workspace.channels.values() if c.name.startswith("bench-")]
    asked = {
        n: (
            channels[n % len(channels)].id,
            slack.workspace.say("ana", channels[n % len(channels)], f"@assist question {n:04}."),
        )
        for n in texts
    }
    memory = 0.0
    deadline = time.monotonic() + 60 + tokens / (ai.tokens_per_second or 1000) * 2 + at_once
    while time.monotonic() < deadline and not all(_whole(slack, *asked[n], texts[n]) for n in texts):
        memory = max(memory, process.memory_mb())
        await asyncio.sleep(0.25)
    spent, lasted = process.cpu_seconds() - cpu, time.monotonic() - began
    return await _figures(slack, ai, asked, texts, spent, lasted, memory, sum(slack.refused.values()) - refused_before)


def _whole(slack: SlackServer, channel: str, ts: str, said: str) -> bool:
    own = [m for m in slack.workspace.messages(channel, ts) if m.get("bot_id")]
    blocks: list[dict[str, Any]] = own[0]["blocks"] if len(own) == 1 else []
    return [b.get("text") for b in blocks] == [said]


async def _figures(
    slack: SlackServer,
    ai: OpenAIServer,
    asked: dict[int, tuple[str, str]],
    texts: dict[int, str],
    spent: float,
    lasted: float,
    memory: float,
    refused: int,
) -> Figures:
    tokens_at = await _token_times(ai)
    first, whole, edits = [], [], []
    for n, (channel, ts) in asked.items():
        writes = [c for c in slack.calls if c.ok and _writes_to(c.method, c.args, channel, ts, c.ts, slack)]
        with_words = [c for c in writes if "'markdown'" in str(c.args.get("blocks"))]
        if not with_words or n not in tokens_at:
            continue
        first.append((with_words[0].at - tokens_at[n][0]) * 1000)
        whole.append((with_words[-1].at - tokens_at[n][1]) * 1000)
        edits.append(sum(c.method == "chat.update" for c in writes))
    acks = [
        (e.acked_at - e.sent_at) * 1000
        for e in slack.delivery.events
        if e.acked_at is not None and e.kind in ("message", "app_mention")
    ]
    streamed = sum(len(t) for t in texts.values()) / CHARACTERS_A_TOKEN
    return Figures(
        at_once=len(texts),
        first_p50=_at(first, 50), first_p95=_at(first, 95), whole_p50=_at(whole, 50), whole_p95=_at(whole, 95),
        edits=statistics.fmean(edits) if edits else 0,
        cpu_per_1000_tokens=spent / streamed * 1000, cpu_share=spent / lasted, memory_mb=memory,
        ack_p50=_at(acks, 50), ack_p99=_at(acks, 99), refused=refused,
        wrong=sum(not _whole(slack, *asked[n], texts[n]) for n in texts),
    )  # fmt: skip


def _writes_to(method: str, args: dict[str, object], channel: str, root: str, ts: str, slack: SlackServer) -> bool:
    if method == "chat.postMessage":
        return args.get("channel") == channel and args.get("thread_ts") == root
    if method != "chat.update" or args.get("channel") != channel:
        return False
    return any(m["ts"] == (ts or args.get("ts")) for m in slack.workspace.messages(channel, root))


async def _token_times(ai: OpenAIServer) -> dict[int, tuple[float, float]]:
    """When each answer's first and last token was sent, by the number in its text."""
    found = {}
    async with AsyncOpenAI(api_key=ai.api_key, base_url=ai.base_url) as client:
        for response_id, times in list(ai.timings.items()):
            said = (await client.responses.retrieve(response_id)).output_text
            if said.startswith("Answer "):
                found[int(said.split()[1])] = times
    return found


def _at(values: Sequence[float], percent: int) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] if ordered else float("nan")


async def main(numbers: Sequence[int], tokens: int, rate: float, *, limits: bool) -> int:
    """Prints the table; returns 1 when an answer was lost or wrong."""
    slack, ai = SlackServer(limits=limits), OpenAIServer()
    ai.tokens_per_second, ai.first_token = rate, 0.5
    for n in range(CHANNELS):
        slack.workspace.add_channel(f"bench-{n}", members=["ana", "assist"])
    print(
        f"{tokens} tokens an answer, {rate:g} a second, {CHANNELS} channels, Slack's limits {'on' if limits else 'off'}\n\n{Figures.HEAD}"
    )
    bad = 0
    with tempfile.TemporaryDirectory() as folder:  # one for all: what is left of Slack's budget is remembered in it
        async with slack.serving(), ai.serving():
            for number in numbers:
                async with bot_process(slack, ai, folder, pace=limits) as pid:
                    figures = await measure(slack, ai, pid, number, tokens)
                print(figures.row(), flush=True)
                if figures.refused:
                    print(f"  refused by Slack so far: {dict(slack.refused)}", file=sys.stderr)
                bad += figures.wrong
    return int(bad > 0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--at-once", type=int, nargs="+", default=[1, 10, 50, 200])
    parser.add_argument("--tokens", type=int, default=200, help="of each answer")
    parser.add_argument("--rate", type=float, default=20, help="tokens a second")
    parser.add_argument("--limits", action="store_true", help="enforce Slack's limits, and pace the bot for them")
    chosen = parser.parse_args()
    sys.exit(asyncio.run(main(chosen.at_once, chosen.tokens, chosen.rate, limits=chosen.limits)))
