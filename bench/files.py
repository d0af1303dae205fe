"""What files cost a bot: seconds from the share to the answer, and how far a large one swells the process that it passes through."""

from __future__ import annotations

import argparse
import asyncio
import http.client
import io
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

from bench.stage import Process, Stage, stage

MEGABYTE = 1_000_000
SECONDS = 240.0  # that an answer may take
LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Figures:
    """One line of the table. `growth_mb`: the process's peak over its size before; `stall`: the longest time its /health took; `stored`: at OpenAI."""

    what: str
    seconds: float
    growth_mb: float
    stall: float
    stored: int
    stored_mb: float

    HEAD = "| files | seconds to the whole answer | peak memory grows by MB | slowest /health, s | files at OpenAI | their MB |\n|---|---|---|---|---|---|"

    def row(self) -> str:
        """The line as Markdown."""
        return f"| {self.what} | {self.seconds:.1f} | {self.growth_mb:.0f} | {self.stall:.2f} | {self.stored} | {self.stored_mb:.1f} |"


async def measure(stage: Stage, bot: Process, what: str, files: Sequence[tuple[str, bytes | Path]]) -> Figures:
    """Shares files in one message with a question, and waits for its answer."""
    bot.forget_peak()
    ws, before = stage.slack.workspace, bot.memory_mb()
    stored, began = set(stage.ai.files), time.monotonic()
    over = threading.Event()
    watching = asyncio.create_task(asyncio.to_thread(_slowest, bot.port, over))
    shared = [ws.add_file("ana", name, content) for name, content in files]
    ts = ws.say("ana", "bench-0", "@assist hello", files=shared)
    await stage.slack.until(lambda: any(m.get("bot_id") for m in ws.messages("bench-0", ts)), timeout=SECONDS)
    await stage.finished(SECONDS)
    seconds = time.monotonic() - began
    over.set()
    stall = await watching
    sizes = [f.size for id_, f in stage.ai.files.items() if id_ not in stored]
    return Figures(what, seconds, bot.peak_mb() - before, stall, len(sizes), sum(sizes) / MEGABYTE)


def _slowest(port: str, over: threading.Event) -> float:
    """The longest that /health takes until it is over: a loop that stalls answers late. In a thread, because ours serves Slack and OpenAI."""
    slowest = 0.0
    while not over.wait(LOOK_SECONDS):
        asked = time.monotonic()
        client = http.client.HTTPConnection("127.0.0.1", int(port), timeout=60)
        client.request("GET", "/health")
        client.getresponse().read()
        client.close()
        slowest = max(slowest, time.monotonic() - asked)
    return slowest


def pdf(size: int) -> bytes:
    """A PDF with a page of text, and an attachment of so many bytes."""
    writer = PdfWriter()
    page = writer.add_blank_page(200, 200)
    font = {"/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": "/Helvetica"}
    fonts = DictionaryObject(
        {NameObject("/F1"): DictionaryObject({NameObject(k): NameObject(v) for k, v in font.items()})}
    )
    page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
    drawn = DecodedStreamObject()
    drawn.set_data(b"BT /F1 12 Tf 10 100 Td (The hotel limit in Lisbon is 160 EUR a night.) Tj ET")
    page[NameObject("/Contents")] = drawn
    writer.add_attachment("ballast", bytes(size))
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def written(folder: Path, name: str, line: bytes, size: int) -> Path:
    """A file of many lines."""
    path = folder / name
    with path.open("wb") as file:
        for _ in range(size // MEGABYTE):
            file.write(line * (MEGABYTE // len(line)))
    return path


async def main(megabytes: int, count: int) -> int:
    """Prints the table."""
    async with stage() as the_stage:
        the_stage.ai.tokens_per_second = the_stage.ai.first_token = 0
        size, folder = megabytes * MEGABYTE, the_stage.folder
        large = folder / "large.pdf"
        large.write_bytes(pdf(size))
        cases: list[tuple[str, list[tuple[str, bytes | Path]]]] = [
            ("a PDF of 1 MB", [("one.pdf", pdf(MEGABYTE))]),
            (f"a PDF of {megabytes} MB", [("large.pdf", large)]),
            (f"a CSV of {megabytes} MB", [("large.csv", written(folder, "large.csv", b"Lisbon,160,EUR\n", size))]),
            (f"a text of {megabytes} MB", [("large.txt", written(folder, "large.txt", b"Lisbon is at sea.\n", size))]),
            (f"{count} texts", [(f"{n}.txt", b"The limit in city %d is %d EUR." % (n, n)) for n in range(count)]),
        ]
        async with the_stage.bot(OPENAI_STALL_SECONDS="60") as bot:
            print(f"One bot with the embedded Valkey\n\n{Figures.HEAD}", flush=True)
            await measure(the_stage, bot, "a text", [("warm.txt", b"Warm up.")])
            for what, files in cases:
                print((await measure(the_stage, bot, what, files)).row(), flush=True)
                the_stage.ai.vector_stores.clear()
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--count", type=int, default=50)
    arguments = parser.parse_args()
    sys.exit(asyncio.run(main(arguments.megabytes, arguments.count)))
