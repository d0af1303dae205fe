"""Answers at once: a burst of them, or (`--seconds`) so many running all the time. The bot is one process, `assist run`.

How long from the model's first token to the first words in Slack, and from its last to the whole text; how far what Slack shows lags behind;
how much of what Slack allows is used; what the bot spends in CPU and memory; how fast it acks.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from bench.figures import at, lag, mean, under_load, used
from bench.questions import CHARACTERS_A_TOKEN, QUIET, Questions
from bench.stage import CHANNELS, Process, Stage, stage
from playground.slack.arguments import METHODS
from playground.slack.limits import RATES

EDITS = ("chat.update", "chat.startStream", "chat.appendStream", "chat.stopStream")
REST_SECONDS = 30.0  # until Slack's buckets are full again
LOOK_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Figures:
    """One line of the table. Times in milliseconds; `budget` says what share of the calls that Slack allowed was made, by method."""

    at_once: int
    answers: int
    first: Sequence[float]
    whole: Sequence[float]
    lag: float
    edits: float
    budget: str
    cpu_per_1000_tokens: float
    cpu_share: float
    memory_mb: float
    acks: Sequence[float]
    refused: Counter[str]
    wrong: int

    HEAD = (
        "| at once | answers | first text p50 / p95 ms | whole text p50 / p95 / max ms | lag, characters | edits an answer | budget used under load (in all) "
        "| CPU s / 1,000 tokens | CPU of one core | memory MB | ack p50 / p99 ms | 429s | lost or wrong |\n"
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|"
    )

    def row(self) -> str:
        """The line as Markdown."""
        timed = "" if len(self.whole) == self.answers else f" ({len(self.whole)} timed)"
        whole, refused = self.whole, ", ".join(f"{method} {n}" for method, n in self.refused.items())
        return (
            f"| {self.at_once} | {self.answers}{timed} | {at(self.first, 50):.0f} / {at(self.first, 95):.0f} "
            f"| {at(whole, 50):.0f} / {at(whole, 95):.0f} / {at(whole, 100):.0f} | {self.lag:.0f} | {self.edits:.1f} | {self.budget or '–'} "
            f"| {self.cpu_per_1000_tokens:.2f} | {self.cpu_share:.0%} | {self.memory_mb:.0f} | {at(self.acks, 50):.0f} / {at(self.acks, 99):.0f} "
            f"| {refused or 0} | {self.wrong} |"
        )


async def measure(stage: Stage, bot: Process, at_once: int, tokens: int, seconds: float = 0) -> Figures:
    """Asks `at_once` questions at the same time and waits for all answers; with `seconds`, each that is whole is followed by the next."""
    questions = Questions(stage, tokens)
    refused = stage.slack.refused.copy()
    cpu, began = bot.cpu_seconds(), time.monotonic()
    patience = 60 + tokens / (stage.ai.tokens_per_second or 1000) * 2 + at_once
    memory: list[float] = []
    looking = asyncio.create_task(_look(questions, bot, memory, learn=seconds > 0))
    try:
        if seconds:
            await asyncio.gather(*(_ask_on(questions, began + seconds, patience) for _ in range(at_once)))
        else:
            for _ in range(at_once):
                questions.ask()
        await questions.answered(patience)
        await stage.finished(patience)
        ended, spent = time.monotonic(), bot.cpu_seconds() - cpu
        await asyncio.sleep(QUIET)
    finally:
        looking.cancel()
        await asyncio.wait([looking])
    await questions.learn_times()
    answers = list(questions.answers.values())
    told = [(a, a.begun, a.ended) for a in answers if a.begun is not None and a.ended is not None and a.steps]
    events = [e for e in stage.slack.delivery.events if e.sent_at >= began and e.kind in ("message", "app_mention")]
    calls = [c for c in stage.slack.calls if c.ok and c.at >= began]
    return Figures(
        at_once=at_once,
        answers=len(answers),
        first=[(next((t for t, n in a.steps if n), ended) - begun) * 1000 for a, begun, _ in told],
        whole=[(a.steps[-1][0] - end) * 1000 for a, _, end in told],
        lag=mean([lag(a.steps, begun, end, len(a.said)) for a, begun, end in told]),
        edits=sum(c.method in EDITS for c in calls) / len(answers),
        budget=budget(stage, [(begun, a.steps[-1][0]) for a, begun, _ in told]) if stage.slack.limits.on else "",
        cpu_per_1000_tokens=spent / sum(len(a.said) for a in answers) * CHARACTERS_A_TOKEN * 1000,
        cpu_share=spent / (ended - began),
        memory_mb=max(memory),
        acks=[(e.acked_at - e.sent_at) * 1000 for e in events if e.acked_at is not None],
        refused=stage.slack.refused - refused,
        wrong=sum(not a.is_right() for a in answers) + sum(e.acked_at is None for e in events),
    )


async def _ask_on(questions: Questions, until: float, patience: float) -> None:
    while time.monotonic() < until:
        with suppress(TimeoutError):  # a lost answer is counted, and holds up no more than itself
            await asyncio.wait_for(questions.ask().whole.wait(), patience)


async def _look(questions: Questions, bot: Process, memory: list[float], *, learn: bool) -> None:
    while True:
        memory.append(bot.memory_mb())
        if learn:  # OpenAI keeps the newest responses only; after a burst they are all there
            await questions.learn_times()
        await asyncio.sleep(LOOK_SECONDS)


def budget(stage: Stage, growing: Sequence[tuple[float, float]]) -> str:
    """The share of each method's budget that was used while more answers grew than edits were left, and (in brackets) from the first token
    to the last whole text. `growing`: from when to when each answer grew.
    """
    if not growing:
        return ""
    begin, end = min(b for b, _ in growing), max(e for _, e in growing)
    taken = {m: [c.at for c in stage.slack.calls if c.method == m and c.status != 429] for m in EDITS}
    rates = {m: RATES[METHODS[m].tier] for m in EDITS}
    edits, burst = rates["chat.update"]
    load = under_load(growing, [t for t in taken["chat.update"] if t <= end], edits / 60, burst)
    shares = []
    for method, (a_minute, most) in rates.items():
        if not any(begin <= t <= end for t in taken[method]) and method != "chat.update":
            continue
        loaded = f"{used(taken[method], a_minute / 60, most, *load):.0%}" if load else "–"
        shares.append(f"{method} {loaded} ({used(taken[method], a_minute / 60, most, begin, end):.0%})")
    return ", ".join(shares)


async def main(chosen: argparse.Namespace) -> int:
    """Prints the table; returns 1 when an answer was lost or wrong, or an event not acked."""
    settings = {"STREAMING": chosen.streaming} if chosen.streaming else {}
    async with stage(limits=chosen.limits, settings=settings) as the_stage:
        the_stage.ai.tokens_per_second, the_stage.ai.first_token = chosen.rate, 0.5
        print(
            f"{chosen.tokens} tokens an answer, {chosen.rate:g} a second, {CHANNELS} channels, Slack's limits {'on' if chosen.limits else 'off'}"
            + (f", so many running for {chosen.seconds:g} s" if chosen.seconds else "")
            + (f", STREAMING={chosen.streaming}" if chosen.streaming else "")
            + f"\n\n{Figures.HEAD}",
            flush=True,
        )
        wrong = 0
        for n, at_once in enumerate(chosen.at_once):
            if n and chosen.limits:
                await asyncio.sleep(chosen.rest)
            async with the_stage.bot() as bot:
                figures = await measure(the_stage, bot, at_once, chosen.tokens, chosen.seconds)
            print(figures.row(), flush=True)
            wrong += figures.wrong
    return int(wrong > 0)


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--at-once", type=int, nargs="+", default=[1, 10, 30, 50, 200])
    parser.add_argument("--tokens", type=int, default=200, help="of each answer")
    parser.add_argument("--rate", type=float, default=20, help="tokens a second")
    parser.add_argument(
        "--seconds", type=float, default=0, help="keep so many running for this long, in place of a burst"
    )
    parser.add_argument("--limits", action="store_true", help="enforce Slack's limits, and pace the bot for them")
    parser.add_argument("--streaming", help="passed on as STREAMING, e.g. edits, native or auto")
    parser.add_argument(
        "--rest", type=float, default=REST_SECONDS, help="seconds between two lines with --limits: Slack's buckets fill"
    )
    return parser


if __name__ == "__main__":
    sys.exit(asyncio.run(main(arguments().parse_args())))
